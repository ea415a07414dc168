//! Instructions for lane operations.
//!
//! A lane value is one vector, or two where the kernel's lanes are of 32 bits and the value's of 64. It holds floats,
//! integers, or a bool as a mask of all zeros or all ones in lanes of the kernel's width. What has no instruction here
//! gives `None`, and the kernel is emitted by other means.

use super::assembler::{Assembler, Opcode};
use super::region::{Helper, MOVE, Operand, Region, Shape};
use cotangent_ir::error::internal;
use cotangent_ir::kernel::LaneOp;
use cotangent_ir::lanes::LARGEST_ANGLE;
use cotangent_ir::{DType, Number, Scalar};
use smallvec::{SmallVec, smallvec};

/// What lanes hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Element {
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// A signed integer of 32 bits, or of 64 with a value that fits.
    I32,
    /// An unsigned integer of 32 bits.
    U32,
    /// A signed integer of 64 bits.
    I64,
    /// A mask of the kernel's lane width.
    Mask,
}

impl Element {
    /// The lanes in which a dtype is held; `narrow` tells of a 64-bit integer that its values fit in 32 bits.
    pub(crate) fn of(dtype: DType, narrow: bool) -> Option<Element> {
        match dtype {
            DType::F32 => Some(Element::F32),
            DType::F64 => Some(Element::F64),
            DType::I32 => Some(Element::I32),
            DType::U32 => Some(Element::U32),
            DType::I64 if narrow => Some(Element::I32),
            DType::I64 => Some(Element::I64),
            DType::Bool => Some(Element::Mask),
            _ => None,
        }
    }

    /// Whether its lanes have 64 bits, whatever the kernel's have.
    pub(crate) fn is_wide(self) -> bool {
        matches!(self, Element::F64 | Element::I64)
    }

    fn is_float(self) -> bool {
        matches!(self, Element::F32 | Element::F64)
    }
}

/// Lanes of a vector, by their width.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Width {
    /// Eight lanes of 32 bits.
    Eight,
    /// Four lanes of 64 bits.
    Four,
}

impl Width {
    /// How many there are.
    pub(crate) fn lanes(self) -> usize {
        match self {
            Width::Eight => 8,
            Width::Four => 4,
        }
    }

    /// How many vectors a lane value takes.
    pub(crate) fn parts(self, element: Element) -> usize {
        if self == Width::Eight && element.is_wide() { 2 } else { 1 }
    }
}

/// A lane value: its vectors in order of elements.
pub(crate) type Lane = SmallVec<[Operand; 2]>;

/// A node as an argument.
#[derive(Clone)]
pub(crate) struct Arg {
    /// Its value.
    pub(crate) lane: Lane,
    /// What it holds.
    pub(crate) element: Element,
    /// What it always is, if known.
    pub(crate) constant: Option<Scalar>,
}

/// Writes instructions for operations into a region.
pub(crate) struct Selector<'a> {
    pub(crate) region: &'a mut Region,
    pub(crate) assembler: &'a mut Assembler,
    pub(crate) width: Width,
}

/// The instruction for 32-bit floats, and the one for 64-bit floats, which has the prefix 66.
const fn float(element: Element, name: [&'static str; 2], byte: u8) -> Opcode {
    match element {
        Element::F64 => Opcode::new(name[1], 1, 1, byte),
        _ => Opcode::new(name[0], 1, 0, byte),
    }
}

/// A vector whose lanes are these bytes.
fn in_all_lanes<const N: usize>(lane: [u8; N]) -> [u8; 32] {
    std::array::from_fn(|byte| lane[byte % N])
}

/// Exchanges the halves of a vector.
pub(crate) const SWAP: Opcode = Opcode::new("vpermpd", 3, 1, 0x01).w();
const PAND: Opcode = Opcode::new("vpand", 1, 1, 0xdb);
const PXOR: Opcode = Opcode::new("vpxor", 1, 1, 0xef);

impl Selector<'_> {
    /// A number in every lane, held as an element.
    pub(crate) fn literal(&mut self, value: Scalar, element: Element) -> Option<Lane> {
        let bytes = match (element, value.number()) {
            (Element::F32, Number::Float(v)) => in_all_lanes((v as f32).to_le_bytes()),
            (Element::F64, Number::Float(v)) => in_all_lanes(v.to_le_bytes()),
            (Element::Mask, Number::Int(v)) => in_all_lanes([if v == 0 { 0 } else { 0xff }]),
            (Element::I32, Number::Int(v)) => in_all_lanes(i32::try_from(v).ok()?.to_le_bytes()),
            (Element::U32, Number::Int(v)) => in_all_lanes(u32::try_from(v).ok()?.to_le_bytes()),
            (Element::I64, Number::Int(v)) => in_all_lanes(i64::try_from(v).ok()?.to_le_bytes()),
            _ => return None,
        };
        let vector = Operand::Memory(self.assembler.constant(&bytes));
        Some((0..self.width.parts(element)).map(|_| vector).collect())
    }

    /// The same bits in every lane, by the width of an element's lanes.
    fn bits(&mut self, element: Element, narrow: u32, wide: u64) -> Operand {
        let (wide, narrow) = (in_all_lanes(wide.to_le_bytes()), in_all_lanes(narrow.to_le_bytes()));
        let bytes = if element.is_wide() { wide } else { narrow };
        Operand::Memory(self.assembler.constant(&bytes))
    }

    /// An operation. `result` is what its result holds.
    pub(crate) fn op(&mut self, op: LaneOp, result: Element, args: &[Arg]) -> Option<Lane> {
        let element = args[0].element;
        match op {
            LaneOp::Select => {
                let masks = self.masks(&args[0].lane, result);
                let parts = masks.iter().zip(&args[1].lane).zip(&args[2].lane);
                let parts: Vec<_> = parts.map(|((&mask, &x), &y)| (mask, x, y)).collect();
                Some(parts.into_iter().map(|(mask, x, y)| self.blend(mask, x, y)).collect())
            }
            LaneOp::Convert => self.convert(result, &args[0]),
            LaneOp::Bitcast => {
                let plain = result != Element::Mask && element != Element::Mask;
                (plain && result.is_wide() == element.is_wide()).then(|| args[0].lane.clone())
            }
            LaneOp::Fma if element.is_float() => Some(self.fused(result, args, false, false)),
            _ => {
                let parts = (0..args[0].lane.len()).map(|part| {
                    let operands: SmallVec<[Operand; 3]> = args.iter().map(|arg| arg.lane[part]).collect();
                    match element {
                        Element::F32 | Element::F64 => self.float(op, element, args, &operands),
                        Element::I32 | Element::U32 => self.integer(op, element, args, &operands),
                        Element::I64 => self.long_integer(op, args, &operands),
                        Element::Mask => self.logic(op, &operands),
                    }
                });
                let lane = parts.collect::<Option<Lane>>()?;
                let compared = matches!(op, LaneOp::Eq | LaneOp::Ne | LaneOp::Lt | LaneOp::Le);
                Some(if compared { self.join(lane) } else { lane })
            }
        }
    }

    /// `a b + c`, the product or the summand with its sign changed.
    pub(crate) fn fused(&mut self, element: Element, args: &[Arg], minus_product: bool, minus_c: bool) -> Lane {
        let opcode = fused_opcode(element, minus_product, minus_c);
        let part = |part: usize| {
            let args = args.iter().map(|arg| arg.lane[part]).collect();
            self.region.push(Shape::Fused, opcode, None, args)
        };
        (0..args[0].lane.len()).map(part).collect()
    }

    fn float(&mut self, op: LaneOp, element: Element, args: &[Arg], operands: &[Operand]) -> Option<Operand> {
        let a = operands[0];
        let b = || operands[1];
        let two = |name, byte| float(element, name, byte);
        Some(match op {
            LaneOp::Add => self.region.commutative(two(["vaddps", "vaddpd"], 0x58), a, b()),
            LaneOp::Mul => self.region.commutative(two(["vmulps", "vmulpd"], 0x59), a, b()),
            LaneOp::Sub => self.region.binary(two(["vsubps", "vsubpd"], 0x5c), a, b()),
            LaneOp::Div => self.region.binary(two(["vdivps", "vdivpd"], 0x5e), a, b()),
            LaneOp::Sqrt => self.region.unary(two(["vsqrtps", "vsqrtpd"], 0x51), a),
            LaneOp::Abs => self.magnitude(element, a),
            LaneOp::Neg => {
                let mask = self.bits(element, 1 << 31, 1 << 63);
                self.region.commutative(two(["vxorps", "vxorpd"], 0x57), a, mask)
            }
            LaneOp::Sign => self.float_sign(element, a),
            LaneOp::Min | LaneOp::Max => self.float_extremum(op, element, args, operands),
            LaneOp::Round => self.round(element, a, 8),
            LaneOp::Floor => self.round(element, a, 9),
            LaneOp::Ceil => self.round(element, a, 10),
            LaneOp::Trunc => self.round(element, a, 11),
            LaneOp::Eq => self.compare(element, a, b(), 0),
            LaneOp::Ne => self.compare(element, a, b(), 4),
            LaneOp::Lt => self.compare(element, a, b(), 17),
            LaneOp::Le => self.compare(element, a, b(), 18),
            // These are wanted for large arguments only: see `Lanes::written_out`.
            LaneOp::Sin => self.rare("sin", element, a),
            LaneOp::Cos => self.rare("cos", element, a),
            _ => return None,
        })
    }

    fn rare(&mut self, name: &'static str, element: Element, a: Operand) -> Operand {
        let magnitude = self.magnitude(element, a);
        let bound = self.bits(element, (LARGEST_ANGLE as f32).to_bits(), LARGEST_ANGLE.to_bits());
        // Greater, ordered.
        let large = self.compare(element, magnitude, bound, 30);
        self.call(name, element, a, large, a)
    }

    fn call(&mut self, name: &'static str, element: Element, a: Operand, mask: Operand, otherwise: Operand) -> Operand {
        let helper = Helper { name, wide: element.is_wide() };
        self.region.push(Shape::Rare(helper), MOVE, None, smallvec![a, mask, otherwise])
    }

    /// The sine or cosine of the second argument where the first one holds, which is seldom, else the third argument.
    pub(crate) fn function_where(&mut self, op: LaneOp, args: &[Arg]) -> Lane {
        let [condition, x, otherwise] = args else { internal("a choice of something else than three arguments") };
        let name = if op == LaneOp::Sin { "sin" } else { "cos" };
        let masks = self.masks(&condition.lane, x.element);
        let parts = masks.iter().zip(&x.lane).zip(&otherwise.lane);
        parts.map(|((&mask, &x_part), &otherwise)| self.call(name, x.element, x_part, mask, otherwise)).collect()
    }

    fn magnitude(&mut self, element: Element, a: Operand) -> Operand {
        let mask = self.bits(element, 0x7fff_ffff, 0x7fff_ffff_ffff_ffff);
        self.region.commutative(float(element, ["vandps", "vandpd"], 0x54), a, mask)
    }

    fn round(&mut self, element: Element, a: Operand, mode: u8) -> Operand {
        let opcode = match element {
            Element::F64 => Opcode::new("vroundpd", 3, 1, 0x09),
            _ => Opcode::new("vroundps", 3, 1, 0x08),
        };
        self.region.push(Shape::Unary, opcode, Some(mode), smallvec![a])
    }

    /// A comparison of floats, as a mask of their width.
    pub(crate) fn compare(&mut self, element: Element, a: Operand, b: Operand, predicate: u8) -> Operand {
        let opcode = float(element, ["vcmpps", "vcmppd"], 0xc2);
        self.region.push(Shape::Binary { commutes: false }, opcode, Some(predicate), smallvec![a, b])
    }

    /// `chosen` where the mask holds, byte by byte.
    pub(crate) fn blend(&mut self, mask: Operand, chosen: Operand, otherwise: Operand) -> Operand {
        let opcode = Opcode::new("vblendvps", 3, 1, 0x4a);
        self.region.push(Shape::Blend, opcode, None, smallvec![otherwise, chosen, mask])
    }

    /// Zeros and NaN are their own sign.
    fn float_sign(&mut self, element: Element, a: Operand) -> Operand {
        let sign = self.bits(element, 1 << 31, 1 << 63);
        let one = self.bits(element, 1f32.to_bits(), 1f64.to_bits());
        let (and, or) = (float(element, ["vandps", "vandpd"], 0x54), float(element, ["vorps", "vorpd"], 0x56));
        let signed = self.region.commutative(and, a, sign);
        let signed = self.region.commutative(or, signed, one);
        let zero = self.bits(element, 0, 0);
        // Ordered and not equal.
        let nonzero = self.compare(element, a, zero, 12);
        self.blend(nonzero, signed, a)
    }

    /// NaN if either is. The instruction gives its second operand where the comparison is unordered: that must be the one
    /// that may be NaN; if both may, NaNs of the first are put back.
    fn float_extremum(&mut self, op: LaneOp, element: Element, args: &[Arg], operands: &[Operand]) -> Operand {
        let number = |place: usize| args[place].constant.is_some_and(|constant| !constant.as_f64().is_nan());
        let (x, y) = if number(1) { (1, 0) } else { (0, 1) };
        let opcode = match op {
            LaneOp::Min => float(element, ["vminps", "vminpd"], 0x5d),
            _ => float(element, ["vmaxps", "vmaxpd"], 0x5f),
        };
        let chosen = self.region.binary(opcode, operands[x], operands[y]);
        if number(x) {
            return chosen;
        }
        let unordered = self.compare(element, operands[x], operands[x], 3);
        self.blend(unordered, operands[x], chosen)
    }

    fn integer(&mut self, op: LaneOp, element: Element, args: &[Arg], operands: &[Operand]) -> Option<Operand> {
        let a = operands[0];
        let b = || operands[1];
        let first = |name, byte| Opcode::new(name, 1, 1, byte);
        let second = |name, byte| Opcode::new(name, 2, 1, byte);
        let signed = element == Element::I32;
        Some(match op {
            LaneOp::Add => self.region.commutative(first("vpaddd", 0xfe), a, b()),
            LaneOp::Sub => self.region.binary(first("vpsubd", 0xfa), a, b()),
            LaneOp::Mul => self.region.commutative(second("vpmulld", 0x40), a, b()),
            LaneOp::Fma => {
                let product = self.region.commutative(second("vpmulld", 0x40), a, b());
                self.region.commutative(first("vpaddd", 0xfe), product, operands[2])
            }
            LaneOp::Min if signed => self.region.commutative(second("vpminsd", 0x39), a, b()),
            LaneOp::Max if signed => self.region.commutative(second("vpmaxsd", 0x3d), a, b()),
            LaneOp::Min => self.region.commutative(second("vpminud", 0x3b), a, b()),
            LaneOp::Max => self.region.commutative(second("vpmaxud", 0x3f), a, b()),
            LaneOp::Neg => {
                let zero = self.bits(Element::I32, 0, 0);
                self.region.binary(first("vpsubd", 0xfa), zero, a)
            }
            LaneOp::Abs if signed => self.region.unary(second("vpabsd", 0x1e), a),
            LaneOp::Sign if signed => {
                let one = self.bits(Element::I32, 1, 0);
                self.region.binary(second("vpsignd", 0x0a), one, a)
            }
            LaneOp::Eq => self.region.commutative(first("vpcmpeqd", 0x76), a, b()),
            LaneOp::Ne => {
                let equal = self.region.commutative(first("vpcmpeqd", 0x76), a, b());
                self.complement(equal)
            }
            LaneOp::Lt if signed => self.region.binary(first("vpcmpgtd", 0x66), b(), a),
            LaneOp::Le if signed => {
                let greater = self.region.binary(first("vpcmpgtd", 0x66), a, b());
                self.complement(greater)
            }
            LaneOp::Shl | LaneOp::Shr => match args[1].constant.map(Scalar::as_i128) {
                Some(amount @ 0..32) => {
                    let (name, extension) = if op == LaneOp::Shl { ("vpslld", 6) } else { ("vpsrld", 2) };
                    let shape = Shape::Shift { extension };
                    self.region.push(shape, Opcode::new(name, 1, 1, 0x72), Some(amount as u8), smallvec![a])
                }
                Some(_) => self.bits(Element::I32, 0, 0),
                None if op == LaneOp::Shl => self.region.binary(second("vpsllvd", 0x47), a, b()),
                None => self.region.binary(second("vpsrlvd", 0x45), a, b()),
            },
            _ => return self.bitwise(op, operands),
        })
    }

    fn long_integer(&mut self, op: LaneOp, args: &[Arg], operands: &[Operand]) -> Option<Operand> {
        let a = operands[0];
        let b = || operands[1];
        Some(match op {
            LaneOp::Add => self.region.commutative(Opcode::new("vpaddq", 1, 1, 0xd4), a, b()),
            LaneOp::Sub => self.region.binary(Opcode::new("vpsubq", 1, 1, 0xfb), a, b()),
            LaneOp::Neg => self.long_negative(a),
            LaneOp::Abs => {
                let (zero, opposite) = (self.bits(Element::I64, 0, 0), self.long_negative(a));
                let negative = self.region.binary(Opcode::new("vpcmpgtq", 2, 1, 0x37), zero, a);
                self.blend(negative, opposite, a)
            }
            LaneOp::Sign => {
                // Masks are -1 as numbers.
                let zero = self.bits(Element::I64, 0, 0);
                let negative = self.region.binary(Opcode::new("vpcmpgtq", 2, 1, 0x37), zero, a);
                let positive = self.region.binary(Opcode::new("vpcmpgtq", 2, 1, 0x37), a, zero);
                self.region.binary(Opcode::new("vpsubq", 1, 1, 0xfb), negative, positive)
            }
            LaneOp::Mul => self.long_product(a, b()),
            LaneOp::Fma => {
                let product = self.long_product(a, b());
                self.region.commutative(Opcode::new("vpaddq", 1, 1, 0xd4), product, operands[2])
            }
            LaneOp::Eq => self.region.commutative(Opcode::new("vpcmpeqq", 2, 1, 0x29), a, b()),
            LaneOp::Ne => {
                let equal = self.region.commutative(Opcode::new("vpcmpeqq", 2, 1, 0x29), a, b());
                self.complement(equal)
            }
            LaneOp::Lt => self.region.binary(Opcode::new("vpcmpgtq", 2, 1, 0x37), b(), a),
            LaneOp::Le => {
                let greater = self.region.binary(Opcode::new("vpcmpgtq", 2, 1, 0x37), a, b());
                self.complement(greater)
            }
            LaneOp::Min | LaneOp::Max => {
                let greater = self.region.binary(Opcode::new("vpcmpgtq", 2, 1, 0x37), a, b());
                let (chosen, otherwise) = if op == LaneOp::Min { (b(), a) } else { (a, b()) };
                self.blend(greater, chosen, otherwise)
            }
            LaneOp::Shl | LaneOp::Shr => match args[1].constant.map(Scalar::as_i128) {
                Some(amount @ 0..64) => {
                    let (name, extension) = if op == LaneOp::Shl { ("vpsllq", 6) } else { ("vpsrlq", 2) };
                    let shape = Shape::Shift { extension };
                    self.region.push(shape, Opcode::new(name, 1, 1, 0x73), Some(amount as u8), smallvec![a])
                }
                Some(_) => self.bits(Element::I64, 0, 0),
                None if op == LaneOp::Shl => self.region.binary(Opcode::new("vpsllvq", 2, 1, 0x47).w(), a, b()),
                None => self.region.binary(Opcode::new("vpsrlvq", 2, 1, 0x45).w(), a, b()),
            },
            _ => return self.bitwise(op, operands),
        })
    }

    fn long_negative(&mut self, a: Operand) -> Operand {
        let zero = self.bits(Element::I64, 0, 0);
        self.region.binary(Opcode::new("vpsubq", 1, 1, 0xfb), zero, a)
    }

    /// The product of 64-bit integers from those of their halves; that of the upper ones does not count.
    fn long_product(&mut self, a: Operand, b: Operand) -> Operand {
        const OF_LOWER_HALVES: Opcode = Opcode::new("vpmuludq", 1, 1, 0xf4);
        const SUM: Opcode = Opcode::new("vpaddq", 1, 1, 0xd4);
        let shift = |selector: &mut Self, name, extension, a| {
            let opcode = Opcode::new(name, 1, 1, 0x73);
            selector.region.push(Shape::Shift { extension }, opcode, Some(32), smallvec![a])
        };
        let (upper_a, upper_b) = (shift(self, "vpsrlq", 2, a), shift(self, "vpsrlq", 2, b));
        let first = self.region.commutative(OF_LOWER_HALVES, upper_a, b);
        let second = self.region.commutative(OF_LOWER_HALVES, a, upper_b);
        let cross = self.region.commutative(SUM, first, second);
        let cross = shift(self, "vpsllq", 6, cross);
        let lower = self.region.commutative(OF_LOWER_HALVES, a, b);
        self.region.commutative(SUM, lower, cross)
    }

    /// Operations on the bits of integers.
    fn bitwise(&mut self, op: LaneOp, operands: &[Operand]) -> Option<Operand> {
        let a = operands[0];
        Some(match op {
            LaneOp::And => self.region.commutative(PAND, a, operands[1]),
            LaneOp::Or => self.region.commutative(Opcode::new("vpor", 1, 1, 0xeb), a, operands[1]),
            LaneOp::Xor => self.region.commutative(PXOR, a, operands[1]),
            LaneOp::Not => self.complement(a),
            LaneOp::Floor | LaneOp::Ceil | LaneOp::Round | LaneOp::Trunc => a,
            _ => return None,
        })
    }

    fn complement(&mut self, a: Operand) -> Operand {
        let ones = self.bits(Element::I32, u32::MAX, 0);
        self.region.commutative(PXOR, a, ones)
    }

    /// Operations on bools. Arithmetic is that of integers, anything nonzero being true.
    fn logic(&mut self, op: LaneOp, operands: &[Operand]) -> Option<Operand> {
        let a = operands[0];
        let b = || operands[1];
        let (and, or) = (Opcode::new("vandps", 1, 0, 0x54), Opcode::new("vorps", 1, 0, 0x56));
        let (xor, and_not) = (Opcode::new("vxorps", 1, 0, 0x57), Opcode::new("vandnps", 1, 0, 0x55));
        Some(match op {
            LaneOp::Add | LaneOp::Or | LaneOp::Max => self.region.commutative(or, a, b()),
            LaneOp::Mul | LaneOp::And | LaneOp::Min => self.region.commutative(and, a, b()),
            LaneOp::Sub | LaneOp::Xor | LaneOp::Ne => self.region.commutative(xor, a, b()),
            LaneOp::Eq => {
                let differ = self.region.commutative(xor, a, b());
                self.complement(differ)
            }
            // Not a, and b.
            LaneOp::Lt => self.region.binary(and_not, a, b()),
            LaneOp::Le => {
                let not_a = self.complement(a);
                self.region.commutative(or, not_a, b())
            }
            LaneOp::Not => self.complement(a),
            _ => return None,
        })
    }

    fn convert(&mut self, to: Element, arg: &Arg) -> Option<Lane> {
        let lane = &arg.lane;
        let eight = self.width == Width::Eight;
        Some(match (arg.element, to) {
            (from, to) if from == to => lane.clone(),
            // A literal is written in the lanes wanted, whatever they are.
            (Element::I32, Element::I64) if arg.constant.is_some() => self.literal(arg.constant?, to)?,
            (Element::Mask, to) if to.is_wide() || eight => {
                let one = match to {
                    Element::F32 | Element::F64 => self.bits(to, 1f32.to_bits(), 1f64.to_bits()),
                    _ => self.bits(to, 1, 1),
                };
                let masks = self.masks(lane, to);
                masks.into_iter().map(|mask| self.region.commutative(PAND, mask, one)).collect()
            }
            (from, Element::Mask) => {
                let zero = Scalar::zero(match from {
                    Element::F32 => DType::F32,
                    Element::F64 => DType::F64,
                    Element::I64 => DType::I64,
                    _ => DType::I32,
                });
                let zero = Arg { lane: self.literal(zero, from)?, element: from, constant: Some(zero) };
                self.op(LaneOp::Ne, Element::Mask, &[arg.clone(), zero])?
            }
            (Element::I32, Element::F32) => smallvec![self.region.unary(Opcode::new("vcvtdq2ps", 1, 0, 0x5b), lane[0])],
            (Element::F32, Element::I32) => smallvec![self.saturated(lane[0])],
            (Element::F32, Element::F64) => self.both_halves(Opcode::new("vcvtps2pd", 1, 0, 0x5a), lane[0]),
            (Element::I32, Element::F64) if eight => self.both_halves(Opcode::new("vcvtdq2pd", 1, 2, 0xe6), lane[0]),
            (Element::I32, Element::I64) if eight => self.both_halves(SIGN_EXTEND, lane[0]),
            (Element::F64, Element::F32) if eight => {
                let halves = [0, 1].map(|part| self.region.unary(Opcode::new("vcvtpd2ps", 1, 1, 0x5a), lane[part]));
                let shape = Shape::Binary { commutes: false };
                let insert = Opcode::new("vinsertf128", 3, 1, 0x18);
                smallvec![self.region.push(shape, insert, Some(1), smallvec![halves[0], halves[1]])]
            }
            (Element::I64, Element::I32 | Element::U32) if eight => self.join(lane.clone()),
            (Element::I32, Element::U32) | (Element::U32, Element::I32) => lane.clone(),
            _ => return None,
        })
    }

    /// An instruction that makes a vector of half as many, on both halves of a vector.
    fn both_halves(&mut self, opcode: Opcode, a: Operand) -> Lane {
        let high = match a {
            Operand::Memory(memory) => Operand::Memory(memory.plus(16)),
            Operand::Value(_) => self.region.push(Shape::Unary, SWAP, Some(0x4e), smallvec![a]),
        };
        smallvec![self.region.unary(opcode, a), self.region.unary(opcode, high)]
    }

    /// The masks for the parts of an element that a mask stands for.
    pub(crate) fn masks(&mut self, mask: &Lane, element: Element) -> Lane {
        if self.width.parts(element) == 1 { mask.clone() } else { self.both_halves(SIGN_EXTEND, mask[0]) }
    }

    /// The lower halves of 64-bit lanes, of masks or integers, as one vector where the kernel's lanes have 32 bits.
    fn join(&mut self, lane: Lane) -> Lane {
        if self.width == Width::Four || lane.len() == 1 {
            return lane;
        }
        let shape = Shape::Binary { commutes: false };
        let even = self.region.push(shape, Opcode::new("vshufps", 1, 0, 0xc6), Some(0x88), smallvec![lane[0], lane[1]]);
        smallvec![self.region.push(Shape::Unary, SWAP, Some(0xd8), smallvec![even])]
    }

    /// Floats as integers: NaN gives 0, what is too large or too small the nearest there is. The instruction gives the least
    /// integer for all of them, which for large ones is the complement of what is wanted.
    fn saturated(&mut self, a: Operand) -> Operand {
        let integer = self.region.unary(Opcode::new("vcvttps2dq", 1, 2, 0x5b), a);
        let limit = self.bits(Element::F32, 2f32.powi(31).to_bits(), 0);
        // Greater or equal, ordered.
        let large = self.compare(Element::F32, a, limit, 29);
        let integer = self.region.commutative(PXOR, integer, large);
        let ordered = self.compare(Element::F32, a, a, 7);
        self.region.commutative(PAND, integer, ordered)
    }
}

/// 32-bit lanes as 64-bit lanes with the same sign.
const SIGN_EXTEND: Opcode = Opcode::new("vpmovsxdq", 2, 1, 0x25);

/// The opcode of `±a b ± c` in the form 132.
pub(crate) fn fused_opcode(element: Element, minus_product: bool, minus_c: bool) -> Opcode {
    let (name, byte) = match (minus_product, minus_c) {
        (false, false) => ("vfmadd", 0x98),
        (false, true) => ("vfmsub", 0x9a),
        (true, false) => ("vfnmadd", 0x9c),
        (true, true) => ("vfnmsub", 0x9e),
    };
    let opcode = Opcode::new(name, 2, 1, byte);
    if element == Element::F64 { opcode.w() } else { opcode }
}
