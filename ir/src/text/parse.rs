//! Reading of functions.
//!
//! Nothing read is trusted: what comes back satisfies V1 to V7 of the verifier, and is small enough, nested calls
//! expanded, to be handled by code that recurses or copies. Errors give line and column, what was expected and what was
//! found, and the nearest known name for a misspelt one.

use super::lex::{Cursor, Kind, Place, error_at, nearest};
use super::literal;
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::Result;
use crate::func::{Func, Value};
use crate::prim::{self, Prim};
use crate::types::{Dims, Type};
use crate::verify::{self, Violation};
use std::collections::HashMap;
use std::sync::Arc;

/// How deep functions may use functions.
const MAX_DEPTH: usize = 64;

/// How many instructions a function may have when every use of a sub-function is counted.
const MAX_EXPANDED: u64 = 1 << 22;

/// How many axes an array may have.
const MAX_RANK: usize = 64;

/// Reads a module: functions, each defined before those that use it.
///
/// ```
/// use cotangent_ir::text::{parse, print};
/// let text = "func @same(v0: f32[4]) -> f32[4] {\n    return v0\n}\n";
/// let funcs = parse::functions(text).unwrap();
/// assert_eq!(print::func(&funcs[0]), text);
/// ```
///
/// # Errors
/// The first departure from the grammar or from the rules of the verifier, with its line and column.
pub fn functions(text: &str) -> Result<Vec<Func>> {
    let mut parser = Parser {
        cursor: Cursor::new(text)?,
        functions: Vec::new(),
        by_name: HashMap::new(),
        by_address: HashMap::new(),
    };
    while parser.cursor.peek().kind != Kind::End {
        parser.function()?;
    }
    Ok(parser.functions.iter().map(|read| Func::clone(&read.func)).collect())
}

/// Reads a module and gives its last function, the entry.
///
/// # Errors
/// As [`functions`]; a text without functions.
pub fn entry(text: &str) -> Result<Func> {
    match functions(text)?.pop() {
        Some(func) => Ok(func),
        None => Err(Cursor::new("")?.unexpected("a function, `func @name(...) { ... }`")),
    }
}

/// A type such as `f32[3,4]`, or `f32[]` for one element.
pub(super) fn ty(cursor: &mut Cursor<'_>) -> Result<Type> {
    let dtype = dtype(cursor)?;
    cursor.mark("[")?;
    let place = cursor.place();
    let shape: Dims = cursor.list("]", Cursor::size)?.into();
    if shape.len() > MAX_RANK {
        return Err(error_at(place, format!("an array has at most {MAX_RANK} axes")));
    }
    Ok(Type { dtype, shape })
}

/// The name of a dtype.
pub(super) fn dtype(cursor: &mut Cursor<'_>) -> Result<DType> {
    let token = cursor.peek();
    if token.kind == Kind::Word
        && let Some(dtype) = DType::from_name(token.text)
    {
        cursor.next();
        return Ok(dtype);
    }
    let names = DType::ALL.iter().map(|dtype| dtype.name());
    Err(cursor.unexpected(format!("a dtype ({})", names.collect::<Vec<_>>().join(", "))))
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    functions: Vec<Read>,
    by_name: HashMap<&'a str, usize>,
    by_address: HashMap<usize, usize>,
}

/// A function read so far.
struct Read {
    func: Arc<Func>,
    /// Levels of functions below, itself included.
    depth: usize,
    /// Instructions, those of sub-functions counted at every use.
    expanded: u64,
}

/// A function being read.
struct Body {
    func: Func,
    /// Values by the number the text gives them.
    values: HashMap<usize, Value>,
    /// The place of each instruction.
    places: Vec<Place>,
}

impl Body {
    fn define(&mut self, number: usize, value: Value, place: Place) -> Result<()> {
        match self.values.insert(number, value) {
            None => Ok(()),
            Some(_) => Err(error_at(place, format!("V2 v{number} is defined twice; give every value its own number"))),
        }
    }
}

impl<'a> Parser<'a> {
    fn function(&mut self) -> Result<()> {
        self.cursor.word("func")?;
        let place = self.cursor.place();
        let name = self.cursor.token(Kind::Name, "the name of the function, such as `@f`")?;
        let mut body = Body { func: Func::new(name.text, []), values: HashMap::new(), places: Vec::new() };
        self.cursor.mark("(")?;
        self.cursor.list(")", |cursor| {
            let place = cursor.place();
            let number = cursor.numbered('v', "a parameter, such as `v0: f32[4]`")?;
            cursor.mark(":")?;
            let value = body.func.push_param(ty(cursor)?);
            body.define(number, value, place)
        })?;
        let declared = if self.cursor.take_mark("->") { self.types()? } else { Vec::new() };
        self.cursor.mark("{")?;
        while !self.cursor.at_word("return") {
            self.instruction(&mut body)?;
        }
        let end = self.cursor.place();
        self.results(&mut body, &declared)?;
        self.check(&body, place, end)?;
        self.add(name.text, body.func, place)
    }

    fn types(&mut self) -> Result<Vec<Type>> {
        let mut types = vec![ty(&mut self.cursor)?];
        while self.cursor.take_mark(",") {
            types.push(ty(&mut self.cursor)?);
        }
        Ok(types)
    }

    /// Values separated by commas; possibly none.
    fn values(&mut self, body: &Body) -> Result<Vec<Value>> {
        let mut values = Vec::new();
        if !self.cursor.at_numbered('v') {
            return Ok(values);
        }
        loop {
            let place = self.cursor.place();
            let number = self.cursor.numbered('v', "a value, such as `v0`")?;
            match body.values.get(&number) {
                Some(&value) => values.push(value),
                None => {
                    let message = format!("V1 v{number} is not a parameter or the result of an earlier instruction");
                    return Err(error_at(place, message));
                }
            }
            if !self.cursor.take_mark(",") {
                return Ok(values);
            }
        }
    }

    fn instruction(&mut self, body: &mut Body) -> Result<()> {
        let place = self.cursor.place();
        let mut defined = Vec::new();
        while self.cursor.at_numbered('v') {
            defined.push((self.cursor.place(), self.cursor.numbered('v', "a value")?));
            if !self.cursor.take_mark(",") {
                self.cursor.mark("=")?;
                break;
            }
        }
        let prim = self.primitive()?;
        let args = self.values(body)?;
        let attrs = self.attributes(prim)?;
        let mut types = Vec::new();
        if !defined.is_empty() {
            let place = self.cursor.place();
            self.cursor.mark(":")?;
            types = self.types()?;
            if types.len() != defined.len() {
                let message = format!("expected {} types, one for each result, found {}", defined.len(), types.len());
                return Err(error_at(place, message));
            }
        }
        let range = body.func.push(prim, args, attrs, types);
        body.places.push(place);
        for (index, (place, number)) in range.zip(defined) {
            body.define(number, Value::new(index), place)?;
        }
        Ok(())
    }

    fn primitive(&mut self) -> Result<&'static Prim> {
        let token = self.cursor.peek();
        if token.kind != Kind::Word {
            return Err(self.cursor.unexpected("an instruction, such as `v2 = add v0, v1 : f32[4]`, or `return`"));
        }
        if let Some(prim) = prim::by_name(token.text) {
            self.cursor.next();
            return Ok(prim);
        }
        let hint = match nearest(token.text, prim::all().map(|prim| prim.name)) {
            Some(name) => format!("; did you mean `{name}`?"),
            None => String::new(),
        };
        Err(error_at(token.place, format!("expected the name of a primitive, found `{}`{hint}", token.text)))
    }

    fn attributes(&mut self, prim: &'static Prim) -> Result<Attrs> {
        let place = self.cursor.place();
        let mut given: Vec<(&'static str, Attr)> = Vec::new();
        if self.cursor.take_mark("{") {
            while !self.cursor.take_mark("}") {
                if !given.is_empty() && !self.cursor.take_mark(",") {
                    return Err(self.cursor.unexpected("`,` or `}`"));
                }
                let (name, attr) = self.attribute(prim, &given)?;
                given.push((name, attr));
            }
        }
        let mut attrs = Attrs::none();
        for (name, _) in prim.attrs {
            match given.iter().position(|(key, _)| key == name) {
                Some(position) => attrs = attrs.with(name, given.swap_remove(position).1),
                None => return Err(error_at(place, format!("V4 `{}` needs the attribute `{name}`", prim.name))),
            }
        }
        Ok(attrs)
    }

    fn attribute(&mut self, prim: &'static Prim, given: &[(&str, Attr)]) -> Result<(&'static str, Attr)> {
        let token = self.cursor.token(Kind::Word, "the name of an attribute")?;
        let Some(&(name, kind)) = prim.attrs.iter().find(|(name, _)| *name == token.text) else {
            let known: Vec<&str> = prim.attrs.iter().map(|(name, _)| *name).collect();
            let known = if known.is_empty() { "none".into() } else { format!("`{}`", known.join("`, `")) };
            let message = format!("V4 `{}` has no attribute `{}`; it takes {known}", prim.name, token.text);
            return Err(error_at(token.place, message));
        };
        if given.iter().any(|(key, _)| *key == name) {
            return Err(error_at(token.place, format!("V4 the attribute `{name}` is given twice")));
        }
        self.cursor.mark("=")?;
        let cursor = &mut self.cursor;
        let attr = match kind {
            AttrKind::Bool => Attr::Bool(literal::bool(cursor)?),
            AttrKind::Int => Attr::Int(cursor.integer()?),
            AttrKind::Ints => {
                cursor.mark("[")?;
                Attr::Ints(cursor.list("]", Cursor::integer)?.into())
            }
            AttrKind::DType => Attr::DType(dtype(cursor)?),
            AttrKind::Scalar => Attr::Scalar(literal::scalar(cursor)?),
            AttrKind::Func => Attr::Func(self.used()?),
            AttrKind::Host => {
                let message = format!(
                    "`{}` calls a function of the program that wrote this, which text cannot hold; record the function \
                     again in a program that has it",
                    prim.name
                );
                return Err(error_at(cursor.place(), message));
            }
            AttrKind::Funcs => {
                self.cursor.mark("[")?;
                let mut funcs = Vec::new();
                while !self.cursor.take_mark("]") {
                    if !funcs.is_empty() {
                        self.cursor.mark(",")?;
                    }
                    funcs.push(self.used()?);
                }
                Attr::Funcs(funcs)
            }
        };
        Ok((name, attr))
    }

    /// A function defined above.
    fn used(&mut self) -> Result<Arc<Func>> {
        let token = self.cursor.token(Kind::Name, "the name of a function defined above, such as `@body`")?;
        match self.by_name.get(token.text) {
            Some(&position) => Ok(self.functions[position].func.clone()),
            None => {
                let hint = match nearest(token.text, self.by_name.keys().copied()) {
                    Some(name) => format!("; did you mean `@{name}`?"),
                    None => String::new(),
                };
                let message = format!("expected a function defined above, found `@{}`{hint}", token.text);
                Err(error_at(token.place, message))
            }
        }
    }

    fn results(&mut self, body: &mut Body, declared: &[Type]) -> Result<()> {
        let place = self.cursor.place();
        self.cursor.word("return")?;
        let results = self.values(body)?;
        self.cursor.mark("}")?;
        let given: Vec<&Type> = results.iter().map(|&value| body.func.ty(value)).collect();
        if !given.iter().copied().eq(declared) {
            let spell = |types: &mut dyn Iterator<Item = &Type>| {
                let types: Vec<String> = types.map(Type::to_string).collect();
                if types.is_empty() { "no results".into() } else { types.join(", ") }
            };
            let (declared, given) = (spell(&mut declared.iter()), spell(&mut given.into_iter()));
            return Err(error_at(place, format!("V6 the signature states {declared}, returned are {given}")));
        }
        body.func.set_results(results);
        Ok(())
    }

    fn check(&self, body: &Body, start: Place, end: Place) -> Result<()> {
        let Err(violation) = verify::check(&body.func) else { return Ok(()) };
        let place = match violation {
            Violation { inst: Some(position), .. } => body.places[position],
            Violation { rule: 6, .. } => end,
            Violation { .. } => start,
        };
        Err(error_at(place, violation))
    }

    fn add(&mut self, name: &'a str, func: Func, place: Place) -> Result<()> {
        let (mut depth, mut expanded) = (1, func.insts().len() as u64);
        for sub in func.insts().iter().flat_map(|inst| inst.attrs.iter()).flat_map(|(_, attr)| attr.funcs()) {
            let read = &self.functions[self.by_address[&(Arc::as_ptr(sub) as usize)]];
            depth = depth.max(read.depth + 1);
            expanded = expanded.saturating_add(read.expanded);
        }
        if depth > MAX_DEPTH {
            return Err(error_at(place, format!("functions use functions more than {MAX_DEPTH} levels deep")));
        }
        if expanded > MAX_EXPANDED {
            let message =
                format!("@{name} has {expanded} instructions with all calls expanded, the limit is {MAX_EXPANDED}");
            return Err(error_at(place, message));
        }
        if self.by_name.insert(name, self.functions.len()).is_some() {
            return Err(error_at(place, format!("there are two functions @{name}; rename one")));
        }
        let func = Arc::new(func);
        self.by_address.insert(Arc::as_ptr(&func) as usize, self.functions.len());
        self.functions.push(Read { func, depth, expanded });
        Ok(())
    }
}
