use super::{Loaded, USUAL, buffer, last_error};
use crate::cancel::{Cancel, cot_cancel_free, cot_cancel_is_set, cot_cancel_new, cot_cancel_reset, cot_cancel_set};
use crate::dtype::DType;
use crate::failure::guarded;
use crate::run::{Options, run};
use crate::status::Status;
use runtime::run::call::CallOptions;
use std::ffi::c_void;
use std::ptr;
use std::time::Duration;

/// Rows that a run has reported.
#[derive(Default)]
struct Seen {
    rows: Vec<(i64, Vec<f64>)>,
    /// The row to stop at.
    last: i64,
}

unsafe extern "C" fn note(user: *mut c_void, row: i64, values: *const f64, columns: usize) -> bool {
    // SAFETY: the run passes what it was given, and a row of so many numbers.
    let (seen, values) = unsafe { (&mut *user.cast::<Seen>(), std::slice::from_raw_parts(values, columns)) };
    seen.rows.push((row, values.to_vec()));
    row == seen.last
}

/// Runs `count`, and gives the number of rounds.
fn count(kernel: &Loaded, limit: i32, options: &Options) -> (Status, i32) {
    let (mut limit, mut rounds) = ([limit], [-1i32]);
    let (argument, result) = (buffer(&mut limit, DType::I32, &[]), buffer(&mut rounds, DType::I32, &[]));
    let status = kernel.run_with("count", &[argument], &[result], options);
    (status, rounds[0])
}

#[test]
fn rows_are_reported_and_stop_the_run() {
    let kernel = Loaded::example();
    assert_eq!(count(&kernel, 25, &USUAL), (Status::Ok, 25));
    for (last, rounds, reported) in [(-1, 45, 4), (20, 20, 2)] {
        let mut seen = Seen { last, ..Seen::default() };
        let user = ptr::from_mut(&mut seen).cast();
        let options = Options { progress: Some(note), user, ..USUAL };
        assert_eq!(count(&kernel, 45, &options), (Status::Ok, rounds), "{}", last_error());
        let expected: Vec<_> = (1..=reported).map(|row| (10 * row, vec![10.0 * row as f64, 45.0])).collect();
        assert_eq!(seen.rows, expected);
    }
}

#[test]
fn tokens_stop_runs_of_other_threads() {
    struct Token(*mut Cancel);
    // SAFETY: tokens may be used from any number of threads.
    unsafe impl Sync for Token {}
    let (kernel, token) = (Loaded::example(), Token(cot_cancel_new()));
    let shared = &token;
    // SAFETY: the token is freed at the end only.
    unsafe {
        for _ in 0..2 {
            assert!(!cot_cancel_is_set(token.0));
            let rounds = std::thread::scope(|scope| {
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_millis(20));
                    cot_cancel_set(shared.0);
                });
                count(&kernel, i32::MAX, &Options { cancel: shared.0, ..USUAL })
            });
            assert_eq!(rounds.0, Status::Ok, "{}", last_error());
            assert!((1..i32::MAX).contains(&rounds.1), "{} rounds", rounds.1);
            assert!(cot_cancel_is_set(token.0));
            cot_cancel_reset(token.0);
        }
        cot_cancel_set(token.0);
        assert_eq!(count(&kernel, 1000, &Options { cancel: token.0, ..USUAL }), (Status::Ok, 1));
        cot_cancel_free(token.0);
        cot_cancel_free(ptr::null_mut());
        cot_cancel_set(ptr::null());
        cot_cancel_reset(ptr::null());
        assert!(!cot_cancel_is_set(ptr::null()));
    }
}

#[test]
fn panics_become_messages() {
    let outcome = guarded(|| -> Result<(), _> { std::panic::resume_unwind(Box::new("internal error: of a test")) });
    assert_eq!((outcome, last_error().as_str()), (Err(Status::Internal), "internal error: of a test"));
    let outcome = guarded(|| -> Result<(), _> { std::panic::resume_unwind(Box::new(format!("{}\0!", 7))) });
    assert_eq!((outcome, last_error().as_str()), (Err(Status::Internal), "7!"));

    /// Makes things worse when it is dropped.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("again"));
        }
    }
    let outcome = guarded(|| -> Result<(), _> { std::panic::resume_unwind(Box::new(Bomb)) });
    assert_eq!((outcome, last_error().as_str()), (Err(Status::Internal), "a panic without a message"));
}

#[test]
fn a_panic_in_a_run_leaves_the_kernel_whole() {
    let kernel = Loaded::example();
    let (mut limit, mut rounds) = ([1000], [-1i32]);
    let (argument, result) = (buffer(&mut limit, DType::I32, &[]), buffer(&mut rounds, DType::I32, &[]));
    let outcome = guarded(|| {
        let mut observer = |_: i64, _: &[f64]| -> bool { std::panic::resume_unwind(Box::new("in the run")) };
        let options = CallOptions { observer: Some(&mut observer), ..CallOptions::default() };
        // SAFETY: the function is there, and so is the memory.
        unsafe { run(&*kernel.find("count"), &[argument], &[result], options) }
    });
    assert_eq!((outcome, last_error().as_str()), (Err(Status::Internal), "in the run"));
    assert_eq!(count(&kernel, 25, &USUAL), (Status::Ok, 25));
}
