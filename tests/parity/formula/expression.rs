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

impl Expression {
    /// Visits the name of every function that is called.
    pub(crate) fn called<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        match self {
            Expression::Int(_) | Expression::Real(_) | Expression::Imaginary(_) => {}
            Expression::Text(_) | Expression::Name(_) => {}
            Expression::Negative(inner) | Expression::Lambda(_, inner) => inner.called(visit),
            Expression::Binary(_, left, right) => {
                left.called(visit);
                right.called(visit);
            }
            Expression::Call(name, arguments) => {
                visit(name);
                arguments.iter().for_each(|argument| argument.called(visit));
            }
            Expression::Index(of, entries) => {
                of.called(visit);
                for entry in entries {
                    match entry {
                        Entry::At(at) => at.called(visit),
                        Entry::Slice(bounds) => bounds.iter().flatten().for_each(|bound| bound.called(visit)),
                        Entry::Ellipsis | Entry::NewAxis => {}
                    }
                }
            }
            Expression::Tuple(items) => items.iter().for_each(|item| item.called(visit)),
        }
    }
}
