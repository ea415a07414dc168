//! Routines that treat the items of a batch one by one: sorts, decompositions, whatever looks at a whole item at once.
//!
//! The workers share the items. A routine sees one item, its operands and results as slices of numbers, and is ordinary
//! safe code; one file holds a family of them. A primitive without a routine of its own is computed as its record says.

mod cholesky;
mod cumulative;
mod eigh;
mod lu;
mod matrix;
mod qr;
mod scatter;
mod sort;
mod svd;
mod triangular;

use crate::run::library::{ItemArray, LibraryCall};
use crate::run::session::Worker;
use cotangent_ir::error::internal;
use cotangent_ir::prim::{self, Eval, Prim};
use cotangent_ir::{ALIGNMENT, Attrs, Bytes, Element, Tensor, Type};
use smallvec::SmallVec;

/// One operand of one item.
pub(super) struct Operand<'a> {
    /// Its type, without the batch.
    pub(super) ty: &'a Type,
    bytes: &'a [u8],
}

/// One result of one item, zero at first.
pub(super) struct Output<'a> {
    /// Its type, without the batch.
    pub(super) ty: &'a Type,
    bytes: &'a mut [u8],
}

/// Computes the results of one item.
pub(super) type ItemRoutine = fn(&Attrs, &[Operand<'_>], &mut [Output<'_>]);

/// The routine of a primitive, if it has one.
fn native(primitive: &str) -> Option<ItemRoutine> {
    Some(match primitive {
        "cumlogsumexp" => cumulative::logsumexps,
        "cummax" => cumulative::maxima,
        "cummin" => cumulative::minima,
        "cumprod" => cumulative::products,
        "cumsum" => cumulative::sums,
        "scatter" => scatter::scatter,
        "sort" => sort::sort,
        "cholesky" => cholesky::cholesky,
        "triangular_solve" => triangular::triangular_solve,
        "lu" => lu::lu,
        "qr" => qr::qr,
        "eigh" => eigh::eigh,
        "svd" => svd::svd,
        _ => return None,
    })
}

/// A prepared [`LibraryCall::Items`].
pub(super) struct Items {
    prim: &'static Prim,
    routine: Option<ItemRoutine>,
    attrs: Attrs,
    batch: usize,
    operands: Vec<ItemArray>,
    results: Vec<ItemArray>,
}

impl Items {
    /// Makes a call ready.
    pub(super) fn new(call: &LibraryCall) -> Items {
        let LibraryCall::Items { primitive, attrs, batch, operands, results } = call else {
            internal("a routine for items made of another call");
        };
        let Some(prim) = prim::by_name(primitive) else {
            internal(&format!("a call of `{primitive}`, which is unknown"))
        };
        let (operands, results) = (operands.clone(), results.clone());
        Items { prim, routine: native(primitive), attrs: attrs.clone(), batch: *batch, operands, results }
    }

    /// Computes a worker's share of the items.
    ///
    /// # Safety
    ///
    /// The slots hold `batch` items of these types one after the other, results apart from each other and from operands.
    pub(super) unsafe fn run(&self, worker: &Worker) {
        for item in worker.share(self.batch) {
            let operands: SmallVec<[Operand<'_>; 4]> = self
                .operands
                .iter()
                .map(|ItemArray { slot, ty }| {
                    let bytes = ty.byte_len();
                    // SAFETY: the caller vouches for the memory; nobody writes operands during the call.
                    let bytes =
                        unsafe { std::slice::from_raw_parts(worker.slot(*slot).wrapping_add(item * bytes), bytes) };
                    Operand { ty, bytes }
                })
                .collect();
            let mut outputs: SmallVec<[Output<'_>; 4]> = self
                .results
                .iter()
                .map(|ItemArray { slot, ty }| {
                    let bytes = ty.byte_len();
                    // SAFETY: the caller vouches for the memory, and no other worker has this item. It is written before
                    // it is borrowed, because nobody may have written it yet.
                    let bytes = unsafe {
                        let start = worker.slot(*slot).wrapping_add(item * bytes);
                        start.write_bytes(0, bytes);
                        std::slice::from_raw_parts_mut(start, bytes)
                    };
                    Output { ty, bytes }
                })
                .collect();
            match self.routine {
                Some(routine) => routine(&self.attrs, &operands, &mut outputs),
                None => self.by_record(&operands, &mut outputs),
            }
        }
    }

    /// Computes one item by the meaning of the primitive.
    fn by_record(&self, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
        let Eval::Tensors(eval) = self.prim.eval else {
            internal(&format!("`{}` has no meaning on tensors", self.prim.name));
        };
        let tensors: Vec<Tensor> = operands
            .iter()
            .map(|operand| Tensor::from_bytes(operand.ty.clone(), Bytes::from_slice(ALIGNMENT, operand.bytes)))
            .collect();
        let types: Vec<Type> = outputs.iter().map(|output| output.ty.clone()).collect();
        let results = eval(&tensors.iter().collect::<Vec<_>>(), &self.attrs, &types);
        for (output, result) in outputs.iter_mut().zip(results) {
            output.bytes.copy_from_slice(result.bytes());
        }
    }
}

impl<'a> Operand<'a> {
    /// The elements as they lie in memory.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The elements in row-major order. `T` is the type of the dtype.
    pub(super) fn elements<T: Element>(&self) -> &'a [T] {
        bytemuck::cast_slice(self.bytes)
    }
}

impl Output<'_> {
    /// The elements as they lie in memory.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// The elements in row-major order. `T` is the type of the dtype.
    pub(super) fn elements<T: Element>(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(self.bytes)
    }
}
