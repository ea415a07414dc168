//! Printing.
use crate::scalar::Scalar;

/// A literal as the text form spells it.
pub fn scalar(value: Scalar) -> String {
    format!("{:?}", value.number())
}
