//! Arguments and results of functions, as C learns of them.

use crate::dtype::DType;
use crate::failure::{Failure, guarded};
use crate::kernel::{Function, Texts};
use crate::pointer::{place, reference};
use crate::status::Status;
use runtime::artifact;
use std::ffi::c_char;

/// What there is to know of an argument or a result. Its texts and its shape are there for as long as the kernel is.
#[repr(C)]
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: *const c_char,
    /// The unit of its elements, such as "1/mm"; empty if they have none. Nothing is converted.
    pub unit: *const c_char,
    /// What it is; it may be empty.
    pub text: *const c_char,
    /// The type of its elements.
    pub dtype: DType,
    /// The number of its axes.
    pub rank: usize,
    /// The extent of each axis.
    pub shape: *const usize,
    /// Bytes of all its elements.
    pub bytes: usize,
}

/// The number of arguments of a function; 0 for NULL.
///
/// # Safety
///
/// `function` is NULL or a function of a kernel that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_function_argument_count(function: *const Function) -> usize {
    // SAFETY: passed on.
    guarded(|| Ok(unsafe { reference(function, "the function") }?.arguments.len())).unwrap_or(0)
}

/// The number of results of a function; 0 for NULL.
///
/// # Safety
///
/// `function` is NULL or a function of a kernel that is not freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_function_result_count(function: *const Function) -> usize {
    // SAFETY: passed on.
    guarded(|| Ok(unsafe { reference(function, "the function") }?.results.len())).unwrap_or(0)
}

/// Tells of the argument of a number, counted from 0, where `parameter` points to.
///
/// # Safety
///
/// `function` is NULL or a function of a kernel that is not freed meanwhile. `parameter` is NULL or leads to a `cot_parameter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_function_argument(
    function: *const Function,
    index: usize,
    parameter: *mut Parameter,
) -> Status {
    // SAFETY: passed on.
    unsafe { describe(function, "argument", index, parameter) }
}

/// Tells of the result of a number, counted from 0, where `parameter` points to.
///
/// # Safety
///
/// `function` is NULL or a function of a kernel that is not freed meanwhile. `parameter` is NULL or leads to a `cot_parameter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_function_result(
    function: *const Function,
    index: usize,
    parameter: *mut Parameter,
) -> Status {
    // SAFETY: passed on.
    unsafe { describe(function, "result", index, parameter) }
}

/// Tells of an argument or a result.
///
/// # Safety
///
/// As for [`cot_function_argument`].
unsafe fn describe(function: *const Function, kind: &str, index: usize, parameter: *mut Parameter) -> Status {
    let work = || {
        let place = place(parameter, "the place for the parameter")?;
        // SAFETY: passed on.
        let function = unsafe { reference(function, "the function") }?;
        let description = function.inner.description();
        let (texts, parameters) = match kind {
            "argument" => (&function.arguments, &description.arguments),
            _ => (&function.results, &description.results),
        };
        let (Some(texts), Some(parameter)) = (texts.get(index), parameters.get(index)) else {
            let message = format!("there is no {kind} {index}: {} has {} of them", description.name, parameters.len());
            return Err(Failure::new(Status::NotFound, message));
        };
        // SAFETY: it is not null, and the caller vouches for the rest.
        unsafe { place.write(Parameter::new(texts, parameter)) };
        Ok(())
    };
    guarded(work).into()
}

impl Parameter {
    fn new(texts: &Texts, parameter: &artifact::Parameter) -> Parameter {
        Parameter {
            name: texts.name.as_ptr(),
            unit: texts.unit.as_ptr(),
            text: texts.text.as_ptr(),
            dtype: parameter.ty.dtype.into(),
            rank: parameter.ty.rank(),
            shape: parameter.ty.shape.as_ptr(),
            bytes: parameter.ty.byte_len(),
        }
    }
}
