//! Robust principal components of a video: `min ½ ‖y − l − s‖² + λ ‖l‖_* + μ ‖s‖₁`, a frame for each column. What stays is a
//! matrix `l` of low rank, what moves is sparse, `s`.
//!
//! The variable has both as its slices along the first axis; ADMM splits a term for each of them.
//! (E. J. Candès, X. Li, Y. Ma and J. Wright, *Robust principal component analysis?*, 2011.)

use crate::study::Study;
use cotangent::data::Photograph;
use cotangent::functional::{L1Norm, NuclearNorm};
use cotangent::linop::{LinOp, Slice, Sum};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, LinearSubproblemSolver, Term};
use cotangent::{Array, DType, Index, Result, Type, stack};

const FRAMES: usize = 24;

pub(crate) fn run(study: &Study) -> Result<()> {
    // A square that wanders over a photograph whose light changes slowly.
    let side = study.side(64);
    let step = 512 / side as isize;
    let every = || Index::Slice { start: None, end: None, step };
    let ground = Photograph::Camera.image().index(&[every(), every()]);
    let position = Array::arange(side, DType::F32);
    let frame = |number: usize| {
        let light = 0.8 + 0.2 * (number as f64 / FRAMES as f64);
        let corner = (side - side / 6) * number / FRAMES;
        let inside = |low: usize| position.greater_equal(low as f64) & position.less((low + side / 6) as f64);
        let square = inside(side / 3).reshape(&[side, 1]) & inside(corner).reshape(&[1, side]);
        square.select(1.0, light * &ground).reshape(&[side * side])
    };
    let y = stack(&(0..FRAMES).map(frame).collect::<Vec<Array>>(), 1);

    let pair = Type::new(DType::F32, &[2, side * side, FRAMES]);
    let sum = LinOp::from(Sum::along(pair.clone(), &[0])?);
    let part = |number: isize| Slice::new(pair.clone(), &[Index::At(number)]);
    let start = sum.adjoint(&y);
    let f = SquaredL2Loss::new(y.clone())?.operator(sum)?;
    let terms = [
        Term::new(0.1 * side as f64 * NuclearNorm::new(), part(0)?, 1.0),
        Term::new(0.1 * L1Norm::new(), part(1)?, 1.0),
    ];
    let method = Admm::new(f, terms, LinearSubproblemSolver::default())?.start(0.5 * start);
    let still = stack(&vec![ground.reshape(&[side * side]); FRAMES], 1);
    let solution = study.solve_dual("robust PCA", &method, 50, |x| x.index_axis(0, 0), &still)?;
    let picture = |matrix: &Array| matrix.index_axis(1, FRAMES as isize / 2).reshape(&[side, side]);
    study.show(&[
        ("a frame", &picture(&y)),
        ("what stays", &picture(&solution.x.index_axis(0, 0))),
        ("what moves", &picture(&solution.x.index_axis(0, 1).abs())),
    ])?;
    study.plot(&[("robust PCA", &solution.history)])
}
