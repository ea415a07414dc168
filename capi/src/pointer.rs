//! Pointers that come from C: none of them is used before it was seen not to be null.

use crate::failure::Failure;
use std::ffi::{CStr, c_char};
use std::ptr::NonNull;

/// What a pointer leads to.
///
/// # Safety
///
/// The pointer is null, or leads to a value that nobody changes while the reference lives.
pub(crate) unsafe fn reference<'a, T>(pointer: *const T, what: &str) -> Result<&'a T, Failure> {
    // SAFETY: passed on.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(what))
}

/// Where a call puts what it gives. There may be nothing yet, so that it is only written to.
pub(crate) fn place<T>(pointer: *mut T, what: &str) -> Result<NonNull<T>, Failure> {
    NonNull::new(pointer).ok_or_else(|| null(what))
}

/// So many values at an address, which may be null if there are none.
///
/// # Safety
///
/// The pointer is null, or leads to so many values that nobody changes while the slice lives.
pub(crate) unsafe fn slice<'a, T>(pointer: *const T, count: usize, what: &str) -> Result<&'a [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(null(what));
    }
    if count.checked_mul(size_of::<T>()).is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(Failure::argument(format!("{what}: {count} of them are more than memory can hold")));
    }
    // SAFETY: it is not null, and the caller vouches for the rest.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// The bytes of a text without the NUL that ends it.
///
/// # Safety
///
/// The pointer is null, or leads to a text that ends with NUL and that nobody changes while the slice lives.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, what: &str) -> Result<&'a [u8], Failure> {
    if pointer.is_null() {
        return Err(null(what));
    }
    // SAFETY: it is not null, and the caller vouches for the rest.
    Ok(unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

fn null(what: &str) -> Failure {
    Failure::argument(format!("{what} is a null pointer"))
}
