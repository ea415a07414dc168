//! What users are told, and transformations of what is not a derivative.

use super::{check, numbers, product, run};
use cotangent_ir::prim::control::{cond_arrays, fori_arrays, scan_arrays, switch_arrays, while_arrays};
use cotangent_ir::prim::effect::tap;
use cotangent_ir::trace::trace;
use cotangent_ir::transform::{jvp, linearize, transpose, vmap};
use cotangent_ir::{Array, DType, Error, Func, Scalar, Tensor, Type};

#[track_caller]
fn says(error: &Error, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[track_caller]
fn fails(results: &[Array], parts: &[&str]) {
    for result in results {
        match result.error() {
            Some(error) => says(error, parts),
            None => panic!("no error but {result:?}"),
        }
    }
    assert!(!results.is_empty());
}

fn scalars() -> [Array; 2] {
    [Array::from(1.0f32), Array::from(2)]
}

fn record(types: &[Type], body: impl FnOnce(&[Array]) -> Vec<Array>) -> Func {
    match trace("f", types.to_vec(), body) {
        Ok(traced) => traced.func,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn carried_values_keep_their_types() {
    let results = while_arrays(&scalars(), |c| c[1].less(3), |c| vec![c[0].clone(), c[1].astype(DType::F32)]);
    fails(&results, &["`while`", "`body` returns f32[] for carried value 1, which is i32[]", "convert or reshape"]);
    let results = while_arrays(&scalars(), |c| c[1].less(3), |c| vec![c[0].clone()]);
    fails(&results, &["`body` returns 1 values where 2 are due"]);
    let (carry, ys) = scan_arrays(&scalars(), &[], 3, false, |c, _| {
        (vec![c[0].broadcast_leading(2), c[1].clone()], vec![c[0].clone()])
    });
    fails(&carry, &["`scan`", "`body` returns f32[2] for carried value 0, which is f32[]"]);
    fails(&ys, &["carried value 0"]);
    let (carry, _) = scan_arrays(&scalars(), &[], 3, false, |c, _| (vec![c[0].clone()], vec![c[0].clone()]));
    fails(&carry, &["the body returns 1 carried values, 2 are carried"]);
    let results = fori_arrays(0, 3, &scalars(), |k, c| vec![c[0].clone(), k.astype(DType::I64)]);
    fails(&results, &["i64[] for carried value 1, which is i32[]"]);
}

#[test]
fn predicates_are_bool_scalars() {
    let results = while_arrays(&scalars(), |c| c[1].clone(), <[Array]>::to_vec);
    fails(&results, &["`cond` returns [i32[]] where one bool[] is due"]);
    let results = cond_arrays(&Array::from(1), <[Array]>::to_vec, <[Array]>::to_vec, &scalars());
    fails(&results, &["`cond`", "the predicate must be a bool scalar, not i32[]"]);
    let results = switch_arrays(&Array::from(1.5f32), vec![Box::new(<[Array]>::to_vec)], &scalars());
    fails(&results, &["the index must be an integer scalar, not f32[]"]);
    fails(&switch_arrays(&Array::from(1), vec![], &scalars()), &["there are no branches"]);
}

#[test]
fn branches_agree() {
    let results = cond_arrays(&Array::from(true), |c| vec![c[0].clone()], |c| vec![c[1].clone()], &scalars());
    fails(&results, &["`branch 1` returns f32[] for result 0 of branch 0, which is i32[]", "the same types"]);
    let results = cond_arrays(&Array::from(true), |c| vec![c[0].clone()], <[Array]>::to_vec, &scalars());
    fails(&results, &["`branch 1` returns 1 values where 2 are due"]);
}

#[test]
fn stacked_inputs_are_as_long_as_the_loop() {
    let (carry, _) = scan_arrays(&scalars(), &[Array::from([1.0f32, 2.0])], 3, false, |c, _| (c.to_vec(), vec![]));
    fails(&carry, &["stacked input 0 is f32[2]", "extent of the loop, 3"]);
}

#[test]
fn errors_in_a_body_come_out_of_the_loop() {
    let x = Array::from([1.0f32, 2.0]);
    let (carry, _) = scan_arrays(&scalars(), &[], 3, false, |c, _| {
        (vec![(&x + Array::from([1.0f32, 2.0, 3.0])).sum(), c[1].clone()], vec![])
    });
    fails(&carry, &["`add`"]);
    let traced = trace("f", [Type::scalar(DType::F32)], |x| fori_arrays(0, 2, x, |_, c| vec![c[0].reshape(&[2])]));
    says(&traced.err().unwrap(), &["`reshape`"]);
}

#[test]
fn loops_with_conditions_have_no_reverse_mode() {
    let func = record(&[Type::scalar(DType::F64)], |x| while_arrays(x, |c| c[0].less(9.0), |c| vec![&c[0] * 2.0]));
    let parts = linearize::linearize(&func, &[true]).unwrap();
    let linear: Vec<bool> = (0..parts.linear.params().len()).map(|param| param >= parts.residuals).collect();
    let error = transpose::transpose(&parts.linear, &linear).unwrap_err();
    says(&error, &["reverse-mode differentiation through `while_loop`", "`fori_loop` with a fixed count or `scan`"]);
}

#[test]
fn integers_are_not_differentiated() {
    let func = record(&[Type::scalar(DType::I32)], |x| vec![&x[0] * 2]);
    says(&jvp::jvp(&func, &[true]).unwrap_err(), &["parameter 0 of @f is i32[]", "convert it to a float"]);
    says(&jvp::jvp(&func, &[]).unwrap_err(), &["@f has 1 parameters, 0 flags were given"]);
}

#[test]
fn only_linear_functions_are_transposed() {
    let func = record(&[Type::scalar(DType::F64)], |x| vec![x[0].sin()]);
    says(&transpose::transpose(&func, &[true]).unwrap_err(), &["`sin`", "is not linear"]);
}

#[test]
fn reports_are_rows_with_numbers() {
    says(
        tap(&Array::from(0.5f32), &Array::from([1.0]), 1).error().unwrap(),
        &["`tap`", "number of a row must be i32[], not f32[]"],
    );
    says(tap(&Array::from(0), &Array::from(1.0), 1).error().unwrap(), &["with one axis, not f64[]"]);
    says(tap(&Array::from(0), &Array::from([1.0]), 0).error().unwrap(), &["`every` = 0 must be at least 1"]);
}

#[test]
fn reports_of_a_differentiated_loop_come_once() {
    let func = record(&[Type::scalar(DType::F64)], |x| {
        fori_arrays(0, 3, x, |k, c| {
            tap(k, &c[0].reshape(&[1]), 1);
            vec![c[0].sin()]
        })
    });
    let gradient = super::gradient(&func);
    check("reports", &gradient);
    let mut rows = Vec::new();
    let mut observer = |index: i64, _: &[f64]| {
        rows.push(index);
        false
    };
    let mut interpreter = cotangent_ir::eval::Interpreter { observer: Some(&mut observer) };
    interpreter.run(&gradient, &[Tensor::from_scalar(Scalar::real(DType::F64, 0.5))]).unwrap();
    assert_eq!(rows, [0, 1, 2]);
}

#[test]
fn reports_of_a_batch_are_one() {
    // The first goes on for two more iterations than the second.
    let func = record(&[Type::scalar(DType::F64)], |x| {
        while_arrays(
            &[Array::from(0), x[0].clone()],
            |c| c[1].less(4.0),
            |c| {
                tap(&c[0], &c[1].reshape(&[1]), 1);
                vec![&c[0] + 1, &c[1] + 1.0]
            },
        )
    });
    let (many, _) = vmap::batch(&func, &[true], 2, true).unwrap();
    check("batched reports", &many);
    let mut rows = Vec::new();
    let mut observer = |index: i64, row: &[f64]| {
        rows.push((index, row.to_vec()));
        false
    };
    let mut interpreter = cotangent_ir::eval::Interpreter { observer: Some(&mut observer) };
    let starts = Tensor::from_slice(&[2], &[1.0f64, 3.0]).unwrap();
    interpreter.run(&many, &[starts]).unwrap();
    assert_eq!(rows[..2], [(0, vec![1.0, 3.0]), (1, vec![2.0, 4.0])]);
    assert_eq!((rows[2].0, rows[2].1[0], rows[2].1[1].is_nan()), (2, 3.0, true));
    assert_eq!(rows.len(), 3);
}

/// Functions that are linear as written are transposed without being linearized first: what their loops and choices know
/// is computed forwards.
#[test]
fn linear_functions_with_known_parts_are_transposed() {
    let (scalar, vector) = (Type::scalar(DType::F64), Type::new(DType::F64, &[3]));
    let counted = record(&[vector.clone(), scalar.clone()], |x| {
        fori_arrays(1, 5, &[x[0].clone(), x[1].clone()], |k, c| {
            let k = k.astype(DType::F64);
            vec![&c[0] * (&c[1] * &k).sin() + &x[0], &c[1] * &k]
        })[..1]
            .to_vec()
    });
    let chosen = record(&[vector.clone(), scalar.clone()], |x| {
        cond_arrays(
            &x[1].greater(0.0),
            |v| vec![&v[0] * x[1].sin(), v[0].sum()],
            |v| vec![v[0].clone(), Array::from(0.0)],
            &x[..1],
        )
    });
    let partly = record(&[vector.clone(), scalar], |x| {
        let (carry, ys) = scan_arrays(&[x[1].clone()], &[x[0].clone()], 3, true, |c, s| {
            (vec![c[0].sin()], vec![&s[0] * &c[0], c[0].clone()])
        });
        vec![ys[0].clone(), carry[0].clone() * 0.0]
    });
    for func in [counted, chosen, partly] {
        let backward = transpose::transpose(&func, &[true, false]).unwrap();
        check("transpose", &backward);
        let (x, known) = (numbers(&vector, 1), numbers(&func.param_types()[1], 2));
        let images = run(&func, &[x.clone(), known.clone()]);
        let cts: Vec<Tensor> = func.result_types().iter().enumerate().map(|(k, ty)| numbers(ty, 3 + k)).collect();
        let pulled = run(&backward, &[vec![known], cts.clone()].concat());
        let (forward, back) = (product(&images, &cts), product(&[x], &pulled));
        assert!((forward - back).norm() < 1e-12, "{forward} and {back}");
    }
}
