//! Transformations of functions with derivatives of their own, and the conjugated pullback.
//!
//! A target that comes to be is taken off the list and gets its arm in [`compute`](super::compute).

/// The targets that are not there, sorted by name.
pub(crate) const MISSING: &[&str] = &["scico.custom_jvp", "scico.custom_vjp", "scico.cvjp"];

/// The target, if it is not there.
pub(crate) fn missing(target: &str) -> Option<&'static str> {
    MISSING.iter().find(|name| **name == target).copied()
}
