//! Indexing, ordering and statistics, where conventions matter: out of range, equal elements, NaN, nothing at all.

use cotangent_ir::{Array, Border, Boundary, Index, OutOfRange, Padding, ScatterKind, Window, WindowOp, sort_together};

const NAN: f32 = f32::NAN;

#[track_caller]
fn floats(array: &Array, expected: &[f32]) {
    let given = array.to_vec::<f32>().unwrap();
    let same = |(a, b): (&f32, &f32)| a == b || (a.is_nan() && b.is_nan());
    assert!(given.len() == expected.len() && given.iter().zip(expected).all(same), "{given:?}, not {expected:?}");
}

#[track_caller]
fn whole(array: &Array, expected: &[i32]) {
    assert_eq!(array.to_vec::<i32>().unwrap(), expected);
}

#[test]
fn indices_out_of_range() {
    let x = Array::from([1.0f32, 2.0, 3.0]);
    let at = Array::from([-4, -1, 2, 3]);
    floats(&x.take(&at, 0), &[NAN, 3.0, 3.0, NAN]);
    floats(&x.take_with(&at, 0, OutOfRange::Clip), &[1.0, 1.0, 3.0, 3.0]);
    floats(&x.take_with(&at, 0, OutOfRange::Wrap), &[3.0, 3.0, 3.0, 1.0]);
    floats(&x.take_with(&at, 0, OutOfRange::Fill(7.0)), &[7.0, 7.0, 3.0, 7.0]);
    whole(&Array::from([1, 2]).take(&Array::from([5]), 0), &[i32::MIN]);
    let index = [Index::from(&at)];
    floats(&x.at(&index).add(1.0), &[1.0, 2.0, 5.0]);
    floats(&x.at(&index).out_of_range(OutOfRange::Clip).add(1.0), &[2.0, 2.0, 6.0]);
    floats(&x.at(&index).get(), &[NAN, 3.0, 3.0, NAN]);
}

#[test]
fn arrays_index_several_axes_together() {
    let x = Array::arange(24, cotangent_ir::DType::I32).reshape(&[2, 3, 4]);
    let (rows, columns) = (Array::from([[0], [1]]), Array::from([2, 3]));
    let apart = x.index(&[(&rows).into(), (0..1).into(), (&columns).into()]);
    assert_eq!(apart.shape().unwrap()[..], [2, 2, 1]);
    whole(&apart, &[2, 3, 14, 15]);
    let together = x.index(&[Index::All, (&Array::from([2, -3])).into(), (&columns).into()]);
    assert_eq!(together.shape().unwrap()[..], [2, 2]);
    whole(&together, &[10, 3, 22, 15]);
    let backwards = Index::Slice { start: None, end: None, step: -2 };
    whole(&x.index(&[1.into(), Index::Ellipsis, backwards]).index_axis(0, 0), &[15, 13]);
    assert_eq!(x.index(&[Index::NewAxis, Index::Ellipsis, Index::NewAxis]).shape().unwrap()[..], [1, 2, 3, 4, 1]);
    whole(&x.at(&[0.into(), (1..2).into()]).set(9).index(&[0.into(), 1.into()]), &[9, 9, 9, 9]);
}

#[test]
fn blocks_out_of_range_are_left_out_as_a_whole() {
    let x = Array::from([[1, 2], [3, 4], [5, 6]]);
    let starts = Array::from([[2], [1]]);
    whole(&x.gather(&starts, &[0], &[2, 2], OutOfRange::Fill(0.0)), &[0, 0, 0, 0, 3, 4, 5, 6]);
    whole(&x.gather(&starts, &[0], &[2, 2], OutOfRange::Clip), &[3, 4, 5, 6, 3, 4, 5, 6]);
    let ones = Array::ones(&[2, 2, 2], cotangent_ir::DType::I32);
    whole(&x.scatter(ScatterKind::Add, &starts, &[0], &ones, OutOfRange::Drop), &[1, 2, 4, 5, 6, 7]);
    whole(&x.scatter(ScatterKind::Add, &starts, &[0], &ones, OutOfRange::Clip), &[1, 2, 5, 6, 7, 8]);
}

#[test]
fn equal_elements_stay_in_order() {
    let x = Array::from([1.0f32, NAN, -0.0, 0.0, 1.0]);
    whole(&x.argsort(0), &[2, 3, 0, 4, 1]);
    let (values, places) = x.top_k(3);
    floats(&values, &[NAN, 1.0, 1.0]);
    whole(&places, &[1, 0, 4]);
    let columns = Array::from([[2, 1], [1, 2]]);
    whole(&columns.sort(0), &[1, 1, 2, 2]);
    whole(&columns.sort(1), &[1, 2, 1, 2]);
    let sorted = sort_together(&[Array::from([1, 0, 1]), Array::from([3, 2, 1]), Array::from([0, 1, 2])], 2, 0);
    whole(&sorted[2], &[1, 2, 0]);
}

#[test]
fn distinct_elements() {
    floats(&Array::from([[2.0f32, NAN], [-0.0, 0.0], [NAN, 2.0]]).unique(), &[0.0, 2.0, NAN]);
    whole(&Array::new::<i32>(&[0], &[]).unique(), &[]);
}

/// Wider than the array is: what follows from the elements goes on.
#[test]
fn borders() {
    let x = Array::from([1, 2, 4]);
    let check = |border, expected: &[i32]| whole(&x.pad_border(&[(4, 5)], border), expected);
    check(Border::Edge, &[1, 1, 1, 1, 1, 2, 4, 4, 4, 4, 4, 4]);
    check(Border::Reflect, &[1, 2, 4, 2, 1, 2, 4, 2, 1, 2, 4, 2]);
    check(Border::Symmetric, &[4, 4, 2, 1, 1, 2, 4, 4, 2, 1, 1, 2]);
    check(Border::Wrap, &[4, 1, 2, 4, 1, 2, 4, 1, 2, 4, 1, 2]);
    check(Border::LinearRamp(0.0), &[0, 0, 0, 0, 1, 2, 4, 3, 2, 1, 0, 0]);
    check(Border::Mean, &[2, 2, 2, 2, 1, 2, 4, 2, 2, 2, 2, 2]);
    check(Border::Maximum, &[4, 4, 4, 4, 1, 2, 4, 4, 4, 4, 4, 4]);
    check(Border::Minimum, &[1, 1, 1, 1, 1, 2, 4, 1, 1, 1, 1, 1]);
    whole(&Array::from([7]).pad_border(&[(2, 1)], Border::Reflect), &[7; 4]);
    // Later axes see what earlier ones have added.
    let y = Array::from([[1.0f32, 2.0], [3.0, 5.0]]);
    floats(&y.pad_border(&[(1, 0), (0, 1)], Border::Mean), &[2.0, 3.5, 2.75, 1.0, 2.0, 1.5, 3.0, 5.0, 4.0]);
    floats(&y.index_axis(0, 0).pad_border(&[(2, 1)], Border::LinearRamp(5.0)), &[5.0, 3.0, 1.0, 2.0, 5.0]);
}

#[test]
fn places_in_sorted_arrays() {
    let sorted = Array::from([1.0f32, 2.0, 2.0, NAN]);
    let values = Array::from([0.0f32, 2.0, 3.0, NAN]);
    whole(&sorted.search_sorted(&values, false), &[0, 1, 3, 3]);
    whole(&sorted.search_sorted(&values, true), &[0, 3, 3, 4]);
    whole(&Array::new::<f32>(&[0], &[]).search_sorted(&values, true), &[0; 4]);
    floats(&Array::from([3.0f32, 1.0, 2.0, 4.0]).median(0), &[2.5]);
    floats(&Array::from([3.0f32, NAN, 2.0]).median(0), &[NAN]);
}

#[test]
fn first_extrema() {
    whole(&Array::from([1, 3, 3]).argmax(), &[1]);
    whole(&Array::from([[2.0f32, NAN], [1.0, NAN]]).argmin_axis(1), &[1, 1]);
    whole(&Array::from([[2.0f32, NAN], [1.0, NAN]]).argmax_axis(0), &[0, 0]);
    whole(&Array::from_bools(&[3], &[false, true, true]).argmax(), &[1]);
}

#[test]
fn statistics_of_nothing_and_of_infinities() {
    let infinite = Array::from([f32::NEG_INFINITY, f32::NEG_INFINITY]);
    floats(&infinite.logsumexp(), &[f32::NEG_INFINITY]);
    floats(&infinite.cumlogsumexp(0), &[f32::NEG_INFINITY; 2]);
    floats(&Array::from([f32::INFINITY, 1.0]).logsumexp(), &[f32::INFINITY]);
    floats(&Array::from([NAN, 1.0, 2.0]).nanmax(), &[2.0]);
    floats(&Array::from([NAN, NAN]).nanmin(), &[NAN]);
    floats(&Array::from([NAN, 1.0, 2.0]).nansum(), &[3.0]);
    whole(&Array::from([NAN, 0.0, 2.0]).count_nonzero(), &[2]);
    floats(&Array::from([1.0f32]).var_with(&[0], 1), &[NAN]);
}

#[test]
fn coordinates_beyond_the_ends() {
    let x = Array::from([1.0f32, 2.0, 3.0]);
    let at = Array::from([-1.0f32, 2.5, 4.0]);
    let values = |boundary| x.map_coordinates(std::slice::from_ref(&at), 1, boundary);
    floats(&values(Boundary::Constant(0.0)), &[0.0, 1.5, 0.0]);
    floats(&values(Boundary::Nearest), &[1.0, 3.0, 3.0]);
    floats(&values(Boundary::Wrap), &[3.0, 2.0, 2.0]);
    floats(&values(Boundary::Mirror), &[2.0, 2.5, 1.0]);
    floats(&values(Boundary::Reflect), &[1.0, 3.0, 2.0]);
    floats(&x.map_coordinates(&[Array::from([0.5f32, 1.4])], 0, Boundary::Nearest), &[2.0, 2.0]);
}

#[test]
fn windows_of_every_padding() {
    let x = Array::from([1.0f32, 2.0, 3.0, 4.0, 5.0]);
    let window = |padding| Window::new(&[3]).strides(&[2]).padding(padding);
    floats(&x.reduce_window(WindowOp::Sum, &window(Padding::Valid)), &[6.0, 12.0]);
    floats(&x.reduce_window(WindowOp::Sum, &window(Padding::Same)), &[3.0, 9.0, 9.0]);
    floats(&x.reduce_window(WindowOp::Min, &window(Padding::Explicit(vec![(2, 0)]))), &[1.0, 1.0, 3.0]);
    let spread = Window::new(&[2]).window_dilation(&[3]);
    floats(&x.reduce_window(WindowOp::Prod, &spread), &[4.0, 10.0]);
    floats(&x.reduce_window(WindowOp::Max, &Window::new(&[6])), &[]);
}

#[test]
fn patterns() {
    let x = Array::from([[1, 2, 3], [4, 5, 6]]);
    whole(&x.diagonal(2), &[3]);
    whole(&x.diagonal(3), &[]);
    whole(&Array::from([1, 2]).diag(-1), &[0, 0, 0, 1, 0, 0, 0, 2, 0]);
    whole(&x.triu(1), &[0, 2, 3, 0, 0, 6]);
    whole(&x.rot90(1, 0, 1), &[3, 6, 2, 5, 1, 4]);
    whole(&x.rot90(-1, 0, 1), &[4, 1, 5, 2, 6, 3]);
    whole(&x.repeat(2, 0).index_axis(1, 0), &[1, 1, 4, 4]);
    whole(&x.tile(&[1, 2]).index_axis(0, 0), &[1, 2, 3, 1, 2, 3]);
}
