//! Operations on data run at once; transformations turn functions into their derivatives.
//!
//! Fits a line to points by gradient descent, one operation after the other, as in any array library.
//! `cargo run --example gradient`

use cotangent::{Array, Function, Result, hessian, value_and_grad};

fn main() -> Result<()> {
    // Points near the line y = 2 t + 1.
    let t = Array::from([0.0f64, 1.0, 2.0, 3.0]);
    let y = Array::from([1.1f64, 2.9, 5.2, 6.8]);

    let loss = |line: Array| {
        let (slope, offset) = (line.index_axis(0, 0), line.index_axis(0, 1));
        (slope * &t + offset - &y).square().mean()
    };

    let descend = value_and_grad(&loss);
    let mut line = Array::from([0.0f64, 0.0]);
    for step in 0..=200 {
        let (value, gradient) = descend.apply(line.clone());
        if step % 50 == 0 {
            println!("step {step:3}: loss {:.6}, line {:?}", value.item()?, line.to_vec::<f64>()?);
        }
        line -= 0.1 * gradient;
    }

    // The gradient ends up small, and the Hessian says how well the points determine the line.
    println!("hessian {:?}", hessian(&loss).apply(line).to_vec::<f64>()?);
    Ok(())
}
