use super::{Loaded, buffer, last_error, strided};
use crate::buffer::{Buffer, Role, View};
use crate::copy::{pack, unpack};
use crate::dtype::DType;
use crate::footprint::{Footprint, meets_itself};
use crate::status::Status;
use runtime::Type;
use runtime::artifact::Parameter;
use std::collections::HashSet;

fn parameter(dtype: runtime::DType, shape: &[usize]) -> Parameter {
    Parameter { name: "x".into(), ty: Type::new(dtype, shape), unit: String::new(), description: String::new() }
}

/// A view of memory with strides.
fn view<'a>(parameter: &'a Parameter, memory: *mut u8, strides: &[isize]) -> View<'a> {
    let dtype = DType::from(parameter.ty.dtype) as i32;
    let shape = &parameter.ty.shape;
    let buffer =
        Buffer { data: memory.cast(), dtype, rank: shape.len(), shape: shape.as_ptr(), strides: strides.as_ptr() };
    // SAFETY: there are as many extents and strides as axes.
    unsafe { View::new("f", Role::Argument, parameter, &buffer) }.expect("fits")
}

/// Offsets of all elements of a view from its first, in the order of the array, by the definition.
fn offsets(shape: &[usize], strides: &[isize]) -> Vec<isize> {
    match (shape, strides) {
        ([extent, inner @ ..], [stride, inner_strides @ ..]) => {
            let inner = offsets(inner, inner_strides);
            (0..*extent as isize).flat_map(|index| inner.iter().map(move |at| index * stride + at)).collect()
        }
        _ => vec![0],
    }
}

#[test]
fn copies_keep_the_order_of_the_array() {
    use runtime::DType::{C64, C128, F32, I16, U8};
    let middle = 1000;
    for dtype in [U8, I16, F32, C64, C128] {
        let size = dtype.size();
        // In elements.
        let cases: [(&[usize], &[isize]); 10] = [
            (&[], &[]),
            (&[5], &[1]),
            (&[5], &[-1]),
            (&[5], &[0]),
            (&[3, 4], &[4, 1]),
            (&[3, 4], &[1, 3]),
            (&[3, 4], &[7, 1]),
            (&[2, 3, 4], &[12, -4, 1]),
            (&[2, 3, 4], &[-20, 1, 5]),
            (&[2, 1, 0, 4], &[9, 9, 9, 9]),
        ];
        for (shape, strides) in cases {
            let parameter = parameter(dtype, shape);
            let strides: Vec<isize> = strides.iter().map(|stride| stride * size as isize).collect();
            let mut memory: Vec<u128> =
                (0..200u128).map(|number| number * 0x0123_4567_89ab_cdef_1357_9bdf_0246_8ace).collect();
            let bytes: &mut [u8] = bytemuck_bytes(&mut memory);
            let start = bytes[middle..].as_mut_ptr().wrapping_sub(middle % size);
            let view = view(&parameter, start, &strides);
            let place = |offset: isize| ((middle - middle % size) as isize + offset) as usize;
            let expected: Vec<u8> =
                offsets(shape, &strides).iter().flat_map(|&at| bytes[place(at)..place(at) + size].to_vec()).collect();
            let mut packed = vec![0u8; parameter.ty.byte_len()];
            // SAFETY: the view is within the memory, and the other memory is as large as its type.
            unsafe { pack(&view, packed.as_mut_ptr()) };
            assert_eq!(packed, expected, "{dtype} {shape:?} {strides:?}");

            let before = bytes.to_vec();
            packed.iter_mut().for_each(|byte| *byte = !*byte);
            // SAFETY: as above.
            unsafe { unpack(packed.as_ptr(), &view) };
            let mut expected = before;
            for (element, at) in packed.chunks(size).zip(offsets(shape, &strides)) {
                expected[place(at)..place(at) + size].copy_from_slice(element);
            }
            assert!(*bytes == expected, "{dtype} {shape:?} {strides:?}");
        }
    }
}

/// The bytes of numbers.
fn bytemuck_bytes(numbers: &mut [u128]) -> &mut [u8] {
    // SAFETY: numbers have no padding, and bytes may have any value.
    unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), size_of_val(numbers)) }
}

#[test]
fn views_that_share_a_byte_are_found() {
    let parameters: Vec<Parameter> = [&[] as &[usize], &[4], &[2, 3], &[3, 2, 2]]
        .iter()
        .map(|shape| parameter(runtime::DType::I16, shape))
        .collect();
    let strides = [0isize, 2, -2, 4, 6, -6, 8, 12, 14, 24];
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % below
    };
    let (mut apart, mut close) = (0, 0);
    for _ in 0..20_000 {
        let mut one = || {
            let parameter = &parameters[random(parameters.len())];
            let strides: Vec<isize> = parameter.ty.shape.iter().map(|_| strides[random(strides.len())]).collect();
            let start = 1000 + 2 * random(30) as isize;
            let elements = offsets(&parameter.ty.shape, &strides).into_iter().map(|at| start + at).collect::<Vec<_>>();
            (view(parameter, start as *mut u8, &strides), elements)
        };
        let ((a, a_elements), (b, b_elements)) = (one(), one());
        let distinct: HashSet<isize> = a_elements.iter().copied().collect();
        if distinct.len() < a_elements.len() {
            assert!(meets_itself(&a), "{a:?}");
        }
        let shares = b_elements.iter().any(|element| distinct.contains(element));
        let [a, b] = [&a, &b].map(|view| Footprint::of(view).expect("has elements"));
        assert_eq!(a.meets(&b), b.meets(&a));
        assert!(a.meets(&b) || !shares, "{a:?} {b:?}");
        apart += usize::from(!shares);
        close += usize::from(a.meets(&b) && !shares);
    }
    assert!(close * 2 < apart, "{close} of {apart} pairs that lie apart are not seen to do so");
}

#[test]
fn parts_of_one_array_lie_apart() {
    // Halves, columns, every other column and the parts of complex numbers, of rows of 64 bytes.
    let f32s = |shape: &[usize]| parameter(runtime::DType::F32, shape);
    let (half, column, parts) = (f32s(&[8, 8]), f32s(&[8]), f32s(&[8, 8]));
    let footprint = |parameter: &Parameter, at: usize, strides: &[isize]| {
        let view = view(parameter, (4096 + at) as *mut u8, strides);
        assert!(!meets_itself(&view));
        Footprint::of(&view).expect("has elements")
    };
    for (one, other) in [
        (footprint(&half, 0, &[64, 4]), footprint(&half, 32, &[64, 4])),
        (footprint(&half, 0, &[64, 8]), footprint(&half, 4, &[64, 8])),
        (footprint(&column, 4, &[64]), footprint(&column, 60, &[64])),
        (footprint(&column, 28, &[64]), footprint(&half, 32, &[64, 4])),
        (footprint(&column, 448, &[-64]), footprint(&column, 60, &[64])),
        (footprint(&parts, 0, &[8, 64]), footprint(&parts, 4, &[8, 64])),
        (footprint(&half, 0, &[32, 4]), footprint(&half, 256, &[32, 4])),
    ] {
        assert!(!one.meets(&other), "{one:?} {other:?}");
        assert!(one.meets(&one));
    }
}

#[test]
fn functions_run_on_views() {
    let kernel = Loaded::example();
    // Columns in place of rows, a broadcast row, and a result that is turned round.
    let mut x: [f32; 12] = std::array::from_fn(|position| position as f32);
    let (mut y, mut weight) = ([10.0f32, 20.0, 30.0, 40.0], [1.0f64]);
    let (mut z, mut sum) = ([-1.0f32; 24], [0.0f32]);
    let shape = [3, 4];
    let arguments = [
        strided(buffer(&mut x, DType::F32, &shape), &[4, 12]),
        strided(buffer(&mut y, DType::F32, &shape), &[0, 4]),
        buffer(&mut weight, DType::F64, &[]),
    ];
    let results = [strided(buffer(&mut z[22..], DType::F32, &shape), &[-32, -8]), buffer(&mut sum, DType::F32, &[])];
    assert_eq!(kernel.run("blend", &arguments, &results), Status::Ok, "{}", last_error());
    for (row, column) in (0..3).flat_map(|row| (0..4).map(move |column| (row, column))) {
        let expected = x[3 * column + row] + y[column];
        assert_eq!(z[22 - 8 * row - 2 * column], expected, "row {row}, column {column}");
        assert_eq!(z[23 - 8 * row - 2 * column], -1.0, "gaps stay as they are");
    }
    assert_eq!(sum, [z.iter().filter(|&&element| element >= 0.0).sum::<f32>()]);
}

#[test]
fn strides_of_single_elements_do_not_matter() {
    let parameter = parameter(runtime::DType::F32, &[1, 4, 1]);
    let view = view(&parameter, 4096 as *mut u8, &[isize::MAX, 4, -3]);
    assert!(view.is_packed());
    assert_eq!(view.range(), Some((4096, 4112)));
}
