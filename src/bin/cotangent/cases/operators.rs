//! The cases of operators, forward and adjoint, and of the proxes of functionals: `benches/peers/scico_peer.py` has them
//! under the same names, with the same numbers in arrays of the same shapes.
//!
//! Images are of 512 by 512 and volumes of 128 by 128 by 128 elements in single precision, what a prox is taken of has a
//! million.

use super::data::{random, uniform};
use super::{Case, Results, prepared};
use cotangent::functional::{
    AnisotropicTvNorm, HuberNorm, IsotropicTvNorm, L0Norm, L1MinusL2Norm, L1Norm, L2BallIndicator, L2Norm, L21Norm,
    NonNegativeIndicator, NuclearNorm, Prox, ProximalAverage, SetDistance, SquaredL2Norm, SquaredSetDistance,
};
use cotangent::linop::optics::{FraunhoferPropagator, Propagator};
use cotangent::linop::xray::{
    AbelTransform, AxiallySymmetricVolume, EulerAngles, SymConeXRayTransform, XRayTransform2D, XRayTransform3D,
};
use cotangent::linop::{
    Boundary, CircularConvolve, Convolve, ConvolveByX, ConvolveMode, Crop, CylindricalGradient, Dft, Diagonal,
    DiagonalReplicated, DiagonalStack, Edge, Filter, FiniteDifference, LinOp, MatrixOperator, Pad, PolarGradient,
    ProjectedGradient, Reshape, SingleAxisFiniteDifference, Slice, SphericalGradient, Sum, Transpose, VerticalStack,
};
use cotangent::operator::{BiConvolve, Operator};
use cotangent::{Array, BlockArray, BlockType, Border, DType, Index, Result, Tree, Type};
use std::f64::consts::PI;
use std::sync::Arc;

const N: usize = 512;
const VOLUME: [usize; 3] = [128; 3];
const KERNEL: [usize; 2] = [7, 7];
const VIEWS: usize = 360;
const VIEWS_OF_VOLUME: usize = 16;
const BORDER: [(usize, usize); 2] = [(16, 16); 2];
const LAMBDA: f64 = 0.1;

pub(super) const MADE: &str = "the operator of a case is free of mistakes";

/// The cases, in the order in which they are reported.
#[allow(dead_code, reason = "the benches that share this file measure programs only")]
pub(crate) fn operators() -> Vec<Case> {
    let mut cases = linear_operators();
    cases.extend(projectors());
    cases.extend(propagators());
    cases.extend(maps());
    cases.extend(proxes());
    cases
}

/// The operator `$name`, forward and adjoint.
macro_rules! both {
    ($group:literal, $name:literal, $make:expr) => {
        [forward(concat!($name, "_fwd"), $group, $make), adjoint(concat!($name, "_adj"), $group, $make)]
    };
}

fn image() -> Type {
    Type::new(DType::F32, &[N, N])
}

fn field() -> Type {
    Type::new(DType::C64, &[N, N])
}

fn volume() -> Type {
    Type::new(DType::F32, &VOLUME)
}

fn kernel() -> Array {
    uniform(&KERNEL, 0.0, 1.0)
}

fn linear_operators() -> Vec<Case> {
    let kernel_type = || Type::new(DType::F32, &KERNEL);
    let difference =
        |axis: isize| SingleAxisFiniteDifference::new(image(), axis, Boundary::append(Edge::Zero)).map(LinOp::from);
    let members = move || Ok(vec![Diagonal::new(random(&image()))?.into(), difference(1)?]);
    let sum = |axis: isize| Sum::along(image(), &[axis]).map(LinOp::from);
    let directions = || {
        let direction = |low: f32| BlockArray::new([uniform(&[N, N], low, 1.0), uniform(&[N, N], low, 2.0)]);
        Ok([direction(0.0)?, direction(-1.0)?])
    };
    [
        both!("linear", "diagonal", || Ok(Diagonal::new(random(&image()))?.into())),
        both!("linear", "matrix", || Ok(MatrixOperator::with_columns(random(&image()), N)?.into())),
        both!("linear", "matrix_vector", || Ok(MatrixOperator::new(random(&image()))?.into())),
        both!("linear", "convolve", || Ok(Convolve::new(kernel(), image(), ConvolveMode::Full)?.into())),
        both!("linear", "convolve_by_x", move || {
            Ok(ConvolveByX::new(random(&image()), kernel_type(), ConvolveMode::Full)?.into())
        }),
        both!("linear", "circular_convolve", || Ok(CircularConvolve::new(Filter::new(kernel()), image())?.into())),
        both!("linear", "dft", || Ok(Dft::new(field())?.into())),
        both!("linear", "finite_difference", || {
            Ok(FiniteDifference::new(image(), Boundary::append(Edge::Zero))?.into())
        }),
        both!("linear", "finite_difference_circular", || {
            Ok(FiniteDifference::new(image(), Boundary::CIRCULAR)?.into())
        }),
        both!("linear", "difference_axis0", move || difference(0)),
        both!("linear", "difference_axis1", move || difference(1)),
        both!("linear", "sum", || Ok(Sum::new(image()).into())),
        both!("linear", "sum_axis0", move || sum(0)),
        both!("linear", "sum_axis1", move || sum(1)),
        both!("linear", "slice", || {
            let every_other = Index::Slice { start: None, end: None, step: 2 };
            Ok(Slice::new(image(), &[Index::from(64..448), every_other])?.into())
        }),
        both!("linear", "transpose", || Ok(Transpose::new(image())?.into())),
        both!("linear", "reshape", || Ok(Reshape::new(image(), &[N / 2, 2 * N])?.into())),
        both!("linear", "pad", || Ok(Pad::zeros(image(), &BORDER)?.into())),
        both!("linear", "pad_edge", || Ok(Pad::border(image(), &BORDER, Border::Edge)?.into())),
        both!("linear", "crop", || Ok(Crop::new(image(), &BORDER)?.into())),
        both!("linear", "vertical_stack", move || Ok(VerticalStack::new(members()?)?.into())),
        both!("linear", "diagonal_stack", move || Ok(DiagonalStack::new(members()?)?.into())),
        both!("linear", "diagonal_replicated", move || Ok(DiagonalReplicated::new(difference(1)?, 4)?.into())),
        both!("gradient", "projected_gradient", move || {
            Ok(ProjectedGradient::new(image())?.onto(&directions()?)?.into())
        }),
        both!("gradient", "polar_gradient", || Ok(PolarGradient::new(image())?.into())),
        both!("gradient", "cylindrical_gradient", || Ok(CylindricalGradient::new(volume())?.into())),
        both!("gradient", "spherical_gradient", || Ok(SphericalGradient::new(volume())?.into())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn projectors() -> impl Iterator<Item = Case> {
    let square = || Type::new(DType::F32, &[128, 128]);
    let around = |views: usize| (0..views).map(move |view| PI * view as f64 / views as f64);
    let cone = |input: Type| SymConeXRayTransform::new(input, 1000.0, 1500.0).map(LinOp::from);
    let projections = move || {
        let tilted: Vec<f64> = around(VIEWS_OF_VOLUME).flat_map(|angle| [0.3, angle]).collect();
        let angles = Array::from(tilted).reshape(&[VIEWS_OF_VOLUME, 2]);
        let matrices = EulerAngles::new("XY", angles)?.matrices(VOLUME, [128, 128])?;
        Ok(XRayTransform3D::new(volume(), matrices, [128, 128])?.into())
    };
    [
        both!("xray", "xray_2d", move || {
            Ok(XRayTransform2D::new(image(), around(VIEWS).collect::<Vec<f64>>())?.into())
        }),
        both!("xray", "xray_3d", projections),
        both!("xray", "abel", || Ok(AbelTransform::new(image())?.into())),
        both!("xray", "symmetric_volume", move || Ok(AxiallySymmetricVolume::new(square(), 0)?.into())),
        both!("xray", "cone_2d", move || cone(square())),
        both!("xray", "cone_3d", move || cone(volume())),
    ]
    .into_iter()
    .flatten()
}

fn propagators() -> impl Iterator<Item = Case> {
    const INTERVAL: [f64; 1] = [1.0];
    let spectrum = || Propagator::angular_spectrum(field(), &INTERVAL, 6.0, 20.0);
    [
        both!("optics", "angular_spectrum", move || Ok(spectrum()?.into())),
        both!("optics", "angular_spectrum_padded", move || Ok(spectrum()?.padded(2)?.into())),
        both!("optics", "fresnel", || Ok(Propagator::fresnel(field(), &INTERVAL, 6.0, 20.0)?.into())),
        both!("optics", "fraunhofer", || Ok(FraunhoferPropagator::new(field(), &INTERVAL, 6.0, 20.0)?.into())),
    ]
    .into_iter()
    .flatten()
}

/// Operators that are not linear, forward.
fn maps() -> [Case; 4] {
    const GROUP: &str = "nonlinear";
    let both = || BlockType::new(DType::F32, &[vec![N, N], KERNEL.to_vec()]);
    [
        case("abs_fwd", GROUP, || (Arc::new(|u: Array| u.abs()), random(&field()))),
        case("angle_fwd", GROUP, || (Arc::new(|u: Array| u.angle()), random(&field()))),
        case("exp_fwd", GROUP, || (Arc::new(|x: Array| x.exp()), random(&image()))),
        case("biconvolve_fwd", GROUP, move || {
            let convolution = BiConvolve::new(both(), ConvolveMode::Full).expect(MADE);
            let input = BlockArray::new([random(&image()), kernel()]).expect(MADE);
            (Arc::new(move |x: BlockArray| convolution.apply(&x)), input)
        }),
    ]
}

fn proxes() -> Vec<Case> {
    let vector = || random(&Type::new(DType::F32, &[1_000_000]));
    let complex = || random(&Type::new(DType::C64, &[1_000_000]));
    let groups = || random(&Type::new(DType::F32, &[2, 500_000]));
    let square = || random(&Type::new(DType::F32, &[1000, 1000]));
    let not_negative = |x: &Array| x.maximum(0.0);
    vec![
        prox("prox_l0", L0Norm::new, vector),
        prox("prox_l1", L1Norm::new, vector),
        prox("prox_l1_complex", L1Norm::new, complex),
        prox("prox_squared_l2", SquaredL2Norm::new, vector),
        prox("prox_l2", L2Norm::new, vector),
        prox("prox_l2_complex", L2Norm::new, complex),
        prox("prox_l21", L21Norm::new, groups),
        prox("prox_l1_minus_l2", L1MinusL2Norm::new, vector),
        prox("prox_huber", HuberNorm::new, vector),
        prox("prox_huber_joint", || HuberNorm::new().joint(), vector),
        prox("prox_nuclear", NuclearNorm::new, square),
        prox("prox_non_negative", NonNegativeIndicator::new, vector),
        prox("prox_l2_ball", L2BallIndicator::default, vector),
        prox("prox_set_distance", move || SetDistance::new(not_negative), vector),
        prox("prox_squared_set_distance", move || SquaredSetDistance::new(not_negative), vector),
        prox(
            "prox_proximal_average",
            || {
                let members: [Box<dyn Prox>; 2] = [Box::new(L1Norm::new()), Box::new(L2Norm::new())];
                ProximalAverage::new(members).expect(MADE)
            },
            vector,
        ),
        prox("prox_tv_anisotropic", AnisotropicTvNorm::anisotropic, square),
        prox("prox_tv_isotropic", IsotropicTvNorm::isotropic, square),
    ]
}

fn forward(name: &'static str, group: &'static str, make: impl Fn() -> Result<LinOp> + 'static) -> Case {
    case(name, group, move || {
        let operator = make().expect(MADE);
        let x = random(&operator.input_type());
        (Arc::new(move |x: Array| operator.apply(&x)), x)
    })
}

fn adjoint(name: &'static str, group: &'static str, make: impl Fn() -> Result<LinOp> + 'static) -> Case {
    case(name, group, move || {
        let operator = make().expect(MADE);
        let y = random(&operator.output_type());
        (Arc::new(move |y: Array| operator.adjoint(&y)), y)
    })
}

fn prox<P: Prox + 'static>(
    name: &'static str,
    make: impl Fn() -> P + 'static,
    of: impl Fn() -> Array + 'static,
) -> Case {
    case(name, "prox", move || {
        let functional = make();
        (Arc::new(move |v: Array| functional.prox(&v, LAMBDA.into())), of())
    })
}

/// A function of what a case is about. Of one type for all cases, so that what is done with it is compiled once.
pub(super) type Body<A, R> = Arc<dyn Fn(A) -> R + Send + Sync>;

/// A case of what a closure makes: a function and its argument.
pub(super) fn case<A: Tree + 'static, R: Tree + 'static>(
    name: &'static str,
    group: &'static str,
    make: impl Fn() -> (Body<A, R>, A) + 'static,
) -> Case {
    let prepare = Box::new(move || {
        let (body, argument) = make();
        prepared(Results::Fresh, whole(body), argument)
    });
    Case { name, group: Some(group), prepare }
}

/// Functions that do what a body does.
fn whole<A: Tree + 'static, R: Tree + 'static>(body: Body<A, R>) -> impl Fn() -> Box<dyn Fn(A) -> R> + Clone {
    move || {
        let body = body.clone();
        Box::new(move |argument: A| body(argument))
    }
}
