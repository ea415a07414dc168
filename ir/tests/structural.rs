//! Operations that move, combine and transform elements: examples computed with NumPy, edge cases, views, and what is
//! said when arguments do not fit.

use cotangent_ir::prim::{self, Domain, Jvp, JvpArgs, Lower, View};
use cotangent_ir::trace::trace;
use cotangent_ir::{
    Array, Attrs, Border, Boundary, DType, ErrorKind, OutOfRange, Scalar, ScatterKind, Tensor, Type, Window, WindowOp,
    concatenate, sort_together, stack,
};
use num_complex::Complex;

fn f64s(elements: &[f64]) -> Array {
    Array::from(elements)
}

/// Name of the file errors must point to: the one that calls, not the one that finds out.
const THIS_FILE: &str = "structural.rs";

#[test]
fn examples_agree_with_numpy() {
    let x = Array::new(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let y = Array::new(&[2, 3], &[2.0, -1.0, 0.5, 0.0, 3.0, -2.0]);
    let v = f64s(&[1.0, -2.0, 3.0, 0.5]);
    let column = Array::new(&[2, 1], &[1.0, 2.0]);
    let z = Array::from([(1.0, 2.0), (0.0, -1.0), (0.5, 0.0), (2.0, -1.0)].map(|(re, im)| Complex::new(re, im)));
    let c = Array::arange(24, DType::F64).reshape(&[2, 3, 4]);
    let examples: Vec<(Array, &[usize], &[f64])> = vec![
        (x.broadcast_to(&[2, 2, 3]), &[2, 2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        (column.broadcast_to(&[2, 3]), &[2, 3], &[1.0, 1.0, 1.0, 2.0, 2.0, 2.0]),
        (x.reshape(&[3, 2]), &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        (x.flatten(), &[6], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        (
            c.permute(&[2, 0, 1]),
            &[4, 2, 3],
            &[
                0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 1.0, 5.0, 9.0, 13.0, 17.0, 21.0, 2.0, 6.0, 10.0, 14.0, 18.0, 22.0,
                3.0, 7.0, 11.0, 15.0, 19.0, 23.0,
            ],
        ),
        (x.t(), &[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
        (
            c.swap_axes(0, -1),
            &[4, 3, 2],
            &[
                0.0, 12.0, 4.0, 16.0, 8.0, 20.0, 1.0, 13.0, 5.0, 17.0, 9.0, 21.0, 2.0, 14.0, 6.0, 18.0, 10.0, 22.0,
                3.0, 15.0, 7.0, 19.0, 11.0, 23.0,
            ],
        ),
        (
            c.move_axis(0, 2),
            &[3, 4, 2],
            &[
                0.0, 12.0, 1.0, 13.0, 2.0, 14.0, 3.0, 15.0, 4.0, 16.0, 5.0, 17.0, 6.0, 18.0, 7.0, 19.0, 8.0, 20.0, 9.0,
                21.0, 10.0, 22.0, 11.0, 23.0,
            ],
        ),
        (
            c.move_axis(-1, 0),
            &[4, 2, 3],
            &[
                0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 1.0, 5.0, 9.0, 13.0, 17.0, 21.0, 2.0, 6.0, 10.0, 14.0, 18.0, 22.0,
                3.0, 7.0, 11.0, 15.0, 19.0, 23.0,
            ],
        ),
        (x.expand_dims(1), &[2, 1, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        (x.expand_dims(-1).squeeze(2), &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        (x.slice(&[0, 1], &[1, 3]), &[1, 2], &[2.0, 3.0]),
        (
            c.slice_strided(&[0, 0, 1], &[2, 3, 4], &[1, 2, 2]),
            &[2, 2, 2],
            &[1.0, 3.0, 9.0, 11.0, 13.0, 15.0, 21.0, 23.0],
        ),
        (c.index_axis(1, -2), &[2, 4], &[4.0, 5.0, 6.0, 7.0, 16.0, 17.0, 18.0, 19.0]),
        (c.narrow(2, 1, 2), &[2, 3, 2], &[1.0, 2.0, 5.0, 6.0, 9.0, 10.0, 13.0, 14.0, 17.0, 18.0, 21.0, 22.0]),
        (
            x.pad(9.0, &[(1, 0, 0), (0, 2, 0)]),
            &[3, 5],
            &[9.0, 9.0, 9.0, 9.0, 9.0, 1.0, 2.0, 3.0, 9.0, 9.0, 4.0, 5.0, 6.0, 9.0, 9.0],
        ),
        (v.flip(&[0]), &[4], &[0.5, 3.0, -2.0, 1.0]),
        (
            c.flip(&[0, -1]),
            &[2, 3, 4],
            &[
                15.0, 14.0, 13.0, 12.0, 19.0, 18.0, 17.0, 16.0, 23.0, 22.0, 21.0, 20.0, 3.0, 2.0, 1.0, 0.0, 7.0, 6.0,
                5.0, 4.0, 11.0, 10.0, 9.0, 8.0,
            ],
        ),
        (
            c.roll(1, 1),
            &[2, 3, 4],
            &[
                8.0, 9.0, 10.0, 11.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 20.0, 21.0, 22.0, 23.0, 12.0, 13.0, 14.0,
                15.0, 16.0, 17.0, 18.0, 19.0,
            ],
        ),
        (v.roll(-6, 0), &[4], &[3.0, 0.5, 1.0, -2.0]),
        (x.diff(1), &[2, 2], &[1.0, 1.0, 1.0, 1.0]),
        (x.diff(0), &[1, 3], &[3.0, 3.0, 3.0]),
        (
            concatenate(&[x.clone(), y.clone()], 1),
            &[2, 6],
            &[1.0, 2.0, 3.0, 2.0, -1.0, 0.5, 4.0, 5.0, 6.0, 0.0, 3.0, -2.0],
        ),
        (
            stack(&[x.clone(), y.clone()], -1),
            &[2, 3, 2],
            &[1.0, 2.0, 2.0, -1.0, 3.0, 0.5, 4.0, 0.0, 5.0, 3.0, 6.0, -2.0],
        ),
        (Array::linspace(-1.0, 2.0, 4, DType::F64), &[4], &[-1.0, 0.0, 1.0, 2.0]),
        (Array::linspace(3.0, 4.0, 1, DType::F64), &[1], &[3.0]),
        (Array::eye(3, DType::F64), &[3, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
        (x.sum(), &[], &[21.0]),
        (c.sum_axes(&[0, -1]), &[3], &[60.0, 92.0, 124.0]),
        (y.prod(), &[], &[0.0]),
        (y.prod_axes(&[0]), &[3], &[0.0, -3.0, -1.0]),
        (y.max_axes(&[1]), &[2], &[2.0, 3.0]),
        (y.min(), &[], &[-2.0]),
        (x.mean_axes(&[0]), &[3], &[2.5, 3.5, 4.5]),
        (x.keep_axes().mean_axes(&[1]), &[2, 1], &[2.0, 5.0]),
        (y.keep_axes().max_axes(&[0, 1]), &[1, 1], &[3.0]),
        (v.dot(&v), &[], &[14.25]),
        (x.dot(&y.t()), &[2, 2], &[1.5, 0.0, 6.0, 3.0]),
        (
            x.t().dot(&c.narrow(1, 0, 2)),
            &[3, 2, 4],
            &[
                16.0, 21.0, 26.0, 31.0, 76.0, 81.0, 86.0, 91.0, 20.0, 27.0, 34.0, 41.0, 104.0, 111.0, 118.0, 125.0,
                24.0, 33.0, 42.0, 51.0, 132.0, 141.0, 150.0, 159.0,
            ],
        ),
        (x.matmul(&y.t()), &[2, 2], &[1.5, 0.0, 6.0, 3.0]),
        (x.matmul(&c.narrow(2, 0, 2)), &[2, 2, 2], &[32.0, 38.0, 68.0, 83.0, 104.0, 110.0, 248.0, 263.0]),
        (c.matmul(&v), &[2, 3], &[5.5, 15.5, 25.5, 35.5, 45.5, 55.5]),
        (y.index_axis(0, 0).matmul(&c), &[2, 4], &[0.0, 1.5, 3.0, 4.5, 18.0, 19.5, 21.0, 22.5]),
        (
            c.matmul(&c.swap_axes(1, 2)),
            &[2, 3, 3],
            &[
                14.0, 38.0, 62.0, 38.0, 126.0, 214.0, 62.0, 214.0, 366.0, 734.0, 950.0, 1166.0, 950.0, 1230.0, 1510.0,
                1166.0, 1510.0, 1854.0,
            ],
        ),
        (
            c.expand_dims(1).matmul(&c.swap_axes(1, 2)),
            &[2, 2, 3, 3],
            &[
                14.0, 38.0, 62.0, 38.0, 126.0, 214.0, 62.0, 214.0, 366.0, 86.0, 110.0, 134.0, 302.0, 390.0, 478.0,
                518.0, 670.0, 822.0, 86.0, 302.0, 518.0, 110.0, 390.0, 670.0, 134.0, 478.0, 822.0, 734.0, 950.0,
                1166.0, 950.0, 1230.0, 1510.0, 1166.0, 1510.0, 1854.0,
            ],
        ),
        (x.vdot(&y), &[], &[4.5]),
        (z.vdot(&z.flip(&[0])).real(), &[], &[0.0]),
        (z.vdot(&z.flip(&[0])).imag(), &[], &[0.0]),
        (x.norm(), &[], &[9.539392014169456]),
        (z.norm(), &[], &[3.3541019662496847]),
        (z.fft(&[0]).real(), &[4], &[3.5, 0.5, -0.5, 0.5]),
        (z.fft(&[0]).imag(), &[4], &[0.0, 4.0, 4.0, 0.0]),
        (z.ifft(&[0]).imag(), &[4], &[0.0, 0.0, 1.0, 1.0]),
        (x.fft(&[0, 1]).imag(), &[2, 3], &[0.0, 1.7320508075688772, -1.7320508075688772, 0.0, 0.0, 0.0]),
        (y.rfft(&[0, 1]).real(), &[2, 2], &[2.5, 1.75, 0.5, 2.75]),
        (y.rfft(&[0, 1]).imag(), &[2, 2], &[0.0, -3.0310889132455348, 0.0, 5.629165124598851]),
        (
            y.rfft(&[1, 0]).imag(),
            &[2, 3],
            &[0.0, -3.031088913245535, 3.031088913245535, 0.0, 5.629165124598851, -5.629165124598851],
        ),
        (
            z.irfft(&[0], 6),
            &[6],
            &[
                0.6666666666666666,
                0.038675134594812866,
                0.7053418012614794,
                0.0,
                0.1279915320718538,
                -0.5386751345948129,
            ],
        ),
        (
            z.irfft(&[0], 7),
            &[7],
            &[
                0.8571428571428571,
                -0.05642370891354493,
                0.4255975998514432,
                0.5072899098046055,
                -0.2977453195093267,
                0.31525678287213244,
                -0.7511181212481666,
            ],
        ),
        (y.rfft(&[0, -1]).irfft(&[0, -1], 3), &[2, 3], &[2.0, -1.0, 0.5, 0.0, 3.0, -2.0]),
        (x.fftshift(&[0, 1]), &[2, 3], &[6.0, 4.0, 5.0, 3.0, 1.0, 2.0]),
        (x.fftshift(&[1]).ifftshift(&[1]), &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    ];
    for (number, (array, shape, elements)) in examples.into_iter().enumerate() {
        let given = array.to_vec::<f64>().unwrap_or_else(|error| panic!("example {number}: {error}"));
        assert_eq!(array.shape().unwrap()[..], *shape, "shape of example {number}");
        let close = given.iter().zip(elements).all(|(a, b)| (a - b).abs() <= 1e-12 * (1.0 + b.abs()));
        assert!(close, "example {number}: {given:?}, NumPy gives {elements:?}");
    }
}

#[test]
fn dynamic_positions_are_clamped() {
    let x = Array::arange(6, DType::F64).reshape(&[2, 3]);
    let at = |row: i32, column: i64| [Array::from(row), Array::from(column)];
    assert_eq!(x.dynamic_slice(&at(1, 1), &[1, 2]).to_vec::<f64>().unwrap(), [4.0, 5.0]);
    assert_eq!(x.dynamic_slice(&at(-2, i64::MAX), &[1, 2]).to_vec::<f64>().unwrap(), [1.0, 2.0]);
    let updated = x.dynamic_update_slice(&Array::from([[8.0, 9.0]]), &at(i32::MAX, 2));
    assert_eq!(updated.to_vec::<f64>().unwrap(), [0.0, 1.0, 2.0, 3.0, 8.0, 9.0]);
}

#[test]
fn reductions_of_nothing_and_of_nan() {
    let nothing = Array::zeros(&[0, 2], DType::F64);
    assert_eq!(nothing.sum_axes(&[0]).to_vec::<f64>().unwrap(), [0.0; 2]);
    assert_eq!(nothing.prod_axes(&[0]).to_vec::<f64>().unwrap(), [1.0; 2]);
    assert_eq!(nothing.max_axes(&[0]).to_vec::<f64>().unwrap(), [f64::NEG_INFINITY; 2]);
    assert_eq!(nothing.min_axes(&[0]).to_vec::<f64>().unwrap(), [f64::INFINITY; 2]);
    assert_eq!(nothing.sum_axes(&[1]).shape().unwrap()[..], [0]);
    for at in 0..3 {
        let mut elements = [1.0, -1.0, 2.0];
        elements[at] = f64::NAN;
        assert!(f64s(&elements).max().item().unwrap().is_nan());
        assert!(f64s(&elements).min().item().unwrap().is_nan());
    }
}

#[test]
fn reductions_of_integers_and_bools() {
    assert_eq!(Array::from([i32::MAX, 1]).sum().to_vec::<i32>().unwrap(), [i32::MIN]);
    assert_eq!(Array::from([200u8, 2]).prod().to_vec::<u32>().unwrap(), [400]);
    assert_eq!(Array::from([u64::MAX, u64::MAX - 1]).max().to_vec::<u64>().unwrap(), [u64::MAX]);
    assert_eq!(Array::from([i64::MIN, i64::MIN + 1]).min().to_vec::<i64>().unwrap(), [i64::MIN]);
    assert_eq!(Array::from([1i32, 2]).mean().to_vec::<f32>().unwrap(), [1.5]);
    let truths = Array::from_bools(&[2, 2], &[true, false, false, false]);
    assert_eq!(truths.any_axes(&[1]).to_bools().unwrap(), [true, false]);
    assert_eq!(truths.all_axes(&[0]).to_bools().unwrap(), [false, false]);
    assert_eq!(truths.keep_axes().any_axes(&[0]).shape().unwrap()[..], [1, 2]);
    assert_eq!(Array::from_bools(&[0], &[]).all().to_bools().unwrap(), [true]);
}

#[test]
fn sums_in_single_precision_round_once() {
    let mut elements = vec![1.0f32; 1000];
    elements[0] = 16_777_216.0;
    assert_eq!(Array::from(elements).sum().to_vec::<f32>().unwrap(), [16_778_216.0]);
}

/// The tangent of a reduction of `x` over all its elements, in the direction of each element.
fn partial_derivatives(name: &str, x: &[f64]) -> Vec<f64> {
    let prim = prim::by_name(name).unwrap();
    let Jvp::PerOperand([rule]) = prim.jvp else { panic!("{name} has another kind of rule") };
    let attrs = Attrs::none().with_sizes("axes", [0]);
    let out = cotangent_ir::apply1(prim, &[&f64s(x)], attrs.clone());
    let args = JvpArgs { xs: &[f64s(x)], out: &out, attrs: &attrs };
    let unit = |at: usize| Array::eye(x.len(), DType::F64).index_axis(0, at as isize);
    (0..x.len()).map(|at| rule(&args, &unit(at)).item().unwrap()).collect()
}

#[test]
fn product_is_differentiated_at_zeros() {
    assert_eq!(partial_derivatives("reduce_prod", &[2.0, 0.0, 3.0]), [0.0, 6.0, 0.0]);
    assert_eq!(partial_derivatives("reduce_prod", &[2.0, 0.0, 3.0, 0.0, 5.0]), [0.0; 5]);
    assert_eq!(partial_derivatives("reduce_prod", &[2.0, 3.0, 5.0, 7.0]), [105.0, 70.0, 42.0, 30.0]);
    assert_eq!(partial_derivatives("reduce_prod", &[2.0]), [1.0]);
}

#[test]
fn extrema_share_the_tangent_among_ties() {
    assert_eq!(partial_derivatives("reduce_max", &[3.0, 1.0, 3.0]), [0.5, 0.0, 0.5]);
    assert_eq!(partial_derivatives("reduce_min", &[3.0, 1.0, 3.0]), [0.0, 1.0, 0.0]);
}

#[test]
fn creation_inside_a_trace_records_instructions() {
    let traced = trace("create", [], |_| {
        vec![
            Array::zeros(&[2, 3], DType::F32),
            Array::full(&[2], 1.5f32),
            Array::eye(2, DType::F64),
            Array::linspace(0.0, 1.0, 3, DType::F32),
            Array::from([1.0f32]).zeros_like(),
        ]
    })
    .unwrap();
    assert!(traced.captures.is_empty());
    let results = cotangent_ir::eval::eval(&traced.func, &[]).unwrap();
    assert_eq!(results[0].as_slice::<f32>().unwrap(), [0.0; 6]);
    assert_eq!(results[2].as_slice::<f64>().unwrap(), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(results[3].as_slice::<f32>().unwrap(), [0.0, 0.5, 1.0]);
}

#[test]
fn what_changes_nothing_records_nothing() {
    let traced = trace("same", [Type::new(DType::F32, &[2, 3])], |xs| {
        let x = &xs[0];
        vec![
            x.reshape(&[2, 3]),
            x.permute(&[0, 1]),
            x.broadcast_to(&[2, 3]),
            x.slice(&[0, 0], &[2, 3]),
            x.pad(0.0, &[(0, 0, 0); 2]),
            x.sum_axes(&[]),
            x.flip(&[]),
            x.roll(3, 1),
        ]
    })
    .unwrap();
    assert!(traced.func.insts().is_empty(), "{:?}", traced.func.insts());
}

#[test]
fn views_say_where_elements_come_from() {
    for prim in prim::all() {
        let (Lower::Reindex(lower), Domain::Cases(cases)) = (prim.lower, prim.domain) else { continue };
        for case in cases() {
            let types: Vec<&Type> = case.operands.iter().collect();
            let result = prim.infer(&types, &case.attrs).unwrap().remove(0);
            let operands: Vec<Tensor> = case.operands.iter().enumerate().map(|(i, ty)| numbered(ty, i)).collect();
            let arrays: Vec<Array> = operands.iter().cloned().map(Array::from_tensor).collect();
            let evaluated = cotangent_ir::apply1(prim, &arrays.iter().collect::<Vec<_>>(), case.attrs.clone());
            let evaluated = evaluated.tensor().unwrap();
            let view = lower(&types, &case.attrs, &result);
            for position in 0..result.len() {
                let seen = view_element(&view, &operands, &result, position).convert(result.dtype);
                assert_eq!(seen, evaluated.get(position), "{prim:?} {:?} at {position}: {view:?}", case.attrs);
            }
        }
    }
}

/// A tensor whose elements tell where they are from; scalars, which may be starts, are small.
fn numbered(ty: &Type, operand: usize) -> Tensor {
    let first = if ty.rank() == 0 { 1 } else { 100 * (operand + 1) };
    Tensor::from_fn(ty.clone(), |position| Scalar::int(DType::I64, (first + position) as i128))
}

/// An element of the result as the documentation of views has it.
fn view_element(view: &View, operands: &[Tensor], result: &Type, position: usize) -> Scalar {
    let strides = result.strides();
    let index: Vec<i64> =
        (0..result.rank()).map(|axis| position as i64 / strides[axis] % result.shape[axis] as i64).collect();
    let at = |operand: &Tensor, index: &[i64]| {
        assert!(index.iter().zip(&operand.ty().shape).all(|(&at, &extent)| (0..extent as i64).contains(&at)));
        operand.get(index.iter().zip(operand.ty().strides()).map(|(at, stride)| at * stride).sum::<i64>() as usize)
    };
    let start = |operand: usize, axis: usize, block: &Type, whole: &Type| {
        let room = (whole.shape[axis] - block.shape[axis]) as i64;
        (operands[operand + axis].get(0).as_i128() as i64).clamp(0, room)
    };
    match view {
        View::Constant(value) => *value,
        View::Iota { axis } => Scalar::int(DType::I64, index[*axis].into()),
        View::Reshape => operands[0].get(position),
        View::Affine(maps) => {
            let place = |axis: Option<usize>| axis.map_or(0, |axis| index[axis]);
            let source: Vec<i64> = maps.iter().map(|map| map.offset + map.stride * place(map.axis)).collect();
            at(&operands[0], &source)
        }
        View::Pad { low, interior } => {
            let source: Option<Vec<i64>> = (0..index.len())
                .map(|axis| {
                    let (distance, step) = (index[axis] - low[axis], interior[axis] + 1);
                    let within = (0..step * operands[0].ty().shape[axis] as i64).contains(&distance);
                    (within && distance % step == 0).then(|| distance / step)
                })
                .collect();
            source.map_or(operands[1].get(0), |source| at(&operands[0], &source))
        }
        View::Concatenate { axis } => {
            let mut index = index;
            for operand in operands {
                let extent = operand.ty().shape[*axis] as i64;
                if index[*axis] < extent {
                    return at(operand, &index);
                }
                index[*axis] -= extent;
            }
            panic!("position {position} is behind all operands")
        }
        View::DynamicSlice => {
            let source: Vec<i64> =
                (0..index.len()).map(|axis| index[axis] + start(1, axis, result, operands[0].ty())).collect();
            at(&operands[0], &source)
        }
        View::Gather => {
            let mut source = index;
            let row = source.len() - 2;
            let numbers = &operands[1];
            let place: i64 = source[..=row].iter().zip(numbers.ty().strides()).map(|(at, stride)| at * stride).sum();
            let last = operands[0].ty().shape[row] as i64 - 1;
            source[row] = (numbers.get(place as usize).as_i128() as i64).clamp(0, last);
            at(&operands[0], &source)
        }
        View::DynamicUpdate => {
            let update = operands[1].ty();
            let source: Vec<i64> = (0..index.len()).map(|axis| index[axis] - start(2, axis, update, result)).collect();
            let inside = source.iter().zip(&update.shape).all(|(&at, &extent)| (0..extent as i64).contains(&at));
            if inside { at(&operands[1], &source) } else { at(&operands[0], &index) }
        }
    }
}

#[test]
fn misuse_says_what_is_wrong_and_what_to_do() {
    let x = Array::zeros(&[2, 3], DType::F32);
    let z = Array::zeros(&[2, 3], DType::C64);
    let b = Array::zeros(&[2, 3], DType::Bool);
    let start = Array::from(0);
    use ErrorKind::{Argument, DType as Dtype, Shape};
    use OutOfRange::Clip;
    let mistakes: Vec<(Array, ErrorKind, &str, &str)> = vec![
        (x.sum_axes(&[2]), Argument, "sum_axes", "axis 2 is out of range for an array of rank 2; use one of -2..=1"),
        (x.max_axes(&[0, -2]), Argument, "max_axes", "name axis 0 of an array of rank 2 twice"),
        (x.sum().flip(&[0]), Argument, "flip", "a scalar has no axes"),
        (x.keep_axes().mean_axes(&[5]), Argument, "mean_axes", "axis 5 is out of range"),
        (x.reshape(&[4]), Shape, "reshape", "f32[2,3] has 6 elements, the shape [4] needs 4"),
        (x.reshape(&[1 << 62, 4]), Shape, "reshape", "more elements than memory can hold"),
        (x.broadcast_to(&[4, 3]), Shape, "broadcast_to", "must be 1 or the wanted one"),
        (x.broadcast_in_dim(&[2, 3], &[1, 0]), Argument, "broadcast", "use `permute` first"),
        (x.broadcast_in_dim(&[2, 4], &[0, 1]), Shape, "broadcast", "axis 1 of f32[2,3] has extent 3"),
        (x.permute(&[0]), Argument, "permute", "must name every axis of f32[2,3] once"),
        (x.permute(&[0, 0]), Argument, "permute", "must be distinct axes below the rank 2"),
        (x.squeeze(1), Shape, "squeeze", "has extent 3, not 1"),
        (x.slice(&[0], &[1]), Argument, "slice", "one number per axis of f32[2,3], 2"),
        (x.slice(&[0, 2], &[2, 4]), Argument, "slice", "2..4 by 1 does not fit axis 1 of f32[2,3]"),
        (x.slice_strided(&[0, 0], &[2, 3], &[1, 0]), Argument, "slice", "stride >= 1"),
        (x.index_axis(0, 2), Argument, "index_axis", "the axis has 2 elements"),
        (x.narrow(1, 2, usize::MAX), Argument, "narrow", "not within axis 1"),
        (x.pad(0.0, &[(0, 0, 0), (-2, -2, 0)]), Argument, "pad", "give axis 1 of f32[2,3] the extent -1"),
        (x.pad(0.0, &[(1, 1, 0)]), Argument, "pad", "one width per axis"),
        (x.pad(&x, &[(1, 1, 0); 2]), Shape, "pad", "the fill of f32[2,3] must be f32[], it is f32[2,3]"),
        (concatenate(&[], 0), Argument, "concatenate", "pass at least one"),
        (concatenate(&[x.clone(), x.t()], 0), Shape, "concatenate", "f32[3,2] cannot follow f32[2,3] along axis 0"),
        (stack(&[x.clone(), x.t()], 0), Shape, "stack", "only arrays of one shape"),
        (Array::zeros(&[0], DType::F32).diff(0), Shape, "diff", "has no elements"),
        (
            x.dynamic_slice(std::slice::from_ref(&start), &[1, 1]),
            Argument,
            "dynamic_slice",
            "one start per axis, 2; 1 were given",
        ),
        (
            x.dynamic_slice(&[start.clone(), Array::from(1.0f32)], &[1, 1]),
            Dtype,
            "dynamic_slice",
            "must be an i32 or i64 scalar",
        ),
        (
            x.dynamic_update_slice(&x.t(), &[start.clone(), start.clone()]),
            Shape,
            "dynamic_update_slice",
            "does not fit into f32[2,3]",
        ),
        (b.cumsum(0), Dtype, "cumsum", "any dtype but bool"),
        (z.cummax(0), Dtype, "cummax", "any dtype but c64, c128"),
        (z.argmax(), Dtype, "reduce_max", "complex numbers have no order"),
        (Array::zeros(&[0], DType::F32).argmin(), Shape, "argmin", "has no elements"),
        (x.norm_axes(f64::NAN, &[0]), Argument, "norm_axes", "give a number"),
        (x.sum().sort(0), Argument, "sort", "a scalar has no axes"),
        (sort_together(&[x.clone(), x.t()], 1, 0).remove(0), Shape, "sort", "must have one shape"),
        (
            sort_together(std::slice::from_ref(&x), 2, 0).remove(0),
            Argument,
            "sort",
            "from 1 to the number of operands, 1",
        ),
        (x.top_k(4).0, Argument, "top_k", "4 elements are asked for"),
        (x.search_sorted(&x, false), Shape, "search_sorted", "must have one axis"),
        (x.quantile(0.5, 2), Argument, "quantile", "axis 2 is out of range"),
        (x.take(&x, 0), Dtype, "take", "indices must be integers, got f32"),
        (x.take_along_axis(&start, 0), Shape, "take_along_axis", "must have as many axes"),
        (x.gather(&start.reshape(&[1]), &[0, 1], &[1, 1], Clip), Shape, "gather", "a last axis of extent 2"),
        (x.gather(&start.reshape(&[1]), &[0], &[3, 1], Clip), Shape, "gather", "does not fit"),
        (x.scatter(ScatterKind::Add, &start.reshape(&[1]), &[0], &start, Clip), Shape, "scatter", "leading axes"),
        (z.at(&[0.into()]).max(0.0), Dtype, "scatter", "Max is not defined for c64"),
        (x.index(&[0.into(), 0.into(), 0.into()]), Argument, "index", "f32[2,3] has 2 axes"),
        (x.index(&[(&b).into()]), Dtype, "index", "indices are integers"),
        (x.interp(&x, &x), Shape, "interp", "must be vectors"),
        (
            x.map_coordinates(std::slice::from_ref(&start), 1, Boundary::Nearest),
            Argument,
            "map_coordinates",
            "as many arrays",
        ),
        (x.reduce_window(WindowOp::Max, &Window::new(&[2])), Argument, "reduce_window", "a positive number per axis"),
        (x.pad_border(&[(1, 1)], Border::Edge), Argument, "pad_border", "a pair for each axis"),
        (Array::zeros(&[0], DType::F32).pad_border(&[(1, 0)], Border::Wrap), Argument, "pad_border", "elements along"),
        (x.split(4, 1).remove(0), Argument, "split", "cannot be cut into 4 equal parts"),
        (x.move_axes(&[0], &[0, 1]), Argument, "move_axes", "as many places as axes"),
        (x.sum().diag(0), Shape, "diag", "takes vectors"),
        (x.flatten().tril(0), Shape, "tril", "takes matrices"),
        (z.max(), Dtype, "reduce_max", "complex numbers have no order"),
        (x.any(), Dtype, "any", "compare it first"),
        (x.matmul(&x), Shape, "matmul", "the last axis of the left operand has extent 3, axis 0 of the right one 2"),
        (x.matmul(&start), Shape, "matmul", "multiply by a scalar with `*`"),
        (x.vdot(&x.t()), Shape, "vdot", "shapes of f32[2,3] and f32[3,2] differ"),
        (b.matmul(&b.t()), Dtype, "dot_general", "convert the operands"),
        (x.dot_general(&x, (&[0], &[1]), (&[], &[])), Shape, "dot_general", "they must be equal"),
        (x.dot_general(&x, (&[0], &[0]), (&[0], &[0])), Argument, "dot_general", "choose one"),
        (z.rfft(&[0]), Dtype, "rfft", "use `fft`"),
        (x.fft(&[]), Argument, "fft", "no axes were given"),
        (x.irfft(&[1], 7), Shape, "fft", "ask for 4 or 5 elements"),
        (Array::zeros(&[0], DType::F32).fft(&[0]), Shape, "fft", "one at least is needed"),
        (Array::iota(&[2], 1, DType::F32), Argument, "iota", "axis 1 is out of range"),
        (Array::arange(2, DType::Bool), Dtype, "iota", "bool cannot hold indices"),
        (Array::linspace(0.0, 1.0, 2, DType::I32), Dtype, "linspace", "use an inexact dtype"),
        (Array::zeros(&[usize::MAX, 2], DType::F32), Shape, "filled", "more elements than memory can hold"),
    ];
    for (array, kind, operation, part) in mistakes {
        let error = array.error().unwrap_or_else(|| panic!("{operation} accepts what is wrong: {part}")).clone();
        assert_eq!((error.kind(), error.operation()), (kind, operation), "{error}");
        assert!(error.message().contains(part), "{error}\nlacks: {part}");
        assert!(error.location().is_some_and(|place| place.file().ends_with(THIS_FILE)), "{error}");
    }
}

#[test]
fn an_error_passes_through_with_its_place() {
    let wrong = Array::zeros(&[2], DType::F32).reshape(&[3]);
    let after = stack(&[concatenate(&[wrong.sum().expand_dims(0), wrong.clone()], 0).roll(1, 0)], 0).fft(&[0]).norm();
    assert_eq!(after.error().map(ToString::to_string), wrong.error().map(ToString::to_string));
}
