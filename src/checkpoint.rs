//! Functions of which reverse mode keeps the arguments only.

use crate::function::Function;
use crate::trace::{Evaluated, Recorded, evaluate, name_of, record};
use crate::tree::Tree;
use cotangent_ir::prim::checkpoint::checkpoint_arrays;
use std::panic::Location;

/// A function under a checkpoint: what [`checkpoint`] gives.
pub struct Checkpoint<F> {
    function: F,
}

/// The same function, of which reverse mode keeps the arguments and computes the rest again (rematerialisation): less
/// memory for more work. Values and derivatives are those of the function.
///
/// ```
/// use cotangent::{Array, Function, checkpoint, grad};
/// let layer = checkpoint(|x: Array| x.sin().exp());
/// let slope = grad(move |x: Array| layer.apply(layer.apply(x)).sum()).call(Array::from([0.5f64]))?;
/// let inner = 0.5f64.sin().exp();
/// let expected = inner.sin().exp() * inner.cos() * inner * 0.5f64.cos();
/// assert!((slope.to_vec::<f64>()?[0] - expected).abs() < 1e-12);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// Reference: A. Griewank and A. Walther, Algorithm 799: Revolve, ACM Transactions on Mathematical Software 26 (2000).
pub fn checkpoint<F>(function: F) -> Checkpoint<F> {
    Checkpoint { function }
}

impl<F, A, M> Function<A, M> for Checkpoint<F>
where
    F: Function<A, M>,
    A: Tree,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        let location = Location::caller();
        let name = name_of::<F>();
        let body = |args: A| {
            let Recorded { output, outcome } = record(&name, &args, |args| self.function.apply(args));
            let results = outcome.map(|traced| checkpoint_arrays(traced, &args.leaves()));
            Evaluated::new(output, results)
        };
        evaluate(&name, args, body).at(location).into_tree()
    }
}
