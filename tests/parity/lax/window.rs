//! Reductions over windows that move over arrays.

use super::call::Function::{self, Call as Of};
use super::call::{Call, Output};
use super::conv;
use crate::report::Computed;
use cotangent::{Window, WindowOp};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[("x.reduce_window", Of(reduce_window))];

fn reduce_window(call: &Call<'_>) -> Computed<Output> {
    let op = match call.text("op").unwrap() {
        "sum" => WindowOp::Sum,
        "prod" => WindowOp::Prod,
        "max" => WindowOp::Max,
        "min" => WindowOp::Min,
        other => panic!("no reduction {other}"),
    };
    let mut window = Window::new(&call.sizes("window").unwrap());
    window = window.strides(&call.sizes("strides").unwrap()).padding(conv::padding(call));
    if let Some(dilation) = call.sizes("base_dilation") {
        window = window.base_dilation(&dilation);
    }
    if let Some(dilation) = call.sizes("window_dilation") {
        window = window.window_dilation(&dilation);
    }
    Ok(call.x().reduce_window(op, &window).into())
}
