//! Fusion: which values live in memory, and which of them one kernel computes together.
//!
//! It starts with as few values in memory as possible and adds the ones whose recomputation would cost more than a round
//! trip, until nothing changes. Values in memory that are computed over the same box and do not wait for each other form
//! one group, stores and reductions alike. A value that a group computes is used inside the group only at the very
//! element the iteration computes; where that keeps two groups apart that would cost less as one, the value is computed
//! again instead of used (`recompute`).
//!
//! Holds after fusion: groups are in an order in which they can run; every operand of an opaque instruction and every
//! result of the block is materialised.

use crate::compile::Options;
use crate::compile::balance::{ROUND_TRIP, SWOLLEN, SWOLLEN_LOAD, SWOLLEN_ROUND_TRIP};
use crate::compile::block::{Block, Class};
use crate::compile::index::{Affine, IndexMap, div_ceil, linear};
use crate::compile::lower::{Blocked, MAX_GUARDS, MAX_NODES, Puller, box_indices};
use crate::compile::scatter::{self, updated};
use crate::compile::{recompute, windows};
use cotangent_ir::kernel::ReduceOp;
use cotangent_ir::prim::{Lower, View};
use cotangent_ir::{Func, Value};
use smallvec::SmallVec;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Axes of a stored value up to this long are written out rather than looped over, where that lets operands that differ
/// along the axis be told apart at compile time.
const UNROLLED_EXTENT: usize = 4;
/// Values of at most this many elements are computed without a loop.
pub(crate) const SMALL: usize = 8;
/// Most values one kernel reads and writes.
pub(super) const MAX_STREAMS: usize = 20;
/// How many groups back a value looks for one to join.
const LOOK_BACK: usize = 48;

/// What one step of the block does.
#[derive(Debug)]
pub(crate) enum Group {
    /// One kernel computing these values.
    Kernel(KernelGroup),
    /// The opaque instruction at this position.
    Opaque(usize),
}

/// Values computed by one kernel.
#[derive(Debug)]
pub(crate) struct KernelGroup {
    /// The values, in order of definition.
    pub(crate) roots: Vec<Value>,
    /// The loop box.
    pub(crate) extents: SmallVec<[usize; 4]>,
    /// Roots that the kernel computes wherever it uses them.
    pub(crate) recomputed: Vec<Value>,
}

/// The result of fusion.
pub(crate) struct Fused<'a> {
    pub(crate) block: Block<'a>,
    pub(crate) groups: Vec<Group>,
    pub(crate) shapes: HashMap<Value, RootShape>,
    /// Which elements of stored values each root reads.
    pub(crate) loads: HashMap<Value, Vec<(Value, Affine)>>,
    /// Which elements each update in place writes; a position among `loads` that is equal names the same element.
    pub(crate) updates: HashMap<Value, Vec<Affine>>,
    /// What the kernels cost together, in the units of `balance`.
    pub(crate) cost: u64,
}

impl Fused<'_> {
    /// Stored values a root needs.
    pub(crate) fn needs(&self, root: Value) -> Vec<Value> {
        needs(&self.block, &self.loads[&root], &self.shapes[&root], root)
    }
}

/// How a stored value relates to the loop box of its kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RootShape {
    pub(crate) kind: RootKind,
    /// The loop box.
    pub(crate) extents: SmallVec<[usize; 4]>,
    /// The index of each element one iteration visits: of the value stored, of the window, or of the operand reduced.
    pub(crate) maps: Vec<IndexMap>,
}

/// The way a value gets into memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum RootKind {
    /// Element by element.
    Store,
    /// Reduced over the loop axes flagged.
    Reduce(SmallVec<[bool; 4]>),
    /// The window of an array updated in place; iterations run over the window.
    Update,
    /// An array into which updates are scattered, in place; iterations run over the updates.
    Combine(ReduceOp),
    /// A dilated padding: filled first, then its elements stored at their places; iterations run over those.
    Scatter,
}

/// What is known of a root from evaluating it alone.
pub(super) struct Analysis {
    pub(super) shape: RootShape,
    pub(super) loads: Vec<(Value, Affine)>,
    updates: Vec<Affine>,
    evaluated: Vec<(Value, IndexMap)>,
    weights: BTreeMap<Value, u32>,
    /// Size of the lane expressions.
    nodes: usize,
    /// Guards on each loop axis.
    guards: SmallVec<[usize; 4]>,
}

/// Fuses the body of a function. Without fusion every instruction is a kernel of its own.
pub(crate) fn fuse<'a>(func: &'a Func, options: &Options) -> Fused<'a> {
    let fuse = options.fuse;
    let mut block = Block::new(func);
    block.materialise(initial(&block, fuse));
    if options.windows {
        block.materialise(windows::crossing(&block));
    }
    let mut analyses: HashMap<Value, Analysis> = HashMap::new();
    loop {
        if let Err(blocked) = analyse_all(&block, &mut analyses) {
            // A reshape lies where what it is a reshape of does, and that may have to be stored as well.
            let blocked: Vec<Value> = blocked.iter().map(|&value| block.without_reshapes(value)).collect();
            if let Some(&value) = blocked.iter().find(|&&value| block.is_materialised(value)) {
                cotangent_ir::error::internal(&format!("@{}: {value} cannot be evaluated anywhere", func.name));
            }
            block.materialise(blocked.iter().copied());
            forget(&mut analyses, &blocked);
            continue;
        }
        let groups = group(&block, &analyses, fuse);
        let expensive = too_often(&block, &analyses, &groups);
        if expensive.is_empty() {
            let mut groups = postpone(&block, &analyses, groups);
            if fuse && options.recompute {
                recompute::merge(&block, &mut analyses, &mut groups);
            }
            let cost = recompute::cost(&block, &analyses, &groups);
            let (mut shapes, mut loads, mut updates) = (HashMap::new(), HashMap::new(), HashMap::new());
            for (value, analysis) in analyses {
                shapes.insert(value, analysis.shape);
                loads.insert(value, analysis.loads);
                updates.insert(value, analysis.updates);
            }
            return Fused { block, groups, shapes, loads, updates, cost };
        }
        block.materialise(expensive.iter().copied());
        forget(&mut analyses, &expensive);
    }
}

/// Drops the analyses in which one of `values` was an expression.
fn forget(analyses: &mut HashMap<Value, Analysis>, values: &[Value]) {
    let values: HashSet<Value> = values.iter().copied().collect();
    analyses.retain(|root, analysis| {
        !values.contains(root) && !analysis.evaluated.iter().any(|(value, _)| values.contains(value))
    });
}

/// The expressions that must be in memory whatever it costs: operands of opaque instructions, results, and scalars that
/// whole arrays use (computed once, outside the loops).
fn initial(block: &Block<'_>, fuse: bool) -> Vec<Value> {
    let mut stored = Vec::new();
    for (position, inst) in block.func.insts().iter().enumerate() {
        if block.class(position) == Class::Opaque {
            stored.extend(inst.args.iter().map(|&arg| block.stored_operand(position, arg).0));
        } else if matches!(block.view(inst.result()), Some(View::DynamicUpdate))
            || (block.scatter_op(inst.result()).is_some() && !block.is_absorbed(inst.result()))
        {
            stored.push(updated(block, inst.result()));
        }
        if !fuse {
            stored.extend(inst.results());
        }
        for &arg in &inst.args {
            let computed = block.inst(arg).is_some_and(|inst| matches!(inst.prim.lower, Lower::Lanes(_)));
            if computed && block.ty(arg).len() == 1 && block.ty(inst.result()).len() > SMALL {
                stored.push(arg);
            }
        }
    }
    stored.extend(block.func.results().iter().copied());
    // A reshape of something stored is stored already, in the same place.
    stored.retain(|&value| block.base(value).is_none() || block.is_materialised(value));
    stored
}

fn analyse_all(block: &Block<'_>, analyses: &mut HashMap<Value, Analysis>) -> Result<(), Vec<Value>> {
    let mut blocked = Vec::new();
    for root in block.roots() {
        if analyses.contains_key(&root) {
            continue;
        }
        match analyse(block, root) {
            Ok(analysis) => {
                analyses.insert(root, analysis);
            }
            Err(Blocked(value)) => blocked.push(value),
        }
    }
    blocked.sort_unstable();
    blocked.dedup();
    if blocked.is_empty() { Ok(()) } else { Err(blocked) }
}

/// Evaluates a root alone: first with every axis a loop, then, if operands differ along short axes, with those written out.
fn analyse(block: &Block<'_>, root: Value) -> Result<Analysis, Blocked> {
    let shape = root_shape(block, root, &[]);
    let (analysis, unroll) = evaluate(block, root, shape)?;
    if unroll.is_empty() {
        return Ok(analysis);
    }
    let shape = root_shape(block, root, &unroll);
    match evaluate(block, root, shape) {
        // Written out, the root has more guards than a kernel may have.
        Err(Blocked(value)) if value == root => Ok(analysis),
        outcome => Ok(outcome?.0),
    }
}

fn evaluate(block: &Block<'_>, root: Value, shape: RootShape) -> Result<(Analysis, SmallVec<[usize; 4]>), Blocked> {
    let mut puller = Puller::new(block, &shape.extents);
    let outcome = pull_root(&mut puller, block, root, &shape);
    let unroll = match (&shape.kind, &outcome) {
        (RootKind::Store, Ok(())) if shape.maps.len() == 1 => unrollable(&puller, &shape.extents),
        _ => SmallVec::new(),
    };
    match outcome {
        Ok(()) => {}
        // What cannot be an expression where it is defined is scattered into memory instead.
        Err(Blocked(value)) if value == root && matches!(block.view(root), Some(View::Pad { .. })) => {
            return evaluate(block, root, scatter_shape(block, root));
        }
        Err(blocked) => return Err(blocked),
    }
    let evaluated = puller.evaluated().cloned().collect();
    let nodes = puller.dag.nodes.len();
    let Puller { loads, updates, weights, guards, .. } = puller;
    Ok((Analysis { shape, loads, updates, evaluated, weights, nodes, guards }, unroll))
}

/// Short loop axes along which a concatenation tells operands apart, or one value is wanted both along the axis and at
/// fixed places of it.
fn unrollable(puller: &Puller<'_>, extents: &[usize]) -> SmallVec<[usize; 4]> {
    let mut axes: SmallVec<[usize; 4]> = puller.concatenated.clone();
    let mut by_value: HashMap<Value, Vec<&IndexMap>> = HashMap::new();
    for (value, map) in puller.evaluated() {
        by_value.entry(*value).or_default().push(map);
    }
    for maps in by_value.values().filter(|maps| maps.len() > 1) {
        for position in 0..maps[0].len() {
            let fixed = maps.iter().any(|map| map[position].is_constant());
            if let Some(map) = maps.iter().find(|map| fixed && !map[position].is_constant()) {
                axes.extend(map[position].terms.iter().map(|&(axis, _)| axis));
            }
        }
    }
    // The same of values in memory: read both along the axis and at one place of it.
    for (base, position) in &puller.loads {
        let along = |p: &Affine, axis: usize| p.terms.iter().any(|&(term, _)| term == axis);
        axes.extend((0..extents.len()).filter(|&axis| {
            along(position, axis) && puller.loads.iter().any(|(other, p)| other == base && !along(p, axis))
        }));
    }
    axes.retain(|axis| extents[*axis] <= UNROLLED_EXTENT && extents[*axis] > 1);
    axes.sort_unstable();
    axes.dedup();
    axes
}

/// Evaluates everything one iteration of a root's kernel computes.
pub(super) fn pull_root(
    puller: &mut Puller<'_>,
    block: &Block<'_>,
    root: Value,
    shape: &RootShape,
) -> Result<(), Blocked> {
    let Some(inst) = block.inst(root) else { cotangent_ir::error::internal("a parameter is not a root") };
    match shape.kind {
        RootKind::Store => {
            for map in &shape.maps {
                puller.pull_root(root, map)?;
            }
        }
        RootKind::Reduce(_) => {
            for map in &shape.maps {
                puller.pull(inst.args[0], map)?;
            }
        }
        RootKind::Update => {
            let ty = block.ty(root);
            let starts = puller.starts(&inst.args[2..], &ty.shape, &block.ty(inst.args[1]).shape)?;
            for map in &shape.maps {
                puller.pull(inst.args[1], map)?;
                let index: IndexMap = map.iter().zip(&starts).map(|(index, start)| index.add(start)).collect();
                puller.updates.push(linear(&index, &ty.strides()));
            }
        }
        RootKind::Combine(op) => {
            scatter::updates(puller, block, root, op, shape)?;
        }
        RootKind::Scatter => {
            puller.pull(inst.args[1], &IndexMap::new())?;
            puller.pull(inst.args[0], &shape.maps[0])?;
        }
    }
    Ok(())
}

/// The loop box of a root with the given axes of it written out.
fn root_shape(block: &Block<'_>, root: Value, unroll: &[usize]) -> RootShape {
    let Some(inst) = block.inst(root) else { cotangent_ir::error::internal("a parameter is not a root") };
    let position = block.position(root).unwrap_or_default();
    if let (Class::Root, Some(op)) = (block.class(position), block.scatter_op(root)) {
        return scatter::shape(block, root, op);
    }
    if block.class(position) == Class::Root && matches!(inst.prim.lower, Lower::Reduce(_)) {
        let axes = inst.attrs.sizes("axes");
        let full = &block.ty(inst.args[0]).shape;
        // Short reduced axes are written out, so that the box is that of the values computed beside it.
        let short = |axis: usize| axes.contains(&axis) && full[axis] <= UNROLLED_EXTENT;
        let rest: usize = (0..full.len()).filter(|&axis| !short(axis)).map(|axis| full[axis]).product();
        let unrolled = |axis: usize| full[axis] == 1 || (rest > SMALL && short(axis));
        let (extents, maps) = loop_box(full, unrolled);
        let looped = (0..full.len()).filter(|&axis| !unrolled(axis));
        let reduced = looped.map(|axis| axes.contains(&axis)).collect();
        return RootShape { kind: RootKind::Reduce(reduced), extents, maps };
    }
    let (kind, full) = match block.view(root) {
        Some(View::DynamicUpdate) => (RootKind::Update, &block.ty(inst.args[1]).shape),
        _ => (RootKind::Store, &block.ty(root).shape),
    };
    let all = full.iter().product::<usize>() <= SMALL;
    let (extents, maps) = loop_box(full, |axis| all || unroll.contains(&axis) || full[axis] == 1);
    RootShape { kind, extents, maps }
}

/// The box of the axes that are looped over, and the index of every element one iteration visits.
fn loop_box(full: &[usize], unrolled: impl Fn(usize) -> bool) -> (SmallVec<[usize; 4]>, Vec<IndexMap>) {
    let mut extents = SmallVec::new();
    let mut template = IndexMap::new();
    for (axis, &extent) in full.iter().enumerate() {
        if unrolled(axis) {
            template.push(Affine::default());
        } else {
            template.push(Affine::axis(extents.len()));
            extents.push(extent);
        }
    }
    let written_out: Vec<usize> = (0..full.len()).filter(|&axis| unrolled(axis)).collect();
    let maps = box_indices(&written_out.iter().map(|&axis| full[axis]).collect::<Vec<_>>())
        .map(|place| {
            let mut map = template.clone();
            for (&axis, &index) in written_out.iter().zip(&place) {
                map[axis] = Affine::constant(index as i64);
            }
            map
        })
        .collect();
    (extents, maps)
}

/// The box of the operand elements of a dilated padding that fall inside the result.
fn scatter_shape(block: &Block<'_>, root: Value) -> RootShape {
    let (Some(View::Pad { low, interior }), Some(inst)) = (block.view(root), block.inst(root)) else {
        let prim = block.inst(root).map_or("a parameter", |inst| inst.prim.name);
        cotangent_ir::error::internal(&format!("{root} ({prim}) cannot be evaluated where it is defined"))
    };
    let (operand, result) = (&block.ty(inst.args[0]).shape, &block.ty(root).shape);
    let mut extents = SmallVec::new();
    let mut map = IndexMap::new();
    for axis in 0..operand.len() {
        // Element q stands at low + q (interior + 1), which has to be in [0, result).
        let step = interior[axis] + 1;
        let first = div_ceil((-low[axis]).max(0), step);
        let end = div_ceil((result[axis] as i64 - low[axis]).max(0), step).min(operand[axis] as i64).max(first);
        map.push(Affine::axis(axis).shift(first));
        extents.push((end - first) as usize);
    }
    RootShape { kind: RootKind::Scatter, extents, maps: vec![map] }
}

/// Assigns roots and opaque instructions to groups, in order of definition.
fn group(block: &Block<'_>, analyses: &HashMap<Value, Analysis>, fuse: bool) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut reads: Vec<HashSet<Value>> = Vec::new();
    let mut group_of: HashMap<Value, usize> = HashMap::new();
    for (position, inst) in block.func.insts().iter().enumerate() {
        if block.class(position) == Class::Opaque {
            for value in inst.results() {
                group_of.insert(value, groups.len());
            }
            groups.push(Group::Opaque(position));
            reads.push(HashSet::new());
            continue;
        }
        for root in inst.results().filter(|value| analyses.contains_key(value)) {
            let analysis = &analyses[&root];
            let earliest = earliest(block, analyses, &groups, &group_of, root);
            let wanted: HashSet<Value> = analysis.loads.iter().map(|(value, _)| *value).collect();
            let look_back = if fuse { LOOK_BACK } else { 0 };
            let start = earliest.max(groups.len().saturating_sub(look_back));
            let best = (start..groups.len())
                .filter(|&g| joinable(analyses, &groups[g], &reads[g], root, &wanted))
                .max_by_key(|&g| (wanted.intersection(&reads[g]).count(), std::cmp::Reverse(g)));
            let g = best.unwrap_or(groups.len());
            match groups.get_mut(g) {
                Some(Group::Kernel(kernel)) => {
                    kernel.roots.push(root);
                    reads[g].extend(wanted);
                }
                _ => {
                    let extents = analysis.shape.extents.clone();
                    groups.push(Group::Kernel(KernelGroup { roots: vec![root], extents, recomputed: Vec::new() }));
                    reads.push(wanted);
                }
            }
            group_of.insert(root, g);
        }
    }
    groups
}

/// The first group in which a root can be computed: that of an operand it uses element for element, else the next.
fn earliest(
    block: &Block<'_>,
    analyses: &HashMap<Value, Analysis>,
    groups: &[Group],
    group_of: &HashMap<Value, usize>,
    root: Value,
) -> usize {
    let analysis = &analyses[&root];
    let mut earliest = 0;
    let mut require = |value: Value, position: Option<&Affine>| {
        let Some(&g) = group_of.get(&value) else { return };
        let same = position.is_some_and(|position| {
            matches!(&groups[g], Group::Kernel(kernel) if kernel.extents == analysis.shape.extents)
                && pointwise(block, analyses, value, position)
        });
        earliest = earliest.max(if same { g } else { g + 1 });
    };
    for (value, position) in &analysis.loads {
        require(*value, Some(position));
    }
    if matches!(analysis.shape.kind, RootKind::Update | RootKind::Combine(_))
        && let Some(base) = block.base(updated(block, root))
    {
        require(base, None);
    }
    earliest
}

/// Whether reading `value` at `position` reads what the same iteration of its own kernel computes.
pub(super) fn pointwise(
    block: &Block<'_>,
    analyses: &HashMap<Value, Analysis>,
    value: Value,
    position: &Affine,
) -> bool {
    analyses.get(&value).is_some_and(|producer| {
        producer.shape.kind == RootKind::Store
            && producer.shape.maps.iter().any(|map| linear(map, &block.ty(value).strides()) == *position)
    })
}

fn joinable(
    analyses: &HashMap<Value, Analysis>,
    group: &Group,
    reads: &HashSet<Value>,
    root: Value,
    wanted: &HashSet<Value>,
) -> bool {
    let Group::Kernel(kernel) = group else { return false };
    let shape = &analyses[&root].shape;
    // What roots share is counted for each: the sum is the most the kernel can come to.
    let all = || kernel.roots.iter().chain([&root]).map(|root| &analyses[root]);
    let nodes: usize = all().map(|analysis| analysis.nodes).sum();
    let guards = |axis: usize| all().map(|analysis| analysis.guards.get(axis).copied().unwrap_or(0)).sum::<usize>();
    if nodes > MAX_NODES || (0..shape.extents.len()).any(|axis| guards(axis) > MAX_GUARDS) {
        return false;
    }
    if kernel.extents != shape.extents || reads.union(wanted).count() + kernel.roots.len() >= MAX_STREAMS {
        return false;
    }
    kernel.roots.iter().all(|other| compatible(&analyses[other].shape.kind, &shape.kind))
}

/// Whether one kernel can compute both, given that their boxes are the same.
pub(super) fn compatible(a: &RootKind, b: &RootKind) -> bool {
    match (a, b) {
        (RootKind::Store, RootKind::Store) => true,
        (RootKind::Reduce(a), RootKind::Reduce(b)) => a == b,
        (RootKind::Store, RootKind::Reduce(axes)) | (RootKind::Reduce(axes), RootKind::Store) => {
            axes.iter().all(|&reduced| reduced)
        }
        (RootKind::Update | RootKind::Scatter | RootKind::Combine(_), _)
        | (_, RootKind::Update | RootKind::Scatter | RootKind::Combine(_)) => false,
    }
}

/// Moves a root to a later group that reads more of what it reads, where nothing in between needs it: each array then
/// passes through the caches once less.
fn postpone(block: &Block<'_>, analyses: &HashMap<Value, Analysis>, mut groups: Vec<Group>) -> Vec<Group> {
    let bases = |root: &Value| analyses[root].loads.iter().map(|(value, _)| *value).collect::<HashSet<Value>>();
    // First use of every root by another group, as a group number; what a result needs comes after all.
    let mut first_use: HashMap<Value, usize> = HashMap::new();
    for (g, group) in groups.iter().enumerate() {
        let used: Vec<Value> = match group {
            Group::Kernel(kernel) => {
                let of = |root: &Value| needs(block, &analyses[root].loads, &analyses[root].shape, *root);
                kernel.roots.iter().flat_map(of).collect::<Vec<Value>>()
            }
            Group::Opaque(position) => block.opaque_reads(*position),
        };
        for value in used {
            first_use.entry(value).or_insert(g);
        }
    }
    for g in 0..groups.len() {
        let Group::Kernel(kernel) = &groups[g] else { continue };
        if kernel.roots.len() < 2 || kernel.extents.is_empty() {
            continue;
        }
        for root in kernel.roots.clone() {
            let used_at = first_use.get(&root).copied().unwrap_or(groups.len());
            let movable = analyses[&root].shape.kind == RootKind::Store && used_at > g;
            if !movable {
                continue;
            }
            let wanted = bases(&root);
            let shared = |h: usize, groups: &[Group]| match &groups[h] {
                Group::Kernel(kernel) => {
                    let reads: HashSet<Value> =
                        kernel.roots.iter().filter(|other| **other != root).flat_map(&bases).collect();
                    let written = kernel.roots.iter().filter(|other| **other != root && wanted.contains(other)).count();
                    let joins = h == g || joinable(analyses, &groups[h], &reads, root, &wanted);
                    if joins { Some(wanted.intersection(&reads).count() + written) } else { None }
                }
                Group::Opaque(_) => None,
            };
            let here = shared(g, &groups).unwrap_or(0);
            let last = used_at.min(groups.len()).min(g + LOOK_BACK);
            let better = (g + 1..last)
                .filter_map(|h| shared(h, &groups).map(|count| (count, h)))
                .filter(|&(count, _)| count > here)
                .max_by_key(|&(count, h)| (count, std::cmp::Reverse(h)));
            if let Some((_, h)) = better {
                if let Group::Kernel(kernel) = &mut groups[g] {
                    kernel.roots.retain(|other| *other != root);
                }
                if let Group::Kernel(kernel) = &mut groups[h] {
                    kernel.roots.push(root);
                    kernel.roots.sort_unstable();
                }
            }
        }
    }
    groups
}

/// Stored values a root reads, or updates.
pub(super) fn needs(block: &Block<'_>, loads: &[(Value, Affine)], shape: &RootShape, root: Value) -> Vec<Value> {
    let mut values: Vec<Value> = loads.iter().map(|(value, _)| *value).collect();
    if matches!(shape.kind, RootKind::Update | RootKind::Combine(_)) {
        values.extend(block.base(updated(block, root)));
    }
    values
}

/// The expressions that are evaluated so often that memory is cheaper. Of a chain of such, the last: when it is in
/// memory the others are evaluated once.
fn too_often(block: &Block<'_>, analyses: &HashMap<Value, Analysis>, groups: &[Group]) -> Vec<Value> {
    let count = block.func.value_count();
    let mut evaluations = vec![0u64; count];
    let mut weights = vec![0u64; count];
    for group in groups {
        let Group::Kernel(kernel) = group else { continue };
        let in_order = kernel.roots.iter().all(|root| match &analyses[root].shape.kind {
            RootKind::Reduce(axes) => axes.is_sorted(),
            _ => true,
        });
        // What does not depend on the inner loops is computed outside of them.
        let iterations = |map: &IndexMap| -> u64 {
            let axes = map.iter().flat_map(|index| index.terms.iter().map(|&(axis, _)| axis + 1));
            let is_fixed = in_order && map.iter().all(|index| index.dynamic.is_empty());
            let depth = if is_fixed { axes.max().unwrap_or(0) } else { kernel.extents.len() };
            kernel.extents[..depth].iter().product::<usize>() as u64
        };
        let mut seen: HashSet<&(Value, IndexMap)> = HashSet::new();
        for root in &kernel.roots {
            let analysis = &analyses[root];
            for (&value, &weight) in &analysis.weights {
                weights[value.index()] = u64::from(weight);
            }
            for key in &analysis.evaluated {
                if seen.insert(key) {
                    evaluations[key.0.index()] += iterations(&key.1);
                }
            }
        }
    }
    let costs = expression_costs(block, &weights);
    let given = block.func.params().chain(block.func.results().iter().copied());
    let largest = given.map(|value| block.ty(value).byte_len() as u64).max().unwrap_or(0);
    // What it costs an element to be in memory, and each use of it to be loaded.
    let in_memory = |value: Value| match block.ty(value).byte_len() as u64 > SWOLLEN * largest {
        true => (SWOLLEN_ROUND_TRIP, SWOLLEN_LOAD),
        false => (ROUND_TRIP, 1),
    };
    let worth = |value: Value| {
        let len = block.ty(value).len() as u64;
        let computed = block.inst(value).is_some_and(|inst| !matches!(inst.prim.lower, Lower::Reindex(_)));
        let extra = evaluations[value.index()].saturating_sub(len);
        let (round_trip, load) = in_memory(value);
        !block.is_materialised(value)
            && computed
            && len > SMALL as u64
            && extra * costs[value.index()] > len * round_trip + load * evaluations[value.index()]
    };
    // A value is the last of its chain where some user is evaluated less often per element.
    let mut chosen: Vec<Value> = Vec::new();
    let rate = |value: Value| evaluations[value.index()] as f64 / block.ty(value).len().max(1) as f64;
    for inst in block.func.insts() {
        let user = inst.result();
        for &arg in &inst.args {
            let user_rate = if block.is_materialised(user) { 1.0 } else { rate(user) };
            if worth(arg) && (user_rate < rate(arg) || !worth(user)) {
                chosen.push(arg);
            }
        }
    }
    // The same for a chain that reindexing interrupts: take what is found; later rounds see the rest.
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// Cost of evaluating one element of every value from memory, in units of one vector addition.
fn expression_costs(block: &Block<'_>, weights: &[u64]) -> Vec<u64> {
    const CEILING: u64 = 1 << 20;
    let mut costs = vec![1u64; block.func.value_count()];
    for inst in block.func.insts() {
        let value = inst.result();
        let arg_cost = |arg: &Value| if block.base(*arg).is_some() { 1 } else { costs[arg.index()] };
        let cost = match inst.prim.lower {
            Lower::Lanes(_) => weights[value.index()] + inst.args.iter().map(arg_cost).sum::<u64>(),
            Lower::Reindex(_) => inst.args.iter().map(arg_cost).max().unwrap_or(0),
            Lower::Reduce(_) => {
                let n = block.ty(inst.args[0]).len() / block.ty(value).len().max(1);
                n as u64 * (1 + inst.args.iter().map(arg_cost).sum::<u64>())
            }
            _ => 1,
        };
        costs[value.index()] = cost.min(CEILING);
    }
    costs
}
