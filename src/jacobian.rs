//! Jacobians and Hessians, as dense arrays.
//!
//! `jacrev` conjugates, as gradients do; `jacfwd` and `hessian` do not. For real arguments all agree.

use crate::function::Function;
use crate::linear::{conjugate, differentiable, fill_zeros, flags};
use crate::trace::{Evaluated, Recorded, evaluate, name_of, record, template};
use crate::tree::Tree;
use cotangent_ir::trace::{Traced, replay};
use cotangent_ir::transform::linearize::{Linearized, linearize};
use cotangent_ir::transform::{inline, jvp, transpose, vmap};
use cotangent_ir::{Array, Error, ErrorKind, Result, Type};
use std::panic::Location;

/// The Jacobian of a function, row by row: the result of [`jacrev`].
pub struct Jacrev<F> {
    function: F,
    conjugate: bool,
}

/// The Jacobian of a function, column by column: the result of [`jacfwd`].
pub struct Jacfwd<F>(F);

/// The Hessian of a function: the result of [`hessian`].
pub struct Hessian<F>(Jacfwd<Jacrev<F>>);

/// The Jacobian by reverse mode, one pass for each element of the result: for wide Jacobians. The function returns one
/// array; the Jacobian has the structure of the argument, and each leaf the shape of the result followed by that of the
/// argument's leaf. It is conjugated like a gradient.
///
/// ```
/// use cotangent::{Array, jacrev};
/// let rows = jacrev(|x: Array| &x * &x).call(Array::from([1.0f64, 2.0]))?;
/// assert_eq!(rows.to_vec::<f64>()?, [2.0, 0.0, 0.0, 4.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn jacrev<F>(function: F) -> Jacrev<F> {
    Jacrev { function, conjugate: true }
}

/// The Jacobian by forward mode, one pass for each element of the argument: for tall Jacobians. The argument is one array;
/// the Jacobian has the structure of the result, and each leaf the shape of the result's leaf followed by that of the
/// argument. It is not conjugated.
pub fn jacfwd<F>(function: F) -> Jacfwd<F> {
    Jacfwd(function)
}

/// The Hessian of a function of one array that returns one: forward mode over reverse mode. Its shape is that of the
/// result followed twice by that of the argument. It is not conjugated.
///
/// ```
/// use cotangent::{Array, hessian};
/// let h = hessian(|x: Array| (&x * &x * &x).sum()).call(Array::from([1.0f64, 2.0]))?;
/// assert_eq!(h.to_vec::<f64>()?, [6.0, 0.0, 0.0, 12.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn hessian<F>(function: F) -> Hessian<F> {
    Hessian(Jacfwd(Jacrev { function, conjugate: false }))
}

macro_rules! jacobian_function {
    ($name:ident, [$($generic:ident)?], $argument:ty, $output:ty, [$($bound:tt)*], |$this:ident, $args:ident| $result:expr) => {
        impl<F> $name<F> {
            /// Applies it: at once outside any trace, recorded inside one.
            ///
            /// # Errors
            /// A mistake in the function; arguments or results that are not floating point.
            #[track_caller]
            pub fn call<$($generic,)? M>(&self, args: $argument) -> Result<$output>
            where
                F: Function<$argument, M $($bound)*>,
                $($generic: Tree,)?
            {
                let location = Location::caller();
                self.evaluate(args).into_result().map_err(|error| error.at(location))
            }

            fn evaluate<$($generic,)? M>(&self, args: $argument) -> Evaluated<$output>
            where
                F: Function<$argument, M $($bound)*>,
                $($generic: Tree,)?
            {
                let $this = self;
                evaluate(&name_of::<F>(), args, |$args| $result)
            }
        }

        impl<F, $($generic,)? M> Function<$argument, M> for $name<F>
        where
            F: Function<$argument, M $($bound)*>,
            $($generic: Tree,)?
        {
            type Output = $output;

            #[track_caller]
            fn apply(&self, args: $argument) -> $output {
                self.evaluate(args).into_tree()
            }
        }
    };
}
jacobian_function!(Jacrev, [A], A, A, [, Output = Array], |this, args| this.rows(args));
jacobian_function!(Jacfwd, [], Array, F::Output, [], |this, args| this.columns(args));
jacobian_function!(Hessian, [], Array, Array, [, Output = Array], |this, args| this.0.columns(args));

impl<F> Jacrev<F> {
    /// Called inside a trace.
    fn rows<A, M>(&self, args: A) -> Evaluated<A>
    where
        F: Function<A, M, Output = Array>,
        A: Tree,
    {
        let Recorded { output, outcome } = record(&name_of::<F>(), &args, |args| self.function.apply(args));
        let rows = outcome.and_then(|Traced { func, captures }| {
            differentiable("jacrev", &args)?;
            let result = output.ty()?;
            check_result("jacrev", &result)?;
            let leaves = args.leaves();
            let parts = linearize(&inline::inline(&func), &flags(captures.len(), leaves.len()))?;
            let Linearized { primal, residuals, linear, nonzero } = parts;
            let shapes: Vec<Type> =
                leaves.iter().map(|leaf| Ok(product(&result, &leaf.ty()?))).collect::<Result<_>>()?;
            if !nonzero[0] || result.is_empty() {
                return Ok(shapes.iter().map(|ty| Array::zeros(&ty.shape, ty.dtype)).collect());
            }
            let pulled = transpose::transpose(&linear, &flags(residuals, leaves.len()))?;
            let (pulled, _) = vmap::batch(&pulled, &flags(residuals, 1), result.len(), true)?;
            let mut operands = replay(&primal, &[captures, leaves].concat()).split_off(1);
            operands.push(unit_vectors(&result));
            let rows = replay(&pulled, &operands);
            let reshaped = rows.iter().zip(&shapes).map(|(row, ty)| row.reshape(&ty.shape));
            Ok(reshaped.map(|row| if self.conjugate { conjugate(row) } else { row }).collect())
        });
        Evaluated::new(args, rows)
    }
}

impl<F> Jacfwd<F> {
    /// Called inside a trace.
    fn columns<M>(&self, argument: Array) -> Evaluated<F::Output>
    where
        F: Function<Array, M>,
    {
        let Recorded { output, outcome } = record(&name_of::<F>(), &argument, |argument| self.0.apply(argument));
        let columns = outcome.and_then(|Traced { func, captures }| {
            differentiable("jacfwd", &argument)?;
            let by = argument.ty()?;
            let types = output.leaf_types()?;
            types.iter().try_for_each(|ty| check_result("jacfwd", ty))?;
            let (pushed, nonzero) = jvp::jvp(&inline::inline(&func), &flags(captures.len(), 1))?;
            let count = types.len();
            let columns = if by.is_empty() {
                nonzero.iter().zip(&types).filter(|(nonzero, _)| **nonzero).map(|(_, ty)| stacked(&by, ty)).collect()
            } else {
                let (pushed, _) = vmap::batch(&pushed, &flags(captures.len() + 1, 1), by.len(), true)?;
                replay(&pushed, &[captures, vec![argument.clone(), unit_vectors(&by)]].concat()).split_off(count)
            };
            let columns = fill_zeros(columns, &nonzero, &stacked_template(&by, &output))?;
            Ok(columns
                .iter()
                .zip(&types)
                .map(|(column, ty)| column.move_axis(0, -1).reshape(&product(ty, &by).shape))
                .collect())
        });
        Evaluated::new(output, columns)
    }
}

/// Zeros of a type, once for each element of another along a leading axis.
fn stacked(elements: &Type, ty: &Type) -> Array {
    Array::zeros(&[&[elements.len()], &ty.shape[..]].concat(), ty.dtype)
}

fn stacked_template<T: Tree>(elements: &Type, tree: &T) -> T {
    template(&tree.map_leaves(|leaf| leaf.ty().map_or_else(Array::from_error, |ty| stacked(elements, &ty))))
}

/// The type of a Jacobian: the shape of the result, then that of the argument, in the dtype of the derivative.
fn product(result: &Type, argument: &Type) -> Type {
    Type::new(argument.dtype.promote(result.dtype), &[&result.shape[..], &argument.shape[..]].concat())
}

/// The unit vectors of a type along a leading axis.
fn unit_vectors(ty: &Type) -> Array {
    Array::eye(ty.len(), ty.dtype).reshape(&[&[ty.len()], &ty.shape[..]].concat())
}

fn check_result(operation: &str, ty: &Type) -> Result<()> {
    if ty.dtype.is_inexact() {
        return Ok(());
    }
    let message = format!("the function must return floating point, but a result is {ty}; convert it with `astype`");
    Err(Error::new(ErrorKind::DType, operation, message))
}

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
    crate::linear::jvp(gradient, x, v).map(|(_, product)| product).map_err(|error| error.at(location))
}
