//! `cotangent solve`: degrade a picture, restore it, measure.

use crate::arguments::SolveArguments;
use crate::comparison::{Panel, comparison};
use crate::failure::Result;
use crate::output::{self, Contents};
use crate::picture::Picture;
use crate::plot::convergence;
use crate::problem::{Problem, Solved};
use crate::report::{Summary, statistics};
use crate::run::check_profile;
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
    if let Some(folder) = &arguments.out {
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
        profile: arguments.profile.clone(),
    };
    let clean = picture.array();
    let bar = progress_bar(&problem);
    let solved = problem.solve(&clean, &mut |iterations, objective| {
        bar.set_position(iterations as u64);
        bar.set_message(format!("objective {objective:.4e}"));
    });
    bar.finish_and_clear();
    let solved = solved?;
    let summary = Summary {
        problem: &problem,
        solved: &solved,
        shape: picture.shape(),
        psnr_input: psnr(&clean, &solved.degraded, Some(1.0)).item()?,
        psnr_output: psnr(&clean, &solved.restored, Some(1.0)).item()?,
    };
    let files = match &arguments.out {
        Some(_) => files(&picture, &solved, &summary)?,
        None => Vec::new(),
    };
    if let Some(folder) = &arguments.out {
        output::publish(folder, &files)?;
    }
    let text = match (arguments.json, &arguments.out) {
        (true, _) => summary.json(),
        (false, Some(folder)) => {
            let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
            format!("{}written to {}: {}\n", summary.text(), folder.display(), names.join(", "))
        }
        (false, None) => format!("{}nothing was written; name a folder with `--out`\n", summary.text()),
    };
    output::print(&text)
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

/// The files of a result.
fn files(picture: &Picture, solved: &Solved, summary: &Summary<'_>) -> Result<Vec<Contents>> {
    let degraded = picture.with_values(&solved.degraded)?;
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
