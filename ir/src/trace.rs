//! Recording of array operations into a function.
//!
//! A [`Trace`] is open while a user's closure (or a rule of a transformation) runs. Traces nest: the body of a loop is
//! traced inside its caller's trace. While any trace is open on a thread, every operation on that thread is recorded in
//! the innermost one; operands that belong to an enclosing trace, and concrete data, are *captured*: they become leading
//! parameters of the function, and the trace remembers which arrays to pass for them.
//!
//! What holds after [`OpenTrace::finish`]: the function is closed, its parameters are the captures followed by the
//! arguments, and no error occurred. Values of a finished trace are refused everywhere.

use crate::array::{Array, Repr};
use crate::attrs::Attrs;
use crate::error::{Error, ErrorKind, Result};
use crate::func::{Func, Value};
use crate::prim::Prim;
use crate::types::Type;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::ThreadId;

thread_local! {
    /// The traces open on this thread, innermost last.
    static OPEN: RefCell<Vec<Arc<Trace>>> = const { RefCell::new(Vec::new()) };
}

/// A function being recorded.
pub struct Trace {
    name: String,
    thread: ThreadId,
    state: Mutex<State>,
}

/// Values are numbered in order of recording here, and renumbered when the function is closed: a capture may be met
/// after instructions, but parameters come first.
struct State {
    types: Vec<Type>,
    params: Vec<usize>,
    captures: Vec<(usize, Array)>,
    captured: HashMap<CaptureKey, usize>,
    insts: Vec<Recorded>,
    error: Option<Error>,
    finished: bool,
}

struct Recorded {
    prim: &'static Prim,
    args: SmallVec<[usize; 3]>,
    attrs: Attrs,
    first: usize,
    count: usize,
}

/// Identity of a captured array: the same data or the same value of an enclosing trace is captured once.
#[derive(PartialEq, Eq, Hash)]
enum CaptureKey {
    Data(usize),
    Outer(usize, usize),
}

/// A value of an open trace, as an [`Array`] holds it.
#[derive(Clone)]
pub struct TracedValue {
    trace: Arc<Trace>,
    index: usize,
    ty: Type,
}

/// A recorded function and the arrays to pass for its leading parameters.
pub struct Traced {
    /// Parameters: the captures, then the arguments.
    pub func: Func,
    /// What was captured, in parameter order: data, or values of the trace that encloses the finished one.
    pub captures: Vec<Array>,
}

impl TracedValue {
    /// The type of the value.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// What tells this value from all others that live: its trace and its number.
    pub(crate) fn identity(&self) -> (usize, usize) {
        (Arc::as_ptr(&self.trace) as usize, self.index)
    }
}

impl Trace {
    /// Opens a trace inside the innermost one of this thread. It must be closed with [`OpenTrace::finish`]; if the guard is
    /// dropped without it (an unwinding panic), the trace is abandoned.
    pub fn open(name: impl Into<String>) -> OpenTrace {
        let trace = Arc::new(Trace {
            name: name.into(),
            thread: std::thread::current().id(),
            state: Mutex::new(State {
                types: Vec::new(),
                params: Vec::new(),
                captures: Vec::new(),
                captured: HashMap::new(),
                insts: Vec::new(),
                error: None,
                finished: false,
            }),
        });
        OPEN.with_borrow_mut(|open| open.push(trace.clone()));
        OpenTrace { trace }
    }

    /// The innermost trace of this thread.
    pub fn current() -> Option<Arc<Trace>> {
        OPEN.with_borrow(|open| open.last().cloned())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while recording leaves the state consistent: every update below is complete before the lock drops.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn value(self: &Arc<Self>, index: usize, ty: Type) -> Array {
        Array::from_repr(Repr::Traced(TracedValue { trace: self.clone(), index, ty }))
    }

    /// Refuses a value that does not belong to a trace open on this thread.
    pub(crate) fn check_usable(operation: &str, value: &TracedValue) -> Result<()> {
        let message = if value.trace.lock().finished {
            "a traced value outlived the function it was traced in; return it from that function, or compute it outside"
        } else if value.trace.thread != std::thread::current().id() {
            "a traced value was used on another thread; trace and use a function on one thread"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Trace, operation, message))
    }

    /// The number in this trace of an operand, capturing it if it comes from outside.
    fn import(self: &Arc<Self>, operation: &str, array: &Array) -> Result<usize> {
        let (key, ty) = match array.repr() {
            Repr::Error(error) => return Err(error.clone()),
            Repr::Data(data) => (CaptureKey::Data(Arc::as_ptr(data) as usize), data.ty().clone()),
            Repr::Traced(value) => {
                Trace::check_usable(operation, value)?;
                if Arc::ptr_eq(&value.trace, self) {
                    return Ok(value.index);
                }
                (CaptureKey::Outer(Arc::as_ptr(&value.trace) as usize, value.index), value.ty.clone())
            }
        };
        let mut state = self.lock();
        if let Some(&index) = state.captured.get(&key) {
            return Ok(index);
        }
        let index = state.types.len();
        state.types.push(ty);
        state.captures.push((index, array.clone()));
        state.captured.insert(key, index);
        Ok(index)
    }

    /// Makes an array of the enclosing trace a capture of this one, whether an instruction uses it or not.
    pub(crate) fn depend_on(self: &Arc<Self>, array: &Array) -> Result<()> {
        self.import("trace", array).map(drop)
    }

    /// Records one instruction, deriving its result types.
    pub(crate) fn record(self: &Arc<Self>, prim: &'static Prim, args: &[&Array], attrs: Attrs) -> Result<Vec<Array>> {
        let args: SmallVec<[usize; 3]> =
            args.iter().map(|array| self.import(prim.name, array)).collect::<Result<_>>()?;
        let mut state = self.lock();
        let types: SmallVec<[&Type; 3]> = args.iter().map(|&index| &state.types[index]).collect();
        let results = prim.infer(&types, &attrs)?;
        drop(types);
        let (first, count) = (state.types.len(), results.len());
        state.types.extend(results.iter().cloned());
        state.insts.push(Recorded { prim, args, attrs, first, count });
        drop(state);
        Ok(results.into_iter().enumerate().map(|(i, ty)| self.value(first + i, ty)).collect())
    }

    /// Remembers the first error that happened while this trace was innermost.
    pub(crate) fn note_error(&self, error: &Error) {
        self.lock().error.get_or_insert_with(|| error.clone());
    }
}

/// Applies a primitive: recorded in the innermost open trace, or executed at once where none is open.
#[track_caller]
pub(crate) fn apply(prim: &'static Prim, args: &[&Array], attrs: Attrs) -> Vec<Array> {
    let location = Location::caller();
    let trace = Trace::current();
    let outcome = match &trace {
        Some(trace) => trace.record(prim, args, attrs),
        None => crate::eager::execute(prim, args, attrs),
    };
    outcome.unwrap_or_else(|error| {
        let error = error.at(location);
        if let Some(trace) = &trace {
            trace.note_error(&error);
        }
        // The caller indexes as many results as the primitive has; an erroneous call gives one, reused by `Outputs`.
        vec![Array::from_error(error)]
    })
}

/// The guard of an open trace.
pub struct OpenTrace {
    trace: Arc<Trace>,
}

impl OpenTrace {
    /// Adds an argument.
    pub fn param(&self, ty: Type) -> Array {
        let mut state = self.trace.lock();
        let index = state.types.len();
        state.types.push(ty.clone());
        state.params.push(index);
        drop(state);
        self.trace.value(index, ty)
    }

    /// Closes the trace over the given results.
    pub fn finish(self, results: &[Array]) -> Result<Traced> {
        let results: Vec<usize> =
            results.iter().map(|array| self.trace.import(&self.trace.name, array)).collect::<Result<_>>()?;
        let mut state = self.trace.lock();
        if let Some(error) = &state.error {
            return Err(error.clone());
        }
        let mut func = Func::new(self.trace.name.clone(), []);
        let mut renumber = vec![Value::new(0); state.types.len()];
        let captures = std::mem::take(&mut state.captures);
        for &index in captures.iter().map(|(index, _)| index).chain(&state.params) {
            renumber[index] = func.push_param(state.types[index].clone());
        }
        for inst in std::mem::take(&mut state.insts) {
            let args = inst.args.iter().map(|&index| renumber[index]);
            let types = state.types[inst.first..inst.first + inst.count].iter().cloned();
            let range = func.push(inst.prim, args, inst.attrs, types);
            for (offset, index) in range.enumerate() {
                renumber[inst.first + offset] = Value::new(index);
            }
        }
        func.set_results(results.into_iter().map(|index| renumber[index]).collect());
        Ok(Traced { func, captures: captures.into_iter().map(|(_, array)| array).collect() })
    }
}

impl Drop for OpenTrace {
    fn drop(&mut self) {
        self.trace.lock().finished = true;
        OPEN.with_borrow_mut(|open| open.retain(|trace| !Arc::ptr_eq(trace, &self.trace)));
    }
}

/// Records a function in a fresh trace: `body` gets the parameters as arrays and returns the results.
pub fn trace(
    name: &str,
    params: impl IntoIterator<Item = Type>,
    body: impl FnOnce(&[Array]) -> Vec<Array>,
) -> Result<Traced> {
    let open = Trace::open(name);
    let params: Vec<Array> = params.into_iter().map(|ty| open.param(ty)).collect();
    let results = body(&params);
    open.finish(&results)
}

/// Records a function that captures nothing, as transformations do: they only combine what they are given.
pub(crate) fn trace_closed(
    name: &str,
    params: impl IntoIterator<Item = Type>,
    body: impl FnOnce(&[Array]) -> Vec<Array>,
) -> Result<Func> {
    let Traced { func, captures } = trace(name, params, body)?;
    if !captures.is_empty() {
        crate::error::internal(&format!("@{name} captured {} values", captures.len()));
    }
    Ok(func)
}

/// Replays a function on arrays, one recorded (or executed) instruction at a time.
pub fn replay(func: &Func, args: &[Array]) -> Vec<Array> {
    if args.len() != func.params().len() {
        crate::error::internal(&format!("@{} takes {} arguments, got {}", func.name, func.params().len(), args.len()));
    }
    let mut values: Vec<Option<Array>> = vec![None; func.value_count()];
    for (value, array) in func.params().zip(args) {
        values[value.index()] = Some(array.clone());
    }
    let get = |values: &[Option<Array>], value: Value| {
        values[value.index()].clone().unwrap_or_else(|| crate::error::internal(&format!("{value} used before defined")))
    };
    for inst in func.insts() {
        let operands: Vec<Array> = inst.args.iter().map(|&value| get(&values, value)).collect();
        let results = apply(inst.prim, &operands.iter().collect::<Vec<_>>(), inst.attrs.clone());
        for (value, array) in inst.results().zip(repeat_error(results)) {
            values[value.index()] = Some(array);
        }
    }
    func.results().iter().map(|&value| get(&values, value)).collect()
}

/// The results of an application; where it failed, the error as often as asked.
pub(crate) fn repeat_error(results: Vec<Array>) -> impl Iterator<Item = Array> {
    let failed = match results.first() {
        Some(array) if matches!(array.repr(), Repr::Error(_)) => Some(array.clone()),
        _ => None,
    };
    let mut results = results.into_iter();
    std::iter::from_fn(move || results.next().or_else(|| failed.clone()))
}
