//! Functions with derivatives of their own.
//!
//! [`custom_jvp`] and [`custom_vjp`] replace the derivative of a function by a rule: because the rule is more accurate or
//! cheaper, or because the function has no derivative where one is wanted. Rules are functions of arrays like others, so
//! derivatives of all orders, batching and compilation pass through them.
//!
//! What a rule differentiates by are the arguments. Numbers, flags and functions that are not differentiated by belong
//! into the closure or, as Rust numbers, into the arguments; a captured array that turns out to be differentiated by is an
//! error.

use crate::function::{ArgumentAt, Arguments, Arity, Function};
use crate::trace::{Evaluated, Recorded, check_like, evaluate, name_of, record};
use crate::tree::Tree;
use cotangent_ir::prim::custom::{custom_jvp_arrays, custom_vjp_arrays};
use cotangent_ir::trace::Traced;
use cotangent_ir::{Array, Result};
use std::marker::PhantomData;
use std::panic::Location;

/// A function waiting for its tangent rule: what [`custom_jvp`] gives.
pub struct CustomJvp<F> {
    function: F,
}

/// A function with a tangent rule: what [`CustomJvp::defjvp`] gives.
pub struct WithJvp<F, R> {
    function: F,
    rule: R,
}

/// A function with one tangent rule for each argument: what [`CustomJvp::defjvps`] gives.
pub struct WithJvps<F, R> {
    function: F,
    rules: R,
}

/// A function with a rule for reverse mode: what [`custom_vjp`] gives.
pub struct CustomVjp<F, Forward, Backward> {
    function: F,
    forward: Forward,
    backward: Backward,
}

/// A function whose tangent is given by a rule, in forward and in reverse mode.
///
/// The rule of [`defjvp`](CustomJvp::defjvp) takes the arguments and their tangents, each as the function takes them (a
/// tuple for several), to the result and its tangent, which must be linear in the tangents:
///
/// ```
/// use cotangent::{AllArguments, Array, custom_jvp, grad};
/// let f = custom_jvp(|x: Array, y: Array| x.sin() * y).defjvp(|(x, y): (Array, Array), (dx, dy): (Array, Array)| {
///     (x.sin() * &y, x.cos() * dx * &y + x.sin() * dy)
/// });
/// let (by_x, by_y) = grad(f).wrt::<AllArguments>().call((Array::from(0.5f64), Array::from(2.0f64)))?;
/// assert!((by_x.item()? - 1.7551651).abs() < 1e-7);
/// assert!((by_y.item()? - 0.47942555).abs() < 1e-7);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// [`defjvps`](CustomJvp::defjvps) takes a rule for each argument, from its tangent, the result and the arguments to its
/// part of the tangent:
///
/// ```
/// use cotangent::{Array, custom_jvp, jvp};
/// let f = custom_jvp(|x: Array, y: Array| x.sin() * y).defjvps((
///     |t: Array, _: Array, (x, y): (Array, Array)| x.cos() * t * y,
///     |t: Array, _: Array, (x, _): (Array, Array)| x.sin() * t,
/// ));
/// let at = (Array::from(0.5f64), Array::from(2.0f64));
/// let (_, tangent) = jvp(f, at, (Array::from(1.0f64), Array::from(0.0f64)))?;
/// assert!((tangent.item()? - 1.7551651).abs() < 1e-7);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn custom_jvp<F>(function: F) -> CustomJvp<F> {
    CustomJvp { function }
}

impl<F> CustomJvp<F> {
    /// The function with a rule for its tangent.
    pub fn defjvp<R>(self, rule: R) -> WithJvp<F, R> {
        WithJvp { function: self.function, rule }
    }

    /// The function with a rule for the tangent of each argument: a tuple of closures, or of one closure and [`NoTangent`]s.
    /// The tangent is the sum of what they give.
    pub fn defjvps<R>(self, rules: R) -> WithJvps<F, R> {
        WithJvps { function: self.function, rules }
    }
}

/// A function whose derivative in reverse mode is given by two functions: `forward` takes the arguments to the result and
/// residuals, any tree of arrays; `backward` takes the residuals and the cotangent of the result to the cotangents of the
/// arguments, a tuple for several.
///
/// ```
/// use cotangent::{AllArguments, Array, custom_vjp, grad};
/// let f = custom_vjp(
///     |x: Array, y: Array| x.sin() * y,
///     |x: Array, y: Array| (x.sin() * &y, (x.cos(), x.sin(), y)),
///     |(cos, sin, y): (Array, Array, Array), ct: Array| (cos * &ct * y, sin * ct),
/// );
/// let (by_x, by_y) = grad(f).wrt::<AllArguments>().call((Array::from(0.5f64), Array::from(2.0f64)))?;
/// assert!((by_x.item()? - 1.7551651).abs() < 1e-7);
/// assert!((by_y.item()? - 0.47942555).abs() < 1e-7);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// The backward rule need not be linear, so that it can clip or rescale; where it is linear, the function has a forward
/// derivative as well.
pub fn custom_vjp<F, Forward, Backward>(
    function: F,
    forward: Forward,
    backward: Backward,
) -> CustomVjp<F, Forward, Backward> {
    CustomVjp { function, forward, backward }
}

/// In place of a rule of [`CustomJvp::defjvps`]: the argument does not contribute to the tangent.
#[derive(Clone, Copy, Debug)]
pub struct NoTangent;

/// A rule for the tangent of one argument: a closure `(tangent, result, arguments) -> tangent of the result`, or
/// [`NoTangent`].
pub trait JvpRule<T, O, A, Marker> {
    /// The contribution of the argument to the tangent, if it has any.
    fn contribution(&self, tangent: T, result: O, arguments: A) -> Option<O>;
}

/// Tells rules that are closures from those that are not.
#[derive(Clone, Copy, Debug)]
pub struct ClosureRule;

impl<T, O, A> JvpRule<T, O, A, NoTangent> for NoTangent {
    fn contribution(&self, _: T, _: O, _: A) -> Option<O> {
        None
    }
}

impl<R: Fn(T, O, A) -> O, T, O, A> JvpRule<T, O, A, ClosureRule> for R {
    fn contribution(&self, tangent: T, result: O, arguments: A) -> Option<O> {
        Some(self(tangent, result, arguments))
    }
}

/// Rules for the tangents of all arguments of a function. Implemented for tuples of [`JvpRule`]s.
pub trait JvpRules<A, O, M, Markers> {
    /// The contributions of all arguments to the tangent.
    fn contributions(&self, tangents: &A, result: &O, arguments: &A) -> Vec<O>;
}

impl<A: Clone, O: Clone, R: JvpRule<A, O, A, K>, K> JvpRules<A, O, Arity<1>, (K,)> for (R,) {
    fn contributions(&self, tangents: &A, result: &O, arguments: &A) -> Vec<O> {
        self.0.contribution(tangents.clone(), result.clone(), arguments.clone()).into_iter().collect()
    }
}

macro_rules! jvp_rules {
    ($($count:literal $arguments:tt ($($name:ident $rule:ident $marker:ident $position:tt),+);)*) => { $(
        impl<O: Clone, $($name: Clone, $rule, $marker),+>
            JvpRules<$arguments, O, Arity<$count>, ($($marker,)+)> for ($($rule,)+)
        where
            $($rule: JvpRule<$name, O, $arguments, $marker>),+
        {
            fn contributions(&self, tangents: &$arguments, result: &O, arguments: &$arguments) -> Vec<O> {
                let each = [$(
                    self.$position.contribution(tangents.$position.clone(), result.clone(), arguments.clone())
                ),+];
                each.into_iter().flatten().collect()
            }
        }
    )* };
}
jvp_rules! {
    2 (A, B) (A R J 0, B S K 1);
    3 (A, B, C) (A R J 0, B S K 1, C T L 2);
    4 (A, B, C, D) (A R J 0, B S K 1, C T L 2, D U P 3);
}

impl<F, R, A, M> Function<A, M> for WithJvp<F, R>
where
    F: Function<A, M>,
    R: Fn(A, A) -> (F::Output, F::Output),
    A: Tree,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        let location = Location::caller();
        let name = name_of::<F>();
        let body = |args: A| {
            with_tangent_rule(
                &name,
                &args,
                |args| self.function.apply(args),
                |args, tangents| (self.rule)(args, tangents),
            )
        };
        evaluate(&name, args, body).at(location).into_tree()
    }
}

/// The marker of a function with a rule: the function's own, and what the rule's types add to it.
#[derive(Clone, Copy, Debug)]
pub struct Ruled<M, Rule>(PhantomData<(M, Rule)>);

impl<M: Arguments<A>, A: Tree, Rule> Arguments<A> for Ruled<M, Rule> {
    fn leaf_counts(args: &A) -> Vec<usize> {
        M::leaf_counts(args)
    }
}

impl<const N: usize, M: ArgumentAt<N, A>, A: Tree, Rule> ArgumentAt<N, A> for Ruled<M, Rule> {
    type Argument = M::Argument;

    fn argument(args: &A) -> M::Argument {
        M::argument(args)
    }
}

impl<F, R, A, M, Markers> Function<A, Ruled<M, Markers>> for WithJvps<F, R>
where
    F: Function<A, M>,
    R: JvpRules<A, F::Output, M, Markers>,
    A: Tree,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        let location = Location::caller();
        let name = name_of::<F>();
        let rule = |args: A, tangents: A| {
            let output = self.function.apply(args.clone());
            let parts = self.rules.contributions(&tangents, &output, &args);
            let zero = output.map_leaves(|leaf| leaf.zeros_like());
            let tangent = parts.into_iter().reduce(|sum, part| added(&sum, &part)).unwrap_or(zero);
            (output, tangent)
        };
        let body = |args: A| with_tangent_rule(&name, &args, |args| self.function.apply(args), rule);
        evaluate(&name, args, body).at(location).into_tree()
    }
}

/// The sum of two trees, leaf by leaf.
fn added<T: Tree>(one: &T, other: &T) -> T {
    let leaves = one.leaves().iter().zip(other.leaves()).map(|(a, b)| a + b).collect();
    one.with_leaves(leaves)
}

/// Records a function and its tangent rule and applies both as one instruction. Called inside a trace.
fn with_tangent_rule<A: Tree, O: Tree>(
    name: &str,
    args: &A,
    function: impl Fn(A) -> O,
    rule: impl Fn(A, A) -> (O, O),
) -> Evaluated<O> {
    let Recorded { output, outcome } = record(name, args, &function);
    let attempt = || {
        let func = outcome?;
        let pair = (args.clone(), Differentiable::of(args)?);
        let recorded = record(&format!("{name}_rule"), &pair, |(args, tangents)| {
            let tangents = tangents.filling(&args);
            let (value, tangent) = rule(args, tangents);
            (value, tangent)
        });
        let (value, tangent) = &recorded.output;
        // The rule's own mistakes first: its results may be errors.
        let traced = recorded.outcome?;
        let remedy = "return the function's result and a tangent of the same structure and types";
        check_like("custom_jvp", "the result of the rule", value, &output, remedy)?;
        check_like("custom_jvp", "the tangent of the rule", tangent, &output, remedy)?;
        let count = output.leaves().len();
        let kept = keep_results(traced, count, &output)?;
        Ok(custom_jvp_arrays(func, kept, &args.leaves()))
    };
    Evaluated::new(output.clone(), attempt())
}

/// The recorded rule without the tangents of results that have none: integers and bools.
fn keep_results<O: Tree>(traced: Traced, count: usize, output: &O) -> Result<Traced> {
    let Traced { mut func, captures } = traced;
    let types = output.leaf_types()?;
    let tangents = types.iter().enumerate().filter(|(_, ty)| ty.dtype.is_inexact()).map(|(i, _)| count + i);
    let kept = (0..count).chain(tangents).map(|position| func.results()[position]).collect();
    func.set_results(kept);
    Ok(Traced { func, captures })
}

impl<F, Forward, Backward, A, M, Res> Function<A, Ruled<M, Res>> for CustomVjp<F, Forward, Backward>
where
    F: Function<A, M>,
    Forward: Function<A, M, Output = (F::Output, Res)>,
    Backward: Fn(Res, F::Output) -> A,
    A: Tree,
    Res: Tree,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        let location = Location::caller();
        let name = name_of::<F>();
        let body = |args: A| {
            let Recorded { output, outcome } = record(&name, &args, |args| self.function.apply(args));
            let results = outcome.and_then(|func| self.with_rules(&name, func, &args, &output));
            Evaluated::new(output, results)
        };
        evaluate(&name, args, body).at(location).into_tree()
    }
}

impl<F, Forward, Backward> CustomVjp<F, Forward, Backward> {
    /// Records both rules and applies them with the function as one instruction. Called inside a trace.
    fn with_rules<A, M, Res>(&self, name: &str, func: Traced, args: &A, output: &F::Output) -> Result<Vec<Array>>
    where
        F: Function<A, M>,
        Forward: Function<A, M, Output = (F::Output, Res)>,
        Backward: Fn(Res, F::Output) -> A,
        A: Tree,
        Res: Tree,
    {
        let forward = record(&format!("{name}_forward"), args, |args| self.forward.apply(args));
        let (value, residuals) = forward.output;
        let forward = forward.outcome?;
        let remedy = "return the function's result, then the residuals";
        check_like("custom_vjp", "the result of the forward rule", &value, output, remedy)?;
        let pair = (residuals, Differentiable::of(output)?);
        let backward = record(&format!("{name}_backward"), &pair, |(residuals, cts)| {
            let cts = cts.filling(output);
            (self.backward)(residuals, cts)
        });
        let cotangents = backward.output;
        let Traced { func: mut pulled, captures } = backward.outcome?;
        let remedy = "return a cotangent of the same type for every argument";
        check_like("custom_vjp", "what the backward rule returns", &cotangents, args, remedy)?;
        let types = args.leaf_types()?;
        let kept = pulled.results().iter().zip(&types).filter(|(_, ty)| ty.dtype.is_inexact()).map(|(&v, _)| v);
        let kept = kept.collect();
        pulled.set_results(kept);
        Ok(custom_vjp_arrays(func, forward, Traced { func: pulled, captures }, &args.leaves()))
    }
}

/// The leaves of a tree that have tangents and cotangents.
#[derive(Clone)]
struct Differentiable(Vec<Array>);

impl Differentiable {
    fn of<T: Tree>(tree: &T) -> Result<Differentiable> {
        let mut leaves = Vec::new();
        for leaf in tree.leaves() {
            if leaf.dtype()?.is_inexact() {
                leaves.push(leaf);
            }
        }
        Ok(Differentiable(leaves))
    }

    /// The tree of tangents of a tree: zeros where there are none.
    fn filling<T: Tree>(self, tree: &T) -> T {
        let mut own = self.0.into_iter();
        tree.map_leaves(|leaf| match leaf.dtype() {
            Ok(dtype) if dtype.is_inexact() => own.next().unwrap_or(leaf),
            Ok(_) => leaf.ty().map_or(leaf, |ty| Array::zeros(&ty.shape, ty.dtype)),
            Err(_) => leaf,
        })
    }
}

impl Tree for Differentiable {
    fn push_leaves(&self, leaves: &mut Vec<Array>) {
        self.0.push_leaves(leaves);
    }

    fn take_leaves(&self, leaves: &mut std::vec::IntoIter<Array>) -> Differentiable {
        Differentiable(self.0.take_leaves(leaves))
    }

    fn write_structure(&self, out: &mut dyn std::fmt::Write) -> std::fmt::Result {
        self.0.write_structure(out)
    }
}
