//! The lane expression of a primitive computes what the primitive means.

use crate::sample::{self, Application, Random, distance};
use cotangent_ir::kernel::{Access, Kernel, KernelOperand, NodeId, NodeKind, Output, OutputKind};
use cotangent_ir::lanes::{Dag, Lane, Lanes};
use cotangent_ir::prim::Lower;
use cotangent_ir::{ALIGNMENT, Bytes, DType, Scalar, Tensor, Type, eval_kernel, verify_kernel};

#[test]
fn lanes_compute_what_the_primitive_means() {
    let mut random = Random::new();
    for application in sample::applications(&mut random) {
        check_lanes(&application);
    }
}

#[test]
fn lanes_compute_what_the_primitive_means_at_the_edges() {
    for application in sample::edge_applications() {
        check_lanes(&application);
    }
}

/// Runs the kernel of one application of a primitive that is lowered to lanes.
fn check_lanes(application: &Application) {
    let Lower::Lanes(lower) = application.prim.lower else { return };
    let result = &application.results()[0];
    let mut dag = Dag::default();
    let mut operands = Vec::new();
    let xs: Vec<Lane> = application.operands.iter().map(|x| load(x.ty(), &mut dag, &mut operands)).collect();
    let lane = lower(&mut Lanes::new(&mut dag), &xs, result, &application.attrs);
    let nodes = match lane {
        Lane::Real(node) => vec![node],
        Lane::Complex(re, im) => vec![re, im],
    };
    let written = operands.len() as u32;
    operands.push(KernelOperand { dtype: dag.dtype(nodes[0]), len: nodes.len() * result.len(), written: true });
    let store = |(part, &node): (usize, &NodeId)| {
        let access = access(part, nodes.len());
        Output { operand: written, access, node, kind: OutputKind::Store }
    };
    let kernel = Kernel {
        name: application.prim.name.into(),
        extents: [result.len()].as_slice().into(),
        operands,
        outputs: nodes.iter().enumerate().map(store).collect(),
        nodes: dag.nodes,
    };
    verify_kernel::verify_kernel(&kernel).unwrap_or_else(|error| panic!("{application}: {error}"));
    let mut buffers: Vec<Tensor> = application.operands.iter().map(|x| parts(x.ty(), x.bytes())).collect();
    buffers.push(parts(result, Tensor::zeros(result.clone()).bytes()));
    eval_kernel::run_kernel(&kernel, &mut buffers);
    let expected = application.run().swap_remove(0);
    let computed = Tensor::from_bytes(result.clone(), Bytes::from_slice(ALIGNMENT, buffers[written as usize].bytes()));
    let error = |position: usize| distance(computed.get(position), expected.get(position));
    if let Some(position) = (0..result.len()).find(|&position| error(position) > lane_tolerance(result.dtype)) {
        let (lanes, meaning) = (computed.get(position), expected.get(position));
        let at: Vec<Scalar> = application.operands.iter().map(|x| x.get(position)).collect();
        panic!("{application} at {at:?}: lanes give {lanes:?}, the meaning is {meaning:?}");
    }
}

/// The lanes of an operand, which becomes one of the kernel's.
fn load(ty: &Type, dag: &mut Dag, operands: &mut Vec<KernelOperand>) -> Lane {
    let width = if ty.dtype.is_complex() { 2 } else { 1 };
    let operand = operands.len() as u32;
    operands.push(KernelOperand { dtype: ty.dtype.real(), len: width * ty.len(), written: false });
    let mut part = |part| dag.push(NodeKind::Load { operand, access: access(part, width) }, ty.dtype.real());
    if width == 1 { Lane::Real(part(0)) } else { Lane::Complex(part(0), part(1)) }
}

fn access(part: usize, width: usize) -> Access {
    Access { offset: part as i64, strides: [width as i64].as_slice().into(), dynamic: Default::default() }
}

/// Elements as a kernel sees them: flat, complex numbers as two reals.
fn parts(ty: &Type, bytes: &[u8]) -> Tensor {
    let flat = Type::new(ty.dtype.real(), &[bytes.len() / ty.dtype.real().size()]);
    Tensor::from_bytes(flat, Bytes::from_slice(ALIGNMENT, bytes))
}

/// Lanes round every operation, the meaning once.
fn lane_tolerance(dtype: DType) -> f64 {
    match dtype.real() {
        DType::F32 => 1e-6,
        DType::F64 => 2e-15,
        _ => 0.0,
    }
}
