//! Powers.
//!
//! x^y = 2^(y log2 x). The error of the logarithm is multiplied by up to the number of binary exponents, so floats are
//! computed in double precision and doubles as sums of two.

use super::super::lanes::Emitter;
use super::Math;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

/// log2((1 + s) / (1 - s)) / s in terms of s^2, for numbers between sqrt(1/2) and sqrt(2).
const LOG2: &[f64] = &[
    0.28291009406076245,
    0.3199050388747536,
    0.41220926745134995,
    0.5770779422260001,
    0.9617966941137819,
    2.88539008177785,
];

/// 2^r for |r| <= 1/2.
const EXP2: &[f64] = &[
    1.3175770642410096e-06,
    1.5309850940883737e-05,
    0.00015403853079941457,
    0.0013333451640496611,
    0.009618128539396184,
    0.05550410939774871,
    0.24022650698904505,
    0.6931471805464083,
    0.99999999999976,
];

/// (atanh(s) / s - 1 - s^2 / 3) / s^4 in terms of s^2, and 1/3 as the sum of two numbers.
const ATANH: &[f64] = super::power_tables::ATANH;
const THIRD: (f64, f64) = (0.3333333333333333, 1.850371707708594e-17);
/// 2 / ln 2 as the sum of two numbers.
const TWO_OVER_LN2: (f64, f64) = (2.8853900817779268, 4.0710547481862066e-17);
/// ln 2 as the sum of two numbers.
const LN2: (f64, f64) = (std::f64::consts::LN_2, 2.3190468138462996e-17);
