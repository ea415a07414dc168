//! Volumes without symmetry.

use super::{check_grid, drawn};
use crate::{Array, DType, Result};

/// The tangle: a smooth surface with many holes, and what is inside of it. With `x`, `y` and `z` from −3 to 3 along the
/// axes, ends included,
///
/// ```text
/// 2 − t for 0 ≤ t ≤ 2, else 0,   where   t = (Σ_c (c⁴ − 5 c²) + 11.8) / 5 + ½
/// ```
///
/// G. Knoll and others: *Interactive ray tracing of arbitrary implicits with SIMD interval arithmetic*, 2007.
///
/// ```
/// use cotangent::DType;
/// use cotangent::data::tangle;
/// let volume = tangle([64, 256, 128], DType::F32)?;
/// assert!((volume.astype(DType::F64).sum().item()? - 774377.6).abs() < 1.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A grid without elements; a dtype that is not `f32` or `f64`.
pub fn tangle(shape: [usize; 3], dtype: DType) -> Result<Array> {
    check_grid("tangle", &shape, 3..=3, dtype)?;
    Ok(drawn(&shape, dtype, |at| {
        let terms = at.iter().zip(&shape).map(|(&place, &extent)| {
            let square = (6.0 * along(place, extent) - 3.0).powi(2);
            square * square - 5.0 * square
        });
        let level = (terms.sum::<f64>() + 11.8) / 5.0 + 0.5;
        if (0.0..=2.0).contains(&level) { 2.0 - level } else { 0.0 }
    }))
}

/// Which of 27 blocks are 1; the others are 0.
const BLOCKS: [[[f64; 3]; 3]; 3] =
    [[[0.0; 3]; 3], [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]], [[0.0, 1.0, 0.0], [0.0; 3], [0.0; 3]]];

/// Five blocks of 1 out of 27 that fill a volume: a shape unlike any of its rotations and mirror images, for telling the
/// conventions of projectors apart.
///
/// Each axis is divided into three; element `i` of `n` belongs to part `round(3 i / (n − 1) − ½)`, halves to the even one.
///
/// ```
/// use cotangent::DType;
/// use cotangent::data::blocks;
/// assert_eq!(blocks([6, 7, 8], DType::F32)?.sum().item()?, 58.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A grid without elements; a dtype that is not `f32` or `f64`.
pub fn blocks(shape: [usize; 3], dtype: DType) -> Result<Array> {
    check_grid("blocks", &shape, 3..=3, dtype)?;
    Ok(drawn(&shape, dtype, |at| {
        // Thirds of the axis are told apart by integers, so that halves are exact.
        let part = |axis: usize| {
            let steps = shape[axis].max(2) - 1;
            ((3 * at[axis]) as f64 / steps as f64 - 0.5).round_ties_even().clamp(0.0, 2.0) as usize
        };
        BLOCKS[part(0)][part(1)][part(2)]
    }))
}

/// How far along an axis an element is, from 0 at the first to 1 at the last.
fn along(place: usize, extent: usize) -> f64 {
    place as f64 / (extent.max(2) - 1) as f64
}
