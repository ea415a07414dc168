//! A program in C runs a kernel: loaded and linked, with the static and with the shared library, to the bits of the function
//! compiled in memory. Its header is one that C and C++ compilers accept without a warning.

#![cfg(target_os = "linux")]

mod library;

use library::{build, run};
use runtime::DType::{Bool, C128, F32, I32};
use runtime::artifact::{CpuLevel, Kernel, KernelBuilder, KernelSource, c_header};
use runtime::ir::prim::effect::tap;
use runtime::{Array, DType, Traced, jit, stack, while_loop};
use std::fs;
use std::path::Path;
use std::process::Command;

const SIDE: usize = 16;

/// A product, which is a library routine, and elementary functions.
fn smooth(x: Array) -> Array {
    let weights = Array::arange(SIDE * SIDE, F32).reshape(&[SIDE, SIDE]) * 0.01;
    (x.matmul(&weights) * 0.01).sin() + (&x * 0.1).exp().log1p()
}

/// Counts rounds and reports each tenth.
fn count(limit: Array) -> Array {
    let goes_on = |(round, stop, limit): (Array, Array, Array)| round.less(&limit).logical_and(stop.logical_not());
    let body = |(round, _, limit): (Array, Array, Array)| {
        let round = round + 1;
        let stop = tap(&round, &stack(&[round.astype(F32) * 0.5], 0), 10);
        (round, stop, limit)
    };
    while_loop(goes_on, body, (Array::from(0i32), Array::from(false), limit)).0
}

/// Arguments and results with names that C has for other things, of types that C has no arrays of.
fn switch(flag: Array, z: Array) -> (Array, Array) {
    (flag.logical_not(), &z * &z)
}

fn kernel() -> Vec<u8> {
    let zeros = |shape: &[usize], dtype: DType| Array::zeros(shape, dtype);
    let source = |name: &str, traced: runtime::Result<Traced>| {
        KernelSource::traced(name, &traced.expect("traces")).expect("plans")
    };
    let switched = jit(switch).traced(&(zeros(&[2], Bool), zeros(&[2], C128)));
    KernelBuilder::new("example")
        .description("For a test. */ #error \"a text has left its comment\" /*")
        .levels([Some(CpuLevel::V2), CpuLevel::native()].into_iter().flatten())
        .function(source("smooth", jit(smooth).traced(&zeros(&[SIDE, SIDE], F32))).arguments(["x"]).results(["y"]))
        .function(source("count", jit(count).traced(&zeros(&[], I32))).arguments(["limit"]).results(["rounds"]))
        .function(source("switch", switched).arguments(["switch", "kernel"]).results(["switch", "int"]))
        .build()
        .expect("a kernel")
}

#[test]
fn programs_in_c_run_kernels_to_the_same_bits() {
    let library = build();
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let file = kernel();
    fs::write(at("example.cot"), &file).expect("is written");
    // SAFETY: the file comes from the builder.
    let header = c_header(unsafe { Kernel::from_bytes(&file) }.expect("loads").description());
    fs::write(at("example.h"), header).expect("is written");

    let x: Vec<f32> = (0..SIDE * SIDE).map(|position| 0.125 * position as f32).collect();
    let y = jit(smooth).call(Array::new(&[SIDE, SIDE], &x)).and_then(|y| y.to_vec::<f32>()).expect("runs");
    let expected: Vec<String> = y.iter().map(|element| format!("{:08x}", element.to_bits())).collect();

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compile = |compiler: &str| {
        let mut command = Command::new(compiler);
        command.args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-I"]).arg(root.join("include"));
        command.arg("-I").arg(folder.path());
        command
    };
    let main = root.join("tests/c_program/main.c");
    for (is_linked, is_shared) in [(false, false), (false, true), (true, false), (true, true)] {
        let program = at(&format!("program-{is_linked}-{is_shared}"));
        let mut command = compile("cc");
        command.arg("-std=c11").arg(&main).arg("-o").arg(&program);
        if is_linked {
            command.arg("-DLINKED").arg(at("example.cot"));
        }
        match is_shared {
            true => command.arg("-L").arg(&library).args(["-Wl,-Bdynamic", "-l:libcotangent.so"]),
            false => command.arg(library.join("libcotangent.a")),
        };
        run(command.args(["-lpthread", "-ldl", "-lm"]));
        let mut command = Command::new(&program);
        command.current_dir(folder.path()).env("LD_LIBRARY_PATH", &library);
        if !is_linked {
            command.arg(at("example.cot"));
        }
        let printed = run(&mut command);
        assert!(printed.lines().eq(expected.iter()), "linked: {is_linked}, shared: {is_shared}\n{printed}");
    }

    fs::write(
        at("program.cpp"),
        "#include \"example.h\"\nint main() { return example_open(nullptr) == COT_STATUS_OK; }\n",
    )
    .expect("is written");
    run(compile("c++").args(["-std=c++11", "-fsyntax-only"]).arg(at("program.cpp")));
}
