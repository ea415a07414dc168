//! Library calls made ready to run: one arm for each kind of [`LibraryCall`].

use crate::run::fft::{Fft, FftPlans};
use crate::run::filter::Filter;
use crate::run::gemm::Gemm;
use crate::run::host::HostRoutine;
use crate::run::items::Items;
use crate::run::library::LibraryCall;
use crate::run::session::{Session, Worker};
use crate::run::tap::Tap;
use cotangent_ir::DType;
use cotangent_ir::error::internal;

/// Makes transform plans; calls of one program that transform the same length share them.
#[derive(Default)]
pub(super) struct Planner {
    single: FftPlans<f32>,
    double: FftPlans<f64>,
}

/// A library call with everything about it that can be computed before the program runs.
pub(super) enum Routine {
    Gemm(Gemm),
    Single(Fft<f32>),
    Double(Fft<f64>),
    SingleFilter(Filter<f32>),
    DoubleFilter(Filter<f64>),
    Items(Items),
    Tap(Tap),
    Host(HostRoutine),
}

impl Routine {
    /// Makes a call ready.
    pub(super) fn prepare(call: &LibraryCall, planner: &mut Planner) -> Routine {
        match call {
            LibraryCall::Gemm { .. } => Routine::Gemm(Gemm::new(call)),
            LibraryCall::Fft { precision: DType::F32, .. } => Routine::Single(Fft::new(call, &mut planner.single)),
            LibraryCall::Fft { precision: DType::F64, .. } => Routine::Double(Fft::new(call, &mut planner.double)),
            LibraryCall::Fft { precision, .. } => internal(&format!("a transform in {precision}")),
            LibraryCall::Filter { precision: DType::F32, .. } => {
                Routine::SingleFilter(Filter::new(call, &mut planner.single))
            }
            LibraryCall::Filter { .. } => Routine::DoubleFilter(Filter::new(call, &mut planner.double)),
            LibraryCall::Items { .. } => Routine::Items(Items::new(call)),
            LibraryCall::Tap { .. } => Routine::Tap(Tap::new(call)),
            LibraryCall::Host { .. } => Routine::Host(HostRoutine::new(call)),
        }
    }

    /// Scratch that each worker needs.
    pub(super) fn scratch_bytes(&self) -> usize {
        match self {
            Routine::Gemm(_) | Routine::Host(_) => 0,
            Routine::Items(items) => items.scratch_bytes(),
            Routine::Single(fft) => fft.scratch_bytes(),
            Routine::Double(fft) => fft.scratch_bytes(),
            Routine::SingleFilter(filter) => filter.scratch_bytes(),
            Routine::DoubleFilter(filter) => filter.scratch_bytes(),
            Routine::Tap(tap) => tap.scratch_bytes(),
        }
    }

    /// Does a worker's share.
    ///
    /// # Safety
    ///
    /// Called by every worker of the session, on slots that hold what the call describes.
    pub(super) unsafe fn run<'a>(&self, session: &'a Session<'a>, worker: &Worker) {
        // SAFETY: passed on.
        unsafe {
            match self {
                Routine::Gemm(gemm) => gemm.run(worker),
                Routine::Single(fft) => fft.run(worker),
                Routine::Double(fft) => fft.run(worker),
                Routine::SingleFilter(filter) => filter.run(worker),
                Routine::DoubleFilter(filter) => filter.run(worker),
                Routine::Items(items) => items.run(session, worker),
                Routine::Tap(tap) => tap.run(session, worker),
                Routine::Host(host) => host.run(session, worker),
            }
        }
    }
}
