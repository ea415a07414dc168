//! Convolutions over windows: of batches of images with many channels, strided, dilated and grouped.
//!
//! As in neural networks, the window is not turned round: what is computed is a correlation without conjugation. Signals are
//! convolved, in the sense of signal processing, by `convolve.rs`.

use super::axes::{index_of, position_of};
use super::{
    Arity, Batch, Case, Domain, Eval, Jvp, Lower, Operand, Prim, Routine, Transpose, TransposeArgs, Types, WHOLE, one,
    refuse,
};
use crate::array::{Array, apply1};
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::scalar::{Number, Scalar};
use crate::tensor::Tensor;
use crate::transform::refusal;
use crate::types::{Dims, Type};
use smallvec::SmallVec;

mod convolution;
mod convolve;
mod lowering;
mod transpose;

pub use convolution::{Convolution, Padding};
pub use convolve::ConvolveMode;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&CONV];

/// Sums of products within windows.
pub static CONV: Prim = Prim {
    name: "conv",
    doc: "The sums, over the input channels and the places of a window, of products of `x[n, c, ..]` and `w[o, c, ..]`; the \
          result has the axes `n`, `o` and one for the steps of the window along each axis of space. The window moves by \
          `strides`; its elements are `rhs_dilation` apart, and those of `x` `lhs_dilation`, with zeros between them, `low` \
          before and `high` behind (negative ones cut elements off). Channels of both come in `feature_groups` that do not \
          mix; with `batch_groups`, each group of output channels sees its part of the batch alone.",
    arity: Arity::Exactly(2),
    attrs: &[
        ("strides", AttrKind::Ints),
        ("low", AttrKind::Ints),
        ("high", AttrKind::Ints),
        ("lhs_dilation", AttrKind::Ints),
        ("rhs_dilation", AttrKind::Ints),
        ("feature_groups", AttrKind::Int),
        ("batch_groups", AttrKind::Int),
    ],
    domain: Domain::Cases(cases),
    infer,
    eval: Eval::Tensors(|xs, attrs, types| vec![sums(xs[0], xs[1], &Window::of(attrs), &types[0])]),
    jvp: Jvp::PerOperand(&[
        |args, tangent| apply1(&CONV, &[tangent, &args.xs[1]], args.attrs.clone()),
        |args, tangent| apply1(&CONV, &[&args.xs[0], tangent], args.attrs.clone()),
    ]),
    transpose: Transpose::Rule(transpose_conv),
    batch: Batch::Rule(|args| vec![(transpose::batched(args), true)]),
    lower: Lower::LibraryOrExpand(
        |types, attrs| lowering::by_routine(types[0], types[1], &Window::of(attrs)),
        Routine::Items { operands: &[WHOLE], results: &[WHOLE] },
        |xs, attrs| vec![lowering::expand(&xs[0], &xs[1], &Window::of(attrs))],
    ),
};

/// The attributes of [`CONV`].
#[derive(Clone, Debug)]
struct Window {
    strides: SmallVec<[i64; 4]>,
    low: SmallVec<[i64; 4]>,
    high: SmallVec<[i64; 4]>,
    lhs_dilation: SmallVec<[i64; 4]>,
    rhs_dilation: SmallVec<[i64; 4]>,
    feature_groups: usize,
    batch_groups: usize,
}

impl Window {
    fn of(attrs: &Attrs) -> Window {
        let [strides, low, high, lhs_dilation, rhs_dilation] =
            ["strides", "low", "high", "lhs_dilation", "rhs_dilation"].map(|name| attrs.ints(name).into());
        let (feature_groups, batch_groups) = (attrs.size("feature_groups"), attrs.size("batch_groups"));
        Window { strides, low, high, lhs_dilation, rhs_dilation, feature_groups, batch_groups }
    }

    fn attrs(&self) -> Attrs {
        Attrs::none()
            .with_ints("strides", self.strides.iter().copied())
            .with_ints("low", self.low.iter().copied())
            .with_ints("high", self.high.iter().copied())
            .with_ints("lhs_dilation", self.lhs_dilation.iter().copied())
            .with_ints("rhs_dilation", self.rhs_dilation.iter().copied())
            .with_int("feature_groups", self.feature_groups as i64)
            .with_int("batch_groups", self.batch_groups as i64)
    }

    /// Axes of space.
    fn rank(&self) -> usize {
        self.strides.len()
    }

    /// Steps of the window along an axis of space.
    fn steps(&self, axis: usize, x: &[usize], w: &[usize]) -> usize {
        let padded = dilated(x[axis + 2], self.lhs_dilation[axis]) + self.low[axis] + self.high[axis];
        let room = padded.max(0) - dilated(w[axis + 2], self.rhs_dilation[axis]);
        if room < 0 { 0 } else { (room / self.strides[axis] + 1) as usize }
    }
}

/// The extent of so many elements with zeros between them.
fn dilated(extent: usize, dilation: i64) -> i64 {
    if extent == 0 { 0 } else { (extent as i64 - 1) * dilation + 1 }
}

fn infer(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let (x, w) = (operands[0], operands[1]);
    if x.dtype != w.dtype || x.dtype.is_bool() {
        let message = format!("takes numbers of one dtype, got {x} and {w}; convert the operands with `astype`");
        return refuse(ErrorKind::DType, "conv", message);
    }
    let lists = ["strides", "low", "high", "lhs_dilation", "rhs_dilation"].map(|name| attrs.ints(name).len());
    if x.rank() != w.rank() || x.rank() < 2 || lists.iter().any(|&count| count + 2 != x.rank()) {
        let message = format!(
            "takes [batch, channels, space..] and [output channels, input channels, space..] with one stride, padding and \
             dilation for each axis of space, got {x} and {w} with {lists:?} of them"
        );
        return refuse(ErrorKind::Shape, "conv", message);
    }
    for name in ["strides", "lhs_dilation", "rhs_dilation"] {
        if let Some(number) = attrs.ints(name).iter().find(|&&number| number < 1) {
            return refuse(ErrorKind::Argument, "conv", format!("`{name}` has {number}; the least is 1"));
        }
    }
    let (groups, batches) = (attrs.int("feature_groups"), attrs.int("batch_groups"));
    if groups < 1 || batches < 1 || (groups > 1 && batches > 1) {
        let message =
            format!("feature_groups = {groups} and batch_groups = {batches} must be 1 at least, one of them 1");
        return refuse(ErrorKind::Argument, "conv", message);
    }
    let window = Window::of(attrs);
    let (n, c, o) = (x.shape[0], x.shape[1], w.shape[0]);
    let fits = c == w.shape[1] * window.feature_groups
        && o.is_multiple_of(window.feature_groups)
        && n.is_multiple_of(window.batch_groups)
        && o.is_multiple_of(window.batch_groups);
    if !fits {
        let message = format!(
            "{x} has {c} channels, {w} takes {} for each of {groups} groups and gives {o}, in {batches} groups of a batch of \
             {n}; they must match and divide",
            w.shape[1]
        );
        return refuse(ErrorKind::Shape, "conv", message);
    }
    let steps = (0..window.rank()).map(|axis| window.steps(axis, &x.shape, &w.shape));
    let shape: Dims = [n / window.batch_groups, o].into_iter().chain(steps).collect();
    super::axes::addressable("conv", &shape)?;
    one(Type { dtype: x.dtype, shape })
}

/// Every sum as it is defined.
fn sums(x: &Tensor, w: &Tensor, window: &Window, ty: &Type) -> Tensor {
    let (xs, ws) = (&x.ty().shape, &w.ty().shape);
    let places = &ws[1..];
    let per_group = ws[0] / window.feature_groups;
    let outputs_per_batch_group = ws[0] / window.batch_groups;
    Tensor::from_fn(ty.clone(), |position| {
        let result = index_of(position, &ty.shape);
        let (n, o) = (result[0], result[1]);
        let first_channel = o / per_group * ws[1];
        let batch = o / outputs_per_batch_group * ty.shape[0] + n;
        let terms = (0..places.iter().product()).filter_map(|place| {
            let at = index_of(place, places);
            let mut source: Dims = [batch, first_channel + at[0]].into_iter().collect();
            for axis in 0..window.rank() {
                let reached = result[axis + 2] as i64 * window.strides[axis] - window.low[axis]
                    + at[axis + 1] as i64 * window.rhs_dilation[axis];
                let dilation = window.lhs_dilation[axis];
                if reached < 0 || reached % dilation != 0 || reached / dilation >= xs[axis + 2] as i64 {
                    return None;
                }
                source.push((reached / dilation) as usize);
            }
            Some((x.get(position_of(&source, xs)), w.get(o * places.iter().product::<usize>() + place)))
        });
        let number = match ty.dtype {
            dtype if dtype.is_complex() => Number::Complex(terms.map(|(a, b)| a.as_complex() * b.as_complex()).sum()),
            dtype if dtype.is_float() => Number::Float(terms.map(|(a, b)| a.as_f64() * b.as_f64()).sum()),
            _ => {
                Number::Int(terms.fold(0, |sum: i128, (a, b)| sum.wrapping_add(a.as_i128().wrapping_mul(b.as_i128()))))
            }
        };
        Scalar::new(ty.dtype, number)
    })
}

fn transpose_conv(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let window = Window::of(args.attrs);
    match (&args.xs[0], &args.xs[1]) {
        (Operand::Linear(x), Operand::Known(w)) => vec![Some(transpose::of_input(args.ct(), x, w, &window)), None],
        (Operand::Known(x), Operand::Linear(w)) => vec![None, Some(transpose::of_window(args.ct(), x, w, &window))],
        (Operand::Known(_), Operand::Known(_)) => vec![None, None],
        (Operand::Linear(_), Operand::Linear(_)) => {
            let message = "cannot be transposed in both operands: it is linear in one at a time; ask for the transpose \
                           of a linear function";
            let error = refusal("conv", message);
            vec![Some(error.clone()), Some(error)]
        }
    }
}

fn cases() -> Vec<Case> {
    let case = |dtype, x: &[usize], w: &[usize], lists: [&[i64]; 5], groups: (usize, usize)| {
        let [strides, low, high, lhs_dilation, rhs_dilation] = lists.map(SmallVec::from_slice);
        let (feature_groups, batch_groups) = groups;
        let window = Window { strides, low, high, lhs_dilation, rhs_dilation, feature_groups, batch_groups };
        Case::new([Type::new(dtype, x), Type::new(dtype, w)], window.attrs())
    };
    let plain: [&[i64]; 5] = [&[1], &[0], &[0], &[1], &[1]];
    vec![
        case(DType::F64, &[1, 1, 5], &[1, 1, 2], plain, (1, 1)),
        case(DType::F64, &[2, 2], &[3, 2], [&[]; 5], (1, 1)),
        case(DType::F64, &[2, 2, 7], &[3, 2, 3], [&[2], &[1], &[2], &[1], &[2]], (1, 1)),
        case(DType::F64, &[2, 2, 5], &[3, 2, 2], [&[3], &[1], &[0], &[2], &[1]], (1, 1)),
        case(DType::F64, &[1, 1, 7], &[1, 1, 2], [&[2], &[-1], &[-2], &[1], &[1]], (1, 1)),
        case(DType::F32, &[2, 4, 5], &[6, 2, 2], plain, (2, 1)),
        case(DType::F64, &[2, 4, 5], &[4, 1, 2], [&[1], &[1], &[0], &[1], &[1]], (4, 1)),
        case(DType::F64, &[4, 2, 5], &[6, 2, 2], [&[2], &[0], &[1], &[1], &[1]], (1, 2)),
        case(DType::C128, &[2, 2, 4, 3], &[2, 2, 2, 2], [&[1, 2], &[1, 0], &[0, 1], &[1, 2], &[2, 1]], (1, 1)),
        case(
            DType::F64,
            &[1, 2, 3, 3, 2],
            &[2, 1, 2, 1, 2],
            [&[1; 3], &[0, 1, 0], &[1, 0, 0], &[1; 3], &[1; 3]],
            (2, 1),
        ),
        case(DType::C64, &[1, 2, 4, 4], &[2, 2, 3, 3], [&[2, 1], &[1, 1], &[1, 1], &[1, 1], &[1, 1]], (1, 1)),
        case(DType::F64, &[1, 1, 2], &[1, 1, 4], plain, (1, 1)),
        case(DType::F64, &[0, 1, 3], &[2, 1, 2], plain, (1, 1)),
        case(DType::I32, &[1, 2, 4], &[2, 2, 2], plain, (1, 1)),
    ]
}
