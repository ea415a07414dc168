//! The functions of formulas: names, and what they are here.
//!
//! [`FUNCTIONS`] and constants are the names that the manifest lists for formulas.

use super::value::Value;
use cotangent::ir::prim::conv::ConvolveMode;
use cotangent::{Array, DType, concatenate, einsum, stack};
use std::collections::BTreeSet;

/// The arguments of a call.
pub(crate) struct Arguments<'a>(&'a [Value]);

impl Arguments<'_> {
    fn get(&self, position: usize) -> &Value {
        self.0.get(position).unwrap_or_else(|| panic!("argument {position} is missing"))
    }

    fn array(&self, position: usize) -> Array {
        self.get(position).clone().into_array()
    }

    fn arrays(&self) -> Vec<Array> {
        self.arrays_from(0)
    }

    fn arrays_from(&self, position: usize) -> Vec<Array> {
        self.0[position..].iter().map(|value| value.clone().into_array()).collect()
    }

    /// The axis that a second argument names, if there is one.
    fn axis(&self) -> Option<isize> {
        self.0.get(1).map(Value::int)
    }

    /// Every axis of the first argument.
    fn axes(&self) -> Vec<isize> {
        (0..self.array(0).shape().map_or(0, |shape| shape.len()) as isize).collect()
    }
}

type Function = fn(&Arguments<'_>) -> Array;

/// The functions, sorted by name.
pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("abs", |a| a.array(0).abs()),
    ("acos", |a| a.array(0).acos()),
    ("acosh", |a| a.array(0).acosh()),
    ("angle", |a| a.array(0).angle()),
    ("asin", |a| a.array(0).asin()),
    ("asinh", |a| a.array(0).asinh()),
    ("atan", |a| a.array(0).atan()),
    ("atan2", |a| a.array(0).atan2(a.get(1).term())),
    ("atanh", |a| a.array(0).atanh()),
    ("cbrt", |a| a.array(0).cbrt()),
    ("cholesky", |a| a.array(0).cholesky()),
    ("clip", |a| a.array(0).clamp(a.get(1).term(), a.get(2).term())),
    ("concat", |a| concatenate(&a.arrays(), 0)),
    ("conj", |a| a.array(0).conj()),
    ("conv", |a| a.array(0).convolve(&a.array(1), ConvolveMode::Full)),
    ("cos", |a| a.array(0).cos()),
    ("cosh", |a| a.array(0).cosh()),
    ("cumprod", |a| a.array(0).flatten().cumprod(0)),
    ("cumsum", |a| match a.axis() {
        Some(axis) => a.array(0).cumsum(axis),
        None => a.array(0).flatten().cumsum(0),
    }),
    ("det", |a| a.array(0).det()),
    ("diag", |a| {
        let x = a.array(0);
        if x.shape().is_ok_and(|shape| shape.len() == 1) { x.diag(0) } else { x.diagonal(0) }
    }),
    ("diff", |a| a.array(0).diff(-1)),
    ("digamma", |a| a.array(0).digamma()),
    ("dot", |a| a.array(0).dot(&a.array(1))),
    ("eigvalsh", |a| a.array(0).eigvalsh()),
    ("einsum", |a| einsum(a.get(0).text(), &a.arrays_from(1).iter().collect::<Vec<_>>())),
    ("erf", |a| a.array(0).erf()),
    ("erfc", |a| a.array(0).erfc()),
    ("exp", |a| a.array(0).exp()),
    ("expm1", |a| a.array(0).expm1()),
    ("eye", |a| Array::eye(a.get(0).int() as usize, DType::F32)),
    ("fft", |a| a.array(0).fft(&[-1])),
    ("fft2", |a| a.array(0).fft(&[-2, -1])),
    ("fftn", |a| a.array(0).fft(&a.axes())),
    ("fftshift", |a| a.array(0).fftshift(&a.axes())),
    ("flip", |a| a.array(0).flip(&a.axes())),
    ("floor", |a| a.array(0).floor()),
    ("hypot", |a| a.array(0).hypot(a.get(1).term())),
    ("i0e", |a| a.array(0).i0e()),
    ("ifft", |a| a.array(0).ifft(&[-1])),
    ("ifft2", |a| a.array(0).ifft(&[-2, -1])),
    ("ifftn", |a| a.array(0).ifft(&a.axes())),
    ("imag", |a| a.array(0).imag()),
    ("inv", |a| a.array(0).inv()),
    ("irfft", |a| a.array(0).irfft(&[-1], a.get(1).int() as usize)),
    ("kron", |a| a.array(0).kron(&a.array(1))),
    ("lgamma", |a| a.array(0).lgamma()),
    ("log", |a| a.array(0).log()),
    ("log1p", |a| a.array(0).log1p()),
    ("logabsdet", |a| a.array(0).slogdet().1),
    ("logaddexp", |a| a.array(0).logaddexp(a.get(1).term())),
    ("logsumexp", |a| a.array(0).logsumexp()),
    ("max", |a| a.array(0).max()),
    ("maximum", |a| a.array(0).maximum(a.get(1).term())),
    ("mean", |a| a.array(0).mean()),
    ("min", |a| a.array(0).min()),
    ("minimum", |a| a.array(0).minimum(a.get(1).term())),
    ("norm", |a| a.array(0).norm()),
    ("outer", |a| a.array(0).outer(&a.array(1))),
    ("pad", |a| {
        let widths = a.get(1).items().iter().map(|width| (width.ints()[0] as i64, width.ints()[1] as i64, 0));
        a.array(0).pad_zeros(&widths.collect::<Vec<_>>())
    }),
    ("power", |a| a.array(0).pow(a.get(1).term())),
    ("prod", |a| a.array(0).prod()),
    ("real", |a| a.array(0).real()),
    ("reshape", |a| {
        let shape: Vec<usize> = a.get(1).ints().iter().map(|&extent| extent as usize).collect();
        a.array(0).reshape(&shape)
    }),
    ("rfft", |a| a.array(0).rfft(&[-1])),
    ("roll", |a| a.array(0).roll(a.get(1).int(), a.get(2).int())),
    ("scatter_add", |a| a.array(0).at(&[(&a.array(1)).into()]).add(a.get(2).term())),
    ("sigmoid", |a| a.array(0).sigmoid()),
    ("sign", |a| a.array(0).sign()),
    ("sin", |a| a.array(0).sin()),
    ("sinc", |a| a.array(0).sinc()),
    ("sinh", |a| a.array(0).sinh()),
    ("softmax", |a| a.array(0).softmax(-1)),
    ("softplus", |a| a.array(0).softplus()),
    ("solve", |a| a.array(0).solve(&a.array(1))),
    ("sort", |a| a.array(0).sort(-1)),
    ("sqrt", |a| a.array(0).sqrt()),
    ("square", |a| a.array(0).square()),
    ("stack", |a| stack(&a.arrays(), 0)),
    ("stop_gradient", |a| a.array(0).stop_gradient()),
    ("sum", |a| match a.axis() {
        Some(axis) => a.array(0).sum_axes(&[axis]),
        None => a.array(0).sum(),
    }),
    ("svdvals", |a| a.array(0).svdvals()),
    ("take", |a| a.array(0).flatten().take(&a.array(1), 0)),
    ("tan", |a| a.array(0).tan()),
    ("tanh", |a| a.array(0).tanh()),
    ("trace", |a| a.array(0).trace()),
    ("transpose", |a| {
        let axes: Vec<usize> = a.axes().iter().rev().map(|&axis| axis as usize).collect();
        a.array(0).permute(&axes)
    }),
    ("tril", |a| a.array(0).tril(0)),
    ("var", |a| a.array(0).var()),
    ("vdot", |a| a.array(0).vdot(&a.array(1))),
    ("where", |a| a.array(0).select(a.get(1).term(), a.get(2).term())),
    ("xlogy", |a| a.array(0).xlogy(a.get(1).term())),
];

/// The numbers that have names.
const CONSTANTS: &[(&str, f64)] = &[("e", std::f64::consts::E), ("inf", f64::INFINITY), ("pi", std::f64::consts::PI)];

/// What the evaluator itself understands.
const FORMS: &[&str] = &["loop"];

/// Applies a function by name.
///
/// # Panics
/// An unknown name; arguments that do not fit.
pub(crate) fn apply(name: &str, arguments: &[Value]) -> Array {
    match FUNCTIONS.binary_search_by_key(&name, |&(known, _)| known) {
        Ok(found) => (FUNCTIONS[found].1)(&Arguments(arguments)),
        Err(_) => panic!("the function {name} is not there"),
    }
}

/// The number of a name.
pub(crate) fn constant(name: &str) -> Option<Value> {
    CONSTANTS.iter().find(|(known, _)| *known == name).map(|&(_, value)| Value::Real(value))
}

/// Fails unless the functions are sorted and the names here are those that formulas may use.
pub(crate) fn check_lists(names: &[&str]) {
    assert!(FUNCTIONS.is_sorted_by(|a, b| a.0 < b.0), "FUNCTIONS is sorted by name");
    let there = FUNCTIONS.iter().map(|&(name, _)| name).chain(CONSTANTS.iter().map(|&(name, _)| name));
    let there: BTreeSet<&str> = there.chain(FORMS.iter().copied()).collect();
    assert_eq!(there, names.iter().copied().collect(), "the names that formulas may use");
}
