//! Rules of arithmetic.

use super::{Rule, Site};
use crate::attrs::{Attr, Attrs};
use crate::dtype::DType;
use crate::func::Value;
use crate::prim::binary::{ADD, DIV, MUL, SUB};
use crate::prim::bits::NOT;
use crate::prim::compare::SELECT;
use crate::prim::complex::{COMPLEX, CONJ, IMAG, REAL};
use crate::prim::unary::{ABS, CONVERT, INTEGER_POW, NEG, SQUARE};
use crate::scalar::{Number, Scalar};

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "convert to the same dtype",
        doc: "convert x = x, if x has that dtype already.",
        prims: &[&CONVERT],
        apply: |site| (site.arg_type(0).dtype == site.ty.dtype).then(|| site.args[0]),
    },
    Rule {
        name: "convert after widening",
        doc: "convert (convert x) = convert x, if the inner conversion keeps every value.",
        prims: &[&CONVERT],
        apply: convert_after_widening,
    },
    Rule {
        name: "double negation",
        doc: "neg (neg x) = x, not (not x) = x, conj (conj x) = x.",
        prims: &[&NEG, &NOT, &CONJ],
        apply: |site| site.under(site.args[0], site.prim),
    },
    Rule {
        name: "negated difference",
        doc: "neg (sub a b) = sub b a, up to the sign of zero.",
        prims: &[&NEG],
        apply: |site| {
            let (a, b) = site.both_under(site.args[0], &SUB)?;
            Some(site.plain(&SUB, &[b, a]))
        },
    },
    Rule {
        name: "negated product with a literal",
        doc: "neg (mul x c) = mul x (neg c).",
        prims: &[&NEG],
        apply: |site| {
            let (a, b) = site.both_under(site.args[0], &MUL)?;
            let (x, literal) = site.literal_factor(a, b)?;
            site.scaled(x, negative(literal))
        },
    },
    Rule {
        name: "even function of a negation",
        doc: "abs (neg x) = abs x, square (neg x) = square x; of floats and complex numbers.",
        prims: &[&ABS, &SQUARE],
        apply: |site| {
            let x = site.under(site.args[0], &NEG).filter(|_| site.ty.dtype.is_inexact())?;
            Some(site.plain(site.prim, &[x]))
        },
    },
    Rule {
        name: "neutral operand",
        doc: "add x 0 = x up to the sign of zero, sub x 0 = x, mul x 1 = x, div x 1 = x.",
        prims: &[&ADD, &SUB, &MUL, &DIV],
        apply: neutral_operand,
    },
    Rule {
        name: "product of negations",
        doc: "mul (neg x) (neg y) = mul x y, mul (neg x) c = mul x (neg c), mul x (-1) = neg x; the same with div.",
        prims: &[&MUL, &DIV],
        apply: product_of_negations,
    },
    Rule {
        name: "product with two literals",
        doc: "mul (mul x c) d = mul x (c d), if c d is a finite float other than 0; rounds once where it was twice.",
        prims: &[&MUL],
        apply: |site| {
            let (inner, outer_literal) = site.literal_factor(site.args[0], site.args[1])?;
            let (a, b) = site.both_under(inner, &MUL)?;
            let (x, inner_literal) = site.literal_factor(a, b)?;
            let product = inner_literal.as_f64() * outer_literal.as_f64();
            let literal = Scalar::real(site.ty.dtype, product);
            let sound = site.ty.dtype.is_float() && is_normal(literal);
            if sound { site.scaled(x, literal) } else { None }
        },
    },
    Rule {
        name: "quotient by a power of two",
        doc: "div x c = mul x (1/c), if c is a float and a power of two whose inverse is one too.",
        prims: &[&DIV],
        apply: |site| {
            let divisor = site.splat(site.args[1]).filter(|_| site.ty.dtype.is_float())?.as_f64();
            let inverse = Scalar::real(site.ty.dtype, 1.0 / divisor);
            let is_power = divisor.to_bits().trailing_zeros() >= f64::MANTISSA_DIGITS - 1;
            // Neither overflows, nor is one of the two less precise than normal numbers are.
            let exact = divisor.is_normal() && inverse.as_f64() * divisor == 1.0 && is_normal(inverse);
            if is_power && exact { site.scaled(site.args[0], inverse) } else { None }
        },
    },
    Rule {
        name: "sum with a negation",
        doc: "add x (neg y) = sub x y, add (neg x) y = sub y x, sub x (neg y) = add x y.",
        prims: &[&ADD, &SUB],
        apply: sum_with_negation,
    },
    Rule {
        name: "square",
        doc: "mul x x = square x, if x is a number.",
        prims: &[&MUL],
        apply: |site| {
            let same = site.args[0] == site.args[1] && site.ty.dtype != DType::Bool;
            same.then(|| site.plain(&SQUARE, &[site.args[0]]))
        },
    },
    Rule {
        name: "small powers",
        doc: "integer_pow x 0 = 1, integer_pow x 1 = x, integer_pow x 2 = square x.",
        prims: &[&INTEGER_POW],
        apply: |site| match site.attrs.int("exponent") {
            0 => Some(site.filled(Scalar::one(site.ty.dtype), &site.ty.shape.clone())),
            1 => Some(site.args[0]),
            2 => Some(site.plain(&SQUARE, &[site.args[0]])),
            _ => None,
        },
    },
    Rule {
        name: "choice without a choice",
        doc: "select p x x = x, select true x y = x, select false x y = y.",
        prims: &[&SELECT],
        apply: |site| match site.splat(site.args[0]) {
            _ if site.args[1] == site.args[2] => Some(site.args[1]),
            Some(literal) => Some(site.args[if literal.as_bool() { 1 } else { 2 }]),
            None => None,
        },
    },
    Rule {
        name: "choice by a negation",
        doc: "select (not p) x y = select p y x.",
        prims: &[&SELECT],
        apply: |site| {
            let pred = site.under(site.args[0], &NOT)?;
            Some(site.plain(&SELECT, &[pred, site.args[2], site.args[1]]))
        },
    },
    Rule {
        name: "part of a complex number made of parts",
        doc: "real (complex a b) = a, imag (complex a b) = b.",
        prims: &[&REAL, &IMAG],
        apply: |site| {
            let (re, im) = site.both_under(site.args[0], &COMPLEX)?;
            Some(if site.is(&REAL) { re } else { im })
        },
    },
    Rule {
        name: "complex number made of its parts",
        doc: "complex (real z) (imag z) = z.",
        prims: &[&COMPLEX],
        apply: |site| {
            let (re, im) = (site.under(site.args[0], &REAL)?, site.under(site.args[1], &IMAG)?);
            (re == im && site.type_of(re).dtype.is_complex()).then_some(re)
        },
    },
];

impl Site<'_> {
    /// The other factor and the literal, of a product with a literal.
    fn literal_factor(&self, a: Value, b: Value) -> Option<(Value, Scalar)> {
        match (self.splat(a), self.splat(b)) {
            (_, Some(literal)) => Some((a, literal)),
            (Some(literal), None) => Some((b, literal)),
            (None, None) => None,
        }
    }

    /// The value times a literal.
    fn scaled(&mut self, x: Value, literal: Scalar) -> Option<Value> {
        let shape = self.type_of(x).shape.clone();
        let literal = self.filled(literal, &shape);
        Some(self.plain(&MUL, &[x, literal]))
    }
}

fn negative(literal: Scalar) -> Scalar {
    let value = match literal.number() {
        Number::Int(value) => Number::Int(-value),
        Number::Float(value) => Number::Float(-value),
        Number::Complex(value) => Number::Complex(-value),
    };
    Scalar::new(literal.dtype(), value)
}

fn is_normal(literal: Scalar) -> bool {
    match literal.dtype() {
        DType::F32 => (literal.as_f64() as f32).is_normal(),
        _ => literal.as_f64().is_normal(),
    }
}

fn is_number(literal: Option<Scalar>, number: f64) -> bool {
    literal.is_some_and(|literal| {
        let value = literal.as_complex();
        value.re == number && value.im == 0.0
    })
}

fn convert_after_widening(site: &mut Site<'_>) -> Option<Value> {
    let x = site.under(site.args[0], &CONVERT)?;
    let (from, through) = (site.type_of(x).dtype, site.arg_type(0).dtype);
    let keeps_all = match (from, through) {
        (DType::Bool, _) => true,
        (from, DType::F64 | DType::C128) if from.is_int() => from.size() < 8,
        (from, DType::F32 | DType::C64) if from.is_int() => from.size() < 4,
        (from, through) if from.is_unsigned_int() && through.is_int() => through.size() > from.size(),
        (from, through) if from.is_signed_int() && through.is_signed_int() => through.size() > from.size(),
        (DType::F32, DType::F64 | DType::C64 | DType::C128) | (DType::F64 | DType::C64, DType::C128) => true,
        _ => false,
    };
    // From here to an integer a float saturates and an integer wraps: only equal kinds convert alike.
    let alike = from.is_float() == through.is_float() || !site.ty.dtype.is_int();
    let dtype = Attr::DType(site.ty.dtype);
    (keeps_all && alike).then(|| site.emit(&CONVERT, &[x], Attrs::none().with("dtype", dtype)))
}

fn neutral_operand(site: &mut Site<'_>) -> Option<Value> {
    let (a, b) = (site.args[0], site.args[1]);
    let neutral = if site.is(&ADD) || site.is(&SUB) { 0.0 } else { 1.0 };
    let commutes = site.is(&ADD) || site.is(&MUL);
    match (is_number(site.splat(a), neutral), is_number(site.splat(b), neutral)) {
        (_, true) => Some(a),
        (true, false) if commutes => Some(b),
        _ => None,
    }
}

fn product_of_negations(site: &mut Site<'_>) -> Option<Value> {
    let (a, b) = (site.args[0], site.args[1]);
    if !(site.ty.dtype.is_inexact() || site.ty.dtype.is_signed_int() && site.is(&MUL)) {
        return None;
    }
    if site.is(&MUL) && is_number(site.splat(a), -1.0) {
        return Some(site.plain(&NEG, &[b]));
    }
    if is_number(site.splat(b), -1.0) {
        return Some(site.plain(&NEG, &[a]));
    }
    let negate = |site: &Site<'_>, value: Value| site.splat(value).map(negative);
    match (site.under(a, &NEG), site.under(b, &NEG)) {
        (Some(x), Some(y)) => Some(site.plain(site.prim, &[x, y])),
        (Some(x), None) => {
            let literal = negate(site, b)?;
            let literal = site.filled(literal, &site.ty.shape.clone());
            Some(site.plain(site.prim, &[x, literal]))
        }
        (None, Some(y)) => {
            let literal = negate(site, a)?;
            let literal = site.filled(literal, &site.ty.shape.clone());
            Some(site.plain(site.prim, &[literal, y]))
        }
        (None, None) => None,
    }
}

fn sum_with_negation(site: &mut Site<'_>) -> Option<Value> {
    if site.ty.dtype == DType::Bool {
        return None;
    }
    let (a, b) = (site.args[0], site.args[1]);
    if site.is(&SUB) {
        let y = site.under(b, &NEG)?;
        return Some(site.plain(&ADD, &[a, y]));
    }
    match (site.under(a, &NEG), site.under(b, &NEG)) {
        (_, Some(y)) => Some(site.plain(&SUB, &[a, y])),
        (Some(x), None) => Some(site.plain(&SUB, &[b, x])),
        (None, None) => None,
    }
}
