//! Random programs: thousands of functions of every kind of instruction, each compiled and compared with the
//! interpreter, batched and compared with a loop, differentiated forwards and backwards and compared with difference
//! quotients.
//!
//! A failure names the kind and the seed, and prints the function as it was generated and cut down to what still fails.
//! `COTANGENT_SEED` is the first seed of a run; `COTANGENT_PROGRAMS` is the number of programs of each kind.
#![cfg(feature = "compiler")]

mod laws;

use cotangent::Tensor;
use cotangent::ir::Func;
use cotangent::ir::generate::{self, Options, Random};
use cotangent::ir::text::print;
use laws::Law;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers of programs in an ordinary run: some three minutes of one processor, shared by all there are.
const PROGRAMS_OF_ALL_KINDS: u64 = 14_000;
const SMOOTH_PROGRAMS: u64 = 8_000;

/// So many failures are enough for a report.
const MOST_FAILURES: usize = 4;

#[test]
fn programs_of_all_kinds_compute_what_they_say() {
    each(PROGRAMS_OF_ALL_KINDS, &Options::default(), &laws::OF_ALL_KINDS);
}

#[test]
fn smooth_programs_have_derivatives() {
    each(SMOOTH_PROGRAMS, &Options::smooth(), &laws::OF_SMOOTH);
}

/// Checks the laws on programs, with all the processors there are.
#[track_caller]
fn each(count: u64, options: &Options, laws: &[Law]) {
    let first = number("COTANGENT_SEED").unwrap_or(1) << 32;
    let count = number("COTANGENT_PROGRAMS").unwrap_or(count);
    let (next, failures) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count || failures.lock().unwrap().len() >= MOST_FAILURES {
                return;
            }
            if let Some(failure) = failure(first + number, options, laws) {
                failures.lock().unwrap().push(failure);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|number| number.parse().ok())
}

/// The function of a seed. Most are small, because small ones say more when they fail and cost less.
fn program(seed: u64, options: &Options) -> Func {
    let instructions = *Random::new(!seed).pick(&[2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 18, 24]);
    generate::function(seed, &Options { instructions, ..options.clone() })
}

/// What is wrong with the program of a seed, if something is.
fn failure(seed: u64, options: &Options, laws: &[Law]) -> Option<String> {
    let func = program(seed, options);
    let args = generate::arguments(&func, seed);
    let (law, message) =
        laws.iter().find_map(|law| outcome(law, &func, &args, seed).err().map(|message| (law, message)))?;
    let (small, numbers) = generate::shrink((func.clone(), args), |func, args| outcome(law, func, args, seed).is_err());
    let cause = outcome(law, &small, &numbers, seed).err().unwrap_or_default();
    let numbers: Vec<String> = numbers.iter().map(|tensor| format!("{tensor:?}")).collect();
    Some(format!(
        "seed {seed}, {}: {message}\n{}\ncut down, {cause}\n{}\nof\n{}",
        law.name,
        print::func(&func),
        print::func(&small),
        numbers.join("\n")
    ))
}

/// Whether a law holds; a panic on the way is a failure as well.
fn outcome(law: &Law, func: &Func, args: &[Tensor], seed: u64) -> Result<(), String> {
    let checked = catch_unwind(AssertUnwindSafe(|| (law.check)(func, args, seed)));
    checked.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().cloned();
        Err(format!("panicked: {}", message.unwrap_or_default()))
    })
}
