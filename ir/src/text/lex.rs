//! Tokens of the text form, with their places, and the cursor the parsers read them through.

use crate::error::{Error, ErrorKind, Result};

/// A place in a text, both counted from 1; columns count characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// Line.
    pub(super) line: usize,
    /// Column.
    pub(super) column: usize,
}

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A letter or underscore, then letters, digits, underscores and dots.
    Word,
    /// `@` and a name; the text is the name alone.
    Name,
    /// Digits, maybe a fraction, an exponent and a suffix of letters and digits; no sign.
    Number,
    /// One of the punctuation marks.
    Mark,
    /// The end of the text.
    End,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) place: Place,
}

/// Longer marks first, since the first that fits is taken.
const MARKS: [&str; 14] = ["->", "..", "(", ")", "{", "}", "[", "]", ",", ":", "=", "+", "-", "*"];

/// An error at a place.
pub(super) fn error_at(place: Place, message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Parse, "parse", format!("{}:{}: {message}", place.line, place.column))
}

/// Cuts a text into tokens; the last is [`Kind::End`].
fn tokens(text: &str) -> Result<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut place = Place { line: 1, column: 1 };
    let mut rest = text;
    loop {
        let blank = rest.len() - rest.trim_start().len();
        advance(&mut rest, &mut place, blank);
        if rest.starts_with("//") {
            let comment = rest.find('\n').unwrap_or(rest.len());
            advance(&mut rest, &mut place, comment);
            continue;
        }
        let Some(first) = rest.chars().next() else {
            tokens.push(Token { kind: Kind::End, text: "", place });
            return Ok(tokens);
        };
        let (kind, skip, length) = match first {
            c if is_letter(c) => (Kind::Word, 0, name_length(rest)),
            '@' if name_length(&rest[1..]) > 0 => (Kind::Name, 1, 1 + name_length(&rest[1..])),
            c if c.is_ascii_digit() => (Kind::Number, 0, number_length(rest)),
            _ => match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
                Some(mark) => (Kind::Mark, 0, mark.len()),
                None => return Err(error_at(place, format!("{first:?} means nothing here"))),
            },
        };
        tokens.push(Token { kind, text: &rest[skip..length], place });
        advance(&mut rest, &mut place, length);
    }
}

fn advance(rest: &mut &str, place: &mut Place, bytes: usize) {
    let (passed, left) = rest.split_at(bytes);
    for c in passed.chars() {
        if c == '\n' {
            *place = Place { line: place.line + 1, column: 1 };
        } else {
            place.column += 1;
        }
    }
    *rest = left;
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

/// Bytes of the longest name at the start. A dot belongs to a name only between its characters: `0..n` is a range.
fn name_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        let inner_dot = *byte == b'.' && bytes.get(length + 1) != Some(&b'.');
        if !is_name(byte) && !inner_dot {
            break;
        }
        length += 1;
    }
    length
}

fn digits_length(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn number_length(text: &str) -> usize {
    let mut length = digits_length(text);
    if text[length..].starts_with('.') && digits_length(&text[length + 1..]) > 0 {
        length += 1 + digits_length(&text[length + 1..]);
    }
    let rest = &text[length..];
    if rest.starts_with(['e', 'E']) {
        let sign = usize::from(rest[1..].starts_with(['+', '-']));
        let digits = digits_length(&rest[1 + sign..]);
        if digits > 0 {
            length += 1 + sign + digits;
        }
    }
    length + text[length..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}

/// A position in a list of tokens.
pub(super) struct Cursor<'a> {
    tokens: Vec<Token<'a>>,
    position: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of a text.
    pub(super) fn new(text: &'a str) -> Result<Cursor<'a>> {
        Ok(Cursor { tokens: tokens(text)?, position: 0 })
    }

    /// The next token.
    pub(super) fn peek(&self) -> Token<'a> {
        self.tokens[self.position]
    }

    /// The place of the next token.
    pub(super) fn place(&self) -> Place {
        self.peek().place
    }

    /// Takes the next token. The end is never passed.
    pub(super) fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.position = (self.position + 1).min(self.tokens.len() - 1);
        token
    }

    /// An error at the next token: what was expected, and what stands there.
    pub(super) fn unexpected(&self, expected: impl std::fmt::Display) -> Error {
        let Token { kind, text, place } = self.peek();
        let found = match kind {
            Kind::End => "the end of the text".to_string(),
            Kind::Name => format!("`@{text}`"),
            Kind::Word | Kind::Number | Kind::Mark => format!("`{text}`"),
        };
        error_at(place, format!("expected {expected}, found {found}"))
    }

    /// Whether the next token is that mark.
    pub(super) fn at_mark(&self, mark: &str) -> bool {
        self.peek().kind == Kind::Mark && self.peek().text == mark
    }

    /// Takes the mark if it is next.
    pub(super) fn take_mark(&mut self, mark: &str) -> bool {
        let found = self.at_mark(mark);
        if found {
            self.next();
        }
        found
    }

    /// Takes the mark, which must be next.
    pub(super) fn mark(&mut self, mark: &str) -> Result<()> {
        if self.take_mark(mark) { Ok(()) } else { Err(self.unexpected(format!("`{mark}`"))) }
    }

    /// Whether the next token is that word.
    pub(super) fn at_word(&self, word: &str) -> bool {
        self.peek().kind == Kind::Word && self.peek().text == word
    }

    /// Takes the word, which must be next.
    pub(super) fn word(&mut self, word: &str) -> Result<()> {
        if self.at_word(word) {
            self.next();
            return Ok(());
        }
        Err(self.unexpected(format!("`{word}`")))
    }

    /// Takes a token of the kind.
    pub(super) fn token(&mut self, kind: Kind, expected: &str) -> Result<Token<'a>> {
        if self.peek().kind == kind { Ok(self.next()) } else { Err(self.unexpected(expected)) }
    }

    /// Items separated by commas, up to the closing mark, which is taken.
    pub(super) fn list<T>(&mut self, close: &str, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = Vec::new();
        while !self.take_mark(close) {
            if !items.is_empty() && !self.take_mark(",") {
                return Err(self.unexpected(format!("`,` or `{close}`")));
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Whether the next token is a word made of a letter and a number, such as `v12`.
    pub(super) fn at_numbered(&self, letter: char) -> bool {
        self.peek().kind == Kind::Word && numbered(self.peek().text, letter).is_some()
    }

    /// Takes a word made of a letter and a number: the number.
    pub(super) fn numbered(&mut self, letter: char, expected: &str) -> Result<usize> {
        match numbered(self.peek().text, letter) {
            Some(number) if self.peek().kind == Kind::Word => {
                self.next();
                Ok(number)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// Takes an integer with an optional minus sign.
    pub(super) fn integer(&mut self) -> Result<i64> {
        let start = self.position;
        let sign = if self.take_mark("-") { "-" } else { "" };
        let token = self.peek();
        match (token.kind, format!("{sign}{}", token.text).parse()) {
            (Kind::Number, Ok(value)) => {
                self.next();
                Ok(value)
            }
            _ => {
                self.position = start;
                Err(self.unexpected("an integer"))
            }
        }
    }

    /// Takes an integer without sign.
    pub(super) fn size(&mut self) -> Result<usize> {
        match self.peek().text.parse() {
            Ok(value) if self.peek().kind == Kind::Number => {
                self.next();
                Ok(value)
            }
            _ => Err(self.unexpected("an integer without sign")),
        }
    }
}

/// The number after a letter, written without superfluous zeros and small enough to count values with.
fn numbered(text: &str, letter: char) -> Option<usize> {
    let digits = text.strip_prefix(letter)?;
    let plain = digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits.parse::<u32>().ok().filter(|_| plain).map(|number| number as usize)
}

/// The known name nearest to a misspelt one, if one is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, nearest) = known.map(|candidate| (distance(name, candidate), candidate)).min()?;
    (distance <= 1 + name.len().min(12) / 4).then_some(nearest)
}

/// Edit distance: insertions, deletions, replacements of bytes and exchanges of neighbours.
fn distance(a: &str, b: &str) -> usize {
    // A misspelling is short; this bounds the work on hostile text.
    if a.len() > 64 {
        return usize::MAX;
    }
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(row[j - 1] + 1).min(rows[i - 1][j] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
