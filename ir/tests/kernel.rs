//! Kernels: text form, verifier and reference interpreter.

use cotangent_ir::eval_kernel::run_kernel;
use cotangent_ir::kernel::Kernel;
use cotangent_ir::text::{parse_kernel, print_kernel};
use cotangent_ir::verify_kernel::verify_kernel;
use cotangent_ir::{DType, Tensor, Type};

const SAMPLE: &str = "\
kernel @k0 [4, 256] (p0: read f32[1024], p1: write f32[1024], p2: write f32[4], p3: read i64[1]) {
    n0 = load p0 [256*i0 + 1*i1] : f32
    n1 = const 2f32 : f32
    n2 = mul n0, n1 : f32
    n3 = load p0 [1 + 256*i0 + 1*i1] : f32
    n4 = pick i1 in 0..255 n3 else n1 : f32
    n5 = sub n2, n4 : f32
    n6 = index i1 : i64
    n7 = convert n6 : f32
    n8 = lt n7, n5 : bool
    n9 = select n8, n5, n7 : f32
    n10 = load p3 [0] : i64
    n11 = load p0 [1023 - 256*i0 - 1*i1 + 3*n10] : f32
    n12 = fma n9, n11, n1 : f32
    store p1 [256*i0 + 1*i1], n12
    reduce max p2 [1*i0], n9
}
";

fn one(text: &str) -> Kernel {
    let mut kernels = parse_kernel::kernels(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    kernels.remove(0)
}

#[test]
fn kernels_survive_printing() {
    let kernel = one(SAMPLE);
    assert_eq!(print_kernel::kernel(&kernel), SAMPLE);
    verify_kernel(&kernel).unwrap();
}

/// Kernels that break one rule each, with place and message.
#[test]
fn every_rule_is_held() {
    let header = "(p0: read f32[8], p1: write f32[8], p2: read i64[1], p3: read bool[8])";
    let cases = [
        ("[8]", "n0 = neg n0 : f32", "K1 n0 does not precede n0"),
        ("[8]", "n0 = load p7 [0] : f32", "K1 there is no operand p7"),
        ("[8]", "n0 = index i1 : i64", "K1 there is no loop index i1"),
        ("[8]", "store p1 [1*i0], n0", "K1 there is no node n0"),
        ("[8]", "n0 = load p0 [1*i0] : f64", "K2 expected f64, the operation gives f32"),
        ("[8]", "n0 = const 1i32 : i32 n1 = exp n0 : i32", "K2 `exp` takes floats, not i32"),
        ("[8]", "n0 = const 1f32 : f32 n1 = add n0 : f32", "K2 `add` takes 2 arguments, 1 were given"),
        ("[8]", "n0 = const (1, 2)c64 : c64", "K2 expected c64, the operation gives c64"),
        ("[8]", "n0 = const 1f32 : f32 store p0 [1*i0], n0", "K2 p0 is not a written operand"),
        ("[8]", "n0 = const 1f64 : f64 store p1 [1*i0], n0", "K2 p1 holds f32, n0 is f64"),
        ("[8]", "n0 = load p0 [1*i3] : f32", "K3 there is no loop index i3"),
        (
            "[8]",
            "n0 = index i0 : i64 n1 = load p0 [1*n0] : f32 store p1 [1*n0], n1",
            "K3 dynamic offset n0 of what is written varies with a loop index",
        ),
        ("[8]", "n0 = const 1i32 : i32 n1 = load p0 [1*n0] : f32", "K3 dynamic offset n0 is i32, not i64"),
        (
            "[8]",
            "n0 = load p0 [1 + 1*i0] : f32 store p1 [1*i0], n0",
            "K4 p0 has 8 elements, reached are 1 to 8 for indices [0..8]",
        ),
        ("[8]", "n0 = load p0 [1*i0 - 1*i0] : f32", "i0 occurs twice"),
        (
            "[8]",
            "n0 = load p0 [-1 + 1*i0] : f32 n1 = const 0f32 : f32 n2 = pick i0 in 0..7 n0 else n1 : f32 store p1 [1*i0], n2",
            "K4 p0 has 8 elements, reached are -1 to 5 for indices [0..7]",
        ),
        (
            "[9]",
            "n0 = const 0f32 : f32 store p1 [1*i0], n0",
            "K4 p1 has 8 elements, reached are 0 to 8 for indices [0..9]",
        ),
        ("[8]", "n0 = const 0f32 : f32 store p1 [3], n0", "K5 two iterations store to the same element"),
        ("[2, 3]", "n0 = const 0f32 : f32 store p1 [2*i0 + 1*i1], n0", "K5 two iterations store to the same element"),
        (
            "[4]",
            "n0 = const 0f32 : f32 store p1 [2*i0], n0 store p1 [1 + 1*i0], n0",
            "K5 p1 is written at the same element by an earlier output",
        ),
        (
            "[7]",
            "n0 = load p1 [1 + 1*i0] : f32 store p1 [1*i0], n0",
            "K5 an element of p1 is read that another iteration writes",
        ),
        (
            "[2, 3]",
            "n0 = const 0f32 : f32 reduce sum p1 [2*i0 + 1*i1], n0",
            "K6 iterations that differ on axes of nonzero stride meet at an element",
        ),
        (
            "[8]",
            "n0 = const 0f32 : f32 n1 = pick i0 in 3..3 n0 else n0 : f32",
            "K7 guard 3..3 on i0 is empty or leaves the box, 0..8",
        ),
        (
            "[8]",
            "n0 = const 0f32 : f32 n1 = pick i0 in 3..9 n0 else n0 : f32",
            "K7 guard 3..9 on i0 is empty or leaves the box, 0..8",
        ),
        (
            "[8]",
            "n0 = const 0f32 : f32 n1 = const 0i64 : i64 n2 = pick i0 in 3..5 n0 else n1 : f32",
            "K8 branches are f32 and i64, the pick is f32",
        ),
    ];
    for (extents, body, message) in cases {
        let text = format!("kernel @k {extents} {header} {{ {body} }}");
        match parse_kernel::kernels(&text) {
            Ok(_) => panic!("accepted: {text}"),
            Err(error) => assert!(error.message().ends_with(message), "{error}\n{text}"),
        }
    }
}

/// What looks suspicious and is right.
#[test]
fn sound_kernels_are_accepted() {
    let texts = [
        // Interleaved parts of complex numbers, in place.
        "kernel @k [4] (p0: write f32[8]) { n0 = load p0 [2*i0] : f32 n1 = load p0 [1 + 2*i0] : f32 store p0 [2*i0], n1 store p0 [1 + 2*i0], n0 }",
        // A concatenation as two stores.
        "kernel @k [3, 4] (p0: write f32[24]) { n0 = const 0f32 : f32 store p0 [8*i0 + 1*i1], n0 store p0 [4 + 8*i0 + 1*i1], n0 }",
        // Nested guards on two axes.
        "kernel @k [3, 4] (p0: read f32[6], p1: write f32[12]) {
            n0 = load p0 [-4 + 3*i0 + 1*i1] : f32
            n1 = const 0f32 : f32
            n2 = pick i1 in 1..4 n0 else n1 : f32
            n3 = pick i0 in 1..3 n2 else n1 : f32
            store p1 [4*i0 + 1*i1], n3 }",
        // The outside of a guard, on both sides.
        "kernel @k [6] (p0: read f32[16], p1: write f32[6]) {
            n0 = load p0 [1*i0] : f32
            n1 = load p0 [10 + 1*i0] : f32
            n2 = pick i0 in 2..6 n0 else n1 : f32
            store p1 [1*i0], n2 }",
        // An axis of one index may repeat.
        "kernel @k [1, 4] (p0: write f32[4]) { n0 = const 0f32 : f32 store p0 [1*i1], n0 }",
        // No iterations.
        "kernel @k [0, 4] (p0: read f32[0], p1: write f32[0]) { n0 = load p0 [4*i0 + 1*i1] : f32 store p1 [4*i0 + 1*i1], n0 }",
        // A permuting store.
        "kernel @k [3, 5] (p0: write f32[15]) { n0 = const 0f32 : f32 store p0 [14 - 1*i0 - 3*i1], n0 }",
    ];
    for text in texts {
        verify_kernel(&one(text)).unwrap();
    }
}

fn floats(values: &[f32]) -> Tensor {
    Tensor::from_slice(&[values.len()], values).unwrap()
}

fn run(text: &str, mut buffers: Vec<Tensor>) -> Vec<f32> {
    run_kernel(&one(text), &mut buffers);
    buffers.pop().unwrap().as_slice::<f32>().unwrap().to_vec()
}

#[test]
fn guards_choose_by_demand() {
    let text = "kernel @k [4] (p0: read f32[4], p1: write f32[4]) {
        n0 = load p0 [1 + 1*i0] : f32
        n1 = load p0 [1*i0] : f32
        n2 = sub n0, n1 : f32
        n3 = const 0f32 : f32
        n4 = pick i0 in 0..3 n2 else n3 : f32
        store p1 [1*i0], n4 }";
    assert_eq!(run(text, vec![floats(&[1.0, 4.0, 2.0, 8.0]), floats(&[9.0; 4])]), [3.0, -2.0, 6.0, 0.0]);
}

#[test]
fn reductions_start_from_the_identity() {
    let text = "kernel @k [2, 3] (p0: read f32[6], p1: write f32[2]) { n0 = load p0 [3*i0 + 1*i1] : f32 reduce max p1 [1*i0], n0 }";
    let x = floats(&[1.0, -2.0, 3.0, -4.0, -5.0, -6.0]);
    assert_eq!(run(text, vec![x, floats(&[100.0; 2])]), [3.0, -4.0]);
    let empty =
        "kernel @k [2, 0] (p0: read f32[0], p1: write f32[2]) { n0 = load p0 [1*i1] : f32 reduce prod p1 [1*i0], n0 }";
    assert_eq!(run(empty, vec![floats(&[]), floats(&[7.0; 2])]), [1.0, 1.0]);
}

#[test]
fn loads_may_be_at_places_that_vary() {
    let text = "kernel @k [3] (p0: read i64[3], p1: read f32[4], p2: write f32[3]) {
        n0 = load p0 [1*i0] : i64
        n1 = load p1 [1*n0] : f32
        store p2 [1*i0], n1
    }";
    let kernel = parse_kernel::kernels(text).unwrap().remove(0);
    let mut buffers = [
        Tensor::from_slice(&[3], &[3i64, 0, 3]).unwrap(),
        Tensor::from_slice(&[4], &[1f32, 2.0, 3.0, 4.0]).unwrap(),
        Tensor::from_slice(&[3], &[0f32; 3]).unwrap(),
    ];
    run_kernel(&kernel, &mut buffers);
    assert_eq!(buffers[2].as_slice::<f32>().unwrap(), [4.0, 1.0, 4.0]);
}

#[test]
fn dynamic_offsets_add() {
    let text = "kernel @k [2] (p0: read i64[1], p1: read f32[5], p2: write f32[2]) {
        n0 = load p0 [0] : i64
        n1 = load p1 [1*i0 + 3*n0] : f32
        store p2 [1*i0], n1 }";
    let start = Tensor::from_slice(&[1], &[1i64]).unwrap();
    assert_eq!(run(text, vec![start, floats(&[0.0, 1.0, 2.0, 3.0, 4.0]), floats(&[0.0; 2])]), [3.0, 4.0]);
}

#[test]
fn every_operation_of_floats_rounds_once() {
    let unary = |op: &str, x: f32| {
        let text = format!(
            "kernel @k [] (p0: read f32[1], p1: write f32[1]) {{ n0 = load p0 [0] : f32 n1 = {op} n0 : f32 store p1 [0], n1 }}"
        );
        run(&text, vec![floats(&[x]), floats(&[0.0])])[0]
    };
    let cases: [(&str, f32, f32); 12] = [
        ("neg", 0.0, -0.0),
        ("abs", -1.5, 1.5),
        ("sign", -0.0, -0.0),
        ("sign", -7.0, -1.0),
        ("sqrt", 2.0, 2f32.sqrt()),
        ("floor", -1.5, -2.0),
        ("ceil", -1.5, -1.0),
        ("round", 2.5, 2.0),
        ("trunc", -1.5, -1.0),
        ("exp", 1.0, 1f64.exp() as f32),
        ("log", 10.0, 10f64.ln() as f32),
        ("tanh", 0.3, f64::from(0.3f32).tanh() as f32),
    ];
    for (op, x, expected) in cases {
        assert_eq!(unary(op, x).to_bits(), expected.to_bits(), "{op} {x}");
    }
}

#[test]
fn integers_wrap_and_divide_as_documented() {
    let binary = |op: &str, a: i8, b: i8| {
        let text = format!(
            "kernel @k [] (p0: read i8[2], p1: write i8[1]) {{ n0 = load p0 [0] : i8 n1 = load p0 [1] : i8 n2 = {op} n0, n1 : i8 store p1 [0], n2 }}"
        );
        let mut buffers = [Tensor::from_slice(&[2], &[a, b]).unwrap(), Tensor::zeros(Type::new(DType::I8, &[1]))];
        run_kernel(&one(&text), &mut buffers);
        buffers[1].as_slice::<i8>().unwrap()[0]
    };
    let cases: [(&str, i8, i8, i8); 14] = [
        ("add", 127, 1, -128),
        ("sub", -128, 1, 127),
        ("mul", 100, 3, 44),
        ("div", 7, -2, -3),
        ("div", 7, 0, -1),
        ("div", -128, -1, -128),
        ("rem", -7, 2, -1),
        ("rem", 7, 0, 7),
        ("rem", -128, -1, 0),
        ("shl", 1, 7, -128),
        ("shl", 1, 8, 0),
        ("shl", 1, -1, 0),
        ("shr", -1, 1, 127),
        ("max", -3, 2, 2),
    ];
    for (op, a, b, expected) in cases {
        assert_eq!(binary(op, a, b), expected, "{op} {a} {b}");
    }
}
