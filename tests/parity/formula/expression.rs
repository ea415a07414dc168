//! The tree of a formula.

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Int(i64),
    Real(f64),
    /// The imaginary part of an imaginary number.
    Imaginary(f64),
    Text(String),
    Name(String),
    Negative(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// A function by name and its arguments.
    Call(String, Vec<Expression>),
    Index(Box<Expression>, Vec<Entry>),
    Tuple(Vec<Expression>),
    /// A function of one parameter.
    Lambda(String, Box<Expression>),
}

/// One entry of an index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// A whole number, an array or the name of an item.
    At(Expression),
    /// `start:stop:step`.
    Slice([Option<Expression>; 3]),
    Ellipsis,
    /// `None`.
    NewAxis,
}

/// An operator between two expressions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Power,
    MatMul,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
}
