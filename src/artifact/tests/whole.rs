use super::super::{Kernel, KernelBuilder, KernelSource, LoadError};
use super::{builder, example, load};
use crate::run::call::CallOptions;
use crate::{Array, DType, ErrorKind, Function, fori_loop, jit};
use std::fs;

fn input() -> Array {
    Array::arange(16, DType::F32).reshape(&[4, 4]) * 0.1
}

#[test]
fn functions_give_what_compiled_ones_give_to_the_bit() {
    let weights = Array::arange(16, DType::F32).reshape(&[4, 4]);
    let expected = jit(move |x: Array| fori_loop(0, 3, x, |_, x: Array| (x.matmul(&weights) * 0.01).sin()));
    let expected = expected.call(input()).expect("runs").to_vec::<f32>().expect("data");
    let kernel = load(&example()).expect("loads");
    let given = kernel.function("smooth").expect("is there").apply(&[input()]).expect("runs");
    assert_eq!(given[0].to_vec::<f32>().expect("data"), expected);
    let energy = kernel.function("energy").expect("is there").apply(&[input(), Array::from(2.0f32)]).expect("runs");
    assert!((energy[0].item().expect("a number") - 2.0 * 1240f64.sqrt() * 0.1).abs() < 1e-5);
    assert!(kernel.function("spectrum").expect("is there").apply(&[input()]).is_ok());
}

#[test]
fn files_describe_themselves() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("example.cot");
    builder().save(&path).expect("is written");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing but the file is left");
    let description = Kernel::describe(&path).expect("is a kernel");
    assert_eq!((description.name.as_str(), description.levels.len()), ("example", 2));
    assert_eq!(description.text, "An example.\nIt has two lines.");
    assert_eq!(description.constants_bytes, 64);
    let printed: Vec<String> = description.functions.iter().map(ToString::to_string).collect();
    assert_eq!(
        printed,
        [
            "smooth(x: f32[4,4] in mm) -> (y: f32[4,4])",
            "energy(x: f32[4,4], scale: f32[]) -> (r0: f32[])",
            "spectrum(a0: f32[4,4]) -> (r0: f32[4,4])",
            "product(a0: f32[96,96], a1: f32[96,96]) -> (r0: f32[96,96])",
        ]
    );
}

#[test]
fn the_same_functions_make_the_same_file() {
    assert_eq!(example(), example());
}

#[test]
fn arguments_are_checked_before_every_call() {
    let kernel = load(&example()).expect("loads");
    let smooth = kernel.function("smooth").expect("is there");
    let kinds = [
        (vec![], ErrorKind::Structure),
        (vec![Array::zeros(&[4, 5], DType::F32)], ErrorKind::Shape),
        (vec![Array::zeros(&[4, 4], DType::F64)], ErrorKind::DType),
    ];
    for (args, kind) in kinds {
        let error = smooth.apply(&args).expect_err("does not fit");
        assert_eq!((error.kind(), error.operation()), (kind, "smooth"), "{error}");
    }
    assert!(matches!(kernel.function("rough"), Err(LoadError::UnknownFunction { .. })));
    let data = [0u8; 64];
    // SAFETY: refused, because there is one address of two.
    let refused = unsafe { smooth.call_pointers(&[data.as_ptr()], &[], CallOptions::default()) };
    assert_eq!(refused.expect_err("does not fit").kind(), ErrorKind::Argument);
    // SAFETY: refused, because no address is a multiple of 64 and of 64 plus 4.
    let refused = unsafe { smooth.call_pointers(&[4 as *const u8], &[4 as *mut u8], CallOptions::default()) };
    assert_eq!(refused.expect_err("does not fit").kind(), ErrorKind::Argument);
}

#[test]
fn functions_outlive_their_kernel_and_their_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("example.cot");
    builder().save(&path).expect("is written");
    // SAFETY: the file was written above.
    let kernel = unsafe { Kernel::load(&path) }.expect("loads");
    let smooth = kernel.function("smooth").expect("is there").clone();
    let before = smooth.apply(&[input()]).expect("runs")[0].to_vec::<f32>().expect("data");
    drop(kernel);
    fs::write(&path, [0; 100]).expect("is overwritten");
    assert_eq!(smooth.apply(&[input()]).expect("runs")[0].to_vec::<f32>().expect("data"), before);
    fs::remove_file(&path).expect("is removed");
    assert_eq!(smooth.apply(&[input()]).expect("runs")[0].to_vec::<f32>().expect("data"), before);
}

#[test]
fn what_a_file_cannot_hold_is_refused() {
    let x = Array::from([1.0f32, 2.0]);
    let host = jit(|x: Array| crate::host_call("same", x.clone(), |x: Array| Ok(x)).apply(x));
    let source = |name: &str| KernelSource::traced(name, &host.traced(&x).expect("traces")).expect("plans");
    let error = KernelBuilder::new("a").function(source("f")).build().expect_err("calls the host");
    assert!(error.message().contains("closure of the host"), "{error}");
    let double = jit(|x: Array| x * 2.0).traced(&x).expect("traces");
    let source = |name: &str| KernelSource::traced(name, &double).expect("plans");
    for (builder, expected) in [
        (KernelBuilder::new("a b").function(source("f")), "is no name"),
        (KernelBuilder::new("a").function(source("f\n")), "is no name"),
        (KernelBuilder::new("a").function(source("f")).function(source("f")), "is there twice"),
        (KernelBuilder::new("a").function(source("f").arguments(["1"])), "is no name"),
        (KernelBuilder::new("a").function(source("f").arguments(["x", "y"])), "is one more than there are arguments"),
        (KernelBuilder::new("a").function(source("f").result("y", "mm", "")), "no result is called"),
        (KernelBuilder::new("a").function(source("f").description("\u{1b}[2J")), "control characters"),
        (KernelBuilder::new("a").levels([]), "levels of x86-64"),
    ] {
        let error = builder.build().expect_err(expected);
        assert!(error.message().contains(expected), "{error}");
    }
    assert!(KernelBuilder::new("a").function(source("f")).save("/nowhere/a.cot").is_err());
}

/// Bytes of memory of this process that are in use.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let text = fs::read_to_string("/proc/self/statm").expect("the system tells");
    4096 * text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number")
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_of_kernels_that_are_dropped() {
    let file = example();
    let use_once = || {
        let kernel = load(&file).expect("loads");
        kernel.function("smooth").expect("is there").apply(&[input()]).expect("runs");
    };
    (0..100).for_each(|_| use_once());
    let before = resident();
    (0..10_000).for_each(|_| use_once());
    let grown = resident().saturating_sub(before);
    // Each has 4 KiB of code at least: 40 MB if they stayed. Other tests run meanwhile.
    assert!(grown < 20 << 20, "{grown} bytes were left");
}

#[cfg(target_os = "linux")]
#[test]
fn no_page_is_writable_and_executable() {
    let kernel = load(&example()).expect("loads");
    let maps = fs::read_to_string("/proc/self/maps").expect("the system tells");
    let permissions = maps.lines().filter_map(|line| line.split(' ').nth(1));
    assert!(permissions.clone().any(|permissions| permissions.starts_with("r-x")));
    assert!(permissions.clone().all(|permissions| !(permissions.contains('w') && permissions.contains('x'))));
    drop(kernel);
}
