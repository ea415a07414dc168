//! Tokens by which one thread stops what another runs.

use crate::failure::guarded;
use std::sync::atomic::{AtomicBool, Ordering};

/// A token that stops runs which were given it, from any thread.
#[derive(Debug, Default)]
pub struct Cancel {
    pub(crate) is_set: AtomicBool,
}

/// A new token, not set. Give it back with `cot_cancel_free`.
#[unsafe(no_mangle)]
pub extern "C" fn cot_cancel_new() -> *mut Cancel {
    guarded(|| Ok(Box::into_raw(Box::<Cancel>::default()))).unwrap_or(std::ptr::null_mut())
}

/// Sets a token: runs that have it end at the next row that they report, and give what they have by then.
///
/// It may be called from any thread and from a signal handler. NULL is ignored.
///
/// # Safety
///
/// `cancel` is NULL or a token that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_cancel_set(cancel: *const Cancel) {
    // SAFETY: passed on.
    unsafe { store(cancel, true) }
}

/// Makes a token as new, for another run. NULL is ignored.
///
/// # Safety
///
/// `cancel` is NULL or a token that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_cancel_reset(cancel: *const Cancel) {
    // SAFETY: passed on.
    unsafe { store(cancel, false) }
}

/// Whether a token is set; false for NULL.
///
/// # Safety
///
/// `cancel` is NULL or a token that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_cancel_is_set(cancel: *const Cancel) -> bool {
    // SAFETY: the caller passes null or a token.
    let is_set = || unsafe { cancel.as_ref() }.is_some_and(|cancel| cancel.is_set.load(Ordering::Relaxed));
    guarded(|| Ok(is_set())).unwrap_or(false)
}

/// Gives a token back. NULL is ignored.
///
/// # Safety
///
/// `cancel` is NULL or comes from `cot_cancel_new`; no run has it any longer, and it is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_cancel_free(cancel: *mut Cancel) {
    // Nothing here fails, so there is no status to tell.
    let _ = guarded(|| {
        if !cancel.is_null() {
            // SAFETY: it comes from `Box::into_raw`, and the caller does not use it any longer.
            drop(unsafe { Box::from_raw(cancel) });
        }
        Ok(())
    });
}

/// Sets or resets a token. Nothing but that happens, so that a signal handler may do it.
///
/// # Safety
///
/// As for [`cot_cancel_set`].
unsafe fn store(cancel: *const Cancel, is_set: bool) {
    // Nothing here fails, so there is no status to tell.
    let _ = guarded(|| {
        // SAFETY: the caller passes null or a token.
        if let Some(cancel) = unsafe { cancel.as_ref() } {
            cancel.is_set.store(is_set, Ordering::Relaxed);
        }
        Ok(())
    });
}
