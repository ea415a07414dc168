//! Which kernels are taken, and how their values are held.

use super::assembler::ALIGNMENT;
use super::complex;
use super::frame::{Frame, Groups, View};
use super::narrow;
use super::scatter;
use super::select::{Element, Width};
use crate::compile::emit::body::Facts;
use crate::compile::emit::split::Split;
use cotangent_ir::kernel::{Access, Kernel, NodeId, NodeKind, Output, OutputKind};

/// Registers for accumulators, of sixteen, up to which blocks have several vectors.
const ACCUMULATORS: usize = 8;
/// The same for a single vector: an instruction and what it waits for take up to six.
const MOST_ACCUMULATORS: usize = 10;
/// Outputs that scatter, times vectors, up to which blocks have several vectors: each takes three vectors of the frame.
const SCATTERED: usize = 16;
/// Instructions from which on a body is not written out several times anyway.
const SHORT: usize = 40;
/// Instructions from which on it would become too long; twice as many for vectors that scatter in turns, together.
const LONG: usize = 200;

/// What every node is held in.
pub(super) fn elements(kernel: &Kernel, split: &Split, facts: &Facts) -> Option<Vec<Element>> {
    // Summands of positions are added in 32 bits, or before the loops.
    let is_offset = |node: NodeId| {
        let literal = matches!(split.nodes[node.index()].kind, NodeKind::Const(_));
        !literal && (facts.narrow[node.index()] || facts.depth[node.index()] == 0)
    };
    let held = |(index, node): (usize, &cotangent_ir::kernel::Node)| match &node.kind {
        NodeKind::Load { access, .. } if !access.dynamic.iter().all(|&(node, _)| is_offset(node)) => None,
        NodeKind::Load { .. } => narrow::element(node.dtype).or(Element::of(node.dtype, false)),
        _ => Element::of(node.dtype, facts.narrow[index]),
    };
    for (output, access) in kernel.outputs.iter().zip(&split.accesses) {
        let scatters = output.kind.scatters();
        let known =
            access.dynamic.iter().all(|&(node, _)| is_offset(node) && (scatters || facts.depth[node.index()] == 0));
        Element::of(kernel.operands[output.operand as usize].dtype, false).filter(|_| known)?;
    }
    split.nodes.iter().enumerate().map(held).collect()
}

/// Lanes of 64 bits if everything has as many, bools aside, else of 32.
pub(super) fn width(kernel: &Kernel, split: &Split, elements: &[Element]) -> Width {
    // What is known before the loops, such as scalars, has its width too; literals adapt.
    let computed = split.nodes.iter().zip(elements).filter(|(node, _)| !matches!(node.kind, NodeKind::Const(_)));
    let outputs = kernel.outputs.iter().map(|output| kernel.operands[output.operand as usize].dtype);
    let narrow = |element: &Element| !element.is_wide() && *element != Element::Mask;
    let narrow = computed.clone().any(|(_, element)| narrow(element)) || outputs.clone().any(|dtype| dtype.size() == 4);
    let wide = computed.clone().any(|(_, element)| element.is_wide()) || outputs.clone().any(|dtype| dtype.size() == 8);
    if wide && !narrow { Width::Four } else { Width::Eight }
}

/// The pointers needed. None if there are too many, or a vector cannot be moved.
pub(super) fn groups(view: View<'_>, split: &Split, frame: &mut Frame) -> Option<Groups> {
    let kernel = view.kernel;
    let mut groups = Groups::default();
    for (output, access) in split.accesses.iter().enumerate() {
        if kernel.outputs[output].kind.scatters() {
            // Only lanes that have places of their own.
            if !view.gathers(access) {
                return None;
            }
        } else if !view.is_near(access) && complex::store_partner(view, split, output).is_none() {
            return None;
        }
    }
    for (operand, access) in accesses(kernel, split) {
        let dtype = kernel.operands[operand as usize].dtype;
        if narrow::is_narrow(dtype) && !view.is_near(access) {
            return None;
        }
        // Positions that are computed are sums in 32 bits.
        let farthest = kernel.operands[operand as usize].len as i64 + access.offset.abs();
        if view.gathers(access) && i32::try_from(farthest).is_err() {
            return None;
        }
        if !reaches(view, operand, access, 64) {
            return None;
        }
        groups.add(view, operand, access, frame)?;
    }
    Some(groups)
}

/// Whether the elements of an access that are up to so many steps of the vector loop away can be reached from its pointer.
fn reaches(view: View<'_>, operand: u32, access: &Access, steps: i64) -> bool {
    let size = view.kernel.operands[operand as usize].dtype.size() as i64;
    i32::try_from((access.offset.abs() + steps * view.step(access).abs().max(1)) * size).is_ok()
}

/// The same of all accesses.
pub(super) fn all_reach(view: View<'_>, split: &Split, steps: i64) -> bool {
    accesses(view.kernel, split).all(|(operand, access)| reaches(view, operand, access, steps))
}

/// Everything that is read or written, with the operand.
fn accesses<'a>(kernel: &'a Kernel, split: &'a Split) -> impl Iterator<Item = (u32, &'a Access)> {
    let loads = split.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Load { operand, access } => Some((*operand, access)),
        _ => None,
    });
    loads.chain(kernel.outputs.iter().map(|output| output.operand).zip(&split.accesses))
}

/// Whether some access cannot be done under a mask known only at run time: elements of a vector are not neighbours or too
/// small, a pointer moves with the vector loop, of which a masked step would have to be measured, or lanes scatter.
pub(super) fn is_ragged(view: View<'_>, split: &Split) -> bool {
    view.kernel.scatters()
        || accesses(view.kernel, split).any(|(operand, access)| {
            let apart = !view.is_near(access) && !view.gathers(access);
            let moves = view.scale(operand, access).is_none();
            apart || moves || narrow::is_narrow(view.kernel.operands[operand as usize].dtype)
        })
}

/// By output, whether it is one to be written past the cache whose vectors are aligned wherever the vector loop is at a
/// multiple of their lanes. Memory that operands are in begins with a line.
pub(super) fn streams(view: View<'_>, split: &Split, wanted: &[u32]) -> Vec<bool> {
    let aligned = |operand: u32, access: &Access| {
        let size = view.kernel.operands[operand as usize].dtype.size() as i64;
        let outer = (0..view.kernel.extents.len()).filter(|&axis| axis != view.axis && view.kernel.extents[axis] > 1);
        let mut distances = outer.map(|axis| access.strides[axis]).chain([access.offset]);
        let steady = access.dynamic.is_empty() && view.step(access) == 1;
        size >= 4 && steady && distances.all(|distance| distance * size % ALIGNMENT as i64 == 0)
    };
    let outputs = view.kernel.outputs.iter().zip(&split.accesses);
    let streams = |(output, access): (&Output, &Access)| {
        wanted.contains(&output.operand) && output.kind == OutputKind::Store && aligned(output.operand, access)
    };
    outputs.map(streams).collect()
}

/// Vectors in a block: as many as wanted, but so few that their accumulators leave registers to compute with, and their
/// scattered lanes room in the frame. None if not even the accumulators of one vector do. Lanes scatter in turns or not.
pub(super) fn unroll(kernel: &Kernel, split: &Split, facts: &Facts, width: Width, in_turns: bool) -> Option<usize> {
    let accumulating = kernel.outputs.iter().zip(&facts.levels).filter(|(_, level)| level.is_some());
    let parts = accumulating
        .map(|(output, _)| Some(width.parts(Element::of(kernel.operands[output.operand as usize].dtype, false)?)));
    let accumulators = parts.sum::<Option<usize>>()?;
    let scattered = kernel.outputs.iter().filter(|output| output.kind.scatters()).count();
    let mut unroll = match (scattered > 0, in_turns) {
        (true, true) => scatter::IN_TURNS,
        (true, false) => 1,
        (false, _) if waits(split, facts) => 4,
        (false, _) => facts.unroll.max(2),
    };
    let long = |unroll: usize| scattered > 0 && unroll > 2 && unroll * facts.cost > 2 * LONG;
    while unroll > 1 && (unroll * accumulators > ACCUMULATORS || unroll * scattered > SCATTERED || long(unroll)) {
        unroll /= 2;
    }
    (unroll * accumulators <= MOST_ACCUMULATORS).then_some(unroll)
}

/// Whether most of a body waits for what comes before, as elementary functions do one after the other: an instruction
/// takes four cycles where two could begin in each, so that several vectors in turns are needed to fill them.
fn waits(split: &Split, facts: &Facts) -> bool {
    let mut depths: Vec<usize> = Vec::with_capacity(split.nodes.len());
    for (index, node) in split.nodes.iter().enumerate() {
        let depth = match &node.kind {
            NodeKind::Op { args, .. } if facts.varies[index] => {
                1 + args.iter().map(|arg| depths[arg.index()]).max().unwrap_or(0)
            }
            _ => 0,
        };
        depths.push(depth);
    }
    let longest = depths.iter().copied().max().unwrap_or(0);
    (SHORT..LONG).contains(&facts.cost) && 2 * longest >= facts.cost
}
