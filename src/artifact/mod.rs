//! Precompiled kernels: files of compiled functions that are loaded and run without a compiler.
//!
//! A file is an ordinary relocatable ELF object, which `objdump` and `nm` can look into and `cc` can link. It holds code for
//! one or several levels of the processor, constants, and a header that says what the functions are called, what they take
//! and give, and what their programs need. [`KernelBuilder`] writes one where there is a compiler; [`Kernel`] loads and runs
//! it where there is none (features `--no-default-features --features runtime`).
//!
//! Reading goes from the outside in, and everything is checked before anything after it is looked at: `prelude` (is it one
//! of ours, whole, of this version), `object_file` (sections and relocations), `header`, `check` (does what the header says
//! fit together), `image` (code is placed). `write` is the way back.

mod c_header;
mod check;
mod description;
mod error;
mod header;
mod image;
mod kernel;
mod level;
mod library_calls;
mod linked;
mod object_file;
mod prelude;
#[cfg(feature = "signatures")]
mod signature;
#[cfg(all(test, feature = "compiler"))]
mod tests;
#[cfg(feature = "compiler")]
mod write;

pub use c_header::c_header;
pub use description::{Description, FunctionDescription, LevelDescription};
pub use error::LoadError;
pub use header::{LONGEST_NAME, Parameter};
pub use kernel::{Kernel, KernelFunction, LinkedKernel};
pub use level::CpuLevel;
#[cfg(any(feature = "compiler", feature = "signatures"))]
#[doc(hidden)]
pub use prelude::reseal;
pub use prelude::{ABI_VERSION, FORMAT_VERSION};
#[cfg(feature = "signatures")]
pub use signature::{TrustedKey, public_key, sign};
#[cfg(feature = "compiler")]
pub use write::{KernelBuilder, KernelSource};
