//! Static operands of an instruction: named, typed, part of the structure of a function.
//!
//! A primitive declares the names and kinds it takes ([`AttrKind`]); the verifier holds every instruction to exactly
//! those. Attributes are kept in the declared order, so equal attributes are equal lists.

use crate::dtype::DType;
use crate::func::Func;
use crate::prim::host::HostFn;
use crate::scalar::Scalar;
use smallvec::SmallVec;
use std::sync::Arc;

/// One static operand.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Attr {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A list of integers: axes, shapes, offsets.
    Ints(SmallVec<[i64; 4]>),
    /// An element type.
    DType(DType),
    /// A literal element.
    Scalar(Scalar),
    /// A function called by the instruction.
    Func(Arc<Func>),
    /// Several functions, such as the branches of a conditional.
    Funcs(Vec<Arc<Func>>),
    /// A function of the host.
    Host(HostFn),
}

/// The kind of an [`Attr`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttrKind {
    /// [`Attr::Bool`]
    Bool,
    /// [`Attr::Int`]
    Int,
    /// [`Attr::Ints`]
    Ints,
    /// [`Attr::DType`]
    DType,
    /// [`Attr::Scalar`]
    Scalar,
    /// [`Attr::Func`]
    Func,
    /// [`Attr::Funcs`]
    Funcs,
    /// [`Attr::Host`]
    Host,
}

impl Attr {
    /// The kind of this attribute.
    pub fn kind(&self) -> AttrKind {
        match self {
            Attr::Bool(_) => AttrKind::Bool,
            Attr::Int(_) => AttrKind::Int,
            Attr::Ints(_) => AttrKind::Ints,
            Attr::DType(_) => AttrKind::DType,
            Attr::Scalar(_) => AttrKind::Scalar,
            Attr::Func(_) => AttrKind::Func,
            Attr::Funcs(_) => AttrKind::Funcs,
            Attr::Host(_) => AttrKind::Host,
        }
    }

    /// The functions held, none for other kinds.
    pub fn funcs(&self) -> &[Arc<Func>] {
        match self {
            Attr::Func(func) => std::slice::from_ref(func),
            Attr::Funcs(funcs) => funcs,
            _ => &[],
        }
    }
}

/// The static operands of one instruction, in the order its primitive declares them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Attrs(SmallVec<[(&'static str, Attr); 2]>);

impl Attrs {
    /// No attributes.
    pub fn none() -> Attrs {
        Attrs::default()
    }

    /// Adds an attribute at the end.
    pub fn with(mut self, name: &'static str, attr: Attr) -> Attrs {
        self.0.push((name, attr));
        self
    }

    /// Adds a list of integers.
    pub fn with_ints(self, name: &'static str, values: impl IntoIterator<Item = i64>) -> Attrs {
        self.with(name, Attr::Ints(values.into_iter().collect()))
    }

    /// Adds a list of axes or extents.
    pub fn with_sizes(self, name: &'static str, values: impl IntoIterator<Item = usize>) -> Attrs {
        self.with_ints(name, values.into_iter().map(|value| value as i64))
    }

    /// Adds an integer.
    pub fn with_int(self, name: &'static str, value: i64) -> Attrs {
        self.with(name, Attr::Int(value))
    }

    /// All attributes.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Attr)> {
        self.0.iter().map(|(name, attr)| (*name, attr))
    }

    /// Number of attributes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attribute of that name, if present.
    pub fn get(&self, name: &str) -> Option<&Attr> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, attr)| attr)
    }

    /// Replaces functions by others, leaving the rest as it is.
    pub fn map_funcs(&self, mut map: impl FnMut(&Arc<Func>) -> Arc<Func>) -> Attrs {
        Attrs(
            self.0
                .iter()
                .map(|(name, attr)| {
                    let attr = match attr {
                        Attr::Func(func) => Attr::Func(map(func)),
                        Attr::Funcs(funcs) => Attr::Funcs(funcs.iter().map(&mut map).collect()),
                        other => other.clone(),
                    };
                    (*name, attr)
                })
                .collect(),
        )
    }

    /// A declared truth value.
    pub fn bool(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Attr::Bool(value)) => *value,
            _ => missing(name),
        }
    }

    /// A declared integer.
    pub fn int(&self, name: &str) -> i64 {
        match self.get(name) {
            Some(Attr::Int(value)) => *value,
            _ => missing(name),
        }
    }

    /// A declared integer that counts something.
    pub fn size(&self, name: &str) -> usize {
        usize::try_from(self.int(name)).unwrap_or_else(|_| missing(name))
    }

    /// A declared list of integers.
    pub fn ints(&self, name: &str) -> &[i64] {
        match self.get(name) {
            Some(Attr::Ints(values)) => values,
            _ => missing(name),
        }
    }

    /// A declared list of axes or extents, known to be nonnegative because the type rule has accepted it.
    pub fn sizes(&self, name: &str) -> crate::types::Dims {
        self.ints(name).iter().map(|&value| usize::try_from(value).unwrap_or_else(|_| missing(name))).collect()
    }

    /// A declared element type.
    pub fn dtype(&self, name: &str) -> DType {
        match self.get(name) {
            Some(Attr::DType(dtype)) => *dtype,
            _ => missing(name),
        }
    }

    /// A declared literal.
    pub fn scalar(&self, name: &str) -> Scalar {
        match self.get(name) {
            Some(Attr::Scalar(value)) => *value,
            _ => missing(name),
        }
    }

    /// A declared function.
    pub fn func(&self, name: &str) -> &Arc<Func> {
        match self.get(name) {
            Some(Attr::Func(func)) => func,
            _ => missing(name),
        }
    }

    /// A declared function of the host.
    pub fn host(&self, name: &str) -> &HostFn {
        match self.get(name) {
            Some(Attr::Host(host)) => host,
            _ => missing(name),
        }
    }

    /// Declared functions.
    pub fn funcs(&self, name: &str) -> &[Arc<Func>] {
        match self.get(name) {
            Some(Attr::Funcs(funcs)) => funcs,
            _ => missing(name),
        }
    }
}

#[track_caller]
fn missing(name: &str) -> ! {
    crate::error::internal(&format!("attribute `{name}` is absent or of another kind"))
}
