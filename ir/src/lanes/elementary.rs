//! The elementary functions that kernels know as operations, written out in arithmetic: e^x, log x, sin x, cos x, tanh x,
//! x^y and the angle of a point.
//!
//! Each reduces its argument to a small range, evaluates a polynomial there (minimax, fitted with a Remez exchange in more
//! than double precision) and scales the result back. The error stays below 2 units in the last place over the whole range,
//! infinities, NaN and denormal numbers included. Nothing relies on products being fused with sums or not, except where the
//! target is known to do so.

use super::Lanes;
use crate::kernel::{LaneOp, NodeId};

impl Lanes<'_> {
    /// An operation written out in arithmetic, if it is one of the elementary functions. Sine and cosine of arguments
    /// beyond [`LARGEST_ANGLE`](super::LARGEST_ANGLE) are left: the operation itself occurs in the result, chosen for these
    /// arguments only.
    pub fn written_out(&mut self, op: LaneOp, args: &[NodeId]) -> Option<NodeId> {
        match (op, args) {
            (LaneOp::Exp, &[x]) => Some(self.exp_of(x)),
            (LaneOp::Log, &[x]) => Some(self.log_of(x)),
            (LaneOp::Tanh, &[x]) => Some(self.tanh_of(x)),
            (LaneOp::Sin | LaneOp::Cos, &[x]) => Some(self.circular(op, x)),
            (LaneOp::Pow, &[x, y]) => Some(self.pow_of(x, y)),
            (LaneOp::Atan2, &[y, x]) => Some(self.atan2_of(y, x)),
            _ => None,
        }
    }
}
