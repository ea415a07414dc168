//! `docs/primitives.md`, from the records.

use cotangent::ir::AttrKind;
use cotangent::ir::prim::{self, Arity, Batch, Domain, Jvp, Lower, Prim, Routine, Transpose};
use cotangent::{DType, Type};
use std::fmt::Write;

const HEAD: &str = "\
# Primitives

Everything a function computes is made of these instructions. The methods of [`Array`](crate::Array) apply them; the text
form of a function shows them, as `v2 = add v0, v1 : f32[3]`. Of each the page says

* what it computes, how many *operands* it takes, of which *dtypes*, and its *attributes*, which are fixed when the
  function is traced;
* its *tangent*: *linear* where the primitive is linear in all operands jointly and its tangent is itself; *a rule for each
  operand*, whose contributions are added; *one rule for all*, as of control flow; or *zero*;
* its *transpose*: whether it is linear in some operands, so that it may occur in what reverse mode transposes;
* how it is *batched*: *element by element*, or by a rule of its own;
* how it becomes *code*: *lanes* and *moves* are fused into kernels with what is around them; *sums* and other reductions
  end a kernel; *other primitives* stand in for it before fusion; *library routines* and *control flow* stay what they are.
";

#[test]
fn the_page_of_primitives_is_what_the_records_say() {
    let mut all: Vec<&Prim> = prim::all().collect();
    all.sort_by_key(|prim| prim.name);
    let mut page = String::from(HEAD);
    for prim in all {
        write!(page, "\n## `{}`\n\n{}\n\n", prim.name, prim.doc).unwrap();
        line(&mut page, "operands", &operands(prim));
        line(&mut page, "dtypes", &dtypes(prim));
        line(&mut page, "attributes", &attributes(prim));
        line(&mut page, "tangent", tangent(prim));
        line(&mut page, "transpose", transpose(prim));
        line(&mut page, "batch", batch(prim));
        line(&mut page, "code", &code(prim));
    }
    super::check("primitives.md", &page);
}

fn line(page: &mut String, what: &str, text: &str) {
    if !text.is_empty() {
        writeln!(page, "* {what}: {text}").unwrap();
    }
}

fn operands(prim: &Prim) -> String {
    match prim.arity {
        Arity::Exactly(0) => "none".into(),
        Arity::Exactly(count) => count.to_string(),
        Arity::AtLeast(0) => "any number".into(),
        Arity::AtLeast(count) => format!("{count} or more"),
    }
}

fn attributes(prim: &Prim) -> String {
    let kind = |kind: AttrKind| match kind {
        AttrKind::Bool => "true or false",
        AttrKind::Int => "an integer",
        AttrKind::Ints => "integers",
        AttrKind::DType => "a dtype",
        AttrKind::Scalar => "a number",
        AttrKind::Func => "a function",
        AttrKind::Funcs => "functions",
        AttrKind::Host => "a closure of the host",
    };
    let each = prim.attrs.iter().map(|&(name, attr)| format!("`{name}` ({})", kind(attr)));
    each.collect::<Vec<_>>().join(", ")
}

/// Dtypes with a common name.
type Group = (&'static str, fn(DType) -> bool);

/// Dtypes of operands that the type rule accepts in place of the one that the laws test the primitive with.
fn dtypes(prim: &'static Prim) -> String {
    let accepts: Box<dyn Fn(DType) -> bool> = match prim.domain {
        Domain::Elementwise(_, dtypes) => {
            let Arity::Exactly(count) = prim.arity else { return String::new() };
            Box::new(move |dtype| {
                let ty = Type::new(dtype, &[2]);
                let probe = vec![&ty; count];
                prim.infer(&probe, &cotangent::ir::Attrs::none()).is_ok() || dtypes.contains(dtype)
            })
        }
        Domain::Cases(cases) => {
            let cases = cases();
            if cases.iter().all(|case| case.operands.is_empty()) || prim.attrs.iter().any(|(_, kind)| is_func(*kind)) {
                return String::new();
            }
            Box::new(move |dtype| {
                cases.iter().filter(|case| !case.operands.is_empty()).any(|case| {
                    let main = case.operands[0].dtype;
                    let with = |ty: &Type| if ty.dtype == main { ty.with_dtype(dtype) } else { ty.clone() };
                    let types: Vec<Type> = case.operands.iter().map(with).collect();
                    prim.infer(&types.iter().collect::<Vec<_>>(), &case.attrs).is_ok()
                })
            })
        }
    };
    let accepted: Vec<DType> = DType::ALL.into_iter().filter(|&dtype| accepts(dtype)).collect();
    let groups: [Group; 5] = [
        ("bool", DType::is_bool),
        ("signed integers", DType::is_signed_int),
        ("unsigned integers", DType::is_unsigned_int),
        ("f32 and f64", DType::is_float),
        ("c64 and c128", DType::is_complex),
    ];
    if accepted.len() == DType::ALL.len() {
        return "all".into();
    }
    let mut names = Vec::new();
    for (name, is_in) in groups {
        let of_group: Vec<DType> = accepted.iter().copied().filter(|&dtype| is_in(dtype)).collect();
        match of_group.len() == DType::ALL.into_iter().filter(|&dtype| is_in(dtype)).count() {
            true => names.push(name.to_string()),
            false => names.extend(of_group.iter().map(DType::to_string)),
        }
    }
    names.join(", ")
}

fn is_func(kind: AttrKind) -> bool {
    matches!(kind, AttrKind::Func | AttrKind::Funcs)
}

fn tangent(prim: &Prim) -> &'static str {
    match prim.jvp {
        Jvp::Linear => "linear",
        Jvp::PerOperand(_) => "a rule for each operand",
        Jvp::Zero => "zero",
        Jvp::Whole(_) => "one rule for all",
    }
}

fn transpose(prim: &Prim) -> &'static str {
    match prim.transpose {
        Transpose::NotLinear => "not linear",
        Transpose::Rule(_) => "a rule",
    }
}

fn batch(prim: &Prim) -> &'static str {
    match prim.batch {
        Batch::Elementwise => "element by element",
        Batch::Rule(_) => "a rule",
    }
}

fn code(prim: &Prim) -> String {
    match prim.lower {
        Lower::Lanes(_) => "lanes".into(),
        Lower::Reindex(_) => "moves".into(),
        Lower::Reduce(op) => format!("reduction ({})", op.name()),
        Lower::Expand(_) => "other primitives".into(),
        Lower::Library(Routine::Dot) => "library routine, matrix products".into(),
        Lower::Library(Routine::Fft) => "library routine, transforms along one axis".into(),
        Lower::Library(Routine::Items { .. }) => "library routine, item by item".into(),
        Lower::LibraryOrExpand(..) => "library routine, item by item, or other primitives".into(),
        Lower::Scatter(..) => "scatter; where elements are replaced, library routine, item by item".into(),
        Lower::Control(_) => "control flow".into(),
    }
}
