//! A function: typed static single assignment over array values.
//!
//! Values are numbered in order of definition: the parameters first, then the results of each instruction, so that a
//! value's number orders it against every other and operands always have smaller numbers than results. Sub-functions of
//! control flow are held by the attributes of their instruction and are closed: what they use is passed to them.

use crate::attrs::Attrs;
use crate::prim::Prim;
use crate::types::Type;
use smallvec::SmallVec;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;

/// A value of a function. `Display` is its spelling in the text form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(u32);

impl Value {
    /// The value with the given number.
    pub fn new(index: usize) -> Value {
        Value(index as u32)
    }

    /// Its number.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One application of a primitive.
#[derive(Clone, Debug)]
pub struct Inst {
    /// What is applied.
    pub prim: &'static Prim,
    /// Operands.
    pub args: SmallVec<[Value; 3]>,
    /// Static operands.
    pub attrs: Attrs,
    first: u32,
    count: u32,
}

impl Inst {
    /// The values this instruction defines.
    pub fn results(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator + use<> {
        (self.first..self.first + self.count).map(Value)
    }

    /// The first result; the only one of most instructions.
    pub fn result(&self) -> Value {
        Value(self.first)
    }

    /// The numbers of the values this instruction defines.
    pub fn result_range(&self) -> Range<usize> {
        self.first as usize..(self.first + self.count) as usize
    }
}

impl PartialEq for Inst {
    fn eq(&self, other: &Inst) -> bool {
        std::ptr::eq(self.prim, other.prim)
            && self.args == other.args
            && self.attrs == other.attrs
            && (self.first, self.count) == (other.first, other.count)
    }
}

impl Eq for Inst {}

impl Hash for Inst {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.prim.name, &self.args, &self.attrs, self.count).hash(state);
    }
}

/// A function from arrays to arrays. Equality and hashing are structural and leave the name out.
#[derive(Clone, Debug)]
pub struct Func {
    /// For people; has no meaning.
    pub name: String,
    types: Vec<Type>,
    params: usize,
    insts: Vec<Inst>,
    results: Vec<Value>,
}

impl Func {
    /// A function of the given parameters with no instructions and no results yet.
    pub fn new(name: impl Into<String>, params: impl IntoIterator<Item = Type>) -> Func {
        let types: Vec<Type> = params.into_iter().collect();
        Func { name: name.into(), params: types.len(), types, insts: Vec::new(), results: Vec::new() }
    }

    /// Parameters.
    pub fn params(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator + use<> {
        (0..self.params as u32).map(Value)
    }

    /// Types of the parameters.
    pub fn param_types(&self) -> &[Type] {
        &self.types[..self.params]
    }

    /// Instructions in order of execution.
    pub fn insts(&self) -> &[Inst] {
        &self.insts
    }

    /// Results.
    pub fn results(&self) -> &[Value] {
        &self.results
    }

    /// Types of the results.
    pub fn result_types(&self) -> Vec<Type> {
        self.results.iter().map(|&value| self.ty(value).clone()).collect()
    }

    /// Type of a value.
    pub fn ty(&self, value: Value) -> &Type {
        &self.types[value.index()]
    }

    /// Number of values defined, parameters included.
    pub fn value_count(&self) -> usize {
        self.types.len()
    }

    /// Whether a value is a parameter.
    pub fn is_param(&self, value: Value) -> bool {
        value.index() < self.params
    }

    /// For every value the instruction that defines it; `None` for parameters.
    pub fn definitions(&self) -> Vec<Option<usize>> {
        let mut definitions = vec![None; self.value_count()];
        for (position, inst) in self.insts.iter().enumerate() {
            definitions[inst.result_range()].fill(Some(position));
        }
        definitions
    }

    /// Appends an instruction whose result types are already known. Builders call this after the type rule.
    pub fn push(
        &mut self,
        prim: &'static Prim,
        args: impl IntoIterator<Item = Value>,
        attrs: Attrs,
        types: impl IntoIterator<Item = Type>,
    ) -> Range<usize> {
        let first = self.types.len();
        self.types.extend(types);
        let count = self.types.len() - first;
        let args = args.into_iter().collect();
        self.insts.push(Inst { prim, args, attrs, first: first as u32, count: count as u32 });
        first..first + count
    }

    /// Adds a parameter. Values must not have been defined by instructions yet.
    pub fn push_param(&mut self, ty: Type) -> Value {
        if !self.insts.is_empty() {
            crate::error::internal("a parameter after the first instruction");
        }
        self.types.push(ty);
        self.params += 1;
        Value(self.params as u32 - 1)
    }

    /// Sets the results.
    pub fn set_results(&mut self, results: Vec<Value>) {
        self.results = results;
    }
}

impl PartialEq for Func {
    fn eq(&self, other: &Func) -> bool {
        let Func { name: _, types, params, insts, results } = self;
        (types, params, insts, results) == (&other.types, &other.params, &other.insts, &other.results)
    }
}

impl Eq for Func {}

impl Hash for Func {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Func { name: _, types, params, insts, results } = self;
        (types, params, insts, results).hash(state);
    }
}
