//! Maps of several arrays to one, such as a forward model and its unknown parameters.

use super::Op;
use crate::linop::{LinOp, jacobian};
use crate::{Array, BlockArray, BlockType, Error, ErrorKind, LinearMap, Result, Type, Variable, cvjp, eval_shape, jvp};
use crate::{placeholder, vjp};
use std::fmt;
use std::sync::Arc;

type Evaluate = dyn Fn(&[Array]) -> Array + Send + Sync;

/// A map of several arrays to one, of which each parameter may be varied alone.
///
/// ```
/// use cotangent::operator::Map;
/// use cotangent::{Array, DType, Type};
/// let ty = Type::new(DType::F32, &[3]);
/// let f = Map::new(&[ty.clone(), ty], |args: &[Array]| &args[0] * &args[1] + args[1].square())?;
/// let (a, b) = (Array::from([1.0f32, 2.0, 3.0]), Array::from([4.0f32, 5.0, 6.0]));
/// assert_eq!(f.apply(&[a.clone(), b.clone()]).to_vec::<f32>()?, [20.0, 35.0, 54.0]);
///
/// // The derivative by the second parameter along ones is a + 2 b.
/// let (_, slope) = f.jvp(1, &b.ones_like(), &[a.clone(), b.clone()])?;
/// assert_eq!(slope.to_vec::<f32>()?, [9.0, 12.0, 15.0]);
///
/// // With the second parameter fixed it is an operator in the first.
/// let by_first = f.slice(0, &[b])?;
/// assert_eq!(by_first.apply(&a).to_vec::<f32>()?, [20.0, 35.0, 54.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone)]
pub struct Map {
    inputs: Vec<Type>,
    output: Type,
    evaluate: Arc<Evaluate>,
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map: {} -> {}", self.inputs.iter().map(Type::to_string).collect::<Vec<_>>().join(", "), self.output)
    }
}

impl Map {
    /// The map a function of arrays of the types `inputs` is. The output type is that of the traced function.
    ///
    /// # Errors
    /// No parameter; a mistake in the function.
    pub fn new(inputs: &[Type], function: impl Fn(&[Array]) -> Array + Send + Sync + 'static) -> Result<Map> {
        if inputs.is_empty() {
            let message = "maps at least one array, got no input types";
            return Err(Error::new(ErrorKind::Argument, "Map", message));
        }
        let samples: Vec<Array> = inputs.iter().cloned().map(placeholder).collect();
        let output = eval_shape(|args: Vec<Array>| function(&args), &samples)?.ty()?;
        Ok(Map { inputs: inputs.to_vec(), output, evaluate: Arc::new(function) })
    }

    /// The types of the parameters.
    pub fn input_types(&self) -> &[Type] {
        &self.inputs
    }

    /// The type of the result.
    pub fn output_type(&self) -> &Type {
        &self.output
    }

    /// `f(args)`.
    #[track_caller]
    pub fn apply(&self, args: &[Array]) -> Array {
        if args.len() != self.inputs.len() {
            let message = format!("takes {} arrays, got {}", self.inputs.len(), args.len());
            return cotangent_ir::fail(ErrorKind::Argument, "Map", message);
        }
        (self.evaluate)(args)
    }

    /// The operator in parameter number `index`, the others fixed to `rest`, in their order.
    ///
    /// # Errors
    /// A number there is no parameter of; not one array for each of the others.
    pub fn slice(&self, index: usize, rest: &[Array]) -> Result<Op> {
        let input = self.parameter(index)?.clone();
        if rest.len() + 1 != self.inputs.len() {
            let message = format!("fixes {} arrays, got {}", self.inputs.len() - 1, rest.len());
            return Err(Error::new(ErrorKind::Argument, "Map::slice", message));
        }
        let (map, rest) = (self.clone(), rest.to_vec());
        Op::new(input, move |x: &Array| map.apply(&with(&rest, index, x)))
    }

    /// The operator of a block array of all parameters.
    ///
    /// # Errors
    /// Parameters of different dtypes.
    pub fn join(&self) -> Result<Op<BlockArray, Array>> {
        let samples = BlockArray::new(self.inputs.iter().cloned().map(placeholder))?;
        let ty: BlockType = samples.variable_type()?;
        let map = self.clone();
        Op::new(ty, move |x: &BlockArray| map.apply(x.blocks()))
    }

    /// `(f(args), J_index v)`: the value and the derivative by parameter number `index` along `v`.
    ///
    /// # Errors
    /// A number there is no parameter of; arrays of the wrong types; a mistake in the function.
    #[track_caller]
    pub fn jvp(&self, index: usize, v: &Array, args: &[Array]) -> Result<(Array, Array)> {
        let (rest, at) = self.split(index, args)?;
        jvp(|x: Array| self.apply(&with(&rest, index, &x)), at, v.clone())
    }

    /// `f(args)` and the map `v ↦ J_indexᴴ v`, for the derivative by parameter number `index`.
    ///
    /// # Errors
    /// As [`Map::jvp`].
    #[track_caller]
    pub fn vjp(&self, index: usize, args: &[Array]) -> Result<(Array, LinearMap<Array, Array>)> {
        let (rest, at) = self.split(index, args)?;
        cvjp(|x: Array| self.apply(&with(&rest, index, &x)), at)
    }

    /// `f(args)` and the map `v ↦ J_indexᵀ v`, without conjugation.
    ///
    /// # Errors
    /// As [`Map::jvp`].
    #[track_caller]
    pub fn vjp_plain(&self, index: usize, args: &[Array]) -> Result<(Array, LinearMap<Array, Array>)> {
        let (rest, at) = self.split(index, args)?;
        vjp(|x: Array| self.apply(&with(&rest, index, &x)), at)
    }

    /// `f(args)` and the derivative by parameter number `index` as a linear operator.
    ///
    /// # Errors
    /// As [`Map::jvp`].
    pub fn jacobian(&self, index: usize, args: &[Array]) -> Result<(Array, LinOp)> {
        let (rest, at) = self.split(index, args)?;
        jacobian(&self.slice(index, &rest)?, &at)
    }

    fn parameter(&self, index: usize) -> Result<&Type> {
        self.inputs.get(index).ok_or_else(|| {
            let message = format!("parameter {index} of {}; they count from 0", self.inputs.len());
            Error::new(ErrorKind::Argument, "Map", message)
        })
    }

    /// The arguments but one, and that one.
    fn split(&self, index: usize, args: &[Array]) -> Result<(Vec<Array>, Array)> {
        self.parameter(index)?;
        if args.len() != self.inputs.len() {
            let message = format!("takes {} arrays, got {}", self.inputs.len(), args.len());
            return Err(Error::new(ErrorKind::Argument, "Map", message));
        }
        let mut rest = args.to_vec();
        let at = rest.remove(index);
        Ok((rest, at))
    }
}

/// All arguments, from those but one and that one.
fn with(rest: &[Array], index: usize, x: &Array) -> Vec<Array> {
    let mut args = rest.to_vec();
    args.insert(index, x.clone());
    args
}
