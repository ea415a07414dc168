//! The catalogue: what `compile` knows to make kernels of, by name.

mod dictionary;
mod least_squares;
mod variation;

use crate::arguments::ProblemName;
use crate::failure::{Failure, Result};
use crate::part::Part;
use crate::picture::{LEAST_SIDE, Picture};
use crate::problem::Problem;
use crate::recipe::Recipe;
use clap::ValueEnum;
use cotangent::artifact::KernelBuilder;

/// An entry of the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
    /// A posed problem of pictures, as `solve` solves it.
    Problem(ProblemName),
    /// Total-variation denoising with a smooth total variation, by L-BFGS.
    LbfgsTv,
    /// Least squares with a dense matrix, by conjugate gradients.
    CgLeastSquares,
    /// Sparse coefficients of a dense dictionary, by accelerated proximal gradients.
    DictionaryCode,
}

/// What can be chosen about an entry.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Chosen {
    /// Extents of the pictures, or of the matrix.
    pub(crate) shape: Vec<usize>,
    pub(crate) lambda: f64,
    /// The most iterations.
    pub(crate) iterations: usize,
    pub(crate) noise: f64,
}

/// Extents of a matrix, if none are chosen.
const MATRIX: [usize; 2] = [256, 512];

impl Entry {
    /// All entries.
    pub(crate) fn all() -> Vec<Entry> {
        let problems = ProblemName::value_variants().iter().map(|name| Entry::Problem(*name));
        problems.chain([Entry::LbfgsTv, Entry::CgLeastSquares, Entry::DictionaryCode]).collect()
    }

    /// As it is spelled on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Entry::Problem(name) => name.name(),
            Entry::LbfgsTv => "lbfgs-tv",
            Entry::CgLeastSquares => "cg-least-squares",
            Entry::DictionaryCode => "dictionary-code",
        }
    }

    /// The entry of that name.
    pub(crate) fn named(name: &str) -> Option<Entry> {
        Entry::all().into_iter().find(|entry| entry.name() == name)
    }

    /// What its kernel is called.
    pub(crate) fn kernel(self) -> String {
        self.name().replace('-', "_")
    }

    /// Whether its shape is that of a picture; otherwise it is that of a matrix.
    pub(crate) fn is_of_pictures(self) -> bool {
        matches!(self, Entry::Problem(_) | Entry::LbfgsTv)
    }

    /// Whether the method depends on the noise.
    pub(crate) fn has_noise(self) -> bool {
        matches!(self, Entry::Problem(name) if Problem::usual(name).is_noise_fixed())
    }

    /// What is commonly chosen.
    pub(crate) fn usual(self) -> Result<Chosen> {
        let shape = if self.is_of_pictures() { Picture::photograph()?.shape() } else { MATRIX.to_vec() };
        let (lambda, iterations, noise) = match self {
            Entry::Problem(name) => {
                let Problem { lambda, iterations, noise, .. } = Problem::usual(name);
                (lambda, iterations, noise)
            }
            Entry::LbfgsTv => (0.1, 100, 0.0),
            Entry::CgLeastSquares => (0.0, 200, 0.0),
            Entry::DictionaryCode => (0.1, 100, 0.0),
        };
        Ok(Chosen { shape, lambda, iterations, noise })
    }

    /// The names of its functions.
    pub(crate) fn functions(self) -> &'static [&'static str] {
        match self {
            Entry::Problem(_) | Entry::DictionaryCode => &Recipe::PARTS,
            Entry::LbfgsTv => &variation::PARTS,
            Entry::CgLeastSquares => &least_squares::PARTS,
        }
    }

    /// A kernel of the functions of these names, which are among those of the entry.
    pub(crate) fn kernel_of(self, chosen: &Chosen, functions: &[&str]) -> Result<KernelBuilder> {
        self.check(chosen)?;
        let Chosen { lambda, iterations, noise, ref shape } = *chosen;
        let (text, fixed, parts) = match self {
            Entry::Problem(name) => {
                let problem = Problem { lambda, iterations, noise, ..Problem::usual(name) };
                let recipe = problem.instance(shape)?.recipe;
                (recipe.text, problem.fixed(), of_recipe(&recipe, iterations, functions)?)
            }
            Entry::DictionaryCode => {
                let recipe = dictionary::recipe(shape, lambda);
                (
                    recipe.text,
                    format!("lambda = {lambda}, iterations = {iterations}"),
                    of_recipe(&recipe, iterations, functions)?,
                )
            }
            Entry::LbfgsTv => {
                let part = |name: &&str| variation::part(name, shape, lambda, iterations);
                let parts = functions.iter().map(part).collect::<Result<_>>()?;
                (variation::TEXT, format!("lambda = {lambda}, iterations = {iterations}"), parts)
            }
            Entry::CgLeastSquares => {
                let part = |name: &&str| least_squares::part(name, shape, iterations);
                let parts = functions.iter().map(part).collect::<Result<_>>()?;
                (least_squares::TEXT, format!("iterations = {iterations}"), parts)
            }
        };
        let builder = KernelBuilder::new(self.kernel()).description(format!("{text}; {fixed}"));
        parts.iter().try_fold(builder, |builder: KernelBuilder, part: &Part| Ok(builder.function(part.source()?)))
    }

    /// Refuses what makes no sense for the entry.
    fn check(self, chosen: &Chosen) -> Result<()> {
        let Chosen { shape, .. } = chosen;
        let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
        let refused =
            |message: &str| Err(Failure::new(format!("{}: --shape {}: {message}", self.name(), extents.join("x"))));
        match (self.is_of_pictures(), &shape[..]) {
            (true, [.., height, width]) if height.min(width) < &LEAST_SIDE => {
                refused(&format!("each side of a picture needs at least {LEAST_SIDE} pixels"))
            }
            (false, [_, _, _]) => refused("it is the shape of a matrix, rows by columns; leave the third extent out"),
            _ => Ok(()),
        }
    }
}

fn of_recipe(recipe: &Recipe, iterations: usize, functions: &[&str]) -> Result<Vec<Part>> {
    functions.iter().map(|name| recipe.part(name, iterations)).collect()
}
