//! One function body as fusion sees it: which values live in memory, and which are expressions of those.

use cotangent_ir::kernel::ReduceOp;
use cotangent_ir::prim::{Lower, Routine, View};
use cotangent_ir::{Func, Inst, Type, Value};
use smallvec::SmallVec;

/// Reductions over at most this many elements are written out where they are used.
pub(crate) const UNROLLED_REDUCTION: usize = 8;

/// What fusion may do with an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// An expression per element: computed wherever it is used.
    Inline,
    /// Always computed once into memory: a reduction too long to write out, an update in place, a
    /// scatter.
    Root,
    /// Not a kernel: a library call, control flow, an effect.
    Opaque,
}

/// A function body with the current decision of what is materialised.
pub(crate) struct Block<'a> {
    pub(crate) func: &'a Func,
    definitions: Vec<Option<usize>>,
    views: Vec<Option<View>>,
    classes: Vec<Class>,
    materialised: Vec<bool>,
    /// Scatters that another one can do, too.
    absorbed: Vec<bool>,
    /// For every value the materialised value whose row-major storage it shares, through reshapes.
    bases: Vec<Option<Value>>,
    /// For every value whose elements are all one literal, that literal.
    literals: Vec<Option<Value>>,
}

impl<'a> Block<'a> {
    pub(crate) fn new(func: &'a Func) -> Block<'a> {
        let views: Vec<Option<View>> = func.insts().iter().map(|inst| view(func, inst)).collect();
        let classes: Vec<Class> =
            func.insts().iter().zip(&views).map(|(inst, view)| classify(func, inst, view.as_ref())).collect();
        let mut materialised = vec![false; func.value_count()];
        for value in func.params() {
            materialised[value.index()] = true;
        }
        for (inst, class) in func.insts().iter().zip(&classes) {
            if *class != Class::Inline {
                materialised[inst.result_range()].fill(true);
            }
        }
        let mut block = Block {
            func,
            definitions: func.definitions(),
            views,
            classes,
            materialised,
            absorbed: vec![false; func.value_count()],
            bases: Vec::new(),
            literals: Vec::new(),
        };
        block.find_literals();
        block.absorb();
        block.find_bases();
        block
    }

    /// Of scatters that follow each other into the same array over the same updates, leaves the last: it does what the
    /// others do, too.
    fn absorb(&mut self) {
        let mut uses = vec![0; self.func.value_count()];
        let args = self.func.insts().iter().flat_map(|inst| &inst.args);
        args.chain(self.func.results()).for_each(|value| uses[value.index()] += 1);
        for inst in self.func.insts() {
            let Some(op) = self.scatter_op(inst.result()) else { continue };
            let mut value = inst.args[0];
            let mut only = uses[value.index()] == 1;
            while let (Some(View::Reshape), Some(reshape)) = (self.view(value), self.inst(value)) {
                value = reshape.args[0];
                only &= uses[value.index()] == 1;
            }
            if let (Some(other), Some(before)) = (self.scatter_op(value), self.inst(value))
                && only
                && other == op
                && self.ty(value).shape == self.ty(inst.result()).shape
                && self.ty(before.args[2]).shape == self.ty(inst.args[2]).shape
            {
                self.absorbed[value.index()] = true;
                self.materialised[value.index()] = false;
            }
        }
    }

    /// The operation of a scatter that is a kernel.
    pub(crate) fn scatter_op(&self, value: Value) -> Option<ReduceOp> {
        scatter_op(self.func, self.inst(value)?)
    }

    /// Whether a scatter is done by the one that follows it.
    pub(crate) fn is_absorbed(&self, value: Value) -> bool {
        self.absorbed[value.index()] && !self.materialised[value.index()]
    }

    /// Decides that `values` live in memory.
    pub(crate) fn materialise(&mut self, values: impl IntoIterator<Item = Value>) {
        for value in values {
            self.materialised[value.index()] = true;
        }
        self.find_bases();
    }

    pub(crate) fn is_materialised(&self, value: Value) -> bool {
        self.materialised[value.index()]
    }

    /// The materialised value whose storage, in row-major order, holds the elements of `value`.
    pub(crate) fn base(&self, value: Value) -> Option<Value> {
        self.bases[value.index()]
    }

    /// The literal, 0-d, that every element of a value is. Also of a stored value it is a kernel's own: known to be what it
    /// is, ranges of integers follow from it.
    pub(crate) fn literal(&self, value: Value) -> Option<Value> {
        self.literals[value.index()]
    }

    /// The instruction defining a value that is not a parameter.
    pub(crate) fn inst(&self, value: Value) -> Option<&'a Inst> {
        self.definitions[value.index()].map(|position| &self.func.insts()[position])
    }

    /// What a value is a reshape of, or the value itself.
    pub(crate) fn without_reshapes(&self, mut value: Value) -> Value {
        while let (Some(View::Reshape), Some(inst)) = (self.view(value), self.inst(value)) {
            value = inst.args[0];
        }
        value
    }

    pub(crate) fn position(&self, value: Value) -> Option<usize> {
        self.definitions[value.index()]
    }

    pub(crate) fn class(&self, position: usize) -> Class {
        self.classes[position]
    }

    /// The view of a reindexing instruction.
    pub(crate) fn view(&self, value: Value) -> Option<&View> {
        self.position(value).and_then(|position| self.views[position].as_ref())
    }

    pub(crate) fn ty(&self, value: Value) -> &'a Type {
        self.func.ty(value)
    }

    /// Materialised values computed by kernels, in order of definition.
    pub(crate) fn roots(&self) -> impl Iterator<Item = Value> + '_ {
        self.func.insts().iter().enumerate().filter(|&(position, _)| self.classes[position] != Class::Opaque).flat_map(
            move |(_, inst)| inst.results().filter(|&value| self.is_materialised(value) && !self.ty(value).is_empty()),
        )
    }

    /// The value to keep in memory for an operand of an opaque instruction, and the strides at which the operand lies in
    /// it. Products take permuted operands as they are; everything else wants row-major order.
    pub(crate) fn stored_operand(&self, position: usize, operand: Value) -> (Value, SmallVec<[i64; 4]>) {
        let mut strides = None;
        let mut value = operand;
        if matches!(self.func.insts()[position].prim.lower, Lower::Library(Routine::Dot)) {
            // The operand axis that each axis of `value` is, outermost view first.
            let mut axes: SmallVec<[usize; 4]> = (0..self.ty(operand).rank()).collect();
            while let (Some(View::Affine(maps)), Some(inst)) = (self.view(value), self.inst(value)) {
                let permuted: Option<SmallVec<[usize; 4]>> = maps
                    .iter()
                    .map(|map| {
                        (map.offset == 0 && map.stride == 1).then_some(map.axis.map(|axis| axes[axis])).flatten()
                    })
                    .collect();
                match permuted {
                    Some(permuted) if permuted.len() == axes.len() => axes = permuted,
                    _ => break,
                }
                value = inst.args[0];
            }
            let stored = self.ty(value).strides();
            let place = |axis: usize| axes.iter().position(|&from| from == axis).map_or(0, |at| stored[at]);
            strides = Some((0..axes.len()).map(place).collect());
        }
        (value, strides.unwrap_or_else(|| self.ty(operand).strides()))
    }

    /// Stored values an opaque instruction reads.
    pub(crate) fn opaque_reads(&self, position: usize) -> Vec<Value> {
        let inst = &self.func.insts()[position];
        inst.args.iter().filter_map(|&arg| self.base(self.stored_operand(position, arg).0)).collect()
    }

    fn find_literals(&mut self) {
        let mut literals: Vec<Option<Value>> = vec![None; self.func.value_count()];
        for (inst, view) in self.func.insts().iter().zip(&self.views) {
            let literal = match view {
                Some(View::Constant(_)) => Some(inst.result()),
                Some(View::Affine(_) | View::Reshape) => literals[inst.args[0].index()],
                _ => None,
            };
            if let Some(literal) = literal {
                literals[inst.result().index()] = Some(literal);
            }
        }
        self.literals = literals;
    }

    fn find_bases(&mut self) {
        let mut bases: Vec<Option<Value>> = vec![None; self.func.value_count()];
        for index in 0..bases.len() {
            let value = Value::new(index);
            bases[index] = if self.materialised[index] {
                Some(value)
            } else {
                match (self.view(value), self.inst(value)) {
                    (Some(View::Reshape), Some(inst)) => bases[inst.args[0].index()],
                    _ => None,
                }
            };
        }
        self.bases = bases;
    }
}

fn view(func: &Func, inst: &Inst) -> Option<View> {
    match inst.prim.lower {
        Lower::Reindex(view) => {
            let types: Vec<&Type> = inst.args.iter().map(|&value| func.ty(value)).collect();
            Some(view(&types, &inst.attrs, func.ty(inst.result())))
        }
        _ => None,
    }
}

/// The operation of a scatter that is a kernel.
fn scatter_op(func: &Func, inst: &Inst) -> Option<ReduceOp> {
    let Lower::Scatter(operation, _) = inst.prim.lower else { return None };
    let types: Vec<&Type> = inst.args.iter().map(|&value| func.ty(value)).collect();
    operation(&types, &inst.attrs)
}

fn classify(func: &Func, inst: &Inst, view: Option<&View>) -> Class {
    match inst.prim.lower {
        Lower::Lanes(_) => Class::Inline,
        Lower::Reindex(_) if view == Some(&View::DynamicUpdate) => Class::Root,
        Lower::Reindex(_) => Class::Inline,
        Lower::Reduce(_) => {
            let (operand, result) = (func.ty(inst.args[0]), func.ty(inst.result()));
            if operand.len() <= UNROLLED_REDUCTION * result.len() { Class::Inline } else { Class::Root }
        }
        Lower::Expand(_) => {
            cotangent_ir::error::internal(&format!("{} was not expanded before fusion", inst.prim.name))
        }
        Lower::Scatter(..) if scatter_op(func, inst).is_some() => Class::Root,
        Lower::Library(_) | Lower::LibraryOrExpand(..) | Lower::Scatter(..) | Lower::Control(_) => Class::Opaque,
    }
}
