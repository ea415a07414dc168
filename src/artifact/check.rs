//! Checks of a header: what a file says of its functions must fit together before any of it is used.
//!
//! After it, every position is in range, every array that a library call touches lies within the memory its slot stands
//! for, every number of bytes is one that this machine can have, and every name is one. What cannot be checked is what the
//! machine code does: whoever loads a file vouches for that.

use super::error::LoadError;
use super::header::{ConstantHeader, FunctionHeader, Header, LONGEST_TEXT, Parameter, SlotHeader, check_name};
use crate::run::library::{Factor, FftKind, ItemArray, LibraryCall, MatrixOperand};
use crate::run::program::Place;
use cotangent_ir::prim::{self, Eval};
use cotangent_ir::{ALIGNMENT, DType, Type};
use std::collections::HashSet;

/// Most bytes of a worker's scalar area. Programs have some hundred.
const MOST_SCALAR_BYTES: usize = 64 << 20;

/// What there is in a file besides its header.
pub(super) struct Contents<'a> {
    /// Bytes of the constants.
    pub(super) constants: usize,
    /// Bytes of the code, by level.
    pub(super) code: &'a [usize],
    /// Bytes of memory of this machine.
    pub(super) memory: u64,
}

/// Checks what a file says of itself and of how its functions are called.
pub(super) fn check_header(header: &Header) -> Result<(), LoadError> {
    check_name(&header.name)?;
    check_text("the kernel", &header.description)?;
    let mut names = HashSet::new();
    for function in &header.functions {
        check_name(&function.name)?;
        check_text(&function.name, &function.description)?;
        if !names.insert(&function.name) {
            return Err(LoadError::DuplicateName(function.name.clone()));
        }
        for parameters in [&function.arguments, &function.results] {
            let mut names = HashSet::new();
            for Parameter { name, unit, description, .. } in parameters {
                check_name(name)?;
                check_text(name, unit)?;
                check_text(name, description)?;
                if !names.insert(name) {
                    return Err(LoadError::DuplicateName(name.clone()));
                }
            }
        }
    }
    Ok(())
}

fn check_text(of: &str, text: &str) -> Result<(), LoadError> {
    let is_plain = |character: char| !character.is_control() || character == '\n' || character == '\t';
    match text.len() <= LONGEST_TEXT && text.chars().all(is_plain) {
        true => Ok(()),
        false => {
            let message =
                format!("the text about {of} is longer than {LONGEST_TEXT} bytes or holds control characters");
            Err(LoadError::Header(message))
        }
    }
}

/// Checks the program of a function, and gives its library calls.
pub(super) fn check_function(
    function: &FunctionHeader,
    contents: &Contents<'_>,
) -> Result<Vec<LibraryCall>, LoadError> {
    let calls = function.calls.iter().map(|call| call.clone().into_call()).collect::<Result<Vec<_>, _>>()?;
    let check = Check { function, contents };
    check.memory()?;
    check.slots()?;
    check.entries()?;
    for call in &calls {
        check.call(call)?;
    }
    Ok(calls)
}

struct Check<'a> {
    function: &'a FunctionHeader,
    contents: &'a Contents<'a>,
}

impl Check<'_> {
    fn wrong(&self, what: String) -> LoadError {
        LoadError::Inconsistent { function: self.function.name.clone(), what }
    }

    /// Refuses what no memory can hold.
    fn fits(&self, what: &str, bytes: Option<u128>) -> Result<u128, LoadError> {
        match bytes {
            Some(bytes) if bytes <= u128::from(self.contents.memory) => Ok(bytes),
            bytes => Err(LoadError::TooLarge {
                what: format!("{what} of {}", self.function.name),
                bytes: bytes.unwrap_or(u128::MAX),
                memory: self.contents.memory,
            }),
        }
    }

    /// Arguments, results and temporary memory, one by one and together.
    fn memory(&self) -> Result<(), LoadError> {
        let FunctionHeader { arguments, results, scalar_bytes, arena_bytes, .. } = self.function;
        let mut all = self.fits("the temporary memory", Some(*arena_bytes as u128))?;
        for Parameter { name, ty, .. } in arguments.iter().chain(results) {
            all += self.fits(name, bytes_of(ty))?;
        }
        self.fits("the memory", Some(all))?;
        if *scalar_bytes > MOST_SCALAR_BYTES {
            return Err(self.wrong(format!("{scalar_bytes} bytes of scalars are more than {MOST_SCALAR_BYTES}")));
        }
        Ok(())
    }

    fn slots(&self) -> Result<(), LoadError> {
        let FunctionHeader { arguments, results, constants, arena_bytes, slots, .. } = self.function;
        let within = |offset: usize, bytes: usize, all: usize| {
            offset.is_multiple_of(ALIGNMENT) && offset.checked_add(bytes).is_some_and(|end| end <= all)
        };
        for (position, ConstantHeader { offset, ty }) in constants.iter().enumerate() {
            let bytes = self.fits("a constant", bytes_of(ty))? as usize;
            if !within(*offset, bytes, self.contents.constants) {
                return Err(self.wrong(format!("constant {position} is not among the constants of the file")));
            }
        }
        let mut written = vec![false; results.len()];
        for (position, slot) in slots.iter().enumerate() {
            let fits = match *slot {
                SlotHeader::Input(input) => input < constants.len() + arguments.len(),
                SlotHeader::Output(output) => match written.get_mut(output) {
                    Some(written) => !std::mem::replace(written, true),
                    None => false,
                },
                SlotHeader::Arena(offset, bytes) => within(offset, bytes, *arena_bytes),
            };
            if !fits {
                return Err(self.wrong(format!("slot {position}, {slot:?}, stands for no memory")));
            }
        }
        match written.iter().position(|written| !written) {
            Some(output) if !results[output].ty.is_empty() => {
                Err(self.wrong(format!("nothing writes result {output}")))
            }
            _ => Ok(()),
        }
    }

    fn entries(&self) -> Result<(), LoadError> {
        let (entries, code) = (&self.function.entries, self.contents.code);
        let in_range = entries.iter().zip(code).all(|(&entry, &bytes)| entry < bytes as u64);
        match entries.len() == code.len() && in_range {
            true => Ok(()),
            false => Err(self.wrong(format!("it begins at {entries:?} in code of {code:?} bytes"))),
        }
    }

    /// Checks that a call touches only memory that is there, and is one that can be made ready.
    fn call(&self, call: &LibraryCall) -> Result<(), LoadError> {
        match call {
            LibraryCall::Gemm { dtype, batch, rows, depth, columns, a, b, c } => {
                if !dtype.is_inexact() {
                    return Err(self.wrong(format!("a product in {dtype}")));
                }
                self.matrix(*dtype, [*batch, *rows, *depth], a)?;
                self.matrix(*dtype, [*batch, *depth, *columns], b)?;
                self.matrix(*dtype, [*batch, *rows, *columns], c)?;
                self.apart(c.slot, &[a.slot, b.slot])
            }
            LibraryCall::Fft { kind, precision, outer, length, inner, scale, from, to } => {
                let complex = self.complex(*precision)?;
                let half = length / 2 + 1;
                let ((taken, from_dtype), (made, to_dtype)) = match kind {
                    FftKind::Forward | FftKind::Inverse => ((*length, complex), (*length, complex)),
                    FftKind::RealForward => ((*length, *precision), (half, complex)),
                    FftKind::RealInverse => ((half, complex), (*length, *precision)),
                };
                self.array(*from, from_dtype, &[*outer, taken, *inner])?;
                self.array(*to, to_dtype, &[*outer, made, *inner])?;
                self.transform(*length, *scale)?;
                self.apart(*to, &[*from])
            }
            LibraryCall::Filter { precision, outer, length, inner, scale, from, to, re, im } => {
                let complex = self.complex(*precision)?;
                let shape = [*outer, *length, *inner];
                self.array(*from, complex, &shape)?;
                self.array(*to, complex, &shape)?;
                self.transform(*length, *scale)?;
                for factor in [Some(re), im.as_ref()].into_iter().flatten() {
                    self.factor(*precision, shape, factor)?;
                }
                let others = [*from, re.slot, im.map_or(re.slot, |im| im.slot)];
                self.apart(*to, &others)
            }
            LibraryCall::Items { primitive, attrs, batch, operands, results, shared } => {
                self.items(primitive, attrs, operands, results)?;
                for array in operands.iter().chain(results) {
                    let shape: Vec<usize> = std::iter::once(*batch).chain(array.ty.shape.iter().copied()).collect();
                    self.array(array.slot, array.ty.dtype, &shape)?;
                }
                for (position, result) in results.iter().enumerate() {
                    let earlier = results[..position].iter().chain(operands).map(|array| array.slot);
                    self.apart(result.slot, &earlier.collect::<Vec<_>>())?;
                }
                let Some(shared) = shared else { return Ok(()) };
                let types: Vec<Type> = operands.iter().map(|operand| operand.ty.clone()).collect();
                match LibraryCall::shared_bytes(primitive, attrs, &types) {
                    Some(bytes) => self.range(*shared, 0, bytes as i128),
                    None => Err(self.wrong(format!("workers do not do `{primitive}` together"))),
                }
            }
            LibraryCall::Tap { index, row, dtype, columns, every: _, stop } => {
                if !dtype.is_float() {
                    return Err(self.wrong(format!("a row of {dtype}")));
                }
                self.place(*index, DType::I32, 1)?;
                self.place(*row, *dtype, *columns)?;
                self.place(*stop, DType::Bool, 1)
            }
            LibraryCall::Host { .. } => Err(self.wrong("a call of the host".into())),
        }
    }

    /// A primitive that has these types, and a meaning on tensors.
    fn items(
        &self,
        primitive: &str,
        attrs: &cotangent_ir::Attrs,
        operands: &[ItemArray],
        results: &[ItemArray],
    ) -> Result<(), LoadError> {
        let Some(prim) = prim::by_name(primitive) else {
            return Err(self.wrong(format!("there is no primitive `{primitive}`")));
        };
        for array in operands.iter().chain(results) {
            self.fits(primitive, bytes_of(&array.ty))?;
        }
        let types: Vec<&Type> = operands.iter().map(|operand| &operand.ty).collect();
        let inferred = prim.infer(&types, attrs).map_err(|error| self.wrong(error.to_string()))?;
        if !inferred.iter().eq(results.iter().map(|result| &result.ty)) {
            return Err(self.wrong(format!("`{primitive}` does not have these results")));
        }
        match prim.eval {
            Eval::Tensors(_) => Ok(()),
            _ => Err(self.wrong(format!("`{primitive}` is no library routine"))),
        }
    }

    fn complex(&self, precision: DType) -> Result<DType, LoadError> {
        match precision {
            DType::F32 => Ok(DType::C64),
            DType::F64 => Ok(DType::C128),
            other => Err(self.wrong(format!("a transform in {other}"))),
        }
    }

    fn transform(&self, length: usize, scale: f64) -> Result<(), LoadError> {
        match length > 0 && scale.is_finite() {
            true => Ok(()),
            false => Err(self.wrong(format!("a transform of length {length} with the factor {scale}"))),
        }
    }

    /// Memory that is written is other memory than what is read.
    fn apart(&self, written: u32, read: &[u32]) -> Result<(), LoadError> {
        match read.contains(&written) {
            true => Err(self.wrong(format!("slot {written} is read and written by one call"))),
            false => Ok(()),
        }
    }

    /// The bytes of a slot from one position to another are there.
    fn range(&self, slot: u32, first: i128, end: i128) -> Result<(), LoadError> {
        let FunctionHeader { arguments, results, constants, slots, .. } = self.function;
        let bytes = match slots.get(slot as usize) {
            Some(SlotHeader::Input(input)) => match constants.get(*input) {
                Some(constant) => Some(constant.ty.byte_len()),
                None => arguments.get(input - constants.len()).map(|argument| argument.ty.byte_len()),
            },
            Some(SlotHeader::Output(output)) => results.get(*output).map(|result| result.ty.byte_len()),
            Some(SlotHeader::Arena(_, bytes)) => Some(*bytes),
            None => None,
        };
        match bytes {
            Some(bytes) if first >= 0 && end <= bytes as i128 => Ok(()),
            Some(bytes) => Err(self.wrong(format!("bytes {first} to {end} of slot {slot}, which has {bytes}"))),
            None => Err(self.wrong(format!("there is no slot {slot}"))),
        }
    }

    fn array(&self, slot: u32, dtype: DType, shape: &[usize]) -> Result<(), LoadError> {
        let bytes = self.fits("an array", product(shape, dtype.size()))?;
        self.range(slot, 0, bytes as i128)
    }

    fn matrix(&self, dtype: DType, shape: [usize; 3], operand: &MatrixOperand) -> Result<(), LoadError> {
        self.fits("a matrix", product(&shape, dtype.size()))?;
        if shape.contains(&0) {
            return self.range(operand.slot, 0, 0);
        }
        let strides = [operand.batch_stride, operand.row_stride, operand.column_stride];
        let (mut first, mut last) = (0i128, 0i128);
        for (extent, stride) in shape.into_iter().zip(strides) {
            let reach = (extent as i128 - 1) * stride as i128;
            first += reach.min(0);
            last += reach.max(0);
        }
        let size = dtype.size() as i128;
        self.range(operand.slot, first * size, (last + 1) * size)
    }

    fn factor(&self, precision: DType, shape: [usize; 3], factor: &Factor) -> Result<(), LoadError> {
        let elements = product(&shape, 1).unwrap_or(u128::MAX) as i128;
        if elements == 0 {
            return self.range(factor.slot, 0, 0);
        }
        let reach = (elements - 1).checked_mul(factor.stride as i128);
        let end =
            reach.and_then(|reach| reach.checked_add(factor.offset as i128 + 1)?.checked_mul(precision.size() as i128));
        self.range(factor.slot, 0, end.unwrap_or(i128::MAX))
    }

    /// So many elements at a place are there.
    fn place(&self, place: Place, dtype: DType, count: usize) -> Result<(), LoadError> {
        let bytes = product(&[count], dtype.size()).unwrap_or(u128::MAX) as i128;
        match place {
            Place::Slot(slot) => self.range(slot, 0, bytes),
            Place::Scalar(offset) => {
                let fits = i128::from(offset) + bytes <= self.function.scalar_bytes as i128;
                match fits && (offset as usize).is_multiple_of(dtype.size()) {
                    true => Ok(()),
                    false => Err(self.wrong(format!("{count} of {dtype} at byte {offset} of the scalars"))),
                }
            }
        }
    }
}

/// Bytes of an array, if they can be counted.
fn bytes_of(ty: &Type) -> Option<u128> {
    product(&ty.shape, ty.dtype.size())
}

/// The product of extents and a size. Extents of 0 do not make others small: offsets are computed with them, too.
fn product(extents: &[usize], size: usize) -> Option<u128> {
    let all = extents.iter().try_fold(size as u128, |product, &extent| product.checked_mul(extent.max(1) as u128))?;
    match extents.contains(&0) && all <= u128::from(u64::MAX) {
        true => Some(0),
        false => Some(all),
    }
}
