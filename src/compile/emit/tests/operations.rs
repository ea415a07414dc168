//! Every lane operation on every dtype that has it, and every conversion.

use super::{Numbers, check_with};
use cotangent_ir::kernel::LaneOp;
use cotangent_ir::{DType, Scalar, Tensor, Type};

const DTYPES: [DType; 11] = [
    DType::Bool,
    DType::I8,
    DType::I16,
    DType::I32,
    DType::I64,
    DType::U8,
    DType::U16,
    DType::U32,
    DType::U64,
    DType::F32,
    DType::F64,
];

/// Numbers of all kinds: usual ones, extremes, infinities and NaN.
fn wild(numbers: &mut Numbers, _: usize, ty: &Type) -> Tensor {
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5, 2.5, -1.5, 1e9, -3e9, 1e20, 300.0, -200.0, 1e-42];
    Tensor::from_fn(ty.clone(), |_| match numbers.next() % 4 {
        0 if ty.dtype.is_float() => Scalar::real(ty.dtype, special[numbers.next() as usize % special.len()]),
        _ => numbers.scalar(ty.dtype),
    })
}

fn has(op: LaneOp, dtype: DType) -> bool {
    match op {
        LaneOp::Convert | LaneOp::Bitcast => false,
        LaneOp::And | LaneOp::Or | LaneOp::Xor | LaneOp::Not => !dtype.is_float(),
        LaneOp::Shl | LaneOp::Shr => dtype.is_int(),
        LaneOp::Sqrt
        | LaneOp::Exp
        | LaneOp::Log
        | LaneOp::Sin
        | LaneOp::Cos
        | LaneOp::Tanh
        | LaneOp::Pow
        | LaneOp::Atan2
        | LaneOp::Floor
        | LaneOp::Ceil
        | LaneOp::Round
        | LaneOp::Trunc => dtype.is_float(),
        LaneOp::Fma => !dtype.is_bool(),
        LaneOp::Rem | LaneOp::Div | LaneOp::Neg | LaneOp::Abs | LaneOp::Sign | LaneOp::Sub => !dtype.is_bool(),
        LaneOp::Add
        | LaneOp::Mul
        | LaneOp::Max
        | LaneOp::Min
        | LaneOp::Eq
        | LaneOp::Ne
        | LaneOp::Lt
        | LaneOp::Le
        | LaneOp::Select => true,
    }
}

#[test]
fn every_operation() {
    for op in LaneOp::ALL {
        for dtype in DTYPES.into_iter().filter(|&dtype| has(op, dtype)) {
            let compares = matches!(op, LaneOp::Eq | LaneOp::Ne | LaneOp::Lt | LaneOp::Le);
            let result = if compares { DType::Bool } else { dtype };
            let first = if op == LaneOp::Select { DType::Bool } else { dtype };
            let dtypes = [first, dtype, dtype];
            let (mut operands, mut loads, mut args) = (String::new(), String::new(), Vec::new());
            for (arg, dtype) in dtypes[..op.arity()].iter().enumerate() {
                operands += &format!("p{arg}: read {dtype}[39], ");
                loads += &format!("n{arg} = load p{arg} [1*i0] : {dtype}\n");
                args.push(format!("n{arg}"));
            }
            let n = op.arity();
            let text = format!(
                "kernel @{} [39] ({operands}p{n}: write {result}[39]) {{
                    {loads}n{n} = {} {} : {result}
                    store p{n} [1*i0], n{n}
                }}",
                op.name(),
                op.name(),
                args.join(", ")
            );
            check_with(&text, wild);
        }
    }
}

#[test]
fn literals_as_second_arguments() {
    for op in ["max", "min", "add", "mul", "div", "rem", "shl", "shr", "pow"] {
        for dtype in DTYPES {
            let shifts = matches!(op, "shl" | "shr");
            if dtype.is_bool() || (shifts && !dtype.is_int()) || (op == "pow" && !dtype.is_float()) {
                continue;
            }
            for literal in [1, 3, 7] {
                let literal = format!("{literal}{dtype}");
                let text = format!(
                    "kernel @{op} [39] (p0: read {dtype}[39], p1: write {dtype}[39], p2: write {dtype}[39]) {{
                        n0 = load p0 [1*i0] : {dtype}
                        n1 = const {literal} : {dtype}
                        n2 = {op} n0, n1 : {dtype}
                        n3 = {op} n1, n0 : {dtype}
                        store p1 [1*i0], n2
                        store p2 [1*i0], n3
                    }}"
                );
                check_with(&text, wild);
            }
        }
    }
}

#[test]
fn every_conversion() {
    for from in DTYPES {
        for to in DTYPES.into_iter().filter(|&to| to != from) {
            let text = format!(
                "kernel @convert [39] (p0: read {from}[39], p1: write {to}[39]) {{
                    n0 = load p0 [1*i0] : {from}
                    n1 = convert n0 : {to}
                    store p1 [1*i0], n1
                }}"
            );
            check_with(&text, wild);
        }
    }
}

#[test]
fn every_change_of_meaning_of_bits() {
    for from in DTYPES.into_iter().filter(|dtype| !dtype.is_bool()) {
        for to in DTYPES.into_iter().filter(|&to| to != from && !to.is_bool() && to.size() == from.size()) {
            // Back again, as the payloads of NaNs do not show.
            let text = format!(
                "kernel @bitcast [39] (p0: read {from}[39], p1: write {to}[39], p2: write {from}[39]) {{
                    n0 = load p0 [1*i0] : {from}
                    n1 = bitcast n0 : {to}
                    n2 = bitcast n1 : {from}
                    store p1 [1*i0], n1
                    store p2 [1*i0], n2
                }}"
            );
            check_with(&text, wild);
        }
    }
}

#[test]
fn bits_of_an_index() {
    let text = "kernel @bits [39] (p0: write f64[39]) {
        n0 = index i0 : i64
        n1 = bitcast n0 : f64
        store p0 [1*i0], n1
    }";
    check_with(text, wild);
}

#[test]
fn mixed_widths_and_masks() {
    let text = "kernel @mixed [5, 23] (p0: read f32[115], p1: read f64[115], p2: read u8[115], p3: read i64[5],
            p4: write f64[115], p5: write bool[115], p6: write i16[115], p7: write f32[1]) {
        n0 = load p0 [23*i0 + 1*i1] : f32
        n1 = load p1 [23*i0 + 1*i1] : f64
        n2 = load p2 [23*i0 + 1*i1] : u8
        n3 = load p3 [1*i0] : i64
        n4 = convert n0 : f64
        n5 = lt n4, n1 : bool
        n6 = convert n2 : f64
        n7 = select n5, n6, n1 : f64
        n8 = convert n3 : f64
        n9 = add n7, n8 : f64
        n10 = convert n9 : f32
        n11 = le n10, n0 : bool
        n12 = xor n11, n5 : bool
        n13 = convert n2 : i16
        n14 = convert n0 : i16
        n15 = mul n13, n14 : i16
        n16 = select n12, n15, n13 : i16
        n17 = mul n0, n0 : f32
        n18 = convert n12 : f32
        n19 = mul n17, n18 : f32
        store p4 [23*i0 + 1*i1], n9
        store p5 [23*i0 + 1*i1], n12
        store p6 [23*i0 + 1*i1], n16
        reduce sum p7 [0], n19
    }";
    super::check(text);
}

#[test]
fn indices() {
    for dtype in ["f32", "f64", "i32", "i64", "u8", "bool"] {
        let text = format!(
            "kernel @iota [3, 29] (p0: read i64[87], p1: write {dtype}[87], p2: write i64[87], p3: write bool[87]) {{
                n0 = index i0 : i64
                n1 = index i1 : i64
                n2 = const 29i64 : i64
                n3 = mul n0, n2 : i64
                n4 = add n3, n1 : i64
                n5 = convert n4 : {dtype}
                n6 = load p0 [29*i0 + 1*i1] : i64
                n7 = add n6, n4 : i64
                n8 = lt n1, n7 : bool
                n9 = const 4000000000i64 : i64
                n10 = mul n4, n9 : i64
                n11 = sub n10, n7 : i64
                store p1 [29*i0 + 1*i1], n5
                store p2 [29*i0 + 1*i1], n11
                store p3 [29*i0 + 1*i1], n8
            }}"
        );
        super::check(&text);
    }
}
