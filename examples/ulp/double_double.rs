//! Numbers of twice the digits, as sums of two doubles of which the second is at most half a unit of the first (T. J.
//! Dekker, *A floating-point technique for extending the available precision*, 1971).

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number of about 106 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Double {
    pub(crate) high: f64,
    pub(crate) low: f64,
}

/// The sum and what its rounding leaves out.
fn exact_sum(a: f64, b: f64) -> Double {
    let high = a + b;
    let of_b = high - a;
    Double { high, low: (a - (high - of_b)) + (b - of_b) }
}

/// The product and what its rounding leaves out.
pub(crate) fn exact_product(a: f64, b: f64) -> Double {
    let high = a * b;
    Double { high, low: a.mul_add(b, -high) }
}

/// A sum whose first number is the larger.
fn normal(high: f64, low: f64) -> Double {
    let sum = high + low;
    Double { high: sum, low: low - (sum - high) }
}

impl Double {
    pub(crate) const fn new(high: f64, low: f64) -> Double {
        Double { high, low }
    }

    pub(crate) fn abs(self) -> Double {
        if self.high < 0.0 { -self } else { self }
    }

    pub(crate) fn sqrt(self) -> Double {
        if self.high <= 0.0 {
            return Double::from(self.high.sqrt());
        }
        let root = self.high.sqrt();
        let rest = self - exact_product(root, root);
        normal(root, rest.high / (2.0 * root))
    }

    /// Times a power of two.
    pub(crate) fn scaled(self, exponent: i32) -> Double {
        // Two factors, because the power may exceed the range where the product does not.
        let (half, rest) = (2f64.powi(exponent / 2), 2f64.powi(exponent - exponent / 2));
        Double { high: self.high * half * rest, low: self.low * half * rest }
    }
}

impl From<f64> for Double {
    fn from(high: f64) -> Double {
        Double { high, low: 0.0 }
    }
}

impl Neg for Double {
    type Output = Double;

    fn neg(self) -> Double {
        Double { high: -self.high, low: -self.low }
    }
}

impl<T: Into<Double>> Add<T> for Double {
    type Output = Double;

    fn add(self, other: T) -> Double {
        let other = other.into();
        let sum = exact_sum(self.high, other.high);
        let lows = exact_sum(self.low, other.low);
        let sum = normal(sum.high, sum.low + lows.high);
        normal(sum.high, sum.low + lows.low)
    }
}

impl<T: Into<Double>> Sub<T> for Double {
    type Output = Double;

    fn sub(self, other: T) -> Double {
        self + -other.into()
    }
}

impl<T: Into<Double>> Mul<T> for Double {
    type Output = Double;

    fn mul(self, other: T) -> Double {
        let other = other.into();
        let product = exact_product(self.high, other.high);
        normal(product.high, product.low + (self.high * other.low + self.low * other.high))
    }
}

impl<T: Into<Double>> Div<T> for Double {
    type Output = Double;

    fn div(self, other: T) -> Double {
        let other = other.into();
        let first = self.high / other.high;
        let rest = self - other * first;
        let second = rest.high / other.high;
        let rest = rest - other * second;
        normal(first, second) + rest.high / other.high
    }
}
