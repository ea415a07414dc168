//! Reference solutions on a real photograph: total-variation denoising by PDHG and deconvolution by ADMM, against data
//! computed by another library with the same parameters (`tests/fixtures/generate_photo.py`).

use cotangent::functional::L21Norm;
use cotangent::linop::{Boundary, CircularConvolve, Edge, Filter, FiniteDifference, LinOp};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{
    Admm, CircularConvolveSolver, Method, Options, Outcome, Pdhg, Solution, Term, solve, solve_batched,
};
use cotangent::{Array, DType, Type, metric, stack};
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

const HEIGHT: usize = 384;
const WIDTH: usize = 512;

/// Largest difference of a pixel; pixels are in [0, 1].
const PIXEL: f64 = 2e-4;
/// Relative difference of an objective value: single-precision sums in another order.
const OBJECTIVE: f64 = 1e-4;
/// Relative difference of a residual, which is the norm of a difference of nearly equal images, so that rounding of the
/// images (6e-8 each pixel) is a larger part of it; the second term is that rounding over the whole image.
const RESIDUAL: f64 = 2e-3;
const RESIDUAL_FLOOR: f64 = 2e-4;
/// Difference of a signal-to-noise ratio in decibels.
const DECIBELS: f64 = 0.01;

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", name].iter().collect()
}

fn array(name: &str) -> Array {
    let mut archive = npyz::npz::NpzArchive::open(fixture("photo.npz")).unwrap();
    let elements: Vec<f32> = archive.by_name(name).unwrap().unwrap().into_vec().unwrap();
    Array::new(&[HEIGHT, WIDTH], &elements)
}

fn photo() -> Array {
    let mut archive = npyz::npz::NpzArchive::open(fixture("photo.npz")).unwrap();
    let bytes: Vec<u8> = archive.by_name("photo_u8").unwrap().unwrap().into_vec().unwrap();
    let pixels: Vec<f32> = bytes.into_iter().map(|byte| f32::from(byte) / 255.0).collect();
    Array::new(&[HEIGHT, WIDTH], &pixels)
}

fn figures(name: &str) -> serde_json::Value {
    let file = BufReader::new(File::open(fixture("photo.json")).unwrap());
    let all: serde_json::Value = serde_json::from_reader(file).unwrap();
    all[name].clone()
}

fn numbers(figures: &serde_json::Value, name: &str) -> Vec<f64> {
    figures[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn image_type() -> Type {
    Type::new(DType::F32, &[HEIGHT, WIDTH])
}

fn denoise_tv(y: &Array) -> cotangent::Result<Pdhg> {
    let d = FiniteDifference::new(image_type(), Boundary::append(Edge::Zero))?;
    Ok(Pdhg::new(SquaredL2Loss::new(y.clone())?, 0.1 * L21Norm::new(), d, 0.25, 0.25).start(y.clone()))
}

fn deconv_tv(y: &Array) -> cotangent::Result<Admm<SquaredL2Loss, CircularConvolveSolver>> {
    let box_blur = Filter::new(Array::full(&[7, 7], 1.0f32 / 49.0)).center(&[3.0, 3.0]);
    let blur = CircularConvolve::new(box_blur, image_type())?;
    let c = FiniteDifference::new(image_type(), Boundary::CIRCULAR)?;
    let f = SquaredL2Loss::new(y.clone())?.operator(blur)?;
    Ok(Admm::new(f, [Term::new(2e-3 * L21Norm::new(), c, 5e-2)], CircularConvolveSolver::new())?.start(y.clone()))
}

fn check<M: Method<Variable = Array>>(name: &str, method: &M, steps: usize) -> Solution<M::State> {
    let solution = solve(method, &Options { max_steps: steps, ..Options::default() }).unwrap();
    assert_eq!((solution.outcome, solution.steps), (Outcome::StepLimit, steps));

    let off = largest_difference(&solution.x, &array(&format!("{name}_x")));
    assert!(off < PIXEL, "{name}: a pixel is off by {off}");

    let figures = figures(name);
    check_column(&solution, "Objective", &numbers(&figures, "objective"), OBJECTIVE, 0.0);
    check_column(&solution, "Prml_Rsdl", &numbers(&figures, "prim_rsdl"), RESIDUAL, RESIDUAL_FLOOR);
    check_column(&solution, "Dual_Rsdl", &numbers(&figures, "dual_rsdl"), RESIDUAL, RESIDUAL_FLOOR);

    let x = photo();
    for (image, figure) in [(&array(&format!("{name}_y")), "psnr_input"), (&solution.x, "psnr_output")] {
        let (got, want) = (metric::psnr(&x, image, None).item().unwrap(), figures[figure].as_f64().unwrap());
        assert!((got - want).abs() < DECIBELS, "{name}: {figure} is {got}, not {want}");
    }
    solution
}

fn check_column<S>(solution: &Solution<S>, column: &str, want: &[f64], relative: f64, absolute: f64) {
    let got = solution.history.column(column).unwrap();
    assert_eq!(got.len(), want.len());
    for (step, (got, want)) in got.iter().zip(want).enumerate() {
        let limit = relative * want.abs() + absolute;
        assert!((got - want).abs() <= limit, "{column} of step {step} is {got}, not {want} within {limit}");
    }
}

fn largest_difference(a: &Array, b: &Array) -> f64 {
    (a - b).abs().max().item().unwrap()
}

#[test]
fn denoising_agrees_with_the_reference() {
    check("denoise_tv", &denoise_tv(&array("denoise_tv_y")).unwrap(), 100);
}

#[test]
fn deconvolution_agrees_with_the_reference() {
    check("deconv_tv", &deconv_tv(&array("deconv_tv_y")).unwrap(), 60);
}

#[test]
fn channels_are_solved_in_one_program() {
    let y = array("denoise_tv_y");
    let channels = stack(&[y.clone(), 0.5 * &y], 0);
    let options = Options { max_steps: 5, ..Options::default() };
    let both = solve_batched(|y: Array| denoise_tv(&y), &channels, &options).unwrap();
    for (channel, factor) in [1.0, 0.5].into_iter().enumerate() {
        let alone = solve(&denoise_tv(&(factor * &y)).unwrap(), &options).unwrap();
        let off = largest_difference(&both.x.index_axis(0, channel as isize), &alone.x);
        assert!(off < 1e-6, "channel {channel} is off by {off}");
    }
}

#[test]
fn the_step_lengths_satisfy_the_bound() {
    let d = LinOp::from(FiniteDifference::new(image_type(), Boundary::append(Edge::Zero)).unwrap());
    let norm = cotangent::linop::operator_norm(&d, 20).unwrap();
    assert!(0.25 * 0.25 * norm * norm < 1.0);
}
