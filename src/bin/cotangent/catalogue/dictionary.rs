//! Sparse coefficients of a dense dictionary.

use crate::recipe::{Argument, Meaning, Recipe, posed};
use cotangent::functional::L1Norm;
use cotangent::linop::MatrixOperator;
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{AcceleratedPgm, RobustLineSearchStepSize};
use cotangent::{Array, DType, Type};

/// Minimises `½ ‖D c − y‖² + λ ‖c‖₁`, with step lengths that a line search finds, so that the norm of the dictionary need
/// not be known.
pub(crate) fn recipe(shape: &[usize], lambda: f64) -> Recipe {
    let vector = |axis: usize| Type::new(DType::F32, &shape[axis..=axis]);
    let code = vector(1);
    Recipe {
        text: "Sparse coefficients of a dictionary: argmin_c 1/2 |D c - signal|^2 + lambda |c|_1, by accelerated proximal \
               gradients with a line search",
        data: vec![
            Argument::new("dictionary", Type::new(DType::F32, shape), "D, an atom in each column."),
            Argument::new("signal", vector(0), "What is to be a sum of few atoms."),
        ],
        state: vec![
            Meaning::new("x", "The coefficients so far."),
            Meaning::new("l", "The reciprocal of the step length."),
            Meaning::new("total", "The sum of the step lengths."),
            Meaning::new("r", "What steps are drawn to."),
            Meaning::new("accepted", "Whether the line search found a step length."),
        ],
        solution: Meaning::new("code", "The coefficients, one for each atom."),
        pose: Box::new(move |data| {
            let [dictionary, signal] = data else {
                cotangent::ir::error::internal("coding takes a dictionary and a signal")
            };
            let f = SquaredL2Loss::new(signal.clone())?.operator(MatrixOperator::new(dictionary.clone())?)?;
            let start = Array::zeros(&code.shape, code.dtype);
            let method = AcceleratedPgm::new(f.clone(), lambda * L1Norm::new(), 1.0, start)
                .robust(RobustLineSearchStepSize::default());
            Ok(posed(method, f, Array::clone))
        }),
    }
}
