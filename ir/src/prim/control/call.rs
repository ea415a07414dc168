//! The call of a function.

use super::check_params;
use crate::array::{Array, apply_many};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::Result;
use crate::func::Func;
use crate::prim::{
    Arity, Batch, BatchArgs, Case, Control, Domain, Eval, Jvp, Lower, Operand, Prim, Transpose, TransposeArgs, Types,
    WithTangents,
};
use crate::trace::trace_closed;
use crate::transform::{instantiate, jvp, raise, scatter, transpose, vmap};
use crate::types::Type;
use std::sync::Arc;

/// The call of a function.
pub static CALL: Prim = Prim {
    name: "call",
    doc: "The results of `func` on the operands.",
    arity: Arity::AtLeast(0),
    attrs: &[("func", AttrKind::Func)],
    domain: Domain::Cases(cases),
    infer: |operands, attrs| infer("call", operands, attrs),
    eval: Eval::Control(|interpreter, xs, attrs| interpreter.run(attrs.func("func"), xs)),
    jvp: Jvp::Whole(jvp),
    transpose: Transpose::Rule(|args| transpose(&CALL, args)),
    batch: Batch::Rule(batch),
    lower: Lower::Control(Control::Call),
};

/// Calls a function. Inside a trace the call is recorded as one instruction.
#[track_caller]
pub fn call_func(func: Arc<Func>, args: &[Array]) -> Vec<Array> {
    apply(&CALL, func, args)
}

/// Applies a primitive that computes the attribute `func`.
#[track_caller]
pub(in crate::prim) fn apply(prim: &'static Prim, func: Arc<Func>, args: &[Array]) -> Vec<Array> {
    let count = func.results().len();
    apply_many(prim, &args.iter().collect::<Vec<_>>(), attrs(func), count)
}

pub(in crate::prim) fn attrs(func: Arc<Func>) -> Attrs {
    Attrs::none().with("func", Attr::Func(func))
}

/// The type rule of `operation`, a primitive that computes the attribute `func`.
pub(in crate::prim) fn infer(operation: &str, operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let func = attrs.func("func");
    let due: Vec<_> =
        operands.iter().enumerate().map(|(position, &ty)| (format!("argument {position}"), ty.clone())).collect();
    check_params(operation, "func", func, &due)?;
    Ok(func.result_types().into())
}

/// The tangent of a primitive that computes the attribute `func`: the same primitive of the function with its tangent.
pub(in crate::prim) fn jvp(
    prim: &'static Prim,
    xs: &[Array],
    tangents: &[Option<Array>],
    attrs: &Attrs,
) -> WithTangents {
    let func = attrs.func("func");
    let count = func.results().len();
    let flags: Vec<bool> = tangents.iter().map(Option::is_some).collect();
    match jvp::jvp(func, &flags) {
        Ok((forward, nonzero)) => {
            let args: Vec<Array> = xs.iter().chain(tangents.iter().flatten()).cloned().collect();
            let mut results = apply(prim, Arc::new(forward), &args);
            let tangents = results.split_off(count);
            (results, scatter(&tangents, &nonzero))
        }
        Err(error) => (vec![raise(error); count], vec![None; count]),
    }
}

/// The transpose of `prim`, which computes the attribute `func`: the same primitive of the transposed function.
pub(in crate::prim) fn transpose(prim: &'static Prim, args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let linear: Vec<bool> = args.xs.iter().map(Operand::is_linear).collect();
    match transpose::transpose(args.attrs.func("func"), &linear) {
        Ok(transposed) => {
            let known = args.xs.iter().filter(|x| !x.is_linear()).map(|x| x.known().clone());
            let cts = args.cts.iter().zip(args.results).map(|(ct, ty)| instantiate(ct, ty));
            let operands: Vec<Array> = known.chain(cts).collect();
            scatter(&apply(prim, Arc::new(transposed), &operands), &linear)
        }
        Err(error) => vec![Some(raise(error)); args.xs.len()],
    }
}

/// The batched form of a primitive that computes the attribute `func`: the same primitive of the batched function.
pub(in crate::prim) fn batch(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let func = args.attrs.func("func");
    match vmap::batch(func, args.batched, args.axis, false) {
        Ok((many, batched)) => apply(args.prim, Arc::new(many), args.xs).into_iter().zip(batched).collect(),
        Err(error) => vec![(raise(error), true); func.results().len()],
    }
}

fn cases() -> Vec<Case> {
    let types = [Type::new(DType::F64, &[3]), Type::new(DType::F64, &[3])];
    let func = trace_closed("product", types.clone(), |x| vec![&x[0] * &x[1], x[0].sin()]);
    let attrs = |func| attrs(Arc::new(func));
    func.map(|func| Case::new(types, attrs(func))).into_iter().collect()
}
