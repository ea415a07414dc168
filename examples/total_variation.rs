//! A function and its gradient, compiled together to native code.
//!
//! Smoothed total variation of an image, `Σ sqrt(|∇x|² + ε)`. The value, the gradient and the differences they share
//! become a few fused loops; the same closure also runs uncompiled.
//! `cargo run --example total_variation`

use cotangent::random::{Key, uniform};
use cotangent::{Array, DType, Result, jit, value_and_grad};
use std::time::Instant;

/// Smoothed isotropic total variation.
fn total_variation(x: Array) -> Array {
    let down = x.narrow(0, 1, 255).narrow(1, 0, 255) - x.narrow(0, 0, 255).narrow(1, 0, 255);
    let across = x.narrow(0, 0, 255).narrow(1, 1, 255) - x.narrow(0, 0, 255).narrow(1, 0, 255);
    (down.square() + across.square() + 1e-3).sqrt().sum()
}

fn main() -> Result<()> {
    let image = uniform(&Key::new(1), &[256, 256], DType::F32);
    let compiled = jit(value_and_grad(total_variation));

    let start = Instant::now();
    let (value, gradient) = compiled.call(image.clone())?;
    println!("traced, compiled and run once in {:?}: {}", start.elapsed(), value.item()?);

    let start = Instant::now();
    let mut result = (value, gradient);
    for _ in 0..100 {
        // Writes into the arrays of the call before: nothing is allocated.
        compiled.call_into(image.clone(), &mut result)?;
    }
    println!("run again in {:?}", start.elapsed() / 100);

    // A step against the gradient makes the image smoother.
    let smoother = &image - 0.1 * result.1;
    println!("{} -> {}", total_variation(image).item()?, total_variation(smoother).item()?);
    Ok(())
}
