//! Elements in memory that every lane combines with a value of its own, at a place of its own.
//!
//! Positions and values are computed as vectors and put into the frame; then one lane after the other reads, combines and
//! writes, so that lanes that meet at an element all count. Between one lane and the next there is nothing but memory, which
//! the processor forwards.

use super::assembler::{Assembler, Memory, Opcode, Source};
use super::frame::POSITION;
use super::generator::{Active, Generator};
use super::nodes::Code;
use super::select::Arg;
use cotangent_ir::DType;
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{Kernel, OutputKind, ReduceOp};

/// Lanes to be combined with memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lanes {
    /// How many lanes, from the first.
    pub(crate) count: usize,
    /// Whether elements have 64 bits.
    pub(crate) wide: bool,
    /// Whether they are multiplied, not added.
    pub(crate) product: bool,
    /// Where the positions are, 32 bits each.
    pub(crate) positions: Memory,
    /// Where the values are.
    pub(crate) values: Memory,
}

/// Whether everything a kernel scatters is of a kind that is here: sums and products of floats.
pub(super) fn is_possible(kernel: &Kernel) -> bool {
    kernel.outputs.iter().all(|output| {
        let dtype = kernel.operands[output.operand as usize].dtype;
        match output.kind {
            OutputKind::Scatter(op) => dtype.is_float() && matches!(op, ReduceOp::Sum | ReduceOp::Prod),
            OutputKind::Store | OutputKind::Reduce(_) => true,
        }
    })
}

impl Generator<'_> {
    /// Combines the value of an output with memory, for one vector.
    pub(crate) fn scatter(&mut self, code: &mut Code, output: usize, vector: usize, value: &Arg) -> Option<()> {
        let described = &self.kernel.outputs[output];
        let split = self.split;
        let access = &split.accesses[output];
        let address = self.address(described.operand, access, vector)?;
        let places = self.positions(code, access, vector)?;
        let frame = &mut self.frame;
        let room = self.scattered.entry((output, vector)).or_insert_with(|| [(); 3].map(|()| frame.vector()));
        let [positions, values, high] = *room;
        if high != values.plus(32) {
            internal("room for the lanes of a scatter that is not in one piece");
        }
        code.region.store(positions, places);
        for (part, &lane) in value.lane.iter().enumerate() {
            code.region.store(values.plus(32 * part as i32), lane);
        }
        let count = match self.block().active {
            Active::All => self.lanes as usize,
            Active::First(lanes) => lanes,
            Active::Some(_) | Active::Masked(_) => internal("a scatter under a mask"),
        };
        let wide = self.dtype(described.operand) == DType::F64;
        let product = described.kind == OutputKind::Scatter(ReduceOp::Prod);
        code.region.scatter(address, Lanes { count, wide, product, positions, values });
        Some(())
    }
}

/// Writes the instructions, given a vector register to be used.
pub(super) fn write(assembler: &mut Assembler, lanes: Lanes, address: Memory, register: u8) {
    const LOAD: Opcode = Opcode::new("vmovss", 1, 2, 0x10).short();
    const STORE: Opcode = Opcode::new("vmovss", 1, 2, 0x11).short();
    const ADD: Opcode = Opcode::new("vaddss", 1, 2, 0x58).short();
    const MULTIPLY: Opcode = Opcode::new("vmulss", 1, 2, 0x59).short();
    let double = |single: Opcode, name: &'static str| Opcode { name, prefix: 3, ..single };
    let (size, load, store, add, multiply) = match lanes.wide {
        false => (4, LOAD, STORE, ADD, MULTIPLY),
        true => {
            let load = double(LOAD, "vmovsd");
            (8, load, double(STORE, "vmovsd"), double(ADD, "vaddsd"), double(MULTIPLY, "vmulsd"))
        }
    };
    let combine = if lanes.product { multiply } else { add };
    let Memory::At { base, index: None, displacement } = address else {
        internal("a scatter to elsewhere than a pointer")
    };
    let element = Memory::At { base, index: Some((POSITION, size)), displacement };
    for lane in 0..lanes.count as i32 {
        assembler.load_signed(POSITION, lanes.positions.plus(4 * lane));
        let value = lanes.values.plus(i32::from(size) * lane);
        assembler.vector(load, register, None, Source::Memory(value), None);
        assembler.vector(combine, register, Some(register), Source::Memory(element), None);
        assembler.vector(store, register, None, Source::Memory(element), None);
    }
}
