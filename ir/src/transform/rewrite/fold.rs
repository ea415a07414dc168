//! Rules on literals: computing with them now, and computing with scalars before they are repeated.

use super::{Rule, Site};
use crate::attrs::Attrs;
use crate::eval::Interpreter;
use crate::func::Value;
use crate::prim::shape::BROADCAST;
use crate::prim::{Eval, Lower};
use crate::tensor::Tensor;
use crate::types::Type;

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "fold literals",
        doc: "A lane primitive whose operands are literals everywhere is a literal everywhere.",
        prims: &[],
        apply: fold_literals,
    },
    Rule {
        name: "compute before repeating",
        doc: "A lane primitive of arrays repeated in one way, and of literals, is the repetition of one of smaller arrays.",
        prims: &[],
        apply: compute_before_repeating,
    },
];

fn is_lanes(site: &Site<'_>) -> bool {
    matches!(site.prim.lower, Lower::Lanes(_)) && matches!(site.prim.eval, Eval::Elementwise(_) | Eval::Tensors(_))
}

fn fold_literals(site: &mut Site<'_>) -> Option<Value> {
    if !is_lanes(site) || site.args.is_empty() {
        return None;
    }
    let literals: Option<Vec<Tensor>> =
        site.args.iter().map(|&value| site.splat(value).map(Tensor::from_scalar)).collect();
    let types = [Type::scalar(site.ty.dtype)];
    let results = Interpreter { observer: None }.apply(site.prim, &literals?, site.attrs, &types).ok()?;
    let shape = site.ty.shape.clone();
    Some(site.filled(results.first()?.get(0), &shape))
}

/// Scalars are left where every operand but literals is one: there is nothing to repeat.
fn compute_before_repeating(site: &mut Site<'_>) -> Option<Value> {
    if !is_lanes(site) {
        return None;
    }
    let mut shared: Option<(&Attrs, &Type)> = None;
    for &value in site.args.iter().filter(|&&value| site.splat(value).is_none()) {
        let repeat = site.definition(value, &BROADCAST)?;
        let found = (&repeat.attrs, site.type_of(repeat.args[0]));
        if shared.is_some_and(|(attrs, ty)| *attrs != repeat.attrs || ty.shape != found.1.shape) {
            return None;
        }
        shared = Some(found);
    }
    let (attrs, ty) = shared?;
    let (attrs, shape) = (attrs.clone(), ty.shape.clone());
    if shape == site.ty.shape {
        return None;
    }
    let smaller = |site: &mut Site<'_>, value: Value| match site.splat(value) {
        Some(literal) => site.filled(literal, &shape),
        None => site.under(value, &BROADCAST).unwrap_or(value),
    };
    let args: Vec<Value> = site.args.iter().map(|&value| smaller(site, value)).collect();
    let result = site.emit(site.prim, &args, site.attrs.clone());
    Some(site.emit(&BROADCAST, &[result], attrs))
}
