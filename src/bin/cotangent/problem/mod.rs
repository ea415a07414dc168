//! The posed problems: how a picture is degraded, and the method that restores it.
//!
//! A problem of pictures of one shape is an [`Instance`]: it degrades pictures, and has the [`Recipe`] of the functions that
//! restore them. `solve` compiles and runs the same function that `compile` writes to a file, so that both give the same bits.
//!
//! Colours are restored each for itself but in one program: operators act on the last two axes of a stack of planes.
//! (Batching with `vmap` would do the same, were it not for the reports of progress, which cannot be batched.)

mod gradients;
mod splitting;

use crate::arguments::ProblemName;
use crate::failure::{Failure, Result};
use crate::recipe::{Meaning, Recipe};
use cotangent::random::{self, Key};
use cotangent::{Array, DType, Type};

/// A problem with everything that can be chosen about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Problem {
    pub(crate) name: ProblemName,
    /// Standard deviation of the noise.
    pub(crate) noise: f64,
    /// Weight of what is added to the data term.
    pub(crate) lambda: f64,
    pub(crate) iterations: usize,
    pub(crate) seed: u64,
}

/// A problem of pictures of one shape.
pub(crate) struct Instance {
    pub(crate) recipe: Recipe,
    degrade: Box<Degrade>,
}

/// Degrades a picture.
type Degrade = dyn Fn(&Array) -> cotangent::Result<Measured>;

/// A degraded picture.
pub(crate) struct Measured {
    /// As it is shown.
    pub(crate) degraded: Array,
    /// What was measured of it, an array for each of the recipe's data.
    pub(crate) data: Vec<Array>,
}

/// What functions of all problems give.
const RESTORED: Meaning = Meaning::new("restored", "The restored picture, from 0 to 1.");

impl Instance {
    fn new(recipe: Recipe, degrade: impl Fn(&Array) -> cotangent::Result<Measured> + 'static) -> Instance {
        Instance { recipe, degrade: Box::new(degrade) }
    }

    /// Degrades a picture.
    pub(crate) fn degrade(&self, clean: &Array) -> Result<Measured> {
        let measured = (self.degrade)(clean)?;
        measured.data.iter().chain([&measured.degraded]).try_for_each(|array| array.tensor().map(drop))?;
        Ok(measured)
    }
}

impl Measured {
    /// A picture that is itself what was measured.
    fn picture(degraded: Array) -> Measured {
        Measured { data: vec![degraded.clone()], degraded }
    }
}

impl Problem {
    /// A problem with the parameters commonly used for it.
    pub(crate) fn usual(name: ProblemName) -> Problem {
        let (noise, lambda, iterations) = match name {
            ProblemName::DenoiseTv => (0.1, 0.1, 100),
            ProblemName::DeconvTv => (0.01, 0.002, 60),
            ProblemName::CtTv => (0.005, 0.5, 25),
            ProblemName::SparseCode => (0.1, 0.1, 100),
            ProblemName::InpaintTv => (0.02, 0.01, 300),
            ProblemName::PoissonDenoise => (0.1, 0.1, 100),
        };
        Problem { name, noise, lambda, iterations, seed: 0 }
    }

    /// The problem for pictures of a shape: rows and columns, or planes, rows and columns.
    pub(crate) fn instance(&self, shape: &[usize]) -> Result<Instance> {
        let ty = Type::new(DType::F32, shape);
        match self.name {
            ProblemName::DenoiseTv => Ok(splitting::denoise(*self, ty)),
            ProblemName::DeconvTv => splitting::deconvolve(*self, ty),
            ProblemName::CtTv => splitting::reconstruct(*self, ty),
            ProblemName::SparseCode => gradients::code(*self, ty),
            ProblemName::InpaintTv => Ok(splitting::inpaint(*self, ty)),
            ProblemName::PoissonDenoise => gradients::count(*self, ty),
        }
    }

    /// What its kernel is called.
    pub(crate) fn kernel(&self) -> String {
        self.name.name().replace('-', "_")
    }

    /// What a program for it has fixed, as its kernel's description tells it.
    pub(crate) fn fixed(&self) -> String {
        let noise = if self.is_noise_fixed() { format!(", noise = {}", self.noise) } else { String::new() };
        format!("lambda = {}, iterations = {}{noise}", self.lambda, self.iterations)
    }

    /// The problem with what a kernel's description tells.
    pub(crate) fn with_fixed(self, description: &str) -> Option<Problem> {
        let value = |name: &str| {
            let (_, rest) = description.rsplit_once(&format!("{name} = "))?;
            rest.split([',', ';', ' ']).next()
        };
        let mut problem = self;
        problem.lambda = value("lambda")?.parse().ok()?;
        problem.iterations = value("iterations")?.parse().ok()?;
        if self.is_noise_fixed() {
            problem.noise = value("noise")?.parse().ok()?;
        }
        Some(problem)
    }

    /// Whether the noise is a parameter of the method too, not of the degradation alone.
    pub(crate) fn is_noise_fixed(&self) -> bool {
        self.name == ProblemName::PoissonDenoise
    }

    /// Photons that white is made of, so that their noise is that noise.
    fn photons(&self) -> Result<f64> {
        if self.noise <= 0.0 {
            return Err(Failure::new(
                "poisson-denoise: without noise there is no number of photons; give `--noise` above 0",
            ));
        }
        Ok(1.0 / (self.noise * self.noise))
    }

    fn with_noise(&self, picture: &Array) -> cotangent::Result<Array> {
        let noise = random::normal(&Key::new(self.seed), &picture.shape()?, DType::F32);
        Ok(picture + self.noise * noise)
    }
}

#[cfg(test)]
mod tests {
    use super::Problem;
    use crate::arguments::ProblemName;

    #[test]
    fn what_is_fixed_is_read_as_it_is_written() {
        for name in [ProblemName::DenoiseTv, ProblemName::PoissonDenoise] {
            let usual = Problem::usual(name);
            let other = Problem { lambda: 0.025, iterations: 7, noise: 0.0625, ..usual };
            let told = usual.with_fixed(&format!("Denoising; {}", other.fixed())).unwrap();
            assert_eq!((told.lambda, told.iterations), (0.025, 7));
            assert_eq!(told.noise, if usual.is_noise_fixed() { 0.0625 } else { usual.noise });
        }
        assert!(Problem::usual(ProblemName::DenoiseTv).with_fixed("something else").is_none());
    }
}
