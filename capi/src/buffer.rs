//! Buffers: arrays in the memory of the caller, and what must hold of one before a function gets it.
//!
//! A buffer becomes a [`View`] by being compared with the argument or result that it is for. What a view says of memory is
//! bounded by the type of that parameter: no number of the caller's is multiplied before it was compared.

use crate::dtype::{alignment, by_number};
use crate::failure::Failure;
use crate::pointer::slice;
use crate::status::Status;
use runtime::Type;
use runtime::artifact::Parameter;
use std::ffi::c_void;
use std::fmt::Display;

/// An array in memory of the caller's, for an argument or a result of a function.
///
/// Arguments are only read. A row-major array at an address that is a multiple of 64 is used where it is; any other is copied.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Buffer {
    /// The element whose indices are all 0. It may be NULL if there are no elements.
    pub data: *mut c_void,
    /// The type of the elements: a `cot_dtype`.
    pub dtype: i32,
    /// The number of axes.
    pub rank: usize,
    /// The extent of each axis. It may be NULL if there are none.
    pub shape: *const usize,
    /// For each axis, bytes from one element to the next; they may be negative, and 0 for arguments. NULL for an array without
    /// gaps, with the last axis the fastest.
    pub strides: *const isize,
}

/// What a buffer is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// It is read.
    Argument,
    /// It is written.
    Result,
}

/// An axis of a view with more than one element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Axis {
    pub(crate) extent: usize,
    /// Bytes from one element to the next.
    pub(crate) stride: isize,
}

/// A buffer that fits the parameter it is for.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) parameter: &'a Parameter,
    pub(crate) role: Role,
    /// The element whose indices are all 0.
    pub(crate) data: *mut u8,
    /// Those with more than one element, from the slowest to the fastest in the order of the array; none if it is empty.
    pub(crate) axes: Vec<Axis>,
}

impl<'a> View<'a> {
    /// Compares a buffer with the parameter that it is for.
    ///
    /// # Safety
    ///
    /// Shape and strides are null or lead to as many numbers as the buffer has axes.
    pub(crate) unsafe fn new(
        function: &str,
        role: Role,
        parameter: &'a Parameter,
        buffer: &Buffer,
    ) -> Result<View<'a>, Failure> {
        let expected = &parameter.ty;
        let wrong = |status, what: &dyn Display| {
            Failure::new(status, format!("{function}: {} `{}`: {what}", role.name(), parameter.name))
        };
        let named = |failure: Failure| failure.within(&format!("{function}: {} `{}`", role.name(), parameter.name));

        let dtype = by_number(buffer.dtype).map_err(named)?;
        if buffer.rank != expected.rank() {
            let what = format!("expected {expected}, given {} axes; reshape it", buffer.rank);
            return Err(wrong(Status::Shape, &what));
        }
        // SAFETY: passed on.
        let shape = unsafe { slice(buffer.shape, buffer.rank, "the shape") }.map_err(named)?;
        let given = Type::new(dtype, shape);
        if shape != &expected.shape[..] {
            let what = format!("expected {expected}, given {given}; the function is for this shape only");
            return Err(wrong(Status::Shape, &what));
        }
        if dtype != expected.dtype {
            return Err(wrong(Status::Dtype, &format!("expected {expected}, given {given}; convert it")));
        }

        let data = buffer.data.cast::<u8>();
        if expected.byte_len() == 0 {
            return Ok(View { parameter, role, data, axes: Vec::new() });
        }
        if data.is_null() {
            return Err(wrong(Status::InvalidArgument, &"its data is a null pointer"));
        }
        let alignment = alignment(dtype);
        if !data.addr().is_multiple_of(alignment) {
            let what = format!("its data is at {data:p}, which is no multiple of {alignment}; copy it to where it is");
            return Err(wrong(Status::InvalidArgument, &what));
        }
        let strides = match buffer.strides.is_null() {
            true => packed_strides(expected),
            // SAFETY: passed on.
            false => unsafe { slice(buffer.strides, buffer.rank, "the strides") }.map_err(named)?.to_vec(),
        };
        let axes = shape.iter().zip(strides).map(|(&extent, stride)| Axis { extent, stride });
        let axes: Vec<Axis> = axes.filter(|axis| axis.extent > 1).collect();
        if let Some(axis) = axes.iter().find(|axis| axis.stride % alignment as isize != 0) {
            let what = format!("a stride of {} bytes is no multiple of {alignment}; copy it without gaps", axis.stride);
            return Err(wrong(Status::InvalidArgument, &what));
        }
        let view = View { parameter, role, data, axes };
        match view.range() {
            Some(_) => Ok(view),
            None => Err(wrong(Status::InvalidArgument, &"its strides lead out of memory; they are in bytes")),
        }
    }

    /// Bytes of one element.
    pub(crate) fn element(&self) -> usize {
        self.parameter.ty.dtype.size()
    }

    /// Whether there are no elements.
    pub(crate) fn is_empty(&self) -> bool {
        self.parameter.ty.byte_len() == 0
    }

    /// Whether the elements lie one after the other, the last axis being the fastest.
    pub(crate) fn is_packed(&self) -> bool {
        let mut next = self.element() as isize;
        self.axes.iter().rev().all(|axis| {
            let is_next = axis.stride == next;
            next *= axis.extent as isize;
            is_next
        })
    }

    /// Addresses of the first byte and of that behind the last one; `None` if there can be no such memory.
    pub(crate) fn range(&self) -> Option<(usize, usize)> {
        if self.is_empty() {
            return Some((self.data.addr(), self.data.addr()));
        }
        let (mut first, mut end) = (self.data.addr() as i128, self.data.addr() as i128 + self.element() as i128);
        for axis in &self.axes {
            // Each factor has 64 bits at most, and there are fewer axes than could make their sum overflow.
            let reach = (axis.extent as i128 - 1).checked_mul(axis.stride as i128)?;
            first = first.checked_add(reach.min(0))?;
            end = end.checked_add(reach.max(0))?;
        }
        let (first, end) = (usize::try_from(first).ok()?, usize::try_from(end).ok()?);
        (end - first <= isize::MAX as usize).then_some((first, end))
    }
}

/// Strides of an array without gaps, the last axis being the fastest.
fn packed_strides(ty: &Type) -> Vec<isize> {
    let mut stride = ty.dtype.size();
    let mut strides: Vec<isize> = vec![0; ty.rank()];
    for (place, extent) in strides.iter_mut().zip(&ty.shape).rev() {
        *place = stride as isize;
        stride *= extent;
    }
    strides
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Argument => "argument",
            Role::Result => "result",
        }
    }
}
