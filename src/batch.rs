//! `vmap`: a function of one thing applied to many at once.

use crate::function::{Arguments, Function};
use crate::trace::{Evaluated, Recorded, evaluate, name_of, record_types};
use crate::tree::Tree;
use cotangent_ir::trace::{Traced, replay};
use cotangent_ir::transform::{inline, vmap as batching};
use cotangent_ir::{Array, Error, ErrorKind, Result, Type};
use std::panic::Location;

/// A function batched over axes of its arguments: the result of [`vmap`].
pub struct Vmap<F> {
    function: F,
    in_axes: Option<InAxes>,
    out_axes: OutAxes,
}

/// The axes that arrays are sliced along.
enum InAxes {
    /// One entry for each argument, for all its arrays.
    Arguments(Vec<Option<isize>>),
    /// One entry for each array of all arguments.
    Leaves(Vec<Option<isize>>),
}

/// The axes along which slices of results are stacked.
enum OutAxes {
    /// The same for all.
    All(isize),
    /// One entry for each array of the result.
    Leaves(Vec<Option<isize>>),
}

/// Batches a function: it is applied to all slices of its arguments along an axis, and the results are stacked along an
/// axis. Unless [`in_axes`](Vmap::in_axes) says otherwise, every array of every argument is sliced along its axis 0.
///
/// ```
/// use cotangent::{Array, vmap};
/// let dot = |x: Array, y: Array| (x * y).sum();
/// let rows = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// let once = Array::from([10.0f32, 1.0]);
/// let dots = vmap(dot).in_axes(&[Some(0), None]).call((rows, once))?;
/// assert_eq!(dots.to_vec::<f32>()?, [12.0, 34.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn vmap<F>(function: F) -> Vmap<F> {
    Vmap { function, in_axes: None, out_axes: OutAxes::All(0) }
}

impl<F> Vmap<F> {
    /// The axis to slice the arrays of each argument along, one entry for each argument; `None` for an argument that is
    /// the same for all slices. Negative axes count from the last.
    pub fn in_axes(mut self, axes: &[Option<isize>]) -> Vmap<F> {
        self.in_axes = Some(InAxes::Arguments(axes.to_vec()));
        self
    }

    /// As [`in_axes`](Vmap::in_axes), with one entry for each array of the arguments, in the order of their leaves.
    ///
    /// ```
    /// use cotangent::{Array, vmap};
    /// let f = |(x, y): (Array, Array)| x * y;
    /// let (x, y) = (Array::from([1.0f32, 2.0]), Array::from(10.0f32));
    /// let products = vmap(f).in_leaf_axes(&[Some(0), None]).call((x, y))?;
    /// assert_eq!(products.to_vec::<f32>()?, [10.0, 20.0]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn in_leaf_axes(mut self, axes: &[Option<isize>]) -> Vmap<F> {
        self.in_axes = Some(InAxes::Leaves(axes.to_vec()));
        self
    }

    /// The axis of the results along which slices are stacked; 0 unless set. Negative axes count from the last.
    pub fn out_axis(mut self, axis: isize) -> Vmap<F> {
        self.out_axes = OutAxes::All(axis);
        self
    }

    /// As [`out_axis`](Vmap::out_axis), with one entry for each array of the result, in the order of its leaves; `None` for
    /// one that is the same for all slices.
    pub fn out_leaf_axes(mut self, axes: &[Option<isize>]) -> Vmap<F> {
        self.out_axes = OutAxes::Leaves(axes.to_vec());
        self
    }

    /// Applies it: at once outside any trace, recorded inside one.
    ///
    /// # Errors
    /// A mistake in the function; arrays without the axis to slice along; axes of different extents.
    #[track_caller]
    pub fn call<A: Tree, M: Arguments<A>>(&self, args: A) -> Result<F::Output>
    where
        F: Function<A, M>,
    {
        let location = Location::caller();
        self.evaluate(args).into_result().map_err(|error| error.at(location))
    }

    fn evaluate<A: Tree, M: Arguments<A>>(&self, args: A) -> Evaluated<F::Output>
    where
        F: Function<A, M>,
    {
        evaluate(&name_of::<F>(), args, |args| self.batch(args))
    }

    /// Called inside a trace.
    fn batch<A: Tree, M: Arguments<A>>(&self, args: A) -> Evaluated<F::Output>
    where
        F: Function<A, M>,
    {
        let leaves = args.leaves();
        let plan = args.leaf_types().and_then(|types| self.plan(&types, &M::leaf_counts(&args)));
        // Where the axes are wrong, the function still tells the structure of its result.
        let slices = match &plan {
            Ok(plan) => plan.slices.clone(),
            Err(_) => leaves.iter().map(|leaf| leaf.ty().unwrap_or_else(|_| Type::new(DEFAULT, &[]))).collect(),
        };
        let body = |args| self.function.apply(args);
        let Recorded { output, outcome } = record_types(&name_of::<F>(), &args, &slices, body);
        let results = plan.and_then(|plan| {
            let Traced { func, captures } = outcome?;
            let mut batched = vec![false; captures.len()];
            batched.extend(plan.axes.iter().map(Option::is_some));
            let out_axes = self.out_axes(func.results().len())?;
            let (func, stacked) = batching::batch(&inline::inline(&func), &batched, plan.size, false)?;
            let mut operands = captures;
            operands.extend(leaves.iter().zip(&plan.axes).map(|(leaf, axis)| match axis {
                Some(axis) => leaf.move_axis(*axis as isize, 0),
                None => leaf.clone(),
            }));
            let results = replay(&func, &operands);
            let placed = |((result, stacked), axis): ((&Array, bool), &Option<isize>)| match (stacked, axis) {
                (true, Some(axis)) => Ok(result.move_axis(0, *axis)),
                (false, Some(axis)) => Ok(result.broadcast_leading(plan.size).move_axis(0, *axis)),
                (false, None) => Ok(result.clone()),
                (true, None) => {
                    let message = "a result with `None` in `out_leaf_axes` differs between slices; give it an axis";
                    Err(Error::new(ErrorKind::Argument, "vmap", message))
                }
            };
            results.iter().zip(stacked).zip(&out_axes).map(placed).collect()
        });
        Evaluated::new(output, results)
    }

    /// The axis of each array of the result.
    fn out_axes(&self, count: usize) -> Result<Vec<Option<isize>>> {
        match &self.out_axes {
            OutAxes::All(axis) => Ok(vec![Some(*axis); count]),
            OutAxes::Leaves(axes) if axes.len() == count => Ok(axes.clone()),
            OutAxes::Leaves(axes) => {
                let given = axes.len();
                let message =
                    format!("`out_leaf_axes` has {given} entries for a result of {count} arrays; give one each");
                Err(Error::new(ErrorKind::Argument, "vmap", message))
            }
        }
    }

    /// Finds the axis of each leaf, the common extent, and the types of slices.
    fn plan(&self, types: &[Type], counts: &[usize]) -> Result<Plan> {
        let refuse = |kind, message: String| Err(Error::new(kind, "vmap", message));
        let of_arguments = |axes: &[Option<isize>]| -> Vec<Option<isize>> {
            axes.iter().zip(counts).flat_map(|(&axis, &count)| std::iter::repeat_n(axis, count)).collect()
        };
        let wanted = match &self.in_axes {
            None => vec![Some(0); types.len()],
            Some(InAxes::Leaves(axes)) if axes.len() == types.len() => axes.clone(),
            Some(InAxes::Leaves(axes)) => {
                let (given, wanted) = (axes.len(), types.len());
                let message = format!(
                    "`in_leaf_axes` has {given} entries for arguments of {wanted} arrays; give one for each array"
                );
                return refuse(ErrorKind::Argument, message);
            }
            Some(InAxes::Arguments(axes)) if axes.len() == counts.len() => of_arguments(axes),
            Some(InAxes::Arguments(axes)) => {
                let (given, wanted) = (axes.len(), counts.len());
                let message = format!(
                    "`in_axes` has {given} entries for a function of {wanted} arguments; give one for each argument"
                );
                return refuse(ErrorKind::Argument, message);
            }
        };
        let (mut axes, mut slices) = (Vec::new(), Vec::new());
        let mut size: Option<(usize, &Type)> = None;
        for (ty, axis) in types.iter().zip(wanted) {
            let Some(axis) = axis else {
                axes.push(None);
                slices.push(ty.clone());
                continue;
            };
            let position = if axis < 0 { axis + ty.rank() as isize } else { axis };
            if position < 0 || position >= ty.rank() as isize {
                let message = format!(
                    "an argument {ty} has no axis {axis} to batch over; give it one, or pass `None` for it in `in_axes`"
                );
                return refuse(ErrorKind::Argument, message);
            }
            let position = position as usize;
            let extent = ty.shape[position];
            match size {
                Some((size, other)) if size != extent => {
                    let message = format!(
                        "batched arguments must have equal extents, but {other} has {size} and {ty} has {extent} along \
                         the batch axis; make them equal, or pass `None` in `in_axes` for what all slices share"
                    );
                    return refuse(ErrorKind::Shape, message);
                }
                _ => size = Some((extent, ty)),
            }
            let mut shape = ty.shape.clone();
            shape.remove(position);
            axes.push(Some(position));
            slices.push(ty.with_shape(&shape));
        }
        match size {
            Some((size, _)) => Ok(Plan { axes, size, slices }),
            None => {
                let message = "no argument has an array to batch over; give at least one an axis in `in_axes`";
                refuse(ErrorKind::Argument, message.into())
            }
        }
    }
}

/// Stands for the dtype of a leaf that is an error.
const DEFAULT: cotangent_ir::DType = cotangent_ir::DType::F32;

struct Plan {
    /// The batch axis of each leaf.
    axes: Vec<Option<usize>>,
    size: usize,
    slices: Vec<Type>,
}

impl<F, A, M> Function<A, M> for Vmap<F>
where
    F: Function<A, M>,
    A: Tree,
    M: Arguments<A>,
{
    type Output = F::Output;

    #[track_caller]
    fn apply(&self, args: A) -> F::Output {
        self.evaluate(args).into_tree()
    }
}
