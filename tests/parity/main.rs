//! Array operations, derivatives, functionals, losses, metrics, operators and solvers against numbers computed by other systems.
//!
//! `tests/fixtures/manifest.json` describes the cases, and [`compare`] when they agree. Every case is printed by its id as
//! `ok` or `FAIL`. `COTANGENT_CASE=text` runs the cases with that in their id.
#![cfg(feature = "compiler")]

mod archive;
mod autodiff;
mod compare;
mod fixtures;
mod formula;
mod imaging;
mod lax;
mod report;

use fixtures::Manifest;

#[test]
fn every_array_operation_agrees() {
    let area = Manifest::load().area("lax");
    lax::check_lists(&area);
    report::run(&area, lax::compute);
}

#[test]
fn every_derivative_agrees() {
    let manifest = Manifest::load();
    formula::functions::check_lists(&manifest.formula_names());
    let area = manifest.area("autodiff");
    report::run(&area, autodiff::compute);
}

#[test]
fn every_functional_agrees() {
    report::run(&Manifest::load().area("functional"), imaging::functional::compute);
}

#[test]
fn every_loss_agrees() {
    report::run(&Manifest::load().area("loss"), imaging::loss::compute);
}

#[test]
fn every_metric_agrees() {
    report::run(&Manifest::load().area("metric"), imaging::metric::compute);
}

#[test]
fn every_operator_agrees() {
    report::run(&Manifest::load().area("linop"), imaging::operator::compute);
}

#[test]
fn every_solver_agrees() {
    report::run(&Manifest::load().area("solver"), imaging::solver::compute);
}

#[test]
fn every_optimizer_agrees() {
    report::run(&Manifest::load().area("optimize"), imaging::optimize::compute);
}
