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
