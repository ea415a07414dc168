//! Arrays rearranged: axes, shapes, parts, padding.

use super::call::Function::{self, Call as Of, Unary};
use super::call::{Call, Output};
use crate::report::Computed;
use cotangent::{Array, Border, concatenate, meshgrid, stack};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    (
        "jnp.diag",
        Of(|call| {
            let offset = call.int("k").unwrap_or(0) as isize;
            Ok(if call.rank() == 1 { call.x().diag(offset) } else { call.x().diagonal(offset) }.into())
        }),
    ),
    ("jnp.diff", Of(diff)),
    (
        "jnp.gradient",
        Of(|call| Ok(Output::Several((0..call.rank() as isize).map(|axis| call.x().gradient(axis)).collect()))),
    ),
    ("jnp.meshgrid", Of(|call| Ok(Output::Several(meshgrid(&call.arrays))))),
    (
        "jnp.moveaxis",
        Of(|call| {
            let (from, to) = (call.int("source").unwrap(), call.int("destination").unwrap());
            Ok(call.x().move_axis(from as isize, to as isize).into())
        }),
    ),
    ("jnp.pad", Of(pad_around)),
    (
        "jnp.repeat",
        Of(|call| {
            let (count, axis) = (call.int("repeats").unwrap() as usize, call.int("axis").unwrap() as isize);
            Ok(call.x().repeat(count, axis).into())
        }),
    ),
    ("jnp.reshape", Of(reshape)),
    ("jnp.roll", Of(roll)),
    ("jnp.tile", Of(|call| Ok(call.x().tile(&call.sizes("reps").unwrap()).into()))),
    ("jnp.transpose", Of(|call| Ok(call.x().permute(&call.sizes("axes").unwrap()).into()))),
    ("jnp.triu", Of(|call| Ok(call.x().triu(call.int("k").unwrap() as isize).into()))),
    ("jnp.unwrap", Unary(|x| x.unwrap_angles(-1))),
    (
        "lax.broadcast_in_dim",
        Of(|call| {
            let (shape, axes) = (call.sizes("shape").unwrap(), call.sizes("broadcast_dimensions").unwrap());
            // Axes of extent 1 are stretched by the broadcast alone.
            let mut placed = vec![1; shape.len()];
            axes.iter().zip(call.shape()).for_each(|(&axis, extent)| placed[axis] = extent);
            Ok(call.x().reshape(&placed).broadcast_to(&shape).into())
        }),
    ),
    ("lax.rev", Of(|call| Ok(call.x().flip(&call.ints("dimensions").unwrap()).into()))),
    (
        "lax.slice",
        Of(|call| {
            let bounds = [call.sizes("start_indices"), call.sizes("limit_indices"), call.sizes("strides")];
            let [start, limit, strides] = bounds.map(Option::unwrap);
            Ok(call.x().slice_strided(&start, &limit, &strides).into())
        }),
    ),
    ("x.concatenate", Of(|call| Ok(concatenate(&call.arrays, call.int("axis").unwrap() as isize).into()))),
    (
        "x.pad",
        Of(|call| {
            let widths: Vec<_> =
                call.lists("padding_config").iter().map(|w| (w[0] as i64, w[1] as i64, w[2] as i64)).collect();
            Ok(call.x().pad(call.real("padding_value").unwrap(), &widths).into())
        }),
    ),
    ("x.stack", Of(|call| Ok(stack(&call.arrays, call.int("axis").unwrap() as isize).into()))),
];

fn diff(call: &Call<'_>) -> Computed<Output> {
    let axis = call.int("axis").unwrap_or(-1) as isize;
    let mut shape = call.shape();
    let along = axis.rem_euclid(shape.len() as isize) as usize;
    shape[along] = 1;
    let dtype = call.x().dtype()?;
    let edge = |name: &str| call.real(name).map(|value| Array::full(&shape, value).astype(dtype));
    let parts: Vec<Array> = [edge("prepend"), Some(call.x().clone()), edge("append")].into_iter().flatten().collect();
    let joined = concatenate(&parts, axis);
    Ok((0..call.int("n").unwrap_or(1)).fold(joined, |x, _| x.diff(axis)).into())
}

fn pad_around(call: &Call<'_>) -> Computed<Output> {
    let widths: Vec<_> = call.lists("pad_width").iter().map(|w| (w[0] as usize, w[1] as usize)).collect();
    let border = match call.text("mode") {
        None | Some("constant") => {
            let widths: Vec<_> = widths.iter().map(|&(low, high)| (low as i64, high as i64, 0)).collect();
            return Ok(call.x().pad_zeros(&widths).into());
        }
        Some("edge") => Border::Edge,
        Some("linear_ramp") => Border::LinearRamp(0.0),
        Some("maximum") => Border::Maximum,
        Some("mean") => Border::Mean,
        Some("minimum") => Border::Minimum,
        Some("reflect") => Border::Reflect,
        Some("symmetric") => Border::Symmetric,
        Some("wrap") => Border::Wrap,
        Some(other) => panic!("no mode {other}"),
    };
    Ok(call.x().pad_border(&widths, border).into())
}

fn reshape(call: &Call<'_>) -> Computed<Output> {
    let wanted = call.ints("shape").unwrap();
    let known: usize = wanted.iter().filter(|&&extent| extent >= 0).map(|&extent| extent as usize).product();
    let rest = call.shape().iter().product::<usize>().checked_div(known).unwrap_or(0);
    let mut shape: Vec<usize> = wanted.iter().map(|&extent| usize::try_from(extent).unwrap_or(rest)).collect();
    if call.text("order") != Some("F") {
        return Ok(call.x().reshape(&shape).into());
    }
    // By columns: by rows of the array with its axes in reverse.
    let reversed = |x: &Array, rank: usize| x.permute(&(0..rank).rev().collect::<Vec<_>>());
    shape.reverse();
    Ok(reversed(&reversed(call.x(), call.rank()).reshape(&shape), shape.len()).into())
}

fn roll(call: &Call<'_>) -> Computed<Output> {
    let shifts = call.ints("shift").unwrap();
    match call.ints("axis") {
        None => Ok(call.x().flatten().roll(shifts[0], 0).reshape(&call.shape()).into()),
        Some(axes) => {
            let rolled = axes.iter().zip(shifts).fold(call.x().clone(), |x, (&axis, shift)| x.roll(shift, axis));
            Ok(rolled.into())
        }
    }
}
