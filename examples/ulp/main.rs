//! The worst errors of the elementary functions, in units in the last place, as a table.
//!
//! In single precision, every function is compiled and compared with a reference in double precision on every 4099th float
//! of all 2^32; another stride may be given as a number. With `--all`, functions whose reference is fast are compared on
//! all floats. In double precision, it is compared with a reference of twice the digits on random and on hard numbers:
//! neighbours of where functions are 0, 1 or change their mind. Functions may be given by name.
//!
//! It exits with an error where one misses by more than two units. `--write` puts the rows into `docs/ulp.md`:
//! `cargo run --release --example ulp -- --all --write exp log`

mod double;
mod double_double;
mod reference;
mod single;
mod table;

use cotangent::{Array, Result};
use double_double::Double;
use std::process::ExitCode;

/// A function that is measured.
struct Row {
    name: &'static str,
    /// As it is compiled.
    function: fn(&Array) -> Array,
    /// The reference for single precision, and whether it is fast enough for all floats.
    single: fn(f64) -> f64,
    fast: bool,
    /// The reference for double precision.
    double: fn(f64) -> Double,
    /// Where double precision is measured.
    range: (f64, f64),
}

/// What the functions promise.
const PROMISED: f64 = 2.0;

macro_rules! rows {
    ($($name:ident $method:ident ($single:expr, $fast:expr) in $low:expr, $high:expr;)*) => {
        const ROWS: &[Row] = &[$(Row {
            name: stringify!($name),
            function: Array::$method,
            single: $single,
            fast: $fast,
            double: reference::$name,
            range: ($low, $high),
        }),*];
    };
}
rows! {
    exp exp (f64::exp, true) in -708.0, 709.0;
    exp2 exp2 (f64::exp2, false) in -1022.0, 1023.0;
    expm1 expm1 (f64::exp_m1, true) in -40.0, 709.0;
    log log (f64::ln, true) in 1e-300, 1e300;
    log2 log2 (f64::log2, false) in 1e-300, 1e300;
    log10 log10 (f64::log10, false) in 1e-300, 1e300;
    log1p log1p (f64::ln_1p, true) in -0.999999999, 1e300;
    sin sin (f64::sin, true) in -1e8, 1e8;
    cos cos (f64::cos, true) in -1e8, 1e8;
    tan tan (f64::tan, true) in -1e8, 1e8;
    asin asin (f64::asin, false) in -1.0, 1.0;
    acos acos (f64::acos, false) in -1.0, 1.0;
    atan atan (f64::atan, true) in -1e30, 1e30;
    sinh sinh (f64::sinh, false) in -709.0, 709.0;
    cosh cosh (f64::cosh, false) in -709.0, 709.0;
    tanh tanh (f64::tanh, true) in -20.0, 20.0;
    asinh asinh (single::asinh, false) in -1e300, 1e300;
    acosh acosh (single::acosh, false) in 1.0, 1e300;
    atanh atanh (single::atanh, false) in -0.999999999, 0.999999999;
    cbrt cbrt (f64::cbrt, true) in -1e300, 1e300;
    sigmoid sigmoid (|x| 1.0 / (1.0 + (-x).exp()), false) in -700.0, 700.0;
    erf erf (single::erf, true) in -7.0, 7.0;
    erfc erfc (single::erfc, false) in -7.0, 26.0;
    erf_inv erf_inv (single::erf_inv, false) in -0.999999999, 0.999999999;
    lgamma lgamma (single::lgamma, false) in 1e-300, 1e150;
}

fn main() -> ExitCode {
    let (mut stride, mut all, mut write) = (4099, false, false);
    let mut names = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.parse() {
            _ if argument == "--all" => all = true,
            _ if argument == "--write" => write = true,
            Ok(number) if number > 0 => stride = number,
            _ if ROWS.iter().any(|row| row.name == argument) => names.push(argument),
            _ => {
                let known: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
                let known = known.join(", ");
                eprintln!("`{argument}` is neither `--all`, `--write`, a positive stride nor one of {known}");
                return ExitCode::from(2);
            }
        }
    }
    let chosen = |row: &&Row| names.is_empty() || names.iter().any(|name| name == row.name);
    match measure(ROWS.iter().filter(chosen), |row| if all && row.fast { 1 } else { stride }, write) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a line for every function and writes it into the table; whether all keep their promise.
fn measure<'a>(rows: impl Iterator<Item = &'a Row>, stride: impl Fn(&Row) -> u64, write: bool) -> Result<bool> {
    let mut kept = true;
    println!("{}", table::HEAD);
    for row in rows {
        let stride = stride(row);
        let single = single::worst(row.function, row.single, stride)?;
        let double = double::worst(row)?;
        let line = table::line(row.name, stride, &single, &double);
        println!("{line}");
        if write {
            table::replace(row.name, &line);
        }
        kept &= single.error <= PROMISED && double.error <= PROMISED;
    }
    Ok(kept)
}
