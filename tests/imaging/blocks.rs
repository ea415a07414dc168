//! Block arrays: arithmetic, reductions, transformations, and what is refused.

use crate::sample::{assert_close, number, random};
use cotangent::{Array, BlockArray, BlockType, DType, ErrorKind, Tree, grad, jit, vmap};

fn sample(dtype: DType, seed: u64) -> BlockArray {
    BlockArray::new([random(dtype, &[2, 3], seed), random(dtype, &[4], seed + 1)]).unwrap()
}

#[test]
fn operators_pair_blocks_and_share_arrays() {
    let (x, y) = (sample(DType::F64, 1), sample(DType::F64, 3));
    let sum = &x + &y;
    assert_close(&sum[0], &(&x[0] + &y[0]), "blocks");
    assert_close(&sum[1], &(&x[1] + &y[1]), "blocks");
    let column = random(DType::F64, &[1], 5);
    assert_close(&(&x * &column)[1], &(&x[1] * &column), "an array for each block");
    assert_close(&(&column * &x)[1], &(&x[1] * &column), "an array from the left");
    assert_close(&(2.0 - &x)[0], &(2.0 - &x[0]), "a number from the left");
    assert_close(&(-&x / 4.0)[1], &(-&x[1] / 4.0), "a number from the right");
    let product = x.matmul(&BlockArray::new([random(DType::F64, &[3, 1], 6), random(DType::F64, &[4], 7)]).unwrap());
    assert_eq!(product.shape().unwrap(), [vec![2, 1], vec![]]);
}

#[test]
fn comparisons_and_choices_go_block_by_block() {
    let x = sample(DType::F32, 8);
    let positive = x.greater(0.0).select(&x, 0.0);
    assert_close(&positive[0], &x[0].maximum(0.0), "select");
    assert_close(&x.clamp(-0.1, 0.1)[1], &x[1].clamp(-0.1, 0.1), "clamp");
    assert_close(&x.maximum(&(-&x))[1], &x[1].abs(), "maximum");
}

#[test]
fn reductions_run_over_all_blocks() {
    for dtype in [DType::F64, DType::C128] {
        let x = sample(dtype, 9);
        let row = x.ravel();
        assert_close(&x.sum(), &row.sum(), "sum");
        assert_close(&x.prod(), &row.prod(), "prod");
        assert_close(&x.mean(), &row.mean(), "mean");
        assert_close(&x.norm(), &row.norm(), "norm");
        assert_close(&x.vdot(&x), &row.vdot(&row), "vdot");
        assert_close(&x.var(), &(&row - row.mean()).abs2().mean(), "var");
    }
    let x = sample(DType::F64, 10);
    assert_close(&x.max(), &x.ravel().max(), "max");
    assert_close(&x.min(), &x.ravel().min(), "min");
    assert_eq!(
        number(&x.greater(0.0).select(&x, 0.0).count_nonzero()),
        number(&x.greater(0.0).astype(DType::I32).sum())
    );
    assert!(x.less(2.0).all().to_bools().unwrap()[0] && !x.greater(2.0).any().to_bools().unwrap()[0]);
}

#[test]
fn all_transformations_take_block_arrays() {
    let x = sample(DType::F64, 11);
    assert_eq!(x.structure(), "BlockArray[*, *]");
    let loss = |x: BlockArray| (&x * x.abs()).sum() + x.norm();
    let slope = grad(loss).call(x.clone()).unwrap();
    let compiled = jit(grad(loss)).call(x.clone()).unwrap();
    assert_close(&compiled[0], &slope[0], "jit");
    assert_close(&compiled[1], &slope[1], "jit");
    assert_close(&slope[0], &(2.0 * x[0].abs() + &x[0] / x.norm()), "grad");

    let batch = BlockArray::new([random(DType::F64, &[5, 2, 3], 12), random(DType::F64, &[5, 4], 13)]).unwrap();
    let sums = vmap(|x: BlockArray| x.sum()).call(batch.clone()).unwrap();
    let third = BlockArray::new([batch[0].index_axis(0, 2), batch[1].index_axis(0, 2)]).unwrap();
    assert_close(&sums.index_axis(0, 2), &third.sum(), "vmap");
}

#[test]
fn blocks_are_indexed_like_a_list() {
    let x = sample(DType::F32, 14);
    assert_close(x.block(-1).unwrap(), &x[1], "from the end");
    assert_eq!(x.slice(1..2).unwrap().len(), 1);
    let other = x.with_block(-2, Array::from([1.0f32])).unwrap();
    assert_eq!(other.ty().unwrap(), BlockType::new(DType::F32, &[vec![1], vec![4]]));
    assert_eq!(BlockArray::split(&random(DType::F32, &[3, 6], 15)).unwrap().shape().unwrap(), [[6], [6], [6]]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = sample(DType::F32, 16);
    let refused = |error: cotangent::Error, kind, words: &str| {
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
    };
    refused(BlockArray::new([]).unwrap_err(), ErrorKind::Argument, "at least one block");
    let mixed = [Array::from([1.0f32]), Array::from([1.0f64])];
    refused(BlockArray::new(mixed).unwrap_err(), ErrorKind::DType, "block 0 is f32 and block 1 is f64");
    refused(BlockArray::split(&Array::from(1.0f32)).unwrap_err(), ErrorKind::Shape, "has none");
    refused(x.block(2).unwrap_err(), ErrorKind::Argument, "-2..=1");
    refused(x.slice(1..1).unwrap_err(), ErrorKind::Argument, "at least one");
    refused(x.slice(1..3).unwrap_err(), ErrorKind::Argument, "none beyond the last");
    refused(x.with_block(0, Array::from([1.0f64])).unwrap_err(), ErrorKind::DType, "one dtype");
    refused(x.stack(0).unwrap_err(), ErrorKind::Shape, "do not stack");
    let shorter = x.slice(0..1).unwrap();
    refused((&x - shorter).error().unwrap().clone(), ErrorKind::Shape, "2 blocks and 1");
    let crossed = BlockArray::new([x[1].clone(), x[0].clone()]).unwrap();
    refused((&x + crossed).sum().error().unwrap().clone(), ErrorKind::Shape, "");
}
