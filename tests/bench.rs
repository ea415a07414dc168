//! `cotangent bench --aot` and `--compare`, and `cotangent-run`, run as their users run them.
#![cfg(feature = "cli")]

use cotangent::artifact::{KernelBuilder, KernelSource};
use cotangent::{Array, DType, jit};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const COTANGENT: &str = env!("CARGO_BIN_EXE_cotangent");
const RUNNER: &str = env!("CARGO_BIN_EXE_cotangent-run");

fn run<W: AsRef<OsStr>>(program: impl AsRef<OsStr>, words: impl IntoIterator<Item = W>) -> Output {
    Command::new(program).args(words).output().unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The standard output of a run that went well.
#[track_caller]
fn success(output: &Output) -> String {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
    printed(output)
}

/// Checks that a run ended with a code and one message that has all the parts.
#[track_caller]
fn refused(output: &Output, code: i32, parts: &[&str]) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert!(errors.starts_with("error: ") && !errors.contains("panicked"), "{errors}");
    for part in parts {
        assert!(errors.contains(part), "no `{part}` in: {errors}");
    }
}

/// A report of one machine with these cases: a name, and times around which others spread by `spread`.
fn report(cases: &[(&str, f64, f64)]) -> Value {
    let times = |middle: f64, spread: f64| -> Vec<f64> {
        (0..25).map(|step| middle * (1.0 + spread * (f64::from(step) - 12.0) / 12.0)).collect()
    };
    let case = |&(name, middle, spread): &(&str, f64, f64)| json!({ "case": name, "threads": 2, "samples_ms": times(middle, spread) });
    json!({
        "machine": { "processor": "Abacus 9", "processors": 2 },
        "cases": cases.iter().map(case).collect::<Vec<Value>>(),
    })
}

fn written(folder: &Path, name: &str, report: &Value) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, report.to_string()).unwrap();
    path
}

fn compared(old: &Path, new: &Path, more: &[&str]) -> Output {
    let words = ["bench".as_ref(), "--compare".as_ref(), old.as_os_str(), new.as_os_str()];
    run(COTANGENT, words.into_iter().chain(more.iter().map(OsStr::new)))
}

#[test]
fn cases_are_measured_from_files_beside_the_compiler() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("measured.json");
    // A loop on two threads, results that are overwritten, captured data with a library call, complex numbers.
    let cases = ["cg100_256", "tiny_sin_16_into", "circular_convolve_fwd", "dft_adj"];
    let words = ["--aot", "--threads", "2", "--seconds", "0.05", "--noise", "10", "--json"].map(OsStr::new);
    let words = ["bench"].into_iter().chain(cases).map(OsStr::new).chain(words).chain([file.as_os_str()]);
    let table = success(&run(COTANGENT, words));
    for part in
        ["file KB", "load ms", "first ms", "JIT's ms", "file/JIT", "peak MB", "cg100_256 ", "4 with the same bits"]
    {
        assert!(table.contains(part), "no `{part}` in: {table}");
    }
    let report: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let measured = report["cases"].as_array().unwrap();
    assert_eq!(measured.iter().map(|case| case["case"].as_str().unwrap()).collect::<Vec<_>>(), cases);
    for case in measured {
        let loaded = &case["aot"];
        assert_eq!(loaded["same_bits"], true, "{case}");
        for key in ["compile_ms", "file_bytes", "load_ms", "first_call_ms", "median_ms", "min_ms", "ratio_to_jit"] {
            assert!(loaded[key].as_f64().is_some_and(|number| number > 0.0), "{key} in {case}");
        }
        let interval = [0, 1].map(|end| loaded["ratio_to_jit_interval"][end].as_f64().unwrap());
        assert!(0.0 < interval[0] && interval[0] <= interval[1], "{case}");
        assert!(loaded["level"].as_str().unwrap().starts_with("x86-64-v"), "{case}");
        if cfg!(target_os = "linux") {
            // The process has its arguments and results at least, and has not compiled anything.
            let megabytes = loaded["peak_bytes"].as_f64().unwrap() * 1e-6;
            assert!(1.0 < megabytes && megabytes < 500.0, "{megabytes} MB of {case}");
        }
        for (part, rounds) in [(case, 4), (loaded, 5)] {
            assert_eq!(part["rounds"].as_array().unwrap().len(), rounds, "a turn each");
            let times = part["samples_ms"].as_array().unwrap();
            assert!((3 * rounds..200 * rounds).contains(&times.len()), "{part}");
            assert!(times.contains(&part["median_ms"]), "{part}");
        }
    }
    // What was measured can be compared with itself.
    let table = success(&compared(&file, &file, &[]));
    assert!(table.contains("8 cases: 0 slower, 0 faster"), "{table}");
    assert!(table.contains("cg100_256 (file)"), "{table}");
}

#[test]
fn rounds_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("measured.json");
    let words = ["bench", "tiny_sin_16", "sum_adj", "--rounds", "3", "--seconds", "0.06", "--json"].map(OsStr::new);
    let table = success(&run(COTANGENT, words.into_iter().chain([file.as_os_str()])));
    assert_eq!(table.lines().count(), 4, "every case is listed once: {table}");
    let report: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    for case in report["cases"].as_array().unwrap() {
        let lengths: Vec<usize> =
            case["rounds"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
        let mut times: Vec<f64> = case["samples_ms"].as_array().unwrap().iter().map(|t| t.as_f64().unwrap()).collect();
        assert_eq!((lengths.len(), lengths.iter().sum::<usize>()), (3, times.len()), "{case}");
        assert!(times[..lengths[0]].is_sorted() && times.len() as u64 <= case["samples"].as_u64().unwrap(), "{case}");
        times.sort_by(f64::total_cmp);
        assert_eq!(case["median_ms"], times[times.len() / 2], "{case}");
    }
    assert!(success(&compared(&file, &file, &[])).contains("2 cases: 0 slower, 0 faster"));
    refused(&run(COTANGENT, ["bench", "tiny_sin_16", "--rounds", "0"]), 2, &["--rounds"]);
    refused(&run(COTANGENT, ["bench", "tiny_sin_16", "--rounds", "2", "--aot"]), 2, &["cannot be used"]);
}

#[test]
fn there_must_be_a_program_that_runs_files() {
    let folder = tempfile::tempdir().unwrap();
    let lonely = folder.path().join("cotangent");
    fs::copy(COTANGENT, &lonely).unwrap();
    refused(
        &run(&lonely, ["bench", "tiny_sin_16", "--aot"]),
        1,
        &["--aot", "cargo build --release --bin cotangent-run"],
    );
    refused(&run(COTANGENT, ["bench", "--aot", "--list"]), 2, &["--aot", "cannot be used"]);
}

#[test]
fn functions_of_files_are_run_on_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (x, scale) = (Array::zeros(&[4], DType::F32), Array::from(1.0f64));
    let scaled = jit(|x: Array, scale: Array| (x.sum(), x.astype(DType::F64) * scale)).traced(&(x, scale)).unwrap();
    let masked = jit(|mask: Array| mask.astype(DType::F32)).traced(&Array::zeros(&[2], DType::Bool)).unwrap();
    KernelBuilder::new("example")
        .function(KernelSource::traced("scaled", &scaled).unwrap())
        .function(KernelSource::traced("masked", &masked).unwrap())
        .save(path("example.cot"))
        .unwrap();
    let call = |kernel: &str, function: &str, arguments: &str, more: &[&str]| {
        let words = [path(kernel).into_os_string(), function.into(), "--arguments".into(), path(arguments).into()];
        let words = words.into_iter().chain(["--results".into(), path("results").into()]);
        run(RUNNER, words.chain(more.iter().map(Into::into)))
    };
    let x: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(path("arguments"), [x, 0.5f64.to_le_bytes().to_vec()].concat()).unwrap();
    let expected: Vec<u8> =
        10.0f32.to_le_bytes().into_iter().chain([0.5f64, 1.0, 1.5, 2.0].iter().flat_map(|y| y.to_le_bytes())).collect();
    for more in [&[][..], &["--seconds", "0.01"], &["--seconds", "0.01", "--overwrite", "--threads", "2"]] {
        let report: Value = serde_json::from_str(&success(&call("example.cot", "scaled", "arguments", more))).unwrap();
        assert_eq!(fs::read(path("results")).unwrap(), expected);
        assert!(
            report["load_ms"].as_f64().unwrap() > 0.0 && report["first_call_ms"].as_f64().unwrap() > 0.0,
            "{report}"
        );
        assert_eq!(report["samples_ms"].is_array(), !more.is_empty(), "{report}");
    }
    fs::write(path("short"), [0; 23]).unwrap();
    fs::write(path("truth"), [1, 2]).unwrap();
    refused(&call("example.cot", "scaled", "short", &[]), 1, &["short: 23 bytes, expected 24", "scaled(a0: f32[4]"]);
    refused(&call("example.cot", "masked", "truth", &[]), 1, &["a0 is neither 0 nor 1"]);
    refused(&call("example.cot", "absent", "truth", &[]), 1, &["absent", "scaled, masked"]);
    refused(&call("absent.cot", "scaled", "truth", &[]), 1, &["absent.cot"]);
    refused(&call("truth", "scaled", "truth", &[]), 1, &["not a kernel file"]);
    refused(&call("example.cot", "scaled", "arguments", &["--seconds", "-1"]), 2, &["--seconds", "usage"]);
    refused(&call("example.cot", "scaled", "arguments", &["--fast"]), 2, &["`--fast`", "usage"]);
    refused(&run(RUNNER, ["example.cot"]), 2, &["the name of a function", "usage"]);
}

#[test]
fn reports_are_compared_case_by_case() {
    let folder = tempfile::tempdir().unwrap();
    let old = report(&[
        ("slow", 1.0, 0.02),
        ("fast", 1.0, 0.02),
        ("same", 1.0, 0.02),
        ("noisy", 1.0, 0.9),
        ("gone", 1.0, 0.1),
    ]);
    let new = report(&[
        ("slow", 1.2, 0.02),
        ("fast", 0.8, 0.02),
        ("same", 1.01, 0.02),
        ("noisy", 1.1, 0.9),
        ("new", 1.0, 0.1),
    ]);
    let (old, new) = (written(folder.path(), "old.json", &old), written(folder.path(), "new.json", &new));
    let output = compared(&old, &new, &[]);
    let table = printed(&output);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    for (name, verdict) in [("slow", "slower"), ("fast", "faster"), ("same", "same"), ("noisy", "unclear")] {
        let line = lines.iter().find(|line| line[0] == name).unwrap_or_else(|| panic!("no {name} in {table}"));
        assert_eq!(line.last(), Some(&verdict), "{table}");
    }
    assert!(table.contains("only in old") && table.contains("only in new"), "{table}");
    assert!(table.contains("from seed"), "{table}");
    assert!(table.ends_with("6 cases: 1 slower, 1 faster, 1 same, 1 unclear, 2 in one file only\n"), "{table}");
    assert!(!table.contains("warning"), "{table}");
    refused(&output, 1, &["slower than in", "old.json: slow\n"]);
    assert_eq!(printed(&compared(&old, &new, &[])), table, "the same files give the same table");
    // With more noise allowed for, nothing is slower.
    assert!(success(&compared(&old, &new, &["--noise", "0.3"])).contains(" 0 slower, "));
}

#[test]
fn reports_that_cannot_be_compared_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, report: &Value| written(folder.path(), name, report);
    let whole = report(&[("a", 1.0, 0.01)]);
    let good = file("good.json", &whole);
    let altered = |name: &str, alter: fn(&mut Value)| {
        let mut report = whole.clone();
        alter(&mut report);
        file(name, &report)
    };
    let earlier = altered("earlier.json", |report| {
        report["cases"][0].as_object_mut().unwrap().remove("samples_ms");
    });
    refused(&compared(&earlier, &good, &[]), 1, &["earlier.json", "samples_ms", "a", "measure again"]);
    refused(&compared(&good, &earlier, &[]), 1, &["earlier.json"]);
    for samples in [json!([]), json!([1.0, 0.0]), json!([1.0, "2"])] {
        let mut report = whole.clone();
        report["cases"][0]["samples_ms"] = samples;
        refused(&compared(&file("bad.json", &report), &good, &[]), 1, &["bad.json", "not positive times"]);
    }
    for rounds in [json!([24]), json!([24, 2]), json!([25, 0]), json!([-25, 50]), json!(25)] {
        let mut report = whole.clone();
        report["cases"][0]["rounds"] = rounds;
        refused(&compared(&file("bad.json", &report), &good, &[]), 1, &["bad.json", "`rounds` of a do not divide"]);
    }
    refused(&compared(&file("other.json", &json!({ "cases": 3 })), &good, &[]), 1, &["other.json", "no list of cases"]);
    refused(&compared(&file("other.json", &json!({ "cases": [3] })), &good, &[]), 1, &["without a name"]);
    fs::write(folder.path().join("text.json"), "a,b").unwrap();
    refused(&compared(&folder.path().join("text.json"), &good, &[]), 1, &["text.json", "not JSON"]);
    refused(&compared(&folder.path().join("absent.json"), &good, &[]), 1, &["absent.json"]);
    refused(&run(COTANGENT, ["bench", "--compare", "one.json"]), 2, &["--compare"]);
    refused(&compared(&good, &good, &["--aot"]), 2, &["--aot", "cannot be used"]);
    refused(&compared(&good, &good, &["--noise", "-0.1"]), 2, &["--noise", "not negative"]);

    let elsewhere = altered("elsewhere.json", |report| report["machine"]["processor"] = "Babbage 2".into());
    let table = success(&compared(&good, &elsewhere, &[]));
    assert!(table.contains("warning: measured on different machines, 2 x Abacus 9 and 2 x Babbage 2"), "{table}");
    let alone = altered("alone.json", |report| report["cases"][0]["threads"] = 1.into());
    let table = success(&compared(&good, &alone, &[]));
    assert!(table.contains("warning: measured with different numbers of threads, such as a"), "{table}");
}
