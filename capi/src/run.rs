//! Running a function on buffers of the caller's.

use crate::buffer::{Buffer, Role, View};
use crate::cancel::Cancel;
use crate::copy::{pack, unpack};
use crate::failure::{Failure, guarded};
use crate::footprint::{Footprint, meets_itself};
use crate::kernel::Function;
use crate::pointer::{reference, slice};
use crate::status::Status;
use runtime::DType;
use runtime::artifact::Parameter;
use runtime::ir::{ALIGNMENT, Bytes};
use runtime::run::call::{CallOptions, Observe};
use std::ffi::c_void;

/// What watches a run: it gets the number of a row of progress and the numbers in it, which are gone afterwards, and answers
/// whether to stop. It is called on the thread that runs the function, may run other functions, and must return: no exception
/// or `longjmp` may leave it.
pub type Progress =
    Option<unsafe extern "C" fn(user: *mut c_void, row: i64, values: *const f64, columns: usize) -> bool>;

/// How a function is run. With all zeros it is run as if there were none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The number of threads; 0 for as many as the environment variable `COTANGENT_THREADS` says or the machine offers.
    /// Results do not depend on it.
    pub threads: usize,
    /// Is called for each row of progress that the function reports, if it reports any; NULL for nothing.
    pub progress: Progress,
    /// Is passed on to `progress`.
    pub user: *mut c_void,
    /// A token by which other threads stop the run; NULL for none. A function that reports no progress does not look at it.
    pub cancel: *const Cancel,
}

/// Runs a function: reads the arguments and overwrites the results, one buffer for each, in the order of their numbers.
///
/// Everything about the buffers is checked before anything runs. A run that was stopped, by `progress` or a token, is ok: the
/// results are those it had by then. After a failure of the function itself the results hold anything.
///
/// # Safety
///
/// `function` is NULL or a function of a kernel that is not freed meanwhile. `arguments` and `results` are NULL or lead to so
/// many buffers, each with as many extents and strides as it has axes, and with memory for all its elements that nobody else
/// writes meanwhile, nor reads if it is that of a result. `options` is NULL or leads to options whose token is not freed
/// meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cot_run(
    function: *const Function,
    arguments: *const Buffer,
    argument_count: usize,
    results: *const Buffer,
    result_count: usize,
    options: *const Options,
) -> Status {
    let work = || {
        // SAFETY: passed on.
        let (function, arguments, results, options) = unsafe {
            let function = reference(function, "the function")?;
            let arguments = slice(arguments, argument_count, "the buffers of arguments")?;
            (function, arguments, slice(results, result_count, "the buffers of results")?, options.as_ref())
        };
        let callback = options.and_then(|options| options.progress.map(|progress| (progress, options.user)));
        let mut observer = callback.map(|(progress, user)| {
            // SAFETY: the caller passes a function that may be called with this.
            move |row: i64, values: &[f64]| unsafe { progress(user, row, values.as_ptr(), values.len()) }
        });
        let observer = observer.as_mut().map(|observer| observer as &mut Observe<'_>);
        let call = CallOptions {
            observer,
            // SAFETY: the caller passes null or a token that outlives the run.
            cancel: options.and_then(|options| unsafe { options.cancel.as_ref() }).map(|cancel| &cancel.is_set),
            threads: options.map(|options| options.threads).filter(|&threads| threads > 0),
            ..CallOptions::default()
        };
        // SAFETY: passed on.
        unsafe { run(function, arguments, results, call) }
    };
    guarded(work).into()
}

/// Runs a function on buffers.
///
/// # Safety
///
/// As for [`cot_run`].
pub(crate) unsafe fn run(
    function: &Function,
    arguments: &[Buffer],
    results: &[Buffer],
    options: CallOptions<'_>,
) -> Result<(), Failure> {
    let description = function.inner.description();
    let name = &description.name;
    // SAFETY: passed on.
    let (arguments, results) = unsafe {
        let arguments = views(name, Role::Argument, &description.arguments, arguments)?;
        (arguments, views(name, Role::Result, &description.results, results)?)
    };
    check_apart(name, &arguments, &results)?;

    let inputs: Vec<Place> = arguments.iter().map(Place::of).collect();
    for (view, place) in arguments.iter().zip(&inputs).filter(|(_, place)| place.copy.is_some()) {
        // SAFETY: the caller vouches for the view, and the copy is as large as its type.
        unsafe { pack(view, place.address) };
    }
    let outputs: Vec<Place> = results.iter().map(Place::of).collect();
    let read: Vec<*const u8> = inputs.iter().map(|place| place.address.cast_const()).collect();
    let written: Vec<*mut u8> = outputs.iter().map(|place| place.address).collect();
    // SAFETY: each view has the type of its parameter; memory of the caller's that is used where it is has no gaps and does not
    // meet results; all other memory is that of a copy.
    unsafe { function.inner.call_pointers(&read, &written, options) }?;
    for (view, place) in results.iter().zip(&outputs).filter(|(_, place)| place.copy.is_some()) {
        // SAFETY: as above; the function has written all of the copy.
        unsafe { unpack(place.address, view) };
    }
    Ok(())
}

/// Compares buffers with the parameters that they are for.
///
/// # Safety
///
/// As for [`View::new`].
unsafe fn views<'a>(
    function: &str,
    role: Role,
    parameters: &'a [Parameter],
    buffers: &[Buffer],
) -> Result<Vec<View<'a>>, Failure> {
    if parameters.len() != buffers.len() {
        let (kind, expected, given) = (role.name(), parameters.len(), buffers.len());
        return Err(Failure::argument(format!("{function}: expected {expected} buffers of {kind}s, given {given}")));
    }
    // SAFETY: passed on.
    let view = |(parameter, buffer)| unsafe { View::new(function, role, parameter, buffer) };
    parameters.iter().zip(buffers).map(view).collect()
}

/// Refuses results that share memory with themselves, with each other or with arguments.
fn check_apart(function: &str, arguments: &[View<'_>], results: &[View<'_>]) -> Result<(), Failure> {
    let overlap = |result: &View<'_>, what: &str| {
        let message = format!("{function}: result `{}` {what}; give it memory of its own", result.parameter.name);
        Err(Failure::new(Status::Overlap, message))
    };
    let footprints: Vec<_> = arguments.iter().chain(results).map(|view| (view, Footprint::of(view))).collect();
    for (position, result) in results.iter().enumerate() {
        if meets_itself(result) {
            return overlap(result, "has elements that share memory");
        }
        let Some(footprint) = Footprint::of(result) else { continue };
        let others = &footprints[..arguments.len() + position];
        let met = others.iter().find(|(_, other)| other.is_some_and(|other| other.meets(&footprint)));
        if let Some((other, _)) = met {
            let (kind, name) = (other.role.name(), &other.parameter.name);
            return overlap(result, &format!("shares memory with {kind} `{name}`"));
        }
    }
    Ok(())
}

/// Where a function finds an argument or puts a result.
struct Place {
    address: *mut u8,
    /// The memory there, if it is not the caller's.
    copy: Option<Bytes>,
}

impl Place {
    /// The caller's memory if the function can use it, and otherwise memory that nothing has been written to yet.
    fn of(view: &View<'_>) -> Place {
        // Compiled code expects truth values to be 0 or 1. Those of the caller's may be anything.
        let is_exact = view.role == Role::Result || view.parameter.ty.dtype != DType::Bool;
        if is_exact && !view.is_empty() && view.is_packed() && view.data.addr().is_multiple_of(ALIGNMENT) {
            return Place { address: view.data, copy: None };
        }
        let mut copy = Bytes::with_capacity(ALIGNMENT, view.parameter.ty.byte_len());
        Place { address: copy.as_mut_ptr(), copy: Some(copy) }
    }
}
