//! Direct solvers: against the systems they solve, in every form, and what they refuse.

use crate::sample::{assert_close, random};
use cotangent::linop::{CircularConvolve, Diagonal, Filter, Identity, LinOp, MatrixOperator, Sum};
use cotangent::solver::{ConvAtadSolver, Factorization, MatrixAtad, Shift};
use cotangent::{Array, DType, ErrorKind, Type, jit, vmap};

/// The matrix of a system, put together as its definition says.
fn system(a: &Array, weights: Option<&Array>, d: &Array) -> Array {
    let weighted = match weights {
        Some(weights) => weights.expand_dims(-1) * a,
        None => a.clone(),
    };
    let columns = a.shape().unwrap()[1];
    let d = match d.ty().unwrap().rank() {
        2 => d.clone(),
        _ => Array::eye(columns, a.dtype().unwrap()) * d,
    };
    a.adjoint().matmul(&weighted) + d
}

#[test]
fn every_form_of_the_system_is_solved() {
    for dtype in [DType::F64, DType::C128] {
        for (rows, columns) in [(5, 3), (3, 5), (4, 4)] {
            let a = random(dtype, &[rows, columns], 1);
            let square = random(dtype, &[columns, columns], 2);
            let matrix = square.matmul(&square.adjoint()) + Array::eye(columns, dtype);
            let diagonal = random(DType::F64, &[columns], 3).abs() + 0.5;
            // A weight of zero leaves an equation out.
            let weights = random(DType::F64, &[rows], 4).abs() * Array::iota(&[rows], 0, DType::F64);
            for d in [matrix, diagonal, Array::from(0.7f64)] {
                for weights in [None, Some(&weights)] {
                    for factorization in [Factorization::Lu, Factorization::Cholesky] {
                        let described = MatrixAtad::new(&a, &d).factorization(factorization);
                        let described = match weights {
                            Some(weights) => described.weights(weights),
                            None => described,
                        };
                        let solver = described.factor().unwrap();
                        let full = system(&a, weights, &d);
                        for shape in [vec![columns], vec![columns, 2]] {
                            let b = random(dtype, &shape, 5);
                            let x = solver.solve(&b);
                            assert_close(&x, &full.solve(&b), "x");
                            assert!(solver.accuracy(&x, &b).item().unwrap() < 1e-12);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn operators_become_what_is_added() {
    let a = random(DType::F64, &[3, 4], 6);
    let b = random(DType::F64, &[4], 7);
    let ty = Type::new(DType::F64, &[4]);
    let matrix = random(DType::F64, &[2, 4], 8);
    let gram = LinOp::from(MatrixOperator::new(matrix.clone()).unwrap()).gram_op();
    let mixed = gram + 0.5 * LinOp::from(Identity::new(ty.clone()));
    let solved = |d: Shift| MatrixAtad::new(&a, d).factor().unwrap().solve(&b);
    let by_hand = matrix.t().matmul(&matrix) + 0.5 * Array::eye(4, DType::F64);
    assert_close(&solved(Shift::operator(&mixed).unwrap()), &solved(by_hand.into()), "a sum");
    let twice = 2.0 * LinOp::from(Identity::new(ty.clone()));
    assert_close(&solved(Shift::operator(&twice).unwrap()), &solved(2.0.into()), "a multiple");
    let one = LinOp::from(Diagonal::with_input(Array::from([3.0f64]), ty).unwrap());
    assert_close(&solved(Shift::operator(&one).unwrap()), &solved(3.0.into()), "a diagonal of one number");
    let tall = LinOp::from(MatrixOperator::new(random(DType::F64, &[5, 4], 9)).unwrap());
    assert_eq!(Shift::operator(&tall).unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn factors_are_computed_in_programs_and_batches() {
    let (a, b) = (random(DType::F64, &[3, 4, 2], 10), random(DType::F64, &[3, 2], 11));
    let solve = |(a, b): (Array, Array)| match MatrixAtad::new(a, 0.3).factor() {
        Ok(solver) => solver.solve(&b),
        Err(error) => Array::from_error(error),
    };
    let many = jit(vmap(solve)).call((a.clone(), b.clone())).unwrap();
    for item in 0..3 {
        let alone = solve((a.index_axis(0, item), b.index_axis(0, item)));
        assert_close(&many.index_axis(0, item), &alone, "an item");
    }
}

#[test]
fn systems_without_solution_are_refused() {
    let refused = |described: MatrixAtad| described.factor().unwrap_err();
    let a = || Array::from([[1.0f64, 2.0], [2.0, 4.0], [0.0, 0.0]]);
    let singular = refused(MatrixAtad::new(a(), 0.0));
    assert!(singular.kind() == ErrorKind::Argument && singular.message().contains("singular"), "{singular}");
    let indefinite = refused(MatrixAtad::new(a(), -1.0).factorization(Factorization::Cholesky));
    assert!(indefinite.message().contains("Factorization::Lu"), "{indefinite}");
    assert!(MatrixAtad::new(a(), -1.0).factor().is_ok());
    let infinite = refused(MatrixAtad::new(Array::from([[f64::INFINITY]]), 1.0));
    assert!(infinite.message().contains("infinite"), "{infinite}");
    assert_eq!(refused(MatrixAtad::new(Array::from([1.0f64]), 1.0)).kind(), ErrorKind::Shape);
    assert_eq!(refused(MatrixAtad::new(Array::from([[1i32]]), 1.0)).kind(), ErrorKind::DType);
    assert_eq!(refused(MatrixAtad::new(a(), Array::from([1.0f64; 3]))).kind(), ErrorKind::Shape);
    assert_eq!(refused(MatrixAtad::new(a(), Array::zeros(&[2, 2, 2], DType::F64))).kind(), ErrorKind::Shape);
    assert_eq!(refused(MatrixAtad::new(a(), 1.0).weights(Array::from([1.0f64; 2]))).kind(), ErrorKind::Shape);
    assert_eq!(
        refused(MatrixAtad::new(a(), 1.0).weights(Array::from([1.0f64, -1.0, 1.0]))).kind(),
        ErrorKind::Argument
    );
    let complex = Array::zeros(&[3], DType::C128);
    assert_eq!(refused(MatrixAtad::new(a(), 1.0).weights(complex)).kind(), ErrorKind::DType);
    let solver = MatrixAtad::new(a(), 1.0).factor().unwrap();
    assert_eq!(solver.solve(&Array::from([1.0f64; 3])).error().unwrap().kind(), ErrorKind::Shape);
}

fn convolution(dtype: DType, shape: &[usize], filter: &[usize], seed: u64) -> CircularConvolve {
    CircularConvolve::new(Filter::new(random(dtype, filter, seed)).axes(2), Type::new(dtype, shape)).unwrap()
}

#[test]
fn sums_of_convolutions_are_solved_in_the_fourier_domain() {
    for dtype in [DType::F64, DType::C128] {
        let ty = Type::new(dtype, &[3, 4, 5]);
        let b = random(dtype, &[3, 4, 5], 20);
        // A filter for each map, and one for all of them.
        for filter in [[3, 2, 3], [1, 2, 3]] {
            let maps = LinOp::from(convolution(dtype, &[3, 4, 5], &filter, 21));
            for sum in [Sum::along(ty.clone(), &[0]), Sum::keeping(ty.clone(), &[-3])] {
                let a = LinOp::from(sum.unwrap()) * maps.clone();
                let d = LinOp::from(convolution(dtype, &[3, 4, 5], &[1, 2, 2], 22)).gram_op();
                let d = d + 0.5 * LinOp::from(convolution(dtype, &[3, 4, 5], &[1, 1, 1], 23)).gram_op();
                let solver = ConvAtadSolver::new(&a, &d).unwrap();
                let x = solver.solve(&b);
                assert_close(&(a.gram(&x) + d.apply(&x)), &b, "the right side");
                assert!(solver.accuracy(&x, &b).item().unwrap() < 1e-10);
            }
        }
    }
}

#[test]
fn other_operators_than_sums_of_convolutions_are_refused() {
    let ty = Type::new(DType::F64, &[3, 4, 5]);
    let maps = LinOp::from(convolution(DType::F64, &[3, 4, 5], &[3, 2, 3], 24));
    let d = LinOp::from(convolution(DType::F64, &[3, 4, 5], &[1, 1, 1], 25));
    let sum = |axes: &[isize]| LinOp::from(Sum::along(ty.clone(), axes).unwrap());
    let refused = |a: &LinOp, d: &LinOp| ConvAtadSolver::new(a, d).unwrap_err();
    assert!(refused(&maps, &d).message().contains("sum along one axis"));
    assert!(refused(&(sum(&[0, 1]) * maps.clone()), &d).message().contains("sum along one axis"));
    assert!(refused(&(sum(&[2]) * maps.clone()), &d).message().contains("along another"));
    let other = LinOp::from(convolution(DType::F64, &[2, 4, 5], &[1, 1, 1], 26));
    assert_eq!(refused(&(sum(&[0]) * maps.clone()), &other).kind(), ErrorKind::Shape);
    let identity = LinOp::from(Identity::new(ty.clone()));
    assert!(refused(&(sum(&[0]) * maps), &identity).message().contains("`D` must be a circular convolution"));
}
