//! Proximal maps against direct minimisation, the Moreau identity, gradients against differences; on real, complex and
//! block arrays.

use crate::sample::{INEXACT, assert_all_close, assert_close, combined, elements, inner, number, random};
use cotangent::functional::{
    AnisotropicTvNorm, BoxIndicator, ComposedFunctional, FastGradientProjection, Functional, HuberNorm,
    IsotropicTvNorm, L0Norm, L1MinusL2Norm, L1Norm, L2BallIndicator, L2Norm, L21Norm, NonNegativeIndicator,
    NuclearNorm, Prox, ProximalAverage, SeparableFunctional, SetDistance, SquaredL2Norm, SquaredSetDistance, TvNorm,
    ZeroFunctional,
};
use cotangent::linop::{CircularConvolve, Diagonal, LinOp, ScaledIdentity, Transpose};
use cotangent::loss::{Loss, SquaredL2AbsLoss, SquaredL2Loss, SquaredL2SquaredAbsLoss};
use cotangent::solver::ConjugateGradient;
use cotangent::{Array, BlockArray, DType, ErrorKind, Factor, Tree, Variable, jit, value_and_grad};

const SHAPE: [usize; 2] = [3, 4];

/// How a prox is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// It minimises.
    Exact,
    /// It minimises a smooth objective.
    Smooth,
    /// It stands for a prox.
    Approximate,
}
use Kind::{Approximate, Exact, Smooth};

type Proxes<X> = Vec<(&'static str, Kind, Box<dyn Prox<X>>)>;

/// What functionals are checked on.
trait Sample: Variable {
    fn sample(dtype: DType, seed: u64) -> Self;

    /// Functionals of this kind of variable alone.
    fn special(dtype: DType) -> Proxes<Self>;
}

impl Sample for Array {
    fn sample(dtype: DType, seed: u64) -> Array {
        random(dtype, &SHAPE, seed)
    }

    fn special(dtype: DType) -> Proxes<Array> {
        let y = random(dtype, &SHAPE, 40);
        let loss = || SquaredL2Loss::new(y.clone()).unwrap();
        let weights = random(dtype.real(), &SHAPE, 41).abs();
        let diagonal = Diagonal::new(random(dtype, &SHAPE, 42)).unwrap();
        let blur = CircularConvolve::new(random(dtype, &[2, 2], 43), y.ty().unwrap()).unwrap();
        let fine = ConjugateGradient { tolerance: 1e-12, ..ConjugateGradient::default() };
        let transpose = Transpose::new(y.ty().unwrap()).unwrap();
        vec![
            ("l21 along 0", Exact, Box::new(L21Norm::new())),
            ("l21 along -1", Exact, Box::new(L21Norm::along(&[-1]))),
            ("multiple of l21", Exact, Box::new(0.35 * L21Norm::new())),
            ("nuclear", Exact, Box::new(NuclearNorm::new())),
            ("composed", Exact, Box::new(ComposedFunctional::new(L21Norm::new(), transpose))),
            ("anisotropic variation", Approximate, Box::new(AnisotropicTvNorm::anisotropic())),
            ("isotropic variation", Approximate, Box::new(IsotropicTvNorm::isotropic().circular())),
            ("isotropic variation along", Approximate, Box::new(IsotropicTvNorm::isotropic().along(&[-1]))),
            ("exact anisotropic variation", Exact, Box::new(AnisotropicTvNorm::anisotropic().exact(fine_steps()))),
            (
                "exact isotropic variation",
                Exact,
                Box::new(0.4 * IsotropicTvNorm::isotropic().circular().exact(fine_steps())),
            ),
            ("exact variation along", Exact, Box::new(IsotropicTvNorm::isotropic().along(&[0]).exact(fine_steps()))),
            ("exact variation by Huber", Exact, Box::new(TvNorm::new(HuberNorm::new()).exact(fine_steps()))),
            (
                "loss of a multiple",
                Smooth,
                Box::new(loss().operator(ScaledIdentity::new(-1.5, y.ty().unwrap())).unwrap()),
            ),
            (
                "loss of a diagonal",
                Smooth,
                Box::new(loss().operator(diagonal).unwrap().weights(weights.clone()).unwrap()),
            ),
            (
                "loss of a convolution",
                Smooth,
                Box::new(loss().operator(blur).unwrap().weights(weights).unwrap().prox_solver(fine)),
            ),
        ]
    }
}

/// Steps until the dual variable of an exact prox stays.
fn fine_steps() -> FastGradientProjection {
    FastGradientProjection { tolerance: 1e-12, max_iterations: 4000 }
}

impl Sample for BlockArray {
    fn sample(dtype: DType, seed: u64) -> BlockArray {
        BlockArray::new([random(dtype, &SHAPE, seed), random(dtype, &[5], seed + 1000)]).unwrap()
    }

    fn special(dtype: DType) -> Proxes<BlockArray> {
        let parts: [Box<dyn Prox>; 2] = [Box::new(L21Norm::new()), Box::new(0.7 * L2Norm::new())];
        let ty = BlockArray::sample(dtype, 40).ty().unwrap();
        let diagonal = Diagonal::new(BlockArray::sample(dtype, 42)).unwrap();
        let loss = SquaredL2Loss::new(BlockArray::sample(dtype, 40)).unwrap();
        let weights = BlockArray::sample(dtype.real(), 41).map_leaves(|leaf| leaf.abs());
        let whole =
            LinOp::<BlockArray, Array>::from_function(ty, |x: &BlockArray| x[0].sum_axes(&[0]) - x[1].narrow(0, 1, 4));
        let of_row = SquaredL2Loss::new(random(dtype, &[4], 45)).unwrap().operator(whole.unwrap()).unwrap();
        let fine = ConjugateGradient { tolerance: 1e-12, ..ConjugateGradient::default() };
        vec![
            ("separable", Exact, Box::new(SeparableFunctional::new(parts).unwrap())),
            (
                "loss of a diagonal",
                Smooth,
                Box::new(loss.operator(LinOp::from(diagonal)).unwrap().weights(weights).unwrap().scale(1.1)),
            ),
            ("loss of sums of blocks", Smooth, Box::new(of_row.prox_solver(fine))),
        ]
    }
}

/// Every functional with a prox, for a dtype.
fn proxes<X: Sample>(dtype: DType) -> Proxes<X>
where
    L21Norm: Prox<X>,
{
    let y = X::sample(dtype, 40);
    let magnitudes = X::sample(dtype.real(), 44).map_leaves(|leaf| leaf.abs());
    let weights = X::sample(dtype.real(), 41).map_leaves(|leaf| leaf.abs());
    let members: [Box<dyn Prox<X>>; 2] = [Box::new(L1Norm::new()), Box::new(L2Norm::new())];
    let ball = |x: &X| L2BallIndicator::new(0.4).unwrap().prox(x, 1.0.into());
    let mut found: Proxes<X> = vec![
        ("zero", Smooth, Box::new(ZeroFunctional::new())),
        ("l0", Exact, Box::new(L0Norm::exact())),
        ("l0 with the threshold of the reference", Approximate, Box::new(L0Norm::new())),
        ("l1", Exact, Box::new(L1Norm::new())),
        ("l2", Exact, Box::new(L2Norm::new())),
        ("squared l2", Smooth, Box::new(SquaredL2Norm::new())),
        ("l21 whole", Exact, Box::new(L21Norm::whole())),
        ("l1 minus l2", Exact, Box::new(L1MinusL2Norm::new())),
        ("l1 minus half l2", Exact, Box::new(L1MinusL2Norm::with_beta(0.5).unwrap())),
        ("huber", Smooth, Box::new(HuberNorm::with_delta(0.6).unwrap())),
        ("joint huber", Smooth, Box::new(HuberNorm::new().joint())),
        ("multiple of a multiple", Exact, Box::new(2.0 * (0.35 * L1Norm::new()))),
        ("ball", Exact, Box::new(L2BallIndicator::new(0.8).unwrap())),
        ("distance", Exact, Box::new(SetDistance::new(ball))),
        ("squared distance", Smooth, Box::new(SquaredSetDistance::new(ball))),
        ("average", Approximate, Box::new(ProximalAverage::new(members).unwrap())),
        ("loss", Smooth, Box::new(SquaredL2Loss::new(y.clone()).unwrap())),
        (
            "weighted loss",
            Smooth,
            Box::new(SquaredL2Loss::new(y.clone()).unwrap().weights(weights.clone()).unwrap().scale(0.7)),
        ),
        ("loss by l1", Exact, Box::new(Loss::new(y, L1Norm::new()).unwrap().scale(1.3))),
        (
            "loss of magnitudes",
            Exact,
            Box::new(SquaredL2AbsLoss::new(magnitudes.clone()).unwrap().weights(weights.clone()).unwrap()),
        ),
        (
            "loss of squared magnitudes",
            Exact,
            Box::new(SquaredL2SquaredAbsLoss::new(magnitudes).unwrap().weights(weights).unwrap()),
        ),
    ];
    if !dtype.is_complex() {
        found.push(("nonnegative", Exact, Box::new(NonNegativeIndicator::new())));
        found.push(("box", Exact, Box::new(BoxIndicator::new(-0.3, 0.5).unwrap())));
    }
    found.extend(X::special(dtype));
    found
}

/// `λ f(x) + ½ ‖v − x‖²`.
fn objective<X: Variable>(f: &dyn Prox<X>, x: &X, v: &X, lambda: f64) -> f64 {
    let distance = combined(1.0, x, -1.0, v);
    lambda * number(&f.value(x).astype(DType::F64)) + 0.5 * inner(&distance, &distance)
}

/// No point near the prox, or on the way from it to the argument, has a smaller objective.
fn proxes_minimise<X: Sample>()
where
    L21Norm: Prox<X>,
{
    for dtype in [DType::F64, DType::C128] {
        let v = X::sample(dtype, 50).map_leaves(|leaf| 2.0 * leaf);
        for (name, kind, f) in proxes::<X>(dtype) {
            for lambda in [0.1, 0.8, 2.5] {
                let p = f.prox(&v, lambda.into());
                assert_eq!(p.variable_type().unwrap(), v.variable_type().unwrap(), "{name}");
                if kind == Approximate {
                    continue;
                }
                // Rounding can leave a projection just outside of its set.
                let p = if name == "ball" { p.map_leaves(|leaf| (1.0 - 1e-15) * leaf) } else { p };
                let least = objective(&*f, &p, &v, lambda);
                assert!(least.is_finite(), "{name}: the prox is outside of the domain");
                for trial in 0..12 {
                    let size = 10f64.powi(-(trial % 4));
                    let near = combined(1.0, &p, size, &X::sample(dtype, 60 + trial as u64));
                    let towards = combined(1.0 - 0.5 * size, &p, 0.5 * size, &v);
                    for other in [near, towards, v.clone()] {
                        let above = objective(&*f, &other, &v, lambda) - least;
                        assert!(
                            above > -1e-9,
                            "{name} {dtype}, λ = {lambda}: {above} below the prox at distance {size}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_prox_minimises() {
    proxes_minimise::<Array>();
}

#[test]
fn a_prox_of_blocks_minimises() {
    proxes_minimise::<BlockArray>();
}

/// A gradient of the objective vanishes at the prox of a smooth functional.
fn smooth_proxes_are_stationary<X: Sample>()
where
    L21Norm: Prox<X>,
{
    for dtype in [DType::F64, DType::C128] {
        let v = X::sample(dtype, 51);
        for (name, kind, f) in proxes::<X>(dtype) {
            if kind != Smooth {
                continue;
            }
            let p = f.prox(&v, 0.8.into());
            let slope = combined(0.8, &f.grad(&p).unwrap(), 1.0, &combined(1.0, &p, -1.0, &v));
            let greatest = slope.leaves().iter().flat_map(elements).map(|value| value.norm()).fold(0.0, f64::max);
            assert!(greatest < 1e-9, "{name} {dtype}: slope {greatest}");
        }
    }
}

#[test]
fn a_smooth_prox_is_stationary() {
    smooth_proxes_are_stationary::<Array>();
    smooth_proxes_are_stationary::<BlockArray>();
}

/// In one dimension the prox of total variation is known by its running sums `u_k = Σ_{i ≤ k} (v_i − x_i)`: they stay
/// within `λ`, are `λ` or `−λ` where `x` jumps up or down, and end at 0.
#[test]
fn an_exact_variation_satisfies_its_optimality_conditions() {
    let v = 3.0 * random(DType::F64, &[40], 70) + Array::linspace(0.0, 4.0, 40, DType::F64).round();
    let tv =
        AnisotropicTvNorm::anisotropic().exact(FastGradientProjection { tolerance: 1e-13, max_iterations: 100_000 });
    for lambda in [0.3, 2.0] {
        let x = tv.prox(&v, lambda.into());
        let sums = (&v - &x).cumsum(0).to_vec::<f64>().unwrap();
        let jumps = x.diff(0).to_vec::<f64>().unwrap();
        assert!(sums[39].abs() < 1e-7, "{}", sums[39]);
        for (sum, jump) in sums.iter().zip(&jumps) {
            assert!(sum.abs() < lambda + 1e-7, "λ = {lambda}: {sum}");
            assert!(jump.abs() < 1e-6 || (sum + lambda * jump.signum()).abs() < 1e-6, "{sum} at a jump of {jump}");
        }
        assert!(jumps.iter().any(|jump| jump.abs() > 0.1) && jumps.iter().any(|jump| jump.abs() < 1e-6));
    }
    // The approximation is right for small λ: its error vanishes faster than λ.
    let image = random(DType::F64, &[6, 5], 71);
    let off = |lambda: f64| {
        let exact = IsotropicTvNorm::isotropic().exact(fine_steps()).prox(&image, lambda.into());
        let off = IsotropicTvNorm::isotropic().prox(&image, lambda.into()) - exact;
        number(&off.abs().max()) / lambda
    };
    assert!(off(1e-3) < 0.2 * off(1e-1), "{} and {}", off(1e-3), off(1e-1));
}

/// An exact prox is part of a program like any other, and stops by the limits it is given.
#[test]
fn an_exact_variation_compiles() {
    let image = random(DType::F32, &[6, 5], 72);
    let tv = |steps| {
        let limits = FastGradientProjection { tolerance: 0.0, max_iterations: steps };
        IsotropicTvNorm::isotropic().exact(limits)
    };
    let compiled = jit(move |v: Array, lambda: Array| tv(300).prox(&v, lambda.into()));
    let got = compiled.call((image.clone(), Array::from(0.2f32))).unwrap();
    assert_close(&got, &tv(300).prox(&image, 0.2.into()), "compiled");
    assert_close(&tv(0).prox(&image, 0.2.into()), &image, "no step");
    assert_close(&tv(5).prox(&image, 0.0.into()), &image, "λ = 0");
}

fn moreau<X: Sample>()
where
    L21Norm: Prox<X>,
{
    for dtype in INEXACT {
        let v = X::sample(dtype, 52);
        for (name, _, f) in proxes::<X>(dtype) {
            if ["loss of a convolution", "loss of sums of blocks"].contains(&name) && dtype.real() == DType::F32 {
                // Conjugate gradients end at a residual above the rounding of f32.
                continue;
            }
            for lambda in [0.3, 1.7] {
                let inverse = Factor::from(1.0 / lambda);
                let dual = f.conj_prox(&v.map_leaves(|leaf| leaf / lambda), inverse);
                let sum = combined(1.0, &f.prox(&v, lambda.into()), lambda, &dual);
                assert_all_close(&sum, &v, name);
            }
        }
    }
}

#[test]
fn moreau_identity_holds() {
    moreau::<Array>();
    moreau::<BlockArray>();
}

fn gradients_agree<X: Sample>()
where
    L21Norm: Prox<X>,
{
    for dtype in [DType::F64, DType::C128] {
        let x = X::sample(dtype, 53);
        let direction = X::sample(dtype, 54);
        for (name, _, f) in proxes::<X>(dtype) {
            let step = 1e-6;
            let ahead = number(&f.value(&combined(1.0, &x, step, &direction)));
            let behind = number(&f.value(&combined(1.0, &x, -step, &direction)));
            if !(ahead.is_finite() && behind.is_finite()) {
                continue;
            }
            let quotient = (ahead - behind) / (2.0 * step);
            let slope = inner(&f.grad(&x).unwrap(), &direction);
            assert!((quotient - slope).abs() < 1e-6 * slope.abs().max(1.0), "{name} {dtype}: {slope}, not {quotient}");
        }
    }
}

#[test]
fn gradients_agree_with_differences() {
    gradients_agree::<Array>();
    gradients_agree::<BlockArray>();
}

/// A magnitude of exactly zero stays exactly zero: no NaN from 0 / 0, in values, proxes and gradients of norms.
#[test]
fn zeros_stay_zero() {
    for dtype in INEXACT {
        let zero = Array::zeros(&SHAPE, dtype);
        for (name, _, f) in proxes::<Array>(dtype) {
            if name.contains("loss") {
                continue;
            }
            for lambda in [0.0, 1.0] {
                assert_close(&f.prox(&zero, lambda.into()), &zero, name);
            }
            assert_eq!(number(&f.value(&zero)), 0.0, "{name}");
        }
        for f in [&L2Norm::new() as &dyn Prox, &L21Norm::new(), &HuberNorm::new(), &IsotropicTvNorm::isotropic()] {
            assert_close(&f.grad(&zero).unwrap(), &zero, "gradient at 0");
        }
    }
}

/// Of a block array, a functional that is not one of single blocks is that of all elements in a row.
#[test]
fn blocks_are_one_vector() {
    for dtype in INEXACT {
        let v = BlockArray::sample(dtype, 58);
        let row = v.ravel();
        let both: [(&dyn Prox<BlockArray>, &dyn Prox); 6] = [
            (&L0Norm::new(), &L0Norm::new()),
            (&L1Norm::new(), &L1Norm::new()),
            (&L2Norm::new(), &L2Norm::new()),
            (&L1MinusL2Norm::new(), &L1MinusL2Norm::new()),
            (&HuberNorm::new().joint(), &HuberNorm::new().joint()),
            (&L2BallIndicator::default(), &L2BallIndicator::default()),
        ];
        for (blocks, whole) in both {
            let (value, wanted) = (blocks.value(&v), whole.value(&row));
            // Of an indicator it may be infinite.
            if number(&value) != number(&wanted) {
                assert_close(&value, &wanted, "value");
            }
            for lambda in [0.2, 1.05, 1.5] {
                let prox = blocks.prox(&v, lambda.into()).ravel();
                assert_close(&prox, &whole.prox(&row, lambda.into()), "prox");
            }
        }
    }
}

/// A parameter out of its range is refused where it is given; `λ`, where the prox is asked for.
#[test]
fn functionals_refuse_what_does_not_fit() {
    let argument = |error: cotangent::Error, words: &str| {
        assert_eq!(error.kind(), cotangent::ErrorKind::Argument, "{error}");
        assert!(error.message().contains(words), "{error}");
    };
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        argument(HuberNorm::with_delta(bad).unwrap_err(), "finite and more than 0");
        argument(L1MinusL2Norm::with_beta(bad).unwrap_err(), "finite and at least 0");
        argument(L2BallIndicator::new(bad).unwrap_err(), "finite and at least 0");
        argument(ProximalAverage::weighted([L1Norm::new()], &[bad]).unwrap_err(), "finite and at least 0");
        let v = random(DType::F32, &SHAPE, 59);
        let proxes: [&dyn Prox; 5] =
            [&L0Norm::new(), &L1Norm::new(), &L21Norm::new(), &NuclearNorm::new(), &IsotropicTvNorm::isotropic()];
        for f in proxes {
            argument(f.prox(&v, bad.into()).error().unwrap().clone(), "λ must be finite and not negative");
            argument(f.conj_prox(&v, bad.into()).error().unwrap().clone(), "λ must be finite and more than 0");
        }
    }
    argument(HuberNorm::with_delta(0.0).unwrap_err(), "more than 0");
    argument(BoxIndicator::new(2.0, 1.0).unwrap_err(), "in this order");
    argument(ProximalAverage::<L1Norm>::new([]).unwrap_err(), "at least one functional");
    argument(ProximalAverage::weighted([L1Norm::new()], &[1.0, 2.0]).unwrap_err(), "one for each");
    argument(ProximalAverage::weighted([L1Norm::new()], &[0.0]).unwrap_err(), "at least one must be positive");
    argument(SeparableFunctional::<L1Norm>::new([]).unwrap_err(), "got none");

    let image = random(DType::F32, &SHAPE, 59);
    argument(IsotropicTvNorm::isotropic().along(&[2]).value(&image).error().unwrap().clone(), "out of range");
    argument(IsotropicTvNorm::isotropic().along(&[0, -2]).value(&image).error().unwrap().clone(), "named once");
    let blocks = BlockArray::sample(DType::F32, 59);
    argument(L21Norm::new().value(&blocks).error().unwrap().clone(), "whole()");
    argument(L21Norm::new().prox(&blocks, 1.0.into()).error().unwrap().clone(), "whole()");

    let volume = random(DType::F32, &[2, 3, 4], 59);
    let error = NuclearNorm::new().value(&volume).error().unwrap().clone();
    assert_eq!(error.kind(), cotangent::ErrorKind::Shape);
    assert!(error.message().contains("takes a matrix"));
    let separable = SeparableFunctional::new([L1Norm::new()]).unwrap();
    let error = separable.prox(&blocks, 1.0.into()).error().unwrap().clone();
    assert_eq!(error.kind(), cotangent::ErrorKind::Shape);
    assert!(error.message().contains("1 blocks, got 2"));
    let complex = random(DType::C64, &SHAPE, 59);
    let error = BoxIndicator::default().prox(&complex, 1.0.into()).error().unwrap().clone();
    assert_eq!(error.kind(), cotangent::ErrorKind::DType);
    let error = L1Norm::new().prox(&image, Array::from([1.0f32, 2.0]).into()).error().unwrap().clone();
    assert_eq!(error.kind(), cotangent::ErrorKind::Shape);
}

/// Every prox refuses a `λ` that is negative, not finite, complex or not one number, and passes on errors of its argument.
fn every_prox_checks_its_parameter<X: Sample>()
where
    L21Norm: Prox<X>,
{
    let v = X::sample(DType::F32, 59);
    let kind = |x: &X| x.leaf_error().map(|error| error.kind());
    for (name, _, f) in proxes::<X>(DType::F32) {
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(kind(&f.prox(&v, bad.into())), Some(ErrorKind::Argument), "{name}, λ = {bad}");
            assert_eq!(kind(&f.conj_prox(&v, bad.into())), Some(ErrorKind::Argument), "{name}, conjugate, λ = {bad}");
        }
        let complex = Factor::from(num_complex::Complex::new(1.0, 1.0));
        assert_eq!(kind(&f.prox(&v, complex)), Some(ErrorKind::DType), "{name}, complex λ");
        let two = Array::from([1.0f32, 2.0]);
        assert_eq!(kind(&f.prox(&v, two.into())), Some(ErrorKind::Shape), "{name}, two λ");
        let wrong = Array::from([1.0f32, 2.0]) + Array::from([1.0f32; 3]);
        let wrong = v.map_leaves(|_| wrong.clone());
        assert_eq!(kind(&f.prox(&wrong, 1.0.into())), Some(ErrorKind::Shape), "{name}, error as argument");
        assert!(f.value(&wrong).error().is_some() || name == "zero", "{name}: value of an error");
    }
}

#[test]
fn every_prox_checks_its_lambda() {
    every_prox_checks_its_parameter::<Array>();
    every_prox_checks_its_parameter::<BlockArray>();
}

/// A block without elements adds nothing, and comes back without elements; an array without elements has the value 0.
#[test]
fn empty_blocks_add_nothing() {
    for dtype in INEXACT {
        let full = random(dtype, &SHAPE, 73);
        let empty = Array::zeros(&[0, 2], dtype);
        let alone = BlockArray::new([full.clone()]).unwrap();
        let with_empty = BlockArray::new([full, empty.clone()]).unwrap();
        let functionals: [(&str, &dyn Prox<BlockArray>, &dyn Prox); 10] = [
            ("zero", &ZeroFunctional::new(), &ZeroFunctional::new()),
            ("l0", &L0Norm::new(), &L0Norm::new()),
            ("l1", &L1Norm::new(), &L1Norm::new()),
            ("l2", &L2Norm::new(), &L2Norm::new()),
            ("squared l2", &SquaredL2Norm::new(), &SquaredL2Norm::new()),
            ("l21", &L21Norm::whole(), &L21Norm::whole()),
            ("l1 minus l2", &L1MinusL2Norm::new(), &L1MinusL2Norm::new()),
            ("huber", &HuberNorm::new(), &HuberNorm::new()),
            ("joint huber", &HuberNorm::new().joint(), &HuberNorm::new().joint()),
            ("ball", &L2BallIndicator::default(), &L2BallIndicator::default()),
        ];
        for (name, blocks, array) in functionals {
            let (value, wanted) = (number(&blocks.value(&with_empty)), number(&blocks.value(&alone)));
            assert!(value == wanted, "{name} {dtype}: {value}, not {wanted}");
            let prox = blocks.prox(&with_empty, 0.3.into());
            assert_close(&prox[0], &blocks.prox(&alone, 0.3.into())[0], name);
            assert_eq!(prox[1].ty().unwrap(), empty.ty().unwrap(), "{name}");
            assert_eq!(number(&array.value(&empty)), 0.0, "{name} {dtype} of nothing");
            assert_eq!(array.prox(&empty, 0.3.into()).ty().unwrap(), empty.ty().unwrap(), "{name} of nothing");
        }
        let loss = SquaredL2Loss::new(with_empty.clone()).unwrap();
        assert_eq!(number(&loss.value(&with_empty)), 0.0);
        assert_eq!(loss.prox(&with_empty, 1.0.into()).ty().unwrap(), with_empty.ty().unwrap());
        let hessian = loss.hessian().unwrap();
        assert_close(&hessian.apply(&with_empty)[0], &with_empty[0], "Hessian");
    }
}

#[test]
fn values_and_gradients_compile_together() {
    let x = random(DType::F32, &SHAPE, 55);
    let f = SquaredL2Loss::new(random(DType::F32, &SHAPE, 56)).unwrap() + 0.3 * L21Norm::new();
    let (value, gradient) = jit(value_and_grad(|x: Array| f.value(&x))).call(x.clone()).unwrap();
    assert_close(&value, &f.value(&x), "value");
    assert_close(&gradient, &f.grad(&x).unwrap(), "gradient");
}

#[test]
fn scaled_proxes_scale_their_argument() {
    let v = random(DType::F64, &SHAPE, 57);
    let scaled = (0.25 * L1Norm::new()).prox(&v, 2.0.into());
    assert_close(&scaled, &L1Norm::new().prox(&v, 0.5.into()), "multiple");
    let traced = jit(|v: Array, weight: Array| {
        cotangent::functional::ScaledFunctional::new(weight, L1Norm::new()).prox(&v, 2.0.into())
    });
    assert_close(&traced.call((v.clone(), Array::from(0.25f64))).unwrap(), &scaled, "weight as data");
}
