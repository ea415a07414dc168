//! Steps that compute: elementwise instructions and reductions.
//!
//! Functions with poles or restricted domains are met inside theirs: a quotient is `x / (1 + y^2)`, a logarithm
//! `log(1 + y^2)`.

use super::builder::Builder;
use super::functions;
use super::{Known, Pick};
use crate::attrs::{Attr, Attrs};
use crate::dtype::DType;
use crate::func::Value;
use crate::types::Type;

type Step = fn(&mut Builder<'_>) -> Option<()>;

pub(super) const STEPS: &[Step] = &[
    sums,
    sums,
    products,
    products,
    smooth_unary,
    smooth_unary,
    functions::of_any_size,
    functions::of_small,
    functions::of_positive,
    functions::of_two,
    powers,
    above_one,
    quotient,
    kinks,
    jumps,
    comparison,
    selection,
    bits,
    conversion,
    complex_parts,
    sum_over_axes,
    other_reductions,
];

/// An operand that instructions of the kind can be applied to, not large.
pub(super) fn operand(b: &mut Builder<'_>, accepts: fn(DType) -> bool) -> Option<Pick> {
    let picked = b.pick(|ty, known| accepts(ty.dtype) && known.bound < 1e6)?;
    let value = b.moderate(picked.value)?;
    Some(b.pick_of(value))
}

/// A second operand of the same type: another value, a converted and broadcast scalar, or the first again.
pub(super) fn partner(b: &mut Builder<'_>, x: &Pick) -> Option<Pick> {
    if b.random.below(4) > 0
        && let Some(other) = b.pick_type(&x.ty)
    {
        let value = b.moderate(other.value)?;
        return Some(b.pick_of(value));
    }
    let scalar = b.pick(|ty, _| ty.rank() == 0 && ty.dtype == x.ty.dtype);
    match scalar {
        Some(scalar) if x.ty.rank() > 0 => {
            let scalar = b.moderate(scalar.value)?;
            let known = b.pick_of(scalar).known;
            let attrs = Attrs::none().with_sizes("shape", x.ty.shape.iter().copied()).with_ints("axes", []);
            let value = b.apply("broadcast", &[scalar], attrs, known)?;
            Some(b.pick_of(value))
        }
        _ => Some(x.clone()),
    }
}

pub(super) fn put(b: &mut Builder<'_>, name: &str, args: &[&Pick], bound: f64, spread: f64) -> Option<Value> {
    let args: Vec<Value> = args.iter().map(|pick| pick.value).collect();
    b.apply(name, &args, Attrs::none(), Known { bound, spread })
}

/// Integers wrap, so that nothing is known of them after an overflow but the width.
fn wrapped(ty: &Type, bound: f64) -> f64 {
    let width = (8 * ty.dtype.size()) as i32;
    if ty.dtype.is_unsigned_int() || bound >= 2f64.powi(width - 1) { 2f64.powi(width) } else { bound }
}

fn sums(b: &mut Builder<'_>) -> Option<()> {
    let x = operand(b, |dtype| !dtype.is_bool())?;
    let y = partner(b, &x)?;
    let bound = x.known.bound + y.known.bound;
    let name = *b.random.pick(&["add", "sub"]);
    if x.ty.dtype.is_int() {
        put(b, name, &[&x, &y], wrapped(&x.ty, bound), 0.0)?;
    } else {
        put(b, name, &[&x, &y], bound, x.known.spread + y.known.spread + bound)?;
    }
    Some(())
}

fn products(b: &mut Builder<'_>) -> Option<()> {
    let x = operand(b, |dtype| !dtype.is_bool())?;
    let y = partner(b, &x)?;
    let bound = x.known.bound * y.known.bound;
    if x.ty.dtype.is_int() {
        put(b, "mul", &[&x, &y], wrapped(&x.ty, bound), 0.0)?;
    } else {
        let spread = x.known.bound * y.known.spread + y.known.bound * x.known.spread + 2.0 * bound;
        put(b, "mul", &[&x, &y], bound, spread)?;
    }
    Some(())
}

fn smooth_unary(b: &mut Builder<'_>) -> Option<()> {
    let name = *b.random.pick(&["sin", "cos", "tanh", "exp", "neg"]);
    let x = operand(
        b,
        match name {
            "neg" => |dtype| dtype.is_inexact() || dtype.is_signed_int(),
            _ => DType::is_float,
        },
    )?;
    let Known { bound, spread } = x.known;
    match name {
        "neg" => put(b, name, &[&x], wrapped(&x.ty, bound), spread)?,
        "exp" if bound > 2.0 => return None,
        "exp" => put(b, name, &[&x], bound.exp(), bound.exp() * (spread + 1.0))?,
        _ => put(b, name, &[&x], 1.0, spread + 1.0)?,
    };
    Some(())
}

fn powers(b: &mut Builder<'_>) -> Option<()> {
    let x = operand(b, |dtype| dtype.is_inexact() || dtype.is_signed_int())?;
    let Known { bound, spread } = x.known;
    let exponent = b.random.below(4) as i32;
    let power = bound.max(1.0).powi(exponent);
    let (power, spread) = match x.ty.dtype.is_int() {
        true => (wrapped(&x.ty, power), 0.0),
        false => (power, f64::from(exponent) * (bound.max(1.0).powi((exponent - 1).max(0)) * spread + 2.0 * power)),
    };
    if exponent == 2 && b.random.coin() {
        put(b, "square", &[&x], power, spread)?;
    } else {
        let attrs = Attrs::none().with_int("exponent", exponent.into());
        b.apply("integer_pow", &[x.value], attrs, Known { bound: power, spread })?;
    }
    Some(())
}

/// `1 + y^2` of a real value that is not large.
fn one_and_square(b: &mut Builder<'_>) -> Option<Pick> {
    let y = operand(b, DType::is_float)?;
    let value = b.moderate_to(y.value, 2.0)?;
    let y = b.pick_of(value);
    let bound = y.known.bound * y.known.bound;
    let square = put(b, "square", &[&y], bound, 2.0 * y.known.bound * y.known.spread + bound)?;
    let square = b.pick_of(square);
    let one = b.filled(&y.ty, 1.0)?;
    let one = b.pick_of(one);
    let value = put(b, "add", &[&square, &one], 1.0 + bound, square.known.spread + 1.0 + bound)?;
    Some(b.pick_of(value))
}

fn above_one(b: &mut Builder<'_>) -> Option<()> {
    let y = one_and_square(b)?;
    let Known { bound, spread } = y.known;
    match *b.random.pick(&["log", "sqrt", "rsqrt", "pow"]) {
        "pow" => {
            let x = b.pick_type(&y.ty)?;
            let exponent = b.moderate_to(x.value, 1.0)?;
            let exponent = b.pick_of(exponent);
            let spread = bound * (spread + bound.ln() * exponent.known.spread + 4.0);
            put(b, "pow", &[&y, &exponent], bound, spread)?
        }
        "log" => put(b, "log", &[&y], bound.ln(), spread + 2.0)?,
        "sqrt" => put(b, "sqrt", &[&y], bound.sqrt(), spread + bound)?,
        name => put(b, name, &[&y], 1.0, spread + 2.0)?,
    };
    Some(())
}

fn quotient(b: &mut Builder<'_>) -> Option<()> {
    let y = one_and_square(b)?;
    let x = b.pick_type(&y.ty)?;
    let x = b.moderate(x.value)?;
    let x = b.pick_of(x);
    let name = *b.random.pick(&["div", "atan2"]);
    let spread = x.known.spread + x.known.bound * (y.known.spread + 2.0) + 2.0;
    put(b, name, &[&x, &y], x.known.bound.max(1.6), spread)?;
    Some(())
}

/// Continuous, but not smooth everywhere.
fn kinks(b: &mut Builder<'_>) -> Option<()> {
    if b.options.differentiable {
        return None;
    }
    let x = operand(b, |dtype| !dtype.is_complex() && !dtype.is_bool())?;
    if b.random.coin() && !x.ty.dtype.is_unsigned_int() {
        put(b, "abs", &[&x], wrapped(&x.ty, x.known.bound), x.known.spread)?;
        return Some(());
    }
    let y = partner(b, &x)?;
    let name = *b.random.pick(&["max", "min"]);
    put(b, name, &[&x, &y], x.known.bound.max(y.known.bound), x.known.spread.max(y.known.spread))?;
    Some(())
}

/// Functions that jump, on exact operands.
fn jumps(b: &mut Builder<'_>) -> Option<()> {
    if b.options.differentiable {
        return None;
    }
    let x = b.pick(|ty, known| known.spread == 0.0 && known.bound < 1e6 && ty.dtype.is_float() || ty.dtype.is_int())?;
    let bound = x.known.bound;
    if x.ty.dtype.is_int() {
        let y = partner(b, &x)?;
        let name = *b.random.pick(&["div", "rem"]);
        put(b, name, &[&x, &y], wrapped(&x.ty, bound + 1.0), 0.0)?;
        return Some(());
    }
    match *b.random.pick(&["floor", "ceil", "round", "trunc", "sign", "is_finite", "rem", "nextafter"]) {
        "nextafter" => {
            let y = b.filled(&x.ty, 0.75)?;
            b.apply("nextafter", &[x.value, y], Attrs::none(), Known { bound: bound + 1.0, spread: 0.0 })?
        }
        "rem" => {
            let y = b.filled(&x.ty, 0.75)?;
            b.apply("rem", &[x.value, y], Attrs::none(), Known { bound: 0.75, spread: 0.0 })?
        }
        name => put(b, name, &[&x], bound + 1.0, 0.0)?,
    };
    Some(())
}

fn comparison(b: &mut Builder<'_>) -> Option<()> {
    if b.options.differentiable {
        // What is compared does not depend on the parameters.
        return mask(b);
    }
    let x = b.pick(|ty, known| known.spread == 0.0 && !ty.dtype.is_complex())?;
    let y = b.pick(|ty, known| *ty == x.ty && known.spread == 0.0)?;
    let name = *b.random.pick(&["eq", "ne", "lt", "le", "gt", "ge"]);
    put(b, name, &[&x, &y], 1.0, 0.0)?;
    Some(())
}

/// A bool array of the shape of a value: where an index is below a bound.
fn mask(b: &mut Builder<'_>) -> Option<()> {
    let x = b.pick(|ty, _| ty.rank() > 0)?;
    let axis = b.random.below(x.ty.rank());
    let ty = x.ty.with_dtype(DType::I32);
    let attrs = Attrs::none()
        .with_sizes("shape", ty.shape.iter().copied())
        .with_int("axis", axis as i64)
        .with("dtype", Attr::DType(DType::I32));
    let index = b.apply("iota", &[], attrs, Known { bound: ty.shape[axis] as f64, spread: 0.0 })?;
    let limit = b.random.below(ty.shape[axis] + 1);
    let limit = b.filled(&ty, limit as f64)?;
    b.apply("lt", &[index, limit], Attrs::none(), Known { bound: 1.0, spread: 0.0 })?;
    Some(())
}

fn selection(b: &mut Builder<'_>) -> Option<()> {
    let predicate = b.pick(|ty, _| ty.dtype.is_bool())?;
    let x = b.pick(|ty, _| ty.shape == predicate.ty.shape)?;
    let y = partner(b, &x)?;
    let (bound, spread) = (x.known.bound.max(y.known.bound), x.known.spread.max(y.known.spread));
    put(b, "select", &[&predicate, &x, &y], bound, spread)?;
    Some(())
}

fn bits(b: &mut Builder<'_>) -> Option<()> {
    let x = b.pick(|ty, _| ty.dtype.is_int() || ty.dtype.is_bool())?;
    let names: &[&str] = match x.ty.dtype.is_bool() {
        true => &["and", "or", "xor", "not"],
        false => &[
            "and",
            "or",
            "xor",
            "not",
            "shift_left",
            "shift_right_logical",
            "shift_right_arithmetic",
            "population_count",
            "clz",
            "bitcast",
        ],
    };
    let name = *b.random.pick(names);
    let bound = if x.ty.dtype.is_bool() { 1.0 } else { wrapped(&x.ty, f64::INFINITY) };
    if matches!(name, "not" | "population_count" | "clz") {
        put(b, name, &[&x], bound, 0.0)?;
    } else if name == "bitcast" {
        let dtype = match x.ty.dtype {
            DType::I32 => DType::U32,
            DType::I64 => DType::U64,
            DType::U64 => DType::I64,
            _ => return None,
        };
        let bits =
            b.apply(name, &[x.value], Attrs::none().with("dtype", Attr::DType(dtype)), Known { bound, spread: 0.0 })?;
        let back = Attrs::none().with("dtype", Attr::DType(x.ty.dtype));
        b.apply(name, &[bits], back, Known { bound, spread: 0.0 })?;
    } else {
        let y = partner(b, &x)?;
        put(b, name, &[&x, &y], bound, 0.0)?;
    }
    Some(())
}

fn conversion(b: &mut Builder<'_>) -> Option<()> {
    let x = b.pick(|_, known| known.bound < 1e6)?;
    let mut dtypes = b.options.floats.clone();
    if b.options.complex {
        dtypes.extend(b.options.floats.iter().filter_map(|dtype| dtype.complex()));
    }
    if b.options.integers && x.known.spread == 0.0 && x.ty.dtype.is_inexact() || x.ty.dtype.is_int() {
        dtypes.extend([DType::I32, DType::I64, DType::U8, DType::Bool]);
    }
    let dtype = *b.random.pick(&dtypes);
    // The imaginary part would be dropped, which is not complex differentiable.
    if x.ty.dtype.is_complex() && !dtype.is_complex() && b.options.differentiable {
        return None;
    }
    let Known { bound, spread } = x.known;
    let rounds = x.ty.dtype.is_inexact() && dtype.real() != x.ty.dtype.real() || !dtype.is_inexact();
    let known = match dtype.is_int() {
        true => Known { bound: wrapped(&x.ty.with_dtype(dtype), bound), spread: 0.0 },
        // A narrower float rounds; exact values in use are exact in both.
        false => Known { bound: bound.max(1.0), spread: if rounds && spread > 0.0 { spread + bound } else { spread } },
    };
    b.apply("convert", &[x.value], Attrs::none().with("dtype", Attr::DType(dtype)), known)?;
    Some(())
}

fn complex_parts(b: &mut Builder<'_>) -> Option<()> {
    if !b.options.complex {
        return None;
    }
    if b.random.coin() {
        let x = operand(b, DType::is_float)?;
        let y = partner(b, &x)?;
        put(b, "complex", &[&x, &y], x.known.bound + y.known.bound, x.known.spread + y.known.spread)?;
        return Some(());
    }
    let x = operand(b, DType::is_complex)?;
    let name = *b.random.pick(&["real", "imag", "conj", "abs"]);
    if name == "abs" {
        if b.options.differentiable {
            return None;
        }
        put(b, name, &[&x], x.known.bound, x.known.spread + 2.0 * x.known.bound)?;
    } else {
        put(b, name, &[&x], x.known.bound, x.known.spread)?;
    }
    Some(())
}

/// Some axes of a value in increasing order, and how many elements they span.
fn some_axes(b: &mut Builder<'_>, ty: &Type) -> (Vec<i64>, f64) {
    let axes: Vec<usize> = (0..ty.rank()).filter(|_| b.random.coin()).collect();
    let count: usize = axes.iter().map(|&axis| ty.shape[axis]).product();
    (axes.into_iter().map(|axis| axis as i64).collect(), count as f64)
}

fn sum_over_axes(b: &mut Builder<'_>) -> Option<()> {
    let x = b.pick(|ty, known| ty.rank() > 0 && !ty.dtype.is_bool() && known.bound < 1e6)?;
    let x = b.moderate(x.value)?;
    let x = b.pick_of(x);
    let (axes, count) = some_axes(b, &x.ty);
    let bound = x.known.bound * count.max(1.0);
    let known = match x.ty.dtype.is_int() {
        true => Known { bound: wrapped(&x.ty, bound), spread: 0.0 },
        false => Known { bound, spread: count * x.known.spread + 3.0 * bound },
    };
    b.apply("reduce_sum", &[x.value], Attrs::none().with_ints("axes", axes), known)?;
    Some(())
}

fn other_reductions(b: &mut Builder<'_>) -> Option<()> {
    let x = b.pick(|ty, known| ty.rank() > 0 && !ty.dtype.is_bool() && known.bound < 1e6)?;
    let (axes, count) = some_axes(b, &x.ty);
    let attrs = Attrs::none().with_ints("axes", axes);
    let Known { bound, spread } = x.known;
    if b.options.differentiable || x.ty.dtype.is_complex() || b.random.coin() {
        if x.ty.dtype.is_int() {
            b.apply("reduce_prod", &[x.value], attrs, Known { bound: wrapped(&x.ty, f64::INFINITY), spread: 0.0 })?;
            return Some(());
        }
        let power = bound.max(1.0).powf(count);
        b.apply("reduce_prod", &[x.value], attrs, Known { bound: power, spread: count * power * (spread + 2.0) })?;
    } else if count > 0.0 {
        let name = *b.random.pick(&["reduce_max", "reduce_min"]);
        b.apply(name, &[x.value], attrs, x.known)?;
    }
    Some(())
}
