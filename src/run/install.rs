//! Makes compilation the executor of operations outside any trace, before `main` begins.
//!
//! The array handle lives in a crate that knows of no compiler, so somebody has to introduce the two. Doing it at load
//! time means that no operation has to check for it and no user has to ask for it.

/// Found by the loader, which calls it once, before `main`.
// SAFETY: the sections hold pointers to C functions without arguments, and so does this one. The function neither panics
// nor needs anything of the runtime of `main`: it stores a pointer.
#[used]
#[cfg_attr(all(unix, not(target_vendor = "apple")), unsafe(link_section = ".init_array"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(windows, unsafe(link_section = ".CRT$XCU"))]
static INSTALL: extern "C" fn() = install;

extern "C" fn install() {
    cotangent_ir::eager::install(crate::compile::execute_eager);
}
