//! Functions of variables as functions of one real vector.

use crate::{Array, Error, ErrorKind, Function, Result, Type, Variable, concatenate, impl_tree, value_and_grad};
use std::fmt;

/// A real function of a real vector, with its gradient, as a [`Minimizer`](super::Minimizer) sees it.
pub struct Objective<'a> {
    function: &'a dyn Fn(Array) -> Array,
}

/// A vector with the value of a function and its gradient there.
#[derive(Clone)]
pub struct Point {
    /// The vector.
    pub x: Array,
    /// The value, 0-d.
    pub value: Array,
    /// The gradient, like `x`.
    pub gradient: Array,
}
impl_tree!(Point { x, value, gradient });

impl fmt::Debug for Objective<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Objective")
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}", self.value, self.x)
    }
}

impl<'a> Objective<'a> {
    /// The objective that a function of a vector is.
    pub fn new(function: &'a dyn Fn(Array) -> Array) -> Objective<'a> {
        Objective { function }
    }

    /// The value at `x`.
    #[track_caller]
    pub fn value(&self, x: &Array) -> Array {
        (self.function)(x.clone())
    }

    /// The value and gradient at `x`.
    #[track_caller]
    pub fn at(&self, x: &Array) -> Point {
        let (value, gradient) = value_and_grad(self.function).apply(x.clone());
        Point { x: x.clone(), value, gradient }
    }

    /// The product of the Hessian at `x` with a vector.
    #[track_caller]
    pub fn hessian_product(&self, x: &Array, v: &Array) -> Array {
        match crate::hvp(self.function, x.clone(), v.clone()) {
            Ok(product) => product,
            Err(error) => Array::from_error(error),
        }
    }
}

/// How a variable is laid out in one real vector: its arrays one after another, of complex ones the real parts and then the
/// imaginary parts.
pub(super) struct Layout<X: Variable> {
    template: X,
    arrays: Vec<Type>,
}

impl<X: Variable> Layout<X> {
    /// The layout of variables like `x`.
    pub(super) fn of(x: &X) -> Result<Layout<X>> {
        let ty = x.variable_type()?;
        let arrays = X::array_types(&ty).to_vec();
        let refuse = |kind, message: String| Err(Error::new(kind, "minimize", message));
        if let Some(ty) = arrays.iter().find(|ty| !ty.dtype.is_inexact()) {
            let message =
                format!("the start must be floating point or complex, got {ty}; convert with `astype(DType::F64)`");
            return refuse(ErrorKind::DType, message);
        }
        if arrays.iter().map(Type::len).sum::<usize>() == 0 {
            return refuse(
                ErrorKind::Shape,
                format!("there is nothing to minimise over: the start {ty} has no elements"),
            );
        }
        Ok(Layout { template: X::placeholder(&ty), arrays })
    }

    /// A variable as a vector.
    pub(super) fn pack(&self, x: &X) -> Array {
        let parts = x.leaves().into_iter().zip(&self.arrays).flat_map(|(leaf, ty)| match ty.dtype.is_complex() {
            true => vec![leaf.real().flatten(), leaf.imag().flatten()],
            false => vec![leaf.flatten()],
        });
        let parts: Vec<Array> = parts.collect();
        if let [only] = &parts[..] { only.clone() } else { concatenate(&parts, 0) }
    }

    /// A vector as a variable.
    pub(super) fn unpack(&self, vector: &Array) -> X {
        let mut start = 0;
        let mut next = |count: usize, shape: &[usize]| {
            start += count;
            let part = if start == count && self.arrays.len() == 1 && !self.arrays[0].dtype.is_complex() {
                vector.clone()
            } else {
                vector.narrow(0, start - count, count)
            };
            part.reshape(shape)
        };
        let leaves = self.arrays.iter().map(|ty| {
            let first = next(ty.len(), &ty.shape);
            if ty.dtype.is_complex() { Array::complex(first, next(ty.len(), &ty.shape)) } else { first }
        });
        self.template.with_leaves(leaves.collect())
    }
}
