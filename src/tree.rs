//! Trees: the arguments and results of functions, as nested containers of arrays.
//!
//! A tree is taken apart into its leaves, which are arrays, and its *structure*, which is everything else: the kinds and
//! lengths of containers, keys, field names, and Rust scalars. Functions are traced once for each structure and leaf
//! types. A tree of arrays has the same Rust type whether its leaves are data, traced values or errors, so that the same
//! function runs at once, is traced, differentiated and batched.
//!
//! What the methods of [`Tree`] keep: `with_leaves` takes as many leaves as `leaves` gave, in the same order, and two
//! values of a type with equal `structure` have equally many leaves in corresponding places. `take_trees` and `push_trees`
//! do the same with trees in place of leaves, which is how a Jacobian has the structure of the result with the structure
//! of the argument in each place.

use cotangent_ir::{Array, Error, Result, Type};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};
use std::vec::IntoIter;

/// A nested container of arrays.
///
/// Implemented for [`Array`], `()`, tuples of up to eight trees, `[T; N]`, `Vec<T>`, `BTreeMap<K, T>`, `Option<T>`,
/// `Box<T>`, and for your own structs through [`impl_tree!`](crate::impl_tree). The Rust scalars `f32`, `f64`, `i32`,
/// `i64`, `usize` and `bool` are trees without leaves: they belong to the structure, so a function is traced anew for
/// each value of theirs. Wrap a number in an [`Array`] to make it data.
///
/// ```
/// use cotangent::{Array, Tree};
/// let tree = (Array::from(1.0f32), vec![Array::from([1i32, 2])], 3usize);
/// assert_eq!(tree.structure(), "(*, [*], 3usize)");
/// assert_eq!(tree.leaves().len(), 2);
/// ```
pub trait Tree: Clone + Send + Sync + 'static {
    /// Appends the leaves, in order.
    fn push_leaves(&self, leaves: &mut Vec<Array>);

    /// A tree of the same structure whose leaves are the next ones of the iterator.
    fn take_leaves(&self, leaves: &mut IntoIter<Array>) -> Self;

    /// Writes the structure, with `*` for each leaf.
    fn write_structure(&self, out: &mut dyn Write) -> fmt::Result;

    /// The type of a tree of the same structure with other trees in place of the leaves. Containers stay what they are:
    /// in place of the leaves of a `BTreeMap<K, Array>` it is a `BTreeMap<K, T>`. For a struct of
    /// [`impl_tree!`](crate::impl_tree), whose fields keep their types, it is a `Vec<T>` with one tree for each leaf.
    type Of<T: Tree>: Tree;

    /// The same structure with the next trees of the iterator in place of the leaves.
    fn take_trees<T: Tree>(&self, trees: &mut IntoIter<T>) -> Self::Of<T>;

    /// Appends the trees that stand in place of leaves, in order.
    fn push_trees<T: Tree>(nested: &Self::Of<T>, trees: &mut Vec<T>);

    /// The same structure with other trees in place of the leaves, as many as there are.
    ///
    /// ```
    /// use cotangent::{Array, Tree};
    /// let tree = (Array::from(1.0f32), vec![Array::from(2.0f32)]);
    /// let flags: (bool, Vec<bool>) = tree.with_trees(vec![true, false]);
    /// assert_eq!(flags, (true, vec![false]));
    /// ```
    fn with_trees<T: Tree>(&self, trees: Vec<T>) -> Self::Of<T> {
        let given = trees.len();
        let mut trees = trees.into_iter();
        let nested = self.take_trees(&mut trees);
        if trees.len() > 0 {
            cotangent_ir::error::internal(&format!("{given} trees for the leaves of {}", self.structure()));
        }
        nested
    }

    /// The leaves, in order.
    fn leaves(&self) -> Vec<Array> {
        let mut leaves = Vec::new();
        self.push_leaves(&mut leaves);
        leaves
    }

    /// A tree of the same structure with other leaves, as many as there are.
    fn with_leaves(&self, leaves: Vec<Array>) -> Self {
        let given = leaves.len();
        let mut leaves = leaves.into_iter();
        let tree = self.take_leaves(&mut leaves);
        if leaves.len() > 0 {
            cotangent_ir::error::internal(&format!("{given} leaves for the structure {}", self.structure()));
        }
        tree
    }

    /// The structure in words, with `*` for each leaf.
    fn structure(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_structure(&mut text);
        text
    }

    /// A tree of the same structure with each leaf mapped to another array.
    fn map_leaves(&self, map: impl FnMut(Array) -> Array) -> Self
    where
        Self: Sized,
    {
        self.with_leaves(self.leaves().into_iter().map(map).collect())
    }

    /// The types of the leaves, or the first error among them.
    ///
    /// # Errors
    /// The error a leaf stands for.
    fn leaf_types(&self) -> Result<Vec<Type>> {
        self.leaves().iter().map(Array::ty).collect()
    }

    /// The first error among the leaves.
    fn leaf_error(&self) -> Option<Error> {
        self.leaves().iter().find_map(|leaf| leaf.error().cloned())
    }

    /// Structure and leaf types in words, such as `(f32[3], [i32[]])`, for messages.
    fn describe(&self) -> String {
        let structure = self.structure();
        let mut leaves = self.leaves().into_iter();
        let mut text = String::with_capacity(structure.len());
        for character in structure.chars() {
            match (character, (character == '*').then(|| leaves.next()).flatten()) {
                (_, Some(leaf)) => match leaf.ty() {
                    Ok(ty) => text.push_str(&ty.to_string()),
                    Err(_) => text.push_str("an error"),
                },
                (character, None) => text.push(character),
            }
        }
        text
    }
}

impl Tree for Array {
    fn push_leaves(&self, leaves: &mut Vec<Array>) {
        leaves.push(self.clone());
    }

    fn take_leaves(&self, leaves: &mut IntoIter<Array>) -> Array {
        leaves.next().unwrap_or_else(|| cotangent_ir::error::internal("fewer leaves than the structure has"))
    }

    type Of<T: Tree> = T;

    fn take_trees<T: Tree>(&self, trees: &mut IntoIter<T>) -> T {
        trees.next().unwrap_or_else(|| cotangent_ir::error::internal("fewer trees than the structure has leaves"))
    }

    fn push_trees<T: Tree>(nested: &T, trees: &mut Vec<T>) {
        trees.push(nested.clone());
    }

    fn write_structure(&self, out: &mut dyn Write) -> fmt::Result {
        out.write_char('*')
    }
}

macro_rules! static_leaves {
    ($($rust:ident),*) => { $(
        impl Tree for $rust {
            fn push_leaves(&self, _leaves: &mut Vec<Array>) {}

            fn take_leaves(&self, _leaves: &mut IntoIter<Array>) -> $rust {
                *self
            }

            type Of<T: Tree> = $rust;

            fn take_trees<T: Tree>(&self, _trees: &mut IntoIter<T>) -> $rust {
                *self
            }

            fn push_trees<T: Tree>(_nested: &$rust, _trees: &mut Vec<T>) {}

            fn write_structure(&self, out: &mut dyn Write) -> fmt::Result {
                // `Debug` of a float tells 0.0 from -0.0 and reads back to the same value.
                write!(out, concat!("{:?}", stringify!($rust)), self)
            }
        }
    )* };
}
static_leaves!(f32, f64, i32, i64, usize, bool);

impl<T: Tree> Tree for Vec<T> {
    fn push_leaves(&self, leaves: &mut Vec<Array>) {
        self.iter().for_each(|tree| tree.push_leaves(leaves));
    }

    fn take_leaves(&self, leaves: &mut IntoIter<Array>) -> Vec<T> {
        self.iter().map(|tree| tree.take_leaves(leaves)).collect()
    }

    type Of<U: Tree> = Vec<T::Of<U>>;

    fn take_trees<U: Tree>(&self, trees: &mut IntoIter<U>) -> Vec<T::Of<U>> {
        self.iter().map(|tree| tree.take_trees(trees)).collect()
    }

    fn push_trees<U: Tree>(nested: &Vec<T::Of<U>>, trees: &mut Vec<U>) {
        nested.iter().for_each(|tree| T::push_trees(tree, trees));
    }

    fn write_structure(&self, out: &mut dyn Write) -> fmt::Result {
        write_sequence(self, out)
    }
}

impl<T: Tree, const N: usize> Tree for [T; N] {
    fn push_leaves(&self, leaves: &mut Vec<Array>) {
        self.iter().for_each(|tree| tree.push_leaves(leaves));
    }

    fn take_leaves(&self, leaves: &mut IntoIter<Array>) -> [T; N] {
        std::array::from_fn(|position| self[position].take_leaves(leaves))
    }

    type Of<U: Tree> = [T::Of<U>; N];

    fn take_trees<U: Tree>(&self, trees: &mut IntoIter<U>) -> [T::Of<U>; N] {
        std::array::from_fn(|position| self[position].take_trees(trees))
    }

    fn push_trees<U: Tree>(nested: &[T::Of<U>; N], trees: &mut Vec<U>) {
        nested.iter().for_each(|tree| T::push_trees(tree, trees));
    }

    fn write_structure(&self, out: &mut dyn Write) -> fmt::Result {
        write_sequence(self, out)
    }
}

impl<K: Ord + Display + Clone + Send + Sync + 'static, T: Tree> Tree for BTreeMap<K, T> {
    fn push_leaves(&self, leaves: &mut Vec<Array>) {
        self.values().for_each(|tree| tree.push_leaves(leaves));
    }

    fn take_leaves(&self, leaves: &mut IntoIter<Array>) -> BTreeMap<K, T> {
        self.iter().map(|(key, tree)| (key.clone(), tree.take_leaves(leaves))).collect()
    }

    type Of<U: Tree> = BTreeMap<K, T::Of<U>>;

    fn take_trees<U: Tree>(&self, trees: &mut IntoIter<U>) -> BTreeMap<K, T::Of<U>> {
        self.iter().map(|(key, tree)| (key.clone(), tree.take_trees(trees))).collect()
    }

    fn push_trees<U: Tree>(nested: &BTreeMap<K, T::Of<U>>, trees: &mut Vec<U>) {
        nested.values().for_each(|tree| T::push_trees(tree, trees));
    }

    fn write_structure(&self, out: &mut dyn Write) -> fmt::Result {
        out.write_char('{')?;
        for (position, (key, tree)) in self.iter().enumerate() {
            write!(out, "{}{key}: ", if position > 0 { ", " } else { "" })?;
            tree.write_structure(out)?;
        }
        out.write_char('}')
    }
}

impl<T: Tree> Tree for Option<T> {
    fn push_leaves(&self, leaves: &mut Vec<Array>) {
        self.iter().for_each(|tree| tree.push_leaves(leaves));
    }

    fn take_leaves(&self, leaves: &mut IntoIter<Array>) -> Option<T> {
        self.as_ref().map(|tree| tree.take_leaves(leaves))
    }

    type Of<U: Tree> = Option<T::Of<U>>;

    fn take_trees<U: Tree>(&self, trees: &mut IntoIter<U>) -> Option<T::Of<U>> {
        self.as_ref().map(|tree| tree.take_trees(trees))
    }

    fn push_trees<U: Tree>(nested: &Option<T::Of<U>>, trees: &mut Vec<U>) {
        nested.iter().for_each(|tree| T::push_trees(tree, trees));
    }

    fn write_structure(&self, out: &mut dyn Write) -> fmt::Result {
        match self {
            Some(tree) => {
                out.write_str("Some(")?;
                tree.write_structure(out)?;
                out.write_char(')')
            }
            None => out.write_str("None"),
        }
    }
}

impl<T: Tree> Tree for Box<T> {
    fn push_leaves(&self, leaves: &mut Vec<Array>) {
        (**self).push_leaves(leaves);
    }

    fn take_leaves(&self, leaves: &mut IntoIter<Array>) -> Box<T> {
        Box::new((**self).take_leaves(leaves))
    }

    type Of<U: Tree> = Box<T::Of<U>>;

    fn take_trees<U: Tree>(&self, trees: &mut IntoIter<U>) -> Box<T::Of<U>> {
        Box::new((**self).take_trees(trees))
    }

    fn push_trees<U: Tree>(nested: &Box<T::Of<U>>, trees: &mut Vec<U>) {
        T::push_trees(nested, trees);
    }

    fn write_structure(&self, out: &mut dyn Write) -> fmt::Result {
        (**self).write_structure(out)
    }
}

impl Tree for () {
    fn push_leaves(&self, _leaves: &mut Vec<Array>) {}

    fn take_leaves(&self, _leaves: &mut IntoIter<Array>) {}

    type Of<T: Tree> = ();

    fn take_trees<T: Tree>(&self, _trees: &mut IntoIter<T>) {}

    fn push_trees<T: Tree>(_nested: &(), _trees: &mut Vec<T>) {}

    fn write_structure(&self, out: &mut dyn Write) -> fmt::Result {
        out.write_str("()")
    }
}

macro_rules! tuples {
    ($(($($name:ident $position:tt),+))*) => { $(
        impl<$($name: Tree),+> Tree for ($($name,)+) {
            fn push_leaves(&self, leaves: &mut Vec<Array>) {
                $(self.$position.push_leaves(leaves);)+
            }

            fn take_leaves(&self, leaves: &mut IntoIter<Array>) -> Self {
                ($(self.$position.take_leaves(leaves),)+)
            }

            type Of<Nested: Tree> = ($($name::Of<Nested>,)+);

            fn take_trees<Nested: Tree>(&self, trees: &mut IntoIter<Nested>) -> ($($name::Of<Nested>,)+) {
                ($(self.$position.take_trees(trees),)+)
            }

            fn push_trees<Nested: Tree>(nested: &($($name::Of<Nested>,)+), trees: &mut Vec<Nested>) {
                $($name::push_trees(&nested.$position, trees);)+
            }

            fn write_structure(&self, out: &mut dyn Write) -> fmt::Result {
                $(
                    out.write_str(if $position == 0 { "(" } else { ", " })?;
                    self.$position.write_structure(out)?;
                )+
                out.write_char(')')
            }
        }
    )* };
}
tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}

fn write_sequence<T: Tree>(trees: &[T], out: &mut dyn Write) -> fmt::Result {
    out.write_char('[')?;
    for (position, tree) in trees.iter().enumerate() {
        if position > 0 {
            out.write_str(", ")?;
        }
        tree.write_structure(out)?;
    }
    out.write_char(']')
}

/// Makes a struct a [`Tree`] of its fields. The struct must be `Clone`; type parameters must be trees.
///
/// ```
/// use cotangent::{Array, Tree, impl_tree};
///
/// #[derive(Clone)]
/// struct State<T> {
///     x: T,
///     step: Array,
/// }
/// impl_tree!(State<T> { x, step });
///
/// let state = State { x: (Array::from(1.0f32), Array::from(2.0f32)), step: Array::from(0i32) };
/// assert_eq!(state.structure(), "State { x: (*, *), step: * }");
/// ```
#[macro_export]
macro_rules! impl_tree {
    ($name:ident $(<$($parameter:ident),+>)? { $($field:ident),+ $(,)? }) => {
        impl $(<$($parameter: $crate::Tree),+>)? $crate::Tree for $name $(<$($parameter),+>)? {
            fn push_leaves(&self, leaves: &mut ::std::vec::Vec<$crate::Array>) {
                $($crate::Tree::push_leaves(&self.$field, leaves);)+
            }

            fn take_leaves(&self, leaves: &mut ::std::vec::IntoIter<$crate::Array>) -> Self {
                $name { $($field: $crate::Tree::take_leaves(&self.$field, leaves)),+ }
            }

            type Of<NestedTree: $crate::Tree> = ::std::vec::Vec<NestedTree>;

            fn take_trees<NestedTree: $crate::Tree>(
                &self,
                trees: &mut ::std::vec::IntoIter<NestedTree>,
            ) -> ::std::vec::Vec<NestedTree> {
                let count = $crate::Tree::leaves(self).len();
                ::std::iter::Iterator::collect(::std::iter::Iterator::take(trees.by_ref(), count))
            }

            fn push_trees<NestedTree: $crate::Tree>(
                nested: &::std::vec::Vec<NestedTree>,
                trees: &mut ::std::vec::Vec<NestedTree>,
            ) {
                ::std::iter::Extend::extend(trees, ::std::iter::Iterator::cloned(nested.iter()));
            }

            fn write_structure(&self, out: &mut dyn ::std::fmt::Write) -> ::std::fmt::Result {
                out.write_str(concat!(stringify!($name), " {"))?;
                let mut separator = " ";
                $(
                    out.write_str(separator)?;
                    out.write_str(concat!(stringify!($field), ": "))?;
                    $crate::Tree::write_structure(&self.$field, out)?;
                    separator = ", ";
                )+
                let _ = separator;
                out.write_str(" }")
            }
        }
    };
}
