//! Sums over the rows of matrices: one of the ways that `check` tries adds three rows at a time.

use super::check;

/// Products of the rows of stacked matrices with their factors, with rows left over and without.
#[test]
fn weighted_rows() {
    for dtype in ["f32", "f64"] {
        for (rows, columns) in [(6, 16), (7, 5), (8, 37), (13, 130), (30, 1)] {
            for op in ["sum", "max"] {
                check(&format!(
                    "kernel @k [2, {rows}, {columns}]
                        (p0: read {dtype}[{n}], p1: read {dtype}[{rows}], p2: write {dtype}[{kept}]) {{
                        n0 = load p0 [{plane}*i0 + {columns}*i1 + 1*i2] : {dtype}
                        n1 = load p1 [1*i1] : {dtype}
                        n2 = mul n0, n1 : {dtype}
                        reduce {op} p2 [{columns}*i0 + 1*i2], n2
                    }}",
                    n = 2 * rows * columns,
                    plane = rows * columns,
                    kept = 2 * columns
                ));
            }
        }
    }
}

/// Two sums of different dtypes, factors computed row by row, and numbers of rows and columns.
#[test]
fn several_sums() {
    for rows in [9, 11] {
        check(&format!(
            "kernel @k [{rows}, 45] (p0: read f32[{n}], p1: read f32[{rows}], p2: write f32[45], p3: write f64[45]) {{
                n0 = load p0 [45*i0 + 1*i1] : f32
                n1 = load p1 [1*i0] : f32
                n2 = const 2f32 : f32
                n3 = sub n1, n2 : f32
                n4 = mul n0, n3 : f32
                n5 = index i0 : i64
                n6 = convert n5 : f32
                n7 = index i1 : i64
                n8 = convert n7 : f32
                n9 = add n6, n8 : f32
                n10 = add n4, n9 : f32
                n11 = convert n0 : f64
                n12 = convert n3 : f64
                n13 = mul n11, n12 : f64
                reduce sum p2 [1*i1], n10
                reduce sum p3 [1*i1], n13
            }}",
            n = 45 * rows
        ));
    }
}

/// Differences along rows, whose ends are cut off; rows in reverse order; real parts of complex numbers.
#[test]
fn rows_of_other_kinds() {
    check(
        "kernel @k [10, 70] (p0: read f32[700], p1: write f32[70]) {
            n0 = load p0 [70*i0 + 1*i1] : f32
            n1 = load p0 [-1 + 70*i0 + 1*i1] : f32
            n2 = pick i1 in 1..70 n1 else n0 : f32
            n3 = sub n0, n2 : f32
            reduce sum p1 [1*i1], n3
        }",
    );
    check(
        "kernel @k [10, 70] (p0: read f32[700], p1: write f32[70]) {
            n0 = load p0 [630 + -70*i0 + 1*i1] : f32
            reduce sum p1 [1*i1], n0
        }",
    );
    check(
        "kernel @k [10, 70] (p0: read f32[1400], p1: write f32[70]) {
            n0 = load p0 [140*i0 + 2*i1] : f32
            reduce sum p1 [1*i1], n0
        }",
    );
    check(
        "kernel @k [10, 70] (p0: read f32[1400], p1: write f32[140]) {
            n0 = load p0 [140*i0 + 2*i1] : f32
            n1 = load p0 [1 + 140*i0 + 2*i1] : f32
            reduce sum p1 [2*i1], n0
            reduce sum p1 [1 + 2*i1], n1
        }",
    );
}
