//! Calling a program.
//!
//! In the steady state a call allocates nothing but its results, and nothing at all with [`Program::call_into`]: the
//! arena and the areas of the workers come from an earlier call. (Matrix products are the exception: the `gemm` crate
//! allocates room for packing by itself.)

use crate::run::memory;
use crate::run::pin::pinning;
use crate::run::pool;
use crate::run::profile::{Marks, Profile};
use crate::run::program::{Program, Slot};
use crate::run::session::{Failure, Session};
pub use crate::run::tap::Observe;
#[cfg(feature = "runtime")]
use cotangent_ir::ALIGNMENT;
use cotangent_ir::{Bytes, Error, ErrorKind, Result, Tensor, Type};
use std::cell::UnsafeCell;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};

/// How a call is made.
#[derive(Default)]
pub struct CallOptions<'a> {
    /// Gets the rows that taps of the program report, on the caller's thread.
    pub observer: Option<&'a mut Observe<'a>>,
    /// Taps of the program ask to stop once this is set.
    pub cancel: Option<&'a AtomicBool>,
    /// Number of workers; by default [`pool::threads`]. Results do not depend on it.
    pub threads: Option<usize>,
    /// Gets what each worker did when, from a program compiled with
    /// [`Options::profile`](crate::compile::Options::profile); other programs leave it empty.
    pub profile: Option<&'a mut Profile>,
}

impl Program {
    /// Runs the program on arguments of exactly its input types.
    pub fn call(&self, args: &[Arc<Tensor>]) -> Result<Vec<Tensor>> {
        self.call_with(args, CallOptions::default())
    }

    /// Runs the program with an observer, a way to cancel it, or another number of workers.
    pub fn call_with(&self, args: &[Arc<Tensor>], options: CallOptions<'_>) -> Result<Vec<Tensor>> {
        self.check_args(args)?;
        let mut buffers: Vec<Bytes> = self.outputs.iter().map(|ty| memory::for_result(ty.byte_len())).collect();
        self.execute(|input| args[input].bytes().as_ptr(), |output| buffers[output].as_mut_ptr(), options)?;
        let finish = |(mut bytes, ty): (Bytes, &Type)| {
            // SAFETY: the buffer was allocated with this capacity, and the program, which has not failed, has written every
            // output.
            unsafe { bytes.set_len(ty.byte_len()) };
            Tensor::from_bytes(ty.clone(), bytes).given_back_to(memory::keep)
        };
        Ok(buffers.into_iter().zip(&self.outputs).map(finish).collect())
    }

    /// Runs the program and overwrites `outputs`, which have exactly its output types. Allocates nothing once the program
    /// has run before. After a call of the host that failed, their elements are unspecified.
    pub fn call_into(&self, args: &[Arc<Tensor>], outputs: &mut [Tensor]) -> Result<()> {
        self.call_into_with(args, outputs, CallOptions::default())
    }

    /// [`Program::call_into`] with the options of [`Program::call_with`].
    pub fn call_into_with(&self, args: &[Arc<Tensor>], outputs: &mut [Tensor], options: CallOptions<'_>) -> Result<()> {
        self.check_args(args)?;
        self.check("result", &self.outputs, outputs.iter().map(Tensor::ty))?;
        let output = |output: usize| outputs[output].bytes_mut().as_mut_ptr();
        self.execute(|input| args[input].bytes().as_ptr(), output, options)
    }

    /// Runs the program on memory of the caller's.
    ///
    /// # Safety
    ///
    /// There is an address for each argument and each result of memory as large as its type; the arguments can be read, the
    /// results written, nobody writes any of them meanwhile, and no result overlaps another result or an argument.
    #[cfg(feature = "runtime")]
    pub(crate) unsafe fn call_pointers(
        &self,
        args: &[*const u8],
        results: &[*mut u8],
        options: CallOptions<'_>,
    ) -> Result<()> {
        let addresses = args.iter().copied().chain(results.iter().map(|result| result.cast_const()));
        let is_wrong = (args.len(), results.len()) != (self.inputs.len(), self.outputs.len());
        if is_wrong || addresses.clone().any(|address| !address.addr().is_multiple_of(ALIGNMENT)) {
            let (inputs, outputs) = (self.inputs.len(), self.outputs.len());
            let message = format!(
                "expected {inputs} addresses of arguments and {outputs} of results, all multiples of {ALIGNMENT}, given {:?}",
                addresses.collect::<Vec<_>>()
            );
            return Err(Error::new(ErrorKind::Argument, self.name.as_str(), message));
        }
        self.execute(|input| args[input], |output| results[output], options)
    }

    fn check_args(&self, args: &[Arc<Tensor>]) -> Result<()> {
        self.check("argument", &self.inputs, args.iter().map(|arg| arg.ty()))
    }

    fn check<'a>(&self, what: &str, expected: &[Type], given: impl ExactSizeIterator<Item = &'a Type>) -> Result<()> {
        if given.len() != expected.len() {
            let message = format!(
                "expected {} {what}{}, given {}; pass one for each of {expected:?}",
                expected.len(),
                if expected.len() == 1 { "" } else { "s" },
                given.len()
            );
            return Err(Error::new(ErrorKind::Structure, self.name.as_str(), message));
        }
        for (position, (expected, given)) in expected.iter().zip(given).enumerate() {
            if expected == given {
                continue;
            }
            let (kind, remedy) = match expected.dtype == given.dtype {
                true => (ErrorKind::Shape, "reshape it, or compile the function for this shape"),
                false => (ErrorKind::DType, "convert it, or compile the function for this dtype"),
            };
            let message = format!("{what} {position}: expected {expected}, given {given}; {remedy}");
            return Err(Error::new(kind, self.name.as_str(), message));
        }
        Ok(())
    }

    /// Runs the entry point on every worker. Types have been checked; `input` gives the memory of each argument, `output`
    /// that of each result.
    fn execute(
        &self,
        input: impl Fn(usize) -> *const u8,
        mut output: impl FnMut(usize) -> *mut u8,
        options: CallOptions<'_>,
    ) -> Result<()> {
        let CallOptions { observer, cancel, threads, profile } = options;
        let workers = match (self.parallel, threads) {
            (false, _) => 1,
            (true, Some(threads)) => pool::check_threads("CallOptions::threads", threads)?,
            (true, None) => pool::threads()?,
        };
        if workers > 1 {
            // A mistake in the environment is the caller's to hear of; the team cannot tell.
            pinning()?;
        }
        let mut workspace = self.take_workspace(workers);
        let (arena, template) = (workspace.arena(), workspace.template());
        for (entry, slot) in self.slots.iter().enumerate() {
            let pointer = match *slot {
                Slot::Input(position) => match self.constants.get(position) {
                    Some(&offset) => self.code.constants().wrapping_add(offset).cast_mut(),
                    None => input(position - self.constants.len()).cast_mut(),
                },
                Slot::Output(result) => output(result),
                Slot::Arena { offset, .. } => arena.wrapping_add(offset),
            };
            // SAFETY: the table has an entry for every slot.
            unsafe { template.add(entry).write(pointer) };
        }
        let marks = profile.is_some().then(|| Marks::new(workers));
        let session = Session {
            marks: marks.as_ref(),
            routines: &self.routines,
            barrier: workspace.barrier(),
            most: AtomicUsize::new(usize::MAX),
            areas: workspace.areas(),
            template,
            slots: self.slots.len(),
            scratch_offset: self.layout.scratch_from_scalars(),
            observer: UnsafeCell::new(observer.map(|observer| observer as &mut Observe<'_>)),
            cancel,
            stopped: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            failure: Mutex::new(None),
        };
        // SAFETY: the entry is this program's, the pool runs each worker once, and the workspace is this call's.
        pool::run(workers, &|index, count| unsafe { session.run_worker(self.entry, index, count) });
        let failure = session.into_failure();
        self.give_workspace(workspace);
        if let (Some(profile), Some(marks)) = (profile, marks) {
            *profile = marks.into_profile(&self.marks);
        }
        match failure {
            None => Ok(()),
            Some(Failure::Error(error)) => Err(error),
            Some(Failure::Panic(payload)) => resume_unwind(payload),
        }
    }
}
