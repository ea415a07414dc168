//! Functions with rules for their tangent.

use super::arguments::{AllDifferentiated, Nondifferentiated};
use super::{check_symbolic, chosen, instantiated, present, spread, subsets, unspread, varying};
use crate::function::{Argument, ArgumentAt, Arguments, Arity, Function};
use crate::tangent::tangent_template;
use crate::trace::{Evaluated, Recorded, check_like, evaluate, name_of, record};
use crate::tree::Tree;
use cotangent_ir::prim::custom::{Rule, custom_jvp_arrays};
use cotangent_ir::trace::Traced;
use cotangent_ir::{Array, Result};
use std::marker::PhantomData;
use std::panic::Location;

/// A function waiting for its tangent rule: what [`custom_jvp`] gives.
pub struct CustomJvp<F> {
    function: F,
}

/// A function with a tangent rule: what [`CustomJvp::defjvp`] gives.
pub struct WithJvp<F, R, N = AllDifferentiated> {
    function: F,
    rule: R,
    nondiff: PhantomData<fn() -> N>,
}

/// A function with a tangent rule that sees symbolic zeros: what [`WithJvp::symbolic_zeros`] gives.
pub struct WithJvpSymbolic<F, R, N = AllDifferentiated>(WithJvp<F, R, N>);

/// A function with one tangent rule for each argument: what [`CustomJvp::defjvps`] gives.
pub struct WithJvps<F, R> {
    function: F,
    rules: R,
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
/// assert_eq!(format!("{:.7} {:.7}", by_x.item()?, by_y.item()?), "1.7551651 0.4794255");
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
/// assert_eq!(format!("{:.7}", tangent.item()?), "1.7551651");
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn custom_jvp<F>(function: F) -> CustomJvp<F> {
    CustomJvp { function }
}

impl<F> CustomJvp<F> {
    /// The function with a rule for its tangent.
    pub fn defjvp<R>(self, rule: R) -> WithJvp<F, R> {
        WithJvp { function: self.function, rule, nondiff: PhantomData }
    }

    /// The function with a rule for the tangent of each argument: a tuple of closures, or of one closure and [`NoTangent`]s.
    /// The tangent is the sum of what they give.
    pub fn defjvps<R>(self, rules: R) -> WithJvps<F, R> {
        WithJvps { function: self.function, rules }
    }
}

impl<F, R, N> WithJvp<F, R, N> {
    /// States that one argument is not differentiated by. The rule takes it first, then the other arguments and their
    /// tangents, each a tuple for several. Several such arguments can be passed as one tuple.
    ///
    /// ```
    /// use cotangent::{Argument, Array, Function, custom_jvp, grad};
    /// let power = custom_jvp(|x: Array, n: usize| x.powi(n as i32))
    ///     .defjvp(|n: usize, x: Array, t: Array| (x.powi(n as i32), n as f64 * x.powi(n as i32 - 1) * t))
    ///     .nondiff::<Argument<1>>();
    /// let slope = grad(|x: Array| power.apply((x, 3))).call(Array::from(2.0f64))?;
    /// assert_eq!(slope.item()?, 12.0);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn nondiff<At>(self) -> WithJvp<F, R, At> {
        WithJvp { function: self.function, rule: self.rule, nondiff: PhantomData }
    }

    /// States that the rule sees symbolic zeros: in place of every array of the tangents it takes and gives an
    /// `Option<Array>`, which is `None` where the argument is not differentiated by, or the tangent is zero.
    ///
    /// ```
    /// use cotangent::{Array, Function, custom_jvp, jvp};
    /// let f = custom_jvp(|x: Array, y: Array| x * y)
    ///     .defjvp(|(x, y): (Array, Array), (dx, dy): (Option<Array>, Option<Array>)| {
    ///         let by_x = dx.map(|dx| dx * &y);
    ///         let by_y = dy.map(|dy| &x * dy);
    ///         let tangent = match (by_x, by_y) {
    ///             (Some(a), Some(b)) => Some(a + b),
    ///             (one, other) => one.or(other),
    ///         };
    ///         (x * y, tangent)
    ///     })
    ///     .symbolic_zeros();
    /// let x = Array::from(2.0f64);
    /// let by_y = |y: Array| f.apply((x.clone(), y));
    /// let (_, tangent) = jvp(by_y, Array::from(5.0f64), Array::from(1.0f64))?;
    /// assert_eq!(tangent.item()?, 2.0);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn symbolic_zeros(self) -> WithJvpSymbolic<F, R, N> {
        WithJvpSymbolic(self)
    }
}

impl<F, R, N> WithJvpSymbolic<F, R, N> {
    /// As [`WithJvp::nondiff`].
    pub fn nondiff<At>(self) -> WithJvpSymbolic<F, R, At> {
        WithJvpSymbolic(self.0.nondiff())
    }
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

impl<F, R, A, M> Function<A, M> for WithJvp<F, R>
where
    F: Function<A, M>,
    R: Fn(A, A) -> (F::Output, F::Output),
    A: Tree,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        apply(&name_of::<F>(), args, |args| self.function.apply(args), |args, tangents| (self.rule)(args, tangents))
    }
}

impl<F, R, A, M, const K: usize> Function<A, M> for WithJvp<F, R, Argument<K>>
where
    Argument<K>: Nondifferentiated<A, M>,
    F: Function<A, M>,
    R: Fn(Fixed<K, A, M>, Others<K, A, M>, Others<K, A, M>) -> (F::Output, F::Output),
    A: Tree,
    M: Arguments<A>,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        let (fixed, others) = Argument::<K>::split(&args);
        apply(
            &name_of::<F>(),
            others,
            |others| self.function.apply(Argument::<K>::join(fixed.clone(), others)),
            |others, tangents| (self.rule)(fixed.clone(), others, tangents),
        )
    }
}

impl<F, R, A, M> Function<A, M> for WithJvpSymbolic<F, R>
where
    F: Function<A, M>,
    R: Fn(A, A::Of<Option<Array>>) -> (F::Output, <F::Output as Tree>::Of<Option<Array>>),
    A: Tree,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        let (function, rule) = (&self.0.function, &self.0.rule);
        apply_symbolic(&name_of::<F>(), args, |args| function.apply(args), rule)
    }
}

impl<F, R, A, M, const K: usize> Function<A, M> for WithJvpSymbolic<F, R, Argument<K>>
where
    Argument<K>: Nondifferentiated<A, M>,
    F: Function<A, M>,
    R: Fn(
        Fixed<K, A, M>,
        Others<K, A, M>,
        <Others<K, A, M> as Tree>::Of<Option<Array>>,
    ) -> (F::Output, <F::Output as Tree>::Of<Option<Array>>),
    A: Tree,
    M: Arguments<A>,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        let (function, rule) = (&self.0.function, &self.0.rule);
        let (fixed, others) = Argument::<K>::split(&args);
        apply_symbolic(
            &name_of::<F>(),
            others,
            |others| function.apply(Argument::<K>::join(fixed.clone(), others)),
            |others, tangents| rule(fixed.clone(), others, tangents),
        )
    }
}

/// The argument that is not differentiated by.
type Fixed<const K: usize, A, M> = <Argument<K> as Nondifferentiated<A, M>>::Fixed;

/// The arguments that are differentiated by.
type Others<const K: usize, A, M> = <Argument<K> as Nondifferentiated<A, M>>::Others;

impl<F, R, A, M, Markers> Function<A, Ruled<M, Markers>> for WithJvps<F, R>
where
    F: Function<A, M>,
    R: JvpRules<A, F::Output, M, Markers>,
    A: Tree,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        let rule = |args: A, tangents: A| {
            let output = self.function.apply(args.clone());
            let parts = self.rules.contributions(&tangents, &output, &args);
            let sum = parts.into_iter().reduce(|sum, part| added(&sum, &part));
            let zero = || instantiated(&output, vec![None; output.leaves().len()]);
            let tangent = sum.unwrap_or_else(zero);
            (output, tangent)
        };
        apply(&name_of::<F>(), args, |args| self.function.apply(args), rule)
    }
}

/// The sum of two trees of tangents, leaf by leaf. Trivial tangents are the same.
fn added<T: Tree>(one: &T, other: &T) -> T {
    let sum = |(a, b): (&Array, Array)| match a.dtype() {
        Ok(dtype) if !dtype.is_inexact() => a.clone(),
        _ => a + b,
    };
    let leaves = one.leaves().iter().zip(other.leaves()).map(sum).collect();
    one.with_leaves(leaves)
}

/// A rule of the most general form: the arguments and those of their tangents that are not zero, to the result and those
/// of its tangents that are not zero; or why it does not fit.
type TangentRule<'a, A, O> = &'a dyn Fn(A, Vec<Option<Array>>) -> (O, Result<Vec<Option<Array>>>);

/// Applies a function with a rule that takes and gives all tangents.
#[track_caller]
fn apply<A: Tree, O: Tree>(name: &str, args: A, function: impl Fn(A) -> O, rule: impl Fn(A, A) -> (O, O)) -> O {
    let general = |args: A, tangents: Vec<Option<Array>>| {
        let tangents = instantiated(&args, tangents);
        let (value, tangent) = rule(args, tangents);
        let given = check_tangent(&value, &tangent).map(|()| tangent.leaves().into_iter().map(Some).collect());
        (value, given)
    };
    apply_rule(name, args, &function, &general, false)
}

/// Checks the tangent that a rule gives for a result.
fn check_tangent<O: Tree>(value: &O, tangent: &O) -> Result<()> {
    check_like("custom_jvp", "the tangent of the rule", tangent, &tangent_template(value), REMEDY)
}

/// Applies a function with a rule that sees and gives symbolic zeros.
#[track_caller]
fn apply_symbolic<A: Tree, O: Tree>(
    name: &str,
    args: A,
    function: impl Fn(A) -> O,
    rule: impl Fn(A, A::Of<Option<Array>>) -> (O, O::Of<Option<Array>>),
) -> O {
    let what = "the tangent of the rule";
    let general = |args: A, tangents: Vec<Option<Array>>| {
        let nested = args.with_trees(tangents);
        let (value, tangent) = rule(args, nested);
        let given = unspread("custom_jvp", what, &value, &tangent).and_then(|given| {
            check_symbolic("custom_jvp", what, &given, &value, REMEDY)?;
            Ok(given)
        });
        (value, given)
    };
    apply_rule(name, args, &function, &general, true)
}

/// What to do about a rule whose results do not fit.
const REMEDY: &str = "return the function's result and a tangent of the same structure and types";

#[track_caller]
fn apply_rule<A: Tree, O: Tree>(
    name: &str,
    args: A,
    function: &dyn Fn(A) -> O,
    rule: TangentRule<'_, A, O>,
    symbolic: bool,
) -> O {
    let location = Location::caller();
    let body = |args: A| {
        let Recorded { output, outcome } = record(name, &args, function);
        let attempt = || {
            let func = outcome?;
            let (varying, _) = varying(&args)?;
            let sets = subsets(varying.len(), symbolic).into_iter();
            let rules = sets.map(|takes| traced_rule(name, &args, &output, rule, &varying, takes));
            let rules = rules.collect::<Result<Vec<Rule>>>()?;
            Ok(custom_jvp_arrays(func, rules, &args.leaves()))
        };
        Evaluated::new(output.clone(), attempt())
    };
    evaluate(name, args, body).at(location).into_tree()
}

/// Records a rule for one set of tangents that are not zero.
fn traced_rule<A: Tree, O: Tree>(
    name: &str,
    args: &A,
    output: &O,
    rule: TangentRule<'_, A, O>,
    varying: &[Array],
    takes: Vec<bool>,
) -> Result<Rule> {
    let mut gives = Ok(Vec::new());
    let pair = (args.clone(), chosen(varying, &takes));
    let recorded = record(&format!("{name}_rule"), &pair, |(args, tangents)| {
        let tangents = spread(&args, tangents, &takes);
        let (value, given) = rule(args, tangents);
        let given = given.and_then(|given| present(&value, given));
        let (flags, tangents) = match given {
            Ok((flags, tangents)) => (Ok(flags), tangents),
            Err(error) => (Err(error), Vec::new()),
        };
        gives = flags;
        (value, tangents)
    });
    // The rule's own mistakes first: its results may be errors.
    let Traced { func, captures } = recorded.outcome?;
    check_like("custom_jvp", "the result of the rule", &recorded.output.0, output, REMEDY)?;
    Ok(Rule { func: Traced { func, captures }, takes, gives: gives? })
}
