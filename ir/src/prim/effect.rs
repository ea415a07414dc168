//! What a program does besides computing its results: reporting rows while it runs.

use super::{Arity, Batch, BatchArgs, Case, Control, Domain, Eval, Jvp, Lower, Prim, Transpose, Types, one, refuse};
use crate::array::{Array, apply1};
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::eval::Interpreter;
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::types::Type;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&TAP];

/// The report of a row.
pub static TAP: Prim = Prim {
    name: "tap",
    doc: "Reports the second operand, a row, to the observer of the running program if the first, its number, is a \
          multiple of `every`; whether the observer asks to stop. False without an observer.",
    arity: Arity::Exactly(2),
    attrs: &[("every", AttrKind::Int)],
    domain: Domain::Cases(|| {
        let row = |dtype| [Type::scalar(DType::I32), Type::new(dtype, &[3])];
        [DType::F32, DType::F64].map(|dtype| Case::new(row(dtype), Attrs::none().with_int("every", 2))).into()
    }),
    infer,
    eval: Eval::Control(eval),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(batch),
    lower: Lower::Control(Control::Tap),
};

/// Reports `row` (f32 or f64, one axis) to the observer of the running program if its number `index` (an i32 scalar) is a
/// multiple of `every`. The answer is a bool scalar: whether the observer asks the program to stop.
///
/// A batch is one report: the rows of its items one after the other, under the greatest of their numbers, with NaN for
/// items whose number is smaller. An item for which a loop has ended stays at the number after its last one, while the
/// loop goes on for others; so its row is NaN but for one report, which repeats its end.
///
/// ```
/// use cotangent_ir::{Array, prim::effect::tap};
/// let stop = tap(&Array::from(0), &Array::from([0.5f64, 2.0]), 10);
/// assert_eq!(stop.to_bools().unwrap(), [false]);
/// ```
#[track_caller]
pub fn tap(index: &Array, row: &Array, every: usize) -> Array {
    let every = i64::try_from(every).unwrap_or(i64::MAX);
    apply1(&TAP, &[index, row], Attrs::none().with_int("every", every))
}

fn infer(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let (index, row) = (operands[0], operands[1]);
    if *index != Type::scalar(DType::I32) {
        return refuse(ErrorKind::DType, "tap", format!("the number of a row must be i32[], not {index}"));
    }
    if !row.dtype.is_float() || row.rank() != 1 {
        let message = format!("a row must be f32 or f64 with one axis, not {row}; stack scalars into one array");
        return refuse(ErrorKind::Shape, "tap", message);
    }
    if attrs.int("every") < 1 {
        let message = format!("`every` = {} must be at least 1", attrs.int("every"));
        return refuse(ErrorKind::Argument, "tap", message);
    }
    one(Type::scalar(DType::Bool))
}

fn eval(interpreter: &mut Interpreter<'_>, xs: &[Tensor], attrs: &Attrs) -> Result<Vec<Tensor>> {
    let index = xs[0].get(0).as_i128() as i64;
    let stop = match &mut interpreter.observer {
        Some(observer) if index % attrs.int("every") == 0 => {
            let row: Vec<f64> = xs[1].scalars().map(Scalar::as_f64).collect();
            observer(index, &row)
        }
        _ => false,
    };
    Ok(vec![Tensor::from_scalar(Scalar::bool(stop))])
}

/// The rows of all items, one after the other, are one row. Its number is the greatest of theirs: an item that is behind
/// has nothing to report, and its elements are NaN. An answer holds for all.
fn batch(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let (number, mut rows) = (&args.xs[0], args.with_batch(1));
    let mut newest = number.clone();
    if args.batched[0] {
        newest = number.max();
        if let Ok(shape) = rows.shape() {
            let reports = number.equal(&newest).broadcast_in_dim(&shape, &[0]);
            rows = reports.select(&rows, f64::NAN);
        }
    }
    vec![(apply1(&TAP, &[&newest, &rows.flatten()], args.attrs.clone()), false)]
}
