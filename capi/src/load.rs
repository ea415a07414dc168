//! Loading kernels and giving them back.

use crate::failure::{Failure, guarded};
use crate::kernel::Kernel;
use crate::pointer::{place, slice, text};
use crate::status::Status;
use runtime::artifact::{self, TrustedKey};
use std::ffi::{c_char, c_void};
use std::path::PathBuf;

/// A kernel that a linker has made a part of the program: what the symbol `cotangent_kernel_NAME` is. Only its address is of
/// use, for `cot_kernel_open_linked`.
#[derive(Debug)]
pub struct LinkedKernel {
    _opaque: (),
}

/// Loads a kernel file, with the code for the best instructions that this processor has, and puts a handle where `kernel`
/// points to; NULL if it fails. The file is not needed afterwards. Give the kernel back with `cot_kernel_free`.
///
/// Its code will run in this process, so load files of your own only; for files of others there is `cot_kernel_load_signed`.
/// Damage by accident is found; it is no defence against malice.
///
/// # Safety
///
/// `path` is NULL or ends with NUL. `kernel` is NULL or leads to a pointer. The file was written by this library, or whoever
/// wrote it may do in this process what they like.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_kernel_load(path: *const c_char, kernel: *mut *mut Kernel) -> Status {
    // SAFETY: passed on.
    let load = || Ok(unsafe { artifact::Kernel::load(file(path)?) }?);
    // SAFETY: passed on.
    unsafe { open(kernel, load) }
}

/// Loads the bytes of a kernel file as `cot_kernel_load` does the file. They are not needed afterwards.
///
/// # Safety
///
/// `bytes` is NULL or leads to `length` bytes. `kernel` is NULL or leads to a pointer. The bytes were written by this library,
/// or whoever wrote them may do in this process what they like.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_kernel_load_bytes(
    bytes: *const c_void,
    length: usize,
    kernel: *mut *mut Kernel,
) -> Status {
    // SAFETY: passed on.
    let load = || Ok(unsafe { artifact::Kernel::from_bytes(slice(bytes.cast(), length, "the bytes")?) }?);
    // SAFETY: passed on.
    unsafe { open(kernel, load) }
}

/// Loads a kernel file that was signed with one of `key_count` keys, each the 32 bytes of an Ed25519 public key, and refuses
/// all others.
///
/// # Safety
///
/// `path` is NULL or ends with NUL. `keys` is NULL or leads to so many keys. `kernel` is NULL or leads to a pointer. Whoever
/// has the private keys signs only files that this library has written, or may do in this process what they like.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_kernel_load_signed(
    path: *const c_char,
    keys: *const [u8; 32],
    key_count: usize,
    kernel: *mut *mut Kernel,
) -> Status {
    let load = || {
        // SAFETY: passed on.
        let (path, keys) = unsafe { (file(path)?, slice(keys, key_count, "the keys")?) };
        // SAFETY: the caller vouches for the keys.
        let trusted = keys.iter().map(|key| unsafe { TrustedKey::new(key) }).collect::<Result<Vec<_>, _>>()?;
        Ok(artifact::Kernel::load_signed(path, &trusted)?)
    };
    // SAFETY: passed on.
    unsafe { open(kernel, load) }
}

/// Opens a kernel that a linker has made a part of the program: `table` is the address of its symbol
/// `cotangent_kernel_NAME`. Give the kernel back with `cot_kernel_free`.
///
/// # Safety
///
/// `table` is NULL or the address of that symbol, and what was linked is an unaltered file of this library. `kernel` is NULL
/// or leads to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_kernel_open_linked(table: *const LinkedKernel, kernel: *mut *mut Kernel) -> Status {
    let load = || {
        if table.is_null() {
            return Err(Failure::argument("the linked kernel is a null pointer"));
        }
        // SAFETY: passed on.
        Ok(unsafe { artifact::Kernel::linked(table.cast()) }?)
    };
    // SAFETY: passed on.
    unsafe { open(kernel, load) }
}

/// Gives a kernel back, with all that belongs to it: functions, names, texts. NULL is ignored.
///
/// # Safety
///
/// `kernel` is NULL or comes from a function that loads kernels; nothing of it runs any longer, and it is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_kernel_free(kernel: *mut Kernel) {
    // There is no status to tell.
    let _ = guarded(|| {
        if !kernel.is_null() {
            // SAFETY: it comes from `Box::into_raw`, and the caller does not use it any longer.
            drop(unsafe { Box::from_raw(kernel) });
        }
        Ok(())
    });
}

/// Puts a kernel where C wants it, or null.
///
/// # Safety
///
/// `kernel` is null or leads to a pointer.
unsafe fn open(kernel: *mut *mut Kernel, load: impl FnOnce() -> Result<artifact::Kernel, Failure>) -> Status {
    let work = || {
        let place = place(kernel, "the place for the kernel")?;
        // SAFETY: it is not null, and the caller vouches for the rest.
        unsafe { place.write(std::ptr::null_mut()) };
        let loaded = Box::new(Kernel::new(load()?));
        // SAFETY: as above.
        unsafe { place.write(Box::into_raw(loaded)) };
        Ok(())
    };
    guarded(work).into()
}

/// A path that comes from C.
///
/// # Safety
///
/// `path` is null or ends with NUL.
unsafe fn file(path: *const c_char) -> Result<PathBuf, Failure> {
    // SAFETY: passed on.
    let bytes = unsafe { text(path, "the path") }?;
    #[cfg(unix)]
    return Ok(std::os::unix::ffi::OsStrExt::from_bytes(bytes)).map(|path: &std::ffi::OsStr| PathBuf::from(path));
    #[cfg(not(unix))]
    std::str::from_utf8(bytes).map(PathBuf::from).map_err(|_| Failure::argument("the path is not UTF-8"))
}
