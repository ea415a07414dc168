//! Losses of magnitudes, as of measurements that lose the phase.

use super::{Forward, check_output, check_real, check_weights, known, loss_algebra, weighed};
use crate::functional::{Functional, Prox, threshold};
use crate::inner::{difference, divide_or_zero, total};
use crate::linop::{Identity, LinOp};
use crate::operator::Op;
use crate::{Array, ErrorKind, Factor, Result, Tree, Type, Variable};

/// `α Σ w_i (y_i − |(A x)_i|)²`, by default with `α = ½`, `A` the identity and `w = 1`.
///
/// Without an operator, and with data that are not negative, it has a prox: with `b = 2 α λ w`, the magnitude
/// `(b y + |v|) / (b + 1)` in the phase of `v`, or in phase 1 where `v = 0`. (The loss is not convex; this is a minimiser.)
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, Prox};
/// use cotangent::loss::SquaredL2AbsLoss;
/// use num_complex::Complex;
/// let loss = SquaredL2AbsLoss::new(Array::from([1.0f32, 2.0, 3.0]))?;
/// let x = Array::from([Complex::new(3.0f32, 4.0), Complex::new(0.0, 0.0), Complex::new(0.0, 1.0)]);
/// assert_eq!(loss.value(&x).item()?, 12.0);
/// let p = loss.prox(&x, 1.0.into()).to_vec::<Complex<f32>>()?;
/// assert!((p[0] - Complex::new(1.8, 2.4)).norm() < 1e-6 && (p[1] - Complex::new(1.0, 0.0)).norm() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SquaredL2AbsLoss<A: Forward = Identity<Type>> {
    y: A::Output,
    operator: A,
    weights: Option<A::Output>,
    scale: Factor,
}

/// `α Σ w_i (y_i − |(A x)_i|²)²`, by default with `α = ½`, `A` the identity and `w = 1`.
///
/// Without an operator, and with data that are not negative, it has a prox: with `b = 4 α λ w`, the greatest real root of
/// `r³ + p r + q = 0` for `p = (1 − b y) / b` and `q = −|v| / b` in the phase of `v`, or in phase 1 where `v = 0`; and `v`
/// where `b = 0`. (The loss is not convex; this is a minimiser.)
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, Prox};
/// use cotangent::loss::SquaredL2SquaredAbsLoss;
/// use num_complex::Complex;
/// let loss = SquaredL2SquaredAbsLoss::new(Array::from([1.0f32, 2.0, 3.0]))?;
/// let x = Array::from([Complex::new(3.0f32, 4.0), Complex::new(0.0, 0.0), Complex::new(0.0, 1.0)]);
/// assert_eq!(loss.value(&x).item()?, 292.0);
/// let p = loss.prox(&x, 1.0.into()).to_vec::<Complex<f32>>()?;
/// assert!((p[0] - Complex::new(0.887823, 1.183764)).norm() < 1e-5);
/// assert!((p[1] - Complex::new(1.224745, 0.0)).norm() < 1e-5);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SquaredL2SquaredAbsLoss<A: Forward = Identity<Type>> {
    y: A::Output,
    operator: A,
    weights: Option<A::Output>,
    scale: Factor,
}

loss_algebra!([A: Forward] SquaredL2AbsLoss<A>);
loss_algebra!([A: Forward] SquaredL2SquaredAbsLoss<A>);

macro_rules! magnitude_losses {
    ($($name:ident $measure:expr;)*) => { $(
        impl $name {
            /// The loss of `x` itself.
            ///
            /// # Errors
            /// Data that are complex; the error `y` stands for.
            pub fn new<Y: Variable>(y: Y) -> Result<$name<Identity<Y::Type>>> {
                check_real(stringify!($name), &y)?;
                let operator = Identity::new(y.variable_type()?);
                Ok($name { y, operator, weights: None, scale: Factor::Real(0.5) })
            }
        }

        impl<A: Forward> $name<A> {
            /// The loss with a real weight for each datum. Where the elements are known, they are checked to be finite and
            /// not negative.
            ///
            /// # Errors
            /// Weights of another shape than the data, complex ones, or negative ones.
            pub fn weights(mut self, weights: A::Output) -> Result<$name<A>> {
                check_weights(stringify!($name), &weights, &self.y)?;
                self.weights = Some(weights);
                Ok(self)
            }

            /// The loss of `A x`. It has no prox.
            ///
            /// # Errors
            /// An operator whose output has not the shape of the data.
            pub fn operator<X: Variable>(
                self,
                operator: impl Into<LinOp<X, A::Output>>,
            ) -> Result<$name<LinOp<X, A::Output>>> {
                self.seen_through(operator.into())
            }

            /// The loss of `A(x)` for an operator that need not be linear. It has no prox.
            ///
            /// # Errors
            /// An operator whose output has not the shape of the data.
            pub fn map<X: Variable>(self, operator: Op<X, A::Output>) -> Result<$name<Op<X, A::Output>>> {
                self.seen_through(operator)
            }

            fn seen_through<B: Forward<Output = A::Output>>(self, operator: B) -> Result<$name<B>> {
                check_output(stringify!($name), &operator, &self.y)?;
                let $name { y, weights, scale, .. } = self;
                Ok($name { y, operator, weights, scale })
            }
        }

        impl<A: Forward> Functional<A::Input> for $name<A> {
            fn value(&self, x: &A::Input) -> Array {
                let measured = self.operator.apply(x).map_leaves(|leaf| $measure(&leaf));
                let squares = difference(&self.y, &measured).map_leaves(|leaf| leaf.square());
                self.scale.times(&total(&weighed(&self.weights, &squares), Array::sum))
            }
        }
    )* };
}
magnitude_losses! {
    SquaredL2AbsLoss Array::abs;
    SquaredL2SquaredAbsLoss Array::abs2;
}

impl<X: Variable> Prox<X> for SquaredL2AbsLoss<Identity<X::Type>> {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        let strength = threshold("SquaredL2AbsLoss::prox", &(&(&Factor::Real(2.0) * &self.scale) * &lambda), v);
        in_phase("SquaredL2AbsLoss::prox", &self.y, &self.weights, v, &strength, |b, y, magnitude| {
            (b * y + magnitude) / (b + 1.0)
        })
    }
}

impl<X: Variable> Prox<X> for SquaredL2SquaredAbsLoss<Identity<X::Type>> {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        let strength = threshold("SquaredL2SquaredAbsLoss::prox", &(&(&Factor::Real(4.0) * &self.scale) * &lambda), v);
        in_phase("SquaredL2SquaredAbsLoss::prox", &self.y, &self.weights, v, &strength, |b, y, magnitude| {
            let none = b.equal(0.0);
            let divisor = none.select(1.0, b);
            let root = greatest_root(&((1.0 - b * y) / &divisor), &(-magnitude / &divisor));
            none.select(magnitude, root)
        })
    }
}

/// A magnitude that follows from strength, datum and magnitude, in the phase of `v`, or in phase 1 where `v = 0`.
#[track_caller]
fn in_phase<X: Variable>(
    operation: &str,
    y: &X,
    weights: &Option<X>,
    v: &X,
    strength: &Array,
    magnitude: impl Fn(&Array, &Array, &Array) -> Array,
) -> X {
    let data = y.leaves();
    let leaves = v.leaves();
    if let Some(negative) = known(y, |datum| datum < 0.0) {
        let message = format!("the prox needs data that are not negative, but one is {negative}; take their `abs()`");
        let error = cotangent_ir::fail(ErrorKind::Argument, operation, message);
        return v.map_leaves(|_| error.clone());
    }
    if data.len() != leaves.len() {
        let message = format!("has data of {} blocks, got {}", data.len(), leaves.len());
        let error = cotangent_ir::fail(ErrorKind::Shape, operation, message);
        return v.map_leaves(|_| error.clone());
    }
    let weights = weights.as_ref().map(Tree::leaves);
    let made = leaves.iter().zip(&data).enumerate().map(|(at, (v, y))| {
        let size = v.abs();
        let b = match &weights {
            Some(weights) => strength * &weights[at],
            None => strength.clone(),
        };
        let wanted = magnitude(&b, y, &size);
        let zero = size.equal(0.0);
        zero.select(&wanted, v * divide_or_zero(&wanted, &size))
    });
    v.with_leaves(made.collect())
}

/// The greatest real root of `r³ + p r + q` for `q ≤ 0`, which is not negative: in closed form, by one real root or the
/// cosine of a third of an angle, and then two steps of Newton's method against cancellation.
#[track_caller]
fn greatest_root(p: &Array, q: &Array) -> Array {
    let third = p / 3.0;
    let half = -0.5 * q;
    let cube = third.powi(3);
    let discriminant = half.square() + &cube;
    let alone = discriminant.greater_equal(0.0);
    // One real root: u − p / (3 u), where u is not 0 unless p and q are.
    let u = (&half + alone.select(&discriminant, 0.0).sqrt()).maximum(0.0).cbrt();
    let one = &u - divide_or_zero(&third, &u);
    // Three: 2 √(−p / 3) cos(acos(…) / 3), the argument led to where it is by rounding.
    let radius = alone.select(1.0, -&third).sqrt();
    let cosine = (&half / radius.powi(3)).clamp(-1.0, 1.0);
    let several = 2.0 * &radius * (cosine.acos() / 3.0).cos();
    let mut root = alone.select(one, several);
    for _ in 0..2 {
        let slope = 3.0 * root.square() + p;
        let height = (root.square() + p) * &root + q;
        root = (&root - divide_or_zero(&height, &slope)).maximum(0.0);
    }
    root
}
