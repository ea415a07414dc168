//! Plots: a solve's statistics against the iterations, and compile times against the size of programs.

use crate::failure::{Failure, Result};
use cotangent::optimize::History;
use plotters::chart::{ChartBuilder, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::coord::combinators::IntoLogRange;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::PathElement;
use plotters::prelude::SVGBackend;
use plotters::series::LineSeries;
use plotters::style::{BLACK, Color, RGBColor, WHITE};
use std::fmt::Display;

/// Of the whole plot, in points.
const EXTENTS: (u32, u32) = (960, 400);

/// Of text, in points, with the family; which font that is, is left to who shows the plot.
const FONT: (&str, u32) = ("sans-serif", 14);

/// Easy to tell apart also for the colour-blind.
const COLOURS: [RGBColor; 3] = [RGBColor(0, 90, 160), RGBColor(200, 80, 0), RGBColor(0, 130, 100)];

/// A plot as SVG: the objective on the left, the residuals on the right, both logarithmic.
pub(crate) fn convergence(title: &str, history: &History) -> Result<String> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, EXTENTS).into_drawing_area();
    area.fill(&WHITE).map_err(failed)?;
    let (left, right) = area.split_horizontally(EXTENTS.0 / 2);
    panel(&left, &format!("{title}: objective"), history, &["Objective"])?;
    panel(&right, "residuals", history, &["Prml Rsdl", "Dual Rsdl"])?;
    area.present().map_err(failed)?;
    drop((left, right, area));
    Ok(text)
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    title: &str,
    history: &History,
    names: &[&'static str],
) -> Result<()> {
    let series: Vec<(&'static str, Vec<(f64, f64)>)> =
        names.iter().map(|&name| (name, points(history, name))).collect();
    let heights = || series.iter().flat_map(|(_, points)| points).map(|&(_, height)| height);
    let (low, high) =
        heights().fold((f64::INFINITY, 0.0f64), |(low, high), height| (low.min(height), high.max(height)));
    // Some room above and below; where nothing is positive, an empty chart.
    let (low, high) = if low <= high { (low / 1.1, high * 1.1) } else { (0.1, 10.0) };
    let last = history.rows().len().max(2) as f64 - 1.0;
    let mut chart = ChartBuilder::on(area)
        .caption(title, FONT)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..last, (low..high).log_scale())
        .map_err(failed)?;
    chart
        .configure_mesh()
        .x_desc("iteration")
        .label_style(FONT)
        .y_label_formatter(&|value| format!("{value:.1e}"))
        .x_label_formatter(&|value| format!("{value:.0}"))
        .max_light_lines(1)
        .draw()
        .map_err(failed)?;
    for ((name, points), colour) in series.iter().zip(COLOURS) {
        let drawn =
            chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2))).map_err(failed)?;
        drawn.label(*name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font(FONT)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()
        .map_err(failed)
}

/// A plot as SVG: milliseconds to trace and compile against instructions, both logarithmic.
pub(crate) fn scaling(series: &[(&'static str, Vec<(f64, f64)>)]) -> Result<String> {
    let points = || series.iter().flat_map(|(_, points)| points);
    let range = |of: fn(&(f64, f64)) -> f64| {
        points().map(of).fold((f64::INFINITY, 0.0f64), |(low, high), at| (low.min(at), high.max(at)))
    };
    let ((left, right), (low, high)) = (range(|point| point.0), range(|point| point.1));
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, (EXTENTS.0 / 2, EXTENTS.1)).into_drawing_area();
    area.fill(&WHITE).map_err(failed)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("time to trace and compile", FONT)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d((left / 1.1..right * 1.1).log_scale(), (low / 1.1..high * 1.1).log_scale())
        .map_err(failed)?;
    let mesh = &mut chart.configure_mesh();
    mesh.x_desc("instructions").y_desc("milliseconds").label_style(FONT).max_light_lines(1).draw().map_err(failed)?;
    for ((name, points), colour) in series.iter().zip(COLOURS).filter(|((_, points), _)| !points.is_empty()) {
        let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3);
        let drawn = chart.draw_series(line).map_err(failed)?;
        drawn.label(*name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    let labels = &mut chart.configure_series_labels();
    let labels = labels.position(SeriesLabelPosition::UpperLeft).label_font(FONT);
    labels.background_style(WHITE).border_style(BLACK).draw().map_err(failed)?;
    area.present().map_err(failed)?;
    drop((chart, area));
    Ok(text)
}

/// Iterations with the numbers of a column, those left out that a logarithm cannot show.
fn points(history: &History, name: &str) -> Vec<(f64, f64)> {
    let column = history.column(name).unwrap_or_default();
    let shown = |&(_, value): &(f64, f64)| value > 0.0 && value.is_finite();
    column.into_iter().enumerate().map(|(position, value)| (position as f64, value)).filter(shown).collect()
}

fn failed(error: impl Display) -> Failure {
    Failure::new(format!("the plot could not be drawn: {error}"))
}
