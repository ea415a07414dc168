//! Linear maps that transformations give, and the transposes and adjoints of linear functions.
//!
//! `linear_transpose` and [`LinearMap::transpose`] use the bilinear pairing without conjugation: they give `Aᵀ ct`.
//! `linear_adjoint` and [`LinearMap::adjoint`] conjugate: they give `Aᴴ ct`. For real data the two agree.

use crate::derivative::with_zeros;
use crate::function::Function;
use crate::tangent::differentiable;
use crate::trace::{Evaluated, Recorded, check_like, evaluate, name_of, record, template};
use crate::tree::Tree;
use cotangent_ir::prim::collective::{AxisNames, check_bound};
use cotangent_ir::trace::{Traced, replay, trace};
use cotangent_ir::transform::{inline, transpose as transposition};
use cotangent_ir::{Array, Func, Result};
use std::panic::Location;

/// A linear function from trees like `I` to trees like `O`, with the coefficients it was made with.
///
/// It is itself a [`Function`]: it can be compiled, batched, and differentiated.
#[derive(Clone)]
pub struct LinearMap<I, O> {
    /// The transformation that made it, for messages.
    pub(crate) operation: &'static str,
    /// What it takes and gives.
    pub(crate) direction: Direction,
    /// Parameters: the coefficients, then the leaves of the input that matter.
    pub(crate) func: Func,
    pub(crate) coefficients: Vec<Array>,
    /// Which leaves of the input are parameters of the function; the others have no influence.
    pub(crate) takes: Vec<bool>,
    /// Which leaves of the output are results of the function; the others are zero.
    pub(crate) gives: Vec<bool>,
    pub(crate) input: I,
    pub(crate) output: O,
    /// Whether input and output are conjugated around the function.
    pub(crate) conjugate: bool,
}

/// What a linear map takes, and what it gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    /// Tangents of arguments to tangents of results.
    Tangents,
    /// Cotangents of results to cotangents of arguments.
    Cotangents,
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
            operation: self.operation,
            direction: match self.direction {
                Direction::Tangents => Direction::Cotangents,
                Direction::Cotangents => Direction::Tangents,
            },
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
    pub(crate) fn summed_where_shared(self, primals: &[Array], names: &impl AxisNames) -> Result<LinearMap<I, O>> {
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
        let (what, remedy) = match self.direction {
            Direction::Tangents => ("the tangent", "pass one of the structure and types of the function's arguments"),
            Direction::Cotangents => ("the cotangent", "pass one of the structure and types of the function's result"),
        };
        check_like(self.operation, what, input, &self.input, remedy)?;
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
        Ok(with_zeros(results.into_result()?, &self.gives, &self.output.leaf_types()?))
    }
}

impl<I: Tree, O: Tree> Function<I, crate::function::Arity<1>> for LinearMap<I, O> {
    type Output = O;

    #[track_caller]
    fn apply(&self, input: I) -> O {
        self.evaluate(input).into_tree()
    }
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
/// ```
/// use cotangent::{Array, linear_adjoint};
/// use num_complex::Complex;
/// let example = (Array::from(0.0f64), Array::from(0.0f64));
/// let adjoint = linear_adjoint(|x: Array, y: Array| 0.5 * x - 0.5 * y, &example)?;
/// let (x, y) = adjoint.call(Array::from(1.0f64))?;
/// assert_eq!((x.item()?, y.item()?), (0.5, -0.5));
///
/// let i = Complex::new(0.0f64, 1.0);
/// let example = (Array::from(i), Array::from(i));
/// let adjoint = linear_adjoint(|x: Array, y: Array| 0.5 * x - Array::from(0.5 * i) * y, &example)?;
/// let (x, y) = adjoint.call(Array::from(Complex::new(1.0f64, 0.0)))?;
/// assert_eq!(x.to_vec::<Complex<f64>>()?, [Complex::new(0.5, 0.0)]);
/// assert_eq!(y.to_vec::<Complex<f64>>()?, [0.5 * i]);
/// # Ok::<(), cotangent::Error>(())
/// ```
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
fn linear_map<F, A, M>(operation: &'static str, function: &F, example: &A) -> Result<LinearMap<A, F::Output>>
where
    F: Function<A, M>,
    A: Tree,
{
    differentiable(operation, example, false)?;
    let Recorded { output, outcome } = record(&name_of::<F>(), example, |args| function.apply(args));
    let Traced { func, captures } = outcome?;
    Ok(LinearMap {
        operation,
        direction: Direction::Tangents,
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

fn selected(arrays: Vec<Array>, flags: &[bool]) -> Vec<Array> {
    arrays.into_iter().zip(flags).filter_map(|(array, &flag)| flag.then_some(array)).collect()
}
