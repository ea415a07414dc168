//! Cheaper forms of expressions.
//!
//! A rule looks at one instruction whose operands have been rewritten already, and may name a value that is to take its
//! place. The right side is never more work than the left one. Rules look through the definitions of operands, and what
//! they leave unused is pruned later. Real numbers are treated as such where stated at the rule: literals may be combined
//! (which rounds differently), and the sign of a zero may change; infinities and NaN keep their meaning.
//!
//! Every rewrite uses up one unit of fuel, so that a wrong answer can be bisected to the rewrite that causes it.

use crate::attrs::Attrs;
use crate::func::{Func, Inst, Value};
use crate::prim::Prim;
use crate::prim::shape::{BROADCAST, CONSTANT, RESHAPE};
use crate::scalar::Scalar;
use crate::types::Type;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

mod algebra;
mod contraction;
mod fold;
mod reindex;

/// A rewrite of the instructions of some primitives.
pub struct Rule {
    /// What it is called.
    pub name: &'static str,
    /// On what condition it applies, and to which form.
    pub doc: &'static str,
    /// The primitives of the instructions it looks at; none for all of them.
    prims: &'static [&'static Prim],
    apply: fn(&mut Site<'_>) -> Option<Value>,
}

/// Every rule, in the order in which they are tried.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [fold::RULES, algebra::RULES, reindex::RULES, contraction::RULES].into_iter().flatten()
}

/// The rules that look at a primitive.
static RULES_OF: LazyLock<HashMap<&'static str, Vec<&'static Rule>>> = LazyLock::new(|| {
    let applicable = |prim: &'static Prim| {
        let looks_at =
            |rule: &&Rule| rule.prims.is_empty() || rule.prims.iter().any(|other| std::ptr::eq(*other, prim));
        (prim.name, rules().filter(looks_at).collect())
    };
    crate::prim::all().map(applicable).collect()
});

/// How deep rules may call for further rules on what they emit. A chain of rewrites is as long as an expression is deep
/// only where each link waits for the next one; this bounds the stack, not the work.
const MOST_NESTED: usize = 64;

/// The function with all rules applied, also in the bodies of its control flow.
pub fn rewrite(func: &Func) -> Func {
    rewrite_at_most(func, u64::MAX).0
}

/// The function after at most `fuel` rewrites, and how many of them are left.
pub fn rewrite_at_most(func: &Func, fuel: u64) -> (Func, u64) {
    let mut rewriter = Rewriter {
        func: Func::new(func.name.clone(), func.param_types().iter().cloned()),
        definitions: vec![None; func.params().len()],
        splats: vec![None; func.params().len()],
        fuel,
        depth: 0,
    };
    let mut values: Vec<Value> = rewriter.func.params().collect();
    for inst in func.insts() {
        let args: Vec<Value> = inst.args.iter().map(|value| values[value.index()]).collect();
        let attrs = inst.attrs.map_funcs(|body| {
            let (body, fuel) = rewrite_at_most(body, rewriter.fuel);
            rewriter.fuel = fuel;
            Arc::new(body)
        });
        let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
        match <[Type; 1]>::try_from(types) {
            Ok([ty]) => values.push(rewriter.emit_typed(inst.prim, &args, attrs, ty)),
            Err(types) => values.extend(rewriter.push(inst.prim, &args, attrs, types)),
        }
    }
    let Rewriter { func: mut rewritten, fuel, .. } = rewriter;
    rewritten.set_results(func.results().iter().map(|value| values[value.index()]).collect());
    (rewritten, fuel)
}

/// The function under construction.
struct Rewriter {
    func: Func,
    /// Position of the defining instruction of each value.
    definitions: Vec<Option<usize>>,
    /// For values all of whose elements are one literal, that literal.
    splats: Vec<Option<Scalar>>,
    fuel: u64,
    depth: usize,
}

/// An instruction about to be emitted, as a rule sees it.
struct Site<'a> {
    rewriter: &'a mut Rewriter,
    prim: &'static Prim,
    args: &'a [Value],
    attrs: &'a Attrs,
    ty: &'a Type,
}

impl Rewriter {
    /// Emits an instruction or what the rules make of it.
    fn emit_typed(&mut self, prim: &'static Prim, args: &[Value], attrs: Attrs, ty: Type) -> Value {
        if self.fuel > 0 && self.depth < MOST_NESTED {
            self.depth += 1;
            let mut site = Site { rewriter: self, prim, args, attrs: &attrs, ty: &ty };
            let replacement = RULES_OF[prim.name].iter().find_map(|rule| (rule.apply)(&mut site));
            self.depth -= 1;
            if let Some(value) = replacement {
                if *self.func.ty(value) != ty {
                    let message = format!("a {} of type {ty} was rewritten to {}", prim.name, self.func.ty(value));
                    crate::error::internal(&message);
                }
                self.fuel = self.fuel.saturating_sub(1);
                return value;
            }
        }
        let mut pushed = self.push(prim, args, attrs, vec![ty]);
        pushed.next().unwrap_or_else(|| crate::error::internal("an instruction with one result has none"))
    }

    fn push(
        &mut self,
        prim: &'static Prim,
        args: &[Value],
        attrs: Attrs,
        types: Vec<Type>,
    ) -> impl Iterator<Item = Value> + use<> {
        let splat = match prim.name {
            name if name == CONSTANT.name => Some(attrs.scalar("value")),
            name if name == BROADCAST.name || name == RESHAPE.name => self.splats[args[0].index()],
            _ => None,
        };
        let range = self.func.push(prim, args.iter().copied(), attrs, types);
        self.definitions.resize(range.end, Some(self.func.insts().len() - 1));
        self.splats.resize(range.end, splat);
        range.map(Value::new)
    }
}

impl Site<'_> {
    /// Whether the instruction is of the given primitive.
    fn is(&self, prim: &Prim) -> bool {
        std::ptr::eq(self.prim, prim)
    }

    /// The type of a value.
    fn type_of(&self, value: Value) -> &Type {
        self.rewriter.func.ty(value)
    }

    /// The type of an operand.
    fn arg_type(&self, position: usize) -> &Type {
        self.type_of(self.args[position])
    }

    /// The instruction that defines a value, if it is one of the given primitive.
    fn definition(&self, value: Value, prim: &Prim) -> Option<&Inst> {
        let inst = &self.rewriter.func.insts()[self.rewriter.definitions[value.index()]?];
        std::ptr::eq(inst.prim, prim).then_some(inst)
    }

    /// The first operand of the instruction that defines a value, if it is one of the given primitive.
    fn under(&self, value: Value, prim: &Prim) -> Option<Value> {
        self.definition(value, prim).map(|inst| inst.args[0])
    }

    /// Both operands of the instruction that defines a value, if it is one of the given primitive.
    fn both_under(&self, value: Value, prim: &Prim) -> Option<(Value, Value)> {
        self.definition(value, prim).map(|inst| (inst.args[0], inst.args[1]))
    }

    /// The literal that all elements of a value are.
    fn splat(&self, value: Value) -> Option<Scalar> {
        self.rewriter.splats[value.index()]
    }

    /// Emits an instruction with one result, or what the rules make of it.
    fn emit(&mut self, prim: &'static Prim, args: &[Value], attrs: Attrs) -> Value {
        let types: Vec<&Type> = args.iter().map(|&value| self.rewriter.func.ty(value)).collect();
        match prim.infer(&types, &attrs).map(|types| types.into_vec()) {
            Ok(types) if types.len() == 1 => {
                let [ty] = <[Type; 1]>::try_from(types).unwrap_or_else(|_| crate::error::internal("one result"));
                self.rewriter.emit_typed(prim, args, attrs, ty)
            }
            Ok(_) => crate::error::internal(&format!("{} has not one result", prim.name)),
            Err(error) => crate::error::internal(&format!("a rewrite emits an ill-typed instruction: {error}")),
        }
    }

    /// Emits an instruction without attributes.
    fn plain(&mut self, prim: &'static Prim, args: &[Value]) -> Value {
        self.emit(prim, args, Attrs::none())
    }

    /// A literal everywhere.
    fn filled(&mut self, value: Scalar, shape: &[usize]) -> Value {
        let literal = self.emit(&CONSTANT, &[], Attrs::none().with("value", crate::attrs::Attr::Scalar(value)));
        self.broadcast(literal, shape, &[])
    }

    /// The value repeated: its axis `i` is axis `axes[i]` of the result.
    fn broadcast(&mut self, value: Value, shape: &[usize], axes: &[usize]) -> Value {
        let attrs = Attrs::none().with_sizes("shape", shape.iter().copied());
        self.emit(&BROADCAST, &[value], attrs.with_sizes("axes", axes.iter().copied()))
    }

    /// The value with another shape of as many elements.
    fn reshape(&mut self, value: Value, shape: &[usize]) -> Value {
        self.emit(&RESHAPE, &[value], Attrs::none().with_sizes("shape", shape.iter().copied()))
    }
}
