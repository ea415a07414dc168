//! What users say of a convolution, and the methods that take it.

use super::{CONV, Window, dilated};
use crate::array::{Array, apply1, fail};
use crate::error::{Error, ErrorKind, Result};
use crate::prim::axes::{self, attempt};
use crate::types::{Dims, Type};
use smallvec::SmallVec;

/// What surrounds the array that a window moves over: of a convolution zeros, of a reduction nothing that has an effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Padding {
    /// None: the window stays within the input.
    Valid,
    /// So many that without strides the result is as large as the input, at the end one more where their number is odd.
    Same,
    /// As [`Padding::Same`], at the beginning one more.
    SameLower,
    /// For each axis, of a convolution those of space, so many before and behind; negative ones cut elements off.
    Explicit(Vec<(i64, i64)>),
}

/// A convolution: how the window moves, how both operands are spread, and which axes are what.
///
/// ```
/// use cotangent_ir::{Array, prim::conv::{Convolution, Padding}};
/// let x = Array::new(&[1, 1, 4], &[1.0f32, 2.0, 3.0, 4.0]);
/// let w = Array::new(&[1, 1, 2], &[1.0f32, 10.0]);
/// let y = x.conv_general(&w, &Convolution::new(1).strides(&[2]).padding(Padding::Valid));
/// assert_eq!(y.to_vec::<f32>().unwrap(), [21.0, 43.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Convolution {
    strides: Vec<usize>,
    padding: Padding,
    lhs_dilation: Vec<usize>,
    rhs_dilation: Vec<usize>,
    feature_groups: usize,
    batch_groups: usize,
    layouts: Option<[String; 3]>,
}

impl Convolution {
    /// A convolution over so many axes of space: one step at a time, without padding, dilation or groups.
    pub fn new(space: usize) -> Convolution {
        let ones = vec![1; space];
        Convolution {
            strides: ones.clone(),
            padding: Padding::Valid,
            lhs_dilation: ones.clone(),
            rhs_dilation: ones,
            feature_groups: 1,
            batch_groups: 1,
            layouts: None,
        }
    }

    /// Steps of the window along each axis of space.
    pub fn strides(self, strides: &[usize]) -> Convolution {
        Convolution { strides: strides.to_vec(), ..self }
    }

    /// Zeros around the input.
    pub fn padding(self, padding: Padding) -> Convolution {
        Convolution { padding, ..self }
    }

    /// Distance of neighbours of the input, with zeros between them.
    pub fn lhs_dilation(self, dilation: &[usize]) -> Convolution {
        Convolution { lhs_dilation: dilation.to_vec(), ..self }
    }

    /// Distance of neighbours of the window.
    pub fn rhs_dilation(self, dilation: &[usize]) -> Convolution {
        Convolution { rhs_dilation: dilation.to_vec(), ..self }
    }

    /// Groups of channels that do not mix.
    pub fn feature_groups(self, groups: usize) -> Convolution {
        Convolution { feature_groups: groups, ..self }
    }

    /// Groups of the batch, each seen by its group of output channels alone.
    pub fn batch_groups(self, groups: usize) -> Convolution {
        Convolution { batch_groups: groups, ..self }
    }

    /// What the axes of input, window and result are: `N` the batch, `C` channels, `O` output and `I` input channels; all
    /// other letters are axes of space, in the order in which the window has them. Otherwise input and result have batch and
    /// channels first, the window output and input channels.
    pub fn layouts(self, input: &str, window: &str, result: &str) -> Convolution {
        Convolution { layouts: Some([input, window, result].map(String::from)), ..self }
    }

    fn operands(&self, x: &Array, w: &Array) -> Result<(Array, Array, Option<Dims>)> {
        let dtype = x.dtype()?.promote(w.dtype()?);
        let (x, w) = (x.astype(dtype), w.astype(dtype));
        let Some([input, window, result]) = &self.layouts else { return Ok((x, w, None)) };
        let space: Vec<char> = window.chars().filter(|letter| !"OI".contains(*letter)).collect();
        let order = |layout: &str, leading: [char; 2], rank: usize| -> Result<Dims> {
            let wanted: Vec<char> = leading.into_iter().chain(space.iter().copied()).collect();
            let places: Option<Dims> =
                wanted.iter().map(|letter| layout.chars().position(|own| own == *letter)).collect();
            match places {
                Some(places) if layout.chars().count() == wanted.len() && rank == wanted.len() => Ok(places),
                _ => {
                    let message =
                        format!("the layout `{layout}` of an array of rank {rank} must have the letters {wanted:?}");
                    Err(Error::new(ErrorKind::Argument, "conv_general", message))
                }
            }
        };
        let x = x.permute(&order(input, ['N', 'C'], x.shape()?.len())?);
        let w = w.permute(&order(window, ['O', 'I'], w.shape()?.len())?);
        let back = axes::inverse(&order(result, ['N', 'C'], space.len() + 2)?);
        Ok((x, w, Some(back)))
    }

    fn window(&self, x: &Type, w: &Type, padding: Vec<(i64, i64)>) -> Result<Window> {
        let space = self.strides.len();
        let lists = [self.lhs_dilation.len(), self.rhs_dilation.len(), padding.len()];
        if lists.iter().any(|&count| count != space) || x.rank() != space + 2 || w.rank() != space + 2 {
            let message = format!(
                "{space} strides, {} and {} dilations and {} paddings for {x} and {w}; each axis of space, all but the first \
                 two, needs one of each",
                lists[0], lists[1], lists[2]
            );
            return Err(Error::new(ErrorKind::Argument, "conv_general", message));
        }
        let numbers = |list: &[usize]| list.iter().map(|&number| number as i64).collect::<SmallVec<[i64; 4]>>();
        Ok(Window {
            strides: numbers(&self.strides),
            low: padding.iter().map(|pair| pair.0).collect(),
            high: padding.iter().map(|pair| pair.1).collect(),
            lhs_dilation: numbers(&self.lhs_dilation),
            rhs_dilation: numbers(&self.rhs_dilation),
            feature_groups: self.feature_groups,
            batch_groups: self.batch_groups,
        })
    }

    /// Extents of the window over the elements it reaches, along the axes of space.
    fn reach(&self, w: &Type) -> Vec<i64> {
        w.shape.iter().skip(2).zip(&self.rhs_dilation).map(|(&extent, &by)| dilated(extent, by as i64)).collect()
    }

    fn pads(&self, x: &Type, w: &Type) -> Result<Vec<(i64, i64)>> {
        let same = |lower: bool| -> Result<Vec<(i64, i64)>> {
            if self.lhs_dilation.iter().any(|&by| by != 1) {
                let message =
                    "the same extent is not defined where the input is dilated; give the padding of each axis";
                return Err(Error::new(ErrorKind::Argument, "conv_general", message));
            }
            let extents = x.shape.iter().skip(2).map(|&extent| extent as i64);
            let pad = |((extent, reach), &stride): ((i64, i64), &usize)| {
                let stride = stride.max(1) as i64;
                let total = (((extent + stride - 1) / stride - 1) * stride + reach - extent).max(0);
                let half = total / 2;
                if lower { (total - half, half) } else { (half, total - half) }
            };
            Ok(extents.zip(self.reach(w)).zip(&self.strides).map(pad).collect())
        };
        match &self.padding {
            Padding::Valid => Ok(vec![(0, 0); self.strides.len()]),
            Padding::Same => same(false),
            Padding::SameLower => same(true),
            Padding::Explicit(pairs) => Ok(pairs.clone()),
        }
    }
}

impl Array {
    /// The convolution of a batch of arrays with several channels, `[batch, channels, space..]`, with windows
    /// `[output channels, input channels, space..]`: sums of products in every place of the window, which is not turned
    /// round. See [`Convolution`].
    #[track_caller]
    pub fn conv_general(&self, window: &Array, convolution: &Convolution) -> Array {
        let (x, w, back) = attempt!(convolution.operands(self, window));
        let (input, weights) = (attempt!(x.ty()), attempt!(w.ty()));
        let padding = attempt!(convolution.pads(&input, &weights));
        let window = attempt!(convolution.window(&input, &weights, padding));
        let result = apply1(&CONV, &[&x, &w], window.attrs());
        back.map_or(result.clone(), |back| result.permute(&back))
    }

    /// The transposed ("fractionally strided") convolution, which makes its input larger by the strides: every element of the
    /// input is spread by the window. As in JAX, the window is not turned round, and its input channels are those of the
    /// input.
    ///
    /// ```
    /// use cotangent_ir::{Array, prim::conv::{Convolution, Padding}};
    /// let x = Array::new(&[1, 1, 2], &[1.0f32, 2.0]);
    /// let w = Array::new(&[1, 1, 2], &[10.0f32, 1.0]);
    /// let y = x.conv_transpose(&w, &Convolution::new(1).strides(&[2]));
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [1.0, 10.0, 2.0, 20.0]);
    /// ```
    #[track_caller]
    pub fn conv_transpose(&self, window: &Array, convolution: &Convolution) -> Array {
        if convolution.lhs_dilation.iter().any(|&by| by != 1) {
            let message = "the strides are what dilates the input; leave `lhs_dilation` at 1";
            return fail(ErrorKind::Argument, "conv_transpose", message);
        }
        let (x, w, back) = attempt!(convolution.operands(self, window));
        let (input, weights) = (attempt!(x.ty()), attempt!(w.ty()));
        let pad = |(reach, &stride): (i64, &usize)| {
            let stride = stride as i64;
            let least = reach + stride - 2;
            let (total, before) = match convolution.padding {
                Padding::Valid => (least + (reach - stride).max(0), reach - 1),
                _ if stride > reach - 1 => (least, reach - 1),
                _ => (least, (least + 1) / 2),
            };
            (before, total - before)
        };
        let padding = match &convolution.padding {
            Padding::Explicit(pairs) => pairs.clone(),
            _ => convolution.reach(&weights).into_iter().zip(&convolution.strides).map(pad).collect(),
        };
        let spread = Convolution {
            strides: vec![1; convolution.strides.len()],
            lhs_dilation: convolution.strides.clone(),
            ..convolution.clone()
        };
        let window = attempt!(spread.window(&input, &weights, padding));
        let result = apply1(&CONV, &[&x, &w], window.attrs());
        back.map_or(result.clone(), |back| result.permute(&back))
    }
}
