//! `vmap`: a function of one thing applied to many at once.

use crate::function::{Arguments, Function};
use crate::trace::{Evaluated, Recorded, evaluate, name_of, record_types};
use crate::tree::Tree;
use cotangent_ir::trace::{Traced, replay};
use cotangent_ir::transform::{inline, vmap as batching};
use cotangent_ir::{Error, ErrorKind, Result, Type};
use std::panic::Location;

/// A function batched over axes of its arguments: the result of [`vmap`].
pub struct Vmap<F> {
    function: F,
    in_axes: Option<Vec<Option<isize>>>,
    out_axis: isize,
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
    Vmap { function, in_axes: None, out_axis: 0 }
}

impl<F> Vmap<F> {
    /// The axis to slice the arrays of each argument along, one entry for each argument; `None` for an argument that is
    /// the same for all slices. Negative axes count from the last.
    pub fn in_axes(mut self, axes: &[Option<isize>]) -> Vmap<F> {
        self.in_axes = Some(axes.to_vec());
        self
    }

    /// The axis of the results along which slices are stacked; 0 unless set. Negative axes count from the last.
    pub fn out_axis(mut self, axis: isize) -> Vmap<F> {
        self.out_axis = axis;
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
            let (func, _) = batching::batch(&inline::inline(&func), &batched, plan.size, true)?;
            let mut operands = captures;
            operands.extend(leaves.iter().zip(&plan.axes).map(|(leaf, axis)| match axis {
                Some(axis) => leaf.move_axis(*axis as isize, 0),
                None => leaf.clone(),
            }));
            Ok(replay(&func, &operands).iter().map(|result| result.move_axis(0, self.out_axis)).collect())
        });
        Evaluated::new(output, results)
    }

    /// Finds the axis of each leaf, the common extent, and the types of slices.
    fn plan(&self, types: &[Type], counts: &[usize]) -> Result<Plan> {
        let refuse = |kind, message: String| Err(Error::new(kind, "vmap", message));
        let by_argument = match &self.in_axes {
            None => vec![Some(0); counts.len()],
            Some(axes) if axes.len() == counts.len() => axes.clone(),
            Some(axes) => {
                let (given, wanted) = (axes.len(), counts.len());
                let message = format!(
                    "`in_axes` has {given} entries for a function of {wanted} arguments; give one for each argument"
                );
                return refuse(ErrorKind::Argument, message);
            }
        };
        let wanted = by_argument.iter().zip(counts).flat_map(|(&axis, &count)| std::iter::repeat_n(axis, count));
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
