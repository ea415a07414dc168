//! Gradients of functions on a grid, along the axes or along directions that differ from place to place.

use super::coordinates::{Component, Coordinates, Cylindrical, Polar, Spherical};
use super::{Boundary, Edge, LinearOperator, SingleAxisFiniteDifference, accept_shape, broadcast_shape, distinct_axes};
use crate::{Array, BlockArray, DType, Error, ErrorKind, Result, Type, stack};

/// The derivatives `g_m` along some axes, or their projections `Σ_m c_m ⊙ g_m` on directions `c` given at each element.
///
/// The derivative is the difference to the next element, 0 at the last, or with
/// [`central`](ProjectedGradient::central) half of the difference between the next and the previous element, at the ends
/// the difference to the only neighbour. Several derivatives or projections are stacked along a new leading axis; of one
/// alone the output has the shape of the input.
///
/// ```
/// use cotangent::linop::{LinearOperator, ProjectedGradient};
/// use cotangent::{Array, BlockArray, DType, Type};
/// let ty = Type::new(DType::F32, &[2, 3]);
/// let x = Array::from([[0.0f32, 1.0, 3.0], [10.0, 12.0, 16.0]]);
/// let gradient = ProjectedGradient::new(ty)?;
/// assert_eq!(
///     gradient.apply(&x).to_vec::<f32>()?,
///     [10.0, 11.0, 13.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 2.0, 4.0, 0.0]
/// );
/// // On one direction, whose components by both axes are the same everywhere.
/// let diagonal = BlockArray::new([Array::from([[1.0f32]]), Array::from([[-1.0f32]])])?;
/// let slope = gradient.onto(&[diagonal])?;
/// assert_eq!(slope.apply(&x).to_vec::<f32>()?, [9.0, 9.0, 13.0, -2.0, -4.0, 0.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProjectedGradient {
    input: Type,
    axes: Vec<usize>,
    central: bool,
    directions: Option<Vec<Vec<Array>>>,
    output: Type,
}

/// The gradient in coordinates around a center: its projections on their unit vectors at each element.
///
/// All components unless [`components`](CoordinateGradient::components) names some, stacked along a new leading axis in
/// their order; of one alone the output has the shape of the input. The unit vectors are computed where they are needed,
/// from the numbers of the elements.
#[derive(Clone, Debug)]
pub struct CoordinateGradient<C> {
    input: Type,
    axes: Vec<usize>,
    center: Vec<f64>,
    central: bool,
    components: Vec<C>,
}

/// The gradient in polar coordinates in the plane of two axes, which are the first two unless
/// [`axes`](CoordinateGradient::axes) names them.
///
/// ```
/// use cotangent::linop::{LinearOperator, Polar, PolarGradient};
/// use cotangent::{Array, DType, Type};
/// let gradient = PolarGradient::new(Type::new(DType::F32, &[3, 3]))?;
/// assert_eq!(gradient.output_type().shape[..], [2, 3, 3]);
/// let radial = gradient.components(&[Polar::Radial])?;
/// let x = Array::from([[0.0f32, 1.0, 2.0]; 3]);
/// // The slope along the last axis is 1, and seen from the center it points outward at the right.
/// assert_eq!(radial.apply(&x).to_vec::<f32>()?[3..6], [-1.0, 1.0, 0.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub type PolarGradient = CoordinateGradient<Polar>;

/// The gradient in cylindrical coordinates of three axes, the last of which is that of the cylinder.
pub type CylindricalGradient = CoordinateGradient<Cylindrical>;

/// The gradient in spherical coordinates of three axes, the last of which is that of the poles.
pub type SphericalGradient = CoordinateGradient<Spherical>;

/// The derivative along an axis.
#[track_caller]
fn derivative(x: &Array, input: &Type, axis: usize, central: bool) -> Array {
    let along = axis as isize;
    match (central, input.shape[axis]) {
        (true, 2..) => x.gradient(along),
        (true, _) => 0.0 * x,
        (false, extent) => {
            let mut widths = vec![(0, 0, 0); input.rank()];
            widths[axis] = (0, i64::from(extent > 0), 0);
            x.diff(along).pad_zeros(&widths)
        }
    }
}

/// Axes counted from the start, if they exist, have elements, and are named once.
fn numbered(operation: &str, input: &Type, axes: &[isize]) -> Result<Vec<usize>> {
    let number = |&axis: &isize| {
        let single = SingleAxisFiniteDifference::new(input.clone(), axis, Boundary::append(Edge::Zero));
        single.map(|single| single.axis()).map_err(|error| Error::new(error.kind(), operation, error.message()))
    };
    let found = axes.iter().map(number).collect::<Result<Vec<usize>>>()?;
    distinct_axes(operation, input, &found)?;
    Ok(found)
}

/// The type of so many arrays like the input: of one alone, or stacked.
fn stacked(input: &Type, count: usize) -> Type {
    match count {
        1 => input.clone(),
        _ => input.with_shape(&[&[count][..], &input.shape[..]].concat()),
    }
}

/// One array, or several stacked.
#[track_caller]
fn stacking(parts: Vec<Array>) -> Array {
    match &parts[..] {
        [only] => only.clone(),
        _ => stack(&parts, 0),
    }
}

impl ProjectedGradient {
    /// The derivatives along all axes of arrays of type `input`.
    ///
    /// # Errors
    /// As [`ProjectedGradient::along`].
    pub fn new(input: Type) -> Result<ProjectedGradient> {
        let axes: Vec<isize> = (0..input.rank() as isize).collect();
        ProjectedGradient::along(input, &axes)
    }

    /// The derivatives along some axes of arrays of type `input`, in the order given; negative ones count from the end.
    ///
    /// # Errors
    /// No axis; one that does not exist, has no elements, or is named twice.
    pub fn along(input: Type, axes: &[isize]) -> Result<ProjectedGradient> {
        let axes = numbered("ProjectedGradient", &input, axes)?;
        let output = stacked(&input, axes.len());
        Ok(ProjectedGradient { input, axes, central: false, directions: None, output })
    }

    /// With central differences.
    pub fn central(self) -> ProjectedGradient {
        ProjectedGradient { central: true, ..self }
    }

    /// The projections on directions, each of which has a component for each axis that broadcasts with the input. For one
    /// array with the components along its first axis see [`BlockArray::split`].
    ///
    /// # Errors
    /// No direction; not one component for each axis; a component that does not broadcast to the shape of the input; the
    /// error one stands for.
    pub fn onto(self, directions: &[BlockArray]) -> Result<ProjectedGradient> {
        let refuse = |kind, message: String| Err(Error::new(kind, "ProjectedGradient", message));
        let mut dtype = self.input.dtype;
        for direction in directions {
            if direction.len() != self.axes.len() {
                let message = format!(
                    "a direction with {} components for derivatives along {} axes; give one for each",
                    direction.len(),
                    self.axes.len()
                );
                return refuse(ErrorKind::Shape, message);
            }
            for component in direction {
                let ty = component.ty()?;
                if broadcast_shape("ProjectedGradient", &ty.shape, &self.input.shape)? != self.input.shape[..] {
                    let message = format!("a component {ty} is larger than {}; take a part of it", self.input);
                    return refuse(ErrorKind::Shape, message);
                }
                dtype = dtype.promote(ty.dtype);
            }
        }
        if directions.is_empty() {
            return refuse(ErrorKind::Argument, "projects on at least one direction, got none".to_string());
        }
        let output = stacked(&self.input, directions.len()).with_dtype(dtype);
        let directions = directions.iter().map(|direction| direction.blocks().to_vec()).collect();
        Ok(ProjectedGradient { directions: Some(directions), output, ..self })
    }
}

impl LinearOperator for ProjectedGradient {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape("ProjectedGradient", &self.input, x);
        let slopes: Vec<Array> =
            self.axes.iter().map(|&axis| derivative(&x, &self.input, axis, self.central)).collect();
        let Some(directions) = &self.directions else { return stacking(slopes) };
        let projection = |direction: &Vec<Array>| {
            let products = direction.iter().zip(&slopes).map(|(component, slope)| component * slope);
            products.reduce(|sum, product| sum + product).unwrap_or_else(|| x.zeros_like())
        };
        stacking(directions.iter().map(projection).collect())
    }
}

impl<C: Coordinates> CoordinateGradient<C> {
    /// All components, by the first axes of arrays of type `input`, around the middle.
    ///
    /// # Errors
    /// An input of too few axes, or with an axis without elements.
    pub fn new(input: Type) -> Result<CoordinateGradient<C>> {
        let axes: Vec<isize> = (0..C::AXES as isize).collect();
        CoordinateGradient::over(input, &axes)
    }

    fn over(input: Type, axes: &[isize]) -> Result<CoordinateGradient<C>> {
        if axes.len() != C::AXES || input.rank() < C::AXES {
            let message = format!(
                "coordinates of {} axes, got axes {axes:?} of {input}; name {} of an array that has them",
                C::AXES,
                C::AXES
            );
            return Err(Error::new(ErrorKind::Argument, C::NAME, message));
        }
        let axes = numbered(C::NAME, &input, axes)?;
        let extents: Vec<usize> = axes.iter().map(|&axis| input.shape[axis]).collect();
        Ok(CoordinateGradient { center: C::center(&extents), input, axes, central: false, components: C::ALL.to_vec() })
    }

    /// By other axes, in the order of the coordinates; negative ones count from the end. The center is the middle again.
    ///
    /// # Errors
    /// Another number of axes than the coordinates have; one that does not exist, has no elements, or is named twice.
    pub fn axes(self, axes: &[isize]) -> Result<CoordinateGradient<C>> {
        let over = CoordinateGradient::over(self.input, axes)?;
        Ok(CoordinateGradient { central: self.central, components: self.components, ..over })
    }

    /// Around another center, a number for each of the axes, which may lie between elements.
    ///
    /// # Errors
    /// Not one finite number for each of the axes.
    pub fn around(self, center: &[f64]) -> Result<CoordinateGradient<C>> {
        if center.len() != self.axes.len() || !center.iter().all(|number| number.is_finite()) {
            let message = format!("a center {center:?} for {} axes; give a finite number for each", self.axes.len());
            return Err(Error::new(ErrorKind::Argument, C::NAME, message));
        }
        Ok(CoordinateGradient { center: center.to_vec(), ..self })
    }

    /// Some components, in the order given.
    ///
    /// # Errors
    /// No component.
    pub fn components(self, components: &[C]) -> Result<CoordinateGradient<C>> {
        if components.is_empty() {
            let message = format!("at least one component is needed; name some of {:?}", C::ALL);
            return Err(Error::new(ErrorKind::Argument, C::NAME, message));
        }
        Ok(CoordinateGradient { components: components.to_vec(), ..self })
    }

    /// With central differences.
    pub fn central(self) -> CoordinateGradient<C> {
        CoordinateGradient { central: true, ..self }
    }

    /// For each axis of the coordinates the distance of elements from the center, of extent 1 along the other axes.
    fn offsets(&self, dtype: DType) -> Vec<Array> {
        let offset = |(&axis, &center): (&usize, &f64)| {
            let mut shape = vec![1; self.input.rank()];
            shape[axis] = self.input.shape[axis];
            Array::iota(&shape, axis as isize, dtype) - center
        };
        self.axes.iter().zip(&self.center).map(offset).collect()
    }
}

impl<C: Coordinates> LinearOperator for CoordinateGradient<C> {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        stacked(&self.input, self.components.len())
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape(C::NAME, &self.input, x);
        let slopes: Vec<Array> =
            self.axes.iter().map(|&axis| derivative(&x, &self.input, axis, self.central)).collect();
        let offsets = self.offsets(self.input.dtype.real());
        let projection = |component: &C| {
            let direction = component.direction(&offsets);
            let products = direction.into_iter().zip(&slopes).filter_map(|(component, slope)| match component {
                Component::Zero => None,
                Component::One => Some(slope.clone()),
                Component::Of(factor) => Some(factor * slope),
            });
            products.reduce(|sum, product| sum + product).unwrap_or_else(|| x.zeros_like())
        };
        stacking(self.components.iter().map(projection).collect())
    }

    fn name(&self) -> &str {
        C::NAME
    }
}
