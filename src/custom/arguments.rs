//! Arguments that custom rules do not differentiate by.

use crate::function::{Argument, Arguments, Arity, Selection};
use crate::tree::Tree;

/// All arguments are differentiated by: rules as they come, without [`nondiff`](super::WithJvp::nondiff).
#[derive(Clone, Copy, Debug)]
pub struct AllDifferentiated;

/// Which argument of a function its custom rule does not differentiate by: [`Argument<N>`](Argument) of a function of two
/// to eight arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name an argument of a function of `{A}`",
    note = "use `Argument<N>` with `N` below the number of arguments, which must be at least two; several arguments that \
            are not differentiated by can be passed as one tuple"
)]
pub trait Nondifferentiated<A: Tree, M: Arguments<A>> {
    /// The argument that is not differentiated by.
    type Fixed: Tree;

    /// The others, as a function takes them: one as it is, several as a tuple.
    type Others: Tree;

    /// Takes arguments apart.
    fn split(args: &A) -> (Self::Fixed, Self::Others);

    /// Puts arguments together again.
    fn join(fixed: Self::Fixed, others: Self::Others) -> A;

    /// For each leaf of the arguments whether it belongs to the others.
    fn differentiated(args: &A) -> Vec<bool>;
}

/// The flags of the leaves that a selection leaves over.
fn unselected<A: Tree, M: Arguments<A>, S: Selection<A, M>>(args: &A) -> Vec<bool> {
    let mut flags = vec![true; args.leaves().len()];
    S::positions(args).into_iter().for_each(|position| flags[position] = false);
    flags
}

impl<A: Tree, B: Tree> Nondifferentiated<(A, B), Arity<2>> for Argument<0> {
    type Fixed = A;
    type Others = B;

    fn split((fixed, other): &(A, B)) -> (A, B) {
        (fixed.clone(), other.clone())
    }

    fn join(fixed: A, other: B) -> (A, B) {
        (fixed, other)
    }

    fn differentiated(args: &(A, B)) -> Vec<bool> {
        unselected::<_, Arity<2>, Argument<0>>(args)
    }
}

impl<A: Tree, B: Tree> Nondifferentiated<(A, B), Arity<2>> for Argument<1> {
    type Fixed = B;
    type Others = A;

    fn split((other, fixed): &(A, B)) -> (B, A) {
        (fixed.clone(), other.clone())
    }

    fn join(fixed: B, other: A) -> (A, B) {
        (other, fixed)
    }

    fn differentiated(args: &(A, B)) -> Vec<bool> {
        unselected::<_, Arity<2>, Argument<1>>(args)
    }
}

/// Implements [`Nondifferentiated`] for each argument of a function in turn: those before it, itself, those after it.
macro_rules! nondifferentiated {
    ($count:literal $all:tt [$($before:ident $b:tt)*] $name:ident $position:tt $($after:ident $a:tt)*) => {
        nondifferentiated!(@one $count $all [$($before $b)*] $name $position [$($after $a)*]);
        nondifferentiated!($count $all [$($before $b)* $name $position] $($after $a)*);
    };
    ($count:literal $all:tt [$($before:ident $b:tt)*]) => {};
    (@one $count:literal ($($all:ident)+) [$($before:ident $b:tt)*] $name:ident $position:tt [$($after:ident $a:tt)*]) => {
        impl<$($all: Tree),+> Nondifferentiated<($($all,)+), Arity<$count>> for Argument<$position> {
            type Fixed = $name;
            type Others = ($($before,)* $($after,)*);

            fn split(args: &($($all,)+)) -> (Self::Fixed, Self::Others) {
                (args.$position.clone(), ($(args.$b.clone(),)* $(args.$a.clone(),)*))
            }

            #[expect(non_snake_case, reason = "the names of the types serve for the values")]
            fn join($name: $name, ($($before,)* $($after,)*): Self::Others) -> ($($all,)+) {
                ($($all,)+)
            }

            fn differentiated(args: &($($all,)+)) -> Vec<bool> {
                unselected::<_, Arity<$count>, Argument<$position>>(args)
            }
        }
    };
}
nondifferentiated!(3 (A B C) [] A 0 B 1 C 2);
nondifferentiated!(4 (A B C D) [] A 0 B 1 C 2 D 3);
nondifferentiated!(5 (A B C D E) [] A 0 B 1 C 2 D 3 E 4);
nondifferentiated!(6 (A B C D E F) [] A 0 B 1 C 2 D 3 E 4 F 5);
nondifferentiated!(7 (A B C D E F G) [] A 0 B 1 C 2 D 3 E 4 F 5 G 6);
nondifferentiated!(8 (A B C D E F G H) [] A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
