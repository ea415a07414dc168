//! Versions, to be compared with those that a program was written for.

use crate::failure::guarded;
use runtime::artifact::{ABI_VERSION, FORMAT_VERSION};
use std::ffi::c_char;

/// The version of this library, such as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn cot_version() -> *const c_char {
    guarded(|| Ok(concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())).unwrap_or(std::ptr::null())
}

/// The version of what compiled code and this library agree on. Kernels of another one are refused.
#[unsafe(no_mangle)]
pub extern "C" fn cot_abi_version() -> u32 {
    guarded(|| Ok(ABI_VERSION)).unwrap_or(0)
}

/// The version of how kernel files are laid out. Kernels of another one are refused.
#[unsafe(no_mangle)]
pub extern "C" fn cot_format_version() -> u32 {
    guarded(|| Ok(FORMAT_VERSION)).unwrap_or(0)
}
