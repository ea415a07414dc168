//! The nuclear norm of matrices.

use super::{Functional, Prox, threshold};
use crate::{Array, ErrorKind, Factor};

/// `‖X‖_*`: the sum of the singular values of a matrix. The prox shrinks them: `U diag(max(s − λ, 0)) Vᴴ`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, NuclearNorm, Prox};
/// let m = Array::from([[3.0f32, 0.0, 1.0], [4.0, 0.0, -2.0]]);
/// assert!((NuclearNorm::new().value(&m).item()? - 7.071068).abs() < 1e-5);
/// let p = NuclearNorm::new().prox(&m, 1.0.into()).to_vec::<f32>()?;
/// assert!((p[0] - 2.292894).abs() < 1e-5 && (p[5] + 1.292893).abs() < 1e-5);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NuclearNorm;

impl NuclearNorm {
    /// The nuclear norm.
    pub fn new() -> NuclearNorm {
        NuclearNorm
    }
}

/// `x`, or an error value where it is not a matrix.
#[track_caller]
fn matrix(x: &Array) -> Array {
    match x.ty() {
        Ok(ty) if ty.rank() != 2 => {
            let message = format!("takes a matrix, got {ty}; reshape it to two axes, or batch with `vmap`");
            cotangent_ir::fail(ErrorKind::Shape, "NuclearNorm", message)
        }
        _ => x.clone(),
    }
}

impl Functional for NuclearNorm {
    fn value(&self, x: &Array) -> Array {
        matrix(x).svdvals().sum()
    }
}

impl Prox for NuclearNorm {
    fn prox(&self, v: &Array, lambda: Factor) -> Array {
        let v = matrix(v);
        let svd = v.svd();
        let shrunk = (&svd.s - threshold("NuclearNorm::prox", &lambda, &v)).maximum(0.0);
        (svd.u * shrunk).matmul(&svd.vh)
    }
}
