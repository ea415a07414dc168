//! Linear maps that transformations give: tangents pushed forward, cotangents pulled back, adjoints.
//!
//! `jvp`, `vjp`, `linearize` and `linear_transpose` use the bilinear pairing without conjugation: `vjp` gives `Jᵀ ct`.
//! `linear_adjoint` and [`LinearMap::adjoint`] conjugate: they give `Aᴴ ct`. For real data the two agree.

use crate::function::Function;
use crate::trace::{Evaluated, Recorded, check_like, evaluate, execute, name_of, record, template};
use crate::tree::Tree;
use cotangent_ir::prim::collective::{AxisNames, check_bound};
use cotangent_ir::trace::{Traced, replay, trace};
use cotangent_ir::transform::linearize::Linearized;
use cotangent_ir::transform::{inline, jvp as forward, linearize as linearization, transpose as transposition};
use cotangent_ir::{Array, Error, ErrorKind, Func, Result};
use std::panic::Location;

/// A linear function from trees like `I` to trees like `O`, with the coefficients it was made with.
///
/// It is itself a [`Function`]: it can be compiled, batched, and differentiated.
#[derive(Clone)]
pub struct LinearMap<I, O> {
    /// Parameters: the coefficients, then the leaves of the input that matter.
    func: Func,
    coefficients: Vec<Array>,
    /// Which leaves of the input are parameters of the function; the others have no influence.
    takes: Vec<bool>,
    /// Which leaves of the output are results of the function; the others are zero.
    gives: Vec<bool>,
    input: I,
    output: O,
    /// Whether input and output are conjugated around the function.
    conjugate: bool,
}

impl<I: Tree, O: Tree> LinearMap<I, O> {
    /// Applies the map.
    ///
    /// # Errors
    /// An input of another structure or types than the map was made for.
    #[track_caller]
    pub fn call(&self, input: I) -> Result<O> {
        let location = Location::caller();
        self.evaluate(input).into_result().map_err(|error| error.at(location))
    }

    /// The transposed map, without conjugation.
    ///
    /// # Errors
    /// The function is not linear after all.
    pub fn transpose(&self) -> Result<LinearMap<O, I>> {
        let mut linear = vec![false; self.coefficients.len()];
        linear.resize(self.func.params().len(), true);
        Ok(LinearMap {
            func: transposition::transpose(&self.func, &linear)?,
            coefficients: self.coefficients.clone(),
            takes: self.gives.clone(),
            gives: self.takes.clone(),
            input: self.output.clone(),
            output: self.input.clone(),
            conjugate: self.conjugate,
        })
    }

    /// The adjoint map, which is the conjugated transpose.
    ///
    /// # Errors
    /// The function is not linear after all.
    pub fn adjoint(&self) -> Result<LinearMap<O, I>> {
        let transposed = self.transpose()?;
        Ok(LinearMap { conjugate: !transposed.conjugate, ..transposed })
    }

    /// The map with its output, cotangents of `primals`, summed over the named axes along which these are the same for
    /// all instances.
    fn summed_where_shared(self, primals: &[Array], names: &impl AxisNames) -> Result<LinearMap<I, O>> {
        check_bound("reduce_axes", names)?;
        let types = self.func.param_types()[self.coefficients.len()..].to_vec();
        let shared = selected(primals.to_vec(), &self.gives);
        let Traced { func, captures } = trace(&self.func.name, types, |cts| {
            let cotangents = replay(&self.func, &[&self.coefficients[..], cts].concat());
            cotangents.iter().zip(&shared).map(|(ct, primal)| ct.psum_shared(primal, names)).collect()
        })?;
        Ok(LinearMap { func, coefficients: captures, ..self })
    }

    fn evaluate(&self, input: I) -> Evaluated<O> {
        Evaluated::new(self.output.clone(), self.leaves_of(&input))
    }

    fn leaves_of(&self, input: &I) -> Result<Vec<Array>> {
        check_like("linear map", "the argument", input, &self.input, "pass what the map was made for")?;
        let given = selected(input.leaves(), &self.takes);
        let conjugated = |arrays: Vec<Array>| match self.conjugate {
            true => arrays.into_iter().map(conjugate).collect(),
            false => arrays,
        };
        let args = (self.coefficients.clone(), given);
        let results = evaluate(&self.func.name, args, |(mut operands, given)| {
            operands.extend(conjugated(given));
            Evaluated::from(conjugated(replay(&self.func, &operands)))
        });
        fill_zeros(results.into_result()?, &self.gives, &self.output)
    }
}

impl<I: Tree, O: Tree> Function<I, crate::function::Arity<1>> for LinearMap<I, O> {
    type Output = O;

    #[track_caller]
    fn apply(&self, input: I) -> O {
        self.evaluate(input).into_tree()
    }
}

/// The value of a function and its derivative in a direction: `(f(x), J t)`. Tangents have the structure and types of the
/// arguments.
///
/// ```
/// use cotangent::{Array, jvp};
/// let (y, t) = jvp(|x: Array| x.sin(), Array::from(0.1f64), Array::from(0.2f64))?;
/// assert!((y.item()? - 0.09983342).abs() < 1e-7);
/// assert!((t.item()? - 0.19900084).abs() < 1e-7);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A mistake in the function; tangents unlike the arguments; arguments that cannot be differentiated by.
#[track_caller]
pub fn jvp<F, A, M>(function: F, primals: A, tangents: A) -> Result<(F::Output, F::Output)>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    let attempt = || {
        differentiable("jvp", &primals)?;
        check_like("jvp", "the tangent", &tangents, &primals, "pass one tangent of the same type for every array")?;
        let body = |(primals, tangents)| {
            let (output, outcome) = pushed_forward(&function, &primals, &tangents);
            Evaluated::new((output.clone(), output), outcome)
        };
        evaluate("jvp", (primals.clone(), tangents.clone()), body).into_result()
    };
    attempt().map_err(|error: Error| error.at(location))
}

fn pushed_forward<F, A, M>(function: &F, primals: &A, tangents: &A) -> (F::Output, Result<Vec<Array>>)
where
    F: Function<A, M>,
    A: Tree,
{
    let Recorded { output, outcome } = record(&name_of::<F>(), primals, |args| function.apply(args));
    let outcome = outcome.and_then(|Traced { func, captures }| {
        let count = primals.leaves().len();
        let func = inline::inline(&func);
        let (pushed, nonzero) = forward::jvp(&func, &flags(captures.len(), count))?;
        let operands = [captures, primals.leaves(), tangents.leaves()].concat();
        let mut results = replay(&pushed, &operands);
        let tangents = results.split_off(nonzero.len());
        results.extend(fill_zeros(tangents, &nonzero, &output)?);
        Ok(results)
    });
    (output, outcome)
}

/// The value of a function and its derivative at that place, as a linear map of tangents that can be applied repeatedly.
///
/// ```
/// use cotangent::{Array, linearize};
/// let (y, push) = linearize(|x: Array| 3.0 * x.sin() + (0.5 * &x).cos(), Array::from(2.0f64))?;
/// assert!((y.item()? - 3.2681944).abs() < 1e-6);
/// assert!((push.call(Array::from(3.0f64))?.item()? + 5.007528).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A mistake in the function; arguments that cannot be differentiated by.
#[track_caller]
#[expect(clippy::type_complexity, reason = "the two types, written out, are what a reader wants to know")]
pub fn linearize<F, A, M>(function: F, primals: A) -> Result<(F::Output, LinearMap<A, F::Output>)>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    linearized("linearize", &function, &primals).map_err(|error| error.at(location))
}

/// The value of a function and its derivative transposed, as a linear map from cotangents of the result to cotangents of
/// the arguments: `ct ↦ Jᵀ ct`, without conjugation.
///
/// ```
/// use cotangent::{Array, vjp};
/// let f = |x: Array, y: Array| (x.sin(), y.cos());
/// let (_, pull) = vjp(f, (Array::from(0.5f64), Array::from(1.0f64)))?;
/// let (x, y) = pull.call((Array::from(-0.7f64), Array::from(0.3f64)))?;
/// assert!((x.item()? + 0.61430776).abs() < 1e-7);
/// assert!((y.item()? + 0.2524413).abs() < 1e-7);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A mistake in the function; arguments that cannot be differentiated by; a function without a transposable derivative.
#[track_caller]
#[expect(clippy::type_complexity, reason = "the two types, written out, are what a reader wants to know")]
pub fn vjp<F, A, M>(function: F, primals: A) -> Result<(F::Output, LinearMap<F::Output, A>)>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    let attempt = || {
        let (output, map) = linearized("vjp", &function, &primals)?;
        Ok((output, map.transpose()?))
    };
    attempt().map_err(|error: Error| error.at(location))
}

/// As [`vjp`], with the cotangents of arguments that are the same for all instances of a named axis summed over it: what
/// a batch has in common gets the cotangents of all its items.
///
/// ```
/// use cotangent::{Array, Function, vjp_reduced, vmap};
/// let pulled = |w: Array, x: Array| match vjp_reduced(|w: Array, x: Array| w * x, (w, x), "i") {
///     Ok((_, pull)) => pull.apply(Array::from(1.0f32)),
///     Err(error) => (Array::from_error(error.clone()), Array::from_error(error)),
/// };
/// let batched = vmap(pulled).in_axes(&[None, Some(0)]).axis_name("i").out_leaf_axes(&[None, Some(0)]);
/// let (by_w, by_x) = batched.call((Array::from(2.0f32), Array::from([1.0f32, 3.0])))?;
/// assert_eq!(by_w.item()?, 4.0);
/// assert_eq!(by_x.to_vec::<f32>()?, [2.0, 2.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As [`vjp`]; a name that is not bound.
#[track_caller]
#[expect(clippy::type_complexity, reason = "the two types, written out, are what a reader wants to know")]
pub fn vjp_reduced<F, A, M>(
    function: F,
    primals: A,
    reduce_axes: impl AxisNames,
) -> Result<(F::Output, LinearMap<F::Output, A>)>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    let attempt = || {
        let (output, map) = linearized("vjp", &function, &primals)?;
        Ok((output, map.transpose()?.summed_where_shared(&primals.leaves(), &reduce_axes)?))
    };
    attempt().map_err(|error: Error| error.at(location))
}

/// The value of a function and its conjugated derivative transposed, as a map from cotangents of the result to cotangents
/// of the arguments: `ct ↦ Jᴴ ct`. As [`vjp`](crate::vjp) for real arrays.
///
/// ```
/// use cotangent::{Array, cvjp};
/// use num_complex::Complex;
/// let z = Array::from(Complex::new(1.0f64, 2.0));
/// let (_, pull) = cvjp(|z: Array| &z * &z, z)?;
/// let ct = pull.call(Array::from(Complex::new(1.0f64, 0.0)))?;
/// assert_eq!(ct.to_vec::<Complex<f64>>()?, [Complex::new(2.0, -4.0)]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As [`vjp`](crate::vjp).
#[track_caller]
#[expect(clippy::type_complexity, reason = "the two types, written out, are what a reader wants to know")]
pub fn cvjp<F, A, M>(function: F, primals: A) -> Result<(F::Output, LinearMap<F::Output, A>)>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    let attempt = || {
        let (output, map) = linearized("cvjp", &function, &primals)?;
        Ok((output, map.adjoint()?))
    };
    attempt().map_err(|error: Error| error.at(location))
}

/// The value of a function and its derivative.
type Linearization<A, O> = (O, LinearMap<A, O>);

fn linearized<F, A, M>(operation: &str, function: &F, primals: &A) -> Result<Linearization<A, F::Output>>
where
    F: Function<A, M>,
    A: Tree,
{
    differentiable(operation, primals)?;
    let Recorded { output, outcome } = record(&name_of::<F>(), primals, |args| function.apply(args));
    let Traced { func, captures } = outcome?;
    let count = primals.leaves().len();
    let parts = linearization::linearize(&inline::inline(&func), &flags(captures.len(), count))?;
    let Linearized { primal, residuals: _, linear, nonzero } = parts;
    let mut results = execute(&primal, &[captures, primals.leaves()].concat())?;
    let coefficients = results.split_off(nonzero.len());
    let map = LinearMap {
        func: linear,
        coefficients,
        takes: vec![true; count],
        gives: nonzero,
        input: template(primals),
        output: template(&output),
        conjugate: false,
    };
    Ok((output.with_leaves(results), map))
}

/// The transpose `ct ↦ Aᵀ ct` of a linear function, without conjugation. Of `example` only structure and types matter;
/// its leaves may be [`placeholder`](crate::placeholder)s.
///
/// ```
/// use cotangent::{Array, linear_transpose};
/// let example = (Array::from(0.0f64), Array::from(0.0f64));
/// let transposed = linear_transpose(|x: Array, y: Array| 0.5 * x - 0.5 * y, &example)?;
/// let (x, y) = transposed.call(Array::from(1.0f64))?;
/// assert_eq!((x.item()?, y.item()?), (0.5, -0.5));
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A mistake in the function; a function that is not linear.
#[track_caller]
pub fn linear_transpose<F, A, M>(function: F, example: &A) -> Result<LinearMap<F::Output, A>>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    let transposed = || linear_map("linear_transpose", &function, example)?.transpose();
    transposed().map_err(|error| error.at(location))
}

/// The adjoint `ct ↦ Aᴴ ct` of a linear function: the conjugated transpose. Of `example` only structure and types matter;
/// its leaves may be [`placeholder`](crate::placeholder)s. Cotangents of real arguments are real: the imaginary part is
/// dropped.
///
/// # Errors
/// A mistake in the function; a function that is not linear.
#[track_caller]
pub fn linear_adjoint<F, A, M>(function: F, example: &A) -> Result<LinearMap<F::Output, A>>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    let adjoint = || linear_map("linear_adjoint", &function, example)?.adjoint();
    adjoint().map_err(|error| error.at(location))
}

/// A linear function recorded as a map.
fn linear_map<F, A, M>(operation: &str, function: &F, example: &A) -> Result<LinearMap<A, F::Output>>
where
    F: Function<A, M>,
    A: Tree,
{
    differentiable(operation, example)?;
    let Recorded { output, outcome } = record(&name_of::<F>(), example, |args| function.apply(args));
    let Traced { func, captures } = outcome?;
    Ok(LinearMap {
        func: inline::inline(&func),
        coefficients: captures,
        takes: vec![true; example.leaves().len()],
        gives: vec![true; output.leaves().len()],
        input: template(example),
        output: template(&output),
        conjugate: false,
    })
}

/// Structure and types of the result of a function, found without computing it: a tree of
/// [`placeholder`](crate::placeholder)s.
///
/// # Errors
/// A mistake in the function.
#[track_caller]
pub fn eval_shape<F, A, M>(function: F, args: &A) -> Result<F::Output>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    let Recorded { output, outcome } = record(&name_of::<F>(), args, |args| function.apply(args));
    outcome.map(|_| template(&output)).map_err(|error| error.at(location))
}

/// Checks that there is something to differentiate by, and nothing that cannot be.
pub(crate) fn differentiable<A: Tree>(operation: &str, args: &A) -> Result<()> {
    let types = args.leaf_types()?;
    if types.is_empty() {
        let message = format!(
            "the arguments {} contain no arrays to differentiate by; pass `Array::from(x)` for a Rust number",
            args.structure()
        );
        return Err(Error::new(ErrorKind::Structure, operation, message));
    }
    match types.iter().find(|ty| !ty.dtype.is_inexact()) {
        None => Ok(()),
        Some(ty) => {
            let message = format!(
                "arguments must be f32, f64, c64 or c128, but one is {ty}; convert it with `astype`, capture it in the \
                 closure, or select other arguments with `wrt`"
            );
            Err(Error::new(ErrorKind::DType, operation, message))
        }
    }
}

/// `first` times false, then `second` times true.
pub(crate) fn flags(first: usize, second: usize) -> Vec<bool> {
    let mut flags = vec![false; first];
    flags.resize(first + second, true);
    flags
}

/// The conjugate of complex arrays; others as they are.
pub(crate) fn conjugate(array: Array) -> Array {
    match array.dtype() {
        Ok(dtype) if dtype.is_complex() => array.conj(),
        _ => array,
    }
}

/// Puts zeros of the template's types where nothing was computed.
pub(crate) fn fill_zeros<T: Tree>(computed: Vec<Array>, present: &[bool], template: &T) -> Result<Vec<Array>> {
    let mut computed = computed.into_iter();
    present
        .iter()
        .zip(template.leaf_types()?)
        .map(|(&present, ty)| match present.then(|| computed.next()).flatten() {
            Some(array) => Ok(array),
            None => Ok(Array::zeros(&ty.shape, ty.dtype)),
        })
        .collect()
}

fn selected(arrays: Vec<Array>, flags: &[bool]) -> Vec<Array> {
    arrays.into_iter().zip(flags).filter_map(|(array, &flag)| flag.then_some(array)).collect()
}
