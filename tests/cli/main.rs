//! The command line, run as its users run it.
//!
//! Every mistake must end with one message that names what is wrong and where, with an exit code other than 0, without a
//! panic and without a file left behind.
#![cfg(feature = "cli")]

mod kernels;
mod refusals;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use npyz::WriterBuilder;
use serde_json::Value;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Files for a test, in a folder that goes away with it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    fn npy<T>(&self, name: &str, shape: &[u64], elements: &[T]) -> PathBuf
    where
        T: npyz::AutoSerialize + Clone,
    {
        let mut bytes = Vec::new();
        let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd().unwrap();
        writer.extend(elements.iter().cloned()).unwrap();
        writer.finish().unwrap();
        self.file(name, bytes)
    }

    /// Names of everything in the folder, in order.
    fn listing(&self) -> Vec<String> {
        names(self.folder.path())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Runs the program with the given words.
macro_rules! cotangent {
    ($($word:expr),* $(,)?) => {
        std::process::Command::new(env!("CARGO_BIN_EXE_cotangent"))$(.arg($word))*.output().unwrap()
    };
}
use cotangent;

/// The standard output of a run that went well.
#[track_caller]
fn success(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(errors, "");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Checks that a run was refused with one message that has all the parts.
#[track_caller]
fn refused(output: &Output, parts: &[&str]) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(1 | 2)), "exit code {:?}: {errors}", output.status.code());
    assert!(errors.starts_with("error: "), "{errors}");
    assert_eq!(errors.matches("error: ").count(), 1, "{errors}");
    assert!(!errors.contains("panicked") && !errors.contains("internal error"), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    for part in parts {
        assert!(errors.contains(part), "no `{part}` in: {errors}");
    }
}

/// A grey disc on a ramp.
fn grey(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let (dx, dy) = (x as f32 - width as f32 / 2.0, y as f32 - height as f32 / 2.0);
        let inside = dx.hypot(dy) < width.min(height) as f32 / 3.0;
        Luma([if inside { 220 } else { (x * 100 / width) as u8 }])
    })
}

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

const RESULTS: [&str; 5] = ["comparison.png", "convergence.svg", "degraded.png", "restored.png", "statistics.csv"];

const IR: &str = "func @both(v0: f32[3], v1: f32[3]) -> f32[3], f32[] {
    v2 = add v0, v1 : f32[3]
    v3 = reduce_sum v2 {axes = [0]} : f32[]
    return v2, v3
}
";

#[test]
fn a_grey_picture_is_denoised() {
    let place = Place::new();
    let input = place.file("disc.png", encoded(grey(48, 40), ImageFormat::Png));
    let out = place.path("out");
    let output = cotangent!(
        "solve",
        "denoise-tv",
        "--input",
        &input,
        "--out",
        &out,
        "--maxiter",
        "25",
        "--threads",
        "2",
        "--json"
    );
    let summary: Value = serde_json::from_str(&success(&output)).unwrap();
    assert_eq!(summary["problem"], "denoise-tv");
    assert_eq!(summary["shape"], serde_json::json!([40, 48]));
    assert_eq!(summary["iterations"], 25);
    for key in ["objective", "psnr_input", "psnr_output", "trace_ms", "compile_ms", "solve_ms"] {
        assert!(summary[key].as_f64().is_some_and(|number| number > 0.0), "{key}: {summary}");
    }
    assert!(summary["kernels"].as_u64().unwrap() > 0 && summary["arena_bytes"].as_u64().unwrap() > 0);
    assert!(summary["psnr_output"].as_f64().unwrap() > summary["psnr_input"].as_f64().unwrap() + 3.0, "{summary}");

    assert_eq!(place.listing(), ["disc.png", "out"]);
    assert_eq!(names(&out), RESULTS);
    for name in ["degraded.png", "restored.png"] {
        let picture = image::open(out.join(name)).unwrap();
        assert_eq!((picture.width(), picture.height(), picture.color().has_color()), (48, 40, false));
    }
    assert!(image::open(out.join("comparison.png")).unwrap().width() > 3 * 48);
    let plot = fs::read_to_string(out.join("convergence.svg")).unwrap();
    assert!(plot.starts_with("<svg") && plot.contains("objective") && plot.trim_end().ends_with("</svg>"));
    let table = fs::read_to_string(out.join("statistics.csv")).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!((lines[0], lines.len()), ("Iter,Time,Objective,Prml_Rsdl,Dual_Rsdl", 26));
    let last: f64 = lines[25].split(',').nth(2).unwrap().parse().unwrap();
    assert_eq!(last, summary["objective"].as_f64().unwrap());
}

#[test]
fn a_colour_picture_is_deblurred_into_an_existing_folder() {
    let place = Place::new();
    let picture = RgbImage::from_fn(32, 24, |x, y| Rgb([if x < 16 { 230 } else { 30 }, (y * 10) as u8, 90]));
    let input = place.file("colours.tiff", encoded(picture, ImageFormat::Tiff));
    let out = place.path("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("restored.png"), "from before").unwrap();
    fs::write(out.join("other.txt"), "kept").unwrap();
    let output = cotangent!("solve", "deconv-tv", "--input", &input, "--out", &out, "--maxiter", "30");
    let text = success(&output);
    assert!(text.contains("deconv-tv of 3 x 24 x 32 pixels") && text.contains("PSNR"), "{text}");
    let restored = image::open(out.join("restored.png")).unwrap();
    assert_eq!((restored.width(), restored.height(), restored.color().has_color()), (32, 24, true));
    assert!(names(&out).contains(&"other.txt".to_string()));
    assert_eq!(names(&out).len(), RESULTS.len() + 1);
}

#[test]
fn colours_are_restored_each_for_itself() {
    let place = Place::new();
    let disc = grey(20, 16);
    let planes: Vec<u8> = disc.pixels().flat_map(|pixel| [pixel[0], 255 - pixel[0], 128]).collect();
    let input = place.npy("colours.npy", &[16, 20, 3], &planes);
    let summary = |extra: &str| -> Value {
        let output = cotangent!("solve", "denoise-tv", "--input", &input, "--maxiter", "4", "--noise", extra, "--json");
        serde_json::from_str(&success(&output)).unwrap()
    };
    let noisy = summary("0.1");
    assert_eq!(noisy["shape"], serde_json::json!([3, 16, 20]));
    assert_eq!(summary("0.1")["objective"], noisy["objective"]);
    // Nothing was degraded: the ratio is infinite, which JSON cannot say.
    assert_eq!(summary("0")["psnr_input"], Value::Null);
}

#[test]
fn floating_point_pictures_and_jpeg_are_read() {
    let place = Place::new();
    let ramp: Vec<f64> = (0..10 * 12).map(|position| f64::from(position) / 120.0).collect();
    let npy = place.npy("ramp.npy", &[10, 12], &ramp);
    let jpeg = place.file("disc.jpg", encoded(grey(24, 16), ImageFormat::Jpeg));
    for input in [npy, jpeg] {
        let text = success(&cotangent!("solve", "denoise-tv", "--input", &input, "--maxiter", "2"));
        assert!(text.contains("nothing was written"), "{text}");
    }
    assert_eq!(place.listing(), ["disc.jpg", "ramp.npy"]);
}

#[test]
fn pictures_that_cannot_be_used_are_refused() {
    let place = Place::new();
    let png = encoded(grey(64, 64), ImageFormat::Png);
    let jpeg = encoded(grey(64, 64), ImageFormat::Jpeg);
    let tiff = encoded(grey(64, 64), ImageFormat::Tiff);
    let mut broken = vec![0.5f32; 100];
    broken[37] = f32::NAN;
    let empty: [f32; 0] = [];
    let cases: Vec<(PathBuf, &[&str])> = vec![
        (place.path("absent.png"), &["absent.png", "cannot be read"]),
        (place.folder.path().to_path_buf(), &["is a folder"]),
        (place.file("empty.png", ""), &["empty.png", "give a PNG, JPEG, TIFF or npy file"]),
        (place.file("text.png", "not a picture at all"), &["text.png", "give a PNG, JPEG, TIFF or npy file"]),
        (place.file("cut.png", &png[..png.len() / 2]), &["cut.png", "cut short"]),
        (place.file("cut.jpg", &jpeg[..jpeg.len() * 3 / 4]), &["cut.jpg", "cut short"]),
        (place.file("cut.tiff", &tiff[..tiff.len() / 2]), &["cut.tiff", "cut short"]),
        (place.file("tiny.png", encoded(grey(64, 3), ImageFormat::Png)), &["3 x 64 pixels", "at least 8"]),
        (place.npy("nan.npy", &[10, 10], &broken), &["nan.npy", "NaN at row 3, column 7"]),
        (place.npy("large.npy", &[10, 10], &[7.5f32; 100]), &["7.5 at row 0, column 0", "from 0 to 1"]),
        (place.npy("nothing.npy", &[0, 16], &empty), &["nothing.npy", "is empty, 0 x 16"]),
        (place.npy("line.npy", &[64], &[0.5f32; 64]), &["line.npy", "holds f32[64], not a picture"]),
        (place.npy("four.npy", &[8, 8, 4], &[0.5f32; 256]), &["f32[8,8,4]", "3 colours"]),
        (place.npy("counts.npy", &[8, 8], &[5i64; 64]), &["holds i64", "u8, u16"]),
        (
            place.file("cut.npy", &fs::read(place.npy("whole.npy", &[8, 8], &[0.5f32; 64])).unwrap()[..150]),
            &["cut short"],
        ),
        (place.file("header.npy", b"\x93NUMPY\x01\x00\xff\xff{'descr'"), &["header.npy", "numpy.save"]),
        (place.file("object.npy", header("'|O', ", "(8, 8)")), &["object.npy", "`|O`"]),
        (place.file("huge.npy", header("'<f4', ", "(4294967296, 4294967296, 4294967296)")), &["huge.npy", "cut short"]),
        (place.file("count.npy", header("'<f4', ", "(0, 4294967296, 4294967296)")), &["too large to count"]),
        (place.file("minus.npy", header("'<f4', ", "(-8, 8)")), &["extent `-8`"]),
    ];
    let before = place.listing();
    for (input, parts) in cases {
        let out = place.path("out");
        refused(&cotangent!("solve", "denoise-tv", "--input", &input, "--out", &out, "--maxiter", "2"), parts);
        assert_eq!(place.listing(), before, "{}", input.display());
    }
}

/// The beginning of an npy file, without data.
fn header(descr: &str, shape: &str) -> Vec<u8> {
    let text = format!("{{'descr': {descr}'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00".as_slice(), &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat()
}

#[test]
fn words_that_make_no_sense_are_refused() {
    let solve =
        |words: &[&str]| Command::new(env!("CARGO_BIN_EXE_cotangent")).arg("solve").args(words).output().unwrap();
    refused(&solve(&["inpaint"]), &["inpaint", "denoise-tv", "deconv-tv", "inpaint-tv"]);
    refused(&solve(&["denoise-tv", "--noise", "-0.5"]), &["--noise", "-0.5", "not negative"]);
    refused(&solve(&["denoise-tv", "--noise", "inf"]), &["--noise", "finite"]);
    refused(&solve(&["denoise-tv", "--noise", "much"]), &["--noise", "number"]);
    refused(&solve(&["denoise-tv", "--lambda", "-1"]), &["--lambda", "not negative"]);
    refused(&solve(&["denoise-tv", "--maxiter", "0"]), &["--maxiter", "1..=100000"]);
    refused(&solve(&["denoise-tv", "--maxiter", "4000000000"]), &["--maxiter", "1..=100000"]);
    refused(&solve(&["denoise-tv", "--maxiter", "ten"]), &["--maxiter", "invalid"]);
    refused(&solve(&["denoise-tv", "--threads", "0"]), &["--threads", "1..=1024"]);
    refused(&solve(&["denoise-tv", "--seed", "-1"]), &["-1"]);
    refused(&solve(&["denoise-tv", "--iterations", "5"]), &["--iterations"]);
}

#[test]
fn too_much_noise_to_compute_with_is_refused() {
    let place = Place::new();
    let input = place.file("disc.png", encoded(grey(16, 16), ImageFormat::Png));
    let output = cotangent!("solve", "denoise-tv", "--input", &input, "--noise", "1e30", "--maxiter", "2");
    refused(&output, &["denoise-tv", "objective", "less noise"]);
}

#[test]
fn folders_that_cannot_be_written_are_refused_before_solving() {
    let place = Place::new();
    let file = place.file("file", "here");
    let cases: [(PathBuf, &str); 4] = [
        (file.clone(), "is not a folder"),
        (file.join("out"), "cannot be written"),
        (place.path("absent").join("out"), "does not exist; create that first"),
        (PathBuf::from("/proc/cotangent-results"), "/proc"),
    ];
    for (out, part) in cases {
        refused(&cotangent!("solve", "denoise-tv", "--out", &out), &["error: ", part]);
        assert_eq!(place.listing(), ["file"]);
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "here");
}

#[test]
fn functions_are_run_and_results_printed_or_written() {
    let place = Place::new();
    let ir = place.file("both.ir", IR);
    let a = place.npy("a.npy", &[3], &[1.0f32, 2.0, 3.0]);
    let b = place.npy("b.npy", &[3], &[0.5f32, 0.25, -3.0]);
    let printed = success(&cotangent!("run", &ir, "--arg", &a, "--arg", &b));
    assert_eq!(printed, "y0: f32[3] = [1.5, 2.25, 0]\ny1: f32[] = 3.75\n");

    let out = place.path("y.npy");
    assert_eq!(success(&cotangent!("run", &ir, "--arg", &a, "--arg", &b, "--out", &out)), "");
    assert_eq!(place.listing(), ["a.npy", "b.npy", "both.ir", "y_0.npy", "y_1.npy"]);
    let read = |name: &str| {
        let file = npyz::NpyFile::new(Cursor::new(fs::read(place.path(name)).unwrap())).unwrap();
        (file.shape().to_vec(), file.into_vec::<f32>().unwrap())
    };
    assert_eq!(read("y_0.npy"), (vec![3], vec![1.5, 2.25, 0.0]));
    assert_eq!(read("y_1.npy"), (vec![], vec![3.75]));
}

#[test]
fn arrays_keep_their_elements_whatever_their_layout() {
    let place = Place::new();
    let ir = place.file("same.ir", "func @same(v0: f64[2,3]) -> f64[2,3] {\n    return v0\n}\n");
    let text = "{'descr': '>f8', 'fortran_order': True, 'shape': (2, 3), }\n";
    let mut bytes = [b"\x93NUMPY\x02\x00".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    // Column by column, most significant byte first.
    for element in [1.0f64, 4.0, 2.0, 5.0, 3.0, 6.0] {
        bytes.extend(element.to_be_bytes());
    }
    let a = place.file("a.npy", bytes);
    assert_eq!(success(&cotangent!("run", &ir, "--arg", &a)), "y0: f64[2,3] = [[1, 2, 3], [4, 5, 6]]\n");
    let out = place.path("y.npy");
    success(&cotangent!("run", &ir, "--arg", &a, "--out", &out));
    assert_eq!(success(&cotangent!("run", &ir, "--arg", &out)), "y0: f64[2,3] = [[1, 2, 3], [4, 5, 6]]\n");
}

#[test]
fn functions_that_are_wrong_are_refused_with_the_place() {
    let place = Place::new();
    let body = |lines: &str| format!("func @f(v0: f32[4]) -> f32[4] {{\n{lines}}}\n");
    let cases: Vec<(String, &[&str])> = vec![
        (String::new(), &["f.ir:1:1", "func"]),
        ("let x = 3".into(), &["f.ir:1:1"]),
        (body("    v1 = negate v0 : f32[4]\n    return v1\n"), &["f.ir:2:10", "negate"]),
        (body("    v1 = neg v0 : f32[5]\n    return v0\n"), &["f.ir:2:", "V3", "f32[4]"]),
        (body("    v1 = neg v7 : f32[4]\n    return v1\n"), &["f.ir:2:", "V1", "v7"]),
        (body("    v0 = neg v0 : f32[4]\n    return v0\n"), &["f.ir:2:", "V2", "v0"]),
        (body("    v1 = neg v0 {axis = 3} : f32[4]\n    return v1\n"), &["f.ir:2:", "V4", "axis"]),
        (body("    v1 = neg v0 : f32[4]\n    return v1, v0\n"), &["f.ir:3:", "V6"]),
        (body("    v1 = neg v0 : float[4]\n    return v1\n"), &["f.ir:2:", "a dtype"]),
        (body("    v1 = neg v0 : f32[4]\n"), &["f.ir:3:"]),
        ("func @f(v0: f32[4]) -> f32[4] {".into(), &["f.ir:1:"]),
    ];
    for (text, parts) in cases {
        let ir = place.file("f.ir", &text);
        refused(&cotangent!("run", &ir), parts);
        refused(&cotangent!("show", &ir, "--stage", "plan"), parts);
    }
    let binary = place.file("binary.ir", [0xff, 0xfe, 0x00]);
    refused(&cotangent!("show", &binary), &["binary.ir", "UTF-8"]);
    refused(&cotangent!("show", place.path("absent.ir")), &["absent.ir", "cannot be read"]);
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let place = Place::new();
    let ir = place.file("both.ir", IR);
    let a = place.npy("a.npy", &[3], &[1.0f32, 2.0, 3.0]);
    let short = place.npy("short.npy", &[2], &[1.0f32, 2.0]);
    let double = place.npy("double.npy", &[3], &[1.0f64, 2.0, 3.0]);
    let before = place.listing();
    let out = place.path("y.npy");
    refused(
        &cotangent!("run", &ir, "--arg", &a, "--out", &out),
        &["@both takes 2 arguments (f32[3], f32[3])", "1 were given"],
    );
    refused(
        &cotangent!("run", &ir, "--arg", &a, "--arg", &short, "--out", &out),
        &["short.npy", "argument 1", "f32[3]"],
    );
    refused(&cotangent!("run", &ir, "--arg", &double, "--arg", &a, "--out", &out), &["double.npy", "f64[3]", "astype"]);
    refused(&cotangent!("run", &ir, "--arg", &a, "--arg", &ir, "--out", &out), &["both.ir", "not an npy file"]);
    refused(&cotangent!("run", &ir, "--arg", &a, "--arg", &a, "--out", place.path("no/y.npy")), &["cannot be written"]);
    refused(
        &cotangent!("run", &ir, "--arg", &a, "--arg", &a, "--out", place.folder.path().join("..")),
        &["is a folder"],
    );
    let large = "func @f() -> f32[999999999999] {\n    v0 = iota {shape = [999999999999], axis = 0, dtype = f32} : \
                 f32[999999999999]\n    return v0\n}\n";
    refused(&cotangent!("run", place.file("large.ir", large)), &["large.ir", "make it smaller"]);
    fs::remove_file(place.path("large.ir")).unwrap();
    assert_eq!(place.listing(), before);
}

#[test]
fn every_stage_is_shown() {
    let place = Place::new();
    let ir = place.file("both.ir", IR);
    let shown = |stage: &str| success(&cotangent!("show", &ir, "--stage", stage));
    assert_eq!(shown("function"), IR);
    assert!(shown("simplified").starts_with("func @both("));
    assert!(shown("kernels").starts_with("kernel @"));
    assert_eq!(shown("fused"), shown("kernels"));
    let plan = shown("plan");
    assert!(plan.starts_with("plan @both"));
    // Two vectors are read; one and its sum are computed beside memory and stored at the end.
    assert!(plan.contains("\na call moves 40 B, at least 40 B (1.00 times); 5 flop; barriers: 0\n"), "{plan}");
    assert!(shown("clif").contains("function "));
    assert!(shown("asm").lines().count() > 10);
    refused(&cotangent!("show", &ir, "--stage", "object"), &["object", "simplified", "plan"]);
}

#[test]
fn optimisations_are_switched_off_by_name() {
    let place = Place::new();
    let ir = place.file("both.ir", IR);
    let plan = |disabled: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cotangent"));
        command.arg("show").arg(&ir).env("COTANGENT_DISABLE", disabled).output().unwrap()
    };
    assert_eq!(success(&plan("")).matches("scalar @").count(), 1);
    assert_eq!(success(&plan("fusion, wide")).matches("scalar @").count(), 2);
    refused(&plan("fusion,fission"), &["COTANGENT_DISABLE", "`fission`", "reciprocals"]);
}

#[test]
fn functions_are_chosen_by_name() {
    let place = Place::new();
    let two = format!("{IR}func @negative(v0: f32[3]) -> f32[3] {{\n    v1 = neg v0 : f32[3]\n    return v1\n}}\n");
    let ir = place.file("two.ir", two);
    let a = place.npy("a.npy", &[3], &[1.0f32, 2.0, 3.0]);
    assert_eq!(success(&cotangent!("run", &ir, "--arg", &a)), "y0: f32[3] = [-1, -2, -3]\n");
    let both = success(&cotangent!("run", &ir, "--function", "both", "--arg", &a, "--arg", &a));
    assert!(both.ends_with("y1: f32[] = 12\n"), "{both}");
    refused(&cotangent!("run", &ir, "--function", "sum", "--arg", &a), &["no function `sum`", "both, negative"]);
    refused(&cotangent!("run", &ir, "--trust", &a), &["two.ir", "is no kernel", "--trust"]);
}

#[test]
fn a_case_is_measured() {
    let place = Place::new();
    let file = place.path("measured.json");
    let listed = success(&cotangent!("bench", "--list"));
    for name in ["cg100_256", "xray_2d_adj", "prox_l21"] {
        assert!(listed.lines().any(|listed| listed == name), "no {name} in {listed}");
    }
    let words = ["tiny_sin_16", "tiny_sin_16_into", "sum_adj", "--threads", "2", "--seconds", "0.02"];
    let program = env!("CARGO_BIN_EXE_cotangent");
    let table = success(&Command::new(program).arg("bench").args(words).arg("--json").arg(&file).output().unwrap());
    for part in ["median ms", "GB/s", "GFLOP/s", "compile ms", "threads", "tiny_sin_16 ", "tiny_sin_16_into "] {
        assert!(table.contains(part), "no `{part}` in: {table}");
    }
    let report: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert!(report["machine"]["processors"].as_u64().unwrap() > 0);
    let cases = report["cases"].as_array().unwrap();
    assert_eq!(
        cases.iter().map(|case| &case["case"]).collect::<Vec<_>>(),
        ["tiny_sin_16", "tiny_sin_16_into", "sum_adj"]
    );
    assert_eq!((&cases[0]["group"], &cases[2]["group"]), (&Value::Null, &Value::from("linear")));
    for case in &cases[..2] {
        let number = |key: &str| case[key].as_f64().unwrap_or_else(|| panic!("no number {key} in {case}"));
        assert!(number("min_ms") > 0.0 && number("min_ms") <= number("median_ms"), "{case}");
        assert!(number("spread") >= 0.0 && number("trace_ms") > 0.0 && number("compile_ms") > 0.0, "{case}");
        // Sixteen numbers in and out, a sine and a sum of each, on one thread, as more would not be worth it.
        assert_eq!((number("bytes"), number("flops"), number("threads")), (128.0, 32.0, 1.0), "{case}");
    }
}

/// The profile of a call of a loop on two threads has a track for each, with the loop's steps and meetings.
#[test]
fn a_profile_shows_what_each_worker_did() {
    let place = Place::new();
    let file = place.path("profile.json");
    success(&cotangent!("bench", "cg100_256", "--threads", "2", "--profile", &file));
    let trace: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let named = |kind: &str| events.iter().filter(|event| event["cat"] == kind).count();
    assert!(named("kernel") >= 200 && named("barrier") >= 100, "{} and {}", named("kernel"), named("barrier"));
    let steps: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
    assert!(steps.iter().all(|step| step["dur"].as_f64().unwrap() >= 0.0 && step["tid"].as_u64().unwrap() < 2));
    refused(&cotangent!("bench", "--profile", &file), &["--profile", "one case"]);
    refused(&cotangent!("bench", "sin_1e6", "--profile", place.folder.path()), &["--profile", "is a folder"]);

    let ir = place.file("both.ir", IR);
    let a = place.npy("a.npy", &[3], &[1.0f32, 2.0, 3.0]);
    success(&cotangent!("run", &ir, "--arg", &a, "--arg", &a, "--profile", &file));
    assert!(fs::read_to_string(&file).unwrap().contains("scalar "));
}

#[test]
fn peers_that_are_not_there_are_named() {
    refused(&cotangent!("bench", "tiny_sin_16", "--peers", "no-such-python"), &["no-such-python", "name a Python"]);
    let program = env!("CARGO_BIN_EXE_cotangent");
    let c = |compiler: &str| Command::new(program).args(["bench", "tiny_sin_16", "--c"]).env("CC", compiler).output();
    refused(&c("no-such-compiler").unwrap(), &["--c", "no-such-compiler", "CC"]);
    if cfg!(unix) {
        refused(&cotangent!("bench", "tiny_sin_16", "--peers", "false"), &["has no JAX", "pip install"]);
        refused(&cotangent!("bench", "sum_adj", "--peers", "false"), &["has no SCICO", "pip install scico==0.0.7"]);
        refused(&c("false").unwrap(), &["cannot compile", "OpenMP"]);
    }
}

#[test]
fn measurements_that_cannot_be_made_are_refused() {
    let place = Place::new();
    refused(&cotangent!("bench", "tiny_sin_16", "--suite", "complaints"), &["--suite", "cannot be used"]);
    refused(&cotangent!("bench", "tiny"), &["`tiny`", "tiny_sin_16", "cg100_1024"]);
    refused(&cotangent!("bench", "tiny_sin_16", "--seconds", "-1"), &["--seconds", "not negative"]);
    refused(&cotangent!("bench", "tiny_sin_16", "--json", place.folder.path()), &["is a folder", "--json"]);
    assert!(place.listing().is_empty());
}
