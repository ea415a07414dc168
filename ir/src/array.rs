//! The handle that users and rules compute with.
//!
//! An [`Array`] is data, a value of a function being traced, or the first error that happened on the way to it.
//! Operations on it never panic on a user's mistake: the error travels in the result and surfaces where data is asked
//! for. The operations themselves are methods defined beside their primitives, in `prim/`.

use crate::attrs::Attrs;
use crate::dtype::DType;
use crate::eager;
use crate::error::{Error, ErrorKind, Result};
use crate::prim::Prim;
use crate::scalar::{Number, Scalar};
use crate::tensor::{Element, Tensor};
use crate::trace::{self, TracedValue};
use crate::types::Type;
use num_complex::Complex;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// An array: data, a traced value, or an error on its way to whoever asks for data. Cheap to clone.
///
/// ```
/// use cotangent_ir::Array;
/// let x = Array::from(vec![1.0f32, 4.0, 9.0]);
/// assert_eq!(x.sqrt().to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0]);
/// assert!((x + Array::from(vec![1.0f32, 2.0])).to_vec::<f32>().is_err());
/// ```
#[derive(Clone)]
pub struct Array(Repr);

/// What an [`Array`] holds.
#[derive(Clone)]
pub(crate) enum Repr {
    Data(Arc<Tensor>),
    Traced(TracedValue),
    Error(Error),
}

impl Array {
    pub(crate) fn from_repr(repr: Repr) -> Array {
        Array(repr)
    }

    pub(crate) fn repr(&self) -> &Repr {
        &self.0
    }

    /// An array of known elements.
    pub fn from_tensor(tensor: Tensor) -> Array {
        Array(Repr::Data(Arc::new(tensor)))
    }

    /// An array of known elements, shared.
    pub fn from_shared(tensor: Arc<Tensor>) -> Array {
        Array(Repr::Data(tensor))
    }

    /// An array that stands for an error, as the result of an operation that failed.
    pub fn from_error(error: Error) -> Array {
        Array(Repr::Error(error))
    }

    /// An array of the given shape from row-major elements. The wrong number of elements gives an error value.
    #[track_caller]
    pub fn new<T: Element>(shape: &[usize], elements: &[T]) -> Array {
        match Tensor::from_slice(shape, elements) {
            Some(tensor) => Array::from_tensor(tensor),
            None => wrong_count("array", shape, elements.len(), Location::caller()),
        }
    }

    /// A boolean array of the given shape from row-major elements.
    #[track_caller]
    pub fn from_bools(shape: &[usize], elements: &[bool]) -> Array {
        match Tensor::from_bools(shape, elements) {
            Some(tensor) => Array::from_tensor(tensor),
            None => wrong_count("array", shape, elements.len(), Location::caller()),
        }
    }

    /// A literal: inside a trace an instruction of the function, outside data.
    #[track_caller]
    pub fn scalar(value: Scalar) -> Array {
        match trace::Trace::current() {
            Some(_) => crate::prim::shape::constant(value),
            None => Array::from_tensor(Tensor::from_scalar(value)),
        }
    }

    /// Element type and shape, or the error this value stands for.
    pub fn ty(&self) -> Result<Type> {
        match &self.0 {
            Repr::Data(data) => Ok(data.ty().clone()),
            Repr::Traced(value) => Ok(value.ty().clone()),
            Repr::Error(error) => Err(error.clone()),
        }
    }

    /// Element type, or the error this value stands for.
    pub fn dtype(&self) -> Result<DType> {
        self.ty().map(|ty| ty.dtype)
    }

    /// Shape, or the error this value stands for.
    pub fn shape(&self) -> Result<crate::types::Dims> {
        self.ty().map(|ty| ty.shape)
    }

    /// The error this value stands for, if it does.
    pub fn error(&self) -> Option<&Error> {
        match &self.0 {
            Repr::Error(error) => Some(error),
            _ => None,
        }
    }

    /// The data, if this is neither traced nor an error.
    #[track_caller]
    pub fn tensor(&self) -> Result<Arc<Tensor>> {
        let location = Location::caller();
        eager::concrete("tensor", self).map_err(|error| error.at(location))
    }

    /// The elements in row-major order. They must be stored as `T`; there is no silent conversion.
    ///
    /// # Errors
    /// The error this value stands for; a traced value; a dtype that is not `T`'s.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        let location = Location::caller();
        let data = eager::concrete("to_vec", self).map_err(|error| error.at(location))?;
        data.as_slice::<T>().map(<[T]>::to_vec).ok_or_else(|| {
            let (have, want) = (data.ty(), T::DTYPE);
            let message = format!("the array is {have}, not {want}; convert it first with `astype(DType::{want:?})`");
            Error::new(ErrorKind::DType, "to_vec", message).at(location)
        })
    }

    /// The elements of a boolean array in row-major order.
    ///
    /// # Errors
    /// As [`Array::to_vec`].
    #[track_caller]
    pub fn to_bools(&self) -> Result<Vec<bool>> {
        let location = Location::caller();
        let data = eager::concrete("to_bools", self).map_err(|error| error.at(location))?;
        if data.ty().dtype != DType::Bool {
            let message = format!("the array is {}, not bool; compare it with something", data.ty());
            return Err(Error::new(ErrorKind::DType, "to_bools", message).at(location));
        }
        Ok(data.bytes().iter().map(|&byte| byte != 0).collect())
    }

    /// The only element, as `f64`. Integers and bools convert; complex values must be split first.
    ///
    /// # Errors
    /// The error this value stands for; a traced value; more or fewer than one element; a complex dtype.
    #[track_caller]
    pub fn item(&self) -> Result<f64> {
        let location = Location::caller();
        let data = eager::concrete("item", self).map_err(|error| error.at(location))?;
        let fail = |kind, message: String| Err(Error::new(kind, "item", message).at(location));
        match (data.ty().len(), data.get_if_single()) {
            (_, Some(value)) => match value.number() {
                Number::Complex(_) => {
                    fail(ErrorKind::DType, "the element is complex; take `real()` or `imag()`".into())
                }
                _ => Ok(value.as_f64()),
            },
            (count, None) => {
                let message = format!("{} has {count} elements, not one; use `to_vec` or reduce it first", data.ty());
                fail(ErrorKind::Shape, message)
            }
        }
    }
}

impl Tensor {
    fn get_if_single(&self) -> Option<Scalar> {
        (self.ty().len() == 1).then(|| self.get(0))
    }
}

fn wrong_count(operation: &str, shape: &[usize], given: usize, location: &'static Location<'static>) -> Array {
    let wanted: usize = shape.iter().product();
    let message =
        format!("shape {shape:?} needs {wanted} elements, {given} were given; pass as many as the shape holds");
    let error = Error::new(ErrorKind::Shape, operation, message).at(location);
    if let Some(trace) = trace::Trace::current() {
        trace.note_error(&error);
    }
    Array::from_error(error)
}

/// Applies a primitive with one result.
#[track_caller]
pub fn apply1(prim: &'static Prim, args: &[&Array], attrs: Attrs) -> Array {
    trace::apply(prim, args, attrs).swap_remove(0)
}

/// Applies a primitive with any number of results. A failed application gives the error `count` times.
#[track_caller]
pub fn apply_many(prim: &'static Prim, args: &[&Array], attrs: Attrs, count: usize) -> Vec<Array> {
    trace::repeat_error(trace::apply(prim, args, attrs)).take(count).collect()
}

/// An error value at the caller's place; an open trace remembers it.
#[track_caller]
pub fn fail(kind: ErrorKind, operation: &str, message: impl Into<String>) -> Array {
    let error = Error::new(kind, operation, message).at(Location::caller());
    if let Some(trace) = trace::Trace::current() {
        trace.note_error(&error);
    }
    Array::from_error(error)
}

impl<T: Element> From<Vec<T>> for Array {
    fn from(elements: Vec<T>) -> Array {
        Array::new(&[elements.len()], &elements)
    }
}

impl<T: Element> From<&[T]> for Array {
    fn from(elements: &[T]) -> Array {
        Array::new(&[elements.len()], elements)
    }
}

impl<T: Element, const N: usize> From<[T; N]> for Array {
    fn from(elements: [T; N]) -> Array {
        Array::new(&[N], &elements)
    }
}

impl<T: Element, const M: usize, const N: usize> From<[[T; N]; M]> for Array {
    fn from(rows: [[T; N]; M]) -> Array {
        Array::new(&[M, N], rows.as_flattened())
    }
}

macro_rules! scalar_arrays {
    ($($rust:ty => |$x:ident| $scalar:expr),* $(,)?) => { $(
        impl From<$rust> for Array {
            #[track_caller]
            fn from($x: $rust) -> Array {
                Array::scalar($scalar)
            }
        }
    )* };
}
scalar_arrays! {
    bool => |x| Scalar::bool(x),
    i8 => |x| Scalar::int(DType::I8, x.into()),
    i16 => |x| Scalar::int(DType::I16, x.into()),
    i32 => |x| Scalar::int(DType::I32, x.into()),
    i64 => |x| Scalar::int(DType::I64, x.into()),
    u8 => |x| Scalar::int(DType::U8, x.into()),
    u16 => |x| Scalar::int(DType::U16, x.into()),
    u32 => |x| Scalar::int(DType::U32, x.into()),
    u64 => |x| Scalar::int(DType::U64, x.into()),
    f32 => |x| Scalar::real(DType::F32, x.into()),
    f64 => |x| Scalar::real(DType::F64, x),
    Complex<f32> => |x| Scalar::complex(DType::C64, Complex::new(x.re.into(), x.im.into())),
    Complex<f64> => |x| Scalar::complex(DType::C128, x),
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Data(data) => {
                let shown: Vec<String> = data.scalars().take(8).map(crate::text::print::scalar).collect();
                let more = if data.ty().len() > 8 { ", ..." } else { "" };
                write!(f, "{} [{}{more}]", data.ty(), shown.join(", "))
            }
            Repr::Traced(value) => write!(f, "{} (traced)", value.ty()),
            Repr::Error(error) => write!(f, "error: {error}"),
        }
    }
}
