//! Reading of kernels.
//!
//! As with functions, nothing read is trusted: what comes back satisfies the rules of `verify_kernel`.

use super::lex::{Cursor, Kind, Place, error_at, nearest};
use super::{literal, parse};
use crate::error::Result;
use crate::kernel::{Access, Kernel, KernelOperand, LaneOp, Node, NodeId, NodeKind, Output, OutputKind, ReduceOp};
use crate::verify_kernel::{self, Culprit};

/// Reads any number of kernels.
///
/// ```
/// use cotangent_ir::text::{parse_kernel, print_kernel};
/// let text = "kernel @k [4] (p0: write f32[4]) {\n    n0 = const 1f32 : f32\n    store p0 [1*i0], n0\n}\n";
/// let kernels = parse_kernel::kernels(text).unwrap();
/// assert_eq!(print_kernel::kernel(&kernels[0]), text);
/// ```
///
/// # Errors
/// The first departure from the grammar or from the rules of the verifier, with its line and column.
pub fn kernels(text: &str) -> Result<Vec<Kernel>> {
    let mut cursor = Cursor::new(text)?;
    let mut kernels = Vec::new();
    while cursor.peek().kind != Kind::End {
        kernels.push(kernel(&mut cursor)?);
    }
    Ok(kernels)
}

fn kernel(cursor: &mut Cursor<'_>) -> Result<Kernel> {
    cursor.word("kernel")?;
    let start = cursor.place();
    let name = cursor.token(Kind::Name, "the name of the kernel, such as `@k`")?.text.to_string();
    cursor.mark("[")?;
    let extents = cursor.list("]", Cursor::size)?.into();
    cursor.mark("(")?;
    let mut count = 0;
    let operands = cursor.list(")", |cursor| {
        count += 1;
        operand(cursor, count - 1)
    })?;
    let mut kernel = Kernel { name, extents, operands, nodes: Vec::new(), outputs: Vec::new() };
    cursor.mark("{")?;
    let (mut nodes, mut outputs) = (Vec::new(), Vec::new());
    while cursor.at_numbered('n') {
        nodes.push(cursor.place());
        let node = numbered_node(cursor, &kernel)?;
        kernel.nodes.push(node);
    }
    while !cursor.take_mark("}") {
        outputs.push(cursor.place());
        let output = output(cursor, &kernel)?;
        kernel.outputs.push(output);
    }
    match verify_kernel::check(&kernel) {
        Ok(()) => Ok(kernel),
        Err(violation) => Err(error_at(place_of(violation.culprit, start, &nodes, &outputs), violation)),
    }
}

fn place_of(culprit: Culprit, start: Place, nodes: &[Place], outputs: &[Place]) -> Place {
    match culprit {
        Culprit::Kernel => start,
        Culprit::Node(position) => nodes[position],
        Culprit::Output(position) => outputs[position],
    }
}

/// `p0: read f32[4]`
fn operand(cursor: &mut Cursor<'_>, position: usize) -> Result<KernelOperand> {
    let place = cursor.place();
    let number = cursor.numbered('p', "an operand, such as `p0: read f32[4]`")?;
    if number != position {
        return Err(error_at(
            place,
            format!("expected `p{position}`, operands are numbered in order, found `p{number}`"),
        ));
    }
    cursor.mark(":")?;
    let written = cursor.at_word("write");
    if !written && !cursor.at_word("read") {
        return Err(cursor.unexpected("`read` or `write`"));
    }
    cursor.next();
    let dtype = parse::dtype(cursor)?;
    cursor.mark("[")?;
    let len = cursor.size()?;
    cursor.mark("]")?;
    Ok(KernelOperand { dtype, len, written })
}

/// `n2 = add n0, n1 : f32`
fn numbered_node(cursor: &mut Cursor<'_>, kernel: &Kernel) -> Result<Node> {
    let place = cursor.place();
    let number = cursor.numbered('n', "a node")?;
    if number != kernel.nodes.len() {
        let message = format!("expected `n{}`, nodes are numbered in order, found `n{number}`", kernel.nodes.len());
        return Err(error_at(place, message));
    }
    cursor.mark("=")?;
    let kind = node_kind(cursor, kernel)?;
    cursor.mark(":")?;
    Ok(Node { kind, dtype: parse::dtype(cursor)? })
}

fn node_kind(cursor: &mut Cursor<'_>, kernel: &Kernel) -> Result<NodeKind> {
    let token = cursor.token(Kind::Word, "a node, such as `add n0, n1`")?;
    match token.text {
        "load" => {
            let operand = cursor.numbered('p', "the operand to load from, such as `p0`")? as u32;
            Ok(NodeKind::Load { operand, access: access(cursor, kernel)? })
        }
        "const" => Ok(NodeKind::Const(literal::scalar(cursor)?)),
        "index" => Ok(NodeKind::Index { axis: cursor.numbered('i', "a loop index, such as `i0`")? }),
        "pick" => {
            let axis = cursor.numbered('i', "a loop index, such as `i0`")?;
            cursor.word("in")?;
            let low = cursor.size()?;
            cursor.mark("..")?;
            let high = cursor.size()?;
            let inside = node_id(cursor)?;
            cursor.word("else")?;
            Ok(NodeKind::Pick { axis, low, high, inside, outside: node_id(cursor)? })
        }
        name => {
            let Some(op) = LaneOp::ALL.into_iter().find(|op| op.name() == name) else {
                let names = LaneOp::ALL.into_iter().map(LaneOp::name).chain(["load", "const", "index", "pick"]);
                let hint = nearest(name, names).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
                return Err(error_at(token.place, format!("expected a lane operation, found `{name}`{hint}")));
            };
            let mut args = smallvec::smallvec![node_id(cursor)?];
            while cursor.take_mark(",") {
                args.push(node_id(cursor)?);
            }
            Ok(NodeKind::Op { op, args })
        }
    }
}

fn node_id(cursor: &mut Cursor<'_>) -> Result<NodeId> {
    Ok(NodeId(cursor.numbered('n', "a node, such as `n0`")? as u32))
}

/// `store p1 [256*i0 + 1*i1], n2`, `reduce sum p2 [1*i0], n2` or `scatter sum p3 [1*n4], n2`
fn output(cursor: &mut Cursor<'_>, kernel: &Kernel) -> Result<Output> {
    let kind = if cursor.at_word("store") {
        cursor.next();
        OutputKind::Store
    } else if cursor.at_word("reduce") {
        cursor.next();
        OutputKind::Reduce(reduce_op(cursor)?)
    } else if cursor.at_word("scatter") {
        cursor.next();
        OutputKind::Scatter(reduce_op(cursor)?)
    } else {
        return Err(cursor.unexpected("a node such as `n0 = ...`, `store`, `reduce`, `scatter` or `}`"));
    };
    let operand = cursor.numbered('p', "the operand to write to, such as `p0`")? as u32;
    let access = access(cursor, kernel)?;
    cursor.mark(",")?;
    Ok(Output { operand, access, node: node_id(cursor)?, kind })
}

fn reduce_op(cursor: &mut Cursor<'_>) -> Result<ReduceOp> {
    let ops = [ReduceOp::Sum, ReduceOp::Prod, ReduceOp::Max, ReduceOp::Min];
    match ops.into_iter().find(|op| cursor.at_word(op.name())) {
        Some(op) => {
            cursor.next();
            Ok(op)
        }
        None => Err(cursor.unexpected("`sum`, `prod`, `max` or `min`")),
    }
}

/// `[1 + 256*i0 - 1*i1 + 3*n4]`
fn access(cursor: &mut Cursor<'_>, kernel: &Kernel) -> Result<Access> {
    cursor.mark("[")?;
    let mut access = Access {
        offset: 0,
        strides: smallvec::SmallVec::from_elem(0, kernel.extents.len()),
        dynamic: smallvec::SmallVec::new(),
    };
    let first = cursor.integer()?;
    if cursor.at_mark("*") {
        product(cursor, &mut access, first)?;
    } else {
        access.offset = first;
    }
    while !cursor.take_mark("]") {
        let negative = cursor.at_mark("-");
        if !negative && !cursor.at_mark("+") {
            return Err(cursor.unexpected("`+`, `-` or `]`"));
        }
        // The sign belongs to the integer, so that the least one can be read.
        if !negative {
            cursor.next();
        }
        let factor = cursor.integer()?;
        product(cursor, &mut access, factor)?;
    }
    Ok(access)
}

/// The rest of a product after its factor: `*i0` or `*n4`.
fn product(cursor: &mut Cursor<'_>, access: &mut Access, factor: i64) -> Result<()> {
    cursor.mark("*")?;
    if cursor.at_numbered('n') {
        access.dynamic.push((node_id(cursor)?, factor));
        return Ok(());
    }
    let place = cursor.place();
    let axis = cursor.numbered('i', "a loop index such as `i0`, or a node such as `n0`")?;
    match access.strides.get_mut(axis) {
        Some(stride) if *stride == 0 => *stride = factor,
        Some(_) => return Err(error_at(place, format!("i{axis} occurs twice"))),
        None => return Err(error_at(place, format!("K3 there is no loop index i{axis}"))),
    }
    Ok(())
}
