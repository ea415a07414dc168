//! The function under construction: values with what is known of them, choice of operands, choice of the next step.

use super::{Known, MAX_SPREAD, MODERATE, Options, Pick, Random};
use crate::attrs::{Attr, Attrs};
use crate::dtype::DType;
use crate::func::{Func, Value};
use crate::prim;
use crate::scalar::Scalar;
use crate::types::Type;

/// Builds one function; sub-functions get builders of their own.
pub(super) struct Builder<'a> {
    pub(super) func: Func,
    pub(super) options: &'a Options,
    pub(super) random: &'a mut Random,
    /// Functions below this one.
    pub(super) depth: usize,
    known: Vec<Known>,
}

/// A way to extend a function. `None` where the values at hand do not allow it.
type Step = fn(&mut Builder<'_>) -> Option<()>;

/// Larger arrays are not made.
const MAX_ELEMENTS: usize = 200;

impl<'a> Builder<'a> {
    pub(super) fn new(name: &str, options: &'a Options, random: &'a mut Random) -> Builder<'a> {
        Builder { func: Func::new(name, []), options, random, depth: 0, known: Vec::new() }
    }

    /// The type of a parameter: any dtype allowed, up to three of the extents.
    pub(super) fn random_type(&mut self, extents: &[usize]) -> Type {
        let mut dtypes = self.options.floats.clone();
        dtypes.extend(self.options.floats.clone());
        if self.options.complex {
            dtypes.extend(self.options.floats.iter().filter_map(|dtype| dtype.complex()));
        }
        if self.options.integers {
            dtypes.extend([DType::I32, *self.random.pick(&DType::ALL[..9])]);
        }
        let rank = *self.random.pick(&[0, 1, 1, 2, 2, 3]);
        let shape: Vec<usize> = (0..rank).map(|_| *self.random.pick(extents)).collect();
        Type::new(*self.random.pick(&dtypes), &shape)
    }

    /// A parameter with elements as `arguments` draws them.
    pub(super) fn param(&mut self, ty: Type) -> Value {
        self.param_known(ty, Known { bound: 4.0, spread: 0.0 })
    }

    pub(super) fn param_known(&mut self, ty: Type, known: Known) -> Value {
        self.known.push(known);
        self.func.push_param(ty)
    }

    pub(super) fn pick_of(&self, value: Value) -> Pick {
        Pick { value, ty: self.func.ty(value).clone(), known: self.known[value.index()] }
    }

    /// A value that satisfies a condition; later ones are likelier, so that functions grow deep.
    pub(super) fn pick(&mut self, mut accepts: impl FnMut(&Type, Known) -> bool) -> Option<Pick> {
        let fitting: Vec<Value> = (0..self.func.value_count())
            .map(Value::new)
            .filter(|&value| accepts(self.func.ty(value), self.known[value.index()]))
            .collect();
        if fitting.is_empty() {
            return None;
        }
        let (first, second) = (self.random.below(fitting.len()), self.random.below(fitting.len()));
        Some(self.pick_of(fitting[first.max(second)]))
    }

    /// A value of that very type.
    pub(super) fn pick_type(&mut self, ty: &Type) -> Option<Pick> {
        self.pick(|candidate, _| candidate == ty)
    }

    /// Appends an instruction with one result, unless its elements would have moved too far or be too many.
    pub(super) fn apply(&mut self, name: &str, args: &[Value], attrs: Attrs, known: Known) -> Option<Value> {
        let results = self.apply_all(name, args, attrs, &[known])?;
        Some(results[0])
    }

    /// Appends an instruction, given what is known of each result.
    pub(super) fn apply_all(
        &mut self,
        name: &str,
        args: &[Value],
        attrs: Attrs,
        known: &[Known],
    ) -> Option<Vec<Value>> {
        let prim = prim::by_name(name).unwrap_or_else(|| crate::error::internal(&format!("no primitive `{name}`")));
        let types: Vec<&Type> = args.iter().map(|&value| self.func.ty(value)).collect();
        let types = prim.infer(&types, &attrs).unwrap_or_else(|error| crate::error::internal(&error.to_string()));
        let fits = |ty: &Type| ty.len() <= MAX_ELEMENTS;
        if known.iter().any(|known| known.spread > MAX_SPREAD || !known.bound.is_finite()) || !types.iter().all(fits) {
            return None;
        }
        let range = self.func.push(prim, args.iter().copied(), attrs, types);
        self.known.extend_from_slice(known);
        Some(range.map(Value::new).collect())
    }

    /// A literal, as a scalar.
    pub(super) fn literal(&mut self, value: Scalar) -> Option<Value> {
        let known = Known { bound: value.as_f64().abs(), spread: 0.0 };
        self.apply("constant", &[], Attrs::none().with("value", Attr::Scalar(value)), known)
    }

    /// A literal, as an array.
    pub(super) fn filled(&mut self, ty: &Type, value: f64) -> Option<Value> {
        let scalar = self.literal(Scalar::real(ty.dtype, value))?;
        if ty.rank() == 0 {
            return Some(scalar);
        }
        let attrs = Attrs::none().with_sizes("shape", ty.shape.iter().copied()).with_ints("axes", []);
        self.apply("broadcast", &[scalar], attrs, Known { bound: value.abs(), spread: 0.0 })
    }

    /// Scales a value down if it is large.
    pub(super) fn moderate(&mut self, value: Value) -> Option<Value> {
        self.moderate_to(value, MODERATE)
    }

    /// Scales a value down if it is above a limit.
    pub(super) fn moderate_to(&mut self, value: Value, limit: f64) -> Option<Value> {
        let Pick { ty, known: Known { bound, spread }, .. } = self.pick_of(value);
        if bound <= limit || ty.dtype.is_bool() {
            return Some(value);
        }
        if ty.dtype.is_int() {
            let modulus = limit.min(5.0);
            let other = self.filled(&ty, modulus)?;
            return self.apply("rem", &[value, other], Attrs::none(), Known { bound: modulus, spread: 0.0 });
        }
        if ty.dtype.is_float() && limit >= 1.0 && self.random.coin() {
            return self.apply("tanh", &[value], Attrs::none(), Known { bound: 1.0, spread: spread + 1.0 });
        }
        // A power of two, so that what was exact stays exact.
        let factor = 2f64.powi((limit / bound).log2().floor() as i32);
        let other = self.filled(&ty, factor)?;
        self.apply("mul", &[value, other], Attrs::none(), Known { bound: bound * factor, spread: spread * factor })
    }

    /// One more step, of those that the options allow; nothing if none of several tries succeeds.
    pub(super) fn step(&mut self) {
        let mut families: Vec<&[Step]> = vec![
            super::arithmetic::STEPS,
            super::arithmetic::STEPS,
            super::movement::STEPS,
            super::order::STEPS,
            super::products::STEPS,
            super::matrices::STEPS,
        ];
        if self.options.control && self.depth < 2 {
            families.extend([super::control::STEPS, super::rules::STEPS]);
        }
        for _ in 0..20 {
            let family = *self.random.pick(&families);
            let step = *self.random.pick(family);
            let before = self.func.value_count();
            // A failed try may have left literals behind; they are harmless.
            if step(self).is_some() && self.func.value_count() > before {
                return;
            }
        }
    }

    /// Closes the function over the latest values that may be results.
    pub(super) fn finish(mut self, results: usize) -> Func {
        let smooth = self.options.differentiable;
        let accepts = |ty: &Type| !smooth || ty.dtype.is_inexact();
        let mut chosen: Vec<Value> = (0..self.func.value_count())
            .rev()
            .map(Value::new)
            .filter(|&value| accepts(self.func.ty(value)))
            .take(results)
            .collect();
        chosen.reverse();
        self.func.set_results(chosen);
        self.func
    }
}
