//! Printing of functions.
//!
//! Works on any function, verified or not, because messages about malformed ones show them. Sub-functions come before
//! the function that uses them, equal ones once; where different functions share a name, later ones get a suffix.

use crate::attrs::Attr;
use crate::dtype::DType;
use crate::func::{Func, Inst, Value};
use crate::scalar::{Number, Scalar};
use crate::tensor::Tensor;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

/// The text of a function and of all functions it uses, itself last.
///
/// ```
/// use cotangent_ir::{DType, Func, Type, text::print};
/// let mut func = Func::new("twice", [Type::new(DType::F32, &[4])]);
/// func.set_results(func.params().collect());
/// assert_eq!(print::func(&func), "func @twice(v0: f32[4]) -> f32[4] {\n    return v0\n}\n");
/// ```
pub fn func(func: &Func) -> String {
    let mut names = Names::default();
    let mut text = String::new();
    sub_functions(func, &mut names, &mut text);
    let name = names.fresh(&func.name);
    push_function(&mut text, func, &name, &names);
    text
}

/// A number as the text form spells it where the dtype is known from elsewhere: `2.5`, `-inf`, `nan`, `true`, `(1, 2)`.
pub fn scalar(value: Scalar) -> String {
    let single = value.dtype().real() == DType::F32;
    match value.number() {
        Number::Int(v) if value.dtype().is_bool() => format!("{}", v != 0),
        Number::Int(v) => format!("{v}"),
        Number::Float(v) => float(v, single),
        Number::Complex(v) => format!("({}, {})", float(v.re, single), float(v.im, single)),
    }
}

/// A literal with its dtype: `2.5f32`, `-inf_f32`, `true`, `(1, 2)c64`.
///
/// ```
/// use cotangent_ir::{DType, Scalar, text::print};
/// assert_eq!(print::literal(Scalar::real(DType::F32, 0.1)), "0.1f32");
/// assert_eq!(print::literal(Scalar::lowest(DType::F64)), "-inf_f64");
/// ```
pub fn literal(value: Scalar) -> String {
    let number = scalar(value);
    if value.dtype().is_bool() {
        return number;
    }
    // `inff32` would be hard to read; digits and parentheses end visibly, also those of a NaN's payload.
    let separator = if number.ends_with(|c: char| c.is_ascii_alphabetic()) { "_" } else { "" };
    format!("{number}{separator}{}", value.dtype())
}

/// The elements of an array as nested lists, without dtype.
pub fn tensor(tensor: &Tensor) -> String {
    fn nested(tensor: &Tensor, axis: usize, first: usize) -> String {
        let shape = &tensor.ty().shape;
        if axis == shape.len() {
            return scalar(tensor.get(first));
        }
        let step: usize = shape[axis + 1..].iter().product();
        format!("[{}]", joined((0..shape[axis]).map(|i| nested(tensor, axis + 1, first + i * step))))
    }
    nested(tensor, 0, 0)
}

/// The shortest spelling that reads back as the same number. A NaN with sign or payload shows its 64 bits.
fn float(value: f64, single: bool) -> String {
    if value.is_nan() {
        let plain = value.to_bits() == f64::NAN.to_bits();
        return if plain { "nan".into() } else { format!("nan(0x{:x})", value.to_bits()) };
    }
    let text = if single { format!("{:?}", value as f32) } else { format!("{value:?}") };
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_string(),
        None => text,
    }
}

/// The lines of a function alone: the header, one for each instruction, `return`, and the brace. Functions it uses are
/// called by their plain names.
pub(crate) fn lines(func: &Func) -> Vec<String> {
    let mut text = String::new();
    push_function(&mut text, func, &spellable(&func.name), &Names::default());
    text.lines().map(str::to_string).collect()
}

/// Names given to functions so far.
#[derive(Default)]
struct Names {
    /// By address, to find shared functions without comparing them.
    by_address: HashMap<usize, String>,
    by_structure: HashMap<Arc<Func>, String>,
    taken: HashSet<String>,
}

impl Names {
    /// A name not used yet, close to the wanted one.
    fn fresh(&mut self, wanted: &str) -> String {
        let base = spellable(wanted);
        let mut name = base.clone();
        let mut suffix = 0;
        while !self.taken.insert(name.clone()) {
            suffix += 1;
            name = format!("{base}.{suffix}");
        }
        name
    }

    fn of(&self, func: &Arc<Func>) -> String {
        self.by_address.get(&address(func)).cloned().unwrap_or_else(|| spellable(&func.name))
    }
}

fn address(func: &Arc<Func>) -> usize {
    Arc::as_ptr(func) as usize
}

/// A name the lexer accepts.
fn spellable(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let name: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    if name.is_empty() { "f".into() } else { name }
}

/// Prints everything `func` uses, deepest first.
fn sub_functions(func: &Func, names: &mut Names, text: &mut String) {
    for sub in func.insts().iter().flat_map(|inst| inst.attrs.iter()).flat_map(|(_, attr)| attr.funcs()) {
        if names.by_address.contains_key(&address(sub)) {
            continue;
        }
        sub_functions(sub, names, text);
        let name = match names.by_structure.get(sub) {
            Some(name) => name.clone(),
            None => {
                let name = names.fresh(&sub.name);
                push_function(text, sub, &name, names);
                text.push('\n');
                names.by_structure.insert(sub.clone(), name.clone());
                name
            }
        };
        names.by_address.insert(address(sub), name);
    }
}

fn push_function(text: &mut String, func: &Func, name: &str, names: &Names) {
    let params = func.params().map(|value| format!("{value}: {}", func.ty(value)));
    let _ = write!(text, "func @{name}({})", joined(params));
    if !func.results().is_empty() {
        let _ = write!(text, " -> {}", joined(func.results().iter().map(|&value| type_of(func, value))));
    }
    text.push_str(" {\n");
    for inst in func.insts() {
        let _ = writeln!(text, "    {}", instruction(func, inst, names));
    }
    let results = joined(func.results().iter().map(Value::to_string));
    let _ = write!(text, "    {}\n}}\n", format!("return {results}").trim_end());
}

fn instruction(func: &Func, inst: &Inst, names: &Names) -> String {
    let mut text = String::new();
    if inst.results().len() > 0 {
        let _ = write!(text, "{} = ", joined(inst.results().map(|value| value.to_string())));
    }
    text.push_str(inst.prim.name);
    if !inst.args.is_empty() {
        let _ = write!(text, " {}", joined(inst.args.iter().map(Value::to_string)));
    }
    if !inst.attrs.is_empty() {
        let attrs = inst.attrs.iter().map(|(name, attr)| format!("{name} = {}", attribute(attr, names)));
        let _ = write!(text, " {{{}}}", joined(attrs));
    }
    if inst.results().len() > 0 {
        let _ = write!(text, " : {}", joined(inst.results().map(|value| type_of(func, value))));
    }
    text
}

fn attribute(attr: &Attr, names: &Names) -> String {
    match attr {
        Attr::Bool(value) => format!("{value}"),
        Attr::Int(value) => format!("{value}"),
        Attr::Ints(values) => format!("[{}]", joined(values.iter().map(i64::to_string))),
        Attr::DType(dtype) => format!("{dtype}"),
        Attr::Scalar(value) => literal(*value),
        Attr::Func(func) => format!("@{}", names.of(func)),
        Attr::Host(host) => format!("@{}", spellable(host.name())),
        Attr::Funcs(funcs) => format!("[{}]", joined(funcs.iter().map(|func| format!("@{}", names.of(func))))),
    }
}

/// The type of a value, or a question mark where a malformed function has no such value.
fn type_of(func: &Func, value: Value) -> String {
    if value.index() < func.value_count() { func.ty(value).to_string() } else { "?".into() }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
