//! Laws of random functions: they are well formed, survive printing, keep their meaning under the stages of
//! simplification, and stay moderate.
#![cfg(feature = "generate")]

use cotangent_ir::eval_kernel::run_kernel;
use cotangent_ir::generate::{self, Options};
use cotangent_ir::prim::{Lower, Prim};
use cotangent_ir::text::{parse, parse_kernel, print, print_kernel};
use cotangent_ir::verify_kernel::verify_kernel;
use cotangent_ir::{DType, Func, Number, Tensor, eval, transform, verify};
use std::sync::Arc;

/// Seeds of an ordinary run.
const SEEDS: std::ops::Range<u64> = 0..300;

fn arguments(func: &Func, seed: u64) -> Vec<Arc<Tensor>> {
    generate::arguments(func, seed).into_iter().map(Arc::new).collect()
}

fn kinds() -> [(&'static str, Options); 3] {
    let plain = Options { control: false, complex: false, ..Options::default() };
    [("everything", Options::default()), ("smooth", Options::smooth()), ("plain", plain)]
}

/// Calls with every random function, its options and its seed in words.
fn each_function(mut check: impl FnMut(&Func, u64, &str)) {
    for (name, options) in kinds() {
        for seed in SEEDS {
            let func = generate::function(seed, &options);
            check(&func, seed, &format!("{name}, seed {seed}"));
        }
    }
}

#[test]
fn random_functions_are_well_formed_and_survive_printing() {
    each_function(|func, _, name| {
        verify::verify(func).unwrap_or_else(|error| panic!("{name}: {error}"));
        let printed = print::func(func);
        let read = parse::entry(&printed).unwrap_or_else(|error| panic!("{name}: {error}\n{printed}"));
        assert_eq!(&read, func, "{name}\n{printed}");
        assert_eq!(print::func(&read), printed, "{name}");
    });
}

#[test]
fn results_are_moderate() {
    each_function(|func, seed, name| {
        let results = eval::eval(func, &arguments(func, seed)).unwrap();
        for value in results.iter().flat_map(|result| result.scalars().collect::<Vec<_>>()) {
            let size = match value.number() {
                Number::Int(_) => continue,
                Number::Float(v) => v.abs(),
                Number::Complex(v) => v.norm(),
            };
            assert!(size < 1e9, "{name}: {size}\n{}", print::func(func));
        }
    });
}

/// Whether two arrays agree up to the rounding of single precision, which mixed functions may contain.
fn agree(a: &Tensor, b: &Tensor) -> bool {
    let close = |x: f64, y: f64| x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= 2e-3 * (1.0 + x.abs());
    a.ty() == b.ty()
        && a.scalars().zip(b.scalars()).all(|(x, y)| {
            let (x, y) = (x.as_complex(), y.as_complex());
            close(x.re, y.re) && close(x.im, y.im)
        })
}

#[test]
fn stages_keep_the_meaning() {
    type Stage = fn(&Func) -> Func;
    let stages: [(&str, Stage); 4] = [
        ("inline", transform::inline::inline),
        ("rewrite", transform::rewrite::rewrite),
        ("share", transform::share::share),
        ("prune", transform::prune::prune),
    ];
    each_function(|func, seed, name| {
        let args = arguments(func, seed);
        let expected = eval::eval(func, &args).unwrap();
        for (stage, map) in stages {
            let mapped = map(func);
            verify::verify(&mapped).unwrap_or_else(|error| panic!("{name}, {stage}: {error}"));
            let given = eval::eval(&mapped, &args).unwrap();
            let same = expected.iter().zip(&given).all(|(a, b)| agree(a, b));
            assert!(same, "{name}, {stage}\n{}\n{}", print::func(func), print::func(&mapped));
        }
    });
}

/// Primitives that no random function has: what the host sees or does, and what speaks of a named axis, of which a function
/// alone knows nothing. Those that are made of others when they are compiled are left out, too.
const LEFT_OUT: [&str; 8] =
    ["tap", "host_call", "psum", "psum_shared", "all_gather", "psum_scatter", "all_to_all", "ppermute"];

#[test]
fn every_primitive_but_some_occurs() {
    let generated = |prim: &&Prim| !LEFT_OUT.contains(&prim.name) && !matches!(prim.lower, Lower::Expand(_));
    let mut missing: Vec<&str> = cotangent_ir::prim::all().filter(generated).map(|prim| prim.name).collect();
    each_function(|func, _, _| {
        let text = print::func(func);
        missing.retain(|name| !text.contains(&format!("= {name} ")));
    });
    assert!(missing.is_empty(), "never generated: {missing:?}");
}

#[test]
fn smooth_functions_are_made_of_inexact_parameters() {
    for seed in SEEDS {
        let func = generate::function(seed, &Options::smooth());
        assert!(func.param_types().iter().all(|ty| matches!(ty.dtype, DType::F64 | DType::C128)), "seed {seed}");
        assert!(func.result_types().iter().all(|ty| ty.dtype.is_inexact()), "seed {seed}");
    }
}

#[test]
fn hostile_numbers_never_panic() {
    let hostile =
        ["0", "1", "2", "-1", "5", "4294967296", "1152921504606846976", "9223372036854775807", "-9223372036854775808"];
    let mut random = generate::Random::new(1);
    for seed in SEEDS {
        let text = print::func(&generate::function(seed, &Options::default()));
        let numbers: Vec<(usize, usize)> = numbers(&text);
        for _ in 0..10 {
            let (start, end) = *random.pick(&numbers);
            let replaced = format!("{}{}{}", &text[..start], random.pick(&hostile), &text[end..]);
            if let Ok(func) = parse::entry(&replaced) {
                assert_eq!(parse::entry(&print::func(&func)).unwrap(), func, "{replaced}");
            }
        }
    }
}

/// Ranges of the integers in a text that are not part of names.
fn numbers(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let starts =
        (1..bytes.len()).filter(|&at| bytes[at].is_ascii_digit() && matches!(bytes[at - 1], b' ' | b'[' | b','));
    starts.map(|at| (at, at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count())).collect()
}

#[test]
fn random_kernels_are_well_formed_survive_printing_and_run() {
    for seed in 0..2000 {
        let kernel = generate::kernel(seed);
        verify_kernel(&kernel).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let printed = print_kernel::kernel(&kernel);
        let read = parse_kernel::kernels(&printed).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{printed}"));
        assert_eq!(read, std::slice::from_ref(&kernel), "seed {seed}");
        run_kernel(&kernel, &mut generate::buffers(&kernel, seed));
    }
}
