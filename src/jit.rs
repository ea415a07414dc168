//! `jit`: a function traced once for each structure and type of its arguments, compiled, and kept.
//!
//! Arrays that the closure captures are parameters of the traced function, not part of it: functions that differ only in
//! captured data share their compiled code through the structural compile cache of the process.

mod entries;

use crate::executable::{Executable, Options};
use crate::function::Function;
use crate::jit::entries::{Entries, Form};
use crate::trace::{Evaluated, Recorded, check_like, data_of, name_of, record};
use crate::tree::Tree;
use cotangent_ir::prim::control::call_func;
use cotangent_ir::trace::{Trace, Traced};
use cotangent_ir::{Array, Error, ErrorKind, Func, Result, Tensor};
use std::panic::Location;
use std::sync::{Arc, OnceLock};

/// A compiled function: the result of [`jit`]. Cheap to clone; clones share what has been compiled.
pub struct Jit<F> {
    shared: Arc<Shared<F>>,
    /// Number of threads of its calls, if not that of all.
    threads: Option<usize>,
}

struct Shared<F> {
    function: F,
    options: Options,
    entries: Entries,
}

/// A traced function.
struct Entry<O> {
    output: O,
    /// That of the output.
    form: Form,
    func: Arc<Func>,
    captures: Vec<Array>,
    /// Made at the first call outside any trace; most functions that others use never are.
    executable: OnceLock<Executable>,
}

/// An entry or, with an error, a template of the result.
type Looked<O> = Result<Arc<Entry<O>>, (O, Error)>;

impl<O> Entry<O> {
    fn executable(&self, options: &Options) -> Result<&Executable> {
        if let Some(executable) = self.executable.get() {
            return Ok(executable);
        }
        let executable = Executable::new(&self.func, options)?;
        Ok(self.executable.get_or_init(|| executable))
    }

    /// Runs the program.
    fn run(&self, options: &Options, threads: Option<usize>, leaves: &[Array]) -> Result<Vec<Array>> {
        let results = self.executable(options)?.call(&self.data(leaves)?, threads)?;
        Ok(results.into_iter().map(Array::from_tensor).collect())
    }

    /// The data of all parameters: what was captured, then the leaves of the arguments.
    fn data(&self, leaves: &[Array]) -> Result<Vec<Arc<Tensor>>> {
        data_of(self.captures.iter().chain(leaves))
    }
}

/// Compiles a function: it is traced at the first call with arguments of new structure or leaf types, and runs as native
/// code from then on.
///
/// ```
/// use cotangent::{Array, jit, value_and_grad};
/// let f = jit(value_and_grad(|x: Array| (&x * &x).sum()));
/// let (value, gradient) = f.call(Array::from([1.0f32, 2.0]))?;
/// assert_eq!(value.item()?, 5.0);
/// assert_eq!(gradient.to_vec::<f32>()?, [2.0, 4.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn jit<F>(function: F) -> Jit<F> {
    Jit {
        shared: Arc::new(Shared { function, options: Options::default(), entries: Entries::default() }),
        threads: None,
    }
}

/// As [`jit`], compiled with other options than the default ones.
#[cfg(feature = "compiler")]
pub fn jit_with<F>(function: F, options: Options) -> Jit<F> {
    Jit { shared: Arc::new(Shared { function, options, entries: Entries::default() }), threads: None }
}

impl<F> Clone for Jit<F> {
    fn clone(&self) -> Jit<F> {
        Jit { shared: self.shared.clone(), threads: self.threads }
    }
}

impl<F> Jit<F> {
    /// The function with a number of threads of its own, in place of that of
    /// [`set_threads`](crate::run::pool::set_threads) or of the environment variable `COTANGENT_THREADS`. Results do not
    /// depend on it, and what has been compiled is shared with the function as it was. A number that cannot be is an error
    /// of the calls.
    ///
    /// ```
    /// use cotangent::{Array, jit};
    /// let sines = jit(|x: Array| x.sin());
    /// let alone = sines.clone().with_threads(1);
    /// let x = Array::from(vec![0.5f32; 100_000]);
    /// assert_eq!(alone.call(x.clone())?.to_vec::<f32>()?, sines.call(x.clone())?.to_vec::<f32>()?);
    /// assert!(sines.with_threads(0).call(x).is_err());
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    #[cfg(feature = "compiler")]
    pub fn with_threads(self, threads: usize) -> Jit<F> {
        Jit { threads: Some(threads), ..self }
    }

    /// Applies the function.
    ///
    /// # Errors
    /// A mistake in the function, found while tracing; an argument that is an error or a traced value of another place.
    #[track_caller]
    pub fn call<A: Tree, M>(&self, args: A) -> Result<F::Output>
    where
        F: Function<A, M>,
    {
        let location = Location::caller();
        self.evaluate(args).into_result().map_err(|error| error.at(location))
    }

    /// Applies the function and writes the result into `out`, which must be a result of the same structure and types. In
    /// the steady state nothing is allocated for array data, unless an array of `out` is shared with another handle.
    ///
    /// # Errors
    /// As [`Jit::call`]; an `out` of another structure or types; an open trace. `out` is then left as it was.
    #[track_caller]
    pub fn call_into<A: Tree, M>(&self, args: A, out: &mut F::Output) -> Result<()>
    where
        F: Function<A, M>,
    {
        let location = Location::caller();
        self.fill(args, out).map_err(|error| error.at(location))
    }

    /// Applies the function with an observer of the rows it reports, a way to cancel it, or a number of threads of its own.
    ///
    /// # Errors
    /// As [`Jit::call`]; an open trace.
    #[cfg(feature = "compiler")]
    #[track_caller]
    pub fn call_with<A: Tree, M>(&self, args: A, mut options: crate::run::call::CallOptions<'_>) -> Result<F::Output>
    where
        F: Function<A, M>,
    {
        let location = Location::caller();
        options.threads = options.threads.or(self.threads);
        let call = || {
            let leaves = args.leaves();
            let entry = self.untraced_entry("call_with", &args, &leaves)?;
            let results = entry.executable(&self.shared.options)?.0.call_with(&entry.data(&leaves)?, options)?;
            Ok(entry.output.with_leaves(results.into_iter().map(Array::from_tensor).collect()))
        };
        call().map_err(|error: Error| error.at(location))
    }

    /// The program for arguments of these types. Its parameters are those of [`Jit::traced`].
    ///
    /// # Errors
    /// A mistake in the function, found while tracing.
    #[cfg(feature = "compiler")]
    #[track_caller]
    pub fn compiled<A: Tree, M>(&self, args: &A) -> Result<Arc<crate::compile::Compiled>>
    where
        F: Function<A, M>,
    {
        let location = Location::caller();
        let entry = self.entry(args, &args.leaves()).map_err(|(_, error)| error.at(location))?;
        entry
            .executable(&self.shared.options)
            .map(|executable| executable.0.clone())
            .map_err(|error| error.at(location))
    }

    /// The traced function for arguments of these types, and the arrays to pass for its leading parameters.
    ///
    /// # Errors
    /// A mistake in the function, found while tracing.
    #[track_caller]
    pub fn traced<A: Tree, M>(&self, args: &A) -> Result<Traced>
    where
        F: Function<A, M>,
    {
        let location = Location::caller();
        let entry = self.entry(args, &args.leaves()).map_err(|(_, error)| error.at(location))?;
        Ok(Traced { func: (*entry.func).clone(), captures: entry.captures.clone() })
    }

    /// The kept trace for these arguments, made now if need be.
    fn entry<A: Tree, M>(&self, args: &A, leaves: &[Array]) -> Looked<F::Output>
    where
        F: Function<A, M>,
    {
        if let Some(entry) = self.shared.entries.find(args, leaves) {
            return Ok(entry);
        }
        let Recorded { output, outcome } = record(&name_of::<F>(), args, |args| self.shared.function.apply(args));
        let (Traced { func, captures }, types) = match outcome.and_then(|traced| Ok((traced, args.leaf_types()?))) {
            Ok(found) => found,
            Err(error) => return Err((output, error)),
        };
        // A captured value of an enclosing trace is another one the next time.
        let lasting = captures.iter().all(|capture| capture.tensor().is_ok());
        let form = Form::new(&output, func.results().iter().map(|result| func.ty(*result).clone()).collect());
        let (output, func) = (crate::trace::template(&output), Arc::new(func));
        let entry = Arc::new(Entry { output, form, func, captures, executable: OnceLock::new() });
        if lasting {
            self.shared.entries.keep(args, types, entry.clone());
        }
        Ok(entry)
    }

    fn evaluate<A: Tree, M>(&self, args: A) -> Evaluated<F::Output>
    where
        F: Function<A, M>,
    {
        let leaves = args.leaves();
        let entry = match self.entry(&args, &leaves) {
            Ok(entry) => entry,
            Err((output, error)) => return Evaluated::new(output, Err(error)),
        };
        let outcome = match Trace::current() {
            Some(_) => Ok(call_func(entry.func.clone(), &[&entry.captures[..], &leaves].concat())),
            None => entry.run(&self.shared.options, self.threads, &leaves),
        };
        Evaluated::new(entry.output.clone(), outcome)
    }

    /// The kept trace, for what runs a program whether it wants to be traced or not.
    fn untraced_entry<A: Tree, M>(&self, operation: &str, args: &A, leaves: &[Array]) -> Result<Arc<Entry<F::Output>>>
    where
        F: Function<A, M>,
    {
        if Trace::current().is_some() {
            let message = "runs a program, but a function is being traced here; use `apply` or `call`, which record it";
            return Err(Error::new(ErrorKind::Trace, operation, message));
        }
        self.entry(args, leaves).map_err(|(_, error)| error)
    }

    fn fill<A: Tree, M>(&self, args: A, out: &mut F::Output) -> Result<()>
    where
        F: Function<A, M>,
    {
        let leaves = args.leaves();
        let entry = self.untraced_entry("call_into", &args, &leaves)?;
        let targets = out.leaves();
        if !entry.form.fits(out, &targets) {
            let remedy = "pass a result of an earlier call with arguments of these types";
            check_like("call_into", "`out`", out, &entry.output, remedy)?;
        }
        let executable = entry.executable(&self.shared.options)?;
        let data = entry.data(&leaves)?;
        let old = data_of(&targets)?;
        // From here `old` is the only owner of arrays that nobody else holds: those are written in place.
        drop(targets);
        *out = entry.output.clone();
        let mut results: Vec<Tensor> = old.into_iter().map(sole_owner).collect();
        let outcome = executable.call_into(&data, &mut results, self.threads);
        *out = entry.output.with_leaves(results.into_iter().map(Array::from_tensor).collect());
        outcome
    }
}

/// The tensor itself where nobody else holds it, else a copy.
fn sole_owner(tensor: Arc<Tensor>) -> Tensor {
    Arc::try_unwrap(tensor).unwrap_or_else(|shared| (*shared).clone())
}

impl<F, A, M> Function<A, M> for Jit<F>
where
    F: Function<A, M>,
    A: Tree,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        self.evaluate(args).into_tree()
    }
}
