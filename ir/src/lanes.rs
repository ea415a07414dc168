//! The builder with which lane lowerings write their expression.
//!
//! It shares equal nodes and folds what needs no knowledge of the target: literals, additions of zero, products with
//! one, conversions to the same dtype. Complex arithmetic is written out on pairs of lanes here, once.

use crate::dtype::DType;
use crate::hash::QuickMap;
use crate::kernel::{LaneOp, Node, NodeId, NodeKind};
use crate::scalar::Scalar;

mod angle;
mod arctangent;
mod bessel;
mod circular;
mod elementary;
mod error_function;
mod exponential;
mod float;
mod gamma;
mod hyperbolic;
mod logarithm;
mod plane;
mod power;
mod root;

pub use circular::LARGEST_ANGLE;

/// A value per element: one lane, or the two parts of a complex number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Lane {
    /// A real, integer or bool lane.
    Real(NodeId),
    /// Real and imaginary lanes.
    Complex(NodeId, NodeId),
}

impl Lane {
    /// The lane of a value that is not complex.
    pub fn real(self) -> NodeId {
        match self {
            Lane::Real(node) => node,
            Lane::Complex(..) => crate::error::internal("a complex lane where a real one belongs"),
        }
    }

    /// Real and imaginary lanes of a complex value.
    pub fn parts(self) -> (NodeId, NodeId) {
        match self {
            Lane::Complex(re, im) => (re, im),
            Lane::Real(_) => crate::error::internal("a real lane where a complex one belongs"),
        }
    }
}

/// The node list of a kernel under construction.
#[derive(Default)]
pub struct Dag {
    /// The nodes so far.
    pub nodes: Vec<Node>,
    shared: QuickMap<Node, NodeId>,
}

impl Dag {
    /// Adds a node, or finds the equal one.
    pub fn push(&mut self, kind: NodeKind, dtype: DType) -> NodeId {
        let node = Node { kind, dtype };
        if let Some(&id) = self.shared.get(&node) {
            return id;
        }
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node.clone());
        self.shared.insert(node, id);
        id
    }

    /// The dtype of a node.
    pub fn dtype(&self, id: NodeId) -> DType {
        self.nodes[id.index()].dtype
    }

    /// The literal a node is, if it is one.
    pub fn constant(&self, id: NodeId) -> Option<Scalar> {
        match self.nodes[id.index()].kind {
            NodeKind::Const(value) => Some(value),
            _ => None,
        }
    }
}

/// What a lane lowering builds with.
pub struct Lanes<'a> {
    dag: &'a mut Dag,
    fused: bool,
}

impl<'a> Lanes<'a> {
    /// A builder on a node list.
    pub fn new(dag: &'a mut Dag) -> Lanes<'a> {
        Lanes { dag, fused: false }
    }

    /// The same for a target that multiplies and adds in one rounding: [`LaneOp::Fma`] may be relied on.
    pub fn with_fused_products(self) -> Lanes<'a> {
        Lanes { fused: true, ..self }
    }

    /// A literal.
    pub fn literal(&mut self, value: Scalar) -> NodeId {
        self.dag.push(NodeKind::Const(value), value.dtype())
    }

    /// A real literal of the dtype of `like`.
    pub fn number(&mut self, like: NodeId, value: f64) -> NodeId {
        let dtype = self.dag.dtype(like);
        self.literal(Scalar::real(dtype, value))
    }

    /// The dtype of a lane.
    pub fn dtype(&self, node: NodeId) -> DType {
        self.dag.dtype(node)
    }

    /// An operation whose result has the dtype of its arguments, or bool for comparisons, or of its second argument for
    /// selects.
    pub fn op(&mut self, op: LaneOp, args: &[NodeId]) -> NodeId {
        let dtype = match op {
            LaneOp::Eq | LaneOp::Ne | LaneOp::Lt | LaneOp::Le => DType::Bool,
            LaneOp::Select => self.dag.dtype(args[1]),
            LaneOp::Convert | LaneOp::Bitcast => {
                crate::error::internal("a conversion needs its dtype; use `convert` or `bitcast`")
            }
            _ => self.dag.dtype(args[0]),
        };
        if let Some(node) = self.fold(op, args) {
            return node;
        }
        self.dag.push(NodeKind::Op { op, args: args.into() }, dtype)
    }

    /// Conversion of a lane to another dtype.
    pub fn convert(&mut self, node: NodeId, dtype: DType) -> NodeId {
        if self.dag.dtype(node) == dtype {
            return node;
        }
        match self.dag.constant(node) {
            Some(value) => self.literal(value.convert(dtype)),
            None => self.dag.push(NodeKind::Op { op: LaneOp::Convert, args: [node].as_slice().into() }, dtype),
        }
    }

    /// The bits of a lane as another dtype of the same width.
    pub fn bitcast(&mut self, node: NodeId, dtype: DType) -> NodeId {
        if self.dag.dtype(node) == dtype {
            return node;
        }
        match self.dag.constant(node) {
            Some(value) => self.literal(crate::eval_kernel::bitcast(value, dtype)),
            None => self.dag.push(NodeKind::Op { op: LaneOp::Bitcast, args: [node].as_slice().into() }, dtype),
        }
    }

    /// Identities that hold for every value, NaN and signed zeros included (x + 0 does not: -0 + 0 is 0, but x - 0 does).
    fn fold(&mut self, op: LaneOp, args: &[NodeId]) -> Option<NodeId> {
        let is = |dag: &Dag, node: NodeId, value: f64| {
            dag.constant(node).is_some_and(|c| c.as_f64() == value && !(value == 0.0 && c.as_f64().is_sign_negative()))
        };
        match (op, args) {
            (LaneOp::Mul, &[a, b]) if is(self.dag, b, 1.0) => Some(a),
            (LaneOp::Mul, &[a, b]) if is(self.dag, a, 1.0) => Some(b),
            (LaneOp::Div, &[a, b]) if is(self.dag, b, 1.0) => Some(a),
            (LaneOp::Sub, &[a, b]) if is(self.dag, b, 0.0) => Some(a),
            (LaneOp::Add, &[a, b]) if self.dag.dtype(a).is_int() && is(self.dag, b, 0.0) => Some(a),
            (LaneOp::Add, &[a, b]) if self.dag.dtype(a).is_int() && is(self.dag, a, 0.0) => Some(b),
            (LaneOp::Select, &[p, a, b]) => match self.dag.constant(p) {
                Some(value) => Some(if value.as_bool() { a } else { b }),
                None if a == b => Some(a),
                None => None,
            },
            _ => None,
        }
    }

    /// a + b.
    pub fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(LaneOp::Add, &[a, b])
    }

    /// a - b.
    pub fn sub(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(LaneOp::Sub, &[a, b])
    }

    /// a * b.
    pub fn mul(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(LaneOp::Mul, &[a, b])
    }

    /// a / b.
    pub fn div(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(LaneOp::Div, &[a, b])
    }

    /// -a.
    pub fn neg(&mut self, a: NodeId) -> NodeId {
        self.op(LaneOp::Neg, &[a])
    }

    /// Square root.
    pub fn sqrt(&mut self, a: NodeId) -> NodeId {
        self.op(LaneOp::Sqrt, &[a])
    }

    /// Sum of lanes, parts apart.
    pub fn add_lanes(&mut self, a: Lane, b: Lane) -> Lane {
        match (a, b) {
            (Lane::Complex(ar, ai), Lane::Complex(br, bi)) => Lane::Complex(self.add(ar, br), self.add(ai, bi)),
            (a, b) => Lane::Real(self.add(a.real(), b.real())),
        }
    }

    /// Product of lanes, complex where they are: (ar br - ai bi) + i (ar bi + ai br).
    pub fn mul_lanes(&mut self, a: Lane, b: Lane) -> Lane {
        match (a, b) {
            (Lane::Complex(ar, ai), Lane::Complex(br, bi)) => {
                let (rr, ii, ri, ir) = (self.mul(ar, br), self.mul(ai, bi), self.mul(ar, bi), self.mul(ai, br));
                Lane::Complex(self.sub(rr, ii), self.add(ri, ir))
            }
            (a, b) => Lane::Real(self.mul(a.real(), b.real())),
        }
    }

    /// |a| of a complex lane as sqrt(re^2 + im^2), scaled by the larger part so that it neither overflows nor underflows.
    pub fn modulus(&mut self, re: NodeId, im: NodeId) -> NodeId {
        let (re, im) = (self.op(LaneOp::Abs, &[re]), self.op(LaneOp::Abs, &[im]));
        let large = self.op(LaneOp::Max, &[re, im]);
        let small = self.op(LaneOp::Min, &[re, im]);
        let zero = self.number(large, 0.0);
        let one = self.number(large, 1.0);
        let ratio = self.div(small, large);
        let square = self.mul(ratio, ratio);
        let sum = self.add(one, square);
        let root = self.sqrt(sum);
        let value = self.mul(large, root);
        // 0/0 and inf/inf are not wanted: where the small part is 0 or the large infinite, the large part is the answer.
        let no_ratio = self.op(LaneOp::Eq, &[small, zero]);
        let infinity = self.number(large, f64::INFINITY);
        let infinite = self.op(LaneOp::Eq, &[large, infinity]);
        let exact = self.op(LaneOp::Or, &[no_ratio, infinite]);
        self.op(LaneOp::Select, &[exact, large, value])
    }
}
