//! Programs to transform.

use cotangent_ir::prim::checkpoint::checkpoint_arrays;
use cotangent_ir::prim::control::{call_func, cond_arrays, fori_arrays, scan_arrays, switch_arrays, while_arrays};
use cotangent_ir::trace::trace;
use cotangent_ir::{Array, DType, Func, Scalar, Tensor, Type};
use std::sync::Arc;

/// A function with arguments at which it is smooth.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) func: Func,
    pub(crate) args: Vec<Tensor>,
    /// Whether reverse mode is possible.
    pub(crate) reverse: bool,
}

/// Every program.
pub(crate) fn programs() -> Vec<Program> {
    let (scalar, vector, matrix) = (f64s(&[]), f64s(&[3]), f64s(&[4, 3]));
    let complex = Type::new(DType::C128, &[3]);
    let int = Type::scalar(DType::I32);
    vec![
        forward_and_reverse("straight", &[vector.clone(), scalar.clone()], |x| {
            let y = x[0].sin() * &x[1] + x[0].exp();
            vec![(&y * &y).sum(), y / &x[0]]
        }),
        forward_and_reverse("unused parameter and constant result", &[vector.clone(), scalar.clone()], |x| {
            vec![Array::from(2.0), x[0].clone(), &x[0] * &x[0], x[0].clone()]
        }),
        forward_and_reverse("complex", &[complex, vector.clone()], |x| {
            let z = &x[0] * &x[1] + x[0].exp();
            vec![z.real().sum(), &z * x[0].conj(), z.imag()]
        }),
        forward_and_reverse("through integers", &[vector.clone(), scalar.clone()], |x| {
            let steps = x[0].astype(DType::I32).astype(DType::F64);
            vec![steps * &x[1] + x[0].greater(0.5).select(&x[0], 2.0)]
        }),
        forward_and_reverse("matrix product", &[matrix.clone(), vector.clone()], |x| {
            let y = x[0].matmul(&x[1]);
            vec![y.matmul(&x[0]).sin(), y.square().sum()]
        }),
        forward_and_reverse("scan", &[vector.clone(), vector.clone(), matrix.clone()], scan),
        forward_and_reverse("scan reversed", &[vector.clone(), matrix.clone()], |x| {
            let (carry, ys) = scan_arrays(&[x[0].clone()], &[x[1].clone()], 4, true, |c, s| {
                let next = &c[0] * s[0].cos();
                (vec![next.clone()], vec![next.sum(), s[0].square()])
            });
            [carry, ys].concat()
        }),
        forward_and_reverse("scan of nothing", &[vector.clone(), scalar.clone()], |x| {
            let (carry, ys) = scan_arrays(&[x[0].clone()], &[], 0, false, |c, _| {
                let next = &c[0] * &x[1];
                (vec![next.clone()], vec![next])
            });
            [carry, ys].concat()
        }),
        forward_and_reverse("scan with carries that exchange places", &[vector.clone(), vector.clone()], |x| {
            let zero = Array::zeros(&[3], DType::F64);
            let init = [zero.clone(), zero, x[0].clone(), Array::from(1)];
            let (carry, ys) = scan_arrays(&init, &[], 5, false, |c, _| {
                let next = vec![c[1].clone(), c[2].sin(), &c[0] + &c[2] * &x[1], &c[3] * 2];
                (next, vec![&c[0] * c[3].astype(DType::F64)])
            });
            [carry, ys].concat()
        }),
        forward_and_reverse("scan with work common to all iterations", &[vector.clone(), scalar.clone()], |x| {
            let (carry, _) = scan_arrays(&[x[0].clone()], &[], 3, false, |c, _| {
                let factor = x[1].sin().exp();
                (vec![(&c[0] * &factor * factor.square()).sin()], vec![])
            });
            carry
        }),
        forward_and_reverse("counted loop", &[vector.clone(), scalar.clone()], |x| {
            fori_arrays(2, 6, &[x[0].clone(), x[1].clone()], |k, c| {
                let k = k.astype(DType::F64);
                vec![(&c[0] * &k).sin() + &c[1], &c[1] * &x[1] / k]
            })
        }),
        forward_and_reverse("loop in a loop", &[vector.clone(), scalar.clone()], |x| {
            fori_arrays(0, 3, &[x[0].clone()], |k, outer| {
                let scaled = &outer[0] * (k.astype(DType::F64) + 1.0);
                fori_arrays(0, 2, &[scaled], |j, inner| {
                    vec![(&inner[0] * &x[1] + j.astype(DType::F64)).sin() * &outer[0]]
                })
            })
        }),
        forward_and_reverse("choice", &[int.clone(), vector.clone(), scalar.clone()], |x| choose(&x[0], &x[1], &x[2])),
        forward_and_reverse("condition on a value", &[vector.clone(), scalar.clone()], |x| {
            cond_arrays(
                &x[0].sum().greater(0.0),
                |v| vec![v[0].sin() * &x[1], v[0].clone()],
                |v| vec![v[0].clone(), v[0].square()],
                &x[..1],
            )
        }),
        forward_and_reverse("choice in a loop", &[vector.clone(), scalar.clone()], |x| {
            fori_arrays(0, 4, &[x[0].clone()], |k, c| choose(k, &c[0], &x[1])[..1].to_vec())
        }),
        forward_and_reverse("loop in a choice", &[int.clone(), vector.clone(), matrix.clone()], |x| {
            let looped = |v: &[Array]| scan(&[v[0].clone(), x[1].clone(), x[2].clone()])[..1].to_vec();
            switch_arrays(&x[0], vec![Box::new(|v| vec![v[0].square()]), Box::new(looped)], &x[1..2])
        }),
        forward_and_reverse("call", &[vector.clone(), scalar.clone()], |x| {
            let inner =
                trace("inner", [vector.clone(), scalar.clone()], |p| vec![&p[0] * &p[1], p[0].sin(), p[1].clone()]);
            let inner = Arc::new(inner.unwrap().func);
            let once = call_func(inner.clone(), x);
            call_func(inner, &[&once[0] * &once[1], once[2].clone()])
        }),
        forward_and_reverse("call in a loop", &[vector.clone(), scalar.clone()], |x| {
            let inner = trace("inner", [vector.clone(), scalar.clone()], |p| vec![(&p[0] * &p[1]).sin()]);
            let inner = Arc::new(inner.unwrap().func);
            fori_arrays(0, 3, &x[..1], |_, c| call_func(inner.clone(), &[c[0].clone(), x[1].clone()]))
        }),
        forward_and_reverse("call and what follows it in a checkpoint", &[vector.clone(), scalar.clone()], |x| {
            let inner = trace("inner", [vector.clone(), scalar.clone()], |p| vec![p[0].sin() * &p[1]]);
            let inner = Arc::new(inner.unwrap().func);
            checkpointed(x, |p| vec![call_func(inner.clone(), p)[0].sin() * &p[1]])
        }),
        forward_and_reverse(
            "choice and checkpoint in a checkpoint",
            &[int.clone(), vector.clone(), scalar.clone()],
            |x| {
                let twice = |x: &[Array]| checkpointed(x, |p| vec![(p[0].sin() * &p[1]).cos(), &p[0] * 2.0]);
                checkpointed(&x[1..], |p| {
                    let both = twice(p);
                    let chosen = choose(&x[0], &both[0], &p[1]);
                    vec![chosen[0].sin() * &both[1]]
                })
            },
        ),
        forward_and_reverse("loops in a checkpoint", &[vector.clone(), scalar.clone()], |x| {
            checkpointed(x, |p| {
                let once = fori_arrays(0, 2, &[p[0].clone()], |_, c| vec![c[0].sin() * &p[1]]);
                let again = fori_arrays(0, 2, &once, |_, c| vec![c[0].exp()]);
                vec![again[0].sin()]
            })
        }),
        forward_and_reverse("loop whose trip count does not matter", &[vector.clone(), scalar.clone()], |x| {
            let count = while_arrays(&[Array::from(0)], |c| c[0].less(5), |c| vec![&c[0] + 1]);
            vec![&x[0] * count[0].astype(DType::F64) * &x[1]]
        }),
        forward_only("loop with a condition", &[vector.clone(), scalar.clone()], |x| {
            let init = [x[0].clone(), Array::from(0), x[1].clone()];
            while_arrays(
                &init,
                |c| c[0].sum().less(20.0) & c[1].less(30),
                |c| vec![&c[0] * 1.5 + x[1].sin(), &c[1] + 1, &c[2] * &c[0].sum()],
            )
        }),
        forward_only("loops with conditions in a loop", &[vector.clone(), scalar.clone()], |x| {
            fori_arrays(0, 2, &x[..1], |_, outer| {
                while_arrays(outer, |c| c[0].sum().less(9.0), |c| vec![&c[0] * (&x[1] + 1.5)])
                    .into_iter()
                    .map(|y| y.sin() + 1.0)
                    .collect()
            })
        }),
    ]
}

fn scan(x: &[Array]) -> Vec<Array> {
    let (carry, ys) = scan_arrays(&[x[0].clone()], &[x[2].clone()], 4, false, |c, s| {
        let next = (&c[0] * &s[0] + &x[1]).sin();
        let output = &next * &c[0];
        (vec![next], vec![output])
    });
    [carry, ys].concat()
}

fn checkpointed(x: &[Array], body: impl FnOnce(&[Array]) -> Vec<Array>) -> Vec<Array> {
    let types: Vec<Type> = x.iter().map(|x| x.ty().unwrap()).collect();
    checkpoint_arrays(trace("again", types, body).unwrap(), x)
}

fn choose(index: &Array, x: &Array, factor: &Array) -> Vec<Array> {
    switch_arrays(
        index,
        vec![
            Box::new(|v| vec![v[0].sin() * v[0].exp(), Array::from(1.5)]),
            Box::new(|v| vec![&v[0] * factor, factor * factor]),
            Box::new(|v| vec![v[0].clone(), v[0].sum()]),
        ],
        std::slice::from_ref(x),
    )
}

fn f64s(shape: &[usize]) -> Type {
    Type::new(DType::F64, shape)
}

fn forward_and_reverse(name: &str, types: &[Type], body: impl FnOnce(&[Array]) -> Vec<Array>) -> Program {
    let func = match trace(name, types.to_vec(), body) {
        Ok(traced) => traced.func,
        Err(error) => panic!("{name}: {error}"),
    };
    let args = types.iter().enumerate().map(|(k, ty)| argument(ty, k)).collect();
    Program { name: name.into(), func, args, reverse: true }
}

fn forward_only(name: &str, types: &[Type], body: impl FnOnce(&[Array]) -> Vec<Array>) -> Program {
    Program { reverse: false, ..forward_and_reverse(name, types, body) }
}

/// Numbers away from the places where a program of the table is not smooth; the index of a choice is 0.
fn argument(ty: &Type, seed: usize) -> Tensor {
    match ty.dtype {
        dtype if dtype.is_inexact() => super::numbers(ty, seed),
        dtype => Tensor::from_scalar(Scalar::zero(dtype)),
    }
}
