//! Random numbers: the samples of JAX for the same keys, batches, and what is refused.
//!
//! `tests/fixtures/random.json` has the samples; discrete ones must be equal, continuous ones up to rounding.

#![cfg(feature = "compiler")]

use cotangent::random::{self, Key};
use cotangent::{Array, DType, ErrorKind, Function, grad, jit, vmap};
use serde_json::Value;

/// One sample of the reference.
struct Case(Value);

impl Case {
    fn name(&self) -> &str {
        self.0["sample"].as_str().unwrap()
    }

    fn key(&self) -> Key {
        Key::new(self.0["seed"].as_u64().unwrap())
    }

    fn sizes(&self, field: &str) -> Vec<usize> {
        self.0[field].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect()
    }

    fn dtype(&self) -> DType {
        match self.0["dtype"].as_str().unwrap() {
            "float32" => DType::F32,
            "float64" => DType::F64,
            "int32" => DType::I32,
            "bool" => DType::Bool,
            other => panic!("{other}"),
        }
    }

    fn number(&self, name: &str) -> f64 {
        self.0["arguments"][name].as_f64().unwrap()
    }

    /// An array among the arguments, in f64.
    fn array(&self, name: &str) -> Array {
        let (mut shape, mut flat) = (Vec::new(), Vec::new());
        flatten(&self.0["arguments"][name], 0, &mut shape, &mut flat);
        Array::new(&shape, &flat)
    }

    fn axis(&self) -> isize {
        self.number("axis") as isize
    }

    fn sample(&self) -> Array {
        let (key, shape, dtype) = (self.key(), self.sizes("shape"), self.dtype());
        let probabilities = self.0["arguments"].get("p").map(|_| self.array("p").astype(DType::F32));
        let slope = |sample: fn(&Key, &[usize], DType, Array) -> Array| {
            let (key, shape) = (key.clone(), shape.clone());
            grad(move |a: Array| sample(&key, &shape, dtype, a).sum()).apply(self.array("a").astype(dtype))
        };
        match self.name() {
            "exponential" => random::exponential(&key, &shape, dtype),
            "laplace" => random::laplace(&key, &shape, dtype),
            "logistic" => random::logistic(&key, &shape, dtype),
            "cauchy" => random::cauchy(&key, &shape, dtype),
            "gumbel" => random::gumbel(&key, &shape, dtype),
            "gamma" => random::gamma(&key, &shape, dtype, self.array("a")),
            "loggamma" => random::loggamma(&key, &shape, dtype, self.array("a")),
            "gamma_slope" => slope(|key, shape, dtype, a| random::gamma(key, shape, dtype, a)),
            "loggamma_slope" => slope(|key, shape, dtype, a| random::loggamma(key, shape, dtype, a)),
            "beta" => random::beta(&key, &shape, dtype, self.array("a"), self.number("b")),
            "dirichlet" => random::dirichlet(&key, &shape, dtype, &self.array("alpha")),
            "truncated_normal" => {
                random::truncated_normal(&key, &shape, dtype, self.array("lower"), self.number("upper"))
            }
            "multivariate_normal" => {
                let of = |name| self.array(name).astype(dtype);
                random::multivariate_normal(&key, &shape, &of("mean"), &of("covariance"))
            }
            "poisson" => random::poisson(&key, &shape, self.array("rate")),
            "categorical" => random::categorical(&key, &shape, &self.array("logits").astype(dtype), self.axis()),
            "choice" => random::choice(&key, &shape, &self.array("x"), self.axis(), probabilities.as_ref()),
            "choice_without_replacement" => {
                random::choice_without_replacement(&key, &shape, &self.array("x"), self.axis(), probabilities.as_ref())
            }
            "permute" => random::permute(&key, &self.array("x"), self.axis()),
            "shuffle" => random::shuffle(&key, &self.array("x"), self.axis()),
            "permutation" => random::permutation(&key, shape[0]),
            "randint" => random::randint(&key, &shape, self.number("low") as i32, self.number("high") as i32),
            "bernoulli" => random::bernoulli(&key, &shape, self.number("p")),
            other => panic!("{other}"),
        }
    }

    /// Relative to one plus the size. The slopes of the reference are computed in single precision, by sums.
    fn tolerance(&self) -> f64 {
        match (self.name(), self.dtype()) {
            ("categorical", _) => 0.0,
            (name, DType::F32) if name.ends_with("slope") => 1e-3,
            (_, DType::F32) => 1e-5,
            (name, DType::F64) if name.ends_with("slope") => 1e-10,
            (_, DType::F64) => 1e-12,
            _ => 0.0,
        }
    }
}

fn flatten(value: &Value, depth: usize, shape: &mut Vec<usize>, flat: &mut Vec<f64>) {
    let Value::Array(items) = value else {
        flat.push(value.as_f64().unwrap());
        return;
    };
    if depth == shape.len() {
        shape.push(items.len());
    }
    items.iter().for_each(|item| flatten(item, depth + 1, shape, flat));
}

#[test]
fn samples_are_those_of_the_reference() {
    let text = include_str!("fixtures/random.json");
    let cases: Value = serde_json::from_str(text).unwrap();
    for case in cases["cases"].as_array().unwrap().iter().cloned().map(Case) {
        let label = format!("{} of seed {} in {}", case.name(), case.0["seed"], case.0["dtype"]);
        let sample = case.sample();
        assert_eq!(
            sample.shape().unwrap_or_else(|error| panic!("{label}: {error}"))[..],
            case.sizes("result"),
            "{label}"
        );
        let given = sample.astype(DType::F64).to_vec::<f64>().unwrap();
        let expected = case.0["values"].as_array().unwrap();
        for (at, (given, expected)) in given.iter().zip(expected).enumerate() {
            let expected = expected.as_f64().unwrap();
            let error = (given - expected).abs() / (1.0 + expected.abs());
            assert!(error <= case.tolerance(), "{label} at {at}: {given}, not {expected}");
        }
    }
}

#[test]
fn batches_are_the_samples_of_their_keys() {
    let keys = Key::new(5).split_into(3);
    let samples: [fn(&Key) -> Array; 6] = [
        |key| random::gamma(key, &[2], DType::F64, 0.7),
        |key| random::poisson(key, &[4], Array::from([3.0f32, 12.0, 0.5, 200.0])),
        |key| random::truncated_normal(key, &[2], DType::F32, -1.0, 1.0),
        |key| random::choice_without_replacement(key, &[3], &Array::arange(9, DType::I32), 0, None),
        |key| random::categorical(key, &[3], &Array::from([0.0f32, 1.0, 2.0]), 0),
        |key| random::multivariate_normal(key, &[2], &Array::from([1.0f64, 2.0]), &Array::eye(2, DType::F64)),
    ];
    for sample in samples {
        let words: Vec<(Array, Array)> = keys.iter().map(Key::words).collect();
        let stacked =
            |word: fn(&(Array, Array)) -> Array| cotangent::stack(&words.iter().map(word).collect::<Vec<_>>(), 0);
        let batch = (stacked(|words| words.0.clone()), stacked(|words| words.1.clone()));
        let of_words = move |high: Array, low: Array| sample(&Key::from_words(high, low));
        let batched = jit(vmap(of_words)).call(batch).unwrap();
        for (i, key) in keys.iter().enumerate() {
            let (given, expected) = (batched.index_axis(0, i as isize), sample(key));
            assert!((given - &expected).abs().max().item().unwrap() <= 1e-12, "{expected:?}");
        }
    }
}

#[test]
fn moments_of_samples() {
    let moments = |x: Array| (x.mean().item().unwrap(), x.var().item().unwrap());
    let near = |(mean, variance): (f64, f64), expected: (f64, f64)| {
        let error = (mean - expected.0).abs() / expected.1.sqrt() + (variance / expected.1 - 1.0).abs();
        assert!(error < 0.05, "mean and variance ({mean}, {variance}), expected {expected:?}");
    };
    let (key, count) = (Key::new(1), [40000]);
    near(moments(random::gamma(&key, &count, DType::F64, 2.5)), (2.5, 2.5));
    near(moments(random::gamma(&key, &count, DType::F32, 0.5)), (0.5, 0.5));
    near(moments(random::beta(&key, &count, DType::F64, 2.0, 3.0)), (0.4, 0.04));
    near(moments(random::gumbel(&key, &count, DType::F64)), (0.577_215_664_9, 1.644_934_066_8));
    near(moments(random::logistic(&key, &count, DType::F64)), (0.0, 3.289_868_133_7));
    for rate in [0.5, 9.0, 11.0, 3000.0] {
        near(moments(random::poisson(&key, &count, rate).astype(DType::F64)), (rate, rate));
    }
}

#[test]
fn mistakes_are_told() {
    let key = Key::new(0);
    let refused = |sample: Array| sample.ty().unwrap_err();
    let lots = random::choice_without_replacement(&key, &[3], &Array::from([1, 2]), 0, None);
    assert_eq!(refused(lots).kind(), ErrorKind::Argument);
    let p = Array::from([0.5f32, 0.3, 0.2]);
    let error = refused(random::choice(&key, &[3], &Array::from([1, 2]), 0, Some(&p)));
    assert!(error.to_string().contains("f32[3]"), "{error}");
    let covariance = Array::eye(3, DType::F32);
    let error = refused(random::multivariate_normal(&key, &[], &Array::from([1.0f32, 2.0]), &covariance));
    assert_eq!(error.operation(), "multivariate_normal");
    assert_eq!(refused(random::gamma(&key, &[2], DType::I32, 1.0)).kind(), ErrorKind::DType);
    assert_eq!(refused(random::permute(&key, &Array::from([1, 2]), 3)).kind(), ErrorKind::Argument);
}
