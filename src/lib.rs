//! cotangent: array functions traced, differentiated, batched, fused and compiled to native SIMD code.

#[cfg(feature = "compiler")]
pub mod compile;
pub mod run;

pub use cotangent_ir as ir;
pub use cotangent_ir::{Array, DType, Error, ErrorKind, Result, Type};
