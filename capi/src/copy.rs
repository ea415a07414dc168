//! Copies between views with any strides and memory without gaps.

use crate::buffer::{Axis, View};
use runtime::DType;

/// Copies the elements of a view to memory without gaps. Truth values become 0 and 1, whatever they were.
///
/// # Safety
///
/// The memory of the view can be read, and `packed` leads to other memory, as large as the type of its parameter.
pub(crate) unsafe fn pack(view: &View<'_>, packed: *mut u8) {
    let rows = Rows::of(view);
    rows.each(|row, at| {
        // SAFETY: rows keep to the view, and their places to its packed form.
        unsafe {
            let (from, to) = (view.data.wrapping_offset(row), packed.add(at));
            copy_row(rows.count, rows.run, from, rows.stride, to, rows.run as isize);
        }
    });
    if view.parameter.ty.dtype == DType::Bool {
        // SAFETY: all of it has been written.
        let bytes = unsafe { std::slice::from_raw_parts_mut(packed, view.parameter.ty.byte_len()) };
        bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
    }
}

/// Copies memory without gaps to the elements of a view.
///
/// # Safety
///
/// The memory of the view can be written, and `packed` leads to other memory, as large as the type of its parameter.
pub(crate) unsafe fn unpack(packed: *const u8, view: &View<'_>) {
    let rows = Rows::of(view);
    rows.each(|row, at| {
        // SAFETY: rows keep to the view, and their places to its packed form.
        unsafe {
            let (from, to) = (packed.add(at), view.data.wrapping_offset(row));
            copy_row(rows.count, rows.run, from, rows.run as isize, to, rows.stride);
        }
    });
}

/// A view as rows of runs: a run has no gaps, the runs of a row lie a stride apart, and the other axes lead from row to row.
struct Rows {
    /// From the slowest to the fastest.
    outer: Vec<Axis>,
    /// Runs of a row.
    count: usize,
    /// Bytes from one run to the next.
    stride: isize,
    /// Bytes of a run.
    run: usize,
}

impl Rows {
    /// The rows of a view; there are none if it has no elements.
    fn of(view: &View<'_>) -> Rows {
        let mut outer = view.axes.clone();
        let mut run = view.element();
        while let Some(axis) = outer.pop_if(|axis| axis.stride == run as isize) {
            run *= axis.extent;
        }
        let Axis { extent: count, stride } = outer.pop().unwrap_or(Axis { extent: 1, stride: 0 });
        Rows { outer, count: if view.is_empty() { 0 } else { count }, stride, run }
    }

    /// Gives each row's distance from the element whose indices are all 0, and its place in the packed form.
    fn each(&self, mut row: impl FnMut(isize, usize)) {
        if self.count == 0 {
            return;
        }
        let bytes = self.count * self.run;
        let mut index = vec![0; self.outer.len()];
        let (mut distance, mut packed) = (0, 0);
        loop {
            row(distance, packed);
            packed += bytes;
            // The next row: the fastest index that is not at its end goes on, those behind it begin again.
            let mut axes = self.outer.iter().zip(&mut index).rev();
            let goes_on = axes.any(|(axis, index)| {
                *index += 1;
                distance += axis.stride;
                if *index < axis.extent {
                    return true;
                }
                *index = 0;
                distance -= axis.stride * axis.extent as isize;
                false
            });
            if !goes_on {
                return;
            }
        }
    }
}

/// Copies runs that lie strides apart.
///
/// # Safety
///
/// There are so many runs of this length at both places, in different memory.
unsafe fn copy_row(count: usize, run: usize, from: *const u8, from_stride: isize, to: *mut u8, to_stride: isize) {
    // SAFETY: passed on; `N` is the length.
    unsafe {
        match run {
            1 => copy_elements::<1>(count, from, from_stride, to, to_stride),
            2 => copy_elements::<2>(count, from, from_stride, to, to_stride),
            4 => copy_elements::<4>(count, from, from_stride, to, to_stride),
            8 => copy_elements::<8>(count, from, from_stride, to, to_stride),
            16 => copy_elements::<16>(count, from, from_stride, to, to_stride),
            _ => {
                for position in 0..count as isize {
                    let (from, to) =
                        (from.wrapping_offset(position * from_stride), to.wrapping_offset(position * to_stride));
                    std::ptr::copy_nonoverlapping(from, to, run);
                }
            }
        }
    }
}

/// [`copy_row`] for runs of a length that is known when this is compiled.
///
/// # Safety
///
/// As for [`copy_row`], with runs of `N` bytes.
unsafe fn copy_elements<const N: usize>(
    count: usize,
    from: *const u8,
    from_stride: isize,
    to: *mut u8,
    to_stride: isize,
) {
    for position in 0..count as isize {
        let (from, to) = (from.wrapping_offset(position * from_stride), to.wrapping_offset(position * to_stride));
        // SAFETY: the caller vouches for both runs; arrays of bytes may lie anywhere.
        unsafe { to.cast::<[u8; N]>().write(from.cast::<[u8; N]>().read()) };
    }
}
