//! The terms of a sum that splitting methods take apart.

use crate::functional::Prox;
use crate::linop::{LinOp, Structure};
use crate::loss::SquaredL2Loss;
use crate::{Array, BlockArray, BlockType, ErrorKind, Factor, Tree, Variable};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// A term `g(C x)` with its penalty `ρ`.
///
/// The operators of the terms of one problem take the same variable, but each may give what it likes: an array, or a block
/// array. Its image is a [`BlockArray`] here, of one block for an array.
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::linop::{Boundary, FiniteDifference, Identity};
/// use cotangent::optimize::Term;
/// use cotangent::{Array, DType, Type};
/// let ty = Type::new(DType::F32, &[4, 5]);
/// let sparse = Term::new(0.1 * L1Norm::new(), Identity::new(ty.clone()), 1.0);
/// // Differences without an entry at the ends have different shapes along the axes.
/// let smooth = Term::new(L1Norm::new(), FiniteDifference::blocks(ty, Boundary::Edges { prepend: None, append: None })?, 2.0);
/// let images = [&sparse, &smooth].map(|term| term.apply(&Array::zeros(&[4, 5], DType::F32)).len());
/// assert_eq!(images, [1, 2]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub struct Term<X: Variable = Array> {
    parts: Arc<dyn Parts<X>>,
    rho: Factor,
}

impl<X: Variable> Clone for Term<X> {
    fn clone(&self) -> Term<X> {
        Term { parts: self.parts.clone(), rho: self.rho.clone() }
    }
}

impl<X: Variable> fmt::Debug for Term<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Term of {} with penalty {:?}", self.parts.describe(), self.rho)
    }
}

impl<X: Variable> Term<X> {
    /// The term `g(C x)` with penalty `ρ`.
    pub fn new<Y: Variable>(g: impl Prox<Y> + 'static, c: impl Into<LinOp<X, Y>>, rho: impl Into<Factor>) -> Term<X> {
        let c = c.into();
        let types = Y::array_types(&c.output_type()).to_vec();
        let shapes: Vec<_> = types.iter().map(|ty| ty.shape.clone()).collect();
        let ty = BlockType::new(types.first().map_or(crate::DType::F32, |ty| ty.dtype), &shapes);
        let loss_scale = loss_scale(&g);
        let parts = Composition { g: Arc::new(g), c, image: BlockArray::placeholder(&ty), loss_scale };
        Term { parts: Arc::new(parts), rho: rho.into() }
    }

    /// The penalty `ρ`.
    pub fn penalty(&self) -> &Factor {
        &self.rho
    }

    /// What the operator takes.
    pub fn input_type(&self) -> X::Type {
        self.parts.gram_op().input_type()
    }

    /// `g(z)`.
    #[track_caller]
    pub fn value(&self, z: &BlockArray) -> Array {
        self.parts.value(z)
    }

    /// `prox_{g / ρ}(v)`.
    #[track_caller]
    pub fn prox(&self, v: &BlockArray) -> BlockArray {
        self.parts.prox(v, self.rho.recip())
    }

    /// `C x`.
    #[track_caller]
    pub fn apply(&self, x: &X) -> BlockArray {
        self.parts.apply(x)
    }

    /// `ρ Cᴴ z`.
    #[track_caller]
    pub fn pull(&self, z: &BlockArray) -> X {
        self.parts.adjoint(z).map_leaves(|leaf| self.rho.times(&leaf))
    }

    /// `ρ Cᴴ C x`.
    #[track_caller]
    pub fn curve(&self, x: &X) -> X {
        self.parts.gram(x).map_leaves(|leaf| self.rho.times(&leaf))
    }

    /// `Cᴴ C` as an operator.
    pub fn gram_op(&self) -> LinOp<X, X> {
        self.parts.gram_op()
    }

    /// What direct solvers may exploit of the operator.
    pub fn structure(&self) -> Structure {
        self.parts.structure()
    }

    /// The operator, if it gives an array.
    pub fn array_operator(&self) -> Option<LinOp<X, Array>> {
        self.parts.operator().downcast_ref::<LinOp<X, Array>>().cloned()
    }

    /// `2 α` where `g` is a [`SquaredL2Loss`] with the factor `α`, given to [`Term::new`] as such.
    pub fn twice_loss_scale(&self) -> Option<Factor> {
        self.parts.twice_loss_scale()
    }

    /// The operator in words.
    pub(super) fn describe(&self) -> String {
        self.parts.describe()
    }
}

/// A functional and an operator, whatever is between them.
trait Parts<X: Variable>: Send + Sync {
    fn value(&self, z: &BlockArray) -> Array;
    fn prox(&self, v: &BlockArray, lambda: Factor) -> BlockArray;
    fn apply(&self, x: &X) -> BlockArray;
    fn adjoint(&self, z: &BlockArray) -> X;
    fn gram(&self, x: &X) -> X;
    fn gram_op(&self) -> LinOp<X, X>;
    fn structure(&self) -> Structure;
    fn operator(&self) -> &dyn Any;
    fn twice_loss_scale(&self) -> Option<Factor>;
    fn describe(&self) -> String;
}

struct Composition<X: Variable, Y: Variable> {
    g: Arc<dyn Prox<Y>>,
    c: LinOp<X, Y>,
    /// What an image of the operator looks like.
    image: BlockArray,
    loss_scale: Option<Factor>,
}

impl<X: Variable, Y: Variable> Composition<X, Y> {
    fn split(&self, y: &Y) -> BlockArray {
        self.image.with_leaves(y.leaves())
    }

    /// Blocks as what the operator gives; errors where there are not as many.
    #[track_caller]
    fn join(&self, z: &BlockArray) -> Y {
        let like = Y::placeholder(&self.c.output_type());
        if z.len() == self.image.len() {
            return like.with_leaves(z.blocks().to_vec());
        }
        let message = format!("takes {} blocks, got {}; start from a state of this method", self.image.len(), z.len());
        let error = cotangent_ir::fail(ErrorKind::Shape, "Term", message);
        like.map_leaves(|_| error.clone())
    }
}

impl<X: Variable, Y: Variable> Parts<X> for Composition<X, Y> {
    fn value(&self, z: &BlockArray) -> Array {
        self.g.value(&self.join(z))
    }

    fn prox(&self, v: &BlockArray, lambda: Factor) -> BlockArray {
        self.split(&self.g.prox(&self.join(v), lambda))
    }

    fn apply(&self, x: &X) -> BlockArray {
        self.split(&self.c.apply(x))
    }

    fn adjoint(&self, z: &BlockArray) -> X {
        self.c.adjoint(&self.join(z))
    }

    fn gram(&self, x: &X) -> X {
        self.c.gram(x)
    }

    fn gram_op(&self) -> LinOp<X, X> {
        self.c.gram_op()
    }

    fn structure(&self) -> Structure {
        self.c.structure()
    }

    fn operator(&self) -> &dyn Any {
        &self.c
    }

    fn twice_loss_scale(&self) -> Option<Factor> {
        self.loss_scale.clone()
    }

    fn describe(&self) -> String {
        format!("{:?}", self.c)
    }
}

/// `2 α` of a squared loss of arrays, whatever its operator gives.
fn loss_scale<G: 'static>(g: &G) -> Option<Factor> {
    let g: &dyn Any = g;
    let arrays = g.downcast_ref::<SquaredL2Loss<LinOp>>().map(SquaredL2Loss::twice_scale);
    arrays.or_else(|| g.downcast_ref::<SquaredL2Loss<LinOp<Array, BlockArray>>>().map(SquaredL2Loss::twice_scale))
}
