//! Transposes satisfy <f t, w> = <t, f' w>, where pairs are the real part of the sum of products.

use crate::sample::{self, Application, Random, run};
use cotangent_ir::prim::{self, Control, Lower, Operand, Prim, Transpose, TransposeArgs};
use cotangent_ir::transform::{linearize, transpose};
use cotangent_ir::{Array, Scalar, Tensor};
use std::collections::HashSet;

#[test]
fn transposes_pair_as_the_functions_they_transpose() {
    let mut random = Random::new();
    let mut tested = HashSet::new();
    for application in sample::applications(&mut random) {
        let Transpose::Rule(rule) = application.prim.transpose else { continue };
        let inexact: Vec<usize> = application.positions(|ty| ty.dtype.is_inexact());
        let results = application.results();
        if inexact.is_empty() || !results.iter().all(|ty| ty.dtype.is_inexact()) {
            continue;
        }
        // Each operand alone, then all together: the rule refuses those in which the primitive is not linear.
        let alone = inexact.iter().map(|&i| vec![i]);
        for linear in alone.chain((inexact.len() > 1).then(|| inexact.clone())) {
            let at = |i: &usize| linear.contains(i);
            let ts: Vec<Option<Tensor>> = (0..application.operands.len())
                .map(|i| at(&i).then(|| random.direction(application.operands[i].ty())))
                .collect();
            let ws: Vec<Tensor> = results.iter().map(|ty| random.direction(ty)).collect();
            let xs: Vec<Operand> = (0..application.operands.len())
                .map(|i| match at(&i) {
                    true => Operand::Linear(application.operands[i].ty().clone()),
                    false => Operand::Known(Array::from_tensor(application.operands[i].clone())),
                })
                .collect();
            let cts: Vec<Option<Array>> = ws.iter().map(|w| Some(Array::from_tensor(w.clone()))).collect();
            let args = TransposeArgs { cts: &cts, xs: &xs, attrs: &application.attrs, results: &results };
            let transposed = rule(&args);
            assert_eq!(transposed.len(), xs.len(), "{application}: cotangents");
            if transposed.iter().flatten().any(|array| array.error().is_some()) {
                continue;
            }
            tested.insert(application.prim.name);
            // What is linear in some operands with others known may be affine: the value at zero is subtracted.
            let zeros: Vec<Option<Tensor>> =
                ts.iter().map(|t| t.as_ref().map(|t| Tensor::zeros(t.ty().clone()))).collect();
            let (value, offset) = (application.replaced(&ts).run(), application.replaced(&zeros).run());
            let forward = pairing(&value, &ws) - pairing(&offset, &ws);
            let mut backward = 0.0;
            for (i, ct) in transposed.into_iter().enumerate() {
                let Some(t) = &ts[i] else {
                    assert!(ct.is_none(), "{application}: a cotangent of operand {i}, which is known");
                    continue;
                };
                let Some(ct) = ct else { continue };
                let ct = ct.tensor().unwrap_or_else(|error| panic!("{application}: {error}"));
                assert_eq!(ct.ty(), t.ty(), "{application}: type of the cotangent of operand {i}");
                backward += pairing(std::slice::from_ref(t), std::slice::from_ref(&*ct));
            }
            let error = (forward - backward).abs();
            assert!(
                error <= pairing_tolerance(&application) * (1.0 + forward.abs()),
                "{application}, linear in {linear:?}: <f t, w> = {forward}, <t, f' w> = {backward} (seed {})",
                random.seed
            );
        }
    }
    // Whether control flow is linear depends on its functions; those of the cases are not, and reverse mode covers it.
    let fixed = prim::all().filter(|prim| !matches!(prim.lower, Lower::Control(_)));
    let has_rule = |prim: &&Prim| matches!(prim.transpose, Transpose::Rule(_));
    let untested = fixed.filter(has_rule).find(|prim| !tested.contains(prim.name));
    assert!(untested.is_none(), "{untested:?} has a transpose, but no case in which it is linear");
}

#[test]
fn reverse_mode_pairs_with_forward_mode() {
    let mut random = Random::new();
    for application in sample::applications(&mut random) {
        let func = application.func();
        let flags = application.differentiable();
        if !flags.contains(&true) {
            continue;
        }
        let fail = |error| -> ! { panic!("{application}: {error}") };
        let linearized = linearize::linearize(&func, &flags).unwrap_or_else(|error| fail(error));
        let residuals = run(&linearized.primal, &application.operands).split_off(func.results().len());
        assert_eq!(residuals.len(), linearized.residuals, "{application}: residuals");
        let params = linearized.linear.params().len();
        let linear: Vec<bool> = (0..params).map(|i| i >= residuals.len()).collect();
        let backward = match transpose::transpose(&linearized.linear, &linear) {
            Ok(backward) => backward,
            Err(_) if is_while(application.prim) => continue,
            Err(error) => fail(error),
        };
        let ts: Vec<Tensor> =
            linearized.linear.param_types()[residuals.len()..].iter().map(|ty| random.direction(ty)).collect();
        let ws: Vec<Tensor> = linearized.linear.result_types().iter().map(|ty| random.direction(ty)).collect();
        let forward_args: Vec<Tensor> = residuals.iter().chain(&ts).cloned().collect();
        let backward_args: Vec<Tensor> = residuals.iter().chain(&ws).cloned().collect();
        let forward = pairing(&run(&linearized.linear, &forward_args), &ws);
        let backward = pairing(&ts, &run(&backward, &backward_args));
        let error = (forward - backward).abs();
        assert!(
            error <= pairing_tolerance(&application) * (1.0 + forward.abs()),
            "{application}: <J t, w> = {forward}, <t, J' w> = {backward} (seed {})",
            random.seed
        );
    }
}

/// A loop without a known number of trips cannot be run backwards: its rule only says so.
fn is_while(prim: &Prim) -> bool {
    matches!(prim.lower, Lower::Control(Control::While))
}

/// How tangents and cotangents pair: the real part of the sum of products.
fn pairing(ts: &[Tensor], ws: &[Tensor]) -> f64 {
    let product = |(t, w): (Scalar, Scalar)| (t.as_complex() * w.as_complex()).re;
    ts.iter().zip(ws).flat_map(|(t, w)| t.scalars().zip(w.scalars())).map(product).sum()
}

/// The largest difference of two pairings, relative to one plus their value.
fn pairing_tolerance(application: &Application) -> f64 {
    if application.is_double() { 1e-11 } else { 1e-4 }
}
