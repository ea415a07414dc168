//! The runtime: everything a compiled program needs while it runs. No compiler is needed here.

mod arena;
mod barrier;
pub mod call;
mod contention;
pub mod entry_points;
mod fft;
mod filter;
mod gemm;
mod host;
#[cfg(feature = "compiler")]
mod install;
mod items;
pub mod library;
pub mod memory;
#[cfg(feature = "compiler")]
pub mod pages;
pub mod pin;
pub mod pool;
pub mod profile;
pub mod program;
mod routine;
mod session;
mod tap;

#[cfg(test)]
mod tests;
