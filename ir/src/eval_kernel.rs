//! The reference interpreter of kernels: the meaning of a loop nest, slow and obvious.
//!
//! Iterations run in row-major order, each evaluating by demand what its outputs need: the branch of a pick that is not
//! taken is never looked at. It shares nothing with emission and is never changed for speed.

use crate::dtype::DType;
use crate::kernel::{Access, Kernel, LaneOp, NodeId, NodeKind, OutputKind};
use crate::scalar::{Number, Scalar};
use crate::tensor::Tensor;

/// Runs a kernel, as one chunk, on flat buffers of the lane dtypes, one for each operand.
///
/// ```
/// use cotangent_ir::{Tensor, eval_kernel, text::parse_kernel};
/// let text = "kernel @sum [3] (p0: read f32[3], p1: write f32[1]) { n0 = load p0 [1*i0] : f32 reduce sum p1 [0], n0 }";
/// let kernel = parse_kernel::kernels(text).unwrap().remove(0);
/// let x = Tensor::from_slice(&[3], &[1f32, 2.0, 4.0]).unwrap();
/// let mut buffers = [x, Tensor::from_slice(&[1], &[0f32]).unwrap()];
/// eval_kernel::run_kernel(&kernel, &mut buffers);
/// assert_eq!(buffers[1].as_slice::<f32>().unwrap(), [7.0]);
/// ```
pub fn run_kernel(kernel: &Kernel, buffers: &mut [Tensor]) {
    let fits = |(operand, buffer): (&crate::kernel::KernelOperand, &Tensor)| {
        operand.dtype == buffer.ty().dtype && operand.len == buffer.ty().len()
    };
    if kernel.operands.len() != buffers.len() || !kernel.operands.iter().zip(buffers.iter()).all(fits) {
        crate::error::internal(&format!("@{} run on buffers other than its operands", kernel.name));
    }
    start_reductions(kernel, buffers);
    each_index(&kernel.extents, &mut |index| run_iteration(kernel, buffers, index));
}

/// Fills every element a reduction writes with the identity. An axis it reduces counts as one index, also where it has
/// none: an empty reduction is the identity.
fn start_reductions(kernel: &Kernel, buffers: &mut [Tensor]) {
    for output in &kernel.outputs {
        let OutputKind::Reduce(op) = output.kind else { continue };
        let strides = output.access.strides.iter().zip(&kernel.extents);
        let kept: Vec<usize> = strides.map(|(&stride, &extent)| if stride == 0 { 1 } else { extent }).collect();
        let operand = output.operand as usize;
        let identity = op.identity(kernel.operands[operand].dtype);
        each_index(&kept, &mut |index| {
            let position = Iteration::new(kernel, buffers, index).position(&output.access);
            buffers[operand].set(position, identity);
        });
    }
}

/// Calls with every index of a box in row-major order.
fn each_index(extents: &[usize], run: &mut dyn FnMut(&[usize])) {
    let mut index = vec![0; extents.len()];
    if extents.contains(&0) {
        return;
    }
    loop {
        run(&index);
        let Some(axis) = (0..extents.len()).rev().find(|&axis| index[axis] + 1 < extents[axis]) else { return };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

fn run_iteration(kernel: &Kernel, buffers: &mut [Tensor], index: &[usize]) {
    let mut iteration = Iteration::new(kernel, buffers, index);
    // All values before the first write: what an iteration overwrites, it has read.
    let values: Vec<(usize, Scalar)> = kernel
        .outputs
        .iter()
        .map(|output| (iteration.position(&output.access), iteration.value(output.node)))
        .collect();
    for (output, (position, value)) in kernel.outputs.iter().zip(values) {
        let buffer = &mut buffers[output.operand as usize];
        let value = match output.kind {
            OutputKind::Store => value,
            OutputKind::Reduce(op) | OutputKind::Scatter(op) => {
                lane_op(op.combine(), &[buffer.get(position), value], value.dtype())
            }
        };
        buffer.set(position, value);
    }
}

/// One iteration with what has been evaluated of it.
struct Iteration<'a> {
    kernel: &'a Kernel,
    buffers: &'a [Tensor],
    index: &'a [usize],
    values: Vec<Option<Scalar>>,
}

impl<'a> Iteration<'a> {
    fn new(kernel: &'a Kernel, buffers: &'a [Tensor], index: &'a [usize]) -> Iteration<'a> {
        Iteration { kernel, buffers, index, values: vec![None; kernel.nodes.len()] }
    }

    fn value(&mut self, id: NodeId) -> Scalar {
        if let Some(value) = self.values[id.index()] {
            return value;
        }
        let node = self.kernel.node(id);
        let value = match &node.kind {
            NodeKind::Load { operand, access } => {
                let position = self.position(access);
                self.buffers[*operand as usize].get(position)
            }
            NodeKind::Const(value) => *value,
            NodeKind::Index { axis } => Scalar::int(DType::I64, self.index[*axis] as i128),
            NodeKind::Op { op, args } => {
                let args: Vec<Scalar> = args.iter().map(|&arg| self.value(arg)).collect();
                lane_op(*op, &args, node.dtype)
            }
            NodeKind::Pick { axis, low, high, inside, outside } => {
                let taken = (*low..*high).contains(&self.index[*axis]);
                self.value(if taken { *inside } else { *outside })
            }
        };
        self.values[id.index()] = Some(value);
        value
    }

    fn position(&mut self, access: &Access) -> usize {
        let mut position = i128::from(access.offset);
        for (&stride, &index) in access.strides.iter().zip(self.index) {
            position += i128::from(stride) * index as i128;
        }
        for &(id, factor) in &access.dynamic {
            position += i128::from(factor) * self.value(id).as_i128();
        }
        usize::try_from(position).unwrap_or_else(|_| {
            crate::error::internal(&format!("@{} reaches element {position} at {:?}", self.kernel.name, self.index))
        })
    }
}

/// The meaning of a lane operation. Floats compute in f64 and round once to the dtype; the elementary functions are those
/// of the standard library.
pub fn lane_op(op: LaneOp, args: &[Scalar], dtype: DType) -> Scalar {
    match op {
        LaneOp::Select => return if args[0].as_bool() { args[1] } else { args[2] },
        LaneOp::Convert => return args[0].convert(dtype),
        LaneOp::Bitcast => return bitcast(args[0], dtype),
        _ => {}
    }
    let operand_dtype = args[0].dtype();
    match args[0].number() {
        Number::Float(a) => {
            let rest: Vec<f64> = args[1..].iter().map(|arg| arg.as_f64()).collect();
            float_op(op, a, &rest).convert_to(dtype)
        }
        Number::Int(a) => {
            let rest: Vec<i128> = args[1..].iter().map(|arg| arg.as_i128()).collect();
            int_op(op, operand_dtype, a, &rest).convert_to(dtype)
        }
        Number::Complex(_) => crate::error::internal("a complex lane"),
    }
}

/// The bits of a value that is not complex, read as another dtype of the same width.
pub(crate) fn bitcast(value: Scalar, dtype: DType) -> Scalar {
    let bits = match (value.number(), value.dtype()) {
        (Number::Int(value), _) => value as u64,
        (Number::Float(value), DType::F32) => (value as f32).to_bits().into(),
        (Number::Float(value), _) => value.to_bits(),
        (Number::Complex(_), _) => crate::error::internal("the bits of a complex number"),
    };
    match dtype {
        DType::F32 => Scalar::real(dtype, f32::from_bits(bits as u32).into()),
        DType::F64 => Scalar::real(dtype, f64::from_bits(bits)),
        _ => Scalar::int(dtype, bits.into()),
    }
}

/// What an operation gives before it is rounded or wrapped to its dtype.
enum Wide {
    Float(f64),
    Int(i128),
}

impl Wide {
    fn convert_to(self, dtype: DType) -> Scalar {
        match self {
            Wide::Float(value) => Scalar::real(dtype, value),
            Wide::Int(value) => Scalar::int(dtype, value),
        }
    }
}

fn float_op(op: LaneOp, a: f64, rest: &[f64]) -> Wide {
    let b = || rest[0];
    let any_nan = || a.is_nan() || b().is_nan();
    Wide::Float(match op {
        LaneOp::Add => a + b(),
        LaneOp::Sub => a - b(),
        LaneOp::Mul => a * b(),
        LaneOp::Div => a / b(),
        LaneOp::Rem => a % b(),
        LaneOp::Neg => -a,
        LaneOp::Abs => a.abs(),
        LaneOp::Sign if a == 0.0 || a.is_nan() => a,
        LaneOp::Sign => a.signum(),
        LaneOp::Max | LaneOp::Min if any_nan() => f64::NAN,
        // The standard library leaves open which zero is greater; here +0 is.
        LaneOp::Max if a == b() => {
            if a.is_sign_negative() {
                b()
            } else {
                a
            }
        }
        LaneOp::Min if a == b() => {
            if a.is_sign_negative() {
                a
            } else {
                b()
            }
        }
        LaneOp::Max => a.max(b()),
        LaneOp::Min => a.min(b()),
        LaneOp::Fma => a.mul_add(b(), rest[1]),
        LaneOp::Sqrt => a.sqrt(),
        LaneOp::Floor => a.floor(),
        LaneOp::Ceil => a.ceil(),
        LaneOp::Round => a.round_ties_even(),
        LaneOp::Trunc => a.trunc(),
        LaneOp::Exp => a.exp(),
        LaneOp::Log => a.ln(),
        LaneOp::Sin => a.sin(),
        LaneOp::Cos => a.cos(),
        LaneOp::Tanh => a.tanh(),
        LaneOp::Pow => a.powf(b()),
        LaneOp::Atan2 => a.atan2(b()),
        LaneOp::Eq => return truth(a == b()),
        LaneOp::Ne => return truth(a != b()),
        LaneOp::Lt => return truth(a < b()),
        LaneOp::Le => return truth(a <= b()),
        LaneOp::And
        | LaneOp::Or
        | LaneOp::Xor
        | LaneOp::Not
        | LaneOp::Shl
        | LaneOp::Shr
        | LaneOp::Select
        | LaneOp::Convert
        | LaneOp::Bitcast => meaningless(op, "floats"),
    })
}

/// Integers and bools, exactly; the caller wraps.
fn int_op(op: LaneOp, dtype: DType, a: i128, rest: &[i128]) -> Wide {
    let b = || rest[0];
    let bits = 8 * dtype.size() as i128;
    Wide::Int(match op {
        LaneOp::Add if dtype.is_bool() => a | b(),
        LaneOp::Mul if dtype.is_bool() => a & b(),
        LaneOp::Not if dtype.is_bool() => 1 - a,
        LaneOp::Add => a + b(),
        LaneOp::Sub => a - b(),
        LaneOp::Mul => a.wrapping_mul(b()),
        LaneOp::Div if b() == 0 => -1,
        LaneOp::Div => a / b(),
        LaneOp::Rem if b() == 0 => a,
        LaneOp::Rem => a % b(),
        LaneOp::Neg => -a,
        LaneOp::Abs => a.abs(),
        LaneOp::Sign => a.signum(),
        LaneOp::Max => a.max(b()),
        LaneOp::Min => a.min(b()),
        LaneOp::Fma => a.wrapping_mul(b()).wrapping_add(rest[1]),
        LaneOp::And => a & b(),
        LaneOp::Or => a | b(),
        LaneOp::Xor => a ^ b(),
        LaneOp::Not => !a,
        LaneOp::Shl | LaneOp::Shr if !(0..bits).contains(&b()) => 0,
        LaneOp::Shl => a << b(),
        // The bit pattern moves as if unsigned.
        LaneOp::Shr => (a & ((1 << bits) - 1)) >> b(),
        LaneOp::Eq => return truth(a == b()),
        LaneOp::Ne => return truth(a != b()),
        LaneOp::Lt => return truth(a < b()),
        LaneOp::Le => return truth(a <= b()),
        LaneOp::Sqrt
        | LaneOp::Floor
        | LaneOp::Ceil
        | LaneOp::Round
        | LaneOp::Trunc
        | LaneOp::Exp
        | LaneOp::Log
        | LaneOp::Sin
        | LaneOp::Cos
        | LaneOp::Tanh
        | LaneOp::Pow
        | LaneOp::Atan2
        | LaneOp::Select
        | LaneOp::Convert
        | LaneOp::Bitcast => meaningless(op, "integers"),
    })
}

fn truth(value: bool) -> Wide {
    Wide::Int(value.into())
}

fn meaningless(op: LaneOp, what: &str) -> ! {
    crate::error::internal(&format!("lane operation `{}` on {what}", op.name()))
}
