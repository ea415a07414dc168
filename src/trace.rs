//! From closures over trees to functions over arrays, and back.
//!
//! Every transformation here works in three steps: *record* the closure in a trace of its own, *map* the recorded
//! function with a transformation of the array IR, and *replay* the outcome in the open trace. Where none is open,
//! [`evaluate`] opens one around the three steps, compiles what it recorded and runs it. So each transformation is written
//! once, for the inside of a trace.
//!
//! What holds: a closure that made a mistake still gives a tree of the right type, and that tree's leaves become the
//! error, so that `apply` is total; whoever asks with `call` gets the error as an `Err`.

use crate::tree::Tree;
use cotangent_ir::trace::{Trace, Traced, replay};
use cotangent_ir::{Array, Error, ErrorKind, Func, Result, Tensor, Type};
use std::panic::Location;
use std::sync::Arc;

/// A recorded closure.
pub(crate) struct Recorded<O> {
    /// What the closure returned. Its leaves are values of the finished trace: a template with types.
    pub(crate) output: O,
    /// The function, or the first error.
    pub(crate) outcome: Result<Traced>,
}

/// A tree, and the error it would otherwise have to carry in its leaves.
pub(crate) struct Evaluated<O> {
    output: O,
    error: Option<Error>,
}

impl<O: Tree> Evaluated<O> {
    /// The tree; where there was an error, with that error as every leaf.
    pub(crate) fn into_tree(self) -> O {
        match self.error {
            Some(error) => with_error(&self.output, &error),
            None => self.output,
        }
    }

    /// The tree or the error.
    pub(crate) fn into_result(self) -> Result<O> {
        // Outside any trace results are data, so that there is nothing to look for.
        let in_leaves = || Trace::current().and_then(|_| self.output.leaf_error());
        match self.error.clone().or_else(in_leaves) {
            Some(error) => Err(error),
            None => Ok(self.output),
        }
    }

    /// The same with the place in the user's source for an error that has none.
    pub(crate) fn at(self, location: &'static Location<'static>) -> Evaluated<O> {
        Evaluated { output: self.output, error: self.error.map(|error| error.at(location)) }
    }

    /// The same with another tree.
    pub(crate) fn map<P>(self, map: impl FnOnce(O) -> P) -> Evaluated<P> {
        Evaluated { output: map(self.output), error: self.error }
    }

    /// The outcome of a computation whose result has the structure of `template`.
    pub(crate) fn new(template: O, outcome: Result<Vec<Array>>) -> Evaluated<O> {
        match outcome {
            Ok(leaves) => Evaluated { output: template.with_leaves(leaves), error: None },
            Err(error) => Evaluated { output: template, error: Some(error) },
        }
    }
}

impl<O> From<O> for Evaluated<O> {
    fn from(output: O) -> Evaluated<O> {
        Evaluated { output, error: None }
    }
}

/// The tree with an error in place of every leaf.
pub(crate) fn with_error<O: Tree>(template: &O, error: &Error) -> O {
    template.map_leaves(|_| Array::from_error(error.clone()))
}

/// Records a closure on arguments of the types of `args`.
pub(crate) fn record<A: Tree, O: Tree>(name: &str, args: &A, body: impl FnOnce(A) -> O) -> Recorded<O> {
    match args.leaf_types() {
        Ok(types) => record_types(name, args, &types, body),
        Err(error) => {
            // The closure still tells the structure of its result; what it records is thrown away.
            let _scratch = Trace::open(name);
            Recorded { output: body(args.clone()), outcome: Err(error) }
        }
    }
}

/// Records a closure on arguments of the structure of `args` whose leaves have the given types.
pub(crate) fn record_types<A: Tree, O: Tree>(
    name: &str,
    args: &A,
    types: &[Type],
    body: impl FnOnce(A) -> O,
) -> Recorded<O> {
    let open = Trace::open(name);
    let params = types.iter().map(|ty| open.param(ty.clone())).collect();
    let output = body(args.with_leaves(params));
    let outcome = open.finish(&output.leaves());
    Recorded { output, outcome }
}

/// Applies a closure inside a trace: the open one, or one opened, compiled and run here.
pub(crate) fn evaluate<A: Tree, O: Tree>(name: &str, args: A, body: impl FnOnce(A) -> Evaluated<O>) -> Evaluated<O> {
    if Trace::current().is_some() {
        return body(args);
    }
    // Kept beside the tree, whose leaves would lose it if there are none.
    let mut failed = None;
    let recorded = record(name, &args, |args| {
        let Evaluated { output, error } = body(args);
        failed = error;
        output
    });
    // Before the outcome of recording: an unfinished result may hold errors that only follow from this one.
    let outcome = failed.map_or(recorded.outcome, Err).and_then(|Traced { func, mut captures }| {
        captures.extend(args.leaves());
        execute(&func, &captures)
    });
    Evaluated::new(recorded.output, outcome)
}

/// Applies a function to arrays: replayed in the open trace, or compiled and run.
pub(crate) fn execute(func: &Func, args: &[Array]) -> Result<Vec<Array>> {
    if let Some(error) = args.iter().find_map(Array::error) {
        return Err(error.clone());
    }
    if Trace::current().is_some() {
        return Ok(replay(func, args));
    }
    Ok(crate::executable::run(func, &data_of(args)?)?.into_iter().map(Array::from_tensor).collect())
}

/// The data of arrays that are neither traced nor errors.
pub(crate) fn data_of<'a>(arrays: impl IntoIterator<Item = &'a Array>) -> Result<Vec<Arc<Tensor>>> {
    arrays.into_iter().map(|array| cotangent_ir::eager::concrete("call", array)).collect()
}

/// An array that has a type but no elements, for functions that look at types only: [`linear_adjoint`](crate::linear_adjoint),
/// [`eval_shape`](crate::eval_shape) and tracing. Computing with it outside of them is an error.
///
/// ```
/// use cotangent::{Array, DType, Type, eval_shape, placeholder};
/// let x = placeholder(Type::new(DType::F32, &[3, 4]));
/// let y = eval_shape(|x: Array| x.sum(), &x).unwrap();
/// assert_eq!(y.ty().unwrap().to_string(), "f32[]");
/// ```
pub fn placeholder(ty: Type) -> Array {
    Trace::open("placeholder").param(ty)
}

/// The tree with placeholders for its leaves: what remains to be known of a value whose data need not be kept.
pub(crate) fn template<T: Tree>(tree: &T) -> T {
    tree.map_leaves(|leaf| match leaf.ty() {
        Ok(ty) => placeholder(ty),
        Err(error) => Array::from_error(error),
    })
}

/// Checks that a tree has the structure and leaf types of another.
pub(crate) fn check_like<T: Tree>(operation: &str, what: &str, given: &T, expected: &T, remedy: &str) -> Result<()> {
    if given.structure() == expected.structure() && given.leaf_types()? == expected.leaf_types()? {
        return Ok(());
    }
    let message = format!("{what} must be {}, but is {}; {remedy}", expected.describe(), given.describe());
    Err(Error::new(ErrorKind::Structure, operation, message))
}

/// A name for the function recorded from a closure or `fn` item of this type.
pub(crate) fn name_of<F>() -> String {
    let path = std::any::type_name::<F>();
    // Generic arguments name other functions; the first path is this one's.
    let path = path.split('<').next().unwrap_or(path);
    let last = path.split("::").filter(|part| !part.contains('{')).last().unwrap_or("function");
    let word: String = last.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    if word.is_empty() { "function".into() } else { word }
}
