//! Kernels: files of precompiled functions, loaded and ready to be called.

use super::check::{Contents, check_function, check_header};
use super::description::{Description, FunctionDescription};
use super::error::LoadError;
use super::header::FunctionHeader;
use super::image::{FileBytes, Image, machine_memory, read};
use super::level::CpuLevel;
use super::object_file::{CodeParts, Parts, parse};
#[cfg(feature = "signatures")]
use super::signature::TrustedKey;
use crate::run::call::CallOptions;
use crate::run::library::LibraryCall;
use crate::run::program::{self, Program};
use crate::{Array, Result, Tensor};
use std::path::Path;
use std::sync::Arc;

/// A loaded kernel file: precompiled functions that run without a compiler. Cheap to clone; its functions keep what they
/// need of it in memory.
///
/// The file is read, not mapped: what becomes of it afterwards does not matter.
///
/// ```
/// # #[cfg(feature = "compiler")] {
/// use cotangent::artifact::{Kernel, KernelBuilder, KernelSource};
/// use cotangent::{Array, DType, jit};
///
/// // Where there is a compiler:
/// let x = Array::zeros(&[4], DType::F32);
/// let traced = jit(|x: Array| (&x * &x).sum()).traced(&x)?;
/// let source = KernelSource::traced("energy", &traced)?.arguments(["x"]).results(["energy"]);
/// let bytes = KernelBuilder::new("example").function(source).build()?;
///
/// // Where there is none:
/// // SAFETY: the bytes come from the builder, unaltered.
/// let kernel = unsafe { Kernel::from_bytes(&bytes) }?;
/// let energy = kernel.function("energy")?.apply(&[Array::from([1.0f32, 2.0, 3.0, 4.0])])?;
/// assert_eq!(energy[0].item()?, 30.0);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Kernel {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    description: Description,
    level: CpuLevel,
    functions: Vec<KernelFunction>,
}

/// A function of a loaded kernel. Cheap to clone; it may be called from any number of threads.
#[derive(Clone, Debug)]
pub struct KernelFunction {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    description: FunctionDescription,
    program: Program,
}

impl Kernel {
    /// Loads a kernel file, with the code for the highest level that this processor has.
    ///
    /// # Safety
    ///
    /// The file's machine code will be run. The caller promises that the file was written by this library and is unaltered,
    /// or that whoever made it may do in this process what they like. Damage by accident is found (the file has a checksum),
    /// and a file of another version, format or machine is refused; but neither is a defence against malice. For that there
    /// is [`Kernel::load_signed`].
    ///
    /// # Errors
    /// A [`LoadError`] for every way in which a file may not fit.
    pub unsafe fn load(path: impl AsRef<Path>) -> std::result::Result<Kernel, LoadError> {
        let file = read(path.as_ref())?;
        let parts = parse(&file)?;
        Kernel::prepare(file, parts)
    }

    /// Loads the bytes of a kernel file.
    ///
    /// # Safety
    ///
    /// As for [`Kernel::load`].
    ///
    /// # Errors
    /// As for [`Kernel::load`].
    pub unsafe fn from_bytes(bytes: &[u8]) -> std::result::Result<Kernel, LoadError> {
        let file = FileBytes::copy(bytes)?;
        let parts = parse(&file)?;
        Kernel::prepare(file, parts)
    }

    /// Loads a kernel file that one of these keys has signed, and refuses all others.
    ///
    /// # Errors
    /// As for [`Kernel::load`]; a file without signature, with that of another key, or altered since.
    #[cfg(feature = "signatures")]
    pub fn load_signed(path: impl AsRef<Path>, keys: &[TrustedKey]) -> std::result::Result<Kernel, LoadError> {
        let file = read(path.as_ref())?;
        let parts = parse(&file)?;
        super::signature::check(&file, &parts, keys)?;
        Kernel::prepare(file, parts)
    }

    /// What a file is, without making anything of it runnable.
    ///
    /// # Errors
    /// As for [`Kernel::load`], except that the processor may be any.
    pub fn describe(path: impl AsRef<Path>) -> std::result::Result<Description, LoadError> {
        Kernel::describe_bytes(&read(path.as_ref())?)
    }

    /// What the bytes of a file are, without making anything of them runnable.
    ///
    /// # Errors
    /// As for [`Kernel::describe`].
    pub fn describe_bytes(bytes: &[u8]) -> std::result::Result<Description, LoadError> {
        let parts = parse(bytes)?;
        check(&parts)?;
        Ok(Description::new(&parts, bytes.len()))
    }

    /// A kernel that a linker has made a part of this program: `table` is the address of the symbol
    /// `cotangent_kernel_NAME`.
    ///
    /// # Safety
    ///
    /// `table` is the address of that symbol, and what the linker took is an unaltered file of this library.
    ///
    /// # Errors
    /// As for [`Kernel::load`].
    pub unsafe fn linked(table: *const LinkedKernel) -> std::result::Result<Kernel, LoadError> {
        // SAFETY: passed on.
        let (parts, images) = unsafe { super::linked::parts(table) }?;
        let calls = check(&parts)?;
        let chosen = chosen(&parts.code, CpuLevel::is_supported)?;
        Ok(Kernel::assemble(parts, calls, chosen, &images[chosen], 0))
    }

    /// Checks the parts of a file, places its code, and makes its functions ready.
    fn prepare(file: FileBytes, parts: Parts) -> std::result::Result<Kernel, LoadError> {
        let calls = check(&parts)?;
        let chosen = chosen(&parts.code, CpuLevel::is_supported)?;
        let file_bytes = file.len();
        let image = Image::place(file, &parts.code[chosen], parts.constants.clone())?;
        Ok(Kernel::assemble(parts, calls, chosen, &image, file_bytes))
    }

    /// Makes the functions of checked parts ready.
    fn assemble(parts: Parts, calls: Vec<Vec<LibraryCall>>, chosen: usize, image: &Image, file_bytes: usize) -> Kernel {
        let description = Description::new(&parts, file_bytes);
        let level = parts.code[chosen].level;
        let functions = parts.header.functions.into_iter().zip(calls);
        let functions =
            functions.map(|(function, calls)| KernelFunction::new(function, calls, chosen, image)).collect();
        Kernel { shared: Arc::new(Shared { description, level, functions }) }
    }

    /// What the file is.
    pub fn description(&self) -> &Description {
        &self.shared.description
    }

    /// The level of the code that was chosen.
    pub fn level(&self) -> CpuLevel {
        self.shared.level
    }

    /// All functions, in the order of the file.
    pub fn functions(&self) -> &[KernelFunction] {
        &self.shared.functions
    }

    /// The function of that name.
    ///
    /// # Errors
    /// [`LoadError::UnknownFunction`], with the names that there are.
    pub fn function(&self, name: &str) -> std::result::Result<&KernelFunction, LoadError> {
        let found = self.functions().iter().find(|function| function.name() == name);
        found.ok_or_else(|| LoadError::UnknownFunction {
            name: name.into(),
            known: self.functions().iter().map(|function| function.name().to_string()).collect(),
        })
    }
}

/// What a linked file's symbol `cotangent_kernel_NAME` is the address of. Only its address is of use.
#[repr(C)]
#[derive(Debug)]
pub struct LinkedKernel {
    pub(super) header: *const u8,
    pub(super) constants: *const u8,
    pub(super) constants_len: u64,
    pub(super) levels: u64,
    // Address and length of the code of each level follow.
}

/// Checks a header against the rest of the file, and gives the library calls of each function.
fn check(parts: &Parts) -> std::result::Result<Vec<Vec<LibraryCall>>, LoadError> {
    check_header(&parts.header)?;
    let code: Vec<usize> = parts.code.iter().map(|code| code.bytes.len()).collect();
    let contents = Contents { constants: parts.constants.len(), code: &code, memory: machine_memory() };
    parts.header.functions.iter().map(|function| check_function(function, &contents)).collect()
}

/// The code for the highest level that the processor has.
pub(super) fn chosen(code: &[CodeParts], has: impl Fn(CpuLevel) -> bool) -> std::result::Result<usize, LoadError> {
    match code.iter().rposition(|code| has(code.level)) {
        Some(chosen) => Ok(chosen),
        None => Err(LoadError::Cpu { level: code[0].level, missing: code[0].level.missing() }),
    }
}

impl KernelFunction {
    /// A function whose header has been checked.
    fn new(header: FunctionHeader, calls: Vec<LibraryCall>, chosen: usize, image: &Image) -> KernelFunction {
        let description = FunctionDescription::new(&header);
        let types = |parameters: Vec<super::Parameter>| parameters.into_iter().map(|parameter| parameter.ty).collect();
        // SAFETY: whoever loads a kernel promises that its code is that of this library, which emits a function of this type
        // at every entry, for just what the header says: the conditions of `Program::new`. That the calls lie within their
        // slots was checked.
        let program = unsafe {
            Program::new(program::Parts {
                name: header.name,
                inputs: types(header.arguments),
                outputs: types(header.results),
                constants: header.constants.into_iter().map(|constant| constant.offset).collect(),
                slots: header.slots.into_iter().map(Into::into).collect(),
                scalar_bytes: header.scalar_bytes,
                arena_bytes: header.arena_bytes,
                calls,
                parallel: header.parallel,
                marks: Vec::new(),
                entry: image.entry(header.entries[chosen]),
                code: Box::new(image.clone()),
            })
        };
        KernelFunction { inner: Arc::new(Inner { description, program }) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.description.name
    }

    /// Its arguments and results.
    pub fn description(&self) -> &FunctionDescription {
        &self.inner.description
    }

    /// Applies the function to arrays, one for each argument.
    ///
    /// # Errors
    /// Arguments whose number or types are not those of the function; an array that is an error.
    pub fn apply(&self, args: &[Array]) -> Result<Vec<Array>> {
        let data = args.iter().map(Array::tensor).collect::<Result<Vec<_>>>()?;
        Ok(self.call(&data)?.into_iter().map(Array::from_tensor).collect())
    }

    /// Runs the function on data.
    ///
    /// # Errors
    /// Arguments whose number or types are not those of the function.
    pub fn call(&self, args: &[Arc<Tensor>]) -> Result<Vec<Tensor>> {
        self.inner.program.call(args)
    }

    /// Runs the function and overwrites `outputs` with the results. In the steady state it allocates nothing.
    ///
    /// # Errors
    /// Arguments or outputs whose number or types are not those of the function.
    pub fn call_into(&self, args: &[Arc<Tensor>], outputs: &mut [Tensor]) -> Result<()> {
        self.inner.program.call_into(args, outputs)
    }

    /// [`KernelFunction::call`] with an observer, a way to cancel it, or a number of threads of its own.
    ///
    /// # Errors
    /// As [`KernelFunction::call`].
    pub fn call_with(&self, args: &[Arc<Tensor>], options: CallOptions<'_>) -> Result<Vec<Tensor>> {
        self.inner.program.call_with(args, options)
    }

    /// [`KernelFunction::call_into`] with the options of [`KernelFunction::call_with`].
    ///
    /// # Errors
    /// As [`KernelFunction::call_into`].
    pub fn call_into_with(&self, args: &[Arc<Tensor>], outputs: &mut [Tensor], options: CallOptions<'_>) -> Result<()> {
        self.inner.program.call_into_with(args, outputs, options)
    }

    /// Runs the function on memory of the caller's: row-major arrays of the types of arguments and results.
    ///
    /// # Safety
    ///
    /// There is an address for each argument and each result, at a multiple of 64, of memory as large as its type; the
    /// arguments can be read, the results written, nobody writes any of them meanwhile, and no result overlaps another result
    /// or an argument.
    ///
    /// # Errors
    /// A number of threads that cannot be; a wrong number of addresses, or one that is no multiple of 64.
    pub unsafe fn call_pointers(
        &self,
        args: &[*const u8],
        results: &[*mut u8],
        options: CallOptions<'_>,
    ) -> Result<()> {
        // SAFETY: passed on.
        unsafe { self.inner.program.call_pointers(args, results, options) }
    }
}
