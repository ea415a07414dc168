//! Pictures side by side, each with a detail enlarged and a caption.

use crate::glyphs;
use crate::picture::{Picture, encode};
use image::{Rgb, RgbImage};

/// A picture with what is written below it.
pub(crate) struct Panel<'a> {
    pub(crate) picture: &'a Picture,
    pub(crate) caption: String,
}

/// How much the detail is enlarged, and how many times its side goes into the shorter side of the picture.
const ENLARGED: usize = 3;
const PARTS: usize = 8;

/// Pictures narrower than this are repeated pixel by pixel, to make room for captions.
const LEAST_WIDTH: usize = 240;

const WHITE: Rgb<u8> = Rgb([255; 3]);
const BLACK: Rgb<u8> = Rgb([0; 3]);

/// The contents of a PNG file of pictures of the same extents side by side. The detail is where the first picture has the
/// strongest edges; it is framed, and shown in the corner farthest from there.
pub(crate) fn comparison(panels: &[Panel<'_>]) -> Vec<u8> {
    let Some(first) = panels.first() else { cotangent::ir::error::internal("a comparison of nothing") };
    let layout = Layout::new(first.picture);
    let width = panels.len() * layout.width + (panels.len() + 1) * layout.margin;
    let height = layout.height + 2 * layout.margin + layout.caption();
    let mut canvas = RgbImage::from_pixel(width as u32, height as u32, WHITE);
    for (position, panel) in panels.iter().enumerate() {
        let left = layout.margin + position * (layout.width + layout.margin);
        layout.draw(&mut canvas, panel, left, layout.margin);
    }
    encode(&canvas.into())
}

/// Sizes in pixels of the canvas, unless said otherwise.
struct Layout {
    /// Of a picture.
    width: usize,
    height: usize,
    /// Pixels of the canvas for one of the picture, along each axis.
    repeat: usize,
    /// Around the pictures.
    margin: usize,
    /// Of a dot of text, and of frames.
    dot: usize,
    /// The detail in pixels of the picture: first row and column, and its side.
    detail: [usize; 3],
}

impl Layout {
    fn new(picture: &Picture) -> Layout {
        let repeat = LEAST_WIDTH.div_ceil(picture.width).max(1);
        let (width, height) = (picture.width * repeat, picture.height * repeat);
        let dot = (width / LEAST_WIDTH).max(2);
        Layout { width, height, repeat, margin: 4 * dot, dot, detail: detail(picture) }
    }

    /// Height of a caption with the space below it.
    fn caption(&self) -> usize {
        glyphs::HEIGHT * self.dot + self.margin
    }

    fn draw(&self, canvas: &mut RgbImage, panel: &Panel<'_>, left: usize, top: usize) {
        let Layout { width, height, repeat, dot, .. } = *self;
        let [row, column, side] = self.detail;
        for y in 0..height {
            for x in 0..width {
                put(canvas, left + x, top + y, Rgb(panel.picture.pixel(y / repeat, x / repeat)));
            }
        }
        let right_half = 2 * column + side > panel.picture.width;
        let lower_half = 2 * row + side > panel.picture.height;
        frame(canvas, [left + column * repeat, top + row * repeat, side * repeat], dot);
        let enlarged = side * repeat * ENLARGED;
        let x = left + if right_half { dot } else { width - enlarged - dot };
        let y = top + if lower_half { dot } else { height - enlarged - dot };
        for down in 0..enlarged {
            for across in 0..enlarged {
                let scale = repeat * ENLARGED;
                let colour = panel.picture.pixel(row + down / scale, column + across / scale);
                put(canvas, x + across, y + down, Rgb(colour));
            }
        }
        frame(canvas, [x, y, enlarged], dot);
        let text_width = (panel.caption.chars().count() * glyphs::ADVANCE).saturating_sub(1) * dot;
        let start = left + width.saturating_sub(text_width) / 2;
        for (across, down) in glyphs::dots(&panel.caption) {
            for (i, j) in (0..dot).flat_map(|i| (0..dot).map(move |j| (i, j))) {
                put(canvas, start + across * dot + i, top + height + self.margin + down * dot + j, BLACK);
            }
        }
    }
}

/// The square with the strongest edges: its first row and column, and its side.
fn detail(picture: &Picture) -> [usize; 3] {
    let side = (picture.height.min(picture.width) / PARTS).max(1);
    // The last row and column have no neighbours to differ from.
    let edge = |row: usize, column: usize| {
        let here = picture.brightness(row, column);
        let below = picture.brightness((row + 1).min(picture.height - 1), column);
        let right = picture.brightness(row, (column + 1).min(picture.width - 1));
        f64::from((below - here).powi(2) + (right - here).powi(2))
    };
    let edges = |row: usize, column: usize| -> f64 {
        (row..row + side).flat_map(|row| (column..column + side).map(move |column| edge(row, column))).sum()
    };
    let mut best = (f64::NEG_INFINITY, [0, 0, side]);
    let step = side.div_ceil(2);
    for row in (0..=picture.height - side).step_by(step) {
        for column in (0..=picture.width - side).step_by(step) {
            let found = edges(row, column);
            if found > best.0 {
                best = (found, [row, column, side]);
            }
        }
    }
    best.1
}

/// A white frame around a square given by its left and upper edge and its side.
fn frame(canvas: &mut RgbImage, [left, top, side]: [usize; 3], thickness: usize) {
    let outer = side + 2 * thickness;
    let inside = thickness..thickness + side;
    for (x, y) in (0..outer).flat_map(|x| (0..outer).map(move |y| (x, y))) {
        if inside.contains(&x) && inside.contains(&y) {
            continue;
        }
        // A frame at the edge of a picture covers a little of the margin.
        put(canvas, (left + x).saturating_sub(thickness), (top + y).saturating_sub(thickness), WHITE);
    }
}

fn put(canvas: &mut RgbImage, x: usize, y: usize, colour: Rgb<u8>) {
    if let Some(pixel) = canvas.get_pixel_mut_checked(x as u32, y as u32) {
        *pixel = colour;
    }
}
