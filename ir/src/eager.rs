//! Operations outside any trace: a one-instruction function handed to the executor.
//!
//! The executor of the whole program is installed once, by the crate that can compile; until then the reference
//! interpreter stands in, so that this crate is complete by itself.

use crate::array::{Array, Repr};
use crate::attrs::Attrs;
use crate::error::{Error, ErrorKind, Result};
use crate::func::{Func, Value};
use crate::prim::Prim;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::types::Type;
use std::sync::{Arc, OnceLock};

/// Runs a function on data.
pub type Executor = fn(&Func, &[Arc<Tensor>]) -> Result<Vec<Tensor>>;

static EXECUTOR: OnceLock<Executor> = OnceLock::new();

/// Installs the executor of operations outside any trace. The first call wins.
pub fn install(executor: Executor) {
    EXECUTOR.get_or_init(|| executor);
}

/// Runs a function on data with the installed executor.
pub fn run(func: &Func, args: &[Arc<Tensor>]) -> Result<Vec<Tensor>> {
    match EXECUTOR.get() {
        Some(executor) => executor(func, args),
        None => crate::eval::eval(func, args),
    }
}

/// Executes one primitive on data.
pub(crate) fn execute(prim: &'static Prim, args: &[&Array], attrs: Attrs) -> Result<Vec<Array>> {
    let data = args.iter().map(|array| concrete(prim.name, array)).collect::<Result<Vec<_>>>()?;
    let types: Vec<&Type> = data.iter().map(|tensor| tensor.ty()).collect();
    let results = prim.infer(&types, &attrs)?;
    let mut func = Func::new(prim.name, types.into_iter().cloned());
    let params: Vec<Value> = func.params().collect();
    let range = func.push(prim, params, attrs, results);
    func.set_results(range.map(Value::new).collect());
    Ok(run(&func, &data)?.into_iter().map(Array::from_tensor).collect())
}

/// The data of an array, or the reason why there is none, as an error of `operation`.
pub fn concrete(operation: &str, array: &Array) -> Result<Arc<Tensor>> {
    match array.repr() {
        Repr::Data(data) => Ok(data.clone()),
        Repr::Error(error) => Err(error.clone()),
        Repr::Traced(value) => {
            Trace::check_usable(operation, value)?;
            let message = format!(
                "the elements of a traced value ({}) are not known while its function is being traced; \
                 use `cond`, `while_loop` or `select` to decide on them, or call this outside the traced function",
                value.ty()
            );
            Err(Error::new(ErrorKind::Trace, operation, message))
        }
    }
}
