//! The last step on functions: what fusion does not know is written in terms of what it does.
//!
//! Holds afterwards: no calls and nothing to expand; contractions are batched matrix products; transforms go over one
//! axis; `scan` carries everything (slices are read and results written at the iteration's place, in the loop); no
//! reduction is over nothing, nothing without elements is read, not many arrays are put together at once, and products of
//! complex numbers are halved until they are short.

use crate::compile::block::UNROLLED_REDUCTION;
use cotangent_ir::kernel::ReduceOp;
use cotangent_ir::prim::dynamic::{DYNAMIC_SLICE, DYNAMIC_UPDATE_SLICE};
use cotangent_ir::prim::index::concatenate;
use cotangent_ir::prim::{Control, Lower, Routine, View, control};
use cotangent_ir::trace::{replay, trace};
use cotangent_ir::{Array, Attrs, DType, Func, Inst, ScatterKind, Type, apply_many, apply1};
use smallvec::SmallVec;
use std::sync::Arc;

/// Prepares a function for fusion.
pub(crate) fn prepare(func: &Func) -> Func {
    let expands = |func: &Func| {
        let types = |inst: &Inst| -> Vec<&Type> { inst.args.iter().map(|&arg| func.ty(arg)).collect() };
        func.insts().iter().any(|inst| expansion(inst, &types(inst)).is_some())
    };
    if !expands(func) {
        return rebuilt(func, rewrite);
    }
    // What a primitive expands to is prepared like everything else, and may expand again.
    let mut expanded = rebuilt(func, expand);
    while expands(&expanded) {
        expanded = rebuilt(&expanded, expand);
    }
    rebuilt(&expanded, rewrite)
}

/// What becomes of an instruction: given its operands, their types and those of its results.
type Rewrite = fn(&Inst, &[Array], &[&Type], &[&Type]) -> Vec<Array>;

/// The function with every instruction rewritten.
fn rebuilt(func: &Func, rewrite: Rewrite) -> Func {
    let outcome = trace(&func.name, func.param_types().to_vec(), |params| {
        let mut values: Vec<Option<Array>> = vec![None; func.value_count()];
        for (value, array) in func.params().zip(params) {
            values[value.index()] = Some(array.clone());
        }
        let get = |values: &[Option<Array>], value: cotangent_ir::Value| match &values[value.index()] {
            Some(array) => array.clone(),
            None => cotangent_ir::error::internal(&format!("{value} is used before it is defined")),
        };
        for inst in func.insts() {
            let args: Vec<Array> = inst.args.iter().map(|&value| get(&values, value)).collect();
            let arg_types: Vec<&Type> = inst.args.iter().map(|&value| func.ty(value)).collect();
            let types: Vec<&Type> = inst.results().map(|value| func.ty(value)).collect();
            for (value, array) in inst.results().zip(rewrite(inst, &args, &arg_types, &types)) {
                values[value.index()] = Some(array);
            }
        }
        func.results().iter().map(|&value| get(&values, value)).collect()
    });
    match outcome {
        Ok(traced) if traced.captures.is_empty() => traced.func,
        Ok(_) => cotangent_ir::error::internal("preparation captured a value"),
        Err(error) => cotangent_ir::error::internal(&format!("preparation of @{}: {error}", func.name)),
    }
}

/// What writes an instruction in terms of others, given its operands.
type Expansion = fn(&[Array], &Attrs) -> Vec<Array>;

/// How an instruction with operands of these types is written in terms of others, if it has to be.
fn expansion(inst: &Inst, types: &[&Type]) -> Option<Expansion> {
    match inst.prim.lower {
        Lower::Expand(expand) => Some(expand),
        Lower::LibraryOrExpand(by_library, _, expand) => (!by_library(types, &inst.attrs)).then_some(expand),
        _ => None,
    }
}

fn expand(inst: &Inst, args: &[Array], arg_types: &[&Type], types: &[&Type]) -> Vec<Array> {
    match expansion(inst, arg_types) {
        Some(expand) => expand(args, &inst.attrs),
        None => apply_many(inst.prim, &args.iter().collect::<Vec<_>>(), inst.attrs.clone(), types.len()),
    }
}

fn rewrite(inst: &Inst, args: &[Array], arg_types: &[&Type], types: &[&Type]) -> Vec<Array> {
    match inst.prim.lower {
        Lower::Library(Routine::Dot) => vec![dot(inst, args, arg_types, types[0])],
        Lower::Library(Routine::Fft) => vec![fft(inst, args, types[0])],
        Lower::Scatter(..) if arg_types[2].is_empty() => vec![args[0].clone()],
        Lower::Scatter(..) if ScatterKind::of(&inst.attrs) == ScatterKind::Set && arg_types[1].len() == 1 => {
            vec![row_set(&args[0], &args[1], &args[2], arg_types[0], arg_types[1])]
        }
        Lower::Control(Control::Scan) => scan(inst, args, arg_types),
        Lower::Control(_) => apply_many(
            inst.prim,
            &args.iter().collect::<Vec<_>>(),
            inst.attrs.map_funcs(|func| Arc::new(prepare(func))),
            types.len(),
        ),
        Lower::Reduce(op) if arg_types[0].is_empty() && !types[0].is_empty() => {
            vec![Array::filled(&types[0].shape, op.identity(types[0].dtype))]
        }
        Lower::Reduce(ReduceOp::Prod) if types[0].dtype.is_complex() => {
            vec![complex_product(inst, &args[0], arg_types[0])]
        }
        Lower::Reindex(view) if arg_types.iter().any(|ty| ty.is_empty()) && !types[0].is_empty() => {
            vec![without_empty(view(arg_types, &inst.attrs, types[0]), inst, args, arg_types, types[0])]
        }
        Lower::Reindex(view) if args.len() > MOST_PIECES => {
            vec![in_pieces(view(arg_types, &inst.attrs, types[0]), inst, args)]
        }
        _ => apply_many(inst.prim, &args.iter().collect::<Vec<_>>(), inst.attrs.clone(), types.len()),
    }
}

/// One row replaced, by an update of a window: unlike a routine of the library it needs no array of its own. A number out
/// of range puts back some row that is there.
fn row_set(x: &Array, number: &Array, row: &Array, ty: &Type, number_ty: &Type) -> Array {
    let axis = ty.rank() - 2;
    // The number as it is where it can be compared: places told by it elsewhere are recognised as the same.
    let number = match number_ty.dtype {
        DType::I32 if i32::try_from(ty.shape[axis]).is_ok() => number.clone(),
        _ => number.astype(DType::I64),
    };
    let number = number.reshape(&[]);
    let inside = number.greater_equal(0) & number.less(ty.shape[axis] as i64);
    let start = |at| if at == axis { number.clone() } else { Array::from(0i64) };
    let starts: Vec<Array> = (0..ty.rank()).map(start).collect();
    let mut sizes = ty.shape.clone();
    sizes[axis] = 1;
    let taken: Vec<&Array> = std::iter::once(x).chain(&starts).collect();
    let old = apply1(&DYNAMIC_SLICE, &taken, Attrs::none().with_sizes("sizes", sizes));
    let kept = inside.select(row, old);
    let replaced: Vec<&Array> = [x, &kept].into_iter().chain(&starts).collect();
    apply1(&DYNAMIC_UPDATE_SLICE, &replaced, Attrs::none())
}

/// Most arrays that are put together at once: a kernel tells only so many apart.
const MOST_PIECES: usize = 8;

/// A concatenation of many arrays, as one of concatenations.
fn in_pieces(view: View, inst: &Inst, args: &[Array]) -> Array {
    let View::Concatenate { axis } = view else {
        return apply1(inst.prim, &args.iter().collect::<Vec<_>>(), inst.attrs.clone());
    };
    let mut pieces = args.to_vec();
    while pieces.len() > 1 {
        pieces = pieces.chunks(MOST_PIECES).map(|chunk| concatenate(chunk, axis as isize)).collect();
    }
    pieces.swap_remove(0)
}

/// What moves elements, some of them from or into an array that has none.
fn without_empty(view: View, inst: &Inst, args: &[Array], types: &[&Type], result: &Type) -> Array {
    match view {
        View::Pad { .. } => args[1].broadcast_to(&result.shape),
        View::Concatenate { axis } => {
            let full = args.iter().zip(types).filter(|(_, ty)| !ty.is_empty()).map(|(arg, _)| arg.clone());
            concatenate(&full.collect::<Vec<_>>(), axis as isize)
        }
        View::DynamicUpdate => args[0].clone(),
        _ => apply1(inst.prim, &args.iter().collect::<Vec<_>>(), inst.attrs.clone()),
    }
}

/// [batch, rows, depth] x [batch, depth, columns], by permuting and joining axes.
fn dot(inst: &Inst, args: &[Array], types: &[&Type], result: &Type) -> Array {
    let axes = |name: &str| inst.attrs.sizes(name);
    let (lhs_contract, rhs_contract) = (axes("lhs_contract"), axes("rhs_contract"));
    let (lhs_batch, rhs_batch) = (axes("lhs_batch"), axes("rhs_batch"));
    let free = |ty: &Type, a: &[usize], b: &[usize]| -> SmallVec<[usize; 4]> {
        (0..ty.rank()).filter(|axis| !a.contains(axis) && !b.contains(axis)).collect()
    };
    let lhs_free = free(types[0], &lhs_contract, &lhs_batch);
    let rhs_free = free(types[1], &rhs_contract, &rhs_batch);
    let size = |ty: &Type, axes: &[usize]| axes.iter().map(|&axis| ty.shape[axis]).product::<usize>();
    let (batch, depth) = (size(types[0], &lhs_batch), size(types[0], &lhs_contract));
    let (rows, columns) = (size(types[0], &lhs_free), size(types[1], &rhs_free));
    // Without elements in common every product is an empty sum.
    if depth == 0 || result.is_empty() {
        return Array::zeros(&result.shape, result.dtype);
    }
    let lhs_order = [&lhs_batch[..], &lhs_free, &lhs_contract].concat();
    let rhs_order = [&rhs_batch[..], &rhs_contract, &rhs_free].concat();
    let lhs = canonical(&args[0], types[0], &lhs_order, &[batch, rows, depth]);
    let rhs = canonical(&args[1], types[1], &rhs_order, &[batch, depth, columns]);
    let attrs = Attrs::none()
        .with_sizes("lhs_contract", [2])
        .with_sizes("rhs_contract", [1])
        .with_sizes("lhs_batch", [0])
        .with_sizes("rhs_batch", [0]);
    let product = cotangent_ir::apply1(inst.prim, &[&lhs, &rhs], attrs);
    reshaped(&product, &[batch, rows, columns], &result.shape)
}

/// Permutes and reshapes to three axes. Where only the order of the last two differs, the reshape comes first, so that
/// the permutation stands next to the product and becomes strides of it.
fn canonical(x: &Array, ty: &Type, order: &[usize], shape: &[usize; 3]) -> Array {
    if order.iter().copied().eq(0..order.len()) {
        return reshaped(x, &ty.shape, shape);
    }
    let [batch, rows, columns] = *shape;
    let swapped = [batch, columns, rows];
    // The order with the last two groups exchanged is the array's own: a plain transpose of matrices.
    let groups = (0..=order.len()).flat_map(|a| (a..=order.len()).map(move |b| (a, b)));
    for (a, b) in groups {
        let exchanged = [&order[..a], &order[b..], &order[a..b]].concat();
        let extent = |axes: &[usize]| axes.iter().map(|&axis| ty.shape[axis]).product::<usize>();
        let fits = extent(&order[..a]) == batch && extent(&order[a..b]) == rows && extent(&order[b..]) == columns;
        if fits && exchanged.iter().copied().eq(0..order.len()) {
            return reshaped(x, &ty.shape, &swapped).permute(&[0, 2, 1]);
        }
    }
    x.permute(order).reshape(shape)
}

fn reshaped(x: &Array, from: &[usize], to: &[usize]) -> Array {
    if from == to { x.clone() } else { x.reshape(to) }
}

/// One transform per axis. The real axis is the last: first forward, last backward.
fn fft(inst: &Inst, args: &[Array], result: &Type) -> Array {
    let (kind, length) = (inst.attrs.int("kind"), inst.attrs.size("length"));
    let axes = inst.attrs.sizes("axes");
    if result.is_empty() || axes.is_empty() {
        return if axes.is_empty() { args[0].clone() } else { Array::zeros(&result.shape, result.dtype) };
    }
    let (last, others) = (axes[axes.len() - 1], &axes[..axes.len() - 1]);
    let single = |x: &Array, kind: i64, axis: usize, length: usize| {
        let attrs = Attrs::none().with_int("kind", kind).with_sizes("axes", [axis]).with_int("length", length as i64);
        cotangent_ir::apply1(inst.prim, &[x], attrs)
    };
    let complex_kind = kind % 2;
    let over_others = |x: Array| others.iter().fold(x, |x, &axis| single(&x, complex_kind, axis, result.shape[axis]));
    match kind {
        3 => single(&over_others(args[0].clone()), kind, last, length),
        _ => over_others(single(&args[0], kind, last, length)),
    }
}

/// A scan that carries its counter and its stacked results, and reads its slices, itself.
fn scan(inst: &Inst, args: &[Array], types: &[&Type]) -> Vec<Array> {
    let (length, consts, carries) = (inst.attrs.size("length"), inst.attrs.size("consts"), inst.attrs.size("carries"));
    let reverse = inst.attrs.bool("reverse");
    let body = Arc::new(prepare(inst.attrs.func("body")));
    let slices = args.len() - consts - carries;
    let stacked: Vec<Type> = body.result_types()[carries..].to_vec();
    if slices == 0 && stacked.is_empty() {
        let attrs = inst.attrs.map_funcs(|_| body.clone());
        return apply_many(inst.prim, &args.iter().collect::<Vec<_>>(), attrs, carries);
    }
    let whole = |ty: &Type| Type::new(ty.dtype, &[&[length], &ty.shape[..]].concat());
    if length == 0 {
        let state = args[consts..consts + carries].iter().cloned();
        return state.chain(stacked.iter().map(|ty| Array::zeros(&whole(ty).shape, ty.dtype))).collect();
    }
    // Operands: constants, sliced arrays; counter, carries, stacked results.
    let mut operands: Vec<Array> = args[..consts].to_vec();
    operands.extend_from_slice(&args[consts + carries..]);
    let fixed = operands.len();
    operands.push(Array::from(0i32));
    operands.extend_from_slice(&args[consts..consts + carries]);
    operands.extend(stacked.iter().map(|ty| Array::zeros(&whole(ty).shape, ty.dtype)));
    let mut params: Vec<Type> = types[..consts].iter().map(|&ty| ty.clone()).collect();
    params.extend(types[consts + carries..].iter().map(|&ty| ty.clone()));
    params.push(Type::scalar(DType::I32));
    params.extend(types[consts..consts + carries].iter().map(|&ty| ty.clone()));
    params.extend(stacked.iter().map(whole));
    let traced = trace(&body.name, params, |params| {
        let (fixed, state) = params.split_at(fixed);
        let (counter, state) = (&state[0], &state[1..]);
        let at = if reverse { Array::from(length as i32 - 1) - counter } else { counter.clone() };
        let start = |rank: usize| -> Vec<Array> {
            std::iter::once(at.clone()).chain((0..rank).map(|_| Array::from(0i32))).collect()
        };
        let mut inputs: Vec<Array> = fixed[..consts].to_vec();
        inputs.extend_from_slice(&state[..carries]);
        for (array, ty) in fixed[consts..].iter().zip(&types[consts + carries..]) {
            let sizes = [&[1], &ty.shape[1..]].concat();
            let starts = start(ty.rank() - 1);
            let operands: Vec<&Array> = std::iter::once(array).chain(&starts).collect();
            let attrs = Attrs::none().with_sizes("sizes", sizes);
            inputs.push(apply1(&DYNAMIC_SLICE, &operands, attrs).reshape(&ty.shape[1..]));
        }
        let results = replay(&body, &inputs);
        let mut next = vec![counter + 1];
        next.extend_from_slice(&results[..carries]);
        for ((array, result), ty) in state[carries..].iter().zip(&results[carries..]).zip(&stacked) {
            let row = result.reshape(&[&[1], &ty.shape[..]].concat());
            let starts = start(ty.rank());
            let operands: Vec<&Array> = [array, &row].into_iter().chain(&starts).collect();
            next.push(apply1(&DYNAMIC_UPDATE_SLICE, &operands, Attrs::none()));
        }
        next
    });
    let traced =
        traced.unwrap_or_else(|error| cotangent_ir::error::internal(&format!("preparation of a scan: {error}")));
    let attrs = Attrs::none()
        .with_int("length", length as i64)
        .with("reverse", cotangent_ir::Attr::Bool(false))
        .with_int("consts", fixed as i64)
        .with_int("carries", (1 + carries + stacked.len()) as i64)
        .with("body", cotangent_ir::Attr::Func(Arc::new(traced.func)));
    let operands: Vec<&Array> = operands.iter().collect();
    apply_many(&control::SCAN, &operands, attrs, 1 + carries + stacked.len()).split_off(1)
}

/// A product along axes by halving: each round multiplies the first half with the second.
fn complex_product(inst: &Inst, x: &Array, ty: &Type) -> Array {
    let mut x = x.clone();
    let mut shape = ty.shape.clone();
    for &axis in &inst.attrs.sizes("axes") {
        while shape[axis] > UNROLLED_REDUCTION {
            let half = shape[axis] / 2;
            let odd = shape[axis] % 2;
            let first = x.narrow(axis as isize, 0, half);
            let second = x.narrow(axis as isize, half, half);
            let mut product = first * second;
            if odd == 1 {
                let rest = x.narrow(axis as isize, 2 * half, 1);
                product = concatenate(&[product, rest], axis as isize);
            }
            x = product;
            shape[axis] = half + odd;
        }
    }
    // Several short axes together may still be long: one after the other, the last first so that numbers stay right.
    for &axis in inst.attrs.sizes("axes").iter().rev() {
        x = cotangent_ir::apply1(inst.prim, &[&x], Attrs::none().with_sizes("axes", [axis]));
    }
    x
}
