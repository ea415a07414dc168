//! Errors of the elementary functions, in units in the last place, on bit patterns spread over all numbers and on the
//! usual range, in vectors and alone.
//!
//! The reference is the platform's library in double precision; for doubles its own error, about half a unit, is allowed
//! for.

use super::{Lanes as Form, Processor, Settings, emit, one_kernel, program};
use crate::compile::emit::wide::is_supported as is_wide_supported;
use crate::run::call::CallOptions;
use cotangent_ir::kernel::{Access, Kernel, KernelOperand, NodeKind, Output, OutputKind};
use cotangent_ir::lanes::{Dag, Lane, Lanes};
use cotangent_ir::prim::{self, Eval, Lower};
use cotangent_ir::{Attrs, DType, Element, Scalar, Tensor, Type};
use std::sync::Arc;

const COUNT: usize = 100_003;

/// The kernel that applies a primitive which is lowered to lanes.
fn kernel(function: &str, dtype: DType, args: usize) -> Kernel {
    let prim = prim::by_name(function).unwrap_or_else(|| panic!("no primitive {function}"));
    let Lower::Lanes(lower) = prim.lower else { panic!("{function} is not lowered to lanes") };
    let access = || Access { offset: 0, strides: [1].as_slice().into(), dynamic: Default::default() };
    let mut dag = Dag::default();
    let mut operands = Vec::new();
    let mut load = |operand: usize| {
        operands.push(KernelOperand { dtype, len: COUNT, written: false });
        Lane::Real(dag.push(NodeKind::Load { operand: operand as u32, access: access() }, dtype))
    };
    let xs: Vec<Lane> = (0..args).map(&mut load).collect();
    let node = lower(&mut Lanes::new(&mut dag), &xs, &Type::new(dtype, &[COUNT]), &Attrs::none()).real();
    operands.push(KernelOperand { dtype, len: COUNT, written: true });
    let outputs = vec![Output { operand: args as u32, access: access(), node, kind: OutputKind::Store }];
    Kernel { name: function.into(), extents: [COUNT].as_slice().into(), operands, nodes: dag.nodes, outputs }
}

fn run<T: Element>(function: &str, args: &[Vec<T>], lanes: Form, processor: Processor) -> Vec<T> {
    let kernel = kernel(function, T::DTYPE, args.len());
    let plan = one_kernel(&kernel, 1);
    let program = program(&plan, &Settings { lanes, processor, ..Settings::default() });
    let tensor = |values: &[T]| Arc::new(Tensor::from_slice(&[COUNT], values).unwrap());
    let mut inputs: Vec<Arc<Tensor>> = args.iter().map(|arg| tensor(arg)).collect();
    inputs.push(tensor(&args[0]));
    let results = program.call_with(&inputs, CallOptions::default()).unwrap();
    results[0].as_slice::<T>().unwrap().to_vec()
}

/// Bit patterns of every magnitude, then numbers of the usual ones, then special values.
fn arguments(seed: u64, bits: u32) -> Vec<u64> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let mixed = (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 32)
    };
    let specials = [0.0, 1.0, 0.5, 2.0, 3.0, f64::INFINITY, f64::NAN, 1e300, 1e-300, 1e-310, 4.9e-324, 1e-40, 0.625];
    let encode = |value: f64| if bits == 32 { u64::from((value as f32).to_bits()) } else { value.to_bits() };
    (0..COUNT)
        .map(|index| match index % 8 {
            0..3 => next() >> (64 - bits),
            3..5 => encode((next() as f64 / u64::MAX as f64 - 0.5) * 20.0),
            5 => encode((next() as f64 / u64::MAX as f64 - 0.5) * 1500.0),
            6 => encode(((next() as f64 / u64::MAX as f64 - 0.5) * 8.0).exp2()),
            _ => {
                let value = specials[(next() >> 7) as usize % specials.len()];
                encode(if next() & 8 == 0 { value } else { -value })
            }
        })
        .collect()
}

/// Distance in units of the last place of the reference, denormal numbers having the least normal number's.
fn error_single(got: f32, expected: f64) -> f64 {
    let rounded = expected as f32;
    if got.is_nan() || rounded.is_nan() || !rounded.is_finite() || !got.is_finite() {
        let same = (got.is_nan() && expected.is_nan()) || got == rounded;
        // The largest number and infinity are neighbours.
        let near = f64::from(got).abs().min(f64::from(rounded).abs()) >= f64::from(f32::MAX)
            && f64::from(got) * expected > 0.0;
        return if same {
            0.0
        } else if near {
            1.0
        } else {
            f64::INFINITY
        };
    }
    if got == 0.0 && expected == 0.0 && got.is_sign_negative() != expected.is_sign_negative() {
        return f64::INFINITY;
    }
    let exponent = expected.abs().max(f64::from(f32::MIN_POSITIVE)).log2().floor();
    (f64::from(got) - expected).abs() / (exponent - 23.0).exp2()
}

fn error_double(got: f64, expected: f64) -> f64 {
    if got == expected || (got.is_nan() && expected.is_nan()) {
        return if got == 0.0 && got.is_sign_negative() != expected.is_sign_negative() { f64::INFINITY } else { 0.0 };
    }
    if !got.is_finite() || !expected.is_finite() {
        let near = got.abs().min(expected.abs()) >= f64::MAX && got * expected > 0.0;
        return if near { 1.0 } else { f64::INFINITY };
    }
    let unit =
        f64::from_bits((expected.abs().max(f64::MIN_POSITIVE)).to_bits() + 1) - expected.abs().max(f64::MIN_POSITIVE);
    (got - expected).abs() / unit
}

fn check(function: &str, args: usize, reference: fn(&[f64]) -> f64) {
    check_on(Processor::Native, function, args, &reference, 2.0);
    check_on(Processor::Baseline, function, args, &reference, 2.0);
}

/// Checks functions of one number against what they mean, in double precision. There the meaning has errors of its own, for
/// which two more units are allowed.
fn check_meaning(functions: &[&str]) {
    for function in functions {
        let Some(Eval::Elementwise(eval)) = prim::by_name(function).map(|prim| prim.eval) else {
            panic!("{function} has no meaning by element")
        };
        let reference = |x: &[f64]| eval(&[Scalar::real(DType::F64, x[0])]).as_f64();
        check_on(Processor::Native, function, 1, &reference, 4.0);
        check_on(Processor::Baseline, function, 1, &reference, 4.0);
    }
}

fn check_on(processor: Processor, function: &str, args: usize, reference: &dyn Fn(&[f64]) -> f64, allowed: f64) {
    let patterns: Vec<Vec<u64>> = (0..args as u64).map(|arg| arguments(17 + 1000 * arg, 32)).collect();
    let singles: Vec<Vec<f32>> =
        patterns.iter().map(|bits| bits.iter().map(|&bits| f32::from_bits(bits as u32)).collect()).collect();
    let patterns: Vec<Vec<u64>> = (0..args as u64).map(|arg| arguments(23 + 1000 * arg, 64)).collect();
    let doubles: Vec<Vec<f64>> =
        patterns.iter().map(|bits| bits.iter().map(|&bits| f64::from_bits(bits)).collect()).collect();
    let mut worst = [(0.0, vec![], 0.0, 0.0), (0.0, vec![], 0.0, 0.0)];
    let (vector, scalar) =
        (run(function, &singles, Form::Vector, processor), run(function, &singles, Form::Scalar, processor));
    let wide = run(function, &singles, Form::Wide, processor);
    for (index, (&got, &alone)) in vector.iter().zip(&scalar).enumerate() {
        let x: Vec<f64> = singles.iter().map(|values| f64::from(values[index])).collect();
        assert!(
            got.to_bits() == alone.to_bits() || (got.is_nan() && alone.is_nan()),
            "{function}({x:?}): {got:?} in a vector, {alone:?} alone"
        );
        for got in [got, wide[index]] {
            let error = error_single(got, reference(&x));
            if error > worst[0].0 {
                worst[0] = (error, x.clone(), f64::from(got), reference(&x));
            }
        }
    }
    let (vector, scalar) =
        (run(function, &doubles, Form::Vector, processor), run(function, &doubles, Form::Scalar, processor));
    let wide = run(function, &doubles, Form::Wide, processor);
    for (index, (&got, &alone)) in vector.iter().zip(&scalar).enumerate() {
        let x: Vec<f64> = doubles.iter().map(|values| values[index]).collect();
        assert!(
            got.to_bits() == alone.to_bits() || (got.is_nan() && alone.is_nan()),
            "{function}({x:?}): {got:?} in a vector, {alone:?} alone"
        );
        for got in [got, wide[index]] {
            let error = error_double(got, reference(&x));
            if error > worst[1].0 {
                worst[1] = (error, x.clone(), got, reference(&x));
            }
        }
    }
    for (dtype, (error, at, got, expected)) in ["f32", "f64"].iter().zip(&worst) {
        println!("{function} {dtype} {processor:?}: {error:.3} units at {at:?}: {got:e}, expected {expected:e}");
    }
    assert!(worst[0].0 <= 2.0 && worst[1].0 <= allowed, "{function}: {worst:?}");
}

#[test]
fn exponential() {
    check("exp", 1, |x| x[0].exp());
}

#[test]
fn logarithm() {
    check("log", 1, |x| x[0].ln());
}

#[test]
fn sine() {
    check("sin", 1, |x| x[0].sin());
}

#[test]
fn cosine() {
    check("cos", 1, |x| x[0].cos());
}

#[test]
fn hyperbolic_tangent() {
    check("tanh", 1, |x| x[0].tanh());
}

#[test]
fn power() {
    check("pow", 2, |x| x[0].powf(x[1]));
}

#[test]
fn angle() {
    check("atan2", 2, |x| x[0].atan2(x[1]));
}

#[test]
fn relatives_of_the_exponential() {
    check_meaning(&["exp2", "expm1", "logistic", "softplus", "sinh", "cosh"]);
}

#[test]
fn relatives_of_the_logarithm() {
    check_meaning(&["log1p", "log2", "log10", "asinh", "acosh", "atanh"]);
}

#[test]
fn circular_functions() {
    check_meaning(&["tan", "asin", "acos", "atan"]);
}

#[test]
fn roots_and_special_functions() {
    check_meaning(&["sqrt", "cbrt", "trunc", "erf", "erfc", "erf_inv"]);
    check("hypot", 2, |x| x[0].hypot(x[1]));
}

/// Every function is computed in vectors of 256 bits where there are such.
#[test]
fn functions_in_the_widest_vectors() {
    const OF_ONE: [&str; 29] = [
        "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos",
        "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "logistic", "softplus", "erf", "erfc", "erf_inv",
        "lgamma", "digamma", "trunc",
    ];
    const OF_TWO: [&str; 3] = ["pow", "atan2", "hypot"];
    if !is_wide_supported() {
        return;
    }
    let functions = OF_ONE.iter().map(|name| (name, 1)).chain(OF_TWO.iter().map(|name| (name, 2)));
    let mut narrow = Vec::new();
    for (function, args) in functions {
        for dtype in [DType::F32, DType::F64] {
            let code = emit(&one_kernel(&kernel(function, dtype, args), 1), &Settings::default());
            if code.kernel_lanes != [Some(Form::Wide)] {
                narrow.push((function, dtype));
            }
        }
    }
    assert!(narrow.is_empty(), "computed in vectors of 128 bits: {narrow:?}");
}
