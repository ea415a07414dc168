//! Instructions for lane operations.
//!
//! A lane value is one vector of eight 32-bit or four 64-bit lanes: floats, integers of 32 bits, or a bool as a mask of all
//! zeros or all ones. What has no instruction here gives `None`, and the kernel is emitted by other means.

use super::assembler::{Assembler, Opcode};
use super::region::{Operand, Region, Shape};
use cotangent_ir::kernel::LaneOp;
use cotangent_ir::{DType, Number, Scalar};
use smallvec::smallvec;

/// What lanes hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Element {
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// A signed integer of 32 bits, or of 64 with a value that fits.
    I32,
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
            DType::I64 if narrow => Some(Element::I32),
            DType::Bool => Some(Element::Mask),
            _ => None,
        }
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
}

/// A node as an argument.
#[derive(Clone, Copy)]
pub(crate) struct Arg {
    /// Its vector.
    pub(crate) operand: Operand,
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

/// The instruction for 32-bit floats, and the one for 64-bit floats: that with prefix 66, and VEX.W beyond the first map.
const fn float(element: Element, name: [&'static str; 2], byte: u8) -> Opcode {
    match element {
        Element::F64 => Opcode::new(name[1], 1, 1, byte),
        _ => Opcode::new(name[0], 1, 0, byte),
    }
}

impl Selector<'_> {
    /// A number in every lane.
    pub(crate) fn literal(&mut self, value: Scalar) -> Option<Operand> {
        let bytes: Vec<u8> = match (value.dtype(), value.number()) {
            (DType::F32, Number::Float(v)) => (v as f32).to_le_bytes().repeat(8),
            (DType::F64, Number::Float(v)) => v.to_le_bytes().repeat(4),
            (DType::Bool, Number::Int(v)) => vec![if v == 0 { 0 } else { 0xff }; 32],
            (DType::I32 | DType::I64, Number::Int(v)) => i32::try_from(v).ok()?.to_le_bytes().repeat(8),
            _ => return None,
        };
        Some(Operand::Memory(self.assembler.constant(&bytes)))
    }

    fn bits(&mut self, element: Element, low: u32, high: u64) -> Operand {
        let bytes = match element {
            Element::F64 => high.to_le_bytes().repeat(4),
            _ => low.to_le_bytes().repeat(8),
        };
        Operand::Memory(self.assembler.constant(&bytes))
    }

    /// An operation. `result` is what its result holds.
    pub(crate) fn op(&mut self, op: LaneOp, result: Element, args: &[Arg]) -> Option<Operand> {
        let element = args[0].element;
        match op {
            LaneOp::Select => {
                let opcode = match self.width {
                    Width::Eight => Opcode::new("vblendvps", 3, 1, 0x4a),
                    Width::Four => Opcode::new("vblendvpd", 3, 1, 0x4b),
                };
                let args = smallvec![args[2].operand, args[1].operand, args[0].operand];
                Some(self.region.push(Shape::Blend, opcode, None, args))
            }
            LaneOp::Convert => self.convert(result, args[0]),
            LaneOp::Bitcast => (result != Element::Mask && element != Element::Mask).then_some(args[0].operand),
            LaneOp::Fma => match element {
                Element::F32 | Element::F64 => Some(self.fused(result, args, false, false)),
                Element::I32 => {
                    let product = self.integer(LaneOp::Mul, args)?;
                    Some(self.region.commutative(Opcode::new("vpaddd", 1, 1, 0xfe), product, args[2].operand))
                }
                Element::Mask => None,
            },
            _ => match element {
                Element::F32 | Element::F64 => self.float(op, element, args),
                Element::I32 => self.integer(op, args),
                Element::Mask => self.logic(op, args),
            },
        }
    }

    /// `a b + c`, the product or the summand with its sign changed.
    pub(crate) fn fused(&mut self, element: Element, args: &[Arg], minus_product: bool, minus_c: bool) -> Operand {
        let opcode = fused_opcode(element, minus_product, minus_c);
        let args = args.iter().map(|arg| arg.operand).collect();
        self.region.push(Shape::Fused, opcode, None, args)
    }

    fn float(&mut self, op: LaneOp, element: Element, args: &[Arg]) -> Option<Operand> {
        let a = args[0].operand;
        let b = || args[1].operand;
        let two = |name, byte| float(element, name, byte);
        Some(match op {
            LaneOp::Add => self.region.commutative(two(["vaddps", "vaddpd"], 0x58), a, b()),
            LaneOp::Mul => self.region.commutative(two(["vmulps", "vmulpd"], 0x59), a, b()),
            LaneOp::Sub => self.region.binary(two(["vsubps", "vsubpd"], 0x5c), a, b()),
            LaneOp::Div => self.region.binary(two(["vdivps", "vdivpd"], 0x5e), a, b()),
            LaneOp::Sqrt => self.region.unary(two(["vsqrtps", "vsqrtpd"], 0x51), a),
            LaneOp::Abs => {
                let mask = self.bits(element, 0x7fff_ffff, 0x7fff_ffff_ffff_ffff);
                self.region.commutative(two(["vandps", "vandpd"], 0x54), a, mask)
            }
            LaneOp::Neg => {
                let mask = self.bits(element, 1 << 31, 1 << 63);
                self.region.commutative(two(["vxorps", "vxorpd"], 0x57), a, mask)
            }
            LaneOp::Sign => self.float_sign(element, a),
            LaneOp::Min | LaneOp::Max => self.float_extremum(op, element, args),
            LaneOp::Round => self.round(element, a, 8),
            LaneOp::Floor => self.round(element, a, 9),
            LaneOp::Ceil => self.round(element, a, 10),
            LaneOp::Trunc => self.round(element, a, 11),
            LaneOp::Eq => self.compare(element, a, b(), 0),
            LaneOp::Ne => self.compare(element, a, b(), 4),
            LaneOp::Lt => self.compare(element, a, b(), 17),
            LaneOp::Le => self.compare(element, a, b(), 18),
            _ => return None,
        })
    }

    fn round(&mut self, element: Element, a: Operand, mode: u8) -> Operand {
        let opcode = match element {
            Element::F64 => Opcode::new("vroundpd", 3, 1, 0x09),
            _ => Opcode::new("vroundps", 3, 1, 0x08),
        };
        self.region.push(Shape::Unary, opcode, Some(mode), smallvec![a])
    }

    fn compare(&mut self, element: Element, a: Operand, b: Operand, predicate: u8) -> Operand {
        let opcode = float(element, ["vcmpps", "vcmppd"], 0xc2);
        self.region.push(Shape::Binary { commutes: false }, opcode, Some(predicate), smallvec![a, b])
    }

    fn blend(&mut self, mask: Operand, chosen: Operand, otherwise: Operand) -> Operand {
        let opcode = match self.width {
            Width::Eight => Opcode::new("vblendvps", 3, 1, 0x4a),
            Width::Four => Opcode::new("vblendvpd", 3, 1, 0x4b),
        };
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
    fn float_extremum(&mut self, op: LaneOp, element: Element, args: &[Arg]) -> Operand {
        let number = |arg: &Arg| arg.constant.is_some_and(|constant| !constant.as_f64().is_nan());
        let (x, y) = if number(&args[1]) { (&args[1], &args[0]) } else { (&args[0], &args[1]) };
        let opcode = match op {
            LaneOp::Min => float(element, ["vminps", "vminpd"], 0x5d),
            _ => float(element, ["vmaxps", "vmaxpd"], 0x5f),
        };
        let chosen = self.region.binary(opcode, x.operand, y.operand);
        if number(x) {
            return chosen;
        }
        let unordered = self.compare(element, x.operand, x.operand, 3);
        self.blend(unordered, x.operand, chosen)
    }

    fn integer(&mut self, op: LaneOp, args: &[Arg]) -> Option<Operand> {
        let a = args[0].operand;
        let b = || args[1].operand;
        let first = |name, byte| Opcode::new(name, 1, 1, byte);
        let second = |name, byte| Opcode::new(name, 2, 1, byte);
        Some(match op {
            LaneOp::Add => self.region.commutative(first("vpaddd", 0xfe), a, b()),
            LaneOp::Sub => self.region.binary(first("vpsubd", 0xfa), a, b()),
            LaneOp::Mul => self.region.commutative(second("vpmulld", 0x40), a, b()),
            LaneOp::Min => self.region.commutative(second("vpminsd", 0x39), a, b()),
            LaneOp::Max => self.region.commutative(second("vpmaxsd", 0x3d), a, b()),
            LaneOp::And => self.region.commutative(first("vpand", 0xdb), a, b()),
            LaneOp::Or => self.region.commutative(first("vpor", 0xeb), a, b()),
            LaneOp::Xor => self.region.commutative(first("vpxor", 0xef), a, b()),
            LaneOp::Not => self.complement(a),
            LaneOp::Neg => {
                let zero = self.bits(Element::I32, 0, 0);
                self.region.binary(first("vpsubd", 0xfa), zero, a)
            }
            LaneOp::Abs => self.region.unary(second("vpabsd", 0x1e), a),
            LaneOp::Floor | LaneOp::Ceil | LaneOp::Round | LaneOp::Trunc => a,
            LaneOp::Eq => self.region.commutative(first("vpcmpeqd", 0x76), a, b()),
            LaneOp::Ne => {
                let equal = self.region.commutative(first("vpcmpeqd", 0x76), a, b());
                self.complement(equal)
            }
            LaneOp::Lt => self.region.binary(first("vpcmpgtd", 0x66), b(), a),
            LaneOp::Le => {
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
            _ => return None,
        })
    }

    fn complement(&mut self, a: Operand) -> Operand {
        let ones = self.bits(Element::I32, u32::MAX, 0);
        self.region.commutative(Opcode::new("vpxor", 1, 1, 0xef), a, ones)
    }

    /// Operations on bools. Arithmetic is that of integers, anything nonzero being true.
    fn logic(&mut self, op: LaneOp, args: &[Arg]) -> Option<Operand> {
        let a = args[0].operand;
        let b = || args[1].operand;
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

    fn convert(&mut self, to: Element, arg: Arg) -> Option<Operand> {
        let a = arg.operand;
        Some(match (arg.element, to) {
            (from, to) if from == to => a,
            (Element::Mask, Element::F32 | Element::F64) => {
                let one = self.bits(to, 1f32.to_bits(), 1f64.to_bits());
                self.region.commutative(Opcode::new("vandps", 1, 0, 0x54), a, one)
            }
            (Element::Mask, Element::I32) if self.width == Width::Eight => {
                let one = self.bits(Element::I32, 1, 0);
                self.region.commutative(Opcode::new("vpand", 1, 1, 0xdb), a, one)
            }
            (from @ (Element::F32 | Element::F64), Element::Mask) => {
                let zero = self.bits(from, 0, 0);
                self.compare(from, a, zero, 4)
            }
            (Element::I32, Element::Mask) if self.width == Width::Eight => {
                let zero = self.bits(Element::I32, 0, 0);
                let equal = self.region.commutative(Opcode::new("vpcmpeqd", 1, 1, 0x76), a, zero);
                self.complement(equal)
            }
            (Element::I32, Element::F32) => self.region.unary(Opcode::new("vcvtdq2ps", 1, 0, 0x5b), a),
            (Element::F32, Element::I32) => self.saturated(a),
            _ => return None,
        })
    }

    /// Floats as integers: NaN gives 0, what is too large or too small the nearest there is. The instruction gives the least
    /// integer for all of them, which for large ones is the complement of what is wanted.
    fn saturated(&mut self, a: Operand) -> Operand {
        let integer = self.region.unary(Opcode::new("vcvttps2dq", 1, 2, 0x5b), a);
        let limit = self.bits(Element::F32, 2f32.powi(31).to_bits(), 0);
        // Greater or equal, ordered.
        let large = self.compare(Element::F32, a, limit, 29);
        let integer = self.region.commutative(Opcode::new("vpxor", 1, 1, 0xef), integer, large);
        let ordered = self.compare(Element::F32, a, a, 7);
        self.region.commutative(Opcode::new("vpand", 1, 1, 0xdb), integer, ordered)
    }
}

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
