//! Applications of primitives to random operands from their sampling domains.

use cotangent_ir::prim::{self, Case, Domain, Elements, Prim};
use cotangent_ir::transform::jvp;
use cotangent_ir::{Attrs, DType, ErrorKind, Func, Number, Scalar, Tensor, Type, Value, eval, verify};
use num_complex::Complex;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// A primitive applied to data.
#[derive(Clone)]
pub(crate) struct Application {
    /// What is applied.
    pub(crate) prim: &'static Prim,
    /// Operands.
    pub(crate) operands: Vec<Tensor>,
    /// Static operands.
    pub(crate) attrs: Attrs,
    /// The range of the elements of each operand.
    pub(crate) elements: Vec<Elements>,
}

/// Shapes to which elementwise primitives are applied.
const SHAPES: [&[usize]; 4] = [&[], &[5], &[2, 3], &[0]];

/// Applications of every primitive, to every case of its domain.
pub(crate) fn applications(random: &mut Random) -> Vec<Application> {
    let mut applications = Vec::new();
    for prim in prim::all() {
        for case in cases(prim) {
            let Case { operands, attrs, elements } = case;
            let operands = operands.iter().zip(&elements).map(|(ty, &elements)| random.tensor(ty, elements)).collect();
            applications.push(Application { prim, operands, attrs, elements });
        }
    }
    applications
}

/// Applications of every primitive that is lowered to lanes to all combinations of elements at the edges of its dtypes.
pub(crate) fn edge_applications() -> Vec<Application> {
    let mut applications = Vec::new();
    for prim in prim::all().filter(|prim| matches!(prim.lower, prim::Lower::Lanes(_))) {
        let mut seen = HashSet::new();
        for Case { operands: types, attrs, elements } in cases(prim) {
            let dtypes: Vec<DType> = types.iter().map(|ty| ty.dtype).collect();
            // The phase of a large complex power is all rounding error.
            let rough = prim.name == "pow" && dtypes[0].is_complex();
            if rough || !seen.insert((dtypes.clone(), attrs.clone())) {
                continue;
            }
            let values: Vec<Vec<Scalar>> = dtypes.iter().map(|&dtype| edges(dtype)).collect();
            let count = values.iter().map(Vec::len).product();
            let mut period = 1;
            let operand = |(values, dtype): (&Vec<Scalar>, &DType)| {
                let tensor = Tensor::from_fn(Type::new(*dtype, &[count]), |i| values[i / period % values.len()]);
                period *= values.len();
                tensor
            };
            let operands = values.iter().zip(&dtypes).map(operand).collect();
            applications.push(Application { prim, operands, attrs, elements });
        }
    }
    applications
}

/// Elements of a dtype where functions change their mind. Complex numbers stay within half the range of exponents: beyond,
/// the parts of a result depend on the order of operations.
fn edges(dtype: DType) -> Vec<Scalar> {
    let large = match dtype {
        DType::F32 => 1e38,
        DType::C64 => 1e18,
        DType::C128 => 1e150,
        _ => 1e308,
    };
    let finite = [0.0, -0.0, 1.0, -2.5, large, -1.0 / large];
    match dtype {
        DType::Bool => vec![Scalar::bool(false), Scalar::bool(true)],
        _ if dtype.is_float() => {
            let others = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5, -1.0, 2.0, 3.0, 90.0, -90.0];
            finite.into_iter().chain(others).map(|x| Scalar::real(dtype, x)).collect()
        }
        _ if dtype.is_complex() => {
            let parts = finite.into_iter().flat_map(|re| finite.map(|im| Complex::new(re, im)));
            parts.map(|z| Scalar::complex(dtype, z)).collect()
        }
        _ => {
            let (low, high) = (Scalar::lowest(dtype), Scalar::highest(dtype));
            let others = [-2, -1, 0, 1, 2, 7, 31, 32].map(|x| Scalar::int(dtype, x));
            [low, high].into_iter().chain(others).collect()
        }
    }
}

fn cases(prim: &'static Prim) -> Vec<Case> {
    match prim.domain {
        Domain::Cases(cases) => cases(),
        Domain::Elementwise(elements, dtypes) => {
            let count = match prim.arity {
                prim::Arity::Exactly(count) | prim::Arity::AtLeast(count) => count,
            };
            let dtypes = DType::ALL.into_iter().filter(|&dtype| dtypes.contains(dtype));
            let types = dtypes.flat_map(|dtype| SHAPES.map(|shape| Type::new(dtype, shape)));
            types
                .map(|ty| Case { operands: vec![ty; count], attrs: Attrs::none(), elements: vec![elements; count] })
                .collect()
        }
    }
}

/// Runs a function in the reference interpreter, verified.
pub(crate) fn run(func: &Func, args: &[Tensor]) -> Vec<Tensor> {
    let args: Vec<Arc<Tensor>> = args.iter().cloned().map(Arc::new).collect();
    verify::verify(func)
        .and_then(|()| eval::eval(func, &args))
        .unwrap_or_else(|error| panic!("@{}: {error}", func.name))
}

/// The distance of two elements, relative to one plus the size of the second. Of equal ones, infinite or NaN too, none.
pub(crate) fn distance(a: Scalar, b: Scalar) -> f64 {
    let (a, b) = (a.as_complex(), b.as_complex());
    let part = |a: f64, b: f64| match a - b {
        _ if a == b || (a.is_nan() && b.is_nan()) => 0.0,
        difference if difference.is_nan() => f64::INFINITY,
        difference => difference.abs(),
    };
    part(a.re, b.re).max(part(a.im, b.im)) / (1.0 + b.norm())
}

/// The largest distance of two elements at the same place of two tensors of one type.
pub(crate) fn largest_distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.ty(), b.ty());
    a.scalars().zip(b.scalars()).map(|(a, b)| distance(a, b)).fold(0.0, f64::max)
}

impl Application {
    /// The function that applies the primitive to its parameters.
    pub(crate) fn func(&self) -> Func {
        let mut func = Func::new(self.prim.name, self.operands.iter().map(|x| x.ty().clone()));
        let params: Vec<Value> = func.params().collect();
        let range = func.push(self.prim, params, self.attrs.clone(), self.results());
        func.set_results(range.map(Value::new).collect());
        func
    }

    /// The results.
    pub(crate) fn run(&self) -> Vec<Tensor> {
        run(&self.func(), &self.operands)
    }

    /// Types of the results.
    pub(crate) fn results(&self) -> Vec<Type> {
        let types: Vec<&Type> = self.operands.iter().map(Tensor::ty).collect();
        match self.prim.infer(&types, &self.attrs) {
            Ok(types) => types.to_vec(),
            Err(error) => panic!("{self}: a case of the domain is refused: {error}"),
        }
    }

    /// Whether nothing about it is in single precision, too coarse for difference quotients.
    pub(crate) fn is_double(&self) -> bool {
        let results = self.results();
        let mut types = self.operands.iter().map(Tensor::ty).chain(&results);
        types.all(|ty| ty.dtype.real() != DType::F32)
    }

    /// For every operand whether there is a derivative with respect to it: it is inexact, and the rule does not refuse.
    pub(crate) fn differentiable(&self) -> Vec<bool> {
        let alone = |i: usize| (0..self.operands.len()).map(|j| i == j).collect::<Vec<bool>>();
        let refuses = |i: usize| {
            jvp::jvp(&self.func(), &alone(i))
                .is_err_and(|error| error.kind() == ErrorKind::Transform && error.operation() == self.prim.name)
        };
        (0..self.operands.len()).map(|i| self.operands[i].ty().dtype.is_inexact() && !refuses(i)).collect()
    }

    /// Positions of the operands whose type is as asked.
    pub(crate) fn positions(&self, has: impl Fn(&Type) -> bool) -> Vec<usize> {
        (0..self.operands.len()).filter(|&i| has(self.operands[i].ty())).collect()
    }

    /// The application to other operands where there are others.
    pub(crate) fn replaced(&self, others: &[Option<Tensor>]) -> Application {
        let mut replaced = self.clone();
        for (x, other) in replaced.operands.iter_mut().zip(others) {
            *x = other.clone().unwrap_or_else(|| x.clone());
        }
        replaced
    }

    /// The application at operands moved by `step` along the given directions.
    pub(crate) fn moved(&self, directions: &[Option<Tensor>], step: f64) -> Application {
        let mut moved = self.clone();
        for (x, direction) in moved.operands.iter_mut().zip(directions) {
            let Some(direction) = direction else { continue };
            *x = Tensor::from_fn(x.ty().clone(), |position| {
                let value = x.get(position).as_complex() + direction.get(position).as_complex() * step;
                Scalar::complex(x.ty().dtype, value)
            });
        }
        moved
    }
}

impl fmt::Display for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types: Vec<String> = self.operands.iter().map(|x| x.ty().to_string()).collect();
        write!(f, "{} of {}", self.prim.name, types.join(", "))?;
        for (name, attr) in self.attrs.iter() {
            match attr.funcs() {
                [] => write!(f, " {name}={attr:?}")?,
                funcs => write!(f, " {name}={:?}", funcs.iter().map(|func| &func.name).collect::<Vec<_>>())?,
            }
        }
        Ok(())
    }
}

/// Random numbers from a seed: SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Random {
    /// What it started from.
    pub(crate) seed: u64,
    state: u64,
}

impl Random {
    /// The generator of one test.
    pub(crate) fn new() -> Random {
        let seed = std::env::var("COTANGENT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20);
        println!("COTANGENT_SEED={seed}");
        Random { seed, state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [low, high).
    pub(crate) fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn signed(&mut self, low: f64, high: f64) -> f64 {
        let size = self.within(low, high);
        if self.next() & 1 == 0 { size } else { -size }
    }

    fn real(&mut self, elements: Elements) -> f64 {
        match elements {
            Elements::Real => self.signed(0.2, 3.0),
            Elements::Positive => self.within(0.2, 3.0),
            Elements::Fraction => self.within(0.1, 0.9),
            Elements::Above => self.within(1.2, 3.0),
            Elements::Unit => self.signed(0.1, 0.9),
            Elements::Dominant => self.signed(0.02, 0.12),
        }
    }

    /// An element of a dtype. Integers are small and not zero, so that they can divide and count.
    fn element(&mut self, dtype: DType, elements: Elements) -> Scalar {
        match dtype {
            DType::Bool => Scalar::bool(self.next() & 1 == 0),
            _ if dtype.is_complex() => {
                // Imaginary parts are of either sign, real parts as asked: roots and logarithms stay off their cut.
                let (re, im) = (self.real(elements), self.signed(0.1, 0.9));
                Scalar::complex(dtype, Complex::new(re, im))
            }
            _ if dtype.is_float() => Scalar::real(dtype, self.real(elements)),
            _ => {
                let size = 1 + (self.next() % 3) as i128;
                let negative = dtype.is_signed_int() && elements == Elements::Real && self.next() & 1 == 0;
                Scalar::int(dtype, if negative { -size } else { size })
            }
        }
    }

    /// A tensor of elements in the given range.
    pub(crate) fn tensor(&mut self, ty: &Type, elements: Elements) -> Tensor {
        let (rows, columns) = match (elements, &ty.shape[..]) {
            (Elements::Dominant, [.., rows, columns]) => (*rows, *columns),
            _ => return Tensor::from_fn(ty.clone(), |_| self.element(ty.dtype, elements)),
        };
        Tensor::from_fn(ty.clone(), |position| {
            let element = self.element(ty.dtype, elements).as_complex();
            let (row, column) = (position / columns % rows, position % columns);
            let diagonal = if row == column { 1.0 + row as f64 } else { 0.0 };
            Scalar::complex(ty.dtype, 0.3 * element + diagonal)
        })
    }

    /// A direction: elements within [-1, 1], of complex dtypes in both parts.
    pub(crate) fn direction(&mut self, ty: &Type) -> Tensor {
        Tensor::from_fn(ty.clone(), |_| {
            let (re, im) = (self.within(-1.0, 1.0), self.within(-1.0, 1.0));
            Scalar::new(ty.dtype, Number::Complex(Complex::new(re, im)))
        })
    }
}
