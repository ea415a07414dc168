//! Lane operations on scalars and on vectors, by the same rules.
//!
//! A *lane value* is one value of a kernel's dag for one element ([`Form::SCALAR`]) or for a few neighbouring elements:
//! four where the kernel has lanes of 32 bits or less, two where all are of 64 bits. Integers of up to 32 bits live in
//! 32-bit lanes, extended by their sign or by zeros; 64-bit values of a form of four take two vectors. A bool is a byte, 0
//! or 1, in the scalar form and a mask of all zeros or all ones in lanes of the form's width otherwise.
//!
//! Every operation gives the same bits in each form, so that what a loop leaves to its scalar tail does not show. What
//! vectors cannot do is done lane by lane.

use super::{Imports, large_angles};
use cotangent_ir::error::internal;
use cotangent_ir::kernel::LaneOp;
use cotangent_ir::{DType, Number, Scalar};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{Block, BlockArg, ConstantData, Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_frontend::FunctionBuilder;
use smallvec::{SmallVec, smallvec};

/// How many elements a lane value holds: 1, 2 or 4.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Form(pub(crate) usize);

impl Form {
    /// One element.
    pub(crate) const SCALAR: Form = Form(1);

    /// Whether this is the form of single elements.
    pub(crate) fn is_scalar(self) -> bool {
        self == Form::SCALAR
    }

    /// How many Cranelift values a lane value of a dtype takes.
    pub(crate) fn parts(self, dtype: DType) -> usize {
        if self.0 == 4 && dtype.size() == 8 { 2 } else { 1 }
    }

    /// The Cranelift type of each of them.
    pub(crate) fn part(self, dtype: DType) -> Type {
        match (self.0, dtype) {
            (1, DType::Bool) => types::I8,
            (1, _) => scalar_type(dtype),
            (2, DType::Bool) => types::I64X2,
            (_, DType::Bool) => types::I32X4,
            _ => scalar_type(dtype).by(16 / scalar_type(dtype).bytes()).unwrap_or_else(|| internal("a vector type")),
        }
    }
}

/// The Cranelift type of one element, bools aside.
fn scalar_type(dtype: DType) -> Type {
    match dtype {
        DType::F32 => types::F32,
        DType::F64 => types::F64,
        DType::I64 | DType::U64 => types::I64,
        _ => types::I32,
    }
}

/// A lane value: its parts in order of elements.
pub(crate) type Lane = SmallVec<[Value; 2]>;

/// An argument of an operation.
pub(crate) struct Arg {
    /// Its value.
    pub(crate) lane: Lane,
    /// Its dtype.
    pub(crate) dtype: DType,
    /// What it always is, if known.
    pub(crate) constant: Option<Scalar>,
}

/// Writes lane operations at the end of a function under construction.
pub(crate) struct Emitter<'f, 'm> {
    /// The function.
    pub(crate) builder: FunctionBuilder<'f>,
    /// What it may call.
    pub(crate) imports: &'f mut Imports<'m>,
    /// Whether one instruction multiplies and adds.
    pub(crate) has_fma: bool,
}

impl<'f, 'm> Emitter<'f, 'm> {
    /// An emitter into a function.
    pub(crate) fn new(builder: FunctionBuilder<'f>, imports: &'f mut Imports<'m>) -> Emitter<'f, 'm> {
        let has_fma = imports.has_fma();
        Emitter { builder, imports, has_fma }
    }

    /// An operation on lane values, all of the same form.
    pub(crate) fn op(&mut self, form: Form, op: LaneOp, result: DType, args: &[Arg]) -> Lane {
        let dtype = args[0].dtype;
        match op {
            LaneOp::Convert => self.convert(form, &args[0], result),
            LaneOp::Bitcast => self.bitcast(form, &args[0].lane, result),
            LaneOp::Select => self.select(form, &args[0].lane, &args[1].lane, &args[2].lane, result),
            LaneOp::Eq | LaneOp::Ne | LaneOp::Lt | LaneOp::Le => self.compare(form, op, dtype, args),
            LaneOp::Shl | LaneOp::Shr if !dtype.is_bool() => self.shift(form, op, dtype, args),
            LaneOp::Fma => self.multiply_add(dtype, &args[0].lane, &args[1].lane, &args[2].lane),
            LaneOp::Add
            | LaneOp::Sub
            | LaneOp::Mul
            | LaneOp::Div
            | LaneOp::Rem
            | LaneOp::Neg
            | LaneOp::Abs
            | LaneOp::Sign
            | LaneOp::Max
            | LaneOp::Min
            | LaneOp::Sqrt
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
            | LaneOp::Atan2
            | LaneOp::And
            | LaneOp::Or
            | LaneOp::Xor
            | LaneOp::Not
            | LaneOp::Shl
            | LaneOp::Shr => match dtype {
                DType::Bool => self.logic(form, op, args),
                DType::F32 | DType::F64 => self.float(form, op, dtype, args),
                _ => self.int(form, op, dtype, args),
            },
        }
    }

    /// a * b + c, in one rounding where the processor can.
    pub(crate) fn multiply_add(&mut self, dtype: DType, a: &Lane, b: &Lane, c: &Lane) -> Lane {
        let parts = a.iter().zip(b).zip(c);
        parts
            .map(|((&a, &b), &c)| match (dtype.is_float(), self.has_fma) {
                (true, true) => self.builder.ins().fma(a, b, c),
                (true, false) => {
                    let product = self.builder.ins().fmul(a, b);
                    self.builder.ins().fadd(product, c)
                }
                (false, _) => {
                    let product = self.builder.ins().imul(a, b);
                    let sum = self.builder.ins().iadd(product, c);
                    self.wrap(dtype, sum)
                }
            })
            .collect()
    }

    /// A literal.
    pub(crate) fn literal(&mut self, form: Form, value: Scalar) -> Lane {
        let dtype = value.dtype();
        let part = form.part(dtype);
        let literal = match value.number() {
            // True is 1 in a byte and all ones in a mask.
            Number::Int(v) if dtype.is_bool() && !form.is_scalar() => self.int_constant(part, -(v as i64)),
            Number::Int(v) => self.int_constant(part, v as i64),
            Number::Float(v) => self.float_constant(part, v),
            Number::Complex(_) => internal("a complex literal in a kernel"),
        };
        (0..form.parts(dtype)).map(|_| literal).collect()
    }

    /// The same element everywhere.
    pub(crate) fn splat(&mut self, form: Form, dtype: DType, scalar: Value) -> Lane {
        if form.is_scalar() {
            return smallvec![scalar];
        }
        let part = form.part(dtype);
        let scalar = if dtype.is_bool() { self.builder.ins().bmask(part.lane_type(), scalar) } else { scalar };
        let vector = self.builder.ins().splat(part, scalar);
        (0..form.parts(dtype)).map(|_| vector).collect()
    }

    /// An integer in every lane of a type.
    pub(crate) fn int_constant(&mut self, ty: Type, value: i64) -> Value {
        let lane = ty.lane_type();
        if ty.is_vector() {
            return self.vector_constant(ty, &value.to_le_bytes()[..lane.bytes() as usize]);
        }
        let value = if lane == types::I32 { i64::from(value as i32 as u32) } else { value };
        self.builder.ins().iconst(lane, value)
    }

    /// A float in every lane of a type.
    pub(crate) fn float_constant(&mut self, ty: Type, value: f64) -> Value {
        match (ty.is_vector(), ty.lane_type()) {
            (true, types::F32) => self.vector_constant(ty, &(value as f32).to_le_bytes()),
            (true, _) => self.vector_constant(ty, &value.to_le_bytes()),
            (false, types::F32) => self.builder.ins().f32const(value as f32),
            (false, _) => self.builder.ins().f64const(value),
        }
    }

    /// A vector constant whose bytes repeat those given.
    pub(crate) fn vector_constant(&mut self, ty: Type, bytes: &[u8]) -> Value {
        let bytes: Vec<u8> = bytes.iter().copied().cycle().take(16).collect();
        let constant = self.builder.func.dfg.constants.insert(ConstantData::from(bytes.as_slice()));
        self.builder.ins().vconst(ty, constant)
    }

    /// The bits of a value, as another type of the same size.
    pub(crate) fn cast(&mut self, ty: Type, value: Value) -> Value {
        if self.type_of(value) == ty {
            return value;
        }
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        self.builder.ins().bitcast(ty, flags, value)
    }

    /// The Cranelift type of a value.
    pub(crate) fn type_of(&self, value: Value) -> Type {
        self.builder.func.dfg.value_type(value)
    }

    /// Bytes `mask[i]` of the 32 bytes of `a` followed by `b`, as the type of `a`.
    pub(crate) fn shuffle(&mut self, a: Value, b: Value, mask: [u8; 16]) -> Value {
        let ty = self.type_of(a);
        let (a, b) = (self.cast(types::I8X16, a), self.cast(types::I8X16, b));
        let mask = self.builder.func.dfg.immediates.push(ConstantData::from(mask.as_slice()));
        let bytes = self.builder.ins().shuffle(a, b, mask);
        self.cast(ty, bytes)
    }

    /// Lanes of 32 (four) or 64 (two) bits by number, of `a` followed by `b`.
    pub(crate) fn shuffle_lanes(&mut self, a: Value, b: Value, lanes: &[u8]) -> Value {
        let width = 16 / lanes.len();
        let mut mask = [0; 16];
        for (byte, place) in mask.iter_mut().enumerate() {
            *place = lanes[byte / width] * width as u8 + (byte % width) as u8;
        }
        self.shuffle(a, b, mask)
    }

    /// One element of a lane value, in the scalar form.
    pub(crate) fn extract(&mut self, form: Form, dtype: DType, lane: &Lane, index: usize) -> Value {
        if form.is_scalar() {
            return lane[0];
        }
        let per_part = form.0 / form.parts(dtype);
        let element = self.builder.ins().extractlane(lane[index / per_part], (index % per_part) as u8);
        if dtype.is_bool() {
            let byte = self.builder.ins().ireduce(types::I8, element);
            let one = self.builder.ins().iconst(types::I8, 1);
            return self.builder.ins().band(byte, one);
        }
        element
    }

    /// A lane value from its elements in the scalar form.
    pub(crate) fn assemble(&mut self, form: Form, dtype: DType, elements: &[Value]) -> Lane {
        if form.is_scalar() {
            return smallvec![elements[0]];
        }
        let part = form.part(dtype);
        let per_part = form.0 / form.parts(dtype);
        elements
            .chunks(per_part)
            .map(|elements| {
                let mut vector = None;
                for (index, &element) in elements.iter().enumerate() {
                    let element =
                        if dtype.is_bool() { self.builder.ins().bmask(part.lane_type(), element) } else { element };
                    vector = Some(match vector {
                        None => self.builder.ins().scalar_to_vector(part, element),
                        Some(vector) => self.builder.ins().insertlane(vector, element, index as u8),
                    });
                }
                vector.unwrap_or_else(|| internal("an empty vector"))
            })
            .collect()
    }

    /// Does in the scalar form, for every element, what vectors cannot do.
    pub(crate) fn by_element(
        &mut self,
        form: Form,
        result: DType,
        args: &[Arg],
        mut f: impl FnMut(&mut Self, &[Value]) -> Value,
    ) -> Lane {
        let mut elements: SmallVec<[Value; 4]> = SmallVec::new();
        for index in 0..form.0 {
            let scalars: SmallVec<[Value; 3]> =
                args.iter().map(|arg| self.extract(form, arg.dtype, &arg.lane, index)).collect();
            elements.push(f(self, &scalars));
        }
        self.assemble(form, result, &elements)
    }

    /// Brings an integer of fewer than 32 bits back into range after arithmetic in 32-bit lanes.
    pub(crate) fn wrap(&mut self, dtype: DType, value: Value) -> Value {
        let ty = self.type_of(value);
        match dtype {
            DType::I8 | DType::I16 => {
                let amount = self.builder.ins().iconst(types::I32, 32 - 8 * dtype.size() as i64);
                let high = self.builder.ins().ishl(value, amount);
                self.builder.ins().sshr(high, amount)
            }
            DType::U8 | DType::U16 => {
                let mask = self.int_constant(ty, (1 << (8 * dtype.size())) - 1);
                self.builder.ins().band(value, mask)
            }
            _ => value,
        }
    }

    /// Calls a runtime function of one to three floats.
    pub(crate) fn call_float(&mut self, name: &str, args: &[Value]) -> Value {
        let ty = self.type_of(args[0]);
        let suffix = if ty == types::F32 { "f32" } else { "f64" };
        let params: SmallVec<[Type; 3]> = args.iter().map(|_| ty).collect();
        let function = self.imports.runtime(self.builder.func, &format!("ct_{name}_{suffix}"), &params, Some(ty));
        let call = self.builder.ins().call(function, args);
        self.builder.inst_results(call)[0]
    }

    /// x where the mask holds, else y; for values of one part.
    pub(crate) fn choose(&mut self, mask: Value, x: Value, y: Value) -> Value {
        let ty = self.type_of(x);
        if ty.is_vector() {
            let mask = self.cast(ty, mask);
            self.builder.ins().bitselect(mask, x, y)
        } else {
            self.builder.ins().select(mask, x, y)
        }
    }

    /// Ends the block with a jump.
    pub(crate) fn jump(&mut self, to: Block, args: &[Value]) {
        let args: SmallVec<[BlockArg; 4]> = args.iter().map(|&arg| BlockArg::Value(arg)).collect();
        self.builder.ins().jump(to, &args);
    }

    /// Ends the block: on with `then`, given `index`, if it is below `limit`, else with `otherwise`, given it too.
    pub(crate) fn branch_if_below(&mut self, index: Value, limit: Value, then: Block, otherwise: Block) {
        let below = self.builder.ins().icmp(IntCC::SignedLessThan, index, limit);
        let args = [BlockArg::Value(index)];
        self.builder.ins().brif(below, then, &args, otherwise, &args);
    }

    fn select(&mut self, form: Form, mask: &Lane, x: &Lane, y: &Lane, dtype: DType) -> Lane {
        let masks: Lane = match form.parts(dtype) {
            2 => self.widen_mask(mask[0]),
            _ => smallvec![mask[0]],
        };
        masks.iter().zip(x).zip(y).map(|((&mask, &x), &y)| self.choose(mask, x, y)).collect()
    }

    /// The two masks of 64-bit lanes that a mask of four 32-bit lanes stands for.
    pub(crate) fn widen_mask(&mut self, mask: Value) -> Lane {
        smallvec![self.builder.ins().swiden_low(mask), self.builder.ins().swiden_high(mask)]
    }

    /// The mask of the form from the masks of the parts of a compared dtype.
    fn join_masks(&mut self, form: Form, masks: &Lane) -> Lane {
        match (form.0, masks.as_slice()) {
            (4, &[low, high]) => {
                let (low, high) = (self.cast(types::I32X4, low), self.cast(types::I32X4, high));
                smallvec![self.shuffle_lanes(low, high, &[0, 2, 4, 6])]
            }
            _ => masks.clone(),
        }
    }

    fn compare(&mut self, form: Form, op: LaneOp, dtype: DType, args: &[Arg]) -> Lane {
        let pairs = args[0].lane.iter().zip(&args[1].lane);
        if dtype.is_bool() {
            let (a, b) = (args[0].lane[0], args[1].lane[0]);
            return smallvec![match op {
                LaneOp::Eq => {
                    let differ = self.builder.ins().bxor(a, b);
                    self.not(form, differ)
                }
                LaneOp::Ne => self.builder.ins().bxor(a, b),
                LaneOp::Lt => {
                    let not_a = self.not(form, a);
                    self.builder.ins().band(not_a, b)
                }
                _ => {
                    let not_a = self.not(form, a);
                    self.builder.ins().bor(not_a, b)
                }
            }];
        }
        let masks: Lane = if dtype.is_float() {
            let code = match op {
                LaneOp::Eq => FloatCC::Equal,
                LaneOp::Ne => FloatCC::NotEqual,
                LaneOp::Lt => FloatCC::LessThan,
                _ => FloatCC::LessThanOrEqual,
            };
            pairs.map(|(&a, &b)| self.builder.ins().fcmp(code, a, b)).collect()
        } else {
            let code = match (op, dtype.is_unsigned_int()) {
                (LaneOp::Eq, _) => IntCC::Equal,
                (LaneOp::Ne, _) => IntCC::NotEqual,
                (LaneOp::Lt, true) => IntCC::UnsignedLessThan,
                (LaneOp::Lt, false) => IntCC::SignedLessThan,
                (_, true) => IntCC::UnsignedLessThanOrEqual,
                (_, false) => IntCC::SignedLessThanOrEqual,
            };
            pairs.map(|(&a, &b)| self.builder.ins().icmp(code, a, b)).collect()
        };
        self.join_masks(form, &masks)
    }

    fn not(&mut self, form: Form, mask: Value) -> Value {
        if form.is_scalar() {
            let one = self.builder.ins().iconst(types::I8, 1);
            self.builder.ins().bxor(mask, one)
        } else {
            self.builder.ins().bnot(mask)
        }
    }

    /// Operations on bools. Arithmetic is that of integers, anything nonzero being true.
    fn logic(&mut self, form: Form, op: LaneOp, args: &[Arg]) -> Lane {
        let a = args[0].lane[0];
        let b = || args[1].lane[0];
        smallvec![match op {
            LaneOp::Add | LaneOp::Or | LaneOp::Max => self.builder.ins().bor(a, b()),
            LaneOp::Mul | LaneOp::And | LaneOp::Min => self.builder.ins().band(a, b()),
            LaneOp::Sub | LaneOp::Xor => self.builder.ins().bxor(a, b()),
            LaneOp::Not => self.not(form, a),
            LaneOp::Div => {
                let not_b = self.not(form, b());
                self.builder.ins().bor(a, not_b)
            }
            LaneOp::Rem | LaneOp::Shr => {
                let not_b = self.not(form, b());
                self.builder.ins().band(a, not_b)
            }
            LaneOp::Neg | LaneOp::Abs | LaneOp::Sign | LaneOp::Shl => a,
            other => internal(&format!("`{}` of bools", other.name())),
        }]
    }

    fn float(&mut self, form: Form, op: LaneOp, dtype: DType, args: &[Arg]) -> Lane {
        if op == LaneOp::Rem {
            return self.by_element(form, dtype, args, |emitter, scalars| emitter.call_float("rem", scalars));
        }
        (0..args[0].lane.len())
            .map(|part| {
                let a = args[0].lane[part];
                let b = || args[1].lane[part];
                match op {
                    LaneOp::Add => self.builder.ins().fadd(a, b()),
                    LaneOp::Sub => self.builder.ins().fsub(a, b()),
                    LaneOp::Mul => self.builder.ins().fmul(a, b()),
                    LaneOp::Div => self.builder.ins().fdiv(a, b()),
                    LaneOp::Neg => self.builder.ins().fneg(a),
                    LaneOp::Abs => self.builder.ins().fabs(a),
                    LaneOp::Sign => self.float_sign(a),
                    LaneOp::Max | LaneOp::Min => {
                        let literal = args.iter().position(|arg| arg.constant.is_some_and(|c| !c.as_f64().is_nan()));
                        self.float_extremum(op, a, b(), literal)
                    }
                    LaneOp::Sqrt => self.builder.ins().sqrt(a),
                    LaneOp::Floor => self.builder.ins().floor(a),
                    LaneOp::Ceil => self.builder.ins().ceil(a),
                    LaneOp::Round => self.builder.ins().nearest(a),
                    LaneOp::Trunc => self.builder.ins().trunc(a),
                    // These are wanted for large arguments only, the other functions not at all: see `expand`.
                    LaneOp::Sin => large_angles::call_if_large(self, "sin", a),
                    LaneOp::Cos => large_angles::call_if_large(self, "cos", a),
                    other => internal(&format!("`{}` of floats", other.name())),
                }
            })
            .collect()
    }

    /// The extremum of two floats, NaN if either is. `literal` tells which argument is known not to be NaN.
    ///
    /// The select below becomes one instruction, which gives its second argument where the comparison is unordered. So
    /// that one must be the argument that may be NaN; if both may, NaNs of the first are put back.
    fn float_extremum(&mut self, op: LaneOp, a: Value, b: Value, literal: Option<usize>) -> Value {
        let (x, y) = if literal == Some(1) { (b, a) } else { (a, b) };
        let less = match op {
            LaneOp::Min => self.builder.ins().fcmp(FloatCC::LessThan, x, y),
            _ => self.builder.ins().fcmp(FloatCC::LessThan, y, x),
        };
        let chosen = self.choose(less, x, y);
        if literal.is_some() {
            return chosen;
        }
        let unordered = self.builder.ins().fcmp(FloatCC::Unordered, x, x);
        self.choose(unordered, x, chosen)
    }

    fn float_sign(&mut self, a: Value) -> Value {
        let ty = self.type_of(a);
        let (zero, one) = (self.float_constant(ty, 0.0), self.float_constant(ty, 1.0));
        let signed_one = self.copy_sign(one, a);
        let magnitude = self.builder.ins().fabs(a);
        let nonzero = self.builder.ins().fcmp(FloatCC::GreaterThan, magnitude, zero);
        // Zeros and NaN are their own sign.
        self.choose(nonzero, signed_one, a)
    }

    /// A nonnegative magnitude with the sign of another value.
    pub(crate) fn copy_sign(&mut self, magnitude: Value, sign: Value) -> Value {
        let ty = self.type_of(sign);
        let bits = ty.as_int();
        let mask = match ty.lane_type() {
            types::F32 => self.int_constant(bits, i64::from(i32::MIN)),
            _ => self.int_constant(bits, i64::MIN),
        };
        let (magnitude, sign) = (self.cast(bits, magnitude), self.cast(bits, sign));
        let sign = self.builder.ins().band(sign, mask);
        let value = self.builder.ins().bor(magnitude, sign);
        self.cast(ty, value)
    }

    fn int(&mut self, form: Form, op: LaneOp, dtype: DType, args: &[Arg]) -> Lane {
        if matches!(op, LaneOp::Div | LaneOp::Rem) {
            let divisor = args[1].constant.map(Scalar::as_i128);
            return self.by_element(form, dtype, args, |emitter, scalars| {
                emitter.divide(op, dtype, scalars[0], scalars[1], divisor)
            });
        }
        (0..args[0].lane.len())
            .map(|part| {
                let a = args[0].lane[part];
                let b = || args[1].lane[part];
                let value = match op {
                    LaneOp::Add => self.builder.ins().iadd(a, b()),
                    LaneOp::Sub => self.builder.ins().isub(a, b()),
                    LaneOp::Mul => self.builder.ins().imul(a, b()),
                    LaneOp::Neg => self.builder.ins().ineg(a),
                    LaneOp::Abs if dtype.is_unsigned_int() => a,
                    LaneOp::Abs => self.builder.ins().iabs(a),
                    LaneOp::Sign => self.int_sign(dtype, a),
                    LaneOp::Max | LaneOp::Min => self.int_extremum(op, dtype, a, b()),
                    LaneOp::And => self.builder.ins().band(a, b()),
                    LaneOp::Or => self.builder.ins().bor(a, b()),
                    LaneOp::Xor => self.builder.ins().bxor(a, b()),
                    LaneOp::Not => self.builder.ins().bnot(a),
                    LaneOp::Floor | LaneOp::Ceil | LaneOp::Round | LaneOp::Trunc => a,
                    other => internal(&format!("`{}` of integers", other.name())),
                };
                self.wrap(dtype, value)
            })
            .collect()
    }

    fn int_extremum(&mut self, op: LaneOp, dtype: DType, a: Value, b: Value) -> Value {
        if dtype.size() == 8 {
            let code = if dtype.is_unsigned_int() { IntCC::UnsignedLessThan } else { IntCC::SignedLessThan };
            let less = self.builder.ins().icmp(code, a, b);
            return if op == LaneOp::Min { self.choose(less, a, b) } else { self.choose(less, b, a) };
        }
        match (op, dtype.is_unsigned_int()) {
            (LaneOp::Max, true) => self.builder.ins().umax(a, b),
            (LaneOp::Max, false) => self.builder.ins().smax(a, b),
            (_, true) => self.builder.ins().umin(a, b),
            (_, false) => self.builder.ins().smin(a, b),
        }
    }

    /// -1, 0 or 1: (a > 0) - (a < 0), the comparisons taken as 0 or 1.
    fn int_sign(&mut self, dtype: DType, a: Value) -> Value {
        let ty = self.type_of(a);
        let zero = self.int_constant(ty, 0);
        if dtype.is_unsigned_int() {
            let one = self.int_constant(ty, 1);
            let some = self.builder.ins().icmp(IntCC::NotEqual, a, zero);
            return self.choose(some, one, zero);
        }
        let above = self.builder.ins().icmp(IntCC::SignedGreaterThan, a, zero);
        let below = self.builder.ins().icmp(IntCC::SignedLessThan, a, zero);
        if ty.is_vector() {
            return self.builder.ins().isub(below, above);
        }
        let difference = self.builder.ins().isub(above, below);
        self.builder.ins().sextend(ty, difference)
    }

    /// Division or remainder of scalars that never traps. `divisor` is its value if known.
    fn divide(&mut self, op: LaneOp, dtype: DType, a: Value, b: Value, divisor: Option<i128>) -> Value {
        let ty = self.type_of(a);
        let signed = !dtype.is_unsigned_int();
        let zero = self.int_constant(ty, 0);
        let one = self.int_constant(ty, 1);
        let ones = self.int_constant(ty, -1);
        let by_zero = self.builder.ins().icmp(IntCC::Equal, b, zero);
        let by_minus_one = self.builder.ins().icmp(IntCC::Equal, b, ones);
        let harmless = divisor.is_some_and(|divisor| divisor != 0 && !(signed && divisor == -1));
        let mut safe = b;
        if !harmless {
            safe = self.builder.ins().select(by_zero, one, safe);
            if signed {
                safe = self.builder.ins().select(by_minus_one, one, safe);
            }
        }
        let mut value = match (op, signed) {
            (LaneOp::Div, true) => self.builder.ins().sdiv(a, safe),
            (LaneOp::Div, false) => self.builder.ins().udiv(a, safe),
            (_, true) => self.builder.ins().srem(a, safe),
            (_, false) => self.builder.ins().urem(a, safe),
        };
        if !harmless {
            if signed && op == LaneOp::Div {
                let negated = self.builder.ins().ineg(a);
                value = self.builder.ins().select(by_minus_one, negated, value);
            }
            let of_zero = if op == LaneOp::Div { ones } else { a };
            value = self.builder.ins().select(by_zero, of_zero, value);
        }
        self.wrap(dtype, value)
    }

    /// Shifts; amounts that are not below the width give 0.
    fn shift(&mut self, form: Form, op: LaneOp, dtype: DType, args: &[Arg]) -> Lane {
        let width = 8 * dtype.size() as i128;
        match args[1].constant.map(Scalar::as_i128) {
            Some(amount) if (0..width).contains(&amount) => {
                let amount = self.builder.ins().iconst(types::I32, amount as i64);
                args[0].lane.iter().map(|&a| self.shift_part(op, dtype, a, amount)).collect()
            }
            Some(_) => self.literal(form, Scalar::zero(dtype)),
            None => self.by_element(form, dtype, args, |emitter, scalars| {
                let ty = emitter.type_of(scalars[1]);
                let (limit, zero) = (emitter.int_constant(ty, width as i64), emitter.int_constant(ty, 0));
                let below = emitter.builder.ins().icmp(IntCC::UnsignedLessThan, scalars[1], limit);
                let value = emitter.shift_part(op, dtype, scalars[0], scalars[1]);
                emitter.builder.ins().select(below, value, zero)
            }),
        }
    }

    fn shift_part(&mut self, op: LaneOp, dtype: DType, a: Value, amount: Value) -> Value {
        let value = match op {
            LaneOp::Shl => self.builder.ins().ishl(a, amount),
            _ => {
                // The bits above a narrow negative number are copies of its sign and must not come down.
                let mut a = a;
                if dtype.is_signed_int() && dtype.size() < 4 {
                    let ty = self.type_of(a);
                    let mask = self.int_constant(ty, (1 << (8 * dtype.size())) - 1);
                    a = self.builder.ins().band(a, mask);
                }
                self.builder.ins().ushr(a, amount)
            }
        };
        self.wrap(dtype, value)
    }
}
