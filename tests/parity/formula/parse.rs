//! From text to expressions, by precedence as in Python.
//!
//! ```text
//! expression := "lambda" name ":" expression | comparison
//! comparison := sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)?
//! sum        := product (("+" | "-") product)*
//! product    := signed (("*" | "/" | "@") signed)*
//! signed     := ("-" | "+") signed | power
//! power      := postfix ("**" signed)?
//! postfix    := atom ("[" entries "]")*
//! atom       := number | text | name | name "(" expressions ")" | "(" expressions ")"
//! ```

use super::expression::{Entry, Expression, Operator};
use super::lex::{Token, tokens};

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
}

type Parsed<T> = Result<T, String>;

/// The expression of a text.
pub(crate) fn parse(text: &str) -> Parsed<Expression> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0 };
    let expression = parser.expression()?;
    match parser.next == parser.tokens.len() {
        true => Ok(expression),
        false => Err(parser.unexpected("the end")),
    }
}

impl Parser {
    fn expression(&mut self) -> Parsed<Expression> {
        if !self.takes_name("lambda") {
            return self.comparison();
        }
        let parameter = self.name()?;
        self.expect(":")?;
        Ok(Expression::Lambda(parameter, Box::new(self.expression()?)))
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        let left = self.sum()?;
        let operators = [
            ("<", Operator::Less),
            ("<=", Operator::LessEqual),
            (">", Operator::Greater),
            (">=", Operator::GreaterEqual),
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
        ];
        match self.takes_one(&operators) {
            None => Ok(left),
            Some(operator) => {
                let right = self.sum()?;
                match self.takes_one(&operators) {
                    None => Ok(binary(operator, left, right)),
                    Some(_) => Err("comparisons are not chained: write each in parentheses".into()),
                }
            }
        }
    }

    fn sum(&mut self) -> Parsed<Expression> {
        let mut left = self.product()?;
        while let Some(operator) = self.takes_one(&[("+", Operator::Add), ("-", Operator::Sub)]) {
            left = binary(operator, left, self.product()?);
        }
        Ok(left)
    }

    fn product(&mut self) -> Parsed<Expression> {
        let mut left = self.signed()?;
        let operators = [("*", Operator::Mul), ("/", Operator::Div), ("@", Operator::MatMul)];
        while let Some(operator) = self.takes_one(&operators) {
            left = binary(operator, left, self.signed()?);
        }
        Ok(left)
    }

    fn signed(&mut self) -> Parsed<Expression> {
        if self.takes("-") {
            return Ok(Expression::Negative(Box::new(self.signed()?)));
        }
        if self.takes("+") {
            return self.signed();
        }
        let base = self.postfix()?;
        match self.takes("**") {
            true => Ok(binary(Operator::Power, base, self.signed()?)),
            false => Ok(base),
        }
    }

    fn postfix(&mut self) -> Parsed<Expression> {
        let mut of = self.atom()?;
        while self.takes("[") {
            let (entries, _) = self.list("]", Parser::entry)?;
            of = Expression::Index(Box::new(of), entries);
        }
        Ok(of)
    }

    fn atom(&mut self) -> Parsed<Expression> {
        let Some((_, token)) = self.tokens.get(self.next).cloned() else { return Err(self.unexpected("a value")) };
        self.next += 1;
        match token {
            Token::Int(value) => Ok(Expression::Int(value)),
            Token::Real(value) => Ok(Expression::Real(value)),
            Token::Imaginary(value) => Ok(Expression::Imaginary(value)),
            Token::Text(text) => Ok(Expression::Text(text)),
            Token::Name(name) if self.takes("(") => Ok(Expression::Call(name, self.list(")", Parser::expression)?.0)),
            Token::Name(name) => Ok(Expression::Name(name)),
            Token::Sign("(") => {
                let (mut items, comma) = self.list(")", Parser::expression)?;
                match items.len() {
                    1 if !comma => Ok(items.remove(0)),
                    _ => Ok(Expression::Tuple(items)),
                }
            }
            Token::Sign(_) => {
                self.next -= 1;
                Err(self.unexpected("a value"))
            }
        }
    }

    fn entry(&mut self) -> Parsed<Entry> {
        if self.takes("...") {
            return Ok(Entry::Ellipsis);
        }
        if self.takes_name("None") {
            return Ok(Entry::NewAxis);
        }
        let mut bounds = [const { None }; 3];
        let mut count = 0;
        loop {
            if ![":", ",", "]"].iter().any(|sign| self.at(sign)) {
                bounds[count] = Some(self.expression()?);
            }
            count += 1;
            if count == bounds.len() || !self.takes(":") {
                break;
            }
        }
        match (count, bounds) {
            (1, [Some(at), None, None]) => Ok(Entry::At(at)),
            (1, _) => Err(self.unexpected("an index")),
            (_, bounds) => Ok(Entry::Slice(bounds)),
        }
    }

    /// Items up to a closing bracket, and whether a comma follows the last.
    fn list<T>(&mut self, close: &str, item: fn(&mut Parser) -> Parsed<T>) -> Parsed<(Vec<T>, bool)> {
        let (mut items, mut comma) = (Vec::new(), false);
        while !self.takes(close) {
            if !items.is_empty() && !comma {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
            items.push(item(self)?);
            comma = self.takes(",");
        }
        Ok((items, comma))
    }

    fn name(&mut self) -> Parsed<String> {
        match self.tokens.get(self.next) {
            Some((_, Token::Name(name))) => {
                self.next += 1;
                Ok(name.clone())
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn at(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.next), Some((_, Token::Sign(found))) if *found == sign)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = self.at(sign);
        self.next += usize::from(found);
        found
    }

    fn takes_one(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        operators.iter().find(|(sign, _)| self.takes(sign)).map(|&(_, operator)| operator)
    }

    fn takes_name(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.next), Some((_, Token::Name(name))) if name == wanted);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.takes(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> String {
        match self.tokens.get(self.next) {
            Some((place, _)) => format!("expected {wanted} at {place}"),
            None => format!("expected {wanted}, but the formula ends"),
        }
    }
}

fn binary(operator: Operator, left: Expression, right: Expression) -> Expression {
    Expression::Binary(operator, Box::new(left), Box::new(right))
}
