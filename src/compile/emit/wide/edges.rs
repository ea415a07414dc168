//! Vectors in which segments of the vector loop meet, as at the edges of a stencil.
//!
//! Such a vector is computed once for each of its segments, with loads of the lanes that belong to the segment only, and the
//! results are put together. So the segments between begin and end with whole vectors, aligned if rows are, and
//! elements at an edge cost a vector, not one each. Every element is still computed by its own segment's instructions.

use super::assembler::Memory;
use super::generator::{Active, Block, Generator};
use super::nodes::Code;
use super::reduce::Totals;
use super::region::{Operand, Region};
use super::select::Arg;
use crate::compile::emit::split::{Body, Nest, Segment};
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{NodeKind, OutputKind};
use smallvec::smallvec;
use std::ops::Range;

/// A piece of the vector loop.
pub(super) struct Piece<'a> {
    /// First index.
    pub(super) low: usize,
    /// First index after.
    pub(super) high: usize,
    /// What happens there.
    pub(super) inside: Inside<'a>,
}

/// What happens in a piece of the vector loop.
pub(super) enum Inside<'a> {
    /// The same at every index.
    Same(&'a Nest),
    /// In each of some ranges another body. Together they are a vector, or what is left of one at the end.
    Meeting(Vec<(Range<usize>, &'a Body)>),
}

/// Segments as pieces that begin and end with whole vectors, as far as possible, or where the segments do.
pub(super) fn pieces(segments: &[Segment], lanes: usize, apart: bool) -> Vec<Piece<'_>> {
    let body = |segment: &Segment| matches!(segment.inside, Nest::Body(_));
    if apart || segments.len() < 2 || !segments.iter().all(body) {
        let mut pieces = Vec::new();
        for Segment { low, high, inside } in segments {
            pieces.push(Piece { low: *low, high: *high, inside: Inside::Same(inside) });
        }
        return pieces;
    }
    let mut pieces = Vec::new();
    let mut next = segments[0].low;
    for (number, segment) in segments.iter().enumerate() {
        let last = number + 1 == segments.len();
        let end = if last { segment.high } else { segment.high - segment.high % lanes };
        if next < end {
            pieces.push(Piece { low: next, high: end, inside: Inside::Same(&segment.inside) });
            next = end;
        }
        // The vector in which the segment ends, unless an earlier one has ended there too.
        if !last && next < segment.high {
            let high = (next + lanes).min(segments[segments.len() - 1].high);
            let meeting = segments.iter().filter_map(|segment| match &segment.inside {
                Nest::Body(body) => Some((segment.low.max(next)..segment.high.min(high), body)),
                Nest::Loop { .. } => None,
            });
            let meeting = meeting.filter(|(range, _)| !range.is_empty()).collect();
            pieces.push(Piece { low: next, high, inside: Inside::Meeting(meeting) });
            next = high;
        }
    }
    pieces
}

impl Generator<'_> {
    /// The vector at the index, in which bodies meet; the index then moves on.
    pub(super) fn meeting(
        &mut self,
        low: usize,
        high: usize,
        bodies: &[(Range<usize>, &Body)],
        level: usize,
    ) -> Option<()> {
        let count = high - low;
        let active = if count == self.lanes as usize { Active::All } else { Active::First(count) };
        self.block = Some(Block { vectors: 1, rows: 1, active });
        for (_, body) in bodies {
            self.note_index(&body.needed);
        }
        self.begin(level)?;
        let lanes = |range: &Range<usize>| range.clone().fold(0u8, |lanes, index| lanes | 1 << (index - low));
        let mut wanted = vec![0u8; self.split.nodes.len()];
        for (range, body) in bodies {
            body.needed.iter().for_each(|node| wanted[node.index()] |= lanes(range));
        }
        let whole = (low..high).fold(0u8, |lanes, index| lanes | 1 << (index - low));
        let partly = |node: usize| {
            let load = matches!(self.split.nodes[node].kind, NodeKind::Load { .. });
            (load && wanted[node] != whole).then_some(wanted[node])
        };
        self.wanted = (0..wanted.len()).map(partly).collect();
        let mut code = Code::new(Region::default());
        for (_, body) in bodies {
            self.uses = self.split.uses([*body]);
            body.roots.iter().try_for_each(|&root| self.demand(&mut code, root, level, 0))?;
        }
        self.wanted.clear();
        let mut totals = Totals::new(None);
        // Sums before stores, as always.
        for reduces in [true, false] {
            for output in 0..self.kernel.outputs.len() {
                let kind = self.kernel.outputs[output].kind;
                if reduces != matches!(kind, OutputKind::Reduce(_)) {
                    continue;
                }
                let value = self.put_together(&mut code, output, bodies, lanes)?;
                match kind {
                    OutputKind::Reduce(op) => self.accumulate(&mut code, output, op, 0, value, &mut totals)?,
                    OutputKind::Store => self.write(&mut code, output, 0, &value.lane)?,
                    OutputKind::Scatter(_) => internal("a scatter where bodies meet"),
                }
            }
        }
        self.write_totals(&mut code, totals);
        self.write_once(code.region);
        self.end(level)?;
        self.block = None;
        self.advance(count as i32)
    }

    /// The value of an output, in the lanes of each body that body's.
    fn put_together(
        &mut self,
        code: &mut Code,
        output: usize,
        bodies: &[(Range<usize>, &Body)],
        lanes: impl Fn(&Range<usize>) -> u8,
    ) -> Option<Arg> {
        let root = |body: &Body| body.roots[output];
        let mut value = self.value(code, output, root(bodies[0].1), 0)?;
        for (number, (range, body)) in bodies.iter().enumerate().skip(1) {
            if bodies[..number].iter().all(|(_, earlier)| root(earlier) == root(body)) {
                continue;
            }
            let other = self.value(code, output, root(body), 0)?;
            let mask = Operand::Memory(self.lanes_mask(lanes(range), 32 / self.lanes as usize));
            let masks = self.selector(code).masks(&smallvec![mask], value.element);
            for ((part, other), mask) in value.lane.iter_mut().zip(other.lane).zip(masks) {
                *part = self.selector(code).blend(mask, other, *part);
            }
            value.constant = None;
        }
        Some(value)
    }

    /// A mask of some lanes of so many bytes each.
    pub(super) fn lanes_mask(&mut self, lanes: u8, size: usize) -> Memory {
        let bytes: Vec<u8> = (0..32).map(|byte| if lanes >> (byte / size) & 1 == 1 { 0xff } else { 0 }).collect();
        self.assembler.constant(&bytes)
    }
}
