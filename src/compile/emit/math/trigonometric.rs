//! Sine and cosine.
//!
//! The argument is reduced by multiples of pi/2. Floats are reduced in double precision; doubles in twice that, with pi/2
//! in three parts. Where an argument exceeds the bound up to which this is accurate, which the code tests once for all
//! lanes, the platform's function is called for those lanes.

use super::super::lanes::Emitter;
use super::super::{Imports, POINTER};
use super::Math;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    BlockArg, Function, InstBuilder, MemFlagsData, StackSlotData, StackSlotKind, Type, Value, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

/// (sin(r) / r - 1) / r^2 in terms of r^2, for |r| <= pi/4.
const SINE: &[f64] = &[
    1.5917861853805866e-10,
    -2.50511281499847e-08,
    2.7557316084930363e-06,
    -0.00019841269836724877,
    0.008333333333330927,
    -0.16666666666666666,
];
const SINE_SINGLE: &[f64] =
    &[2.724938894971274e-06, -0.00019840082677546889, 0.008333331905305386, -0.1666666716337204];

/// (cos(r) - 1 + r^2 / 2) / r^4 in terms of r^2.
const COSINE: &[f64] = &[
    -1.1382464188417552e-11,
    2.0876143942503467e-09,
    -2.755731726062817e-07,
    2.4801587298744435e-05,
    -0.0013888888888887382,
    0.041666666666666664,
];
const COSINE_SINGLE: &[f64] =
    &[-2.7300504257254943e-07, 2.480059629306197e-05, -0.00138888880610466, 0.0416666679084301];

/// pi/2 in three parts, each to full precision.
const HALF_PI: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591833e-33];
/// pi/2 in two parts, the first of 33 bits, whose products with small integers are exact.
const HALF_PI_SHORT: [f64; 2] = [1.5707963267341256, 6.077100506506192e-11];

/// Arguments up to here are reduced accurately.
const BOUND: f64 = 1073741824.0;
/// The same where a product is rounded before it is subtracted.
const BOUND_SHORT: f64 = 1048576.0;

/// An angle r + low in [-pi/4, pi/4] and the quadrant it was taken from, in the two lowest bits.
struct Reduced {
    r: Value,
    low: Option<Value>,
    quadrant: Value,
}

pub(super) fn sin(emitter: &mut Emitter<'_, '_>, x: Value) -> Value {
    let reduced = reduce(emitter, x);
    let value = evaluate(&mut Math::new(emitter, x), &reduced, 0);
    // Adding the polynomial's zero to it would lose the sign of -0.
    let math = &mut Math::new(emitter, x);
    let zero = math.number(0.0);
    let is_zero = math.compare(FloatCC::Equal, x, zero);
    let value = math.choose(is_zero, x, value);
    with_large(emitter, "sin", x, value)
}

pub(super) fn cos(emitter: &mut Emitter<'_, '_>, x: Value) -> Value {
    let reduced = reduce(emitter, x);
    let value = evaluate(&mut Math::new(emitter, x), &reduced, 1);
    with_large(emitter, "cos", x, value)
}

fn reduce(emitter: &mut Emitter<'_, '_>, x: Value) -> Reduced {
    match emitter.type_of(x) {
        types::F32 => {
            let double = emitter.builder.ins().fpromote(types::F64, x);
            let (r, quadrant) = reduce_single(&mut Math::new(emitter, double), double);
            let r = emitter.builder.ins().fdemote(types::F32, r);
            Reduced { r, low: None, quadrant: emitter.builder.ins().ireduce(types::I32, quadrant) }
        }
        types::F32X4 => {
            let parts = emitter.promote(x);
            let (r0, q0) = reduce_single(&mut Math::new(emitter, parts[0]), parts[0]);
            let (r1, q1) = reduce_single(&mut Math::new(emitter, parts[1]), parts[1]);
            let r = emitter.demote(r0, r1);
            let (q0, q1) = (emitter.cast(types::I32X4, q0), emitter.cast(types::I32X4, q1));
            Reduced { r, low: None, quadrant: emitter.shuffle_lanes(q0, q1, &[0, 2, 4, 6]) }
        }
        _ => reduce_double(&mut Math::new(emitter, x), x),
    }
}

/// Reduces a double that holds a float: what is left is accurate to single precision, however small.
fn reduce_single(math: &mut Math<'_, '_, '_>, x: Value) -> (Value, Value) {
    let (n, quadrant) = math.nearest(x, std::f64::consts::FRAC_2_PI);
    let parts = if math.emitter.has_fma { [HALF_PI[0], HALF_PI[1]] } else { HALF_PI_SHORT };
    let mut r = x;
    for part in parts {
        let part = math.number(part);
        r = math.fnma(n, part, r);
    }
    (r, quadrant)
}

fn reduce_double(math: &mut Math<'_, '_, '_>, x: Value) -> Reduced {
    let (n, quadrant) = math.nearest(x, std::f64::consts::FRAC_2_PI);
    let [first, second, third] = HALF_PI.map(|part| math.number(part));
    // x - n first: the difference of the rounded product is exact, as the two are close.
    let (product, product_low) = math.product(n, first);
    let difference = math.sub(x, product);
    let negated = math.neg(product_low);
    let (r, low) = math.sum(difference, negated);
    // - n second
    let (product, product_low) = math.product(n, second);
    let negated = math.neg(product);
    let (r, more) = math.sum(r, negated);
    let low = math.add(low, more);
    let low = math.sub(low, product_low);
    let low = math.fnma(n, third, low);
    let (r, low) = math.quick_sum(r, low);
    Reduced { r, low: Some(low), quadrant }
}

/// The sine (`ahead` 0) or cosine (1): of the reduced angle either function, by parity of the quadrant, with a sign.
fn evaluate(math: &mut Math<'_, '_, '_>, reduced: &Reduced, ahead: i64) -> Value {
    let (sine, cosine) = if math.double() { (SINE, COSINE) } else { (SINE_SINGLE, COSINE_SINGLE) };
    let Reduced { r, low, quadrant } = *reduced;
    let z = math.mul(r, r);
    let (one, half) = (math.number(1.0), math.number(0.5));
    let half_square = math.mul(z, half);

    // sin(r + low) = sin r + low cos r, cos(r + low) = cos r - low r.
    let sine = math.polynomial(z, sine);
    let cube = math.mul(z, r);
    let sine = match low {
        Some(low) => {
            let part = math.fnma(half_square, low, low);
            let part = math.fma(sine, cube, part);
            math.add(r, part)
        }
        None => math.fma(sine, cube, r),
    };
    let cosine = math.polynomial(z, cosine);
    let fourth = math.mul(z, z);
    let main = math.sub(one, half_square);
    let lost = math.sub(one, main);
    let mut rest = math.sub(lost, half_square);
    if let Some(low) = low {
        rest = math.fnma(r, low, rest);
    }
    let rest = math.fma(cosine, fourth, rest);
    let cosine = math.add(main, rest);

    let quadrant = match ahead {
        0 => quadrant,
        ahead => {
            let ahead = math.integer(ahead);
            math.plus(quadrant, ahead)
        }
    };
    let (unit, zero) = (math.integer(1), math.integer(0));
    let parity = math.both(quadrant, unit);
    let even = math.compare_integers(IntCC::Equal, parity, zero);
    let value = math.choose(even, sine, cosine);
    let bits = 8 * i64::from(math.ty.lane_type().bytes());
    let sign = math.shift_right(quadrant, 1);
    let sign = math.shift_left(sign, bits - 1);
    math.flip(value, sign)
}

/// Puts in the platform's results for arguments beyond the bound.
fn with_large(emitter: &mut Emitter<'_, '_>, name: &'static str, x: Value, value: Value) -> Value {
    let ty = emitter.type_of(x);
    let bound = if emitter.has_fma { BOUND } else { BOUND_SHORT };
    let mut math = Math::new(emitter, x);
    let (magnitude, bound) = (math.abs(x), math.number(bound));
    let large = math.compare(FloatCC::GreaterThan, magnitude, bound);
    let any = if ty.is_vector() { emitter.builder.ins().vany_true(large) } else { large };
    let (slow, after) = (emitter.builder.create_block(), emitter.builder.create_block());
    emitter.builder.set_cold_block(slow);
    let result = emitter.builder.append_block_param(after, ty);
    emitter.builder.ins().brif(any, slow, &[], after, &[BlockArg::Value(value)]);
    emitter.builder.seal_block(slow);
    emitter.builder.switch_to_block(slow);
    let slot = emitter.builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, 16, 4));
    let pointer = emitter.builder.ins().stack_addr(POINTER, slot, 0);
    emitter.builder.ins().store(MemFlagsData::new().with_notrap(), x, pointer, 0);
    let helper = emitter.imports.helper(emitter.builder.func, name, ty);
    emitter.builder.ins().call(helper, &[pointer]);
    let exact = emitter.builder.ins().load(ty, MemFlagsData::new().with_notrap(), pointer, 0);
    let chosen = emitter.choose(large, exact, value);
    emitter.jump(after, &[chosen]);
    emitter.builder.seal_block(after);
    emitter.builder.switch_to_block(after);
    result
}

/// Fills in the helper that calls the platform's function for every lane of the vector at an address.
pub(crate) fn define_large(
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
