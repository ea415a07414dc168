//! What runs a recorded function: a compiled program or, in a build without the compiler, the reference interpreter.

use cotangent_ir::{Func, Result, Tensor};
use std::sync::Arc;

#[cfg(feature = "compiler")]
pub(crate) use compiled::{Executable, Options};
#[cfg(not(feature = "compiler"))]
pub(crate) use interpreted::{Executable, Options};

/// Runs a function on data.
pub(crate) fn run(func: &Func, data: &[Arc<Tensor>]) -> Result<Vec<Tensor>> {
    Executable::new(func, &Options::default())?.call(data)
}

#[cfg(feature = "compiler")]
mod compiled {
    use super::{Arc, Func, Result, Tensor};
    use crate::compile::{Compiled, compile};

    pub(crate) use crate::compile::Options;

    /// A program from the compile cache.
    #[derive(Clone)]
    pub(crate) struct Executable(pub(crate) Arc<Compiled>);

    impl Executable {
        pub(crate) fn new(func: &Func, options: &Options) -> Result<Executable> {
            compile(func, options).map(Executable)
        }

        pub(crate) fn call(&self, data: &[Arc<Tensor>]) -> Result<Vec<Tensor>> {
            self.0.call(data)
        }

        pub(crate) fn call_into(&self, data: &[Arc<Tensor>], results: &mut [Tensor]) -> Result<()> {
            self.0.call_into(data, results)
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

        pub(crate) fn call(&self, data: &[Arc<Tensor>]) -> Result<Vec<Tensor>> {
            cotangent_ir::eval::eval(&self.0, data)
        }

        pub(crate) fn call_into(&self, data: &[Arc<Tensor>], results: &mut [Tensor]) -> Result<()> {
            for (result, computed) in results.iter_mut().zip(self.call(data)?) {
                *result = computed;
            }
            Ok(())
        }
    }
}
