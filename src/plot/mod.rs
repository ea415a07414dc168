//! Plots: curves, images, contours and surfaces, side by side in a figure, as PNG or SVG.
//!
//! [`plot`], [`imview`], [`contour`], [`surf`] and [`convergence`] each make a panel from arrays; a [`Figure`] arranges panels and
//! draws them. No font has to be installed: a PNG has one of dots, an SVG leaves the choice to who shows it.
//!
//! ```
//! use cotangent::Array;
//! use cotangent::plot::{Figure, Scale, imview, plot};
//! let curve = plot(&Array::from([1.0f64, 0.1, 0.01, 0.001]))?.scale(Scale::LogY).title("error").labels("iteration", "");
//! let image = imview(&Array::from([[0.0f32, 0.5], [0.5, 1.0]]))?.title("image");
//! let figure = Figure::new([curve.into(), image.into()]);
//! assert!(figure.svg()?.starts_with("<svg"));
//! assert_eq!(figure.png()?[1..4], *b"PNG");
//! # Ok::<(), cotangent::Error>(())
//! ```

mod base64;
mod colour;
mod contour;
pub mod glyphs;
mod image;
mod lines;
mod raster;
mod surface;

pub use colour::ColourMap;
pub use contour::{Contour, contour};
pub use image::{ColourBar, ImageView, imview};
pub use lines::{Lines, Scale, convergence, plot};
pub use surface::{Surface, surf};

use crate::{Array, Error, ErrorKind, Result};
use ::image::{DynamicImage, ImageFormat, RgbImage};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::prelude::{DrawingBackend, SVGBackend};
use plotters::style::{RGBColor, WHITE};
use raster::Raster;
use std::fmt::Display;
use std::io::Cursor;
use std::path::Path;

/// Of text, in points, with the family.
const FONT: (&str, u32) = ("sans-serif", 14);

/// Of titles, in points, with the family.
const TITLE: (&str, u32) = ("sans-serif", 18);

/// Easy to tell apart also for the colour-blind.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 90, 160),
    RGBColor(200, 80, 0),
    RGBColor(0, 130, 100),
    RGBColor(180, 60, 140),
    RGBColor(110, 110, 110),
    RGBColor(190, 150, 0),
];

/// Panels in rows and columns.
#[derive(Clone, Debug)]
pub struct Figure {
    panels: Vec<Panel>,
    columns: usize,
    size: Option<(u32, u32)>,
}

/// A part of a figure.
#[derive(Clone, Debug)]
pub enum Panel {
    /// Curves.
    Lines(Lines),
    /// An image.
    Image(ImageView),
    /// Lines of equal height.
    Contour(Contour),
    /// Heights as a surface in space.
    Surface(Surface),
}

macro_rules! panels {
    ($($kind:ident $content:ident),*) => { $(
        impl From<$content> for Panel {
            fn from(content: $content) -> Panel {
                Panel::$kind(content)
            }
        }

        impl From<$content> for Figure {
            fn from(content: $content) -> Figure {
                Figure::new([content.into()])
            }
        }
    )* };
}
panels!(Lines Lines, Image ImageView, Contour Contour, Surface Surface);

/// A picture of dots to be put over a drawing, at a place and in a size.
struct Inlay {
    at: (i32, i32),
    size: (u32, u32),
    /// Width and height in dots of its own.
    dots: (u32, u32),
    bytes: Vec<u8>,
}

/// What a drawing on lines cannot hold and is put over it: `None` where dots are drawn themselves.
type Inlays = Option<Vec<Inlay>>;

impl Figure {
    /// Panels side by side.
    pub fn new(panels: impl IntoIterator<Item = Panel>) -> Figure {
        let panels: Vec<Panel> = panels.into_iter().collect();
        Figure { columns: panels.len().max(1), panels, size: None }
    }

    /// So many panels in a row.
    pub fn columns(self, columns: usize) -> Figure {
        Figure { columns: columns.max(1), ..self }
    }

    /// Width and height in points, or dots. By default each panel has 480 by 400.
    pub fn size(self, width: u32, height: u32) -> Figure {
        Figure { size: Some((width.max(1), height.max(1))), ..self }
    }

    fn extents(&self) -> (u32, u32) {
        let columns = self.columns.min(self.panels.len().max(1));
        self.size.unwrap_or((480 * columns as u32, 400 * self.rows() as u32))
    }

    fn rows(&self) -> usize {
        self.panels.len().div_ceil(self.columns).max(1)
    }

    /// The figure as the text of an SVG file.
    ///
    /// # Errors
    /// A figure too small for what is in it.
    pub fn svg(&self) -> Result<String> {
        let mut text = String::new();
        let mut inlays = Some(Vec::new());
        self.draw(&SVGBackend::with_string(&mut text, self.extents()).into_drawing_area(), &mut inlays)?;
        let pictures: String = inlays.into_iter().flatten().map(|inlay| inlay.svg()).collect();
        match text.rfind("</svg>") {
            Some(end) => text.insert_str(end, &pictures),
            None => cotangent_ir::error::internal("an SVG without end"),
        }
        Ok(text)
    }

    /// The figure as the contents of a PNG file.
    ///
    /// # Errors
    /// As [`Figure::svg`].
    pub fn png(&self) -> Result<Vec<u8>> {
        let size = self.extents();
        let mut bytes = vec![255; 3 * size.0 as usize * size.1 as usize];
        self.draw(&Raster { size, bytes: &mut bytes }.into_drawing_area(), &mut None)?;
        Ok(encode_png(size, bytes))
    }

    /// Writes the figure to a file, as SVG or PNG by its extension.
    ///
    /// # Errors
    /// Another extension; a file that cannot be written; as [`Figure::svg`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let refuse = |message: String| Error::new(ErrorKind::Argument, "Figure::save", message);
        let contents = match path.extension().and_then(|extension| extension.to_str()) {
            Some("svg") => self.svg()?.into_bytes(),
            Some("png") => self.png()?,
            _ => return Err(refuse(format!("{} ends neither in .svg nor in .png; name one of these", path.display()))),
        };
        std::fs::write(path, contents).map_err(|error| refuse(format!("{} cannot be written: {error}", path.display())))
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, inlays: &mut Inlays) -> Result<()> {
        area.fill(&WHITE).map_err(failed)?;
        let columns = self.columns.min(self.panels.len().max(1));
        for (panel, part) in self.panels.iter().zip(area.split_evenly((self.rows(), columns))) {
            match panel {
                Panel::Lines(lines) => lines.draw(&part)?,
                Panel::Image(image) => image.draw(&part, inlays)?,
                Panel::Contour(contour) => contour.draw(&part, inlays)?,
                Panel::Surface(surface) => surface.draw(&part)?,
            }
        }
        area.present().map_err(failed)
    }
}

impl Inlay {
    fn svg(&self) -> String {
        let data = base64::encode(&encode_png(self.dots, self.bytes.clone()));
        format!(
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{data}\"/>\n",
            self.at.0, self.at.1, self.size.0, self.size.1
        )
    }
}

/// The contents of a PNG file of dots with three bytes each.
fn encode_png((width, height): (u32, u32), bytes: Vec<u8>) -> Vec<u8> {
    let picture = RgbImage::from_raw(width, height, bytes).map(DynamicImage::from);
    let picture = picture.unwrap_or_else(|| cotangent_ir::error::internal("a picture of other extents than its dots"));
    let mut file = Cursor::new(Vec::new());
    match picture.write_to(&mut file, ImageFormat::Png) {
        Ok(()) => file.into_inner(),
        Err(error) => cotangent_ir::error::internal(&format!("writing a PNG to memory: {error}")),
    }
}

/// The numbers of an array and its shape.
fn numbers(operation: &str, array: &Array) -> Result<(Vec<f64>, Vec<usize>)> {
    let tensor = array.tensor()?;
    if tensor.ty().dtype.is_complex() {
        let message = format!("draws real numbers, got {}; take `abs()`, `angle()`, `real()` or `imag()`", tensor.ty());
        return Err(Error::new(ErrorKind::DType, operation, message));
    }
    Ok((tensor.scalars().map(|value| value.as_f64()).collect(), tensor.ty().shape.to_vec()))
}

/// The least and the greatest of the finite numbers, a little apart if they are equal; 0 and 1 if there are none.
fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|value| value.is_finite());
    let (low, high) =
        finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    match low.total_cmp(&high) {
        std::cmp::Ordering::Less => (low, high),
        std::cmp::Ordering::Equal => (low - 0.5 * low.abs().max(1e-3), high + 0.5 * high.abs().max(1e-3)),
        std::cmp::Ordering::Greater => (0.0, 1.0),
    }
}

/// A number as a label of an axis.
fn label(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) {
        return crate::diagnostics::scientific(value, 1);
    }
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

fn failed(error: impl Display) -> Error {
    Error::new(ErrorKind::Argument, "Figure", format!("could not be drawn: {error}; a larger `size` may help"))
}
