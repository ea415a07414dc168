//! The verifier of kernels. The list is the specification.
//!
//! - K1: arguments precede their node; operands, loop indices and nodes referred to exist.
//! - K2: every node has the dtype its operation gives; what is written has the dtype of a written operand.
//! - K3: accesses have one stride per axis; dynamic summands are i64 nodes, which no loop index changes where
//!   something is stored or reduced.
//! - K4: every load is in range wherever it is demanded, and so is everything written. Dynamic offsets are clamped by
//!   construction and exempt.
//! - K5: every stored element is written once per kernel run, and one that is also read is read only by the iteration
//!   that writes it.
//! - K6: a reduction has stride 0 on every axis it reduces: iterations that meet at an element differ only there.
//! - K7: guards are nonempty and within the box.
//! - K8: picked branches agree in dtype with each other and the pick.
//! - K9: an operand that is scattered to is not loaded from, all its outputs scatter by the same operation, and no pick
//!   decides where.
//!
//! K4 is decided exactly: demand is followed from the outputs through guards as a set of boxes (very many boxes are
//! widened to one). K5 and K6 search for two iterations that meet; a search that takes too long counts as none found,
//! and accesses with different dynamic summands are not compared.

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{Access, Kernel, LaneOp, Node, NodeId, NodeKind, Output, OutputKind};
use crate::text::print_kernel;
use intervals::{Box, Demand};

mod intervals;

/// Lines of the kernel shown on each side of a culprit.
const CONTEXT: usize = 5;

/// How many loops a kernel may have.
const MAX_AXES: usize = 64;

/// Where a kernel is at fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Culprit {
    /// Its header.
    Kernel,
    /// The node at this position.
    Node(usize),
    /// The output at this position.
    Output(usize),
}

/// A broken rule.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Number of the rule: 4 for K4.
    pub rule: u8,
    /// Where.
    pub culprit: Culprit,
    /// What was expected and what was found.
    pub message: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "K{} {}", self.rule, self.message)
    }
}

/// Checks a kernel.
///
/// ```
/// use cotangent_ir::{text::parse_kernel, verify_kernel};
/// let text = "kernel @k [4] (p0: read f32[4], p1: write f32[4]) { n0 = load p0 [1*i0] : f32 store p1 [1*i0], n0 }";
/// let mut kernel = parse_kernel::kernels(text).unwrap().remove(0);
/// assert!(verify_kernel::verify_kernel(&kernel).is_ok());
/// kernel.operands[0].len = 3;
/// assert!(verify_kernel::verify_kernel(&kernel).unwrap_err().message().contains("K4"));
/// ```
///
/// # Errors
/// The first rule broken, with the lines around the culprit.
pub fn verify_kernel(kernel: &Kernel) -> Result<()> {
    let Err(violation) = check(kernel) else { return Ok(()) };
    let text = print_kernel::kernel(kernel);
    let lines: Vec<&str> = text.lines().collect();
    let culprit = match violation.culprit {
        Culprit::Kernel => 0,
        Culprit::Node(position) => 1 + position,
        Culprit::Output(position) => 1 + kernel.nodes.len() + position,
    };
    let (first, last) = (culprit.saturating_sub(CONTEXT), (culprit + CONTEXT).min(lines.len()));
    let excerpt: Vec<String> =
        (first..last).map(|line| format!("{} {}", if line == culprit { ">" } else { " " }, lines[line])).collect();
    let message = format!("{violation} in @{}:\n{}", kernel.name, excerpt.join("\n"));
    Err(Error::new(ErrorKind::Verify, "verify_kernel", message))
}

/// The first rule broken.
pub(crate) fn check(kernel: &Kernel) -> Result<(), Violation> {
    check_header(kernel)?;
    let mut uniform = Vec::with_capacity(kernel.nodes.len());
    for (position, node) in kernel.nodes.iter().enumerate() {
        let checked = check_references(kernel, node, position)
            .and_then(|()| node_access(node).map_or(Ok(()), |access| check_access(kernel, access)))
            .and_then(|()| check_node(kernel, node));
        checked.map_err(|(rule, message)| Violation { rule, culprit: Culprit::Node(position), message })?;
        uniform.push(is_uniform(kernel, node, &uniform));
    }
    for (position, output) in kernel.outputs.iter().enumerate() {
        check_output(kernel, output, &uniform).map_err(|(rule, message)| Violation {
            rule,
            culprit: Culprit::Output(position),
            message,
        })?;
    }
    let whole: Box = kernel.extents.iter().map(|&extent| 0..extent).collect();
    if whole.iter().any(|range| range.is_empty()) {
        return Ok(()); // Nothing runs.
    }
    let demands = demands(kernel, &whole);
    check_ranges(kernel, &demands, &whole)?;
    check_writes(kernel, &demands, &whole)
}

/// A rule and what breaks it, before it is known where.
type Broken = (u8, String);

fn check_header(kernel: &Kernel) -> Result<(), Violation> {
    let broken = |rule, message| Err(Violation { rule, culprit: Culprit::Kernel, message });
    if let Some(operand) = kernel.operands.iter().find(|operand| operand.dtype.is_complex()) {
        return broken(2, format!("an operand is {}; complex operands are seen as their parts", operand.dtype));
    }
    let iterations = kernel.extents.iter().try_fold(1i64, |n, &extent| n.checked_mul(i64::try_from(extent).ok()?));
    if kernel.extents.len() > MAX_AXES {
        return broken(3, format!("a kernel has at most {MAX_AXES} axes"));
    }
    match iterations {
        Some(_) => Ok(()),
        None => broken(7, "more iterations than can be counted".into()),
    }
}

/// K1 for a node.
fn check_references(kernel: &Kernel, node: &Node, position: usize) -> Result<(), Broken> {
    let earlier = |id: NodeId| match id.index() < position {
        true => Ok(()),
        false => Err((1, format!("{id} does not precede n{position}"))),
    };
    let axis_exists = |axis: usize| match axis < kernel.extents.len() {
        true => Ok(()),
        false => Err((1, format!("there is no loop index i{axis}"))),
    };
    match &node.kind {
        NodeKind::Load { operand, access } => {
            operand_exists(kernel, *operand)?;
            access.dynamic.iter().try_for_each(|(id, _)| earlier(*id))
        }
        NodeKind::Const(_) => Ok(()),
        NodeKind::Index { axis } => axis_exists(*axis),
        NodeKind::Op { args, .. } => args.iter().try_for_each(|id| earlier(*id)),
        NodeKind::Pick { axis, inside, outside, .. } => {
            axis_exists(*axis)?;
            earlier(*inside)?;
            earlier(*outside)
        }
    }
}

fn operand_exists(kernel: &Kernel, operand: u32) -> Result<(), Broken> {
    match (operand as usize) < kernel.operands.len() {
        true => Ok(()),
        false => Err((1, format!("there is no operand p{operand}"))),
    }
}

fn node_access(node: &Node) -> Option<&Access> {
    match &node.kind {
        NodeKind::Load { access, .. } => Some(access),
        NodeKind::Const(_) | NodeKind::Index { .. } | NodeKind::Op { .. } | NodeKind::Pick { .. } => None,
    }
}

/// K3 for loads.
fn check_access(kernel: &Kernel, access: &Access) -> Result<(), Broken> {
    if access.strides.len() != kernel.extents.len() {
        return Err((3, format!("{} strides for {} axes", access.strides.len(), kernel.extents.len())));
    }
    let factors = access.dynamic.iter().map(|(_, factor)| factor);
    if [&access.offset].into_iter().chain(&access.strides).chain(factors).any(|n| n.unsigned_abs() >= 1 << 62) {
        return Err((3, "offset, strides and factors stay below 2^62".into()));
    }
    for &(id, _) in &access.dynamic {
        if kernel.node(id).dtype != DType::I64 {
            return Err((3, format!("dynamic offset {id} is {}, not i64", kernel.node(id).dtype)));
        }
    }
    Ok(())
}

/// Whether a node has the same value in every iteration, going by what its arguments are.
fn is_uniform(kernel: &Kernel, node: &Node, uniform: &[bool]) -> bool {
    match &node.kind {
        NodeKind::Const(_) => true,
        NodeKind::Load { access, .. } => {
            let still = |(&stride, &extent): (&i64, &usize)| stride == 0 || extent <= 1;
            access.strides.iter().zip(&kernel.extents).all(still)
                && access.dynamic.iter().all(|(id, _)| uniform[id.index()])
        }
        NodeKind::Index { axis } => kernel.extents[*axis] <= 1,
        NodeKind::Op { args, .. } => args.iter().all(|arg| uniform[arg.index()]),
        NodeKind::Pick { .. } => false,
    }
}

/// K2, K7 and K8 for a node.
fn check_node(kernel: &Kernel, node: &Node) -> Result<(), Broken> {
    let dtype_of = |id: NodeId| kernel.node(id).dtype;
    let due = match &node.kind {
        NodeKind::Load { operand, .. } => kernel.operands[*operand as usize].dtype,
        NodeKind::Const(value) => value.dtype(),
        NodeKind::Index { .. } => DType::I64,
        NodeKind::Op { op, args } => {
            let args: Vec<DType> = args.iter().map(|&arg| dtype_of(arg)).collect();
            op_dtype(*op, &args, node.dtype)?
        }
        NodeKind::Pick { axis, low, high, inside, outside } => {
            if low >= high || *high > kernel.extents[*axis] {
                let extent = kernel.extents[*axis];
                return Err((7, format!("guard {low}..{high} on i{axis} is empty or leaves the box, 0..{extent}")));
            }
            let (inside, outside) = (dtype_of(*inside), dtype_of(*outside));
            if inside != outside || inside != node.dtype {
                return Err((8, format!("branches are {inside} and {outside}, the pick is {}", node.dtype)));
            }
            inside
        }
    };
    if due != node.dtype || due.is_complex() {
        return Err((2, format!("expected {}, the operation gives {due}", node.dtype)));
    }
    Ok(())
}

/// The dtype an operation gives, if it takes such arguments.
fn op_dtype(op: LaneOp, args: &[DType], result: DType) -> Result<DType, Broken> {
    let name = op.name();
    if args.len() != op.arity() {
        return Err((2, format!("`{name}` takes {} arguments, {} were given", op.arity(), args.len())));
    }
    let alike = |dtypes: &[DType]| match dtypes.iter().all(|&dtype| dtype == dtypes[0]) {
        true => Ok(dtypes[0]),
        false => Err((2, format!("`{name}` takes arguments of one dtype"))),
    };
    let only = |accepted: fn(DType) -> bool, what: &str| {
        let dtype = alike(args)?;
        if accepted(dtype) { Ok(dtype) } else { Err((2, format!("`{name}` takes {what}, not {dtype}"))) }
    };
    match op {
        LaneOp::Add | LaneOp::Mul | LaneOp::Max | LaneOp::Min => alike(args),
        LaneOp::Sub | LaneOp::Div | LaneOp::Rem | LaneOp::Neg | LaneOp::Abs | LaneOp::Sign | LaneOp::Fma => {
            only(|dtype| !dtype.is_bool(), "numbers")
        }
        LaneOp::Sqrt
        | LaneOp::Floor
        | LaneOp::Ceil
        | LaneOp::Round
        | LaneOp::Trunc
        | LaneOp::Exp
        | LaneOp::Log
        | LaneOp::Sin
        | LaneOp::Cos
        | LaneOp::Tanh
        | LaneOp::Pow
        | LaneOp::Atan2 => only(DType::is_float, "floats"),
        LaneOp::And | LaneOp::Or | LaneOp::Xor | LaneOp::Not => {
            only(|dtype| dtype.is_bool() || dtype.is_int(), "bools or integers")
        }
        LaneOp::Shl | LaneOp::Shr => only(DType::is_int, "integers"),
        LaneOp::Eq | LaneOp::Ne | LaneOp::Lt | LaneOp::Le => alike(args).map(|_| DType::Bool),
        LaneOp::Select if args[0].is_bool() => alike(&args[1..]),
        LaneOp::Select => Err((2, format!("`select` decides on a bool, not {}", args[0]))),
        LaneOp::Convert => Ok(result),
        LaneOp::Bitcast if args[0].is_bool() || result.is_bool() || args[0].size() != result.size() => {
            Err((2, format!("`bitcast` keeps the width, which {} and {result} do not share", args[0])))
        }
        LaneOp::Bitcast => Ok(result),
    }
}

/// K1, K2 and K3 for an output.
fn check_output(kernel: &Kernel, output: &Output, uniform: &[bool]) -> Result<(), Broken> {
    operand_exists(kernel, output.operand)?;
    let used = output.access.dynamic.iter().map(|(id, _)| *id).chain([output.node]);
    for id in used {
        if id.index() >= kernel.nodes.len() {
            return Err((1, format!("there is no node {id}")));
        }
    }
    let operand = kernel.operands[output.operand as usize];
    if !operand.written {
        return Err((2, format!("p{} is not a written operand", output.operand)));
    }
    if operand.dtype != kernel.node(output.node).dtype {
        let given = kernel.node(output.node).dtype;
        return Err((2, format!("p{} holds {}, {} is {given}", output.operand, operand.dtype, output.node)));
    }
    check_access(kernel, &output.access)?;
    match output.access.dynamic.iter().find(|(id, _)| !uniform[id.index()] && !output.kind.scatters()) {
        Some((id, _)) => Err((3, format!("dynamic offset {id} of what is written varies with a loop index"))),
        None => Ok(()),
    }
}

/// For every node the boxes in which it is demanded.
fn demands(kernel: &Kernel, whole: &Box) -> Vec<Demand> {
    let mut demands = vec![Demand::default(); kernel.nodes.len()];
    for output in &kernel.outputs {
        for id in output.access.dynamic.iter().map(|(id, _)| *id).chain([output.node]) {
            demands[id.index()].add(whole.clone());
        }
    }
    for position in (0..kernel.nodes.len()).rev() {
        let (earlier, from) = demands.split_at_mut(position);
        let own = &from[0];
        let everywhere: Vec<NodeId> = match &kernel.nodes[position].kind {
            NodeKind::Load { access, .. } => access.dynamic.iter().map(|(id, _)| *id).collect(),
            NodeKind::Const(_) | NodeKind::Index { .. } => Vec::new(),
            NodeKind::Op { args, .. } => args.to_vec(),
            NodeKind::Pick { axis, low, high, inside, outside } => {
                earlier[inside.index()].add_within(own, *axis, *low, *high);
                earlier[outside.index()].add_within(own, *axis, 0, *low);
                earlier[outside.index()].add_within(own, *axis, *high, kernel.extents[*axis]);
                Vec::new()
            }
        };
        for id in everywhere {
            own.boxes().iter().for_each(|ranges| earlier[id.index()].add(ranges.clone()));
        }
    }
    demands
}

/// K4.
fn check_ranges(kernel: &Kernel, demands: &[Demand], whole: &Box) -> Result<(), Violation> {
    let check = |operand: u32, access: &Access, ranges: &Box, culprit: Culprit| {
        let len = kernel.operands[operand as usize].len;
        let (least, greatest) = intervals::reach(access, ranges);
        if !access.dynamic.is_empty() || (least >= 0 && greatest < len as i128) {
            return Ok(());
        }
        let message =
            format!("p{operand} has {len} elements, reached are {least} to {greatest} for indices {ranges:?}");
        Err(Violation { rule: 4, culprit, message })
    };
    for (position, (node, demand)) in kernel.nodes.iter().zip(demands).enumerate() {
        if let NodeKind::Load { operand, access } = &node.kind {
            demand.boxes().iter().try_for_each(|ranges| check(*operand, access, ranges, Culprit::Node(position)))?;
        }
    }
    for (position, output) in kernel.outputs.iter().enumerate() {
        check(output.operand, &output.access, whole, Culprit::Output(position))?;
    }
    Ok(())
}

/// K5 and K6.
fn check_writes(kernel: &Kernel, demands: &[Demand], whole: &Box) -> Result<(), Violation> {
    for (position, output) in kernel.outputs.iter().enumerate() {
        let culprit = Culprit::Output(position);
        if kernel.outputs.iter().any(|other| other.operand == output.operand && other.kind.scatters()) {
            check_scatter(kernel, output).map_err(|message| Violation { rule: 9, culprit, message })?;
            continue;
        }
        let still = |(&stride, range): (&i64, &std::ops::Range<usize>)| stride == 0 && range.len() > 1;
        let repeats = output.access.strides.iter().zip(whole).any(still);
        let meets_itself = intervals::meets_itself(&output.access, whole);
        match output.kind {
            OutputKind::Store if repeats || meets_itself => {
                let message = "two iterations store to the same element".to_string();
                return Err(Violation { rule: 5, culprit, message });
            }
            OutputKind::Reduce(_) if meets_itself => {
                let message = "iterations that differ on axes of nonzero stride meet at an element".to_string();
                return Err(Violation { rule: 6, culprit, message });
            }
            OutputKind::Store | OutputKind::Reduce(_) | OutputKind::Scatter(_) => {}
        }
        let rivals = kernel.outputs[..position].iter().filter(|other| other.operand == output.operand);
        for other in rivals {
            let comparable = other.access.dynamic == output.access.dynamic;
            if comparable && intervals::meet(&output.access, whole, &other.access, whole) {
                let message = format!("p{} is written at the same element by an earlier output", output.operand);
                return Err(Violation { rule: 5, culprit, message });
            }
        }
        check_in_place(kernel, demands, whole, output)?;
    }
    Ok(())
}

/// K9, of an output whose operand is scattered to.
fn check_scatter(kernel: &Kernel, output: &Output) -> Result<(), String> {
    let operand = output.operand;
    if kernel.outputs.iter().any(|other| other.operand == operand && other.kind != output.kind) {
        return Err(format!("p{operand} is written in different ways"));
    }
    let mut decides = vec![false; kernel.nodes.len()];
    output.access.dynamic.iter().for_each(|(id, _)| decides[id.index()] = true);
    for position in (0..kernel.nodes.len()).rev() {
        match &kernel.nodes[position].kind {
            NodeKind::Load { operand: read, .. } if *read == operand => {
                return Err(format!("n{position} reads p{operand}, which is scattered to"));
            }
            NodeKind::Pick { .. } if decides[position] => {
                return Err(format!("n{position} decides where something is written"));
            }
            kind if decides[position] => kind.arguments(|id| decides[id.index()] = true),
            _ => {}
        }
    }
    Ok(())
}

/// The second half of K5: loads of what an output writes.
fn check_in_place(kernel: &Kernel, demands: &[Demand], whole: &Box, output: &Output) -> Result<(), Violation> {
    for (position, (node, demand)) in kernel.nodes.iter().zip(demands).enumerate() {
        let NodeKind::Load { operand, access } = &node.kind else { continue };
        let comparable = *operand == output.operand && access.dynamic == output.access.dynamic;
        if !comparable || (same_element(access, &output.access, whole) && output.kind == OutputKind::Store) {
            continue;
        }
        if demand.boxes().iter().any(|ranges| intervals::meet(access, ranges, &output.access, whole)) {
            let message = format!("an element of p{operand} is read that another iteration writes");
            return Err(Violation { rule: 5, culprit: Culprit::Node(position), message });
        }
    }
    Ok(())
}

/// Whether two accesses reach the same element in every iteration.
fn same_element(a: &Access, b: &Access, whole: &Box) -> bool {
    let strides = a.strides.iter().zip(&b.strides).zip(whole);
    a.offset == b.offset && strides.into_iter().all(|((a, b), range)| a == b || range.len() <= 1)
}
