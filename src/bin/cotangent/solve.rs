//! `cotangent solve`: degrade a picture, restore it, measure.

use crate::arguments::SolveArguments;
use crate::comparison::{Panel, comparison};
use crate::failure::Result;
use crate::npy;
use crate::output::{self, Contents};
use crate::picture::Picture;
use crate::plot::convergence;
use crate::problem::{Measured, Problem};
use crate::program::{Program, Solved, loaded, profile};
use crate::recipe::Recipe;
use crate::report::{Summary, statistics};
use crate::run::check_profile;
use cotangent::Array;
use cotangent::metric::psnr;
use cotangent::run::pool::set_threads;
use indicatif::{ProgressBar, ProgressStyle};

/// Runs the command.
pub(crate) fn solve(arguments: &SolveArguments) -> Result<()> {
    if let Some(threads) = arguments.threads {
        set_threads(threads as usize)?;
    }
    if let Some(path) = &arguments.profile {
        check_profile(path)?;
    }
    for folder in [&arguments.out, &arguments.save_arrays].into_iter().flatten() {
        output::check_folder(folder)?;
    }
    let picture = match &arguments.input {
        Some(path) => Picture::read(path)?,
        None => Picture::photograph()?,
    };
    let usual = Problem::usual(arguments.problem);
    let problem = Problem {
        name: arguments.problem,
        noise: arguments.noise.unwrap_or(usual.noise),
        lambda: arguments.lambda.unwrap_or(usual.lambda),
        iterations: arguments.maxiter.map_or(usual.iterations, |count| count as usize),
        seed: arguments.seed,
    };
    let shape = picture.shape();
    let (problem, instance, program) = match &arguments.kernel {
        Some(path) => loaded(problem, arguments.noise, &shape, path, arguments.trust.as_deref())?,
        None => {
            let instance = problem.instance(&shape)?;
            let program = Program::compile(&problem, &instance.recipe)?;
            (problem, instance, program)
        }
    };
    let clean = picture.array();
    let measured = instance.degrade(&clean)?;
    let recipe = &instance.recipe;
    let bar = progress_bar(&problem);
    let solved = program.solve(&problem, recipe, &measured, &mut |iterations, objective| {
        bar.set_position(iterations as u64);
        bar.set_message(format!("objective {objective:.4e}"));
    });
    bar.finish_and_clear();
    let solved = solved?;
    if let Some(path) = &arguments.profile {
        profile(&problem, recipe, &measured, path)?;
    }
    let summary = Summary {
        problem: &problem,
        program: &program,
        solved: &solved,
        shape,
        psnr_input: psnr(&clean, &measured.degraded, Some(1.0)).item()?,
        psnr_output: psnr(&clean, &solved.restored, Some(1.0)).item()?,
    };
    let mut told = String::new();
    let pictures = || pictures(&picture, &measured, &solved, &summary);
    let arrays = || arrays(recipe, &measured, &solved);
    let results: [(_, &dyn Fn() -> Result<Vec<Contents>>); 2] =
        [(&arguments.out, &pictures), (&arguments.save_arrays, &arrays)];
    for (folder, files) in results {
        if let Some(folder) = folder {
            let files = files()?;
            output::publish(folder, &files)?;
            let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
            told += &format!("written to {}: {}\n", folder.display(), names.join(", "));
        }
    }
    if told.is_empty() {
        told = "nothing was written; name a folder with `--out`\n".into();
    }
    output::print(&if arguments.json { summary.json() } else { summary.text() + &told })
}

/// A bar on standard error if that is a terminal, and nothing otherwise.
fn progress_bar(problem: &Problem) -> ProgressBar {
    let bar = ProgressBar::new(problem.iterations as u64);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_prefix(problem.name.name());
    bar
}

/// The files of a result, for people.
fn pictures(picture: &Picture, measured: &Measured, solved: &Solved, summary: &Summary<'_>) -> Result<Vec<Contents>> {
    let degraded = picture.with_values(&measured.degraded)?;
    let restored = picture.with_values(&solved.restored)?;
    let panels = [
        Panel { picture, caption: "original".into() },
        Panel { picture: &degraded, caption: format!("degraded {:.2} dB", summary.psnr_input) },
        Panel { picture: &restored, caption: format!("restored {:.2} dB", summary.psnr_output) },
    ];
    let file = |name: &str, bytes| Contents { name: name.into(), bytes };
    Ok(vec![
        file("degraded.png", degraded.png()),
        file("restored.png", restored.png()),
        file("comparison.png", comparison(&panels)),
        file("convergence.svg", convergence(summary.problem.name.name(), &solved.history)?.into_bytes()),
        file("statistics.csv", statistics(&solved.history).into_bytes()),
    ])
}

/// The files of a result, for programs: what a kernel's function takes, by the names of its arguments, and both pictures.
fn arrays(recipe: &Recipe, measured: &Measured, solved: &Solved) -> Result<Vec<Contents>> {
    let mut arrays = vec![("degraded", &measured.degraded), ("restored", &solved.restored)];
    let data = recipe.data.iter().map(|argument| argument.name).zip(&measured.data);
    arrays.extend(data.filter(|(name, _)| *name != "degraded"));
    let file = |(name, array): (&str, &Array)| {
        Ok(Contents { name: format!("{name}.npy"), bytes: npy::serialize(&*array.tensor()?) })
    };
    arrays.into_iter().map(file).collect()
}
