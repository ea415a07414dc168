//! Whether results are the numbers of a case.
//!
//! Elements agree if `|got - want| <= atol + rtol |want|`, with the modulus of complex numbers. Not-a-number agrees with
//! itself where the case allows for it, infinities must be the same; a complex number with such a part agrees part by part.
//! Integers and bools are exact. Dtypes and shapes are those of the reference. Where a case says that the sign of zero
//! matters, zeros agree if their signs do.

use crate::fixtures::Case;
use crate::report::Results;
use cotangent::ir::Number;
use cotangent::{Array, Scalar};
use num_complex::Complex;

/// How elements of one output are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    pub(crate) rtol: f64,
    pub(crate) atol: f64,
    pub(crate) nan_ok: bool,
    pub(crate) signed_zero: bool,
}

/// What is wrong with the results of a case.
pub(crate) fn differences(case: Case<'_>, results: &Results) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, want) in case.outputs() {
        let Some(got) = results.get(name) else {
            wrong.push(format!("{name} was not computed"));
            continue;
        };
        let tolerance = Tolerance {
            rtol: case.tolerance(name, "rtol"),
            atol: case.tolerance(name, "atol"),
            nan_ok: case.flag("nan_ok"),
            signed_zero: case.flag("signed_zero"),
        };
        let Some(difference) = blocks(got, &want, tolerance) else { continue };
        let either = case.flag("accept_either").then(|| case.as_implemented(name)).flatten();
        if either.is_none_or(|want| blocks(got, &want, tolerance).is_some()) {
            wrong.push(format!("{name}{difference}"));
        }
    }
    wrong
}

fn blocks(got: &[Array], want: &[Array], tolerance: Tolerance) -> Option<String> {
    if got.len() != want.len() {
        return Some(format!(" has {} blocks, not {}", got.len(), want.len()));
    }
    got.iter().zip(want).find_map(|(got, want)| difference(got, want, tolerance))
}

/// How an array differs from the one wanted.
pub(crate) fn difference(got: &Array, want: &Array, tolerance: Tolerance) -> Option<String> {
    let tensors = (got.tensor(), want.tensor());
    let (got, want) = match &tensors {
        (Ok(got), Ok(want)) => (got, want),
        (Err(error), _) | (_, Err(error)) => return Some(format!(": {error}")),
    };
    if got.ty() != want.ty() {
        return Some(format!(" is {}, not {}", got.ty(), want.ty()));
    }
    let mut differing = (0..want.ty().len()).filter(|&at| !agrees(got.get(at), want.get(at), tolerance));
    let first = differing.next()?;
    let more = differing.count();
    let (got, want) = (got.get(first), want.get(first));
    let others = if more > 0 { format!(" ({more} more)") } else { String::new() };
    Some(format!("[{first}] is {}, not {}{others}", shown(got), shown(want)))
}

fn shown(value: Scalar) -> String {
    match value.number() {
        Number::Int(value) => value.to_string(),
        Number::Float(value) => format!("{value:?}"),
        Number::Complex(value) => format!("{:?}{:+?}j", value.re, value.im),
    }
}

fn agrees(got: Scalar, want: Scalar, tolerance: Tolerance) -> bool {
    match (got.number(), want.number()) {
        (Number::Int(got), Number::Int(want)) => got == want,
        (Number::Float(got), Number::Float(want)) => real_agrees(got, want, tolerance),
        (Number::Complex(got), Number::Complex(want)) => complex_agrees(got, want, tolerance),
        _ => false,
    }
}

fn real_agrees(got: f64, want: f64, tolerance: Tolerance) -> bool {
    if tolerance.signed_zero && got == 0.0 && want == 0.0 && got.is_sign_negative() != want.is_sign_negative() {
        return false;
    }
    let same = got == want || (tolerance.nan_ok && got.is_nan() && want.is_nan());
    same || (got.is_finite() && (got - want).abs() <= tolerance.atol + tolerance.rtol * want.abs() && want.is_finite())
}

fn complex_agrees(got: Complex<f64>, want: Complex<f64>, tolerance: Tolerance) -> bool {
    let parts = [(got.re, want.re), (got.im, want.im)];
    if !(got.is_finite() && want.is_finite()) {
        return parts.iter().all(|&(got, want)| real_agrees(got, want, tolerance));
    }
    let zeros = |&(got, want): &(f64, f64)| got == 0.0 && want == 0.0;
    if tolerance.signed_zero && !parts.iter().filter(|part| zeros(part)).all(|&(g, w)| real_agrees(g, w, tolerance)) {
        return false;
    }
    (got - want).norm() <= tolerance.atol + tolerance.rtol * want.norm()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: Tolerance = Tolerance { rtol: 0.0, atol: 0.0, nan_ok: false, signed_zero: false };

    #[test]
    fn tolerances_add() {
        let near = Tolerance { rtol: 0.1, atol: 0.5, ..EXACT };
        assert!(real_agrees(11.4, 10.0, near));
        assert!(!real_agrees(11.6, 10.0, near));
        assert!(complex_agrees(Complex::new(3.0, 4.9), Complex::new(3.0, 4.0), near));
        assert!(!complex_agrees(Complex::new(3.0, 5.1), Complex::new(3.0, 4.0), near));
    }

    #[test]
    fn infinities_are_exact_whatever_the_tolerance() {
        let wide = Tolerance { rtol: 1.0, atol: f64::INFINITY, ..EXACT };
        assert!(real_agrees(f64::INFINITY, f64::INFINITY, wide));
        assert!(!real_agrees(f64::INFINITY, f64::NEG_INFINITY, wide));
        assert!(!real_agrees(1.0, f64::INFINITY, wide));
        assert!(!real_agrees(f64::INFINITY, 1.0, wide));
    }

    #[test]
    fn nan_agrees_with_nan_alone_and_where_allowed() {
        let allowed = Tolerance { nan_ok: true, ..EXACT };
        assert!(real_agrees(f64::NAN, f64::NAN, allowed));
        assert!(!real_agrees(f64::NAN, f64::NAN, EXACT));
        assert!(!real_agrees(f64::NAN, 0.0, Tolerance { rtol: 1.0, atol: 1.0, ..allowed }));
        assert!(complex_agrees(Complex::new(f64::NAN, 2.0), Complex::new(f64::NAN, 2.0), allowed));
        assert!(!complex_agrees(Complex::new(f64::NAN, 1.0), Complex::new(f64::NAN, 2.0), allowed));
    }

    #[test]
    fn the_sign_of_zero_matters_on_request() {
        let signed = Tolerance { signed_zero: true, ..EXACT };
        assert!(real_agrees(-0.0, 0.0, EXACT));
        assert!(!real_agrees(-0.0, 0.0, signed));
        assert!(!complex_agrees(Complex::new(1.0, -0.0), Complex::new(1.0, 0.0), signed));
    }

    #[test]
    fn types_are_those_of_the_reference() {
        let (one, wide) = (Array::from([1.0f32]), Array::from([1.0f64]));
        assert_eq!(difference(&one, &one, EXACT), None);
        assert_eq!(difference(&wide, &one, EXACT).unwrap(), " is f64[1], not f32[1]");
        assert_eq!(difference(&Array::from([1, 2]), &Array::from([1, 3]), EXACT).unwrap(), "[1] is 2, not 3");
    }
}
