//! Plans as text, for people and for tests.

use crate::compile::cost::of_step;
use crate::compile::plan::{Place, Plan, Slot, Step};
use crate::compile::report::{Moved, Report};
use cotangent_ir::text::print_kernel;
use std::fmt::Write;

/// The plan: memory, then the steps with their kernels by name and the bytes these move, then what is moved in all.
pub fn plan(plan: &Plan) -> String {
    let mut out = format!("plan @{}", plan.name);
    let kind = if plan.parallel { "parallel" } else { "sequential" };
    let _ = writeln!(out, " ({kind}, arena {} bytes, scalars {} bytes) {{", plan.arena_bytes, plan.scalar_bytes);
    for (number, slot) in plan.slots.iter().enumerate() {
        let _ = match slot {
            Slot::Input(i) => writeln!(out, "    s{number} = input {i} : {}", plan.inputs[*i]),
            Slot::Output(i) => writeln!(out, "    s{number} = output {i} : {}", plan.outputs[*i]),
            Slot::Arena { offset, bytes } => writeln!(out, "    s{number} = arena {offset}..{}", offset + bytes),
        };
    }
    write_steps(&mut out, plan, &plan.steps, 1);
    out.push_str("}\n");
    let Report { loops, cost, least_bytes, barriers, is_exact, .. } = Report::new(plan, &[]);
    for each in loops {
        let moved = Moved { cost: each.cost, least_bytes: each.least_bytes, barriers: each.barriers };
        let _ = writeln!(out, "each iteration {moved}");
    }
    let which = if is_exact { "" } else { " (one iteration of loops with a condition, the costliest branches)" };
    let _ = writeln!(out, "a call{which} {}", Moved { cost, least_bytes, barriers });
    out
}

/// The kernels of a plan, in order.
pub fn kernels(plan: &Plan) -> String {
    plan.kernels.iter().map(print_kernel::kernel).collect::<Vec<String>>().join("\n")
}

/// Number of steps of a kind, at any depth, as filetests claim them: `kernels` (loop nests), `scalars`, `copies`,
/// `barriers`, `calls`, `loops`.
pub fn count(plan: &Plan, what: &str) -> Option<usize> {
    let wanted: fn(&Step) -> bool = match what {
        "kernels" => |step| matches!(step, Step::Kernel { .. }),
        "scalars" => |step| matches!(step, Step::Scalar { .. }),
        "copies" => |step| matches!(step, Step::Copy { .. }),
        "barriers" => |step| matches!(step, Step::Barrier),
        "calls" => |step| matches!(step, Step::Library { .. }),
        "loops" => |step| matches!(step, Step::While { .. } | Step::Repeat { .. }),
        _ => return None,
    };
    Some(count_steps(&plan.steps, wanted))
}

/// As [`count`], but only steps inside loops: what every iteration does.
pub fn count_in_loops(plan: &Plan, what: &str) -> Option<usize> {
    count(plan, what)?;
    let bodies = plan.steps.iter().flat_map(|step| match step {
        Step::While { condition, body, .. } => condition.iter().chain(body).cloned().collect(),
        Step::Repeat { body, .. } => body.clone(),
        _ => Vec::new(),
    });
    count(&Plan { steps: bodies.collect(), ..plan.clone() }, what)
}

fn count_steps(steps: &[Step], wanted: fn(&Step) -> bool) -> usize {
    steps
        .iter()
        .map(|step| {
            usize::from(wanted(step))
                + match step {
                    Step::While { condition, body, .. } => count_steps(condition, wanted) + count_steps(body, wanted),
                    Step::Repeat { body, .. } => count_steps(body, wanted),
                    Step::Switch { arms, .. } => arms.iter().map(|arm| count_steps(arm, wanted)).sum(),
                    _ => 0,
                }
        })
        .sum()
}

fn write_steps(out: &mut String, plan: &Plan, steps: &[Step], depth: usize) {
    for step in steps {
        out.push_str(&"    ".repeat(depth));
        let _ = match step {
            Step::Kernel { kernel, bind, chunks } => {
                let (kernel, bytes) = (&plan.kernels[*kernel], of_step(plan, step).bytes);
                let (name, extents, places) = (&kernel.name, &kernel.extents[..], places(bind));
                let streamed = streamed(plan, step);
                let rows = match by_rows(plan, step) {
                    0 => String::new(),
                    rows => format!(" by {rows} rows"),
                };
                let past =
                    if streamed.is_empty() { String::new() } else { format!(", streams {}", self::places(&streamed)) };
                writeln!(out, "kernel @{name} {extents:?} ({places}) chunks {chunks}{rows}, {bytes} bytes{past}")
            }
            Step::Scalar { kernel, bind } => {
                writeln!(out, "scalar @{} ({})", plan.kernels[*kernel].name, places(bind))
            }
            Step::Combine { op, dtype, partials, count, into } => {
                writeln!(out, "combine {} {dtype} s{partials} x {count} -> x{into}", op.name())
            }
            Step::Library { call } => {
                writeln!(out, "call {:?}, {} bytes", plan.calls[*call], of_step(plan, step).bytes)
            }
            Step::Copy { to, from, bytes } => writeln!(out, "copy s{to} <- s{from}, {bytes} bytes"),
            Step::Assign { moves } => {
                let moves: Vec<String> = moves
                    .iter()
                    .map(|(to, from, dtype, lanes)| format!("{} <- {} : {dtype} x {lanes}", place(*to), place(*from)))
                    .collect();
                writeln!(out, "assign {}", moves.join(", "))
            }
            Step::Rotate { moves } => {
                let moves: Vec<String> = moves.iter().map(|(to, from)| format!("s{to} <- s{from}")).collect();
                writeln!(out, "rotate {}", moves.join(", "))
            }
            Step::Barrier => writeln!(out, "barrier"),
            Step::End { when } => writeln!(out, "end if s{when}"),
            Step::While { condition, predicate, body } => {
                let _ = writeln!(out, "while {{");
                write_steps(out, plan, condition, depth + 1);
                let _ = writeln!(out, "{}}} {} {{", "    ".repeat(depth), place(*predicate));
                write_steps(out, plan, body, depth + 1);
                writeln!(out, "{}}}", "    ".repeat(depth))
            }
            Step::Repeat { count, body } => {
                let _ = writeln!(out, "repeat {count} {{");
                write_steps(out, plan, body, depth + 1);
                writeln!(out, "{}}}", "    ".repeat(depth))
            }
            Step::Switch { index, arms } => {
                let _ = writeln!(out, "switch {} {{", place(*index));
                for (number, arm) in arms.iter().enumerate() {
                    let _ = writeln!(out, "{}arm {number} {{", "    ".repeat(depth + 1));
                    write_steps(out, plan, arm, depth + 2);
                    let _ = writeln!(out, "{}}}", "    ".repeat(depth + 1));
                }
                writeln!(out, "{}}}", "    ".repeat(depth))
            }
        };
    }
}

/// How many rows of a matrix a kernel adds up at a time, if it goes along them.
fn by_rows(plan: &Plan, step: &Step) -> usize {
    match step {
        Step::Kernel { kernel, .. } => plan.rows.get(*kernel).copied().unwrap_or(0),
        _ => 0,
    }
}

/// The places that a kernel writes past the cache.
pub(crate) fn streamed(plan: &Plan, step: &Step) -> Vec<Place> {
    let Step::Kernel { kernel, bind, .. } = step else { return Vec::new() };
    let operands = plan.streams.get(*kernel).into_iter().flatten();
    operands.map(|&operand| bind[operand as usize]).collect()
}

fn places(bind: &[Place]) -> String {
    bind.iter().map(|&at| place(at)).collect::<Vec<String>>().join(", ")
}

fn place(place: Place) -> String {
    match place {
        Place::Slot(slot) => format!("s{slot}"),
        Place::Scalar(offset) => format!("x{offset}"),
    }
}
