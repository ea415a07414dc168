//! Running a recorded loop: compiled where the compiler is built in, interpreted otherwise.

use crate::{Array, Result};
use cotangent_ir::Func;
use std::time::Duration;

/// What ran.
pub(super) struct Executed {
    /// The results of the function.
    pub(super) results: Vec<Array>,
    /// Time it took to compile.
    pub(super) compile: Duration,
}

/// Gets the rows a program reports and answers whether to stop.
pub(super) type Observer<'a> = dyn FnMut(i64, &[f64]) -> bool + Send + 'a;

/// A program ready to run with an observer.
pub(super) type Ready<'a> = dyn FnOnce(&mut Observer<'_>) -> Result<Vec<Array>> + 'a;

/// Makes a function ready, and lets `run` start it: what must be done between compiling and running is done there.
#[cfg(feature = "compiler")]
pub(super) fn execute(
    func: &Func,
    arguments: &[Array],
    run: impl FnOnce(Box<Ready<'_>>) -> Result<Vec<Array>>,
) -> Result<Executed> {
    use crate::compile::{Options, compile};
    use crate::run::call::CallOptions;
    let data = arguments.iter().map(Array::tensor).collect::<Result<Vec<_>>>()?;
    let start = std::time::Instant::now();
    let program = compile(func, &Options::default())?;
    let compile = start.elapsed();
    let results = run(Box::new(|observer| {
        let options = CallOptions { observer: Some(observer), ..CallOptions::default() };
        Ok(program.call_with(&data, options)?.into_iter().map(Array::from_tensor).collect())
    }))?;
    Ok(Executed { results, compile })
}

/// Makes a function ready, and lets `run` start it.
#[cfg(not(feature = "compiler"))]
pub(super) fn execute(
    func: &Func,
    arguments: &[Array],
    run: impl FnOnce(Box<Ready<'_>>) -> Result<Vec<Array>>,
) -> Result<Executed> {
    use cotangent_ir::eval::Interpreter;
    let data = arguments.iter().map(Array::tensor).collect::<Result<Vec<_>>>()?;
    let data: Vec<_> = data.iter().map(|tensor| (**tensor).clone()).collect();
    let results = run(Box::new(|observer| {
        let results = Interpreter { observer: Some(observer) }.run(func, &data)?;
        Ok(results.into_iter().map(Array::from_tensor).collect())
    }))?;
    Ok(Executed { results, compile: Duration::ZERO })
}
