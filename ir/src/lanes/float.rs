//! What lane expressions of functions of floats are made of: polynomials, comparisons, bits, powers of two, and sums that
//! keep what their rounding leaves out.
//!
//! Everything holds in f32 and in f64. Products that feed one sum may be fused with it or not; nothing here relies on either.

use super::Lanes;
use crate::dtype::DType;
use crate::kernel::{LaneOp, NodeId, NodeKind};
use crate::scalar::Scalar;

/// A number and what its rounding leaves out.
pub(crate) type Pair = (NodeId, NodeId);

impl Lanes<'_> {
    /// Whether the lane is f64 rather than f32.
    pub(crate) fn is_double(&self, x: NodeId) -> bool {
        self.dtype(x) == DType::F64
    }

    /// The first in f64, the second in f32.
    pub(crate) fn by_width<T>(&self, x: NodeId, double: T, single: T) -> T {
        if self.is_double(x) { double } else { single }
    }

    /// Runs `function` in double precision.
    pub(crate) fn in_double(&mut self, x: NodeId, function: impl FnOnce(&mut Self, NodeId) -> NodeId) -> NodeId {
        let dtype = self.dtype(x);
        let wide = self.convert(x, DType::F64);
        let value = function(self, wide);
        self.convert(value, dtype)
    }

    /// |a|.
    pub(crate) fn abs(&mut self, a: NodeId) -> NodeId {
        self.op(LaneOp::Abs, &[a])
    }

    /// a < b.
    pub(crate) fn less(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(LaneOp::Lt, &[a, b])
    }

    /// a == b.
    pub(crate) fn equal(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(LaneOp::Eq, &[a, b])
    }

    /// Whether `a` is below a literal.
    pub(crate) fn is_below(&mut self, a: NodeId, limit: f64) -> NodeId {
        let limit = self.number(a, limit);
        self.less(a, limit)
    }

    /// Whether `a` is above a literal.
    pub(crate) fn is_above(&mut self, a: NodeId, limit: f64) -> NodeId {
        let limit = self.number(a, limit);
        self.less(limit, a)
    }

    /// Whether `a` is a literal.
    pub(crate) fn is(&mut self, a: NodeId, value: f64) -> NodeId {
        let value = self.number(a, value);
        self.equal(a, value)
    }

    /// a | b of bools or bits.
    pub(crate) fn or(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(LaneOp::Or, &[a, b])
    }

    /// a & b of bools or bits.
    pub(crate) fn and(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(LaneOp::And, &[a, b])
    }

    /// `a` where `condition` holds, else `b`.
    pub(crate) fn choose(&mut self, condition: NodeId, a: NodeId, b: NodeId) -> NodeId {
        self.op(LaneOp::Select, &[condition, a, b])
    }

    /// A literal where `condition` holds, else `b`.
    pub(crate) fn put(&mut self, condition: NodeId, value: f64, b: NodeId) -> NodeId {
        let value = self.number(b, value);
        self.choose(condition, value, b)
    }

    /// `a` times a literal.
    pub(crate) fn times(&mut self, a: NodeId, factor: f64) -> NodeId {
        let factor = self.number(a, factor);
        self.mul(a, factor)
    }

    /// `a` plus a literal.
    pub(crate) fn plus(&mut self, a: NodeId, summand: f64) -> NodeId {
        let summand = self.number(a, summand);
        self.add(a, summand)
    }

    /// A literal minus `a`.
    pub(crate) fn number_less(&mut self, value: f64, a: NodeId) -> NodeId {
        let value = self.number(a, value);
        self.sub(value, a)
    }

    /// 1 / a.
    pub(crate) fn reciprocal(&mut self, a: NodeId) -> NodeId {
        let one = self.number(a, 1.0);
        self.div(one, a)
    }

    /// a b + c, in one rounding where the target has that.
    pub(crate) fn multiply_add(&mut self, a: NodeId, b: NodeId, c: NodeId) -> NodeId {
        let product = self.mul(a, b);
        self.add(product, c)
    }

    /// A polynomial by Horner's rule, the coefficient of the highest power first.
    pub(crate) fn polynomial(&mut self, x: NodeId, coefficients: &[f64]) -> NodeId {
        let mut value = self.number(x, coefficients[0]);
        for &coefficient in &coefficients[1..] {
            let coefficient = self.number(x, coefficient);
            value = self.multiply_add(value, x, coefficient);
        }
        value
    }

    /// The nearest number in a range; NaN stays.
    pub(crate) fn limited(&mut self, a: NodeId, low: f64, high: f64) -> NodeId {
        let (low, high) = (self.number(a, low), self.number(a, high));
        let a = self.op(LaneOp::Max, &[a, low]);
        self.op(LaneOp::Min, &[a, high])
    }

    /// The bits of a float as a signed integer of its width.
    pub(crate) fn bits(&mut self, a: NodeId) -> NodeId {
        let dtype = self.by_width(a, DType::I64, DType::I32);
        self.bitcast(a, dtype)
    }

    /// The float of bits.
    pub(crate) fn float(&mut self, bits: NodeId) -> NodeId {
        let dtype = if self.dtype(bits) == DType::I64 { DType::F64 } else { DType::F32 };
        self.bitcast(bits, dtype)
    }

    /// An integer literal of the dtype of `like`.
    pub(crate) fn integer(&mut self, like: NodeId, value: i64) -> NodeId {
        let dtype = self.dtype(like);
        self.literal(Scalar::int(dtype, value.into()))
    }

    /// Number of bits of the significand that are stored.
    fn significand(&self, bits: NodeId) -> i64 {
        if self.dtype(bits) == DType::I64 { 52 } else { 23 }
    }

    /// Integer bits moved up to where the exponent is.
    fn exponent_place(&mut self, bits: NodeId) -> NodeId {
        let places = self.significand(bits);
        let places = self.integer(bits, places);
        self.op(LaneOp::Shl, &[bits, places])
    }

    /// The magnitude of one number with the sign of another.
    pub(crate) fn with_sign(&mut self, magnitude: NodeId, sign: NodeId) -> NodeId {
        let (magnitude, sign) = (self.bits(magnitude), self.bits(sign));
        let least = if self.dtype(sign) == DType::I64 { i64::MIN } else { i32::MIN.into() };
        let (mask, rest) = (self.integer(sign, least), self.integer(sign, !least));
        let (magnitude, sign) = (self.and(magnitude, rest), self.and(sign, mask));
        let bits = self.or(magnitude, sign);
        self.float(bits)
    }

    /// Whether the sign bit of a number is set.
    pub(crate) fn is_negative(&mut self, a: NodeId) -> NodeId {
        let bits = self.bits(a);
        let zero = self.integer(bits, 0);
        self.less(bits, zero)
    }

    /// A number without the lower half of its digits, so that products of two such numbers are exact.
    pub(crate) fn upper_half(&mut self, a: NodeId) -> NodeId {
        let dropped = self.by_width(a, 27, 12);
        self.truncated(a, dropped)
    }

    /// A number without so many of its lowest digits.
    pub(crate) fn truncated(&mut self, a: NodeId, dropped: u32) -> NodeId {
        let bits = self.bits(a);
        let mask = self.integer(bits, -1 << dropped);
        let bits = self.and(bits, mask);
        self.float(bits)
    }

    /// a + b and what its rounding leaves out.
    pub(crate) fn exact_sum(&mut self, a: NodeId, b: NodeId) -> Pair {
        let sum = self.add(a, b);
        let of_b = self.sub(sum, a);
        let of_a = self.sub(sum, of_b);
        let (rest_a, rest_b) = (self.sub(a, of_a), self.sub(b, of_b));
        (sum, self.add(rest_a, rest_b))
    }

    /// a + b and what its rounding leaves out, where |a| >= |b| or a is 0.
    pub(crate) fn quick_sum(&mut self, a: NodeId, b: NodeId) -> Pair {
        let sum = self.add(a, b);
        let taken = self.sub(sum, a);
        (sum, self.sub(b, taken))
    }

    /// a a and what its rounding leaves out.
    pub(crate) fn exact_square(&mut self, a: NodeId) -> Pair {
        let square = self.mul(a, a);
        let upper = self.upper_half(a);
        let lower = self.sub(a, upper);
        let first = self.mul(upper, upper);
        let first = self.sub(first, square);
        let cross = self.mul(upper, lower);
        let cross = self.add(cross, cross);
        let rest = self.add(first, cross);
        (square, self.multiply_add(lower, lower, rest))
    }

    /// a b and what its rounding leaves out.
    pub(crate) fn exact_product(&mut self, a: NodeId, b: NodeId) -> Pair {
        let product = self.mul(a, b);
        let (upper_a, upper_b) = (self.upper_half(a), self.upper_half(b));
        let (lower_a, lower_b) = (self.sub(a, upper_a), self.sub(b, upper_b));
        let first = self.mul(upper_a, upper_b);
        let first = self.sub(first, product);
        let (cross, other) = (self.mul(upper_a, lower_b), self.mul(lower_a, upper_b));
        let rest = self.add(first, cross);
        let rest = self.add(rest, other);
        (product, self.multiply_add(lower_a, lower_b, rest))
    }

    /// A double times a literal that is one, and what the product's rounding leaves out.
    pub(crate) fn exact_multiple(&mut self, a: NodeId, factor: f64) -> Pair {
        let upper_factor = f64::from_bits(factor.to_bits() & (u64::MAX << 27));
        let lower_factor = factor - upper_factor;
        let product = self.times(a, factor);
        let upper = self.upper_half(a);
        let lower = self.sub(a, upper);
        let first = self.times(upper, upper_factor);
        let first = self.sub(first, product);
        let (cross, other) = (self.times(upper, lower_factor), self.times(lower, upper_factor));
        let rest = self.add(first, cross);
        let rest = self.add(rest, other);
        let last = self.times(lower, lower_factor);
        (product, self.add(last, rest))
    }

    /// The whole number nearest to `factor` times a small number, as a float and as an integer in the low bits of a lane
    /// of the same width, whose high bits are anything: adding 1.5 times the power of two whose last place is one rounds.
    pub(crate) fn nearest(&mut self, a: NodeId, factor: f64) -> (NodeId, NodeId) {
        let shifter = self.by_width(a, 6755399441055744.0, 12582912.0);
        let (shifter, factor) = (self.number(a, shifter), self.number(a, factor));
        let shifted = self.multiply_add(a, factor, shifter);
        let float = self.sub(shifted, shifter);
        (float, self.bits(shifted))
    }

    /// The number 1, as bits: 0 in the place of the exponent.
    fn bits_of_one(&mut self, like: NodeId) -> NodeId {
        let one = if self.dtype(like) == DType::I64 { 1f64.to_bits() as i64 } else { 1f32.to_bits().into() };
        self.integer(like, one)
    }

    /// 2^n of an integer in the range of exponents of normal numbers, given by its low bits.
    pub(crate) fn power_of_two(&mut self, n: NodeId) -> NodeId {
        let (exponent, one) = (self.exponent_place(n), self.bits_of_one(n));
        let bits = self.add(exponent, one);
        self.float(bits)
    }

    /// a 2^n, n being given by its low bits. Two halves of the power round once, also where the result is denormal, and let
    /// n exceed the range of exponents.
    pub(crate) fn scale(&mut self, a: NodeId, n: NodeId) -> NodeId {
        let places = self.significand(n);
        let (one, below) = (self.bits_of_one(n), self.integer(n, places - 1));
        let whole = self.exponent_place(n);
        // Half of n in the place of the exponent, without what is behind the point.
        let half = self.op(LaneOp::Shl, &[n, below]);
        let mask = self.integer(n, -1 << places);
        let half = self.and(half, mask);
        let rest = self.sub(whole, half);
        let (half, rest) = (self.add(half, one), self.add(rest, one));
        let (half, rest) = (self.float(half), self.float(rest));
        let a = self.mul(a, half);
        self.mul(a, rest)
    }

    /// Whether a number is known to be 0, above, or NaN by what it is made of.
    pub(crate) fn is_never_negative(&self, a: NodeId) -> bool {
        match &self.dag.nodes[a.index()].kind {
            NodeKind::Op { op: LaneOp::Abs | LaneOp::Exp, .. } => true,
            NodeKind::Op { op: LaneOp::Mul, args } => args[0] == args[1],
            _ => false,
        }
    }

    /// The m - 1 and e of a positive finite number 2^e m with m between sqrt(1/2) and sqrt(2), e as a float.
    pub(crate) fn split(&mut self, x: NodeId) -> (NodeId, NodeId) {
        // Denormal numbers are made normal.
        let (least, shift) = self.by_width(x, (f64::MIN_POSITIVE, 54), (f32::MIN_POSITIVE.into(), 25));
        let denormal = self.is_below(x, least);
        let enlarged = self.times(x, 2f64.powi(shift));
        let x = self.choose(denormal, enlarged, x);
        let (f, e) = self.split_biased(x);
        let normal = self.exponent_bias(x);
        let bias = self.number(x, normal);
        let bias = self.put(denormal, normal + f64::from(shift), bias);
        (f, self.sub(e, bias))
    }

    /// The same of a number that is not denormal.
    pub(crate) fn split_normal(&mut self, x: NodeId) -> (NodeId, NodeId) {
        let (f, e) = self.split_biased(x);
        let bias = self.exponent_bias(x);
        let bias = self.number(x, bias);
        (f, self.sub(e, bias))
    }

    /// What the exponent of [`split_biased`](Self::split_biased) is too large by.
    fn exponent_bias(&self, x: NodeId) -> f64 {
        self.by_width(x, 4503599627370496.0 + 1023.0, 8388608.0 + 127.0)
    }

    /// Of a number that is not denormal, m - 1 and e plus a bias.
    fn split_biased(&mut self, x: NodeId) -> (NodeId, NodeId) {
        let (one, root) = self.by_width(x, (1f64.to_bits() as i64, 0x3fe6_a09e_667f_3bcd), (0x3f80_0000, 0x3f35_04f3));
        let bits = self.bits(x);
        let places = self.significand(bits);
        // Counting from sqrt(1/2), the exponent changes where the significand passes sqrt(2).
        let shifted = self.integer(bits, one - root);
        let counted = self.add(bits, shifted);
        let mask = self.integer(bits, (1 << places) - 1);
        let m = self.and(counted, mask);
        let root = self.integer(bits, root);
        let m = self.add(m, root);
        let m = self.float(m);
        let f = self.plus(m, -1.0);
        let places = self.integer(bits, places);
        let biased = self.op(LaneOp::Shr, &[counted, places]);
        // A small integer becomes a float by its place in the significand of a power of two.
        let base = self.by_width(x, 4503599627370496.0, 8388608.0);
        let base = self.number(x, base);
        let base = self.bits(base);
        let e = self.or(biased, base);
        (f, self.float(e))
    }
}

/// Checks the helpers that no function shows by itself.
#[cfg(test)]
mod tests {
    use crate::eval_kernel::lane_op;
    use crate::kernel::{LaneOp, NodeId, NodeKind};
    use crate::lanes::{Dag, Lanes};
    use crate::{DType, Scalar};

    /// The value of a node of literals.
    fn value(dag: &Dag, id: NodeId) -> Scalar {
        let node = &dag.nodes[id.index()];
        match &node.kind {
            NodeKind::Const(value) => *value,
            NodeKind::Op { op, args } => {
                let args: Vec<Scalar> = args.iter().map(|&arg| value(dag, arg)).collect();
                lane_op(*op, &args, node.dtype)
            }
            other => panic!("{other:?} among literals"),
        }
    }

    #[test]
    fn numbers_split_and_scale_back() {
        for dtype in [DType::F32, DType::F64] {
            for x in [1.0, 0.7, 1.5, 3e38, 1e-38, 1e-45] {
                let mut dag = Dag::default();
                let mut lanes = Lanes::new(&mut dag);
                let x = lanes.literal(Scalar::real(dtype, x));
                let (f, e) = lanes.split(x);
                let m = lanes.plus(f, 1.0);
                let n = lanes.nearest(e, 1.0);
                let back = lanes.scale(m, n.1);
                assert_eq!(value(&dag, back), value(&dag, x));
            }
        }
    }

    #[test]
    fn sums_and_squares_lose_nothing() {
        let mut dag = Dag::default();
        let mut lanes = Lanes::new(&mut dag);
        let (a, b) = (lanes.literal(Scalar::real(DType::F32, 1.1)), lanes.literal(Scalar::real(DType::F32, 1e-7)));
        let (sum, square) = (lanes.exact_sum(a, b), lanes.exact_square(a));
        let product = lanes.exact_product(a, b);
        let double = lanes.literal(Scalar::real(DType::F64, 1.1));
        let multiple = lanes.exact_multiple(double, 0.3);
        let real = |id| value(&dag, id).as_f64();
        assert_eq!(real(sum.0) + real(sum.1), real(a) + real(b));
        assert_eq!(real(square.0) + real(square.1), real(a) * real(a));
        assert_eq!(real(product.0) + real(product.1), real(a) * real(b));
        assert_eq!(real(multiple.1), 1.1f64.mul_add(0.3, -real(multiple.0)));
        assert_eq!(lane_op(LaneOp::Bitcast, &[Scalar::real(DType::F32, -0.0)], DType::I32).as_i128(), i32::MIN.into());
    }
}
