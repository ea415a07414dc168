//! What runs a recorded function: a compiled program or, in a build without the compiler, the reference interpreter.

use cotangent_ir::{Func, Result, Tensor};
use std::sync::Arc;

#[cfg(feature = "compiler")]
pub(crate) use compiled::{Executable, Options};
#[cfg(not(feature = "compiler"))]
pub(crate) use interpreted::{Executable, Options};

/// Runs a function on data.
pub(crate) fn run(func: &Func, data: &[Arc<Tensor>]) -> Result<Vec<Tensor>> {
    Executable::new(func, &Options::default())?.call(data, None)
}

#[cfg(feature = "compiler")]
mod compiled {
    use super::{Arc, Func, Result, Tensor};
    use crate::compile::{Compiled, compile};
    use crate::run::call::CallOptions;

    pub(crate) use crate::compile::Options;

    /// A program from the compile cache.
    #[derive(Clone)]
    pub(crate) struct Executable(pub(crate) Arc<Compiled>);

    impl Executable {
        pub(crate) fn new(func: &Func, options: &Options) -> Result<Executable> {
            compile(func, options).map(Executable)
        }

        /// Runs it, on so many threads if they are given.
        pub(crate) fn call(&self, data: &[Arc<Tensor>], threads: Option<usize>) -> Result<Vec<Tensor>> {
            self.0.call_with(data, CallOptions { threads, ..CallOptions::default() })
        }

        /// Runs it and overwrites results.
        pub(crate) fn call_into(
            &self,
            data: &[Arc<Tensor>],
            results: &mut [Tensor],
            threads: Option<usize>,
        ) -> Result<()> {
            self.0.call_into_with(data, results, CallOptions { threads, ..CallOptions::default() })
        }
    }
}

#[cfg(not(feature = "compiler"))]
mod interpreted {
    use super::{Arc, Func, Result, Tensor};

    /// The interpreter has none.
    #[derive(Clone, Copy, Default)]
    pub(crate) struct Options;

    #[derive(Clone)]
    pub(crate) struct Executable(Arc<Func>);

    impl Executable {
        pub(crate) fn new(func: &Func, _options: &Options) -> Result<Executable> {
            Ok(Executable(Arc::new(func.clone())))
        }

        pub(crate) fn call(&self, data: &[Arc<Tensor>], _threads: Option<usize>) -> Result<Vec<Tensor>> {
            cotangent_ir::eval::eval(&self.0, data)
        }

        pub(crate) fn call_into(
            &self,
            data: &[Arc<Tensor>],
            results: &mut [Tensor],
            threads: Option<usize>,
        ) -> Result<()> {
            for (result, computed) in results.iter_mut().zip(self.call(data, threads)?) {
                *result = computed;
            }
            Ok(())
        }
    }
}
