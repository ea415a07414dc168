//! Transforms with a product in between: recognised in the steps of a plan and joined to one call.
//!
//! A transform along an axis, a kernel that only multiplies the result by a transfer function, and the inverse transform
//! along the same axis pass an array through the caches three times. As a [`LibraryCall::Filter`] each line passes once.

use crate::compile::plan::{Place, Step};
use crate::compile::planner::Planner;
use crate::run::library::{Factor, FftKind, LibraryCall};
use cotangent_ir::kernel::{Access, Kernel, LaneOp, NodeKind, OutputKind};
use std::collections::BTreeMap;

/// Arrays of more bytes are transformed, multiplied and transformed back as a whole: lines far apart in memory make the
/// transfer function dearer to read beside them than to stream. On one thread 1024 lines of 513 took 14.8 ms as a filter and
/// 11.7 ms in three passes, 512 lines of 257 took 1.96 and 2.09 ms.
const MOST_BYTES: usize = 2 << 20;

/// A call that the last three steps can be, and the arrays that only they touch then.
pub(super) struct Joined {
    pub(super) call: LibraryCall,
    /// What the first step makes, and what the second does.
    pub(super) between: [u32; 2],
}

impl Planner {
    /// What the last three steps are together, if they are a transform, a product and the inverse transform.
    pub(super) fn filter(&self, steps: &[Step]) -> Option<Joined> {
        let [.., Step::Library { call: forward }, Step::Kernel { kernel, bind, .. }, Step::Library { call: inverse }] =
            steps
        else {
            return None;
        };
        let LibraryCall::Fft { kind: FftKind::Forward, precision, outer, length, inner, from, to: spectrum, .. } =
            self.calls[*forward]
        else {
            return None;
        };
        let LibraryCall::Fft { kind: FftKind::Inverse, scale, from: product, to, .. } = self.calls[*inverse] else {
            return None;
        };
        let same = |call: &LibraryCall| match *call {
            LibraryCall::Fft { precision: p, outer: o, length: l, inner: i, .. } => {
                (p, o, l, i) == (precision, outer, length, inner)
            }
            _ => false,
        };
        if !same(&self.calls[*inverse]) || 2 * precision.size() * outer * length * inner > MOST_BYTES {
            return None;
        }
        let (re, im) = factors(&self.kernels[*kernel], bind, outer * length * inner, spectrum, product)?;
        let call = LibraryCall::Filter { precision, outer, length, inner, scale, from, to, re, im };
        Some(Joined { call, between: [spectrum, product] })
    }

    /// Puts a call in the place of the last three steps, of which the kernel and the calls are the last planned.
    pub(super) fn join_filter(&mut self, call: LibraryCall, steps: &mut Vec<Step>) {
        let LibraryCall::Filter { from, re, im, .. } = call else {
            cotangent_ir::error::internal("a filter that is none")
        };
        self.kernels.pop();
        self.calls.truncate(self.calls.len() - 2);
        steps.truncate(steps.len() - 3);
        // What the first two steps have read is in use until the last has written.
        for slot in [from, re.slot].into_iter().chain(im.map(|im| im.slot)) {
            self.touch(Place::Slot(slot));
        }
        self.calls.push(call);
        steps.push(Step::Library { call: self.calls.len() - 1 });
    }
}

/// The real and imaginary parts of what a kernel multiplies all elements of `from` by, to make `to`.
fn factors(kernel: &Kernel, bind: &[Place], len: usize, from: u32, to: u32) -> Option<(Factor, Option<Factor>)> {
    if kernel.extents[..] != [len] || kernel.outputs.len() != 2 {
        return None;
    }
    let slot = |operand: u32| match bind[operand as usize] {
        Place::Slot(slot) => Some(slot),
        Place::Scalar(_) => None,
    };
    let mut parts: [Option<Factor>; 2] = [None; 2];
    let mut polynomials: Vec<Polynomial> = Vec::new();
    for node in &kernel.nodes {
        polynomials.push(match &node.kind {
            NodeKind::Load { operand, access } => {
                let (offset, stride) = place(access)?;
                let factor = Factor { slot: slot(*operand)?, offset, stride };
                if factor.slot == from && stride == 2 && offset < 2 {
                    variable(offset)
                } else {
                    let known = parts.iter().position(|part| part.is_none_or(|part| part == factor))?;
                    parts[known] = Some(factor);
                    variable(2 + known)
                }
            }
            NodeKind::Const(zero) if zero.as_f64().to_bits() == 0 => variable(ZERO),
            NodeKind::Op { op, args } => {
                let of = |i: usize| &polynomials[args[i].index()];
                match op {
                    LaneOp::Add => sum(of(0), of(1), 1),
                    LaneOp::Sub => sum(of(0), of(1), -1),
                    LaneOp::Neg => sum(&Polynomial::new(), of(0), -1),
                    LaneOp::Mul => product(of(0), of(1))?,
                    LaneOp::Fma => sum(&product(of(0), of(1))?, of(2), 1),
                    _ => return None,
                }
            }
            _ => return None,
        });
    }
    let mut results: [Option<&Polynomial>; 2] = [None; 2];
    for output in &kernel.outputs {
        let (offset, stride) = place(&output.access)?;
        if output.kind != OutputKind::Store || slot(output.operand)? != to || stride != 2 || offset > 1 {
            return None;
        }
        results[offset] = Some(&polynomials[output.node.index()]);
    }
    let results = (results[0]?, results[1]?);
    let term = |a: usize, b: usize, sign: i64| Polynomial::from([(vec![a, b], sign)]);
    let complex =
        |re: usize, im: usize| (sum(&term(0, re, 1), &term(1, im, -1), 1), sum(&term(0, im, 1), &term(1, re, 1), 1));
    let is = |wanted: (Polynomial, Polynomial)| (&wanted.0, &wanted.1) == results;
    match parts {
        [Some(h), None] if is(complex(2, ZERO)) => Some((h, None)),
        [Some(h), None] if is(complex(2, 2)) => Some((h, Some(h))),
        [Some(re), Some(im)] if is(complex(2, 3)) => Some((re, Some(im))),
        [Some(im), Some(re)] if is(complex(3, 2)) => Some((re, Some(im))),
        _ => None,
    }
}

/// Offset and stride of an access in a single loop.
fn place(access: &Access) -> Option<(usize, usize)> {
    let fixed = access.dynamic.is_empty() && access.strides.len() == 1;
    (fixed && access.offset >= 0 && access.strides[0] > 0)
        .then_some((access.offset as usize, *access.strides.first()? as usize))
}

/// A polynomial with whole coefficients: monomials, as sorted lists of variables, of at most two. The variables are the
/// parts of what is multiplied, 0 and 1, and of what it is multiplied by, 2 and 3, or [`ZERO`]: a product with zero is not
/// always zero.
type Polynomial = BTreeMap<Vec<usize>, i64>;

/// The variable that stands for a part which is zero.
const ZERO: usize = 4;

fn variable(number: usize) -> Polynomial {
    Polynomial::from([(vec![number], 1)])
}

fn sum(a: &Polynomial, b: &Polynomial, sign: i64) -> Polynomial {
    let mut total = a.clone();
    for (monomial, coefficient) in b {
        *total.entry(monomial.clone()).or_default() += sign * coefficient;
    }
    total.retain(|_, coefficient| *coefficient != 0);
    total
}

fn product(a: &Polynomial, b: &Polynomial) -> Option<Polynomial> {
    let mut total = Polynomial::new();
    for (left, c) in a {
        for (right, d) in b {
            let mut monomial = [&left[..], right].concat();
            monomial.sort_unstable();
            if monomial.len() > 2 {
                return None;
            }
            *total.entry(monomial).or_default() += c * d;
        }
    }
    Some(total)
}
