//! Contractions that a library's matrix product would not serve better than loops.

use super::{Rule, Site};
use crate::attrs::Attrs;
use crate::func::Value;
use crate::prim::axes::others;
use crate::prim::binary::{ADD, MUL};
use crate::prim::contract::DOT_GENERAL;
use crate::prim::index::SLICE;
use crate::prim::reduce::REDUCE_SUM;
use crate::prim::shape::PERMUTE;
use crate::scalar::Scalar;
use crate::types::Dims;

/// Products of matrices of at most this depth are written out as a sum of products.
const MOST_WRITTEN_OUT: usize = 4;

pub(super) static RULES: &[Rule] = &[Rule {
    name: "contraction by loops",
    doc: "dot_general = reduce_sum (mul ...), if it has one row or one column, is of little depth, or is of integers.",
    prims: &[&DOT_GENERAL],
    apply: contraction_by_loops,
}];

/// One factor: its value, and which of its axes play which part.
struct Factor {
    value: Value,
    batch: Dims,
    free: Dims,
    contract: Dims,
    shape: Dims,
}

impl Factor {
    fn new(site: &Site<'_>, position: usize, side: [&str; 2]) -> Factor {
        let shape = site.arg_type(position).shape.clone();
        let (contract, batch) = (site.attrs.sizes(side[0]), site.attrs.sizes(side[1]));
        let taken: Vec<usize> = contract.iter().chain(&batch).copied().collect();
        Factor { value: site.args[position], free: others(&taken, shape.len()), batch, contract, shape }
    }

    fn extents(&self, axes: &[usize]) -> Dims {
        axes.iter().map(|&axis| self.shape[axis]).collect()
    }

    fn count(&self, axes: &[usize]) -> usize {
        axes.iter().map(|&axis| self.shape[axis]).product()
    }

    /// The factor with the axes batch, free, and one for all that is contracted.
    fn in_order(&self, site: &mut Site<'_>) -> (Value, Dims) {
        let order: Dims = self.batch.iter().chain(&self.free).chain(&self.contract).copied().collect();
        let mut shape = self.extents(&order[..order.len() - self.contract.len()]);
        shape.push(self.count(&self.contract));
        let permuted = permute(site, self.value, &order);
        (site.reshape(permuted, &shape), shape)
    }
}

fn contraction_by_loops(site: &mut Site<'_>) -> Option<Value> {
    let lhs = Factor::new(site, 0, ["lhs_contract", "lhs_batch"]);
    let rhs = Factor::new(site, 1, ["rhs_contract", "rhs_batch"]);
    let (rows, columns, depth) = (lhs.count(&lhs.free), rhs.count(&rhs.free), lhs.count(&lhs.contract));
    match site.ty.dtype {
        dtype if dtype.is_bool() => None,
        _ if depth <= MOST_WRITTEN_OUT => Some(written_out(site, &lhs, &rhs, depth)),
        _ if columns == 1 => Some(matrix_by_vector(site, &lhs, &rhs)),
        _ if rows == 1 => Some(matrix_by_vector(site, &rhs, &lhs)),
        dtype if dtype.is_int() => Some(reduced(site, &lhs, &rhs)),
        _ => None,
    }
}

/// A sum of outer products, one for each contracted index.
fn written_out(site: &mut Site<'_>, lhs: &Factor, rhs: &Factor, depth: usize) -> Value {
    let shape = site.ty.shape.clone();
    let batch = lhs.batch.len();
    let lhs_axes: Dims = (0..batch + lhs.free.len()).collect();
    let rhs_axes: Dims = (0..batch).chain(batch + lhs.free.len()..shape.len()).collect();
    let (lhs, rhs) = (lhs.in_order(site), rhs.in_order(site));
    let column = |site: &mut Site<'_>, (value, extents): &(Value, Dims), at: usize, axes: &[usize]| {
        let last = extents.len() - 1;
        let start = (0..last).map(|_| 0).chain([at]);
        let limit = extents[..last].iter().copied().chain([at + 1]);
        let attrs = Attrs::none().with_sizes("start", start).with_sizes("limit", limit);
        let slice = site.emit(&SLICE, &[*value], attrs.with_ints("stride", extents.iter().map(|_| 1)));
        let slice = site.reshape(slice, &extents[..last]);
        site.broadcast(slice, &shape, axes)
    };
    let mut sum = None;
    for at in 0..depth {
        let factors = [column(site, &lhs, at, &lhs_axes), column(site, &rhs, at, &rhs_axes)];
        let product = site.plain(&MUL, &factors);
        sum = Some(match sum {
            Some(sum) => site.plain(&ADD, &[sum, product]),
            None => product,
        });
    }
    sum.unwrap_or_else(|| site.filled(Scalar::zero(site.ty.dtype), &shape))
}

/// The matrix stays as it lies in memory; the vector is repeated to its shape.
fn matrix_by_vector(site: &mut Site<'_>, matrix: &Factor, vector: &Factor) -> Value {
    // Axes of the matrix at which the vector's axes belong, in increasing order.
    let own = vector.batch.iter().chain(&vector.contract);
    let mut places: Vec<(usize, usize)> =
        matrix.batch.iter().chain(&matrix.contract).copied().zip(own.copied()).collect();
    places.sort_unstable();
    let order: Dims = places.iter().map(|&(_, own)| own).chain(vector.free.iter().copied()).collect();
    let axes: Dims = places.iter().map(|&(place, _)| place).collect();
    let permuted = permute(site, vector.value, &order);
    let squeezed = site.reshape(permuted, &matrix.extents(&axes));
    let repeated = site.broadcast(squeezed, &matrix.shape, &axes);
    let product = site.plain(&MUL, &[matrix.value, repeated]);
    let mut contract = matrix.contract.clone();
    contract.sort_unstable();
    let sum = site.emit(&REDUCE_SUM, &[product], Attrs::none().with_sizes("axes", contract.iter().copied()));
    // What is left of the matrix's axes, in the order of the result.
    let left = others(&contract, matrix.shape.len());
    let wanted = matrix.batch.iter().chain(&matrix.free);
    let order: Dims = wanted.map(|axis| left.iter().filter(|&other| other < axis).count()).collect();
    let ordered = permute(site, sum, &order);
    site.reshape(ordered, &site.ty.shape.clone())
}

/// All products, summed.
fn reduced(site: &mut Site<'_>, lhs: &Factor, rhs: &Factor) -> Value {
    let batch = lhs.batch.len();
    let rank = site.ty.rank();
    let mut shape = site.ty.shape.clone();
    shape.push(lhs.count(&lhs.contract));
    let lhs_axes: Dims = (0..batch + lhs.free.len()).chain([rank]).collect();
    let rhs_axes: Dims = (0..batch).chain(batch + lhs.free.len()..=rank).collect();
    let (lhs, _) = lhs.in_order(site);
    let (rhs, _) = rhs.in_order(site);
    let factors = [site.broadcast(lhs, &shape, &lhs_axes), site.broadcast(rhs, &shape, &rhs_axes)];
    let product = site.plain(&MUL, &factors);
    site.emit(&REDUCE_SUM, &[product], Attrs::none().with_sizes("axes", [rank]))
}

fn permute(site: &mut Site<'_>, value: Value, axes: &[usize]) -> Value {
    site.emit(&PERMUTE, &[value], Attrs::none().with_sizes("axes", axes.iter().copied()))
}
