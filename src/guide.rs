//! The guide: pages of the folder `docs`, which the tests keep up to date.
// Its pages link to items by the names that users import.

/// Every primitive: what it computes and what is known of it.
#[doc = include_str!("../docs/primitives.md")]
pub mod primitives {}

/// The names of NumPy and JAX, and where they are here.
#[doc = include_str!("../docs/numpy.md")]
pub mod numpy {
    #[cfg(doc)]
    use crate::*;
}
