//! Operators that take or give block arrays: the adjoint law, the algebra, and what is refused; fixed blocks, derivatives.

use crate::sample::{INEXACT, adjoint_tolerance, assert_close, random};
use cotangent::linop::{
    BlockRange, BlockSlice, Boundary, ConvolveMode, CylindricalGradient, Diagonal, DiagonalReplicated, DiagonalStack,
    Edge, FiniteDifference, HaarTransform, Identity, LinOp, MatrixNorm, MatrixOperator, PolarGradient,
    ProjectedGradient, ScaledIdentity, SingleAxisFiniteDifference, SingleAxisFiniteSum, Structure, Sum, VerticalStack,
    adjoint_error, jacobian, operator_norm, over_axes, power_iteration,
};
use cotangent::operator::{BiConvolve, Map, Op, diagonal_stack, replicated, vertical_blocks, vertical_stack};
use cotangent::{Array, BlockArray, BlockType, DType, Error, ErrorKind, Type, Variable};
use num_complex::Complex;

fn matrix(dtype: DType, rows: usize, columns: usize, seed: u64) -> LinOp {
    MatrixOperator::new(random(dtype, &[rows, columns], seed)).unwrap().into()
}

fn block_type(dtype: DType) -> BlockType {
    BlockType::new(dtype, &[vec![2, 3], vec![4]])
}

fn random_of<X: Variable>(ty: &X::Type, seed: u64) -> X {
    let arrays = X::array_types(ty).iter().zip(seed..).map(|(ty, seed)| random(ty.dtype, &ty.shape, seed));
    X::placeholder(ty).with_leaves(arrays.collect())
}

#[track_caller]
fn assert_same<X: Variable>(got: &X, want: &X, what: &str) {
    let (got, want) = (got.leaves(), want.leaves());
    assert_eq!(got.len(), want.len(), "{what}");
    got.iter().zip(&want).for_each(|(got, want)| assert_close(got, want, what));
}

/// The adjoint law, and the declared types.
#[track_caller]
fn assert_adjoint<X: Variable, Y: Variable>(name: &str, operator: &LinOp<X, Y>) {
    let (input, output) = (operator.input_type(), operator.output_type());
    let dtype = X::array_types(&input)[0].dtype;
    let error = adjoint_error(operator, 5).unwrap_or_else(|error| panic!("{name} {dtype}: {error}"));
    assert!(error < adjoint_tolerance(dtype), "{name} {dtype}: the sides differ by {error}");
    let y = operator.apply(&random_of::<X>(&input, 10));
    assert_eq!(y.variable_type().unwrap(), output, "{name}: output");
    assert_eq!(operator.adjoint(&y).variable_type().unwrap(), input, "{name}: adjoint");
}

/// The law for an operator and everything derived from it alone, and that each derived one is what it says.
pub(crate) fn assert_algebra<X: Variable, Y: Variable>(name: &str, a: &LinOp<X, Y>) {
    let (x, y) = (random_of::<X>(&a.input_type(), 20), random_of::<Y>(&a.output_type(), 30));
    let conjugated = |leaf: Array| leaf.conj();
    assert_adjoint(name, a);
    assert_adjoint(&format!("adjoint of {name}"), &a.h());
    assert_adjoint(&format!("transpose of {name}"), &a.t());
    assert_adjoint(&format!("conjugate of {name}"), &a.conj());
    assert_adjoint(&format!("gram of {name}"), &a.gram_op());
    assert_adjoint(&format!("multiple of {name}"), &(-2.5 * a));
    assert_adjoint(&format!("quotient of {name}"), &(a / 2.0));
    assert_adjoint(&format!("double of {name}"), &(a + a));
    assert_adjoint(&format!("difference of {name}"), &(a - &(3.0 * a)));
    assert_adjoint(&format!("composition of {name}"), &(a * a.h() * a));

    let applied = a.apply(&x);
    assert_same(&a.h().apply(&y), &a.adjoint(&y), name);
    assert_same(&a.h().h().apply(&x), &applied, name);
    assert_same(&a.t().apply(&y), &a.adjoint(&y.map_leaves(conjugated)).map_leaves(conjugated), name);
    assert_same(&a.t().t().apply(&x), &applied, name);
    assert_same(&a.conj().apply(&x), &a.apply(&x.map_leaves(conjugated)).map_leaves(conjugated), name);
    assert_same(&a.gram(&x), &a.adjoint(&applied), name);
    assert_same(&a.gram_op().apply(&x), &a.adjoint(&applied), name);
    assert_same(&(-a).apply(&x), &applied.map_leaves(|leaf| -leaf), name);
    assert_same(&(a + &(2.0 * a)).apply(&x), &applied.map_leaves(|leaf| 3.0 * leaf), name);
    assert_same(&(a * a.h()).apply(&y), &a.apply(&a.adjoint(&y)), name);
    if X::array_types(&a.input_type())[0].dtype.is_complex() {
        let c = Complex::new(1.0, -0.5);
        assert_adjoint(&format!("complex multiple of {name}"), &(c * a));
        assert_same(&(c * a).adjoint(&y), &a.adjoint(&y).map_leaves(|leaf| c.conj() * leaf), name);
    }
}

#[test]
fn operators_from_arrays_to_blocks_obey_the_algebra() {
    for dtype in INEXACT {
        let image = Type::new(dtype, &[6, 5]);
        let edges = [None, Some(Edge::Zero), Some(Edge::Value)];
        let all = edges.into_iter().flat_map(|prepend| edges.map(|append| Boundary::Edges { prepend, append }));
        for boundary in all.chain([Boundary::CIRCULAR]) {
            let differences = LinOp::from(FiniteDifference::blocks(image.clone(), boundary).unwrap());
            assert_algebra(&format!("{boundary:?}"), &differences);
        }
        let members = || vec![matrix(dtype, 4, 5, 1), matrix(dtype, 3, 5, 2)];
        assert_algebra("vertical blocks", &LinOp::from(VerticalStack::blocks(members()).unwrap()));
        assert_algebra("diagonal, to blocks", &LinOp::from(DiagonalStack::to_blocks(members()).unwrap()));
        let axes = over_axes(&image, None, |ty, axis| Sum::along(ty, &[axis])).unwrap();
        assert_algebra("sums over axes", &LinOp::from(VerticalStack::blocks(axes).unwrap()));
    }
}

#[test]
fn operators_from_blocks_obey_the_algebra() {
    for dtype in INEXACT {
        let ty = block_type(dtype);
        let diagonal = random_of::<BlockArray>(&ty, 1);
        assert_algebra("identity", &LinOp::from(Identity::new(ty.clone())));
        assert_algebra("multiple of the identity", &LinOp::from(ScaledIdentity::new(-1.7, ty.clone())));
        assert_algebra("diagonal", &LinOp::from(Diagonal::new(diagonal).unwrap()));
        let repeated = BlockArray::new([random(dtype, &[3], 2), random(dtype, &[1], 3)]).unwrap();
        assert_algebra("broadcast diagonal", &LinOp::from(Diagonal::with_input(repeated, ty.clone()).unwrap()));
        assert_algebra("block", &LinOp::from(BlockSlice::new(ty.clone(), 1).unwrap()));
        assert_algebra("range", &LinOp::from(BlockRange::new(ty.clone(), 1..2).unwrap()));
        let members = || vec![matrix(dtype, 4, 5, 1), matrix(dtype, 4, 2, 2)];
        assert_algebra("diagonal blocks", &LinOp::from(DiagonalStack::blocks(members()).unwrap()));
        assert_algebra("diagonal, from blocks", &LinOp::from(DiagonalStack::from_blocks(members()).unwrap()));
        let sums = |x: &BlockArray| x[0].sum_axes(&[1]) + x[1].narrow(0, 1, 2);
        assert_algebra("function", &LinOp::<BlockArray, Array>::from_function(ty, sums).unwrap());
    }
}

/// Operators between arrays of different shapes, too: what is derived from one is what it says, and obeys the law.
#[test]
fn operators_of_all_shapes_obey_the_algebra() {
    for dtype in INEXACT {
        for (name, operator) in crate::operators::operators(dtype) {
            assert_algebra(&name, &operator);
        }
    }
}

/// A chain through blocks: the normal operator of two measurements of different sizes.
#[test]
fn block_operators_compose_with_others() {
    for dtype in INEXACT {
        let both = LinOp::from(VerticalStack::blocks(vec![matrix(dtype, 4, 5, 1), matrix(dtype, 3, 5, 2)]).unwrap());
        let weights = random_of::<BlockArray>(&both.output_type(), 3);
        let weighed = LinOp::from(Diagonal::new(weights.clone()).unwrap()) * &both;
        assert_algebra("weighed", &weighed);
        let x = random(dtype, &[5], 4);
        let want = both.adjoint(&(weights.conj() * (&weights * both.apply(&x))));
        assert_close(&weighed.gram(&x), &want, "normal operator");
        assert_close(&(both.h() * &both).apply(&x), &both.gram(&x), "product");
        // A stack of stacks, which takes blocks.
        let back = VerticalStack::new(vec![weighed.h(), 2.0 * both.h()]).unwrap();
        assert_algebra("stack on blocks", &LinOp::from(back));
    }
}

#[test]
fn blocks_of_one_kind_keep_their_structure() {
    let ty = block_type(DType::F32);
    let identity = LinOp::from(Identity::new(ty.clone()));
    let diagonal = LinOp::from(Diagonal::new(random_of::<BlockArray>(&ty, 1)).unwrap());
    let scaled = |a: &LinOp<BlockArray, BlockArray>| matches!(a.structure(), Structure::ScaledIdentity(_));
    assert!((&identity * &identity).is_identity());
    assert!([&identity + &identity, 3.0 * &identity, -&identity, (2.0 * &identity).gram_op()].iter().all(scaled));
    let diagonals = |a: &LinOp<BlockArray, BlockArray>| matches!(a.structure(), Structure::BlockDiagonal(_));
    assert!([&diagonal * &diagonal, &diagonal + &identity, 2.0 * &diagonal, diagonal.h()].iter().all(diagonals));
    assert!([diagonal.gram_op(), diagonal.conj(), &diagonal * (2.0 * &identity)].iter().all(diagonals));
    let x = random_of::<BlockArray>(&ty, 2);
    let sum = (&diagonal * &diagonal - 2.0 * &identity).apply(&x);
    assert_same(&sum, &(diagonal.apply(&diagonal.apply(&x)) - 2.0 * &x), "fused");
    let chain = LinOp::from(FiniteDifference::blocks(Type::new(DType::F32, &[3, 4]), Boundary::OPEN).unwrap());
    let around = LinOp::from(Identity::new(chain.output_type())) * &chain;
    assert_eq!(around.name(), "FiniteDifference");
}

#[test]
fn norms_of_blocks_are_joint() {
    let blocks = BlockArray::new([Array::from([3.0f64, -4.0]), Array::from([[12.0f64]])]).unwrap();
    let diagonal = Diagonal::new(blocks.clone()).unwrap();
    let norm = |kind| diagonal.norm(kind).item().unwrap();
    assert_eq!([norm(MatrixNorm::Frobenius), norm(MatrixNorm::Nuclear)], [13.0, 19.0]);
    assert_eq!([norm(MatrixNorm::Spectral), norm(MatrixNorm::LeastRow)], [12.0, 3.0]);
    let operator = LinOp::from(diagonal);
    assert!((operator_norm(&operator, 100).unwrap() - 12.0).abs() < 1e-6);
    let (eigenvalue, vector) = power_iteration(&operator, 100, 3).unwrap();
    assert!((eigenvalue.item().unwrap() - 12.0).abs() < 1e-6);
    assert_eq!(vector.ty().unwrap(), blocks.ty().unwrap());
    let three = ScaledIdentity::new(-3.0, blocks.ty().unwrap());
    assert_eq!(three.norm(MatrixNorm::Nuclear).item().unwrap(), 9.0);
    let stack = VerticalStack::blocks(vec![
        Identity::new(Type::new(DType::F32, &[3])).into(),
        SingleAxisFiniteDifference::new(Type::new(DType::F32, &[3]), 0, Boundary::OPEN).unwrap().into(),
    ]);
    assert!((operator_norm(&LinOp::from(stack.unwrap()), 200).unwrap() - 2.0).abs() < 1e-4);
}

/// Members of several dtypes: the output has the promoted one, and real inputs have real adjoints.
#[test]
fn stacks_promote() {
    let ty = Type::new(DType::F32, &[3]);
    let identity = LinOp::from(Identity::new(ty.clone()));
    let turned = Complex::new(0.5, 2.0) * &identity;
    let members = || vec![identity.clone(), turned.clone()];
    assert_adjoint("vertical", &LinOp::from(VerticalStack::new(members()).unwrap()));
    assert_adjoint("vertical blocks", &LinOp::from(VerticalStack::blocks(members()).unwrap()));
    assert_adjoint("diagonal", &LinOp::from(DiagonalStack::new(members()).unwrap()));
    assert_adjoint("diagonal blocks", &LinOp::from(DiagonalStack::blocks(members()).unwrap()));
}

#[test]
fn haar_transforms_are_tight_frames() {
    for dtype in INEXACT {
        let x = random(dtype, &[6, 5], 1);
        let haar = LinOp::from(HaarTransform::new(x.ty().unwrap()).unwrap());
        assert_close(&haar.gram(&x), &(4.0 * &x), "two axes");
    }
}

#[test]
fn jacobians_are_operators() {
    for dtype in INEXACT {
        let function = Op::new(Type::new(dtype, &[4]), |x: &Array| x * x.flip(&[0]).sin()).unwrap();
        let u = random(dtype, &[4], 1);
        let (value, slope) = jacobian(&function, &u).unwrap();
        assert_close(&value, &function.apply(&u), "value");
        assert_algebra("jacobian", &slope);
        let ty = block_type(dtype);
        let blocks = Op::new(ty.clone(), |x: &BlockArray| x[0].sum() * &x[1]).unwrap();
        assert_algebra("jacobian of blocks", &jacobian(&blocks, &random_of::<BlockArray>(&ty, 2)).unwrap().1);
    }
    let ty = Type::new(DType::F32, &[3]);
    let map = Map::new(&[ty.clone(), ty], |args: &[Array]| &args[0] * &args[1] + args[1].square()).unwrap();
    let args = [Array::from([1.0f32, 2.0, 3.0]), Array::from([4.0f32, 5.0, 6.0])];
    let (value, slope) = map.jacobian(0, &args).unwrap();
    assert_eq!(value.to_vec::<f32>().unwrap(), [20.0, 35.0, 54.0]);
    assert_eq!(slope.apply(&Array::from([1.0f32; 3])).to_vec::<f32>().unwrap(), [4.0, 5.0, 6.0]);
}

#[test]
fn fixed_blocks_leave_operators_in_the_others() {
    let ty = BlockType::new(DType::F64, &[vec![3], vec![2]]);
    let both = BiConvolve::new(ty.clone(), ConvolveMode::Full).unwrap();
    let x = random_of::<BlockArray>(&ty, 1);
    let whole = Op::from(both.clone());
    let want = whole.apply(&x);
    assert_close(&LinOp::from(both.freeze_first(x[0].clone()).unwrap()).apply(&x[1]), &want, "first fixed");
    assert_close(&LinOp::from(both.freeze_second(x[1].clone()).unwrap()).apply(&x[0]), &want, "second fixed");
    assert_close(&whole.slice(1, &[x[0].clone()]).unwrap().apply(&x[1]), &want, "the second alone");
    let rest = BlockArray::new([x[1].clone()]).unwrap();
    assert_close(&whole.freeze(0, &x[0]).unwrap().apply(&rest), &want, "the rest as blocks");
    assert_eq!(whole.freeze(0, &x[0]).unwrap().input_type(), BlockType::new(DType::F64, &[vec![2]]));
}

#[test]
fn other_operators_stack() {
    let ty = Type::new(DType::F32, &[2]);
    let square = Op::new(ty.clone(), |x: &Array| x.square()).unwrap();
    let sum = Op::new(ty, |x: &Array| x.sum()).unwrap();
    let x = Array::from([1.0f32, 3.0]);
    let blocks = vertical_blocks(&[square.clone(), sum.clone()]).unwrap().apply(&x);
    assert_eq!((blocks[0].to_vec::<f32>().unwrap(), blocks[1].item().unwrap()), (vec![1.0, 9.0], 4.0));
    let twice = replicated(&square, 2, 1, 0).unwrap();
    assert_eq!(twice.output_type().shape[..], [2, 2]);
    let y = twice.apply(&Array::from([[1.0f32, 2.0], [3.0, 4.0]])).to_vec::<f32>().unwrap();
    assert_eq!(y, [1.0, 9.0, 4.0, 16.0]);
    let refused = vertical_stack(&[square.clone(), sum.clone()]).map(|_| ()).unwrap_err();
    assert!(refused.message().contains("do not stack"), "{refused}");
    let refused = diagonal_stack::<Array, Array>(&[square, sum]).map(|_| ()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Shape);
}

/// What does not fit is refused where the operator is made, in words.
#[test]
fn mistakes_are_refused() {
    let ty = Type::new(DType::F32, &[4, 5]);
    let line = Type::new(DType::F32, &[5]);
    let identity = |ty: &Type| LinOp::from(Identity::new(ty.clone()));
    let pair = || vec![identity(&ty), identity(&line)];
    let double = line.with_dtype(DType::F64);
    let blocks = block_type(DType::F32);
    let both = BiConvolve::new(BlockType::new(DType::F32, &[vec![3], vec![2]]), ConvolveMode::Full).unwrap();
    let three = Array::zeros(&[3], DType::F32);
    let direction =
        |shape: &[usize], count: usize| BlockArray::new(vec![Array::zeros(shape, DType::F32); count]).unwrap();
    let gradient = || ProjectedGradient::new(ty.clone()).unwrap();
    let polar = || PolarGradient::new(ty.clone()).unwrap();
    let freeze = || Op::from(both.clone());
    let function = |f: fn(&Array) -> Array| LinOp::from_function(line.clone(), f).map(|_| ()).unwrap_err();
    let refused: Vec<(Error, ErrorKind, &str)> = vec![
        (VerticalStack::<Array>::new(vec![]).unwrap_err(), ErrorKind::Argument, "at least one operator"),
        (VerticalStack::new(pair()).unwrap_err(), ErrorKind::Shape, "do not stack"),
        (VerticalStack::blocks(pair()).unwrap_err(), ErrorKind::Shape, "take one input"),
        (DiagonalStack::new(pair()).unwrap_err(), ErrorKind::Shape, "blocks of a block array"),
        (DiagonalStack::blocks(vec![]).unwrap_err(), ErrorKind::Argument, "at least one operator"),
        (
            DiagonalStack::blocks(vec![identity(&line), identity(&double)]).unwrap_err(),
            ErrorKind::DType,
            "take one dtype",
        ),
        (DiagonalReplicated::along(identity(&line), 3, 2, 0).unwrap_err(), ErrorKind::Argument, "use one of -2..=1"),
        (DiagonalReplicated::along(identity(&line), 3, 0, -3).unwrap_err(), ErrorKind::Argument, "output axis -3"),
        (FiniteDifference::new(ty.clone(), Boundary::OPEN).unwrap_err(), ErrorKind::Shape, "FiniteDifference::blocks"),
        (HaarTransform::along(ty.clone(), &[0, -2]).unwrap_err(), ErrorKind::Argument, "twice"),
        (SingleAxisFiniteSum::new(ty.clone(), 2).unwrap_err(), ErrorKind::Argument, "out of range"),
        (ProjectedGradient::along(ty.clone(), &[]).unwrap_err(), ErrorKind::Argument, "at least one"),
        (gradient().onto(&[]).unwrap_err(), ErrorKind::Argument, "at least one direction"),
        (gradient().onto(&[direction(&[4, 5], 3)]).unwrap_err(), ErrorKind::Shape, "give one for each"),
        (gradient().onto(&[direction(&[4, 4], 2)]).unwrap_err(), ErrorKind::Shape, "do not broadcast"),
        (gradient().onto(&[direction(&[2, 4, 5], 2)]).unwrap_err(), ErrorKind::Shape, "larger than"),
        (PolarGradient::new(line.clone()).unwrap_err(), ErrorKind::Argument, "2 axes"),
        (CylindricalGradient::new(ty.clone()).unwrap_err(), ErrorKind::Argument, "3 axes"),
        (polar().components(&[]).unwrap_err(), ErrorKind::Argument, "at least one component"),
        (polar().around(&[1.0, f64::NAN]).unwrap_err(), ErrorKind::Argument, "finite"),
        (polar().axes(&[0]).unwrap_err(), ErrorKind::Argument, "2 axes"),
        (BiConvolve::new(blocks.clone(), ConvolveMode::Full).unwrap_err(), ErrorKind::Shape, ""),
        (
            BiConvolve::new(BlockType::new(DType::F32, &[[3]]), ConvolveMode::Full).unwrap_err(),
            ErrorKind::Argument,
            "two blocks",
        ),
        (both.freeze_second(three.clone()).unwrap_err(), ErrorKind::Shape, "block 1 is f32[2], got f32[3]"),
        (freeze().freeze(2, &three).map(|_| ()).unwrap_err(), ErrorKind::Argument, "count from 0"),
        (freeze().slice(0, &[]).map(|_| ()).unwrap_err(), ErrorKind::Argument, "give each other"),
        (Diagonal::with_input(direction(&[3], 1), blocks.clone()).unwrap_err(), ErrorKind::Shape, "for each block"),
        (function(Array::square), ErrorKind::Transform, "not linear"),
    ];
    for (error, kind, words) in refused {
        assert!(error.message().contains(words), "{error}");
        assert_eq!(error.kind(), kind, "{error}");
    }
    let open = LinOp::from(FiniteDifference::blocks(ty.clone(), Boundary::OPEN).unwrap());
    let wrong = open.apply(&Array::zeros(&[5, 4], DType::F32));
    assert!(wrong.error().unwrap().message().contains("takes an array of shape [4, 5]"));
    let wrong = open.adjoint(&BlockArray::zeros(&[[3, 5]], DType::F32).unwrap());
    assert_eq!(wrong.error().unwrap().kind(), ErrorKind::Shape);
    let wrong = (LinOp::from(Identity::new(blocks)) * &open).apply(&Array::zeros(&[4, 5], DType::F32));
    assert!(wrong.error().unwrap().message().contains("cannot follow"));
    let circular = LinOp::from(FiniteDifference::blocks(ty.clone(), Boundary::CIRCULAR).unwrap());
    let wrong = (&open + &circular).apply(&Array::zeros(&[4, 5], DType::F32));
    assert!(wrong.error().unwrap().message().contains("do not add"));
}
