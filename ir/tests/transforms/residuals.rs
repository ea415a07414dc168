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

/// The residuals of a function of one array, as types, and the names of what the linear part computes.
fn elementwise(f: impl FnOnce(&Array) -> Array) -> (Vec<String>, Vec<&'static str>) {
    let func = trace("f", [Type::new(DType::F64, &[100])], |x| vec![f(&x[0])]).unwrap().func;
    let Linearized { primal, residuals, linear, .. } = linearize(&func, &[true]).unwrap();
    let types = primal.result_types();
    let names = linear.insts().iter().map(|inst| inst.prim.name).collect();
    (types[types.len() - residuals..].iter().map(Type::to_string).collect(), names)
}

/// The derivative of a chain of arithmetic needs every value on the way, but keeps one: the argument.
#[test]
fn arithmetic_is_computed_again() {
    let (residuals, _) = elementwise(|x| {
        let mut y = x.clone();
        for k in 1..5 {
            y = (&y * &y + k as f64) * x;
        }
        y
    });
    assert_eq!(residuals, ["f64[100]"]);
}

/// What is not arithmetic is kept, and arithmetic on it is computed again.
#[test]
fn elementary_functions_are_computed_once() {
    let (residuals, linear) = elementwise(|x| {
        let wave = x.sin();
        (&wave * &wave + 1.0) * &wave
    });
    // The sine, and the cosine of its derivative.
    assert_eq!(residuals, ["f64[100]", "f64[100]"]);
    assert!(linear.iter().all(|name| !["sin", "cos"].contains(name)), "{linear:?}");
    let (residuals, _) = elementwise(|x| (x.exp() * 2.0 - 1.0) * x.sum());
    // The exponential and the sum.
    assert_eq!(residuals, ["f64[100]", "f64[]"]);
}

/// A value that is far from the argument is kept rather than computed again at greater cost.
#[test]
fn long_chains_are_kept() {
    let (residuals, linear) = elementwise(|x| {
        let far = (0..40).fold(x.clone(), |y, k| y * 0.5 + k as f64);
        &far * &far
    });
    assert_eq!(residuals, ["f64[100]"]);
    // One product for each step of the tangent and two for that of the square, but none for `far` itself.
    assert_eq!(linear.iter().filter(|name| **name == "mul").count(), 42);
}

/// What a loop stacks is chosen alike: of each iteration the carried value, not what follows from it.
#[test]
fn loops_stack_what_the_rest_follows_from() {
    let (residuals, scan) = residuals(|x| {
        scan_arrays(&x[..1], &[], 5, false, |c, _| {
            let square = &c[0] * &c[0];
            (vec![(&square + 1.0) * (&square - 2.0) * &square], vec![])
        })
        .0
    });
    assert_eq!(residuals, ["f64[5]"]);
    assert_eq!(scan.results().len(), 2);
}
