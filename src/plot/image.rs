//! Images.

use super::{ColourMap, FONT, Inlay, Inlays, TITLE, failed, label, numbers, range};
use crate::{Array, Error, ErrorKind, Result};
use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{PathElement, Rectangle, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{BLACK, Color, IntoFont, RGBColor};

/// What is beside an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ColourBar {
    /// Nothing.
    #[default]
    None,
    /// The colours with their numbers: at the right of a tall image, below a wide one.
    Shown,
    /// Room for that, so that images with and without a bar are of one size.
    Space,
}

/// An image: grey or in the colours of a map, or with colours of its own.
#[derive(Clone, Debug)]
pub struct ImageView {
    height: usize,
    width: usize,
    /// One or three numbers a pixel.
    channels: usize,
    values: Vec<f64>,
    bounds: Option<(f64, f64)>,
    title: String,
    map: ColourMap,
    bar: ColourBar,
}

/// An image of a matrix, or of three matrices of colours along a last axis. A matrix is drawn from its least number to its greatest
/// unless [`bounds`](ImageView::bounds) are given. Colours are cut off below 0 and above 1, or are whole numbers of 8 or 16 bits.
///
/// ```
/// use cotangent::plot::{ColourBar, ColourMap, Figure, imview};
/// use cotangent::{Array, DType};
/// let ramp = Array::iota(&[40, 60], 1, DType::F32);
/// let image = imview(&ramp)?.title("ramp").colours(ColourMap::YellowRed).bar(ColourBar::Shown);
/// assert!(Figure::from(image).svg()?.contains("ramp"));
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// An array that is not real, or has neither two axes nor three, the last of extent 3; one without elements.
pub fn imview(image: &Array) -> Result<ImageView> {
    let (mut values, shape) = numbers("imview", image)?;
    let ty = image.ty()?;
    let (height, width, channels) = match shape[..] {
        [height, width] if height * width > 0 => (height, width, 1),
        [height, width, 3] if height * width > 0 => (height, width, 3),
        _ => {
            let message = format!(
                "draws matrices, or those with a last axis of 3 colours, which have elements; got {ty}; slice or reshape it"
            );
            return Err(Error::new(ErrorKind::Shape, "imview", message));
        }
    };
    if channels == 3 && !ty.dtype.is_float() {
        let most = match ty.dtype.size() {
            1 => 255.0,
            _ => 65535.0,
        };
        values.iter_mut().for_each(|value| *value /= most);
    }
    let (title, map, bar) = (String::new(), ColourMap::Grey, ColourBar::None);
    Ok(ImageView { height, width, channels, values, bounds: None, title, map, bar })
}

impl ImageView {
    /// With a title.
    pub fn title(self, title: impl Into<String>) -> ImageView {
        ImageView { title: title.into(), ..self }
    }

    /// With other colours for the numbers of a matrix.
    pub fn colours(self, map: ColourMap) -> ImageView {
        ImageView { map, ..self }
    }

    /// With these numbers at the ends of the colours.
    pub fn bounds(self, low: f64, high: f64) -> ImageView {
        ImageView { bounds: Some((low, high)), ..self }
    }

    /// With or without a bar that shows the colours.
    pub fn bar(self, bar: ColourBar) -> ImageView {
        ImageView { bar, ..self }
    }

    /// With numbers stretched to the range from 0 to 1, of an image with colours of its own.
    pub fn rescaled(mut self) -> ImageView {
        let (low, high) = range(self.values.iter().copied());
        self.values.iter_mut().for_each(|value| *value = (*value - low) / (high - low));
        self
    }

    fn colour(&self, row: usize, column: usize, (low, high): (f64, f64)) -> [u8; 3] {
        let start = (row * self.width + column) * self.channels;
        match self.values[start..start + self.channels] {
            [red, green, blue] => [red, green, blue].map(|value| ColourMap::Grey.colour(value)[0]),
            [value, ..] => self.map.colour((value - low) / (high - low)),
            [] => cotangent_ir::error::internal("a pixel without numbers"),
        }
    }

    pub(super) fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, inlays: &mut Inlays) -> Result<()> {
        let frame = Frame::on(area, &self.title, (self.width, self.height), self.bar != ColourBar::None)?;
        let bounds = self.bounds.unwrap_or_else(|| range(self.values.iter().copied()));
        let (wide, tall) = frame.size;
        let place = |at: u32, points: u32, dots: usize| (at as usize * dots / points as usize).min(dots - 1);
        if inlays.is_some() {
            let dots = (0..self.height).flat_map(|row| (0..self.width).map(move |column| (row, column)));
            let bytes = dots.flat_map(|(row, column)| self.colour(row, column, bounds)).collect();
            frame.put(area, inlays, (self.width as u32, self.height as u32), bytes)?;
        } else {
            let dots = (0..tall).flat_map(|y| (0..wide).map(move |x| (x, y)));
            let colour = |(x, y)| self.colour(place(y, tall, self.height), place(x, wide, self.width), bounds);
            frame.put(area, inlays, frame.size, dots.flat_map(colour).collect())?;
        }
        if self.bar == ColourBar::Shown && self.channels == 1 {
            frame.draw_bar(area, self.map, bounds)?;
        }
        Ok(())
    }
}

/// Where in its part of a figure an image is.
pub(super) struct Frame {
    at: (i32, i32),
    size: (u32, u32),
    /// Whether the colour bar is at the right, not below.
    bar_right: bool,
}

const MARGIN: i32 = 12;
const BAR: i32 = 14;
/// Of a colour bar with its labels.
const BAR_ROOM: (i32, i32) = (80, 50);

impl Frame {
    /// The largest place of the proportions of an image under a title, which is drawn.
    fn on<B: DrawingBackend>(
        area: &DrawingArea<B, Shift>,
        title: &str,
        (width, height): (usize, usize),
        bar: bool,
    ) -> Result<Frame> {
        let (whole_width, whole_height) = area.dim_in_pixel();
        let (whole_width, whole_height) = (whole_width as i32, whole_height as i32);
        let top = if title.is_empty() { MARGIN } else { MARGIN + 26 };
        let bar_right = height >= width;
        let (right, bottom) = match (bar, bar_right) {
            (false, _) => (MARGIN, MARGIN),
            (true, true) => (BAR_ROOM.0, MARGIN),
            (true, false) => (MARGIN, BAR_ROOM.1),
        };
        let (room_x, room_y) = (whole_width - MARGIN - right, whole_height - top - bottom);
        if room_x < 8 || room_y < 8 {
            return Err(failed(format!("{whole_width} by {whole_height} points leave no room for an image")));
        }
        let factor = (f64::from(room_x) / width as f64).min(f64::from(room_y) / height as f64);
        let size = ((factor * width as f64).max(1.0) as i32, (factor * height as f64).max(1.0) as i32);
        let at = (MARGIN + (room_x - size.0) / 2, top + (room_y - size.1) / 2);
        let style = TITLE.into_font().color(&BLACK).pos(Pos::new(HPos::Center, VPos::Bottom));
        area.draw(&Text::new(title.to_string(), (at.0 + size.0 / 2, at.1 - 6), style)).map_err(failed)?;
        Ok(Frame { at, size: (size.0 as u32, size.1 as u32), bar_right })
    }

    /// Puts dots there, with a line around.
    fn put<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        inlays: &mut Inlays,
        dots: (u32, u32),
        bytes: Vec<u8>,
    ) -> Result<()> {
        let (x, y) = self.at;
        match inlays {
            Some(inlays) => {
                let (base_x, base_y) = area.get_base_pixel();
                inlays.push(Inlay { at: (base_x + x, base_y + y), size: self.size, dots, bytes });
            }
            None => {
                for (position, colour) in bytes.chunks_exact(3).enumerate() {
                    let (down, across) = (position / dots.0 as usize, position % dots.0 as usize);
                    let colour = RGBColor(colour[0], colour[1], colour[2]);
                    area.draw_pixel((x + across as i32, y + down as i32), &colour).map_err(failed)?;
                }
            }
        }
        let corners = [(x - 1, y - 1), (x + self.size.0 as i32, y + self.size.1 as i32)];
        area.draw(&Rectangle::new(corners, BLACK.stroke_width(1))).map_err(failed)
    }

    fn draw_bar<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        map: ColourMap,
        (low, high): (f64, f64),
    ) -> Result<()> {
        let (x, y) = self.at;
        let (right, bottom) = (x + self.size.0 as i32, y + self.size.1 as i32);
        let (length, from) = if self.bar_right { (bottom - y, (right + 10, y)) } else { (right - x, (x, bottom + 10)) };
        for position in 0..length {
            let part = f64::from(position) / f64::from((length - 1).max(1));
            let [red, green, blue] = map.colour(if self.bar_right { 1.0 - part } else { part });
            let line = match self.bar_right {
                true => [(from.0, from.1 + position), (from.0 + BAR, from.1 + position)],
                false => [(from.0 + position, from.1), (from.0 + position, from.1 + BAR)],
            };
            area.draw(&PathElement::new(line, RGBColor(red, green, blue).stroke_width(1))).map_err(failed)?;
        }
        for (part, value) in [(0.0, low), (0.5, 0.5 * (low + high)), (1.0, high)] {
            let (place, pos) = if self.bar_right {
                let down = from.1 + ((1.0 - part) * f64::from(length - 1)) as i32;
                ((from.0 + BAR + 6, down), Pos::new(HPos::Left, VPos::Center))
            } else {
                let hpos = if part == 0.0 {
                    HPos::Left
                } else if part == 1.0 {
                    HPos::Right
                } else {
                    HPos::Center
                };
                ((from.0 + (part * f64::from(length - 1)) as i32, from.1 + BAR + 4), Pos::new(hpos, VPos::Top))
            };
            area.draw(&Text::new(label(value), place, FONT.into_font().color(&BLACK).pos(pos))).map_err(failed)?;
        }
        Ok(())
    }
}
