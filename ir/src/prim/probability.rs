//! Functions of probabilities and of the normal distribution, from the error function and logarithms.

use crate::array::Array;
use crate::dtype::DType;
use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

impl Array {
    /// The log-odds log(p / (1 - p)) of a probability, the inverse of [`Array::sigmoid`].
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([0.5f32, 1.0]).logit().to_vec::<f32>().unwrap(), [0.0, f32::INFINITY]);
    /// ```
    #[track_caller]
    pub fn logit(&self) -> Array {
        // Near 1/2 the quotient is near 1, and its logarithm is taken from what it differs by.
        let odds = self / (1 - self);
        let excess = (2 * self - 1) / (1 - self);
        excess.abs().less(0.5).select(excess.log1p(), odds.log())
    }

    /// The entropy -p log p: 0 at 0 and -inf for negative elements.
    #[track_caller]
    pub fn entr(&self) -> Array {
        let known = self.greater(0).select(self, 1);
        let inside = -(self * known.log());
        self.less(0).select(f64::NEG_INFINITY, self.equal(0).select(0, self.is_nan().select(self, inside)))
    }

    /// The cumulative distribution function of the standard normal distribution.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([0.0f64]).ndtr().to_vec::<f64>().unwrap(), [0.5]);
    /// ```
    #[track_caller]
    pub fn ndtr(&self) -> Array {
        0.5 * (self * -FRAC_1_SQRT_2).erfc()
    }

    /// The inverse of [`Array::ndtr`], the quantile function of the standard normal distribution.
    #[track_caller]
    pub fn ndtri(&self) -> Array {
        SQRT_2 * (2 * self - 1).erf_inv()
    }

    /// The logarithm of [`Array::ndtr`], by its asymptotic series where that underflows.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let far = Array::from([-1000.0f64]).log_ndtr().to_vec::<f64>().unwrap()[0];
    /// assert!((far + 500007.8266948).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn log_ndtr(&self) -> Array {
        let limit = if self.dtype().is_ok_and(|dtype| dtype == DType::F64) { -20.0 } else { -10.0 };
        let right = (-0.5 * (self * FRAC_1_SQRT_2).erfc()).log1p();
        let middle = self.maximum(limit).ndtr().log();
        let x = self.minimum(limit);
        let square = x.square();
        // 1 - 1/x^2 + 3/x^4 - 15/x^6 + ..., nested.
        let mut series = x.ones_like();
        for k in (1..=10).rev() {
            series = 1 - f64::from(2 * k - 1) * series / &square;
        }
        let left = -0.5 * &square - (-&x).log() - 0.5 * (2.0 * PI).ln() + series.log();
        self.greater(-1).select(right, self.less(limit).select(left, middle))
    }
}
