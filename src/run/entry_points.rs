//! What compiled code calls by name. The names and signatures are part of the ABI.
//!
//! No panic leaves these functions: compiled code has no way to let one pass. A panic in a library routine is kept in the
//! session and raised again on the caller's thread after the call.
//!
//! They have their names for linkers, too: a kernel file that is linked into a program finds them in the library beside it.

use crate::run::program::Frame;
use crate::run::session::{Session, Worker};

/// Copies are shared among workers in whole pieces of this many bytes, a page.
const COPY_PIECE: usize = 4096;

/// Copies below this size are done by worker 0: waking another core's cache costs more.
pub(crate) const SHARED_COPY: usize = 64 * 1024;

/// The session of a frame.
///
/// # Safety
///
/// `frame` is the frame of a worker of a running call.
pub(super) unsafe fn session<'a>(frame: *const Frame) -> &'a Session<'a> {
    // SAFETY: the call keeps its session alive until all workers have returned.
    unsafe { &*(*frame).session.cast() }
}

/// All workers meet, and some may be let go: those go on with fewer workers in their frames, and for the others this is 1,
/// not 0, and they return.
#[cfg_attr(feature = "runtime", unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn ct_barrier(frame: *mut Frame) -> u64 {
    // SAFETY: compiled code passes on the frame it was given.
    let (session, frame) = unsafe { (session(frame), &mut *frame) };
    let team = session.meet(frame.workers as usize) as u64;
    if frame.worker >= team {
        return 1;
    }
    frame.workers = team;
    0
}

/// A worker begins a step.
#[cfg_attr(feature = "runtime", unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn ct_mark(frame: *mut Frame, step: u64) {
    // SAFETY: compiled code passes on the frame it was given, which is that of the worker that runs.
    unsafe {
        if let Some(marks) = session(frame).marks {
            marks.note((*frame).worker as usize, step as u32);
        }
    }
}

/// Does this worker's share of the program's library call of the given number.
#[cfg_attr(feature = "runtime", unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn ct_library(frame: *mut Frame, call: u64) {
    // SAFETY: compiled code passes on the frame it was given, with its slots holding what the call describes.
    unsafe {
        let session = session(frame);
        let worker = Worker::of(frame, session);
        session.guarded(|| session.routines[call as usize].run(session, &worker));
    }
}

/// Copies this worker's share of a range. The ranges do not overlap, or are the same.
#[cfg_attr(feature = "runtime", unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn ct_copy(frame: *mut Frame, to: *mut u8, from: *const u8, bytes: u64) {
    let bytes = bytes as usize;
    if std::ptr::eq(to, from) {
        return;
    }
    // SAFETY: compiled code passes on the frame it was given and ranges of this length.
    unsafe {
        let worker = Worker::of(frame, session(frame));
        let range = if bytes < SHARED_COPY {
            if worker.index == 0 { 0..bytes } else { 0..0 }
        } else {
            let pieces = worker.share(bytes.div_ceil(COPY_PIECE));
            (pieces.start * COPY_PIECE).min(bytes)..(pieces.end * COPY_PIECE).min(bytes)
        };
        std::ptr::copy_nonoverlapping(from.add(range.start), to.add(range.start), range.len());
    }
}

/// Scalar functions of the platform, for arguments that lane code does not handle and for baseline targets.
macro_rules! scalar_functions {
    ($($name32:ident $name64:ident ($($arg:ident),+) $body:expr;)*) => {
        $(
            #[cfg_attr(feature = "runtime", unsafe(no_mangle))]
            extern "C" fn $name32($($arg: f32),+) -> f32 { $body }
            #[cfg_attr(feature = "runtime", unsafe(no_mangle))]
            extern "C" fn $name64($($arg: f64),+) -> f64 { $body }
        )*
        const SCALAR_FUNCTIONS: usize = [$(stringify!($name32), stringify!($name64)),*].len();
        fn scalar_functions() -> [(&'static str, *const u8); SCALAR_FUNCTIONS] {
            [$((stringify!($name32), $name32 as *const u8), (stringify!($name64), $name64 as *const u8)),*]
        }
    };
}
scalar_functions! {
    ct_exp_f32 ct_exp_f64 (a) a.exp();
    ct_log_f32 ct_log_f64 (a) a.ln();
    ct_sin_f32 ct_sin_f64 (a) a.sin();
    ct_cos_f32 ct_cos_f64 (a) a.cos();
    ct_tanh_f32 ct_tanh_f64 (a) a.tanh();
    ct_pow_f32 ct_pow_f64 (a, b) a.powf(b);
    ct_atan2_f32 ct_atan2_f64 (a, b) a.atan2(b);
    ct_rem_f32 ct_rem_f64 (a, b) a % b;
    ct_floor_f32 ct_floor_f64 (a) a.floor();
    ct_ceil_f32 ct_ceil_f64 (a) a.ceil();
    ct_round_f32 ct_round_f64 (a) a.round_ties_even();
    ct_trunc_f32 ct_trunc_f64 (a) a.trunc();
    ct_fma_f32 ct_fma_f64 (a, b, c) a.mul_add(b, c);
}

/// Names and addresses of everything compiled code may call.
pub fn symbols() -> impl Iterator<Item = (&'static str, *const u8)> {
    [
        ("ct_barrier", ct_barrier as *const u8),
        ("ct_mark", ct_mark as *const u8),
        ("ct_library", ct_library as *const u8),
        ("ct_copy", ct_copy as *const u8),
    ]
    .into_iter()
    .chain(scalar_functions())
}
