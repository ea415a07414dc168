//! What complex functions mean: their principal values, slowly, for the reference interpreter.
//!
//! The inverse functions are those of T. E. Hull, T. F. Fairgrieve and P. T. P. Tang, *Implementing the complex arcsine and
//! arccosine functions using exception handling*, 1997. On cuts they are continuous with the side the sign of zero names.

use num_complex::Complex;
use std::f64::consts::{LN_2, PI};

type C = Complex<f64>;

/// An infinite imaginary part outweighs whatever the real part is.
pub(super) fn sqrt(z: C) -> C {
    if z.im.is_infinite() { Complex::new(f64::INFINITY, z.im) } else { z.sqrt() }
}

/// The quotient of sine and cosine, which both overflow where it is long +-i.
pub(super) fn tan(z: C) -> C {
    if z.im.abs() > 300.0 { Complex::new(0.0, z.im.signum()) } else { z.tan() }
}

/// The quotient of hyperbolic sine and cosine, which both overflow where it is long +-1.
pub(super) fn tanh(z: C) -> C {
    match z {
        _ if z.im == 0.0 => Complex::new(z.re.tanh(), z.im),
        _ if z.re.abs() > 300.0 => Complex::new(z.re.signum(), 0.0),
        _ => z.tanh(),
    }
}

/// -i sinh(i z).
pub(super) fn sin(z: C) -> C {
    let turned = sinh(Complex::new(-z.im, z.re));
    Complex::new(turned.im, -turned.re)
}

/// cosh(i z).
pub(super) fn cos(z: C) -> C {
    cosh(Complex::new(-z.im, z.re))
}

pub(super) fn sinh(z: C) -> C {
    let (sinh, cosh) = (libm::sinh(z.re), libm::cosh(z.re));
    Complex::new(product(sinh, z.im.cos()), product(cosh, z.im.sin()))
}

pub(super) fn cosh(z: C) -> C {
    let (sinh, cosh) = (libm::sinh(z.re), libm::cosh(z.re));
    Complex::new(product(cosh, z.im.cos()), product(sinh, z.im.sin()))
}

/// The product, 0 where a factor is, though the other is infinite: these zeros are exact.
fn product(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0f64.copysign(a.signum() * b.signum()) } else { a * b }
}

pub(super) fn expm1(z: C) -> C {
    let half = (0.5 * z.im).sin();
    let im = if z.im == 0.0 { z.im } else { z.re.exp() * z.im.sin() };
    Complex::new(z.re.exp_m1() * z.im.cos() - 2.0 * half * half, im)
}

/// Near the unit circle by way of |z|^2 - 1.
pub(super) fn log(z: C) -> C {
    let (large, small) = (z.re.abs().max(z.im.abs()), z.re.abs().min(z.im.abs()));
    let size = z.norm();
    let near = 0.7 < size && size < 1.5;
    let re = if near { 0.5 * ((large - 1.0) * (large + 1.0) + small * small).ln_1p() } else { size.ln() };
    Complex::new(re, z.im.atan2(z.re))
}

/// Near 0 by way of |1 + z|^2 - 1.
pub(super) fn log1p(z: C) -> C {
    let (shifted, angle) = (z + 1.0, z.im.atan2(1.0 + z.re));
    let near = z.re.abs() < 0.6 && z.im.abs() < 0.6;
    let re = if near { 0.5 * (z.re * (2.0 + z.re) + z.im * z.im).ln_1p() } else { shifted.norm().ln() };
    Complex::new(re, angle)
}

/// By the exponential that does not overflow.
pub(super) fn logistic(z: C) -> C {
    if z.re < 0.0 {
        let power = z.exp();
        return power / (power + 1.0);
    }
    1.0 / ((-z).exp() + 1.0)
}

/// Of |Re z| and |Im z|: the real parts of arcsine and arccosine, and the magnitude of their imaginary part.
fn arcs(x: f64, y: f64) -> (f64, f64, f64) {
    if x.max(y) > 1e100 {
        return (x.atan2(y), y.atan2(x), x.hypot(y).ln() + LN_2);
    }
    let (r, s) = ((x + 1.0).hypot(y), (x - 1.0).hypot(y));
    let a = 0.5 * (r + s);
    let root = if x <= 1.0 {
        (0.5 * (a + x) * (y * y / (r + x + 1.0) + (s + (1.0 - x)))).sqrt()
    } else {
        y * (0.5 * ((a + x) / (r + x + 1.0) + (a + x) / (s + (x - 1.0)))).sqrt()
    };
    let im = if a <= 1.5 {
        let less = if x < 1.0 {
            0.5 * (y * y / (r + x + 1.0) + y * y / (s + (1.0 - x)))
        } else {
            0.5 * (y * y / (r + x + 1.0) + (s + (x - 1.0)))
        };
        (less + (less * (a + 1.0)).sqrt()).ln_1p()
    } else {
        (a + (a * a - 1.0).sqrt()).ln()
    };
    (x.atan2(root), root.atan2(x), im)
}

pub(super) fn asin(z: C) -> C {
    let (re, _, im) = arcs(z.re.abs(), z.im.abs());
    Complex::new(re.copysign(z.re), im.copysign(z.im))
}

pub(super) fn acos(z: C) -> C {
    let (_, angle, im) = arcs(z.re.abs(), z.im.abs());
    let re = if z.re < 0.0 { PI - angle } else { angle };
    Complex::new(re, -im.copysign(z.im))
}

/// -i asin(i z).
pub(super) fn asinh(z: C) -> C {
    let turned = asin(Complex::new(-z.im, z.re));
    Complex::new(turned.im, -turned.re)
}

/// i acos z or -i acos z, whichever has the nonnegative real part.
pub(super) fn acosh(z: C) -> C {
    let turned = acos(z);
    Complex::new(turned.im.abs(), turned.re.copysign(z.im))
}

/// log((1 + z) / (1 - z)) / 2, whose parts are a logarithm of a ratio near 1 and half an angle.
pub(super) fn atanh(z: C) -> C {
    let (x, y) = (z.re.abs(), z.im);
    let re = 0.25 * (4.0 * x / ((1.0 - x).powi(2) + y * y)).ln_1p();
    let im = 0.5 * (2.0 * y).atan2((1.0 - x) * (1.0 + x) - y * y);
    Complex::new(re.copysign(z.re), im)
}

/// -i atanh(i z).
pub(super) fn atan(z: C) -> C {
    let turned = atanh(Complex::new(-z.im, z.re));
    Complex::new(turned.im, -turned.re)
}
