//! What convolutional sparse coding is tried on: filters, and maps of few coefficients.

use super::{check_grid, drawn};
use crate::random::{Key, randint, uniform_between};
use crate::{Array, DType, Error, ErrorKind, Result};

/// Rows and columns of a filter.
const SIDE: usize = 15;
const FILTERS: usize = 3;

/// Three discs with soft edges, of shape `[3, 15, 15]`: at distance `d` from the middle of disc `m`
///
/// ```text
/// 1 − clamp((d − r + 1) / 2, 0, 1),   r = 3, 5, 7
/// ```
///
/// ```
/// use cotangent::DType;
/// use cotangent::data::disc_filters;
/// let sums = disc_filters(DType::F64)?.sum_axes(&[1, 2]).to_vec::<f64>()?;
/// assert!((sums[0] - 29.32756).abs() < 1e-5 && (sums[2] - 154.8301).abs() < 1e-4);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A dtype that is not `f32` or `f64`.
pub fn disc_filters(dtype: DType) -> Result<Array> {
    let shape = [FILTERS, SIDE, SIDE];
    check_grid("disc_filters", &shape, 3..=3, dtype)?;
    Ok(drawn(&shape, dtype, |at| {
        let from_middle = |axis: usize| at[axis] as f64 - (SIDE / 2) as f64;
        let (distance, radius) = (from_middle(1).hypot(from_middle(2)), (3 + 2 * at[0]) as f64);
        1.0 - ((distance - radius + 1.0) / 2.0).clamp(0.0, 1.0)
    }))
}

/// Three maps of `side` by `side`, 0 but for `count` places drawn at random, at which they are uniform in `[0, 5)`. Of a
/// place that is drawn twice, the last value holds.
///
/// ```
/// use cotangent::DType;
/// use cotangent::data::sparse_maps;
/// use cotangent::random::Key;
/// let maps = sparse_maps(&Key::new(0), 16, 10, DType::F32)?;
/// assert_eq!(maps.shape()?[..], [3, 16, 16]);
/// assert!(maps.greater(0.0).astype(DType::I32).sum().item()? <= 10.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// Maps without elements; a dtype that is not `f32` or `f64`; a key that is not known, inside of a trace.
pub fn sparse_maps(key: &Key, side: usize, count: usize, dtype: DType) -> Result<Array> {
    let shape = [FILTERS, side, side];
    check_grid("sparse_maps", &shape, 3..=3, dtype)?;
    let elements = side.checked_mul(side).and_then(|square| i32::try_from(square.checked_mul(FILTERS)?).ok());
    let Some(elements) = elements else {
        let message = format!("maps {shape:?} have more elements than an i32 counts; make them smaller");
        return Err(Error::new(ErrorKind::Argument, "sparse_maps", message));
    };
    let (places, values) = key.split();
    let places = randint(&places, &[count], 0, elements).to_vec::<i32>()?;
    let values = uniform_between(&values, &[count], DType::F64, 0.0, 5.0).to_vec::<f64>()?;
    let mut maps = vec![0.0; elements as usize];
    places.iter().zip(values).for_each(|(&place, value)| maps[place as usize] = value);
    Ok(Array::new(&shape, &maps).astype(dtype))
}
