//! The reference interpreter: the meaning of a function, slow and obvious.
//!
//! It shares nothing with lowering, and is never changed for speed. Elementwise primitives compute in f64 (or exact
//! integers) and round once.

use crate::error::Result;
use crate::func::{Func, Value};
use crate::prim::{Eval, Prim};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::types::Type;
use std::sync::Arc;

/// Receives the rows that a program reports while it runs: the index of the row and its elements. Returning true asks
/// the program to stop.
pub type Observer<'a> = dyn FnMut(i64, &[f64]) -> bool + Send + 'a;

/// Runs a function on data.
pub fn eval(func: &Func, args: &[Arc<Tensor>]) -> Result<Vec<Tensor>> {
    let args: Vec<Tensor> = args.iter().map(|tensor| (**tensor).clone()).collect();
    Interpreter { observer: None }.run(func, &args)
}

/// The state of an interpretation.
pub struct Interpreter<'a> {
    /// Where reported rows go.
    pub observer: Option<&'a mut Observer<'a>>,
}

impl Interpreter<'_> {
    /// Runs a function, also one called by an instruction.
    pub fn run(&mut self, func: &Func, args: &[Tensor]) -> Result<Vec<Tensor>> {
        let expected = func.param_types().iter();
        if !args.iter().map(Tensor::ty).eq(expected) {
            crate::error::internal(&format!("@{} evaluated on arguments of other types", func.name));
        }
        let mut values: Vec<Option<Tensor>> = vec![None; func.value_count()];
        for (value, arg) in func.params().zip(args) {
            values[value.index()] = Some(arg.clone());
        }
        for inst in func.insts() {
            let operands: Vec<Tensor> = inst.args.iter().map(|&value| defined(&values, value).clone()).collect();
            let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
            let results = self.apply(inst.prim, &operands, &inst.attrs, &types)?;
            for (value, result) in inst.results().zip(results) {
                if result.ty() != func.ty(value) {
                    let message =
                        format!("{} evaluates to {} where {} is due", inst.prim.name, result.ty(), func.ty(value));
                    crate::error::internal(&message);
                }
                values[value.index()] = Some(result);
            }
        }
        Ok(func.results().iter().map(|&value| defined(&values, value).clone()).collect())
    }

    /// Applies one primitive, given the types of its results.
    pub(crate) fn apply(
        &mut self,
        prim: &'static Prim,
        operands: &[Tensor],
        attrs: &crate::attrs::Attrs,
        types: &[Type],
    ) -> Result<Vec<Tensor>> {
        Ok(match prim.eval {
            Eval::Elementwise(element) => vec![Tensor::from_fn(types[0].clone(), |position| {
                let scalars: Vec<Scalar> = operands.iter().map(|operand| operand.get(position)).collect();
                element(&scalars).convert(types[0].dtype)
            })],
            Eval::Tensors(whole) => whole(&operands.iter().collect::<Vec<_>>(), attrs, types),
            Eval::Control(run) => run(self, operands, attrs)?,
        })
    }
}

fn defined(values: &[Option<Tensor>], value: Value) -> &Tensor {
    values[value.index()].as_ref().unwrap_or_else(|| crate::error::internal(&format!("{value} used before defined")))
}
