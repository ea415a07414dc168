//! Operators: maps between arrays of known types, linear or not.
//!
//! An [`Operator`] declares the types of its input and output and applies itself; [`Op`] is the shared handle of one.
//! Derivatives follow: [`Op::jvp`] gives the value and the Jacobian applied to a tangent, [`Op::vjp`] the value and the map
//! `v ↦ Jᴴ v`. Linear operators have a module of their own, [`linop`](crate::linop); their handle is an operator, too.

mod biconvolve;
mod freeze;
mod function;
mod stack;

pub use biconvolve::BiConvolve;
use freeze::check_block;
pub use function::Map;
pub use stack::{diagonal_stack, replicated, vertical_blocks, vertical_stack};

use crate::inner::zip;
use crate::linop::{LinOp, accept_shape, same_shapes};
use crate::{Array, BlockArray, Error, ErrorKind, Factor, LinearMap, Result, Variable, cvjp, eval_shape, jvp, vjp};
use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};
use std::sync::Arc;

/// A map from variables of one type to variables of another; see [`LinearOperator`](crate::linop::LinearOperator) for
/// linear ones.
pub trait Operator<X: Variable = Array, Y: Variable = Array>: Send + Sync {
    /// Type of what it is applied to.
    fn input_type(&self) -> X::Type;

    /// Type of its results on input of that type.
    fn output_type(&self) -> Y::Type;

    /// `A(x)`.
    fn apply(&self, x: &X) -> Y;
}

impl<X: Variable, Y: Variable> Operator<X, Y> for LinOp<X, Y> {
    fn input_type(&self) -> X::Type {
        LinOp::input_type(self)
    }

    fn output_type(&self) -> Y::Type {
        LinOp::output_type(self)
    }

    fn apply(&self, x: &X) -> Y {
        LinOp::apply(self, x)
    }
}

/// A shared operator, which need not be linear. Cheap to clone.
///
/// Operators of the same input type and output shape add and subtract, and are multiplied by numbers; `a.after(&b)` is
/// `x ↦ A(B(x))`. What does not fit gives an error value where it is applied.
///
/// ```
/// use cotangent::operator::Op;
/// use cotangent::{Array, DType, Type};
/// use num_complex::Complex;
/// let square = Op::new(Type::new(DType::C64, &[2]), |x: &Array| x.square())?;
/// let u = Array::from(vec![Complex::new(1.0f32, 1.0), Complex::new(0.0, 2.0)]);
/// let (value, pullback) = square.vjp(&u)?;
/// assert_eq!(value.to_vec::<Complex<f32>>()?, [Complex::new(0.0, 2.0), Complex::new(-4.0, 0.0)]);
/// // Jᴴ of ones.
/// let v = pullback.call(value.ones_like())?.to_vec::<Complex<f32>>()?;
/// assert_eq!(v, [Complex::new(2.0, -2.0), Complex::new(0.0, -4.0)]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub struct Op<X: Variable = Array, Y: Variable = Array>(Arc<dyn Operator<X, Y>>);

impl<X: Variable, Y: Variable> Clone for Op<X, Y> {
    fn clone(&self) -> Op<X, Y> {
        Op(self.0.clone())
    }
}

impl<X: Variable, Y: Variable> fmt::Debug for Op<X, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Op: {} -> {}", self.input_type(), self.output_type())
    }
}

/// Makes everything with a trait of operators convertible into the handle of such operators. It is written out for each pair
/// of variables because a conversion for all would be one of handles, too.
macro_rules! converts_into_handle {
    ($operator:ident, $handle:ident) => {
        $crate::operator::converts_into_handle! {
            $operator, $handle: Array Array, Array BlockArray, BlockArray Array, BlockArray BlockArray
        }
    };
    ($operator:ident, $handle:ident: $($input:ident $output:ident),*) => { $(
        impl<A: $operator<$input, $output> + 'static> From<A> for $handle<$input, $output> {
            fn from(operator: A) -> Self {
                $handle(Arc::new(operator))
            }
        }
    )* };
}
pub(crate) use converts_into_handle;

converts_into_handle!(Operator, Op);

/// A function and its types.
struct FromFunction<X: Variable, Y: Variable, F> {
    function: F,
    input: X::Type,
    output: Y::Type,
}

impl<X: Variable, Y: Variable, F: Fn(&X) -> Y + Send + Sync> Operator<X, Y> for FromFunction<X, Y, F> {
    fn input_type(&self) -> X::Type {
        self.input.clone()
    }

    fn output_type(&self) -> Y::Type {
        self.output.clone()
    }

    fn apply(&self, x: &X) -> Y {
        (self.function)(x)
    }
}

impl<X: Variable, Y: Variable> Op<X, Y> {
    /// The operator of a function on inputs of a type. The output type is that of the traced function.
    ///
    /// # Errors
    /// A mistake in the function.
    pub fn new(input: X::Type, function: impl Fn(&X) -> Y + Send + Sync + 'static) -> Result<Op<X, Y>> {
        let output = eval_shape(|x: X| function(&x), &X::placeholder(&input))?.variable_type()?;
        Ok(Op(Arc::new(FromFunction { function, input, output })))
    }

    /// Type of what it is applied to.
    pub fn input_type(&self) -> X::Type {
        self.0.input_type()
    }

    /// Type of its results on input of that type.
    pub fn output_type(&self) -> Y::Type {
        self.0.output_type()
    }

    /// `A(x)`; the shape of `x` must be that of the input type.
    #[track_caller]
    pub fn apply(&self, x: &X) -> Y {
        let accepted = accept_shape("Op", &self.input_type(), x);
        match accepted.leaf_error() {
            Some(error) => self.failing(&error),
            None => self.0.apply(&accepted),
        }
    }

    #[track_caller]
    fn failing(&self, error: &Error) -> Y {
        Y::placeholder(&self.output_type()).map_leaves(|_| Array::from_error(error.clone()))
    }

    /// `(A(u), J(u) v)`.
    ///
    /// # Errors
    /// Arguments of the wrong type; a mistake in the operator.
    #[track_caller]
    pub fn jvp(&self, u: &X, v: &X) -> Result<(Y, Y)> {
        jvp(|x: X| self.apply(&x), u.clone(), v.clone())
    }

    /// `A(u)` and the map `v ↦ J(u)ᴴ v`.
    ///
    /// # Errors
    /// An argument of the wrong type; a mistake in the operator.
    #[track_caller]
    pub fn vjp(&self, u: &X) -> Result<(Y, LinearMap<Y, X>)> {
        let operator = self.clone();
        cvjp(move |x: X| operator.apply(&x), u.clone())
    }

    /// `A(u)` and the map `v ↦ J(u)ᵀ v`, without conjugation.
    ///
    /// # Errors
    /// An argument of the wrong type; a mistake in the operator.
    #[track_caller]
    pub fn vjp_plain(&self, u: &X) -> Result<(Y, LinearMap<Y, X>)> {
        let operator = self.clone();
        vjp(move |x: X| operator.apply(&x), u.clone())
    }

    /// `x ↦ A(B(x))`.
    ///
    /// # Errors
    /// An output of `B` of another shape than the input of `A`.
    pub fn after<W: Variable>(&self, first: &Op<W, X>) -> Result<Op<W, Y>> {
        let (wanted, given) = (self.input_type(), first.output_type());
        let shapes = |ty: &X::Type| X::array_types(ty).iter().map(|ty| ty.shape.to_vec()).collect::<Vec<_>>();
        if shapes(&wanted) != shapes(&given) {
            let message = format!("an operator of {wanted} cannot follow one that gives {given}");
            return Err(Error::new(ErrorKind::Shape, "Op::after", message));
        }
        let (outer, inner) = (self.clone(), first.clone());
        Op::new(first.input_type(), move |x: &W| outer.apply(&inner.apply(x)))
    }

    #[track_caller]
    fn combined(&self, other: &Op<X, Y>, name: &'static str, combine: fn(&Array, &Array) -> Array) -> Op<X, Y> {
        let (a, b) = (self.clone(), other.clone());
        let fits = a.input_type() == b.input_type() && same_shapes::<Y>(&a.output_type(), &b.output_type());
        let message =
            format!("operators {a:?} and {b:?} do not combine; both must have the same input type and output shape");
        let function = move |x: &X| {
            if fits {
                return zip(name, &a.apply(x), &b.apply(x), combine);
            }
            a.failing(&Error::new(ErrorKind::Shape, name, message.clone()))
        };
        let (input, output) = (self.input_type(), self.output_type());
        match Op::new(input.clone(), function.clone()) {
            Ok(sum) => sum,
            Err(_) => Op(Arc::new(FromFunction { function, input, output })),
        }
    }

    /// `x ↦ c A(x)`.
    #[track_caller]
    pub fn scaled(&self, factor: impl Into<Factor>) -> Op<X, Y> {
        let (factor, operator) = (factor.into(), self.clone());
        let function = move |x: &X| operator.apply(x).map_leaves(|leaf| factor.times(&leaf));
        let (input, output) = (self.input_type(), self.output_type());
        match Op::new(input.clone(), function.clone()) {
            Ok(scaled) => scaled,
            Err(_) => Op(Arc::new(FromFunction { function, input, output })),
        }
    }
}

impl<X: Variable, Y: Variable> Add for &Op<X, Y> {
    type Output = Op<X, Y>;

    #[track_caller]
    fn add(self, other: &Op<X, Y>) -> Op<X, Y> {
        self.combined(other, "add", |a, b| a + b)
    }
}

impl<X: Variable, Y: Variable> Sub for &Op<X, Y> {
    type Output = Op<X, Y>;

    #[track_caller]
    fn sub(self, other: &Op<X, Y>) -> Op<X, Y> {
        self.combined(other, "sub", |a, b| a - b)
    }
}

impl<X: Variable, Y: Variable> Mul<&Op<X, Y>> for f64 {
    type Output = Op<X, Y>;

    #[track_caller]
    fn mul(self, operator: &Op<X, Y>) -> Op<X, Y> {
        operator.scaled(self)
    }
}

impl<X: Variable, Y: Variable> Neg for &Op<X, Y> {
    type Output = Op<X, Y>;

    #[track_caller]
    fn neg(self) -> Op<X, Y> {
        self.scaled(-1.0)
    }
}
