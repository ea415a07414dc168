//! Fusion and planning, checked through the plan interpreter against the function interpreter.

use super::{Lanes, Options, interpret, plan, prepared, show};
use crate::linop::{
    Boundary, Diagonal, DiagonalReplicated, Edge, FiniteDifference, FiniteSum, LinOp, PolarGradient, ProjectedGradient,
    VerticalStack,
};
use crate::run::call::CallOptions;
use cotangent_ir::prim::control::scan_arrays;
use cotangent_ir::prim::index::concatenate;
use cotangent_ir::trace::trace;
use cotangent_ir::{Array, DType, Func, Index, Tensor, Type, generate};
use std::sync::Arc;

fn data(func: &Func) -> Vec<Arc<Tensor>> {
    let mut seed = 12345u64;
    func.param_types()
        .iter()
        .map(|ty| {
            Arc::new(Tensor::from_fn(ty.clone(), |_| {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                cotangent_ir::Scalar::real(ty.dtype, ((seed >> 40) as f64 / (1u64 << 24) as f64) * 4.0 - 2.0)
            }))
        })
        .collect()
}

/// Plans and interprets, fused and unfused, and compares with the reference.
fn check(func: &Func) -> super::plan::Plan {
    let args = data(func);
    let expected = cotangent_ir::eval::eval(func, &args).unwrap();
    let prepared = prepared(func).unwrap();
    for fuse in [true, false] {
        let plan = plan(&prepared, &Options { fuse, ..Options::default() });
        let got = interpret::interpret(&plan, &args).unwrap();
        for (got, expected) in got.iter().zip(&expected) {
            assert_eq!(got.ty(), expected.ty());
            for (a, b) in got.scalars().zip(expected.scalars()) {
                let (a, b) = (a.as_f64(), b.as_f64());
                assert!((a - b).abs() <= 1e-4 * (1.0 + b.abs()), "{a} {b}\n{}", show::plan(&plan));
            }
        }
    }
    plan(&prepared, &Options::default())
}

fn f32s(shape: &[usize]) -> Type {
    Type::new(DType::F32, shape)
}

fn conjugate_gradient(n: usize, iterations: usize) -> Func {
    let traced = trace("cg", [f32s(&[n, n])], |params| {
        let b = &params[0];
        let apply = |p: &Array| {
            let zero = Array::from(0.0f32);
            let up = p.slice(&[1, 0], &[n, n]).pad(&zero, &[(0, 1, 0), (0, 0, 0)]);
            let down = p.slice(&[0, 0], &[n - 1, n]).pad(&zero, &[(1, 0, 0), (0, 0, 0)]);
            let left = p.slice(&[0, 1], &[n, n]).pad(&zero, &[(0, 0, 0), (0, 1, 0)]);
            let right = p.slice(&[0, 0], &[n, n - 1]).pad(&zero, &[(0, 0, 0), (1, 0, 0)]);
            p * 4.5f32 - up - down - left - right
        };
        let x = b.zeros_like();
        let rr = (b * b).sum();
        let init = [x, b.clone(), b.clone(), rr];
        let (carry, _) = scan_arrays(&init, &[], iterations, false, |carry, _| {
            let [x, r, p, rr] = carry else { unreachable!() };
            let ap = apply(p);
            let alpha = rr / (p * &ap).sum();
            let x = x + &alpha * p;
            let r = r - &alpha * &ap;
            let new = (&r * &r).sum();
            let p = &r + (&new / rr) * p;
            (vec![x, r, p, new], vec![])
        });
        carry[..1].to_vec()
    });
    traced.unwrap().func
}

#[test]
fn a_conjugate_gradient_iteration_is_two_kernels() {
    // A loop of few iterations begins them with the inner product, as it is written.
    for (iterations, kernels) in [(8, 2), (7, 3)] {
        let plan = check(&conjugate_gradient(12, iterations));
        println!("{}\n{}", show::plan(&plan), show::kernels(&plan));
        assert_eq!(show::count_in_loops(&plan, "kernels"), Some(kernels));
        assert_eq!(show::count_in_loops(&plan, "copies"), Some(0));
    }
}

/// Forward differences with a zero last row and column, stacked.
fn gradient(x: &Array, n: usize) -> Array {
    let zero = Array::from(0.0f32);
    let rows = (x.slice(&[1, 0], &[n, n]) - x.slice(&[0, 0], &[n - 1, n])).pad(&zero, &[(0, 1, 0), (0, 0, 0)]);
    let columns = (x.slice(&[0, 1], &[n, n]) - x.slice(&[0, 0], &[n, n - 1])).pad(&zero, &[(0, 0, 0), (0, 1, 0)]);
    concatenate(&[rows.expand_dims(0), columns.expand_dims(0)], 0)
}

/// The adjoint of [`gradient`].
fn divergence(y: &Array, n: usize) -> Array {
    let zero = Array::from(0.0f32);
    let part = |i: usize| y.slice(&[i, 0, 0], &[i + 1, n, n]).squeeze(0);
    let rows = part(0).slice(&[0, 0], &[n - 1, n]);
    let columns = part(1).slice(&[0, 0], &[n, n - 1]);
    rows.pad(&zero, &[(1, 0, 0), (0, 0, 0)]) - rows.pad(&zero, &[(0, 1, 0), (0, 0, 0)])
        + columns.pad(&zero, &[(0, 0, 0), (1, 0, 0)])
        - columns.pad(&zero, &[(0, 0, 0), (0, 1, 0)])
}

fn pdhg(n: usize, statistics: bool) -> Func {
    let traced = trace("pdhg", [f32s(&[n, n])], |params| {
        let noisy = &params[0];
        let (tau, sigma, lambda) = (0.25f32, 0.25f32, 0.1f32);
        let init = [noisy.clone(), Array::zeros(&[2, n, n], DType::F32)];
        let (carry, rows) = scan_arrays(&init, &[], 6, false, |carry, _| {
            let [x, z] = carry else { unreachable!() };
            let next = (x - divergence(z, n) * tau + noisy * tau) / (1.0 + tau);
            let v = z + gradient(&(&next * 2.0f32 - x), n) * sigma;
            let norm = (&v * &v).sum_axes(&[0]).sqrt();
            let scale = (norm / lambda).maximum(1.0f32);
            let dual = &v / scale.expand_dims(0).broadcast_to(&[2, n, n]);
            let mut row = vec![];
            if statistics {
                let d = &next - noisy;
                let g = gradient(&next, n);
                let objective = (&d * &d).sum() * 0.5f32 + (&g * &g).sum_axes(&[0]).sqrt().sum() * lambda;
                let (dx, dz) = (&next - x, &dual - z);
                let primal = (&dx * &dx).sum().sqrt();
                let residual = (&dz * &dz).sum().sqrt();
                row = vec![objective, primal, residual];
            }
            (vec![next, dual], row)
        });
        carry[..1].iter().chain(&rows).cloned().collect()
    });
    traced.unwrap().func
}

#[test]
fn a_primal_dual_iteration_is_two_kernels() {
    let plan = check(&pdhg(12, false));
    println!("{}\n{}", show::plan(&plan), show::kernels(&plan));
    assert!(show::count_in_loops(&plan, "kernels").unwrap() <= 2);
    assert_eq!(show::count_in_loops(&plan, "copies"), Some(0));
}

#[test]
fn with_statistics_a_primal_dual_iteration_is_at_most_four_kernels() {
    let plan = check(&pdhg(12, true));
    println!("{}\n{}", show::plan(&plan), show::kernels(&plan));
    assert!(show::count_in_loops(&plan, "kernels").unwrap() <= 4);
    assert_eq!(show::count_in_loops(&plan, "copies"), Some(0));
}

/// Operators are index arithmetic: what stacks, pads, takes differences or turns to local directions is one kernel with what
/// comes before, and stores nothing but its result. Back again it is one, too, but for the gradient in coordinates, whose
/// products with unit vectors are stored: differences of them would take roots and quotients twice.
#[test]
fn operators_made_of_indexing_are_one_kernel() {
    let image = f32s(&[12, 10]);
    let differences = || LinOp::from(FiniteDifference::new(image.clone(), Boundary::append(Edge::Zero)).unwrap());
    let weigh = LinOp::from(Diagonal::new(Array::full(&[2, 12, 10], 0.5f32)).unwrap());
    let sums = LinOp::from(FiniteSum::new(image.clone()).unwrap());
    for (name, operator) in [
        ("weighed differences", weigh * differences()),
        ("stack", VerticalStack::new(vec![differences(), sums]).unwrap().into()),
        ("replicated", DiagonalReplicated::new(differences(), 3).unwrap().into()),
        ("gradient", ProjectedGradient::new(image.clone()).unwrap().into()),
        ("polar gradient", PolarGradient::new(image.clone()).unwrap().into()),
    ] {
        let forward = trace("forward", [operator.input_type()], |x| vec![operator.apply(&x[0])]).unwrap();
        let adjoint = trace("adjoint", [operator.output_type()], |y| vec![operator.adjoint(&y[0])]).unwrap();
        for traced in [forward, adjoint] {
            let func = &traced.func;
            let plan = plan(&prepared(func).unwrap(), &Options::default());
            let kernels = show::kernels(&plan);
            let most = if name == "polar gradient" && func.name == "adjoint" { 3 } else { 1 };
            let count = show::count(&plan, "kernels").unwrap();
            assert!(count <= most, "{name}, {}: {}\n{kernels}", func.name, show::plan(&plan));
            assert_eq!(show::count(&plan, "copies"), Some(0), "{name}, {}", func.name);
        }
    }
}

/// A literal that has to be in memory as well, here as a result, is known all the same where it is used: that no row is
/// below 0, so that every iteration of a loop over rows has one of its own, which lets workers share it.
#[test]
fn what_is_known_of_a_stored_literal_stays_known() {
    let (rows, columns) = (64usize, 1024usize);
    let traced = trace("rows", [f32s(&[rows, columns])], |params| {
        let row = Array::iota(&[rows, columns], 0, DType::I32);
        let bin = (&params[0] * 4.0).astype(DType::I32).clamp(0, 7);
        let sums = Array::zeros(&[rows, 8], DType::F32).at(&[Index::from(&row), Index::from(&bin)]).add(&params[0]);
        vec![sums, Array::from(0i32)]
    });
    let plan = check(&traced.unwrap().func);
    let kernels = show::kernels(&plan);
    let scattering = kernels.split("kernel").find(|kernel| kernel.contains("scatter")).unwrap();
    assert!(scattering.contains("[8*i0 + 1*n") && !scattering.contains("read i32[1]"), "{kernels}");
}

/// The seed of the random functions; set `COTANGENT_SEED` to try others.
fn seed() -> u64 {
    std::env::var("COTANGENT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

/// The results, which must have the same bits on one, two and three threads.
fn on_any_threads(compiled: &super::Compiled, args: &[Arc<Tensor>], case: &str) -> Vec<Tensor> {
    let call = |threads| {
        let options = CallOptions { threads: Some(threads), ..CallOptions::default() };
        compiled.call_with(args, options).unwrap()
    };
    let got = call(1);
    for threads in [2, 3] {
        for (one, many) in got.iter().zip(call(threads)) {
            assert_eq!(one.bytes(), many.bytes(), "{case}: {threads} threads differ");
        }
    }
    got
}

/// Whether a result agrees with the reference within what reordered f32 arithmetic may differ.
fn close(got: &[Tensor], expected: &[Tensor]) -> Result<(), String> {
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        for (position, (a, b)) in got.scalars().zip(expected.scalars()).enumerate() {
            let (a, b) = (a.as_complex(), b.as_complex());
            let alike = (a - b).norm() <= 1e-3 * (1.0 + b.norm()) || a == b || (a.is_nan() && b.is_nan());
            if !alike {
                return Err(format!("result {i}, element {position}: {a} where {b} is due"));
            }
        }
    }
    Ok(())
}

fn random_cases() -> impl Iterator<Item = (u64, Func, Vec<Arc<Tensor>>, Vec<Tensor>)> {
    let first = seed() * 1000;
    (first..first + 400).map(|seed| {
        let func = generate::function(seed, &generate::Options::default());
        let args: Vec<Arc<Tensor>> = generate::arguments(&func, seed).into_iter().map(Arc::new).collect();
        let expected = cotangent_ir::eval::eval(&func, &args).unwrap();
        // The test runner shows this only where the test fails.
        println!("seed {seed}\n{}", cotangent_ir::text::print::func(&func));
        (seed, func, args, expected)
    })
}

#[test]
fn plans_of_random_functions_compute_the_functions() {
    for (seed, func, args, expected) in random_cases() {
        let prepared = prepared(&func).unwrap();
        for fuse in [true, false] {
            let plan = plan(&prepared, &Options { fuse, ..Options::default() });
            let Some(got) = interpret::interpret(&plan, &args) else { continue };
            if let Err(message) = close(&got, &expected) {
                let prepared = cotangent_ir::text::print::func(&prepared);
                panic!(
                    "seed {seed} fuse {fuse}: {message}\n{prepared}\n{}\n{}",
                    show::plan(&plan),
                    show::kernels(&plan)
                );
            }
        }
    }
}

#[test]
fn compiled_random_functions_compute_the_functions() {
    for (seed, func, args, expected) in random_cases() {
        for (fuse, lanes) in [(true, Lanes::Vector), (true, Lanes::Scalar), (false, Lanes::Vector)] {
            let compiled = super::compile_uncached(&func, &Options { fuse, lanes, ..Options::default() }).unwrap();
            let call = |threads| {
                let options = CallOptions { threads: Some(threads), ..CallOptions::default() };
                compiled.call_with(&args, options).unwrap()
            };
            let got = call(1);
            if let Err(message) = close(&got, &expected) {
                let plan = compiled.plan();
                panic!("seed {seed} fuse {fuse} {lanes:?}: {message}\n{}\n{}", show::plan(plan), show::kernels(plan));
            }
            for threads in [2, 3] {
                for (one, many) in got.iter().zip(call(threads)) {
                    assert_eq!(
                        one.bytes(),
                        many.bytes(),
                        "seed {seed} fuse {fuse} {lanes:?}: {threads} threads differ"
                    );
                }
            }
        }
    }
}

#[test]
fn random_functions_compute_the_same_without_each_optimisation() {
    for (seed, func, args, expected) in random_cases().step_by(5) {
        for name in Options::optimisations() {
            let options = Options::default().without(name).unwrap();
            let compiled = super::compile_uncached(&func, &options).unwrap();
            let call = CallOptions { threads: Some(2), ..CallOptions::default() };
            let got = compiled.call_with(&args, call).unwrap();
            if let Err(message) = close(&got, &expected) {
                let plan = compiled.plan();
                panic!("seed {seed} without {name}: {message}\n{}\n{}", show::plan(plan), show::kernels(plan));
            }
        }
    }
}

#[test]
fn solvers_compute_the_same_without_each_optimisation() {
    // Large enough that the work is shared, so that memory and barriers matter.
    let shared = [pdhg(160, true), conjugate_gradient(160, 10)].map(|func| (func, true));
    let alone = [pdhg(12, true), conjugate_gradient(12, 10)].map(|func| (func, false));
    for (func, parallel) in shared.into_iter().chain(alone) {
        let args = data(&func);
        let expected = super::compile_uncached(&func, &Options::default()).unwrap().call(&args).unwrap();
        for name in Options::optimisations() {
            let options = Options::default().without(name).unwrap();
            let compiled = super::compile_uncached(&func, &options).unwrap();
            assert_eq!(compiled.plan().parallel, parallel && name != "threads");
            let case = format!("@{} without {name}", func.name);
            let got = on_any_threads(&compiled, &args, &case);
            close(&got, &expected).unwrap_or_else(|message| panic!("{case}: {message}"));
        }
    }
}

/// A residual is the first direction too: one of the two is the array itself.
#[test]
fn of_two_that_begin_alike_one_is_a_copy() {
    let traced = trace("alike", [f32s(&[512])], |params| {
        let r = &params[0] * 2.0f32;
        let step = |carry: &[Array], _: &[Array]| {
            let r = &carry[0] - (&carry[1] + carry[1].flip(&[0])) * 0.1f32;
            (vec![r.clone(), r + &carry[1] * 0.5f32], vec![])
        };
        scan_arrays(&[r.clone(), r], &[], 3, false, step).0
    });
    let plan = check(&traced.unwrap().func);
    let shown = show::plan(&plan);
    // One before the loop, and the results.
    assert_eq!(shown.split("repeat").next().unwrap().matches("copy").count(), 1, "{shown}");
}

/// An array that is taken from must be in memory; one reshape of it is as good as another.
#[test]
fn reshapes_are_not_copies() {
    let traced = trace("taken", [f32s(&[20, 30]), Type::new(DType::I32, &[50])], |params| {
        let inside = params[0].slice(&[0, 2], &[20, 28]).pad(Array::from(0.0f32), &[(0, 0, 0), (2, 2, 0)]);
        vec![inside.reshape(&[600]).take(&params[1].abs(), 0)]
    });
    let plan = check(&traced.unwrap().func);
    assert_eq!(plan.kernels.len(), 2, "{}\n{}", show::plan(&plan), show::kernels(&plan));
}

/// Arrays that are needed again soon stay in the cache, however often they are read and written.
#[test]
fn what_is_needed_late_is_written_past_the_cache() {
    let streams = |func: &Func| plan(&prepared(func).unwrap(), &Options::default()).streams.concat().len();
    let elementwise = |elements: usize| {
        let traced = trace("two", [f32s(&[elements])], |params| vec![&params[0] * 2.0f32, &params[0] + 1.0f32]);
        streams(&traced.unwrap().func)
    };
    assert_eq!((elementwise(1 << 20), elementwise(1 << 24)), (0, 2));
    // The picture, its dual and their bars: in an iteration the smaller ones are touched within less than the cache holds.
    assert_eq!(streams(&pdhg(1024, false)), 0);
    assert!(streams(&pdhg(4096, false)) > 0);
}

#[test]
fn streaming_changes_no_bit() {
    let shape = [2048, 2056];
    let traced = trace("differences", [f32s(&shape)], |params| {
        let before = params[0].slice(&[0, 0], &[2048, 2055]).pad(Array::from(1.5f32), &[(0, 0, 0), (1, 0, 0)]);
        vec![&params[0] - before]
    });
    let func = traced.unwrap().func;
    let args = data(&func);
    let results = ["", "streaming"].map(|without| {
        let compiled = super::compile_uncached(&func, &Options::default().without(without).unwrap()).unwrap();
        let streams = compiled.plan().streams.concat().len();
        (streams, compiled.call(&args).unwrap().remove(0))
    });
    assert_eq!((results[0].0, results[1].0), (1, 0));
    assert_eq!(results[0].1.bytes(), results[1].1.bytes());
}

/// Sums over the rows of large matrices go along the rows, which changes the order of additions and nothing else.
#[test]
fn sums_along_rows_are_the_same() {
    for dtype in [DType::F32, DType::F64] {
        for shape in [[700, 520], [1029, 515]] {
            let types = [Type::new(dtype, &shape), Type::new(dtype, &shape[..1])];
            let traced = trace("weighted", types, |params| {
                let weights = params[1].reshape(&[shape[0], 1]);
                vec![(&params[0] * weights).sum_axes(&[0]), params[0].max_axes(&[0])]
            });
            let func = traced.unwrap().func;
            let args = data(&func);
            let results = ["", "rows"].map(|without| {
                let options = Options::default().without(without).unwrap();
                let compiled = super::compile_uncached(&func, &options).unwrap();
                assert_eq!(compiled.plan().rows.iter().any(|&rows| rows > 0), without.is_empty());
                on_any_threads(&compiled, &args, without)
            });
            close(&results[0], &results[1]).unwrap();
        }
    }
}

/// A matrix that the caches do not hold is read once for the gradient of a least-squares loss: the sums along its rows, what
/// is computed with them, and the sums over its rows, piece by piece without a meeting; then the sums of pieces.
#[test]
fn matrices_in_memory_are_read_once() {
    let at = |steps: &[super::plan::Step]| -> Vec<Option<usize>> {
        let pieces = |step: &super::plan::Step| match step {
            super::plan::Step::Kernel { chunks, .. } => Some(*chunks),
            _ => None,
        };
        steps.iter().map(pieces).collect()
    };
    // Rows that fill all pieces, and rows that do not; a vector that is used up by the first pass.
    for (shape, pieces) in [([4096, 2080], 86), ([8005, 1051], 72)] {
        let types = [f32s(&shape), f32s(&shape[1..]), f32s(&shape[..1]), f32s(&shape[..1])];
        let traced = trace("gradient", types, |params| {
            let [a, x, y, weights] = params else { unreachable!() };
            let x = x.cumsum(0) * 0.125f32;
            let product = (a * x).sum_axes(&[1]);
            let residual = (product - y) * weights;
            let gradient = (a * residual.reshape(&[shape[0], 1])).sum_axes(&[0]);
            vec![gradient, residual]
        });
        let func = traced.unwrap().func;
        let args = data(&func);
        let results = ["", "one-pass", "barriers", "reuse"].map(|without| {
            let options = Options::default().without(without).unwrap();
            let compiled = super::compile_uncached(&func, &options).unwrap();
            if without.is_empty() {
                let steps = at(&compiled.plan().steps);
                let run: Vec<&[Option<usize>]> = steps.split(Option::is_none).collect();
                assert!(run.contains(&&[Some(pieces); 3][..]), "{}", show::plan(compiled.plan()));
            }
            on_any_threads(&compiled, &args, without)
        });
        for other in &results[1..] {
            close(other, &results[0]).unwrap();
        }
    }
}

#[test]
fn each_optimisation_changes_some_plan() {
    // Only here two arrays of the same size are used one after the other.
    let sorts = trace("sorts", [f32s(&[30_000])], |params| {
        let sorted = |x: &Array| (x.sort(0) * 2.0f32).sort(0);
        vec![sorted(&(sorted(&params[0]) + 1.0f32))]
    });
    // Only this one has arrays that the cache does not hold.
    let large = trace("large", [f32s(&[10_000_000])], |params| vec![&params[0] * 2.0f32]);
    let filter = trace("filter", [f32s(&[64, 64]), f32s(&[64, 64])], |params| {
        let (carry, _) = scan_arrays(&params[..1], &[], 3, false, |carry, _| {
            let response = params[1].rfft(&[0, 1]);
            (vec![(carry[0].rfft(&[0, 1]) * response).irfft(&[0, 1], 64)], vec![])
        });
        carry
    });
    // Only this one is longer than a window.
    let long = trace("long", [f32s(&[1000])], |params| {
        let step = |x: Array, k: usize| &x * (1.0 + k as f32) + &params[0];
        vec![(0..400).fold(params[0].clone(), step)]
    });
    // Only here an index is made safe that is.
    let taken = trace("taken", [f32s(&[512])], |params| vec![params[0].take(&Array::arange(512, DType::I32), 0)]);
    // Only here an iteration ends with what the next begins with.
    let again = trace("again", [f32s(&[3000]), f32s(&[])], |params| {
        let step = |carry: &[Array], _: &[Array]| {
            let next = &carry[0] * 0.5f32 + carry[0].sort(0);
            let total = &carry[1] + next.sort(0).slice(&[0], &[9]).sum();
            (vec![next, total], vec![])
        };
        scan_arrays(params, &[], 3, false, step).0
    });
    // Only here a matrix is not in the caches.
    let gradient = trace("gradient", [f32s(&[4096, 2080]), f32s(&[2080])], |params| {
        let product = (&params[0] * &params[1]).sum_axes(&[1]);
        vec![(&params[0] * product.reshape(&[4096, 1])).sum_axes(&[0])]
    });
    // Only here rows are many and far apart.
    let columns = trace("columns", [f32s(&[600, 600])], |params| vec![params[0].sum_axes(&[0])]);
    let functions = [
        again.unwrap().func,
        columns.unwrap().func,
        gradient.unwrap().func,
        pdhg(160, true),
        sorts.unwrap().func,
        large.unwrap().func,
        long.unwrap().func,
        conjugate_gradient(12, 10),
        filter.unwrap().func,
        taken.unwrap().func,
    ];
    let functions = functions.map(|func| prepared(&func).unwrap());
    let planned = |options: &Options| {
        functions.each_ref().map(|func| {
            let plan = plan(func, options);
            format!("{}{}", show::plan(&plan), show::kernels(&plan))
        })
    };
    let usual = planned(&Options::default());
    // Lanes are chosen after planning.
    for name in Options::optimisations().filter(|name| !["wide", "vectors", "turns"].contains(name)) {
        let without = planned(&Options::default().without(name).unwrap());
        assert!(without != usual, "{name} changes nothing");
    }
}
