//! The arrays of an `.npz` archive, whatever their dtypes.

use cotangent::Array;
use npyz::npz::NpzArchive;
use npyz::{DType, NpyFile, TypeChar};
use num_complex::Complex;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// All arrays of an archive, by name.
pub(crate) struct Archive(BTreeMap<String, Array>);

impl Archive {
    pub(crate) fn open(path: &Path) -> Archive {
        let mut archive = NpzArchive::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let names: Vec<String> = archive.array_names().map(str::to_string).collect();
        let mut arrays = BTreeMap::new();
        for name in names {
            let file = archive.by_name(&name).unwrap().unwrap_or_else(|| panic!("no array {name}"));
            let array = read(&name, file);
            arrays.insert(name, array);
        }
        Archive(arrays)
    }

    pub(crate) fn get(&self, name: &str) -> Array {
        self.0.get(name).unwrap_or_else(|| panic!("no array {name}")).clone()
    }
}

/// The array of a file. One stored by columns is the transpose of one stored by rows.
fn read<R: Read>(name: &str, file: NpyFile<R>) -> Array {
    let shape: Vec<usize> = file.shape().iter().map(|&extent| extent as usize).collect();
    if file.order() == npyz::Order::C {
        return read_rows(name, &shape, file);
    }
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    let axes: Vec<usize> = (0..shape.len()).rev().collect();
    read_rows(name, &reversed, file).permute(&axes)
}

/// The elements of a file, in their order, as an array of a shape.
fn read_rows<R: Read>(name: &str, shape: &[usize], file: NpyFile<R>) -> Array {
    let DType::Plain(plain) = file.dtype() else { panic!("{name} is a record") };
    macro_rules! elements {
        ($rust:ty) => {
            Array::new(shape, &file.into_vec::<$rust>().unwrap())
        };
    }
    match (plain.type_char(), plain.size_field()) {
        (TypeChar::Bool, 1) => Array::from_bools(shape, &file.into_vec::<bool>().unwrap()),
        (TypeChar::Int, 1) => elements!(i8),
        (TypeChar::Int, 2) => elements!(i16),
        (TypeChar::Int, 4) => elements!(i32),
        (TypeChar::Int, 8) => elements!(i64),
        (TypeChar::Uint, 1) => elements!(u8),
        (TypeChar::Uint, 2) => elements!(u16),
        (TypeChar::Uint, 4) => elements!(u32),
        (TypeChar::Uint, 8) => elements!(u64),
        (TypeChar::Float, 4) => elements!(f32),
        (TypeChar::Float, 8) => elements!(f64),
        (TypeChar::Complex, 8) => elements!(Complex<f32>),
        (TypeChar::Complex, 16) => elements!(Complex<f64>),
        other => panic!("{name} has dtype {other:?}"),
    }
}
