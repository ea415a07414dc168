//! Factorisations put together again give the matrix they are of, and so do their tangents: what does not depend on the
//! choice of phases has the derivative of the identity. Complex matrices are tested here alone for singular vectors and
//! eigenvectors, whose own tangents are those of one choice.

use cotangent_ir::prim::linalg::MatrixNorm;
use cotangent_ir::prim::linalg::triangular::Op;
use cotangent_ir::trace::trace;
use cotangent_ir::transform::jvp;
use cotangent_ir::{Array, DType, ErrorKind, Tensor, Type, eval};
use num_complex::Complex;
use std::sync::Arc;

/// Elements without structure, between -1 and 1 in both parts.
fn matrix(shape: &[usize], seed: f64) -> Array {
    let element = |i: usize| {
        let phase = seed + 1.7 * i as f64;
        Complex::new((phase * phase).sin(), (2.3 * phase * phase).cos())
    };
    Array::new(shape, &(0..shape.iter().product()).map(element).collect::<Vec<Complex<f64>>>())
}

#[track_caller]
fn near(given: &Array, expected: &Array) {
    assert_eq!(given.ty().unwrap(), expected.ty().unwrap());
    let numbers = |x: &Array| x.astype(DType::C128).to_vec::<Complex<f64>>().unwrap();
    let worst = numbers(given).iter().zip(&numbers(expected)).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
    assert!(worst < 1e-11, "off by {worst}: {given:?} instead of {expected:?}");
}

/// A function with its tangent at a point.
fn with_tangent(function: impl Fn(&Array) -> Array, x: &Array, dx: &Array) -> (Array, Array) {
    let func = trace("f", vec![x.ty().unwrap()], |params| vec![function(&params[0])]).unwrap().func;
    let (forward, flags) = jvp::jvp(&func, &[true]).unwrap();
    assert_eq!(flags, [true]);
    let args: Vec<Arc<Tensor>> = vec![x.tensor().unwrap(), dx.tensor().unwrap()];
    let mut results = eval::eval(&forward, &args).unwrap().into_iter().map(Array::from_tensor);
    (results.next().unwrap(), results.next().unwrap())
}

/// The function is the identity at `x`, and in the direction `dx`.
#[track_caller]
fn is_identity(function: impl Fn(&Array) -> Array, x: &Array, dx: &Array) {
    let (value, tangent) = with_tangent(function, x, dx);
    near(&value, x);
    near(&tangent, dx);
}

#[test]
fn singular_vectors_and_values_rebuild_the_matrix() {
    for shape in [[4, 4], [5, 3], [3, 5]] {
        let rebuild = |x: &Array| {
            let svd = x.svd();
            (svd.u * svd.s.expand_dims(-2)).matmul(&svd.vh)
        };
        is_identity(rebuild, &matrix(&shape, 0.3), &matrix(&shape, 1.1));
    }
}

#[test]
fn eigenvectors_and_values_rebuild_the_matrix() {
    let [x, dx] = [0.2, 0.9].map(|seed| matrix(&[2, 4, 4], seed)).map(|x| &x + x.adjoint());
    let rebuild = |x: &Array| {
        let (values, vectors) = x.eigh();
        (&vectors * values.expand_dims(-2)).matmul(&vectors.adjoint())
    };
    is_identity(rebuild, &x, &dx);
}

#[test]
fn orthonormal_columns_and_triangle_rebuild_the_matrix() {
    let [x, dx] = [0.4, 0.7].map(|seed| matrix(&[2, 5, 3], seed));
    let rebuild = |x: &Array| {
        let (q, r) = x.qr();
        q.matmul(&r)
    };
    is_identity(rebuild, &x, &dx);
    let (q, r) = x.qr();
    near(&q.adjoint().matmul(&q), &Array::eye(3, DType::C128).broadcast_to(&[2, 3, 3]));
    assert!(r.real().to_vec::<f64>().unwrap().chunks(3).enumerate().all(|(row, line)| line[row % 3] > 0.0));
}

#[test]
fn factors_of_wide_matrices_have_tangents() {
    let [x, dx] = [0.4, 0.7].map(|seed| matrix(&[2, 3, 5], seed));
    let rebuild = |(q, r): (Array, Array)| q.matmul(&r);
    is_identity(|x| rebuild(x.qr()), &x, &dx);
    is_identity(|x| rebuild(x.qr_complete()), &x, &dx);
}

#[test]
fn completed_factors_rebuild_the_matrix() {
    for shape in [[4, 4], [5, 3], [3, 5], [3, 1], [2, 0]] {
        let x = matrix(&shape, 0.3);
        let [rows, columns] = shape;
        let (q, r) = x.qr_complete();
        near(&q.matmul(&r), &x);
        near(&q.adjoint().matmul(&q), &Array::eye(rows, DType::C128));
        let svd = x.svd_full();
        near(&svd.u.adjoint().matmul(&svd.u), &Array::eye(rows, DType::C128));
        near(&svd.vh.matmul(&svd.vh.adjoint()), &Array::eye(columns, DType::C128));
        let least = rows.min(columns) as i64;
        let s =
            svd.s.astype(DType::C128).diag(0).pad_zeros(&[(0, rows as i64 - least, 0), (0, columns as i64 - least, 0)]);
        near(&svd.u.matmul(&s).matmul(&svd.vh), &x);
    }
}

#[test]
fn columns_that_complete_have_no_derivative() {
    let tangent = |f: fn(&Array) -> Array| {
        let ty = Type::new(DType::F64, &[3, 2]);
        let func = trace("f", [ty], |x| vec![f(&x[0])]).unwrap().func;
        jvp::jvp(&func, &[true]).unwrap_err()
    };
    for error in [tangent(|x| x.qr_complete().0), tangent(|x| x.svd_full().u)] {
        assert!(error.message().contains("columns that complete"), "{error}");
    }
}

#[test]
fn cholesky_factors_rebuild_the_matrix() {
    let root = matrix(&[4, 4], 0.5);
    let dx = matrix(&[4, 4], 0.8);
    let x = root.matmul(&root.adjoint()) + Array::eye(4, DType::C128);
    let rebuild = |x: &Array| {
        let l = x.cholesky();
        l.matmul(&l.adjoint())
    };
    is_identity(rebuild, &x, &(&dx + dx.adjoint()));
}

#[test]
fn factors_of_elimination_solve() {
    let (a, b) = (matrix(&[2, 4, 4], 0.6), matrix(&[4, 2], 0.1));
    let lu = a.lu();
    near(&a.matmul(&lu.solve(&b, Op::Plain)), &b.broadcast_to(&[2, 4, 2]));
    near(&a.swap_axes(-2, -1).matmul(&lu.solve(&b, Op::Transposed)), &b.broadcast_to(&[2, 4, 2]));
    near(&a.adjoint().matmul(&lu.solve(&b, Op::Adjoint)), &b.broadcast_to(&[2, 4, 2]));
    is_identity(|x| x.lu().solve(&x.matmul(x), Op::Plain), &a, &matrix(&[2, 4, 4], 0.2));
}

#[test]
fn determinants_agree_with_their_logarithms() {
    for rows in 1..6 {
        let x = matrix(&[2, rows, rows], 0.25);
        let (sign, log) = x.slogdet();
        near(&(sign * log.exp()), &x.det());
        near(&x.matmul(&x).det(), &x.det().square());
    }
}

#[test]
fn pseudo_inverses_solve_in_the_least_squares_sense() {
    let (a, b) = (matrix(&[5, 3], 0.45), matrix(&[5], 0.15));
    let x = a.lstsq(&b);
    near(&a.adjoint().matmul(&(a.matmul(&x) - &b)), &Array::zeros(&[3], DType::C128));
    near(&a.pinv().matmul(&b), &x);
}

#[test]
fn exponentials_add_for_matrices_that_commute() {
    let x = matrix(&[2, 3, 3], 0.35) * 3.0;
    let whole = x.expm();
    let half = (&x * 0.5).expm();
    let relative = (half.matmul(&half) - &whole).abs().max().item().unwrap() / whole.abs().max().item().unwrap();
    assert!(relative < 1e-13, "off by {relative}");
}

#[test]
fn mistakes_name_shapes_and_remedies() {
    let ones = |shape: &[usize]| Array::ones(shape, DType::F32);
    let results = [
        ("inv", ones(&[2, 3]).inv()),
        ("cholesky", ones(&[3]).cholesky()),
        ("solve", ones(&[3, 3]).solve(&ones(&[4]))),
        ("lstsq", ones(&[3, 2]).lstsq(&ones(&[4]))),
        ("matrix_norm", ones(&[3]).matrix_norm(MatrixNorm::One)),
    ];
    for (operation, result) in results {
        let error = result.ty().unwrap_err();
        assert_eq!((error.operation(), error.kind()), (operation, ErrorKind::Shape), "{error}");
    }
}
