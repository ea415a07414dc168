use super::{Loaded, last_error};
use crate::dtype::{DType, cot_dtype_name, cot_dtype_size};
use crate::kernel::{
    cot_function_name, cot_function_text, cot_kernel_find, cot_kernel_function, cot_kernel_function_count,
    cot_kernel_level, cot_kernel_library, cot_kernel_name, cot_kernel_text,
};
use crate::parameter::{
    Parameter, cot_function_argument, cot_function_argument_count, cot_function_result, cot_function_result_count,
};
use crate::status::Status;
use crate::version::{cot_abi_version, cot_format_version, cot_version};
use runtime::artifact::CpuLevel;
use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::ptr;

fn text(pointer: *const c_char) -> &'static str {
    assert!(!pointer.is_null(), "{}", last_error());
    // SAFETY: it is a text that is there for as long as the test needs it.
    unsafe { CStr::from_ptr(pointer) }.to_str().expect("UTF-8")
}

#[test]
fn kernels_describe_themselves() {
    let kernel = Loaded::example();
    // SAFETY: the kernel is there.
    unsafe {
        assert_eq!(text(cot_kernel_name(kernel.0)), "example");
        assert_eq!(text(cot_kernel_text(kernel.0)), "Functions for tests.\nThey do little.");
        assert_eq!(text(cot_kernel_library(kernel.0)), env!("CARGO_PKG_VERSION"));
        assert_eq!(Some(text(cot_kernel_level(kernel.0))), CpuLevel::native().map(CpuLevel::name));
        let count = cot_kernel_function_count(kernel.0);
        let names: Vec<&str> =
            (0..count).map(|index| text(cot_function_name(cot_kernel_function(kernel.0, index)))).collect();
        assert_eq!(names, ["blend", "invert", "square", "wave", "count", "nothing"]);
        assert!(cot_kernel_function(kernel.0, count).is_null());
        assert_eq!(kernel.find("square"), cot_kernel_function(kernel.0, 2));
        assert_eq!(text(cot_function_text(kernel.find("blend"))), "A sum with a weight, and the sum of its elements");
        assert_eq!(text(cot_function_text(kernel.find("square"))), "");
    }
}

#[test]
fn functions_describe_their_arguments_and_results() {
    let kernel = Loaded::example();
    let blend = kernel.find("blend");
    let mut parameter = MaybeUninit::<Parameter>::uninit();
    // SAFETY: the kernel is there, and what is read has been written.
    unsafe {
        assert_eq!((cot_function_argument_count(blend), cot_function_result_count(blend)), (3, 2));
        assert_eq!(cot_function_argument(blend, 0, parameter.as_mut_ptr()), Status::Ok);
        let Parameter { name, unit, text: about, dtype, rank, shape, bytes } = *parameter.assume_init_ref();
        assert_eq!([text(name), text(unit), text(about)], ["x", "counts", "As measured."]);
        assert_eq!((dtype, bytes), (DType::F32, 48));
        assert_eq!(std::slice::from_raw_parts(shape, rank), [3, 4]);
        assert_eq!(cot_function_result(blend, 1, parameter.as_mut_ptr()), Status::Ok);
        let Parameter { name, unit, dtype, rank, bytes, .. } = *parameter.assume_init_ref();
        assert_eq!((text(name), text(unit), dtype, rank, bytes), ("sum", "", DType::F32, 0, 4));
        assert_eq!(cot_function_result(blend, 2, parameter.as_mut_ptr()), Status::NotFound);
        assert_eq!(last_error(), "there is no result 2: blend has 2 of them");
        assert_eq!(cot_function_argument(blend, usize::MAX, parameter.as_mut_ptr()), Status::NotFound);
    }
}

#[test]
fn what_is_not_there_is_told() {
    let kernel = Loaded::example();
    let mut function = ptr::dangling();
    let mut parameter = MaybeUninit::<Parameter>::uninit();
    // SAFETY: null pointers are seen.
    unsafe {
        assert_eq!(cot_kernel_find(kernel.0, c"solve".as_ptr(), &mut function), Status::NotFound);
        assert!(function.is_null());
        assert!(last_error().contains("blend, invert, square, wave, count, nothing"), "{}", last_error());
        assert_eq!(cot_kernel_find(kernel.0, c"\xff\xfe".as_ptr(), &mut function), Status::NotFound);
        assert_eq!(cot_kernel_find(kernel.0, ptr::null(), &mut function), Status::InvalidArgument);
        assert_eq!(cot_kernel_find(kernel.0, c"wave".as_ptr(), ptr::null_mut()), Status::InvalidArgument);
        assert_eq!(cot_kernel_find(ptr::null(), c"wave".as_ptr(), &mut function), Status::InvalidArgument);
        assert_eq!(last_error(), "the kernel is a null pointer");
        for text in [cot_kernel_name, cot_kernel_text, cot_kernel_library, cot_kernel_level] {
            assert!(text(ptr::null()).is_null());
        }
        assert_eq!(cot_kernel_function_count(ptr::null()), 0);
        assert!(cot_kernel_function(ptr::null(), 0).is_null());
        assert!(cot_function_name(ptr::null()).is_null() && cot_function_text(ptr::null()).is_null());
        assert_eq!(cot_function_argument_count(ptr::null()) + cot_function_result_count(ptr::null()), 0);
        assert_eq!(cot_function_argument(ptr::null(), 0, parameter.as_mut_ptr()), Status::InvalidArgument);
        assert_eq!(cot_function_result(kernel.find("wave"), 0, ptr::null_mut()), Status::InvalidArgument);
    }
}

#[test]
fn dtypes_are_those_of_the_runtime() {
    for (number, dtype) in runtime::DType::ALL.into_iter().enumerate() {
        let of_c = DType::from(dtype);
        assert_eq!(of_c as usize, number);
        assert_eq!(text(cot_dtype_name(of_c as i32)), dtype.name());
        assert_eq!(cot_dtype_size(of_c as i32), dtype.size());
    }
    for number in [-1, 13, i32::MIN] {
        assert!(cot_dtype_name(number).is_null());
        assert_eq!(cot_dtype_size(number), 0);
    }
}

#[test]
fn versions_are_those_of_the_library() {
    assert_eq!(text(cot_version()), env!("CARGO_PKG_VERSION"));
    assert_eq!(cot_abi_version(), runtime::artifact::ABI_VERSION);
    assert_eq!(cot_format_version(), runtime::artifact::FORMAT_VERSION);
}
