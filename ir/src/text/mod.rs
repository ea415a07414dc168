//! The text form.
pub mod print;
