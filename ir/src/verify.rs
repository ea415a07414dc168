//! The verifier: what every function must satisfy. The list is the specification.
//!
//! - V1: operands are parameters or results of earlier instructions.
//! - V2: every value is defined once; numbers follow the order of definition.
//! - V3: result types are what the primitive's rule gives for the operand types and attributes.
//! - V4: an instruction has exactly the attributes its primitive declares, of the declared kinds, in the declared order.
//! - V5: sub-functions are well formed, and their signatures fit the instruction that uses them.
//! - V6: the results of a function are values of it, of the types its signature states.
//! - V7: element counts fit: storage of every value, and products of integer attributes, stay below 2^62.
//! - V8: a linear function uses its linear inputs linearly, and its results are linear in them ([`linear`]).
//!
//! [`verify`] holds a function and everything it uses to V1 to V7. The parser checks functions one by one with the same
//! rules, and those of V1, V2 and V6 that only a text can break (unknown names, names defined twice, declared result
//! types) by itself.

use crate::array::Array;
use crate::attrs::Attr;
use crate::error::{Error, ErrorKind, Result};
use crate::func::{Func, Inst, Value};
use crate::prim::{Jvp, Operand, Transpose, TransposeArgs};
use crate::text::print;
use crate::types::Type;
use std::collections::HashSet;
use std::sync::Arc;

/// Bytes of a value, and products of integer attributes, stay below this.
const COUNT_LIMIT: u128 = 1 << 62;

/// Lines of the function shown on each side of a culprit.
const CONTEXT: usize = 5;

/// A broken rule.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Number of the rule: 3 for V3.
    pub rule: u8,
    /// Position of the offending instruction; none where the signature or the results are at fault.
    pub inst: Option<usize>,
    /// What was expected and what was found.
    pub message: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "V{} {}", self.rule, self.message)
    }
}

/// Checks a function and the functions it uses.
///
/// ```
/// use cotangent_ir::{DType, Func, Type, Value, verify};
/// let mut func = Func::new("f", [Type::new(DType::F32, &[4])]);
/// func.set_results(vec![Value::new(1)]);
/// let error = verify::verify(&func).unwrap_err();
/// assert!(error.message().contains("V6"));
/// ```
///
/// # Errors
/// The first rule broken, deepest function first, with the lines around the culprit.
pub fn verify(func: &Func) -> Result<()> {
    verify_used(func, &mut HashSet::new())
}

/// Checks that a function, already known to be well formed, is linear in the parameters flagged.
///
/// # Errors
/// The first instruction that uses a linear value otherwise than linearly, with the lines around it.
pub fn linear(func: &Func, linear: &[bool]) -> Result<()> {
    check_linear(func, linear).map_err(|violation| describe(func, &violation))
}

fn verify_used(func: &Func, seen: &mut HashSet<usize>) -> Result<()> {
    for sub in func.insts().iter().flat_map(|inst| inst.attrs.iter()).flat_map(|(_, attr)| attr.funcs()) {
        if seen.insert(Arc::as_ptr(sub) as usize) {
            verify_used(sub, seen)?;
        }
    }
    check(func).map_err(|violation| describe(func, &violation))
}

/// The message of a violation: rule, function, and the lines around the culprit.
fn describe(func: &Func, violation: &Violation) -> Error {
    let lines = print::lines(func);
    // The header precedes the first instruction, `return` follows the last.
    let culprit = match (violation.inst, violation.rule) {
        (Some(position), _) => position + 1,
        (None, 6 | 8) => lines.len() - 2,
        (None, _) => 0,
    };
    let (first, last) = (culprit.saturating_sub(CONTEXT), (culprit + CONTEXT).min(lines.len()));
    let excerpt: Vec<String> = (first..last)
        .map(|number| format!("{} {}", if number == culprit { ">" } else { " " }, lines[number]))
        .collect();
    let message = format!("{violation} in @{}:\n{}", func.name, excerpt.join("\n"));
    Error::new(ErrorKind::Verify, "verify", message)
}

/// V1 to V7 for one function, taking for granted that the functions it uses satisfy them.
pub(crate) fn check(func: &Func) -> Result<(), Violation> {
    for value in func.params() {
        check_count(func.ty(value), None)?;
    }
    let mut defined = func.params().len();
    for (position, inst) in func.insts().iter().enumerate() {
        check_inst(func, inst, position, defined)?;
        defined = inst.result_range().end;
    }
    match func.results().iter().find(|value| value.index() >= defined) {
        Some(value) => Err(Violation { rule: 6, inst: None, message: format!("result {value} is not defined") }),
        None => Ok(()),
    }
}

fn check_inst(func: &Func, inst: &Inst, position: usize, defined: usize) -> Result<(), Violation> {
    let broken = |rule, message| Err(Violation { rule, inst: Some(position), message });
    if let Some(value) = inst.args.iter().find(|value| value.index() >= defined) {
        return broken(1, format!("operand {value} is not a parameter or the result of an earlier instruction"));
    }
    if inst.result_range().start != defined {
        return broken(2, format!("expected v{defined} as the next value defined, found {}", inst.result()));
    }
    for value in inst.results() {
        check_count(func.ty(value), Some(position))?;
    }
    check_attributes(inst, position)?;
    let operands: Vec<&Type> = inst.args.iter().map(|&value| func.ty(value)).collect();
    let types: Vec<&Type> = inst.results().map(|value| func.ty(value)).collect();
    match inst.prim.infer(&operands, &inst.attrs) {
        Err(error) => {
            let rule = if inst.attrs.iter().any(|(_, attr)| !attr.funcs().is_empty()) { 5 } else { 3 };
            broken(rule, error.to_string())
        }
        Ok(given) if given.iter().eq(types.iter().copied()) => Ok(()),
        Ok(given) => broken(3, format!("expected {}, rule gives {}", listed(types.into_iter()), listed(given.iter()))),
    }
}

fn check_attributes(inst: &Inst, position: usize) -> Result<(), Violation> {
    let declared = inst.prim.attrs;
    if !inst.attrs.iter().map(|(name, attr)| (name, attr.kind())).eq(declared.iter().copied()) {
        let declared: Vec<String> = declared.iter().map(|(name, kind)| format!("{name}: {kind:?}")).collect();
        let given: Vec<String> = inst.attrs.iter().map(|(name, attr)| format!("{name}: {:?}", attr.kind())).collect();
        let message = format!(
            "`{}` has the attributes {{{}}} in this order, given {{{}}}",
            inst.prim.name,
            declared.join(", "),
            given.join(", ")
        );
        return Err(Violation { rule: 4, inst: Some(position), message });
    }
    for (name, attr) in inst.attrs.iter() {
        // Type rules multiply and add what they find here; this keeps them from overflowing.
        let product = match attr {
            Attr::Int(value) => product([*value]),
            Attr::Ints(values) => product(values.iter().copied()),
            Attr::Bool(_) | Attr::DType(_) | Attr::Scalar(_) | Attr::Func(_) | Attr::Funcs(_) | Attr::Host(_) => {
                Some(0)
            }
        };
        if product.is_none() {
            let message = format!("attribute `{name}` of `{}` is too large to count with", inst.prim.name);
            return Err(Violation { rule: 7, inst: Some(position), message });
        }
    }
    Ok(())
}

/// The product of the magnitudes of integers other than 0, where it is below the limit.
fn product(values: impl IntoIterator<Item = i64>) -> Option<u128> {
    let mut magnitudes = values.into_iter().map(|value| u128::from(value.unsigned_abs())).filter(|&value| value != 0);
    magnitudes.try_fold(1u128, |product, value| Some(product * value).filter(|&product| product < COUNT_LIMIT))
}

fn check_count(ty: &Type, inst: Option<usize>) -> Result<(), Violation> {
    // Extents of 0 are left out, so that strides, which ignore them, are safe as well.
    let extents = ty.shape.iter().map(|&extent| i64::try_from(extent).unwrap_or(i64::MAX));
    let fits = product(extents).is_some_and(|count| count * (ty.dtype.size() as u128) < COUNT_LIMIT);
    if fits {
        return Ok(());
    }
    Err(Violation { rule: 7, inst, message: format!("{ty} has more elements than memory can hold") })
}

fn listed<'a>(types: impl Iterator<Item = &'a Type>) -> String {
    let types: Vec<String> = types.map(Type::to_string).collect();
    if types.is_empty() { "no result".into() } else { types.join(", ") }
}

/// V8. A value is linear if it depends linearly on the flagged parameters; a literal zero counts as linear, as the zero
/// of a sum or the border of a padding must.
fn check_linear(func: &Func, linear: &[bool]) -> Result<(), Violation> {
    if linear.len() != func.params().len() {
        crate::error::internal(&format!("{} flags for the parameters of @{}", linear.len(), func.name));
    }
    let mut is_linear = linear.to_vec();
    let mut is_zero = vec![false; linear.len()];
    for (position, inst) in func.insts().iter().enumerate() {
        let reached = inst.args.iter().any(|value| is_linear[value.index()]);
        if reached {
            check_linear_use(func, inst, &is_linear, &is_zero).map_err(|message| Violation {
                rule: 8,
                inst: Some(position),
                message,
            })?;
        }
        let zero = !reached && gives_zero(inst, &is_zero);
        is_linear.resize(inst.result_range().end, reached);
        is_zero.resize(inst.result_range().end, zero);
    }
    let fails = |value: &&Value| !is_linear[value.index()] && !is_zero[value.index()];
    match func.results().iter().find(fails) {
        Some(value) => {
            let message = format!("result {value} does not depend on the linear parameters and is not zero");
            Err(Violation { rule: 8, inst: None, message })
        }
        None => Ok(()),
    }
}

/// Whether the results are zero because of what is known of the operands.
fn gives_zero(inst: &Inst, is_zero: &[bool]) -> bool {
    match inst.attrs.get("value") {
        Some(Attr::Scalar(value)) => !value.as_bool(),
        _ => {
            let linear = matches!(inst.prim.jvp, Jvp::Linear) && !inst.args.is_empty();
            linear && inst.args.iter().all(|value| is_zero[value.index()])
        }
    }
}

fn check_linear_use(func: &Func, inst: &Inst, is_linear: &[bool], is_zero: &[bool]) -> Result<(), String> {
    let name = inst.prim.name;
    if matches!(inst.prim.jvp, Jvp::Linear) {
        let known = inst.args.iter().find(|value| !is_linear[value.index()] && !is_zero[value.index()]);
        return match known {
            Some(value) => Err(format!("`{name}` is linear in all its operands together, and {value} is not linear")),
            None => Ok(()),
        };
    }
    let Transpose::Rule(rule) = inst.prim.transpose else {
        return Err(format!("`{name}` is not linear in any operand"));
    };
    // The rule itself knows which operands it is linear in; whether it accepts these is found out by recording it.
    let flags: Vec<bool> = inst.args.iter().map(|value| is_linear[value.index()]).collect();
    let results: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
    let operands: Vec<Type> = inst.args.iter().map(|&value| func.ty(value).clone()).collect();
    let params = results.iter().chain(&operands).cloned();
    let traced = crate::trace::trace("transpose", params, |values| {
        let (cts, known) = values.split_at(results.len());
        let cts: Vec<Option<Array>> = cts.iter().cloned().map(Some).collect();
        let operand = |i: usize| match flags[i] {
            true => Operand::Linear(operands[i].clone()),
            false => Operand::Known(known[i].clone()),
        };
        let xs: Vec<Operand> = (0..operands.len()).map(operand).collect();
        rule(&TransposeArgs { cts: &cts, xs: &xs, attrs: &inst.attrs, results: &results })
            .into_iter()
            .flatten()
            .collect()
    });
    match traced {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("`{name}` does not take these operands linearly: {error}")),
    }
}
