//! Owner of the memory that holds compiled code.
//!
//! Cranelift maps the pages writable, fills them and makes them executable, never both at once. It does not free them by
//! itself; [`CodePages`] does, when the last user of the program is gone.

use crate::run::program::{Code, Entry};
use cranelift_jit::JITModule;
use cranelift_module::FuncId;
use std::mem::ManuallyDrop;

/// Finished machine code.
pub struct CodePages {
    module: ManuallyDrop<JITModule>,
    entry: Entry,
}

impl CodePages {
    /// Takes over a module whose definitions are finalized. `entry` names its function of type [`Entry`].
    pub(crate) fn new(module: JITModule, entry: FuncId) -> CodePages {
        let address = module.get_finalized_function(entry);
        // SAFETY: the emitter declares the entry with the signature of `Entry` in the platform's calling convention.
        let entry = unsafe { std::mem::transmute::<*const u8, Entry>(address) };
        CodePages { module: ManuallyDrop::new(module), entry }
    }

    /// The entry point. It may be called as long as the pages live.
    pub fn entry(&self) -> Entry {
        self.entry
    }
}

impl Drop for CodePages {
    fn drop(&mut self) {
        // SAFETY: the module is taken once, here. Whoever calls the entry keeps the pages alive during the call, so no
        // code in them is running and none will be.
        unsafe { ManuallyDrop::take(&mut self.module).free_memory() };
    }
}

impl Code for CodePages {}

// SAFETY: after `new` the module is only kept, never looked at through a shared reference, and its parts may be dropped on
// any thread; the code is immutable.
unsafe impl Send for CodePages {}
// SAFETY: as above.
unsafe impl Sync for CodePages {}
