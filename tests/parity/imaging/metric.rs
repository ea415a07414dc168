//! Area `metric`.

use super::Given;
use crate::fixtures::Case;
use crate::report::{Broken, Computed, Results};
use cotangent::{Array, BlockArray, DType, metric};

/// The results of a case.
pub(crate) fn compute(case: Case<'_>) -> Computed<Results> {
    let first = case.params()["args"][0].as_str().unwrap();
    if case.is_block(first) { results::<BlockArray>(case) } else { results::<Array>(case) }
}

fn results<X: Given>(case: Case<'_>) -> Computed<Results> {
    let names = case.params()["args"].as_array().unwrap();
    let args: Vec<X> = names.iter().map(|name| X::given(case, name.as_str().unwrap())).collect();
    let range = case.params()["kwargs"]["signal_range"].as_f64();
    let out = match case.target() {
        "metric.mae" => metric::mae(&args[0], &args[1]),
        "metric.mse" => metric::mse(&args[0], &args[1]),
        "metric.snr" => metric::snr(&args[0], &args[1]),
        "metric.psnr" => metric::psnr(&args[0], &args[1], range),
        "metric.isnr" => metric::isnr(&args[0], &args[1], &args[2]),
        "metric.bsnr" => metric::bsnr(&args[0], &args[1]),
        "metric.rel_res" => metric::rel_res(&args[0], &args[1]),
        other => return Err(Broken(format!("the runner knows no metric {other}"))),
    };
    // Of two zeros the relative residual is a number of Python there, stored in double precision.
    let out = if case.id().starts_with("metric.rel_res_zero") { out.astype(DType::F64) } else { out };
    Ok(Results::from([("out".to_string(), vec![out])]))
}
