//! Primitives: static records that hold everything the library knows of an operation.
//!
//! A record has no optional field: a rule that does not exist is a value that says so. Rules are written with the
//! operations users call, so whatever a rule computes can itself be transformed. Records stand in family files together
//! with the methods on `Array` that apply them; printer, parser, verifier, interpreters, transformations, fusion and the
//! law tests find them through [`all`].
//!
//! Adding a primitive: a record and a method in the family's file, the record's name in that file's `ALL` list, and a
//! filetest `tests/filetests/run/<name>.ir`.

use crate::array::Array;
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::ReduceOp;
use crate::lanes::{Lane, Lanes};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::transform::vmap::BatchAxis;
use crate::types::Type;
use smallvec::SmallVec;
use std::fmt;
use std::sync::LazyLock;

mod arrange;
pub(crate) mod axes;
pub mod bessel;
pub mod binary;
pub mod bits;
mod border;
pub mod checkpoint;
pub mod collective;
pub mod compare;
pub mod complex;
pub mod contract;
pub mod control;
pub mod conv;
mod create;
pub mod cumulative;
pub mod custom;
pub mod dynamic;
pub mod effect;
pub mod einsum;
pub mod elementary;
mod elementwise;
pub mod exponential;
pub mod fft;
pub mod floating;
mod gamma_reference;
pub mod gather;
pub mod host;
pub mod hyperbolic;
pub mod implicit;
pub mod incomplete;
pub mod index;
mod indexing;
pub mod integer;
mod interpolate;
pub mod linalg;
pub mod logarithm;
mod operators;
mod principal;
mod probability;
pub mod products;
mod rearrange;
pub mod reduce;
pub mod root;
pub mod scatter;
pub mod shape;
pub mod sort;
pub mod special;
pub mod spectrum;
pub mod statistics;
pub mod trigonometric;
pub mod unary;
mod window;

pub use arrange::meshgrid;
pub use border::Border;
pub use conv::Padding;
pub use einsum::einsum;
pub use gather::OutOfRange;
pub use index::concatenate;
pub use indexing::{At, Index};
pub use interpolate::Boundary;
pub use products::multi_dot;
pub use rearrange::stack;
pub use scatter::ScatterKind;
pub use sort::sort_together;
pub use window::{Window, WindowOp};

/// Types of operands or results.
pub type Types = SmallVec<[Type; 2]>;

/// A primitive operation.
pub struct Prim {
    /// The spelling in the text form.
    pub name: &'static str,
    /// One sentence: what is computed.
    pub doc: &'static str,
    /// How many operands it takes.
    pub arity: Arity,
    /// The attributes every instruction of this primitive has, in this order.
    pub attrs: &'static [(&'static str, AttrKind)],
    /// Where the laws sample operands.
    pub domain: Domain,
    /// Result types from operand types, or what is wrong with them. Arity and attribute kinds have been checked.
    pub infer: fn(&[&Type], &Attrs) -> Result<Types>,
    /// The meaning, slow and obvious.
    pub eval: Eval,
    /// The tangent rule.
    pub jvp: Jvp,
    /// The transpose of the primitive as a linear function of some of its operands.
    pub transpose: Transpose,
    /// The rule for operands with an additional leading axis.
    pub batch: Batch,
    /// How it becomes code.
    pub lower: Lower,
}

/// Number of operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arity {
    /// Exactly so many.
    Exactly(usize),
    /// So many or more.
    AtLeast(usize),
}

/// From what the laws draw the elements of operands, so that a rule is tested where it is defined and smooth.
#[derive(Clone, Copy)]
pub enum Domain {
    /// Elementwise: any finite number of moderate size; operands all of one dtype, drawn from these.
    Elementwise(Elements, Dtypes),
    /// The primitive needs particular shapes or attributes: these cases, each operand types, attributes and element range.
    Cases(fn() -> Vec<Case>),
}

/// A range of sampled elements.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Elements {
    /// Within [-3, 3], away from 0.
    Real,
    /// Within [0.2, 3].
    Positive,
    /// Within (-0.9, 0.9), away from 0.
    Unit,
    /// Within [0.1, 0.9].
    Fraction,
    /// Within [1.2, 3].
    Above,
    /// Matrices, the last two axes, whose diagonal is positive and outweighs the rest, and whose singular values and
    /// eigenvalues are far from 0 and from each other.
    Dominant,
}

/// A set of dtypes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dtypes {
    /// f32, f64.
    Floats,
    /// f32, f64, c64, c128.
    Inexact,
    /// c64, c128.
    Complex,
    /// Integers and floats.
    Reals,
    /// All but bool.
    Numbers,
    /// bool and integers.
    Bits,
    /// bool, integers, floats.
    Ordered,
    /// Everything.
    Any,
}

impl Dtypes {
    /// Whether `dtype` is in the set.
    pub fn contains(self, dtype: DType) -> bool {
        match self {
            Dtypes::Floats => dtype.is_float(),
            Dtypes::Inexact => dtype.is_inexact(),
            Dtypes::Complex => dtype.is_complex(),
            Dtypes::Reals => dtype.is_int() || dtype.is_float(),
            Dtypes::Numbers => !dtype.is_bool(),
            Dtypes::Bits => dtype.is_bool() || dtype.is_int(),
            Dtypes::Ordered => !dtype.is_complex(),
            Dtypes::Any => true,
        }
    }

    /// The set in words, for messages.
    pub fn describe(self) -> &'static str {
        match self {
            Dtypes::Floats => "f32 or f64",
            Dtypes::Inexact => "f32, f64, c64 or c128",
            Dtypes::Complex => "c64 or c128",
            Dtypes::Reals => "an integer or f32, f64",
            Dtypes::Numbers => "any dtype but bool",
            Dtypes::Bits => "bool or an integer",
            Dtypes::Ordered => "any dtype but c64, c128",
            Dtypes::Any => "any dtype",
        }
    }
}

/// One application of a primitive for the laws.
#[derive(Clone, Debug)]
pub struct Case {
    /// Operand types.
    pub operands: Vec<Type>,
    /// Static operands.
    pub attrs: Attrs,
    /// Range of the elements, per operand.
    pub elements: Vec<Elements>,
}

impl Case {
    /// A case whose operands all range over moderate reals.
    pub fn new(operands: impl IntoIterator<Item = Type>, attrs: Attrs) -> Case {
        let operands: Vec<Type> = operands.into_iter().collect();
        let elements = vec![Elements::Real; operands.len()];
        Case { operands, attrs, elements }
    }
}

/// The meaning of a primitive.
#[derive(Clone, Copy)]
pub enum Eval {
    /// Element by element; the result is converted to the result's dtype.
    Elementwise(fn(&[Scalar]) -> Scalar),
    /// Whole tensors, given the result types.
    Tensors(fn(&[&Tensor], &Attrs, &[Type]) -> Vec<Tensor>),
    /// Runs sub-functions or reaches outside; sees the interpreter.
    Control(fn(&mut crate::eval::Interpreter<'_>, &[Tensor], &Attrs) -> Result<Vec<Tensor>>),
}

/// What a tangent rule sees besides the tangent.
pub struct JvpArgs<'a> {
    /// Operands.
    pub xs: &'a [Array],
    /// Result of the primitive on them.
    pub out: &'a Array,
    /// Static operands.
    pub attrs: &'a Attrs,
}

/// One summand of a tangent: its contribution from the tangent of one operand.
pub type OperandJvp = fn(&JvpArgs<'_>, &Array) -> Array;

/// Primal results with their tangents; `None` is a zero tangent.
pub type WithTangents = (Vec<Array>, Vec<Option<Array>>);

/// A rule that emits primal and tangent together: primitive, operands, their tangents, static operands.
pub type WholeJvp = fn(&'static Prim, &[Array], &[Option<Array>], &Attrs) -> WithTangents;

/// The tangent rule.
#[derive(Clone, Copy)]
pub enum Jvp {
    /// Linear in all operands jointly: applied to the tangents, with zeros where an operand has none.
    Linear,
    /// The sum, over operands with a tangent, of these.
    PerOperand(&'static [OperandJvp]),
    /// Locally constant, or not differentiable: the tangent is zero.
    Zero,
    /// Emits the primitive itself and its tangent, as control flow must. Tangents are `None` where zero.
    Whole(WholeJvp),
}

/// An operand as a transpose rule sees it.
#[derive(Clone)]
pub enum Operand {
    /// Not part of the linear function: its value.
    Known(Array),
    /// Linear: only its type is known, and its cotangent is asked for.
    Linear(Type),
}

impl Operand {
    /// Whether this operand's cotangent is asked for.
    pub fn is_linear(&self) -> bool {
        matches!(self, Operand::Linear(_))
    }

    /// The value of an operand that is not linear.
    pub fn known(&self) -> &Array {
        match self {
            Operand::Known(array) => array,
            Operand::Linear(ty) => crate::error::internal(&format!("a linear operand {ty} where a known one belongs")),
        }
    }

    /// The type.
    pub fn ty(&self) -> Result<Type> {
        match self {
            Operand::Known(array) => array.ty(),
            Operand::Linear(ty) => Ok(ty.clone()),
        }
    }
}

/// What a transpose rule sees.
pub struct TransposeArgs<'a> {
    /// Cotangents of the results; `None` is zero, and not all are.
    pub cts: &'a [Option<Array>],
    /// Operands.
    pub xs: &'a [Operand],
    /// Static operands.
    pub attrs: &'a Attrs,
    /// Result types.
    pub results: &'a [Type],
}

impl TransposeArgs<'_> {
    /// The cotangent of a primitive with one result.
    pub fn ct(&self) -> &Array {
        self.cts[0].as_ref().unwrap_or_else(|| crate::error::internal("transposing with a zero cotangent"))
    }
}

/// The transpose rule. It returns a cotangent per operand, `None` for known operands and for zero.
#[derive(Clone, Copy)]
pub enum Transpose {
    /// Not linear in any operand: a linear function never contains it with linear operands.
    NotLinear,
    /// Linear in the operands the rule accepts; an error value where it is asked for others.
    Rule(fn(&TransposeArgs<'_>) -> Vec<Option<Array>>),
}

/// What a batching rule sees. Batched operands carry the batch as their leading axis.
pub struct BatchArgs<'a> {
    /// The primitive.
    pub prim: &'static Prim,
    /// Operands.
    pub xs: &'a [Array],
    /// Which operands are batched; at least one is.
    pub batched: &'a [bool],
    /// Extent of the batch.
    pub size: usize,
    /// The axis that is batched, for what transforms functions.
    pub axis: BatchAxis,
    /// Static operands.
    pub attrs: &'a Attrs,
}

impl BatchArgs<'_> {
    /// Operand `i` with a batch axis, broadcast if it had none.
    pub fn with_batch(&self, i: usize) -> Array {
        if self.batched[i] { self.xs[i].clone() } else { self.xs[i].broadcast_leading(self.size) }
    }

    /// The shape of operand `i` without its batch axis.
    pub fn inner_shape(&self, i: usize) -> Result<crate::types::Dims> {
        let shape = self.xs[i].shape()?;
        Ok(if self.batched[i] { shape[1..].into() } else { shape })
    }
}

/// The batching rule. Results carry the batch as their leading axis where the flag says so.
#[derive(Clone, Copy)]
pub enum Batch {
    /// Element by element: operands without a batch are broadcast.
    Elementwise,
    /// Any other.
    Rule(fn(&BatchArgs<'_>) -> Vec<(Array, bool)>),
}

/// How a primitive becomes code. The set of kinds is closed; fusion and emission know kinds, never primitives.
#[derive(Clone, Copy)]
pub enum Lower {
    /// One lane expression per element. Complex values arrive as pairs of lanes.
    Lanes(LowerLanes),
    /// Each result element is an operand's element at another place, or a constant of the place.
    Reindex(fn(&[&Type], &Attrs, &Type) -> View),
    /// Reduction of the one operand over the attribute `axes`.
    Reduce(ReduceOp),
    /// Rewritten into other primitives just before fusion.
    Expand(fn(&[Array], &Attrs) -> Vec<Array>),
    /// A library routine.
    Library(Routine),
    /// A library routine for the operand types that the function accepts; otherwise rewritten as by [`Lower::Expand`].
    LibraryOrExpand(fn(&[&Type], &Attrs) -> bool, Routine, fn(&[Array], &Attrs) -> Vec<Array>),
    /// Rows of operand 2, [.., k, m], combined with those of operand 0, [.., n, m], that operand 1, [.., k], names: by a
    /// kernel where the function gives the operation, else by a library routine.
    Scatter(fn(&[&Type], &Attrs) -> Option<ReduceOp>, Routine),
    /// Control flow and effects.
    Control(Control),
}

/// A lane lowering: operands (all of the same shape), the result type, attributes.
pub type LowerLanes = fn(&mut Lanes<'_>, &[Lane], &Type, &Attrs) -> Lane;

/// Where a result element of a reindexing primitive comes from, given its index `o`.
#[derive(Clone, PartialEq, Debug)]
pub enum View {
    /// Operand 0 at index `i[d] = offset + stride * o[axis]` for each axis `d` of the operand (the offset alone without
    /// an axis). Always in range.
    Affine(SmallVec<[AxisMap; 4]>),
    /// Operand 0 at the same row-major position.
    Reshape,
    /// Operand 0 at `(o[d] - low[d]) / (interior[d] + 1)` where that is whole and in range, otherwise operand 1, a scalar.
    Pad {
        /// Elements before the first, per axis; negative where elements are cut off.
        low: SmallVec<[i64; 4]>,
        /// Elements between neighbours, per axis.
        interior: SmallVec<[i64; 4]>,
    },
    /// The operands one after the other along an axis.
    Concatenate {
        /// The axis.
        axis: usize,
    },
    /// The index `o[axis]` itself, converted to the result dtype.
    Iota {
        /// The axis.
        axis: usize,
    },
    /// A literal.
    Constant(Scalar),
    /// Operand 0 at `o[d] + clamp(start[d])`, the starts being operands 1 and following, one integer scalar an axis.
    DynamicSlice,
    /// Operand 1 where `o - clamp(start)` is within it, else operand 0; starts are operands 2 and following.
    DynamicUpdate,
    /// Operand 0, [.., n, m], at `o` with the index of the row replaced by the element of operand 1, [.., k], at `o` without
    /// the last axis, clamped to 0..n.
    Gather,
}

/// One axis of an affine view.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AxisMap {
    /// Index at result index 0.
    pub offset: i64,
    /// Step per result index.
    pub stride: i64,
    /// The result axis, none where the operand's index does not vary.
    pub axis: Option<usize>,
}

/// A library routine. Attributes of the instruction complete it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Routine {
    /// Contraction, `contract::DOT_GENERAL`.
    Dot,
    /// Discrete Fourier transform, `fft::FFT`.
    Fft,
    /// The items of a batch one by one. The trailing axes of operands and results are an item's, as many as stated for
    /// each (the last number holds for all that follow); the leading ones count items and are the same for all. [`WHOLE`]
    /// arrays are one item.
    Items {
        /// Axes of an item of each operand.
        operands: &'static [usize],
        /// Axes of an item of each result.
        results: &'static [usize],
    },
}

/// In [`Routine::Items`]: all axes, however many there are.
pub const WHOLE: usize = usize::MAX;

/// Control flow and effects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// `control::WHILE`
    While,
    /// `control::SCAN`
    Scan,
    /// `control::SWITCH`
    Switch,
    /// `control::CALL`
    Call,
    /// `checkpoint::CHECKPOINT`
    Checkpoint,
    /// A function with a derivative of its own, of the families `custom` and `implicit`.
    Custom,
    /// `effect::TAP`
    Tap,
    /// `host::HOST_CALL`
    Host,
}

impl Prim {
    /// Result types, after checking arity and attributes.
    pub fn infer(&'static self, operands: &[&Type], attrs: &Attrs) -> Result<Types> {
        let fits = match self.arity {
            Arity::Exactly(n) => operands.len() == n,
            Arity::AtLeast(n) => operands.len() >= n,
        };
        if !fits {
            let wanted = match self.arity {
                Arity::Exactly(n) => format!("{n}"),
                Arity::AtLeast(n) => format!("at least {n}"),
            };
            let message = format!("takes {wanted} operands, {} were given", operands.len());
            return Err(Error::new(ErrorKind::Argument, self.name, message));
        }
        let declared = self.attrs.iter().map(|&(name, kind)| (name, kind));
        if !attrs.iter().map(|(name, attr)| (name, attr.kind())).eq(declared) {
            let names: Vec<String> = self.attrs.iter().map(|(name, kind)| format!("{name}: {kind:?}")).collect();
            let message = format!("takes the attributes {{{}}} in this order", names.join(", "));
            return Err(Error::new(ErrorKind::Argument, self.name, message));
        }
        (self.infer)(operands, attrs)
    }
}

impl fmt::Debug for Prim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every primitive, in the order of the families.
pub fn all() -> impl Iterator<Item = &'static Prim> {
    FAMILIES.iter().flat_map(|family| family.iter().copied())
}

/// The primitive spelled `name`, if there is one.
pub fn by_name(name: &str) -> Option<&'static Prim> {
    static INDEX: LazyLock<std::collections::HashMap<&'static str, &'static Prim>> =
        LazyLock::new(|| all().map(|prim| (prim.name, prim)).collect());
    INDEX.get(name).copied()
}

static FAMILIES: &[&[&Prim]] = &[
    unary::ALL,
    elementary::ALL,
    exponential::ALL,
    logarithm::ALL,
    trigonometric::ALL,
    hyperbolic::ALL,
    root::ALL,
    special::ALL,
    bessel::ALL,
    incomplete::ALL,
    floating::ALL,
    binary::ALL,
    bits::ALL,
    integer::ALL,
    compare::ALL,
    complex::ALL,
    shape::ALL,
    index::ALL,
    gather::ALL,
    reduce::ALL,
    cumulative::ALL,
    sort::ALL,
    contract::ALL,
    conv::ALL,
    fft::ALL,
    linalg::ALL,
    control::ALL,
    custom::ALL,
    implicit::ALL,
    checkpoint::ALL,
    collective::ALL,
    effect::ALL,
    host::ALL,
];

/// A type rule's refusal. The primitive's name is the operation.
pub(crate) fn refuse<T>(kind: ErrorKind, operation: &str, message: impl Into<String>) -> Result<T> {
    Err(Error::new(kind, operation, message))
}

/// One result type.
pub(crate) fn one(ty: Type) -> Result<Types> {
    Ok(smallvec::smallvec![ty])
}
