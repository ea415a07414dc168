//! Calls of functions of the host: a closure in the middle of a program.
//!
//! A call is an effect. It happens once each time the program comes to it, whether or not its results are used, in the
//! order of the program's other effects. A closure that fails, returns something else than was announced, or panics ends
//! the program with an error.
//!
//! The closure is held by the function ([`HostFn`]), which compares it by identity. It has no text form: a function that
//! calls the host is printed with its name, and cannot be read back.
//!
//! A batched call calls the closure for one item after the other, or once with everything, as the closure says. Where
//! the items of a batch part ways, in a choice or a loop, what an item does not do would be called for all the same;
//! that is refused but for closures that only observe. The derivative of a call is an error unless the closure is linear
//! and its transpose is known.

use super::{
    Arity, Batch, BatchArgs, Control, Domain, Eval, Jvp, Lower, Operand, Prim, Transpose, TransposeArgs, Types,
    WithTangents, refuse,
};
use crate::array::{Array, apply_many};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::eager;
use crate::error::{Error, ErrorKind, Result};
use crate::func::Func;
use crate::scalar::Scalar;
use crate::tensor::{ALIGNMENT, Bytes, Tensor};
use crate::trace::Trace;
use crate::transform::prune::any_inst;
use crate::transform::{instantiate, refusal};
use crate::types::Type;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&HOST_CALL];

/// The call of a function of the host.
pub static HOST_CALL: Prim = Prim {
    name: "host_call",
    doc: "What the function `host` of the host returns for the operands, which have the leading axes `batch`; true if it \
          returns nothing.",
    arity: Arity::AtLeast(0),
    attrs: &[("host", AttrKind::Host), ("batch", AttrKind::Ints)],
    // A closure is of somebody's program; the laws have none to sample.
    domain: Domain::Cases(Vec::new),
    infer,
    eval: Eval::Control(|_, xs, attrs| call(attrs.host("host"), &attrs.sizes("batch"), xs)),
    jvp: Jvp::Whole(jvp),
    transpose: Transpose::Rule(transpose),
    batch: Batch::Rule(batch),
    lower: Lower::Control(Control::Host),
};

/// What a function of the host does: from operands to results.
pub type Call = dyn Fn(&[Tensor]) -> Result<Vec<Tensor>> + Send + Sync;

/// How a function of the host is called for a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Batching {
    /// For one item after the other.
    Items,
    /// Once, with operands that have the axes of the batch in front; so must its results.
    Whole,
}

/// What a function of the host is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The program, or somebody else, depends on what it does.
    Compute,
    /// It looks at values: where items of a batch part ways, it may as well be shown those of items that went elsewhere.
    Observe,
}

/// A function of the host.
pub struct Host {
    /// For people.
    pub name: String,
    /// Types of the operands.
    pub params: Vec<Type>,
    /// Types of the results.
    pub results: Vec<Type>,
    /// The closure.
    pub call: Box<Call>,
    /// How it is batched.
    pub batching: Batching,
    /// What it is there for.
    pub purpose: Purpose,
    /// If it is linear, its transpose: from cotangents of the results to cotangents of the operands.
    pub transpose: Option<HostFn>,
}

/// A function of the host, shared. Two are equal if they are the same.
#[derive(Clone)]
pub struct HostFn(Arc<Host>);

impl HostFn {
    /// Makes it shared.
    ///
    /// # Errors
    /// A transpose whose types are not those of the function, exchanged; a linear function of what has no derivative.
    pub fn new(host: Host) -> Result<HostFn> {
        if let Some(HostFn(transpose)) = &host.transpose {
            let differentiable = host.params.iter().chain(&host.results).all(|ty| ty.dtype.is_inexact());
            if !differentiable || transpose.params != host.results || transpose.results != host.params {
                let message = format!(
                    "a linear function has a transpose from {:?} to {:?}, all of them floating point, given is one from \
                     {:?} to {:?}",
                    host.results, host.params, transpose.params, transpose.results
                );
                return Err(Error::new(ErrorKind::Structure, host.name.as_str(), message));
            }
        }
        Ok(HostFn(Arc::new(host)))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The types of results of a call.
    fn result_types(&self, batch: &[usize]) -> Vec<Type> {
        match &self.0.results[..] {
            [] => vec![Type::scalar(DType::Bool)],
            results => results.iter().map(|ty| with_axes(batch, ty)).collect(),
        }
    }

    /// Calls the closure, once.
    fn run(&self, operands: &[Tensor], due: &[Type]) -> Result<Vec<Tensor>> {
        let Host { name, call, .. } = &*self.0;
        let fail = |kind, message: String| Err(Error::new(kind, name.as_str(), message));
        let results = match catch_unwind(AssertUnwindSafe(|| call(operands))) {
            Ok(Ok(results)) => results,
            Ok(Err(error)) => return fail(error.kind(), format!("the function of the host failed: {error}")),
            Err(payload) => {
                let text = payload.downcast_ref::<&str>().copied();
                let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
                let message = format!("the function of the host panicked: {}", text.unwrap_or("no message"));
                return fail(ErrorKind::Host, message);
            }
        };
        if results.len() != due.len() {
            let message = format!(
                "the function of the host returned {} arrays where {} were announced; return as many",
                results.len(),
                due.len()
            );
            return fail(ErrorKind::Structure, message);
        }
        for (position, (result, due)) in results.iter().zip(due).enumerate() {
            let given = result.ty();
            if given != due {
                let kind = if given.dtype == due.dtype { ErrorKind::Shape } else { ErrorKind::DType };
                let message = format!(
                    "the function of the host returned {given} as result {position} where {due} was announced; convert \
                     or reshape it, or announce the type it has"
                );
                return fail(kind, message);
            }
        }
        Ok(results)
    }
}

impl PartialEq for HostFn {
    fn eq(&self, other: &HostFn) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for HostFn {}

impl Hash for HostFn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl fmt::Debug for HostFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0.name)
    }
}

/// Calls a function of the host: recorded in a trace, at once outside.
#[track_caller]
pub fn host_arrays(host: &HostFn, args: &[Array]) -> Result<Vec<Array>> {
    if Trace::current().is_some() {
        let count = host.0.results.len().max(1);
        let results = apply_many(&HOST_CALL, &args.iter().collect::<Vec<_>>(), attrs(host, &[]), count);
        return Ok(announced(host, results));
    }
    let data = args.iter().map(|arg| Ok((*eager::concrete(host.name(), arg)?).clone())).collect::<Result<Vec<_>>>()?;
    check_operands(host, &[], &data.iter().map(Tensor::ty).collect::<Vec<_>>())?;
    let results = call(host, &[], &data)?.into_iter().map(Array::from_tensor).collect();
    Ok(announced(host, results))
}

/// The results without the one that stands for none.
fn announced(host: &HostFn, mut results: Vec<Array>) -> Vec<Array> {
    results.truncate(host.0.results.len());
    results
}

/// Calls a function of the host for a batch of operands, with the leading axes `batch`. Programs call this.
///
/// # Errors
/// The closure's; results that are not those announced; a panic.
pub fn call(host: &HostFn, batch: &[usize], operands: &[Tensor]) -> Result<Vec<Tensor>> {
    let Host { params, results, batching, .. } = &*host.0;
    let many = host.result_types(batch);
    let mut outputs = if *batching == Batching::Whole || batch.is_empty() {
        let due: Vec<Type> = results.iter().map(|ty| with_axes(batch, ty)).collect();
        host.run(operands, &due)?
    } else {
        let mut stacked: Vec<Bytes> =
            results.iter().zip(&many).map(|(_, ty)| Bytes::with_capacity(ALIGNMENT, ty.byte_len())).collect();
        for item in 0..batch.iter().product() {
            let own: Vec<Tensor> = operands.iter().zip(params).map(|(x, ty)| nth(x, ty, item)).collect();
            for (bytes, result) in stacked.iter_mut().zip(host.run(&own, results)?) {
                bytes.extend_from_slice(result.bytes());
            }
        }
        stacked.into_iter().zip(&many).map(|(bytes, ty)| Tensor::from_bytes(ty.clone(), bytes)).collect()
    };
    if results.is_empty() {
        outputs.push(Tensor::from_scalar(Scalar::bool(true)));
    }
    Ok(outputs)
}

/// Whether a function calls the host.
pub fn occurs_in(func: &Func) -> bool {
    any_inst(func, &|inst| matches!(inst.prim.lower, Lower::Control(Control::Host)))
}

/// Whether a function calls the host for more than to observe.
pub(crate) fn computes_in(func: &Func) -> bool {
    any_inst(func, &|inst| {
        let is_call = matches!(inst.prim.lower, Lower::Control(Control::Host));
        is_call && inst.attrs.host("host").0.purpose == Purpose::Compute
    })
}

fn nth(many: &Tensor, ty: &Type, item: usize) -> Tensor {
    let len = ty.byte_len();
    Tensor::from_bytes(ty.clone(), Bytes::from_slice(ALIGNMENT, &many.bytes()[item * len..(item + 1) * len]))
}

fn with_axes(batch: &[usize], ty: &Type) -> Type {
    ty.with_shape(&[batch, &ty.shape[..]].concat())
}

fn attrs(host: &HostFn, batch: &[usize]) -> Attrs {
    Attrs::none().with("host", Attr::Host(host.clone())).with_sizes("batch", batch.iter().copied())
}

fn check_operands(host: &HostFn, batch: &[usize], operands: &[&Type]) -> Result<()> {
    let params: Vec<Type> = host.0.params.iter().map(|ty| with_axes(batch, ty)).collect();
    if params.iter().eq(operands.iter().copied()) {
        return Ok(());
    }
    refuse(ErrorKind::Structure, host.name(), format!("the function of the host takes {params:?}, given {operands:?}"))
}

fn infer(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    if attrs.ints("batch").iter().any(|&extent| extent < 0) {
        return refuse(ErrorKind::Argument, "host_call", "an extent of `batch` is negative");
    }
    let (host, batch) = (attrs.host("host"), attrs.sizes("batch"));
    check_operands(host, &batch, operands)?;
    Ok(host.result_types(&batch).into())
}

fn jvp(prim: &'static Prim, xs: &[Array], tangents: &[Option<Array>], attrs: &Attrs) -> WithTangents {
    let host = attrs.host("host");
    let count = host.0.results.len().max(1);
    let results = apply_many(prim, &xs.iter().collect::<Vec<_>>(), attrs.clone(), count);
    if host.0.results.iter().all(|ty| !ty.dtype.is_inexact()) {
        return (results, vec![None; count]);
    }
    if host.0.transpose.is_none() {
        let message = "a function of the host has no derivative; give it one with `custom_jvp` or `custom_vjp`, state \
                       that it is linear with `linear`, or take `stop_gradient()` of its arguments";
        return (results, vec![Some(refusal(host.name(), message)); count]);
    }
    let full = |(x, tangent): (&Array, &Option<Array>)| match (tangent, x.ty()) {
        (Some(tangent), _) => tangent.clone(),
        (None, Ok(ty)) => instantiate(&None, &ty),
        (None, Err(_)) => x.clone(),
    };
    let tangents: Vec<Array> = xs.iter().zip(tangents).map(full).collect();
    let pushed = apply_many(prim, &tangents.iter().collect::<Vec<_>>(), attrs.clone(), count);
    (results, pushed.into_iter().map(Some).collect())
}

fn transpose(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let host = args.attrs.host("host");
    let Some(transpose) = &host.0.transpose else {
        let message = "a function of the host is not known to be linear; state its transpose with `linear`";
        return vec![Some(refusal(host.name(), message)); args.xs.len()];
    };
    let cts: Vec<Array> = args.cts.iter().zip(args.results).map(|(ct, ty)| instantiate(ct, ty)).collect();
    let attrs = attrs(transpose, &args.attrs.sizes("batch"));
    let pulled = apply_many(&HOST_CALL, &cts.iter().collect::<Vec<_>>(), attrs, args.xs.len());
    args.xs.iter().zip(pulled).map(|(x, ct): (&Operand, Array)| x.is_linear().then_some(ct)).collect()
}

fn batch(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let host = args.attrs.host("host");
    let axes = [&[args.size], &args.attrs.sizes("batch")[..]].concat();
    let operands: Vec<Array> = (0..args.xs.len()).map(|i| args.with_batch(i)).collect();
    let count = host.0.results.len().max(1);
    let results = apply_many(args.prim, &operands.iter().collect::<Vec<_>>(), attrs(host, &axes), count);
    results.into_iter().map(|array| (array, !host.0.results.is_empty())).collect()
}
