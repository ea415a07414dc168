//! What constructors and applications refuse beyond the cases beside their laws: types, shapes, numbers out of range, arrays
//! and blocks without elements.

use crate::sample::random;
use cotangent::linop::{
    Boundary, CircularConvolve, Convolve, ConvolveByX, ConvolveMode, Crop, Dft, Diagonal, Filter, FiniteDifference,
    Identity, LinOp, MatrixOperator, Pad, ProjectedGradient, Reshape, ScaledIdentity, SingleAxisFiniteDifference,
    SingleAxisHaarTransform, Slice, Sum, VerticalStack,
};
use cotangent::operator::{BiConvolve, Map, Op};
use cotangent::{Array, BlockArray, BlockType, Border, DType, ErrorKind, Index, Result, Type, metric};

/// A case: what came out, of which kind the error is, and what it says.
type Case = (Result<()>, ErrorKind, &'static str);

fn case<T>(result: Result<T>, kind: ErrorKind, words: &'static str) -> Case {
    (result.map(|_| ()), kind, words)
}

fn given(x: Array, kind: ErrorKind, words: &'static str) -> Case {
    case(x.error().map_or(Ok(()), |error| Err(error.clone())), kind, words)
}

fn check(cases: Vec<Case>) {
    for (position, (result, kind, words)) in cases.into_iter().enumerate() {
        let error = result.err().unwrap_or_else(|| panic!("case {position}, {words:?}, was accepted"));
        assert!(error.message().contains(words), "case {position}: {error}");
        assert_eq!(error.kind(), kind, "case {position}: {error}");
    }
}

#[test]
fn linear_operators_refuse_types_and_shapes() {
    use ErrorKind::{Argument, DType as Kind, Shape};
    let ty = Type::new(DType::F32, &[4, 5]);
    let none = ty.with_shape(&[0, 5]);
    let point = ty.with_shape(&[]);
    let integers = ty.with_dtype(DType::I32);
    let h = || random(DType::F32, &[2, 2], 1);
    let wrong = || random(DType::F32, &[2], 1) + random(DType::F32, &[3], 2);
    let convolve = |filter: Filter, input: &Type| CircularConvolve::new(filter, input.clone());
    let matrix = || LinOp::from(MatrixOperator::new(h()).unwrap());
    check(vec![
        case(Diagonal::new(wrong()), Shape, ""),
        case(Diagonal::with_input(random(DType::F32, &[3], 1), ty.clone()), Shape, "do not broadcast"),
        case(MatrixOperator::new(random(DType::F32, &[2, 2, 2], 1)), Shape, "takes a matrix"),
        case(MatrixOperator::new(wrong()), Shape, ""),
        given(matrix().apply(&Array::zeros(&[3], DType::F32)), Shape, "shape [2]"),
        given(matrix().adjoint(&Array::zeros(&[2], DType::C64)), Kind, "convert it"),
        case(convolve(Filter::new(random(DType::I32, &[2, 2], 1)), &integers), Kind, "astype"),
        case(convolve(Filter::new(h()).axes(3), &ty), Argument, "use at most these"),
        case(
            convolve(Filter::transform(random(DType::C64, &[4, 5], 1)).center(&[0.0, 0.0]), &ty),
            Argument,
            "a center",
        ),
        case(convolve(Filter::new(h()).center(&[0.0]), &ty), Argument, "give one for each"),
        case(convolve(Filter::new(h()).center(&[0.0, f64::NAN]), &ty), Argument, "finite"),
        case(Convolve::new(random(DType::F32, &[3], 1), ty.clone(), ConvolveMode::Same), Shape, ""),
        case(ConvolveByX::new(random(DType::F32, &[3], 1), ty.clone(), ConvolveMode::Same), Shape, ""),
        case(Dft::new(Type::new(DType::C64, &[])), Shape, "has none"),
        case(Pad::border(none.clone(), &[(1, 0), (0, 0)], Border::Edge), Shape, "without elements"),
        case(Pad::border(ty.clone(), &[(1, 0), (0, 0)], Border::LinearRamp(2.0)), Argument, "not linear"),
        case(Pad::zeros(point.clone(), &[(1, 1)]), Argument, "give one for each axis"),
        case(Crop::new(ty.clone(), &[(1, 0)]), Argument, "give one for each axis"),
        case(Reshape::new(none.clone(), &[1]), Shape, ""),
        case(Slice::new(ty.clone(), &[Index::from(&Array::from([0i32]))]), Argument, "Array::at"),
        case(Slice::new(ty.clone(), &[Index::All, Index::All, Index::All]), Argument, ""),
        case(Sum::along(ty.clone(), &[2]), Argument, ""),
        case(SingleAxisFiniteDifference::new(none.clone(), 0, Boundary::OPEN), Shape, "no elements along axis 0"),
        case(SingleAxisFiniteDifference::new(point.clone(), 0, Boundary::OPEN), Argument, "out of range"),
        case(FiniteDifference::along(ty.clone(), &[], Boundary::CIRCULAR), Argument, "at least one"),
        case(ProjectedGradient::along(ty.clone(), &[2]), Argument, ""),
        case(SingleAxisHaarTransform::new(point, 0), Argument, "out of range"),
    ]);
}

#[test]
fn other_operators_and_maps_refuse_what_does_not_fit() {
    use ErrorKind::{Argument, DType as Kind, Shape};
    let line = Type::new(DType::F32, &[3]);
    let blocks = BlockType::new(DType::F32, &[vec![3], vec![2]]);
    let one = BlockType::new(DType::F32, &[vec![3]]);
    let sum = Op::new(line.clone(), |x: &Array| x.sum()).unwrap();
    let square = Op::new(line.clone(), |x: &Array| x.square()).unwrap();
    let of_one = Op::new(one, |x: &BlockArray| x[0].clone()).unwrap();
    let whole = Op::from(BiConvolve::new(blocks, ConvolveMode::Full).unwrap());
    let x = || Array::from([1.0f32, 2.0, 3.0]);
    let wide = || Array::zeros(&[2, 2], DType::F32);
    let map = Map::new(&[line.clone(), line.clone()], |args| &args[0] * &args[1]).unwrap();
    let mixed = Map::new(&[line.clone(), line.with_dtype(DType::F64)], |args| args[0].clone()).unwrap();
    check(vec![
        case(square.after(&sum), Shape, "cannot follow"),
        given(square.apply(&wide()), Shape, "shape [3]"),
        given((&square + &sum).apply(&x()), Shape, "do not combine"),
        case(of_one.freeze(0, &x()), Argument, "of several"),
        case(whole.freeze(0, &wide()), Shape, "reshape, crop or pad"),
        case(whole.slice(2, &[x()]), Argument, ""),
        case(Map::new(&[], |_| Array::from(0.0f32)), Argument, "at least one array"),
        given(map.apply(&[x()]), Argument, "takes 2 arrays, got 1"),
        case(map.slice(2, &[x()]), Argument, "count from 0"),
        case(map.slice(0, &[]), Argument, "fixes 1 arrays, got 0"),
        case(map.jvp(0, &x(), &[x()]), Argument, "takes 2 arrays"),
        case(map.jvp(2, &x(), &[x(), x()]), Argument, "count from 0"),
        case(map.vjp(0, &[x()]), Argument, "takes 2 arrays"),
        case(map.jacobian(3, &[x(), x()]), Argument, "count from 0"),
        case(mixed.join(), Kind, "one dtype"),
    ]);
}

#[test]
fn metrics_refuse_images_of_two_shapes() {
    let (x, wide) = (Array::from([1.0f32, 2.0, 3.0]), Array::zeros(&[2, 2], DType::F32));
    let refused = [
        metric::mae(&x, &wide),
        metric::mse(&x, &wide),
        metric::snr(&x, &wide),
        metric::psnr(&x, &wide, None),
        metric::isnr(&x, &x, &wide),
        metric::bsnr(&x, &wide),
    ];
    check(refused.into_iter().map(|value| given(value, ErrorKind::Shape, "differ in shape")).collect());
}

/// Operators on blocks of which some have no elements leave these as they are.
#[test]
fn empty_blocks_pass_through_operators() {
    let ty = BlockType::new(DType::F64, &[vec![0, 2], vec![3]]);
    let x = BlockArray::new([Array::zeros(&[0, 2], DType::F64), random(DType::F64, &[3], 1)]).unwrap();
    let diagonal = LinOp::from(Diagonal::new(x.clone()).unwrap());
    let identity = LinOp::from(Identity::new(ty.clone()));
    let twice = LinOp::from(ScaledIdentity::new(2.0, ty.clone()));
    for operator in [diagonal, identity, twice] {
        assert_eq!(operator.apply(&x).ty().unwrap(), ty);
        assert_eq!(operator.gram(&x).ty().unwrap(), ty);
        assert!(cotangent::linop::adjoint_error(&operator, 1).unwrap() < 1e-12);
    }
    let members = [3usize, 0].map(|count| LinOp::from(Identity::new(Type::new(DType::F64, &[count]))));
    let side_by_side = LinOp::from(cotangent::linop::DiagonalStack::blocks(members.to_vec()).unwrap());
    assert!(cotangent::linop::adjoint_error(&side_by_side, 1).unwrap() < 1e-12);
    let column = LinOp::from(VerticalStack::blocks(vec![Identity::new(Type::new(DType::F64, &[0])).into()]).unwrap());
    assert_eq!(cotangent::linop::adjoint_error(&column, 1).unwrap(), 0.0);
    // Norms of operators on nothing are 0.
    let nothing = LinOp::from(Identity::new(Type::new(DType::F64, &[0])));
    assert_eq!(cotangent::linop::operator_norm(&nothing, 3).unwrap(), 0.0);
}
