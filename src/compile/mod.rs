//! From a function to machine code.

pub mod plan;
