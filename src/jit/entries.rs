//! The traces that a compiled function keeps, found by the structure and leaf types of its arguments.
//!
//! A call that finds its trace allocates nothing for that: the structure is compared while it is written. Traces used
//! least recently are dropped when there are many, as there are where a Rust number, which belongs to the structure,
//! differs from call to call.

use crate::tree::Tree;
use cotangent_ir::{Array, Type};
use std::any::{Any, TypeId};
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most traces kept.
const MOST: usize = 64;

/// Traces, those used last in front.
#[derive(Default)]
pub(super) struct Entries(Mutex<Vec<Kept>>);

struct Kept {
    /// The type of the arguments: those of different types may have structures that read alike.
    args: TypeId,
    form: Form,
    entry: Arc<dyn Any + Send + Sync>,
}

/// The structure and leaf types of a tree.
pub(super) struct Form {
    structure: String,
    types: Vec<Type>,
}

impl Entries {
    /// The trace kept for arguments like these, whose leaves are `leaves`.
    pub(super) fn find<A: Tree, E: Any + Send + Sync>(&self, args: &A, leaves: &[Array]) -> Option<Arc<E>> {
        let mut kept = self.lock();
        let position = kept.iter().position(|kept| kept.fits(args, leaves) && kept.entry.is::<E>())?;
        kept[..=position].rotate_right(1);
        kept[0].entry.clone().downcast().ok()
    }

    /// Keeps a trace for arguments like these.
    pub(super) fn keep<A: Tree, E: Any + Send + Sync>(&self, args: &A, types: Vec<Type>, entry: Arc<E>) {
        let mut kept = self.lock();
        kept.insert(0, Kept { args: TypeId::of::<A>(), form: Form::new(args, types), entry });
        kept.truncate(MOST);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        // Every update is complete before the lock drops, whatever panicked elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn fits<A: Tree>(&self, args: &A, leaves: &[Array]) -> bool {
        self.args == TypeId::of::<A>() && self.form.fits(args, leaves)
    }
}

impl Form {
    /// That of a tree with leaves of these types.
    pub(super) fn new<T: Tree>(tree: &T, types: Vec<Type>) -> Form {
        Form { structure: tree.structure(), types }
    }

    /// Whether it is that of a tree, whose leaves are `leaves`, too. Allocates nothing.
    pub(super) fn fits<T: Tree>(&self, tree: &T, leaves: &[Array]) -> bool {
        let types = || leaves.iter().zip(&self.types).all(|(leaf, ty)| leaf.ty().is_ok_and(|given| given == *ty));
        let mut expected = Expected(&self.structure);
        self.types.len() == leaves.len()
            && types()
            && tree.write_structure(&mut expected).is_ok()
            && expected.0.is_empty()
    }
}

/// Takes exactly this text: writing anything else fails.
struct Expected<'a>(&'a str);

impl Write for Expected<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(text).ok_or(fmt::Error)?;
        Ok(())
    }
}
