//! Rust's operators on arrays, with arrays, references to them and Rust scalars on either side, and compound assignment.
//!
//! `+ - * / %` are arithmetic, where integers wrap and truncate; `& | ^ !` work on bits, and are logical on bools. There
//! is nothing here but forwarding: operands promote and broadcast in `operand.rs`.
//!
//! Any operand may stand on the right. On the left stand arrays, `f64`, `i32`, `bool` and complex numbers: with a second
//! float type there, the compiler could not tell the type of the literal in `(0.5 * x).exp()`, and would ask for one.

use super::{Dtypes, binary, bits, unary};
use crate::array::Array;
use crate::attrs::Attrs;
use crate::operand::{self, IntoOperand};
use num_complex::Complex;
use std::ops;

macro_rules! operator {
    ($trait:ident $method:ident, $assign_trait:ident $assign:ident, $prim:expr, $domain:expr; $($scalar:ty),*) => {
        operator! { arrays $trait $method, $prim, $domain; Array, &Array }
        operator! { scalars $trait $method, $prim, $domain; $($scalar, Array; $scalar, &Array;)* }

        impl<T: IntoOperand> ops::$assign_trait<T> for Array {
            #[track_caller]
            fn $assign(&mut self, other: T) {
                *self = operand::binary($prim, $domain, (&*self).into_operand(), other.into_operand());
            }
        }
    };
    (arrays $trait:ident $method:ident, $prim:expr, $domain:expr; $($array:ty),*) => { $(
        impl<T: IntoOperand> ops::$trait<T> for $array {
            type Output = Array;

            #[track_caller]
            fn $method(self, other: T) -> Array {
                operand::binary($prim, $domain, self.into_operand(), other.into_operand())
            }
        }
    )* };
    (scalars $trait:ident $method:ident, $prim:expr, $domain:expr; $($scalar:ty, $array:ty;)*) => { $(
        impl ops::$trait<$array> for $scalar {
            type Output = Array;

            #[track_caller]
            fn $method(self, other: $array) -> Array {
                operand::binary($prim, $domain, self.into_operand(), other.into_operand())
            }
        }
    )* };
}

operator! { Add add, AddAssign add_assign, &binary::ADD, Dtypes::Any; i32, f64, Complex<f32>, Complex<f64> }
operator! { Sub sub, SubAssign sub_assign, &binary::SUB, Dtypes::Numbers; i32, f64, Complex<f32>, Complex<f64> }
operator! { Mul mul, MulAssign mul_assign, &binary::MUL, Dtypes::Any; i32, f64, Complex<f32>, Complex<f64> }
operator! { Div div, DivAssign div_assign, &binary::DIV, Dtypes::Numbers; i32, f64, Complex<f32>, Complex<f64> }
operator! { Rem rem, RemAssign rem_assign, &binary::REM, Dtypes::Reals; i32, f64 }
operator! { BitAnd bitand, BitAndAssign bitand_assign, &bits::AND, Dtypes::Bits; bool, i32 }
operator! { BitOr bitor, BitOrAssign bitor_assign, &bits::OR, Dtypes::Bits; bool, i32 }
operator! { BitXor bitxor, BitXorAssign bitxor_assign, &bits::XOR, Dtypes::Bits; bool, i32 }

macro_rules! prefix {
    ($trait:ident $method:ident, $prim:expr; $($operand:ty),*) => { $(
        impl ops::$trait for $operand {
            type Output = Array;

            #[track_caller]
            fn $method(self) -> Array {
                crate::array::apply1($prim, &[&self], Attrs::none())
            }
        }
    )* };
}

prefix! { Neg neg, &unary::NEG; Array, &Array }
prefix! { Not not, &bits::NOT; Array, &Array }
