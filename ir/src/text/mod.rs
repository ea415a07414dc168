//! The text form of functions and kernels: the debugging surface, the format of saved functions and of tests.
//!
//! Printing then parsing gives an equal function or kernel; equality of functions leaves names out, so a name that is
//! taken or cannot be spelled may change. Values are renumbered in order of definition on reading.
//!
//! ```text
//! func @shrink(v0: f32[4], v1: f32[]) -> f32[4] {
//!     v2 = broadcast v1 {shape = [4], axes = []} : f32[4]
//!     v3 = sub v0, v2 : f32[4]
//!     return v3
//! }
//! ```
//!
//! A module is a list of functions; a function is defined before those that name it in an attribute, and the last one is
//! the entry. An instruction is `results = primitive operands {attribute = value, ...} : types`. Attribute values are
//! integers (`3`), lists of them (`[1, -2]`), truth values, dtypes (`f32`), literals (`2.5f32`, `-inf_f32`, `3i64`,
//! `true`, `(1, 2)c64`), functions (`@body`) and lists of functions (`[@a, @b]`). Comments run from `//` to the end of
//! the line; line breaks mean nothing.
//!
//! ```text
//! kernel @k0 [4, 256] (p0: read f32[1024], p1: write f32[1024], p2: write f32[4]) {
//!     n0 = load p0 [256*i0 + 1*i1] : f32
//!     n1 = const 2f32 : f32
//!     n2 = mul n0, n1 : f32
//!     n3 = pick i1 in 0..255 n2 else n1 : f32
//!     store p1 [256*i0 + 1*i1], n3
//!     reduce sum p2 [1*i0], n3
//! }
//! ```
//!
//! A kernel has extents of its loops, operands, nodes, then outputs. An access is an offset, a stride per loop index
//! (those not written are 0), and products with nodes for what is known only at run time.

mod lex;
mod literal;
pub mod parse;
pub mod parse_kernel;
pub mod print;
pub mod print_kernel;

pub use literal::tensors;
