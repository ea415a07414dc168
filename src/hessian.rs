//! Hessians, and their products with vectors.
//!
//! A Hessian is the Jacobian, by forward mode, of the Jacobian by reverse mode. It has the structure of the result, with
//! that of what it is differentiated by in place of every leaf, and that again in place of every leaf of this. It is not
//! conjugated.

use crate::function::{Argument, Arguments, Function, Selection};
use crate::jacobian::{Jacfwd, JacfwdAux, Jacobian, Jacrev, JacrevAux, Nested};
use crate::tree::Tree;
use cotangent_ir::{Array, Result};
use std::panic::Location;

/// The Hessian of a function: the result of [`hessian`].
pub struct Hessian<F, S = Argument<0>>(Jacfwd<Jacrev<F, S>, S>);

/// The Hessian of a function and its auxiliary results: the result of [`hessian_aux`].
pub struct HessianAux<F, S = Argument<0>>(JacfwdAux<JacrevAux<F, S>, S>);

/// The Hessian of a function: forward mode over reverse mode. It differentiates by the first argument, or by those chosen
/// with [`wrt`](Hessian::wrt).
///
/// For a function of one array that returns one, the shape is that of the result followed twice by that of the argument:
///
/// ```
/// use cotangent::{Array, hessian};
/// // x₀³ − 2 x₀ x₁ − x₁⁶
/// let f = |x: Array| {
///     let (a, b) = (x.index_axis(0, 0), x.index_axis(0, 1));
///     a.powi(3) - 2.0 * a * &b - b.powi(6)
/// };
/// let h = hessian(f).call(Array::from([1.0f32, 2.0]))?;
/// assert_eq!(h.to_vec::<f32>()?, [6.0, -2.0, -2.0, -480.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// For a function between maps it is a map of maps of maps: `h["c"]["a"]["b"]` is the second derivative of `c` by `a` and
/// `b`, with an axis of `c`, one of `a` and one of `b`.
///
/// ```
/// use cotangent::{Array, hessian};
/// use std::collections::BTreeMap;
/// let f = |x: BTreeMap<&'static str, Array>| BTreeMap::from([("c", x["a"].pow(&x["b"]))]);
/// let at = BTreeMap::from([("a", Array::from([1.0f64, 2.0])), ("b", Array::from([2.0f64, 3.0]))]);
/// let h = hessian(f).call(at)?;
///
/// let mut rows = Vec::new();
/// for one in ["a", "b"] {
///     for other in ["a", "b"] {
///         let block = &h["c"][one][other];
///         assert_eq!(block.shape()?.as_slice(), [2, 2, 2]);
///         let numbers: Vec<String> = block.to_vec::<f64>()?.iter().map(|x| format!("{x:.6}")).collect();
///         rows.push(format!("c by {one} and {other}: {}", numbers.join(" ")));
///     }
/// }
/// assert_eq!(rows, [
///     "c by a and a: 2.000000 0.000000 0.000000 0.000000 0.000000 0.000000 0.000000 12.000000",
///     "c by a and b: 1.000000 0.000000 0.000000 0.000000 0.000000 0.000000 0.000000 12.317766",
///     "c by b and a: 1.000000 0.000000 0.000000 0.000000 0.000000 0.000000 0.000000 12.317766",
///     "c by b and b: 0.000000 0.000000 0.000000 0.000000 0.000000 0.000000 0.000000 3.843624",
/// ]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// By several arguments it is a matrix of blocks, as nested tuples:
///
/// ```
/// use cotangent::{AllArguments, Array, hessian};
/// let f = |x: Array, y: Array| x.square() * y;
/// let at = (Array::from(3.0f64), Array::from(5.0f64));
/// let ((xx, xy), (yx, yy)) = hessian(f).wrt::<AllArguments>().call(at)?;
/// assert_eq!([xx.item()?, xy.item()?, yx.item()?, yy.item()?], [10.0, 6.0, 6.0, 0.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn hessian<F>(function: F) -> Hessian<F> {
    let mut inner = Jacobian::new(function);
    inner.conjugate = false;
    Hessian(Jacfwd(Jacobian::new(Jacrev(inner))))
}

/// As [`hessian`], for a function that returns its result together with auxiliary ones: `(Hessian, auxiliary)`.
///
/// ```
/// use cotangent::{Array, hessian_aux};
/// let f = |x: Array| (x.powi(3).sum(), x.max());
/// let (h, largest) = hessian_aux(f).call(Array::from([1.0f64, 2.0]))?;
/// assert_eq!(h.to_vec::<f64>()?, [6.0, 0.0, 0.0, 12.0]);
/// assert_eq!(largest.item()?, 2.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn hessian_aux<F>(function: F) -> HessianAux<F> {
    let mut inner = Jacobian::new(function);
    inner.conjugate = false;
    HessianAux(JacfwdAux(Jacobian::new(JacrevAux(inner))))
}

macro_rules! hessian_function {
    (
        $name:ident, $forward:ident, $reverse:ident, [$($generic:ident),*], [$($bound:tt)*], [$($output:tt)*]
    ) => {
        impl<F, S> $name<F, S> {
            /// Differentiates by other arguments: `wrt::<Argument<1>>()`, `wrt::<(Argument<0>, Argument<2>)>()`,
            /// `wrt::<AllArguments>()`.
            pub fn wrt<T>(self) -> $name<F, T> {
                let $forward(Jacobian { function: $reverse(inner), holomorphic, .. }) = self.0;
                let mut outer = Jacobian::new($reverse(inner.wrt()));
                outer.holomorphic = holomorphic;
                $name($forward(outer))
            }

            /// States that the function is holomorphic, from complex arrays to complex ones.
            pub fn holomorphic(mut self) -> $name<F, S> {
                self.0.0.holomorphic = true;
                self.0.0.function.0.holomorphic = true;
                self
            }

            /// Applies it: at once outside any trace, recorded inside one.
            ///
            /// # Errors
            /// A mistake in the function; arguments or results that cannot be differentiated.
            #[track_caller]
            pub fn call<A, M $(, $generic)*>(&self, args: A) -> Result<$($output)*>
            where
                F: Function<A, M $($bound)*>,
                S: Selection<A, M>,
                A: Tree,
                M: Arguments<A>,
                $($generic: Tree,)*
            {
                let location = Location::caller();
                self.0.call(args).map_err(|error| error.at(location))
            }
        }

        impl<F, S, A, M $(, $generic)*> Function<A, M> for $name<F, S>
        where
            F: Function<A, M $($bound)*>,
            S: Selection<A, M>,
            A: Tree,
            M: Arguments<A>,
            $($generic: Tree,)*
        {
            type Output = $($output)*;

            #[track_caller]
            fn apply(&self, args: A) -> $($output)* {
                self.0.apply(args)
            }

            fn allows_int(&self) -> bool {
                self.0.allows_int()
            }
        }
    };
}
hessian_function!(Hessian, Jacfwd, Jacrev, [], [], [Nested<Nested<F::Output, S, A, M>, S, A, M>]);
hessian_function!(
    HessianAux,
    JacfwdAux,
    JacrevAux,
    [O, X],
    [, Output = (O, X)],
    [(Nested<Nested<O, S, A, M>, S, A, M>, X)]
);

/// The derivative of a gradient in a direction, `∇²f(x) v`, for the price of a few gradients.
///
/// ```
/// use cotangent::{Array, hvp};
/// // x₀³ − 2 x₀ x₁ − x₁⁶ at (1, 2), whose Hessian is [[6, −2], [−2, −480]].
/// let f = |x: Array| {
///     let (a, b) = (x.index_axis(0, 0), x.index_axis(0, 1));
///     a.powi(3) - 2.0 * a * &b - b.powi(6)
/// };
/// let product = hvp(f, Array::from([1.0f64, 2.0]), Array::from([1.0f64, 0.0]))?;
/// assert_eq!(product.to_vec::<f64>()?, [6.0, -2.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As [`grad`](crate::grad), and a direction unlike `x`.
#[track_caller]
pub fn hvp<T: Tree>(f: impl Fn(T) -> Array, x: T, v: T) -> Result<T> {
    let location = Location::caller();
    let gradient = |x: T| crate::grad(&f).apply(x);
    crate::derivative::jvp(gradient, x, v).map(|(_, product)| product).map_err(|error| error.at(location))
}
