//! Long bodies are cut into windows, which fusion then treats apart.
//!
//! Fusion asks what one iteration of a kernel computes, by demand and all the way back to what is in memory, and asks again
//! when it has put a value there. In a loop that was written out a hundred times all the way back is very far, and the
//! questions become ever more. So the values that cross certain places of a long body are put into memory from the
//! start. Each place is where the fewest elements cross, which in a loop written out is between two iterations. All
//! windows are then fused at once, in as many rounds as a short body takes, and compile time is linear in length.

use crate::compile::block::{Block, Class};
use cotangent_ir::{Inst, Value};

/// Bodies of at most this many instructions are treated as a whole.
const LONG: usize = 512;

/// Least and most instructions in a window.
const LEAST: usize = 128;
const MOST: usize = 320;

/// The expressions that cross from one window of a long body to another.
pub(super) fn crossing(block: &Block<'_>) -> Vec<Value> {
    let insts = block.func.insts();
    if insts.len() <= LONG {
        return Vec::new();
    }
    let last = last_uses(block);
    let computed = computed(block);
    // A value crosses the place before instruction `at` if it is defined earlier and used there or later.
    let spans: Vec<(Value, usize, usize)> = insts
        .iter()
        .enumerate()
        .flat_map(|(position, inst)| inst.results().map(move |value| (value, position + 1)))
        .map(|(value, first)| (value, first, last[value.index()]))
        .filter(|&(value, first, last)| computed[value.index()] && first <= last && !block.is_materialised(value))
        .collect();
    let mut elements = vec![0i64; insts.len() + 2];
    for &(value, first, last) in &spans {
        let len = block.ty(value).len() as i64;
        elements[first] += len;
        elements[last + 1] -= len;
    }
    for position in 1..elements.len() {
        elements[position] += elements[position - 1];
    }
    let mut places = Vec::new();
    let mut start = 0;
    while insts.len() - start > MOST {
        let place = (start + LEAST..=start + MOST).min_by_key(|&place| (elements[place], std::cmp::Reverse(place)));
        start = place.unwrap_or(start + MOST);
        places.push(start);
    }
    let crosses = |first: usize, last: usize| {
        places.get(places.partition_point(|&place| place < first)).is_some_and(|&place| place <= last)
    };
    spans.into_iter().filter(|&(_, first, last)| crosses(first, last)).map(|(value, ..)| value).collect()
}

/// Whether an instruction only says where the elements of its operands are found.
fn is_view(block: &Block<'_>, position: usize, inst: &Inst) -> bool {
    block.class(position) == Class::Inline && inst.results().all(|value| block.view(value).is_some())
}

/// Positions of the last instructions that use each value, itself or through views of it.
fn last_uses(block: &Block<'_>) -> Vec<usize> {
    let mut last = vec![0; block.func.value_count()];
    for (position, inst) in block.func.insts().iter().enumerate().rev() {
        let through = inst.results().map(|value| last[value.index()]).max().unwrap_or(0);
        let at = if is_view(block, position, inst) { position.max(through) } else { position };
        for arg in &inst.args {
            last[arg.index()] = last[arg.index()].max(at);
        }
    }
    last
}

/// The values that are computed from data: neither views nor functions of constants, which are best computed anew.
fn computed(block: &Block<'_>) -> Vec<bool> {
    let count = block.func.value_count();
    let (mut from_data, mut computed) = (vec![false; count], vec![false; count]);
    for value in block.func.params() {
        from_data[value.index()] = true;
    }
    for (position, inst) in block.func.insts().iter().enumerate() {
        let depends = block.class(position) != Class::Inline || inst.args.iter().any(|arg| from_data[arg.index()]);
        for value in inst.results() {
            from_data[value.index()] = depends;
            computed[value.index()] = depends && !is_view(block, position, inst);
        }
    }
    computed
}

#[cfg(test)]
mod tests {
    use super::{LONG, MOST, crossing};
    use crate::compile::block::Block;
    use crate::compile::{Options, compile_uncached, prepared};
    use crate::{Array, DType, jit};

    /// One value crosses between iterations, many within; the constant `arange` crosses everywhere.
    #[test]
    fn windows_end_where_little_crosses() {
        let steps = 200;
        let unrolled = jit(move |mut x: Array| {
            let weight = Array::arange(100, DType::F32);
            for _ in 0..steps {
                let (a, b) = (x.sin(), x.cos());
                x = (&a * &b + (a - b) * &weight).tanh();
            }
            x
        });
        let traced = unrolled.traced(&Array::zeros(&[100], DType::F32)).unwrap();
        let func = prepared(&traced.func).unwrap();
        assert!(func.insts().len() > LONG);
        let block = Block::new(&func);
        let crossing = crossing(&block);
        assert!(crossing.iter().all(|&value| block.inst(value).is_some_and(|inst| inst.prim.name == "tanh")));
        assert!(crossing.len() >= func.insts().len() / MOST && crossing.len() < steps / 4, "{}", crossing.len());
    }

    /// Stencils and sums reach across the cuts; results are those of a program in which every instruction is a kernel.
    #[test]
    fn windows_compute_the_same() {
        let unrolled = jit(|mut x: Array| {
            for _ in 0..60 {
                let below = x.narrow(0, 1, 99).pad_zeros(&[(0, 1, 0)]);
                let mean = x.sum() / 100.0;
                x = ((&x * 0.5 + below * 0.25).sin() + (&x - mean).cos() * 0.1).tanh();
            }
            x
        });
        let x = Array::arange(100, DType::F32).sin();
        let traced = unrolled.traced(&x).unwrap();
        assert!(prepared(&traced.func).unwrap().insts().len() > LONG);
        let run = |options: Options| {
            let results = compile_uncached(&traced.func, &options).unwrap().call(&[x.tensor().unwrap()]).unwrap();
            Array::from_tensor(results.into_iter().next().unwrap()).to_vec::<f32>().unwrap()
        };
        let (fused, apart) = (run(Options::default()), run(Options { fuse: false, ..Options::default() }));
        assert!(fused.iter().zip(&apart).all(|(a, b)| (a - b).abs() < 1e-4), "{fused:?} and {apart:?}");
    }

    #[test]
    fn short_bodies_stay_whole() {
        let traced = jit(|x: Array| (x.sin() + 1.0).cos()).traced(&Array::zeros(&[100], DType::F32)).unwrap();
        assert!(crossing(&Block::new(&traced.func)).is_empty());
    }
}
