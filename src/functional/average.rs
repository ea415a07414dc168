//! The proximal average of functionals.

use super::parameter::checked;
use super::{Functional, Prox};
use crate::inner::zip;
use crate::{Array, Error, ErrorKind, Factor, Result, Variable};

/// A functional with the prox `Σ α_i prox_{λ f_i}(v)`, a stand-in for `Σ α_i f_i` in methods that need a prox of the sum.
///
/// Its value is `Σ α_i f_i(x)`; infinite terms, those of indicators, are left out unless
/// [`with_infinite`](ProximalAverage::with_infinite) asks for them, because the average of projections is outside of the
/// sets. (Y.-L. Yu, *Better approximation and faster algorithm using the proximal average*, 2013.)
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, L1Norm, L2Norm, Prox, ProximalAverage};
/// let members: [Box<dyn Prox>; 2] = [Box::new(L1Norm::new()), Box::new(L2Norm::new())];
/// let average = ProximalAverage::weighted(members, &[1.0, 3.0])?;
/// let v = Array::from([-2.0f32, -1.0, 0.0, 0.5, 3.0]);
/// assert!((average.value(&v).item()? - 4.456188).abs() < 1e-5);
/// assert!((average.prox(&v, 1.0.into()).to_vec::<f32>()?[0] + 1.352640).abs() < 1e-5);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProximalAverage<F> {
    members: Vec<F>,
    /// One for each member, of sum 1.
    weights: Vec<f64>,
    with_infinite: bool,
}

impl<F> ProximalAverage<F> {
    /// The average with equal weights.
    ///
    /// # Errors
    /// No member.
    pub fn new(members: impl IntoIterator<Item = F>) -> Result<ProximalAverage<F>> {
        let members: Vec<F> = members.into_iter().collect();
        let weights = vec![1.0; members.len()];
        ProximalAverage::weighted(members, &weights)
    }

    /// The average with weights, which are divided by their sum.
    ///
    /// # Errors
    /// No member; not one weight for each; a weight that is negative or not finite; weights that are all 0.
    pub fn weighted(members: impl IntoIterator<Item = F>, weights: &[f64]) -> Result<ProximalAverage<F>> {
        let members: Vec<F> = members.into_iter().collect();
        let refuse = |message| Err(Error::new(ErrorKind::Argument, "ProximalAverage", message));
        if members.is_empty() {
            return refuse("averages at least one functional, got none".to_string());
        }
        if members.len() != weights.len() {
            return refuse(format!("{} functionals with {} weights; give one for each", members.len(), weights.len()));
        }
        for &weight in weights {
            checked("ProximalAverage", "a weight", weight, 0.0, true)?;
        }
        let sum: f64 = weights.iter().sum();
        if sum == 0.0 {
            return refuse("all weights are 0; at least one must be positive".to_string());
        }
        let weights = weights.iter().map(|weight| weight / sum).collect();
        Ok(ProximalAverage { members, weights, with_infinite: false })
    }

    /// The same, with infinite terms counted in its value.
    pub fn with_infinite(self) -> ProximalAverage<F> {
        ProximalAverage { with_infinite: true, ..self }
    }

    /// The weights, of sum 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }
}

impl<X: Variable, F: Functional<X>> Functional<X> for ProximalAverage<F> {
    fn value(&self, x: &X) -> Array {
        let terms = self.members.iter().zip(&self.weights).map(|(member, &weight)| {
            let value = member.value(x);
            let term = weight * &value;
            if self.with_infinite { term } else { value.is_inf().select(0.0, term) }
        });
        sum(terms, |a, b| a + b)
    }
}

impl<X: Variable, F: Prox<X>> Prox<X> for ProximalAverage<F> {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        let terms = self.members.iter().zip(&self.weights).map(|(member, &weight)| {
            let prox = member.prox(v, lambda.clone());
            prox.map_leaves(|leaf| weight * leaf)
        });
        sum(terms, |a, b| zip("ProximalAverage::prox", &a, &b, |a, b| a + b))
    }
}

/// The sum of at least one term.
fn sum<T>(terms: impl Iterator<Item = T>, add: impl Fn(T, T) -> T) -> T {
    terms.reduce(add).unwrap_or_else(|| cotangent_ir::error::internal("an average of no functionals"))
}
