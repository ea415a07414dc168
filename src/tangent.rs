//! What tangents and cotangents look like.
//!
//! Those of floating-point and complex arrays have the type of the array. Integers and bools do not vary continuously:
//! their tangents and cotangents are *trivial*, arrays without elements. That of an `i32[3]` is a `bool[3,0]`. So trees of
//! tangents keep the structure of the arguments, nothing is stored or computed for integers, and a trivial tangent that is
//! taken for a number gives an error of shapes.
//!
//! Who differentiates by integers has usually made a mistake, so transformations refuse them; [`allow_int`] says that it is
//! meant.

use crate::function::Function;
use crate::trace::placeholder;
use crate::tree::Tree;
use cotangent_ir::{Array, DType, Error, ErrorKind, Result, Type};

/// The trivial tangent or cotangent of an integer or bool array: the same axes, then one of extent 0, and so no elements.
///
/// ```
/// use cotangent::{Array, allow_int, jvp, trivial_tangent};
/// let power = |x: Array, n: Array| x.pow(n);
/// let (x, n) = (Array::from(3.0f64), Array::from(2i32));
/// let nothing = trivial_tangent(&n);
/// assert_eq!(nothing.ty()?.to_string(), "bool[0]");
/// let (value, tangent) = jvp(power, (x, n), (Array::from(1.0f64), nothing))?;
/// assert_eq!((value.item()?, tangent.item()?), (9.0, 6.0));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn trivial_tangent(array: &Array) -> Array {
    match array.ty() {
        Ok(ty) => zeros(&trivial(&ty)),
        Err(error) => Array::from_error(error),
    }
}

/// A function that may be differentiated though some of its arguments are integers or bools: what [`allow_int`] gives.
#[derive(Clone, Debug)]
pub struct AllowInt<F>(F);

/// The same function, which transformations differentiate though some of the chosen arguments are integers or bools. Their
/// gradients, cotangents and tangents are [trivial](trivial_tangent). It is the function handed to `grad`, `vjp`,
/// `linearize`, `jacrev`, `jacfwd` or `hessian` that is wrapped: `grad(allow_int(jit(f)))`. For `jvp` it is enough to pass
/// trivial tangents.
///
/// ```
/// use cotangent::{AllArguments, Array, allow_int, grad, vjp};
/// let power = |x: Array, n: Array| x.pow(n);
/// let at = (Array::from(3.0f64), Array::from(2i32));
/// let (by_x, by_n) = grad(allow_int(power)).wrt::<AllArguments>().call(at.clone())?;
/// assert_eq!(by_x.item()?, 6.0);
/// assert_eq!(by_n.ty()?.to_string(), "bool[0]");
///
/// let (_, pull) = vjp(allow_int(power), at.clone())?;
/// assert_eq!(pull.call(Array::from(1.0f64))?.0.item()?, 6.0);
///
/// let error = vjp(power, at).err().expect("integers are refused otherwise");
/// assert!(error.to_string().contains("allow_int"));
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn allow_int<F>(function: F) -> AllowInt<F> {
    AllowInt(function)
}

impl<F, A, M> Function<A, M> for AllowInt<F>
where
    F: Function<A, M>,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        self.0.apply(args)
    }

    fn allows_int(&self) -> bool {
        true
    }
}

/// The type of tangents and cotangents of arrays of a type.
pub(crate) fn tangent_type(ty: &Type) -> Type {
    if ty.dtype.is_inexact() { ty.clone() } else { trivial(ty) }
}

/// The type of the trivial tangent.
fn trivial(ty: &Type) -> Type {
    Type::new(DType::Bool, &[&ty.shape[..], &[0]].concat())
}

/// Zeros of a type.
pub(crate) fn zeros(ty: &Type) -> Array {
    Array::zeros(&ty.shape, ty.dtype)
}

/// Which of some types have tangents that are not trivial.
pub(crate) fn inexact_flags(types: &[Type]) -> Vec<bool> {
    types.iter().map(|ty| ty.dtype.is_inexact()).collect()
}

/// The tree with placeholders of the types of tangents for its leaves.
pub(crate) fn tangent_template<T: Tree>(tree: &T) -> T {
    tree.map_leaves(|leaf| match leaf.ty() {
        Ok(ty) => placeholder(tangent_type(&ty)),
        Err(error) => Array::from_error(error),
    })
}

/// Checks that there is something to differentiate by, and nothing that cannot be, unless integers are allowed.
pub(crate) fn differentiable<A: Tree>(operation: &str, args: &A, allows_int: bool) -> Result<()> {
    let types = args.leaf_types()?;
    if types.is_empty() {
        let message = format!(
            "the arguments {} contain no arrays to differentiate by; pass `Array::from(x)` for a Rust number",
            args.structure()
        );
        return Err(Error::new(ErrorKind::Structure, operation, message));
    }
    match types.iter().find(|ty| !ty.dtype.is_inexact()) {
        Some(ty) if !allows_int => {
            let message = format!(
                "arguments must be f32, f64, c64 or c128, but one is {ty}; convert it with `astype`, capture it in the \
                 closure, select other arguments with `wrt`, or wrap the function in `allow_int` for a trivial derivative"
            );
            Err(Error::new(ErrorKind::DType, operation, message))
        }
        _ => Ok(()),
    }
}

/// Checks tangents that are passed along with arguments.
pub(crate) fn check_tangents<A: Tree>(operation: &str, tangents: &A, primals: &A) -> Result<()> {
    if primals.leaf_types()?.is_empty() {
        return differentiable(operation, primals, true);
    }
    let due = tangent_template(primals);
    if tangents.structure() == due.structure() {
        let pairs = primals.leaf_types()?.into_iter().zip(tangents.leaf_types()?);
        let mut integers = pairs.filter(|(primal, tangent)| !primal.dtype.is_inexact() && *tangent != trivial(primal));
        if let Some((primal, tangent)) = integers.next() {
            let message = format!(
                "an argument is {primal}, which has no tangents but the trivial one, {}, and {tangent} was given; pass \
                 `trivial_tangent(&x)` for it, convert the argument with `astype`, or capture it in the closure",
                trivial(&primal)
            );
            return Err(Error::new(ErrorKind::DType, operation, message));
        }
    }
    let remedy = "pass one tangent of the same type for every array";
    crate::trace::check_like(operation, "the tangent", tangents, &due, remedy)
}
