//! Concrete array data: a type and a 64-byte aligned row-major buffer.

use crate::dtype::DType;
use crate::scalar::{Number, Scalar};
use crate::types::Type;
use aligned_vec::{AVec, ConstAlign};
use num_complex::Complex;

/// Alignment of every data buffer, one cache line.
pub const ALIGNMENT: usize = 64;

/// Bytes aligned to [`ALIGNMENT`].
pub type Bytes = AVec<u8, ConstAlign<ALIGNMENT>>;

/// An array of known elements.
#[derive(Clone, Debug)]
pub struct Tensor {
    ty: Type,
    bytes: Bytes,
    /// Who gets the storage in the end, if not the allocator.
    owner: Option<fn(Bytes)>,
}

/// A Rust type that is the storage of one dtype.
pub trait Element: bytemuck::Pod + Send + Sync + 'static {
    /// The dtype stored in this type.
    const DTYPE: DType;
}

macro_rules! elements {
    ($($rust:ty => $dtype:ident),*) => { $(impl Element for $rust { const DTYPE: DType = DType::$dtype; })* };
}
elements!(i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32, u64 => U64,
    f32 => F32, f64 => F64, Complex<f32> => C64, Complex<f64> => C128);

impl Tensor {
    /// Zeros of the given type (false for bool).
    pub fn zeros(ty: Type) -> Tensor {
        let bytes = AVec::from_iter(ALIGNMENT, std::iter::repeat_n(0u8, ty.byte_len()));
        Tensor { ty, bytes, owner: None }
    }

    /// Takes ownership of row-major bytes. `bytes.len()` must be the byte length of `ty`.
    pub fn from_bytes(ty: Type, bytes: Bytes) -> Tensor {
        if bytes.len() != ty.byte_len() {
            crate::error::internal(&format!("{} bytes for {ty}", bytes.len()));
        }
        Tensor { ty, bytes, owner: None }
    }

    /// When the tensor is dropped, `owner` gets its storage, instead of the allocator.
    pub fn given_back_to(mut self, owner: fn(Bytes)) -> Tensor {
        self.owner = Some(owner);
        self
    }

    /// Copies elements; `None` where their number is not that of the shape.
    pub fn from_slice<T: Element>(shape: &[usize], elements: &[T]) -> Option<Tensor> {
        let ty = Type::new(T::DTYPE, shape);
        (ty.len() == elements.len())
            .then(|| Tensor::from_bytes(ty, AVec::from_slice(ALIGNMENT, bytemuck::cast_slice(elements))))
    }

    /// Copies truth values; `None` where their number is not that of the shape.
    pub fn from_bools(shape: &[usize], elements: &[bool]) -> Option<Tensor> {
        let ty = Type::new(DType::Bool, shape);
        (ty.len() == elements.len())
            .then(|| Tensor::from_bytes(ty, AVec::from_iter(ALIGNMENT, elements.iter().map(|&b| u8::from(b)))))
    }

    /// A zero-dimensional tensor.
    pub fn from_scalar(value: Scalar) -> Tensor {
        Tensor::from_fn(Type::scalar(value.dtype()), |_| value)
    }

    /// Computes each element from its row-major position. Values are converted to the dtype of `ty`.
    pub fn from_fn(ty: Type, mut element: impl FnMut(usize) -> Scalar) -> Tensor {
        let mut tensor = Tensor::zeros(ty);
        for position in 0..tensor.ty.len() {
            tensor.set(position, element(position));
        }
        tensor
    }

    /// Element type and shape.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// The storage.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The storage, writable.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// The elements, if their dtype is that of `T`.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        (self.ty.dtype == T::DTYPE).then(|| bytemuck::cast_slice(&self.bytes))
    }

    /// The elements, writable, if their dtype is that of `T`.
    pub fn as_mut_slice<T: Element>(&mut self) -> Option<&mut [T]> {
        (self.ty.dtype == T::DTYPE).then(|| bytemuck::cast_slice_mut(&mut self.bytes))
    }

    /// The same elements with another shape of equal element count.
    pub fn reshaped(mut self, shape: &[usize]) -> Tensor {
        let ty = self.ty.with_shape(shape);
        if ty.len() != self.ty.len() {
            crate::error::internal(&format!("reshape of {} to {ty}", self.ty));
        }
        self.ty = ty;
        self
    }

    /// The element at a row-major position.
    pub fn get(&self, position: usize) -> Scalar {
        let dtype = self.ty.dtype;
        let size = dtype.size();
        let bytes = &self.bytes[position * size..(position + 1) * size];
        let value = match dtype {
            DType::Bool => Number::Int(i128::from(bytes[0] != 0)),
            DType::I8 => Number::Int(i128::from(bytemuck::pod_read_unaligned::<i8>(bytes))),
            DType::I16 => Number::Int(i128::from(bytemuck::pod_read_unaligned::<i16>(bytes))),
            DType::I32 => Number::Int(i128::from(bytemuck::pod_read_unaligned::<i32>(bytes))),
            DType::I64 => Number::Int(i128::from(bytemuck::pod_read_unaligned::<i64>(bytes))),
            DType::U8 => Number::Int(i128::from(bytes[0])),
            DType::U16 => Number::Int(i128::from(bytemuck::pod_read_unaligned::<u16>(bytes))),
            DType::U32 => Number::Int(i128::from(bytemuck::pod_read_unaligned::<u32>(bytes))),
            DType::U64 => Number::Int(i128::from(bytemuck::pod_read_unaligned::<u64>(bytes))),
            DType::F32 => Number::Float(f64::from(bytemuck::pod_read_unaligned::<f32>(bytes))),
            DType::F64 => Number::Float(bytemuck::pod_read_unaligned::<f64>(bytes)),
            DType::C64 => {
                let v = bytemuck::pod_read_unaligned::<Complex<f32>>(bytes);
                Number::Complex(Complex::new(f64::from(v.re), f64::from(v.im)))
            }
            DType::C128 => Number::Complex(bytemuck::pod_read_unaligned::<Complex<f64>>(bytes)),
        };
        Scalar::new(dtype, value)
    }

    /// Overwrites the element at a row-major position, converting to the tensor's dtype.
    pub fn set(&mut self, position: usize, value: Scalar) {
        let dtype = self.ty.dtype;
        let size = dtype.size();
        let bytes = &mut self.bytes[position * size..(position + 1) * size];
        let value = value.convert(dtype);
        match dtype {
            DType::F32 => bytes.copy_from_slice(bytemuck::bytes_of(&(value.as_f64() as f32))),
            DType::F64 => bytes.copy_from_slice(bytemuck::bytes_of(&value.as_f64())),
            DType::C64 => {
                let v = value.as_complex();
                bytes.copy_from_slice(bytemuck::bytes_of(&Complex::new(v.re as f32, v.im as f32)));
            }
            DType::C128 => bytes.copy_from_slice(bytemuck::bytes_of(&value.as_complex())),
            // Two's complement: the low bytes of the wide value are the element.
            _ => bytes.copy_from_slice(&value.as_i128().to_le_bytes()[..size]),
        }
    }

    /// The elements in row-major order.
    pub fn scalars(&self) -> impl Iterator<Item = Scalar> + '_ {
        (0..self.ty.len()).map(|position| self.get(position))
    }
}

impl Drop for Tensor {
    fn drop(&mut self) {
        if let Some(owner) = self.owner {
            owner(std::mem::replace(&mut self.bytes, AVec::new(ALIGNMENT)));
        }
    }
}
