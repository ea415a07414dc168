//! Loads that stride through memory in the vector loop and step to the neighbour in the loop around it, as a transpose has.
//!
//! The two loops advance in tiles of several rows and a line of columns. A square of a tile is read along memory, a vector
//! for each of its columns, and transposed in registers, which gives a vector for each of its rows. So every line that a tile
//! reads or writes it reads or writes as a whole, and none has to wait in the cache for the next tile: lines at distances of a
//! power of two would push each other out. What is left of the rows is done one by one, their elements read
//! apart.
//!
//! The rows of a tile are vectors of its block; so what differs between rows counts as differing between lanes.

use super::assembler::{Condition, Memory, Opcode};
use super::frame::{SCRATCH, View};
use super::generator::{Block, Generator};
use super::nodes::Code;
use super::region::{MOVE, Operand, Shape};
use super::select::{Lane, Width};
use crate::compile::emit::body::{Facts, Order};
use crate::compile::emit::split::{Segment, Split};
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{Access, Kernel, NodeKind};
use smallvec::smallvec;

/// Instructions of a body up to which a tile has several squares, lines of memory on both sides.
const SHORT_BODY: usize = 12;

/// How two loops are done in tiles.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// The axis of the loop around the vector loop.
    pub(super) axis: usize,
    /// Rows of a tile: several times as many as lanes.
    pub(super) rows: usize,
    /// Vectors in a row of a tile.
    pub(super) columns: usize,
}

/// Takes what differs between rows to differ between lanes. None if nothing is accumulated along, which blocks of rows could
/// not do, and lanes have addresses of their own.
pub(super) fn spread(kernel: &Kernel, order: &Order, split: &Split, facts: &mut Facts) -> Option<()> {
    let vector = order.vector?;
    let axis = order.axes[vector.checked_sub(1)?];
    if facts.levels.iter().any(Option::is_some) {
        return None;
    }
    let mut differs: Vec<bool> = Vec::with_capacity(split.nodes.len());
    for (number, node) in split.nodes.iter().enumerate() {
        let mut here = match &node.kind {
            NodeKind::Index { axis: other } => *other == axis,
            NodeKind::Load { access, .. } => {
                if access.dynamic.iter().any(|&(node, _)| facts.depth[node.index()] > 0) {
                    return None;
                }
                access.strides[axis] != 0 && kernel.extents[axis] > 1
            }
            NodeKind::Const(_) | NodeKind::Op { .. } | NodeKind::Pick { .. } => false,
        };
        node.kind.arguments(|argument| here |= differs[argument.index()]);
        if here {
            facts.depth[number] = vector + 1;
            facts.varies[number] = true;
        }
        differs.push(here);
    }
    Some(())
}

impl Tile {
    /// The tile of a kernel. None if no load is across, so that tiles would bring nothing.
    pub(super) fn new(view: View<'_>, order: &Order, split: &Split, width: Width) -> Option<Tile> {
        let axis = order.axes[order.vector?.checked_sub(1)?];
        let (rows, columns) = if view.facts.cost <= SHORT_BODY { (2 * width.lanes(), 2) } else { (width.lanes(), 1) };
        let tile = Tile { axis, rows, columns };
        let across = split.nodes.iter().any(|node| match &node.kind {
            NodeKind::Load { operand, access } => tile.is_across(view, width, *operand, access),
            _ => false,
        });
        across.then_some(tile)
    }

    /// Whether the elements of a load are neighbours from row to row, and a vector of them has as many as there are lanes.
    pub(super) fn is_across(&self, view: View<'_>, width: Width, operand: u32, access: &Access) -> bool {
        let size = view.kernel.operands[operand as usize].dtype.size();
        view.stride(access, self.axis) == 1 && !view.is_near(access) && size * width.lanes() == 32
    }
}

impl Generator<'_> {
    /// The loop around the vector loop, by tiles and then row by row.
    pub(super) fn tiled_loop(&mut self, axis: usize, segments: &[Segment], level: usize, tile: Tile) -> Option<()> {
        let moving = self.groups.moving(axis);
        let index = self.indices[axis].unwrap_or_else(|| internal("an axis without an index"));
        let cut = self.start(axis, segments, index, &moving)?;
        let limit = self.frame.word();
        for segment in segments {
            match cut {
                Some(end) => {
                    self.limit(end, segment.high, self.kernel.extents[axis], SCRATCH[0]);
                    self.assembler.store(limit, SCRATCH[0]);
                }
                None => self.assembler.store_immediate(limit, i32::try_from(segment.high).ok()?),
            }
            for rows in [tile.rows as i32, 1] {
                self.rows = rows as usize;
                let (again, done) = (self.assembler.label(), self.assembler.label());
                self.assembler.place(again);
                self.assembler.load(SCRATCH[0], index);
                self.assembler.add_immediate(SCRATCH[0], rows - 1);
                self.assembler.cmp_memory(SCRATCH[0], limit);
                self.assembler.jump_if(Condition::GreaterOrEqual, done);
                self.enter(&segment.inside, level + 1)?;
                self.inside(&segment.inside, level + 1)?;
                for &(pointer, step) in &moving {
                    self.assembler.add_immediate(pointer, step.checked_mul(rows)?);
                }
                self.assembler.add_immediate_to(index, rows);
                self.assembler.jump(again);
                self.assembler.place(done);
            }
        }
        self.rows = 1;
        self.finish(axis, level, cut, &moving)
    }

    /// The row and the column of a vector of the block. The vectors of a square follow each other.
    pub(super) fn place_in_tile(&self, vector: usize) -> (usize, usize) {
        let Block { vectors, rows, .. } = self.block();
        if rows == 1 {
            return (0, vector);
        }
        let (lanes, columns) = (self.lanes as usize, vectors / rows);
        let square = vector / lanes;
        (square / columns * lanes + vector % lanes, square % columns)
    }

    /// The tile's kind of load, if that is what an access is.
    pub(super) fn reads_across(&self, operand: u32, access: &Access) -> bool {
        let tile = self.tile.filter(|_| self.block().rows > 1);
        tile.is_some_and(|tile| tile.is_across(self.view, self.width, operand, access))
    }

    /// A row of a square whose columns are along memory.
    pub(super) fn read_across(
        &mut self,
        code: &mut Code,
        operand: u32,
        access: &Access,
        vector: usize,
    ) -> Option<Lane> {
        let row = vector % self.lanes as usize;
        let key = (operand, access.clone(), vector - row);
        if !code.squares.contains_key(&key) {
            let size = self.dtype(operand).size();
            let address = self.address(operand, access, vector - row)?;
            let step = i32::try_from(self.view.step(access) * size as i64).ok()?;
            let rows = self.transposed(code, address, step, self.active_lanes());
            code.squares.insert(key.clone(), rows);
        }
        Some(smallvec![code.squares[&key][row]])
    }

    /// Reads as many vectors as there are lanes, `step` bytes apart, zeros from the count on, and exchanges rows and columns.
    fn transposed(&mut self, code: &mut Code, address: Memory, step: i32, count: usize) -> Vec<Operand> {
        const INSERT: Opcode = Opcode::new("vinsertf128", 3, 1, 0x18);
        let shape = Shape::Binary { commutes: false };
        let zeros = Operand::Memory(self.assembler.constant(&[0; 32]));
        let half = self.lanes as usize / 2;
        let mut rows = Vec::new();
        for part in 0..2 {
            let at = |vector: usize| address.plus(vector as i32 * step + 16 * part);
            // The lower halves have columns of the first vectors, the upper ones of the others, in the same order.
            let columns: Vec<Operand> = (0..half)
                .map(|vector| {
                    if vector >= count {
                        return zeros;
                    }
                    let low = code.region.load(MOVE.short(), at(vector));
                    let high = if vector + half < count { Operand::Memory(at(vector + half)) } else { zeros };
                    code.region.push(shape, INSERT, Some(1), smallvec![low, high])
                })
                .collect();
            match self.width {
                Width::Four => {
                    rows.push(code.region.binary(Opcode::new("vunpcklpd", 1, 1, 0x14), columns[0], columns[1]));
                    rows.push(code.region.binary(Opcode::new("vunpckhpd", 1, 1, 0x15), columns[0], columns[1]));
                }
                Width::Eight => {
                    for unpack in [Opcode::new("vunpcklps", 1, 0, 0x14), Opcode::new("vunpckhps", 1, 0, 0x15)] {
                        let pairs = [0, 2].map(|first| code.region.binary(unpack, columns[first], columns[first + 1]));
                        let shuffle = Opcode::new("vshufps", 1, 0, 0xc6);
                        for order in [0x44, 0xee] {
                            rows.push(code.region.push(shape, shuffle, Some(order), smallvec![pairs[0], pairs[1]]));
                        }
                    }
                }
            }
        }
        rows
    }
}
