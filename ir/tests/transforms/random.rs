//! The laws on random functions.

use super::{
    Program, assert_close, assert_near, check, check_tangents, differentiable, directions, gradient, product, run,
    stack, vary,
};
use cotangent_ir::generate::{self, Options};
use cotangent_ir::transform::{jvp, linearize, simplify, vmap};
use cotangent_ir::{DType, Scalar, Tensor};

/// Seeds of an ordinary run.
const SEEDS: std::ops::Range<u64> = 0..100;

#[test]
fn random_functions_have_tangents() {
    for Program { name, func, args, .. } in random_programs() {
        check_tangents(&name, &func, &args);
    }
}

#[test]
fn random_functions_have_gradients() {
    for Program { name, func, args, .. } in random_programs() {
        let (forward, nonzero) = jvp::jvp(&func, &differentiable(&func)).unwrap();
        let backward = gradient(&func);
        check(&name, &backward);
        let directions = directions(&func, &differentiable(&func));
        let tangents = run(&forward, &[&args[..], &directions].concat()).split_off(func.results().len());
        let types = func.result_types();
        let weights: Vec<Tensor> = types
            .iter()
            .zip(&nonzero)
            .filter(|(_, nonzero)| **nonzero)
            .map(|(ty, _)| Tensor::from_fn(ty.clone(), |_| Scalar::real(ty.dtype, 0.75)))
            .collect();
        let gradient = run(&backward, &args);
        assert_near(&name, product(&tangents, &weights).re.into(), product(&directions, &gradient).re.into(), 1e-9);
        let simple = simplify(&backward);
        check(&name, &simple);
        for (given, expected) in run(&simple, &args).iter().zip(&gradient) {
            for (given, expected) in given.scalars().zip(expected.scalars()) {
                assert_near(&name, given.as_complex(), expected.as_complex(), 1e-6);
            }
        }
    }
}

#[test]
fn random_functions_are_batched() {
    for Program { name, func, args, .. } in random_programs() {
        let first: Vec<bool> = (0..args.len()).map(|k| k == 0).collect();
        for batched in [first, vec![true; args.len()]] {
            let (many, _) = vmap::batch(&func, &batched, 2, true).unwrap();
            check(&name, &many);
            let items: Vec<Vec<Tensor>> = (0..2).map(|item| vary(&args, &batched, item)).collect();
            let stacked: Vec<Tensor> =
                (0..args.len()).map(|k| if batched[k] { stack(&items, k) } else { args[k].clone() }).collect();
            let expected: Vec<Vec<Tensor>> = items.iter().map(|item| run(&func, item)).collect();
            let due: Vec<Tensor> = (0..expected[0].len()).map(|k| stack(&expected, k)).collect();
            assert_close(&name, &run(&many, &stacked), &due);
        }
    }
}

/// Functions that jump are not compared with differences; but linearized they are what they were, and so are batches.
#[test]
fn random_functions_of_all_kinds_are_transformed() {
    for seed in SEEDS {
        let func = generate::function(seed, &Options { floats: vec![DType::F64], ..Options::default() });
        let (args, name) = (generate::arguments(&func, seed), format!("seed {seed}, all kinds"));
        let flags = differentiable(&func);
        let (forward, _) = jvp::jvp(&func, &flags).unwrap();
        check(&name, &forward);
        let directions = directions(&func, &flags);
        let expected = run(&forward, &[&args[..], &directions].concat());
        let parts = linearize::linearize(&func, &flags).unwrap();
        check(&name, &parts.primal);
        check(&name, &parts.linear);
        let mut values = run(&parts.primal, &args);
        let residuals = values.split_off(func.results().len());
        let tangents = run(&parts.linear, &[residuals, directions].concat());
        assert_close(&name, &[values, tangents].concat(), &expected);

        // Every item is the same: the numbers of an item other than the generated one may be on the other side of a jump.
        let batched: Vec<bool> = (0..args.len()).map(|k| k % 2 == 0).collect();
        let (many, _) = vmap::batch(&func, &batched, 2, true).unwrap();
        check(&name, &many);
        let items = vec![args.clone(); 2];
        let stacked: Vec<Tensor> =
            (0..args.len()).map(|k| if batched[k] { stack(&items, k) } else { args[k].clone() }).collect();
        let expected = vec![run(&func, &args); 2];
        let due: Vec<Tensor> = (0..expected[0].len()).map(|k| stack(&expected, k)).collect();
        assert_close(&name, &run(&many, &stacked), &due);
        check(&name, &simplify(&many));
        check(&name, &simplify(&jvp::jvp(&forward, &differentiable(&forward)).unwrap().0));
    }
}

fn random_programs() -> impl Iterator<Item = Program> {
    SEEDS.map(|seed| {
        let func = generate::function(seed, &Options::smooth());
        let args = generate::arguments(&func, seed);
        Program { name: format!("seed {seed}"), func, args, reverse: true }
    })
}
