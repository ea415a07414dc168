//! Number formats of C's `printf`, as Python has them.

use crate::{Error, ErrorKind, Result};
use std::fmt;

/// How a number is shown: `%`, then optionally `+`, `-`, a width, and `.` with a precision, then a letter: `d`, `i`, `u`, `o` or
/// `x` for whole numbers (what is behind the point is cut off), `e`, `f` or `g` for others, `s` for as many digits as tell the
/// number from others.
///
/// ```
/// use cotangent::diagnostics::Format;
/// let shown = |format: &str, value: f64| Format::parse(format).map(|format| format.show(value));
/// assert_eq!(shown("%4d", 7.0)?, "   7");
/// assert_eq!(shown("%+.3e", 0.00012345)?, "+1.234e-04");
/// assert_eq!(shown("%-8.2fend", 2.0).unwrap_err().operation(), "Format");
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Format {
    plus: bool,
    left: bool,
    width: Option<usize>,
    /// With a point alone, the precision is 0.
    precision: Option<usize>,
    conversion: Conversion,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Conversion {
    Whole(char),
    Exponent,
    Fixed,
    General,
    Shortest,
}

/// Nobody reads more, and the widest number has fewer digits.
const MOST_DIGITS: usize = 400;

impl Format {
    /// The format that a text describes.
    ///
    /// # Errors
    /// A text that is no such format.
    pub fn parse(text: &str) -> Result<Format> {
        let refuse = || {
            let message = format!("`{text}` is no format such as `%d`, `%8.2e` or `%-5d`; write one of these");
            Error::new(ErrorKind::Argument, "Format", message)
        };
        let rest = text.strip_prefix('%').ok_or_else(refuse)?;
        let (plus, rest) = flag(rest, '+');
        let (left, rest) = flag(rest, '-');
        let (width, rest) = digits(rest).ok_or_else(refuse)?;
        let (point, rest) = flag(rest, '.');
        let (precision, rest) = digits(rest).ok_or_else(refuse)?;
        let conversion = match rest {
            "d" | "i" | "u" => Conversion::Whole('d'),
            "o" => Conversion::Whole('o'),
            "x" => Conversion::Whole('x'),
            "e" => Conversion::Exponent,
            "f" => Conversion::Fixed,
            "g" => Conversion::General,
            "s" => Conversion::Shortest,
            _ => return Err(refuse()),
        };
        if !point && precision.is_some() {
            return Err(refuse());
        }
        Ok(Format { plus, left, width, precision: precision.or(point.then_some(0)), conversion })
    }

    /// A number in this format.
    pub fn show(&self, value: f64) -> String {
        let digits = self.precision.unwrap_or(6);
        let text = match self.conversion {
            _ if !value.is_finite() => value.to_string().to_lowercase(),
            Conversion::Whole(base) => whole(value.trunc(), base, self.precision.unwrap_or(0)),
            Conversion::Exponent => scientific(value, digits),
            Conversion::Fixed => format!("{value:.digits$}"),
            Conversion::General => general(value, digits.max(1)),
            Conversion::Shortest => format!("{value}"),
        };
        let text = if self.plus && !text.starts_with('-') { format!("+{text}") } else { text };
        let width = self.width.unwrap_or(0);
        if self.left { format!("{text:<width$}") } else { format!("{text:>width$}") }
    }

    /// The width asked for.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// The format with another width.
    pub fn with_width(self, width: usize) -> Format {
        Format { width: Some(width), ..self }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.conversion {
            Conversion::Whole(base) => base,
            Conversion::Exponent => 'e',
            Conversion::Fixed => 'f',
            Conversion::General => 'g',
            Conversion::Shortest => 's',
        };
        let (plus, left) = (if self.plus { "+" } else { "" }, if self.left { "-" } else { "" });
        let width = self.width.map(|width| width.to_string()).unwrap_or_default();
        let precision = self.precision.map(|precision| format!(".{precision}")).unwrap_or_default();
        write!(f, "%{plus}{left}{width}{precision}{letter}")
    }
}

fn flag(text: &str, character: char) -> (bool, &str) {
    text.strip_prefix(character).map_or((false, text), |rest| (true, rest))
}

/// The number at the beginning of a text, if there is one; `None` for one beyond reason.
fn digits(text: &str) -> Option<(Option<usize>, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    match &text[..end] {
        "" => Some((None, text)),
        number => number
            .parse()
            .ok()
            .filter(|&number: &usize| number <= MOST_DIGITS)
            .map(|number| (Some(number), &text[end..])),
    }
}

/// A whole number with at least so many digits.
fn whole(value: f64, base: char, digits: usize) -> String {
    let size = value.abs();
    let text = match base {
        'o' => format!("{:o}", size as u128),
        'x' => format!("{:x}", size as u128),
        _ => format!("{size:.0}"),
    };
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{text:0>digits$}")
}

/// A number as `%.{digits}e` shows it, with at least two digits of exponent.
pub(crate) fn scientific(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return value.to_string().to_lowercase();
    }
    let text = format!("{value:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(rest) => ('-', rest),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{exponent:0>2}")
}

/// A number with so many significant digits, without zeros at the end, with an exponent if it is very large or small.
fn general(value: f64, digits: usize) -> String {
    let text = scientific(value, digits - 1);
    let exponent: i32 = text.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let shorten = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    };
    if (-4..digits as i32).contains(&exponent) {
        let behind = (digits as i32 - 1 - exponent) as usize;
        return shorten(&format!("{value:.behind$}"));
    }
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!("{}e{exponent}", shorten(mantissa)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(format: &str, value: f64) -> String {
        Format::parse(format).unwrap().show(value)
    }

    #[test]
    fn numbers_are_shown_as_c_shows_them() {
        assert_eq!(scientific(1.5, 3), "1.500e+00");
        assert_eq!(scientific(-0.000_123_4, 2), "-1.23e-04");
        assert_eq!(scientific(3.0e120, 3), "3.000e+120");
        assert_eq!(scientific(f64::INFINITY, 3), "inf");
        let cases = [
            ("%d", 3.7, "3"),
            ("%d", -3.7, "-3"),
            ("%+d", 5.0, "+5"),
            ("%.3d", 5.0, "005"),
            ("%-5d", 12.0, "12   "),
            ("%x", 255.0, "ff"),
            ("%o", 8.0, "10"),
            ("%e", 12345.678, "1.234568e+04"),
            ("%12.2e", -1.0, "   -1.00e+00"),
            ("%.f", 2.5, "2"),
            ("%f", 0.1, "0.100000"),
            ("%g", 100000.0, "100000"),
            ("%g", 1000000.0, "1e+06"),
            ("%g", 0.0001, "0.0001"),
            ("%g", 0.00001234, "1.234e-05"),
            ("%.3g", 2.0, "2"),
            ("%8.2e", f64::NAN, "     nan"),
            ("%d", f64::NEG_INFINITY, "-inf"),
            ("%s", 0.1, "0.1"),
        ];
        for (format, value, want) in cases {
            assert_eq!(shown(format, value), want, "{format} of {value}");
        }
    }

    #[test]
    fn formats_are_parsed_as_a_whole() {
        for text in ["%d", "%+d", "%-5d", "%9.3e", "%+-12.4f", "%.0e"] {
            assert_eq!(Format::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "d", "%", "%z4d", "%-+d", "%5", "%d apples", "%5.2", "%q", "%E", "%99999999999999999999d"] {
            assert!(Format::parse(text).is_err(), "{text}");
        }
    }
}
