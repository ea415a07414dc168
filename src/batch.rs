//! `vmap`: a function of one thing applied to many at once.

use crate::function::{Arguments, Function};
use crate::trace::{Evaluated, Recorded, evaluate, name_of};
use crate::tree::Tree;
use cotangent_ir::prim::collective::bind;
use cotangent_ir::trace::{Trace, Traced, replay};
use cotangent_ir::transform::vmap::BatchAxis;
use cotangent_ir::transform::{inline, vmap as batching};
use cotangent_ir::{Array, DType, Error, ErrorKind, Result, Type};
use std::panic::Location;

/// A function batched over axes of its arguments: the result of [`vmap`].
pub struct Vmap<F> {
    function: F,
    in_axes: Option<InAxes>,
    out_axes: OutAxes,
    name: Option<String>,
    size: Option<usize>,
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
    Vmap { function, in_axes: None, out_axes: OutAxes::All(0), name: None, size: None }
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

    /// Gives the batch axis a name, by which the function can ask for what other slices have: [`psum`](crate::psum),
    /// [`all_gather`](crate::all_gather), [`axis_index`](crate::axis_index) and others. Within a function batched more than
    /// once, all names are known; of equal ones the innermost counts.
    ///
    /// ```
    /// use cotangent::{Array, psum, vmap};
    /// let share = |x: Array| &x / psum(x.clone(), "i");
    /// let shares = vmap(share).axis_name("i").call(Array::from([1.0f32, 3.0, 4.0]))?;
    /// assert_eq!(shares.to_vec::<f32>()?, [0.125, 0.375, 0.5]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn axis_name(mut self, name: &str) -> Vmap<F> {
        self.name = Some(name.to_string());
        self
    }

    /// The number of slices; needed only where no argument is sliced, and checked otherwise.
    ///
    /// ```
    /// use cotangent::{Array, axis_index, vmap};
    /// let shifted = |x: Array| x + axis_index("i");
    /// let all = vmap(shifted).in_axes(&[None]).axis_name("i").axis_size(3).call(Array::from(10))?;
    /// assert_eq!(all.to_vec::<i32>()?, [10, 11, 12]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn axis_size(mut self, size: usize) -> Vmap<F> {
        self.size = Some(size);
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
        let size = plan.as_ref().map_or(1, |plan| plan.size);
        let (Recorded { output, outcome }, number) = self.record(&args, &slices, size);
        let results = plan.and_then(|plan| {
            let Traced { func, captures } = outcome?;
            let mut batched = vec![false; captures.len()];
            batched.extend(number.map(|_| true));
            batched.extend(plan.axes.iter().map(Option::is_some));
            let out_axes = self.out_axes(func.results().len())?;
            let (func, stacked) = batching::batch(&inline::inline(&func), &batched, BatchAxis { size, number }, false)?;
            let mut operands = captures;
            operands.extend(number.map(|_| Array::iota(&[size], 0, DType::I32)));
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

    /// Records the function of one slice. If the axis has a name, the number of the slice is the first parameter, and the
    /// number of the axis is returned, too.
    fn record<A: Tree, M: Arguments<A>>(
        &self,
        args: &A,
        slices: &[Type],
        size: usize,
    ) -> (Recorded<F::Output>, Option<usize>)
    where
        F: Function<A, M>,
    {
        let open = Trace::open(name_of::<F>());
        let bound = self.name.as_ref().map(|name| bind(name, size, open.param(Type::scalar(DType::I32))));
        let number = bound.as_ref().map(|axis| axis.number());
        let params = slices.iter().map(|ty| open.param(ty.clone())).collect();
        let output = self.function.apply(args.with_leaves(params));
        drop(bound);
        let outcome = open.finish(&output.leaves());
        (Recorded { output, outcome }, number)
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
        match (size, self.size) {
            (Some((extent, ty)), Some(size)) if extent != size => {
                let message = format!(
                    "`axis_size` is {size}, but {ty} has the extent {extent} along the batch axis; leave `axis_size` out, \
                     or pass an argument that fits"
                );
                refuse(ErrorKind::Shape, message)
            }
            (Some((size, _)), _) | (None, Some(size)) => Ok(Plan { axes, size, slices }),
            (None, None) => {
                let message = "no argument has an array to batch over; give at least one an axis in `in_axes`, or state \
                               the number of slices with `axis_size`";
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
