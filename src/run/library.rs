//! Library routines: what a program calls instead of computing itself.
//!
//! A call is described completely at compile time. Every worker of a program enters it and takes its share.

use crate::run::items;
use cotangent_ir::prim::host::HostFn;
use cotangent_ir::{Attrs, DType, Type};

/// Where a scalar operand lives.
pub use crate::run::program::Place;

/// A matrix operand: pointer table slot and strides in elements.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "runtime", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct MatrixOperand {
    /// Pointer table entry.
    pub slot: u32,
    /// Elements from one matrix of the batch to the next.
    pub batch_stride: isize,
    /// Elements from one row to the next.
    pub row_stride: isize,
    /// Elements from one column to the next.
    pub column_stride: isize,
}

/// An operand or result of a call on items: they lie one after the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemArray {
    /// Pointer table entry.
    pub slot: u32,
    /// The type of one item.
    pub ty: Type,
}

/// The direction and domain of a transform. Scaling is separate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "runtime", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum FftKind {
    /// Complex to complex, sign -1 in the exponent.
    Forward,
    /// Complex to complex, sign +1, unscaled.
    Inverse,
    /// Real to the first `length / 2 + 1` complex coefficients.
    RealForward,
    /// Those coefficients to real, unscaled. Imaginary parts of the first and (even lengths) last are ignored.
    RealInverse,
}

/// Real numbers that something is multiplied by: for its element `i`, element `offset + stride i` of an array.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "runtime", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Factor {
    /// Pointer table entry.
    pub slot: u32,
    /// The first.
    pub offset: usize,
    /// From one to the next.
    pub stride: usize,
}

/// A library call with everything about it that is known at compile time.
#[derive(Clone, PartialEq, Debug)]
pub enum LibraryCall {
    /// `c[b] = a[b] x b[b]` for every `b` of the batch: (rows x depth) times (depth x columns).
    Gemm {
        /// f32, f64, c64 or c128, of all three.
        dtype: DType,
        /// Number of matrices.
        batch: usize,
        /// Rows of `a` and `c`.
        rows: usize,
        /// Columns of `a`, rows of `b`. May be 0: then the product is zero.
        depth: usize,
        /// Columns of `b` and `c`.
        columns: usize,
        /// Left factor.
        a: MatrixOperand,
        /// Right factor.
        b: MatrixOperand,
        /// Product, overwritten.
        c: MatrixOperand,
    },
    /// One-dimensional transforms along the middle axis of arrays seen as (outer, length, inner), row-major. The result
    /// is multiplied by `scale`. `from` and `to` are different memory.
    Fft {
        /// Which transform.
        kind: FftKind,
        /// f32 or f64: the precision.
        precision: DType,
        /// Number of blocks.
        outer: usize,
        /// Length of the transform (of the real side).
        length: usize,
        /// Elements between neighbours along the axis.
        inner: usize,
        /// Factor of the result.
        scale: f64,
        /// Source slot.
        from: u32,
        /// Destination slot.
        to: u32,
    },
    /// Complex transforms along the middle axis of arrays seen as (outer, length, inner), a product with a transfer
    /// function element by element, and the inverse transforms, multiplied by `scale`. `from` and `to` are different memory.
    Filter {
        /// f32 or f64: the precision.
        precision: DType,
        /// Number of blocks.
        outer: usize,
        /// Length of the transforms.
        length: usize,
        /// Elements between neighbours along the axis.
        inner: usize,
        /// Factor of the result.
        scale: f64,
        /// Source slot.
        from: u32,
        /// Destination slot.
        to: u32,
        /// Real part of the transfer function.
        re: Factor,
        /// Its imaginary part; zero if there is none.
        im: Option<Factor>,
    },
    /// A primitive on whole items, one by one.
    Items {
        /// The primitive, by name.
        primitive: &'static str,
        /// Its static operands, those of one item.
        attrs: Attrs,
        /// Number of items.
        batch: usize,
        /// Operands.
        operands: Vec<ItemArray>,
        /// Results; each is other memory.
        results: Vec<ItemArray>,
        /// Where each item is done by all workers together: the slot of what they share, of
        /// [`LibraryCall::shared_bytes`].
        shared: Option<u32>,
    },
    /// Reports a row to the observer of the call, by worker 0, where `index`, which is the same for all workers, is a
    /// multiple of `every`; stores whether to stop at `stop`, for each worker.
    Tap {
        /// i32: number of the row.
        index: Place,
        /// The elements.
        row: Place,
        /// Their dtype, f32 or f64.
        dtype: DType,
        /// Their number.
        columns: usize,
        /// Every how many rows the observer is called.
        every: i64,
        /// A byte of the scalar area.
        stop: Place,
    },
    /// Calls a function of the host, by worker 0.
    Host {
        /// The function.
        host: HostFn,
        /// Extents of the leading axes of operands and results.
        batch: Vec<usize>,
        /// Where operands lie, and their types.
        operands: Vec<(Place, Type)>,
        /// Results; each is other memory.
        results: Vec<ItemArray>,
        /// Slot of one byte: whether the call failed, or another has before.
        failed: u32,
    },
}

impl LibraryCall {
    /// What is called, for people.
    pub fn name(&self) -> &'static str {
        match self {
            LibraryCall::Gemm { .. } => "product",
            LibraryCall::Fft { .. } => "transform",
            LibraryCall::Filter { .. } => "filter",
            LibraryCall::Items { primitive, .. } => primitive,
            LibraryCall::Tap { .. } => "tap",
            LibraryCall::Host { .. } => "host",
        }
    }

    /// The bytes that workers share while they do an item of a primitive together, given its static operands and the types
    /// of its operands; `None` if one worker does it.
    pub fn shared_bytes(primitive: &str, attrs: &Attrs, operands: &[Type]) -> Option<usize> {
        items::shared_bytes(primitive, attrs, operands)
    }
}
