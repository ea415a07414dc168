//! Methods of first order: all but ADMM.

mod misuse;
mod numbers;
mod optimality;
mod transformed;

use cotangent::functional::L1Norm;
use cotangent::linop::{Identity, LinOp, MatrixOperator};
use cotangent::loss::SquaredL2Loss;
use cotangent::operator::Op;
use cotangent::optimize::{Constraint, History, Method, Options, Solution, Stop, solve};
use cotangent::{Array, BlockArray, DType, Type, Variable};

/// The matrix of the lasso of three data and two unknowns.
fn matrix(dtype: DType) -> Array {
    Array::from([[2.0f64, 1.0], [1.0, 3.0], [0.0, 1.0]]).astype(dtype)
}

/// `½ ‖y − A x‖²` of that lasso, whose other half is `½ ‖x‖₁`.
fn lasso_loss(dtype: DType) -> SquaredL2Loss {
    let a = MatrixOperator::new(matrix(dtype)).unwrap();
    SquaredL2Loss::new(Array::from([1.0f64, 2.0, 3.0]).astype(dtype)).unwrap().operator(a).unwrap()
}

fn half_l1() -> impl cotangent::functional::Prox + Clone + 'static {
    0.5 * L1Norm::new()
}

fn pair(dtype: DType) -> LinOp {
    Identity::new(Type::new(dtype, &[2])).into()
}

/// Where the lasso starts from.
fn corner(dtype: DType) -> Array {
    Array::from([1.0f64, -1.0]).astype(dtype)
}

/// `sin(M x)` with the matrix of the lasso, and its difference from `z`.
fn sine(dtype: DType) -> (Op, Constraint) {
    let (m, ty) = (matrix(dtype), Type::new(dtype, &[2]));
    let first = m.clone();
    let op = Op::new(ty.clone(), move |x: &Array| first.matmul(x).sin()).unwrap();
    let constraint = Constraint::new(ty, Type::new(dtype, &[3]), move |x: &Array, z: &Array| m.matmul(x).sin() - z);
    (op, constraint.unwrap())
}

/// The block array ((1, 2), (3, 4, 5)).
fn blocks() -> BlockArray {
    BlockArray::new([Array::from([1.0f32, 2.0]), Array::from([3.0f32, 4.0, 5.0])]).unwrap()
}

fn steps(max_steps: usize) -> Options {
    Options { max_steps, ..Options::default() }
}

/// The solution at a tolerance, which must be reached.
#[track_caller]
fn converged<M: Method>(method: &M, tolerance: f64) -> Solution<M::State, M::Variable> {
    let options = Options { max_steps: 50_000, stop: Stop::at(tolerance), report_every: 0, ..Options::default() };
    solve(method, &options).unwrap().converged().unwrap()
}

/// The numbers of all blocks in order.
fn numbers<X: Variable>(x: &X) -> Vec<f64> {
    let leaves = x.leaves();
    leaves.iter().flat_map(|leaf| leaf.tensor().unwrap().scalars().map(|s| s.as_f64()).collect::<Vec<_>>()).collect()
}

#[track_caller]
fn assert_numbers(got: &[f64], want: &[f64], relative: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (position, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= relative * want.abs().max(1.0), "{what}: [{position}] is {got}, not {want}");
    }
}

/// Compares the statistics of each step with rows.
#[track_caller]
fn assert_rows<const N: usize>(history: &History, want: &[[f64; N]], relative: f64) {
    assert_eq!(history.rows().len(), want.len());
    for (row, want) in history.rows().iter().zip(want) {
        assert_numbers(&row[2..2 + N], want, relative, &format!("in\n{history}"));
    }
}
