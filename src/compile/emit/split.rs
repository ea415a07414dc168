//! Guard splitting: a kernel with picks becomes a tree of loops over segments, with a body without picks in each leaf.
//!
//! Axes are split one after the other in the order of the loops, and only where a pick that is still reachable cuts;
//! neighbouring segments that turn out to need the same body are one. So the interior of a stencil is one big leaf, and
//! a guard that matters only in the first row costs nothing elsewhere.
//!
//! All leaves share one list of nodes, equal nodes once, so that what does not depend on the leaf is recognised. Indices
//! of axes of extent 1 are literals here. Nothing of Cranelift is needed.

use cotangent_ir::kernel::{Access, Kernel, Node, NodeId, NodeKind};
use cotangent_ir::lanes::Dag;
use cotangent_ir::{DType, Scalar};

/// A kernel whose picks are resolved.
pub(crate) struct Split {
    /// The nodes of all leaves, arguments first, without picks.
    pub(crate) nodes: Vec<Node>,
    /// The access of every output, its dynamic summands referring to `nodes`.
    pub(crate) accesses: Vec<Access>,
    /// Loops, outermost first, and bodies.
    pub(crate) nest: Nest,
}

/// What happens inside some loops.
pub(crate) enum Nest {
    /// One more loop, cut into segments in ascending order.
    Loop {
        /// The kernel's axis.
        axis: usize,
        /// Its pieces; together they cover the extent.
        segments: Vec<Segment>,
    },
    /// The innermost.
    Body(Body),
}

/// A range of a loop in which the same happens at every index.
pub(crate) struct Segment {
    /// First index.
    pub(crate) low: usize,
    /// First index after.
    pub(crate) high: usize,
    /// What happens there.
    pub(crate) inside: Nest,
}

/// A dag without picks.
pub(crate) struct Body {
    /// The value of every output.
    pub(crate) roots: Vec<NodeId>,
    /// The nodes needed for them and for every output's access, ascending.
    pub(crate) needed: Vec<NodeId>,
}

/// Splits a kernel whose loops are nested in the given order of axes.
pub(crate) fn split(kernel: &Kernel, order: &[usize]) -> Split {
    let mut splitter = Splitter { kernel, dag: Dag::default() };
    let undecided = vec![None; kernel.nodes.len()];
    let accesses = splitter.accesses(&undecided);
    let nest = splitter.nest(order, &undecided, &accesses);
    Split { nodes: splitter.dag.nodes, accesses, nest }
}

impl Nest {
    /// Calls `visit` with every body.
    pub(crate) fn bodies<'a>(&'a self, visit: &mut dyn FnMut(&'a Body)) {
        match self {
            Nest::Loop { segments, .. } => segments.iter().for_each(|segment| segment.inside.bodies(visit)),
            Nest::Body(body) => visit(body),
        }
    }
}

impl Nest {
    /// All bodies.
    pub(crate) fn all_bodies(&self) -> Vec<&Body> {
        let mut bodies = Vec::new();
        self.bodies(&mut |body| bodies.push(body));
        bodies
    }

    /// The nodes of all bodies, ascending.
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> =
            self.all_bodies().into_iter().flat_map(|body| body.needed.iter().copied()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }
}

impl Split {
    /// How often each node is used in some bodies: as an output by every body, as an argument once for all.
    pub(crate) fn uses<'a>(&self, bodies: impl IntoIterator<Item = &'a Body>) -> Vec<u32> {
        let mut uses = vec![0; self.nodes.len()];
        let mut counted = vec![false; self.nodes.len()];
        for body in bodies {
            body.roots.iter().for_each(|root| uses[root.index()] += 1);
            for node in &body.needed {
                if !std::mem::replace(&mut counted[node.index()], true)
                    && let NodeKind::Op { args, .. } = &self.nodes[node.index()].kind
                {
                    args.iter().for_each(|arg| uses[arg.index()] += 1);
                }
            }
        }
        uses
    }
}

/// The branch taken by each pick decided so far.
type Choices = Vec<Option<NodeId>>;

struct Splitter<'a> {
    kernel: &'a Kernel,
    dag: Dag,
}

impl Splitter<'_> {
    fn nest(&mut self, order: &[usize], choices: &Choices, accesses: &[Access]) -> Nest {
        let Some((&axis, rest)) = order.split_first() else {
            return Nest::Body(self.body(choices, accesses));
        };
        // Equal neighbours are merged before their insides are split further.
        let mut pieces: Vec<(usize, usize, Choices, Vec<Option<NodeId>>)> = Vec::new();
        for (low, high) in self.pieces(axis, choices) {
            let decided = self.decide(axis, low, choices);
            let meaning = self.meaning(&decided);
            match pieces.last_mut() {
                Some(last) if last.3 == meaning => last.1 = high,
                _ => pieces.push((low, high, decided, meaning)),
            }
        }
        let segments = pieces
            .into_iter()
            .map(|(low, high, decided, _)| Segment { low, high, inside: self.nest(rest, &decided, accesses) })
            .collect();
        Nest::Loop { axis, segments }
    }

    /// Ranges of an axis between the cuts that reachable picks make.
    fn pieces(&self, axis: usize, choices: &Choices) -> Vec<(usize, usize)> {
        let extent = self.kernel.extents[axis];
        let needed = self.needed(choices);
        let mut cuts = vec![0, extent];
        for (node, _) in self.kernel.nodes.iter().zip(&needed).filter(|(_, needed)| **needed) {
            if let NodeKind::Pick { axis: tested, low, high, .. } = node.kind
                && tested == axis
            {
                cuts.extend([low.min(extent), high.min(extent)]);
            }
        }
        cuts.sort_unstable();
        cuts.dedup();
        cuts.windows(2).map(|pair| (pair[0], pair[1])).collect()
    }

    /// Decides all picks on `axis` for a piece that begins at `index`.
    fn decide(&self, axis: usize, index: usize, choices: &Choices) -> Choices {
        let mut decided = choices.clone();
        for (choice, node) in decided.iter_mut().zip(&self.kernel.nodes) {
            if let NodeKind::Pick { axis: tested, low, high, inside, outside } = node.kind
                && tested == axis
            {
                *choice = Some(if (low..high).contains(&index) { inside } else { outside });
            }
        }
        decided
    }

    /// What distinguishes the bodies of two sets of choices: the needed nodes, picks with their branches.
    fn meaning(&self, choices: &Choices) -> Vec<Option<NodeId>> {
        let needed = self.needed(choices);
        let meaning = |(index, needed): (usize, &bool)| needed.then(|| choices[index].unwrap_or(NodeId(index as u32)));
        needed.iter().enumerate().map(meaning).collect()
    }

    /// The nodes that some output needs, undecided picks with both branches.
    fn needed(&self, choices: &Choices) -> Vec<bool> {
        let outputs = &self.kernel.outputs;
        let roots =
            outputs.iter().map(|output| output.node).chain(dynamic(outputs.iter().map(|output| &output.access)));
        reach(&self.kernel.nodes, roots, |index| choices[index])
    }

    /// The outputs' accesses in terms of the shared nodes. Their dynamic summands depend on no loop and so on no pick.
    fn accesses(&mut self, choices: &Choices) -> Vec<Access> {
        let outputs = &self.kernel.outputs;
        let needed = reach(&self.kernel.nodes, dynamic(outputs.iter().map(|output| &output.access)), |_| None);
        let places = self.copy(&needed, choices);
        self.kernel.outputs.iter().map(|output| output.access.renumbered(&places)).collect()
    }

    fn body(&mut self, choices: &Choices, accesses: &[Access]) -> Body {
        let places = self.copy(&self.needed(choices), choices);
        let roots: Vec<NodeId> = self.kernel.outputs.iter().map(|output| places[output.node.index()]).collect();
        let needed = reach(&self.dag.nodes, roots.iter().copied().chain(dynamic(accesses.iter())), |_| None);
        let needed = (0..needed.len()).filter(|&index| needed[index]).map(|index| NodeId(index as u32)).collect();
        Body { roots, needed }
    }

    /// Copies needed nodes into the shared list; gives the place of each.
    fn copy(&mut self, needed: &[bool], choices: &Choices) -> Vec<NodeId> {
        let mut places = vec![NodeId(u32::MAX); self.kernel.nodes.len()];
        for (index, node) in self.kernel.nodes.iter().enumerate().filter(|&(index, _)| needed[index]) {
            places[index] = match &node.kind {
                NodeKind::Pick { .. } => match choices[index] {
                    Some(chosen) => places[chosen.index()],
                    None => cotangent_ir::error::internal("a pick on an axis the kernel does not loop over"),
                },
                NodeKind::Index { axis } if self.kernel.extents[*axis] == 1 => {
                    self.dag.push(NodeKind::Const(Scalar::int(DType::I64, 0)), DType::I64)
                }
                kind => self.dag.push(kind.renumbered(&places), node.dtype),
            };
        }
        places
    }
}

/// The nodes whose values accesses add to their positions.
fn dynamic<'a>(accesses: impl Iterator<Item = &'a Access>) -> impl Iterator<Item = NodeId> {
    accesses.flat_map(|access| &access.dynamic).map(|&(node, _)| node)
}

/// Which nodes the roots need, decided picks with the branch taken only.
fn reach(nodes: &[Node], roots: impl Iterator<Item = NodeId>, choice: impl Fn(usize) -> Option<NodeId>) -> Vec<bool> {
    let mut needed = vec![false; nodes.len()];
    roots.for_each(|root| needed[root.index()] = true);
    for index in (0..needed.len()).rev() {
        if !needed[index] {
            continue;
        }
        match choice(index) {
            Some(chosen) => needed[chosen.index()] = true,
            None => nodes[index].kind.arguments(|node| needed[node.index()] = true),
        }
    }
    needed
}
