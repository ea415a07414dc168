//! What one call of a program costs, step by step and in all.

use crate::compile::barriers::accesses;
use crate::compile::cost::{Cost, least_bytes, of_step};
use crate::compile::emit::Lanes;
use crate::compile::plan::{Place, Plan, Slot, Step};
use crate::run::library::LibraryCall;
use cotangent_ir::kernel::NodeKind;
use std::collections::HashMap;
use std::fmt;

/// What one call of a program costs. Printed, it is a table.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The program's name.
    pub name: String,
    /// Loop nests, library calls and copies, in order.
    pub steps: Vec<StepReport>,
    /// The loops around them, in order of their beginnings.
    pub loops: Vec<LoopReport>,
    /// All steps together, each as often as it runs. Of branches the costliest counts, and of loops that end by a
    /// condition a single iteration: see `is_exact`.
    pub cost: Cost,
    /// Bytes of arguments and results: what has to be moved at least.
    pub least_bytes: u64,
    /// How often the workers of a call wait for each other, counted as `cost` is.
    pub barriers: u64,
    /// Whether there is no loop that ends by a condition, and no branch.
    pub is_exact: bool,
    /// Whether the work is shared between threads.
    pub parallel: bool,
    /// Bytes of temporary memory.
    pub arena_bytes: usize,
    /// Bytes of machine code.
    pub code_bytes: usize,
}

/// A loop nest, a library call or a copy.
#[derive(Clone, PartialEq, Debug)]
pub struct StepReport {
    /// What is done.
    pub work: Work,
    /// How often a call does it.
    pub runs: u64,
    /// What it costs each time.
    pub cost: Cost,
}

/// What a step does.
#[derive(Clone, PartialEq, Debug)]
pub enum Work {
    /// A loop nest.
    Kernel {
        /// Its name in the plan.
        name: String,
        /// Extents of its loops, outermost first.
        extents: Vec<usize>,
        /// Into how many pieces the outermost loop is cut.
        pieces: usize,
        /// How many arrays it writes past the cache, where its code can.
        streamed: usize,
        /// How elements are processed, if code has been made: by the generator for 256 bits, or by Cranelift in vectors of
        /// 128 bits or one by one.
        lanes: Option<Lanes>,
    },
    /// A library routine, by name.
    Call(String),
    /// A copy of memory.
    Copy,
}

/// A loop.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LoopReport {
    /// How many iterations it has; none if a condition says.
    pub trips: Option<u64>,
    /// What one iteration costs.
    pub cost: Cost,
    /// Bytes of what one iteration needs from before it, and of what it changes of that: what it has to move at least.
    pub least_bytes: u64,
    /// How often the workers wait for each other in one iteration.
    pub barriers: u64,
}

impl Report {
    /// The report of a plan, given how each of its kernels processes elements, as far as that is known.
    pub fn new(plan: &Plan, kernel_lanes: &[Option<Lanes>]) -> Report {
        let mut walk = Walk { plan, kernel_lanes, steps: Vec::new(), loops: Vec::new(), is_exact: true };
        let total = walk.all(&plan.steps, 1);
        let Walk { steps, loops, is_exact, .. } = walk;
        Report {
            name: plan.name.clone(),
            steps,
            loops,
            cost: total.cost,
            least_bytes: least_bytes(plan),
            barriers: total.barriers,
            is_exact,
            parallel: plan.parallel,
            arena_bytes: plan.arena_bytes,
            code_bytes: 0,
        }
    }
}

/// What some steps cost together.
#[derive(Clone, Copy, Default)]
struct Total {
    cost: Cost,
    barriers: u64,
}

impl Total {
    fn add(&mut self, other: Total, times: u64) {
        self.cost = self.cost + other.cost * times;
        self.barriers += other.barriers * times;
    }
}

struct Walk<'a> {
    plan: &'a Plan,
    kernel_lanes: &'a [Option<Lanes>],
    steps: Vec<StepReport>,
    loops: Vec<LoopReport>,
    is_exact: bool,
}

impl Walk<'_> {
    /// What the steps cost that a call goes through `runs` times.
    fn all(&mut self, steps: &[Step], runs: u64) -> Total {
        let mut total = Total::default();
        for step in steps {
            let cost = of_step(self.plan, step);
            total.cost = total.cost + cost;
            if let Some(work) = self.work(step) {
                self.steps.push(StepReport { work, runs, cost });
            }
            match step {
                Step::Barrier => total.barriers += 1,
                Step::Repeat { count, body } => {
                    let iteration = self.iteration(&[body], Some(*count), runs);
                    total.add(iteration, *count);
                }
                Step::While { condition, body, .. } => {
                    self.is_exact = false;
                    total.add(self.iteration(&[condition, body], None, runs), 1);
                }
                Step::Switch { arms, .. } => {
                    self.is_exact = false;
                    let arms: Vec<Total> = arms.iter().map(|arm| self.all(arm, runs)).collect();
                    let costliest = arms.into_iter().max_by_key(|arm| (arm.cost.bytes, arm.cost.flops, arm.barriers));
                    total.add(costliest.unwrap_or_default(), 1);
                }
                _ => {}
            }
        }
        total
    }

    /// One iteration of a loop.
    fn iteration(&mut self, parts: &[&Vec<Step>], trips: Option<u64>, runs: u64) -> Total {
        let place = self.loops.len();
        self.loops.push(LoopReport { trips, cost: Cost::default(), least_bytes: 0, barriers: 0 });
        let mut total = Total::default();
        let mut state = State { plan: self.plan, known: HashMap::new() };
        for part in parts {
            total.add(self.all(part, runs * trips.unwrap_or(1)), 1);
            state.walk(part);
        }
        // A body that needs only part of an array moves less than the array.
        let least_bytes = state.least_bytes().min(total.cost.bytes);
        self.loops[place] = LoopReport { trips, cost: total.cost, least_bytes, barriers: total.barriers };
        total
    }

    fn work(&self, step: &Step) -> Option<Work> {
        match step {
            Step::Kernel { kernel, chunks, .. } => {
                let number = *kernel;
                let lanes = self.kernel_lanes.get(*kernel).copied().flatten();
                let kernel = &self.plan.kernels[*kernel];
                let (name, extents) = (kernel.name.clone(), kernel.extents.to_vec());
                let streamed = self.plan.streams.get(number).map_or(0, Vec::len);
                Some(Work::Kernel { name, extents, pieces: *chunks, streamed, lanes })
            }
            Step::Library { call } => Some(Work::Call(routine(&self.plan.calls[*call]))),
            Step::Copy { .. } => Some(Work::Copy),
            _ => None,
        }
    }
}

fn routine(call: &LibraryCall) -> String {
    match call {
        LibraryCall::Gemm { batch, rows, depth, columns, .. } => {
            format!("matrix product {batch} x [{rows}, {depth}] [{depth}, {columns}]")
        }
        LibraryCall::Fft { outer, length, inner, .. } => format!("transform of {length} x {}", outer * inner),
        LibraryCall::Filter { outer, length, inner, .. } => format!("filter of {length} x {}", outer * inner),
        LibraryCall::Items { primitive, batch, .. } => format!("{primitive} x {batch}"),
        LibraryCall::Tap { .. } => "report to the observer".into(),
        LibraryCall::Host { .. } => "function of the host".into(),
    }
}

/// What the body of a loop finds in memory, and what it does to that.
struct State<'a> {
    plan: &'a Plan,
    /// For each slot seen: whether it holds what was there before the iteration, and whether it was changed.
    known: HashMap<u32, (bool, bool)>,
}

impl State<'_> {
    fn walk(&mut self, steps: &[Step]) {
        for step in steps {
            let (mut reads, writes) = accesses(step, &self.plan.kernels, &self.plan.calls);
            if let Step::Kernel { kernel, bind, .. } = step {
                let loaded = self.plan.kernels[*kernel].nodes.iter().filter_map(|node| match node.kind {
                    NodeKind::Load { operand, .. } => Some(bind[operand as usize]),
                    _ => None,
                });
                reads.extend(loaded.filter_map(|place| match place {
                    Place::Slot(slot) => Some(slot),
                    Place::Scalar(_) => None,
                }));
            }
            for slot in reads {
                self.known.entry(slot).or_insert((true, false));
            }
            for slot in writes {
                self.known.entry(slot).or_insert((false, false)).1 = true;
            }
            match step {
                Step::Rotate { moves } => {
                    for (to, _) in moves {
                        self.known.entry(*to).or_insert((false, false)).1 = true;
                    }
                }
                Step::Repeat { body, .. } => self.walk(body),
                Step::While { condition, body, .. } => [condition, body].into_iter().for_each(|part| self.walk(part)),
                Step::Switch { arms, .. } => arms.iter().for_each(|arm| self.walk(arm)),
                _ => {}
            }
        }
    }

    fn least_bytes(&self) -> u64 {
        let bytes = |slot: u32| match self.plan.slots[slot as usize] {
            Slot::Input(input) => self.plan.inputs[input].byte_len(),
            Slot::Output(output) => self.plan.outputs[output].byte_len(),
            Slot::Arena { bytes, .. } => bytes,
        };
        let counted = |(&slot, &(before, changed)): (&u32, &(bool, bool))| {
            bytes(slot) as u64 * if before { 1 + u64::from(changed) } else { 0 }
        };
        self.known.iter().map(counted).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.parallel { "parallel" } else { "sequential" };
        let (arena, code) = (Amount(self.arena_bytes as u64, "B"), Amount(self.code_bytes as u64, "B"));
        writeln!(f, "@{}, {kind}, memory {arena}, code {code}", self.name)?;
        writeln!(f, "{:>8}  {:<48} {:>10} {:>12}", "runs", "step", "bytes", "operations")?;
        for StepReport { work, runs, cost } in &self.steps {
            let (bytes, flops) = (Amount(cost.bytes, "B").to_string(), Amount(cost.flops, "flop").to_string());
            writeln!(f, "{runs:>8}  {:<48} {bytes:>10} {flops:>12}", work.to_string())?;
        }
        for (number, LoopReport { trips, cost, least_bytes, barriers }) in self.loops.iter().enumerate() {
            let trips = trips.map_or("unknown".into(), |trips| trips.to_string());
            let moved = Moved { cost: *cost, least_bytes: *least_bytes, barriers: *barriers };
            writeln!(f, "loop {number}, iterations: {trips}; each {moved}")?;
        }
        let moved = Moved { cost: self.cost, least_bytes: self.least_bytes, barriers: self.barriers };
        let which =
            if self.is_exact { "" } else { " (one iteration of loops with a condition, the costliest branches)" };
        writeln!(f, "a call{which} {moved}")
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Work::Kernel { name, extents, pieces, streamed, lanes } => {
                write!(f, "{name} {extents:?} in {pieces}")?;
                if *streamed > 0 {
                    write!(f, ", {streamed} streamed")?;
                }
                match lanes {
                    Some(Lanes::Wide) => f.write_str(", 256 bits"),
                    Some(Lanes::Vector) => f.write_str(", 128 bits"),
                    Some(Lanes::Scalar) => f.write_str(", one by one"),
                    None => Ok(()),
                }
            }
            Work::Call(routine) => f.write_str(routine),
            Work::Copy => f.write_str("copy"),
        }
    }
}

/// What is moved, and how that compares to the least.
pub(crate) struct Moved {
    pub(crate) cost: Cost,
    pub(crate) least_bytes: u64,
    pub(crate) barriers: u64,
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, least) = (Amount(self.cost.bytes, "B"), Amount(self.least_bytes, "B"));
        write!(f, "moves {bytes}, at least {least}")?;
        if self.least_bytes > 0 {
            write!(f, " ({:.2} times)", self.cost.bytes as f64 / self.least_bytes as f64)?;
        }
        write!(f, "; {}; barriers: {}", Amount(self.cost.flops, "flop"), self.barriers)
    }
}

/// A number with a unit and its prefix.
struct Amount(u64, &'static str);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Amount(number, unit) = *self;
        let prefixes = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
        match prefixes.iter().find(|(size, _)| number as f64 >= *size) {
            Some((size, prefix)) => write!(f, "{:.2} {prefix}{unit}", number as f64 / size),
            None => write!(f, "{number} {unit}"),
        }
    }
}
