//! Parts: traced functions with what is to be known of them, from which the functions of kernels are made.

use crate::failure::Result;
use cotangent::artifact::KernelSource;
use cotangent::ir::error::internal;
use cotangent::{Array, Traced, Type, jit};

/// A traced function, with the names and meanings of its arguments and results.
pub(crate) struct Part {
    name: &'static str,
    text: &'static str,
    arguments: Vec<About>,
    results: Vec<About>,
    traced: Traced,
}

/// What is to be known of an argument or result.
#[derive(Clone, Debug)]
pub(crate) struct About {
    name: &'static str,
    unit: &'static str,
    text: String,
}

impl About {
    pub(crate) fn new(name: &'static str, text: impl Into<String>) -> About {
        About { name, unit: "", text: text.into() }
    }

    pub(crate) fn unit(self, unit: &'static str) -> About {
        About { unit, ..self }
    }
}

impl Part {
    /// Traces a function of arguments of these types.
    pub(crate) fn trace(
        name: &'static str,
        text: &'static str,
        arguments: Vec<(About, Type)>,
        results: Vec<About>,
        body: impl Fn(&[Array]) -> cotangent::Result<Vec<Array>>,
    ) -> Result<Part> {
        let (arguments, types): (Vec<About>, Vec<Type>) = arguments.into_iter().unzip();
        let templates: Vec<Array> = types.iter().map(|ty| Array::zeros(&ty.shape, ty.dtype)).collect();
        let traced = jit(|data: Vec<Array>| body(&data).unwrap_or_else(|error| vec![Array::from_error(error)]));
        let traced = traced.traced(&templates)?;
        if traced.func.results().len() != results.len() {
            internal(&format!("{name} has other results than the {} that are described", results.len()));
        }
        Ok(Part { name, text, arguments, results, traced })
    }

    /// The function.
    pub(crate) fn traced(&self) -> &Traced {
        &self.traced
    }

    /// The types of its results.
    pub(crate) fn result_types(&self) -> Vec<Type> {
        let func = &self.traced.func;
        func.results().iter().map(|result| func.ty(*result).clone()).collect()
    }

    /// The function as one of a kernel. What it captured becomes constants.
    pub(crate) fn source(&self) -> Result<KernelSource> {
        let source = KernelSource::traced(self.name, &self.traced)?
            .description(self.text)
            .arguments(self.arguments.iter().map(|about| about.name))
            .results(self.results.iter().map(|about| about.name));
        let source =
            self.arguments.iter().fold(source, |source, about| source.argument(about.name, about.unit, &about.text));
        Ok(self.results.iter().fold(source, |source, about| source.result(about.name, about.unit, &about.text)))
    }
}
