//! Words of a formula.

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Int(i64),
    Real(f64),
    Imaginary(f64),
    Text(String),
    Name(String),
    /// An operator, bracket or separator.
    Sign(&'static str),
}

/// Operators, brackets and separators; the longer ones first, so that `**` is not two `*`.
const SIGNS: [&str; 22] = [
    "...", "**", "<=", ">=", "==", "!=", "+", "-", "*", "/", "@", "<", ">", "(", ")", "[", "]", "{", "}", ",", ":", "=",
];

/// The words of a text, each with the place where it begins.
pub(crate) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let next = rest.chars().nth(1);
        let (token, length) = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if first.is_ascii_digit() || (first == '.' && next.is_some_and(|c| c.is_ascii_digit())) {
            number(rest).ok_or_else(|| format!("a malformed number at {at}"))?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = prefix(rest, |c| c.is_ascii_alphanumeric() || c == '_');
            (Token::Name(rest[..length].to_string()), length)
        } else if first == '"' || first == '\'' {
            let inner = rest[1..].find(first).ok_or_else(|| format!("text without an end at {at}"))?;
            (Token::Text(rest[1..=inner].to_string()), inner + 2)
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
            let sign = sign.ok_or_else(|| format!("`{first}` at {at} is no part of a formula"))?;
            (Token::Sign(sign), sign.len())
        };
        found.push((at, token));
        at += length;
    }
    Ok(found)
}

/// The number at the start of a text, and its length.
fn number(text: &str) -> Option<(Token, usize)> {
    let digits = |at: usize| at + prefix(&text[at..], |c| c.is_ascii_digit());
    let mut end = digits(0);
    let mut whole = true;
    if text[end..].starts_with('.') {
        whole = false;
        end = digits(end + 1);
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let after = digits(end + 1 + sign);
        if after > end + 1 + sign {
            whole = false;
            end = after;
        }
    }
    let digits = &text[..end];
    if text[end..].starts_with('j') {
        return Some((Token::Imaginary(digits.parse().ok()?), end + 1));
    }
    let token = if whole { Token::Int(digits.parse().ok()?) } else { Token::Real(digits.parse().ok()?) };
    Some((token, end))
}

/// The number of bytes at the start of a text that satisfy a condition.
fn prefix(text: &str, holds: impl Fn(char) -> bool) -> usize {
    text.find(|c| !holds(c)).unwrap_or(text.len())
}
