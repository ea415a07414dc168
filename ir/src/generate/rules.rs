//! Steps with functions that have rules: derivatives given by hand, solutions of equations, checkpoints.
//!
//! The rules are right: they are derived from the function, or the function is one whose derivative is known.

use super::arithmetic::{operand, partner};
use super::builder::Builder;
use super::control::{operands, sub_function, values, with_known};
use super::{Known, Pick};
use crate::attrs::{Attr, Attrs};
use crate::dtype::DType;
use crate::func::{Func, Value};
use crate::transform::{jvp, linearize, transpose};
use crate::types::Type;
use std::sync::Arc;

type Step = fn(&mut Builder<'_>) -> Option<()>;

pub(super) const STEPS: &[Step] =
    &[checkpoint, custom_jvp, custom_vjp, custom_tangent, linear_solve, root, optimization_barrier, stop_gradient];

fn func(func: Func) -> Attr {
    Attr::Func(Arc::new(func))
}

fn funcs(func: Func) -> Attr {
    Attr::Funcs(vec![Arc::new(func)])
}

/// The signature of a single rule, which takes and gives everything.
fn everything(attrs: Attrs, count: usize) -> Attrs {
    attrs.with_ints("signatures", std::iter::repeat_n(1, count))
}

fn checkpoint(b: &mut Builder<'_>) -> Option<()> {
    let picks = operands(b, 2)?;
    let results = [picks[0].ty.clone(), picks[1].ty.clone()];
    let (inner, known) = sub_function(b, "again", &with_known(&picks), &results, f64::INFINITY)?;
    b.apply_all("checkpoint", &values(&picks), Attrs::none().with("func", func(inner)), &known).map(drop)
}

/// A function of two values that are floating point, whose results all have tangents.
struct Differentiable {
    picks: Vec<Pick>,
    func: Func,
    known: Vec<Known>,
}

fn differentiable(b: &mut Builder<'_>) -> Option<Differentiable> {
    let picks = [operand(b, DType::is_inexact)?, operand(b, DType::is_inexact)?];
    let picks: Vec<Pick> = picks.into_iter().filter(|pick| !pick.ty.is_empty()).collect();
    let result = [picks.first()?.ty.clone()];
    let (func, known) = sub_function(b, "ruled", &with_known(&picks), &result, f64::INFINITY)?;
    Some(Differentiable { picks, func, known })
}

fn custom_jvp(b: &mut Builder<'_>) -> Option<()> {
    let Differentiable { picks, func: inner, known } = differentiable(b)?;
    let (rule, nonzero) = jvp::jvp(&inner, &vec![true; picks.len()]).ok()?;
    if nonzero.contains(&false) {
        return None;
    }
    let attrs =
        everything(Attrs::none().with("func", func(inner)).with("rules", funcs(rule)), picks.len() + nonzero.len());
    b.apply_all("custom_jvp", &values(&picks), attrs.with_int("captures", 0), &known).map(drop)
}

fn custom_vjp(b: &mut Builder<'_>) -> Option<()> {
    let Differentiable { picks, func: inner, known } = differentiable(b)?;
    let parts = linearize::linearize(&inner, &vec![true; picks.len()]).ok()?;
    if parts.nonzero.contains(&false) {
        return None;
    }
    let linear: Vec<bool> = (0..parts.linear.params().len()).map(|param| param >= parts.residuals).collect();
    let backward = transpose::transpose(&parts.linear, &linear).ok()?;
    let attrs = Attrs::none()
        .with("func", func(inner))
        .with("forwards", funcs(parts.primal))
        .with("backwards", funcs(backward))
        .with_ints("perturbed", picks.iter().map(|_| 1));
    let attrs = everything(attrs, parts.nonzero.len() + picks.len()).with_int("captures", 0);
    b.apply_all("custom_vjp", &values(&picks), attrs, &known).map(drop)
}

/// A function of parameters of these types that applies instructions, each given by primitive, operands and attributes,
/// to what is there, and returns the last value.
fn applying(name: &str, params: &[&Type], insts: &[(&str, &[usize], Attrs)]) -> Option<Func> {
    let mut func = Func::new(name, params.iter().map(|&ty| ty.clone()));
    for (name, args, attrs) in insts {
        let prim = crate::prim::by_name(name)?;
        let args: Vec<Value> = args.iter().map(|&arg| Value::new(arg)).collect();
        let types: Vec<&Type> = args.iter().map(|&arg| func.ty(arg)).collect();
        let types = prim.infer(&types, attrs).ok()?;
        func.push(prim, args, attrs.clone(), types);
    }
    func.set_results(vec![Value::new(func.value_count() - 1)]);
    Some(func)
}

/// The transpose of a multiplication is the multiplication.
fn custom_tangent(b: &mut Builder<'_>) -> Option<()> {
    let known = operand(b, DType::is_inexact)?;
    let x = partner(b, &known)?;
    let backward = applying("backward", &[&known.ty, &known.ty], &[("mul", &[0, 1], Attrs::none())])?;
    let bound = known.known.bound * x.known.bound;
    let spread = known.known.bound * x.known.spread + x.known.bound * known.known.spread + 2.0 * bound;
    let attrs = everything(Attrs::none().with("backwards", funcs(backward)), 2).with_int("known", 1);
    b.apply("custom_tangent", &[known.value, x.value], attrs, Known { bound, spread }).map(drop)
}

/// A system whose matrix is the operand, solved by elimination.
fn linear_solve(b: &mut Builder<'_>) -> Option<()> {
    let a = super::matrices::square(b)?;
    let right = partner(b, &a.small)?;
    let ty = &a.matrix.ty;
    let batch: Vec<usize> = (0..ty.rank() - 2).collect();
    let product = Attrs::none()
        .with_sizes("lhs_contract", [ty.rank() - 1])
        .with_sizes("rhs_contract", [ty.rank() - 2])
        .with_sizes("lhs_batch", batch.iter().copied())
        .with_sizes("rhs_batch", batch.iter().copied());
    let transpose = |transpose| Attrs::none().with("transpose", Attr::Bool(transpose));
    let types = [ty, &right.ty];
    let solve = func(applying("solve", &types, &[("solve", &[0, 1], transpose(false))])?);
    let attrs = Attrs::none()
        .with("matvec", func(applying("matvec", &types, &[("dot_general", &[0, 1], product)])?))
        .with("solve", solve.clone())
        .with("again", solve)
        .with("transposed", func(applying("transposed", &types, &[("solve", &[0, 1], transpose(true))])?))
        .with_int("consts", 1);
    let known = a.solution(&right);
    b.apply("linear_solve", &[a.matrix.value, right.value], attrs, known).map(drop)
}

/// The x with `sinh(x) = c`.
fn root(b: &mut Builder<'_>) -> Option<()> {
    let c = operand(b, DType::is_float)?;
    let guess = partner(b, &c)?;
    let ty = &c.ty;
    let none = Attrs::none;
    let along = |name| applying(name, &[ty, ty, ty], &[("cosh", &[1], none()), ("div", &[2, 3], none())]);
    let residual = applying("residual", &[ty, ty], &[("sinh", &[1], none()), ("sub", &[2, 0], none())])?;
    let attrs = none()
        .with("residual", func(residual))
        .with("solve", func(applying("solve", &[ty, ty], &[("asinh", &[0], none())])?))
        .with("tangent", func(along("tangent")?))
        .with("cotangent", func(along("cotangent")?))
        .with_int("consts", 1);
    let Known { bound, spread } = c.known;
    let known = Known { bound: bound.asinh().max(1.0), spread: spread + 2.0 };
    b.apply("root", &[c.value, guess.value], attrs, known).map(drop)
}

fn optimization_barrier(b: &mut Builder<'_>) -> Option<()> {
    let x = b.pick(|_, _| true)?;
    b.apply("optimization_barrier", &[x.value], Attrs::none(), x.known).map(drop)
}

/// Its tangent is not that of the identity.
fn stop_gradient(b: &mut Builder<'_>) -> Option<()> {
    if b.options.differentiable {
        return None;
    }
    let x = b.pick(|_, _| true)?;
    b.apply("stop_gradient", &[x.value], Attrs::none(), x.known).map(drop)
}
