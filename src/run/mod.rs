//! The runtime: everything a compiled program needs while it runs. No compiler is needed here.

pub mod library;
pub mod program;
