//! Tangents agree with difference quotients in a random direction.

use crate::sample::{self, Application, Random, run};
use cotangent_ir::prim::{self, Jvp, Prim};
use cotangent_ir::transform::jvp;
use cotangent_ir::{AttrKind, Tensor};
use num_complex::Complex;
use std::collections::HashSet;

/// Step of difference quotients in double precision: their truncation error, of fourth order, and their rounding error are
/// both far below the tolerance.
const STEP: f64 = 5e-5;

/// The largest error of a difference quotient, relative to one plus the value.
const DIFFERENCE_TOLERANCE: f64 = 1e-6;

#[test]
fn tangents_agree_with_difference_quotients() {
    let mut random = Random::new();
    let mut tested = HashSet::new();
    for application in sample::applications(&mut random) {
        if !application.is_double() {
            continue;
        }
        let differentiable = application.differentiable().into_iter().zip(&application.operands);
        let directions: Vec<Option<Tensor>> =
            differentiable.map(|(has_tangent, x)| has_tangent.then(|| random.direction(x.ty()))).collect();
        if directions.iter().all(Option::is_none) {
            continue;
        }
        tested.insert(application.prim.name);
        let [far_behind, behind, ahead, far_ahead] =
            [-2.0, -1.0, 1.0, 2.0].map(|steps| application.moved(&directions, steps * STEP).run());
        for (i, tangent) in tangents(&application, &directions).into_iter().enumerate() {
            if !ahead[i].ty().dtype.is_inexact() {
                assert!(tangent.is_none(), "{application}: result {i} is {}, yet has a tangent", ahead[i].ty());
                continue;
            }
            let tangent = tangent.unwrap_or_else(|| Tensor::zeros(ahead[i].ty().clone()));
            assert_eq!(tangent.ty(), ahead[i].ty(), "{application}: type of tangent {i}");
            for position in 0..tangent.ty().len() {
                let value = |tensor: &Tensor| tensor.get(position).as_complex();
                let near = change(value(&behind[i]), value(&ahead[i]));
                let far = change(value(&far_behind[i]), value(&far_ahead[i]));
                let quotient = (8.0 * near - far) / (12.0 * STEP);
                let error = (value(&tangent) - quotient).norm();
                assert!(
                    error <= DIFFERENCE_TOLERANCE * (1.0 + quotient.norm()),
                    "{application}: tangent {i} at {position} is {}, the difference quotient {quotient} (seed {})",
                    value(&tangent),
                    random.seed
                );
            }
        }
    }
    // A closure of the host has the derivative it comes with.
    let of_host = |prim: &Prim| prim.attrs.iter().any(|(_, kind)| *kind == AttrKind::Host);
    let mut with_tangent = prim::all().filter(|prim| !matches!(prim.jvp, Jvp::Zero) && !of_host(prim));
    let untested = with_tangent.find(|prim| !tested.contains(prim.name));
    assert!(untested.is_none(), "{untested:?} has a tangent, but no case in double precision");
}

/// The difference; none of equal values, also infinite ones.
fn change(from: Complex<f64>, to: Complex<f64>) -> Complex<f64> {
    if from == to { Complex::ZERO } else { to - from }
}

/// Tangents of the results; `None` is zero.
fn tangents(application: &Application, directions: &[Option<Tensor>]) -> Vec<Option<Tensor>> {
    let nonzero: Vec<bool> = directions.iter().map(Option::is_some).collect();
    let (func, flags) =
        jvp::jvp(&application.func(), &nonzero).unwrap_or_else(|error| panic!("{application}: {error}"));
    let args: Vec<Tensor> = application.operands.iter().chain(directions.iter().flatten()).cloned().collect();
    let mut tangents = run(&func, &args).into_iter().skip(flags.len());
    flags.into_iter().map(|flag| if flag { tangents.next() } else { None }).collect()
}
