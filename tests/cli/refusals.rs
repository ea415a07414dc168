//! Mistakes with kernel files: each has one message, and leaves no file behind.

use crate::{IR, Place, cotangent, encoded, grey, refused, success};
use image::ImageFormat;
use std::fs;
use std::path::PathBuf;

#[test]
fn what_cannot_be_compiled_is_refused() {
    let place = Place::new();
    let ir = place.file("both.ir", IR);
    let dotted = place.file("dotted.ir", IR.replace("@both", "@a.b"));
    let misplaced = "func @f(v0: f32[4]) -> f32[4] {\n    v1 = neg v0 {axis = 3} : f32[4]\n    return v1\n}\n";
    let wrong = place.file("wrong.ir", misplaced);
    let host =
        "func @f(v0: f32[]) -> f32[] {\n    v1 = host_call v0 {host = @g, batch = []} : f32[]\n    return v1\n}\n";
    let host = place.file("host.ir", host);
    let nothing = place.file("nothing.ir", "");
    let key = place.file("short.key", "0123");
    let before = place.listing();
    let out = place.path("k.cot");
    let compile = |words: &[&str]| {
        let program = env!("CARGO_BIN_EXE_cotangent");
        std::process::Command::new(program).arg("compile").args(words).arg("-o").arg(&out).output().unwrap()
    };
    let text = |path: &PathBuf| path.to_str().unwrap().to_string();
    let cases: Vec<(Vec<&str>, &[&str])> = vec![
        (vec!["inpaint"], &["inpaint", "no file", "inpaint-tv", "cg-least-squares"]),
        (vec!["absent.ir"], &["absent.ir", "no file"]),
        (vec![], &["FILE.ir|PROBLEM", "required"]),
        (vec!["denoise-tv", "--shape", "64"], &["--shape", "64", "384x512"]),
        (vec!["denoise-tv", "--shape", "64x"], &["--shape", "3x384x512"]),
        (vec!["denoise-tv", "--shape", "1x2x3x4"], &["--shape", "three with planes"]),
        (vec!["denoise-tv", "--shape", "0x64"], &["--shape", "from 1 to"]),
        (vec!["denoise-tv", "--shape", "64x99999999"], &["--shape", "from 1 to 65536"]),
        (vec!["denoise-tv", "--shape", "4x64"], &["--shape 4x64", "at least 8"]),
        (vec!["cg-least-squares", "--shape", "3x4x5"], &["--shape 3x4x5", "matrix"]),
        (vec!["denoise-tv", "--noise", "0.1"], &["denoise-tv", "--noise"]),
        (vec!["poisson-denoise", "--noise", "0", "--shape", "16x16"], &["photons", "--noise"]),
        (vec!["cg-least-squares", "--lambda", "1"], &["--lambda", "argument"]),
        (vec!["denoise-tv", "--maxiter", "0"], &["--maxiter", "1..=100000"]),
        (vec!["denoise-tv", "--target-cpu", "x86-64-v9"], &["x86-64-v9", "x86-64-v3"]),
        (vec!["denoise-tv", "--name", "solve", "--name", "solve"], &["--name solve", "twice"]),
        (vec!["denoise-tv", "--name", "solver"], &["denoise-tv", "`solver`", "solve, init, step, gradient"]),
        (vec!["denoise-tv", "--all"], &["--all", "cannot be used"]),
        (vec!["denoise-tv", "--shape", "16x16", "--sign", "absent.key"], &["absent.key", "cannot be read"]),
        (vec!["denoise-tv", "--shape", "16x16", "--sign", "absent.pub"], &["absent.pub", "private"]),
    ];
    for (words, parts) in cases {
        refused(&compile(&words), parts);
        assert_eq!(place.listing(), before, "{words:?}");
    }
    refused(&compile(&[&text(&ir), "--shape", "64x64"]), &["both.ir", "--shape"]);
    refused(&compile(&[&text(&ir), "--name", "sum"]), &["both.ir", "`sum`", "it has both"]);
    refused(&compile(&[&text(&ir), "--sign", &text(&key)]), &["short.key", "64 hexadecimal digits"]);
    refused(&compile(&[&text(&dotted)]), &["dotted.ir", "a.b"]);
    refused(&compile(&[&text(&wrong)]), &["wrong.ir:2:", "axis"]);
    refused(&compile(&[&text(&host)]), &["host.ir:2:", "host_call", "text cannot hold"]);
    refused(&compile(&[&text(&nothing)]), &["nothing.ir", "no function"]);
    refused(&compile(&[place.folder.path().to_str().unwrap()]), &["is a folder"]);
    refused(&cotangent!("compile", &ir, "-o", place.folder.path()), &["is a folder; name a file"]);
    refused(&cotangent!("compile", &ir, "-o", place.path("no/k.cot")), &["no/k.cot", "does not exist"]);
    refused(&cotangent!("compile", &ir, "-o", &out, "--header", place.path("no/k.h")), &["no/k.h", "does not exist"]);
    refused(&cotangent!("compile", &ir, "-o", &out, "--header", &out), &["k.cot", "--header"]);
    refused(&cotangent!("compile", "--all", "-o", &ir), &["both.ir", "is not a folder"]);
    assert_eq!(place.listing(), before);
}

#[test]
fn kernels_that_cannot_be_used_are_refused() {
    let place = Place::new();
    let kernel = place.path("k.cot");
    success(&cotangent!("compile", "denoise-tv", "--shape", "16x12", "--maxiter", "2", "-o", &kernel));
    let bytes = fs::read(&kernel).unwrap();
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    let a = place.npy("a.npy", &[3], &[1.0f32, 2.0, 3.0]);
    let ir = place.file("both.ir", IR);
    let files: [(PathBuf, &[&str]); 7] = [
        (place.path("absent.cot"), &["absent.cot", "cannot be read"]),
        (place.folder.path().to_path_buf(), &["is a folder"]),
        (place.file("flipped.cot", &flipped), &["flipped.cot", "checksum", "damaged"]),
        (place.file("cut.cot", &bytes[..bytes.len() - 9]), &["cut.cot", "ends after"]),
        (place.file("long.cot", [&bytes[..], b"more"].concat()), &["long.cot", "copy it again"]),
        (a.clone(), &["a.npy", "not a kernel"]),
        (ir.clone(), &["both.ir", "not a kernel"]),
    ];
    let before = place.listing();
    let out = place.path("out");
    for (file, parts) in &files {
        refused(&cotangent!("inspect", file), parts);
        refused(&cotangent!("solve", "denoise-tv", "--kernel", file, "--out", &out), parts);
        assert_eq!(place.listing(), before, "{}", file.display());
    }
    for (file, parts) in &files[2..5] {
        refused(&cotangent!("run", file, "--function", "solve"), parts);
    }
    refused(&cotangent!("inspect", &kernel, "--disassemble", "solver"), &["k.cot", "`solver`", "gradient"]);
    refused(&cotangent!("inspect", &kernel, "--json", "--disassemble"), &["--json", "cannot be used"]);
    refused(&cotangent!("inspect", &kernel, "--json", "--header"), &["--json", "cannot be used"]);
    refused(&cotangent!("compile", &kernel, "-o", &out), &["k.cot", "is a kernel already"]);

    refused(&cotangent!("run", &kernel, "--arg", &a), &["k.cot", "--function", "solve, init, step, gradient"]);
    refused(&cotangent!("run", &kernel, "--function", "solver"), &["k.cot", "\"solver\"", "gradient"]);
    refused(&cotangent!("run", &kernel, "--function", "solve"), &["@solve takes 1 arguments (f32[16,12])"]);
    refused(&cotangent!("run", &kernel, "--function", "solve", "--arg", &a), &["a.npy", "f32[3]", "f32[16,12]"]);
    refused(&cotangent!("run", &kernel, "--function", "init", "--arg", &a, "--profile", &out), &["k.cot", "--profile"]);
    assert_eq!(place.listing(), before);
}

#[test]
fn kernels_of_something_else_are_refused() {
    let place = Place::new();
    let kernel = place.path("k.cot");
    let input = place.file("disc.png", encoded(grey(16, 12), ImageFormat::Png));
    let solve = |problem: &str, words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cotangent"));
        command.args(["solve", problem, "--input"]).arg(&input).arg("--kernel").arg(&kernel).args(words);
        command.args(["--out", place.path("out").to_str().unwrap()]).output().unwrap()
    };
    success(&cotangent!("compile", "denoise-tv", "--shape", "16x12", "--maxiter", "2", "-o", &kernel));
    let again = "cotangent compile denoise-tv --shape 12x16 -o";
    refused(&solve("denoise-tv", &[]), &["k.cot", "16 x 12", "12 x 16", again]);
    refused(&solve("deconv-tv", &[]), &["k.cot", "denoise_tv", "deconv_tv", "compile deconv-tv"]);
    refused(&solve("denoise-tv", &["--maxiter", "5"]), &["--maxiter", "cannot be used", "--kernel"]);
    refused(&solve("denoise-tv", &["--lambda", "5"]), &["--lambda", "cannot be used", "--kernel"]);
    refused(&cotangent!("solve", "denoise-tv", "--trust", &kernel), &["--kernel"]);

    success(&cotangent!("compile", "denoise-tv", "--shape", "12x16", "--name", "step", "-o", &kernel));
    refused(&solve("denoise-tv", &[]), &["k.cot", "was not made by", again]);
    let ir = place.file("denoise_tv.ir", IR.replace("both", "solve"));
    success(&cotangent!("compile", &ir, "-o", &kernel));
    refused(&solve("denoise-tv", &[]), &["k.cot", "was not made by", again]);

    success(&cotangent!("compile", "poisson-denoise", "--shape", "12x16", "--noise", "0.2", "-o", &kernel));
    refused(&solve("poisson-denoise", &["--noise", "0.1"]), &["k.cot", "noise of 0.2", "--noise 0.1"]);
    assert_eq!(place.listing(), ["denoise_tv.ir", "disc.png", "k.cot"]);
    let told = success(&cotangent!("solve", "poisson-denoise", "--input", &input, "--kernel", &kernel));
    assert!(told.contains("noise 0.2"), "{told}");
}

#[test]
fn signatures_that_are_not_those_trusted_are_refused() {
    let place = Place::new();
    let ir = place.file("both.ir", IR);
    let (ours, theirs, kernel) = (place.path("ours"), place.path("theirs"), place.path("k.cot"));
    success(&cotangent!("keygen", &ours));
    success(&cotangent!("keygen", &theirs));
    let public = place.path("ours.pub");
    let run = || cotangent!("run", &kernel, "--trust", &public);
    success(&cotangent!("compile", &ir, "-o", &kernel));
    refused(&run(), &["k.cot", "not signed", "--sign"]);
    success(&cotangent!("compile", &ir, "-o", &kernel, "--sign", &theirs));
    let digits = fs::read_to_string(place.path("theirs.pub")).unwrap();
    refused(&run(), &["k.cot", digits.trim(), "not among those trusted"]);
    success(&cotangent!("compile", &ir, "-o", &kernel, "--sign", &ours));
    refused(&cotangent!("run", &kernel, "--trust", &ir), &["both.ir", "is no key"]);
    refused(&cotangent!("run", &kernel, "--trust", place.path("absent")), &["absent", "cannot be read"]);

    let before = place.listing();
    refused(&cotangent!("keygen", &ours), &["ours", "exists already"]);
    fs::remove_file(&ours).unwrap();
    refused(&cotangent!("keygen", &ours), &["ours.pub", "exists already"]);
    refused(&cotangent!("keygen", place.folder.path()), &["is a folder"]);
    refused(&cotangent!("keygen", place.path("no/key")), &["no/key", "cannot be written"]);
    assert_eq!(place.listing().len(), before.len() - 1);
}
