//! The array IR of cotangent: plain data and its meaning.
//!
//! Functions over arrays ([`Func`]) are recorded by the handle ([`Array`]), checked ([`verify`]), executed slowly and
//! obviously ([`eval`]), printed and parsed ([`text`]), and mapped to other functions ([`transform`]). Kernels
//! ([`kernel`]) are the closed form to which a compiler lowers them. This crate knows nothing of machine code, threads,
//! files or clocks.

mod array;
mod attrs;
mod dtype;
mod func;
mod operand;
mod scalar;
mod tensor;
mod types;

pub mod eager;
pub mod error;
pub mod eval;
pub mod eval_kernel;
#[cfg(feature = "generate")]
pub mod generate;
pub mod hash;
pub mod kernel;
pub mod lanes;
pub mod prim;
pub mod text;
pub mod trace;
pub mod transform;
pub mod verify;
pub mod verify_kernel;

pub use array::{Array, apply_many, apply1, fail};
pub use attrs::{Attr, AttrKind, Attrs};
pub use dtype::DType;
pub use error::{Error, ErrorKind, Result};
pub use func::{Func, Inst, Value};
pub use operand::{IntoOperand, Term};
pub use prim::{
    At, Border, Boundary, Index, OutOfRange, Padding, Prim, ScatterKind, Window, WindowOp, concatenate, einsum,
    meshgrid, multi_dot, sort_together, stack,
};
pub use scalar::{Number, Scalar};
pub use tensor::{ALIGNMENT, Bytes, Element, Tensor};
pub use types::{Dims, Type, row_major_strides};
