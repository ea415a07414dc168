//! Plots: a solve's statistics against the iterations, and compile times against the size of programs.

use crate::failure::Result;
use cotangent::optimize::History;
use cotangent::plot::{Figure, Lines, Scale, convergence as panels};

/// A plot as SVG: the objective on the left, the residuals on the right, both logarithmic.
pub(crate) fn convergence(title: &str, history: &History) -> Result<String> {
    let [objective, residuals] = panels(history);
    let objective = objective.title(format!("{title}: objective"));
    Ok(Figure::new([objective.into(), residuals.into()]).svg()?)
}

/// A plot as SVG: milliseconds to trace and compile against instructions, both logarithmic.
pub(crate) fn scaling(series: &[(&'static str, Vec<(f64, f64)>)]) -> Result<String> {
    let drawn = series.iter().filter(|(_, points)| !points.is_empty()).cloned();
    let lines = Lines::through(drawn).scale(Scale::LogLog).markers();
    Ok(Figure::from(lines.title("time to trace and compile").labels("instructions", "milliseconds")).svg()?)
}
