//! Functions with rules for reverse mode.

use super::arguments::{AllDifferentiated, Nondifferentiated};
use super::tangent::Ruled;
use super::{check_symbolic, chosen, instantiated, present, spread, subsets, unspread, varying};
use crate::function::{Argument, Arguments, Function};
use crate::impl_tree;
use crate::tangent::{inexact_flags, tangent_template};
use crate::trace::{Evaluated, Recorded, check_like, evaluate, name_of, record};
use crate::tree::Tree;
use cotangent_ir::prim::custom::{ReverseRule, Rule, custom_vjp_arrays};
use cotangent_ir::trace::Traced;
use cotangent_ir::{Array, Result};
use std::marker::PhantomData;
use std::panic::Location;

/// A function with a rule for reverse mode: what [`custom_vjp`] gives.
pub struct CustomVjp<F, Forward, Backward, N = AllDifferentiated> {
    function: F,
    forward: Forward,
    backward: Backward,
    nondiff: PhantomData<fn() -> N>,
}

/// A function with a rule for reverse mode that sees symbolic zeros: what [`CustomVjp::symbolic_zeros`] gives.
pub struct CustomVjpSymbolic<F, Forward, Backward, N = AllDifferentiated>(CustomVjp<F, Forward, Backward, N>);

/// An array of the arguments of a forward rule with [symbolic zeros](CustomVjp::symbolic_zeros).
#[derive(Clone, Debug)]
pub struct CustomVjpPrimal {
    /// The array.
    pub value: Array,
    /// Whether the function is differentiated by it: if not, its cotangent is not needed.
    pub perturbed: bool,
}
impl_tree!(CustomVjpPrimal { value, perturbed });

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
/// assert_eq!(format!("{:.7} {:.7}", by_x.item()?, by_y.item()?), "1.7551651 0.4794255");
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
    CustomVjp { function, forward, backward, nondiff: PhantomData }
}

impl<F, Forward, Backward, N> CustomVjp<F, Forward, Backward, N> {
    /// States that one argument is not differentiated by. The forward rule takes all arguments as the function does; the
    /// backward rule takes this one first, then residuals and cotangent, and gives the cotangents of the others.
    ///
    /// ```
    /// use cotangent::{Argument, Array, Function, custom_vjp, grad};
    /// // The identity, whose gradient is clipped.
    /// let clipped = custom_vjp(
    ///     |_: f64, x: Array| x,
    ///     |_: f64, x: Array| (x, ()),
    ///     |bound: f64, (): (), ct: Array| ct.clamp(-bound, bound),
    /// )
    /// .nondiff::<Argument<0>>();
    /// let slope = grad(|x: Array| clipped.apply((0.5, x)).square()).call(Array::from(3.0f64))?;
    /// assert_eq!(slope.item()?, 0.5);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn nondiff<At>(self) -> CustomVjp<F, Forward, Backward, At> {
        let CustomVjp { function, forward, backward, nondiff: _ } = self;
        CustomVjp { function, forward, backward, nondiff: PhantomData }
    }

    /// States that the rules see symbolic zeros. The forward rule takes a [`CustomVjpPrimal`] in place of every array of
    /// the arguments, which tells whether the function is differentiated by it. The backward rule takes and gives
    /// cotangents with an `Option<Array>` in place of every array: `None` is zero.
    ///
    /// ```
    /// use cotangent::{Array, CustomVjpPrimal, Function, custom_vjp, grad};
    /// let f = custom_vjp(
    ///     |x: Array, y: Array| x * y,
    ///     |x: CustomVjpPrimal, y: CustomVjpPrimal| {
    ///         // A factor is kept only for the gradient by the other one.
    ///         let residuals = (y.perturbed.then(|| x.value.clone()), x.perturbed.then(|| y.value.clone()));
    ///         (x.value * y.value, residuals)
    ///     },
    ///     |(x, y): (Option<Array>, Option<Array>), ct: Option<Array>| {
    ///         (y.zip(ct.clone()).map(|(y, ct)| y * ct), x.zip(ct).map(|(x, ct)| x * ct))
    ///     },
    /// )
    /// .symbolic_zeros();
    /// let x = Array::from(2.0f64);
    /// let slope = grad(|y: Array| f.apply((x.clone(), y))).call(Array::from(5.0f64))?;
    /// assert_eq!(slope.item()?, 2.0);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn symbolic_zeros(self) -> CustomVjpSymbolic<F, Forward, Backward, N> {
        CustomVjpSymbolic(self)
    }
}

impl<F, Forward, Backward, N> CustomVjpSymbolic<F, Forward, Backward, N> {
    /// As [`CustomVjp::nondiff`]. The forward rule takes [`CustomVjpPrimal`]s in place of the arrays of the argument that
    /// is not differentiated by as well, and the backward rule takes that argument as it is.
    pub fn nondiff<At>(self) -> CustomVjpSymbolic<F, Forward, Backward, At> {
        CustomVjpSymbolic(self.0.nondiff())
    }
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
        apply_rules(
            &name_of::<F>(),
            args,
            &|args| self.function.apply(args),
            &|args, _| self.forward.apply(args),
            &|residuals, cts, output, args| plain(cts, output, args, |cts| (self.backward)(residuals, cts)),
            false,
        )
    }
}

impl<F, Forward, Backward, A, M, Res, const K: usize> Function<A, Ruled<M, Res>>
    for CustomVjp<F, Forward, Backward, Argument<K>>
where
    Argument<K>: Nondifferentiated<A, M>,
    F: Function<A, M>,
    Forward: Function<A, M, Output = (F::Output, Res)>,
    Backward: Fn(Fixed<K, A, M>, Res, F::Output) -> Others<K, A, M>,
    A: Tree,
    M: Arguments<A>,
    Res: Tree,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        let (fixed, others) = Argument::<K>::split(&args);
        let all = |others| Argument::<K>::join(fixed.clone(), others);
        apply_rules(
            &name_of::<F>(),
            others,
            &|others| self.function.apply(all(others)),
            &|others, _| self.forward.apply(all(others)),
            &|residuals, cts, output, others| {
                plain(cts, output, others, |cts| (self.backward)(fixed.clone(), residuals, cts))
            },
            false,
        )
    }
}

impl<F, Forward, Backward, A, M, ForwardM, Res> Function<A, Ruled<M, (ForwardM, Res)>>
    for CustomVjpSymbolic<F, Forward, Backward>
where
    F: Function<A, M>,
    Forward: Function<A::Of<CustomVjpPrimal>, ForwardM, Output = (F::Output, Res)>,
    Backward: Fn(Res, <F::Output as Tree>::Of<Option<Array>>) -> A::Of<Option<Array>>,
    A: Tree,
    Res: Tree,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        let CustomVjp { function, forward, backward, nondiff: _ } = &self.0;
        apply_rules(
            &name_of::<F>(),
            args,
            &|args| function.apply(args),
            &|args, perturbed| forward.apply(primals(&args, perturbed)),
            &|residuals, cts, output, args| symbolic(args, backward(residuals, output.with_trees(cts))),
            true,
        )
    }
}

impl<F, Forward, Backward, A, M, ForwardM, Res, const K: usize> Function<A, Ruled<M, (ForwardM, Res)>>
    for CustomVjpSymbolic<F, Forward, Backward, Argument<K>>
where
    Argument<K>: Nondifferentiated<A, M>,
    F: Function<A, M>,
    Forward: Function<A::Of<CustomVjpPrimal>, ForwardM, Output = (F::Output, Res)>,
    Backward:
        Fn(Fixed<K, A, M>, Res, <F::Output as Tree>::Of<Option<Array>>) -> <Others<K, A, M> as Tree>::Of<Option<Array>>,
    A: Tree,
    M: Arguments<A>,
    Res: Tree,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        let CustomVjp { function, forward, backward, nondiff: _ } = &self.0;
        let (fixed, others) = Argument::<K>::split(&args);
        let all = |others| Argument::<K>::join(fixed.clone(), others);
        let differentiated = Argument::<K>::differentiated(&args);
        apply_rules(
            &name_of::<F>(),
            others,
            &|others| function.apply(all(others)),
            &|others, perturbed| {
                let mut perturbed = perturbed.iter().copied();
                let flags: Vec<bool> =
                    differentiated.iter().map(|&flag| flag && perturbed.next() == Some(true)).collect();
                forward.apply(primals(&all(others), &flags))
            },
            &|residuals, cts, output, others| {
                symbolic(others, backward(fixed.clone(), residuals, output.with_trees(cts)))
            },
            true,
        )
    }
}

/// The argument that is not differentiated by.
type Fixed<const K: usize, A, M> = <Argument<K> as Nondifferentiated<A, M>>::Fixed;

/// The arguments that are differentiated by.
type Others<const K: usize, A, M> = <Argument<K> as Nondifferentiated<A, M>>::Others;

/// The forward rule: the arguments, and for each of their leaves whether it is differentiated by.
type ForwardRule<'a, A, O, Res> = &'a dyn Fn(A, &[bool]) -> (O, Res);

/// The backward rule: residuals and those cotangents that are not zero, for a result and arguments of given structures, to
/// those cotangents of the arguments that are not zero.
type BackwardRule<'a, A, O, Res> = &'a dyn Fn(Res, Vec<Option<Array>>, &O, &A) -> Result<Vec<Option<Array>>>;

/// What to do about a backward rule whose results do not fit.
const REMEDY: &str = "return a cotangent of the same type for every argument";

/// What the messages call the results of a backward rule.
const RETURNED: &str = "what the backward rule returns";

/// The arguments with the flags of their leaves.
fn primals<A: Tree>(args: &A, perturbed: &[bool]) -> A::Of<CustomVjpPrimal> {
    let pair = |(value, &perturbed): (Array, &bool)| CustomVjpPrimal { value, perturbed };
    args.with_trees(args.leaves().into_iter().zip(perturbed).map(pair).collect())
}

/// A backward rule that takes and gives all cotangents.
fn plain<A: Tree, O: Tree>(
    cts: Vec<Option<Array>>,
    output: &O,
    args: &A,
    backward: impl FnOnce(O) -> A,
) -> Result<Vec<Option<Array>>> {
    let given = backward(instantiated(output, cts));
    check_like("custom_vjp", RETURNED, &given, &tangent_template(args), REMEDY)?;
    Ok(given.leaves().into_iter().map(Some).collect())
}

/// The outcome of a backward rule that gives symbolic zeros.
fn symbolic<A: Tree>(args: &A, given: A::Of<Option<Array>>) -> Result<Vec<Option<Array>>> {
    let given = unspread("custom_vjp", RETURNED, args, &given)?;
    check_symbolic("custom_vjp", RETURNED, &given, args, REMEDY)?;
    Ok(given)
}

#[track_caller]
fn apply_rules<A: Tree, O: Tree, Res: Tree>(
    name: &str,
    args: A,
    function: &dyn Fn(A) -> O,
    forward: ForwardRule<'_, A, O, Res>,
    backward: BackwardRule<'_, A, O, Res>,
    symbolic: bool,
) -> O {
    let location = Location::caller();
    let body = |args: A| {
        let Recorded { output, outcome } = record(name, &args, function);
        let attempt = || {
            let func = outcome?;
            let site = Site { name, args: &args, output: &output, symbolic };
            let (arguments, _) = varying(&args)?;
            let sets = subsets(arguments.len(), symbolic).into_iter();
            let rules = sets.map(|perturbed| site.traced(forward, backward, perturbed));
            Ok(custom_vjp_arrays(func, rules.collect::<Result<Vec<ReverseRule>>>()?, &args.leaves()))
        };
        Evaluated::new(output.clone(), attempt())
    };
    evaluate(name, args, body).at(location).into_tree()
}

/// Where a function with rules is applied.
struct Site<'a, A, O> {
    name: &'a str,
    args: &'a A,
    output: &'a O,
    symbolic: bool,
}

impl<A: Tree, O: Tree> Site<'_, A, O> {
    /// Records both rules for one set of arguments that are differentiated by.
    fn traced<Res: Tree>(
        &self,
        forward: ForwardRule<'_, A, O, Res>,
        backward: BackwardRule<'_, A, O, Res>,
        perturbed: Vec<bool>,
    ) -> Result<ReverseRule> {
        let mut flags = perturbed.iter().copied();
        let inexact = inexact_flags(&self.args.leaf_types()?);
        let of_leaves: Vec<bool> = inexact.iter().map(|&inexact| inexact && flags.next() == Some(true)).collect();
        let recorded = record(&format!("{}_forward", self.name), self.args, |args| forward(args, &of_leaves));
        let (value, residuals) = recorded.output;
        let forward = recorded.outcome?;
        let remedy = "return the function's result, then the residuals";
        check_like("custom_vjp", "the result of the forward rule", &value, self.output, remedy)?;
        let (results, _) = varying(self.output)?;
        let sets = subsets(results.len(), self.symbolic).into_iter();
        let backwards = sets.map(|takes| self.traced_backward(backward, &residuals, &results, takes));
        Ok(ReverseRule { perturbed, forward, backwards: backwards.collect::<Result<Vec<Rule>>>()? })
    }

    /// Records the backward rule for one set of cotangents that are not zero.
    fn traced_backward<Res: Tree>(
        &self,
        backward: BackwardRule<'_, A, O, Res>,
        residuals: &Res,
        results: &[Array],
        takes: Vec<bool>,
    ) -> Result<Rule> {
        let mut gives = Ok(Vec::new());
        let pair = (residuals.clone(), chosen(results, &takes));
        let recorded = record(&format!("{}_backward", self.name), &pair, |(residuals, cts)| {
            let cts = spread(self.output, cts, &takes);
            let given = backward(residuals, cts, self.output, self.args).and_then(|given| {
                // The rule for all cotangents gives all, zeros included: its transpose is the forward derivative.
                let given = match takes.contains(&false) {
                    true => given,
                    false => instantiated(self.args, given).leaves().into_iter().map(Some).collect(),
                };
                present(self.args, given)
            });
            let (flags, cotangents) = match given {
                Ok((flags, cotangents)) => (Ok(flags), cotangents),
                Err(error) => (Err(error), Vec::new()),
            };
            gives = flags;
            cotangents
        });
        let Traced { func, captures } = recorded.outcome?;
        Ok(Rule { func: Traced { func, captures }, takes, gives: gives? })
    }
}
