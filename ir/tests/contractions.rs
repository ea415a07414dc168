//! Sums of products by letters and in windows, against their definitions.

use cotangent_ir::prim::conv::{Convolution, ConvolveMode, Padding};
use cotangent_ir::{Array, DType, ErrorKind, einsum};

fn counting(shape: &[usize]) -> Array {
    let count: usize = shape.iter().product();
    Array::arange(count, DType::I64).reshape(shape) - 3i64
}

#[track_caller]
fn same(given: &Array, expected: &Array) {
    assert_eq!(given.ty().unwrap(), expected.ty().unwrap());
    assert_eq!(given.to_vec::<i64>().unwrap(), expected.to_vec::<i64>().unwrap());
}

#[test]
fn letters_spell_what_methods_do() {
    let (a, b, c) = (counting(&[3, 4]), counting(&[4, 3]), counting(&[2, 3, 3]));
    same(&einsum("ij,jk->ik", &[&a, &b]), &a.matmul(&b));
    same(&einsum("ij , jk", &[&a, &b]), &a.matmul(&b));
    same(&einsum("ba", &[&a]), &a.t());
    same(&einsum("ij->", &[&a]), &a.sum());
    same(&einsum("ij,ji->ij", &[&a, &b]), &(&a * b.t()));
    same(
        &einsum("i,j->ji", &[&a.index_axis(1, 0), &b.index_axis(0, 0)]),
        &b.index_axis(0, 0).outer(&a.index_axis(1, 0)),
    );
    same(&einsum("...ii->...", &[&c]), &c.trace());
    same(&einsum("...ij,jk->...ik", &[&c, &a]), &c.matmul(&a));
    same(&einsum("...ij,...jk", &[&c, &counting(&[1, 3, 2])]), &c.matmul(&counting(&[3, 2])));
    same(
        &einsum("aij,jk,kl,li->a", &[&c, &a, &b, &c.index_axis(0, 1)]),
        &c.matmul(&a).matmul(&b).matmul(&c.index_axis(0, 1)).trace(),
    );
}

#[test]
fn letters_that_do_not_fit_are_refused() {
    let a = counting(&[3, 4]);
    for spec in ["ij,jk", "ijk", "i", "ij->ijj", "ij->k", "i.j", "......"] {
        let error = einsum(spec, &[&a]).ty().unwrap_err();
        assert_eq!((error.operation(), error.kind()), ("einsum", ErrorKind::Argument), "{spec}: {error}");
    }
    assert_eq!(einsum("ii", &[&a]).ty().unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(einsum("ij,ji", &[&a, &a]).ty().unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn modes_are_parts_of_the_whole_convolution() {
    let (x, h) = (counting(&[6, 5]), counting(&[3, 2]));
    let full = x.convolve(&h, ConvolveMode::Full);
    same(&h.convolve(&x, ConvolveMode::Full), &full);
    same(&x.convolve(&h, ConvolveMode::Same), &full.slice(&[1, 0], &[7, 5]));
    same(&x.convolve(&h, ConvolveMode::Valid), &full.slice(&[2, 1], &[6, 5]));
    same(&h.convolve(&x, ConvolveMode::Same), &full.slice(&[2, 2], &[5, 4]));
    let error = x.convolve(&counting(&[7, 2]), ConvolveMode::Valid).ty().unwrap_err();
    assert_eq!(error.operation(), "convolve");
}

#[test]
fn layouts_only_move_axes() {
    let (x, w) = (counting(&[1, 2, 4, 5]), counting(&[3, 2, 2, 2]));
    let convolution = Convolution::new(2).padding(Padding::Same).strides(&[1, 2]);
    let expected = x.conv_general(&w, &convolution);
    let moved =
        x.permute(&[0, 2, 3, 1]).conv_general(&w.permute(&[2, 3, 1, 0]), &convolution.layouts("NHWC", "HWIO", "NHWC"));
    same(&moved.permute(&[0, 3, 1, 2]), &expected);
}

#[test]
fn products_are_associative() {
    let (a, b, c) = (counting(&[2, 9]), counting(&[9, 3]), counting(&[3]));
    same(&cotangent_ir::multi_dot(&[a.clone(), b.clone(), c.clone()]), &a.matmul(&b).matmul(&c));
    same(&a.kron(&c).index_axis(0, 1), &a.index_axis(0, 1).kron(&c));
}
