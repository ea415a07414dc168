//! Kernels by the shape of their loops and accesses.

use super::{check, check_with};
use cotangent_ir::{Scalar, Tensor};

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
        for (rows, columns) in [(3, 5), (7, 16), (12, 37), (2, 130)] {
            check(&format!(
                "kernel @sums [{rows}, {columns}] (p0: read {dtype}[{n}], p1: write {dtype}[{columns}]) {{
                    n0 = load p0 [{columns}*i0 + 1*i1] : {dtype}
                    reduce sum p1 [1*i1], n0
                }}",
                n = rows * columns
            ));
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

#[test]
fn accesses_backwards_strided_and_complex() {
    for dtype in ["f32", "f64", "i16", "bool"] {
        for n in [1, 5, 16, 43] {
            let (even, odd) = (2 * n, 2 * n + 1);
            let last = n - 1;
            let op = if dtype == "bool" { "and" } else { "mul" };
            check(&format!(
                "kernel @a [3, {n}] (p0: read {dtype}[{all}], p1: write {dtype}[{all}], p2: read {dtype}[{odd}], p3: write {dtype}[{n3}]) {{
                    n0 = load p0 [{even}*i0 + 2*i1] : {dtype}
                    n1 = load p0 [1 + {even}*i0 + 2*i1] : {dtype}
                    n2 = load p2 [{last} - 1*i1] : {dtype}
                    n3 = load p2 [1 + 2*i1] : {dtype}
                    n4 = {op} n0, n2 : {dtype}
                    n5 = {op} n1, n3 : {dtype}
                    n6 = {op} n4, n5 : {dtype}
                    store p1 [{even}*i0 + 2*i1], n4
                    store p1 [1 + {even}*i0 + 2*i1], n5
                    store p3 [{third} + {n}*i0 - 1*i1], n6
                }}",
                all = 6 * n,
                n3 = 3 * n,
                third = n - 1,
            ));
        }
    }
}

#[test]
fn positions_known_at_run_time() {
    for n in [1, 19, 64] {
        check_with(
            &format!(
                "kernel @slice [{n}] (p0: read i32[1], p1: read f32[200], p2: write f32[200]) {{
                    n0 = load p0 [0] : i32
                    n1 = convert n0 : i64
                    n2 = const 0i64 : i64
                    n3 = const 50i64 : i64
                    n4 = max n1, n2 : i64
                    n5 = min n4, n3 : i64
                    n6 = load p1 [2 + 1*i0 + 1*n5] : f32
                    n7 = load p1 [1*i0] : f32
                    n8 = add n6, n7 : f32
                    store p2 [3 + 1*i0 + 2*n5], n8
                }}"
            ),
            |numbers, _, ty| numbers.tensor(ty),
        );
    }
}

#[test]
fn nested_and_overlapping_guards() {
    for n in [6, 23, 70] {
        let (a, b) = (n / 3, n - 1);
        check(&format!(
            "kernel @guards [4, {n}] (p0: read f64[{size}], p1: write f64[{size}]) {{
                n0 = const 2f64 : f64
                n1 = load p0 [{n}*i0 + 1*i1] : f64
                n2 = load p0 [-{a} + {n}*i0 + 1*i1] : f64
                n3 = pick i1 in {a}..{n} n2 else n0 : f64
                n4 = load p0 [1 + {n}*i0 + 1*i1] : f64
                n5 = pick i1 in 0..{b} n4 else n3 : f64
                n6 = pick i0 in 1..3 n5 else n1 : f64
                n7 = add n6, n3 : f64
                store p1 [{n}*i0 + 1*i1], n7
            }}",
            size = 4 * n
        ));
    }
}

#[test]
fn four_axes_with_short_ones() {
    check(
        "kernel @k [2, 3, 1, 18] (p0: read f32[108], p1: read f32[6], p2: write f32[108], p3: write f32[6], p4: write f32[1]) {
            n0 = load p0 [54*i0 + 18*i1 + 1*i3] : f32
            n1 = load p1 [3*i0 + 1*i1] : f32
            n2 = exp n1 : f32
            n3 = mul n0, n2 : f32
            store p2 [54*i0 + 18*i1 + 1*i3], n3
            reduce max p3 [3*i0 + 1*i1], n3
            reduce sum p4 [0], n0
        }",
    );
}

#[test]
fn empty_boxes() {
    check(
        "kernel @k [3, 0] (p0: read f32[0], p1: write f32[3], p2: write f32[1]) {
            n0 = load p0 [1*i1] : f32
            reduce sum p1 [1*i0], n0
            reduce max p2 [0], n0
        }",
    );
    check(
        "kernel @k [0] (p0: read f32[0], p1: write f32[0]) {
            n0 = load p0 [1*i0] : f32
            store p1 [1*i0], n0
        }",
    );
}

#[test]
fn straight_line_code() {
    check(
        "kernel @k [] (p0: read f32[3], p1: write f32[2], p2: write f32[1]) {
            n0 = load p0 [0] : f32
            n1 = load p0 [2] : f32
            n2 = mul n0, n1 : f32
            n3 = add n2, n0 : f32
            store p1 [1], n3
            store p1 [0], n2
            reduce sum p2 [0], n3
        }",
    );
}

#[test]
fn transposed() {
    for dtype in ["f32", "f64", "u8"] {
        check(&format!(
            "kernel @transpose [2, 71, 83]
                (p0: read {dtype}[11786], p1: write {dtype}[11786], p2: read {dtype}[71], p3: write {dtype}[1]) {{
                n0 = load p0 [5893*i0 + 1*i1 + 71*i2] : {dtype}
                n1 = load p2 [1*i1] : {dtype}
                n2 = add n0, n1 : {dtype}
                n3 = pick i2 in 3..80 n2 else n0 : {dtype}
                store p1 [5893*i0 + 83*i1 + 1*i2], n3
                reduce max p3 [0], n3
            }}"
        ));
    }
}

/// Tiles of several rows, rows and columns that are left, values that differ between rows only, and guards in between.
#[test]
fn transposed_in_tiles() {
    for (dtype, batch) in [("f32", 2), ("f64", 2), ("i32", 1), ("u32", 3), ("i64", 1)] {
        for (rows, columns) in [(64, 64), (71, 83), (100, 77)] {
            let size = rows * columns;
            let len = batch * size;
            check(&format!(
                "kernel @transpose [{batch}, {rows}, {columns}]
                    (p0: read {dtype}[{len}], p1: write {dtype}[{len}], p2: read {dtype}[{rows}], p3: read {dtype}[{len}]) {{
                    n0 = load p0 [{size}*i0 + 1*i1 + {rows}*i2] : {dtype}
                    n1 = load p2 [1*i1] : {dtype}
                    n2 = add n0, n1 : {dtype}
                    n3 = pick i2 in 3..50 n2 else n0 : {dtype}
                    n4 = load p3 [{size}*i0 + {columns}*i1 + 1*i2] : {dtype}
                    n5 = add n3, n4 : {dtype}
                    n6 = pick i1 in 5..60 n5 else n4 : {dtype}
                    store p1 [{size}*i0 + {columns}*i1 + 1*i2], n6
                }}"
            ));
        }
    }
}

/// The same of a short body, and of one that knows where it is.
#[test]
fn transposed_as_it_is() {
    for dtype in ["f32", "f64"] {
        check(&format!(
            "kernel @transpose [96, 80] (p0: read {dtype}[7680], p1: write {dtype}[7680]) {{
                n0 = load p0 [1*i0 + 96*i1] : {dtype}
                store p1 [80*i0 + 1*i1], n0
            }}"
        ));
    }
    check(
        "kernel @k [70, 90] (p0: read f32[6300], p1: write f32[6300]) {
            n0 = load p0 [1*i0 + 70*i1] : f32
            n1 = index i0 : i64
            n2 = index i1 : i64
            n3 = sub n1, n2 : i64
            n4 = convert n3 : f32
            n5 = mul n0, n4 : f32
            store p1 [90*i0 + 1*i1], n5
        }",
    );
}

/// Guards that end within vectors, several in one, next to loads that exist on one side only.
#[test]
fn guards_within_vectors() {
    for (dtype, n) in [("f32", 5), ("f32", 16), ("f32", 41), ("f32", 200), ("f64", 6), ("f64", 40), ("f64", 67)] {
        let (a, b, c) = (n / 4, n / 2, n - 2);
        check(&format!(
            "kernel @guards [3, {n}] (p0: read {dtype}[{size}], p1: write {dtype}[{size}], p2: write {dtype}[1], p3: write f32[{size}]) {{
                n0 = const 2{dtype} : {dtype}
                n1 = load p0 [-1 + {n}*i0 + 1*i1] : {dtype}
                n2 = pick i1 in 1..{n} n1 else n0 : {dtype}
                n3 = load p0 [2 + {n}*i0 + 1*i1] : {dtype}
                n4 = pick i1 in 0..{c} n3 else n2 : {dtype}
                n5 = mul n4, n2 : {dtype}
                n6 = pick i1 in {a}..{b} n5 else n4 : {dtype}
                n7 = index i1 : i64
                n8 = convert n7 : f32
                n9 = const 3f32 : f32
                n10 = pick i1 in 0..{a} n8 else n9 : f32
                store p1 [{n}*i0 + 1*i1], n6
                reduce sum p2 [0], n5
                store p3 [{n}*i0 + 1*i1], n10
            }}",
            size = 3 * n
        ));
    }
    // One loop, cut into chunks.
    for n in [60, 64, 300] {
        check(&format!(
            "kernel @guards [{n}] (p0: read f32[{n}], p1: write f32[{n}], p2: write f32[1]) {{
                n0 = load p0 [-3 + 1*i0] : f32
                n1 = load p0 [1*i0] : f32
                n2 = pick i0 in 3..{n} n0 else n1 : f32
                n3 = mul n2, n1 : f32
                n4 = pick i0 in 21..37 n3 else n2 : f32
                store p1 [1*i0], n4
                reduce sum p2 [0], n4
            }}"
        ));
    }
}

/// Positions of which one summand is computed and another steps with the loop, in segments that end within a vector.
#[test]
fn computed_positions_that_step() {
    check(
        "kernel @k [50] (p0: read i32[50], p1: read f32[400], p2: write f32[50]) {
            n0 = load p0 [1*i0] : i32
            n1 = convert n0 : i64
            n2 = const 0i64 : i64
            n3 = max n1, n2 : i64
            n4 = const 300i64 : i64
            n5 = min n3, n4 : i64
            n6 = load p1 [0 + 1*i0 + 1*n5] : f32
            n7 = neg n6 : f32
            n8 = pick i0 in 0..37 n6 else n7 : f32
            store p2 [1*i0], n8
        }",
    );
}

/// More accumulators than there are registers for several of each.
#[test]
fn many_accumulators() {
    for (dtype, count) in [("f64", 2), ("f64", 4), ("f64", 9), ("f32", 9), ("f32", 18)] {
        let operands = (1..=count).map(|operand| format!(", p{operand}: write {dtype}[1]")).collect::<String>();
        let outputs = (1..=count).map(|operand| format!("reduce sum p{operand} [0], n1\n")).collect::<String>();
        check(
            &format!(
                "kernel @k [200] (p0: read f32[200]{operands}) {{
                n0 = load p0 [1*i0] : f32
                n1 = convert n0 : {dtype}
                {outputs}
            }}"
            )
            .replace("n1 = convert n0 : f32", "n1 = neg n0 : f32"),
        );
    }
}

/// Bins that depend on two loops: neighbouring lanes meet, some are left out, two outputs write the same array.
#[test]
fn lanes_that_scatter_to_one_element_all_count() {
    let kinds = [("f32", "sum"), ("f64", "sum"), ("f32", "prod"), ("i32", "sum"), ("f32", "max"), ("i16", "min")];
    for ((dtype, op), columns) in kinds.into_iter().flat_map(|kind| [37, 150].map(|columns| (kind, columns))) {
        let size = 5 * columns;
        check(&format!(
            "kernel @k [5, {columns}] (p0: read f32[{size}], p1: read {dtype}[{size}], p2: write {dtype}[60]) {{
    n0 = load p0 [{columns}*i0 + 1*i1] : f32
    n1 = floor n0 : f32
    n2 = convert n1 : i32
    n3 = convert n2 : i64
    n4 = const 0i64 : i64
    n5 = const 10i64 : i64
    n6 = max n3, n4 : i64
    n7 = min n6, n5 : i64
    n8 = eq n3, n7 : bool
    n9 = load p1 [{columns}*i0 + 1*i1] : {dtype}
    n10 = const 1f32 : f32
    n11 = convert n10 : {dtype}
    n12 = select n8, n9, n11 : {dtype}
    scatter {op} p2 [12*i0 + 1*n7], n12
    scatter {op} p2 [1 + 12*i0 + 1*n7], n11
}}
"
        ));
    }
}

/// Vectors far apart in a loop: its index, elements apart, a sum and a store have to do with it too. Two outputs have
/// positions of their own, two have the same. Sums of integers do not depend on the order.
#[test]
fn lanes_that_scatter_take_turns() {
    for columns in [64, 200, 301] {
        let size = 3 * columns;
        let text = format!(
            "kernel @k [3, {columns}] (p0: read f32[{size}], p1: read f32[{}], p2: write f32[{size}],
                p3: write f32[1], p4: write f32[60], p5: write f64[60]) {{
    n0 = load p0 [{columns}*i0 + 1*i1] : f32
    n1 = floor n0 : f32
    n2 = convert n1 : i64
    n3 = const 0i64 : i64
    n4 = const 15i64 : i64
    n5 = max n2, n3 : i64
    n6 = min n5, n4 : i64
    n7 = index i1 : i64
    n8 = const 18i64 : i64
    n9 = min n7, n8 : i64
    n10 = load p1 [{size}*i0 + 3*i1] : f32
    n11 = convert n7 : f32
    n12 = add n10, n11 : f32
    n13 = convert n1 : f64
    n14 = floor n10 : f32
    store p2 [{columns}*i0 + 1*i1], n12
    reduce sum p3 [0], n1
    scatter sum p4 [1 + 20*i0 + 1*n6], n14
    scatter sum p4 [20*i0 + 1*n6], n1
    scatter sum p4 [20*i0 + 1*n9], n14
    scatter sum p5 [20*i0 + 1*n6], n13
}}
",
            3 * size
        );
        check_with(&text, |numbers, operand, ty| match operand {
            0 | 1 => numbers.tensor(ty),
            _ => Tensor::from_fn(ty.clone(), |_| Scalar::zero(ty.dtype)),
        });
    }
}

/// Elements to which lanes are added move with the loop that is cut into parts.
#[test]
fn lanes_that_scatter_behind_a_moving_pointer_take_turns() {
    check(
        "kernel @k [2, 150] (p0: read i32[300], p1: read f32[300], p2: write f32[900]) {
    n0 = load p0 [150*i0 + 1*i1] : i32
    n1 = convert n0 : i64
    n2 = const 0i64 : i64
    n3 = const 1i64 : i64
    n4 = max n1, n2 : i64
    n5 = min n4, n3 : i64
    n6 = load p1 [150*i0 + 1*i1] : f32
    scatter sum p2 [450*i0 + 3*i1 + 1*n5], n6
    scatter sum p2 [1 + 450*i0 + 3*i1 + 1*n5], n6
}
",
    );
}

#[test]
fn a_loop_of_lanes_that_scatter_is_shared_too() {
    check(
        "kernel @k [300] (p0: read i32[300], p1: read f32[300], p2: write f32[600]) {
    n0 = load p0 [1*i0] : i32
    n1 = convert n0 : i64
    n2 = const 0i64 : i64
    n3 = const 1i64 : i64
    n4 = max n1, n2 : i64
    n5 = min n4, n3 : i64
    n6 = load p1 [1*i0] : f32
    scatter sum p2 [2*i0 + 1*n5], n6
}
",
    );
}
