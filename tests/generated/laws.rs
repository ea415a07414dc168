//! The laws that every program must obey.

use cotangent::artifact::{CpuLevel, Kernel, KernelBuilder, KernelSource};
use cotangent::compile::{Lanes, Options, compile_uncached};
use cotangent::ir::text::print;
use cotangent::ir::trace::{replay, trace};
use cotangent::ir::transform::{jvp, linearize, transpose, vmap};
use cotangent::ir::{Func, eval, generate};
use cotangent::run::call::CallOptions;
use cotangent::{Array, Scalar, Tensor, Type};
use num_complex::Complex;
use std::sync::Arc;

/// Something that must hold of a function at arguments. The seed chooses what is not given by them.
pub(crate) struct Law {
    /// What it says.
    pub(crate) name: &'static str,
    /// What is wrong, if something is.
    pub(crate) check: fn(&Func, &[Tensor], u64) -> Result<(), String>,
}

/// Of programs that may jump and compute in several precisions.
pub(crate) const OF_ALL_KINDS: [Law; 2] = [
    Law { name: "compiled is interpreted", check: |func, args, seed| compiled(func, args, seed, SINGLE) },
    Law { name: "a batch is a loop", check: |func, args, seed| batched(func, args, seed, SINGLE) },
];

/// Of smooth programs in double precision.
pub(crate) const OF_SMOOTH: [Law; 5] = [
    Law { name: "compiled is interpreted", check: |func, args, seed| compiled(func, args, seed, DOUBLE) },
    Law { name: "a batch is a loop", check: |func, args, seed| batched(func, args, seed, DOUBLE) },
    Law { name: "tangents are limits of difference quotients", check: |func, args, _| tangents(func, args) },
    Law { name: "gradients are adjoint to tangents", check: gradients },
    Law { name: "gradients have tangents", check: second },
];

/// How far results may be apart, relative to their size or 1, where single precision occurs.
const SINGLE: f64 = 1e-3;

/// And where it does not.
const DOUBLE: f64 = 1e-9;

/// Compiled code gives what the interpreter gives: always as programs are compiled by default, sometimes otherwise.
fn compiled(func: &Func, args: &[Tensor], seed: u64, tolerance: f64) -> Result<(), String> {
    let expected = run(func, args);
    agree("compiled", &native(func, args, Options::default())?, &expected, tolerance)?;
    if seed.is_multiple_of(4) {
        let options = Options { fuse: seed.is_multiple_of(8), lanes: Lanes::Scalar, ..Options::default() };
        agree("compiled with scalar lanes", &native(func, args, options)?, &expected, tolerance)?;
    }
    if seed % 4 == 1 {
        let options = Options { fuse: false, lanes: Lanes::Vector, ..Options::default() };
        agree("compiled without fusion", &native(func, args, options)?, &expected, tolerance)?;
    }
    if seed % 4 == 2 {
        let level = if seed % 8 == 2 { CpuLevel::V2 } else { CpuLevel::V3 };
        if let Some(given) = precompiled(func, args, level)? {
            agree("precompiled", &given, &expected, tolerance)?;
        }
    }
    Ok(())
}

/// A compiled batch gives what the interpreter gives item by item.
fn batched(func: &Func, args: &[Tensor], seed: u64, tolerance: f64) -> Result<(), String> {
    let size = 2 + (seed % 2) as usize;
    let mut flags: Vec<bool> = (0..args.len()).map(|position| seed >> (position + 1) & 1 == 0).collect();
    if flags.iter().all(|flag| !flag) {
        flags.fill(true);
    }
    let (batch, _) = vmap::batch(func, &flags, size, true).map_err(|error| error.to_string())?;
    let items: Vec<Vec<Tensor>> = (0..size)
        .map(|item| {
            let others = generate::arguments(func, seed + ((item as u64) << 48));
            let pick = |position: usize| if flags[position] && item > 0 { &others[position] } else { &args[position] };
            (0..args.len()).map(|position| pick(position).clone()).collect()
        })
        .collect();
    let stacked: Vec<Tensor> =
        flags.iter().enumerate().map(|(k, flag)| if *flag { stack(&items, k) } else { args[k].clone() }).collect();
    let expected: Vec<Vec<Tensor>> = items.iter().map(|item| run(func, item)).collect();
    let due: Vec<Tensor> = (0..func.results().len()).map(|k| stack(&expected, k)).collect();
    agree("the batch", &native(&batch, &stacked, Options::default())?, &due, tolerance)
}

/// The tangent in one direction is the limit of difference quotients, of which it must meet one: those of a small step
/// suffer from rounding, those of a large one from curvature.
fn tangents(func: &Func, args: &[Tensor]) -> Result<(), String> {
    let (forward, nonzero) = jvp::jvp(func, &inexact(func)).map_err(|error| error.to_string())?;
    let directions = directions(func);
    let mut results = native(&forward, &[args, &directions[..]].concat(), Options::default())?;
    let mut tangents = results.split_off(func.results().len()).into_iter();
    for (k, &nonzero) in nonzero.iter().enumerate() {
        let ty = results[k].ty().clone();
        let tangent = if nonzero { tangents.next().unwrap() } else { Tensor::zeros(ty.clone()) };
        let outcomes = STEPS.map(|step| close(&tangent, &quotient(func, args, &directions, step, k), 1e-5));
        if ty.dtype.is_inexact() && outcomes.iter().all(Result::is_err) {
            return Err(format!("tangent {k}: {}", outcomes[1].clone().unwrap_err()));
        }
    }
    Ok(())
}

/// Steps of difference quotients.
const STEPS: [f64; 3] = [1e-3, 1e-4, 1e-5];

/// The difference quotient of fourth order of one result.
fn quotient(func: &Func, args: &[Tensor], directions: &[Tensor], step: f64, result: usize) -> Tensor {
    let at = |step: f64| {
        let moved = |(arg, direction): (&Tensor, &Tensor)| {
            let moved = |at| arg.get(at).as_complex() + direction.get(at).as_complex() * step;
            Tensor::from_fn(arg.ty().clone(), |at| Scalar::complex(arg.ty().dtype, moved(at)))
        };
        let mut directions = directions.iter();
        let args: Vec<Tensor> = args
            .iter()
            .map(|arg| match arg.ty().dtype.is_inexact() {
                true => directions.next().map_or_else(|| arg.clone(), |direction| moved((arg, direction))),
                false => arg.clone(),
            })
            .collect();
        run(func, &args).swap_remove(result)
    };
    let points = [at(step), at(-step), at(2.0 * step), at(-2.0 * step)];
    Tensor::from_fn(points[0].ty().clone(), |at| {
        let [ahead, behind, far_ahead, far_behind] = points.each_ref().map(|point| point.get(at).as_complex());
        let difference = (ahead - behind) * 8.0 - (far_ahead - far_behind);
        Scalar::complex(points[0].ty().dtype, difference / (12.0 * step))
    })
}

/// Compiled, the gradient of weighted results gives what it gives interpreted, and its product with a direction is that
/// of the tangent with the weights. What conjugates is linear over the real numbers only: real parts are compared.
fn gradients(func: &Func, args: &[Tensor], seed: u64) -> Result<(), String> {
    let (forward, nonzero) = jvp::jvp(func, &inexact(func)).map_err(|error| error.to_string())?;
    let directions = directions(func);
    let tangents = run(&forward, &[args, &directions[..]].concat()).split_off(func.results().len());
    let types: Vec<Type> =
        func.result_types().into_iter().zip(&nonzero).filter(|(_, nonzero)| **nonzero).map(|(ty, _)| ty).collect();
    let weights: Vec<Tensor> = types.iter().enumerate().map(|(k, ty)| numbers(ty, 40 + k)).collect();
    let backward = backward(func)?;
    let operands = [args, &weights[..]].concat();
    let expected = run(&backward, &operands);
    agree("the compiled gradient", &native(&backward, &operands, Options::default())?, &expected, DOUBLE)?;
    let (pushed, pulled) = (product(&tangents, &weights).re, product(&directions, &expected).re);
    let size: f64 = tangents.iter().chain(&expected).flat_map(|tensor| tensor.scalars()).map(size).sum();
    if (pushed - pulled).abs() > DOUBLE * (1.0 + size) {
        return Err(format!("tangents give {pushed}, gradients {pulled}"));
    }
    if seed.is_multiple_of(8) {
        let (batch, _) = vmap::batch(&backward, &vec![true; operands.len()], 2, true).map_err(|e| e.to_string())?;
        let items = [operands.clone(), operands];
        let stacked: Vec<Tensor> = (0..items[0].len()).map(|k| stack(&items, k)).collect();
        let twice = [expected.clone(), expected];
        let due: Vec<Tensor> = (0..twice[0].len()).map(|k| stack(&twice, k)).collect();
        agree("the batch of gradients", &native(&batch, &stacked, Options::default())?, &due, DOUBLE)?;
    }
    Ok(())
}

/// What reverse mode gives can be differentiated again; of some programs, because these functions are long.
fn second(func: &Func, args: &[Tensor], seed: u64) -> Result<(), String> {
    if !seed.is_multiple_of(3) {
        return Ok(());
    }
    let backward = backward(func)?;
    let cotangents = backward.param_types().iter().enumerate().skip(args.len()).map(|(k, ty)| numbers(ty, 40 + k));
    let operands: Vec<Tensor> = args.iter().cloned().chain(cotangents).collect();
    tangents(&backward, &operands)
}

/// The function from arguments and cotangents of results that have tangents to cotangents of the arguments.
fn backward(func: &Func) -> Result<Func, String> {
    let parts = linearize::linearize(func, &inexact(func)).map_err(|error| error.to_string())?;
    let linear: Vec<bool> = (0..parts.linear.params().len()).map(|param| param >= parts.residuals).collect();
    let backward = transpose::transpose(&parts.linear, &linear).map_err(|error| error.to_string())?;
    let types = func.param_types().iter().cloned().chain(parts.linear.result_types());
    let traced = trace("gradient", types.collect::<Vec<_>>(), |params| {
        let (args, cts) = params.split_at(func.params().len());
        let residuals = replay(&parts.primal, args).split_off(func.results().len());
        let operands: Vec<Array> = residuals.into_iter().chain(cts.iter().cloned()).collect();
        replay(&backward, &operands)
    });
    traced.map(|traced| traced.func).map_err(|error| error.to_string())
}

/// Runs the interpreter.
fn run(func: &Func, args: &[Tensor]) -> Vec<Tensor> {
    let args: Vec<Arc<Tensor>> = args.iter().cloned().map(Arc::new).collect();
    eval::eval(func, &args).unwrap_or_else(|error| panic!("{error}\n{}", print::func(func)))
}

/// Compiles and runs on one thread: the workers are busy with other programs.
fn native(func: &Func, args: &[Tensor], options: Options) -> Result<Vec<Tensor>, String> {
    let args: Vec<Arc<Tensor>> = args.iter().cloned().map(Arc::new).collect();
    let compiled = compile_uncached(func, &options).map_err(|error| error.to_string())?;
    let options = CallOptions { threads: Some(1), ..CallOptions::default() };
    compiled.call_with(&args, options).map_err(|error| error.to_string())
}

/// Through a kernel file, if it can hold the function and this processor can run it.
fn precompiled(func: &Func, args: &[Tensor], level: CpuLevel) -> Result<Option<Vec<Tensor>>, String> {
    let source = KernelSource::func("random", func, Vec::new(), &Options::default());
    let source = source.map_err(|error| error.to_string())?;
    let file = match KernelBuilder::new("random").levels([level]).function(source).build() {
        Ok(file) if level.is_supported() => file,
        Ok(_) => return Ok(None),
        Err(error) if error.message().contains("which a file cannot hold") => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    // SAFETY: the file was made above.
    let kernel = unsafe { Kernel::from_bytes(&file) }.map_err(|error| error.to_string())?;
    let args: Vec<Arc<Tensor>> = args.iter().cloned().map(Arc::new).collect();
    kernel.functions()[0].call(&args).map(Some).map_err(|error| error.to_string())
}

/// Which parameters have tangents; those of generated smooth functions all do, those of what is cut out of them not.
fn inexact(func: &Func) -> Vec<bool> {
    func.param_types().iter().map(|ty| ty.dtype.is_inexact()).collect()
}

fn directions(func: &Func) -> Vec<Tensor> {
    let with_tangents = func.param_types().iter().filter(|ty| ty.dtype.is_inexact());
    with_tangents.enumerate().map(|(k, ty)| numbers(ty, 20 + k)).collect()
}

/// Reproducible numbers of moderate size, away from zero.
fn numbers(ty: &Type, seed: usize) -> Tensor {
    Tensor::from_fn(ty.clone(), |at| {
        let phase = (seed * 31 + at * 17) as f64;
        let value = Complex::new(0.4 + 0.3 * phase.sin(), 0.2 + 0.3 * phase.cos());
        Scalar::complex(ty.dtype, value)
    })
}

fn stack(items: &[Vec<Tensor>], k: usize) -> Tensor {
    let ty = items[0][k].ty();
    let shape: Vec<usize> = std::iter::once(items.len()).chain(ty.shape.iter().copied()).collect();
    let scalars: Vec<Scalar> = items.iter().flat_map(|item| item[k].scalars()).collect();
    Tensor::from_fn(ty.with_shape(&shape), |at| scalars[at])
}

fn size(x: Scalar) -> f64 {
    x.as_complex().norm()
}

/// The sum of products, without conjugation.
fn product(xs: &[Tensor], ys: &[Tensor]) -> Complex<f64> {
    let products = xs.iter().zip(ys).flat_map(|(x, y)| x.scalars().zip(y.scalars()));
    products.map(|(x, y)| x.as_complex() * y.as_complex()).sum()
}

fn agree(what: &str, given: &[Tensor], expected: &[Tensor], tolerance: f64) -> Result<(), String> {
    if given.len() != expected.len() {
        return Err(format!("{what} has {} results where {} are due", given.len(), expected.len()));
    }
    for (k, (given, expected)) in given.iter().zip(expected).enumerate() {
        close(given, expected, tolerance).map_err(|message| format!("{what}, result {k}: {message}"))?;
    }
    Ok(())
}

/// Whether integers are equal and other numbers as close as they should.
fn close(given: &Tensor, expected: &Tensor, tolerance: f64) -> Result<(), String> {
    if given.ty() != expected.ty() {
        return Err(format!("{} where {} is due", given.ty(), expected.ty()));
    }
    for (at, (a, b)) in given.scalars().zip(expected.scalars()).enumerate() {
        let alike = match given.ty().dtype.is_inexact() {
            true => {
                let (a, b) = (a.as_complex(), b.as_complex());
                (a - b).norm() <= tolerance * (1.0 + b.norm()) || a == b || (a.is_nan() && b.is_nan())
            }
            false => a == b,
        };
        if !alike {
            return Err(format!("element {at} is {a:?} where {b:?} is due"));
        }
    }
    Ok(())
}
