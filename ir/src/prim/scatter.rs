//! Rows written by number: the primitive, and the methods that update elements at places that are values.
//!
//! As with the gather there is one form: rows of a matrix, for every element of a batch. Updates are applied one after the
//! other, so that the result does not depend on who computes it; the reference does so in row-major order.

use super::axes::{self, attempt, index_of, position_of};
use super::gather::{self, GATHER, OutOfRange, Places, check_rows};
use super::{
    Arity, Batch, Case, Domain, Eval, Jvp, Lower, Prim, Routine, Transpose, TransposeArgs, Types, WithTangents, one,
    refuse,
};
use crate::array::{Array, apply1, fail};
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::eval_kernel::lane_op;
use crate::kernel::{LaneOp, ReduceOp};
use crate::scalar::Scalar;
use crate::transform::refusal;
use crate::types::{Dims, Type};

/// Rows combined with others at their numbers.
pub static SCATTER: Prim = Prim {
    name: "scatter",
    doc: "The first operand, [.., n, m], with rows of the third, [.., k, m], combined into the rows that the second, \
          [.., k], names, one after the other. `kind` is 0 to replace, 1 to add, 2 to multiply, 3 for the minimum, 4 for \
          the maximum. Leading axes are common to all. Numbers that are not in 0..n name nothing.",
    arity: Arity::Exactly(3),
    attrs: &[("kind", AttrKind::Int)],
    domain: Domain::Cases(|| {
        let case = |kind: ScatterKind, dtype, index, x: &[usize], k: &[usize]| {
            let updates: Dims = k.iter().chain(&x[x.len() - 1..]).copied().collect();
            let operands = [Type::new(dtype, x), Type::new(index, k), Type::new(dtype, &updates)];
            Case::new(operands, kind_attrs(kind))
        };
        let mut cases = Vec::new();
        for kind in ScatterKind::ALL {
            cases.extend([
                case(kind, DType::F64, DType::I32, &[4, 3], &[5]),
                case(kind, DType::F64, DType::I64, &[2, 3, 1], &[2, 4]),
                case(kind, DType::F32, DType::I32, &[3, 2], &[3]),
                case(kind, DType::I32, DType::I32, &[4, 2], &[6]),
            ]);
            if kind.takes(DType::C128) {
                cases.push(case(kind, DType::C128, DType::I32, &[3, 2], &[3]));
            }
        }
        cases.extend([
            case(ScatterKind::Set, DType::Bool, DType::I32, &[3, 2], &[4]),
            case(ScatterKind::Add, DType::F64, DType::I32, &[3, 2], &[0]),
            case(ScatterKind::Add, DType::F64, DType::I32, &[0, 2], &[2]),
            case(ScatterKind::Set, DType::F64, DType::I32, &[3, 0], &[2]),
        ]);
        cases
    }),
    infer: infer_scatter,
    eval: Eval::Tensors(|xs, attrs, _| {
        let (numbers, updates) = (xs[1], xs[2]);
        let kind = ScatterKind::of(attrs);
        let mut result = xs[0].clone();
        let shape = result.ty().shape.clone();
        let rows = shape.len() - 2;
        for (position, update) in updates.scalars().enumerate() {
            let mut index = index_of(position, &updates.ty().shape);
            let number = numbers.get(position_of(&index[..=rows], &numbers.ty().shape)).as_i128();
            if (0..shape[rows] as i128).contains(&number) {
                index[rows] = number as usize;
                let place = position_of(&index, &shape);
                result.set(place, kind.combine(result.get(place), update));
            }
        }
        vec![result]
    }),
    jvp: Jvp::Whole(jvp_scatter),
    transpose: Transpose::Rule(transpose_scatter),
    batch: Batch::Rule(|args| {
        let operands = [args.with_batch(0), args.with_batch(1), args.with_batch(2)];
        vec![(apply1(&SCATTER, &operands.each_ref(), args.attrs.clone()), true)]
    }),
    lower: Lower::Scatter(
        |types, attrs| ScatterKind::of(attrs).operation(types[0].dtype),
        Routine::Items { operands: &[2, 1, 2], results: &[2] },
    ),
};

/// What an update does to the element it meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScatterKind {
    /// Replaces it.
    Set,
    /// Is added to it.
    Add,
    /// Multiplies it.
    Mul,
    /// The lesser of both stays; NaN if either is.
    Min,
    /// The greater of both stays; NaN if either is.
    Max,
}

impl ScatterKind {
    /// Every kind, by its number in the attribute.
    pub const ALL: [ScatterKind; 5] =
        [ScatterKind::Set, ScatterKind::Add, ScatterKind::Mul, ScatterKind::Min, ScatterKind::Max];

    /// The kind of an instruction.
    pub fn of(attrs: &Attrs) -> ScatterKind {
        ScatterKind::ALL[attrs.size("kind")]
    }

    fn takes(self, dtype: DType) -> bool {
        match self {
            ScatterKind::Set => true,
            ScatterKind::Add | ScatterKind::Mul => !dtype.is_bool(),
            ScatterKind::Min | ScatterKind::Max => !dtype.is_complex(),
        }
    }

    /// The operation on lanes that combines an element with an update, and has an identity. There is none that replaces.
    fn operation(self, dtype: DType) -> Option<ReduceOp> {
        match self {
            _ if dtype.is_bool() => None,
            ScatterKind::Set => None,
            ScatterKind::Add => Some(ReduceOp::Sum),
            ScatterKind::Mul => (!dtype.is_complex()).then_some(ReduceOp::Prod),
            ScatterKind::Min => Some(ReduceOp::Min),
            ScatterKind::Max => Some(ReduceOp::Max),
        }
    }

    fn combine(self, old: Scalar, update: Scalar) -> Scalar {
        let dtype = old.dtype();
        if self == ScatterKind::Set {
            return update;
        }
        if dtype.is_complex() {
            let (a, b) = (old.as_complex(), update.as_complex());
            return Scalar::complex(dtype, if self == ScatterKind::Add { a + b } else { a * b });
        }
        let op = match self {
            ScatterKind::Add => LaneOp::Add,
            ScatterKind::Mul => LaneOp::Mul,
            ScatterKind::Min => LaneOp::Min,
            _ => LaneOp::Max,
        };
        lane_op(op, &[old, update], dtype)
    }
}

impl Array {
    /// The array with blocks of updates combined into it at the coordinates in the last axis of `starts`, along the axes
    /// named: the counterpart of [`Array::gather`]. `updates` has the leading axes of `starts`, then those of a block.
    /// Blocks that do not lie within the array are left out, unless they are clipped.
    ///
    /// ```
    /// use cotangent_ir::{Array, OutOfRange, ScatterKind};
    /// let x = Array::from([0.0f32, 0.0, 0.0]);
    /// let (starts, updates) = (Array::from([[2], [0], [2]]), Array::from([[1.0f32], [2.0], [3.0]]));
    /// let sums = x.scatter(ScatterKind::Add, &starts, &[0], &updates, OutOfRange::Drop);
    /// assert_eq!(sums.to_vec::<f32>().unwrap(), [2.0, 0.0, 4.0]);
    /// ```
    #[track_caller]
    pub fn scatter(
        &self,
        kind: ScatterKind,
        starts: &Array,
        axes: &[isize],
        updates: &Array,
        out_of_range: OutOfRange,
    ) -> Array {
        let (shape, block) = (attempt!(self.shape()), attempt!(updates.shape()));
        let batch = attempt!(starts.shape()).len().saturating_sub(1);
        if block.len() != batch + shape.len() {
            let message = format!(
                "updates of shape {block:?} must have the leading axes of starts, {batch}, and those of a block of an array \
                 of shape {shape:?}"
            );
            return fail(ErrorKind::Shape, "scatter", message);
        }
        let sizes = &block[batch..];
        let places = attempt!(Places::of_blocks("scatter", self, starts, axes, sizes, out_of_range));
        if places.shape != block {
            let message = format!("updates of shape {block:?} must have the shape {:?} of the blocks", places.shape);
            return fail(ErrorKind::Shape, "scatter", message);
        }
        self.scatter_rows(kind, &places.rows, places.width, updates)
    }

    /// The array, seen as rows of `width` elements, with rows of updates combined into them.
    #[track_caller]
    pub(crate) fn scatter_rows(&self, kind: ScatterKind, numbers: &Array, width: usize, updates: &Array) -> Array {
        let ty = attempt!(self.ty());
        let count = attempt!(numbers.ty()).len();
        let updates = updates.astype(ty.dtype).reshape(&[count, width]);
        let x = self.reshape(&[ty.len().checked_div(width).unwrap_or(0), width]);
        rows(kind, &x, &numbers.reshape(&[count]), &updates).reshape(&ty.shape)
    }
}

/// Rows of `updates` combined into rows of `x`.
#[track_caller]
pub(crate) fn rows(kind: ScatterKind, x: &Array, numbers: &Array, updates: &Array) -> Array {
    apply1(&SCATTER, &[x, numbers, updates], kind_attrs(kind))
}

/// The attributes of [`SCATTER`].
pub(super) fn kind_attrs(kind: ScatterKind) -> Attrs {
    let number = ScatterKind::ALL.iter().position(|&other| other == kind).unwrap_or_default();
    Attrs::none().with_int("kind", number as i64)
}

fn infer_scatter(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let (x, numbers, updates) = (operands[0], operands[1], operands[2]);
    let kind = usize::try_from(attrs.int("kind")).ok().and_then(|kind| ScatterKind::ALL.get(kind));
    let Some(kind) = kind else {
        return refuse(ErrorKind::Argument, "scatter", format!("`kind` = {} must be 0 to 4", attrs.int("kind")));
    };
    check_rows("scatter", x, numbers)?;
    let shape: Dims = numbers.shape.iter().chain(x.shape.last()).copied().collect();
    let wanted = Type { dtype: x.dtype, shape };
    if *updates != wanted {
        let message = format!("updates of {x} at row numbers {numbers} must be {wanted}, got {updates}");
        return refuse(ErrorKind::Shape, "scatter", message);
    }
    if !kind.takes(x.dtype) {
        let message = format!("{kind:?} is not defined for {}; convert the array with `astype`", x.dtype);
        return refuse(ErrorKind::DType, "scatter", message);
    }
    one(x.clone())
}

/// Rows by number, zeros for numbers that name none.
#[track_caller]
fn named_rows(x: &Array, numbers: &Array) -> Array {
    gather::rows_or(x, numbers, OutOfRange::Fill(0.0), "gather")
}

fn jvp_scatter(prim: &'static Prim, xs: &[Array], tangents: &[Option<Array>], attrs: &Attrs) -> WithTangents {
    let out = apply1(prim, &[&xs[0], &xs[1], &xs[2]], attrs.clone());
    if tangents[0].is_none() && tangents[2].is_none() {
        return (vec![out], vec![None]);
    }
    let tangent = |i: usize| tangents[i].clone().unwrap_or_else(|| xs[i].zeros_like());
    let numbers = &xs[1];
    let tangent = match ScatterKind::of(attrs) {
        // Linear in both jointly. Of several updates of an element the same one wins.
        kind @ (ScatterKind::Set | ScatterKind::Add) => rows(kind, &tangent(0), numbers, &tangent(2)),
        ScatterKind::Mul => {
            let of_x = rows(ScatterKind::Mul, &tangent(0), numbers, &xs[2]);
            match &tangents[2] {
                None => of_x,
                Some(tangent) => rows(ScatterKind::Add, &of_x, numbers, &(tangent * other_factors(xs))),
            }
        }
        ScatterKind::Min | ScatterKind::Max => extremum_tangent(xs, &out, &tangent(0), &tangent(2)),
    };
    (vec![out], vec![Some(tangent)])
}

/// For every update the product of everything else that goes into its element. A quotient gives it, unless a factor is 0.
#[track_caller]
fn other_factors(xs: &[Array]) -> Array {
    let (x, numbers, updates) = (&xs[0], &xs[1], &xs[2]);
    let dtype = attempt!(updates.dtype());
    let is_zero = updates.equal(0);
    let nonzero = is_zero.select(1, updates);
    let product = named_rows(&rows(ScatterKind::Mul, x, numbers, &nonzero), numbers);
    let zeros = rows(ScatterKind::Add, &x.zeros_like(), numbers, &is_zero.astype(dtype));
    let other_zeros = named_rows(&zeros, numbers) - is_zero.astype(dtype);
    other_zeros.equal(0).select(product / nonzero, 0)
}

/// The mean of the tangents of all that take on the extremum.
#[track_caller]
fn extremum_tangent(xs: &[Array], out: &Array, of_x: &Array, of_updates: &Array) -> Array {
    let (x, numbers, updates) = (&xs[0], &xs[1], &xs[2]);
    let dtype = attempt!(x.dtype());
    let stays = x.equal(out).astype(dtype);
    let wins = updates.equal(named_rows(out, numbers)).astype(dtype);
    let sum = rows(ScatterKind::Add, &(of_x * &stays), numbers, &(of_updates * &wins));
    sum / rows(ScatterKind::Add, &stays, numbers, &wins)
}

fn transpose_scatter(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let numbers = args.xs[1].known();
    let (linear_x, linear_updates) = (args.xs[0].is_linear(), args.xs[2].is_linear());
    let ct = args.ct();
    match ScatterKind::of(args.attrs) {
        ScatterKind::Add => {
            vec![linear_x.then(|| ct.clone()), None, linear_updates.then(|| named_rows(ct, numbers))]
        }
        ScatterKind::Set => {
            let updates = match args.xs[2].ty() {
                Ok(ty) => ty,
                Err(error) => return vec![Some(axes::failed(error)); 3],
            };
            let zeros = Array::zeros(&updates.shape, updates.dtype);
            let to_x = linear_x.then(|| rows(ScatterKind::Set, ct, numbers, &zeros));
            let to_updates = linear_updates.then(|| {
                let wins = winners(ct, numbers);
                wins.select(named_rows(ct, numbers), zeros)
            });
            vec![to_x, None, to_updates]
        }
        ScatterKind::Mul if !linear_updates => {
            let updates = args.xs[2].known();
            vec![linear_x.then(|| rows(ScatterKind::Mul, ct, numbers, updates)), None, None]
        }
        kind => {
            let message = format!("cannot be transposed here: {kind:?} is not linear in both operands");
            let error = refusal("scatter", message);
            vec![linear_x.then(|| error.clone()), None, linear_updates.then(|| error.clone())]
        }
    }
}

/// Which updates of a replacement are still there at the end: those whose ordinal their element ends up with.
#[track_caller]
fn winners(ct: &Array, numbers: &Array) -> Array {
    let (shape, count) = (attempt!(ct.shape()), attempt!(numbers.shape()));
    let one: Dims = shape[..shape.len() - 1].iter().copied().chain([1]).collect();
    let single: Dims = count.iter().copied().chain([1]).collect();
    let ordinal = Array::iota(&single, -2, DType::I32);
    let last = rows(ScatterKind::Set, &Array::filled(&one, Scalar::int(DType::I32, -1)), numbers, &ordinal);
    let updates: Dims = count.iter().copied().chain(shape.last().copied()).collect();
    let still = if shape[shape.len() - 2] == 0 {
        Array::filled(&single, Scalar::bool(false))
    } else {
        apply1(&GATHER, &[&last, numbers], Attrs::none()).equal(ordinal)
    };
    still.broadcast_to(&updates)
}
