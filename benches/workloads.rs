//! Run and compile times of the cases, apart: `run/<case>` and `compile/<case>`.
//!
//! Compiling is everything from the closure to runnable code: tracing, simplification, planning, emission; caches are
//! passed by.

#[path = "../src/bin/cotangent/cases/mod.rs"]
mod cases;

use cotangent::compile::{Options, compile_uncached};
use criterion::{BenchmarkGroup, Criterion, SamplingMode, criterion_group, criterion_main, measurement::WallTime};
use std::hint::black_box;
use std::time::Duration;

fn run(criterion: &mut Criterion) {
    let mut group = brief_group(criterion, "run");
    for case in cases::all() {
        // Preparing takes memory and time, so it waits until the benchmark is known to be wanted.
        let mut prepared = None;
        group.bench_function(case.name, |bencher| {
            let prepared = prepared.get_or_insert_with(|| case.prepare());
            bencher.iter(&mut prepared.call);
        });
    }
    group.finish();
}

fn compile(criterion: &mut Criterion) {
    let mut group = brief_group(criterion, "compile");
    // Cases that differ only in what becomes of their results have the same program.
    for case in cases::all().iter().filter(|case| !case.name.ends_with("_into")) {
        let mut prepared = None;
        group.bench_function(case.name, |bencher| {
            let prepared = prepared.get_or_insert_with(|| case.prepare());
            bencher.iter_with_large_drop(|| {
                compile_uncached(&black_box((prepared.trace)()).func, &Options::default()).expect("it compiled before")
            });
        });
    }
    group.finish();
}

/// A group whose benchmarks take about four seconds each.
fn brief_group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .warm_up_time(Duration::from_millis(700))
        .measurement_time(Duration::from_secs(3))
        .sample_size(20)
        .sampling_mode(SamplingMode::Flat);
    group
}

criterion_group!(benches, run, compile);
criterion_main!(benches);
