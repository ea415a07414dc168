//! The adjoint law and the algebra of linear operators.

use crate::sample::{INEXACT, adjoint_tolerance, assert_close, random};
use cotangent::linop::{
    BlockRange, BlockSlice, Boundary, CircularConvolve, Convolve, ConvolveByX, ConvolveMode, Crop, Cylindrical,
    CylindricalGradient, Dft, Diagonal, DiagonalReplicated, DiagonalStack, Edge, Filter, FiniteDifference, FiniteSum,
    HaarTransform, Identity, LinOp, LinearOperator, MatrixOperator, Pad, Polar, PolarGradient, ProjectedGradient,
    Reshape, ScaledIdentity, SingleAxisFiniteDifference, SingleAxisFiniteSum, SingleAxisHaarTransform, Slice,
    Spherical, SphericalGradient, Structure, Sum, Transpose, VerticalStack, adjoint_error, operator_norm,
    power_iteration,
};
use cotangent::{Array, BlockArray, BlockType, Border, DType, ErrorKind, Index, Type, jit, vmap};
use num_complex::Complex;

/// Every operator, of odd and even extents, on inputs of one dtype.
pub(crate) fn operators(dtype: DType) -> Vec<(String, LinOp)> {
    let image = Type::new(dtype, &[6, 5]);
    let stack = Type::new(dtype, &[3, 4, 5]);
    let mut found: Vec<(String, LinOp)> = vec![
        ("identity".into(), Identity::new(image.clone()).into()),
        ("scaled".into(), ScaledIdentity::new(-1.7, image.clone()).into()),
        ("diagonal".into(), Diagonal::new(random(dtype, &[6, 5], 1)).unwrap().into()),
        ("matrix".into(), MatrixOperator::new(random(dtype, &[4, 7], 2)).unwrap().into()),
        ("columns".into(), MatrixOperator::with_columns(random(dtype, &[4, 7], 2), 3).unwrap().into()),
    ];
    for (from, by) in [(vec![5], vec![6, 1]), (vec![6, 5], vec![1, 5]), (vec![1, 5], vec![6, 1])] {
        let diagonal = Diagonal::with_input(random(dtype, &by, 3), Type::new(dtype, &from)).unwrap();
        found.push((format!("diagonal {by:?} on {from:?}"), diagonal.into()));
    }
    let edges = [None, Some(Edge::Zero), Some(Edge::Value)];
    let mut boundaries = vec![Boundary::CIRCULAR];
    for prepend in edges {
        boundaries.extend(edges.map(|append| Boundary::Edges { prepend, append }));
    }
    for boundary in boundaries {
        let single = SingleAxisFiniteDifference::new(image.clone(), 0, boundary).unwrap();
        found.push((format!("{boundary:?} along 0"), single.into()));
        if let Ok(all) = FiniteDifference::new(image.clone(), boundary) {
            found.push((format!("{boundary:?}"), all.into()));
        }
    }
    let some = FiniteDifference::along(stack.clone(), &[0, -1], Boundary::append(Edge::Zero)).unwrap();
    found.push(("differences along two of three".into(), some.into()));
    for (name, filter, input) in [
        ("plain", Filter::new(random(dtype, &[3, 4], 4)), &image),
        ("centered", Filter::new(random(dtype, &[3, 4], 4)).center(&[1.0, 2.0]), &image),
        ("between", Filter::new(random(dtype, &[3, 3], 4)).center(&[0.5, 1.25]), &image),
        ("cropped", Filter::new(random(dtype, &[8, 9], 4)), &image),
        ("last axis", Filter::new(random(dtype, &[3], 5)).axes(1), &image),
        ("stack of inputs", Filter::new(random(dtype, &[2, 3], 6)).axes(2), &stack),
        ("several filters", Filter::new(random(dtype, &[3, 2, 3], 7)).axes(2), &image),
        ("one each", Filter::new(random(dtype, &[3, 2, 3], 7)).axes(2), &stack),
        ("transform", Filter::transform(random(dtype.complex().unwrap(), &[6, 5], 8)), &image),
    ] {
        let convolution = CircularConvolve::new(filter, input.clone()).unwrap();
        found.push((format!("convolution, {name}"), convolution.into()));
    }
    let filters = Filter::new(random(dtype, &[3, 2, 3], 9)).axes(2);
    let singleton = CircularConvolve::new(filters, Type::new(dtype, &[1, 4, 5])).unwrap();
    found.push(("convolution, singleton axis".into(), singleton.into()));
    for mode in [ConvolveMode::Full, ConvolveMode::Same, ConvolveMode::Valid] {
        let h = random(dtype, &[3, 2], 11);
        found.push((format!("{mode:?}"), Convolve::new(h.clone(), image.clone(), mode).unwrap().into()));
        found.push((format!("{mode:?} by x"), ConvolveByX::new(h, image.clone(), mode).unwrap().into()));
    }
    for border in [Border::Edge, Border::Reflect, Border::Symmetric, Border::Wrap, Border::Mean] {
        found.push((format!("{border:?}"), Pad::border(image.clone(), &[(1, 2), (0, 3)], border).unwrap().into()));
    }
    let odd = Index::Slice { start: Some(1), end: None, step: 2 };
    found.extend([
        ("zeros around".into(), Pad::zeros(image.clone(), &[(1, 2), (0, 3)]).unwrap().into()),
        ("crop".into(), Crop::new(image.clone(), &[(1, 2), (0, 3)]).unwrap().into()),
        ("slice".into(), Slice::new(image.clone(), &[odd, Index::At(-1)]).unwrap().into()),
        ("sum".into(), Sum::new(image.clone()).into()),
        ("sums".into(), Sum::along(stack.clone(), &[0, -1]).unwrap().into()),
        ("kept sums".into(), Sum::keeping(stack.clone(), &[1]).unwrap().into()),
        ("transpose".into(), Transpose::along(stack, &[2, 0, 1]).unwrap().into()),
        ("reshape".into(), Reshape::new(image.clone(), &[3, 10]).unwrap().into()),
    ]);
    found.extend(gradients(dtype));
    found.extend(stacks(dtype));
    if dtype.is_complex() {
        let dft = || Dft::new(image.clone()).unwrap();
        found.push(("transform".into(), dft().into()));
        found.push(("orthonormal transform".into(), dft().orthonormal().into()));
        found.push(("padded transform".into(), dft().sizes(&[9, 4]).unwrap().into()));
        found.push(("transform along 1".into(), dft().along(&[1]).unwrap().scaled_forward().into()));
    }
    found
}

/// Gradients and Haar transforms.
fn gradients(dtype: DType) -> Vec<(String, LinOp)> {
    let (image, volume) = (Type::new(dtype, &[6, 5]), Type::new(dtype, &[4, 5, 3]));
    let plain = || ProjectedGradient::new(image.clone()).unwrap();
    let direction =
        |seed| BlockArray::new([random(dtype.real(), &[6, 1], seed), random(dtype.real(), &[6, 5], seed + 1)]).unwrap();
    let polar = || PolarGradient::new(image.clone()).unwrap();
    let spherical = || SphericalGradient::new(volume.clone()).unwrap();
    vec![
        ("gradient".into(), plain().into()),
        ("central gradient".into(), plain().central().into()),
        ("gradient along one".into(), ProjectedGradient::along(volume.clone(), &[-2]).unwrap().central().into()),
        ("gradient on directions".into(), plain().onto(&[direction(1), direction(3), direction(5)]).unwrap().into()),
        ("gradient on one".into(), plain().onto(&[direction(7)]).unwrap().central().into()),
        ("polar".into(), polar().into()),
        ("radial".into(), polar().components(&[Polar::Radial]).unwrap().central().into()),
        ("polar of a volume".into(), PolarGradient::new(volume.clone()).unwrap().axes(&[2, 0]).unwrap().into()),
        ("cylindrical".into(), CylindricalGradient::new(volume.clone()).unwrap().into()),
        (
            "axial".into(),
            CylindricalGradient::new(volume.clone()).unwrap().components(&[Cylindrical::Axial]).unwrap().into(),
        ),
        ("spherical".into(), spherical().into()),
        (
            "spherical, at a center".into(),
            spherical().around(&[1.2, 2.3, 0.7]).unwrap().components(&[Spherical::Polar]).unwrap().into(),
        ),
        ("sums of neighbours".into(), SingleAxisFiniteSum::new(image.clone(), 0).unwrap().into()),
        ("sums along all".into(), FiniteSum::new(image.clone()).unwrap().into()),
        ("Haar along one".into(), SingleAxisHaarTransform::new(image.clone(), -1).unwrap().into()),
        ("Haar".into(), HaarTransform::new(image.clone()).unwrap().into()),
    ]
}

/// Stacks from arrays to arrays, and operators of functions.
fn stacks(dtype: DType) -> Vec<(String, LinOp)> {
    let matrix = |seed| LinOp::from(MatrixOperator::new(random(dtype, &[4, 5], seed)).unwrap());
    let members = || vec![matrix(1), matrix(2), matrix(3)];
    let replicated = |from, to| DiagonalReplicated::along(matrix(4), 3, from, to).unwrap();
    let weights = random(dtype, &[6, 5], 5);
    let function = move |x: &Array| (&weights * x.roll(2, 1)).sum_axes(&[0]);
    vec![
        ("vertical stack".into(), VerticalStack::new(members()).unwrap().into()),
        ("diagonal stack".into(), DiagonalStack::new(members()).unwrap().into()),
        ("replicated".into(), replicated(0, 0).into()),
        ("replicated across".into(), replicated(0, 1).into()),
        ("replicated at the end".into(), replicated(-1, 0).into()),
        ("function".into(), LinOp::from_function(Type::new(dtype, &[6, 5]), function).unwrap()),
    ]
}

#[track_caller]
fn assert_adjoint(name: &str, operator: &LinOp) {
    let dtype = operator.input_type().dtype;
    let error = adjoint_error(operator, 5).unwrap_or_else(|error| panic!("{name} {dtype}: {error}"));
    assert!(error < adjoint_tolerance(dtype), "{name} {dtype}: the sides differ by {error}");
    let x = random(dtype, &operator.input_type().shape, 10);
    let y = operator.apply(&x);
    assert_eq!(y.ty().unwrap(), operator.output_type(), "{name}: output");
    assert_eq!(operator.adjoint(&y).ty().unwrap(), operator.input_type(), "{name}: adjoint");
}

#[test]
fn every_operator_satisfies_the_adjoint_law() {
    for dtype in INEXACT {
        for (name, operator) in operators(dtype) {
            assert_adjoint(&name, &operator);
        }
    }
}

/// Operators that select blocks: forward and adjoint are each other's transposes.
#[test]
fn selected_blocks_come_back_with_zeros() {
    let ty = BlockType::new(DType::F64, &[vec![2, 3], vec![4], vec![1]]);
    let x = BlockArray::new([random(DType::F64, &[2, 3], 1), random(DType::F64, &[4], 2), random(DType::F64, &[1], 3)]);
    let x = x.unwrap();
    let one: LinOp<BlockArray, Array> = BlockSlice::new(ty.clone(), 1).unwrap().into();
    assert_close(&one.apply(&x), &x[1], "block");
    assert_close(&one.adjoint(&x[1]).vdot(&x), &x[1].vdot(&x[1]), "adjoint of a block");
    let some: LinOp<BlockArray, BlockArray> = BlockRange::new(ty.clone(), 1..3).unwrap().into();
    let y = some.apply(&x);
    assert_close(&some.adjoint(&y).vdot(&x), &y.vdot(&y), "adjoint of blocks");
    assert!(one.apply(&y).error().unwrap().message().contains("takes blocks of the shapes"));
    assert_eq!(BlockSlice::new(ty.clone(), 3).unwrap_err().kind(), ErrorKind::Argument);
    assert_eq!(BlockRange::new(ty, 2..4).unwrap_err().kind(), ErrorKind::Argument);
}

/// What does not fit is refused where the operator is made.
#[test]
fn constructors_refuse_what_does_not_fit() {
    let ty = Type::new(DType::F32, &[4, 5]);
    let complex = Type::new(DType::C64, &[4, 5]);
    let widths = [(1, 0)];
    let refused = [
        (Pad::zeros(ty.clone(), &widths).unwrap_err(), ErrorKind::Argument, "give one for each axis"),
        (Pad::border(ty.clone(), &[(1, 0), (0, 0)], Border::Maximum).unwrap_err(), ErrorKind::Argument, "not linear"),
        (Crop::new(ty.clone(), &[(3, 2), (0, 0)]).unwrap_err(), ErrorKind::Shape, "take fewer"),
        (Reshape::new(ty.clone(), &[3, 7]).unwrap_err(), ErrorKind::Shape, "20 elements"),
        (Transpose::along(ty.clone(), &[0, 0]).unwrap_err(), ErrorKind::Argument, "name each of its axes once"),
        (Dft::new(ty.clone()).unwrap_err(), ErrorKind::DType, "complex arrays"),
        (Dft::new(complex.clone()).unwrap().along(&[2]).unwrap_err(), ErrorKind::Argument, "out of range"),
        (Dft::new(complex).unwrap().sizes(&[1, 2, 3]).unwrap_err(), ErrorKind::Argument, "give one for each"),
    ];
    for (error, kind, words) in refused {
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    assert!(Slice::new(ty.clone(), &[Index::At(4)]).is_err());
    assert!(Sum::along(ty.clone(), &[0, 0]).is_err());
    assert!(Convolve::new(random(DType::F32, &[3], 1), ty, ConvolveMode::Full).is_err());
}

/// Operators from complex multiples and filters on real inputs: the adjoint law holds in the real part.
#[test]
fn real_inputs_have_real_adjoints() {
    let i = Complex::new(0.5, 2.0);
    let ty = Type::new(DType::F32, &[6, 5]);
    let difference = LinOp::from(SingleAxisFiniteDifference::new(ty.clone(), 0, Boundary::CIRCULAR).unwrap());
    let real = CircularConvolve::new(random(DType::F32, &[2, 3], 1), ty.clone()).unwrap();
    let complex = CircularConvolve::new(random(DType::C64, &[2, 3], 1), ty.clone()).unwrap();
    let diagonal = Diagonal::with_input(random(DType::C64, &[6, 5], 2), ty.clone()).unwrap();
    for (name, operator) in [
        ("complex multiple of differences", i * &difference),
        ("complex multiple of a convolution", i * &LinOp::from(real)),
        ("complex filter", complex.into()),
        ("complex diagonal", diagonal.into()),
        ("complex multiple of the identity", ScaledIdentity::new(i, ty.clone()).into()),
        ("sum of real and complex", &difference + i * &difference),
        ("gram", (i * &difference).gram_op()),
    ] {
        assert_adjoint(name, &operator);
    }
    // The worked number: of x ↦ (1 + 2i) x on real x, the adjoint of (i, 1) is (2, 1).
    let a = ScaledIdentity::new(Complex::new(1.0, 2.0), Type::new(DType::F32, &[2]));
    let y = Array::from(vec![Complex::new(0.0f32, 1.0), Complex::new(1.0, 0.0)]);
    assert_eq!(a.adjoint(&y).to_vec::<f32>().unwrap(), [2.0, 1.0]);
}

/// Checks derived operators against what they are by definition.
#[test]
fn combinations_are_what_they_say() {
    for dtype in INEXACT {
        let image = Type::new(dtype, &[6, 5]);
        let square: Vec<(String, LinOp)> = operators(dtype)
            .into_iter()
            .filter(|(_, operator)| operator.input_type() == image && operator.output_type() == image)
            .collect();
        let x = random(dtype, &[6, 5], 20);
        for (first, a) in &square {
            let scaled = -2.5 * a;
            assert_close(&scaled.apply(&x), &(-2.5 * a.apply(&x)), &format!("multiple of {first}"));
            assert_adjoint(&format!("multiple of {first}"), &scaled);
            assert_close(&(a / 2.0).apply(&x), &(0.5 * a.apply(&x)), &format!("quotient of {first}"));
            assert_close(&a.h().apply(&x), &a.adjoint(&x), &format!("adjoint of {first}"));
            assert_close(&a.h().h().apply(&x), &a.apply(&x), &format!("adjoint of the adjoint of {first}"));
            assert_close(&a.t().apply(&x), &a.adjoint(&x.conj()).conj(), &format!("transpose of {first}"));
            assert_close(&a.conj().apply(&x), &a.apply(&x.conj()).conj(), &format!("conjugate of {first}"));
            assert_close(&a.gram_op().apply(&x), &a.adjoint(&a.apply(&x)), &format!("gram of {first}"));
            assert_close(&a.gram(&x), &a.adjoint(&a.apply(&x)), &format!("gram of {first} applied"));
            for derived in [a.h(), a.t(), a.conj(), a.gram_op()] {
                assert_adjoint(&format!("derived from {first}"), &derived);
            }
            for (second, b) in &square {
                let name = |what: &str| format!("{dtype}: {first} {what} {second}");
                assert_close(&(a + b).apply(&x), &(a.apply(&x) + b.apply(&x)), &name("plus"));
                assert_close(&(a - b).apply(&x), &(a.apply(&x) - b.apply(&x)), &name("minus"));
                assert_close(&(a * b).apply(&x), &a.apply(&b.apply(&x)), &name("after"));
                assert_close(&(a * b).h().apply(&x), &b.adjoint(&a.adjoint(&x)), &name("after, adjoint"));
                assert_close(&(a + b).h().apply(&x), &(a.adjoint(&x) + b.adjoint(&x)), &name("plus, adjoint"));
            }
        }
    }
}

#[test]
fn complex_multiples_are_adjoint_to_their_conjugates() {
    let c = Complex::new(1.0, -0.5);
    for dtype in [DType::C64, DType::C128] {
        for (name, a) in operators(dtype) {
            let multiple = c * &a;
            assert_adjoint(&format!("complex multiple of {name}"), &multiple);
            let y = random(dtype, &a.output_type().shape, 21);
            assert_close(&multiple.adjoint(&y), &(c.conj() * a.adjoint(&y)), &name);
        }
    }
}

#[test]
fn gram_operators_of_all_shapes_agree_with_the_composition() {
    for dtype in [DType::F64, DType::C128] {
        for (name, a) in operators(dtype) {
            let x = random(dtype, &a.input_type().shape, 22);
            assert_close(&a.gram_op().apply(&x), &a.adjoint(&a.apply(&x)), &name);
        }
    }
}

#[test]
fn structure_survives_the_algebra() {
    let ty = Type::new(DType::F32, &[4, 5]);
    let identity = LinOp::from(Identity::new(ty.clone()));
    let diagonal = LinOp::from(Diagonal::new(random(DType::F32, &[4, 5], 1)).unwrap());
    let one = LinOp::from(CircularConvolve::new(random(DType::F32, &[2, 2], 2), ty.clone()).unwrap());
    let other = LinOp::from(CircularConvolve::new(random(DType::F32, &[3, 2], 3), ty.clone()).unwrap());
    let difference = LinOp::from(SingleAxisFiniteDifference::new(ty, 0, Boundary::CIRCULAR).unwrap());

    let scaled = |a: &LinOp| matches!(a.structure(), Structure::ScaledIdentity(_));
    assert!(identity.is_identity() && (&identity * &identity).is_identity());
    assert!(scaled(&(&identity + &identity)) && scaled(&(3.0 * &identity)) && scaled(&-&identity));
    assert!(scaled(&(2.0 * &identity).gram_op()) && scaled(&(2.0 * &identity).h()));

    let diagonals = |a: &LinOp| matches!(a.structure(), Structure::Diagonal(_));
    assert!([&diagonal * &diagonal, &diagonal + &identity, &identity - &diagonal].iter().all(diagonals));
    assert!([diagonal.h(), diagonal.conj(), diagonal.gram_op(), 2.0 * &diagonal].iter().all(diagonals));
    assert!(diagonals(&(&diagonal * &(2.0 * &identity))));

    let convolutions = |a: &LinOp| matches!(a.structure(), Structure::CircularConvolve(_));
    assert!([&one + &other, &one - &other, &one * &other, 2.0 * &one, -&one].iter().all(convolutions));
    assert!([one.h(), one.gram_op(), &(2.0 * &identity) * &one].iter().all(convolutions));

    assert!(matches!((&one + &difference).structure(), Structure::General));
    assert!(matches!((&identity * &difference).name(), "SingleAxisFiniteDifference"));
}

#[test]
fn convolutions_agree_with_worked_numbers() {
    let x = Array::from(vec![1.0f32, 0.0, 0.0, 2.0, -1.0]);
    let h = Array::from(vec![1.0f32, 2.0, 3.0]);
    let ty = x.ty().unwrap();
    let close = |got: &Array, want: [f32; 5]| assert_close(got, &Array::from(want), "worked number");
    let plain = CircularConvolve::new(&h, ty.clone()).unwrap();
    close(&plain.apply(&x), [5.0, -1.0, 3.0, 2.0, 3.0]);
    close(&plain.adjoint(&x), [1.0, 6.0, 1.0, 3.0, 1.0]);
    for (center, want) in [
        (1.0, [-1.0, 3.0, 2.0, 3.0, 5.0]),
        (2.0, [3.0, 2.0, 3.0, 5.0, -1.0]),
        (-1.0, [3.0, 5.0, -1.0, 3.0, 2.0]),
        (0.5, [1.505_573, 0.163_932, 3.741_641, 1.058_359, 5.530_496]),
    ] {
        let centered = CircularConvolve::new(Filter::new(h.clone()).center(&[center]), ty.clone()).unwrap();
        close(&centered.apply(&x), want);
    }
    let x = Array::from(vec![1.0f32, 0.0, 0.0, 2.0, -1.0, 3.0]);
    let even = CircularConvolve::new(Filter::new(h.clone()).center(&[0.5]), x.ty().unwrap()).unwrap();
    let want = Array::from([7.886_751f32, 8.154_701, 1.267_95, 2.113_249, 5.845_3, 4.732_05]);
    assert_close(&even.apply(&x), &want, "even extent");
}

#[test]
fn a_convolution_is_found_from_its_response() {
    for dtype in INEXACT {
        let ty = Type::new(dtype, &[6, 5]);
        let differences = LinOp::from(FiniteDifference::new(ty.clone(), Boundary::CIRCULAR).unwrap());
        let x = random(dtype, &[6, 5], 30);
        for operator in [differences.clone(), differences.gram_op(), Identity::new(ty).into()] {
            let found = LinOp::from(CircularConvolve::from_operator(&operator, None).unwrap());
            assert_close(&found.apply(&x), &operator.apply(&x), operator.name());
            let y = random(dtype, &operator.output_type().shape, 31);
            assert_close(&found.adjoint(&y), &operator.adjoint(&y), operator.name());
        }
        let inverse = CircularConvolve::new(random(dtype, &[2, 2], 3), Type::new(dtype, &[6, 5])).unwrap();
        let back = inverse.reciprocal().unwrap().apply(&inverse.apply(&x));
        assert_close(&back.astype(DType::C64), &x.astype(DType::C64), "reciprocal");
    }
}

#[test]
fn norms_are_found_by_power_iteration() {
    let ty = Type::new(DType::F32, &[8]);
    let open = LinOp::from(SingleAxisFiniteDifference::new(ty.clone(), 0, Boundary::OPEN).unwrap());
    assert!((operator_norm(&open, 200).unwrap() - 1.961_571).abs() < 1e-3);
    let zero = LinOp::from(ScaledIdentity::new(0.0, ty.clone()));
    assert_eq!(operator_norm(&zero, 10).unwrap(), 0.0);
    let (eigenvalue, vector) =
        power_iteration(&ScaledIdentity::new(Complex::new(0.0, 2.0), ty.with_dtype(DType::C64)).into(), 3, 1).unwrap();
    assert!((eigenvalue.imag().item().unwrap() - 2.0).abs() < 1e-5);
    assert_eq!(vector.ty().unwrap(), ty.with_dtype(DType::C64));
}

#[test]
fn operators_are_traced_and_batched() {
    let ty = Type::new(DType::F32, &[4, 5]);
    let blur = LinOp::from(CircularConvolve::new(random(DType::F32, &[2, 2], 1), ty.clone()).unwrap());
    let differences = LinOp::from(FiniteDifference::new(ty, Boundary::append(Edge::Zero)).unwrap());
    let both = &differences * &blur;
    let stack = random(DType::F32, &[3, 4, 5], 2);
    let once = jit(vmap(|x: Array| both.gram(&x))).call(stack.clone()).unwrap();
    for item in 0..3 {
        let alone = both.gram(&stack.index_axis(0, item));
        assert_close(&once.index_axis(0, item), &alone, "batched");
    }
}

#[test]
fn mistakes_are_explained() {
    let ty = Type::new(DType::F32, &[4, 5]);
    let differences = LinOp::from(FiniteDifference::new(ty.clone(), Boundary::CIRCULAR).unwrap());
    let message = |x: Array| x.error().unwrap().to_string();

    let wrong_shape = differences.apply(&Array::zeros(&[5, 4], DType::F32));
    assert_eq!(wrong_shape.error().unwrap().kind(), ErrorKind::Shape);
    assert!(message(wrong_shape).contains("takes an array of shape [4, 5], got f32[5,4]"));
    let wrong_dtype = differences.adjoint(&Array::zeros(&[2, 4, 5], DType::F64));
    assert_eq!(wrong_dtype.error().unwrap().kind(), ErrorKind::DType);
    assert!(message(wrong_dtype).contains("takes f32[2,4,5], got f64[2,4,5]; convert it"));

    let identity = LinOp::from(Identity::new(Type::new(DType::F32, &[3])));
    let x = Array::zeros(&[4, 5], DType::F32);
    assert!(message((&differences + &identity).apply(&x)).contains("do not add"));
    let x = Array::zeros(&[3], DType::F32);
    assert!(message((&differences * &identity).apply(&x)).contains("cannot follow"));

    let error = |result: Result<_, cotangent::Error>| match result {
        Ok(LinOp { .. }) => panic!("accepted"),
        Err(error) => error.to_string(),
    };
    let open = FiniteDifference::new(ty.clone(), Boundary::OPEN).map(LinOp::from);
    assert!(error(open).contains("do not stack"));
    let twice = FiniteDifference::along(ty.clone(), &[0, -2], Boundary::CIRCULAR).map(LinOp::from);
    assert!(error(twice).contains("twice"));
    let far = SingleAxisFiniteDifference::new(ty.clone(), 2, Boundary::OPEN).map(LinOp::from);
    assert!(error(far).contains("use one of -2..=1"));
    let h = random(DType::F32, &[2, 2], 1);
    let center = CircularConvolve::new(Filter::new(h.clone()).center(&[1.0]), ty.clone()).map(LinOp::from);
    assert!(error(center).contains("give one for each"));
    let transform = CircularConvolve::new(Filter::transform(h.clone()), ty.clone()).map(LinOp::from);
    assert!(error(transform).contains("its last extents must be [4, 5]"));
    let filters = CircularConvolve::new(
        Filter::new(random(DType::F32, &[3, 2, 2], 1)).axes(2),
        Type::new(DType::F32, &[2, 4, 5]),
    );
    assert!(error(filters.map(LinOp::from)).contains("do not broadcast"));
    assert!(error(MatrixOperator::new(Array::from(vec![1.0f32])).map(LinOp::from)).contains("takes a matrix"));
}
