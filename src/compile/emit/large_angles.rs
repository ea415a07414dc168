//! Sine and cosine of arguments too large for the reduction that kernels write out.
//!
//! The platform's functions are called for them, by a helper that takes a vector in memory and changes no register, so that
//! the rare call does not slow down what surrounds it.

use super::lanes::Emitter;
use super::{Imports, POINTER};
use cotangent_ir::lanes::LARGEST_ANGLE;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{BlockArg, Function, InstBuilder, MemFlagsData, StackSlotData, StackSlotKind, Type, Value};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

/// The platform's function `name` of a value if some lane exceeds [`LARGEST_ANGLE`], else anything.
pub(super) fn call_if_large(emitter: &mut Emitter<'_, '_>, name: &'static str, x: Value) -> Value {
    let ty = emitter.type_of(x);
    let magnitude = emitter.builder.ins().fabs(x);
    let bound = emitter.float_constant(ty, LARGEST_ANGLE);
    let large = emitter.builder.ins().fcmp(FloatCC::GreaterThan, magnitude, bound);
    let any = if ty.is_vector() { emitter.builder.ins().vany_true(large) } else { large };
    let (slow, after) = (emitter.builder.create_block(), emitter.builder.create_block());
    emitter.builder.set_cold_block(slow);
    let result = emitter.builder.append_block_param(after, ty);
    emitter.builder.ins().brif(any, slow, &[], after, &[BlockArg::Value(x)]);
    emitter.builder.seal_block(slow);
    emitter.builder.switch_to_block(slow);
    let slot = emitter.builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, 16, 4));
    let pointer = emitter.builder.ins().stack_addr(POINTER, slot, 0);
    emitter.builder.ins().store(MemFlagsData::new().with_notrap(), x, pointer, 0);
    let helper = emitter.imports.helper(emitter.builder.func, name, ty);
    emitter.builder.ins().call(helper, &[pointer]);
    let exact = emitter.builder.ins().load(ty, MemFlagsData::new().with_notrap(), pointer, 0);
    emitter.jump(after, &[exact]);
    emitter.builder.seal_block(after);
    emitter.builder.switch_to_block(after);
    result
}

/// Fills in the helper that calls the platform's function for every lane of the vector at an address.
pub(crate) fn define_helper(
    function: &mut Function,
    scratch: &mut FunctionBuilderContext,
    imports: &mut Imports<'_>,
    name: &str,
    ty: Type,
) {
    let config = imports.frontend_config();
    let mut emitter = Emitter::new(FunctionBuilder::new(function, scratch), imports);
    let entry = emitter.builder.create_block();
    emitter.builder.append_block_params_for_function_params(entry);
    emitter.builder.switch_to_block(entry);
    emitter.builder.seal_block(entry);
    let pointer = emitter.builder.block_params(entry)[0];
    let lane = ty.lane_type();
    for index in 0..ty.lane_count() {
        let offset = (index * lane.bytes()) as i32;
        let element = emitter.builder.ins().load(lane, MemFlagsData::trusted(), pointer, offset);
        let value = emitter.call_float(name, &[element]);
        emitter.builder.ins().store(MemFlagsData::trusted(), value, pointer, offset);
    }
    emitter.builder.ins().return_(&[]);
    emitter.builder.finalize(config);
}
