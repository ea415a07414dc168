//! Steps that apply functions of real numbers, inside of where they are defined and not steep.

use super::arithmetic::{operand, partner, put};
use super::builder::Builder;
use super::{Known, Pick};
use crate::attrs::Attrs;
use crate::dtype::DType;

/// Functions of every real number whose slope is at most 2.
pub(super) fn of_any_size(b: &mut Builder<'_>) -> Option<()> {
    let names = ["logistic", "softplus", "asinh", "atan", "erf", "erfc", "sinc", "bessel_i0e", "bessel_i1e"];
    let name = *b.random.pick(&names);
    // The scaled Bessel function of order 0 has a kink at 0.
    if name == "bessel_i0e" && b.options.differentiable {
        return None;
    }
    let x = operand(b, DType::is_float)?;
    let Known { bound, spread } = x.known;
    let bound = if name == "softplus" { bound + 1.0 } else { bound.asinh().max(2.0) };
    put(b, name, &[&x], bound, 2.0 * spread + bound)?;
    Some(())
}

/// Half of the sine of a value, plus a number.
fn near(b: &mut Builder<'_>, number: f64) -> Option<Pick> {
    let x = operand(b, DType::is_float)?;
    let spread = x.known.spread + 1.0;
    let sine = put(b, "sin", &[&x], 1.0, spread)?;
    let half = b.filled(&x.ty, 0.5)?;
    let (sine, half) = (b.pick_of(sine), b.pick_of(half));
    let small = put(b, "mul", &[&sine, &half], 0.5, spread)?;
    if number == 0.0 {
        return Some(b.pick_of(small));
    }
    let number_value = b.filled(&x.ty, number)?;
    let (small, number_value) = (b.pick_of(small), b.pick_of(number_value));
    let sum = put(b, "add", &[&small, &number_value], number + 0.5, spread + number)?;
    Some(b.pick_of(sum))
}

/// Functions defined within [-1, 1], of numbers up to 1/2.
pub(super) fn of_small(b: &mut Builder<'_>) -> Option<()> {
    let names = ["asin", "acos", "atanh", "erf_inv", "tan", "log1p", "expm1", "exp2", "sinh", "cosh"];
    let name = *b.random.pick(&names);
    let x = near(b, 0.0)?;
    put(b, name, &[&x], 2.5, 2.0 * x.known.spread + 2.5)?;
    Some(())
}

/// Functions defined above 1, of numbers from 3/2 to 5/2.
pub(super) fn of_positive(b: &mut Builder<'_>) -> Option<()> {
    let name = *b.random.pick(&["acosh", "lgamma", "digamma", "polygamma", "log2", "log10", "cbrt"]);
    let x = near(b, 2.0)?;
    let spread = 2.0 * x.known.spread + 2.0;
    if name == "polygamma" {
        let attrs = Attrs::none().with_int("order", 1);
        b.apply(name, &[x.value], attrs, Known { bound: 2.0, spread })?;
        return Some(());
    }
    put(b, name, &[&x], 2.0, spread)?;
    Some(())
}

/// Functions of two numbers.
pub(super) fn of_two(b: &mut Builder<'_>) -> Option<()> {
    let name = *b.random.pick(&["logaddexp", "hypot", "xlogy", "xlog1py"]);
    if name == "logaddexp" || name == "hypot" {
        // The hypotenuse has a kink at 0.
        if name == "hypot" && b.options.differentiable {
            return None;
        }
        let x = operand(b, DType::is_float)?;
        let y = partner(b, &x)?;
        let bound = x.known.bound + y.known.bound + 1.0;
        put(b, name, &[&x, &y], bound, x.known.spread + y.known.spread + bound)?;
        return Some(());
    }
    let y = near(b, 2.0)?;
    let x = b.pick_type(&y.ty)?;
    let x = b.moderate(x.value)?;
    let x = b.pick_of(x);
    let bound = 2.0 * x.known.bound;
    put(b, name, &[&x, &y], bound, 2.0 * x.known.spread + x.known.bound * y.known.spread + bound)?;
    Some(())
}
