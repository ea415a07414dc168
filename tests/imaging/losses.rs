//! Losses: Hessians, and what is refused.

use crate::sample::{INEXACT, assert_all_close, combined, elements, random, tolerance};
use cotangent::functional::{Functional, L1Norm, NonNegativeIndicator, Prox};
use cotangent::linop::{Boundary, Diagonal, FiniteDifference, LinOp, MatrixOperator};
use cotangent::loss::{Loss, PoissonLoss, SquaredL2AbsLoss, SquaredL2Loss, SquaredL2SquaredAbsLoss};
use cotangent::{Array, BlockArray, DType, ErrorKind, Type, Variable};

fn blocks(dtype: DType, seed: u64) -> BlockArray {
    BlockArray::new([random(dtype, &[3, 4], seed), random(dtype, &[5], seed + 1000)]).unwrap()
}

#[test]
fn the_hessian_is_the_second_derivative() {
    for dtype in INEXACT {
        let a = MatrixOperator::new(random(dtype, &[5, 4], 60)).unwrap();
        let weights = random(dtype.real(), &[5], 61).abs();
        let loss = SquaredL2Loss::new(random(dtype, &[5], 62)).unwrap().operator(a).unwrap();
        for loss in [loss.clone(), loss.weights(weights).unwrap().scale(1.3)] {
            let (x, v) = (random(dtype, &[4], 63), random(dtype, &[4], 64));
            let hessian = loss.hessian().unwrap();
            let change = loss.grad(&(&x + &v)).unwrap() - loss.grad(&x).unwrap();
            let error = elements(&(hessian.apply(&v) - change)).iter().map(|value| value.norm()).fold(0.0, f64::max);
            assert!(error < 20.0 * tolerance(dtype), "{dtype}: {error}");
        }
    }
}

/// Of block arrays: operators between arrays and block arrays, in any combination.
#[test]
fn the_hessian_of_blocks_is_the_second_derivative() {
    for dtype in INEXACT {
        let ty = blocks(dtype, 1).ty().unwrap();
        let to_blocks = FiniteDifference::blocks(Type::new(dtype, &[4, 3]), Boundary::OPEN).unwrap();
        let to_blocks: LinOp<Array, BlockArray> = to_blocks.into();
        let from_blocks = LinOp::<BlockArray, Array>::from_function(ty, |x: &BlockArray| {
            x[0].sum_axes(&[0]) - 2.0 * x[1].narrow(0, 1, 4)
        });
        let diagonal: LinOp<BlockArray, BlockArray> = Diagonal::new(blocks(dtype, 2)).unwrap().into();
        assert_hessian(&to_blocks, dtype);
        assert_hessian(&from_blocks.unwrap(), dtype);
        assert_hessian(&diagonal, dtype);
    }
}

#[track_caller]
fn assert_hessian<X: Variable, Y: Variable>(operator: &LinOp<X, Y>, dtype: DType) {
    let drawn = |types: &[Type], dtype: DType, seed: u64| -> Vec<Array> {
        types.iter().zip(seed..).map(|(ty, seed)| random(dtype, &ty.shape, seed)).collect()
    };
    let (input, output) = (operator.input_type(), operator.output_type());
    let x = |seed| X::placeholder(&input).with_leaves(drawn(X::array_types(&input), dtype, seed));
    let y = |dtype, seed| Y::placeholder(&output).with_leaves(drawn(Y::array_types(&output), dtype, seed));
    let loss = SquaredL2Loss::new(y(dtype, 3)).unwrap().operator(operator.clone()).unwrap();
    let weights = y(dtype.real(), 4).map_leaves(|leaf| leaf.abs());
    for loss in [loss.clone(), loss.weights(weights).unwrap().scale(1.3)] {
        let (at, v) = (x(5), x(6));
        let hessian = loss.hessian().unwrap();
        let change = combined(1.0, &loss.grad(&combined(1.0, &at, 1.0, &v)).unwrap(), -1.0, &loss.grad(&at).unwrap());
        let off = combined(1.0, &hessian.apply(&v), -1.0, &change);
        let error = off.leaves().iter().flat_map(elements).map(|value| value.norm()).fold(0.0, f64::max);
        assert!(error < 20.0 * tolerance(dtype), "{dtype}: {error}");
        // The gradient at 0 is that of the normal equations.
        let zero = at.map_leaves(|leaf| leaf.zeros_like());
        assert_all_close(
            &combined(-1.0, &loss.grad(&zero).unwrap(), 0.0, &zero),
            &loss.weighted_data(),
            "weighted data",
        );
    }
}

#[test]
fn losses_refuse_what_does_not_fit() {
    let y = random(DType::F32, &[3], 70);
    let loss = SquaredL2Loss::new(y).unwrap();
    let message = |result: cotangent::Result<SquaredL2Loss>| result.unwrap_err().to_string();
    let matrix = MatrixOperator::new(random(DType::F32, &[4, 2], 71)).unwrap();
    assert!(message(loss.clone().operator(matrix)).contains("shape of the operator's output"));
    assert!(message(loss.clone().weights(Array::from(vec![1.0f32, -1.0, 0.0]))).contains("must not be negative"));
    assert!(message(loss.clone().weights(Array::from(vec![1.0f32]))).contains("one for each datum"));
    assert!(message(loss.clone().weights(Array::from(vec![1.0f32, f32::NAN, 0.0]))).contains("must be finite"));
    assert!(message(loss.weights(Array::zeros(&[3], DType::C64))).contains("must be real"));
    let complex = Array::zeros(&[3], DType::C64);
    assert!(SquaredL2AbsLoss::new(complex).unwrap_err().message().contains("must be real"));
    let negative = SquaredL2SquaredAbsLoss::new(Array::from([1.0f32, -2.0])).unwrap();
    let error = negative.prox(&Array::from([1.0f32, 1.0]), 1.0.into()).error().unwrap().clone();
    assert_eq!(error.kind(), ErrorKind::Argument);
    assert!(error.message().contains("not negative, but one is -2"));
    let line = Array::from([1.0f32, 2.0, 3.0]);
    let wide = Array::zeros(&[2, 2], DType::F32);
    let losses: [&dyn Prox; 4] = [
        &SquaredL2Loss::new(line.clone()).unwrap(),
        &Loss::new(line.clone(), L1Norm::new()).unwrap(),
        &SquaredL2AbsLoss::new(line.clone()).unwrap(),
        &SquaredL2SquaredAbsLoss::new(line.clone()).unwrap(),
    ];
    for loss in losses {
        assert_eq!(loss.value(&wide).error().unwrap().kind(), ErrorKind::Shape);
        assert_eq!(loss.prox(&wide, 1.0.into()).error().unwrap().kind(), ErrorKind::Shape);
        assert_eq!(loss.grad(&wide).unwrap_err().kind(), ErrorKind::Shape);
        assert_eq!(loss.grad(&Array::from([1, 2, 3i32])).unwrap_err().kind(), ErrorKind::DType);
    }
    let poisson = PoissonLoss::new(line.clone()).unwrap();
    assert_eq!(poisson.value(&wide).error().unwrap().kind(), ErrorKind::Shape);
    assert_eq!(PoissonLoss::new(Array::zeros(&[3], DType::C64)).unwrap_err().kind(), ErrorKind::DType);
    let magnitudes = SquaredL2AbsLoss::new(line.clone()).unwrap();
    for (weights, kind) in [
        (Array::from([1.0f32, -1.0, 0.0]), ErrorKind::Argument),
        (Array::from([1.0f32, f32::INFINITY, 0.0]), ErrorKind::Argument),
        (Array::from([1.0f32]), ErrorKind::Shape),
        (Array::zeros(&[3], DType::C64), ErrorKind::DType),
    ] {
        assert_eq!(magnitudes.clone().weights(weights.clone()).unwrap_err().kind(), kind);
        let squared = SquaredL2SquaredAbsLoss::new(line.clone()).unwrap();
        assert_eq!(squared.weights(weights).unwrap_err().kind(), kind);
    }
    let wrong = &line + Array::from([1.0f32; 2]);
    assert_eq!(SquaredL2Loss::new(wrong).unwrap_err().kind(), ErrorKind::Shape);
    let blocks = BlockArray::new([line.clone(), wide.clone()]).unwrap();
    let of_blocks = SquaredL2Loss::new(blocks).unwrap();
    let fewer = BlockArray::new([line.clone()]).unwrap();
    assert_eq!(of_blocks.value(&fewer).error().unwrap().kind(), ErrorKind::Shape);
    assert_eq!(of_blocks.clone().weights(fewer).unwrap_err().kind(), ErrorKind::Shape);
    let complex = Array::zeros(&[2], DType::C64);
    assert!(NonNegativeIndicator::new().value(&complex).error().unwrap().message().contains("no order"));
}
