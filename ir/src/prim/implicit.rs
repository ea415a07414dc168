//! Solutions of equations, differentiated by the equation and not through the iterations that found them.
//!
//! For a linear system `A x = b` the tangent is `dx = A⁻¹ (db - dA x)`, and the transpose of `b ↦ x` solves with `Aᵀ`. For
//! a root `f(x, θ) = 0` the implicit function theorem gives `∂f/∂x dx = -∂f/∂θ dθ`, a linear system. So a solver, however it
//! iterates, has derivatives of all orders in both modes at the price of one more solve, as accurate as the solution is.
//!
//! Both instructions hold the equation and the solver as functions of the same leading operands, `consts`: what the
//! closures captured, which is what is differentiated by.

use super::control::{check_params, check_results, count_attr, unify_captures};
use super::{
    Arity, Batch, BatchArgs, Case, Control, Domain, Eval, Jvp, Lower, Operand, Prim, Transpose, TransposeArgs, Types,
    WithTangents,
};
use crate::array::{Array, apply_many};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::Result;
use crate::func::Func;
use crate::trace::{Traced, replay, trace_closed};
use crate::transform::jvp::push_forward;
use crate::transform::vmap::BatchAxis;
use crate::transform::{instantiate, raise, refusal, scatter, transpose, vmap};
use crate::types::Type;
use std::sync::Arc;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&LINEAR_SOLVE, &ROOT];

/// The solution of a linear system.
pub static LINEAR_SOLVE: Prim = Prim {
    name: "linear_solve",
    doc: "The x for which `matvec` of the first `consts` operands and x is the other operands, as `solve` finds it from all \
          operands, followed by what else `solve` tells. `again` solves the same system for tangents, `transposed` the \
          transposed one.",
    arity: Arity::AtLeast(1),
    attrs: &[
        ("matvec", AttrKind::Func),
        ("solve", AttrKind::Func),
        ("again", AttrKind::Func),
        ("transposed", AttrKind::Func),
        ("consts", AttrKind::Int),
    ],
    domain: Domain::Cases(linear_cases),
    infer: infer_linear_solve,
    eval: Eval::Control(|interpreter, xs, attrs| interpreter.run(attrs.func("solve"), xs)),
    jvp: Jvp::Whole(jvp_linear_solve),
    transpose: Transpose::Rule(transpose_linear_solve),
    batch: Batch::Rule(batch_linear_solve),
    lower: Lower::Control(Control::Custom),
};

/// The root of a function.
pub static ROOT: Prim = Prim {
    name: "root",
    doc: "The x for which `residual` of the first `consts` operands and x is zero, as `solve` finds it from all operands, \
          the others being a first guess, followed by what else `solve` tells. `tangent` solves the linear system of its derivative: it takes the constants, \
          the root and a right side to the solution, and `cotangent` does so for the transposed system.",
    arity: Arity::AtLeast(1),
    attrs: &[
        ("residual", AttrKind::Func),
        ("solve", AttrKind::Func),
        ("tangent", AttrKind::Func),
        ("cotangent", AttrKind::Func),
        ("consts", AttrKind::Int),
    ],
    domain: Domain::Cases(root_cases),
    infer: infer_root,
    eval: Eval::Control(|interpreter, xs, attrs| interpreter.run(attrs.func("solve"), xs)),
    jvp: Jvp::Whole(jvp_root),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(batch_root),
    lower: Lower::Control(Control::Custom),
};

/// The functions of a linear system. `matvec` takes x, the others take a right side to the solution.
#[derive(Clone, Debug)]
pub struct LinearSystem<T> {
    /// The product of the matrix with x.
    pub matvec: T,
    /// The solver, whose results after the solution are constant to derivatives.
    pub solve: T,
    /// The solver for tangents.
    pub again: T,
    /// The solver of the transposed system.
    pub transposed: T,
}

/// Solves a linear system. The results are the solution and what else its solver tells.
#[track_caller]
pub fn linear_solve_arrays(system: LinearSystem<Traced>, b: &[Array]) -> Vec<Array> {
    let LinearSystem { matvec, solve, again, transposed } = system;
    let count = solve.func.result_types().len();
    match unify_captures(vec![matvec, solve, again, transposed]) {
        Ok((funcs, consts)) => {
            let attrs = linear_attrs([&funcs[0], &funcs[1], &funcs[2], &funcs[3]], consts.len());
            apply_many(&LINEAR_SOLVE, &consts.iter().chain(b).collect::<Vec<_>>(), attrs, count)
        }
        Err(error) => vec![raise(error); count],
    }
}

/// Finds a root. `residual` takes x, `solve` takes a first guess to the root, `tangent` and `cotangent` take the root and a
/// right side to the solution of the linear system of the derivative there and of its transpose. The results of `solve` after
/// the root are constant to derivatives.
#[track_caller]
pub fn root_arrays(residual: Traced, solve: Traced, tangent: Traced, cotangent: Traced, guess: &[Array]) -> Vec<Array> {
    let count = solve.func.result_types().len();
    match unify_captures(vec![residual, solve, tangent, cotangent]) {
        Ok((funcs, consts)) => {
            let attrs = root_attrs([&funcs[0], &funcs[1], &funcs[2], &funcs[3]], consts.len());
            apply_many(&ROOT, &consts.iter().chain(guess).collect::<Vec<_>>(), attrs, count)
        }
        Err(error) => vec![raise(error); count],
    }
}

fn linear_attrs([matvec, solve, again, transposed]: [&Arc<Func>; 4], consts: usize) -> Attrs {
    Attrs::none()
        .with("matvec", Attr::Func(matvec.clone()))
        .with("solve", Attr::Func(solve.clone()))
        .with("again", Attr::Func(again.clone()))
        .with("transposed", Attr::Func(transposed.clone()))
        .with_int("consts", consts as i64)
}

fn root_attrs([residual, solve, tangent, cotangent]: [&Arc<Func>; 4], consts: usize) -> Attrs {
    Attrs::none()
        .with("residual", Attr::Func(residual.clone()))
        .with("solve", Attr::Func(solve.clone()))
        .with("tangent", Attr::Func(tangent.clone()))
        .with("cotangent", Attr::Func(cotangent.clone()))
        .with_int("consts", consts as i64)
}

/// Refuses functions whose parameters are not the constants followed by `others`, or whose results are not `results`.
fn check_func(
    operation: &str,
    role: &str,
    func: &Func,
    consts: &[Type],
    others: &[Type],
    results: &[Type],
) -> Result<()> {
    let named = |types: &[Type], what: &str| -> Vec<(String, Type)> {
        types.iter().enumerate().map(|(number, ty)| (format!("{what} {number}"), ty.clone())).collect()
    };
    check_params(operation, role, func, &[named(consts, "constant"), named(others, "unknown")].concat())?;
    check_results(operation, role, func, &named(results, "result"), "return what has the types of the unknown")
}

fn infer_linear_solve(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let types: Vec<Type> = operands.iter().map(|&ty| ty.clone()).collect();
    let (consts, b) = types.split_at(count_attr("linear_solve", attrs, "consts", types.len())?);
    for role in ["matvec", "again", "transposed"] {
        check_func("linear_solve", role, attrs.func(role), consts, b, b)?;
    }
    check_solver("linear_solve", attrs.func("solve"), consts, b)
}

fn infer_root(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let types: Vec<Type> = operands.iter().map(|&ty| ty.clone()).collect();
    let (consts, x) = types.split_at(count_attr("root", attrs, "consts", types.len())?);
    check_func("root", "residual", attrs.func("residual"), consts, x, x)?;
    for role in ["tangent", "cotangent"] {
        check_func("root", role, attrs.func(role), consts, &[x, x].concat(), x)?;
    }
    check_solver("root", attrs.func("solve"), consts, x)
}

/// The types of the results of a solver: those of the unknown, and others.
fn check_solver(operation: &str, solve: &Func, consts: &[Type], x: &[Type]) -> Result<Types> {
    let results = solve.result_types();
    let others = results.get(x.len()..).unwrap_or_default();
    check_func(operation, "solve", solve, consts, x, &[x, others].concat())?;
    Ok(results.into())
}

/// The tangent of what a function of the constants and x gives, x being fixed; `None` where it is zero.
fn along_constants(func: &Func, consts: &[Array], tangents: &[Option<Array>], x: &[Array]) -> Vec<Option<Array>> {
    let primals = [consts, x].concat();
    let tangents = [tangents.to_vec(), vec![None; x.len()]].concat();
    push_forward(func, &primals, &tangents).1
}

/// `b - a`, where either may be zero.
fn difference(b: &Option<Array>, a: &Option<Array>, ty: &Type) -> Array {
    match a {
        Some(a) => instantiate(b, ty) - a,
        None => instantiate(b, ty),
    }
}

fn jvp_linear_solve(prim: &'static Prim, xs: &[Array], tangents: &[Option<Array>], attrs: &Attrs) -> WithTangents {
    let consts = attrs.size("consts");
    let count = xs.len() - consts;
    let types = attrs.func("solve").result_types();
    let results = apply_many(prim, &xs.iter().collect::<Vec<_>>(), attrs.clone(), types.len());
    let moved = along_constants(attrs.func("matvec"), &xs[..consts], &tangents[..consts], &results[..count]);
    let right = tangents[consts..].iter().zip(&moved).zip(&types).map(|((db, dax), ty)| difference(db, dax, ty));
    let operands: Vec<Array> = xs[..consts].iter().cloned().chain(right).collect();
    let again = attrs.func("again");
    let tangent_attrs = linear_attrs([attrs.func("matvec"), again, again, attrs.func("transposed")], consts);
    let solved = apply_many(prim, &operands.iter().collect::<Vec<_>>(), tangent_attrs, count);
    let tangents = solved.into_iter().map(Some).chain(vec![None; types.len() - count]).collect();
    (results, tangents)
}

fn transpose_linear_solve(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let consts = args.attrs.size("consts");
    if args.xs[..consts].iter().any(Operand::is_linear) {
        let message = "the solution of a linear system is linear in the right side only; transpose its tangent instead";
        return vec![Some(refusal("linear_solve", message)); args.xs.len()];
    }
    let matvec = args.attrs.func("matvec");
    let linear: Vec<bool> = (0..args.xs.len()).map(|position| position >= consts).collect();
    let transposed = match transpose::transpose(matvec, &linear) {
        Ok(transposed) => Arc::new(transposed),
        Err(error) => return vec![Some(raise(error)); args.xs.len()],
    };
    let known = args.xs[..consts].iter().map(|x| x.known().clone());
    // What else the solver tells is constant.
    let unknowns = args.xs.len() - consts;
    let cts = args.cts.iter().zip(args.results).take(unknowns).map(|(ct, ty)| instantiate(ct, ty));
    let operands: Vec<Array> = known.chain(cts).collect();
    // The solvers of the system and of the transposed one change roles.
    let (again, back) = (args.attrs.func("again"), args.attrs.func("transposed"));
    let attrs = linear_attrs([&transposed, back, back, again], consts);
    let solved = apply_many(&LINEAR_SOLVE, &operands.iter().collect::<Vec<_>>(), attrs, unknowns);
    let of_right = args.xs[consts..].iter().zip(solved).map(|(x, ct)| x.is_linear().then_some(ct));
    std::iter::repeat_n(None, consts).chain(of_right).collect()
}

fn jvp_root(prim: &'static Prim, xs: &[Array], tangents: &[Option<Array>], attrs: &Attrs) -> WithTangents {
    let consts = attrs.size("consts");
    let count = xs.len() - consts;
    let total = attrs.func("solve").result_types().len();
    let x = apply_many(prim, &xs.iter().collect::<Vec<_>>(), attrs.clone(), total);
    let residual = attrs.func("residual");
    let moved = along_constants(residual, &xs[..consts], &tangents[..consts], &x[..count]);
    if moved.iter().all(Option::is_none) {
        return (x, vec![None; total]);
    }
    // What is no floating-point number has no tangent: it is what it is at the root.
    let types = residual.result_types();
    let inexact: Vec<bool> = types.iter().map(|ty| ty.dtype.is_inexact()).collect();
    let funcs = derivative_of(residual, consts, &inexact).and_then(|matvec| {
        let role = |role| of_inexact(attrs.func(role), consts + count, &inexact);
        Ok([Arc::new(matvec), role("tangent")?, role("cotangent")?])
    });
    let solved = funcs.map(|[matvec, tangent, cotangent]| {
        let right = chosen(&moved, &inexact).zip(chosen(&types, &inexact));
        let right: Vec<Array> = right.map(|(moved, ty)| difference(&None, moved, ty)).collect();
        let unknowns = right.len();
        let operands: Vec<Array> = xs[..consts].iter().chain(&x[..count]).cloned().chain(right).collect();
        let attrs = linear_attrs([&matvec, &tangent, &tangent, &cotangent], consts + count);
        apply_many(&LINEAR_SOLVE, &operands.iter().collect::<Vec<_>>(), attrs, unknowns)
    });
    match solved {
        Ok(tangents) => (x, scatter(&tangents, &inexact).into_iter().chain(vec![None; total - count]).collect()),
        Err(error) => (vec![raise(error); total], vec![None; total]),
    }
}

/// Those of `items` that have a flag.
fn chosen<'a, T>(items: &'a [T], flags: &'a [bool]) -> impl Iterator<Item = &'a T> {
    items.iter().zip(flags).filter_map(|(item, &flag)| flag.then_some(item))
}

/// The derivative of a residual by the floating-point numbers of x, as a function of the constants, x and a direction.
fn derivative_of(residual: &Func, consts: usize, inexact: &[bool]) -> Result<Func> {
    let types = residual.param_types();
    let params = types.iter().chain(chosen(&types[consts..], inexact)).cloned();
    trace_closed(&format!("{}_derivative", residual.name), params, |params| {
        let (primals, direction) = params.split_at(types.len());
        let flags: Vec<bool> = std::iter::repeat_n(false, consts).chain(inexact.iter().copied()).collect();
        let (_, tangents) = push_forward(residual, primals, &scatter(direction, &flags));
        let results = residual.result_types();
        let results = chosen(&tangents, inexact).zip(chosen(&results, inexact));
        results.map(|(tangent, ty)| instantiate(tangent, ty)).collect()
    })
}

/// A solver that takes, after its first operands, the floating-point numbers of the right side only, and gives those of the
/// solution; the others are zero.
fn of_inexact(solver: &Arc<Func>, first: usize, inexact: &[bool]) -> Result<Arc<Func>> {
    if !inexact.contains(&false) {
        return Ok(solver.clone());
    }
    let types = solver.param_types();
    let params = types[..first].iter().chain(chosen(&types[first..], inexact)).cloned();
    let restricted = trace_closed(&solver.name, params, |params| {
        let (first, right) = params.split_at(first);
        let right = scatter(right, inexact);
        let right = right.iter().zip(&types[first.len()..]).map(|(right, ty)| instantiate(right, ty));
        let operands: Vec<Array> = first.iter().cloned().chain(right).collect();
        chosen(&replay(solver, &operands), inexact).cloned().collect()
    });
    restricted.map(Arc::new)
}

/// A function batched with all results.
fn batched(func: &Func, consts: &[bool], others: usize, axis: BatchAxis) -> Result<Arc<Func>> {
    let flags = [consts.to_vec(), vec![true; others]].concat();
    vmap::batch(func, &flags, axis, true).map(|(many, _)| Arc::new(many))
}

fn batch_linear_solve(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let consts = args.attrs.size("consts");
    let count = args.xs.len() - consts;
    let many = |role| batched(args.attrs.func(role), &args.batched[..consts], count, args.axis);
    let attrs = many("matvec")
        .and_then(|matvec| Ok(linear_attrs([&matvec, &many("solve")?, &many("again")?, &many("transposed")?], consts)));
    apply_batched(args, attrs, consts)
}

fn batch_root(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let consts = args.attrs.size("consts");
    let count = args.xs.len() - consts;
    let many = |role, others| batched(args.attrs.func(role), &args.batched[..consts], others, args.axis);
    let attrs = many("residual", count).and_then(|residual| {
        let (tangent, cotangent) = (many("tangent", 2 * count)?, many("cotangent", 2 * count)?);
        Ok(root_attrs([&residual, &many("solve", count)?, &tangent, &cotangent], consts))
    });
    apply_batched(args, attrs, consts)
}

/// Applies a primitive whose operands after the constants, and whose results, are all batched.
fn apply_batched(args: &BatchArgs<'_>, attrs: Result<Attrs>, consts: usize) -> Vec<(Array, bool)> {
    let operand = |i: usize| if i < consts { args.xs[i].clone() } else { args.with_batch(i) };
    let operands: Vec<Array> = (0..args.xs.len()).map(operand).collect();
    let count = args.attrs.func("solve").result_types().len();
    let results = match attrs {
        Ok(attrs) => apply_many(args.prim, &operands.iter().collect::<Vec<_>>(), attrs, count),
        Err(error) => vec![raise(error); count],
    };
    results.into_iter().map(|array| (array, true)).collect()
}

/// Division by a diagonal.
fn linear_cases() -> Vec<Case> {
    let ty = Type::new(DType::F64, &[3]);
    let types = [ty.clone(), ty];
    let matvec = trace_closed("scale", types.clone(), |x| vec![&x[0] * &x[1]]).map(Arc::new);
    let solve = trace_closed("divide", types.clone(), |x| vec![&x[1] / &x[0]]).map(Arc::new);
    let case =
        |(matvec, solve): (Arc<Func>, Arc<Func>)| Case::new(types, linear_attrs([&matvec, &solve, &solve, &solve], 1));
    matvec.and_then(|matvec| Ok((matvec, solve?))).map(case).into_iter().collect()
}

/// The number whose exponential is another one's square plus one.
fn root_cases() -> Vec<Case> {
    let ty = Type::new(DType::F64, &[3]);
    let types = [ty.clone(), ty.clone()];
    let residual = trace_closed("residual", types.clone(), |x| vec![x[1].exp() - x[0].square() - 1.0]).map(Arc::new);
    let solve = trace_closed("solve", types.clone(), |x| vec![(x[0].square() + 1.0).log() + 0.0 * &x[1]]).map(Arc::new);
    let tangent = trace_closed("tangent", vec![ty; 3], |x| vec![&x[2] / x[1].exp()]).map(Arc::new);
    let case = |(residual, solve, tangent): (Arc<Func>, Arc<Func>, Arc<Func>)| {
        Case::new(types, root_attrs([&residual, &solve, &tangent, &tangent], 1))
    };
    residual.and_then(|residual| Ok((residual, solve?, tangent?))).map(case).into_iter().collect()
}
