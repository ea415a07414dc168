//! Code that can be placed anywhere: for files.
//!
//! All functions of a program lie in one block, the distances between them filled in. What is left to be resolved are
//! references to the runtime's functions, by name.

use super::{Placement, Settings, Unit, expand, main_function, target};
use crate::compile::plan::Plan;
use cotangent_ir::error::internal;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_codegen::{Context, ir};
use cranelift_module::{
    DataDescription, DataId, FuncId, Linkage, Module, ModuleDeclarations, ModuleError, ModuleReloc, ModuleRelocTarget,
    ModuleResult,
};
use std::collections::HashMap;

/// Bytes of a distance in an instruction.
const DISTANCE: usize = 4;

/// A program's code.
pub(crate) struct Relocatable {
    /// The code of all its functions.
    pub(crate) bytes: Vec<u8>,
    /// Where what every worker calls begins.
    pub(crate) entry: u64,
    /// Name, offset and size of each function.
    pub(crate) symbols: Vec<(String, u64, u64)>,
    /// What is to be resolved.
    pub(crate) references: Vec<RuntimeReference>,
}

/// A place in code that is to hold the distance to a function of the runtime, or to its address.
pub(crate) struct RuntimeReference {
    /// Offset of the place.
    pub(crate) at: u64,
    /// Whether it leads to a word with the address, rather than to the function.
    pub(crate) is_address: bool,
    /// The function.
    pub(crate) symbol: String,
    /// Is added to the distance.
    pub(crate) addend: i64,
}

/// Compiles a plan into code that can be placed anywhere.
pub(crate) fn emit_relocatable(plan: &Plan, settings: &Settings) -> Relocatable {
    let mut module = Block::new(target(settings, Placement::Anywhere));
    let fused = module.isa().has_native_fma();
    let mut unit = Unit::new(&mut module, *settings);
    let main = main_function::define(&mut unit, &expand::expand(plan, fused));
    unit.define_helpers();
    module.finish(main)
}

/// A module whose functions are put one behind the other.
struct Block {
    isa: OwnedTargetIsa,
    declarations: ModuleDeclarations,
    bytes: Vec<u8>,
    /// Offset and size of the functions defined.
    defined: HashMap<FuncId, (usize, usize)>,
    order: Vec<FuncId>,
    /// Offsets in the block.
    relocations: Vec<(usize, Reloc, ModuleRelocTarget, i64)>,
}

impl Block {
    fn new(isa: OwnedTargetIsa) -> Block {
        Block {
            isa,
            declarations: ModuleDeclarations::default(),
            bytes: Vec::new(),
            defined: HashMap::new(),
            order: Vec::new(),
            relocations: Vec::new(),
        }
    }

    fn name(&self, id: FuncId) -> String {
        self.declarations.get_function_decl(id).linkage_name(id).into_owned()
    }

    /// Fills in the distances between functions.
    fn finish(mut self, main: FuncId) -> Relocatable {
        let mut references = Vec::new();
        for (at, kind, target, addend) in std::mem::take(&mut self.relocations) {
            let ModuleRelocTarget::User { namespace: 0, index } = target else {
                internal(&format!("code for a file refers to {target}"));
            };
            let id = FuncId::from_u32(index);
            match (self.defined.get(&id), kind) {
                (Some(&(start, _)), Reloc::X86CallPCRel4 | Reloc::X86PCRel4 | Reloc::X86CallPLTRel4) => {
                    let distance = start as i64 - at as i64 + addend;
                    let distance = i32::try_from(distance).unwrap_or_else(|_| internal("code of more than 2 GiB"));
                    self.bytes[at..at + DISTANCE].copy_from_slice(&distance.to_le_bytes());
                }
                (None, Reloc::X86CallPLTRel4 | Reloc::X86CallPCRel4 | Reloc::X86GOTPCRel4) => {
                    let is_address = kind == Reloc::X86GOTPCRel4;
                    references.push(RuntimeReference { at: at as u64, is_address, symbol: self.name(id), addend });
                }
                (found, kind) => {
                    let name = self.name(id);
                    internal(&format!("a relocation {kind:?} of {name}, which is at {found:?}"))
                }
            }
        }
        let symbols = self.order.iter().map(|&id| {
            let (start, size) = self.defined[&id];
            (self.name(id), start as u64, size as u64)
        });
        Relocatable {
            symbols: symbols.collect(),
            entry: self.defined.get(&main).map_or_else(|| internal("no main function"), |&(start, _)| start as u64),
            bytes: self.bytes,
            references,
        }
    }
}

impl Module for Block {
    fn isa(&self) -> &dyn TargetIsa {
        &*self.isa
    }

    fn declarations(&self) -> &ModuleDeclarations {
        &self.declarations
    }

    fn declare_function(&mut self, name: &str, linkage: Linkage, signature: &Signature) -> ModuleResult<FuncId> {
        self.declarations.declare_function(name, linkage, signature).map(|(id, _)| id)
    }

    fn declare_anonymous_function(&mut self, signature: &ir::Signature) -> ModuleResult<FuncId> {
        self.declarations.declare_anonymous_function(signature)
    }

    fn declare_data(&mut self, _: &str, _: Linkage, _: bool, _: bool) -> ModuleResult<DataId> {
        internal("kernels have no data of their own")
    }

    fn declare_anonymous_data(&mut self, _: bool, _: bool) -> ModuleResult<DataId> {
        internal("kernels have no data of their own")
    }

    fn define_function_with_control_plane(
        &mut self,
        id: FuncId,
        context: &mut Context,
        control_plane: &mut ControlPlane,
    ) -> ModuleResult<()> {
        let code = context.compile(&*self.isa, control_plane)?;
        let alignment = u64::from(code.buffer.alignment.max(self.isa.function_alignment().minimum));
        let Some(code) = context.compiled_code() else { internal("a function was compiled to nothing") };
        let relocations = code.buffer.relocs().iter();
        let relocations: Vec<ModuleReloc> =
            relocations.map(|reloc| ModuleReloc::from_mach_reloc(reloc, &context.func, id)).collect();
        self.define_function_bytes(id, alignment.max(self.isa.symbol_alignment()), code.code_buffer(), &relocations)
    }

    fn define_function_bytes(
        &mut self,
        id: FuncId,
        alignment: u64,
        bytes: &[u8],
        relocations: &[ModuleReloc],
    ) -> ModuleResult<()> {
        let start = self.bytes.len().next_multiple_of(alignment as usize);
        // What lies between functions stops whoever gets there.
        const BREAKPOINT: u8 = 0xcc;
        self.bytes.resize(start, BREAKPOINT);
        self.bytes.extend(bytes);
        if self.defined.insert(id, (start, bytes.len())).is_some() {
            return Err(ModuleError::DuplicateDefinition(self.name(id)));
        }
        self.order.push(id);
        self.relocations.extend(relocations.iter().map(|relocation| {
            (start + relocation.offset as usize, relocation.kind, relocation.name.clone(), relocation.addend)
        }));
        Ok(())
    }

    fn define_data(&mut self, _: DataId, _: &DataDescription) -> ModuleResult<()> {
        internal("kernels have no data of their own")
    }
}
