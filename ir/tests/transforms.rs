//! Laws of the transformations, over a table of programs that nest control flow in every way.

#[path = "transforms/errors.rs"]
mod errors;
#[path = "transforms/programs.rs"]
mod programs;
#[cfg(feature = "generate")]
#[path = "transforms/random.rs"]
mod random;
#[path = "transforms/residuals.rs"]
mod residuals;
#[path = "transforms/simplification.rs"]
mod simplification;

use cotangent_ir::trace::{replay, trace};
use cotangent_ir::transform::{jvp, linearize, transpose, vmap};
use cotangent_ir::verify::verify;
use cotangent_ir::{Array, Func, Scalar, Tensor, Type, eval};
use programs::{Program, programs};
use std::sync::Arc;

/// The step of difference quotients, which are of fourth order.
const STEP: f64 = 1e-4;

#[test]
fn tangents_agree_with_difference_quotients() {
    for program in programs() {
        check_tangents(&program.name, &program.func, &program.args);
    }
}

#[test]
fn linearized_programs_give_values_and_tangents() {
    for Program { name, func, args, .. } in programs() {
        let flags = differentiable(&func);
        let (forward, nonzero) = jvp::jvp(&func, &flags).unwrap();
        let parts = linearize::linearize(&func, &flags).unwrap();
        check(&name, &parts.primal);
        check(&name, &parts.linear);
        assert_eq!(parts.nonzero, nonzero, "{name}");
        let directions = directions(&func, &flags);
        let mut expected = run(&forward, &[&args[..], &directions].concat());
        let expected_tangents = expected.split_off(func.results().len());
        let mut values = run(&parts.primal, &args);
        let residuals = values.split_off(func.results().len());
        assert_eq!(residuals.len(), parts.residuals, "{name}");
        assert_close(&name, &values, &expected);
        let tangents = run(&parts.linear, &[residuals, directions].concat());
        assert_close(&name, &tangents, &expected_tangents);
    }
}

#[test]
fn transposes_satisfy_the_adjoint_identity() {
    for Program { name, func, args, reverse } in programs() {
        if !reverse {
            continue;
        }
        let flags = differentiable(&func);
        let parts = linearize::linearize(&func, &flags).unwrap();
        let residuals = run(&parts.primal, &args).split_off(func.results().len());
        let linear: Vec<bool> = (0..parts.linear.params().len()).map(|param| param >= parts.residuals).collect();
        let backward = transpose::transpose(&parts.linear, &linear).unwrap();
        check(&name, &backward);
        let tangents = directions(&func, &flags);
        let images = run(&parts.linear, &[residuals.clone(), tangents.clone()].concat());
        let cts: Vec<Tensor> =
            parts.linear.result_types().iter().enumerate().map(|(k, ty)| numbers(ty, 40 + k)).collect();
        let pulled = run(&backward, &[residuals, cts.clone()].concat());
        // What conjugates is linear over the real numbers only, and there the real part is the pairing.
        assert_near(&name, product(&images, &cts).re.into(), product(&tangents, &pulled).re.into(), 1e-9);
    }
}

#[test]
fn gradients_can_be_differentiated_again() {
    for Program { name, func, args, reverse } in programs() {
        if reverse {
            let gradient = gradient(&func);
            check(&name, &gradient);
            check_tangents(&format!("gradient of {name}"), &gradient, &args);
            let second = self::gradient(&gradient);
            check(&name, &second);
            check_tangents(&format!("second gradient of {name}"), &second, &args);
        }
    }
}

#[test]
fn a_batch_is_a_loop_over_its_items() {
    const SIZE: usize = 3;
    for Program { name, func, args, .. } in programs() {
        let count = func.params().len();
        // Each parameter alone, all, and all but the first.
        let mut choices: Vec<Vec<bool>> = (0..count).map(|one| (0..count).map(|k| k == one).collect()).collect();
        choices.push(vec![true; count]);
        choices.push((0..count).map(|k| k > 0).collect());
        for batched in choices {
            let name = format!("{name} with batch {batched:?}");
            let (many, flags) = vmap::batch(&func, &batched, SIZE, false).unwrap();
            check(&name, &many);
            let items: Vec<Vec<Tensor>> = (0..SIZE).map(|item| vary(&args, &batched, item)).collect();
            let stacked: Vec<Tensor> =
                (0..count).map(|k| if batched[k] { stack(&items, k) } else { args[k].clone() }).collect();
            let expected: Vec<Vec<Tensor>> = items.iter().map(|item| run(&func, item)).collect();
            let results = run(&many, &stacked);
            for (k, result) in results.iter().enumerate() {
                let due = if flags[k] { stack(&expected, k) } else { expected[0][k].clone() };
                assert_close(&name, std::slice::from_ref(result), &[due]);
            }
            let (forced, flags) = vmap::batch(&func, &batched, SIZE, true).unwrap();
            assert!(flags.iter().all(|flag| *flag));
            let due: Vec<Tensor> = (0..flags.len()).map(|k| stack(&expected, k)).collect();
            assert_close(&name, &run(&forced, &stacked), &due);
        }
    }
}

#[test]
fn batches_of_gradients_are_gradients_of_batches() {
    for Program { name, func, args, reverse } in programs() {
        if reverse {
            let gradient = gradient(&func);
            let batched = vec![true; args.len()];
            let items: Vec<Vec<Tensor>> = (0..2).map(|item| vary(&args, &batched, item)).collect();
            let stacked: Vec<Tensor> = (0..args.len()).map(|k| stack(&items, k)).collect();
            let first = vmap::batch(&gradient, &batched, 2, true).unwrap().0;
            let second = self::gradient(&vmap::batch(&func, &batched, 2, true).unwrap().0);
            assert_close(&name, &run(&first, &stacked), &run(&second, &stacked));
        }
    }
}

/// The gradient of the sum of weighted results with respect to all differentiable parameters.
fn gradient(func: &Func) -> Func {
    let flags = differentiable(func);
    let parts = linearize::linearize(func, &flags).unwrap();
    let linear: Vec<bool> = (0..parts.linear.params().len()).map(|param| param >= parts.residuals).collect();
    let backward = transpose::transpose(&parts.linear, &linear).unwrap();
    let traced = trace("gradient", func.param_types().to_vec(), |params| {
        let mut residuals = replay(&parts.primal, params).split_off(func.results().len());
        let types = parts.linear.result_types();
        residuals.extend(types.iter().map(|ty| Array::filled(&ty.shape, Scalar::real(ty.dtype, 0.75))));
        replay(&backward, &residuals)
    });
    traced.unwrap().func
}

/// Checks the derivative in one direction, of all results together.
fn check_tangents(name: &str, func: &Func, args: &[Tensor]) {
    let flags = differentiable(func);
    let (forward, nonzero) = jvp::jvp(func, &flags).unwrap();
    check(name, &forward);
    let directions = directions(func, &flags);
    let mut results = run(&forward, &[args, &directions].concat());
    let tangents = results.split_off(func.results().len());
    assert_close(name, &results, &run(func, args));
    let at = |step| run(func, &moved(args, &flags, &directions, step));
    let points = [at(STEP), at(-STEP), at(2.0 * STEP), at(-2.0 * STEP)];
    let mut tangents = tangents.into_iter();
    for (k, &nonzero) in nonzero.iter().enumerate() {
        let quotient = Tensor::from_fn(results[k].ty().clone(), |at| {
            let [ahead, behind, far_ahead, far_behind] = points.each_ref().map(|point| point[k].get(at).as_complex());
            let difference = (ahead - behind) * 8.0 - (far_ahead - far_behind);
            Scalar::complex(results[k].ty().dtype, difference / (12.0 * STEP))
        });
        let tangent = if nonzero { tangents.next().unwrap() } else { Tensor::zeros(quotient.ty().clone()) };
        if quotient.ty().dtype.is_inexact() {
            for (expected, given) in quotient.scalars().zip(tangent.scalars()) {
                let (expected, given) = (expected.as_complex(), given.as_complex());
                let error = (expected - given).norm() / (1.0 + expected.norm());
                assert!(error < 1e-6, "{name}: tangent of result {k} is {given}, differences give {expected}");
            }
        }
    }
}

fn differentiable(func: &Func) -> Vec<bool> {
    func.param_types().iter().map(|ty| ty.dtype.is_inexact()).collect()
}

fn directions(func: &Func, flags: &[bool]) -> Vec<Tensor> {
    let flagged = func.param_types().iter().zip(flags).filter(|(_, flag)| **flag);
    flagged.enumerate().map(|(k, (ty, _))| numbers(ty, 20 + k)).collect()
}

fn moved(args: &[Tensor], flags: &[bool], directions: &[Tensor], step: f64) -> Vec<Tensor> {
    let mut directions = directions.iter();
    let move_one = |(arg, &flag): (&Tensor, &bool)| match flag.then(|| directions.next().unwrap()) {
        Some(direction) => Tensor::from_fn(arg.ty().clone(), |at| {
            let moved = arg.get(at).as_complex() + direction.get(at).as_complex() * step;
            Scalar::complex(arg.ty().dtype, moved)
        }),
        None => arg.clone(),
    };
    args.iter().zip(flags).map(move_one).collect()
}

/// Arguments of one item of a batch: flagged ones differ from item to item.
fn vary(args: &[Tensor], batched: &[bool], item: usize) -> Vec<Tensor> {
    let vary_one = |(arg, &batched): (&Tensor, &bool)| match batched {
        true => Tensor::from_fn(arg.ty().clone(), |at| match arg.ty().dtype {
            dtype if dtype.is_inexact() => {
                Scalar::complex(dtype, arg.get(at).as_complex() * (1.0 + 0.25 * item as f64))
            }
            dtype => Scalar::int(dtype, arg.get(at).as_i128() + item as i128),
        }),
        false => arg.clone(),
    };
    args.iter().zip(batched).map(vary_one).collect()
}

fn stack(items: &[Vec<Tensor>], k: usize) -> Tensor {
    let ty = items[0][k].ty();
    let shape: Vec<usize> = std::iter::once(items.len()).chain(ty.shape.iter().copied()).collect();
    let scalars: Vec<Scalar> = items.iter().flat_map(|item| item[k].scalars()).collect();
    Tensor::from_fn(ty.with_shape(&shape), |at| scalars[at])
}

/// Reproducible numbers of moderate size, away from zero.
fn numbers(ty: &Type, seed: usize) -> Tensor {
    Tensor::from_fn(ty.clone(), |at| {
        let phase = (seed * 31 + at * 17) as f64;
        let value = num_complex::Complex::new(0.4 + 0.3 * phase.sin(), 0.2 + 0.3 * phase.cos());
        Scalar::complex(ty.dtype, value)
    })
}

fn run(func: &Func, args: &[Tensor]) -> Vec<Tensor> {
    let args: Vec<Arc<Tensor>> = args.iter().cloned().map(Arc::new).collect();
    eval::eval(func, &args).unwrap()
}

fn check(name: &str, func: &Func) {
    if let Err(error) = verify(func) {
        panic!("{name}: {error}");
    }
}

/// The sum of products, without conjugation.
fn product(xs: &[Tensor], ys: &[Tensor]) -> num_complex::Complex<f64> {
    assert_eq!(xs.len(), ys.len());
    let products = xs.iter().zip(ys).flat_map(|(x, y)| x.scalars().zip(y.scalars()).collect::<Vec<_>>());
    products.map(|(x, y)| x.as_complex() * y.as_complex()).sum()
}

fn assert_near(name: &str, x: num_complex::Complex<f64>, y: num_complex::Complex<f64>, tolerance: f64) {
    assert!((x - y).norm() <= tolerance * (1.0 + x.norm()), "{name}: {x} and {y} differ");
}

fn assert_close(name: &str, given: &[Tensor], expected: &[Tensor]) {
    assert_eq!(given.len(), expected.len(), "{name}");
    for (given, expected) in given.iter().zip(expected) {
        assert_eq!(given.ty(), expected.ty(), "{name}");
        for (given, expected) in given.scalars().zip(expected.scalars()) {
            assert_near(name, given.as_complex(), expected.as_complex(), 1e-9);
        }
    }
}
