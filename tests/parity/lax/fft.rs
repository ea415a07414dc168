//! Fourier transforms.

use super::call::Call;
use super::call::Function::{self, Call as Of, Unary};
use cotangent::ir::prim::spectrum::{FftNorm, Transform};
use cotangent::{Array, DType};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("jnp.fft.fft", Of(|call| Ok(call.x().fftn(&transform(call, &[-1])).into()))),
    ("jnp.fft.fft2", Of(|call| Ok(call.x().fftn(&transform(call, &[-2, -1])).into()))),
    ("jnp.fft.fftfreq", Of(|call| Ok(frequencies(call, Array::fftfreq).into()))),
    ("jnp.fft.fftn", Of(|call| Ok(call.x().fftn(&transform(call, &[])).into()))),
    ("jnp.fft.fftshift", Of(|call| Ok(call.x().fftshift(&shifted_axes(call)).into()))),
    ("jnp.fft.hfft", Of(|call| Ok(call.x().hfft(call.sizes("n").unwrap()[0]).into()))),
    ("jnp.fft.ifft", Of(|call| Ok(call.x().ifftn(&transform(call, &[-1])).into()))),
    ("jnp.fft.ifft2", Of(|call| Ok(call.x().ifftn(&transform(call, &[-2, -1])).into()))),
    ("jnp.fft.ifftn", Of(|call| Ok(call.x().ifftn(&transform(call, &[])).into()))),
    ("jnp.fft.ifftshift", Of(|call| Ok(call.x().ifftshift(&shifted_axes(call)).into()))),
    ("jnp.fft.irfft", Of(|call| Ok(call.x().irfftn(&transform(call, &[-1])).into()))),
    ("jnp.fft.irfft2", Of(|call| Ok(call.x().irfftn(&transform(call, &[-2, -1])).into()))),
    ("jnp.fft.irfftn", Of(|call| Ok(call.x().irfftn(&transform(call, &[])).into()))),
    ("jnp.fft.rfft", Of(|call| Ok(call.x().rfftn(&transform(call, &[-1])).into()))),
    ("jnp.fft.rfft2", Unary(|x| x.rfftn(&Transform::new().axes(&[-2, -1])))),
    ("jnp.fft.rfftfreq", Of(|call| Ok(frequencies(call, Array::rfftfreq).into()))),
    ("jnp.fft.rfftn", Of(|call| Ok(call.x().rfftn(&transform(call, &[])).into()))),
];

/// The transform a call asks for; `axes` are those of one that does not name any, all if there are none.
fn transform(call: &Call<'_>, axes: &[isize]) -> Transform {
    let norm = match call.text("norm") {
        None => FftNorm::Backward,
        Some("ortho") => FftNorm::Ortho,
        Some("forward") => FftNorm::Forward,
        Some(other) => panic!("norm {other}"),
    };
    let mut transform = Transform::new().norm(norm);
    if let Some(axes) = call.ints("axis").or_else(|| call.ints("axes")) {
        transform = transform.axes(&axes);
    } else if !axes.is_empty() {
        transform = transform.axes(axes);
    }
    match call.sizes("n").or_else(|| call.sizes("s")) {
        Some(sizes) => transform.sizes(&sizes),
        None => transform,
    }
}

fn frequencies(call: &Call<'_>, of: fn(usize, f64, DType) -> Array) -> Array {
    of(call.sizes("n").unwrap()[0], call.real("d").unwrap(), DType::F32)
}

fn shifted_axes(call: &Call<'_>) -> Vec<isize> {
    call.ints("axes").unwrap_or_else(|| (0..call.rank() as isize).collect())
}
