//! A batch computes what a loop over its items computes.

use crate::sample::{self, Application, Random, largest_distance, run};
use cotangent_ir::transform::vmap;
use cotangent_ir::{ALIGNMENT, Bytes, DType, Tensor, Type};

/// Items in a batch.
const SIZE: usize = 3;

#[test]
fn batches_compute_what_loops_do() {
    let mut random = Random::new();
    for application in sample::applications(&mut random) {
        if application.operands.is_empty() {
            continue;
        }
        let count = application.operands.len();
        // Each operand alone, then all together.
        let alone = (0..count).map(|i| (0..count).map(|j| i == j).collect());
        for batched in alone.chain((count > 1).then(|| vec![true; count])) {
            check(&application, &batched, &mut random);
        }
    }
}

fn check(application: &Application, batched: &[bool], random: &mut Random) {
    let operands: Vec<Tensor> = (0..batched.len())
        .map(|i| match batched[i] {
            true => random.tensor(&stacked(application.operands[i].ty()), application.elements[i]),
            false => application.operands[i].clone(),
        })
        .collect();
    let (func, flags) = vmap::batch(&application.func(), batched, SIZE, true)
        .unwrap_or_else(|error| panic!("{application}, batched in {batched:?}: {error}"));
    assert!(flags.iter().all(|&flag| flag), "{application}, batched in {batched:?}: a result without a batch axis");
    let many = run(&func, &operands);
    for item in 0..SIZE {
        let others: Vec<Option<Tensor>> =
            operands.iter().zip(batched).map(|(x, &batched)| batched.then(|| part(x, item))).collect();
        for (i, one) in application.replaced(&others).run().iter().enumerate() {
            let error = largest_distance(&part(&many[i], item), one);
            assert!(
                error <= tolerance(one.ty().dtype),
                "{application}, batched in {batched:?}: result {i} of item {item} is off by {error} (seed {})",
                random.seed
            );
        }
    }
}

/// Sums may be taken in another order.
fn tolerance(dtype: DType) -> f64 {
    match dtype.real() {
        DType::F32 => 1e-5,
        DType::F64 => 1e-13,
        _ => 0.0,
    }
}

fn stacked(ty: &Type) -> Type {
    let shape: Vec<usize> = std::iter::once(SIZE).chain(ty.shape.iter().copied()).collect();
    ty.with_shape(&shape)
}

/// One item of a batch.
fn part(many: &Tensor, item: usize) -> Tensor {
    let ty = many.ty().with_shape(&many.ty().shape[1..]);
    let bytes = &many.bytes()[item * ty.byte_len()..(item + 1) * ty.byte_len()];
    Tensor::from_bytes(ty, Bytes::from_slice(ALIGNMENT, bytes))
}
