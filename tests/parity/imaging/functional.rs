//! Area `functional`: values, gradients, proxes and conjugate proxes.

use super::{Given, name, number, operator, whole_numbers};
use crate::fixtures::Case;
use crate::report::{Broken, Computed, Results};
use cotangent::functional::{
    AnisotropicTvNorm, BoxIndicator, ComposedFunctional, Functional, FunctionalSum, HuberNorm, IsotropicTvNorm, L0Norm,
    L1MinusL2Norm, L1Norm, L2BallIndicator, L2Norm, L21Norm, NonNegativeIndicator, NuclearNorm, Prox, ProximalAverage,
    ScaledFunctional, SeparableFunctional, SetDistance, SquaredL2Norm, SquaredSetDistance, TvNorm, ZeroFunctional,
};
use cotangent::{Array, BlockArray, Factor};
use serde_json::Value;

/// The results of a case.
pub(crate) fn compute(case: Case<'_>) -> Computed<Results> {
    if case.is_block("v") { results::<BlockArray>(case) } else { results::<Array>(case) }
}

fn results<X: Described>(case: Case<'_>) -> Computed<Results> {
    let f = &case.params()["f"];
    let v = X::given(case, "v");
    if f["fn"] == "Sum" {
        let f = FunctionalSum::new(functional::<X>(case, &f["a"])?, functional::<X>(case, &f["b"])?);
        return evaluated(case, &f, &v);
    }
    let f = functional::<X>(case, f)?;
    let mut results = evaluated(case, &f, &v)?;
    results.extend(proxes(case, &*f, &v));
    Ok(results)
}

/// Value and gradient, as far as the case asks for them.
pub(crate) fn evaluated<X: Given>(case: Case<'_>, f: &impl Functional<X>, v: &X) -> Computed<Results> {
    let mut results = Results::new();
    for (output, wanted) in case.outputs() {
        match output {
            // The number of elements that are not zero is an integer there, and the zero functional gives a number of
            // Python, stored in double precision.
            "value" => {
                let value = f.value(v);
                let kind = &case.params()["f"]["fn"];
                let other = kind == "L0Norm" || kind == "Zero";
                let value = if other { value.astype(wanted[0].dtype()?) } else { value };
                results.insert("value".into(), vec![value]);
            }
            "grad" => {
                results.insert("grad".into(), f.grad(v)?.into_arrays());
            }
            _ => {}
        }
    }
    Ok(results)
}

/// Proxes and conjugate proxes for each of the factors of the case.
pub(crate) fn proxes<X: Given>(case: Case<'_>, f: &dyn Prox<X>, v: &X) -> Results {
    let mut results = Results::new();
    for (position, lambda) in case.params()["lams"].as_array().unwrap().iter().enumerate() {
        let lambda = Factor::from(number(lambda));
        results.insert(format!("prox{position}"), f.prox(v, lambda.clone()).into_arrays());
        results.insert(format!("conj_prox{position}"), f.conj_prox(v, lambda).into_arrays());
    }
    results
}

/// What functionals are described for.
pub(crate) trait Described: Given {
    /// The functionals that are of this kind of variable only.
    fn special(case: Case<'_>, f: &Value) -> Computed<Box<dyn Prox<Self>>>;
}

fn unknown<T>(f: &Value) -> Computed<T> {
    Err(Broken(format!("the runner knows no functional {f}")))
}

/// A functional from its description.
pub(crate) fn functional<X: Described>(case: Case<'_>, f: &Value) -> Computed<Box<dyn Prox<X>>> {
    let kind = f["fn"].as_str().unwrap_or_default();
    Ok(match kind {
        "Zero" => Box::new(ZeroFunctional::new()),
        "L0Norm" => Box::new(L0Norm::new()),
        "L1Norm" => Box::new(L1Norm::new()),
        "L2Norm" => Box::new(L2Norm::new()),
        "SquaredL2Norm" => Box::new(SquaredL2Norm::new()),
        "L1MinusL2Norm" => Box::new(L1MinusL2Norm::with_beta(f["beta"].as_f64().unwrap_or(1.0))?),
        "HuberNorm" => {
            let norm = HuberNorm::with_delta(f["delta"].as_f64().unwrap_or(1.0))?;
            Box::new(if f["separable"] == false { norm.joint() } else { norm })
        }
        "NonNegativeIndicator" => Box::new(NonNegativeIndicator::new()),
        "BoxIndicator" => Box::new(BoxIndicator::new(number(&f["lb"]), number(&f["ub"]))?),
        "L2BallIndicator" => Box::new(L2BallIndicator::new(f["radius"].as_f64().unwrap_or(1.0))?),
        "Scaled" => Box::new(ScaledFunctional::new(number(&f["scale"]), functional::<X>(case, &f["of"])?)),
        "ProximalAverage" => {
            let members: Vec<_> =
                f["of"].as_array().unwrap().iter().map(|f| functional::<X>(case, f)).collect::<Result<_, _>>()?;
            Box::new(match f["weights"].as_array() {
                Some(weights) => {
                    let weights: Vec<f64> = weights.iter().map(number).collect();
                    ProximalAverage::weighted(members, &weights)?
                }
                None => ProximalAverage::new(members)?,
            })
        }
        _ => return X::special(case, f),
    })
}

fn groups(f: &Value) -> L21Norm {
    match f.get("l2_axis") {
        None => L21Norm::new(),
        Some(Value::Null) => L21Norm::whole(),
        Some(axes) => L21Norm::along(&whole_numbers(axes)),
    }
}

impl Described for BlockArray {
    fn special(case: Case<'_>, f: &Value) -> Computed<Box<dyn Prox<BlockArray>>> {
        Ok(match f["fn"].as_str().unwrap_or_default() {
            "L21Norm" => Box::new(groups(f)),
            "Separable" => {
                let parts = f["of"].as_array().unwrap().iter().map(|f| functional::<Array>(case, f));
                Box::new(SeparableFunctional::new(parts.collect::<Result<Vec<_>, _>>()?)?)
            }
            _ => return unknown(f),
        })
    }
}

impl Described for Array {
    fn special(case: Case<'_>, f: &Value) -> Computed<Box<dyn Prox>> {
        Ok(match f["fn"].as_str().unwrap_or_default() {
            "L21Norm" => Box::new(groups(f)),
            "NuclearNorm" => Box::new(NuclearNorm::new()),
            "AnisotropicTVNorm" => Box::new(variation(f, AnisotropicTvNorm::anisotropic())),
            "IsotropicTVNorm" => Box::new(variation(f, IsotropicTvNorm::isotropic())),
            "TVNorm" => Box::new(variation(f, TvNorm::new(functional::<Array>(case, &f["norm"])?))),
            "Composed" => {
                let inner = functional::<Array>(case, &f["of"])?;
                Box::new(ComposedFunctional::new(inner, operator::linear(case, &f["A"])?))
            }
            "SetDistance" => Box::new(SetDistance::new(projection(case, f))),
            "SquaredSetDistance" => Box::new(SquaredSetDistance::new(projection(case, f))),
            _ => return unknown(f),
        })
    }
}

fn variation<N>(f: &Value, mut norm: TvNorm<N>) -> TvNorm<N> {
    norm = match f["circular"].as_bool() {
        Some(true) => norm.circular(),
        Some(false) => norm.open(),
        None => norm,
    };
    match f.get("axes") {
        None | Some(Value::Null) => norm,
        Some(axes) => norm.along(&whole_numbers(axes)),
    }
}

/// The projection onto the set of a distance.
fn projection(case: Case<'_>, f: &Value) -> Box<dyn Fn(&Array) -> Array + Send + Sync> {
    match f["set"].as_str().unwrap() {
        "nonneg" => Box::new(|x| x.maximum(0.0)),
        "box" => {
            let (low, high) = (number(&f["lb"]), number(&f["ub"]));
            Box::new(move |x| x.clamp(low, high))
        }
        "l2ball" => {
            let radius = number(&f["radius"]);
            Box::new(move |x| x * (radius / x.abs2().sum().sqrt()).minimum(1.0))
        }
        "hyperplane" => {
            let (a, b) = (case.input(name(&f["a"])), number(&f["b"]));
            Box::new(move |x| x - &a * (((&a * x).sum() - b) / a.square().sum()))
        }
        other => panic!("set {other}"),
    }
}
