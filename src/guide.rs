//! The guide: pages of the folder `docs`, which the tests keep up to date.

// Links of the pages are looked up here.
#[cfg(doc)]
use crate::*;

/// Every primitive: what it computes and what is known of it.
#[doc = include_str!("../docs/primitives.md")]
pub mod primitives {}

/// The names of NumPy and JAX, and where they are here.
#[doc = include_str!("../docs/numpy.md")]
pub mod numpy {}

/// What SCICO calls the parts of inverse problems, and what they are here.
#[doc = include_str!("../docs/imaging.md")]
pub mod imaging {}

/// Mistakes that are made with transformations, each with the message and its repair.
#[doc = include_str!("../docs/errors.md")]
pub mod errors {}

/// How accurate the elementary functions are.
#[doc = include_str!("../docs/ulp.md")]
pub mod accuracy {}

/// How functions become programs: what is decided by which numbers, and how to see it.
#[cfg(feature = "compiler")]
#[doc = include_str!("../docs/compiler.md")]
pub mod compiler {}

/// Precompiled kernels: from a closure to a file, and from a file to a call in Rust, C or Python.
#[cfg(feature = "compiler")]
#[doc = include_str!("../docs/deploying.md")]
pub mod deploying {}
