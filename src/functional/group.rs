//! The `l2,1` norm: the sum of the `l2` norms of groups.

use super::{Functional, Prox, threshold};
use crate::inner::{divide_or_zero, norm_square, root, total};
use crate::{Array, BlockArray, ErrorKind, Factor};

/// `‖x‖₂,₁`: the sum of the `l2` norms of groups of elements, those along some axes; along axis 0 unless told otherwise.
/// The prox shrinks the norm of each group: `v_g max(‖v_g‖ − λ, 0) / ‖v_g‖`, and 0 where `‖v_g‖ = 0`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, L21Norm, Prox};
/// let m = Array::from([[3.0f32, 0.0, 1.0], [4.0, 0.0, -2.0]]);
/// assert!((L21Norm::new().value(&m).item()? - 7.236068).abs() < 1e-5);
/// assert!((L21Norm::along(&[1]).value(&m).item()? - 7.634414).abs() < 1e-5);
/// assert!((L21Norm::whole().value(&m).item()? - 5.477226).abs() < 1e-5);
/// let p = L21Norm::new().prox(&m, 1.0.into()).to_vec::<f32>()?;
/// assert!((p[0] - 2.4).abs() < 1e-6 && p[1] == 0.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// Of a block array, the groups are the blocks, which [`whole`](L21Norm::whole) asks for; axes are refused.
#[derive(Clone, Debug)]
pub struct L21Norm {
    /// The axes of a group; all if `None`.
    axes: Option<Vec<isize>>,
}

impl Default for L21Norm {
    fn default() -> L21Norm {
        L21Norm::new()
    }
}

impl L21Norm {
    /// Groups along axis 0, such as the components of a gradient.
    pub fn new() -> L21Norm {
        L21Norm::along(&[0])
    }

    /// Groups along the given axes; negative ones count from the end.
    pub fn along(axes: &[isize]) -> L21Norm {
        L21Norm { axes: Some(axes.to_vec()) }
    }

    /// One group of all elements, of an array or of each block.
    pub fn whole() -> L21Norm {
        L21Norm { axes: None }
    }

    /// The squared norm of each group, with the axes of a group of extent 1.
    #[track_caller]
    fn squares(&self, x: &Array) -> Array {
        match &self.axes {
            Some(axes) => x.abs2().keep_axes().sum_axes(axes),
            None => norm_square(x),
        }
    }

    #[track_caller]
    fn shrunk(&self, v: &Array, lambda: &Array) -> Array {
        let lengths = self.squares(v).sqrt();
        v * divide_or_zero(&(&lengths - lambda).maximum(0.0), &lengths)
    }

    /// Why block arrays are refused, if they are.
    #[track_caller]
    fn refusal(&self) -> Option<Array> {
        self.axes.as_ref().map(|axes| {
            let message = format!(
                "groups along axes {axes:?} are not those of a block array, whose groups are its blocks; use \
                 `L21Norm::whole()`"
            );
            cotangent_ir::fail(ErrorKind::Argument, "L21Norm", message)
        })
    }
}

impl Functional for L21Norm {
    fn value(&self, x: &Array) -> Array {
        root(&self.squares(x)).sum()
    }
}

impl Prox for L21Norm {
    fn prox(&self, v: &Array, lambda: Factor) -> Array {
        self.shrunk(v, &threshold("L21Norm::prox", &lambda, v))
    }
}

impl Functional<BlockArray> for L21Norm {
    fn value(&self, x: &BlockArray) -> Array {
        self.refusal().unwrap_or_else(|| total(x, |block| root(&self.squares(block))))
    }
}

impl Prox<BlockArray> for L21Norm {
    fn prox(&self, v: &BlockArray, lambda: Factor) -> BlockArray {
        let lambda = self.refusal().unwrap_or_else(|| threshold("L21Norm::prox", &lambda, v));
        v.map(|block| match lambda.error() {
            Some(_) => lambda.clone(),
            None => self.shrunk(block, &lambda),
        })
    }
}
