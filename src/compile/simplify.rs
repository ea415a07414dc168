//! What need not be computed of a kernel's integers, given their ranges.
//!
//! Indices are made safe wherever they are used: counted from the end if negative, compared with the extent, clamped, and
//! what lies outside replaced. Where ranges decide, nothing of that remains, and of a position that is a sum, what is affine
//! in the loop indices becomes strides. Values do not change.

use crate::compile::groups::prune;
use crate::compile::ranges::{self, Range};
use crate::compile::scatter::identity;
use cotangent_ir::eval_kernel::lane_op;
use cotangent_ir::kernel::{Access, Kernel, LaneOp, NodeId, NodeKind, Output, OutputKind};
use cotangent_ir::lanes::{Dag, Lanes};
use cotangent_ir::{DType, Scalar};
use smallvec::SmallVec;

/// The kernel, simplified.
pub(crate) fn simplify(kernel: &Kernel) -> Kernel {
    let mut simplifier = Simplifier { kernel, dag: Dag::default(), ranges: Vec::new() };
    let mut places: Vec<NodeId> = Vec::with_capacity(kernel.nodes.len());
    for node in &kernel.nodes {
        let place = match node.kind.renumbered(&places) {
            NodeKind::Op { op, args } => simplifier.op(op, &args, node.dtype),
            NodeKind::Load { operand, access } => simplifier.load(operand, access, node.dtype),
            kind => simplifier.dag.push(kind, node.dtype),
        };
        places.push(place);
    }
    let output = |output: &Output| {
        let mut output =
            Output { access: output.access.renumbered(&places), node: places[output.node.index()], ..output.clone() };
        if let OutputKind::Scatter(op) = output.kind {
            output.access = simplifier.scattered(&output, identity(op, simplifier.dag.dtype(output.node)));
        }
        output
    };
    let outputs = kernel.outputs.iter().map(output).collect();
    let (name, extents, operands) = (kernel.name.clone(), kernel.extents.clone(), kernel.operands.clone());
    prune(Kernel { name, extents, operands, nodes: simplifier.dag.nodes, outputs })
}

struct Simplifier<'k> {
    kernel: &'k Kernel,
    dag: Dag,
    ranges: Vec<Range>,
}

impl Simplifier<'_> {
    fn range(&mut self, node: NodeId) -> Range {
        ranges::extend(&mut self.ranges, &self.kernel.extents, &self.dag.nodes);
        self.ranges[node.index()]
    }

    fn reach(&mut self, access: &Access) -> Range {
        ranges::extend(&mut self.ranges, &self.kernel.extents, &self.dag.nodes);
        ranges::reach(access, &self.kernel.extents, &self.ranges)
    }

    fn literal(&mut self, value: Scalar) -> NodeId {
        Lanes::new(&mut self.dag).literal(value)
    }

    fn is_exact(&self, node: NodeId) -> bool {
        self.dag.dtype(node).is_int() || self.dag.dtype(node).is_bool()
    }

    /// The arguments of a node that is a certain operation.
    fn arguments(&self, node: NodeId, wanted: LaneOp) -> Option<SmallVec<[NodeId; 3]>> {
        match &self.dag.nodes[node.index()].kind {
            NodeKind::Op { op, args } if *op == wanted => Some(args.clone()),
            _ => None,
        }
    }

    fn op(&mut self, op: LaneOp, args: &[NodeId], dtype: DType) -> NodeId {
        match op {
            LaneOp::Convert => return self.convert(args[0], dtype),
            LaneOp::Bitcast => return Lanes::new(&mut self.dag).bitcast(args[0], dtype),
            LaneOp::Select => return self.select(args[0], args[1], args[2]),
            _ if !args.iter().all(|&arg| self.is_exact(arg)) => {}
            LaneOp::Eq | LaneOp::Ne | LaneOp::Lt | LaneOp::Le => return self.comparison(op, args[0], args[1]),
            LaneOp::And | LaneOp::Or if dtype.is_bool() => return self.connective(op, args[0], args[1]),
            LaneOp::Max | LaneOp::Min => return self.extremum(op, args[0], args[1]),
            _ => {
                let literals: Option<Vec<Scalar>> = args.iter().map(|&arg| self.dag.constant(arg)).collect();
                if let Some(literals) = literals {
                    return self.literal(lane_op(op, &literals, dtype));
                }
            }
        }
        Lanes::new(&mut self.dag).op(op, args)
    }

    /// The outcome of a comparison, if ranges decide it.
    fn decide(&mut self, op: LaneOp, a: NodeId, b: NodeId) -> Option<bool> {
        if a == b {
            return Some(matches!(op, LaneOp::Eq | LaneOp::Le));
        }
        let ((a_low, a_high), (b_low, b_high)) = (self.range(a)?, self.range(b)?);
        let apart = a_high < b_low || b_high < a_low;
        let same = a_low == a_high && b_low == b_high && a_low == b_low;
        match op {
            LaneOp::Eq => {
                if apart {
                    Some(false)
                } else {
                    same.then_some(true)
                }
            }
            LaneOp::Ne => {
                if apart {
                    Some(true)
                } else {
                    same.then_some(false)
                }
            }
            LaneOp::Lt if a_high < b_low => Some(true),
            LaneOp::Lt => (a_low >= b_high).then_some(false),
            LaneOp::Le if a_high <= b_low => Some(true),
            _ => (a_low > b_high).then_some(false),
        }
    }

    fn comparison(&mut self, op: LaneOp, a: NodeId, b: NodeId) -> NodeId {
        if let Some(outcome) = self.decide(op, a, b) {
            return self.literal(Scalar::bool(outcome));
        }
        // Of a choice, if it is decided for either choice, that is the choice.
        for (chosen, first) in [(a, true), (b, false)] {
            let Some(choice) = self.arguments(chosen, LaneOp::Select) else { continue };
            let mut of = |value: NodeId| if first { self.decide(op, value, b) } else { self.decide(op, a, value) };
            match (of(choice[1]), of(choice[2])) {
                (Some(true), Some(false)) => return choice[0],
                (Some(false), Some(true)) => return Lanes::new(&mut self.dag).op(LaneOp::Not, &[choice[0]]),
                _ => {}
            }
        }
        Lanes::new(&mut self.dag).op(op, &[a, b])
    }

    fn connective(&mut self, op: LaneOp, a: NodeId, b: NodeId) -> NodeId {
        let neutral = op == LaneOp::And;
        for (known, other) in [(a, b), (b, a)] {
            if let Some(value) = self.dag.constant(known) {
                return if value.as_bool() == neutral { other } else { known };
            }
        }
        if a == b { a } else { Lanes::new(&mut self.dag).op(op, &[a, b]) }
    }

    fn extremum(&mut self, op: LaneOp, a: NodeId, b: NodeId) -> NodeId {
        if let (Some(a_range), Some(b_range)) = (self.range(a), self.range(b)) {
            let (greater, smaller) = if op == LaneOp::Max { (a, b) } else { (b, a) };
            if a_range.0 >= b_range.1 {
                return greater;
            }
            if b_range.0 >= a_range.1 {
                return smaller;
            }
        }
        // Of a choice between a value that is not concerned and a literal.
        for (chosen, bound) in [(a, b), (b, a)] {
            let Some(choice) = self.arguments(chosen, LaneOp::Select) else { continue };
            if self.dag.constant(choice[2]).is_some() && self.dag.constant(bound).is_some() {
                let value = self.extremum(op, choice[1], bound);
                if value == choice[1] {
                    let other = self.extremum(op, choice[2], bound);
                    return self.select(choice[0], value, other);
                }
            }
        }
        Lanes::new(&mut self.dag).op(op, &[a, b])
    }

    fn convert(&mut self, node: NodeId, dtype: DType) -> NodeId {
        if dtype.is_int() && self.dag.dtype(node).is_int() {
            if let Some(inner) = self.arguments(node, LaneOp::Convert) {
                let range = self.range(inner[0]);
                if self.dag.dtype(inner[0]).is_int() && ranges::fits(range, self.dag.dtype(node)) {
                    return self.convert(inner[0], dtype);
                }
            }
            if let Some(choice) = self.arguments(node, LaneOp::Select)
                && self.dag.constant(choice[2]).is_some()
            {
                let values = [choice[1], choice[2]].map(|value| self.convert(value, dtype));
                return self.select(choice[0], values[0], values[1]);
            }
        }
        Lanes::new(&mut self.dag).convert(node, dtype)
    }

    fn select(&mut self, condition: NodeId, mut a: NodeId, mut b: NodeId) -> NodeId {
        if let Some(negated) = self.arguments(condition, LaneOp::Not) {
            return self.select(negated[0], b, a);
        }
        if let Some(inner) = self.arguments(a, LaneOp::Select).filter(|inner| inner[0] == condition) {
            a = inner[1];
        }
        if let Some(inner) = self.arguments(b, LaneOp::Select).filter(|inner| inner[0] == condition) {
            b = inner[2];
        }
        // What is read is wanted only where the condition holds: elsewhere it may be any element.
        if let NodeKind::Load { operand, access } = &self.dag.nodes[a.index()].kind
            && !access.dynamic.is_empty()
        {
            let (operand, access) = (*operand, access.clone());
            if let Some(access) = self.where_holds(condition, &access, operand) {
                a = self.load(operand, access, self.dag.dtype(a));
            }
        }
        Lanes::new(&mut self.dag).op(LaneOp::Select, &[condition, a, b])
    }

    /// An access that is the same where a condition holds and in range elsewhere, but simpler.
    fn where_holds(&mut self, condition: NodeId, access: &Access, operand: u32) -> Option<Access> {
        let mut simpler = access.clone();
        for (node, _) in &mut simpler.dynamic {
            if let Some(choice) = self.arguments(*node, LaneOp::Select).filter(|choice| choice[0] == condition) {
                *node = choice[1];
            }
        }
        (simpler != *access && self.is_within(&simpler, operand)).then_some(simpler)
    }

    fn is_within(&mut self, access: &Access, operand: u32) -> bool {
        let len = self.kernel.operands[operand as usize].len as i128;
        self.reach(access).is_some_and(|reach| ranges::contains((0, len - 1), reach))
    }

    fn load(&mut self, operand: u32, access: Access, dtype: DType) -> NodeId {
        let access = self.affine(access, operand);
        self.dag.push(NodeKind::Load { operand, access }, dtype)
    }

    /// Where an output scatters to. A value that is the identity where a condition fails may go anywhere then.
    fn scattered(&mut self, output: &Output, identity: Scalar) -> Access {
        let chosen = self.arguments(output.node, LaneOp::Select);
        let same = |value: Scalar| {
            value == identity && value.as_f64().is_sign_negative() == identity.as_f64().is_sign_negative()
        };
        let condition = chosen.filter(|choice| self.dag.constant(choice[2]).is_some_and(same)).map(|choice| choice[0]);
        let access = condition.and_then(|condition| self.where_holds(condition, &output.access, output.operand));
        self.affine(access.unwrap_or_else(|| output.access.clone()), output.operand)
    }

    /// An access of the same positions, in which what is affine in the loop indices is. Of what is not, no more summands
    /// remain than there were: further ones are added up, so that accesses that differ by what is affine share the sum.
    fn affine(&mut self, access: Access, operand: u32) -> Access {
        if access.dynamic.is_empty() {
            return access;
        }
        let mut affine = Access { dynamic: SmallVec::new(), ..access.clone() };
        let mut summands: SmallVec<[(NodeId, i64); 2]> = SmallVec::new();
        for &(node, factor) in &access.dynamic {
            if self.expand(node, factor, &mut affine, &mut summands).is_none() {
                return access;
            }
        }
        for (node, factor) in summands {
            let node = self.convert(node, DType::I64);
            match affine.dynamic.iter_mut().find(|(known, _)| *known == node) {
                Some((_, sum)) => *sum += factor,
                None => affine.dynamic.push((node, factor)),
            }
        }
        affine.dynamic.retain(|(_, factor)| *factor != 0);
        if affine.dynamic.len() > access.dynamic.len() {
            if (affine.offset, &affine.strides) == (access.offset, &access.strides) {
                return access;
            }
            let Some(sum) = self.sum(&affine.dynamic) else { return access };
            affine.dynamic = SmallVec::from_slice(&[(sum, 1)]);
        }
        let safe = !affine.dynamic.is_empty() || self.is_within(&affine, operand);
        if safe { affine } else { access }
    }

    /// The sum of multiples of indices as one, added up in the narrowest integers that hold it.
    fn sum(&mut self, summands: &[(NodeId, i64)]) -> Option<NodeId> {
        // All partial sums lie in this range, and the summands themselves.
        let mut total = (0, 0);
        for &(node, factor) in summands {
            let range = self.range(node)?;
            let reach = ranges::product(range, (factor.into(), factor.into()))?;
            total.0 += range.0.min(reach.0).min(0);
            total.1 += range.1.max(reach.1).max(0);
        }
        let dtype = [DType::I32, DType::I64].into_iter().find(|&dtype| ranges::fits(Some(total), dtype))?;
        let mut sum: Option<NodeId> = None;
        for &(node, factor) in summands {
            let node = self.convert(node, dtype);
            let mut lanes = Lanes::new(&mut self.dag);
            let factor = (factor != 1).then(|| lanes.literal(Scalar::int(dtype, factor.into())));
            let product = factor.map_or(node, |factor| lanes.op(LaneOp::Mul, &[node, factor]));
            sum = Some(sum.map_or(product, |sum| lanes.op(LaneOp::Add, &[sum, product])));
        }
        sum.map(|sum| self.convert(sum, DType::I64))
    }

    /// Takes a summand of a position apart, as far as sums and products are exact.
    fn expand(
        &mut self,
        node: NodeId,
        factor: i64,
        affine: &mut Access,
        summands: &mut SmallVec<[(NodeId, i64); 2]>,
    ) -> Option<()> {
        let kind = self.dag.nodes[node.index()].kind.clone();
        match kind {
            NodeKind::Const(value) => {
                let product = i128::from(factor).checked_mul(value.as_i128())?;
                affine.offset = affine.offset.checked_add(i64::try_from(product).ok()?)?;
                return Some(());
            }
            NodeKind::Index { axis } => {
                affine.strides[axis] = affine.strides[axis].checked_add(factor)?;
                return Some(());
            }
            NodeKind::Op { op: LaneOp::Convert, args } => {
                let range = self.range(args[0]);
                if self.dag.dtype(args[0]).is_int() && ranges::fits(range, self.dag.dtype(node)) {
                    return self.expand(args[0], factor, affine, summands);
                }
            }
            NodeKind::Op { op: op @ (LaneOp::Add | LaneOp::Sub | LaneOp::Mul), args } => {
                let (a, b) = (self.range(args[0])?, self.range(args[1])?);
                let exact = match op {
                    LaneOp::Add => Some((a.0 + b.0, a.1 + b.1)),
                    LaneOp::Sub => Some((a.0 - b.1, a.1 - b.0)),
                    _ => ranges::product(a, b),
                };
                if ranges::fits(exact, self.dag.dtype(node)) {
                    match (op, self.dag.constant(args[0]), self.dag.constant(args[1])) {
                        (LaneOp::Mul, _, Some(value)) | (LaneOp::Mul, Some(value), _) => {
                            let other = if self.dag.constant(args[1]).is_some() { args[0] } else { args[1] };
                            let product = i128::from(factor).checked_mul(value.as_i128())?;
                            return self.expand(other, i64::try_from(product).ok()?, affine, summands);
                        }
                        (LaneOp::Mul, None, None) => {}
                        (op, ..) => {
                            self.expand(args[0], factor, affine, summands)?;
                            let factor = if op == LaneOp::Sub { factor.checked_neg()? } else { factor };
                            return self.expand(args[1], factor, affine, summands);
                        }
                    }
                }
            }
            _ => {}
        }
        summands.push((node, factor));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::simplify;
    use crate::compile::scatter::shared_axis;
    use cotangent_ir::text::parse_kernel::kernels;
    use cotangent_ir::text::print_kernel;

    /// Two summands that are computed, and one that is affine: the latter is a stride, and the sum of the others is one
    /// for both places.
    #[test]
    fn what_is_affine_of_a_position_becomes_strides() {
        let text = "kernel @k [8, 5] (p0: read i32[40], p1: read i32[40], p2: write f32[96]) {
    n0 = const 0i32 : i32
    n1 = const 2i32 : i32
    n2 = load p0 [5*i0 + 1*i1] : i32
    n3 = max n2, n0 : i32
    n4 = min n3, n1 : i32
    n5 = load p1 [5*i0 + 1*i1] : i32
    n6 = max n5, n0 : i32
    n7 = min n6, n1 : i32
    n8 = index i0 : i64
    n9 = convert n8 : i32
    n10 = const 12i32 : i32
    n11 = mul n9, n10 : i32
    n12 = const 4i32 : i32
    n13 = mul n4, n12 : i32
    n14 = add n11, n13 : i32
    n15 = add n14, n7 : i32
    n16 = convert n15 : i64
    n17 = const 1i32 : i32
    n18 = add n15, n17 : i32
    n19 = convert n18 : i64
    n20 = const 1f32 : f32
    scatter sum p2 [1*n16], n20
    scatter sum p2 [1*n19], n20
}
";
        let simple = simplify(&kernels(text).unwrap()[0]);
        let printed = print_kernel::kernel(&simple);
        let places: Vec<&str> = printed.lines().filter(|line| line.contains("scatter")).collect();
        assert!(places[0].contains("[12*i0 + 1*n") && places[1].contains("[1 + 12*i0 + 1*n"), "{printed}");
        assert_eq!(simple.outputs[0].access.dynamic, simple.outputs[1].access.dynamic);
        assert_eq!(shared_axis(&simple), Some(0));
    }
}
