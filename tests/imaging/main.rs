//! Laws and reference numbers of operators, functionals, losses, metrics and optimizers.

mod blocks;
mod first_order;
mod functionals;
mod operators;
mod optimizers;
mod parity;
mod projectors;
mod sample;
mod solutions;
mod stacks;
