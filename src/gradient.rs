//! Gradients of scalar functions.
//!
//! For complex arguments, gradients follow the convention of optimisation: the gradient of a real function `f` of `z` is
//! `∂f/∂Re z + i ∂f/∂Im z`, the direction of steepest ascent, so that the gradient of `½‖Az − y‖²` is `Aᴴ(Az − y)`. The
//! gradient of a holomorphic function is the conjugate of its derivative. For real arguments nothing of this matters.
//!
//! Gradients by integers and bools are refused, unless the function is wrapped in [`allow_int`](crate::allow_int): then
//! they are [trivial](crate::trivial_tangent).

use crate::function::{Argument, Arguments, Function, Selection};
use crate::linear::{conjugate, flags};
use crate::tangent::{differentiable, tangent_type, zeros};
use crate::trace::{Evaluated, evaluate, name_of, record};
use crate::tree::Tree;
use cotangent_ir::prim::collective::{AxisNames, check_bound};
use cotangent_ir::trace::{Traced, replay};
use cotangent_ir::transform::linearize::Linearized;
use cotangent_ir::transform::{inline, linearize, transpose};
use cotangent_ir::{Array, Error, ErrorKind, Func, Result, Scalar, Type};
use std::marker::PhantomData;
use std::panic::Location;

/// The value and gradient of a function: the result of [`value_and_grad`].
pub struct ValueAndGrad<F, S = Argument<0>>(Gradient<F, S>);

/// The gradient of a function: the result of [`grad`].
pub struct Grad<F, S = Argument<0>>(Gradient<F, S>);

/// The gradient of a function and its auxiliary results: the result of [`grad_aux`].
pub struct GradAux<F, S = Argument<0>>(Gradient<F, S>);

/// The value, auxiliary results and gradient of a function: the result of [`value_and_grad_aux`].
pub struct ValueAndGradAux<F, S = Argument<0>>(Gradient<F, S>);

struct Gradient<F, S> {
    function: F,
    holomorphic: bool,
    reduce_axes: Vec<String>,
    selection: PhantomData<fn() -> S>,
}

/// The value of a scalar function together with its gradient by the first argument, or by those chosen with
/// [`wrt`](ValueAndGrad::wrt). The gradient has the structure and types of the argument.
///
/// ```
/// use cotangent::{AllArguments, Array, value_and_grad};
/// let f = |x: Array, y: Array| (x * y).sum();
/// let (x, y) = (Array::from([1.0f32, 2.0]), Array::from([3.0f32, 4.0]));
/// let (value, (by_x, by_y)) = value_and_grad(f).wrt::<AllArguments>().call((x, y))?;
/// assert_eq!(value.item()?, 11.0);
/// assert_eq!(by_x.to_vec::<f32>()?, [3.0, 4.0]);
/// assert_eq!(by_y.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn value_and_grad<F>(function: F) -> ValueAndGrad<F> {
    ValueAndGrad(Gradient::new(function))
}

/// The gradient of a scalar function by its first argument, or by those chosen with [`wrt`](Grad::wrt).
///
/// ```
/// use cotangent::{Array, grad};
/// let slope = grad(|x: Array| x.tanh()).call(Array::from(0.2f64))?;
/// assert_eq!(format!("{:.6}", slope.item()?), "0.961043");
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn grad<F>(function: F) -> Grad<F> {
    Grad(Gradient::new(function))
}

/// As [`grad`], for a function that returns its value together with auxiliary results: `(gradient, auxiliary)`.
///
/// ```
/// use cotangent::{Array, grad_aux};
/// let f = |x: Array| (x.square().sum(), x.max());
/// let (gradient, largest) = grad_aux(f).call(Array::from([1.0f64, 2.0]))?;
/// assert_eq!(gradient.to_vec::<f64>()?, [2.0, 4.0]);
/// assert_eq!(largest.item()?, 2.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn grad_aux<F>(function: F) -> GradAux<F> {
    GradAux(Gradient::new(function))
}

/// As [`value_and_grad`], for a function that returns its value together with auxiliary results:
/// `((value, auxiliary), gradient)`.
///
/// ```
/// use cotangent::{Array, value_and_grad_aux};
/// let f = |x: Array| (x.square().sum(), x.max());
/// let ((value, largest), gradient) = value_and_grad_aux(f).call(Array::from([1.0f64, 2.0]))?;
/// assert_eq!((value.item()?, largest.item()?), (5.0, 2.0));
/// assert_eq!(gradient.to_vec::<f64>()?, [2.0, 4.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn value_and_grad_aux<F>(function: F) -> ValueAndGradAux<F> {
    ValueAndGradAux(Gradient::new(function))
}

impl<F, S> Gradient<F, S> {
    fn new(function: F) -> Gradient<F, S> {
        Gradient { function, holomorphic: false, reduce_axes: Vec::new(), selection: PhantomData }
    }

    fn wrt<T>(self) -> Gradient<F, T> {
        let Gradient { function, holomorphic, reduce_axes, selection: _ } = self;
        Gradient { function, holomorphic, reduce_axes, selection: PhantomData }
    }

    /// The results of the function and the gradient of its first result. Called inside a trace.
    fn differentiate<A, M>(&self, args: &A) -> Evaluated<(F::Output, S::Selected)>
    where
        F: Function<A, M>,
        A: Tree,
        M: Arguments<A>,
        S: Selection<A, M>,
    {
        let selected = S::select(args);
        let recorded = record(&name_of::<F>(), args, |args| self.function.apply(args));
        let output = recorded.output;
        let outcome = recorded.outcome.and_then(|traced| {
            differentiable("grad", &selected, self.function.allows_int())?;
            self.gradient_of(traced, args, &S::positions(args), output.leaves().len())
        });
        Evaluated::new((output, selected), outcome.map(|(results, gradient)| [results, gradient].concat()))
    }

    fn gradient_of<A: Tree>(
        &self,
        Traced { func, captures }: Traced,
        args: &A,
        positions: &[usize],
        count: usize,
    ) -> Result<(Vec<Array>, Vec<Array>)> {
        let loss = self.check_loss(&func)?;
        check_bound("reduce_axes", &self.reduce_axes)?;
        let leaves = args.leaves();
        let types = args.leaf_types()?;
        let mut wanted: Vec<usize> = positions.to_vec();
        wanted.retain(|&position| types[position].dtype.is_inexact());
        wanted.sort_unstable();
        wanted.dedup();
        let mut linear = vec![false; captures.len() + leaves.len()];
        wanted.iter().for_each(|&position| linear[captures.len() + position] = true);
        let parts = linearize::linearize(&inline::inline(&func), &linear)?;
        let Linearized { primal, residuals: _, linear: mut tangent, nonzero } = parts;
        let mut results = replay(&primal, &[captures, leaves.clone()].concat());
        let residuals = results.split_off(count);

        let gradient = if nonzero[0] {
            // Auxiliary results have no cotangent: only the first tangent is transposed.
            let first = tangent.results()[0];
            tangent.set_results(vec![first]);
            let pulled = transpose::transpose(&tangent, &flags(residuals.len(), wanted.len()))?;
            let seed = Array::scalar(Scalar::one(loss.dtype));
            replay(&pulled, &[residuals, vec![seed]].concat())
        } else {
            wanted.iter().map(|&position| leaves[position].zeros_like()).collect()
        };
        let of = |&position: &usize| match wanted.binary_search(&position) {
            Ok(place) => conjugate(gradient[place].psum_shared(&leaves[position], &self.reduce_axes)),
            Err(_) => zeros(&tangent_type(&types[position])),
        };
        Ok((results, positions.iter().map(of).collect()))
    }

    fn check_loss(&self, func: &Func) -> Result<Type> {
        let types = func.result_types();
        let Some(loss) = types.first() else {
            let message = "the function returns no array; return the scalar to differentiate";
            return Err(Error::new(ErrorKind::Structure, "grad", message));
        };
        let refuse = |kind, message: String| Err(Error::new(kind, "grad", message));
        if loss.rank() != 0 {
            let message = format!(
                "the function must return a scalar, but its result is {loss}; reduce it with `sum()`, or use `vjp` or \
                 `jacrev`"
            );
            return refuse(ErrorKind::Shape, message);
        }
        match (loss.dtype.is_complex(), self.holomorphic) {
            (false, false) | (true, true) if loss.dtype.is_inexact() => Ok(loss.clone()),
            (true, false) => {
                let message = format!(
                    "the function must return a real scalar, but its result is {loss}; return `real()`, a squared \
                     magnitude, or call `holomorphic()` if it is one"
                );
                refuse(ErrorKind::DType, message)
            }
            (false, true) => {
                let message = format!("a holomorphic function returns a complex scalar, but this returns {loss}");
                refuse(ErrorKind::DType, message + "; leave `holomorphic()` out")
            }
            _ => {
                let message =
                    format!("the function must return f32 or f64, but its result is {loss}; convert it with `astype`");
                refuse(ErrorKind::DType, message)
            }
        }
    }
}

macro_rules! gradient_function {
    ($name:ident, [$($output:tt)*], [$($bound:tt)*], [$($generic:ident)?], |$both:ident| $result:expr) => {
        impl<F, S> $name<F, S> {
            /// Differentiates by other arguments: `wrt::<Argument<1>>()`, `wrt::<(Argument<0>, Argument<2>)>()`,
            /// `wrt::<AllArguments>()`.
            pub fn wrt<T>(self) -> $name<F, T> {
                $name(self.0.wrt())
            }

            /// States that the function is holomorphic with a complex result; the gradient is the conjugate of its
            /// derivative.
            pub fn holomorphic(mut self) -> $name<F, S> {
                self.0.holomorphic = true;
                self
            }

            /// Sums the gradient over the named axes along which the argument is the same for all instances: with a
            /// parameter that all items of a batch share, the gradient of the sum of their losses.
            ///
            /// ```
            /// use cotangent::{Array, grad, vmap};
            /// let (w, x) = (Array::from(2.0f32), Array::from([1.0f32, 3.0]));
            /// let loss = |w: Array, x: Array| w * x;
            /// let each = vmap(grad(loss)).in_axes(&[None, Some(0)]).call((w.clone(), x.clone()))?;
            /// assert_eq!(each.to_vec::<f32>()?, [1.0, 3.0]);
            /// let total = vmap(grad(loss).reduce_axes("i")).in_axes(&[None, Some(0)]).axis_name("i");
            /// assert_eq!(total.out_leaf_axes(&[None]).call((w, x))?.item()?, 4.0);
            /// # Ok::<(), cotangent::Error>(())
            /// ```
            pub fn reduce_axes(mut self, names: impl AxisNames) -> $name<F, S> {
                self.0.reduce_axes = names.names().into_iter().map(str::to_string).collect();
                self
            }

            /// Applies it: at once outside any trace, recorded inside one.
            ///
            /// # Errors
            /// A mistake in the function; a result that is not a real scalar; arguments that are not floating point.
            #[track_caller]
            pub fn call<A, M $(, $generic)?>(&self, args: A) -> Result<$($output)*>
            where
                F: Function<A, M, Output = $($bound)*>,
                A: Tree,
                M: Arguments<A>,
                S: Selection<A, M>,
                $($generic: Tree,)?
            {
                let location = Location::caller();
                self.evaluate(args).into_result().map_err(|error| error.at(location))
            }

            fn evaluate<A, M $(, $generic)?>(&self, args: A) -> Evaluated<$($output)*>
            where
                F: Function<A, M, Output = $($bound)*>,
                A: Tree,
                M: Arguments<A>,
                S: Selection<A, M>,
                $($generic: Tree,)?
            {
                evaluate(&name_of::<F>(), args, |args| {
                    self.0.differentiate(&args).map(|$both| $result)
                })
            }
        }

        impl<F, S, A, M $(, $generic)?> Function<A, M> for $name<F, S>
        where
            F: Function<A, M, Output = $($bound)*>,
            A: Tree,
            M: Arguments<A>,
            S: Selection<A, M>,
            $($generic: Tree,)?
        {
            type Output = $($output)*;

            #[track_caller]
            fn apply(&self, args: A) -> $($output)* {
                self.evaluate(args).into_tree()
            }

            fn allows_int(&self) -> bool {
                self.0.function.allows_int()
            }
        }
    };
}
gradient_function!(ValueAndGrad, [(Array, S::Selected)], [Array], [], |both| both);
gradient_function!(Grad, [S::Selected], [Array], [], |both| both.1);
gradient_function!(GradAux, [(S::Selected, X)], [(Array, X)], [X], |both| (both.1, both.0.1));
gradient_function!(ValueAndGradAux, [((Array, X), S::Selected)], [(Array, X)], [X], |both| both);
