//! Kernels and their functions: what they are called and what they are for.
//!
//! Names and texts are kept in C's form, so that pointers to them stay valid for as long as the kernel does.

use crate::failure::{c_text, guarded};
use crate::pointer::{place, reference, text};
use crate::status::Status;
use runtime::artifact::{self, KernelFunction, LoadError};
use std::ffi::{CString, c_char};
use std::ptr;

/// A kernel: precompiled functions, ready to run. It may be used from any number of threads at once.
#[derive(Debug)]
pub struct Kernel {
    name: CString,
    text: CString,
    library: CString,
    level: CString,
    functions: Vec<Function>,
}

/// A function of a kernel. It belongs to the kernel and may run on any number of threads at once.
#[derive(Debug)]
pub struct Function {
    name: CString,
    text: CString,
    pub(crate) arguments: Vec<Texts>,
    pub(crate) results: Vec<Texts>,
    pub(crate) inner: KernelFunction,
}

/// What people call an argument or a result.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) name: CString,
    pub(crate) unit: CString,
    pub(crate) text: CString,
}

impl Kernel {
    pub(crate) fn new(kernel: artifact::Kernel) -> Kernel {
        let description = kernel.description();
        Kernel {
            name: c_text(&description.name),
            text: c_text(&description.text),
            library: c_text(&description.library),
            level: c_text(kernel.level().name()),
            functions: kernel.functions().iter().cloned().map(Function::new).collect(),
        }
    }
}

impl Function {
    fn new(inner: KernelFunction) -> Function {
        let texts = |parameters: &[artifact::Parameter]| {
            let one = |parameter: &artifact::Parameter| Texts {
                name: c_text(&parameter.name),
                unit: c_text(&parameter.unit),
                text: c_text(&parameter.description),
            };
            parameters.iter().map(one).collect()
        };
        let description = inner.description();
        Function {
            name: c_text(&description.name),
            text: c_text(&description.text),
            arguments: texts(&description.arguments),
            results: texts(&description.results),
            inner,
        }
    }
}

/// The name of a kernel. It is there for as long as the kernel is; NULL for NULL.
///
/// # Safety
///
/// `kernel` is NULL or a kernel that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_kernel_name(kernel: *const Kernel) -> *const c_char {
    // SAFETY: passed on.
    unsafe { of_kernel(kernel, |kernel| &kernel.name) }
}

/// What a kernel is for; it may be empty. It is there for as long as the kernel is; NULL for NULL.
///
/// # Safety
///
/// `kernel` is NULL or a kernel that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_kernel_text(kernel: *const Kernel) -> *const c_char {
    // SAFETY: passed on.
    unsafe { of_kernel(kernel, |kernel| &kernel.text) }
}

/// The version of the library that wrote a kernel. It is there for as long as the kernel is; NULL for NULL.
///
/// # Safety
///
/// `kernel` is NULL or a kernel that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_kernel_library(kernel: *const Kernel) -> *const c_char {
    // SAFETY: passed on.
    unsafe { of_kernel(kernel, |kernel| &kernel.library) }
}

/// The level of instructions of the code that was chosen for this processor, such as "x86-64-v3". It is there for as long as
/// the kernel is; NULL for NULL.
///
/// # Safety
///
/// `kernel` is NULL or a kernel that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_kernel_level(kernel: *const Kernel) -> *const c_char {
    // SAFETY: passed on.
    unsafe { of_kernel(kernel, |kernel| &kernel.level) }
}

/// The number of functions of a kernel; 0 for NULL.
///
/// # Safety
///
/// `kernel` is NULL or a kernel that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_kernel_function_count(kernel: *const Kernel) -> usize {
    // SAFETY: passed on.
    guarded(|| Ok(unsafe { reference(kernel, "the kernel") }?.functions.len())).unwrap_or(0)
}

/// The function of a number, counted from 0; NULL if there is none. It is there for as long as the kernel is.
///
/// # Safety
///
/// `kernel` is NULL or a kernel that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_kernel_function(kernel: *const Kernel, index: usize) -> *const Function {
    // SAFETY: passed on.
    let find =
        || Ok(unsafe { reference(kernel, "the kernel") }?.functions.get(index).map_or(ptr::null(), ptr::from_ref));
    guarded(find).unwrap_or(ptr::null())
}

/// Finds the function of a name, and puts it where `function` points to; NULL if there is none. It is there for as long as the
/// kernel is.
///
/// # Safety
///
/// `kernel` is NULL or a kernel that is not freed meanwhile. `name` is NULL or ends with NUL. `function` is NULL or leads to a
/// pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_kernel_find(
    kernel: *const Kernel,
    name: *const c_char,
    function: *mut *const Function,
) -> Status {
    let find = || {
        let place = place(function, "the place for the function")?;
        // SAFETY: it is not null, and the caller vouches for the rest.
        unsafe { place.write(ptr::null()) };
        // SAFETY: passed on.
        let (kernel, name) = unsafe { (reference(kernel, "the kernel")?, text(name, "the name")?) };
        let found = kernel.functions.iter().find(|function| function.name.as_bytes() == name);
        let found = found.ok_or_else(|| LoadError::UnknownFunction {
            name: String::from_utf8_lossy(name).into(),
            known: kernel.functions.iter().map(|function| function.inner.name().into()).collect(),
        })?;
        // SAFETY: as above.
        unsafe { place.write(found) };
        Ok(())
    };
    guarded(find).into()
}

/// The name of a function. It is there for as long as the kernel is; NULL for NULL.
///
/// # Safety
///
/// `function` is NULL or a function of a kernel that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_function_name(function: *const Function) -> *const c_char {
    // SAFETY: passed on.
    guarded(|| Ok(unsafe { reference(function, "the function") }?.name.as_ptr())).unwrap_or(ptr::null())
}

/// What a function computes; it may be empty. It is there for as long as the kernel is; NULL for NULL.
///
/// # Safety
///
/// `function` is NULL or a function of a kernel that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_function_text(function: *const Function) -> *const c_char {
    // SAFETY: passed on.
    guarded(|| Ok(unsafe { reference(function, "the function") }?.text.as_ptr())).unwrap_or(ptr::null())
}

/// A text of a kernel.
///
/// # Safety
///
/// `kernel` is null or a kernel that is not freed meanwhile.
unsafe fn of_kernel(kernel: *const Kernel, text: impl FnOnce(&Kernel) -> &CString) -> *const c_char {
    // SAFETY: passed on.
    guarded(|| Ok(text(unsafe { reference(kernel, "the kernel") }?).as_ptr())).unwrap_or(ptr::null())
}

// Handles are used from any number of threads.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Kernel>();
};
