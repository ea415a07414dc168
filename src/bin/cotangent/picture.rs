//! Pictures: what is read, solved for and written.
//!
//! A picture is grey or has three colours, with values from 0 to 1, and at least 8 pixels along each side. Other files are
//! refused with what is wrong with them; transparency is dropped.

use crate::failure::{Failure, Result};
use crate::{npy, source};
use cotangent::ir::Tensor;
use cotangent::{Array, DType};
use image::{DynamicImage, ImageFormat, ImageReader};
use std::io::Cursor;
use std::path::Path;

/// The photograph that comes with the program; `data/README.md` says whose it is.
const PHOTOGRAPH: &[u8] = include_bytes!("../../../data/camera.png");

/// The rows of the photograph that are used: without most of the lawn and the sky.
const ROWS: std::ops::Range<usize> = 64..448;

/// Shorter sides are refused: nothing could be seen, and the blur would be larger than the picture.
pub(crate) const LEAST_SIDE: usize = 8;

/// A picture, one plane of values after the other.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// 1 or 3.
    pub(crate) channels: usize,
    values: Vec<f32>,
}

impl Picture {
    /// The photograph that comes with the program.
    pub(crate) fn photograph() -> Result<Picture> {
        let whole = decode(PHOTOGRAPH).and_then(|decoded| Picture::from_decoded(&decoded));
        let whole = whole.map_err(|message| Failure::new(format!("the photograph of the program {message}")))?;
        let values = whole.values[ROWS.start * whole.width..ROWS.end * whole.width].to_vec();
        Ok(Picture { height: ROWS.len(), values, ..whole })
    }

    /// A picture from a file. Its contents decide of which format it is.
    pub(crate) fn read(path: &Path) -> Result<Picture> {
        let bytes = source::bytes(path)?;
        let picture = if npy::is_npy(&bytes) {
            npy::parse(&bytes).and_then(|tensor| Picture::from_tensor(&tensor))
        } else {
            decode(&bytes).and_then(|decoded| Picture::from_decoded(&decoded))
        };
        picture.map_err(|message| Failure::in_file(path, message))
    }

    /// A picture of the same extents with the values of an array.
    pub(crate) fn with_values(&self, array: &Array) -> Result<Picture> {
        let values = array.to_vec::<f32>()?;
        if values.len() != self.values.len() {
            cotangent::ir::error::internal("a restored picture of another size");
        }
        Ok(Picture { values, ..self.clone() })
    }

    /// The values: two axes if grey, with the colours as a first one otherwise.
    pub(crate) fn array(&self) -> Array {
        Array::new(&self.shape(), &self.values)
    }

    /// The shape of [`Picture::array`].
    pub(crate) fn shape(&self) -> Vec<usize> {
        match self.channels {
            1 => vec![self.height, self.width],
            channels => vec![channels, self.height, self.width],
        }
    }

    /// The colour at a place, with values cut off below 0 and above 1.
    pub(crate) fn pixel(&self, row: usize, column: usize) -> [u8; 3] {
        let plane = self.height * self.width;
        let value = |channel: usize| {
            let value = self.values[channel * plane + row * self.width + column];
            (value.clamp(0.0, 1.0) * 255.0).round() as u8
        };
        match self.channels {
            1 => [value(0); 3],
            _ => [value(0), value(1), value(2)],
        }
    }

    /// The mean over the colours at a place.
    pub(crate) fn brightness(&self, row: usize, column: usize) -> f32 {
        let plane = self.height * self.width;
        let values = (0..self.channels).map(|channel| self.values[channel * plane + row * self.width + column]);
        values.sum::<f32>() / self.channels as f32
    }

    /// The contents of a PNG file, 8 bits for each value.
    pub(crate) fn png(&self) -> Vec<u8> {
        let places = || (0..self.height).flat_map(|row| (0..self.width).map(move |column| (row, column)));
        let (width, height) = (self.width as u32, self.height as u32);
        let picture = match self.channels {
            1 => {
                let bytes = places().map(|(row, column)| self.pixel(row, column)[0]).collect();
                image::GrayImage::from_raw(width, height, bytes).map(DynamicImage::from)
            }
            _ => {
                let bytes = places().flat_map(|(row, column)| self.pixel(row, column)).collect();
                image::RgbImage::from_raw(width, height, bytes).map(DynamicImage::from)
            }
        };
        encode(&picture.unwrap_or_else(|| cotangent::ir::error::internal("a picture of other extents than its values")))
    }

    fn from_decoded(decoded: &DynamicImage) -> Result<Picture, String> {
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        if decoded.color().has_color() {
            Picture::new([height, width, 3], &decoded.to_rgb32f())
        } else {
            Picture::new([height, width, 1], &decoded.to_luma32f())
        }
    }

    fn from_tensor(tensor: &Tensor) -> Result<Picture, String> {
        let ty = tensor.ty();
        let extents = match ty.shape[..] {
            [height, width] => [height, width, 1],
            [height, width, channels @ (1 | 3)] => [height, width, channels],
            _ => {
                return Err(format!(
                    "holds {ty}, not a picture; give rows by columns, or rows by columns by 3 colours"
                ));
            }
        };
        let scale = match ty.dtype {
            DType::U8 => f64::from(u8::MAX),
            DType::U16 => f64::from(u16::MAX),
            DType::F32 | DType::F64 => 1.0,
            other => {
                return Err(format!("holds {other}; give u8, u16, or f32 or f64 from 0 to 1, as `astype` makes them"));
            }
        };
        let values: Vec<f32> = tensor.scalars().map(|value| (value.as_f64() / scale) as f32).collect();
        Picture::new(extents, &values)
    }

    /// A picture from values whose colours vary fastest.
    fn new([height, width, channels]: [usize; 3], interleaved: &[f32]) -> Result<Picture, String> {
        if height == 0 || width == 0 {
            return Err(format!("is empty, {height} x {width} pixels; give a picture with pixels"));
        }
        if height.min(width) < LEAST_SIDE {
            return Err(format!("is too small, {height} x {width} pixels; each side needs at least {LEAST_SIDE}"));
        }
        if let Some(position) = interleaved.iter().position(|value| !(0.0..=1.0).contains(value)) {
            let (row, column) = (position / channels / width, position / channels % width);
            let value = interleaved[position];
            let remedy =
                if value.is_finite() { "scale the values to lie from 0 to 1" } else { "replace such values first" };
            return Err(format!("has the value {value} at row {row}, column {column}; {remedy}"));
        }
        let plane = height * width;
        let planar = (0..channels * plane).map(|at| interleaved[at % plane * channels + at / plane]);
        Ok(Picture { height, width, channels, values: planar.collect() })
    }
}

/// The contents of a PNG file.
pub(crate) fn encode(picture: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    match picture.write_to(&mut bytes, ImageFormat::Png) {
        Ok(()) => bytes.into_inner(),
        Err(error) => cotangent::ir::error::internal(&format!("writing a PNG to memory: {error}")),
    }
}

/// Decodes a PNG, JPEG or TIFF file.
fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    let known =
        reader.format().filter(|format| matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Tiff));
    let format = known.ok_or("is not a picture that can be read; give a PNG, JPEG, TIFF or npy file")?;
    if format == ImageFormat::Jpeg && is_cut_short(bytes) {
        return Err("is a JPEG file that is cut short; copy or save it again".into());
    }
    reader.decode().map_err(|error| format!("cannot be decoded: {error}; it may be cut short, copy or save it again"))
}

/// Whether a JPEG file lacks the end of its image: the decoder would fill in grey and say nothing. Within the data of a
/// scan, a byte `FF` is always followed by 0 unless it begins a marker.
fn is_cut_short(bytes: &[u8]) -> bool {
    let markers = |second: u8| move |pair: &[u8]| pair == [0xff, second];
    let last_scan = bytes.windows(2).rposition(markers(0xda)).unwrap_or(0);
    !bytes[last_scan..].windows(2).any(markers(0xd9))
}
