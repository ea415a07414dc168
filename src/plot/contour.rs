//! Lines of equal height.

use super::{ColourMap, FONT, Inlays, TITLE, failed, label, numbers, range};
use crate::{Array, Error, ErrorKind, Result};
use plotters::chart::ChartBuilder;
use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{PathElement, Rectangle, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{BLACK, Color, IntoFont, RGBColor};

/// Lines of equal height over the colours of the heights.
#[derive(Clone, Debug)]
pub struct Contour {
    grid: Grid,
    levels: Vec<f64>,
    map: ColourMap,
    title: String,
    labels: (String, String),
}

/// Heights over a grid.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) heights: Vec<f64>,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
}

impl Grid {
    /// The heights of a matrix over the positions of its columns and rows.
    pub(super) fn of(operation: &str, z: &Array) -> Result<Grid> {
        let (heights, shape) = numbers(operation, z)?;
        match shape[..] {
            [rows, columns] if rows > 1 && columns > 1 => {
                let positions = |count: usize| (0..count).map(|position| position as f64).collect();
                Ok(Grid { rows, columns, heights, x: positions(columns), y: positions(rows) })
            }
            _ => {
                let message = format!("draws matrices of at least 2 by 2, got {}; reshape it", z.ty()?);
                Err(Error::new(ErrorKind::Shape, operation, message))
            }
        }
    }

    /// The grid over other positions.
    pub(super) fn over(self, operation: &str, x: &Array, y: &Array) -> Result<Grid> {
        let (x, y) = (numbers(operation, x)?.0, numbers(operation, y)?.0);
        let rises = |positions: &[f64]| positions.windows(2).all(|pair| pair[0] < pair[1]);
        if x.len() != self.columns || y.len() != self.rows || !rises(&x) || !rises(&y) {
            let message = format!(
                "positions must be {} and {} rising numbers, got {} and {}; give one for each column and row",
                self.columns,
                self.rows,
                x.len(),
                y.len()
            );
            return Err(Error::new(ErrorKind::Argument, operation, message));
        }
        Ok(Grid { x, y, ..self })
    }

    pub(super) fn height(&self, row: usize, column: usize) -> f64 {
        self.heights[row * self.columns + column]
    }

    /// The segments of the line of a height: in each cell between four points, the lines between the places on its sides where
    /// the height is reached (marching squares).
    pub(super) fn level(&self, level: f64) -> Vec<[(f64, f64); 2]> {
        let mut segments = Vec::new();
        for (row, column) in (0..self.rows - 1).flat_map(|row| (0..self.columns - 1).map(move |column| (row, column))) {
            let corners = [(row, column), (row, column + 1), (row + 1, column + 1), (row + 1, column)];
            let place = |(row, column): (usize, usize)| (self.x[column], self.y[row]);
            let mut crossings = Vec::new();
            for (position, &from) in corners.iter().enumerate() {
                let to = corners[(position + 1) % 4];
                let (a, b) = (self.height(from.0, from.1), self.height(to.0, to.1));
                if (a < level) != (b < level) {
                    let part = (level - a) / (b - a);
                    let ((x0, y0), (x1, y1)) = (place(from), place(to));
                    crossings.push((x0 + part * (x1 - x0), y0 + part * (y1 - y0)));
                }
            }
            // Where two lines pass through a cell, they are paired as they come.
            segments.extend(crossings.chunks_exact(2).map(|pair| [pair[0], pair[1]]));
        }
        segments
    }
}

/// Lines of equal height of a matrix, at five heights unless [`levels`](Contour::levels) are given, over its colours. The first row
/// is at the bottom.
///
/// ```
/// use cotangent::{Array, DType};
/// use cotangent::plot::{Figure, contour};
/// let t = Array::linspace(-2.0, 2.0, 30, DType::F64);
/// let hill = (-(t.square().expand_dims(1) + t.square())).exp();
/// let lines = contour(&hill)?.over(&t, &t)?.levels(&[0.1, 0.5, 0.9]).title("hill");
/// assert!(Figure::from(lines).svg()?.contains("hill"));
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// An array that is not a real matrix of at least 2 by 2.
pub fn contour(z: &Array) -> Result<Contour> {
    let grid = Grid::of("contour", z)?;
    let (low, high) = range(grid.heights.iter().copied());
    let levels = (1..=5).map(|part| low + f64::from(part) / 6.0 * (high - low)).collect();
    Ok(Contour { grid, levels, map: ColourMap::YellowRed, title: String::new(), labels: Default::default() })
}

impl Contour {
    /// Over these positions of the columns and rows.
    ///
    /// # Errors
    /// Not one rising number for each column and row.
    pub fn over(self, x: &Array, y: &Array) -> Result<Contour> {
        Ok(Contour { grid: self.grid.over("contour", x, y)?, ..self })
    }

    /// With lines at these heights.
    pub fn levels(self, levels: &[f64]) -> Contour {
        Contour { levels: levels.to_vec(), ..self }
    }

    /// With a title.
    pub fn title(self, title: impl Into<String>) -> Contour {
        Contour { title: title.into(), ..self }
    }

    /// With labels of the axes.
    pub fn labels(self, x: impl Into<String>, y: impl Into<String>) -> Contour {
        Contour { labels: (x.into(), y.into()), ..self }
    }

    /// With other colours of the heights.
    pub fn colours(self, map: ColourMap) -> Contour {
        Contour { map, ..self }
    }

    pub(super) fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, _inlays: &mut Inlays) -> Result<()> {
        let grid = &self.grid;
        let ends = |positions: &[f64]| positions[0]..positions[positions.len() - 1];
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, TITLE)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d(ends(&grid.x), ends(&grid.y))
            .map_err(failed)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .x_desc(&self.labels.0)
            .y_desc(&self.labels.1)
            .label_style(FONT)
            .x_labels(6)
            .x_label_formatter(&|&value| label(value))
            .y_label_formatter(&|&value| label(value))
            .draw()
            .map_err(failed)?;
        let (low, high) = range(grid.heights.iter().copied());
        let cells = (0..grid.rows - 1).flat_map(|row| (0..grid.columns - 1).map(move |column| (row, column)));
        let cell = |(row, column): (usize, usize)| {
            let sum: f64 =
                [(0, 0), (0, 1), (1, 0), (1, 1)].iter().map(|&(r, c)| grid.height(row + r, column + c)).sum();
            let [red, green, blue] = self.map.colour((sum / 4.0 - low) / (high - low));
            let corners = [(grid.x[column], grid.y[row]), (grid.x[column + 1], grid.y[row + 1])];
            Rectangle::new(corners, RGBColor(red, green, blue).filled())
        };
        chart.draw_series(cells.map(cell)).map_err(failed)?;
        for &level in &self.levels {
            let segments = grid.level(level);
            let lines = segments.iter().map(|&segment| PathElement::new(segment, BLACK.stroke_width(1)));
            chart.draw_series(lines).map_err(failed)?;
            if let Some(&[place, _]) = segments.get(segments.len() / 2) {
                let style = FONT.into_font().color(&BLACK).pos(Pos::new(HPos::Center, VPos::Center));
                chart.draw_series([Text::new(label(level), place, style)]).map_err(failed)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Grid;
    use crate::Array;

    #[test]
    fn lines_lie_where_the_height_is_reached() {
        let slope = Array::from([[0.0f32, 1.0, 2.0], [0.0, 1.0, 2.0]]);
        let grid = Grid::of("contour", &slope).unwrap();
        assert_eq!(grid.level(0.5), [[(0.5, 0.0), (0.5, 1.0)]]);
        assert_eq!(grid.level(1.25), [[(1.25, 0.0), (1.25, 1.0)]]);
        assert!(grid.level(3.0).is_empty());
    }
}
