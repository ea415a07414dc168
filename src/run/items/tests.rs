//! Routines for teams against the meaning of their primitives, on items done by one worker and by all together. The bits
//! of their results do not depend on the number of workers.

use crate::run::library::{ItemArray, LibraryCall};
use crate::run::program::{Program, Slot};
use crate::run::tests::{all_calls, noise, parts, run_all};
use cotangent_ir::prim::{self, Eval};
use cotangent_ir::{Attr, Attrs, DType, Scalar, Tensor, Type};
use std::sync::Arc;

/// The results of a primitive on one item, by its routine; whether all workers did it together.
fn by_routine(primitive: &'static str, attrs: &Attrs, xs: &[Arc<Tensor>], types: &[Type]) -> (Vec<Tensor>, bool) {
    let inputs: Vec<Type> = xs.iter().map(|x| x.ty().clone()).collect();
    let bytes = LibraryCall::shared_bytes(primitive, attrs, &inputs);
    let arrays = |types: &[Type], first: usize| -> Vec<ItemArray> {
        let array = |(at, ty): (usize, &Type)| ItemArray { slot: (first + at) as u32, ty: ty.clone() };
        types.iter().enumerate().map(array).collect()
    };
    let call = LibraryCall::Items {
        primitive,
        attrs: attrs.clone(),
        batch: 1,
        operands: arrays(&inputs, 0),
        results: arrays(types, inputs.len()),
        shared: bytes.map(|_| (inputs.len() + types.len()) as u32),
    };
    let mut parts = parts(&inputs, types, vec![call], all_calls);
    parts.arena_bytes = bytes.unwrap_or(0);
    parts.slots.push(Slot::Arena { offset: 0, bytes: parts.arena_bytes });
    // SAFETY: `all_calls` runs the one call, whose arrays are those of the table.
    let program = unsafe { Program::new(parts) };
    (run_all(&program, xs), bytes.is_some())
}

fn by_meaning(primitive: &str, attrs: &Attrs, xs: &[Arc<Tensor>], types: &[Type]) -> Vec<Tensor> {
    let prim = prim::by_name(primitive).unwrap();
    let Eval::Tensors(eval) = prim.eval else { panic!("{primitive} has no meaning on tensors") };
    eval(&xs.iter().map(|x| &**x).collect::<Vec<_>>(), attrs, types)
}

/// Random numbers of which some are special: zeros of both signs, NaN, infinities, and many that are equal.
fn special(dtype: DType, count: usize) -> Arc<Tensor> {
    let noise = noise(Type::new(DType::F64, &[2 * count]));
    let number = |position: usize| {
        let x = noise.get(position).as_f64();
        match position % 11 {
            0 => 0.0,
            1 => -0.0,
            2 if position.is_multiple_of(7) => f64::NAN,
            2 => f64::INFINITY.copysign(x),
            3 | 4 => (x * 10.0).round(),
            _ => x * 100.0,
        }
    };
    Arc::new(Tensor::from_fn(Type::new(dtype, &[count]), |position| match dtype {
        dtype if dtype.is_complex() => {
            let (re, im) = (number(position * 3 % count), number(count + position));
            Scalar::complex(dtype, num_complex::Complex::new(re, im))
        }
        dtype if dtype.is_float() => Scalar::real(dtype, number(position)),
        dtype => {
            Scalar::real(DType::F64, (noise.get(position).as_f64() * 1e3).trunc()).convert(DType::I32).convert(dtype)
        }
    }))
}

/// Bits, because NaN and zeros of both signs stay in order too.
#[test]
fn rows_are_sorted_like_their_meaning() {
    let sizes = [1, 63, 65, 2048, 2049, (1 << 15) - 1, 1 << 15, 40_000];
    for (dtype, count) in DType::ALL.into_iter().flat_map(|dtype| sizes.map(|count| (dtype, count))) {
        let places =
            Arc::new(Tensor::from_fn(Type::new(DType::I32, &[count]), |at| Scalar::int(DType::I32, at as i128)));
        let xs = [special(dtype, count), places];
        let types = [xs[0].ty().clone(), xs[1].ty().clone()];
        let attrs = Attrs::none().with_int("keys", 1);
        let (given, together) = by_routine("sort", &attrs, &xs, &types);
        assert_eq!(together, count >= 1 << 15);
        let expected = by_meaning("sort", &attrs, &xs, &types);
        for (given, expected) in given.iter().zip(&expected) {
            assert_eq!(given.bytes(), expected.bytes(), "{count} of {dtype}");
        }
    }
}

#[test]
fn several_keys_decide_one_after_the_other() {
    for count in [50, 3000, 50_000] {
        let xs = [special(DType::I8, count), special(DType::F64, count), special(DType::C64, count)];
        let types = xs.each_ref().map(|x| x.ty().clone());
        let attrs = Attrs::none().with_int("keys", 3);
        let (given, _) = by_routine("sort", &attrs, &xs, &types);
        for (given, expected) in given.iter().zip(&by_meaning("sort", &attrs, &xs, &types)) {
            assert_eq!(given.bytes(), expected.bytes(), "{count}");
        }
    }
}

#[test]
fn running_results_are_those_of_their_meaning() {
    let shapes: [&[usize]; 10] = [
        &[1, 1],
        &[65, 1],
        &[1000, 1],
        &[1041, 1],
        &[33_000, 1],
        &[40_001, 1],
        &[7000, 5],
        &[600, 63],
        &[600, 64],
        &[300, 333],
    ];
    let cases = [
        ("cumsum", DType::F32),
        ("cumsum", DType::F64),
        ("cumsum", DType::C64),
        ("cumsum", DType::I16),
        ("cumprod", DType::F64),
        ("cumprod", DType::U32),
        ("cummax", DType::F32),
        ("cummax", DType::I8),
        ("cummin", DType::F64),
        ("cummin", DType::Bool),
        ("cumlogsumexp", DType::F32),
    ];
    for (shape, reverse) in shapes.into_iter().flat_map(|shape| [(shape, false), (shape, true)]) {
        for (primitive, dtype) in cases {
            let xs = [noise(Type::new(dtype, shape))];
            let types = [xs[0].ty().clone()];
            let attrs = Attrs::none().with("reverse", Attr::Bool(reverse));
            let (given, _) = by_routine(primitive, &attrs, &xs, &types);
            let expected = by_meaning(primitive, &attrs, &xs, &types);
            let tolerance = if dtype.real() == DType::F32 { 1e-6 } else { 1e-12 };
            for (position, (given, expected)) in given[0].scalars().zip(expected[0].scalars()).enumerate() {
                let (given, expected) = (given.as_complex(), expected.as_complex());
                let distance = (given - expected).norm();
                let what = format!("{primitive} of {} at {position}: {given}, expected {expected}", types[0]);
                assert!(distance <= tolerance * (1.0 + expected.norm()), "{what}");
            }
        }
    }
}

/// NaN and infinities pass from block to block, and a zero factor stays zero whatever follows.
#[test]
fn special_numbers_pass_from_block_to_block() {
    let count = 40_000;
    let with = |special: f64, filling: f64| {
        let number = |at: usize| if at == 5000 { special } else { filling };
        Arc::new(Tensor::from_fn(Type::new(DType::F32, &[count, 1]), |at| Scalar::real(DType::F32, number(at))))
    };
    let attrs = Attrs::none().with("reverse", Attr::Bool(false));
    let cases = [
        ("cumsum", f64::NAN, 1.0),
        ("cumsum", f64::NEG_INFINITY, 1.0),
        ("cumprod", 0.0, 10.0),
        ("cummax", f64::NAN, 1.0),
        ("cummin", f64::NEG_INFINITY, 1.0),
        ("cumlogsumexp", f64::INFINITY, 1.0),
        ("cumlogsumexp", 1.0, f64::NEG_INFINITY),
    ];
    for (primitive, special, filling) in cases {
        let xs = [with(special, filling)];
        let types = [xs[0].ty().clone()];
        let (given, together) = by_routine(primitive, &attrs, &xs, &types);
        assert!(together);
        assert_eq!(given[0].bytes(), by_meaning(primitive, &attrs, &xs, &types)[0].bytes(), "{primitive}, {special}");
    }
}

/// The dtype, the shapes of input and window, and what [`window`] takes.
type ConvolutionCase<'a> = (DType, &'a [usize], &'a [usize], [&'a [i64]; 5], (i64, i64));

/// Attributes of a convolution: strides, low, high, dilations of input and window, groups of features and of the batch.
fn window(lists: [&[i64]; 5], groups: (i64, i64)) -> Attrs {
    let names = ["strides", "low", "high", "lhs_dilation", "rhs_dilation"];
    let attrs =
        names.iter().zip(lists).fold(Attrs::none(), |attrs, (name, list)| attrs.with_ints(name, list.iter().copied()));
    attrs.with_int("feature_groups", groups.0).with_int("batch_groups", groups.1)
}

#[test]
fn convolutions_are_the_sums_they_mean() {
    let plain: [&[i64]; 5] = [&[1, 1], &[0, 0], &[0, 0], &[1, 1], &[1, 1]];
    let around: [&[i64]; 5] = [&[1, 1], &[1, 1], &[1, 1], &[1, 1], &[1, 1]];
    let cases: [ConvolutionCase<'_>; 13] = [
        (DType::F32, &[1, 8, 20, 33], &[6, 8, 3, 3], around, (1, 1)),
        // More channels than are gathered at once, and outputs that are shared.
        (DType::F64, &[1, 300, 5, 7], &[70, 300, 3, 3], around, (1, 1)),
        (DType::F32, &[2, 5, 6, 7], &[4, 5, 1, 1], plain, (1, 1)),
        (DType::F64, &[2, 4, 9, 11], &[6, 2, 3, 2], [&[2, 3], &[1, 0], &[2, 1], &[1, 1], &[1, 2]], (2, 1)),
        (DType::F64, &[4, 3, 9, 8], &[6, 3, 2, 3], [&[1, 2], &[0, 1], &[1, 1], &[1, 1], &[2, 1]], (1, 2)),
        // Dilated inputs, with every relation between stride and dilation.
        (DType::F64, &[1, 2, 5, 6], &[3, 2, 3, 3], [&[1, 2], &[2, 1], &[1, 2], &[2, 4], &[1, 1]], (1, 1)),
        (DType::C128, &[1, 2, 5, 7], &[3, 2, 2, 3], [&[3, 4], &[1, 2], &[0, 3], &[2, 6], &[2, 3]], (1, 1)),
        // Elements cut off, and windows that see nothing but zeros at the border.
        (DType::C64, &[1, 2, 9, 9], &[2, 2, 3, 3], [&[1, 1], &[-2, 4], &[-1, 5], &[1, 1], &[1, 1]], (1, 1)),
        (DType::F32, &[3, 2, 17], &[4, 2, 5], [&[2], &[3], &[1], &[1], &[2]], (1, 1)),
        (
            DType::F32,
            &[1, 2, 4, 3, 5],
            &[3, 2, 2, 3, 2],
            [&[1, 2, 1], &[1, 1, 0], &[0, 1, 1], &[1; 3], &[1; 3]],
            (1, 1),
        ),
        (DType::F64, &[1, 1, 150, 140], &[3, 1, 2, 2], plain, (1, 1)),
        // A window that is cut.
        (DType::F64, &[1, 2, 202, 302], &[2, 2, 200, 299], plain, (1, 1)),
        (DType::F32, &[1, 2, 3, 3], &[2, 2, 1, 1], [&[1, 1], &[2, 2], &[2, 2], &[1, 1], &[1, 1]], (1, 1)),
    ];
    let conv = prim::by_name("conv").unwrap();
    for (dtype, x, w, lists, groups) in cases {
        let xs = [noise(Type::new(dtype, x)), noise(Type::new(dtype, w))];
        let attrs = window(lists, groups);
        let types = (conv.infer)(&[xs[0].ty(), xs[1].ty()], &attrs).unwrap();
        let (given, _) = by_routine("conv", &attrs, &xs, &types);
        let tolerance = if dtype.real() == DType::F32 { 1e-5 } else { 1e-12 };
        let expected = by_meaning("conv", &attrs, &xs, &types);
        for (position, (given, expected)) in given[0].scalars().zip(expected[0].scalars()).enumerate() {
            let (given, expected) = (given.as_complex(), expected.as_complex());
            let distance = (given - expected).norm();
            let scale = (1.0 + expected.norm()) * (w[1..].iter().product::<usize>() as f64).sqrt();
            assert!(distance <= tolerance * scale, "{x:?}, {w:?} at {position}: {given}, expected {expected}");
        }
    }
}
