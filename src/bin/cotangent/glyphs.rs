//! The font of captions, which is that of plots.

pub(crate) use cotangent::plot::glyphs::{ADVANCE, HEIGHT, dots};
