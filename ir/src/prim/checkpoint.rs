//! Computing again instead of keeping.
//!
//! Reverse mode keeps what the derivative needs of the function's intermediate values. Of a function under a checkpoint it
//! keeps the operands only, and the derivative computes the rest again: less memory for more work. A barrier between the
//! kept operands and the repeated computation stops the compiler from noticing that it has seen it before.

use super::control::call;
use super::{Arity, Batch, Case, Control, Domain, Dtypes, Elements, Eval, Jvp, Lower, Operand, Prim, Transpose, one};
use crate::array::{Array, apply1};
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::Result;
use crate::trace::{Traced, replay, trace_closed};
use crate::transform::reach::{Along, reach};
use crate::transform::split::{Feed, Remainder, Separated, split};
use crate::transform::{inverted, scatter, select};
use crate::types::Type;
use std::sync::Arc;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&CHECKPOINT, &OPTIMIZATION_BARRIER];

/// A function whose derivative computes again what it needs.
pub static CHECKPOINT: Prim = Prim {
    name: "checkpoint",
    doc: "The results of `func` on the operands, of which reverse mode keeps the operands only.",
    arity: Arity::AtLeast(0),
    attrs: &[("func", AttrKind::Func)],
    domain: Domain::Cases(cases),
    infer: |operands, attrs| call::infer("checkpoint", operands, attrs),
    eval: Eval::Control(|interpreter, xs, attrs| interpreter.run(attrs.func("func"), xs)),
    jvp: Jvp::Whole(call::jvp),
    transpose: Transpose::Rule(|args| call::transpose(&CHECKPOINT, args)),
    batch: Batch::Rule(call::batch),
    lower: Lower::Control(Control::Checkpoint),
};

/// The operand, as if nothing were known of it.
pub static OPTIMIZATION_BARRIER: Prim = Prim {
    name: "optimization_barrier",
    doc: "The operand. Computations behind it are not taken for those before it.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Any),
    infer: |xs, _| one(xs[0].clone()),
    eval: Eval::Elementwise(|xs| xs[0]),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| vec![Some(args.ct().clone())]),
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|_, xs, _, _| xs[0]),
};

/// Applies a function under a checkpoint.
#[track_caller]
pub fn checkpoint_arrays(func: Traced, args: &[Array]) -> Vec<Array> {
    let Traced { func, captures } = func;
    let operands: Vec<Array> = captures.iter().chain(args).cloned().collect();
    call::apply(&CHECKPOINT, Arc::new(func), &operands)
}

/// Takes apart a checkpoint of which some operands are unknown: what is known is computed at once, and the rest computes
/// it again from the known operands.
pub(crate) fn separate(operands: &[Operand], attrs: &Attrs) -> Result<Separated> {
    let func = attrs.func("func");
    let flags: Vec<bool> = operands.iter().map(Operand::is_linear).collect();
    let unknown = reach(func, &flags, Along::Values);
    let known_operands: Vec<Array> =
        operands.iter().filter(|operand| !operand.is_linear()).map(|operand| operand.known().clone()).collect();
    let part = split(func, &flags, &unknown)?;
    let mut known = replay(&part.known, &known_operands);
    known.truncate(unknown.iter().filter(|unknown| !**unknown).count());

    let types = func.param_types();
    let order = select(types, &inverted(&flags)).into_iter().chain(select(types, &flags));
    let count = known_operands.len();
    let again = trace_closed(&func.name, order, |params| {
        let barrier = |param| apply1(&OPTIMIZATION_BARRIER, &[param], Attrs::none());
        let kept: Vec<Array> = params[..count].iter().map(barrier).collect();
        // Both parts, one after the other: no control flow in them is of both sorts, so that this function has a transpose.
        let residuals = replay(&part.known, &kept).split_off(known.len());
        replay(&part.linear, &[&residuals[..], &params[count..]].concat())
    })?;
    let mut feeds: Vec<Feed> = known_operands.into_iter().map(Feed::Known).collect();
    feeds.extend((0..operands.len()).filter(|&position| flags[position]).map(Feed::Operand));
    let results: Vec<Option<usize>> = (0..unknown.len()).filter(|&result| unknown[result]).map(Some).collect();
    let attrs = call::attrs(Arc::new(again));
    let remainder = (!results.is_empty()).then(|| Remainder { prim: &CHECKPOINT, attrs, operands: feeds, results });
    Ok(Separated { known: scatter(&known, &inverted(&unknown)), remainder })
}

fn cases() -> Vec<Case> {
    let types = [Type::new(DType::F64, &[3]), Type::new(DType::F64, &[3])];
    let func = trace_closed("product", types.clone(), |x| vec![x[0].sin() * &x[1], x[0].exp()]);
    func.map(|func| Case::new(types, call::attrs(Arc::new(func)))).into_iter().collect()
}
