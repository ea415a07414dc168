//! Kernels: the closed bottom to which fused array code is lowered.
//!
//! A kernel is one loop nest over a box of `extents`, outermost axis first. Its body is a dag of lane operations on
//! real scalars (complex numbers are pairs of lanes by now), read through affine accesses and written to outputs that
//! store or accumulate. A [`NodeKind::Pick`] guards: its `inside` branch is meant only where one loop index lies in a
//! range, so that the loads below it are in range exactly there. Evaluation is therefore by demand, and the emitter
//! splits the box at guard bounds until no pick is left.
//!
//! Operand offsets and strides count elements of the operand's lane dtype; an operand of c64 is seen as f32 of twice
//! the length.
//!
//! Rules (checked by `verify_kernel`): K1 arguments precede their node; K2 every node has the dtype its operation gives;
//! K3 accesses have one stride per axis, and no loop moves dynamic summands of what is written; K4 every load is in range
//! wherever it is demanded (dynamic offsets are clamped by construction and exempt); K5 every stored element is written
//! once per kernel run; K6 a reduction's access has stride 0 on every axis it reduces; K7 guards are nonempty and within
//! the box; K8 picked branches agree in dtype; K9 what is scattered to is not read, and positions need no guards.

use crate::dtype::DType;
use crate::scalar::Scalar;
use smallvec::SmallVec;
use std::fmt;

/// A loop nest.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Kernel {
    /// For people; has no meaning.
    pub name: String,
    /// Extents of the loops, outermost first. Empty for straight-line scalar code.
    pub extents: SmallVec<[usize; 4]>,
    /// Buffers read and written.
    pub operands: Vec<KernelOperand>,
    /// The dag, arguments first.
    pub nodes: Vec<Node>,
    /// What is written.
    pub outputs: Vec<Output>,
}

/// A buffer a kernel touches.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KernelOperand {
    /// Lane dtype of the elements; never complex.
    pub dtype: DType,
    /// Number of elements.
    pub len: usize,
    /// Whether the kernel writes it. A written operand may also be read (an in-place update): then each element is read
    /// only by the iteration that writes it.
    pub written: bool,
}

/// A node of the dag, by position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// One value per loop iteration.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Node {
    /// How it is computed.
    pub kind: NodeKind,
    /// Its dtype; never complex.
    pub dtype: DType,
}

/// How a node is computed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum NodeKind {
    /// An element of a buffer.
    Load {
        /// Which of the kernel's operands.
        operand: u32,
        /// Which element.
        access: Access,
    },
    /// A literal.
    Const(Scalar),
    /// The loop index of an axis, as i64.
    Index {
        /// The axis.
        axis: usize,
    },
    /// A lane operation.
    Op {
        /// Which.
        op: LaneOp,
        /// Its arguments.
        args: SmallVec<[NodeId; 3]>,
    },
    /// `inside` where `low <= i[axis] < high`, `outside` elsewhere.
    Pick {
        /// The loop axis tested.
        axis: usize,
        /// First index inside.
        low: usize,
        /// First index after the inside.
        high: usize,
        /// Value inside.
        inside: NodeId,
        /// Value outside.
        outside: NodeId,
    },
}

/// An element position, affine in the loop indices: `offset + sum strides[a] * i[a] + sum dynamic`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Access {
    /// Position at loop index 0.
    pub offset: i64,
    /// Step per loop index.
    pub strides: SmallVec<[i64; 4]>,
    /// Summands known only at run time: an i64 node and its factor. Where something is stored or reduced, no loop index
    /// changes them; a load whose summands differ between iterations gathers.
    pub dynamic: SmallVec<[(NodeId, i64); 1]>,
}

/// Something written.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Output {
    /// Which of the kernel's operands; it is a written one.
    pub operand: u32,
    /// Which element.
    pub access: Access,
    /// The value.
    pub node: NodeId,
    /// Store, accumulate over the axes on which the access has stride 0, or combine with what is there.
    pub kind: OutputKind,
}

/// The way an output is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OutputKind {
    /// Each iteration stores its element.
    Store,
    /// The iterations over the reduced axes (all with stride 0) combine into one element, starting from the identity.
    Reduce(ReduceOp),
    /// Each iteration combines its value with what is in the element, which may be any iteration's. Dynamic summands of the
    /// access may change with the loops.
    Scatter(ReduceOp),
}

/// An associative, commutative combination.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReduceOp {
    /// Sum. Of bools: or.
    Sum,
    /// Product. Of bools: and.
    Prod,
    /// Maximum; NaN if any is.
    Max,
    /// Minimum; NaN if any is.
    Min,
}

/// Operations on lanes. Arguments and result share one dtype unless said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LaneOp {
    /// a + b. Integers wrap; bools or.
    Add,
    /// a - b. Integers wrap.
    Sub,
    /// a * b. Integers wrap; bools and.
    Mul,
    /// a / b. Integers truncate towards zero; division by zero gives -1 (all bits set), and the least value over -1 itself.
    Div,
    /// Remainder with the sign of a. Integer remainder by zero gives a.
    Rem,
    /// -a. Integers wrap.
    Neg,
    /// |a|. The least integer gives itself.
    Abs,
    /// -1, 0, 1 by the sign of a; a itself for zeros and NaN.
    Sign,
    /// Maximum; NaN if either is.
    Max,
    /// Minimum; NaN if either is.
    Min,
    /// a * b + c, fused or not; the emitter decides per target.
    Fma,
    /// Square root.
    Sqrt,
    /// Greatest integer not above.
    Floor,
    /// Least integer not below.
    Ceil,
    /// Nearest integer, ties to even.
    Round,
    /// Towards zero.
    Trunc,
    /// e^a.
    Exp,
    /// Natural logarithm.
    Log,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Hyperbolic tangent.
    Tanh,
    /// a^b for floats, as C's pow.
    Pow,
    /// atan2(a, b).
    Atan2,
    /// Bitwise and; logical on bools.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// Bitwise complement; logical on bools.
    Not,
    /// a << b; 0 where b is not below the width.
    Shl,
    /// Logical shift right; 0 where b is not below the width.
    Shr,
    /// a == b, a bool.
    Eq,
    /// a != b, a bool.
    Ne,
    /// a < b, a bool.
    Lt,
    /// a <= b, a bool.
    Le,
    /// b where a (a bool) is true, else c; b and c share the result's dtype.
    Select,
    /// Conversion of a to the node's dtype, with the rules of `Scalar::convert`.
    Convert,
    /// The bits of a, read as the node's dtype, which has the same width. Bools have no bits to speak of.
    Bitcast,
}

impl LaneOp {
    /// Every operation.
    pub const ALL: [LaneOp; 36] = [
        LaneOp::Add,
        LaneOp::Sub,
        LaneOp::Mul,
        LaneOp::Div,
        LaneOp::Rem,
        LaneOp::Neg,
        LaneOp::Abs,
        LaneOp::Sign,
        LaneOp::Max,
        LaneOp::Min,
        LaneOp::Fma,
        LaneOp::Sqrt,
        LaneOp::Floor,
        LaneOp::Ceil,
        LaneOp::Round,
        LaneOp::Trunc,
        LaneOp::Exp,
        LaneOp::Log,
        LaneOp::Sin,
        LaneOp::Cos,
        LaneOp::Tanh,
        LaneOp::Pow,
        LaneOp::Atan2,
        LaneOp::And,
        LaneOp::Or,
        LaneOp::Xor,
        LaneOp::Not,
        LaneOp::Shl,
        LaneOp::Shr,
        LaneOp::Eq,
        LaneOp::Ne,
        LaneOp::Lt,
        LaneOp::Le,
        LaneOp::Select,
        LaneOp::Convert,
        LaneOp::Bitcast,
    ];

    /// The spelling in the text form.
    pub fn name(self) -> &'static str {
        match self {
            LaneOp::Add => "add",
            LaneOp::Sub => "sub",
            LaneOp::Mul => "mul",
            LaneOp::Div => "div",
            LaneOp::Rem => "rem",
            LaneOp::Neg => "neg",
            LaneOp::Abs => "abs",
            LaneOp::Sign => "sign",
            LaneOp::Max => "max",
            LaneOp::Min => "min",
            LaneOp::Fma => "fma",
            LaneOp::Sqrt => "sqrt",
            LaneOp::Floor => "floor",
            LaneOp::Ceil => "ceil",
            LaneOp::Round => "round",
            LaneOp::Trunc => "trunc",
            LaneOp::Exp => "exp",
            LaneOp::Log => "log",
            LaneOp::Sin => "sin",
            LaneOp::Cos => "cos",
            LaneOp::Tanh => "tanh",
            LaneOp::Pow => "pow",
            LaneOp::Atan2 => "atan2",
            LaneOp::And => "and",
            LaneOp::Or => "or",
            LaneOp::Xor => "xor",
            LaneOp::Not => "not",
            LaneOp::Shl => "shl",
            LaneOp::Shr => "shr",
            LaneOp::Eq => "eq",
            LaneOp::Ne => "ne",
            LaneOp::Lt => "lt",
            LaneOp::Le => "le",
            LaneOp::Select => "select",
            LaneOp::Convert => "convert",
            LaneOp::Bitcast => "bitcast",
        }
    }

    /// Number of arguments.
    pub fn arity(self) -> usize {
        match self {
            LaneOp::Neg
            | LaneOp::Abs
            | LaneOp::Sign
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
            | LaneOp::Not
            | LaneOp::Convert
            | LaneOp::Bitcast => 1,
            LaneOp::Fma | LaneOp::Select => 3,
            LaneOp::Add
            | LaneOp::Sub
            | LaneOp::Mul
            | LaneOp::Div
            | LaneOp::Rem
            | LaneOp::Max
            | LaneOp::Min
            | LaneOp::Pow
            | LaneOp::Atan2
            | LaneOp::And
            | LaneOp::Or
            | LaneOp::Xor
            | LaneOp::Shl
            | LaneOp::Shr
            | LaneOp::Eq
            | LaneOp::Ne
            | LaneOp::Lt
            | LaneOp::Le => 2,
        }
    }
}

impl ReduceOp {
    /// The spelling in the text form.
    pub fn name(self) -> &'static str {
        match self {
            ReduceOp::Sum => "sum",
            ReduceOp::Prod => "prod",
            ReduceOp::Max => "max",
            ReduceOp::Min => "min",
        }
    }

    /// The value that combines without effect.
    pub fn identity(self, dtype: DType) -> Scalar {
        match self {
            ReduceOp::Sum => Scalar::zero(dtype),
            ReduceOp::Prod => Scalar::one(dtype),
            ReduceOp::Max => Scalar::lowest(dtype),
            ReduceOp::Min => Scalar::highest(dtype),
        }
    }

    /// The lane operation that combines two values.
    pub fn combine(self) -> LaneOp {
        match self {
            ReduceOp::Sum => LaneOp::Add,
            ReduceOp::Prod => LaneOp::Mul,
            ReduceOp::Max => LaneOp::Max,
            ReduceOp::Min => LaneOp::Min,
        }
    }
}

impl NodeId {
    /// Its position in the kernel's list.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl NodeKind {
    /// Calls `visit` with every node this one refers to.
    pub fn arguments(&self, mut visit: impl FnMut(NodeId)) {
        match self {
            NodeKind::Load { access, .. } => access.dynamic.iter().for_each(|&(node, _)| visit(node)),
            NodeKind::Op { args, .. } => args.iter().for_each(|&arg| visit(arg)),
            NodeKind::Pick { inside, outside, .. } => [*inside, *outside].into_iter().for_each(visit),
            NodeKind::Const(_) | NodeKind::Index { .. } => {}
        }
    }

    /// The same of other nodes: `places[n]` stands for node `n`.
    pub fn renumbered(&self, places: &[NodeId]) -> NodeKind {
        let place = |node: &NodeId| places[node.index()];
        match self {
            NodeKind::Load { operand, access } => {
                NodeKind::Load { operand: *operand, access: access.renumbered(places) }
            }
            NodeKind::Op { op, args } => NodeKind::Op { op: *op, args: args.iter().map(place).collect() },
            NodeKind::Pick { axis, low, high, inside, outside } => {
                NodeKind::Pick { axis: *axis, low: *low, high: *high, inside: place(inside), outside: place(outside) }
            }
            NodeKind::Const(_) | NodeKind::Index { .. } => self.clone(),
        }
    }
}

impl Access {
    /// The same position, from other nodes: `places[n]` stands for node `n`.
    pub fn renumbered(&self, places: &[NodeId]) -> Access {
        let dynamic = self.dynamic.iter().map(|&(node, factor)| (places[node.index()], factor)).collect();
        Access { offset: self.offset, strides: self.strides.clone(), dynamic }
    }
}

impl OutputKind {
    /// Whether each iteration combines its value with what is in memory.
    pub fn scatters(self) -> bool {
        matches!(self, OutputKind::Scatter(_))
    }
}

impl Kernel {
    /// Whether some output scatters.
    pub fn scatters(&self) -> bool {
        self.outputs.iter().any(|output| output.kind.scatters())
    }

    /// The node with the given id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Number of loop iterations.
    pub fn iterations(&self) -> usize {
        self.extents.iter().product()
    }
}
