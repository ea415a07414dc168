//! Every case of `tests/fixtures/imaging.json`: operators, functionals, losses, metrics and optimizers against numbers
//! computed by another library.

use crate::sample::elements;
use cotangent::functional::{Functional, L1Norm, L2Norm, L21Norm, NonNegativeIndicator, Prox, ScaledFunctional};
use cotangent::functional::{FunctionalSum, SquaredL2Norm, ZeroFunctional};
use cotangent::linop::{
    Boundary, CircularConvolve, Diagonal, Edge, Filter, FiniteDifference, Identity, LinOp, MatrixNorm, MatrixOperator,
    ScaledIdentity, SingleAxisFiniteDifference, operator_norm,
};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{
    Admm, CircularConvolveSolver, LeastSquares, LinearSubproblemSolver, Method, Options, Pdhg, Solution,
    SubproblemSolver, Term, solve,
};
use cotangent::solver::ConjugateGradient;
use cotangent::{Array, DType, Factor, Type, metric};
use npyz::{DType as NpyDType, TypeChar};
use num_complex::Complex;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

type Archive = npyz::npz::NpzArchive<BufReader<File>>;
type Results = BTreeMap<String, Array>;

/// One case, with access to the arrays.
struct Case<'a> {
    case: &'a Value,
    archive: &'a RefCell<Archive>,
}

#[test]
fn every_case_agrees() {
    let path = |name: &str| -> PathBuf { [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", name].iter().collect() };
    let archive = RefCell::new(npyz::npz::NpzArchive::open(path("imaging.npz")).unwrap());
    let cases: Vec<Value> = serde_json::from_reader(BufReader::new(File::open(path("imaging.json")).unwrap())).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let case = Case { case, archive: &archive };
        wrong.extend(case.check().into_iter().map(|what| format!("{}: {what}", case.id())));
    }
    assert!(wrong.is_empty(), "{} of {} cases disagree:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

impl Case<'_> {
    fn id(&self) -> &str {
        self.case["id"].as_str().unwrap()
    }

    fn params(&self) -> &Value {
        &self.case["params"]
    }

    /// What is wrong with the results.
    fn check(&self) -> Vec<String> {
        let results = match self.case["area"].as_str().unwrap() {
            "linop" => self.operator_results(),
            "functional" => self.functional_results(),
            "loss" => self.loss_results(),
            "metric" => self.metric_results(),
            "optimize" => self.optimizer_results(),
            other => panic!("area {other}"),
        };
        let mut wrong = Vec::new();
        for (name, key) in self.case["outputs"].as_object().unwrap() {
            match results.get(name) {
                None => wrong.push(format!("{name} was not computed")),
                Some(got) => wrong.extend(self.compare(name, got, &self.stored(key))),
            }
        }
        wrong
    }

    fn compare(&self, name: &str, got: &Array, want: &Array) -> Option<String> {
        let tolerance = |which: &str| {
            let own = &self.case["tol"][name][which];
            if own.is_null() { self.case[which].as_f64().unwrap() } else { own.as_f64().unwrap() }
        };
        let (given, wanted) = match (got.ty(), want.ty()) {
            (Ok(given), Ok(wanted)) => (given, wanted),
            (Err(error), _) | (_, Err(error)) => return Some(format!("{name}: {error}")),
        };
        if given.shape != wanted.shape {
            return Some(format!("{name} is {given}, not {wanted}"));
        }
        for (position, (got, want)) in elements(got).into_iter().zip(elements(want)).enumerate() {
            let same = got == want || (got.is_nan() && want.is_nan());
            let near = (got - want).norm() <= tolerance("atol") + tolerance("rtol") * want.norm();
            if !(same || near) {
                return Some(format!("{name}[{position}] is {got}, not {want}"));
            }
        }
        None
    }

    /// An input array by name.
    fn input(&self, name: &str) -> Array {
        self.stored(&self.case["inputs"][name])
    }

    fn stored(&self, key: &Value) -> Array {
        read(&mut self.archive.borrow_mut(), key.as_str().unwrap())
    }

    /// A value of `params` that is an input array, `"@name"`.
    fn array(&self, value: &Value) -> Array {
        self.input(value.as_str().unwrap().strip_prefix('@').unwrap())
    }

    fn operator_results(&self) -> Results {
        let params = self.params();
        let a = self.operator(&params["op"]);
        let mut results = Results::new();
        for output in params["outputs"].as_array().unwrap() {
            match output.as_str().unwrap() {
                "fwd" => results.insert("fwd".into(), a.apply(&self.input("x"))),
                "adj" => results.insert("adj".into(), a.adjoint(&self.input("y"))),
                "gram" => results.insert("gram".into(), a.gram(&self.input("x"))),
                "norm" => {
                    let iterations = params["norm_kwargs"]["maxiter"].as_u64().unwrap() as usize;
                    results.insert("norm".into(), Array::from(operator_norm(&a, iterations).unwrap()))
                }
                "matrix_norms" => {
                    results.extend(self.diagonal_norms(&params["op"]));
                    None
                }
                other => panic!("output {other}"),
            };
        }
        results
    }

    fn diagonal_norms(&self, op: &Value) -> Results {
        let a = Diagonal::new(self.array(&op["diagonal"])).unwrap();
        [
            ("norm_fro", MatrixNorm::Frobenius),
            ("norm_nuc", MatrixNorm::Nuclear),
            ("norm_1", MatrixNorm::One),
            ("norm_2", MatrixNorm::Spectral),
            ("norm_inf", MatrixNorm::Infinity),
            ("norm_-inf", MatrixNorm::LeastRow),
        ]
        .into_iter()
        .map(|(name, kind)| (name.to_string(), a.norm(kind)))
        .collect()
    }

    fn operator(&self, op: &Value) -> LinOp {
        let of = |name: &str| self.operator(&op[name]);
        match op["op"].as_str().unwrap() {
            "Identity" => Identity::new(input_type(op)).into(),
            "ScaledIdentity" => ScaledIdentity::new(factor(&op["scalar"]), input_type(op)).into(),
            "Diagonal" => {
                let diagonal = self.array(&op["diagonal"]);
                match op.get("input_shape") {
                    None => Diagonal::new(diagonal).unwrap().into(),
                    Some(shape) => {
                        let input = Type::new(diagonal.dtype().unwrap(), &sizes(shape));
                        Diagonal::with_input(diagonal, input).unwrap().into()
                    }
                }
            }
            "MatrixOperator" => match op.get("input_cols").and_then(Value::as_u64) {
                None | Some(0) => MatrixOperator::new(self.array(&op["A"])).unwrap().into(),
                Some(columns) => MatrixOperator::with_columns(self.array(&op["A"]), columns as usize).unwrap().into(),
            },
            "CircularConvolve" => self.convolution(op),
            "FiniteDifference" => {
                let axes: Vec<isize> = match op.get("axes") {
                    None | Some(Value::Null) => (0..sizes(&op["input_shape"]).len() as isize).collect(),
                    Some(Value::Number(axis)) => vec![axis.as_i64().unwrap() as isize],
                    Some(list) => signed(list),
                };
                FiniteDifference::along(input_type(op), &axes, boundary(op)).unwrap().into()
            }
            "SingleAxisFiniteDifference" => {
                let axis = op.get("axis").and_then(Value::as_i64).unwrap_or(-1) as isize;
                SingleAxisFiniteDifference::new(input_type(op), axis, boundary(op)).unwrap().into()
            }
            "Composed" => of("A") * of("B"),
            "Add" => of("a") + of("b"),
            "Sub" => of("a") - of("b"),
            "Scale" => of("of").scaled(factor(&op["scalar"])),
            "Div" => of("of").scaled(factor(&op["scalar"]).recip()),
            "Neg" => -of("of"),
            "T" => of("of").t(),
            "H" => of("of").h(),
            "Conj" => of("of").conj(),
            "GramOp" => of("of").gram_op(),
            "FromOperator" => CircularConvolve::from_operator(&of("of"), None).unwrap().into(),
            other => panic!("operator {other}"),
        }
    }

    fn convolution(&self, op: &Value) -> LinOp {
        let h = self.array(&op["h"]);
        let transform = op.get("h_is_dft").and_then(Value::as_bool).unwrap_or(false);
        let mut filter = if transform { Filter::transform(h) } else { Filter::new(h) };
        filter = match op.get("h_center") {
            None | Some(Value::Null) => filter,
            Some(Value::Number(center)) => filter.center(&[center.as_f64().unwrap()]),
            Some(list) => {
                let center: Vec<f64> = list.as_array().unwrap().iter().map(|c| c.as_f64().unwrap()).collect();
                filter.center(&center)
            }
        };
        if let Some(axes) = op.get("ndims").and_then(Value::as_u64) {
            filter = filter.axes(axes as usize);
        }
        CircularConvolve::new(filter, input_type(op)).unwrap().into()
    }

    fn functional_results(&self) -> Results {
        let params = self.params();
        let v = self.input("v");
        let mut results = Results::new();
        // A sum has no prox; everything else has.
        if params["f"]["fn"] == "Sum" {
            let f = FunctionalSum::new(self.functional(&params["f"]["a"]), self.functional(&params["f"]["b"]));
            results.insert("value".into(), f.value(&v));
            results.insert("grad".into(), f.grad(&v).unwrap());
            return results;
        }
        self.prox_results(&*self.functional(&params["f"]), &v, &mut results);
        results
    }

    fn prox_results(&self, f: &dyn Prox, v: &Array, results: &mut Results) {
        let params = self.params();
        let wanted = self.case["outputs"].as_object().unwrap();
        results.insert("value".into(), f.value(v));
        if wanted.contains_key("grad") {
            results.insert("grad".into(), f.grad(v).unwrap());
        }
        for (position, lambda) in params["lams"].as_array().unwrap().iter().enumerate() {
            let lambda = lambda.as_f64().unwrap();
            results.insert(format!("prox{position}"), f.prox(v, lambda.into()));
            results.insert(format!("conj_prox{position}"), f.conj_prox(v, lambda.into()));
        }
    }

    fn functional(&self, f: &Value) -> Box<dyn Prox> {
        if f.get("loss").is_some() {
            return Box::new(self.loss(f));
        }
        match f["fn"].as_str().unwrap() {
            "L1Norm" => Box::new(L1Norm::new()),
            "L2Norm" => Box::new(L2Norm::new()),
            "SquaredL2Norm" => Box::new(SquaredL2Norm::new()),
            "NonNegativeIndicator" => Box::new(NonNegativeIndicator::new()),
            "Zero" => Box::new(ZeroFunctional::new()),
            "Scaled" => Box::new(ScaledFunctional::new(f["scale"].as_f64().unwrap(), self.functional(&f["of"]))),
            "L21Norm" => Box::new(match f.get("l2_axis") {
                None => L21Norm::new(),
                Some(Value::Null) => L21Norm::whole(),
                Some(Value::Number(axis)) => L21Norm::along(&[axis.as_i64().unwrap() as isize]),
                Some(list) => L21Norm::along(&signed(list)),
            }),
            other => panic!("functional {other}"),
        }
    }

    fn loss(&self, f: &Value) -> SquaredL2Loss {
        let mut loss = SquaredL2Loss::new(self.array(&f["y"])).unwrap();
        if f.get("A").is_some() {
            loss = loss.operator(self.operator(&f["A"])).unwrap();
        }
        if f.get("W").is_some() {
            loss = loss.weights(self.array(&f["W"]).real()).unwrap();
        }
        if let Some(scale) = f.get("scale").and_then(Value::as_f64) {
            loss = loss.scale(scale);
        }
        if f.get("prox_kwargs").is_some() {
            loss = loss.prox_solver(limits(&f["prox_kwargs"], 1e-5));
        }
        loss
    }

    fn loss_results(&self) -> Results {
        let v = self.input("v");
        let loss = self.loss(&self.params()["f"]);
        let mut results = Results::new();
        self.prox_results(&loss, &v, &mut results);
        let wanted = self.case["outputs"].as_object().unwrap();
        if wanted.contains_key("hessian") {
            results.insert("hessian".into(), loss.hessian().unwrap().apply(&v));
        }
        results.insert("scaled_value".into(), (3.0 * loss.clone()).value(&v));
        results.insert("divided_value".into(), (loss / 4.0).value(&v));
        results
    }

    fn metric_results(&self) -> Results {
        let params = self.params();
        let args: Vec<Array> =
            params["args"].as_array().unwrap().iter().map(|name| self.input(name.as_str().unwrap())).collect();
        let range = params["kwargs"]["signal_range"].as_f64();
        let out = match self.case["group"].as_str().unwrap() {
            "mae" => metric::mae(&args[0], &args[1]),
            "mse" => metric::mse(&args[0], &args[1]),
            "snr" => metric::snr(&args[0], &args[1]),
            "psnr" => metric::psnr(&args[0], &args[1], range),
            "isnr" => metric::isnr(&args[0], &args[1], &args[2]),
            "bsnr" => metric::bsnr(&args[0], &args[1]),
            "rel" => metric::rel_res(&args[0], &args[1]),
            other => panic!("metric {other}"),
        };
        Results::from([("out".to_string(), out)])
    }

    fn optimizer_results(&self) -> Results {
        let problem = &self.params()["problem"];
        match problem["optimizer"].as_str().unwrap() {
            "PDHG" => {
                let method = Pdhg::new(
                    self.functional(&problem["f"]),
                    self.functional(&problem["g"]),
                    self.operator(&problem["C"]),
                    problem["tau"].as_f64().unwrap(),
                    problem["sigma"].as_f64().unwrap(),
                );
                let method = match problem.get("alpha").and_then(Value::as_f64) {
                    Some(alpha) => method.extrapolation(alpha),
                    None => method,
                };
                let method =
                    if problem.get("x0").is_some() { method.start(self.array(&problem["x0"])) } else { method };
                let method = match problem.get("z0") {
                    Some(z0) => method.dual_start(self.array(z0)),
                    None => method,
                };
                let solution = self.solved(&method);
                let mut results = statistics(&solution);
                results.insert("z".into(), solution.state.z);
                results
            }
            "ADMM" if problem["f"].is_null() => self.admm_with_solver(ZeroFunctional::new(), problem),
            "ADMM" => self.admm_with_solver(self.loss(&problem["f"]), problem),
            other => panic!("optimizer {other}"),
        }
    }

    fn admm_with_solver<F: LeastSquares>(&self, f: F, problem: &Value) -> Results {
        let solver = &problem["subproblem"];
        match solver["solver"].as_str().unwrap() {
            "CircularConvolveSolver" => self.admm(f, problem, CircularConvolveSolver::new()),
            "LinearSubproblemSolver" => {
                let limits = limits(&solver["cg_kwargs"], 1e-4);
                self.admm(f, problem, LinearSubproblemSolver::new(limits))
            }
            other => panic!("solver {other}"),
        }
    }

    fn admm<F: LeastSquares, S: SubproblemSolver<F>>(&self, f: F, problem: &Value, solver: S) -> Results {
        let list = |name: &str| problem[name].as_array().unwrap().clone();
        let terms = list("g")
            .into_iter()
            .zip(list("C"))
            .zip(list("rho"))
            .map(|((g, c), rho)| Term::new(self.functional(&g), self.operator(&c), rho.as_f64().unwrap()));
        let mut method = Admm::new(f, terms, solver).unwrap();
        if let Some(alpha) = problem.get("alpha").and_then(Value::as_f64) {
            method = method.relaxation(alpha);
        }
        if let Some(x0) = problem.get("x0") {
            method = method.start(self.array(x0));
        }
        let solution = self.solved(&method);
        let mut results = statistics(&solution);
        for (position, (z, u)) in solution.state.z.iter().zip(&solution.state.u).enumerate() {
            results.insert(format!("z_list{position}"), z[0].clone());
            results.insert(format!("u_list{position}"), u[0].clone());
        }
        results
    }

    fn solved<M: Method<Variable = Array>>(&self, method: &M) -> Solution<M::State> {
        let max_steps = self.params()["maxiter"].as_u64().unwrap() as usize;
        solve(method, &Options { max_steps, ..Options::default() })
            .unwrap_or_else(|error| panic!("{}: {error}", self.id()))
    }
}

fn statistics<S>(solution: &Solution<S>) -> Results {
    let column = |name: &str| Array::from(solution.history.column(name).unwrap());
    let mut results = Results::from([("x".to_string(), solution.x.clone())]);
    for name in ["Objective", "Prml_Rsdl", "Dual_Rsdl"] {
        results.insert(format!("hist_{name}"), column(name));
    }
    results
}

fn limits(value: &Value, tolerance: f64) -> ConjugateGradient {
    ConjugateGradient {
        tolerance: value["tol"].as_f64().unwrap_or(tolerance),
        absolute_tolerance: value["atol"].as_f64().unwrap_or(0.0),
        max_iterations: value["maxiter"].as_i64().unwrap_or(100) as i32,
    }
}

fn boundary(op: &Value) -> Boundary {
    let edge = |name: &str| match op.get(name).and_then(Value::as_i64) {
        None => None,
        Some(0) => Some(Edge::Zero),
        Some(_) => Some(Edge::Value),
    };
    match op.get("circular").and_then(Value::as_bool) {
        Some(true) => Boundary::CIRCULAR,
        _ => Boundary::Edges { prepend: edge("prepend"), append: edge("append") },
    }
}

fn factor(value: &Value) -> Factor {
    match value.get("complex") {
        Some(parts) => Factor::from(Complex::new(parts[0].as_f64().unwrap(), parts[1].as_f64().unwrap())),
        None => Factor::from(value.as_f64().unwrap()),
    }
}

fn input_type(op: &Value) -> Type {
    let dtype = match op.get("input_dtype").and_then(Value::as_str) {
        None | Some("float32") => DType::F32,
        Some("float64") => DType::F64,
        Some("complex64") => DType::C64,
        Some("complex128") => DType::C128,
        Some(other) => panic!("dtype {other}"),
    };
    Type::new(dtype, &sizes(&op["input_shape"]))
}

fn sizes(list: &Value) -> Vec<usize> {
    list.as_array().unwrap().iter().map(|extent| extent.as_u64().unwrap() as usize).collect()
}

fn signed(list: &Value) -> Vec<isize> {
    list.as_array().unwrap().iter().map(|axis| axis.as_i64().unwrap() as isize).collect()
}

/// An array of an archive, whatever its dtype.
fn read(archive: &mut Archive, key: &str) -> Array {
    let file = archive.by_name(key).unwrap().unwrap_or_else(|| panic!("no array {key}"));
    let shape: Vec<usize> = file.shape().iter().map(|&extent| extent as usize).collect();
    let NpyDType::Plain(plain) = file.dtype() else { panic!("{key} is a record") };
    let parts = match (plain.type_char(), plain.num_bytes()) {
        (TypeChar::Float, Some(4)) => Array::new(&shape, &file.into_vec::<f32>().unwrap()),
        (TypeChar::Float, Some(8)) => Array::new(&shape, &file.into_vec::<f64>().unwrap()),
        other => panic!("{key} has dtype {other:?}"),
    };
    match key.ends_with(":complex") {
        true => Array::complex(parts.index_axis(-1, 0), parts.index_axis(-1, 1)),
        false => parts,
    }
}
