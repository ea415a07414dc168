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

/// Of a function under a checkpoint the linear part keeps the operands and computes the rest again, and sharing does not
/// undo that.
#[test]
fn a_checkpoint_keeps_operands_only() {
    use cotangent_ir::prim::checkpoint::checkpoint_arrays;
    use cotangent_ir::trace::trace;
    use cotangent_ir::transform::{inline, linearize, simplify};
    use cotangent_ir::{DType, Type};
    let ty = Type::new(DType::F64, &[3]);
    let chain = |x: &cotangent_ir::Array| x.sin().exp().sin();
    let plain = trace("plain", [ty.clone()], |x| vec![chain(&x[0])]).unwrap().func;
    let kept = trace("kept", [ty.clone()], |x| {
        let inner = trace("inner", [ty.clone()], |x| vec![chain(&x[0])]).unwrap();
        checkpoint_arrays(inner, x)
    })
    .unwrap()
    .func;
    let (plain, kept) = (linearize::linearize(&plain, &[true]).unwrap(), linearize::linearize(&kept, &[true]).unwrap());
    assert!(plain.residuals > 1);
    assert_eq!(kept.residuals, 1);
    let again = simplify(&inline::resolve(&kept.linear).unwrap());
    assert!(again.insts().iter().any(|inst| inst.prim.name == "exp"));
}
