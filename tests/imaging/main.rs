//! Laws and reference numbers of operators, functionals, losses, metrics, optimizers and data.

mod admm;
mod alignment;
mod blocks;
#[cfg(feature = "photographs")]
mod data;
mod direct;
mod first_order;
mod functionals;
mod iterative;
mod losses;
mod minimizers;
mod operators;
mod optimizers;
mod parity;
mod projectors;
mod refusals;
mod sample;
mod solutions;
mod stacks;
#[cfg(feature = "files")]
mod states;
