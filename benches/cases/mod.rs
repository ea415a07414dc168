//! The cases that all benches measure: a name, a program, its arguments. Programs in other languages that do the same on
//! the same data stand in `benches/peers` under the same names.

mod data;
mod programs;

use cotangent::{Array, Function, Tree, jit};
use cotangent_ir::Func;
use std::hint::black_box;

/// A case. Nothing is allocated before it is [prepared](Case::prepare).
pub(crate) struct Case {
    /// What the case is called on every side of a comparison.
    pub(crate) name: &'static str,
    prepare: Box<dyn Fn() -> Prepared>,
}

/// A case with its data in memory and its program compiled.
pub(crate) struct Prepared {
    /// Runs the program once and drops the results, or overwrites the former ones.
    pub(crate) call: Box<dyn FnMut()>,
    /// Traces the program from its closure, past everything that is kept between calls.
    pub(crate) trace: Box<dyn Fn() -> Func>,
    /// The leaves of the result.
    pub(crate) results: Vec<Array>,
}

/// What becomes of the results of one call at the next.
#[derive(Clone, Copy)]
enum Results {
    /// Every call allocates its results.
    Fresh,
    /// Every call overwrites those of the last.
    Overwritten,
}

impl Case {
    fn new<F, A, M>(
        name: &'static str,
        results: Results,
        function: impl Fn() -> F + Clone + 'static,
        args: impl Fn() -> A + 'static,
    ) -> Case
    where
        F: Function<A, M> + 'static,
        A: Tree + 'static,
        F::Output: 'static,
        M: 'static,
    {
        let prepare = move || {
            let compiled = jit(function());
            let args = args();
            let mut output = compiled.call(args.clone()).expect("the program of a case is free of mistakes");
            let results_of_first_call = output.leaves();
            let trace: Box<dyn Fn() -> Func> = Box::new({
                let (function, args) = (function.clone(), args.clone());
                move || jit(function()).traced(&args).expect("the program was traced before").func
            });
            let call: Box<dyn FnMut()> = match results {
                Results::Fresh => Box::new(move || {
                    black_box(compiled.call(args.clone()).expect("the program ran before"));
                }),
                Results::Overwritten => {
                    // Arrays shared with another handle would not be overwritten but replaced.
                    output = compiled.call(args.clone()).expect("the program ran before");
                    Box::new(move || {
                        compiled.call_into(args.clone(), &mut output).expect("the output is a former result");
                        black_box(&output);
                    })
                }
            };
            Prepared { call, trace, results: results_of_first_call }
        };
        Case { name, prepare: Box::new(prepare) }
    }

    /// Makes the data, compiles the program and runs it once.
    pub(crate) fn prepare(&self) -> Prepared {
        (self.prepare)()
    }
}

/// All cases, in the order in which they are reported.
pub(crate) fn all() -> Vec<Case> {
    use Results::{Fresh, Overwritten};
    let image = |n: usize| move || data::uniform(&[n, n], 0.0, 1.0);
    // Large enough that squares of the last, tiny residuals are normal numbers: speed shall not depend on denormal ones.
    let right_side = |n: usize| move || data::uniform(&[n, n], 0.0, 1e6);
    let vectors =
        || (Array::from(2.5f32), data::uniform(&[10_000_000], -1.0, 1.0), data::uniform(&[10_000_000], 0.0, 3.0));
    let angles = |count: usize| move || data::uniform(&[count], -10.0, 10.0);
    vec![
        Case::new("cg100_256", Fresh, || programs::conjugate_gradient(256), right_side(256)),
        Case::new("cg100_1024", Fresh, || programs::conjugate_gradient(1024), right_side(1024)),
        Case::new("pdhg_tv100_256", Fresh, || programs::primal_dual_denoising(256), image(256)),
        Case::new("pdhg_tv100_1024", Fresh, || programs::primal_dual_denoising(1024), image(1024)),
        Case::new("tv_grad_512", Fresh, programs::total_variation_and_gradient, image(512)),
        Case::new("tv_grad_2048", Fresh, programs::total_variation_and_gradient, image(2048)),
        Case::new("axpy_1e7", Fresh, || programs::scale_and_add, vectors),
        Case::new("axpy_1e7_into", Overwritten, || programs::scale_and_add, vectors),
        Case::new("sin_1e6", Fresh, || programs::sine, angles(1_000_000)),
        Case::new("tiny_16", Fresh, || programs::sine_plus_identity, angles(16)),
        Case::new("tiny_16_into", Overwritten, || programs::sine_plus_identity, angles(16)),
    ]
}
