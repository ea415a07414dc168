//! Kernels by the shape of their loops and accesses.

use super::check;

#[test]
fn elementwise() {
    for n in [1, 2, 3, 4, 5, 15, 16, 17, 31, 64, 100, 1000] {
        for dtype in ["f32", "f64"] {
            check(&format!(
                "kernel @axpy [{n}] (p0: read {dtype}[1], p1: read {dtype}[{n}], p2: write {dtype}[{n}]) {{
                    n0 = load p0 [0] : {dtype}
                    n1 = load p1 [1*i0] : {dtype}
                    n2 = load p2 [1*i0] : {dtype}
                    n3 = mul n0, n1 : {dtype}
                    n4 = add n3, n2 : {dtype}
                    store p2 [1*i0], n4
                }}"
            ));
        }
    }
}

#[test]
fn two_axes_and_offsets() {
    check(
        "kernel @k [7, 21] (p0: read f32[1000], p1: write f32[1000]) {
            n0 = load p0 [3 + 30*i0 + 1*i1] : f32
            n1 = load p0 [70 + 30*i0 - 1*i1] : f32
            n2 = load p0 [5 + 7*i0 + 3*i1] : f32
            n3 = load p0 [1*i0] : f32
            n4 = load p0 [9] : f32
            n5 = add n0, n1 : f32
            n6 = mul n5, n2 : f32
            n7 = sub n6, n3 : f32
            n8 = mul n3, n4 : f32
            n9 = add n7, n8 : f32
            store p1 [2 + 40*i0 + 1*i1], n9
            store p1 [600 + 21*i0 + 3*i1], n5
        }"
        .replace("600 + 21*i0 + 3*i1", "400 + 66*i0 + 3*i1")
        .as_str(),
    );
}

#[test]
fn stencil_with_guards() {
    for (rows, columns) in [(1, 1), (2, 3), (5, 19), (17, 40)] {
        let n = rows * columns;
        let pick = |name: &str, axis: usize, low: usize, high: usize, offset: i64, first: usize| {
            let offset = if offset < 0 { format!("-{}", -offset) } else { offset.to_string() };
            let load = format!("n{first} = load p0 [{offset} + {columns}*i0 + 1*i1] : f32");
            if low < high {
                format!("{load}\n{name} = pick i{axis} in {low}..{high} n{first} else n0 : f32\n")
            } else {
                format!("n{first} = const 0f32 : f32\n{name} = add n{first}, n0 : f32\n")
            }
        };
        let text = format!(
            "kernel @laplacian [{rows}, {columns}] (p0: read f32[{n}], p1: write f32[{n}], p2: write f32[1]) {{
                n0 = const 0f32 : f32
                n1 = load p0 [{columns}*i0 + 1*i1] : f32
                {}{}{}{}
                n10 = const 4.5f32 : f32
                n11 = mul n10, n1 : f32
                n12 = sub n11, n3 : f32
                n13 = sub n12, n5 : f32
                n14 = sub n13, n7 : f32
                n15 = sub n14, n9 : f32
                n16 = mul n15, n1 : f32
                store p1 [{columns}*i0 + 1*i1], n15
                reduce sum p2 [0], n16
            }}",
            pick("n3", 0, 1, rows, -(columns as i64), 2),
            pick("n5", 0, 0, rows - 1, columns as i64, 4),
            pick("n7", 1, 1, columns, -1, 6),
            pick("n9", 1, 0, columns - 1, 1, 8),
        );
        check(&text);
    }
}

#[test]
fn whole_reductions() {
    for (dtype, ops) in [
        ("f32", &["sum", "max", "min"][..]),
        ("f64", &["sum", "max", "min"]),
        ("i32", &["sum", "prod", "max", "min"]),
        ("i64", &["sum", "prod", "max", "min"]),
        ("u8", &["sum", "prod", "max", "min"]),
        ("i16", &["sum", "prod", "max", "min"]),
        ("u32", &["sum", "prod", "max", "min"]),
        ("u64", &["sum", "max", "min"]),
        ("bool", &["sum", "prod", "max", "min"]),
    ] {
        for op in ops {
            for n in [1, 7, 33, 200] {
                check(&format!(
                    "kernel @r [{n}] (p0: read {dtype}[{n}], p1: write {dtype}[1]) {{
                        n0 = load p0 [1*i0] : {dtype}
                        reduce {op} p1 [0], n0
                    }}"
                ));
            }
        }
    }
}

#[test]
fn row_reductions() {
    for dtype in ["f32", "f64", "i16", "bool"] {
        for columns in [1, 3, 16, 37] {
            check(&format!(
                "kernel @rows [9, {columns}] (p0: read {dtype}[{n}], p1: write {dtype}[9], p2: write {dtype}[1]) {{
                    n0 = load p0 [{columns}*i0 + 1*i1] : {dtype}
                    reduce sum p1 [1*i0], n0
                    reduce max p2 [0], n0
                }}",
                n = 9 * columns
            ));
        }
    }
}

#[test]
fn column_reductions() {
    for dtype in ["f32", "f64", "u16"] {
        for (rows, columns) in [(3, 5), (7, 16), (12, 37)] {
            check(&format!(
                "kernel @columns [4, {rows}, {columns}]
                    (p0: read {dtype}[{n}], p1: write {dtype}[{kept}], p2: write {dtype}[{n}]) {{
                    n0 = load p0 [{plane}*i0 + {columns}*i1 + 1*i2] : {dtype}
                    n1 = load p0 [1*i1] : {dtype}
                    n2 = sub n0, n1 : {dtype}
                    reduce sum p1 [{columns}*i0 + 1*i2], n2
                    store p2 [{plane}*i0 + {columns}*i1 + 1*i2], n2
                }}",
                n = 4 * rows * columns,
                plane = rows * columns,
                kept = 4 * columns
            ));
        }
    }
}
