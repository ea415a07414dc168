//! Photographs that are part of the library.

use crate::Array;
use image::ImageFormat;

/// A photograph that is part of the library; `data/README.md` says whose it is. With the feature `photographs`.
///
/// ```
/// use cotangent::data::Photograph;
/// use cotangent::DType;
/// let parrots = Photograph::Parrots.pixels();
/// assert_eq!(parrots.ty()?.to_string(), "u8[512,768,3]");
/// assert_eq!(parrots.astype(DType::I64).sum().item()?, 120926355.0);
/// // As numbers from 0 to 1.
/// assert!((Photograph::Parrots.image().mean().item()? - 0.4020021).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Photograph {
    /// A man with a camera; grey, 512 by 512.
    Camera,
    /// The surface of the moon, of low contrast; grey, 512 by 512.
    Moon,
    /// A brick wall; grey, 512 by 512.
    Brick,
    /// A cell under the microscope; grey, 660 rows of 550.
    Cell,
    /// Two parrots, image 23 of the Kodak suite; 512 rows of 768, of three colours.
    Parrots,
}

impl Photograph {
    /// Every photograph.
    pub const ALL: [Photograph; 5] =
        [Photograph::Camera, Photograph::Moon, Photograph::Brick, Photograph::Cell, Photograph::Parrots];

    /// The values of the file, of dtype `u8`: rows by columns, by 3 colours if there are any.
    pub fn pixels(self) -> Array {
        let decoded = match image::load_from_memory_with_format(self.file(), ImageFormat::Png) {
            Ok(decoded) => decoded,
            Err(error) => cotangent_ir::error::internal(&format!("the photograph {self:?}: {error}")),
        };
        let (rows, columns) = (decoded.height() as usize, decoded.width() as usize);
        if decoded.color().has_color() {
            Array::new(&[rows, columns, 3], decoded.to_rgb8().as_raw())
        } else {
            Array::new(&[rows, columns], decoded.to_luma8().as_raw())
        }
    }

    /// The values divided by 255, of dtype `f32`.
    pub fn image(self) -> Array {
        self.pixels().astype(crate::DType::F32) / f64::from(u8::MAX)
    }

    fn file(self) -> &'static [u8] {
        match self {
            Photograph::Camera => include_bytes!("../../data/camera.png"),
            Photograph::Moon => include_bytes!("../../data/moon.png"),
            Photograph::Brick => include_bytes!("../../data/brick.png"),
            Photograph::Cell => include_bytes!("../../data/cell.png"),
            Photograph::Parrots => include_bytes!("../../data/kodim23.png"),
        }
    }
}
