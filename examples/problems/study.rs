//! What the problems share: the command line, data, what is printed and drawn.

use cotangent::data::{Foam, SiemensStar, SphereFoam};
use cotangent::metric::{psnr, snr};
use cotangent::optimize::{History, Method, Options, Solution, solve};
use cotangent::plot::{Figure, Lines, Panel, Scale, imview, plot};
use cotangent::random::{Key, normal, permutation, uniform};
use cotangent::{Array, BlockArray, DType, Result, Variable};
use std::f64::consts::TAU;
use std::path::PathBuf;

/// What the command line says.
pub(crate) struct Arguments {
    pub(crate) names: Vec<String>,
    quick: bool,
    folder: PathBuf,
}

/// A problem being worked on.
pub(crate) struct Study {
    name: &'static str,
    quick: bool,
    folder: PathBuf,
}

impl Arguments {
    /// Those this process was started with.
    pub(crate) fn of_process() -> std::result::Result<Arguments, String> {
        let mut arguments = Arguments { names: Vec::new(), quick: false, folder: PathBuf::from("problems") };
        let mut given = std::env::args().skip(1);
        while let Some(argument) = given.next() {
            match argument.as_str() {
                "--quick" => arguments.quick = true,
                "--out" => arguments.folder = given.next().ok_or("`--out` needs the name of a folder")?.into(),
                option if option.starts_with('-') => {
                    return Err(format!("there is no option `{option}`; known are `--quick` and `--out FOLDER`"));
                }
                _ => arguments.names.push(argument),
            }
        }
        Ok(arguments)
    }
}

impl Study {
    pub(crate) fn new(name: &'static str, arguments: &Arguments) -> std::result::Result<Study, String> {
        std::fs::create_dir_all(&arguments.folder)
            .map_err(|error| format!("{}: {error}", arguments.folder.display()))?;
        println!("{name}");
        Ok(Study { name, quick: arguments.quick, folder: arguments.folder.clone() })
    }

    /// The extent of a picture, a quarter of it in a hurry.
    pub(crate) fn side(&self, full: usize) -> usize {
        if self.quick { (full / 4).max(16) } else { full }
    }

    /// The number of steps, a tenth of it in a hurry.
    pub(crate) fn steps(&self, full: usize) -> usize {
        if self.quick { (full / 10).max(2) } else { full }
    }

    /// Solves, and prints how close the solution is to the truth.
    pub(crate) fn solve<M: Method<Variable = Array>>(
        &self,
        title: &str,
        method: &M,
        steps: usize,
        truth: &Array,
    ) -> Result<Solution<M::State>> {
        self.solve_dual(title, method, steps, Array::clone, truth)
    }

    /// Solves for something else than the picture, which `restored` makes of it.
    pub(crate) fn solve_dual<M: Method<Variable = Array>>(
        &self,
        title: &str,
        method: &M,
        steps: usize,
        restored: impl Fn(&Array) -> Array,
        truth: &Array,
    ) -> Result<Solution<M::State>> {
        let solution = self.solved(method, steps)?;
        let range = (truth.max() - truth.min()).item()?;
        let closeness = format!("PSNR {:.2} dB", psnr(truth, &restored(&solution.x), Some(range)).item()?);
        print(title, &solution, &closeness);
        Ok(solution)
    }

    /// Solves for a complex picture.
    pub(crate) fn solve_complex<M: Method<Variable = Array>>(
        &self,
        title: &str,
        method: &M,
        steps: usize,
        truth: &Array,
    ) -> Result<Solution<M::State>> {
        let solution = self.solved(method, steps)?;
        print(title, &solution, &format!("SNR {:.2} dB", snr(truth, &solution.x).item()?));
        Ok(solution)
    }

    /// Solves for a block array.
    pub(crate) fn solve_blocks<M: Method<Variable = BlockArray>>(
        &self,
        title: &str,
        method: &M,
        steps: usize,
        truth: &BlockArray,
    ) -> Result<Solution<M::State, BlockArray>> {
        let solution = self.solved(method, steps)?;
        print(title, &solution, &format!("SNR {:.2} dB", snr(truth, &solution.x).item()?));
        Ok(solution)
    }

    fn solved<M: Method>(&self, method: &M, steps: usize) -> Result<Solution<M::State, M::Variable>> {
        solve(method, &Options { max_steps: self.steps(steps), report_every: 0, ..Options::default() })
    }

    /// Prints how close what was measured and what was made of it are to the truth.
    pub(crate) fn compare(&self, title: &str, truth: &Array, degraded: &Array, restored: &Array) -> Result<()> {
        let range = (truth.max() - truth.min()).item()?;
        let closeness = |x: &Array| psnr(truth, x, Some(range)).item();
        println!("    {title:<28} PSNR {:.2} dB -> {:.2} dB", closeness(degraded)?, closeness(restored)?);
        Ok(())
    }

    /// Writes pictures side by side. All have the greys of the first, unless they are of something else.
    pub(crate) fn show(&self, pictures: &[(&str, &Array)]) -> Result<()> {
        let (low, high) = (pictures[0].1.min().item()?, pictures[0].1.max().item()?);
        let view = |&(title, picture): &(&str, &Array)| {
            let view = imview(picture)?.title(title);
            let alike = picture.max().item()? <= 2.0 * high;
            Ok(if alike { view.bounds(low, high) } else { view }.into())
        };
        let views: Vec<Panel> = pictures.iter().map(view).collect::<Result<_>>()?;
        self.write(&Figure::new(views), "png")
    }

    /// Writes the elements of vectors as curves.
    pub(crate) fn curves(&self, vectors: &[(&str, &Array)]) -> Result<()> {
        let panel = |&(title, vector): &(&str, &Array)| Ok(plot(vector)?.title(title).into());
        let panels: Vec<Panel> = vectors.iter().map(panel).collect::<Result<_>>()?;
        self.write(&Figure::new(panels).columns(1), "png")
    }

    /// Writes the course of the objective of each method.
    pub(crate) fn plot(&self, histories: &[(&str, &History)]) -> Result<()> {
        let curves = histories.iter().map(|&(title, history)| {
            let values = history.column("Objective").unwrap_or_default();
            (title, values.iter().enumerate().map(|(step, &value)| (step as f64, value)).collect())
        });
        let lines = Lines::through(curves).title("objective").labels("step", "");
        let positive = histories.iter().all(|(_, history)| {
            history.column("Objective").is_some_and(|values| values.iter().all(|&value| value > 0.0))
        });
        self.write(&if positive { lines.scale(Scale::LogY) } else { lines }.into(), "svg")
    }

    fn write(&self, figure: &Figure, extension: &str) -> Result<()> {
        let path = self.folder.join(format!("{}.{extension}", self.name));
        figure.save(&path)?;
        println!("    wrote {}", path.display());
        Ok(())
    }
}

fn print<S, X: Variable>(title: &str, solution: &Solution<S, X>, closeness: &str) {
    let objective = solution.history.column("Objective").and_then(|values| values.last().copied());
    println!(
        "    {title:<28} {closeness}, objective {:.4e} after {} steps in {:.1?}, compiled in {:.1?}",
        objective.unwrap_or(f64::NAN),
        solution.steps,
        solution.timings.run,
        solution.timings.trace + solution.timings.compile
    );
}

/// A Siemens star of 0 and 1 with so many sectors.
pub(crate) fn star(side: usize, sectors: usize) -> Result<Array> {
    SiemensStar::new(sectors)?.image(&[side, side], DType::F32)
}

/// A star, and the star with normal noise of this standard deviation.
pub(crate) fn star_with_noise(side: usize, sectors: usize, deviation: f64) -> Result<(Array, Array)> {
    let truth = star(side, sectors)?;
    let y = &truth + noise(&truth, deviation)?;
    Ok((truth, y))
}

/// A star of magnitudes ½ and 1 with phases that change everywhere, and the same with complex noise.
pub(crate) fn complex_star_with_noise(side: usize, sectors: usize, deviation: f64) -> Result<(Array, Array)> {
    let magnitude = 0.5 + 0.5 * star(side, sectors)?;
    let phase = TAU * uniform(&Key::new(6), &[side, side], DType::F32);
    let truth = Array::complex(&magnitude * phase.cos(), &magnitude * phase.sin());
    let noise = deviation * normal(&Key::new(8), &[side, side], DType::C64);
    Ok((truth.clone(), truth + noise))
}

/// A foam of discs.
pub(crate) fn foam(side: usize) -> Result<Array> {
    Foam::new(Key::new(1234)).image(&[side, side], DType::F32)
}

/// A block with holes that are balls, one of its own for each channel.
pub(crate) fn foam_volume(channel: u64, shape: [usize; 3]) -> Result<Array> {
    SphereFoam::new(&Key::new(channel), 60)?.image(&shape, DType::F32)
}

/// Normal noise of the shape of an array, of this standard deviation.
pub(crate) fn noise(like: &Array, deviation: f64) -> Result<Array> {
    Ok(deviation * normal(&Key::new(0), &like.shape()?, DType::F32))
}

/// A matrix of normal numbers with columns of length 1.
pub(crate) fn dictionary(key: &Key, rows: usize, columns: usize) -> Array {
    let d = normal(key, &[rows, columns], DType::F32);
    &d / d.square().sum_axes(&[0]).sqrt()
}

/// A vector of zeros but for so many normal numbers.
pub(crate) fn spikes(key: &Key, length: usize, count: usize) -> Array {
    let (places, sizes) = key.split();
    let chosen = permutation(&places, length).less(count as i64);
    chosen.select(normal(&sizes, &[length], DType::F32), 0.0)
}
