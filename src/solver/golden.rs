//! Minima by golden section.

use super::bisect::{ends, same_shape};
use crate::trace::{Evaluated, evaluate};
use crate::{Array, Error, ErrorKind, Result, impl_tree, while_loop};

/// When [`golden`] ends.
#[derive(Clone, Debug)]
pub struct GoldenSection {
    /// The widest interval that is narrow enough, of all elements.
    pub x_tolerance: f64,
    /// The most passes.
    pub max_iterations: i32,
}

impl Default for GoldenSection {
    /// 1e-7, 100 passes.
    fn default() -> GoldenSection {
        GoldenSection { x_tolerance: 1e-7, max_iterations: 100 }
    }
}

/// The outcome of [`golden`].
#[derive(Clone, Debug)]
pub struct Minima {
    /// The minimisers: of each element, the end of the interval with the smaller value.
    pub x: Array,
    /// The number of the last pass, counted from 0, i32.
    pub iteration: Array,
    /// The widest interval.
    pub x_error: Array,
}
impl_tree!(Minima { x, iteration, x_error });

/// `2 / (√5 + 1)`.
pub(super) const RATIO: f64 = 0.618_033_988_749_894_8;

/// The minimisers of `f` between `a` and `b`, for each element by itself, where `f` has one minimum: of the two points that
/// divide an interval in the golden ratio, the one with the larger value becomes an end (Kiefer, 1953). `inner` is the first of the
/// lower points, where it is not to be that of the ratio.
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::{GoldenSection, golden};
/// let centres = Array::from([1.0f64, 2.0]);
/// let (low, high) = (Array::from([0.0f64; 2]), Array::from([3.0f64; 2]));
/// let found = golden(|x: &Array| (x - &centres).square(), &low, &high, None, &GoldenSection::default())?;
/// assert!(found.x.to_vec::<f64>()?.iter().zip([1.0, 2.0]).all(|(x, want)| (x - want).abs() < 1e-6));
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// Ends that are not real or finite, or of different shapes; values of another shape.
#[track_caller]
pub fn golden(
    f: impl Fn(&Array) -> Array,
    a: &Array,
    b: &Array,
    inner: Option<&Array>,
    limits: &GoldenSection,
) -> Result<Minima> {
    let (a, b) = ends("golden", a, b)?;
    let inner = match inner {
        Some(inner) => inner.astype(a.dtype()?),
        None => &b - RATIO * (&b - &a),
    };
    if inner.shape()? != a.shape()? {
        let message = format!("the inner point is {}, the ends are {}; broadcast it", inner.ty()?, a.ty()?);
        return Err(Error::new(ErrorKind::Shape, "golden", message));
    }
    let f = |x: &Array| same_shape("golden", f(x), x);
    let found =
        evaluate("golden", (a, b, inner), |(a, b, c)| Evaluated::from(run(&f, a, b, c, limits))).into_result()?;
    match found.x.error() {
        Some(error) => Err(error.clone()),
        None => Ok(found),
    }
}

#[derive(Clone)]
struct State {
    a: Array,
    b: Array,
    c: Array,
    d: Array,
    iteration: Array,
    x_error: Array,
}
impl_tree!(State { a, b, c, d, iteration, x_error });

fn run(f: &dyn Fn(&Array) -> Array, a: Array, b: Array, c: Array, limits: &GoldenSection) -> Minima {
    let d = &a + RATIO * (&b - &a);
    let x_error = a.abs().max() * 0.0 + f64::INFINITY;
    let init = State { a, b, c, d, iteration: Array::from(-1i32), x_error };
    let go_on =
        |state: State| state.x_error.greater(limits.x_tolerance) & state.iteration.less(limits.max_iterations - 1);
    let shorten = |State { a, b, c, d, iteration, .. }: State| {
        let lower = f(&c).less(f(&d));
        let (a, b) = (lower.select(a, &c), lower.select(&d, b));
        let part = RATIO * (&b - &a);
        State { c: &b - &part, d: &a + &part, x_error: (&b - &a).abs().max(), a, b, iteration: iteration + 1i32 }
    };
    let end = while_loop(go_on, shorten, init);
    let x = f(&end.b).less(f(&end.a)).select(&end.b, &end.a);
    Minima { x, iteration: end.iteration, x_error: end.x_error }
}
