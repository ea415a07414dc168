//! What reverse mode stores of a loop.

use cotangent_ir::prim::control::scan_arrays;
use cotangent_ir::trace::trace;
use cotangent_ir::transform::linearize::{Linearized, linearize};
use cotangent_ir::{Array, DType, Func, Inst, Type};

/// Types of the residuals, and the loop of the primal part.
fn residuals(body: impl FnOnce(&[Array]) -> Vec<Array>) -> (Vec<String>, Inst) {
    let types = [Type::scalar(DType::F64), Type::scalar(DType::F64), Type::new(DType::F64, &[5])];
    let func: Func = trace("f", types, body).unwrap().func;
    let Linearized { primal, residuals, .. } = linearize(&func, &[true, false, true]).unwrap();
    let types = primal.result_types();
    let scan = primal.insts().iter().find(|inst| inst.prim.name == "scan").unwrap().clone();
    (types[types.len() - residuals..].iter().map(Type::to_string).collect(), scan)
}

#[test]
fn outputs_are_not_stacked_twice() {
    let (residuals, scan) = residuals(|x| {
        let (_, ys) = scan_arrays(&x[..1], &[], 5, false, |c, _| {
            let next = c[0].exp();
            (vec![next.clone()], vec![next])
        });
        ys
    });
    assert_eq!(residuals, ["f64[5]"]);
    assert_eq!(scan.results().len(), 2);
}

#[test]
fn inputs_are_not_stacked_again() {
    let (residuals, scan) =
        residuals(|x| scan_arrays(&x[..1], &x[2..], 5, false, |c, s| (vec![&c[0] * &s[0]], vec![])).0);
    // The input itself, and the carried values.
    assert_eq!(residuals, ["f64[5]", "f64[5]"]);
    assert_eq!(scan.results().len(), 2);
}

#[test]
fn what_no_iteration_changes_is_not_stacked() {
    let (residuals, _) =
        residuals(|x| scan_arrays(&x[..1], &[], 5, false, |c, _| (vec![&c[0] * x[1].sin()], vec![])).0);
    assert_eq!(residuals, ["f64[]"]);
}
