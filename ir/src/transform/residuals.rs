//! What the linear part of a function keeps of the other part, and what it computes again.
//!
//! Between the values that the linear part needs and the parameters that they come from there are many sets of values to
//! keep: whatever lies beyond such a set is computed again from it. [`choose`] finds one of least cost, where keeping a
//! value costs a passage through memory and repeating an instruction its work. This is a minimal cut of the graph of
//! values: everything on the parameters' side of the cut is computed once, kept values are what the cut goes through, and
//! instructions beyond it are repeated.
//!
//! What holds: only instructions that move elements or combine them by a few lane operations are ever repeated. Elementary
//! functions, reductions, contractions, library routines and control flow are computed once.
//!
//! Reference: L. R. Ford and D. R. Fulkerson, Maximal flow through a network, Canadian Journal of Mathematics 8 (1956);
//! the search by levels is that of E. A. Dinic, Soviet Mathematics Doklady 11 (1970).

use crate::func::{Func, Inst, Value};
use crate::kernel::{LaneOp, NodeKind};
use crate::lanes::{Dag, Lane, Lanes};
use crate::prim::{Lower, LowerLanes, checkpoint};
use crate::types::Type;
use std::collections::{HashMap, VecDeque};

/// Cost of keeping one byte, in units of one lane operation on one byte: it is written once and read once, and memory
/// moves a byte in the time of about this many operations.
const KEEP: u64 = 8;

/// Cost of keeping one byte of a value that is in memory anyway, a parameter or a result: it is read once.
const KEEP_EXISTING: u64 = 4;

/// The most lane operations of an instruction that is repeated.
const MOST_REPEATED: u64 = 8;

/// What the linear part keeps and what it computes again.
pub(crate) struct Choice {
    /// For every value whether it is kept.
    pub(crate) kept: Vec<bool>,
    /// For every instruction whether it is repeated.
    pub(crate) repeated: Vec<bool>,
}

/// Decides how the values flagged in `needed`, none of which is flagged in `unknown`, reach the linear part.
pub(crate) fn choose(func: &Func, unknown: &[bool], needed: &[bool]) -> Choice {
    let definitions = definitions(func);
    let repeat_costs = repeat_costs(func, unknown);
    let mut graph = Graph::new(2);
    // Two nodes for each value that matters, before and behind its own storage.
    let mut nodes: HashMap<Value, (usize, usize)> = HashMap::new();
    let mut open: Vec<Value> = Vec::new();
    let wanted = (0..func.value_count()).map(Value::new).filter(|value| needed[value.index()]);
    for value in wanted {
        let (_, behind) = node(&mut graph, &mut nodes, &mut open, value);
        graph.connect(behind, SINK, FOREVER);
    }
    let existing = existing(func, unknown);
    while let Some(value) = open.pop() {
        let (before, behind) = nodes[&value];
        let bytes = func.ty(value).byte_len() as u64;
        let rate = if existing[value.index()] { KEEP_EXISTING } else { KEEP };
        graph.connect(before, behind, bytes * rate);
        let repeat = definitions[value.index()].and_then(|position| Some((position, repeat_costs[position]?)));
        let Some((position, cost)) = repeat else {
            graph.connect(SOURCE, before, FOREVER);
            continue;
        };
        graph.connect(SOURCE, before, cost);
        for &operand in &func.insts()[position].args {
            let (_, available) = node(&mut graph, &mut nodes, &mut open, operand);
            graph.connect(available, before, FOREVER);
        }
    }
    let beyond = graph.cut();
    let (mut kept, mut repeated) = (vec![false; func.value_count()], vec![false; func.insts().len()]);
    for (value, (before, behind)) in nodes {
        kept[value.index()] = !beyond[before] && beyond[behind];
        if let (true, Some(position)) = (beyond[before], definitions[value.index()]) {
            repeated[position] = true;
        }
    }
    Choice { kept, repeated }
}

/// The nodes of a value, made at its first mention.
fn node(
    graph: &mut Graph,
    nodes: &mut HashMap<Value, (usize, usize)>,
    open: &mut Vec<Value>,
    value: Value,
) -> (usize, usize) {
    *nodes.entry(value).or_insert_with(|| {
        open.push(value);
        (graph.add(), graph.add())
    })
}

/// For every value the position of the instruction it is a result of.
fn definitions(func: &Func) -> Vec<Option<usize>> {
    let mut definitions = vec![None; func.value_count()];
    for (position, inst) in func.insts().iter().enumerate() {
        definitions[inst.result_range()].fill(Some(position));
    }
    definitions
}

/// Which values are in memory whether the linear part asks for them or not: parameters, and results of the other part.
fn existing(func: &Func, unknown: &[bool]) -> Vec<bool> {
    let mut existing = vec![false; func.value_count()];
    let results = func.results().iter().copied().filter(|value| !unknown[value.index()]);
    func.params().chain(results).for_each(|value| existing[value.index()] = true);
    existing
}

/// For every instruction what repeating it costs, in lane operations on bytes; `None` for one that is not repeated.
fn repeat_costs(func: &Func, unknown: &[bool]) -> Vec<Option<u64>> {
    let mut constant = vec![false; func.value_count()];
    let mut cost = |inst: &Inst| {
        let elementwise = matches!(inst.prim.lower, Lower::Lanes(_) | Lower::Reindex(_));
        let is_constant = elementwise && inst.args.iter().all(|value| constant[value.index()]);
        constant[inst.result_range()].fill(is_constant);
        if is_constant {
            return Some(0);
        }
        // A barrier is there to keep what stands before it from being computed behind it.
        let barrier = inst.prim.name == checkpoint::OPTIMIZATION_BARRIER.name;
        if !elementwise || barrier || inst.args.iter().any(|value| unknown[value.index()]) {
            return None;
        }
        let operands = inst.args.iter().map(|&value| func.ty(value).dtype.size());
        let result = func.ty(inst.results().next()?);
        let bytes = (result.len() * operands.fold(result.dtype.size(), usize::max)) as u64;
        match inst.prim.lower {
            Lower::Lanes(lower) => {
                let weight = lane_weight(func, inst, result, lower);
                (weight <= MOST_REPEATED).then_some(weight * bytes)
            }
            // The elements are found at another place when they are read.
            _ => Some(bytes),
        }
    };
    func.insts().iter().map(&mut cost).collect()
}

/// The lane operations of an instruction for one element.
fn lane_weight(func: &Func, inst: &Inst, result: &Type, lower: LowerLanes) -> u64 {
    let mut dag = Dag::default();
    let mut operand = |number: usize, value: Value| {
        let dtype = func.ty(value).dtype;
        let mut part = |part: usize| dag.push(NodeKind::Index { axis: 2 * number + part }, dtype.real());
        if dtype.is_complex() { Lane::Complex(part(0), part(1)) } else { Lane::Real(part(0)) }
    };
    let operands: Vec<Lane> = inst.args.iter().enumerate().map(|(number, &value)| operand(number, value)).collect();
    lower(&mut Lanes::new(&mut dag), &operands, result, &inst.attrs);
    let weight = |kind: &NodeKind| match kind {
        NodeKind::Op { op: LaneOp::Div | LaneOp::Rem | LaneOp::Sqrt, .. } => 4,
        NodeKind::Op {
            op: LaneOp::Exp | LaneOp::Log | LaneOp::Sin | LaneOp::Cos | LaneOp::Tanh | LaneOp::Pow | LaneOp::Atan2,
            ..
        } => MOST_REPEATED + 1,
        NodeKind::Op { .. } => 1,
        _ => 0,
    };
    dag.nodes.iter().map(|node| weight(&node.kind)).sum()
}

/// The node that everything computed once is reached from.
const SOURCE: usize = 0;

/// The node that stands for the linear part.
const SINK: usize = 1;

/// The capacity of an edge that no cut goes through.
const FOREVER: u64 = u64::MAX / 4;

/// A network with capacities.
struct Graph {
    /// For every node its edges, by number; the edge of number `e ^ 1` is the other direction of `e`.
    leaving: Vec<Vec<usize>>,
    /// For every edge where it leads.
    heads: Vec<usize>,
    /// For every edge how much more it can carry.
    room: Vec<u64>,
}

impl Graph {
    fn new(nodes: usize) -> Graph {
        Graph { leaving: vec![Vec::new(); nodes], heads: Vec::new(), room: Vec::new() }
    }

    fn add(&mut self) -> usize {
        self.leaving.push(Vec::new());
        self.leaving.len() - 1
    }

    fn connect(&mut self, from: usize, to: usize, capacity: u64) {
        for (tail, head, room) in [(from, to, capacity), (to, from, 0)] {
            self.leaving[tail].push(self.heads.len());
            self.heads.push(head);
            self.room.push(room);
        }
    }

    /// For every node whether it is on the sink's side of a minimal cut, the one closest to the sink.
    fn cut(mut self) -> Vec<bool> {
        while let Some(levels) = self.levels() {
            let mut next = vec![0; self.leaving.len()];
            while self.augment(&levels, &mut next) {}
        }
        let mut beyond = vec![false; self.leaving.len()];
        let mut open = vec![SINK];
        beyond[SINK] = true;
        while let Some(node) = open.pop() {
            for &edge in &self.leaving[node] {
                let tail = self.heads[edge];
                if self.room[edge ^ 1] > 0 && !beyond[tail] {
                    beyond[tail] = true;
                    open.push(tail);
                }
            }
        }
        beyond
    }

    /// For every node its distance from the source along edges with room, if the sink can be reached at all.
    fn levels(&self) -> Option<Vec<usize>> {
        let mut levels = vec![usize::MAX; self.leaving.len()];
        levels[SOURCE] = 0;
        let mut open = VecDeque::from([SOURCE]);
        while let Some(node) = open.pop_front() {
            for &edge in &self.leaving[node] {
                let head = self.heads[edge];
                if self.room[edge] > 0 && levels[head] == usize::MAX {
                    levels[head] = levels[node] + 1;
                    open.push_back(head);
                }
            }
        }
        (levels[SINK] != usize::MAX).then_some(levels)
    }

    /// Sends as much as one path from level to level can carry; false if there is none left. `next` remembers for every
    /// node which of its edges have been tried.
    fn augment(&mut self, levels: &[usize], next: &mut [usize]) -> bool {
        let mut path: Vec<usize> = Vec::new();
        let mut node = SOURCE;
        while node != SINK {
            let usable = |&edge: &usize| self.room[edge] > 0 && levels[self.heads[edge]] == levels[node] + 1;
            match self.leaving[node][next[node]..].iter().position(usable) {
                Some(skipped) => {
                    next[node] += skipped;
                    let edge = self.leaving[node][next[node]];
                    path.push(edge);
                    node = self.heads[edge];
                }
                None => {
                    next[node] = self.leaving[node].len();
                    let Some(edge) = path.pop() else { return false };
                    node = self.heads[edge ^ 1];
                    next[node] += 1;
                }
            }
        }
        let amount = path.iter().map(|&edge| self.room[edge]).min().unwrap_or(0);
        for edge in path {
            self.room[edge] -= amount;
            self.room[edge ^ 1] += amount;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_goes_through_the_narrowest_place() {
        let mut graph = Graph::new(2);
        let (a, b, c) = (graph.add(), graph.add(), graph.add());
        graph.connect(SOURCE, a, 7);
        graph.connect(SOURCE, b, 4);
        graph.connect(a, c, 2);
        graph.connect(b, c, 5);
        graph.connect(a, SINK, 1);
        graph.connect(c, SINK, 8);
        let beyond = graph.cut();
        // 2 + 1 from `a`, 4 into `b`: `c` could pass on all that reaches it.
        assert_eq!((beyond[a], beyond[b], beyond[c]), (false, true, true));
    }

    #[test]
    fn of_two_equal_cuts_the_one_at_the_sink_is_taken() {
        let mut graph = Graph::new(2);
        let a = graph.add();
        graph.connect(SOURCE, a, 3);
        graph.connect(a, SINK, 3);
        assert!(!graph.cut()[a]);
    }

    #[test]
    fn instructions_weigh_their_lane_operations() {
        let ty = Type::new(crate::dtype::DType::F64, &[4]);
        let func = crate::trace::trace_closed("f", vec![ty; 2], |x| vec![&x[0] * &x[1], x[0].sin()]);
        let costs = func.map(|func| repeat_costs(&func, &[false; 4]));
        assert_eq!(costs.ok(), Some(vec![Some(32), None]));
    }
}
