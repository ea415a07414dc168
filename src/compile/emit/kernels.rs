//! The functions of a program's kernels: one for each kernel, place of its operands and number of pieces.
//!
//! Code of 256-bit vectors depends on nothing but its kernel, so that of many kernels is made by several threads. It is put
//! into the module in the order of the steps, and is the same however many there are.

use super::kernel_function::{self, Layout};
use super::wide::{self, MachineCode};
use super::{Lanes, Processor, Settings, Unit};
use crate::artifact::CpuLevel;
use crate::compile::plan::{Plan, Step};
use crate::run::program::Place;
use cranelift_module::FuncId;
use std::collections::{HashMap, HashSet};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread::{available_parallelism, scope};

/// A kernel function: which kernel, where its operands are, how many chunks.
pub(super) type Version = (usize, Vec<Place>, usize);

/// Kernels for each thread from which on another one is worth starting: a thread takes as long to start as a small kernel
/// to compile.
const KERNELS_PER_THREAD: usize = 8;

/// Defines the functions of all kernels of a plan.
pub(super) fn define(unit: &mut Unit, plan: &Plan) -> HashMap<Version, FuncId> {
    let mut versions = Vec::new();
    collect(&plan.steps, &mut HashSet::new(), &mut versions);
    let codes = in_widest_vectors(plan, &versions, &unit.settings);
    unit.kernel_lanes = vec![None; plan.kernels.len()];
    let mut functions = HashMap::new();
    for (number, (version, code)) in versions.into_iter().zip(codes).enumerate() {
        let kernel = &plan.kernels[version.0];
        let name = format!("kernel{number}_{}", kernel.name);
        let (id, lanes) = match code {
            Some(code) => (unit.define_code(&name, &kernel_function::PARAMETERS, &code), Lanes::Wide),
            None => kernel_function::define(unit, &name, kernel, layout(plan, &version)),
        };
        unit.kernel_lanes[version.0] = Some(lanes);
        functions.insert(version, id);
    }
    functions
}

/// The versions of kernels that steps call, in order, each once.
fn collect(steps: &[Step], known: &mut HashSet<Version>, versions: &mut Vec<Version>) {
    for step in steps {
        match step {
            Step::Kernel { kernel, bind, chunks } => {
                let version = (*kernel, bind.clone(), *chunks);
                if known.insert(version.clone()) {
                    versions.push(version);
                }
            }
            Step::While { condition, body, .. } => {
                collect(condition, known, versions);
                collect(body, known, versions);
            }
            Step::Repeat { body, .. } => collect(body, known, versions),
            Step::Switch { arms, .. } => arms.iter().for_each(|arm| collect(arm, known, versions)),
            Step::Scalar { .. }
            | Step::Combine { .. }
            | Step::Library { .. }
            | Step::Copy { .. }
            | Step::Assign { .. }
            | Step::Rotate { .. }
            | Step::End { .. }
            | Step::Barrier => {}
        }
    }
}

fn layout<'a>(plan: &'a Plan, version: &'a Version) -> Layout<'a> {
    let (kernel, places, chunks) = version;
    let streams = plan.streams.get(*kernel).map_or(&[][..], Vec::as_slice);
    let rows = plan.rows.get(*kernel).copied().unwrap_or(0);
    Layout { places, chunks: *chunks, streams, rows }
}

/// The code of each version that is possible, and asked for, in vectors of 256 bits.
fn in_widest_vectors(plan: &Plan, versions: &[Version], settings: &Settings) -> Vec<Option<MachineCode>> {
    let is_possible = match settings.processor {
        Processor::Native => wide::is_supported(),
        Processor::Baseline => false,
        Processor::Level(level) => level >= CpuLevel::V3,
    };
    if settings.lanes != Lanes::Wide || !is_possible {
        return versions.iter().map(|_| None).collect();
    }
    let compile = |versions: &[Version]| -> Vec<Option<MachineCode>> {
        let code = |version: &Version| wide::compile(&plan.kernels[version.0], layout(plan, version), settings);
        versions.iter().map(code).collect()
    };
    let threads = available_parallelism().map_or(1, NonZero::get).min(versions.len() / KERNELS_PER_THREAD);
    if threads <= 1 {
        return compile(versions);
    }
    // This thread compiles too, so that what it waits for in the end has gone on meanwhile.
    let mut parts = versions.chunks(versions.len().div_ceil(threads));
    let own = parts.next().unwrap_or(&[]);
    scope(|scope| {
        let compile = &compile;
        let others: Vec<_> = parts.map(|part| scope.spawn(move || compile(part))).collect();
        let mut codes = compile(own);
        for other in others {
            codes.extend(other.join().unwrap_or_else(|payload| resume_unwind(payload)));
        }
        codes
    })
}
