//! Laws and reference numbers of operators, functionals, losses, metrics and optimizers.

mod admm;
mod blocks;
mod direct;
mod first_order;
mod functionals;
mod iterative;
mod minimizers;
mod operators;
mod optimizers;
mod parity;
mod projectors;
mod sample;
mod solutions;
mod stacks;
#[cfg(feature = "files")]
mod states;
