//! Convolutions.

use super::call::Call;
use super::call::Function::{self, Call as Of};
use cotangent::Array;
use cotangent::ir::prim::conv::{Convolution, ConvolveMode, Padding};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("signal.convolve", Of(|call| Ok(call.x().convolve(call.y(), mode(call)).into()))),
    ("signal.correlate", Of(|call| Ok(call.x().correlate(call.y(), mode(call)).into()))),
    ("x.conv_general_dilated", Of(|call| Ok(general(call).into()))),
];

fn mode(call: &Call<'_>) -> ConvolveMode {
    match call.text("mode") {
        None | Some("full") => ConvolveMode::Full,
        Some("same") => ConvolveMode::Same,
        Some("valid") => ConvolveMode::Valid,
        Some(other) => panic!("mode {other}"),
    }
}

/// What surrounds the array that a window moves over.
pub(super) fn padding(call: &Call<'_>) -> Padding {
    match call.option("padding").unwrap().as_str() {
        Some("VALID") => Padding::Valid,
        Some("SAME") => Padding::Same,
        Some(other) => panic!("no padding {other}"),
        None => Padding::Explicit(call.lists("padding").iter().map(|w| (w[0] as i64, w[1] as i64)).collect()),
    }
}

fn general(call: &Call<'_>) -> Array {
    let strides = call.sizes("window_strides").unwrap();
    let ones = vec![1; strides.len()];
    let layouts: Vec<&str> =
        call.option("dims").unwrap().as_array().unwrap().iter().map(|layout| layout.as_str().unwrap()).collect();
    let convolution = Convolution::new(strides.len())
        .strides(&strides)
        .padding(padding(call))
        .lhs_dilation(&call.sizes("lhs_dilation").unwrap_or(ones.clone()))
        .rhs_dilation(&call.sizes("rhs_dilation").unwrap_or(ones))
        .feature_groups(call.int("feature_group_count").unwrap_or(1) as usize)
        .batch_groups(call.int("batch_group_count").unwrap_or(1) as usize)
        .layouts(layouts[0], layouts[1], layouts[2]);
    call.x().conv_general(call.y(), &convolution)
}
