//! Kernel files on the command line: made, looked into, signed, and run to the bits of the compiled program.

use crate::{IR, Place, cotangent, encoded, grey, names, success};
use cotangent::artifact::{CpuLevel, Kernel};
use cotangent::run::call::CallOptions;
use image::ImageFormat;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Solves with the kernel as the compiler does, and compares every byte of what was measured and restored.
#[track_caller]
fn check_same_bits(problem: &str, functions: &[&str], arrays: &[&str]) {
    let place = Place::new();
    let input = place.file("disc.png", encoded(grey(64, 64), ImageFormat::Png));
    let kernel = place.path("kernel.cot");
    let (compiled, loaded) = (place.path("compiled"), place.path("loaded"));
    let table = success(&cotangent!("compile", problem, "-o", &kernel, "--shape", "64x64", "--maxiter", "5"));
    assert!(table.contains("kernel.cot") && table.contains(&functions.join(", ")), "{table}");
    let output =
        cotangent!("solve", problem, "--input", &input, "--maxiter", "5", "--json", "--save-arrays", &compiled);
    let first: Value = serde_json::from_str(&success(&output)).unwrap();
    let output =
        cotangent!("solve", problem, "--input", &input, "--kernel", &kernel, "--json", "--save-arrays", &loaded);
    let second: Value = serde_json::from_str(&success(&output)).unwrap();
    for key in ["problem", "shape", "noise", "lambda", "seed", "iterations", "objective", "psnr_input", "psnr_output"] {
        assert_eq!(first[key], second[key], "{key}");
    }
    assert!(second["load_ms"].as_f64().unwrap() > 0.0 && second["compile_ms"].is_null(), "{second}");
    assert_eq!(names(&compiled), arrays);
    assert_eq!(names(&loaded), arrays);
    for name in arrays {
        let (compiled, loaded) = (fs::read(compiled.join(name)).unwrap(), fs::read(loaded.join(name)).unwrap());
        assert!(compiled == loaded, "{problem}: {name} differs");
    }
}

const ALL: [&str; 4] = ["solve", "init", "step", "gradient"];

#[test]
fn denoising_by_kernel_has_the_same_bits() {
    check_same_bits("denoise-tv", &ALL, &["degraded.npy", "restored.npy"]);
}

#[test]
fn deconvolving_by_kernel_has_the_same_bits() {
    check_same_bits("deconv-tv", &ALL, &["degraded.npy", "restored.npy"]);
}

#[test]
fn reconstructing_by_kernel_has_the_same_bits() {
    check_same_bits("ct-tv", &ALL, &["degraded.npy", "projections.npy", "restored.npy"]);
}

#[test]
fn coding_by_kernel_has_the_same_bits() {
    check_same_bits("sparse-code", &ALL, &["degraded.npy", "restored.npy"]);
}

#[test]
fn inpainting_by_kernel_has_the_same_bits() {
    check_same_bits("inpaint-tv", &ALL, &["degraded.npy", "known.npy", "restored.npy"]);
}

#[test]
fn counting_photons_by_kernel_has_the_same_bits() {
    check_same_bits("poisson-denoise", &ALL, &["counts.npy", "degraded.npy", "restored.npy"]);
}

/// `init` and as many `step`s lead to where `solve` does, for planes of colours too.
#[test]
fn steps_lead_where_the_whole_loop_does() {
    for (problem, state) in
        [("denoise-tv", 2), ("deconv-tv", 4), ("ct-tv", 5), ("sparse-code", 4), ("poisson-denoise", 5)]
    {
        let place = Place::new();
        let kernel = place.path("kernel.cot");
        success(&cotangent!("compile", problem, "-o", &kernel, "--shape", "3x16x20", "--maxiter", "3"));
        // SAFETY: the program has just written it.
        let kernel = unsafe { Kernel::load(&kernel) }.unwrap();
        let function = |name: &str| kernel.function(name).unwrap().clone();
        let ty = function("solve").description().arguments[0].ty.clone();
        let count = ty.shape.iter().product::<usize>();
        let values: Vec<f32> = (0..count).map(|place| ((place * 7) % 11) as f32).collect();
        let data = cotangent::Array::new(&ty.shape, &values);
        let mut now = function("init").apply(std::slice::from_ref(&data)).unwrap();
        assert_eq!(now.len(), state, "{problem}");
        for _ in 0..3 {
            now.insert(0, data.clone());
            now = function("step").apply(&now).unwrap();
        }
        let solved = function("solve").apply(std::slice::from_ref(&data)).unwrap();
        assert_eq!(solved[2].item().unwrap(), 3.0);
        let (restored, x) = (solved[0].to_vec::<f32>().unwrap(), now[0].to_vec::<f32>().unwrap());
        match problem {
            // The variable is not the picture itself.
            "sparse-code" => assert_eq!(x.len(), 10 * restored.len()),
            "poisson-denoise" => assert!(restored.iter().zip(&x).all(|(r, x)| (r * 100.0 - x).abs() <= 1e-5 * x)),
            _ => {
                let difference = restored.iter().zip(&x).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(difference < 1e-4, "{problem}: {difference}");
            }
        }
        let gradient = function("gradient").apply(&[now[0].clone(), data]).unwrap();
        assert_eq!(gradient[0].shape().unwrap(), now[0].shape().unwrap(), "{problem}");
    }
}

#[test]
fn functions_in_text_form_become_a_kernel() {
    let place = Place::new();
    let two = format!("{IR}func @negative(v0: f32[3]) -> f32[3] {{\n    v1 = neg v0 : f32[3]\n    return v1\n}}\n");
    let ir = place.file("2 functions.ir", two);
    let a = place.npy("a.npy", &[3], &[1.0f32, 2.0, 3.0]);
    let kernel = place.path("k.cot");
    let table = success(&cotangent!("compile", &ir, "-o", &kernel, "--target-cpu", "v2,native"));
    assert!(table.lines().nth(1).unwrap().contains("both, negative"), "{table}");
    let of_text = success(&cotangent!("run", &ir, "--function", "both", "--arg", &a, "--arg", &a));
    assert_eq!(success(&cotangent!("run", &kernel, "--function", "both", "--arg", &a, "--arg", &a)), of_text);
    let y = place.path("y.npy");
    success(&cotangent!("run", &kernel, "--function", "negative", "--arg", &a, "--out", &y));
    assert_eq!(success(&cotangent!("run", &kernel, "--function", "negative", "--arg", &y)), "y0: f32[3] = [1, 2, 3]\n");

    let summary: Value = serde_json::from_str(&success(&cotangent!("inspect", &kernel, "--json"))).unwrap();
    assert_eq!(summary["name"], "_2_functions");
    let levels: Vec<&str> =
        summary["levels"].as_array().unwrap().iter().map(|level| level["level"].as_str().unwrap()).collect();
    let mut wanted = vec!["x86-64-v2", CpuLevel::native().unwrap().name()];
    wanted.dedup();
    assert_eq!(levels, wanted);

    success(&cotangent!("compile", &ir, "-o", &kernel, "--name", "negative"));
    // The only one needs no name.
    assert_eq!(success(&cotangent!("run", &kernel, "--arg", &a)), "y0: f32[3] = [-1, -2, -3]\n");
}

#[test]
fn kernels_are_looked_into() {
    let place = Place::new();
    let kernel = place.path("k.cot");
    let words = ["compile", "ct-tv", "--shape", "16x16", "--maxiter", "2", "--target-cpu", "v2", "--name", "solve"];
    success(&cotangent!(
        words[0], words[1], words[2], words[3], words[4], words[5], words[6], words[7], words[8], words[9], "-o",
        &kernel
    ));
    let text = success(&cotangent!("inspect", &kernel));
    let parts = [
        "kernel ct_tv\n",
        "lambda = 0.5, iterations = 2",
        "not signed",
        "takes projections  f32[60,23]",
        "gives restored    f32[16,16]",
        "gives iterations  i32[]",
        "Objective, Prml Rsdl, Dual Rsdl, CG It, CG Res",
        "x86-64-v2: ",
        "runs here",
    ];
    for part in parts {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
    let summary: Value = serde_json::from_str(&success(&cotangent!("inspect", &kernel, "--json"))).unwrap();
    assert_eq!(summary["functions"][0]["name"], "solve");
    assert_eq!(summary["functions"][0]["results"][4]["shape"], serde_json::json!([2, 5]));
    assert_eq!(summary["file_bytes"].as_u64().unwrap(), fs::metadata(&kernel).unwrap().len());
    assert_eq!(summary["signer"], Value::Null);

    let all = success(&cotangent!("inspect", &kernel, "--disassemble"));
    assert_eq!(success(&cotangent!("inspect", &kernel, "--disassemble", "solve")), all);
    assert!(all.starts_with("solve.v2.") && all.contains(" bytes for x86-64-v2\n"), "{}", &all[..200]);
    assert!(all.contains("ret\n") && all.contains("call") && all.contains("  ; "), "{}", &all[..2000]);
    assert!(!all.contains("(bad)"));
}

#[test]
fn headers_are_written_beside_kernels() {
    let place = Place::new();
    let ir = place.file("both.ir", IR);
    let (kernel, header) = (place.path("k.cot"), place.path("both.h"));
    success(&cotangent!("compile", &ir, "-o", &kernel, "--header", &header));
    let written = fs::read_to_string(&header).unwrap();
    assert!(written.contains("#include \"cotangent.h\"") && written.contains("both_open"), "{written}");
    assert_eq!(success(&cotangent!("inspect", &kernel, "--header")), written);
    assert_eq!(place.listing(), ["both.h", "both.ir", "k.cot"]);
}

/// An observer sees the first row and every tenth, and may stop the loop.
#[test]
fn kernels_tell_how_far_they_are() {
    let place = Place::new();
    let path = place.path("k.cot");
    success(&cotangent!(
        "compile",
        "denoise-tv",
        "--shape",
        "16x16",
        "--maxiter",
        "40",
        "--name",
        "solve",
        "-o",
        &path
    ));
    // SAFETY: the program has just written it.
    let kernel = unsafe { Kernel::load(&path) }.unwrap();
    let picture = cotangent::Array::new(&[16, 16], &[0.5f32; 256]).tensor().unwrap();
    let mut seen = Vec::new();
    let mut observer = |row: i64, statistics: &[f64]| {
        seen.push((row, statistics.len()));
        row >= 20
    };
    let options = CallOptions { observer: Some(&mut observer), ..CallOptions::default() };
    let results = kernel.function("solve").unwrap().call_with(&[picture], options).unwrap();
    assert_eq!(seen, [(0, 3), (10, 3), (20, 3)]);
    let (iterations, outcome) = (results[2].get(0).as_f64(), results[3].get(0).as_f64());
    assert_eq!((iterations, outcome), (21.0, 2.0));
}

#[test]
fn signed_kernels_are_run_by_those_who_trust_the_key() {
    let place = Place::new();
    let ir = place.file("both.ir", IR);
    let a = place.npy("a.npy", &[3], &[1.0f32, 2.0, 3.0]);
    let (key, public) = (place.path("key"), place.path("key.pub"));
    let told = success(&cotangent!("keygen", &key));
    let digits = fs::read_to_string(&public).unwrap();
    assert!(told.contains(digits.trim()) && digits.trim().len() == 64, "{told}");
    assert_ne!(fs::read_to_string(&key).unwrap(), digits);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&key).unwrap().permissions()) & 0o777, 0o600);

    let kernel = place.path("k.cot");
    success(&cotangent!("compile", &ir, "-o", &kernel, "--sign", &key));
    let printed = success(&cotangent!("run", &kernel, "--trust", &public, "--arg", &a, "--arg", &a));
    assert!(printed.ends_with("y1: f32[] = 12\n"), "{printed}");
    assert!(success(&cotangent!("inspect", &kernel)).contains(&format!("signed with the key {}", digits.trim())));
    let summary: Value = serde_json::from_str(&success(&cotangent!("inspect", &kernel, "--json"))).unwrap();
    assert_eq!(summary["signer"], digits.trim());
}

#[test]
fn a_signed_kernel_solves() {
    let place = Place::new();
    let input = place.file("disc.png", encoded(grey(16, 12), ImageFormat::Png));
    let (key, kernel) = (place.path("key"), place.path("k.cot"));
    success(&cotangent!("keygen", &key));
    success(&cotangent!("compile", "denoise-tv", "--shape", "12x16", "--maxiter", "4", "--sign", &key, "-o", &kernel));
    let solve = |trusted: &Path| {
        cotangent!(
            "solve",
            "denoise-tv",
            "--input",
            &input,
            "--kernel",
            &kernel,
            "--trust",
            trusted,
            "--out",
            place.path("out")
        )
    };
    let text = success(&solve(&place.path("key.pub")));
    assert!(text.contains("after 4 iterations") && text.contains("loaded in"), "{text}");
    let table = fs::read_to_string(place.path("out").join("statistics.csv")).unwrap();
    assert_eq!(table.lines().next(), Some("Iter,Time,Objective,Prml_Rsdl,Dual_Rsdl"));
    assert_eq!(table.lines().count(), 5);
}

/// The catalogue is complete, every kernel of it runs, and solves what it says.
#[test]
fn the_catalogue_is_written() {
    let place = Place::new();
    let folder = place.path("kernels");
    let table = success(&cotangent!("compile", "--all", "-o", &folder, "--shape", "16x16"));
    let files = names(&folder);
    assert_eq!(
        files,
        [
            "cg_least_squares.cot",
            "ct_tv.cot",
            "deconv_tv.cot",
            "denoise_tv.cot",
            "dictionary_code.cot",
            "inpaint_tv.cot",
            "lbfgs_tv.cot",
            "poisson_denoise.cot",
            "sparse_code.cot"
        ]
    );
    for file in &files {
        assert!(table.contains(file), "no {file} in: {table}");
        let summary: Value =
            serde_json::from_str(&success(&cotangent!("inspect", folder.join(file), "--json"))).unwrap();
        assert_eq!(format!("{}.cot", summary["name"].as_str().unwrap()), *file);
        for function in summary["functions"].as_array().unwrap() {
            let described = |list: &str| function[list].as_array().unwrap().iter().all(|one| one["description"] != "");
            assert!(function["description"] != "" && described("arguments") && described("results"), "{function}");
        }
    }
}

#[test]
fn kernels_of_dense_problems_solve_them() {
    let place = Place::new();
    let kernel = |name: &str, shape: &str| {
        let path = place.path(&format!("{name}.cot"));
        success(&cotangent!("compile", name, "--shape", shape, "-o", &path));
        // SAFETY: the program has just written it.
        unsafe { Kernel::load(&path) }.unwrap()
    };
    let array = |shape: &[usize], values: &[f32]| cotangent::Array::new(shape, values);
    let norm = |values: &cotangent::Array| values.square().sum().sqrt().item().unwrap();

    let least_squares = kernel("cg-least-squares", "3x2");
    let (a, y) = (array(&[3, 2], &[2.0, 1.0, 1.0, 3.0, 0.0, 1.0]), array(&[3], &[1.0, 2.0, 3.0]));
    let damping = cotangent::Array::from(0.5f32);
    let solved = least_squares.function("solve").unwrap().apply(&[a.clone(), y.clone(), damping.clone()]).unwrap();
    let gradient = least_squares.function("gradient").unwrap().apply(&[solved[0].clone(), a, y, damping]).unwrap();
    assert!(norm(&gradient[0]) < 1e-4, "{:?}", gradient[0]);

    let coding = kernel("dictionary-code", "3x2");
    let (d, y) = (array(&[3, 2], &[2.0, 1.0, 1.0, 3.0, 0.0, 1.0]), array(&[3], &[1.0, 2.0, 3.0]));
    let solved = coding.function("solve").unwrap().apply(&[d, y]).unwrap();
    let code = solved[0].to_vec::<f32>().unwrap();
    // `Dᵀ D c = Dᵀ y − λ sign(c)` for `c₁ < 0 < c₂`.
    assert!((code[0] + 0.146_667).abs() < 5e-3 && (code[1] - 0.966_667).abs() < 5e-3, "{code:?}");

    let denoising = kernel("lbfgs-tv", "12x16");
    let noisy: Vec<f32> =
        (0..12 * 16).map(|place| if place % 16 < 8 { 0.2 } else { 0.8 } + 0.1 * (place % 3) as f32).collect();
    let y = array(&[12, 16], &noisy);
    let solved = denoising.function("solve").unwrap().apply(std::slice::from_ref(&y)).unwrap();
    let at = |x: &cotangent::Array| {
        denoising.function("objective").unwrap().apply(&[x.clone(), y.clone()]).unwrap()[0].item().unwrap()
    };
    assert!((at(&solved[0]) - solved[1].item().unwrap()).abs() < 1e-4 && at(&solved[0]) < 0.7 * at(&y));
    let gradient = denoising.function("gradient").unwrap();
    let (before, after) =
        (gradient.apply(&[y.clone(), y.clone()]).unwrap(), gradient.apply(&[solved[0].clone(), y.clone()]).unwrap());
    assert!(norm(&after[0]) < 0.02 * norm(&before[0]), "{} of {}", norm(&after[0]), norm(&before[0]));
}
