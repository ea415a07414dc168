//! Formulas: functions of arrays as text, in the expression syntax of Python.
//!
//! Text is parsed into an [`Expression`](expression::Expression), which is evaluated on arrays. Since operations on arrays
//! are recorded where a function is being traced, a formula is differentiated, batched and compiled as any closure is.

mod evaluate;
mod expression;
pub(crate) mod functions;
mod lex;
mod parse;
#[cfg(test)]
mod tests;
mod value;

use cotangent::Array;
use expression::Expression;
pub(crate) use value::Value;

/// A formula of named parameters.
#[derive(Clone, Debug)]
pub(crate) struct Formula(Expression);

impl Formula {
    /// Parses a formula.
    ///
    /// # Panics
    /// Malformed text, with the place.
    pub(crate) fn new(text: &str) -> Formula {
        Formula(parse::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
    }

    /// The value where the parameters have the given ones.
    pub(crate) fn value(&self, parameters: &[(&str, Value)]) -> Array {
        evaluate::evaluate(&self.0, &evaluate::Scope::new(parameters)).into_array()
    }
}
