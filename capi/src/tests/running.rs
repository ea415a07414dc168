use super::{Loaded, USUAL, buffer, last_error, strided};
use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::run::{Options, cot_run};
use crate::status::Status;
use std::ptr;

/// Memory aligned as the runtime wants it.
#[repr(C, align(64))]
struct Aligned<T>(T);

fn numbers<const N: usize>() -> [f32; N] {
    std::array::from_fn(|position| position as f32)
}

#[test]
fn functions_run_on_memory_of_the_callers() {
    let kernel = Loaded::example();
    let (mut x, mut y, mut weight) = (Aligned(numbers::<12>()), Aligned([1.0f32; 12]), Aligned(2.0f64));
    let (mut z, mut sum) = (Aligned([0.0f32; 12]), Aligned([0.0f32]));
    let arguments = [
        buffer(&mut x.0, DType::F32, &[3, 4]),
        buffer(&mut y.0, DType::F32, &[3, 4]),
        buffer(std::slice::from_mut(&mut weight.0), DType::F64, &[]),
    ];
    let results = [buffer(&mut z.0, DType::F32, &[3, 4]), buffer(&mut sum.0, DType::F32, &[])];
    assert_eq!(kernel.run("blend", &arguments, &results), Status::Ok, "{}", last_error());
    assert_eq!(z.0, std::array::from_fn(|position| 2.0 * position as f32 + 1.0));
    assert_eq!(sum.0, [144.0]);

    // The same from and to memory that is aligned for its elements only.
    let (mut shifted_x, mut shifted_z) = (Aligned([0.0f32; 13]), Aligned([0.0f32; 14]));
    shifted_x.0[1..].copy_from_slice(&numbers::<12>());
    let arguments = [buffer(&mut shifted_x.0[1..], DType::F32, &[3, 4]), arguments[1], arguments[2]];
    let results = [buffer(&mut shifted_z.0[1..], DType::F32, &[3, 4]), results[1]];
    assert_eq!(kernel.run("blend", &arguments, &results), Status::Ok, "{}", last_error());
    assert_eq!(shifted_z.0[1..13], z.0);
    assert_eq!((shifted_z.0[0], shifted_z.0[13]), (0.0, 0.0), "what lies around a result stays");
}

#[test]
fn truth_values_are_any_bytes() {
    let kernel = Loaded::example();
    let (mut mask, mut inverted) = (Aligned([0u8, 1, 2, 255, 0, 128, 1, 0]), Aligned([7u8; 8]));
    let (argument, result) = (buffer(&mut mask.0, DType::Bool, &[8]), buffer(&mut inverted.0, DType::Bool, &[8]));
    assert_eq!(kernel.run("invert", &[argument], &[result]), Status::Ok, "{}", last_error());
    assert_eq!(inverted.0, [1, 0, 0, 0, 1, 0, 0, 1]);
    assert_eq!(mask.0, [0, 1, 2, 255, 0, 128, 1, 0], "arguments stay as they are");
}

#[test]
fn arrays_without_elements_need_no_memory() {
    let kernel = Loaded::example();
    let none = Buffer {
        data: ptr::null_mut(),
        dtype: DType::F32 as i32,
        rank: 2,
        shape: [0, 3].as_ptr(),
        strides: [isize::MAX, isize::MIN].as_ptr(),
    };
    assert_eq!(kernel.run("nothing", &[none], &[none]), Status::Ok, "{}", last_error());
}

/// A stride that leads out of memory.
const FAR: [isize; 1] = [isize::MAX - 7];

/// What is said of one wrong buffer in place of the argument or the result of `square`.
fn refusal(is_argument: bool, change: impl FnOnce(Buffer) -> Buffer) -> (Status, String) {
    let kernel = Loaded::example();
    let (mut z, mut w) = (Aligned([1.0f64; 8]), Aligned([1.0f64; 8]));
    let (mut argument, mut result) = (buffer(&mut z.0, DType::C128, &[4]), buffer(&mut w.0, DType::C128, &[4]));
    let changed = if is_argument { &mut argument } else { &mut result };
    *changed = change(*changed);
    let status = kernel.run("square", &[argument], &[result]);
    assert_eq!(w.0, [1.0; 8], "nothing has run");
    (status, last_error())
}

#[test]
fn buffers_are_compared_with_parameters() {
    for (is_argument, what) in [(true, "square: argument `z`: "), (false, "square: result `w`: ")] {
        let is = |change: &dyn Fn(Buffer) -> Buffer, expected: Status, text: &str| {
            let (status, message) = refusal(is_argument, change);
            assert_eq!(status, expected, "{message}");
            assert!(message.starts_with(what) && message.contains(text), "{message}");
        };
        is(
            &|it| Buffer { dtype: DType::F64 as i32, ..it },
            Status::Dtype,
            "expected c128[4], given f64[4]; convert it",
        );
        is(&|it| Buffer { dtype: 13, ..it }, Status::Dtype, "no element type of the number 13");
        is(&|it| Buffer { dtype: -1, ..it }, Status::Dtype, "no element type of the number -1");
        is(&|it| Buffer { rank: 2, ..it }, Status::Shape, "expected c128[4], given 2 axes");
        is(&|it| Buffer { rank: usize::MAX, ..it }, Status::Shape, "axes; reshape it");
        is(&|it| Buffer { shape: [5].as_ptr(), ..it }, Status::Shape, "expected c128[4], given c128[5]");
        is(&|it| Buffer { shape: ptr::null(), ..it }, Status::InvalidArgument, "the shape is a null pointer");
        is(&|it| Buffer { data: ptr::null_mut(), ..it }, Status::InvalidArgument, "its data is a null pointer");
        let shifted = |it: Buffer| Buffer { data: it.data.wrapping_byte_add(4), ..it };
        is(&shifted, Status::InvalidArgument, "is no multiple of 8");
        is(&|it| strided(it, &[20]), Status::InvalidArgument, "a stride of 20 bytes is no multiple of 8");
        is(&|it| strided(it, &FAR), Status::InvalidArgument, "lead out of memory");
        is(&|it| strided(it, &[isize::MIN]), Status::InvalidArgument, "lead out of memory");
    }
    let (status, message) = refusal(false, |it| strided(it, &[0]));
    assert_eq!(status, Status::Overlap, "{message}");
    assert!(message.contains("result `w` has elements that share memory"), "{message}");
}

#[test]
fn buffers_are_counted() {
    let kernel = Loaded::example();
    let (mut z, mut w) = (Aligned([1.0f64; 8]), Aligned([1.0f64; 8]));
    let (z, w) = (buffer(&mut z.0, DType::C128, &[4]), buffer(&mut w.0, DType::C128, &[4]));
    assert_eq!(kernel.run("square", &[], &[w]), Status::InvalidArgument);
    assert_eq!(last_error(), "square: expected 1 buffers of arguments, given 0");
    assert_eq!(kernel.run("square", &[z], &[]), Status::InvalidArgument);
    assert_eq!(kernel.run("square", &[z], &[w, w]), Status::InvalidArgument);
    assert_eq!(last_error(), "square: expected 1 buffers of results, given 2");
    let square = kernel.find("square");
    // SAFETY: null pointers are seen.
    unsafe {
        assert_eq!(cot_run(ptr::null(), &z, 1, &w, 1, ptr::null()), Status::InvalidArgument);
        assert_eq!(cot_run(square, ptr::null(), 1, &w, 1, ptr::null()), Status::InvalidArgument);
        assert_eq!(cot_run(square, &z, 1, ptr::null(), 1, ptr::null()), Status::InvalidArgument);
        assert_eq!(cot_run(square, &z, usize::MAX, &w, 1, ptr::null()), Status::InvalidArgument);
    }
}

#[test]
fn results_have_memory_of_their_own() {
    let kernel = Loaded::example();
    let mut memory = Aligned([1.0f64; 24]);
    let shape = [4];
    let at = |start: usize| {
        let data = ptr::from_ref(&memory.0[start]).cast_mut().cast();
        Buffer { data, dtype: DType::C128 as i32, rank: 1, shape: shape.as_ptr(), strides: ptr::null() }
    };
    for (z, w) in [(0, 0), (0, 6), (6, 0), (0, 1)] {
        assert_eq!(kernel.run("square", &[at(z)], &[at(w)]), Status::Overlap, "{z} {w}");
        assert_eq!(last_error(), "square: result `w` shares memory with argument `z`; give it memory of its own");
    }
    // Every other element of one array, beside the others.
    let (even, odd) = (strided(at(0), &[32]), strided(at(2), &[32]));
    memory.0.iter_mut().for_each(|element| *element = 2.0);
    assert_eq!(kernel.run("square", &[even], &[odd]), Status::Ok, "{}", last_error());
    assert_eq!(memory.0[..8], [2.0, 2.0, 0.0, 8.0, 2.0, 2.0, 0.0, 8.0]);

    let (mut x, mut y, mut weight) = ([0.0f32; 12], [0.0f32; 12], [0.0f64]);
    let mut z = [0.0f32; 12];
    let arguments = [
        buffer(&mut x, DType::F32, &[3, 4]),
        buffer(&mut y, DType::F32, &[3, 4]),
        buffer(&mut weight, DType::F64, &[]),
    ];
    let results = [buffer(&mut z, DType::F32, &[3, 4]), buffer(&mut z[11..], DType::F32, &[])];
    assert_eq!(kernel.run("blend", &arguments, &results), Status::Overlap);
    assert_eq!(last_error(), "blend: result `sum` shares memory with result `z`; give it memory of its own");
    // Arguments may share what they like.
    let mut sum = [0.0f32];
    let results = [results[0], buffer(&mut sum, DType::F32, &[])];
    let arguments = [arguments[0], arguments[0], arguments[2]];
    assert_eq!(kernel.run("blend", &arguments, &results), Status::Ok, "{}", last_error());
}

#[test]
fn threads_are_as_many_as_asked_for() {
    let kernel = Loaded::example();
    let (mut x, mut y) = (vec![0.5f32; 256 * 512], vec![0.0f32; 256 * 512]);
    let (argument, result) = (buffer(&mut x, DType::F32, &[256, 512]), buffer(&mut y, DType::F32, &[256, 512]));
    for threads in [0, 1, 2, 3] {
        let options = Options { threads, ..USUAL };
        assert_eq!(kernel.run_with("wave", &[argument], &[result], &options), Status::Ok, "{}", last_error());
    }
    let options = Options { threads: 100_000, ..USUAL };
    assert_eq!(kernel.run_with("wave", &[argument], &[result], &options), Status::InvalidArgument);
    assert!(last_error().contains("given 100000"), "{}", last_error());
}

#[test]
fn one_function_runs_on_many_threads_at_once() {
    let kernel = Loaded::example();
    let run = |start: f32| {
        let mut x: Vec<f32> = (0..256 * 512).map(|position| start + (position % 97) as f32).collect();
        let mut y = vec![0.0f32; x.len()];
        let (argument, result) = (buffer(&mut x, DType::F32, &[256, 512]), buffer(&mut y, DType::F32, &[256, 512]));
        assert_eq!(kernel.run("wave", &[argument], &[result]), Status::Ok);
        // A failure of this thread's own, while others do not fail.
        assert_eq!(kernel.run("wave", &[], &[result]), Status::InvalidArgument);
        assert!(last_error().starts_with("wave: expected 1"));
        y
    };
    let expected: Vec<Vec<f32>> = (0..4).map(|thread| run(thread as f32)).collect();
    std::thread::scope(|scope| {
        for (thread, expected) in expected.iter().enumerate() {
            scope.spawn(move || (0..10).for_each(|_| assert_eq!(run(thread as f32), *expected)));
        }
    });
}
