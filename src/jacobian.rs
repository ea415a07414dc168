//! Jacobians, as dense arrays in nested trees.
//!
//! The Jacobian of a function has the structure of its result, with the structure of what it is differentiated by in place
//! of every leaf. Each of its arrays, a *block*, is the derivative of one array by another; its shape is that of the first
//! followed by that of the second. For a function of one array that returns one, it is a single array.
//!
//! `jacrev` conjugates, as gradients do; `jacfwd` does not. For real arguments the two agree. Functions from complex to
//! complex arrays have a complex Jacobian only if they are holomorphic, which `holomorphic()` states.

use crate::function::{Argument, Arguments, Function, Selection};
use crate::linear::{conjugate, flags};
use crate::tangent::{differentiable, tangent_type, zeros};
use crate::trace::{Evaluated, Recorded, evaluate, name_of, record};
use crate::tree::Tree;
use cotangent_ir::trace::{Traced, replay};
use cotangent_ir::transform::linearize::{Linearized, linearize};
use cotangent_ir::transform::{inline, jvp, transpose, vmap};
use cotangent_ir::{Array, DType, Error, ErrorKind, Func, Result, Type};
use std::marker::PhantomData;
use std::panic::Location;

/// The Jacobian of a function, row by row: the result of [`jacrev`].
pub struct Jacrev<F, S = Argument<0>>(pub(crate) Jacobian<F, S>);

/// The Jacobian of a function and its auxiliary results: the result of [`jacrev_aux`].
pub struct JacrevAux<F, S = Argument<0>>(pub(crate) Jacobian<F, S>);

/// The Jacobian of a function, column by column: the result of [`jacfwd`].
pub struct Jacfwd<F, S = Argument<0>>(pub(crate) Jacobian<F, S>);

/// The Jacobian of a function and its auxiliary results: the result of [`jacfwd_aux`].
pub struct JacfwdAux<F, S = Argument<0>>(pub(crate) Jacobian<F, S>);

/// A function to differentiate, and how.
pub(crate) struct Jacobian<F, S> {
    pub(crate) function: F,
    pub(crate) holomorphic: bool,
    /// Whether rows are conjugated.
    pub(crate) conjugate: bool,
    selection: PhantomData<fn() -> S>,
}

/// The Jacobian by reverse mode, one pass for each element of the result: for wide Jacobians. It differentiates by the
/// first argument, or by those chosen with [`wrt`](Jacrev::wrt), and is conjugated like a gradient.
///
/// ```
/// use cotangent::{Array, jacrev, stack};
/// let f = |x: Array| {
///     let (a, b, c) = (x.index_axis(0, 0), x.index_axis(0, 1), x.index_axis(0, 2));
///     stack(&[a.clone(), 5.0 * &c, 4.0 * b.square() - 2.0 * &c, c * a.sin()], 0)
/// };
/// let rows = jacrev(f).call(Array::from([1.0f64, 2.0, 3.0]))?;
/// let numbers: Vec<String> = rows.to_vec::<f64>()?.iter().map(|x| format!("{x:.6}")).collect();
/// assert_eq!(numbers[..3], ["1.000000", "0.000000", "0.000000"]);
/// assert_eq!(numbers[3..6], ["0.000000", "0.000000", "5.000000"]);
/// assert_eq!(numbers[6..9], ["0.000000", "16.000000", "-2.000000"]);
/// assert_eq!(numbers[9..], ["1.620907", "0.000000", "0.841471"]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// By both arguments of a function with two results:
///
/// ```
/// use cotangent::{AllArguments, Array, jacrev};
/// let f = |x: Array, y: Array| (&x * &y, x.sum());
/// let at = (Array::from([1.0f64, 2.0]), Array::from([3.0f64, 4.0]));
/// let (product, sum) = jacrev(f).wrt::<AllArguments>().call(at)?;
/// assert_eq!(product.0.to_vec::<f64>()?, [3.0, 0.0, 0.0, 4.0]);
/// assert_eq!(product.1.to_vec::<f64>()?, [1.0, 0.0, 0.0, 2.0]);
/// assert_eq!(sum.0.to_vec::<f64>()?, [1.0, 1.0]);
/// assert_eq!(sum.1.to_vec::<f64>()?, [0.0, 0.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn jacrev<F>(function: F) -> Jacrev<F> {
    Jacrev(Jacobian::new(function))
}

/// As [`jacrev`], for a function that returns its result together with auxiliary ones: `(Jacobian, auxiliary)`.
///
/// ```
/// use cotangent::{Array, jacrev_aux};
/// let f = |x: Array| (x.square(), x.sum());
/// let (rows, sum) = jacrev_aux(f).call(Array::from([1.0f64, 2.0]))?;
/// assert_eq!(rows.to_vec::<f64>()?, [2.0, 0.0, 0.0, 4.0]);
/// assert_eq!(sum.item()?, 3.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn jacrev_aux<F>(function: F) -> JacrevAux<F> {
    JacrevAux(Jacobian::new(function))
}

/// The Jacobian by forward mode, one pass for each element of the argument: for tall Jacobians. It differentiates by the
/// first argument, or by those chosen with [`wrt`](Jacfwd::wrt), and is not conjugated.
///
/// ```
/// use cotangent::{Array, jacfwd, stack};
/// let f = |x: Array| {
///     let (a, b, c) = (x.index_axis(0, 0), x.index_axis(0, 1), x.index_axis(0, 2));
///     stack(&[a.clone(), 5.0 * &c, 4.0 * b.square() - 2.0 * &c, c * a.sin()], 0)
/// };
/// let columns = jacfwd(f).call(Array::from([1.0f64, 2.0, 3.0]))?;
/// let numbers: Vec<String> = columns.to_vec::<f64>()?.iter().map(|x| format!("{x:.6}")).collect();
/// assert_eq!(numbers[..3], ["1.000000", "0.000000", "0.000000"]);
/// assert_eq!(numbers[3..6], ["0.000000", "0.000000", "5.000000"]);
/// assert_eq!(numbers[6..9], ["0.000000", "16.000000", "-2.000000"]);
/// assert_eq!(numbers[9..], ["1.620907", "0.000000", "0.841471"]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn jacfwd<F>(function: F) -> Jacfwd<F> {
    Jacfwd(Jacobian::new(function))
}

/// As [`jacfwd`], for a function that returns its result together with auxiliary ones: `(Jacobian, auxiliary)`.
///
/// ```
/// use cotangent::{Array, jacfwd_aux};
/// let f = |x: Array| (x.square(), x.sum());
/// let (columns, sum) = jacfwd_aux(f).call(Array::from([1.0f64, 2.0]))?;
/// assert_eq!(columns.to_vec::<f64>()?, [2.0, 0.0, 0.0, 4.0]);
/// assert_eq!(sum.item()?, 3.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn jacfwd_aux<F>(function: F) -> JacfwdAux<F> {
    JacfwdAux(Jacobian::new(function))
}

/// The blocks of a Jacobian, and all results of the function.
type Blocks = (Vec<Array>, Vec<Array>);

/// A Jacobian, and the result of the function.
type WithResult<F, O, S, A, M> = (Nested<O, S, A, M>, <F as Function<A, M>>::Output);

/// The structure of the blocks of a Jacobian of a result like `O` by the arguments that `S` selects.
pub(crate) type Nested<O, S, A, M> = <O as Tree>::Of<<S as Selection<A, M>>::Selected>;

impl<F, S> Jacobian<F, S> {
    pub(crate) fn new(function: F) -> Jacobian<F, S> {
        Jacobian { function, holomorphic: false, conjugate: true, selection: PhantomData }
    }

    pub(crate) fn wrt<T>(self) -> Jacobian<F, T> {
        let Jacobian { function, holomorphic, conjugate, selection: _ } = self;
        Jacobian { function, holomorphic, conjugate, selection: PhantomData }
    }

    /// The Jacobian of the leading part of the result that `main` tells, and the result. Called inside a trace.
    fn differentiate<A, M, O>(
        &self,
        operation: &str,
        args: &A,
        main: fn(&F::Output) -> O,
        blocks: impl Fn(&Self, Traced, &Point) -> Result<Blocks>,
    ) -> Evaluated<WithResult<F, O, S, A, M>>
    where
        F: Function<A, M>,
        S: Selection<A, M>,
        A: Tree,
        M: Arguments<A>,
        O: Tree,
    {
        let selected = S::select(args);
        let Recorded { output, outcome } = record(&name_of::<F>(), args, |args| self.function.apply(args));
        let main = main(&output);
        let nested = main.with_trees(vec![selected.clone(); main.leaves().len()]);
        let results = outcome.and_then(|traced| {
            differentiable(operation, &selected, self.function.allows_int())?;
            let point = Point {
                leaves: args.leaves(),
                types: args.leaf_types()?,
                by: S::positions(args),
                results: main.leaf_types()?,
            };
            let (blocks, results) = blocks(self, traced, &point)?;
            Ok([blocks, results].concat())
        });
        Evaluated::new((nested, output), results)
    }

    /// Checks dtypes.
    fn check(&self, operation: &str, point: &Point, complex: Complex) -> Result<()> {
        let refuse = |message: String| Err(Error::new(ErrorKind::DType, operation, message));
        let arguments = point.by.iter().map(|&position| &point.types[position]).filter(|ty| ty.dtype.is_inexact());
        let results = point.results.iter().filter(|ty| !is_trivial(ty));
        if let Some(ty) = results.clone().find(|ty| !ty.dtype.is_inexact()) {
            return refuse(format!(
                "the function must return floating point, but a result is {ty}; convert it with `astype`"
            ));
        }
        if self.holomorphic {
            return match arguments.chain(results).find(|ty| !ty.dtype.is_complex()) {
                None => Ok(()),
                Some(ty) => refuse(format!(
                    "a holomorphic function takes and returns complex arrays, but one is {ty}; leave `holomorphic()` out, \
                     or convert with `astype`"
                )),
            };
        }
        let (what, mut checked): (_, Box<dyn Iterator<Item = &Type>>) = match complex {
            Complex::Argument => ("takes an argument", Box::new(arguments)),
            Complex::Result => ("returns", Box::new(results)),
        };
        match checked.find(|ty| ty.dtype.is_complex()) {
            None => Ok(()),
            Some(ty) => refuse(format!(
                "the function {what} {ty}, and a complex Jacobian is that of a holomorphic function; call `holomorphic()` \
                 if it is one, or differentiate real and imaginary parts"
            )),
        }
    }

    /// The blocks row by row. Called inside a trace.
    fn rows(&self, Traced { func, captures }: Traced, point: &Point) -> Result<Blocks> {
        self.check("jacrev", point, Complex::Result)?;
        let wanted = point.wanted();
        let varying = point.varying(captures.len(), &wanted);
        let parts = linearize(&inline::inline(&func), &varying)?;
        let Linearized { primal, residuals, linear, nonzero } = parts;
        let mut results = replay(&primal, &[captures, point.leaves.clone()].concat());
        let coefficients = results.split_off(nonzero.len());
        let mut blocks = Vec::new();
        for (number, result) in point.results.iter().enumerate() {
            let rows = if nonzero[number] && !result.is_empty() {
                let mut one = linear.clone();
                one.set_results(vec![linear.results()[nonzero[..number].iter().filter(|flag| **flag).count()]]);
                let pulled = transpose::transpose(&one, &flags(residuals, wanted.len()))?;
                let (pulled, _) = vmap::batch(&pulled, &flags(residuals, 1), result.len(), true)?;
                replay(&pulled, &[coefficients.clone(), vec![unit_vectors(result)]].concat())
            } else {
                Vec::new()
            };
            for &position in &point.by {
                let ty = block_type(result, &point.types[position], point.types[position].dtype);
                let row = wanted.binary_search(&position).ok().and_then(|place| rows.get(place));
                let block = row.map_or_else(|| zeros(&ty), |row| row.reshape(&ty.shape));
                blocks.push(if self.conjugate { conjugate(block) } else { block });
            }
        }
        Ok((blocks, results))
    }

    /// The blocks column by column. Called inside a trace.
    fn columns(&self, Traced { func, captures }: Traced, point: &Point) -> Result<Blocks> {
        self.check("jacfwd", point, Complex::Argument)?;
        let func = inline::inline(&func);
        let wanted = point.wanted();
        let operands = [captures.clone(), point.leaves.clone()].concat();
        let columns = wanted.iter().map(|&position| columns_by(&func, &operands, captures.len() + position, point));
        let columns: Vec<Vec<Option<Array>>> = columns.collect::<Result<_>>()?;
        let mut blocks = Vec::new();
        for (number, result) in point.results.iter().enumerate() {
            for position in &point.by {
                let ty = block_type(result, &point.types[*position], result.dtype);
                let column = wanted.binary_search(position).ok().and_then(|place| columns[place][number].as_ref());
                blocks.push(match column {
                    Some(column) if !is_trivial(&ty) => column.move_axis(0, -1).reshape(&ty.shape),
                    _ => zeros(&ty),
                });
            }
        }
        Ok((blocks, replay(&func, &operands)))
    }
}

/// The tangents of the results along the unit vectors of one operand, stacked along their first axis; `None` where zero.
fn columns_by(func: &Func, operands: &[Array], position: usize, point: &Point) -> Result<Vec<Option<Array>>> {
    let by = operands[position].ty()?;
    if by.is_empty() {
        return Ok(vec![None; point.results.len()]);
    }
    let mut varying = vec![false; operands.len()];
    varying[position] = true;
    let (pushed, nonzero) = jvp::jvp(func, &varying)?;
    let (pushed, _) = vmap::batch(&pushed, &flags(operands.len(), 1), by.len(), true)?;
    let results = replay(&pushed, &[operands, &[unit_vectors(&by)]].concat());
    let mut tangents = results.into_iter().skip(nonzero.len());
    Ok(nonzero.iter().map(|&nonzero| if nonzero { tangents.next() } else { None }).collect())
}

/// Where complex numbers have no derivative unless the function is holomorphic.
enum Complex {
    Argument,
    Result,
}

/// What is differentiated, and where.
struct Point {
    /// The leaves of all arguments.
    leaves: Vec<Array>,
    /// Their types.
    types: Vec<Type>,
    /// The positions among them of those that are differentiated by.
    by: Vec<usize>,
    /// The types of the results that are differentiated.
    results: Vec<Type>,
}

impl Point {
    /// The positions to differentiate by that have derivatives, in order, each once.
    fn wanted(&self) -> Vec<usize> {
        let mut wanted = self.by.clone();
        wanted.retain(|&position| self.types[position].dtype.is_inexact());
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// For the captures and all arguments, whether to differentiate by them.
    fn varying(&self, captures: usize, wanted: &[usize]) -> Vec<bool> {
        let mut varying = vec![false; captures + self.leaves.len()];
        wanted.iter().for_each(|&position| varying[captures + position] = true);
        varying
    }
}

/// Whether arrays of a type are trivial derivatives, as by integers.
fn is_trivial(ty: &Type) -> bool {
    ty.dtype == DType::Bool && ty.shape.last() == Some(&0)
}

/// The type of the derivative of one array by another, if it has elements of the given dtype.
fn block_type(result: &Type, argument: &Type, dtype: DType) -> Type {
    let trivial = is_trivial(result);
    let own = if trivial { &result.shape[..result.rank() - 1] } else { &result.shape[..] };
    let shape = [own, &argument.shape[..]].concat();
    match trivial || !argument.dtype.is_inexact() {
        true => tangent_type(&Type::new(DType::Bool, &shape)),
        false => Type::new(dtype, &shape),
    }
}

/// The unit vectors of a type along a leading axis.
fn unit_vectors(ty: &Type) -> Array {
    Array::eye(ty.len(), ty.dtype).reshape(&[&[ty.len()], &ty.shape[..]].concat())
}

macro_rules! jacobian_function {
    (
        $name:ident, [$($generic:ident),*], [$($bound:tt)*], [$($output:tt)*], |$this:ident, $args:ident| $result:expr
    ) => {
        impl<F, S> $name<F, S> {
            /// Differentiates by other arguments: `wrt::<Argument<1>>()`, `wrt::<(Argument<0>, Argument<2>)>()`,
            /// `wrt::<AllArguments>()`.
            pub fn wrt<T>(self) -> $name<F, T> {
                $name(self.0.wrt())
            }

            /// States that the function is holomorphic, from complex arrays to complex ones.
            pub fn holomorphic(mut self) -> $name<F, S> {
                self.0.holomorphic = true;
                self
            }

            /// Applies it: at once outside any trace, recorded inside one.
            ///
            /// # Errors
            /// A mistake in the function; arguments or results that cannot be differentiated.
            #[track_caller]
            pub fn call<A, M $(, $generic)*>(&self, args: A) -> Result<$($output)*>
            where
                F: Function<A, M $($bound)*>,
                S: Selection<A, M>,
                A: Tree,
                M: Arguments<A>,
                $($generic: Tree,)*
            {
                let location = Location::caller();
                self.evaluate(args).into_result().map_err(|error| error.at(location))
            }

            fn evaluate<A, M $(, $generic)*>(&self, args: A) -> Evaluated<$($output)*>
            where
                F: Function<A, M $($bound)*>,
                S: Selection<A, M>,
                A: Tree,
                M: Arguments<A>,
                $($generic: Tree,)*
            {
                let $this = &self.0;
                evaluate(&name_of::<F>(), args, |$args| $result)
            }
        }

        impl<F, S, A, M $(, $generic)*> Function<A, M> for $name<F, S>
        where
            F: Function<A, M $($bound)*>,
            S: Selection<A, M>,
            A: Tree,
            M: Arguments<A>,
            $($generic: Tree,)*
        {
            type Output = $($output)*;

            #[track_caller]
            fn apply(&self, args: A) -> $($output)* {
                self.evaluate(args).into_tree()
            }

            fn allows_int(&self) -> bool {
                self.0.function.allows_int()
            }
        }
    };
}
jacobian_function!(Jacrev, [], [], [Nested<F::Output, S, A, M>], |this, args| {
    this.differentiate("jacrev", &args, F::Output::clone, Jacobian::rows).map(|(nested, _)| nested)
});
jacobian_function!(Jacfwd, [], [], [Nested<F::Output, S, A, M>], |this, args| {
    this.differentiate("jacfwd", &args, F::Output::clone, Jacobian::columns).map(|(nested, _)| nested)
});
jacobian_function!(JacrevAux, [O, X], [, Output = (O, X)], [(Nested<O, S, A, M>, X)], |this, args| {
    let main = |(output, _): &(O, X)| output.clone();
    this.differentiate("jacrev", &args, main, Jacobian::rows).map(|(nested, (_, aux))| (nested, aux))
});
jacobian_function!(JacfwdAux, [O, X], [, Output = (O, X)], [(Nested<O, S, A, M>, X)], |this, args| {
    let main = |(output, _): &(O, X)| output.clone();
    this.differentiate("jacfwd", &args, main, Jacobian::columns).map(|(nested, (_, aux))| (nested, aux))
});
