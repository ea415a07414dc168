//! Emission: from a plan to machine code.
//!
//! Every kernel of a plan becomes one function that runs a range of chunks, written by `wide` if it can and through Cranelift
//! otherwise; the steps become, through Cranelift, the program's main function, which all workers execute. Elementary
//! functions are written out in arithmetic before. What Cranelift's IR looks like is known in this folder only.
//!
//! Before: a plan as planning leaves it. After: code that touches exactly the memory the plan names. Results depend on the
//! plan and the target, never on the number of workers.

mod access;
mod accumulate;
mod body;
mod contraction;
mod convert;
mod expand;
mod kernel_function;
mod kernels;
mod lanes;
mod large_angles;
mod main_function;
mod nodes;
mod relocatable;
mod split;
#[cfg(test)]
mod tests;
mod wide;

pub(crate) use self::body::order;
pub(crate) use self::kernel_function::chunk_size;
pub(crate) use self::relocatable::{Relocatable, RuntimeReference, emit_relocatable};

use crate::artifact::CpuLevel;
use crate::compile::plan::Plan;
use crate::run::entry_points;
use crate::run::pages::CodePages;
use crate::run::program::Entry;
use cotangent_ir::error::internal;
use cranelift_codegen::Context;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::{AbiParam, FuncRef, Function, Signature, Type, types};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa, TargetFrontendConfig};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module, ModuleReloc, ModuleRelocTarget, default_libcall_names};
use std::collections::HashMap;

/// How elements are processed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Lanes {
    /// Vectors of 256 bits where a kernel and the processor allow, else as `Vector`.
    Wide,
    /// Vectors of 128 bits where loops allow.
    Vector,
    /// One element at a time: for comparison.
    Scalar,
}

/// What the emitter is asked for besides the plan.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Settings {
    /// How elements are processed.
    pub lanes: Lanes,
    /// Whether Cranelift checks what it is given.
    pub verify: bool,
    /// Whether [`Code::clif`] and [`Code::assembly`] are filled.
    pub listing: bool,
    /// Which instructions are used.
    pub processor: Processor,
    /// Whether the program marks the beginning of every step.
    pub profile: bool,
    /// Whether lanes of distant vectors scatter in turns.
    pub scatter_in_turns: bool,
}

/// What the processor is taken to be able to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Processor {
    /// All that the one at hand can.
    Native,
    /// What nearly every processor of its architecture can: on x86-64 the second microarchitecture level, that is vectors
    /// of 128 bits, but no fused multiplication and addition.
    Baseline,
    /// A level of x86-64, whatever the one at hand can.
    Level(CpuLevel),
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            lanes: Lanes::Wide,
            verify: cfg!(debug_assertions),
            listing: false,
            processor: Processor::Native,
            profile: false,
            scatter_in_turns: true,
        }
    }
}

/// A program in memory.
pub struct Code {
    /// Owner of the pages; the entry is valid as long as it lives.
    pub owner: CodePages,
    /// What every worker calls.
    pub entry: Entry,
    /// Size of the machine code.
    pub bytes: usize,
    /// How each kernel of the plan processes its elements; of those that are part of the main function, nothing.
    pub kernel_lanes: Vec<Option<Lanes>>,
    /// What the steps are that the program marks, by number.
    pub marks: Vec<String>,
    /// Cranelift's IR, if a listing was asked for.
    pub clif: String,
    /// The machine code as text, if a listing was asked for.
    pub assembly: String,
}

/// Compiles a plan into memory.
pub fn emit(plan: &Plan, settings: &Settings) -> Code {
    let mut builder = JITBuilder::with_isa(target(settings, Placement::Here), default_libcall_names());
    builder.symbols(entry_points::symbols());
    let mut module = JITModule::new(builder);
    let fused = module.isa().has_native_fma();
    let mut unit = Unit::new(&mut module, *settings);
    let main = main_function::define(&mut unit, &expand::expand(plan, fused));
    unit.define_helpers();
    let Unit { bytes, kernel_lanes, marks, clif, assembly, .. } = unit;
    module.finalize_definitions().unwrap_or_else(|error| internal(&format!("code memory: {error}")));
    let owner = CodePages::new(module, main);
    Code { entry: owner.entry(), owner, bytes, kernel_lanes, marks, clif, assembly }
}

/// Where code is going to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Placement {
    /// In this process, where it is put together.
    Here,
    /// Anywhere: it must not contain addresses.
    Anywhere,
}

/// The host's architecture with the instructions asked for.
fn target(settings: &Settings, placement: Placement) -> OwnedTargetIsa {
    let mut flags = settings::builder();
    let mut set = |name: &str, value: &str| {
        flags.set(name, value).unwrap_or_else(|error| internal(&format!("code generator setting {name}: {error}")));
    };
    // What the optimiser would do is done while writing: values are shared and computed in the outermost loop possible.
    // Left alone, instructions keep the order in which they are written, so that accumulators are updated at once and
    // loads stand next to their use; the optimiser would delay both to the end of the block and run out of registers.
    set("opt_level", "none");
    set("enable_verifier", if settings.verify { "true" } else { "false" });
    set("is_pic", if placement == Placement::Anywhere { "true" } else { "false" });
    set("use_colocated_libcalls", "false");
    let native = settings.processor == Processor::Native;
    let mut builder = cranelift_native::builder_with_options(native)
        .unwrap_or_else(|error| internal(&format!("no code for this host: {error}")));
    let level = match settings.processor {
        Processor::Native => None,
        Processor::Baseline => Some(CpuLevel::V2),
        Processor::Level(level) => Some(level),
    };
    if let Some(level) = level.filter(|_| cfg!(target_arch = "x86_64")) {
        for feature in level.features().filter_map(cranelift_flag) {
            builder
                .enable(feature)
                .unwrap_or_else(|error| internal(&format!("code generator setting {feature}: {error}")));
        }
    }
    let isa = builder.finish(settings::Flags::new(flags));
    isa.unwrap_or_else(|error| internal(&format!("code generator: {error}")))
}

/// Cranelift's name for a feature of processors, if it makes use of it.
fn cranelift_flag(feature: &str) -> Option<&'static str> {
    Some(match feature {
        "sse3" => "has_sse3",
        "ssse3" => "has_ssse3",
        "sse4.1" => "has_sse41",
        "sse4.2" => "has_sse42",
        "popcnt" => "has_popcnt",
        "avx" => "has_avx",
        "avx2" => "has_avx2",
        "bmi1" => "has_bmi1",
        "bmi2" => "has_bmi2",
        "fma" => "has_fma",
        "lzcnt" => "has_lzcnt",
        "avx512f" => "has_avx512f",
        "avx512dq" => "has_avx512dq",
        "avx512vl" => "has_avx512vl",
        _ => return None,
    })
}

/// A module under construction.
pub(crate) struct Unit<'m> {
    module: &'m mut dyn Module,
    settings: Settings,
    context: Context,
    scratch: FunctionBuilderContext,
    helpers: Vec<Helper>,
    bytes: usize,
    kernel_lanes: Vec<Option<Lanes>>,
    marks: Vec<String>,
    clif: String,
    assembly: String,
}

/// A function that several functions share: the platform's sine or cosine for all lanes of the vector at an address. It
/// changes no register, so that the rare call of it does not slow down what surrounds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Helper {
    name: &'static str,
    ty: Type,
    id: FuncId,
}

impl<'m> Unit<'m> {
    fn new(module: &'m mut dyn Module, settings: Settings) -> Unit<'m> {
        let (context, scratch) = (module.make_context(), FunctionBuilderContext::new());
        let (helpers, kernel_lanes, marks) = (Vec::new(), Vec::new(), Vec::new());
        let (clif, assembly) = (String::new(), String::new());
        Unit { module, settings, context, scratch, helpers, bytes: 0, kernel_lanes, marks, clif, assembly }
    }

    /// Declares and defines a function: `build` fills it in.
    fn define(
        &mut self,
        name: &str,
        params: &[Type],
        build: impl FnOnce(&mut Function, &mut FunctionBuilderContext, &mut Imports<'_>),
    ) -> FuncId {
        let signature = signature(self.module, params, None);
        let declared = self.module.declare_function(name, Linkage::Local, &signature);
        let id = declared.unwrap_or_else(|error| internal(&format!("declaring {name}: {error}")));
        self.fill(name, id, signature, build);
        id
    }

    /// Declares a function of which the machine code is there already.
    fn define_code(&mut self, name: &str, params: &[Type], code: &wide::MachineCode) -> FuncId {
        let signature = signature(self.module, params, None);
        let declared = self.module.declare_function(name, Linkage::Local, &signature);
        let id = declared.unwrap_or_else(|error| internal(&format!("declaring {name}: {error}")));
        let mut relocations = Vec::new();
        for &(position, helper) in &code.calls {
            let ty = if helper.wide { types::F64X2 } else { types::F32X4 };
            let callee = helper_id(self.module, &mut self.helpers, helper.name, ty);
            relocations.push(ModuleReloc {
                offset: position as u32,
                kind: Reloc::X86CallPCRel4,
                name: ModuleRelocTarget::from(callee),
                addend: -4,
            });
        }
        if let Err(error) = self.module.define_function_bytes(id, wide::ALIGNMENT as u64, &code.bytes, &relocations) {
            internal(&format!("placing {name}: {error:?}"));
        }
        self.bytes += code.bytes.len();
        if self.settings.listing {
            self.clif += &format!("; {name} has no Cranelift code\n");
            self.assembly += &format!("; {name}\n{}\n", code.text);
        }
        id
    }

    /// Defines the helpers that were asked for.
    fn define_helpers(&mut self) {
        for Helper { name, ty, id } in std::mem::take(&mut self.helpers) {
            let signature = helper_signature(self.module);
            self.fill(&helper_name(name, ty), id, signature, |function, scratch, imports| {
                large_angles::define_helper(function, scratch, imports, name, ty);
            });
        }
    }

    fn fill(
        &mut self,
        name: &str,
        id: FuncId,
        signature: Signature,
        build: impl FnOnce(&mut Function, &mut FunctionBuilderContext, &mut Imports<'_>),
    ) {
        self.context.clear();
        self.context.func.signature = signature;
        self.context.set_disasm(self.settings.listing);
        let mut imports = Imports { module: self.module, helpers: &mut self.helpers, known: HashMap::new() };
        build(&mut self.context.func, &mut self.scratch, &mut imports);
        if self.settings.listing {
            self.clif += &format!("; {name}\n{}\n", self.context.func.display());
        }
        if let Err(error) = self.module.define_function(id, &mut self.context) {
            internal(&format!("compiling {name}: {error:?}\n{}", self.context.func.display()));
        }
        if let Some(code) = self.context.compiled_code() {
            self.bytes += code.code_info().total_size as usize;
            if let Some(text) = &code.vcode {
                self.assembly += &format!("; {name}\n{text}\n");
            }
        }
    }
}

/// Functions that the one under construction may call.
pub(crate) struct Imports<'a> {
    module: &'a mut dyn Module,
    helpers: &'a mut Vec<Helper>,
    known: HashMap<FuncId, FuncRef>,
}

impl Imports<'_> {
    /// A runtime function, by its name.
    fn runtime(&mut self, function: &mut Function, name: &str, params: &[Type], result: Option<Type>) -> FuncRef {
        let signature = signature(self.module, params, result);
        let declared = self.module.declare_function(name, Linkage::Import, &signature);
        self.defined(function, declared.unwrap_or_else(|error| internal(&format!("declaring {name}: {error}"))))
    }

    /// A function of this module.
    fn defined(&mut self, function: &mut Function, id: FuncId) -> FuncRef {
        let module = &mut self.module;
        *self.known.entry(id).or_insert_with(|| module.declare_func_in_func(id, function))
    }

    /// The helper that replaces each lane of the vector at an address by a function of it.
    fn helper(&mut self, function: &mut Function, name: &'static str, ty: Type) -> FuncRef {
        let id = helper_id(self.module, self.helpers, name, ty);
        self.defined(function, id)
    }

    fn frontend_config(&self) -> TargetFrontendConfig {
        self.module.target_config()
    }

    /// Whether one instruction multiplies and adds.
    fn has_fma(&self) -> bool {
        self.module.isa().has_native_fma()
    }
}

fn signature(module: &dyn Module, params: &[Type], result: Option<Type>) -> Signature {
    let mut signature = module.make_signature();
    signature.params.extend(params.iter().map(|&param| AbiParam::new(param)));
    signature.returns.extend(result.map(AbiParam::new));
    signature
}

fn helper_id(module: &mut dyn Module, helpers: &mut Vec<Helper>, name: &'static str, ty: Type) -> FuncId {
    if let Some(helper) = helpers.iter().find(|helper| helper.name == name && helper.ty == ty) {
        return helper.id;
    }
    let symbol = helper_name(name, ty);
    let declared = module.declare_function(&symbol, Linkage::Local, &helper_signature(module));
    let id = declared.unwrap_or_else(|error| internal(&format!("declaring {symbol}: {error}")));
    helpers.push(Helper { name, ty, id });
    id
}

fn helper_signature(module: &dyn Module) -> Signature {
    let mut signature = signature(module, &[POINTER], None);
    signature.call_conv = CallConv::PreserveAll;
    signature
}

fn helper_name(name: &str, ty: Type) -> String {
    format!("large_{name}_{ty}")
}

/// Pointers and loop counters.
const POINTER: Type = types::I64;
