//! Functions of trees: what transformations take and give back.
//!
//! Closures and `fn` items of one to eight trees are functions, and so is everything a transformation returns, so that
//! transformations compose: `jit(value_and_grad(f))`, `vmap(grad(f))`. A function of one argument is applied to that
//! argument, a function of several to a tuple of them. The marker [`Arity`] keeps the two apart and is always inferred.

use crate::tree::Tree;

/// The number of arguments of a [`Function`]. Never named by callers: it follows from the function's type.
#[derive(Clone, Copy, Debug)]
pub struct Arity<const N: usize>;

/// A function from trees to a tree.
///
/// Annotate the parameters of closures (`|x: Array| ...`): a function may have any number of arguments, so their types
/// are not inferred from the call.
///
/// ```
/// use cotangent::{Array, Function, grad};
/// let f = grad(|x: Array| (&x * &x).sum());
/// assert_eq!(f.apply(Array::from([1.0f32, 2.0])).to_vec::<f32>().unwrap(), [2.0, 4.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function from `{Args}` to a tree",
    note = "functions of one argument are applied to it, functions of several to a tuple: `f.call((x, y))`",
    note = "closures need the types of their parameters written: `|x: Array| ...`",
    note = "arguments and results must be trees: arrays, tuples, vectors, structs with `impl_tree!`"
)]
pub trait Function<Args, Marker> {
    /// The type of the result.
    type Output: Tree;

    /// Applies the function: at once outside any trace, recorded inside one. An error is found in the leaves.
    #[track_caller]
    fn apply(&self, args: Args) -> Self::Output;

    /// Whether it may be differentiated by integers; see [`allow_int`](crate::allow_int).
    fn allows_int(&self) -> bool {
        false
    }
}

/// How a tuple of arguments divides into single ones. Implemented by [`Arity`].
pub trait Arguments<Args: Tree> {
    /// The number of leaves of each argument.
    fn leaf_counts(args: &Args) -> Vec<usize>;
}

/// The type and value of argument number `N`. Implemented by [`Arity`].
pub trait ArgumentAt<const N: usize, Args: Tree>: Arguments<Args> {
    /// Its type.
    type Argument: Tree;

    /// Its value.
    fn argument(args: &Args) -> Self::Argument;
}

/// Selects argument number `N`, counted from 0, to differentiate by.
#[derive(Clone, Copy, Debug)]
pub struct Argument<const N: usize>;

/// Selects all arguments to differentiate by.
#[derive(Clone, Copy, Debug)]
pub struct AllArguments;

/// What to differentiate by: [`Argument<N>`](Argument), tuples of up to four of them, or [`AllArguments`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not select arguments of a function of `{Args}`",
    note = "use `Argument<N>` with `N` below the number of arguments, a tuple of those, or `AllArguments`"
)]
pub trait Selection<Args: Tree, Marker: Arguments<Args>> {
    /// The type of the selected arguments, and of gradients by them.
    type Selected: Tree;

    /// The selected arguments.
    fn select(args: &Args) -> Self::Selected;

    /// For each selected leaf, in the order of the selection, its position among the leaves of all arguments.
    fn positions(args: &Args) -> Vec<usize>;
}

impl<Args: Tree, Marker: ArgumentAt<N, Args>, const N: usize> Selection<Args, Marker> for Argument<N> {
    type Selected = Marker::Argument;

    fn select(args: &Args) -> Marker::Argument {
        Marker::argument(args)
    }

    fn positions(args: &Args) -> Vec<usize> {
        let counts = Marker::leaf_counts(args);
        let first = counts[..N].iter().sum::<usize>();
        (first..first + counts[N]).collect()
    }
}

impl<Args: Tree, Marker: Arguments<Args>> Selection<Args, Marker> for AllArguments {
    type Selected = Args;

    fn select(args: &Args) -> Args {
        args.clone()
    }

    fn positions(args: &Args) -> Vec<usize> {
        (0..args.leaves().len()).collect()
    }
}

macro_rules! selections {
    ($(($($name:ident),+))*) => { $(
        impl<Args: Tree, Marker: Arguments<Args>, $($name: Selection<Args, Marker>),+> Selection<Args, Marker>
            for ($($name,)+)
        {
            type Selected = ($($name::Selected,)+);

            fn select(args: &Args) -> Self::Selected {
                ($($name::select(args),)+)
            }

            fn positions(args: &Args) -> Vec<usize> {
                [$($name::positions(args)),+].concat()
            }
        }
    )* };
}
selections!((I)(I, J)(I, J, K)(I, J, K, L));

impl<F, A, O> Function<A, Arity<1>> for F
where
    F: Fn(A) -> O,
    A: Tree,
    O: Tree,
{
    type Output = O;

    #[track_caller]
    fn apply(&self, argument: A) -> O {
        self(argument)
    }
}

impl<A: Tree> Arguments<A> for Arity<1> {
    fn leaf_counts(argument: &A) -> Vec<usize> {
        vec![argument.leaves().len()]
    }
}

impl<A: Tree> ArgumentAt<0, A> for Arity<1> {
    type Argument = A;

    fn argument(argument: &A) -> A {
        argument.clone()
    }
}

macro_rules! arities {
    ($($count:literal ($($name:ident $position:tt),+);)*) => { $(
        impl<Func, Output, $($name),+> Function<($($name,)+), Arity<$count>> for Func
        where
            Func: Fn($($name),+) -> Output,
            Output: Tree,
            $($name: Tree,)+
        {
            type Output = Output;

            #[track_caller]
            fn apply(&self, args: ($($name,)+)) -> Output {
                self($(args.$position),+)
            }
        }

        impl<$($name: Tree),+> Arguments<($($name,)+)> for Arity<$count> {
            fn leaf_counts(args: &($($name,)+)) -> Vec<usize> {
                vec![$(args.$position.leaves().len()),+]
            }
        }

        arities!(@at $count ($($name),+) $($name $position),+);
    )* };
    (@at $count:literal $all:tt $($name:ident $position:tt),+) => {
        $(arities!(@one $count $all $name $position);)+
    };
    (@one $count:literal ($($all:ident),+) $name:ident $position:tt) => {
        impl<$($all: Tree),+> ArgumentAt<$position, ($($all,)+)> for Arity<$count> {
            type Argument = $name;

            fn argument(args: &($($all,)+)) -> $name {
                args.$position.clone()
            }
        }
    };
}
arities! {
    2 (A 0, B 1);
    3 (A 0, B 1, C 2);
    4 (A 0, B 1, C 2, D 3);
    5 (A 0, B 1, C 2, D 3, E 4);
    6 (A 0, B 1, C 2, D 3, E 4, F 5);
    7 (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    8 (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
}
