//! Curves.

use super::{COLOURS, FONT, TITLE, failed, label, numbers, range};
use crate::optimize::History;
use crate::{Array, Error, ErrorKind, Result};
use plotters::chart::{ChartBuilder, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::coord::combinators::IntoLogRange;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::drawing::DrawingArea;
use plotters::element::PathElement;
use plotters::prelude::DrawingBackend;
use plotters::series::LineSeries;
use plotters::style::{BLACK, Color, WHITE};

/// Which axes are logarithmic.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scale {
    /// None.
    #[default]
    Linear,
    /// The horizontal one.
    LogX,
    /// The vertical one.
    LogY,
    /// Both.
    LogLog,
}

/// Curves in one coordinate system.
#[derive(Clone, Debug)]
pub struct Lines {
    series: Vec<Curve>,
    scale: Scale,
    title: String,
    x_label: String,
    y_label: String,
    markers: bool,
}

#[derive(Clone, Debug)]
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
}

/// The curve of a vector over its positions, or one for each column of a matrix. Where a number is not finite, or cannot be
/// shown on a logarithmic axis, a curve has a gap.
///
/// ```
/// use cotangent::{Array, DType};
/// use cotangent::plot::{Figure, plot};
/// let t = Array::linspace(0.0, 6.0, 50, DType::F64);
/// let curves = plot(&cotangent::stack(&[t.sin(), t.cos()], 1))?.over(&t)?.legend(&["sine", "cosine"]);
/// assert!(Figure::from(curves).svg()?.contains("cosine"));
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// An array that is not real, or has not one or two axes.
pub fn plot(y: &Array) -> Result<Lines> {
    let (values, shape) = numbers("plot", y)?;
    let columns = match shape[..] {
        [_] => 1,
        [_, columns] => columns,
        _ => {
            let message = format!("draws vectors and matrices of columns, got {}; reshape it", y.ty()?);
            return Err(Error::new(ErrorKind::Shape, "plot", message));
        }
    };
    let curve = |column: usize| {
        let heights = values.iter().skip(column).step_by(columns.max(1));
        let points = heights.enumerate().map(|(position, &height)| (position as f64, height)).collect();
        Curve { name: String::new(), points }
    };
    Ok(Lines { series: (0..columns).map(curve).collect(), ..Lines::empty() })
}

/// What a solve recorded: the objective and the residuals against the iterations, those that are there, on a logarithmic axis.
pub fn convergence(history: &History) -> [Lines; 2] {
    let panel = |title: &str, names: &[&str]| {
        let curve = |name: &&str| {
            let column = history.column(name)?;
            let points = column.into_iter().enumerate().map(|(step, value)| (step as f64, value)).collect();
            Some(Curve { name: name.to_string(), points })
        };
        let lines = Lines { series: names.iter().filter_map(curve).collect(), ..Lines::empty() };
        lines.scale(Scale::LogY).title(title).labels("iteration", "")
    };
    [panel("objective", &["Objective"]), panel("residuals", &["Prml Rsdl", "Dual Rsdl", "Residual"])]
}

impl Lines {
    fn empty() -> Lines {
        let none = String::new;
        Lines {
            series: Vec::new(),
            scale: Scale::Linear,
            title: none(),
            x_label: none(),
            y_label: none(),
            markers: false,
        }
    }

    /// Curves through points, each with its name.
    pub fn through<N: Into<String>>(curves: impl IntoIterator<Item = (N, Vec<(f64, f64)>)>) -> Lines {
        let series = curves.into_iter().map(|(name, points)| Curve { name: name.into(), points }).collect();
        Lines { series, ..Lines::empty() }
    }

    /// Over these positions.
    ///
    /// # Errors
    /// Another number of positions than the curves have.
    pub fn over(mut self, x: &Array) -> Result<Lines> {
        let (positions, _) = numbers("plot", x)?;
        for curve in &mut self.series {
            if curve.points.len() != positions.len() {
                let (given, wanted) = (positions.len(), curve.points.len());
                let message = format!("{given} positions for curves of {wanted} points; give one for each");
                return Err(Error::new(ErrorKind::Shape, "plot", message));
            }
            curve.points.iter_mut().zip(&positions).for_each(|(point, &position)| point.0 = position);
        }
        Ok(self)
    }

    /// With these axes logarithmic.
    pub fn scale(self, scale: Scale) -> Lines {
        Lines { scale, ..self }
    }

    /// With a title.
    pub fn title(self, title: impl Into<String>) -> Lines {
        Lines { title: title.into(), ..self }
    }

    /// With labels of the axes.
    pub fn labels(self, x: impl Into<String>, y: impl Into<String>) -> Lines {
        Lines { x_label: x.into(), y_label: y.into(), ..self }
    }

    /// With names of the curves, in order.
    pub fn legend(mut self, names: &[&str]) -> Lines {
        self.series.iter_mut().zip(names).for_each(|(curve, name)| curve.name = name.to_string());
        self
    }

    /// With a mark at each point.
    pub fn markers(self) -> Lines {
        Lines { markers: true, ..self }
    }

    /// Whether a point can be shown.
    fn shows(&self, &(x, y): &(f64, f64)) -> bool {
        let across = !matches!(self.scale, Scale::LogX | Scale::LogLog) || x > 0.0;
        let up = !matches!(self.scale, Scale::LogY | Scale::LogLog) || y > 0.0;
        x.is_finite() && y.is_finite() && across && up
    }

    pub(super) fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<()> {
        let shown = || self.series.iter().flat_map(|curve| &curve.points).filter(|point| self.shows(point));
        let (left, right) = range(shown().map(|point| point.0));
        let (low, high) = range(shown().map(|point| point.1));
        let (above, tall) = (high * 1.1, 0.05 * (high - low));
        // A range without positive numbers has none on a logarithmic axis.
        let log = |low: f64, high: f64| if low > 0.0 { low..high } else { 0.1..10.0 };
        match self.scale {
            Scale::Linear => self.draw_on(area, left..right, low - tall..high + tall),
            Scale::LogX => self.draw_on(area, log(left, right).log_scale(), low - tall..high + tall),
            Scale::LogY => self.draw_on(area, left..right, log(low / 1.1, above).log_scale()),
            Scale::LogLog => self.draw_on(area, log(left, right).log_scale(), log(low / 1.1, above).log_scale()),
        }
    }

    fn draw_on<B: DrawingBackend, X, Y>(&self, area: &DrawingArea<B, Shift>, x: X, y: Y) -> Result<()>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, TITLE)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d(x, y)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .x_desc(&self.x_label)
            .y_desc(&self.y_label)
            .label_style(FONT)
            .x_labels(6)
            .y_label_formatter(&|&value| label(value))
            .x_label_formatter(&|&value| label(value))
            .max_light_lines(1)
            .draw()
            .map_err(failed)?;
        for (curve, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            let stroke = colour.stroke_width(2);
            for (position, run) in
                curve.points.split(|point| !self.shows(point)).filter(|run| !run.is_empty()).enumerate()
            {
                let line = LineSeries::new(run.iter().copied(), stroke);
                let line = if self.markers || run.len() == 1 { line.point_size(3) } else { line };
                let drawn = chart.draw_series(line).map_err(failed)?;
                if position == 0 && !curve.name.is_empty() {
                    drawn.label(&curve.name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], stroke));
                }
            }
        }
        if self.series.iter().all(|curve| curve.name.is_empty()) {
            return Ok(());
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
}
