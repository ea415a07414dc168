//! Comparisons, and selection by their outcome.
//!
//! Comparisons follow IEEE 754: NaN is unequal to everything and neither less nor greater. Complex numbers are equal or
//! not, but have no order; false is less than true.

use super::elementwise::alike;
use super::{
    Arity, Batch, Case, Domain, Dtypes, Elements, Eval, Jvp, Lower, Operand, Prim, Transpose, Types, one, refuse,
};
use crate::array::{Array, apply1};
use crate::attrs::Attrs;
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::kernel::{LaneOp, NodeId};
use crate::lanes::{Lane, Lanes};
use crate::operand::{IntoOperand, Term, binary, unify};
use crate::scalar::{Number, Scalar};
use crate::transform::refusal;
use crate::types::Type;
use std::cmp::Ordering;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&EQ, &NE, &LT, &LE, &GT, &GE, &SELECT];

/// a == b.
pub static EQ: Prim = Prim {
    name: "eq",
    doc: "Whether two elements are equal.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Any),
    infer: |xs, _| comparison("eq", xs, Dtypes::Any),
    eval: Eval::Elementwise(|xs| Scalar::bool(equal(xs))),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match (xs[0], xs[1]) {
        (Lane::Complex(ar, ai), Lane::Complex(br, bi)) => {
            let (re, im) = (lanes.op(LaneOp::Eq, &[ar, br]), lanes.op(LaneOp::Eq, &[ai, bi]));
            Lane::Real(lanes.op(LaneOp::And, &[re, im]))
        }
        (a, b) if lanes.dtype(a.real()).is_bool() => {
            let differ = lanes.op(LaneOp::Xor, &[a.real(), b.real()]);
            Lane::Real(lanes.op(LaneOp::Not, &[differ]))
        }
        (a, b) => Lane::Real(lanes.op(LaneOp::Eq, &[a.real(), b.real()])),
    }),
};

/// a != b.
pub static NE: Prim = Prim {
    name: "ne",
    doc: "Whether two elements differ.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Any),
    infer: |xs, _| comparison("ne", xs, Dtypes::Any),
    eval: Eval::Elementwise(|xs| Scalar::bool(!equal(xs))),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match (xs[0], xs[1]) {
        (Lane::Complex(ar, ai), Lane::Complex(br, bi)) => {
            let (re, im) = (lanes.op(LaneOp::Ne, &[ar, br]), lanes.op(LaneOp::Ne, &[ai, bi]));
            Lane::Real(lanes.op(LaneOp::Or, &[re, im]))
        }
        (a, b) if lanes.dtype(a.real()).is_bool() => Lane::Real(lanes.op(LaneOp::Xor, &[a.real(), b.real()])),
        (a, b) => Lane::Real(lanes.op(LaneOp::Ne, &[a.real(), b.real()])),
    }),
};

/// a < b.
pub static LT: Prim = Prim {
    name: "lt",
    doc: "Whether the first element is less than the second.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Ordered),
    infer: |xs, _| comparison("lt", xs, Dtypes::Ordered),
    eval: Eval::Elementwise(|xs| Scalar::bool(order(xs[0], xs[1]) == Some(Ordering::Less))),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| less(lanes, xs[0].real(), xs[1].real())),
};

/// a <= b.
pub static LE: Prim = Prim {
    name: "le",
    doc: "Whether the first element is at most the second.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Ordered),
    infer: |xs, _| comparison("le", xs, Dtypes::Ordered),
    eval: Eval::Elementwise(|xs| Scalar::bool(order(xs[0], xs[1]).is_some_and(Ordering::is_le))),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| at_most(lanes, xs[0].real(), xs[1].real())),
};

/// a > b.
pub static GT: Prim = Prim {
    name: "gt",
    doc: "Whether the first element is greater than the second.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Ordered),
    infer: |xs, _| comparison("gt", xs, Dtypes::Ordered),
    eval: Eval::Elementwise(|xs| Scalar::bool(order(xs[0], xs[1]) == Some(Ordering::Greater))),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| less(lanes, xs[1].real(), xs[0].real())),
};

/// a >= b.
pub static GE: Prim = Prim {
    name: "ge",
    doc: "Whether the first element is at least the second.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Ordered),
    infer: |xs, _| comparison("ge", xs, Dtypes::Ordered),
    eval: Eval::Elementwise(|xs| Scalar::bool(order(xs[0], xs[1]).is_some_and(Ordering::is_ge))),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| at_most(lanes, xs[1].real(), xs[0].real())),
};

/// One of two by a truth value.
pub static SELECT: Prim = Prim {
    name: "select",
    doc: "The second operand's element where the first is true, else the third's.",
    arity: Arity::Exactly(3),
    attrs: &[],
    domain: Domain::Cases(|| {
        let case = |dtype| {
            let ty = Type::new(dtype, &[2, 3]);
            Case::new([ty.with_dtype(DType::Bool), ty.clone(), ty], Attrs::none())
        };
        DType::ALL.into_iter().map(case).collect()
    }),
    infer: selected,
    eval: Eval::Elementwise(|xs| if xs[0].as_bool() { xs[1] } else { xs[2] }),
    // One select for both tangents, where a sum over operands would need two.
    jvp: Jvp::Whole(|prim, xs, tangents, attrs| {
        let out = apply1(prim, &[&xs[0], &xs[1], &xs[2]], attrs.clone());
        let tangent = (tangents[1].is_some() || tangents[2].is_some()).then(|| {
            let tangent = |i: usize| tangents[i].clone().unwrap_or_else(|| out.zeros_like());
            apply1(prim, &[&xs[0], &tangent(1), &tangent(2)], attrs.clone())
        });
        (vec![out], vec![tangent])
    }),
    transpose: Transpose::Rule(|args| {
        let Operand::Known(pred) = &args.xs[0] else {
            let message = "cannot be transposed here: it is not linear in its condition";
            let error = refusal("select", message);
            return args.xs.iter().map(|x| x.is_linear().then(|| error.clone())).collect();
        };
        let zero = args.ct().zeros_like();
        let on_true = args.xs[1].is_linear().then(|| pred.select(args.ct(), &zero));
        let on_false = args.xs[2].is_linear().then(|| pred.select(&zero, args.ct()));
        vec![None, on_true, on_false]
    }),
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| {
        let pred = xs[0].real();
        match (xs[1], xs[2]) {
            (Lane::Complex(ar, ai), Lane::Complex(br, bi)) => {
                Lane::Complex(lanes.op(LaneOp::Select, &[pred, ar, br]), lanes.op(LaneOp::Select, &[pred, ai, bi]))
            }
            (a, b) => Lane::Real(lanes.op(LaneOp::Select, &[pred, a.real(), b.real()])),
        }
    }),
};

fn comparison(operation: &str, operands: &[&Type], domain: Dtypes) -> Result<Types> {
    alike(operation, operands, domain)?;
    one(operands[0].with_dtype(DType::Bool))
}

fn selected(operands: &[&Type], _: &Attrs) -> Result<Types> {
    let [pred, on_true, on_false] = operands else { crate::error::internal("select of other than three operands") };
    if !pred.dtype.is_bool() {
        let message = format!("the condition must be bool, got {pred}; compare it, as in `x.not_equal(0)`");
        return refuse(ErrorKind::DType, "select", message);
    }
    if pred.shape != on_true.shape {
        let message = format!("shapes of the condition {pred} and of {on_true} differ; broadcast one of them");
        return refuse(ErrorKind::Shape, "select", message);
    }
    alike("select", &[on_true, on_false], Dtypes::Any)
}

fn equal(xs: &[Scalar]) -> bool {
    match (xs[0].number(), xs[1].number()) {
        (Number::Int(a), Number::Int(b)) => a == b,
        (Number::Float(a), Number::Float(b)) => a == b,
        _ => xs[0].as_complex() == xs[1].as_complex(),
    }
}

fn order(a: Scalar, b: Scalar) -> Option<Ordering> {
    match (a.number(), b.number()) {
        (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
        _ => a.as_f64().partial_cmp(&b.as_f64()),
    }
}

fn less(lanes: &mut Lanes<'_>, a: NodeId, b: NodeId) -> Lane {
    if !lanes.dtype(a).is_bool() {
        return Lane::Real(lanes.op(LaneOp::Lt, &[a, b]));
    }
    let not_a = lanes.op(LaneOp::Not, &[a]);
    Lane::Real(lanes.op(LaneOp::And, &[not_a, b]))
}

fn at_most(lanes: &mut Lanes<'_>, a: NodeId, b: NodeId) -> Lane {
    if !lanes.dtype(a).is_bool() {
        return Lane::Real(lanes.op(LaneOp::Le, &[a, b]));
    }
    let not_a = lanes.op(LaneOp::Not, &[a]);
    Lane::Real(lanes.op(LaneOp::Or, &[not_a, b]))
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $method:ident $prim:ident $domain:ident;)*) => {
        impl Array {
            $($(#[$doc])*
            #[track_caller]
            pub fn $method(&self, other: impl IntoOperand) -> Array {
                binary(&$prim, Dtypes::$domain, Term::Array(self.clone()), other.into_operand())
            })*
        }
    };
}
comparisons! {
    /// Whether elements are equal.
    equal EQ Any;
    /// Whether elements differ.
    not_equal NE Any;
    /// Whether elements are less than the other's.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1.0f32, 3.0]).less(2).to_bools().unwrap(), [true, false]);
    /// ```
    less LT Ordered;
    /// Whether elements are at most the other's.
    less_equal LE Ordered;
    /// Whether elements are greater than the other's.
    greater GT Ordered;
    /// Whether elements are at least the other's.
    greater_equal GE Ordered;
}

impl Array {
    /// `on_true` where an element of this boolean array is true, else `on_false`; all three broadcast.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([-1.0f32, 4.0]);
    /// assert_eq!(x.less(0).select(0, x.sqrt()).to_vec::<f32>().unwrap(), [0.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn select(&self, on_true: impl IntoOperand, on_false: impl IntoOperand) -> Array {
        let terms = [on_true.into_operand(), on_false.into_operand()];
        let Ok(pred) = self.ty() else { return self.clone() };
        match unify(SELECT.name, Dtypes::Any, &terms, Some(pred.clone())) {
            Ok(operands) => match operands[0].shape() {
                Ok(shape) if shape != pred.shape => {
                    apply1(&SELECT, &[&self.broadcast_to(&shape), &operands[0], &operands[1]], Attrs::none())
                }
                _ => apply1(&SELECT, &[self, &operands[0], &operands[1]], Attrs::none()),
            },
            Err(error) => error,
        }
    }
}
