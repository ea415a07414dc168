//! Contraction: sums of products over axes that two arrays share, and the products of vectors and matrices made of it.

use super::axes::{self, attempt, index_of, position_of};
use super::{
    Arity, Batch, BatchArgs, Case, Domain, Eval, Jvp, Lower, Operand, Prim, Routine, Transpose, TransposeArgs, Types,
    one, refuse,
};
use crate::array::{Array, apply1, fail};
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::operand::common_shape;
use crate::scalar::{Number, Scalar};
use crate::tensor::Tensor;
use crate::transform::refusal;
use crate::types::{Dims, Type};

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&DOT_GENERAL];

/// Sums of products over shared axes.
pub static DOT_GENERAL: Prim = Prim {
    name: "dot_general",
    doc: "The sum, over axes `lhs_contract` and `rhs_contract` at equal indices, of products of the two operands at \
          equal indices of `lhs_batch` and `rhs_batch`. The result has the batch axes, then the other axes of the left \
          operand, then those of the right.",
    arity: Arity::Exactly(2),
    attrs: &[
        ("lhs_contract", AttrKind::Ints),
        ("rhs_contract", AttrKind::Ints),
        ("lhs_batch", AttrKind::Ints),
        ("rhs_batch", AttrKind::Ints),
    ],
    domain: Domain::Cases(cases),
    infer: infer_dot,
    eval: Eval::Tensors(eval_dot),
    jvp: Jvp::PerOperand(&[
        |args, tangent| apply1(&DOT_GENERAL, &[tangent, &args.xs[1]], args.attrs.clone()),
        |args, tangent| apply1(&DOT_GENERAL, &[&args.xs[0], tangent], args.attrs.clone()),
    ]),
    transpose: Transpose::Rule(transpose_dot),
    batch: Batch::Rule(batch_dot),
    lower: Lower::Library(Routine::Dot),
};

/// Axes of the two operands, each list in the order of the other's.
#[derive(Clone, Debug)]
struct DotAxes {
    lhs_contract: Dims,
    rhs_contract: Dims,
    lhs_batch: Dims,
    rhs_batch: Dims,
}

impl DotAxes {
    /// The axes of an instruction whose types have been inferred.
    fn of(attrs: &Attrs) -> DotAxes {
        let [lhs_contract, rhs_contract, lhs_batch, rhs_batch] =
            ["lhs_contract", "rhs_contract", "lhs_batch", "rhs_batch"].map(|name| attrs.sizes(name));
        DotAxes { lhs_contract, rhs_contract, lhs_batch, rhs_batch }
    }

    fn attrs(&self) -> Attrs {
        Attrs::none()
            .with_sizes("lhs_contract", self.lhs_contract.iter().copied())
            .with_sizes("rhs_contract", self.rhs_contract.iter().copied())
            .with_sizes("lhs_batch", self.lhs_batch.iter().copied())
            .with_sizes("rhs_batch", self.rhs_batch.iter().copied())
    }

    /// The axes of the left operand that only it has.
    fn lhs_free(&self, rank: usize) -> Dims {
        let shared: Dims = self.lhs_contract.iter().chain(&self.lhs_batch).copied().collect();
        axes::others(&shared, rank)
    }

    /// The axes of the right operand that only it has.
    fn rhs_free(&self, rank: usize) -> Dims {
        self.exchanged().lhs_free(rank)
    }

    /// The axes with the operands exchanged.
    fn exchanged(&self) -> DotAxes {
        DotAxes {
            lhs_contract: self.rhs_contract.clone(),
            rhs_contract: self.lhs_contract.clone(),
            lhs_batch: self.rhs_batch.clone(),
            rhs_batch: self.lhs_batch.clone(),
        }
    }
}

impl Array {
    /// Sums of products over axes of both arrays at equal indices: `contract` are the axes (of this array, of the other)
    /// that are summed over, `batch` those kept once. The result has the batch axes, then the other axes of this array,
    /// then those of the other.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let a = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// let rows = a.dot_general(&a, (&[1], &[1]), (&[0], &[0]));
    /// assert_eq!(rows.to_vec::<f32>().unwrap(), [5.0, 25.0]);
    /// ```
    #[track_caller]
    pub fn dot_general(&self, other: &Array, contract: (&[usize], &[usize]), batch: (&[usize], &[usize])) -> Array {
        let dtype = attempt!(self.dtype()).promote(attempt!(other.dtype()));
        let axes = DotAxes {
            lhs_contract: contract.0.into(),
            rhs_contract: contract.1.into(),
            lhs_batch: batch.0.into(),
            rhs_batch: batch.1.into(),
        };
        apply1(&DOT_GENERAL, &[&self.astype(dtype), &other.astype(dtype)], axes.attrs())
    }

    /// The product of matrices, over the last axis of this array and the one before the last of the other. As in NumPy, a
    /// vector on the left is a row and one on the right a column, and leading axes are a batch that broadcasts.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let a = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(a.matmul(&Array::from([1.0f32, 1.0])).to_vec::<f32>().unwrap(), [3.0, 7.0]);
    /// ```
    #[track_caller]
    pub fn matmul(&self, other: &Array) -> Array {
        let (lhs, rhs) = (attempt!(self.ty()), attempt!(other.ty()));
        let (last, row) = attempt!(matrix_axes("matmul", &lhs, &rhs));
        if lhs.rank() == 1 || rhs.rank() <= 2 {
            return self.dot_general(other, (&[last], &[row]), (&[], &[]));
        }
        let (rows, columns) = (lhs.rank() - 2, rhs.rank() - 2);
        let batches = [lhs.with_shape(&lhs.shape[..rows]), rhs.with_shape(&rhs.shape[..columns])];
        let batch = attempt!(common_shape("matmul", &batches));
        let with_batch = |ty: &Type| -> Dims { batch.iter().chain(&ty.shape[ty.rank() - 2..]).copied().collect() };
        let lhs = self.broadcast_to(&with_batch(&lhs));
        let rhs = other.broadcast_to(&with_batch(&rhs));
        let leading: Dims = (0..batch.len()).collect();
        lhs.dot_general(&rhs, (&[batch.len() + 1], &[batch.len()]), (&leading, &leading))
    }

    /// The sum of products over the last axis of this array and the one before the last of the other (its only one, if it
    /// is a vector); with a scalar, the product. Unlike [`Array::matmul`], all other axes of both are kept.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1.0f32, 2.0, 3.0]);
    /// assert_eq!(x.dot(&x).item().unwrap(), 14.0);
    /// ```
    #[track_caller]
    pub fn dot(&self, other: &Array) -> Array {
        let (lhs, rhs) = (attempt!(self.ty()), attempt!(other.ty()));
        if lhs.rank() == 0 || rhs.rank() == 0 {
            return self * other;
        }
        let (last, row) = attempt!(matrix_axes("dot", &lhs, &rhs));
        self.dot_general(other, (&[last], &[row]), (&[], &[]))
    }

    /// The inner product of all elements, conjugated in this array: `sum(conj(x) * y)`. Shapes must be equal.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// use num_complex::Complex;
    /// let x = Array::from([Complex::new(0.0f64, 1.0)]);
    /// assert_eq!(x.vdot(&x).real().item().unwrap(), 1.0);
    /// ```
    #[track_caller]
    pub fn vdot(&self, other: &Array) -> Array {
        let (lhs, rhs) = (attempt!(self.ty()), attempt!(other.ty()));
        if lhs.shape != rhs.shape {
            let message = format!("shapes of {lhs} and {rhs} differ; reshape or broadcast one operand");
            return fail(ErrorKind::Shape, "vdot", message);
        }
        let conjugate = if lhs.dtype.is_complex() { self.conj() } else { self.clone() };
        conjugate.flatten().dot_general(&other.flatten(), (&[0], &[0]), (&[], &[]))
    }

    /// The Euclidean norm of all elements, the root of the sum of their squared absolute values. Integers become `f32`.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([3.0f32, 4.0]).norm().item().unwrap(), 5.0);
    /// ```
    #[track_caller]
    pub fn norm(&self) -> Array {
        let squares = match attempt!(self.dtype()) {
            dtype if dtype.is_complex() => self.real().square() + self.imag().square(),
            dtype if dtype.is_float() => self.square(),
            _ => self.astype(DType::F32).square(),
        };
        squares.sum().sqrt()
    }
}

/// The axes over which a product of matrices sums: the last on the left, the last but one on the right.
fn matrix_axes(operation: &str, lhs: &Type, rhs: &Type) -> Result<(usize, usize)> {
    if lhs.rank() == 0 || rhs.rank() == 0 {
        let message = format!("takes vectors and matrices, got {lhs} and {rhs}; multiply by a scalar with `*`");
        return Err(Error::new(ErrorKind::Shape, operation, message));
    }
    let (last, row) = (lhs.rank() - 1, rhs.rank().saturating_sub(2));
    if lhs.shape[last] != rhs.shape[row] {
        let message = format!(
            "{lhs} times {rhs}: the last axis of the left operand has extent {}, axis {row} of the right one {}; they \
             must be equal (`t()` transposes a matrix)",
            lhs.shape[last], rhs.shape[row]
        );
        return Err(Error::new(ErrorKind::Shape, operation, message));
    }
    Ok((last, row))
}

fn cases() -> Vec<Case> {
    type Pair<'a> = (&'a [usize], &'a [usize]);
    let case = |dtype, shapes: Pair<'_>, contract: Pair<'_>, batch: Pair<'_>| {
        let axes = DotAxes {
            lhs_contract: contract.0.into(),
            rhs_contract: contract.1.into(),
            lhs_batch: batch.0.into(),
            rhs_batch: batch.1.into(),
        };
        Case::new([Type::new(dtype, shapes.0), Type::new(dtype, shapes.1)], axes.attrs())
    };
    let none: Pair<'_> = (&[], &[]);
    vec![
        case(DType::F64, (&[], &[]), none, none),
        case(DType::F64, (&[3], &[3]), (&[0], &[0]), none),
        case(DType::F64, (&[2], &[3]), none, none),
        case(DType::F32, (&[2, 3], &[3]), (&[1], &[0]), none),
        case(DType::F64, (&[2, 3], &[3, 4]), (&[1], &[0]), none),
        case(DType::C128, (&[3, 2], &[4, 3]), (&[0], &[1]), none),
        case(DType::F64, (&[2, 3, 4], &[2, 4, 3]), (&[2], &[1]), (&[0], &[0])),
        case(DType::C64, (&[3, 2, 2], &[2, 3, 4]), (&[1], &[0]), (&[0], &[1])),
        case(DType::F64, (&[2, 3, 4], &[4, 2, 3]), (&[0, 2], &[1, 0]), none),
        case(DType::F64, (&[2, 3], &[3, 2]), none, (&[1, 0], &[0, 1])),
        case(DType::F64, (&[2, 0], &[0, 3]), (&[1], &[0]), none),
        case(DType::F64, (&[0, 2], &[2, 3]), (&[1], &[0]), none),
        case(DType::I32, (&[2, 3], &[3, 2]), (&[1], &[0]), none),
    ]
}

fn infer_dot(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let (lhs, rhs) = (operands[0], operands[1]);
    let operation = "dot_general";
    if lhs.dtype != rhs.dtype || lhs.dtype.is_bool() {
        let message = format!("takes numbers of one dtype, got {lhs} and {rhs}; convert the operands with `astype`");
        return refuse(ErrorKind::DType, operation, message);
    }
    let (lhs_contract, lhs_batch) = side_axes(attrs, "lhs_contract", "lhs_batch", lhs)?;
    let (rhs_contract, rhs_batch) = side_axes(attrs, "rhs_contract", "rhs_batch", rhs)?;
    for (role, of_lhs, of_rhs) in [("summed", &lhs_contract, &rhs_contract), ("batch", &lhs_batch, &rhs_batch)] {
        let extents = |ty: &Type, axes: &Dims| axes.iter().map(|&axis| ty.shape[axis]).collect::<Dims>();
        let (left, right) = (extents(lhs, of_lhs), extents(rhs, of_rhs));
        if left != right {
            let message = format!(
                "the {role} axes {of_lhs:?} of {lhs} have the extents {left:?}, {of_rhs:?} of {rhs} have {right:?}; \
                 they must be equal"
            );
            return refuse(ErrorKind::Shape, operation, message);
        }
    }
    let axes = DotAxes { lhs_contract, rhs_contract, lhs_batch, rhs_batch };
    let batch = axes.lhs_batch.iter().map(|&axis| lhs.shape[axis]);
    let (lhs_free, rhs_free) = (axes.lhs_free(lhs.rank()), axes.rhs_free(rhs.rank()));
    let free = lhs_free.iter().map(|&axis| lhs.shape[axis]).chain(rhs_free.iter().map(|&axis| rhs.shape[axis]));
    let shape: Dims = batch.chain(free).collect();
    axes::addressable(operation, &shape)?;
    one(Type { dtype: lhs.dtype, shape })
}

/// The axes of one operand that are summed over, and its batch axes.
fn side_axes(attrs: &Attrs, contract: &'static str, batch: &'static str, ty: &Type) -> Result<(Dims, Dims)> {
    let summed = axes::axes_attr("dot_general", attrs, contract, ty.rank())?;
    let kept = axes::axes_attr("dot_general", attrs, batch, ty.rank())?;
    match summed.iter().find(|axis| kept.contains(axis)) {
        None => Ok((summed, kept)),
        Some(axis) => {
            let message = format!("axis {axis} of {ty} is in both `{contract}` and `{batch}`; choose one");
            refuse(ErrorKind::Argument, "dot_general", message)
        }
    }
}

fn eval_dot(xs: &[&Tensor], attrs: &Attrs, types: &[Type]) -> Vec<Tensor> {
    let (lhs, rhs) = (xs[0], xs[1]);
    let axes = DotAxes::of(attrs);
    let (lhs_free, rhs_free) = (axes.lhs_free(lhs.ty().rank()), axes.rhs_free(rhs.ty().rank()));
    let summed: Dims = axes.lhs_contract.iter().map(|&axis| lhs.ty().shape[axis]).collect();
    let place = |index: &mut Dims, axes: &[usize], at: &[usize]| {
        for (&axis, &at) in axes.iter().zip(at) {
            index[axis] = at;
        }
    };
    vec![Tensor::from_fn(types[0].clone(), |position| {
        let result = index_of(position, &types[0].shape);
        let (batch, free) = result.split_at(axes.lhs_batch.len());
        let (of_lhs, of_rhs) = free.split_at(lhs_free.len());
        let mut left = Dims::from_elem(0, lhs.ty().rank());
        let mut right = Dims::from_elem(0, rhs.ty().rank());
        place(&mut left, &axes.lhs_batch, batch);
        place(&mut right, &axes.rhs_batch, batch);
        place(&mut left, &lhs_free, of_lhs);
        place(&mut right, &rhs_free, of_rhs);
        let pairs = (0..summed.iter().product()).map(|term| {
            let at = index_of(term, &summed);
            place(&mut left, &axes.lhs_contract, &at);
            place(&mut right, &axes.rhs_contract, &at);
            (lhs.get(position_of(&left, &lhs.ty().shape)), rhs.get(position_of(&right, &rhs.ty().shape)))
        });
        let number = match types[0].dtype {
            dtype if dtype.is_complex() => Number::Complex(pairs.map(|(a, b)| a.as_complex() * b.as_complex()).sum()),
            dtype if dtype.is_float() => Number::Float(pairs.map(|(a, b)| a.as_f64() * b.as_f64()).sum()),
            // Modulo 2^128, hence also modulo the width of the dtype.
            _ => {
                Number::Int(pairs.fold(0, |sum: i128, (a, b)| sum.wrapping_add(a.as_i128().wrapping_mul(b.as_i128()))))
            }
        };
        Scalar::new(types[0].dtype, number)
    })]
}

fn transpose_dot(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let axes = DotAxes::of(args.attrs);
    match (&args.xs[0], &args.xs[1]) {
        (Operand::Linear(lhs), Operand::Known(rhs)) => vec![Some(cotangent(args.ct(), lhs, rhs, &axes, false)), None],
        (Operand::Known(lhs), Operand::Linear(rhs)) => {
            vec![None, Some(cotangent(args.ct(), rhs, lhs, &axes.exchanged(), true))]
        }
        (Operand::Known(_), Operand::Known(_)) => vec![None, None],
        (Operand::Linear(_), Operand::Linear(_)) => {
            let message = "cannot be transposed in both operands: it is linear in one at a time; ask for the transpose \
                           of a linear function";
            let error = refusal("dot_general", message);
            vec![Some(error.clone()), Some(error)]
        }
    }
}

/// The cotangent of an operand `x`, given the other `y`. The axes are those of `x` as the left operand; `exchanged` says
/// that it was the right one, so that in the result its axes come last.
fn cotangent(ct: &Array, x: &Type, y: &Array, axes: &DotAxes, exchanged: bool) -> Array {
    let y_rank = attempt!(y.shape()).len();
    let (x_free, y_free) = (axes.lhs_free(x.rank()), axes.rhs_free(y_rank));
    let batch_count = axes.lhs_batch.len();
    let y_begins = if exchanged { batch_count } else { batch_count + x_free.len() };
    let ct_batch: Dims = (0..batch_count).collect();
    let ct_of_y: Dims = (y_begins..y_begins + y_free.len()).collect();
    let product = ct.dot_general(y, (&ct_of_y, &y_free), (&ct_batch, &axes.rhs_batch));
    // The product has the batch axes, those only x has, and the contracted axes in the order in which y has them.
    let mut pairs: Vec<(usize, usize)> =
        axes.rhs_contract.iter().copied().zip(axes.lhs_contract.iter().copied()).collect();
    pairs.sort_unstable();
    let contracted = pairs.iter().map(|&(_, of_x)| of_x);
    let have: Dims = axes.lhs_batch.iter().chain(&x_free).copied().chain(contracted).collect();
    product.permute(&axes::inverse(&have))
}

fn batch_dot(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let mut axes = DotAxes::of(args.attrs);
    if args.batched[0] {
        axes.lhs_contract = axes::behind_batch(&axes.lhs_contract);
        axes.lhs_batch = axes::behind_batch(&axes.lhs_batch);
    }
    if args.batched[1] {
        axes.rhs_contract = axes::behind_batch(&axes.rhs_contract);
        axes.rhs_batch = axes::behind_batch(&axes.rhs_batch);
    }
    // A batch of one operand alone becomes an axis only it has: its first, because it is the leading one.
    let position = match (args.batched[0], args.batched[1]) {
        (true, true) => {
            axes.lhs_batch.insert(0, 0);
            axes.rhs_batch.insert(0, 0);
            0
        }
        (true, false) => axes.lhs_batch.len(),
        (false, _) => match args.xs[0].shape() {
            Ok(shape) => shape.len() - axes.lhs_contract.len(),
            Err(error) => return vec![(axes::failed(error), true)],
        },
    };
    let result = apply1(&DOT_GENERAL, &[&args.xs[0], &args.xs[1]], axes.attrs());
    vec![(result.move_axis(position as isize, 0), true)]
}
