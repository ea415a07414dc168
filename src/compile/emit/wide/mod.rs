//! Kernels in vectors of 256 bits, for x86-64 with AVX2 and FMA.
//!
//! Cranelift's vectors have 128 bits. The kernels in which programs spend their time are loops over neighbouring elements
//! with arithmetic on floats, and for these this folder writes machine code itself: twice the elements an instruction,
//! loads folded into arithmetic, and, since little is asked of it, in less time. [`compile`] takes a kernel or refuses it; what it refuses is emitted through Cranelift, with the same meaning.
//!
//! Everything is a vector: what is the same in all lanes is computed in all lanes, in the outermost loop possible, and
//! kept in the frame. What is left of a vector loop at its end is done under a mask. So every element is computed by the
//! same instructions, wherever it lies.
//!
//! `admission` says what is taken. A `generator` writes one function: its `loops` and `vector_loop`, and in them the `nodes`
//! of a body as straight-line code, a `region`, whose instructions `select` chooses. Where segments meet within a vector there
//! are `edges`; `transpose` makes tiles of two loops, `rows` adds up several rows at a time. A region gets its registers in
//! `allocate`, by when its values are needed next (`uses`), and is encoded by the `assembler`.

mod admission;
mod allocate;
mod assembler;
mod complex;
mod detour;
mod edges;
mod frame;
mod gather;
mod generator;
mod loops;
mod narrow;
mod nodes;
mod reduce;
mod region;
mod rows;
mod scatter;
mod select;
#[cfg(test)]
mod tests;
mod transpose;
mod uses;
mod vector_loop;

pub(crate) use assembler::{ALIGNMENT, MachineCode};
pub(crate) use generator::compile;

/// Whether the processor at hand can run the code.
pub(crate) fn is_supported() -> bool {
    #[cfg(all(target_arch = "x86_64", unix))]
    return std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
    #[cfg(not(all(target_arch = "x86_64", unix)))]
    return false;
}
