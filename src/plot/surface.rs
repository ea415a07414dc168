//! Heights as a surface in space.

use super::contour::Grid;
use super::{ColourMap, FONT, TITLE, failed, label, range};
use crate::{Array, Result};
use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{PathElement, Polygon, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{BLACK, Color, IntoFont, RGBColor};

/// Heights as a surface in space, seen from a direction.
#[derive(Clone, Debug)]
pub struct Surface {
    grid: Grid,
    elevation: f64,
    azimuth: f64,
    map: ColourMap,
    title: String,
    labels: [String; 3],
    floor: Vec<f64>,
}

/// The surface of a matrix of heights.
///
/// ```
/// use cotangent::{Array, DType};
/// use cotangent::plot::{Figure, surf};
/// let t = Array::linspace(-2.0, 2.0, 20, DType::F64);
/// let hill = (-(t.square().expand_dims(1) + t.square())).exp();
/// let surface = surf(&hill)?.over(&t, &t)?.view(35.0, -50.0).title("hill");
/// assert_eq!(Figure::from(surface).png()?[1..4], *b"PNG");
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// An array that is not a real matrix of at least 2 by 2.
pub fn surf(z: &Array) -> Result<Surface> {
    let grid = Grid::of("surf", z)?;
    Ok(Surface {
        grid,
        elevation: 30.0,
        azimuth: -60.0,
        map: ColourMap::YellowRed,
        title: String::new(),
        labels: Default::default(),
        floor: Vec::new(),
    })
}

impl Surface {
    /// Over these positions of the columns and rows.
    ///
    /// # Errors
    /// Not one rising number for each column and row.
    pub fn over(self, x: &Array, y: &Array) -> Result<Surface> {
        Ok(Surface { grid: self.grid.over("surf", x, y)?, ..self })
    }

    /// Seen from so many degrees above the plane, and turned by so many around the vertical.
    pub fn view(self, elevation: f64, azimuth: f64) -> Surface {
        Surface { elevation, azimuth, ..self }
    }

    /// With a title.
    pub fn title(self, title: impl Into<String>) -> Surface {
        Surface { title: title.into(), ..self }
    }

    /// With labels of the axes.
    pub fn labels(self, x: impl Into<String>, y: impl Into<String>, z: impl Into<String>) -> Surface {
        Surface { labels: [x.into(), y.into(), z.into()], ..self }
    }

    /// With other colours of the heights.
    pub fn colours(self, map: ColourMap) -> Surface {
        Surface { map, ..self }
    }

    /// With lines at these heights, drawn on a floor a fifth of the range of heights below the lowest.
    pub fn contours(self, levels: &[f64]) -> Surface {
        Surface { floor: levels.to_vec(), ..self }
    }

    pub(super) fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<()> {
        let (width, height) = area.dim_in_pixel();
        let title = TITLE.into_font().color(&BLACK).pos(Pos::new(HPos::Center, VPos::Top));
        area.draw(&Text::new(self.title.clone(), (width as i32 / 2, 12), title)).map_err(failed)?;
        let view = View::of(self, (f64::from(width), f64::from(height)));
        let line = |from: [f64; 3], to: [f64; 3], style| PathElement::new([view.place(from), view.place(to)], style);
        self.draw_axes(area, &view)?;
        for level in &self.floor {
            for [(x0, y0), (x1, y1)] in self.grid.level(*level) {
                let bottom = view.bottom();
                area.draw(&line([x0, y0, bottom], [x1, y1, bottom], BLACK.stroke_width(1))).map_err(failed)?;
            }
        }
        let grid = &self.grid;
        let mut cells: Vec<(usize, usize)> =
            (0..grid.rows - 1).flat_map(|row| (0..grid.columns - 1).map(move |column| (row, column))).collect();
        let corner = |row: usize, column: usize| [grid.x[column], grid.y[row], grid.height(row, column)];
        // The farthest first, so that nearer ones cover them.
        let middle =
            |&(row, column): &(usize, usize)| view.depth(corner(row, column)) + view.depth(corner(row + 1, column + 1));
        cells.sort_by(|a, b| middle(b).total_cmp(&middle(a)));
        let (low, high) = range(grid.heights.iter().copied());
        for (row, column) in cells {
            let corners =
                [corner(row, column), corner(row, column + 1), corner(row + 1, column + 1), corner(row + 1, column)];
            if corners.iter().any(|corner| !corner[2].is_finite()) {
                continue;
            }
            let mean = corners.iter().map(|corner| corner[2]).sum::<f64>() / 4.0;
            let [red, green, blue] = self.map.colour((mean - low) / (high - low));
            let mut places = corners.map(|corner| view.place(corner)).to_vec();
            area.draw(&Polygon::new(places.clone(), RGBColor(red, green, blue).filled())).map_err(failed)?;
            places.push(places[0]);
            area.draw(&PathElement::new(places, BLACK.mix(0.35).stroke_width(1))).map_err(failed)?;
        }
        Ok(())
    }

    /// The edges of the floor and one upright, with numbers at their ends and labels in their middles.
    fn draw_axes<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, view: &View) -> Result<()> {
        let [(left, right), (front, back), (low, high)] = view.ranges;
        let corners = [(left, front), (right, front), (right, back), (left, back)];
        let on_floor = |(x, y): (f64, f64)| [x, y, low];
        for position in 0..4 {
            let ends = [corners[position], corners[(position + 1) % 4]].map(|corner| view.place(on_floor(corner)));
            area.draw(&PathElement::new(ends, BLACK.mix(0.5).stroke_width(1))).map_err(failed)?;
        }
        // The numbers stand at the nearest corner and its neighbours, the upright at the one farthest to the left.
        let depth = |position: usize| view.depth(on_floor(corners[position]));
        let nearest = (0..4).min_by(|&a, &b| depth(a).total_cmp(&depth(b))).unwrap_or(0);
        let leftmost = (0..4).min_by_key(|&position| view.place(on_floor(corners[position])).0).unwrap_or(0);
        let (foot, top) = (corners[leftmost], [corners[leftmost].0, corners[leftmost].1, high]);
        area.draw(&PathElement::new([view.place(on_floor(foot)), view.place(top)], BLACK.stroke_width(1)))
            .map_err(failed)?;
        let write = |text: String, (x, y): (i32, i32), (across, down): (i32, i32), anchor: HPos| {
            let style = FONT.into_font().color(&BLACK).pos(Pos::new(anchor, VPos::Center));
            area.draw(&Text::new(text, (x + across, y + down), style)).map_err(failed)
        };
        for (value, height) in [(low, low), (high, high)] {
            write(label(value), view.place([foot.0, foot.1, height]), (-8, 0), HPos::Right)?;
        }
        let middle = view.place([foot.0, foot.1, 0.5 * (low + high)]);
        write(self.labels[2].clone(), middle, (-8, 0), HPos::Right)?;
        let near = corners[nearest];
        for neighbour in [corners[(nearest + 1) % 4], corners[(nearest + 3) % 4]] {
            let along_x = neighbour.1 == near.1;
            let (name, from, to) = match along_x {
                true => (&self.labels[0], near.0, neighbour.0),
                false => (&self.labels[1], near.1, neighbour.1),
            };
            for part in [0.15, 0.5, 0.85] {
                let at = (near.0 + part * (neighbour.0 - near.0), near.1 + part * (neighbour.1 - near.1));
                let text = if part == 0.5 { name.clone() } else { label(from + part * (to - from)) };
                let to_left = view.place(on_floor(neighbour)).0 < view.place(on_floor(near)).0;
                let (across, anchor) = if to_left { (-8, HPos::Right) } else { (8, HPos::Left) };
                write(text, view.place(on_floor(at)), (across, 12), anchor)?;
            }
        }
        Ok(())
    }
}

/// From space to the picture: every range becomes an edge of a cube, which is turned and seen from afar.
struct View {
    ranges: [(f64, f64); 3],
    turn: (f64, f64),
    tilt: (f64, f64),
    middle: (f64, f64),
    scale: f64,
}

impl View {
    fn of(surface: &Surface, (width, height): (f64, f64)) -> View {
        let grid = &surface.grid;
        let (low, high) = range(grid.heights.iter().copied());
        let low = if surface.floor.is_empty() { low } else { low - 0.2 * (high - low) };
        let ranges = [range(grid.x.iter().copied()), range(grid.y.iter().copied()), (low, high)];
        View {
            ranges,
            turn: surface.azimuth.to_radians().sin_cos(),
            tilt: surface.elevation.to_radians().sin_cos(),
            middle: (0.5 * width + 10.0, 0.5 * height + 10.0),
            scale: 0.58 * width.min(height),
        }
    }

    /// The height of the floor.
    fn bottom(&self) -> f64 {
        self.ranges[2].0
    }

    /// A point of space in the coordinates of the picture: to the right, up, and away.
    fn turned(&self, point: [f64; 3]) -> [f64; 3] {
        let unit =
            |axis: usize| (point[axis] - self.ranges[axis].0) / (self.ranges[axis].1 - self.ranges[axis].0) - 0.5;
        let (x, y, z) = (unit(0), unit(1), 0.7 * unit(2));
        let ((sin_turn, cos_turn), (sin_tilt, cos_tilt)) = (self.turn, self.tilt);
        let right = -sin_turn * x + cos_turn * y;
        let towards = cos_turn * x + sin_turn * y;
        [right, cos_tilt * z - sin_tilt * towards, -(cos_tilt * towards + sin_tilt * z)]
    }

    fn depth(&self, point: [f64; 3]) -> f64 {
        self.turned(point)[2]
    }

    fn place(&self, point: [f64; 3]) -> (i32, i32) {
        let [right, up, _] = self.turned(point);
        ((self.middle.0 + self.scale * right).round() as i32, (self.middle.1 - self.scale * up).round() as i32)
    }
}
