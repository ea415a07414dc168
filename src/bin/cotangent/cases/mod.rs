//! The cases that `cotangent bench` and all benches measure: a name, a program, its arguments. Programs in other languages
//! that do the same on the same data stand in `benches/peers` under the same names.

mod data;
mod operators;
mod programs;
mod solvers;

#[allow(unused_imports, reason = "the benches that share this file measure programs only")]
pub(crate) use operators::operators;
#[allow(unused_imports, reason = "the benches that share this file compile it as a case only")]
pub(crate) use programs::unrolled_descent;
#[allow(unused_imports, reason = "the benches that share this file measure programs only")]
pub(crate) use solvers::{SOLVERS, solvers};

use cotangent::compile::Options;
use cotangent::run::call::CallOptions;
use cotangent::run::profile::Profile;
use cotangent::{Array, DType, Function, Traced, Tree, jit, jit_with};
use std::hint::black_box;

/// A case. Nothing is allocated before it is [prepared](Case::prepare).
pub(crate) struct Case {
    /// What the case is called on every side of a comparison.
    pub(crate) name: &'static str,
    /// The group of a case of an operator or a functional, which SCICO has, too.
    #[allow(dead_code, reason = "the benches that share this file have no groups")]
    pub(crate) group: Option<&'static str>,
    prepare: Box<dyn Fn() -> Prepared>,
}

/// A case with its data in memory and its program compiled.
pub(crate) struct Prepared {
    /// Runs the program once and drops the results, or overwrites the former ones.
    pub(crate) call: Box<dyn FnMut()>,
    /// Traces the program from its closure, past everything that is kept between calls.
    pub(crate) trace: Box<dyn Fn() -> Traced>,
    /// Runs the program once more, compiled for that, to see what the time goes to.
    #[allow(dead_code, reason = "the benches that share this file have no profiles")]
    pub(crate) profile: Box<dyn Fn() -> Profile>,
    /// The leaves of the arguments.
    #[allow(dead_code, reason = "the benches that share this file only call")]
    pub(crate) arguments: Vec<Array>,
    /// The leaves of the result.
    pub(crate) results: Vec<Array>,
    /// What becomes of the results of one call at the next.
    #[allow(dead_code, reason = "the benches that share this file only call")]
    pub(crate) kept: Results,
}

/// What becomes of the results of one call at the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Results {
    /// Every call allocates its results.
    Fresh,
    /// Every call overwrites those of the last.
    Overwritten,
}

impl Case {
    fn new<F, A, M>(
        name: &'static str,
        results: Results,
        function: impl Fn() -> F + Clone + 'static,
        args: impl Fn() -> A + 'static,
    ) -> Case
    where
        F: Function<A, M> + 'static,
        A: Tree + 'static,
        F::Output: 'static,
        M: 'static,
    {
        let prepare = Box::new(move || prepared(results, function.clone(), args()));
        Case { name, group: None, prepare }
    }

    /// Makes the data, compiles the program and runs it once. Results have to be finite numbers, as other ones are computed
    /// at other speeds.
    pub(crate) fn prepare(&self) -> Prepared {
        let prepared = (self.prepare)();
        for result in &prepared.results {
            let complex = result.dtype().is_ok_and(DType::is_complex);
            let magnitudes = if complex { result.abs() } else { result.clone() };
            let elements = magnitudes.to_vec::<f32>().expect("cases compute in single precision");
            assert!(
                elements.iter().all(|element| element.is_finite()),
                "{} gives numbers that are not finite",
                self.name
            );
        }
        prepared
    }
}

/// A program compiled and run once, with all that is done with it.
fn prepared<F, A, M>(results: Results, function: impl Fn() -> F + Clone + 'static, args: A) -> Prepared
where
    F: Function<A, M> + 'static,
    A: Tree + 'static,
    F::Output: 'static,
    M: 'static,
{
    let compiled = jit(function());
    let mut output = compiled.call(args.clone()).expect("the program of a case is free of mistakes");
    let results_of_first_call = output.leaves();
    let trace: Box<dyn Fn() -> Traced> = Box::new({
        let (function, args) = (function.clone(), args.clone());
        move || jit(function()).traced(&args).expect("the program was traced before")
    });
    let profile: Box<dyn Fn() -> Profile> = Box::new({
        let (function, args) = (function.clone(), args.clone());
        move || {
            let compiled = jit_with(function(), Options { profile: true, ..Options::default() });
            let mut profile = Profile::default();
            // The second call finds memory that has been touched.
            for _ in 0..2 {
                let options = CallOptions { profile: Some(&mut profile), ..CallOptions::default() };
                drop(compiled.call_with(args.clone(), options).expect("the program ran before"));
            }
            profile
        }
    });
    let arguments = args.leaves();
    let call: Box<dyn FnMut()> = match results {
        Results::Fresh => Box::new(move || {
            black_box(compiled.call(args.clone()).expect("the program ran before"));
        }),
        Results::Overwritten => {
            // Arrays shared with another handle would not be overwritten but replaced.
            output = compiled.call(args.clone()).expect("the program ran before");
            Box::new(move || {
                compiled.call_into(args.clone(), &mut output).expect("the output is a former result");
                black_box(&output);
            })
        }
    };
    Prepared { call, trace, profile, arguments, results: results_of_first_call, kept: results }
}

/// Cases of what users of JAX on processors complain about: `docs/compiler.md` has the complaints.
#[allow(dead_code, reason = "the benches that share this file measure all cases")]
pub(crate) const COMPLAINTS: [&str; 8] = [
    "unrolled_200",
    "loop_updates_1e6",
    "histogram_1e6",
    "sort_1e6",
    "tiny_sin_16",
    "rolls_1024",
    "cumsum_1e6",
    "sum_axis0_2048",
];

/// The cases that are programs, in the order in which they are reported.
pub(crate) fn all() -> Vec<Case> {
    use Results::{Fresh, Overwritten};
    let image = |n: usize| move || data::uniform(&[n, n], 0.0, 1.0);
    // Large enough that squares of the last, tiny residuals are normal numbers: speed shall not depend on denormal ones.
    let right_side = |n: usize| move || data::uniform(&[n, n], 0.0, 1e6);
    let vectors =
        || (Array::from(2.5f32), data::uniform(&[10_000_000], -1.0, 1.0), data::uniform(&[10_000_000], 0.0, 3.0));
    let pair = || (data::uniform(&[10_000_000], -1.0, 1.0), data::uniform(&[10_000_000], 0.0, 3.0));
    let matrices = |n: usize| move || (data::uniform(&[n, n], -1.0, 1.0), data::uniform(&[n, n], 0.0, 1.0));
    let transform = |n: usize| {
        let half = [n, n / 2 + 1];
        move || (data::uniform(&[n, n], 0.0, 1.0), data::uniform(&half, -1.0, 1.0), data::uniform(&half, 0.0, 1.0))
    };
    let channels = || (data::uniform(&[1, 64, 128, 128], -1.0, 1.0), data::uniform(&[64, 64, 3, 3], -0.1, 0.1));
    let angles = |count: usize| move || data::uniform(&[count], -10.0, 10.0);
    vec![
        Case::new("cg100_256", Fresh, || programs::conjugate_gradient(256), right_side(256)),
        Case::new("cg100_512", Fresh, || programs::conjugate_gradient(512), right_side(512)),
        Case::new("cg100_1024", Fresh, || programs::conjugate_gradient(1024), right_side(1024)),
        Case::new("pdhg_tv100_256", Fresh, || programs::primal_dual_denoising(256), image(256)),
        Case::new("pdhg_tv100_512", Fresh, || programs::primal_dual_denoising(512), image(512)),
        Case::new("pdhg_tv100_1024", Fresh, || programs::primal_dual_denoising(1024), image(1024)),
        Case::new("tv_grad_512", Fresh, programs::total_variation_and_gradient, image(512)),
        Case::new("tv_grad_2048", Fresh, programs::total_variation_and_gradient, image(2048)),
        Case::new("axpy_1e7", Fresh, || programs::scale_and_add, vectors),
        Case::new("axpy_1e7_into", Overwritten, || programs::scale_and_add, vectors),
        Case::new("stream_triad", Overwritten, || programs::scale_and_add, vectors),
        Case::new("sin_1e6", Fresh, || programs::sine, angles(1_000_000)),
        Case::new("tiny_sin_16", Fresh, || programs::sine_plus_identity, angles(16)),
        Case::new("tiny_sin_16_into", Overwritten, || programs::sine_plus_identity, angles(16)),
        Case::new("lap_2048", Fresh, || programs::laplacian(2048), image(2048)),
        Case::new("dot_1e7", Fresh, || programs::inner_product, pair),
        Case::new("norm_diff_1e7", Fresh, || programs::distance, pair),
        Case::new("chain_transc_1e6", Fresh, || programs::chain, || data::uniform(&[1_000_000], -3.0, 3.0)),
        Case::new("exp_1e6", Fresh, || programs::exponential, angles(1_000_000)),
        Case::new("softmax_rows_1024", Fresh, || programs::softmax, image(1024)),
        Case::new("sum_axis0_2048", Fresh, || programs::sums(0), image(2048)),
        Case::new("sum_axis1_2048", Fresh, || programs::sums(1), image(2048)),
        Case::new("transpose_2048", Fresh, || programs::transpose, image(2048)),
        Case::new("cumsum_1e6", Fresh, || programs::cumulative_sum, angles(1_000_000)),
        Case::new("sort_1e6", Fresh, || programs::sort, angles(1_000_000)),
        Case::new("circ_fft_256", Fresh, || programs::circular_convolution(256), transform(256)),
        Case::new("circ_fft_512", Fresh, || programs::circular_convolution(512), transform(512)),
        Case::new("circ_fft_1024", Fresh, || programs::circular_convolution(1024), transform(1024)),
        Case::new("matmul_512", Fresh, || programs::matrix_product, matrices(512)),
        Case::new("matmul_1024", Fresh, || programs::matrix_product, matrices(1024)),
        Case::new("conv_64x64x3x3_128", Fresh, || programs::convolution, channels),
        Case::new("xray2d_fwd_256", Fresh, || programs::project(256, 90), image(256)),
        Case::new("xray2d_adj_256", Fresh, || programs::back_project(256, 90), || data::uniform(&[90, 384], 0.0, 1.0)),
        Case::new("unrolled_200", Fresh, || programs::unrolled_descent(200), || data::uniform(&[1000], 0.0, 1.0)),
        Case::new("loop_updates_1e6", Fresh, || programs::updates_in_loop, || data::uniform(&[1_000_000], 0.0, 1.0)),
        Case::new("histogram_1e6", Fresh, || programs::histogram, || data::uniform(&[1_000_000], 0.0, 1.0)),
        Case::new("rolls_1024", Fresh, || programs::rolled_gradient, image(1024)),
    ]
}
