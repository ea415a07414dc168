//! Closures that a program calls while it runs.
//!
//! [`host_call`] makes a closure of concrete arrays a function of traced ones; [`debug_callback`] and [`debug_print`] look
//! at values. They are called on the thread of the program's caller, once each time the program comes to them and in order,
//! from the interior of loops and branches as well.

use crate::function::{Arity, Function};
use crate::trace::{Evaluated, template};
use crate::tree::Tree;
use cotangent_ir::prim::host::{Batching, Host, HostFn, Purpose, host_arrays};
use cotangent_ir::text::print;
use cotangent_ir::{Array, Error, ErrorKind, Result, Tensor, Type, fail};
use std::panic::Location;
use std::sync::Arc;

/// A closure from trees of concrete arrays like `A` to those like `O`.
type Closure<A, O> = Arc<dyn Fn(A) -> Result<O> + Send + Sync>;

/// A closure of the host as a function of traced arrays: the result of [`host_call`].
pub struct HostCall<A, O> {
    name: String,
    result: O,
    closure: Closure<A, O>,
    transpose: Option<Closure<O, A>>,
    batching: Batching,
}

/// A function that calls a closure of the host, in the middle of whatever program it becomes a part of. The closure is
/// given concrete arrays and returns arrays of the types of `result`, a tree of [`placeholder`](crate::placeholder)s or
/// of any arrays. The name is for messages and for printed functions.
///
/// ```
/// use cotangent::{Array, DType, Function, Type, host_call, jit, placeholder};
/// // A table that only this process has.
/// let table = vec![1.5f32, -2.0, 4.0];
/// let look_up = host_call("look_up", placeholder(Type::scalar(DType::F32)), move |index: Array| {
///     Ok(Array::from(table[index.item()? as usize]))
/// });
/// let f = jit(move |x: Array| 10.0 * look_up.apply(x.astype(DType::I32)));
/// assert_eq!(f.call(Array::from(2.25f32))?.item()?, 40.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// The call happens once each time the program comes to it, whether or not its result is used, and in the order of other
/// calls; what is computed again, under [`checkpoint`](crate::checkpoint) or by the linear map that
/// [`linearize`](crate::linearize) makes of a [`while_loop`](crate::while_loop), calls again. A closure that returns an error, or
/// other types than announced, or panics, ends the program, and whoever called it gets the error.
///
/// Under [`vmap`](crate::vmap) the closure is called for one item after the other; with
/// [`whole_batch`](HostCall::whole_batch) once for all. Where an item of a batch may not come to the call while others do,
/// in a branch or a loop decided by the item, it is refused. The derivative is that of
/// [`custom_jvp`](crate::custom_jvp) or [`custom_vjp`](crate::custom_vjp) around it, or of a
/// [`linear`](HostCall::linear) closure itself; otherwise differentiating is an error.
pub fn host_call<A: Tree, O: Tree>(
    name: &str,
    result: O,
    closure: impl Fn(A) -> Result<O> + Send + Sync + 'static,
) -> HostCall<A, O> {
    let closure: Closure<A, O> = Arc::new(closure);
    HostCall { name: name.to_string(), result: template(&result), closure, transpose: None, batching: Batching::Items }
}

impl<A, O> Clone for HostCall<A, O>
where
    O: Clone,
{
    fn clone(&self) -> HostCall<A, O> {
        let HostCall { name, result, closure, transpose, batching } = self;
        HostCall {
            name: name.clone(),
            result: result.clone(),
            closure: closure.clone(),
            transpose: transpose.clone(),
            batching: *batching,
        }
    }
}

impl<A: Tree, O: Tree> HostCall<A, O> {
    /// Has the closure called once for a whole batch: its arrays then have the axes of the batch in front, and those it
    /// returns must have them, too.
    ///
    /// ```
    /// use cotangent::{Array, DType, Type, host_call, placeholder, vmap};
    /// let scalar = placeholder(Type::scalar(DType::F64));
    /// let double = host_call("double", scalar, |x: Array| Ok(2.0 * x)).whole_batch();
    /// let doubled = vmap(double).call(Array::from([1.0f64, 2.0]))?;
    /// assert_eq!(doubled.to_vec::<f64>()?, [2.0, 4.0]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn whole_batch(mut self) -> HostCall<A, O> {
        self.batching = Batching::Whole;
        self
    }

    /// States that the closure is linear, and gives its transpose: from cotangents of the result to cotangents of the
    /// arguments, without conjugation. Then it is its own derivative, and reverse mode calls the transpose.
    ///
    /// ```
    /// use cotangent::{Array, DType, Function, Type, grad, host_call, placeholder};
    /// let vector = placeholder(Type::new(DType::F64, &[2]));
    /// let scale = Array::from([3.0f64, 5.0]);
    /// let transposed = scale.clone();
    /// let scaled = host_call("scale", vector, move |x: Array| Ok(&scale * x)).linear(move |ct: Array| Ok(&transposed * ct));
    /// let slope = grad(|x: Array| scaled.apply(x).square().sum()).call(Array::from([1.0f64, 1.0]))?;
    /// assert_eq!(slope.to_vec::<f64>()?, [18.0, 50.0]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn linear(mut self, transpose: impl Fn(O) -> Result<A> + Send + Sync + 'static) -> HostCall<A, O> {
        self.transpose = Some(Arc::new(transpose));
        self
    }

    /// Applies it: at once outside any trace, recorded inside one.
    ///
    /// # Errors
    /// The closure's; results of other types than announced; a panic of the closure.
    #[track_caller]
    pub fn call(&self, args: A) -> Result<O> {
        let location = Location::caller();
        self.evaluate(args).into_result().map_err(|error| error.at(location))
    }

    #[track_caller]
    fn evaluate(&self, args: A) -> Evaluated<O> {
        let outcome = match self.host(&args) {
            Ok(host) => host_arrays(&host, &args.leaves()),
            Err(error) => Err(noted(error)),
        };
        Evaluated::new(self.result.clone(), outcome)
    }

    /// The closure on arrays instead of trees.
    fn host(&self, args: &A) -> Result<HostFn> {
        let (params, results) = (args.leaf_types()?, self.result.leaf_types()?);
        let (inputs, outputs) = (template(args), self.result.clone());
        let transpose = self.transpose.clone().map(|closure| {
            let name = format!("{}_transpose", self.name);
            let closure = on_tensors(closure, outputs.clone(), inputs.clone());
            self.shared(name, results.clone(), params.clone(), closure, None)
        });
        let closure = on_tensors(self.closure.clone(), inputs.clone(), outputs.clone());
        self.shared(self.name.clone(), params, results, closure, transpose.transpose()?)
    }

    fn shared(
        &self,
        name: String,
        params: Vec<Type>,
        results: Vec<Type>,
        call: Box<cotangent_ir::prim::host::Call>,
        transpose: Option<HostFn>,
    ) -> Result<HostFn> {
        let (batching, purpose) = (self.batching, Purpose::Compute);
        HostFn::new(Host { name, params, results, call, batching, purpose, transpose })
    }
}

/// The closure on the leaves of trees of these structures.
fn on_tensors<A: Tree, O: Tree>(closure: Closure<A, O>, inputs: A, outputs: O) -> Box<cotangent_ir::prim::host::Call> {
    Box::new(move |operands: &[Tensor]| {
        let leaves = operands.iter().cloned().map(Array::from_tensor).collect();
        let output = closure(inputs.with_leaves(leaves))?;
        let (given, due) = (output.structure(), outputs.structure());
        if given != due {
            let message = format!("the closure returned {given} where {due} was announced; return that structure");
            return Err(Error::new(ErrorKind::Structure, "host_call", message));
        }
        output.leaves().iter().map(|leaf| Ok((*leaf.tensor()?).clone())).collect()
    })
}

impl<A: Tree, O: Tree> Function<A, Arity<1>> for HostCall<A, O> {
    type Output = O;

    #[track_caller]
    fn apply(&self, args: A) -> O {
        self.evaluate(args).into_tree()
    }
}

/// Shows arrays to a closure each time the program comes here, and returns them. In contrast to [`host_call`] it only looks
/// on: derivatives pass through it, and under [`vmap`](crate::vmap), which shows one item after the other, it may be shown
/// values of items for which a branch was not taken or a loop has ended.
///
/// ```
/// use cotangent::{Array, debug_callback, fori_loop, jit};
/// use std::sync::{Arc, Mutex};
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let log = seen.clone();
/// let doubled = jit(move |x: Array| {
///     let log = log.clone();
///     fori_loop(0, 3, x, move |_, x: Array| {
///         let log = log.clone();
///         2.0 * debug_callback(&x, move |x: Array| log.lock().unwrap().extend(x.item()))
///     })
/// });
/// assert_eq!(doubled.call(Array::from(1.0f64))?.item()?, 8.0);
/// assert_eq!(*seen.lock().unwrap(), [1.0, 2.0, 4.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn debug_callback<T: Tree>(tree: &T, closure: impl Fn(T) + Send + Sync + 'static) -> T {
    let inputs = template(tree);
    let call = move |operands: &[Tensor]| {
        closure(inputs.with_leaves(operands.iter().cloned().map(Array::from_tensor).collect()));
        Ok(Vec::new())
    };
    observed("debug_callback", tree, Box::new(call))
}

/// Prints the values of arrays each time the program comes here, and returns the arrays: a line on the standard output,
/// which is `format` with the arrays in place of `{}`, one after the other. `{{` and `}}` are braces.
///
/// ```
/// use cotangent::{Array, debug_print, grad, jit};
/// let f = jit(grad(|x: Array| {
///     let y = debug_print("the square is {}", &x.square());
///     y.sum()
/// }));
/// // Prints: the square is [1, 4]
/// assert_eq!(f.call(Array::from([1.0f32, 2.0]))?.to_vec::<f32>()?, [2.0, 4.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn debug_print<T: Tree>(format: &str, tree: &T) -> T {
    let pieces = match pieces(format) {
        Ok(pieces) if pieces.len() == tree.leaves().len() + 1 => pieces,
        Ok(pieces) => {
            let (holes, arrays) = (pieces.len() - 1, tree.leaves().len());
            let message =
                format!("`{format}` has room for {holes} arrays (`{{}}`), given are {arrays}; make them as many");
            let wrong = fail(ErrorKind::Argument, "debug_print", message);
            return tree.map_leaves(|_| wrong.clone());
        }
        Err(message) => {
            let wrong = fail(ErrorKind::Argument, "debug_print", message);
            return tree.map_leaves(|_| wrong.clone());
        }
    };
    let call = move |operands: &[Tensor]| {
        println!("{}", filled(&pieces, operands));
        Ok(Vec::new())
    };
    observed("debug_print", tree, Box::new(call))
}

/// Has a closure look at the leaves of a tree, and returns the tree.
#[track_caller]
fn observed<T: Tree>(name: &str, tree: &T, call: Box<cotangent_ir::prim::host::Call>) -> T {
    let host = tree.leaf_types().and_then(|params| {
        let (name, results) = (name.to_string(), Vec::new());
        let (batching, purpose) = (Batching::Items, Purpose::Observe);
        HostFn::new(Host { name, params, results, call, batching, purpose, transpose: None })
    });
    let outcome = match host {
        Ok(host) => host_arrays(&host, &tree.leaves()),
        Err(error) => Err(noted(error)),
    };
    match outcome {
        Ok(_) => tree.clone(),
        Err(error) => tree.map_leaves(|_| Array::from_error(error.clone())),
    }
}

/// The error at the caller's place. What is being traced here remembers it.
#[track_caller]
fn noted(error: Error) -> Error {
    let error = error.at(Location::caller());
    match fail(error.kind(), error.operation(), error.message()).error() {
        Some(noted) => noted.clone(),
        None => error,
    }
}

/// The text around the holes of a format.
fn pieces(format: &str) -> Result<Vec<String>, String> {
    let mut pieces = vec![String::new()];
    let mut rest = format.chars().peekable();
    while let Some(next) = rest.next() {
        match (next, rest.peek()) {
            ('{', Some('{')) | ('}', Some('}')) => {
                rest.next();
                push(&mut pieces, next);
            }
            ('{', Some('}')) => {
                rest.next();
                pieces.push(String::new());
            }
            ('{' | '}', _) => {
                return Err(format!(
                    "`{format}` has a brace that is no `{{}}`; write `{{{{` or `}}}}` for a brace itself"
                ));
            }
            _ => push(&mut pieces, next),
        }
    }
    Ok(pieces)
}

fn push(pieces: &mut [String], next: char) {
    if let Some(last) = pieces.last_mut() {
        last.push(next);
    }
}

/// The text with arrays in its holes.
fn filled(pieces: &[String], operands: &[Tensor]) -> String {
    let mut line = pieces[0].clone();
    for (operand, piece) in operands.iter().zip(&pieces[1..]) {
        line.push_str(&print::tensor(operand));
        line.push_str(piece);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{filled, pieces};
    use cotangent_ir::Tensor;

    #[test]
    fn formats_have_holes_and_braces() {
        let tensors = [Tensor::from_slice(&[], &[1.5f32]).unwrap(), Tensor::from_slice(&[2], &[1i32, -2]).unwrap()];
        assert_eq!(filled(&pieces("{{x}} = {}, y = {}.").unwrap(), &tensors), "{x} = 1.5, y = [1, -2].");
        assert_eq!(filled(&pieces("nothing").unwrap(), &[]), "nothing");
        assert!(pieces("{:?}").unwrap_err().contains("a brace that is no `{}`"));
        assert!(pieces("}").is_err());
    }
}
