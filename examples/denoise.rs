//! A posed problem: total-variation denoising of an image, solved by one compiled program.
//!
//! `cargo run --example denoise`

use cotangent::functional::L21Norm;
use cotangent::linop::{Boundary, Edge, FiniteDifference};
use cotangent::loss::SquaredL2Loss;
use cotangent::metric::psnr;
use cotangent::optimize::{Options, Pdhg, Stop, solve};
use cotangent::random::{Key, normal};
use cotangent::{Array, DType, Result};

fn main() -> Result<()> {
    // A bright square on a dark ground, and noise.
    let (rows, columns) = (96, 128);
    let inside = |position: usize| (24..72).contains(&(position / columns)) && (32..96).contains(&(position % columns));
    let pixels: Vec<f32> = (0..rows * columns).map(|position| if inside(position) { 0.9 } else { 0.1 }).collect();
    let image = Array::new(&[rows, columns], &pixels);
    let y = &image + 0.1 * normal(&Key::new(7), &[rows, columns], DType::F32);

    // min_x ½ ‖x − y‖² + 0.15 ‖D x‖₂,₁
    let d = FiniteDifference::new(y.ty()?, Boundary::append(Edge::Zero))?;
    let method = Pdhg::new(SquaredL2Loss::new(y.clone())?, 0.15 * L21Norm::new(), d, 0.25, 0.25).start(y.clone());
    let options = Options { max_steps: 200, stop: Stop::at(1e-3), ..Options::default() };
    let solution = solve(&method, &options)?;

    println!("{} after {} steps, {:?}", solution.outcome, solution.steps, solution.timings);
    let ratio = |x: &Array| psnr(&image, x, None).item();
    println!("PSNR {:.2} dB -> {:.2} dB", ratio(&y)?, ratio(&solution.x)?);
    Ok(())
}
