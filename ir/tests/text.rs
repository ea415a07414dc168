//! The text form of functions: printing then parsing is the identity, and nothing in a text makes the reader panic.

use cotangent_ir::text::{self, parse, print};
use cotangent_ir::{Attr, Attrs, DType, Func, Scalar, Type, Value, prim};
use num_complex::Complex;
use std::sync::Arc;

const SAMPLE: &str = "\
func @shrink(v0: f32[4], v1: f32[]) -> f32[4] {
    v2 = broadcast v1 {shape = [4], axes = []} : f32[4]
    v3 = abs v0 : f32[4]
    v4 = sub v3, v2 : f32[4]
    v5 = constant {value = -0.5f32} : f32[]
    v6 = broadcast v5 {shape = [4], axes = []} : f32[4]
    v7 = max v4, v6 : f32[4]
    v8 = ge v7, v6 : bool[4]
    v9 = select v8, v7, v0 : f32[4]
    v10 = convert v9 {dtype = c64} : c64[4]
    v11 = real v10 : f32[4]
    return v11
}

func @plain(v0: i32[2,3]) -> i32[3,2], i32[2,3] {
    v1 = permute v0 {axes = [1, 0]} : i32[3,2]
    v2 = iota {shape = [2, 3], axis = 1, dtype = i32} : i32[2,3]
    return v1, v2
}
";

#[test]
fn functions_survive_printing() {
    let funcs = parse::functions(SAMPLE).unwrap();
    let printed: Vec<String> = funcs.iter().map(print::func).collect();
    assert_eq!(printed.join("\n"), SAMPLE);
    assert_eq!(parse::entry(SAMPLE).unwrap(), funcs[1]);
}

#[test]
fn values_are_renumbered_and_comments_skipped() {
    let text = "func @f(v7: f32[]) -> f32[] { // the argument\n v3 = neg v7 : f32[] v9 = neg v3 : f32[] return v9 }";
    let expected =
        "func @f(v0: f32[]) -> f32[] {\n    v1 = neg v0 : f32[]\n    v2 = neg v1 : f32[]\n    return v2\n}\n";
    assert_eq!(print::func(&parse::entry(text).unwrap()), expected);
}

#[test]
fn a_function_without_anything() {
    let text = "func @nothing() {\n    return\n}\n";
    assert_eq!(print::func(&parse::entry(text).unwrap()), text);
}

#[test]
fn every_literal_survives() {
    let mut literals = vec![Scalar::bool(true), Scalar::bool(false)];
    let reals = [0.0, -0.0, 1.0, -2.5, 0.1, 1e-40, 1e30, 1e300, 5e-324, f64::MAX, f64::INFINITY, -f64::INFINITY];
    let nans = [f64::NAN, -f64::NAN, f64::from_bits(0x7ff8_0000_2000_0000)];
    for value in reals.into_iter().chain(nans) {
        literals.extend([DType::F32, DType::F64].map(|dtype| Scalar::real(dtype, value)));
        literals.extend([DType::C64, DType::C128].map(|dtype| Scalar::complex(dtype, Complex::new(value, -1.5))));
    }
    for dtype in DType::ALL.into_iter().filter(|dtype| dtype.is_int()) {
        literals.extend([Scalar::lowest(dtype), Scalar::highest(dtype), Scalar::one(dtype)]);
    }
    let constant = prim::by_name("constant").unwrap();
    for value in literals {
        let mut func = Func::new("literal", []);
        let range =
            func.push(constant, [], Attrs::none().with("value", Attr::Scalar(value)), [Type::scalar(value.dtype())]);
        func.set_results(range.map(Value::new).collect());
        let printed = print::func(&func);
        assert_eq!(parse::entry(&printed).expect(&printed), func);
    }
}

#[test]
fn array_literals() {
    let types = [Type::new(DType::F64, &[2, 2]), Type::new(DType::Bool, &[2]), Type::new(DType::C64, &[1, 2])];
    let written = ["[[1, -2.5], [inf, nan]]", "[true, false]", "[[(1, -0), (3, 0)]]"];
    let tensors = text::tensors(&written.join(", "), &types).unwrap();
    let printed: Vec<String> = tensors.iter().map(print::tensor).collect();
    assert_eq!(printed, written);
    let empty = text::tensors("[[], []]", &[Type::new(DType::I8, &[2, 0])]).unwrap();
    assert_eq!(print::tensor(&empty[0]), "[[], []]");
    let refused = [
        ("[1, 2]", "1:1: expected 3 items on axis 0 of u8[3], found 2"),
        ("[1, 2, 256]", "1:8: `256` is not a value of u8"),
        ("[1, 2, 3], 4", "1:10: expected the end after 1 arrays, found `,`"),
        ("[1, [2], 3]", "1:5: expected a number, found `[`"),
    ];
    for (text, message) in refused {
        assert_eq!(text::tensors(text, &[Type::new(DType::U8, &[3])]).unwrap_err().message(), message);
    }
}

#[test]
fn sub_functions_come_first_and_names_are_made_unique() {
    let scalar = Type::scalar(DType::F32);
    let unary = |name: &str, prim_name: &str| {
        let mut func = Func::new(name, [scalar.clone()]);
        let range = func.push(prim::by_name(prim_name).unwrap(), [Value::new(0)], Attrs::none(), [scalar.clone()]);
        func.set_results(range.map(Value::new).collect());
        Arc::new(func)
    };
    let mut outer = Func::new("my body", [scalar.clone()]);
    for sub in [unary("my body", "neg"), unary("my body", "exp"), unary("again", "neg")] {
        let attrs = Attrs::none().with("func", Attr::Func(sub));
        outer.push(prim::by_name("call").unwrap(), [Value::new(0)], attrs, [scalar.clone()]);
    }
    outer.set_results(vec![Value::new(3)]);
    let printed = print::func(&outer);
    let expected = "\
func @my_body(v0: f32[]) -> f32[] {
    v1 = neg v0 : f32[]
    return v1
}

func @my_body.1(v0: f32[]) -> f32[] {
    v1 = exp v0 : f32[]
    return v1
}

func @my_body.2(v0: f32[]) -> f32[] {
    v1 = call v0 {func = @my_body} : f32[]
    v2 = call v0 {func = @my_body.1} : f32[]
    v3 = call v0 {func = @my_body} : f32[]
    return v3
}
";
    assert_eq!(printed, expected);
    assert_eq!(parse::entry(&printed).unwrap(), outer);
}

#[test]
fn errors_name_place_expectation_and_remedy() {
    let cases = [
        ("", "1:1: expected a function, `func @name(...) { ... }`, found the end of the text"),
        ("fn @f", "1:1: expected `func`, found `fn`"),
        (
            "func @f(v0: f31[]) { return }",
            "1:13: expected a dtype (bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, c64, c128), found `f31`",
        ),
        (
            "func @f(v0: f32[]) -> f32[] {\n    v1 = tahn v0 : f32[]\n    return v1\n}",
            "2:10: expected the name of a primitive, found `tahn`; did you mean `tan`?",
        ),
        (
            "func @f(v0: f32[]) { v1 = neg v2 : f32[] return }",
            "1:31: V1 v2 is not a parameter or the result of an earlier instruction",
        ),
        (
            "func @f(v0: f32[]) { v0 = neg v0 : f32[] return }",
            "1:22: V2 v0 is defined twice; give every value its own number",
        ),
        ("func @f(v0: f32[2]) { v1 = neg v0 : f32[3] return }", "1:23: V3 expected f32[3], rule gives f32[2]"),
        (
            "func @f(v0: f32[2]) { v1 = neg v0 {axis = 1} : f32[2] return }",
            "1:36: V4 `neg` has no attribute `axis`; it takes none",
        ),
        ("func @f(v0: f32[2]) { v1 = permute v0 : f32[2] return }", "1:39: V4 `permute` needs the attribute `axes`"),
        ("func @f(v0: f32[2]) -> f32[3] { return v0 }", "1:33: V6 the signature states f32[3], returned are f32[2]"),
        (
            "func @f(v0: f64[4000000000,4000000000]) { return }",
            "1:6: V7 f64[4000000000,4000000000] has more elements than memory can hold",
        ),
        ("func @f() { return } func @f() { return }", "1:27: there are two functions @f; rename one"),
        (
            "func @body() { return } func @f() { call {func = @bodi} return }",
            "1:50: expected a function defined above, found `@bodi`; did you mean `@body`?",
        ),
        ("func @f() { v0 = constant {value = 300u8} : u8[] return }", "1:36: `300` is not a value of u8"),
        ("func @f() { v0 = constant {value = 1e40f32} : f32[] return }", "1:36: `1e40` is not a value of f32"),
        ("func @f() { return # }", "1:20: '#' means nothing here"),
    ];
    for (text, message) in cases {
        match parse::entry(text) {
            Err(error) => assert_eq!(error.message(), message),
            Ok(_) => panic!("accepted: {text}"),
        }
    }
}

#[test]
fn nesting_and_expansion_are_bounded() {
    let chain = |levels: usize, calls: usize| {
        let mut text = "func @f0() { return }\n".to_string();
        for level in 1..=levels {
            let call = format!("call {{func = @f{}}} ", level - 1);
            text += &format!("func @f{level}() {{ {}return }}\n", call.repeat(calls));
        }
        text
    };
    assert!(parse::entry(&chain(50, 1)).is_ok());
    assert!(parse::entry(&chain(100, 1)).unwrap_err().message().contains("64 levels"));
    assert!(parse::entry(&chain(40, 2)).unwrap_err().message().contains("with all calls expanded"));
    let many_axes = format!("func @f(v0: f32[{}1]) {{ return }}", "1,".repeat(100_000));
    assert!(parse::entry(&many_axes).unwrap_err().message().contains("64 axes"));
}

/// Splitmix: a small generator is all that mutations need.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn mutated_texts_never_panic_and_what_is_accepted_survives() {
    let pieces: Vec<&str> = SAMPLE.split_inclusive([' ', ',', '[', ']', '\n', '(']).collect();
    let extra = ["-", "0", "9223372036854775807", "-9223372036854775808", "1099511627776", "@f", "nan", "[]", "{", "é"];
    for seed in 0..4000u64 {
        let mut state = seed;
        let mut text: Vec<&str> = pieces.clone();
        for _ in 0..1 + next(&mut state) % 4 {
            let at = next(&mut state) as usize % text.len();
            match next(&mut state) % 4 {
                0 => drop(text.remove(at)),
                1 => text.insert(at, extra[next(&mut state) as usize % extra.len()]),
                2 => text[at] = extra[next(&mut state) as usize % extra.len()],
                _ => text[at] = pieces[next(&mut state) as usize % pieces.len()],
            }
        }
        let text = text.concat();
        if let Ok(funcs) = parse::functions(&text) {
            for func in funcs {
                let printed = print::func(&func);
                assert_eq!(parse::entry(&printed).expect(&printed), func, "seed {seed}:\n{text}");
            }
        }
    }
}
