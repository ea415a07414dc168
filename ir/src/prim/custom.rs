//! Derivatives given by the user, and values without one.
//!
//! A function with a rule of its own is an instruction that holds both as functions: what it computes, and what stands in
//! for its derivative. The rules are traced where the function is applied, so they are data like everything else, and can
//! be differentiated and batched in turn. What is differentiated by must be an argument: operands that the closures
//! captured come first and have no tangent.
//!
//! A rule that wants to know which tangents are zero is traced several times, once for each set of tangents that are not;
//! differentiation takes the one that fits.
//!
//! Expansion of calls before differentiation leaves these instructions alone; [`resolve`](crate::transform::inline::resolve)
//! replaces them by what they compute once nothing is differentiated any more.

use super::{Arity, Batch, BatchArgs, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose};
use crate::array::{Array, apply_many};
use crate::attrs::Attrs;
use crate::error::{Error, ErrorKind, Result};
use crate::func::{Func, Inst};
use crate::operand::unary;
use crate::trace::Traced;
use crate::transform::vmap::BatchAxis;
use crate::transform::{instantiate, raise, scatter, vmap};
use crate::types::Type;
use std::sync::Arc;

mod cotangent;
mod signatures;
mod tangent;

pub use cotangent::{CUSTOM_TANGENT, CUSTOM_VJP, custom_vjp_arrays};
pub use tangent::{CUSTOM_JVP, custom_jvp_arrays};

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&CUSTOM_JVP, &CUSTOM_VJP, &CUSTOM_TANGENT, &STOP_GRADIENT];

/// A traced rule, and what it deals with.
pub struct Rule {
    /// Captures and known values, then the tangents or cotangents it takes, to known results, then those it gives.
    pub func: Traced,
    /// Of all tangents or cotangents, which it takes; the others are zero.
    pub takes: Vec<bool>,
    /// Of all that it could give, which it gives; the others are zero.
    pub gives: Vec<bool>,
}

/// Traced rules for reverse mode, for one set of operands that are differentiated by.
pub struct ReverseRule {
    /// Of the floating-point arguments, which are differentiated by.
    pub perturbed: Vec<bool>,
    /// The arguments to the results, then the residuals.
    pub forward: Traced,
    /// The residuals and cotangents of floating-point results to cotangents of floating-point arguments; the first takes
    /// all cotangents.
    pub backwards: Vec<Rule>,
}

/// The operand, as if it were constant.
pub static STOP_GRADIENT: Prim = Prim {
    name: "stop_gradient",
    doc: "The operand itself, with tangent zero.",
    arity: Arity::Exactly(1),
    attrs: &[],
    // Where the tangent, which is zero, is the true one.
    domain: Domain::Elementwise(Elements::Real, Dtypes::Bits),
    infer: |xs, _| super::one(xs[0].clone()),
    eval: Eval::Elementwise(|xs| xs[0]),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    // Nothing is differentiated any more.
    lower: Lower::Expand(|xs, _| vec![xs[0].clone()]),
};

impl Array {
    /// The array itself, taken as constant by differentiation.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from(2.0f32).stop_gradient().item().unwrap(), 2.0);
    /// ```
    #[track_caller]
    pub fn stop_gradient(&self) -> Array {
        unary(&STOP_GRADIENT, Dtypes::Any, self)
    }
}

/// The function that an instruction with a custom rule computes.
pub(crate) fn computed(inst: &Inst) -> Result<Arc<Func>> {
    if inst.prim.name == CUSTOM_TANGENT.name {
        return cotangent::forward_of(&inst.attrs).map(Arc::new);
    }
    let is_implicit = super::implicit::ALL.iter().any(|prim| prim.name == inst.prim.name);
    Ok(inst.attrs.func(if is_implicit { "solve" } else { "func" }).clone())
}

/// The types that are floating point or complex.
fn inexact(types: &[Type]) -> Vec<Type> {
    types.iter().filter(|ty| ty.dtype.is_inexact()).cloned().collect()
}

/// Names for the leaves of a signature.
fn named(types: impl IntoIterator<Item = Type>, what: &str) -> Vec<(String, Type)> {
    types.into_iter().enumerate().map(|(number, ty)| (format!("{what} {number}"), ty)).collect()
}

/// The number of operands without tangents, checked.
fn capture_count(operation: &str, attrs: &Attrs, operands: usize) -> Result<usize> {
    super::control::count_attr(operation, attrs, "captures", operands)
}

/// What to do about a rule whose results do not fit.
const RULE_REMEDY: &str = "return what the function returns, and tangents and cotangents of the types of their values";

/// Refuses tangents of what the closures captured.
fn check_captures(operation: &str, tangents: &[Option<Array>]) -> Result<()> {
    if tangents.iter().all(Option::is_none) {
        return Ok(());
    }
    let message = "the function or its rule captured a value that is being differentiated; pass it as an argument, or \
                   take `stop_gradient()` of it";
    Err(Error::new(ErrorKind::Transform, operation, message))
}

/// The given tangents where a type is inexact, `None` elsewhere.
fn at_inexact(tangents: &[Option<Array>], types: &[Type]) -> Vec<Option<Array>> {
    let flags: Vec<bool> = types.iter().map(|ty| ty.dtype.is_inexact()).collect();
    scatter(tangents, &flags).into_iter().map(Option::flatten).collect()
}

/// Which operands after the captures have a tangent that is not zero, of those that could have one.
fn present(xs: &[Array], tangents: &[Option<Array>], captures: usize) -> Result<Vec<bool>> {
    let mut present = Vec::new();
    for (x, tangent) in xs.iter().zip(tangents).skip(captures) {
        if x.dtype()?.is_inexact() {
            present.push(tangent.is_some());
        }
    }
    Ok(present)
}

/// The tangents of the operands after the captures that have one, zeros included.
fn full_tangents(xs: &[Array], tangents: &[Option<Array>], captures: usize) -> Result<Vec<Array>> {
    let mut full = Vec::new();
    for (x, tangent) in xs.iter().zip(tangents).skip(captures) {
        let ty = x.ty()?;
        if ty.dtype.is_inexact() {
            full.push(instantiate(tangent, &ty));
        }
    }
    Ok(full)
}

/// A function batched in the flagged parameters, with all results batched.
fn batched(func: &Func, flags: &[bool], axis: BatchAxis) -> Result<Arc<Func>> {
    vmap::batch(func, flags, axis, true).map(|(many, _)| Arc::new(many))
}

/// Applies a primitive all results of which are batched.
fn apply_batched(args: &BatchArgs<'_>, outcome: Result<Attrs>, operands: &[Array], count: usize) -> Vec<(Array, bool)> {
    let results = match outcome {
        Ok(attrs) => apply_many(args.prim, &operands.iter().collect::<Vec<_>>(), attrs, count),
        Err(error) => vec![raise(error); count],
    };
    results.into_iter().map(|array| (array, true)).collect()
}

/// The flags of the operands after the captures that have tangents.
fn tangent_flags(args: &BatchArgs<'_>, captures: usize) -> Result<Vec<bool>> {
    let mut flags = Vec::new();
    for (x, &flag) in args.xs.iter().zip(args.batched).skip(captures) {
        if x.dtype()?.is_inexact() {
            flags.push(flag);
        }
    }
    Ok(flags)
}
