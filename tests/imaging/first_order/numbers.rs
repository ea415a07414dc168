//! Iterates, statistics and solutions against numbers computed with SCICO.

use super::{assert_numbers, assert_rows, blocks, corner, half_l1, lasso_loss, matrix, numbers, pair, sine, steps};
use cotangent::functional::{L1Norm, L21Norm, SquaredL2Norm};
use cotangent::linop::{
    Boundary, CircularConvolve, Edge, FiniteDifference, Identity, LinOp, MatrixOperator, operator_norm,
};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{
    AcceleratedPgm, AdaptiveBbStepSize, BbStepSize, LineSearchStepSize, LinearizedAdmm, Method, NonLinearPadmm, Pdhg,
    Pgm, ProximalAdmm, RobustLineSearchStepSize, solve,
};
use cotangent::random::{Key, normal};
use cotangent::solver::ConjugateGradient;
use cotangent::{Array, BlockArray, BlockType, DType, Type};
use num_complex::Complex;

const F32: DType = DType::F32;

/// The loss of the lasso, with a prox as exact as the reference's two conjugate gradient steps.
fn exact_loss() -> SquaredL2Loss {
    lasso_loss(F32).prox_solver(ConjugateGradient { tolerance: 1e-7, ..ConjugateGradient::default() })
}

#[test]
fn linearized_admm_makes_the_steps_of_its_equations() {
    let method = LinearizedAdmm::new(exact_loss(), half_l1(), pair(F32), 0.05, 0.1).start(corner(F32));
    let solution = solve(&method, &steps(2)).unwrap();
    assert_rows(&solution.history, &[[9.953_804, 0.070_710_65, 0.556_734_1], [6.755_065, 0.0, 0.320_409_9]], 1e-5);
    assert_numbers(&numbers(&solution.x), &[0.991_608_9, -0.123_377_8], 1e-5, "x");
    assert_numbers(&numbers(&solution.state.u), &[0.05, -0.05], 1e-5, "u");
}

#[test]
fn proximal_admm_makes_the_steps_of_its_equations() {
    let method = ProximalAdmm::new(exact_loss(), half_l1(), pair(F32), 1.0, 1.2, 1.1).start(corner(F32));
    let solution = solve(&method, &steps(2)).unwrap();
    let rows = [[3.054_082, 0.634_995_2, 0.058_164_51], [2.881_297, 0.090_846_8, 0.696_692_1]];
    assert_rows(&solution.history, &rows, 1e-5);
    let state = &solution.state;
    assert_numbers(&numbers(&state.x), &[-0.064_621_63, 0.818_709_4], 1e-5, "x");
    assert_numbers(&numbers(&state.z), &[0.0, 0.754_856_6], 1e-5, "z");
    assert_numbers(&numbers(&state.u), &[0.319_264_7, 0.569_669_3], 1e-5, "u");
    assert_numbers(&numbers(&state.u_old), &[0.383_886_3, 0.505_816_5], 1e-5, "u before");

    let a = MatrixOperator::new(Array::from([[1.0f32, -1.0]])).unwrap();
    let b = MatrixOperator::new(Array::from([[-2.0f32]])).unwrap();
    let method = ProximalAdmm::coupled(SquaredL2Norm::new(), L1Norm::new(), a, b, 1.0, 2.5, 4.5);
    let method = method.offset(Array::from([3.0f32])).exact_dual_residual();
    let solution = solve(&method, &steps(5)).unwrap();
    assert_numbers(&numbers(&solution.x), &[0.246_997, -0.246_997], 1e-5, "x");
    assert_numbers(&numbers(&solution.state.z), &[-1.252_331], 1e-5, "z");
    assert_numbers(&numbers(&solution.state.u), &[-0.499_441_6], 1e-5, "u");
    let last = &solution.history.rows()[4][2..];
    assert_numbers(last, &[1.374_346, 1.343_489e-3, 6.316_97e-3], 1e-5, "statistics");
}

#[test]
fn methods_for_operators_that_are_not_linear_make_the_steps_of_their_equations() {
    let (op, h) = sine(F32);
    let f = || SquaredL2Loss::new(corner(F32)).unwrap();
    let method = NonLinearPadmm::new(f(), 0.1 * L1Norm::new(), h.clone(), 1.0, 12.0, 1.1);
    let solution = solve(&method, &steps(2)).unwrap();
    let rows = [[0.856_911, 0.151_004_7, 0.0484], [0.811_008_7, 0.048_338_29, 0.190_150_4]];
    assert_rows(&solution.history, &rows, 1e-5);
    let state = &solution.state;
    assert_numbers(&numbers(&state.x), &[0.140_292_4, -0.100_112_8], 1e-5, "x");
    assert_numbers(&numbers(&state.z), &[0.142_128_2, -0.153_676_1, -0.069_811_73], 1e-5, "z");
    assert_numbers(&numbers(&state.u), &[0.114_212_8, -0.110_527_6, -0.106_981_2], 1e-5, "u");

    let (x, z) = (Array::from([1.0f32, 0.5]), Array::zeros(&[3], F32));
    let (mu, nu) = NonLinearPadmm::estimate_parameters(&h, &x, &z, 1.0).unwrap();
    assert_numbers(&[mu, nu], &[8.974_707, 1.0], 1e-4, "estimates");

    let method = Pdhg::nonlinear(f(), 0.1 * L1Norm::new(), op, 0.2, 0.3).dual_start(Array::ones(&[3], F32));
    let solution = solve(&method, &steps(2)).unwrap();
    let rows = [[1.091_634, 5.270_463, 5.196_152], [0.786_781_9, 1.226_698, 1.021_982]];
    assert_rows(&solution.history, &rows, 1e-5);
    assert_numbers(&numbers(&solution.x), &[-0.091_559_1, -0.958_325_9], 1e-5, "x");
    assert_numbers(&numbers(&solution.state.z), &[-0.073_386_79, -0.054_717_15, -0.1], 1e-5, "z");
}

#[test]
fn step_lengths_are_those_of_the_norms() {
    let a: LinOp = MatrixOperator::new(matrix(F32)).unwrap().into();
    let twice: LinOp = 2.0 * LinOp::from(Identity::new(Type::new(F32, &[3])));
    let pairs = [
        (Pdhg::estimate_parameters(&a, 1.0, 1.01).unwrap(), (0.270_230_7, 0.270_230_7)),
        (Pdhg::estimate_parameters(&a, 4.0, 1.0).unwrap(), (0.134_444_8, 0.537_779_2)),
        (ProximalAdmm::estimate_parameters(&a, 1.01).unwrap(), (13.969_26, 1.01)),
        (ProximalAdmm::estimate_coupled_parameters(&a, &twice, 1.01).unwrap(), (13.969_26, 4.04)),
    ];
    for (got, want) in pairs {
        assert_numbers(&[got.0, got.1], &[want.0, want.1], 1e-5, "estimates");
    }
    let d: LinOp = FiniteDifference::new(Type::new(F32, &[32, 32]), Boundary::append(Edge::Zero)).unwrap().into();
    // Power iteration is not at the end of its way after 100 steps, and the way depends on where it starts.
    assert!((ProximalAdmm::estimate_parameters(&d, 1.01).unwrap().0 - 8.024_524).abs() < 0.06);
    let nu = 0.7;
    let mu = LinearizedAdmm::estimate_mu(&d, nu, 0.9).unwrap();
    assert!((mu * operator_norm(&d, 100).unwrap().powi(2) / nu - 0.9).abs() < 1e-6);
}

/// Compares `L`, the objective and the residual of each step of the lasso.
#[track_caller]
fn assert_lasso<M: Method>(method: &M, l: [f64; 4], objective: [f64; 4], residual: [f64; 4]) {
    let history = solve(method, &steps(4)).unwrap().history;
    for (name, want) in [("L", l), ("Objective", objective), ("Residual", residual)] {
        assert_numbers(&history.column(name).unwrap(), &want, 2e-5, &format!("{name} of\n{history}"));
    }
}

#[test]
fn proximal_gradients_make_the_steps_of_their_equations() {
    let plain = |l0: f64| Pgm::new(lasso_loss(F32), half_l1(), l0, corner(F32));
    let fast = |l0: f64| AcceleratedPgm::new(lasso_loss(F32), half_l1(), l0, corner(F32));
    assert_lasso(
        &plain(20.0),
        [20.0; 4],
        [7.316_875, 5.822_785, 5.157_283, 4.664_744],
        [0.843_356_5, 0.287_456_5, 0.190_813_4, 0.161_727_3],
    );
    assert_lasso(
        &fast(20.0),
        [20.0; 4],
        [7.316_875, 5.822_785, 4.992_417, 4.299_05],
        [0.843_356_5, 0.287_456_5, 0.175_456, 0.145_195_1],
    );
    assert_lasso(
        &plain(1.0).step_size(BbStepSize),
        [1.0, 13.666_72, 13.829_08, 8.688_266],
        [1386.75, 9.437_126, 7.404_191, 5.432_314],
        [15.890_25, 14.253_5, 0.415_464_3, 0.509_244_3],
    );
    assert_lasso(
        &fast(1.0).step_size(BbStepSize),
        [1.0, 13.666_72, 13.829_08, 7.248_93],
        [1386.75, 9.437_126, 6.937_234, 4.498_048],
        [15.890_25, 14.253_5, 4.199_048, 0.533_693_8],
    );
    assert_lasso(
        &plain(1.0).step_size(AdaptiveBbStepSize::default()),
        [1.0, 12.857_43, 13.818_99, 12.547_05],
        [1386.75, 16.945_91, 7.296_471, 5.905_161],
        [15.890_25, 15.150_67, 1.130_858, 0.348_395_6],
    );
    assert_lasso(
        &fast(1.0).step_size(AdaptiveBbStepSize::default()),
        [1.0, 12.857_43, 13.818_99, 11.807_7],
        [1386.75, 16.945_91, 6.807_302, 4.993_587],
        [15.890_25, 15.150_67, 5.348_763, 0.631_017_2],
    );
    assert_lasso(
        &plain(1.0).step_size(LineSearchStepSize::default()),
        [15.407_02; 4],
        [6.449_667, 5.424_121, 4.730_057, 4.218_32],
        [1.031_364, 0.275_240_2, 0.220_234_5, 0.189_023_8],
    );
    assert_lasso(
        &fast(1.0).step_size(LineSearchStepSize::default()),
        [15.407_02; 4],
        [6.449_667, 5.424_121, 4.553_724, 3.849_144],
        [1.031_364, 0.275_240_2, 0.210_386_8, 0.163_202_5],
    );
    assert_lasso(
        &fast(1.0).robust(RobustLineSearchStepSize::default()),
        [14.4, 12.96, 11.664, 10.4976],
        [6.293_451, 5.205_277, 4.211_692, 3.463_326],
        [1.103_49, 0.304_447_7, 0.346_043, 0.354_316],
    );
}

/// Rings of values 1, 0 and 0.5, 32 by 32.
fn rings() -> Array {
    let centred = |index: usize| index as f64 - 15.5;
    let value = |at: usize| match centred(at / 32).hypot(centred(at % 32)) {
        radius if radius < 3.2 => 0.5f32,
        radius if radius < 6.4 => 0.0,
        radius if radius < 12.8 => 1.0,
        _ => 0.0,
    };
    let image = Array::from((0..32 * 32).map(value).collect::<Vec<f32>>()).reshape(&[32, 32]);
    assert_eq!(image.sum().item().unwrap(), 416.0);
    image
}

fn noise() -> Array {
    normal(&Key::new(0), &[32, 32], F32)
}

/// The last row of statistics, then the sum, the norm and the middle element of the solution.
fn summary<M: Method<Variable = Array>>(method: &M) -> Vec<f64> {
    let solution = solve(method, &steps(20)).unwrap();
    let x = &solution.x;
    let element = x.index_axis(0, 16).index_axis(0, 16);
    let own = [x.sum(), x.square().sum().sqrt(), element].map(|value| value.item().unwrap());
    [&solution.history.rows()[19][2..], &own].concat()
}

#[test]
fn rings_are_denoised_as_there() {
    let y = rings() + 0.25 * noise();
    let want = [0.202_885_3, -0.108_488_3, 0.198_619_5, 0.836_096_9];
    assert_numbers(&numbers(&y.index_axis(0, 16).narrow(0, 0, 4)), &want, 1e-6, "y");
    let d: LinOp = FiniteDifference::new(y.ty().unwrap(), Boundary::append(Edge::Zero)).unwrap().into();
    let (f, g) = (|| SquaredL2Loss::new(y.clone()).unwrap(), || 0.2 * L21Norm::new());

    let linearized = LinearizedAdmm::new(f(), g(), d.clone(), 0.1, 1.0).start(y.clone());
    let want = [53.645_63, 0.154_479_9, 0.239_542_2, 414.8853, 19.172_44, 0.330_354];
    assert_numbers(&summary(&linearized), &want, 1e-5, "LinearizedAdmm");
    let proximal = ProximalAdmm::new(f(), g(), d.clone(), 1.0, 8.1, 1.01).start(y.clone());
    let want = [53.496_92, 0.119_072_1, 0.088_093_33, 414.8848, 19.086_42, 0.324_967];
    assert_numbers(&summary(&proximal), &want, 1e-5, "ProximalAdmm");
    let primal_dual = Pdhg::new(f(), g(), d.clone(), 0.35, 0.35);
    let want = [53.680_85, 0.075_028_05, 0.139_716_8, 414.8852, 18.941_02, 0.308_458_4];
    assert_numbers(&summary(&primal_dual.clone().start(y.clone())), &want, 1e-5, "Pdhg");
    let want = [53.712_09, 0.099_436_22, 0.167_458, 413.8589, 18.892_91, 0.307_222_6];
    assert_numbers(&summary(&primal_dual.extrapolation(0.5)), &want, 1e-5, "Pdhg with less extrapolation");
}

#[test]
fn rings_are_deblurred_as_there() {
    let h = Array::full(&[5, 5], 0.04f32);
    let blur: LinOp = CircularConvolve::new(h, Type::new(F32, &[32, 32])).unwrap().into();
    let y = blur.apply(&rings()) + 0.05 * noise();
    let x0 = blur.adjoint(&y);
    let f = SquaredL2Loss::new(y).unwrap().operator(blur).unwrap();
    let plain = |l0: f64| Pgm::new(f.clone(), 0.005 * L1Norm::new(), l0, x0.clone());
    let fast = |l0: f64| AcceleratedPgm::new(f.clone(), 0.005 * L1Norm::new(), l0, x0.clone());
    let search = LineSearchStepSize::default();

    let exact = [
        ("constant", summary(&plain(1.0)), [3.124_613, 1.0, 0.082_587_84, 412.9381, 19.260_93, 0.904_753]),
        ("accelerated", summary(&fast(1.0)), [2.983_375, 1.0, 0.046_792_79, 413.0524, 19.7088, 1.060_363]),
        (
            "line search",
            summary(&plain(0.1).step_size(search)),
            [3.063_004, 0.619_173_6, 0.100_514_1, 412.946, 19.376_84, 0.966_476_9],
        ),
        (
            "accelerated line search",
            summary(&fast(0.1).step_size(search)),
            [2.950_842, 0.743_008_4, 0.048_225_53, 413.0957, 19.905_59, 1.074_782],
        ),
        (
            "robust line search",
            summary(&fast(0.1).robust(RobustLineSearchStepSize::default())),
            [2.941_978, 0.778_090_6, 0.254_119_2, 413.0249, 19.975_72, 1.079_465],
        ),
    ];
    for (what, got, want) in exact {
        assert_numbers(&got, &want, 1e-5, what);
    }

    // `L` is a quotient of vanishing differences, of which single precision keeps two to three digits.
    let adaptive = AdaptiveBbStepSize::default();
    let rough = [
        (
            "BB",
            summary(&plain(0.5).step_size(BbStepSize)),
            [2.976_951, 0.744_292_7, 0.047_501_44, 413.0051, 19.694_76, 1.037_431],
        ),
        (
            "accelerated BB",
            summary(&fast(0.5).step_size(BbStepSize)),
            [2.946_062, 0.637_579, 0.089_376_56, 412.6729, 19.928_29, 1.076_292],
        ),
        (
            "adaptive BB",
            summary(&plain(0.5).step_size(adaptive)),
            [2.983_563, 0.123_627_6, 0.322_793_1, 412.2429, 19.634_86, 1.029_426],
        ),
        (
            "accelerated adaptive BB",
            summary(&fast(0.5).step_size(adaptive)),
            [2.944_414, 0.626_307_8, 0.087_420_95, 412.6877, 19.939_17, 1.077_165],
        ),
    ];
    for (what, got, want) in rough {
        for at in [0, 3, 4] {
            assert_numbers(&got[at..=at], &want[at..=at], 2e-4, what);
        }
        for at in [1, 2, 5] {
            assert_numbers(&got[at..=at], &want[at..=at], 1e-2, what);
        }
    }
}

/// A least-squares problem of four complex data and three complex unknowns.
fn complex_problem() -> (LinOp, Array) {
    let c = |parts: &[(f32, f32)]| Array::from(parts.iter().map(|&(re, im)| Complex::new(re, im)).collect::<Vec<_>>());
    let rows = c(&[
        (0.709_945_3, -1.727_077),
        (-0.640_877_2, -1.439_443_5),
        (-0.529_037_7, 0.145_341_7),
        (-0.828_281_5, -0.249_997_7),
        (-0.616_054_6, -0.538_797),
        (0.416_371_4, -0.833_361_9),
        (0.511_895_8, -0.811_913_8),
        (-0.725_207_4, 0.210_127_9),
        (1.174_948_5, -0.926_688_8),
        (-1.337_156_7, 1.506_280_7),
        (-0.911_413_8, -0.134_047_9),
        (0.094_474_4, 0.681_659_5),
    ]);
    let y = [
        (-0.406_431, -0.889_170_9),
        (0.565_569_9, -0.283_977_2),
        (-0.183_569_8, -0.792_921_3),
        (1.011_073, 0.621_106_9),
    ];
    (MatrixOperator::new(rows.reshape(&[4, 3])).unwrap().into(), c(&y))
}

#[track_caller]
fn assert_complex<M: Method<Variable = Array>>(method: &M, x: [(f64, f64); 3], statistics: [f64; 3], tolerance: f64) {
    let solution = solve(method, &steps(5)).unwrap();
    let want: Vec<f64> = x.iter().flat_map(|&(re, im)| [re, im]).collect();
    let got: Vec<f64> =
        solution.x.to_vec::<Complex<f32>>().unwrap().iter().flat_map(|x| [x.re.into(), x.im.into()]).collect();
    assert_numbers(&got, &want, tolerance, "x");
    assert_numbers(&solution.history.rows()[4][2..], &statistics, tolerance, "statistics");
}

#[test]
fn complex_unknowns_are_found_as_there() {
    let (a, y) = complex_problem();
    let zero = Array::zeros(&[3], DType::C64);
    let identity = || Identity::new(Type::new(DType::C64, &[3]));
    let f = SquaredL2Loss::new(y).unwrap().operator(a).unwrap();
    let exact = || f.clone().prox_solver(ConjugateGradient { tolerance: 1e-7, ..ConjugateGradient::default() });
    let g = || 0.3 * L1Norm::new();
    assert_complex(
        &LinearizedAdmm::new(exact(), g(), identity(), 0.5, 1.0),
        [(0.011_190_8, -0.536_768_6), (0.017_755_7, 0.468_487), (0.285_339_3, 0.071_553_3)],
        [0.495_749_4, 0.013_297_94, 0.028_380_53],
        2e-5,
    );
    assert_complex(
        &ProximalAdmm::new(exact(), g(), identity(), 1.0, 1.1, 1.1),
        [(0.007_718, -0.544_094_9), (0.019_897_6, 0.482_079_7), (0.291_394_7, 0.078_561_1)],
        [0.496_852_6, 0.009_854_738, 0.014_592_12],
        2e-5,
    );
    assert_complex(
        &Pdhg::new(exact(), g(), identity(), 0.5, 0.5),
        [(0.007_528_5, -0.541_768), (0.020_363_7, 0.478_398_1), (0.291_019_8, 0.079_224_6)],
        [0.495_427_9, 0.026_733_04, 0.015_427_35],
        2e-5,
    );
    assert_complex(
        &Pgm::new(f.clone(), g(), 20.0, zero.clone()),
        [(0.067_328_8, -0.387_233_8), (0.001_821_7, 0.183_206_2), (0.187_966_6, -0.053_311_5)],
        [0.655_499_2, 20.0, 0.050_077_49],
        2e-5,
    );
    let fast = AcceleratedPgm::new(f, g(), 20.0, zero);
    assert_complex(
        &fast,
        [(0.062_304, -0.427_264_1), (-0.002_131_6, 0.247_127_5), (0.218_969_3, -0.045_428)],
        [0.594_759, 20.0, 0.037_047_32],
        2e-5,
    );
    assert_complex(
        &fast.step_size(BbStepSize),
        [(-0.004_708_4, -0.460_878_3), (0.003_109_1, 0.497_150_6), (0.276_474_1, 0.074_486_1)],
        [0.535_679_3, 4.387_166, 0.144_891_6],
        1e-4,
    );
}

#[track_caller]
fn assert_blocks<M: Method<Variable = BlockArray>>(method: &M, x: &[f64], statistics: [f64; 3]) {
    let solution = solve(method, &steps(3)).unwrap();
    assert_numbers(&numbers(&solution.x)[..x.len()], x, 2e-6, "x");
    assert_numbers(&solution.history.rows()[2][2..], &statistics, 2e-6, "statistics");
}

#[test]
fn block_arrays_are_found_as_there() {
    let y = blocks();
    let zero = y.zeros_like();
    let identity = || Identity::new(BlockType::new(F32, &[vec![2], vec![3]]));
    let (f, g) = (|| SquaredL2Loss::new(y.clone()).unwrap(), || 0.5 * L1Norm::new());
    assert_blocks(
        &Pdhg::new(f(), g(), identity(), 0.5, 0.5),
        &[0.462_963, 1.129_63, 1.833_333, 2.537_037, 3.240_741],
        [8.423_011, 1.759_552, 0.0],
    );
    assert_blocks(
        &LinearizedAdmm::new(f(), g(), identity(), 0.5, 1.0),
        &[0.333_333_3, 1.018_519],
        [8.823_046, 0.0, 0.997_424_9],
    );
    assert_blocks(
        &ProximalAdmm::new(f(), g(), identity(), 1.0, 1.1, 1.1),
        &[0.347_792_8, 1.175_114],
        [7.723_137, 0.091_094_01, 1.030_466],
    );
    let fast = || AcceleratedPgm::new(f(), g(), 2.0, zero.clone());
    assert_blocks(&fast(), &[0.455_109_6, 1.365_329, 2.275_548, 3.185_767, 4.095_986], [7.041_25, 2.0, 0.576_627_7]);
    assert_blocks(
        &fast().robust(RobustLineSearchStepSize::default()),
        &[0.485_180_3, 1.455_541],
        [6.893_119, 1.458, 0.902_098_2],
    );
    assert_blocks(&fast().step_size(BbStepSize), &[0.5, 1.5, 2.5, 3.5, 4.5], [6.875, 1.0, 0.904_797_4]);
}
