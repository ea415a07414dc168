use super::{Loaded, file, last_error};
use crate::failure::cot_last_error;
use crate::kernel::Kernel;
use crate::load::{
    cot_kernel_free, cot_kernel_load, cot_kernel_load_bytes, cot_kernel_load_signed, cot_kernel_open_linked,
};
use crate::status::{Status, cot_status_text};
use runtime::artifact::{LoadError, public_key, sign};
use std::ffi::{CStr, CString};
use std::path::Path;
use std::{fs, ptr};

fn load(path: &Path) -> (Status, *mut Kernel) {
    let path = CString::new(path.as_os_str().as_encoded_bytes()).expect("a path");
    // What was there before is overwritten, whatever comes of it.
    let mut kernel = ptr::dangling_mut();
    // SAFETY: files are those of this test.
    let status = unsafe { cot_kernel_load(path.as_ptr(), &mut kernel) };
    (status, kernel)
}

fn load_bytes(bytes: &[u8]) -> Status {
    let mut kernel = ptr::dangling_mut();
    // SAFETY: bytes that are damaged are refused, and of the others nothing runs.
    let status = unsafe { cot_kernel_load_bytes(bytes.as_ptr().cast(), bytes.len(), &mut kernel) };
    assert_eq!(status == Status::Ok, !kernel.is_null());
    // SAFETY: it was loaded, or is null.
    unsafe { cot_kernel_free(kernel) };
    status
}

#[test]
fn kernels_come_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("example.cot");
    fs::write(&path, file()).expect("is written");
    let (status, kernel) = load(&path);
    assert_eq!(status, Status::Ok, "{}", last_error());
    // SAFETY: it was loaded.
    unsafe { cot_kernel_free(kernel) };
    let (status, kernel) = load(&folder.path().join("absent.cot"));
    assert!(status == Status::Io && kernel.is_null());
    assert!(last_error().contains("absent.cot"), "{}", last_error());
    let (status, kernel) = load(folder.path());
    assert!(status == Status::NotAKernel && kernel.is_null());
}

#[test]
fn what_is_no_kernel_is_refused() {
    assert_eq!(load_bytes(file()), Status::Ok);
    assert_eq!(load_bytes(b"GIF89a, a picture that was mistaken for a kernel"), Status::NotAKernel);
    assert_eq!(load_bytes(&file()[..file().len() - 1]), Status::Damaged);
    assert_eq!(load_bytes(&[]), Status::Damaged);
    let mut damaged = file().to_vec();
    *damaged.last_mut().expect("a byte") ^= 1;
    assert_eq!(load_bytes(&damaged), Status::Damaged);
    assert!(last_error().contains("checksum"), "{}", last_error());
    // The versions of format and ABI, 12 and 16 bytes into the prelude, which begins at byte 64.
    for at in [76, 80] {
        let mut newer = file().to_vec();
        newer[at] += 1;
        assert_eq!(load_bytes(&newer), Status::Version);
    }
    let mut other = file().to_vec();
    other[5] = 2;
    assert_eq!(load_bytes(&other), Status::Cpu);
}

#[test]
fn null_pointers_are_refused() {
    let mut kernel = ptr::dangling_mut();
    // SAFETY: null pointers are seen.
    unsafe {
        assert_eq!(cot_kernel_load(ptr::null(), &mut kernel), Status::InvalidArgument);
        assert_eq!(last_error(), "the path is a null pointer");
        assert!(kernel.is_null());
        assert_eq!(cot_kernel_load(c"x".as_ptr(), ptr::null_mut()), Status::InvalidArgument);
        assert_eq!(cot_kernel_load_bytes(ptr::null(), 9, &mut kernel), Status::InvalidArgument);
        assert_eq!(cot_kernel_load_bytes(file().as_ptr().cast(), usize::MAX, &mut kernel), Status::InvalidArgument);
        assert_eq!(cot_kernel_load_signed(ptr::null(), ptr::null(), 0, &mut kernel), Status::InvalidArgument);
        assert_eq!(cot_kernel_load_signed(c"x".as_ptr(), ptr::null(), 1, &mut kernel), Status::InvalidArgument);
        assert_eq!(cot_kernel_open_linked(ptr::null(), &mut kernel), Status::InvalidArgument);
        cot_kernel_free(ptr::null_mut());
    }
}

#[test]
fn signed_files_are_those_of_trusted_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("example.cot");
    let c_path = CString::new(path.as_os_str().as_encoded_bytes()).expect("a path");
    let load = |keys: &[[u8; 32]]| {
        let mut kernel = ptr::null_mut();
        // SAFETY: the keys are those of this test.
        let status = unsafe { cot_kernel_load_signed(c_path.as_ptr(), keys.as_ptr(), keys.len(), &mut kernel) };
        // SAFETY: it was loaded, or is null.
        unsafe { cot_kernel_free(kernel) };
        status
    };
    let (ours, theirs) = (public_key(&[1; 32]), public_key(&[2; 32]));
    let mut file = file().to_vec();
    fs::write(&path, &file).expect("is written");
    assert_eq!(load(&[ours]), Status::Signature);
    sign(&mut file, &[1; 32]).expect("is a kernel");
    fs::write(&path, &file).expect("is written");
    assert_eq!(load(&[theirs, ours]), Status::Ok);
    assert_eq!(load(&[theirs]), Status::Signature);
    assert_eq!(load(&[]), Status::Signature);
    assert_eq!(load(&[[0; 32]]), Status::Signature);
}

#[test]
fn every_error_of_loading_has_a_status() {
    let status = |error: LoadError| crate::failure::guarded(|| Err::<(), _>(error.into())).expect_err("is an error");
    let level = runtime::artifact::CpuLevel::V4;
    assert_eq!(status(LoadError::Changed("a".into())), Status::Io);
    assert_eq!(status(LoadError::Architecture { machine: 183 }), Status::Cpu);
    assert_eq!(status(LoadError::Cpu { level, missing: vec!["avx512f"] }), Status::Cpu);
    assert_eq!(status(LoadError::MissingSymbol("ct_new".into())), Status::Version);
    assert_eq!(status(LoadError::BadSignature), Status::Signature);
    assert_eq!(status(LoadError::TooLarge { what: "x".into(), bytes: 1 << 70, memory: 1 << 30 }), Status::Memory);
    assert_eq!(status(LoadError::Trailing { expected: 1, found: 2 }), Status::Damaged);
    assert_eq!(status(LoadError::Header("\0a\0".into())), Status::Damaged);
    assert!(last_error().ends_with(": a"), "a text of C's has no NUL in it: {}", last_error());
}

#[test]
fn messages_belong_to_their_thread() {
    let here = || last_error().contains("gone.cot");
    load(Path::new("gone.cot"));
    assert!(here());
    std::thread::spawn(|| assert_eq!(last_error(), "", "nothing has failed on this thread")).join().expect("holds");
    // What does not fail leaves the message.
    let kernel = Loaded::example();
    assert!(here());
    drop(kernel);
    let message = cot_last_error();
    assert!(here());
    assert_eq!(message, cot_last_error(), "asking changes nothing");
}

#[test]
fn statuses_have_texts() {
    let mut texts = Vec::new();
    for (number, status) in Status::ALL.into_iter().enumerate() {
        assert_eq!(status as usize, number);
        // SAFETY: it is a text of the program's.
        texts.push(unsafe { CStr::from_ptr(cot_status_text(status as i32)) });
    }
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), Status::ALL.len());
    for number in [-1, Status::ALL.len() as i32, i32::MAX] {
        // SAFETY: as above.
        assert_eq!(unsafe { CStr::from_ptr(cot_status_text(number)) }, c"unknown status");
    }
}
