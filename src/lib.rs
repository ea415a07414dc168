//! Array functions written once: run, traced, differentiated, batched, fused and compiled to native SIMD code.
//!
//! A function of arrays is an ordinary closure or `fn` over [`Array`], or over trees of them: tuples, vectors, maps, your
//! own structs ([`Tree`]). Outside of everything its operations run at once. Transformations turn it into other functions,
//! and compose in any order: [`jit`] compiles, [`grad`] and [`value_and_grad`] differentiate, [`vmap`] batches, and the
//! items of a batch can ask for each other's values ([`psum`] and its like); [`jvp`], [`vjp`], [`linearize`] and
//! [`linear_adjoint`] give tangents, cotangents and adjoints; [`jacfwd`], [`jacrev`] and [`hessian`] give dense derivatives,
//! by one or several arguments. Loops and conditionals on data are functions, too: [`while_loop`], [`fori_loop`], [`scan`],
//! [`cond`], [`switch`]. Where the derivative of a function should be another than that of its operations, [`custom_jvp`]
//! and [`custom_vjp`] say which; [`custom_linear_solve`] and [`custom_root`] differentiate solutions by their equations;
//! [`checkpoint`] trades memory for work; [`host_call`] calls a closure while the program runs, and [`debug_print`] prints;
//! [`check_grads`] compares with difference quotients.
//!
//! Least squares by gradient descent; the whole loop is one compiled program:
//!
//! ```
//! use cotangent::{Array, Function, fori_loop, grad, jit};
//!
//! // Points on the line y = 2 t + 1.
//! let t = Array::from([0.0f64, 1.0, 2.0, 3.0]);
//! let y = Array::from([1.0f64, 3.0, 5.0, 7.0]);
//!
//! let loss = move |(slope, offset): (Array, Array)| (&slope * &t + &offset - &y).square().sum();
//! let fit = jit(move |start: (Array, Array)| {
//!     let gradient = grad(&loss);
//!     fori_loop(0, 500, start, |_, x: (Array, Array)| {
//!         let (slope, offset) = gradient.apply(x.clone());
//!         (x.0 - 0.02 * slope, x.1 - 0.02 * offset)
//!     })
//! });
//!
//! let (slope, offset) = fit.call((Array::from(0.0f64), Array::from(0.0f64)))?;
//! assert!((slope.item()? - 2.0).abs() < 1e-6);
//! assert!((offset.item()? - 1.0).abs() < 1e-6);
//! # Ok::<(), cotangent::Error>(())
//! ```
//!
//! Mistakes do not panic: an [`Error`] travels in the arrays, like a NaN does, and surfaces where data is asked for. It
//! names the operation, what was expected and given, what to do, and the line that called it:
//!
//! ```
//! use cotangent::Array;
//! let sum = Array::from([1.0f32, 2.0, 3.0]) + Array::from([1.0f32, 2.0]);
//! let error = sum.to_vec::<f32>().unwrap_err();
//! assert_eq!(error.operation(), "add");
//! ```
//!
//! The [`guide`] lists the primitives and where NumPy's names are, explains the mistakes that are made with transformations,
//! each with its repair, and tells how accurate the elementary functions are and how the compiler decides.

#[cfg(feature = "runtime")]
pub mod artifact;
#[cfg(feature = "compiler")]
pub mod compile;
pub mod random;
pub mod run;

pub mod data;
pub mod diagnostics;
pub mod functional;
pub mod guide;
pub mod linop;
pub mod loss;
pub mod metric;
pub mod operator;
pub mod optimize;
#[cfg(feature = "plot")]
pub mod plot;
pub mod solver;
pub mod timer;

mod axis;
mod batch;
mod block;
mod check;
mod checkpoint;
mod control;
mod custom;
mod derivative;
mod executable;
mod factor;
mod function;
mod gradient;
mod hessian;
mod host;
mod implicit;
mod inner;
mod jacobian;
mod jit;
mod linear;
mod tangent;
mod trace;
mod tree;

pub use axis::{all_gather, all_to_all, axis_index, axis_size, pmax, pmean, pmin, ppermute, psum, psum_scatter};
pub use batch::{Vmap, vmap};
pub use block::{BlockArray, BlockOperand, BlockTerm, BlockType, Variable, VariableType};
pub use check::check_grads;
pub use checkpoint::{Checkpoint, checkpoint};
pub use control::{cond, fori_loop, scan, scan_reversed, switch, while_loop};
pub use cotangent_ir as ir;
pub use cotangent_ir::prim::collective::AxisNames;
pub use cotangent_ir::trace::Traced;
pub use cotangent_ir::{
    Array, At, Border, Boundary, DType, Dims, Element, Error, ErrorKind, Index, IntoOperand, OutOfRange, Padding,
    Result, Scalar, ScatterKind, Tensor, Type, Window, WindowOp, concatenate, einsum, meshgrid, multi_dot,
    sort_together, stack,
};
pub use custom::{
    AllDifferentiated, ClosureRule, CustomJvp, CustomVjp, CustomVjpPrimal, CustomVjpSymbolic, JvpRule, JvpRules,
    NoTangent, Nondifferentiated, Ruled, WithJvp, WithJvpSymbolic, WithJvps, custom_jvp, custom_vjp,
};
pub use derivative::{cvjp, jvp, jvp_aux, linearize, linearize_aux, vjp, vjp_aux, vjp_reduced};
pub use factor::Factor;
pub use function::{AllArguments, Argument, ArgumentAt, Arguments, Arity, Function, Selection};
pub use gradient::{Grad, GradAux, ValueAndGrad, ValueAndGradAux, grad, grad_aux, value_and_grad, value_and_grad_aux};
pub use hessian::{Hessian, HessianAux, hessian, hessian_aux, hvp};
pub use host::{HostCall, debug_callback, debug_print, host_call};
pub use implicit::{custom_linear_solve, custom_root};
pub use jacobian::{Jacfwd, JacfwdAux, Jacrev, JacrevAux, jacfwd, jacfwd_aux, jacrev, jacrev_aux};
#[cfg(feature = "compiler")]
pub use jit::jit_with;
pub use jit::{Jit, jit};
pub use linear::{LinearMap, eval_shape, linear_adjoint, linear_transpose};
pub use tangent::{AllowInt, allow_int, trivial_tangent};
pub use trace::placeholder;
pub use tree::Tree;
