//! The C interface: precompiled kernels, loaded and run from C or anything that can call C.
//!
//! The header is `include/cotangent.h`; it is generated from the comments here, which speak to those who write C. Built alone,
//! the library holds no compiler.
//!
//! What holds everywhere: each function goes through `failure::guarded`, so no panic crosses the border and every failure
//! leaves a status and a message; whatever comes in is checked before it is used, as far as C lets one check; handles may be
//! used from any number of threads at once.
//!
//! A kernel file that a linker has made a part of a program calls the runtime by name. Those functions (`ct_barrier` and its
//! like) are exported by the runtime itself and come along here.

mod copy;
mod footprint;
mod pointer;

// The header has functions in this order.
pub mod load;

pub mod kernel;
pub mod parameter;

pub mod buffer;
pub mod run;

pub mod cancel;

pub mod failure;
pub mod status;

pub mod dtype;
pub mod version;

#[cfg(test)]
mod tests;
