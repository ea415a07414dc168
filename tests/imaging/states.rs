//! States of solvers in files.

use crate::sample::random;
use crate::solutions::deconvolve;
use cotangent::functional::{L1Norm, L21Norm};
use cotangent::linop::xray::XRayTransform2D;
use cotangent::linop::{Boundary, FiniteDifference, Identity, LinOp};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{
    Admm, CircularConvolveSolver, LinearSubproblemSolver, Method, Options, Pdhg, Term, Watch, load, save, solve,
    solve_from,
};
use cotangent::{Array, DType, Tree, Type};
use std::f64::consts::PI;
use std::path::PathBuf;

fn file(name: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    (directory, path)
}

/// A solve that is saved, loaded and continued ends with the bits of one that was not interrupted.
fn assert_continues<M: Method<Variable = Array>>(method: &M, case: &str) {
    let whole = solve(method, &Options { max_steps: 9, ..Options::default() }).unwrap();
    for first in [0, 4] {
        let (_directory, path) = file("state.safetensors");
        let part = solve(method, &Options { max_steps: first, ..Options::default() }).unwrap();
        save(&path, method, &part).unwrap();
        let saved = load(&path, method).unwrap();
        assert_eq!((saved.next_step, saved.history.rows()), (first, part.history.rows()));
        let options = Options { max_steps: 9 - first, first_step: saved.next_step, ..Options::default() };
        let rest = solve_from(method, &options, saved.state, Watch::default()).unwrap();
        for (got, want) in rest.state.leaves().iter().zip(whole.state.leaves()) {
            assert_eq!(got.tensor().unwrap().bytes(), want.tensor().unwrap().bytes(), "{case}");
        }
        let history = saved.history.followed_by(rest.history);
        assert_eq!(history.column("Iter"), whole.history.column("Iter"));
        assert_eq!(history.column("Objective"), whole.history.column("Objective"));
        assert!(history.column("Time").unwrap().is_sorted());
    }
}

#[test]
fn a_restored_state_continues_bit_for_bit() {
    for dtype in [DType::F32, DType::F64, DType::C64, DType::C128] {
        let y = random(dtype, &[6, 5], 81);
        let term = |dtype| Term::new(0.1 * L1Norm::new(), Identity::new(Type::new(dtype, &[6, 5])), 0.7);
        let d = FiniteDifference::new(y.ty().unwrap(), Boundary::CIRCULAR).unwrap();
        let terms = [term(dtype), Term::new(0.1 * L21Norm::new(), d, 0.4)];
        let f = SquaredL2Loss::new(y.clone()).unwrap();
        let method = Admm::new(f, terms, LinearSubproblemSolver::default()).unwrap();
        assert_continues(&method, &dtype.to_string());
    }
}

/// The projection of the last iterate, which the objective asks for, is what the next iteration begins with, restored or not.
#[test]
fn a_restored_tomography_continues_bit_for_bit() {
    let image = Type::new(DType::F32, &[64, 64]);
    let angles: Vec<f64> = (0..20).map(|view| PI * f64::from(view) / 20.0).collect();
    let project = LinOp::from(XRayTransform2D::new(image.clone(), angles).unwrap());
    let y = project.apply(&random(DType::F32, &[64, 64], 82));
    let f = SquaredL2Loss::new(y).unwrap().operator(project).unwrap();
    let d = FiniteDifference::new(image, Boundary::CIRCULAR).unwrap();
    let terms = [Term::new(0.1 * L21Norm::new(), d, 5.0)];
    assert_continues(&Admm::new(f, terms, LinearSubproblemSolver::default()).unwrap(), "tomography");
}

#[test]
fn states_of_other_methods_are_refused() {
    let y = random(DType::F32, &[6, 5], 81);
    let lambda = Array::from(0.1f32);
    let method = deconvolve(&y, &lambda);
    let (_directory, path) = file("state.safetensors");
    save(&path, &method, &solve(&method, &Options { max_steps: 2, ..Options::default() }).unwrap()).unwrap();

    let identity = Identity::new(y.ty().unwrap());
    let pdhg = Pdhg::new(SquaredL2Loss::new(y.clone()).unwrap(), L1Norm::new(), identity, 0.5, 0.5);
    let error = load(&path, &pdhg).unwrap_err();
    assert!(error.message().contains("Admm") && error.message().contains("Pdhg"), "{error}");

    let larger = random(DType::F32, &[6, 6], 81);
    let error = load(&path, &deconvolve(&larger, &lambda)).unwrap_err();
    assert!(error.message().contains("f32[6,5]") && error.message().contains("f32[6,6]"), "{error}");

    let term = Term::new(L1Norm::new(), Identity::new(y.ty().unwrap()), 1.0);
    let one = Admm::new(SquaredL2Loss::new(y).unwrap(), [term], CircularConvolveSolver::new()).unwrap();
    let error = load(&path, &one).unwrap_err();
    assert!(error.message().contains("build the method as it was"), "{error}");

    std::fs::write(&path, b"no state").unwrap();
    assert!(load(&path, &one).unwrap_err().message().contains("no file of a solver state"));
    std::fs::remove_file(&path).unwrap();
    assert!(load(&path, &one).unwrap_err().message().contains("could not be read"));
}
