//! Simplification keeps meaning, and does what it says.

use super::programs::{Program, programs};
use super::{assert_close, check, differentiable, gradient, numbers, run};
use cotangent_ir::prim::control::{scan_arrays, while_arrays};
use cotangent_ir::prim::effect::tap;
use cotangent_ir::text::{parse, print};
use cotangent_ir::trace::trace;
use cotangent_ir::transform::{inline, jvp, prune, rewrite, share, simplify, vmap};
use cotangent_ir::{Array, DType, Func, Inst, Scalar, Tensor, Type};

/// For every rule functions before and after: parameters, instructions with operands and results, result.
const RULES: &[(&str, &str, &str)] = &[
    (
        "fold literals",
        "(v0: f32[2]) -> f32[2] { v1 = constant {value = 2f32} : f32[]; v2 = broadcast v1 {shape = [2], axes = []} : f32[2];
         v3 = add v2, v2 : f32[2]; v4 = add v0, v3 : f32[2]; return v4 }",
        "(v0: f32[2]) -> f32[2] { v1 = constant {value = 4f32} : f32[]; v2 = broadcast v1 {shape = [2], axes = []} : f32[2];
         v3 = add v0, v2 : f32[2]; return v3 }",
    ),
    (
        "compute before repeating",
        "(v0: f32[3], v1: f32[3]) -> f32[2,3] { v2 = broadcast v0 {shape = [2,3], axes = [1]} : f32[2,3];
         v3 = broadcast v1 {shape = [2,3], axes = [1]} : f32[2,3]; v4 = mul v2, v3 : f32[2,3]; return v4 }",
        "(v0: f32[3], v1: f32[3]) -> f32[2,3] { v2 = mul v0, v1 : f32[3];
         v3 = broadcast v2 {shape = [2,3], axes = [1]} : f32[2,3]; return v3 }",
    ),
    (
        "convert to the same dtype",
        "(v0: f32[2]) -> f32[2] { v1 = convert v0 {dtype = f32} : f32[2]; return v1 }",
        "(v0: f32[2]) -> f32[2] { return v0 }",
    ),
    (
        "convert after widening",
        "(v0: f32[2]) -> c64[2] { v1 = convert v0 {dtype = f64} : f64[2]; v2 = convert v1 {dtype = c64} : c64[2]; return v2 }",
        "(v0: f32[2]) -> c64[2] { v1 = convert v0 {dtype = c64} : c64[2]; return v1 }",
    ),
    (
        "double negation",
        "(v0: f32[2]) -> f32[2] { v1 = neg v0 : f32[2]; v2 = neg v1 : f32[2]; return v2 }",
        "(v0: f32[2]) -> f32[2] { return v0 }",
    ),
    (
        "negated difference",
        "(v0: f32[2], v1: f32[2]) -> f32[2] { v2 = sub v0, v1 : f32[2]; v3 = neg v2 : f32[2]; return v3 }",
        "(v0: f32[2], v1: f32[2]) -> f32[2] { v2 = sub v1, v0 : f32[2]; return v2 }",
    ),
    (
        "negated product with a literal",
        "(v0: f32[]) -> f32[] { v1 = constant {value = 3f32} : f32[]; v2 = mul v1, v0 : f32[]; v3 = neg v2 : f32[]; return v3 }",
        "(v0: f32[]) -> f32[] { v1 = constant {value = -3f32} : f32[]; v2 = mul v0, v1 : f32[]; return v2 }",
    ),
    (
        "even function of a negation",
        "(v0: c64[2]) -> f32[2] { v1 = neg v0 : c64[2]; v2 = abs v1 : f32[2]; return v2 }",
        "(v0: c64[2]) -> f32[2] { v1 = abs v0 : f32[2]; return v1 }",
    ),
    (
        "neutral operand",
        "(v0: i32[]) -> i32[] { v1 = constant {value = 1i32} : i32[]; v2 = mul v1, v0 : i32[]; return v2 }",
        "(v0: i32[]) -> i32[] { return v0 }",
    ),
    (
        "product of negations",
        "(v0: f32[2], v1: f32[2]) -> f32[2] { v2 = neg v0 : f32[2]; v3 = neg v1 : f32[2]; v4 = div v2, v3 : f32[2]; return v4 }",
        "(v0: f32[2], v1: f32[2]) -> f32[2] { v2 = div v0, v1 : f32[2]; return v2 }",
    ),
    (
        "product with two literals",
        "(v0: f32[]) -> f32[] { v1 = constant {value = 3f32} : f32[]; v2 = mul v1, v0 : f32[]; v3 = constant {value = 4f32} : f32[];
         v4 = mul v2, v3 : f32[]; return v4 }",
        "(v0: f32[]) -> f32[] { v1 = constant {value = 12f32} : f32[]; v2 = mul v0, v1 : f32[]; return v2 }",
    ),
    (
        "quotient by a power of two",
        "(v0: f32[]) -> f32[] { v1 = constant {value = 8f32} : f32[]; v2 = div v0, v1 : f32[]; return v2 }",
        "(v0: f32[]) -> f32[] { v1 = constant {value = 0.125f32} : f32[]; v2 = mul v0, v1 : f32[]; return v2 }",
    ),
    (
        "sum with a negation",
        "(v0: f32[2], v1: f32[2]) -> f32[2] { v2 = neg v0 : f32[2]; v3 = add v2, v1 : f32[2]; return v3 }",
        "(v0: f32[2], v1: f32[2]) -> f32[2] { v2 = sub v1, v0 : f32[2]; return v2 }",
    ),
    (
        "square",
        "(v0: c64[2]) -> c64[2] { v1 = mul v0, v0 : c64[2]; return v1 }",
        "(v0: c64[2]) -> c64[2] { v1 = square v0 : c64[2]; return v1 }",
    ),
    (
        "small powers",
        "(v0: f32[2]) -> f32[2] { v1 = integer_pow v0 {exponent = 2} : f32[2]; return v1 }",
        "(v0: f32[2]) -> f32[2] { v1 = square v0 : f32[2]; return v1 }",
    ),
    (
        "choice without a choice",
        "(v0: f32[], v1: f32[]) -> f32[] { v2 = constant {value = false} : bool[]; v3 = select v2, v0, v1 : f32[]; return v3 }",
        "(v0: f32[], v1: f32[]) -> f32[] { return v1 }",
    ),
    (
        "choice by a negation",
        "(v0: bool[], v1: f32[], v2: f32[]) -> f32[] { v3 = not v0 : bool[]; v4 = select v3, v1, v2 : f32[]; return v4 }",
        "(v0: bool[], v1: f32[], v2: f32[]) -> f32[] { v3 = select v0, v2, v1 : f32[]; return v3 }",
    ),
    (
        "part of a complex number made of parts",
        "(v0: f32[2], v1: f32[2]) -> f32[2] { v2 = complex v0, v1 : c64[2]; v3 = imag v2 : f32[2]; return v3 }",
        "(v0: f32[2], v1: f32[2]) -> f32[2] { return v1 }",
    ),
    (
        "complex number made of its parts",
        "(v0: c64[2]) -> c64[2] { v1 = real v0 : f32[2]; v2 = imag v0 : f32[2]; v3 = complex v1, v2 : c64[2]; return v3 }",
        "(v0: c64[2]) -> c64[2] { return v0 }",
    ),
    (
        "reshape to the same shape",
        "(v0: f32[2]) -> f32[2] { v1 = reshape v0 {shape = [2]} : f32[2]; return v1 }",
        "(v0: f32[2]) -> f32[2] { return v0 }",
    ),
    (
        "reshape of reshape",
        "(v0: f32[6]) -> f32[3,2] { v1 = reshape v0 {shape = [2,3]} : f32[2,3]; v2 = reshape v1 {shape = [3,2]} : f32[3,2]; return v2 }",
        "(v0: f32[6]) -> f32[3,2] { v1 = reshape v0 {shape = [3,2]} : f32[3,2]; return v1 }",
    ),
    (
        "reshape of a literal",
        "() -> f32[2] { v0 = constant {value = 2f32} : f32[]; v1 = broadcast v0 {shape = [1,2], axes = []} : f32[1,2];
         v2 = reshape v1 {shape = [2]} : f32[2]; return v2 }",
        "() -> f32[2] { v0 = constant {value = 2f32} : f32[]; v1 = broadcast v0 {shape = [2], axes = []} : f32[2]; return v1 }",
    ),
    (
        "transpose of transpose",
        "(v0: f32[2,3,4]) -> f32[3,2,4] { v1 = permute v0 {axes = [2,0,1]} : f32[4,2,3];
         v2 = permute v1 {axes = [2,1,0]} : f32[3,2,4]; return v2 }",
        "(v0: f32[2,3,4]) -> f32[3,2,4] { v1 = permute v0 {axes = [1,0,2]} : f32[3,2,4]; return v1 }",
    ),
    (
        "broadcast to the same shape",
        "(v0: f32[2]) -> f32[2] { v1 = broadcast v0 {shape = [2], axes = [0]} : f32[2]; return v1 }",
        "(v0: f32[2]) -> f32[2] { return v0 }",
    ),
    (
        "broadcast of broadcast",
        "(v0: f32[2]) -> f32[4,3,2] { v1 = broadcast v0 {shape = [3,2], axes = [1]} : f32[3,2];
         v2 = broadcast v1 {shape = [4,3,2], axes = [1,2]} : f32[4,3,2]; return v2 }",
        "(v0: f32[2]) -> f32[4,3,2] { v1 = broadcast v0 {shape = [4,3,2], axes = [2]} : f32[4,3,2]; return v1 }",
    ),
    (
        "slice of everything",
        "(v0: f32[4]) -> f32[4] { v1 = slice v0 {start = [0], limit = [4], stride = [1]} : f32[4]; return v1 }",
        "(v0: f32[4]) -> f32[4] { return v0 }",
    ),
    (
        "slice of slice",
        "(v0: f32[9]) -> f32[2] { v1 = slice v0 {start = [1], limit = [8], stride = [2]} : f32[4];
         v2 = slice v1 {start = [0], limit = [4], stride = [2]} : f32[2]; return v2 }",
        "(v0: f32[9]) -> f32[2] { v1 = slice v0 {start = [1], limit = [6], stride = [4]} : f32[2]; return v1 }",
    ),
    (
        "slice at literals",
        "(v0: f32[4]) -> f32[2] { v1 = constant {value = 9i32} : i32[]; v2 = dynamic_slice v0, v1 {sizes = [2]} : f32[2]; return v2 }",
        "(v0: f32[4]) -> f32[2] { v1 = slice v0 {start = [2], limit = [4], stride = [1]} : f32[2]; return v1 }",
    ),
    (
        "pad by nothing",
        "(v0: f32[4], v1: f32[]) -> f32[4] { v2 = pad v0, v1 {low = [0], high = [0], interior = [0]} : f32[4]; return v2 }",
        "(v0: f32[4], v1: f32[]) -> f32[4] { return v0 }",
    ),
    (
        "concatenate one",
        "(v0: f32[4]) -> f32[4] { v1 = concatenate v0 {axis = 0} : f32[4]; return v1 }",
        "(v0: f32[4]) -> f32[4] { return v0 }",
    ),
    (
        "reverse of reverse",
        "(v0: f32[4,2]) -> f32[4,2] { v1 = reverse v0 {axes = [1]} : f32[4,2]; v2 = reverse v1 {axes = [1]} : f32[4,2]; return v2 }",
        "(v0: f32[4,2]) -> f32[4,2] { return v0 }",
    ),
    (
        "reduction over no elements but one",
        "(v0: f32[4,1]) -> f32[4] { v1 = reduce_max v0 {axes = [1]} : f32[4]; return v1 }",
        "(v0: f32[4,1]) -> f32[4] { v1 = reshape v0 {shape = [4]} : f32[4]; return v1 }",
    ),
    (
        "sum of repetitions",
        "(v0: f32[2]) -> f32[] { v1 = broadcast v0 {shape = [3,2], axes = [1]} : f32[3,2];
         v2 = reduce_sum v1 {axes = [0,1]} : f32[]; return v2 }",
        "(v0: f32[2]) -> f32[] { v1 = reduce_sum v0 {axes = [0]} : f32[]; v2 = constant {value = 3f32} : f32[];
         v3 = mul v1, v2 : f32[]; return v3 }",
    ),
    (
        "contraction by loops",
        "(v0: f32[5,2], v1: f32[5]) -> f32[2] {
         v2 = dot_general v0, v1 {lhs_contract = [0], rhs_contract = [0], lhs_batch = [], rhs_batch = []} : f32[2]; return v2 }",
        "(v0: f32[5,2], v1: f32[5]) -> f32[2] { v2 = broadcast v1 {shape = [5,2], axes = [0]} : f32[5,2];
         v3 = mul v0, v2 : f32[5,2]; v4 = reduce_sum v3 {axes = [0]} : f32[2]; return v4 }",
    ),
];

#[test]
fn rules_rewrite_their_examples() {
    for (name, before, after) in RULES {
        let parse =
            |text: &str| match parse::entry(&format!("func @f{}", text.replace(';', "\n").replace("} }", "}\n}"))) {
                Ok(func) => func,
                Err(error) => panic!("{name}: {error}"),
            };
        let (before, after) = (parse(before), parse(after));
        let rewritten = prune::prune(&rewrite::rewrite(&before));
        check(name, &rewritten);
        assert_eq!(rewritten, after, "{name}: {}", print::func(&rewritten));
        let args: Vec<Tensor> = before.param_types().iter().enumerate().map(|(k, ty)| numbers(ty, k)).collect();
        let round = |tensors: Vec<Tensor>| -> Vec<Tensor> {
            tensors.iter().map(|x| Tensor::from_fn(x.ty().with_dtype(DType::C64), |at| x.get(at))).collect()
        };
        for (given, expected) in round(run(&rewritten, &args)).iter().zip(round(run(&before, &args))) {
            for (given, expected) in given.scalars().zip(expected.scalars()) {
                assert!((given.as_complex() - expected.as_complex()).norm() < 1e-6, "{name}");
            }
        }
    }
}

#[test]
fn every_rule_has_an_example() {
    let examples: Vec<&str> = RULES.iter().map(|(name, ..)| *name).collect();
    let rules: Vec<&str> = rewrite::rules().map(|rule| rule.name).collect();
    assert_eq!(examples, rules);
}

#[test]
fn fuel_bounds_the_number_of_rewrites() {
    let negations = trace("negations", [Type::scalar(DType::F32)], |x| {
        let twice = |x: &Array| -(-x);
        vec![twice(&x[0]), twice(&x[0].sin()), twice(&x[0].cos())]
    });
    let func = negations.unwrap().func;
    let count = |func: &Func| prune::prune(func).insts().iter().filter(|inst| inst.prim.name == "neg").count();
    for fuel in 0..5 {
        let (rewritten, left) = rewrite::rewrite_at_most(&func, fuel);
        assert_eq!(count(&rewritten), 6 - 2 * fuel.min(3) as usize);
        assert_eq!(left, fuel - fuel.min(3));
    }
}

#[test]
fn simplification_keeps_meaning() {
    let same = |name: &str, func: &Func, args: &[Tensor]| {
        let simple = simplify(func);
        check(name, &simple);
        assert_eq!(simple.param_types(), func.param_types(), "{name}");
        assert_close(name, &run(&simple, args), &run(func, args));
        assert!(!contains(&simple, "call"), "{name}");
    };
    for Program { name, func, args, reverse } in programs() {
        same(&name, &func, &args);
        let flags = differentiable(&func);
        let (forward, _) = jvp::jvp(&func, &flags).unwrap();
        let tangents = super::directions(&func, &flags);
        same(&format!("tangent of {name}"), &forward, &[args.clone(), tangents].concat());
        let batched = vec![true; args.len()];
        let (many, _) = vmap::batch(&func, &batched, 2, false).unwrap();
        let items: Vec<Vec<Tensor>> = (0..2).map(|item| super::vary(&args, &batched, item)).collect();
        let stacked: Vec<Tensor> = (0..args.len()).map(|k| super::stack(&items, k)).collect();
        same(&format!("batch of {name}"), &many, &stacked);
        if reverse {
            let gradient = gradient(&func);
            same(&format!("gradient of {name}"), &gradient, &args);
            same(&format!("second gradient of {name}"), &super::gradient(&gradient), &args);
        }
    }
}

#[test]
fn pruning_reaches_into_loops() {
    let vector = Type::new(DType::F64, &[3]);
    let traced = trace("f", [vector.clone(), vector.clone(), Type::new(DType::F64, &[4, 3])], |x| {
        // Of four carried values one is returned, one feeds it, one never changes, and one is for nobody.
        let init = [x[0].clone(), x[0].clone(), x[1].clone(), x[1].clone()];
        let (carry, ys) = scan_arrays(&init, &[x[2].clone(), x[2].clone()], 4, false, |c, s| {
            (vec![&c[0] + &c[1], &c[1] * &c[2], c[2].clone(), &c[3] + &s[1]], vec![c[0].clone(), c[3].clone()])
        });
        vec![carry[0].clone(), ys[0].clone()]
    });
    let func = traced.unwrap().func;
    let pruned = prune::prune(&func);
    check("pruned", &pruned);
    let [inst] = pruned.insts() else { panic!("{}", print::func(&pruned)) };
    assert_eq!((inst.attrs.int("consts"), inst.attrs.int("carries")), (1, 2));
    assert_eq!((inst.args.len(), inst.results().len()), (3, 3));
    let args: Vec<Tensor> = func.param_types().iter().enumerate().map(|(k, ty)| numbers(ty, k)).collect();
    assert_close("pruned", &run(&pruned, &args), &run(&func, &args));
}

#[test]
fn effects_are_neither_pruned_nor_shared() {
    let traced = trace("f", [Type::new(DType::F64, &[3])], |x| {
        let report = |at: &Array| tap(at, &x[0], 1);
        report(&Array::from(0));
        report(&Array::from(0));
        let counted = while_arrays(
            &[Array::from(0), Array::from(2.0)],
            |c| c[0].less(3),
            |c| {
                report(&c[0]);
                vec![&c[0] + 1, &c[1] * 2.0]
            },
        );
        drop(counted);
        vec![x[0].clone()]
    });
    let simple = simplify(&traced.unwrap().func);
    check("effects", &simple);
    assert_eq!(simple.insts().iter().filter(|inst| inst.prim.name == "tap").count(), 2, "{}", print::func(&simple));
    let loops: Vec<&Inst> = simple.insts().iter().filter(|inst| inst.prim.name == "while").collect();
    assert_eq!(loops.len(), 1);
    assert_eq!(loops[0].results().len(), 1, "the carried value that no effect needs is dropped");
    let mut rows = Vec::new();
    let mut observer = |index: i64, row: &[f64]| {
        rows.push((index, row.to_vec()));
        false
    };
    let x = Tensor::from_slice(&[3], &[1.0, 2.0, 3.0]).unwrap();
    let mut interpreter = cotangent_ir::eval::Interpreter { observer: Some(&mut observer) };
    interpreter.run(&simple, &[x]).unwrap();
    assert_eq!(rows.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 0, 0, 1, 2]);
}

/// A function of `count` instructions.
fn long(count: usize) -> Func {
    let traced = trace("long", [Type::scalar(DType::F32), Type::scalar(DType::F32)], |x| {
        let mut y = x[0].clone();
        for _ in 0..count / 4 {
            y = (&y * &x[1]).sin() + &x[0] - &y;
        }
        vec![y]
    });
    traced.unwrap().func
}

/// Anything quadratic would need minutes.
#[test]
fn transformations_are_linear_in_the_size_of_the_function() {
    let func = long(100_000);
    for stage in [inline::inline, rewrite::rewrite, share::share, prune::prune] {
        assert_eq!(stage(&func).insts().len(), 100_000);
    }
    let gradient = gradient(&long(40_000));
    let x = Tensor::from_scalar(Scalar::real(DType::F32, 0.3));
    assert!(run(&gradient, &[x.clone(), x])[0].get(0).as_f64().is_finite());
}

fn contains(func: &Func, prim: &str) -> bool {
    func.insts().iter().any(|inst| {
        inst.prim.name == prim || inst.attrs.iter().flat_map(|(_, attr)| attr.funcs()).any(|body| contains(body, prim))
    })
}
