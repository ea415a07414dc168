//! Placeholder.

use super::Prim;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[];
