//! The value of an expression.
//!
//! A formula that makes no sense panics with what is wrong with it: the runner reports that for the case alone. Mistakes
//! in the use of arrays travel in the arrays, as they do everywhere.

use super::expression::{Entry, Expression, Operator};
use super::functions;
use super::value::Value;
use cotangent::{Array, Index, fori_loop};
use num_complex::Complex;

/// The values of names.
pub(crate) struct Scope<'a> {
    names: Vec<(&'a str, Value)>,
    outer: Option<&'a Scope<'a>>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(names: &[(&'a str, Value)]) -> Scope<'a> {
        Scope { names: names.to_vec(), outer: None }
    }

    fn get(&self, name: &str) -> Value {
        let own = self.names.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        match (own, self.outer) {
            (Some(value), _) => value,
            (None, Some(outer)) => outer.get(name),
            (None, None) => functions::constant(name).unwrap_or_else(|| panic!("{name} has no value")),
        }
    }
}

pub(crate) fn evaluate(expression: &Expression, scope: &Scope<'_>) -> Value {
    let of = |expression: &Expression| evaluate(expression, scope);
    match expression {
        Expression::Int(value) => Value::Int(*value),
        Expression::Real(value) => Value::Real(*value),
        Expression::Imaginary(value) => Value::Complex(Complex::new(0.0, *value)),
        Expression::Text(text) => Value::Text(text.clone()),
        Expression::Name(name) => scope.get(name),
        Expression::Negative(inner) => negative(of(inner)),
        Expression::Binary(operator, left, right) => binary(*operator, of(left), of(right)),
        Expression::Call(name, arguments) if name == "loop" => repeated(arguments, scope),
        Expression::Call(name, arguments) => {
            let arguments: Vec<Value> = arguments.iter().map(of).collect();
            Value::Array(functions::apply(name, &arguments))
        }
        Expression::Index(inner, entries) => index(of(inner), entries, scope),
        Expression::Tuple(items) => Value::Tuple(items.iter().map(of).collect()),
        Expression::Lambda(..) => panic!("a lambda is only understood as the body of a loop"),
    }
}

/// `loop(count, lambda state: body, init)`.
fn repeated(arguments: &[Expression], scope: &Scope<'_>) -> Value {
    let [count, Expression::Lambda(state, body), init] = arguments else {
        panic!("a loop takes a count, a lambda and an initial state");
    };
    let count = evaluate(count, scope).int();
    let init = evaluate(init, scope).into_array();
    Value::Array(fori_loop(0, count as usize, init, |_: Array, value: Array| {
        let inner = Scope { names: vec![(state, Value::Array(value))], outer: Some(scope) };
        evaluate(body, &inner).into_array()
    }))
}

fn negative(value: Value) -> Value {
    match value {
        Value::Int(value) => Value::Int(-value),
        Value::Real(value) => Value::Real(-value),
        Value::Complex(value) => Value::Complex(-value),
        other => Value::Array(-other.into_array()),
    }
}

fn index(of: Value, entries: &[Entry], scope: &Scope<'_>) -> Value {
    let entry = |entry: &Entry| match entry {
        Entry::At(at) => Index::At(evaluate(at, scope).int()),
        Entry::Slice(bounds) => {
            let [start, end, step] = bounds.each_ref().map(|bound| bound.as_ref().map(|b| evaluate(b, scope).int()));
            Index::Slice { start, end, step: step.unwrap_or(1) }
        }
        Entry::Ellipsis => Index::Ellipsis,
        Entry::NewAxis => Index::NewAxis,
    };
    match (of, entries) {
        (Value::Items(items), [Entry::At(Expression::Text(key))]) => Value::Array(items[key].clone()),
        (of, entries) => {
            let entries: Vec<Index> = entries.iter().map(entry).collect();
            Value::Array(of.into_array().index(&entries))
        }
    }
}

fn binary(operator: Operator, left: Value, right: Value) -> Value {
    if let (Value::Int(left), Value::Int(right)) = (&left, &right)
        && let Some(value) = of_ints(operator, *left, *right)
    {
        return value;
    }
    if let (Some(a), Some(b)) = (left.number(), right.number()) {
        let value = of_numbers(operator, a, b);
        let complex = matches!(left, Value::Complex(_)) || matches!(right, Value::Complex(_));
        return if complex { Value::Complex(value) } else { Value::Real(value.re) };
    }
    Value::Array(of_arrays(operator, left, right))
}

/// The exact result for whole numbers, where it is whole.
fn of_ints(operator: Operator, left: i64, right: i64) -> Option<Value> {
    match operator {
        Operator::Add => Some(Value::Int(left + right)),
        Operator::Sub => Some(Value::Int(left - right)),
        Operator::Mul => Some(Value::Int(left * right)),
        Operator::Power if right >= 0 => Some(Value::Int(left.pow(right as u32))),
        _ => None,
    }
}

fn of_numbers(operator: Operator, left: Complex<f64>, right: Complex<f64>) -> Complex<f64> {
    match operator {
        Operator::Add => left + right,
        Operator::Sub => left - right,
        Operator::Mul => left * right,
        Operator::Div => left / right,
        Operator::Power if left.im == 0.0 && right.im == 0.0 => left.re.powf(right.re).into(),
        Operator::Power => left.powc(right),
        _ => panic!("{operator:?} of two numbers"),
    }
}

fn of_arrays(operator: Operator, left: Value, right: Value) -> Array {
    macro_rules! arithmetic {
        ($operator:tt) => {
            match left {
                Value::Int(number) => number as i32 $operator right.into_array(),
                Value::Real(number) => number $operator right.into_array(),
                Value::Complex(number) => number $operator right.into_array(),
                left => left.into_array() $operator right.term(),
            }
        };
    }
    match operator {
        Operator::Add => arithmetic!(+),
        Operator::Sub => arithmetic!(-),
        Operator::Mul => arithmetic!(*),
        Operator::Div => arithmetic!(/),
        Operator::Power => left.into_array().pow(right.term()),
        Operator::MatMul => left.into_array().matmul(&right.into_array()),
        // A number on the left adopts the dtype of the array on the right only from there.
        _ if left.number().is_some() => of_arrays(mirrored(operator), right, left),
        Operator::Less => left.into_array().less(right.term()),
        Operator::LessEqual => left.into_array().less_equal(right.term()),
        Operator::Greater => left.into_array().greater(right.term()),
        Operator::GreaterEqual => left.into_array().greater_equal(right.term()),
        Operator::Equal => left.into_array().equal(right.term()),
        Operator::NotEqual => left.into_array().not_equal(right.term()),
    }
}

/// The comparison that holds of exchanged operands.
fn mirrored(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::LessEqual => Operator::GreaterEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterEqual => Operator::LessEqual,
        same => same,
    }
}
