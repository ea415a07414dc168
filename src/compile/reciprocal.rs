//! Divisions become products where the reciprocal is known, or shared.
//!
//! A division keeps the processor's only divider busy for as long as about eight products. So `x / c` for a literal `c`
//! becomes `x * (1 / c)`, and quotients of one kernel that have a denominator in common share its reciprocal. The price
//! is a second rounding: `x * (1 / d)` is within 1.5 ulp of the quotient, exactly equal where `d` is a power of two, and
//! signs, zeros, infinities and NaN are those of the division.
//!
//! That holds only where `1 / d` is a normal number. Literals are looked at; of a computed denominator it must follow from
//! the way it is computed that it is not below the least normal number (`max(norm, 1)`, `sqrt(s) + 1e-3`), else the
//! division stays. A computed denominator above the reciprocal of the least normal number (8.5e37 in single precision)
//! costs two more bits.
//!
//! Before and after: a kernel that keeps the rules of `verify_kernel`. Kernels without loops are left as they are: they
//! run once, and there the nearest number is worth more.

use cotangent_ir::kernel::{Kernel, LaneOp, Node, NodeId, NodeKind, Output};
use cotangent_ir::lanes::Dag;
use cotangent_ir::{DType, Scalar};

/// Quotients that make sharing their reciprocal cheaper than dividing.
const SHARED_BY: usize = 2;

/// Replaces the divisions of a kernel where that is cheaper.
pub(crate) fn multiply_by_reciprocals(kernel: &Kernel) -> Kernel {
    let mut quotients = vec![0; kernel.nodes.len()];
    for denominator in kernel.nodes.iter().filter_map(denominator) {
        quotients[denominator.index()] += 1;
    }
    let least = lower_bounds(kernel);
    let multiplied = rebuilt(kernel, &vec![true; kernel.nodes.len()], |dag, number, node| {
        let (Some(before), NodeKind::Op { args, .. }) = (denominator(&kernel.nodes[number]), &node.kind) else {
            return dag.push(node.kind, node.dtype);
        };
        let known_large = least[before.index()].is_some_and(|least| least >= least_normal(node.dtype));
        let is_shared = quotients[before.index()] >= SHARED_BY && known_large;
        match reciprocal(dag, args[1], node.dtype, is_shared) {
            Some(reciprocal) => {
                let args = [args[0], reciprocal].as_slice().into();
                dag.push(NodeKind::Op { op: LaneOp::Mul, args }, node.dtype)
            }
            None => dag.push(node.kind, node.dtype),
        }
    });
    // Literals that were divided by are not needed any more.
    rebuilt(&multiplied, &needed(&multiplied), |dag, _, node| dag.push(node.kind, node.dtype))
}

/// The kernel with the nodes in `kept` only, each built anew by `build` from its arguments' new numbers.
fn rebuilt(kernel: &Kernel, kept: &[bool], mut build: impl FnMut(&mut Dag, usize, Node) -> NodeId) -> Kernel {
    let mut dag = Dag::default();
    let mut places = vec![NodeId(u32::MAX); kernel.nodes.len()];
    for (number, node) in kernel.nodes.iter().enumerate().filter(|(number, _)| kept[*number]) {
        let node = Node { kind: node.kind.renumbered(&places), dtype: node.dtype };
        places[number] = build(&mut dag, number, node);
    }
    let outputs = kernel.outputs.iter().map(|output| Output {
        node: places[output.node.index()],
        access: output.access.renumbered(&places),
        ..output.clone()
    });
    Kernel { outputs: outputs.collect(), nodes: dag.nodes, ..kernel.clone() }
}

/// Which nodes some output needs.
fn needed(kernel: &Kernel) -> Vec<bool> {
    let mut needed = vec![false; kernel.nodes.len()];
    for output in &kernel.outputs {
        needed[output.node.index()] = true;
        output.access.dynamic.iter().for_each(|(node, _)| needed[node.index()] = true);
    }
    for number in (0..needed.len()).rev() {
        if needed[number] {
            kernel.nodes[number].kind.arguments(|node| needed[node.index()] = true);
        }
    }
    needed
}

/// What a node of floating-point numbers divides by.
fn denominator(node: &Node) -> Option<NodeId> {
    match &node.kind {
        NodeKind::Op { op: LaneOp::Div, args } if node.dtype.is_float() => Some(args[1]),
        _ => None,
    }
}

/// The reciprocal of a literal, if it is normal, or of a denominator that is shared and known not to be small.
fn reciprocal(dag: &mut Dag, denominator: NodeId, dtype: DType, is_shared: bool) -> Option<NodeId> {
    if let Some(literal) = dag.constant(denominator) {
        let value = Scalar::real(dtype, 1.0 / literal.as_f64());
        let size = value.as_f64().abs();
        return (size.is_finite() && size >= least_normal(dtype)).then(|| dag.push(NodeKind::Const(value), dtype));
    }
    is_shared.then(|| {
        let one = dag.push(NodeKind::Const(Scalar::one(dtype)), dtype);
        dag.push(NodeKind::Op { op: LaneOp::Div, args: [one, denominator].as_slice().into() }, dtype)
    })
}

fn least_normal(dtype: DType) -> f64 {
    if dtype == DType::F32 { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE }
}

/// A number that each floating-point node is not below wherever it is a number.
fn lower_bounds(kernel: &Kernel) -> Vec<Option<f64>> {
    let mut least: Vec<Option<f64>> = Vec::with_capacity(kernel.nodes.len());
    for node in &kernel.nodes {
        let bound = match &node.kind {
            _ if !node.dtype.is_float() => None,
            NodeKind::Const(value) => Some(value.as_f64()).filter(|value| !value.is_nan()),
            NodeKind::Pick { inside, outside, .. } => smaller(least[inside.index()], least[outside.index()]),
            NodeKind::Op { op, args } => {
                let of = |index: usize| least[args[index].index()];
                match op {
                    LaneOp::Abs | LaneOp::Exp => Some(0.0),
                    LaneOp::Mul if args[0] == args[1] => Some(0.0),
                    LaneOp::Mul => of(0).zip(of(1)).and_then(|(a, b)| (a >= 0.0 && b >= 0.0).then_some(0.0)),
                    LaneOp::Sqrt => Some(of(0).map_or(0.0, |bound| rounded_down(bound.max(0.0).sqrt()))),
                    LaneOp::Add => of(0).zip(of(1)).and_then(|(a, b)| (a >= 0.0 && b >= 0.0).then_some(a.max(b))),
                    LaneOp::Max => match (of(0), of(1)) {
                        (Some(a), Some(b)) => Some(a.max(b)),
                        (a, b) => a.or(b),
                    },
                    LaneOp::Min => smaller(of(0), of(1)),
                    LaneOp::Select => smaller(of(1), of(2)),
                    _ => None,
                }
            }
            NodeKind::Load { .. } | NodeKind::Index { .. } => None,
        };
        least.push(bound);
    }
    least
}

/// A bound that rounding in single precision does not pass.
fn rounded_down(bound: f64) -> f64 {
    bound * (1.0 - f64::from(f32::EPSILON))
}

fn smaller(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.zip(b).map(|(a, b)| a.min(b))
}

#[cfg(test)]
mod tests {
    use super::multiply_by_reciprocals;
    use cotangent_ir::text::{parse_kernel::kernels, print_kernel::kernel};

    /// The nodes of `k` after the pass, a line each.
    fn check(body: &str, expected: &[&str]) {
        let text = format!("kernel @k [64] (p0: read f32[64], p1: read f32[64], p2: write f32[64]) {{\n{body}\n}}\n");
        let rewritten = kernel(&multiply_by_reciprocals(&kernels(&text).unwrap()[0]));
        let lines: Vec<&str> = rewritten.lines().map(str::trim).filter(|line| line.contains(" = ")).collect();
        assert_eq!(lines, expected, "{rewritten}");
    }

    #[test]
    fn literals_with_a_normal_reciprocal_become_factors() {
        let by = |literal: &str| {
            format!("n0 = load p0 [1*i0] : f32\nn1 = const {literal} : f32\nn2 = div n0, n1 : f32\nstore p2 [1*i0], n2")
        };
        let load = "n0 = load p0 [1*i0] : f32";
        check(&by("4f32"), &[load, "n1 = const 0.25f32 : f32", "n2 = mul n0, n1 : f32"]);
        check(&by("-1e30f32"), &[load, "n1 = const -1e-30f32 : f32", "n2 = mul n0, n1 : f32"]);
        for literal in ["0f32", "1e-40f32", "3e38f32", "inf_f32"] {
            let constant = format!("n1 = const {literal} : f32");
            check(&by(literal), &[load, &constant, "n2 = div n0, n1 : f32"]);
        }
    }

    #[test]
    fn denominators_known_not_to_be_small_are_shared() {
        let body = |denominator: &str| {
            format!(
                "n0 = load p0 [1*i0] : f32\nn1 = load p1 [1*i0] : f32\nn2 = const 1f32 : f32\nn3 = {denominator} : f32\n\
                 n4 = div n0, n3 : f32\nn5 = div n1, n3 : f32\nn6 = add n4, n5 : f32\nstore p2 [1*i0], n6"
            )
        };
        let shared = [
            "n0 = load p0 [1*i0] : f32",
            "n1 = load p1 [1*i0] : f32",
            "n2 = const 1f32 : f32",
            "n3 = max n0, n2 : f32",
            "n4 = div n2, n3 : f32",
            "n5 = mul n0, n4 : f32",
            "n6 = mul n1, n4 : f32",
            "n7 = add n5, n6 : f32",
        ];
        check(&body("max n0, n2"), &shared);
        let apart = ["n0 = load p0 [1*i0] : f32", "n1 = load p1 [1*i0] : f32"];
        let quotients = ["n4 = div n0, n3 : f32", "n5 = div n1, n3 : f32", "n6 = add n4, n5 : f32"];
        // A square may underflow, and a sum may cancel.
        check(
            &body("mul n0, n0"),
            &[
                &apart[..],
                &["n2 = mul n0, n0 : f32"],
                &["n3 = div n0, n2 : f32", "n4 = div n1, n2 : f32", "n5 = add n3, n4 : f32"],
            ]
            .concat(),
        );
        check(
            &body("add n0, n2"),
            &[&apart[..], &["n2 = const 1f32 : f32", "n3 = add n0, n2 : f32"], &quotients].concat(),
        );
    }
}
