//! Pictures of dots as something to draw on, with a font of its own.

use super::glyphs;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontTransform};
use std::convert::Infallible;

/// Dots of a picture, row by row, three bytes of colour each.
pub(super) struct Raster<'a> {
    pub(super) size: (u32, u32),
    pub(super) bytes: &'a mut [u8],
}

/// The outcome of drawing, which cannot fail.
type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// How many dots of the picture a dot of the font is along each side, for text of a size in points.
fn magnification(size: f64) -> usize {
    ((size / 10.0).round() as usize).max(1)
}

/// The extents of a line of text.
fn extents(text: &str, size: f64) -> (i32, i32) {
    let dot = magnification(size);
    let width = (text.chars().count() * glyphs::ADVANCE).saturating_sub(1) * dot;
    (width as i32, (glyphs::HEIGHT * dot) as i32)
}

impl DrawingBackend for Raster<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        let (width, height) = (self.size.0 as i32, self.size.1 as i32);
        if (0..width).contains(&x) && (0..height).contains(&y) {
            let start = 3 * (y as usize * width as usize + x as usize);
            let (red, green, blue) = colour.rgb;
            for (byte, colour_byte) in self.bytes[start..start + 3].iter_mut().zip([red, green, blue]) {
                let mixed = f64::from(*byte) * (1.0 - colour.alpha) + f64::from(colour_byte) * colour.alpha;
                *byte = mixed.round() as u8;
            }
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let (width, height) = extents(text, style.size());
        let across = match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Right => -width,
            HPos::Center => -width / 2,
        };
        let down = match style.anchor().v_pos {
            VPos::Top => 0,
            VPos::Bottom => -height,
            VPos::Center => -height / 2,
        };
        let dot = magnification(style.size()) as i32;
        for (column, row) in glyphs::dots(text) {
            for (inner_x, inner_y) in (0..dot).flat_map(|x| (0..dot).map(move |y| (x, y))) {
                let place = (across + column as i32 * dot + inner_x, down + row as i32 * dot + inner_y);
                let (turned_x, turned_y) = match style.transform() {
                    FontTransform::None => place,
                    FontTransform::Rotate90 => (-place.1, place.0),
                    FontTransform::Rotate180 => (-place.0, -place.1),
                    FontTransform::Rotate270 => (place.1, -place.0),
                };
                self.draw_pixel((x + turned_x, y + turned_y), style.color())?;
            }
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let (width, height) = extents(text, style.size());
        Ok((width as u32, height as u32))
    }
}
