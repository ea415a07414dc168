//! Groups that need each other's values at other elements, merged by computing those twice.
//!
//! A kernel uses what it computes only at the element at hand. A group that reads a stored value of an earlier one
//! elsewhere (a stencil of it) therefore waits for all of it: the workers meet, and the arrays pass through the caches
//! again. Here the later group joins the earlier one and computes such values itself wherever it reads them, from what
//! they were computed from, if by [`Balance`] that costs less. They are stored as before, for whoever else reads them.
//!
//! Holds afterwards: a group reads no element that another iteration of it stores.

use crate::compile::balance::{Balance, LOAD, Work};
use crate::compile::block::Block;
use crate::compile::fuse::{
    Analysis, Group, KernelGroup, MAX_STREAMS, RootKind, RootShape, compatible, pointwise, pull_root,
};
use crate::compile::index::{Affine, linear};
use crate::compile::lower::{Blocked, Puller};
use cotangent_ir::Value;
use std::collections::{HashMap, HashSet};

/// What the arrays of a block, read or written by its kernels, weigh.
pub(super) fn balance(block: &Block<'_>, analyses: &HashMap<Value, Analysis>) -> Balance {
    let read = analyses.values().flat_map(|analysis| analysis.loads.iter().map(|(value, _)| *value));
    let stored: HashSet<Value> = read.chain(analyses.keys().copied()).collect();
    Balance::new(stored.iter().map(|&value| block.ty(value).byte_len() as u64).sum())
}

/// What the kernels of a block cost together.
pub(super) fn cost(block: &Block<'_>, analyses: &HashMap<Value, Analysis>, groups: &[Group]) -> u64 {
    let balance = balance(block, analyses);
    let of_group = |group: &Group| match group {
        Group::Kernel(kernel) if !kernel.roots.is_empty() && !kernel.extents.is_empty() => {
            work(block, analyses, kernel).map_or(0, |work| balance.kernel(work))
        }
        _ => 0,
    };
    groups.iter().map(of_group).sum()
}

/// Merges groups where that costs less. One that has joined another is left without roots.
pub(super) fn merge(block: &Block<'_>, analyses: &mut HashMap<Value, Analysis>, groups: &mut [Group]) {
    let balance = balance(block, analyses);
    let mut group_of: HashMap<Value, usize> = HashMap::new();
    for g in 0..groups.len() {
        let joined = latest_needed(block, analyses, groups, &group_of, g)
            .and_then(|before| Some((before, merged(block, analyses, balance, [&groups[before], &groups[g]])?)));
        let at = match joined {
            Some((before, (group, loads))) => {
                for (root, loads) in loads {
                    analyses.entry(root).and_modify(|analysis| analysis.loads = loads);
                }
                if let Group::Kernel(kernel) = &mut groups[g] {
                    kernel.roots.clear();
                }
                groups[before] = Group::Kernel(group);
                before
            }
            None => g,
        };
        match &groups[at] {
            Group::Kernel(kernel) => group_of.extend(kernel.roots.iter().map(|&root| (root, at))),
            Group::Opaque(position) => {
                group_of.extend(block.func.insts()[*position].results().map(|value| (value, at)));
            }
        }
    }
}

/// The last group that a group needs a value of.
fn latest_needed(
    block: &Block<'_>,
    analyses: &HashMap<Value, Analysis>,
    groups: &[Group],
    group_of: &HashMap<Value, usize>,
    g: usize,
) -> Option<usize> {
    let Group::Kernel(kernel) = &groups[g] else { return None };
    let needed = kernel.roots.iter().flat_map(|root| {
        let analysis = &analyses[root];
        crate::compile::fuse::needs(block, &analysis.loads, &analysis.shape, *root)
    });
    needed.filter_map(|value| group_of.get(&value).copied()).max()
}

/// Elements of stored values that each root reads.
type Loads = Vec<(Value, Vec<(Value, Affine)>)>;

/// Two groups as one, with what the roots of the second then read, if that is possible and costs less.
fn merged(
    block: &Block<'_>,
    analyses: &HashMap<Value, Analysis>,
    balance: Balance,
    groups: [&Group; 2],
) -> Option<(KernelGroup, Loads)> {
    let [Group::Kernel(first), Group::Kernel(second)] = groups else { return None };
    let kind = |root: &Value| &analyses[root].shape.kind;
    let alike = |root: &Value| first.roots.iter().all(|other| compatible(kind(other), kind(root)));
    if first.extents != second.extents || first.extents.is_empty() || !second.roots.iter().all(alike) {
        return None;
    }
    let mut recomputed = first.recomputed.clone();
    recomputed.extend(&second.recomputed);
    let loads = loop {
        let mut loads: Loads = Vec::new();
        for root in &second.roots {
            loads.push((*root, pulled(block, analyses, &[*root], &recomputed)?.loads));
        }
        let known = recomputed.len();
        for (value, position) in loads.iter().flat_map(|(_, loads)| loads) {
            if first.roots.contains(value) && !pointwise(block, analyses, *value, position) {
                if *kind(value) != RootKind::Store {
                    return None;
                }
                recomputed.push(*value);
            }
        }
        recomputed.sort_unstable();
        recomputed.dedup();
        if recomputed.len() == known {
            break loads;
        }
    };
    let mut roots = [&first.roots[..], &second.roots].concat();
    roots.sort_unstable();
    let group = KernelGroup { roots, extents: first.extents.clone(), recomputed };
    let together = balance.kernel(work(block, analyses, &group)?);
    let apart = balance.kernel(work(block, analyses, first)?) + balance.kernel(work(block, analyses, second)?);
    (together < apart).then_some((group, loads))
}

/// What the kernel of a group does; `None` if it would be too large.
fn work(block: &Block<'_>, analyses: &HashMap<Value, Analysis>, group: &KernelGroup) -> Option<Work> {
    let puller = pulled(block, analyses, &group.roots, &group.recomputed)?;
    let iterations = group.extents.iter().product::<usize>() as u64;
    let weight = |value: &Value| u64::from(puller.weights.get(value).copied().unwrap_or(0));
    let inner: u64 = puller.evaluated().map(|(value, _)| weight(value)).sum();
    let outer: u64 = group.roots.iter().map(|root| (1 + weight(root)) * analyses[root].shape.maps.len() as u64).sum();
    let mut places: HashMap<Value, u64> = HashMap::new();
    for (value, _) in &puller.loads {
        *places.entry(*value).or_default() += 1;
    }
    if places.len() + group.roots.len() >= MAX_STREAMS {
        return None;
    }
    let read = places.iter().map(|(&value, &places)| {
        let ty = block.ty(value);
        (ty.byte_len() as u64).min(places * iterations * ty.dtype.size() as u64)
    });
    let overwrites = |root: Value| {
        let ty = block.ty(root);
        let shape = &analyses[&root].shape;
        let here = |position: &Affine| shape.maps.iter().any(|map| linear(map, &ty.strides()) == *position);
        places.keys().any(|&base| {
            let mut positions = puller.loads.iter().filter(|(value, _)| *value == base).map(|(_, position)| position);
            block.ty(base) == ty && positions.all(here)
        })
    };
    let written = group.roots.iter().map(|&root| {
        let bytes = block.ty(root).byte_len() as u64;
        if overwrites(root) { bytes } else { 2 * bytes }
    });
    Some(Work {
        bytes: read.chain(written).sum(),
        operations: inner + outer + LOAD * puller.loads.len() as u64,
        iterations,
    })
}

/// Everything that one iteration of a kernel with these roots computes; `None` if it cannot be one kernel.
fn pulled<'a>(
    block: &'a Block<'a>,
    analyses: &HashMap<Value, Analysis>,
    roots: &[Value],
    recomputed: &[Value],
) -> Option<Puller<'a>> {
    let shape = |root: &Value| -> &RootShape { &analyses[root].shape };
    let mut puller = Puller::new(block, &shape(roots.first()?).extents).recomputing(recomputed);
    let (reductions, stores): (Vec<Value>, Vec<Value>) =
        roots.iter().partition(|root| matches!(shape(root).kind, RootKind::Reduce(_)));
    for root in stores.iter().chain(&reductions) {
        if let Err(Blocked(_)) = pull_root(&mut puller, block, *root, shape(root)) {
            return None;
        }
    }
    Some(puller)
}
