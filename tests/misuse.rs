//! Mistakes: each gives an `Err` where the result is asked for, and its text names the operation, what was given, what was
//! expected, what to do, and the line of the mistake in this file.

use cotangent::{
    AllArguments, Argument, Array, DType, Error, ErrorKind, Function, Tree, Type, allow_int, axis_index, axis_size,
    cond, custom_jvp, custom_vjp, debug_print, eval_shape, fori_loop, grad, hessian, host_call, impl_tree, jacfwd,
    jacrev, jit, jvp, linear_transpose, linearize, placeholder, psum, scan, switch, trivial_tangent, value_and_grad,
    vjp, vmap, while_loop,
};
use std::cell::RefCell;

/// Checks class, operation, place (a line of this file, unless 0) and that the text has all the words.
#[track_caller]
fn expect<T>(result: Result<T, Error>, kind: ErrorKind, operation: &str, line: u32, words: &[&str]) {
    let Err(error) = result else { panic!("`{operation}` was expected to fail") };
    let text = error.to_string();
    assert_eq!((error.kind(), error.operation()), (kind, operation), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is missing: {text}");
    }
    let place = error.location().unwrap_or_else(|| panic!("no place: {text}"));
    assert!(place.file().ends_with("misuse.rs"), "{text}");
    assert_eq!(place.line(), line, "{text}");
    assert!(text.contains(&format!("misuse.rs:{line}:")), "{text}");
}

fn vector(n: usize) -> Array {
    Array::arange(n, DType::F32)
}

#[test]
fn shapes_that_do_not_broadcast() {
    let (sum, line) = (vector(3) + vector(4), line!());
    expect(sum.to_vec::<f32>(), ErrorKind::Shape, "add", line, &["f32[3]", "f32[4]"]);
}

#[test]
fn the_first_error_travels() {
    let (sum, line) = (vector(3) + vector(4), line!());
    let later = ((sum.sin() * 2.0).sum() + 1.0).sqrt();
    expect(later.item(), ErrorKind::Shape, "add", line, &["f32[3]", "f32[4]"]);
}

#[test]
fn dtypes_without_the_operation() {
    let z = Array::complex(vector(2), 1.0);
    let (rounded, line) = (z.floor(), line!());
    expect(rounded.tensor(), ErrorKind::DType, "floor", line, &["c64", "f32 or f64"]);
}

#[test]
fn data_read_as_another_dtype() {
    let x = vector(2);
    let (read, line) = (x.to_vec::<f64>(), line!());
    expect(read, ErrorKind::DType, "to_vec", line, &["f32[2]", "f64", "astype"]);
}

#[test]
fn item_of_many() {
    let (read, line) = (vector(2).item(), line!());
    expect(read, ErrorKind::Shape, "item", line, &["f32[2]", "2 elements", "reduce"]);
}

#[test]
fn wrong_number_of_elements() {
    let (array, line) = (Array::new(&[2, 2], &[1.0f32, 2.0, 3.0]), line!());
    expect(array.to_vec::<f32>(), ErrorKind::Shape, "array", line, &["[2, 2]", "4", "3"]);
}

#[test]
fn axis_out_of_range() {
    let (sum, line) = (vector(3).sum_axes(&[1]), line!());
    expect(sum.item(), ErrorKind::Argument, "sum_axes", line, &["1"]);
}

#[test]
fn mistake_inside_a_compiled_function() {
    let line = line!() + 1;
    let f = jit(|x: Array| (&x + vector(4)).sum());
    expect(f.call(vector(3)), ErrorKind::Shape, "add", line, &["f32[3]", "f32[4]"]);
    assert!(f.call(vector(4)).is_ok(), "another type is another trace");
}

#[test]
fn mistake_inside_every_transformation() {
    let bad = |x: Array| (&x + vector(4)).sum();
    let line = line!() - 1;
    let words = ["f32[3]", "f32[4]"];
    let check = |result: Result<(), Error>| expect(result, ErrorKind::Shape, "add", line, &words);
    check(grad(bad).call(vector(3)).map(drop));
    check(value_and_grad(bad).call(vector(3)).map(drop));
    check(jvp(bad, vector(3), vector(3)).map(drop));
    check(vjp(bad, vector(3)).map(drop));
    check(linearize(bad, vector(3)).map(drop));
    check(linear_transpose(bad, &vector(3)).map(drop));
    check(eval_shape(bad, &vector(3)).map(drop));
    check(jacfwd(bad).call(vector(3)).map(drop));
    check(vmap(bad).call(Array::zeros(&[2, 3], DType::F32)).map(drop));
    check(jit(vmap(grad(bad))).call(Array::zeros(&[2, 3], DType::F32)).map(drop));
    check(grad(jit(bad)).call(vector(3)).map(drop));
    check(grad(bad).apply(vector(3)).tensor().map(drop));
}

#[test]
fn error_as_an_argument() {
    let (wrong, line) = (vector(3) + vector(4), line!());
    let words = ["f32[3]", "f32[4]"];
    let f = |x: Array| x.sin().sum();
    let check = |result: Result<(), Error>| expect(result, ErrorKind::Shape, "add", line, &words);
    check(jit(f).call(wrong.clone()).map(drop));
    check(grad(f).call(wrong.clone()).map(drop));
    check(vmap(f).call(wrong.clone()).map(drop));
    check(jvp(f, wrong.clone(), vector(3)).map(drop));
    check(scan(|s: Array, x: Array| (s + x, ()), Array::from(0.0f32), wrong.clone()).0.item().map(drop));
    check(cond(Array::from(true), f, f, wrong.clone()).item().map(drop));
    check(while_loop(|x: Array| x.sum().less(1.0), |x| x + 1.0, wrong).to_vec::<f32>().map(drop));
}

#[test]
fn elements_of_a_traced_value() {
    let line = line!() + 2;
    let f = jit(|x: Array| {
        let value = x.sum().item();
        match value {
            Ok(value) => x * value,
            Err(error) => Array::from_error(error),
        }
    });
    expect(f.call(vector(3)), ErrorKind::Trace, "item", line, &["f32[]", "traced", "cond", "while_loop"]);
}

#[test]
fn leaked_traced_value() {
    let leaked = RefCell::new(None);
    let keep = |x: Array| {
        *leaked.borrow_mut() = Some(x.clone());
        x
    };
    eval_shape(keep, &vector(2)).unwrap();
    let leaked = leaked.into_inner().unwrap();
    let words = ["outlived", "return it"];
    let (sum, line) = (&leaked + 1.0, line!());
    expect(sum.to_vec::<f32>(), ErrorKind::Trace, "add", line, &words);
    let (read, line) = (leaked.to_vec::<f32>(), line!());
    expect(read, ErrorKind::Trace, "to_vec", line, &words);
    let line = line!() + 1;
    let captured = jit(move |x: Array| x + &leaked).call(vector(2));
    expect(captured, ErrorKind::Trace, "add", line, &words);
}

#[test]
fn traced_value_on_another_thread() {
    let line = line!() + 2;
    let f = jit(|x: Array| {
        std::thread::scope(|scope| scope.spawn(|| &x + 1.0).join()).unwrap_or_else(|_| Array::from(0.0f32))
    });
    expect(f.call(vector(2)), ErrorKind::Trace, "add", line, &["another thread", "one thread"]);
}

#[test]
fn differentiating_integers() {
    let (result, line) = (grad(|x: Array| x.astype(DType::F32).sum()).call(Array::from([1i32, 2])), line!());
    expect(result, ErrorKind::DType, "grad", line, &["i32[2]", "f32, f64", "astype", "wrt"]);
    let (result, line) = (vjp(|x: Array| x, Array::from(true)), line!());
    expect(result, ErrorKind::DType, "vjp", line, &["bool[]", "astype"]);
    let by_second = |x: Array, n: Array| (x * n).sum();
    let args = (vector(2), Array::from([1i32, 2]));
    assert!(grad(by_second).call(args.clone()).is_ok());
    let (result, line) = (grad(by_second).wrt::<Argument<1>>().call(args.clone()), line!());
    expect(result, ErrorKind::DType, "grad", line, &["i32[2]"]);
    let (result, line) = (grad(by_second).wrt::<AllArguments>().call(args), line!());
    expect(result, ErrorKind::DType, "grad", line, &["i32[2]"]);
}

#[test]
fn tangents_of_integers() {
    let f = |x: Array, n: Array| (x * n).sum();
    let args = (vector(2), Array::from([1i32, 2]));
    let words = ["i32[2]", "bool[2,0]", "trivial_tangent", "astype"];
    let (result, line) = (jvp(f, args.clone(), args.clone()), line!());
    expect(result, ErrorKind::DType, "jvp", line, &words);
    assert!(jvp(f, args.clone(), (vector(2), trivial_tangent(&args.1))).is_ok());
    let (result, line) = (jvp(f, args.clone(), (trivial_tangent(&args.1), args.1.clone())), line!());
    expect(result, ErrorKind::DType, "jvp", line, &words);
    // The other transformations name what would allow them.
    let allowed = ["i32[2]", "allow_int"];
    let (result, line) = (vjp(f, args.clone()), line!());
    expect(result, ErrorKind::DType, "vjp", line, &allowed);
    let (result, line) = (linearize(f, args.clone()), line!());
    expect(result, ErrorKind::DType, "linearize", line, &allowed);
    let (result, line) = (jacrev(f).wrt::<Argument<1>>().call(args.clone()), line!());
    expect(result, ErrorKind::DType, "jacrev", line, &allowed);
    let (result, line) = (jacfwd(f).wrt::<Argument<1>>().call(args.clone()), line!());
    expect(result, ErrorKind::DType, "jacfwd", line, &allowed);
    let (result, line) = (grad(f).wrt::<Argument<1>>().call(args.clone()), line!());
    expect(result, ErrorKind::DType, "grad", line, &allowed);
    // What is allowed is still not a number.
    let gradient = grad(allow_int(f)).wrt::<Argument<1>>().call(args.clone()).unwrap();
    let (sum, line) = (&args.1 + gradient, line!());
    expect(sum.tensor(), ErrorKind::Shape, "add", line, &["i32[2]", "bool[2,0]"]);
}

#[test]
fn complex_derivatives_of_functions_not_said_to_be_holomorphic() {
    let z = Array::complex(vector(2), 1.0);
    let square = |z: Array| &z * &z;
    let words = ["c64[2]", "holomorphic()"];
    let (result, line) = (jacrev(square).call(z.clone()), line!());
    expect(result, ErrorKind::DType, "jacrev", line, &words);
    let (result, line) = (jacfwd(square).call(z.clone()), line!());
    expect(result, ErrorKind::DType, "jacfwd", line, &words);
    let (result, line) = (hessian(|z: Array| z.abs2().sum()).call(z), line!());
    expect(result, ErrorKind::DType, "jacfwd", line, &words);
    let (result, line) = (jacrev(square).holomorphic().call(vector(2)), line!());
    expect(result, ErrorKind::DType, "jacrev", line, &["f32[2]", "holomorphic()"]);
    let (result, line) = (jacfwd(|x: Array| x.argmax()).call(vector(2)), line!());
    expect(result, ErrorKind::DType, "jacfwd", line, &["floating point", "astype"]);
}

#[test]
fn custom_rules_that_do_not_fit() {
    let of = |result: Array, line, operation: &str, words: &[&str]| {
        expect(result.tensor(), ErrorKind::Structure, operation, line, words);
    };
    let x = vector(2);
    let remedy = "the same structure and types";
    let rule = custom_jvp(|x: Array| x).defjvp(|x: Array, t: Array| (x.sum(), t));
    let (y, line) = (rule.apply(x.clone()), line!());
    of(y, line, "custom_jvp", &["the result of the rule", "f32[2]", "f32[]", remedy]);
    let rule = custom_jvp(|x: Array| x).defjvp(|x: Array, t: Array| (x, t.sum()));
    let (y, line) = (rule.apply(x.clone()), line!());
    of(y, line, "custom_jvp", &["the tangent of the rule", "f32[2]", "f32[]", remedy]);
    let rule = custom_jvp(|x: Array| vec![x]).defjvp(|x: Array, t: Array| (vec![x], vec![t.clone(), t]));
    let (y, line) = (rule.apply(x.clone()).remove(0), line!());
    of(y, line, "custom_jvp", &["the tangent of the rule", "[f32[2]]", "[f32[2], f32[2]]", remedy]);
    let rule = custom_jvp(|x: Array| vec![x])
        .defjvp(|x: Array, t: Option<Array>| (vec![x], vec![t.clone(), t]))
        .symbolic_zeros();
    let (y, line) = (rule.apply(x.clone()).remove(0), line!());
    of(y, line, "custom_jvp", &["the tangent of the rule", "2 arrays or `None`s", "one for each array"]);
    let rule = custom_jvp(|x: Array, n: Array| x * n)
        .defjvp(|(x, n): (Array, Array), (t, _): (Array, Array)| (&x * &n, t.astype(DType::F64)));
    let (y, line) = (rule.apply((x.clone(), Array::from(3i32))), line!());
    of(y, line, "custom_jvp", &["the tangent of the rule", "f32[2]", "f64[2]"]);

    let rule = custom_vjp(|x: Array| x, |x: Array| (x.sum(), ()), |(): (), ct: Array| ct);
    let (y, line) = (rule.apply(x.clone()), line!());
    of(y, line, "custom_vjp", &["the result of the forward rule", "f32[2]", "f32[]", "then the residuals"]);
    let rule = custom_vjp(|x: Array| x, |x: Array| (x, ()), |(): (), ct: Array| ct.sum());
    let (y, line) = (rule.apply(x.clone()), line!());
    of(y, line, "custom_vjp", &["what the backward rule returns", "f32[2]", "f32[]", "for every argument"]);
    let rule =
        custom_vjp(|x: Array, n: Array| x * n, |x: Array, n: Array| (x * &n, n), |n: Array, ct: Array| (ct * &n, n));
    let (y, line) = (rule.apply((x, Array::from(3i32))), line!());
    of(y, line, "custom_vjp", &["what the backward rule returns", "bool[0]", "i32[]"]);
}

#[test]
fn rules_that_captured_what_is_differentiated_by() {
    let scaled = |a: Array| {
        let rule = custom_jvp(|x: Array| &a * x).defjvp(|x: Array, t: Array| (&a * x, &a * t));
        rule.apply(Array::from(2.0f32))
    };
    let (result, line) = (grad(scaled).call(Array::from(3.0f32)), line!());
    expect(result, ErrorKind::Transform, "custom_jvp", line, &["captured", "as an argument", "stop_gradient"]);
    let scaled = |a: Array| {
        let rule = custom_vjp(|x: Array| &a * x, |x: Array| (&a * x, ()), |(): (), ct: Array| &a * ct);
        rule.apply(Array::from(2.0f32))
    };
    let (result, line) = (grad(scaled).call(Array::from(3.0f32)), line!());
    expect(result, ErrorKind::Transform, "custom_vjp", line, &["captured", "as an argument", "stop_gradient"]);
}

#[test]
fn differentiating_by_a_rust_number() {
    let (result, line) = (grad(|x: f64| Array::from(x).sin()).call(1.0), line!());
    expect(result, ErrorKind::Structure, "grad", line, &["1.0f64", "Array::from"]);
}

#[test]
fn gradient_of_what_is_not_a_scalar() {
    let (result, line) = (grad(|x: Array| x.sin()).call(vector(3)), line!());
    expect(result, ErrorKind::Shape, "grad", line, &["scalar", "f32[3]", "sum", "jacrev"]);
    let (result, line) = (grad(|x: Array| x.sum().astype(DType::I32)).call(vector(3)), line!());
    expect(result, ErrorKind::DType, "grad", line, &["i32[]", "astype"]);
    let (result, line) = (grad(|x: Array| Array::complex(&x, 1.0).sum()).call(vector(3)), line!());
    expect(result, ErrorKind::DType, "grad", line, &["c64[]", "real", "holomorphic"]);
    let (result, line) = (grad(|x: Array| x.sum()).holomorphic().call(vector(3)), line!());
    expect(result, ErrorKind::DType, "grad", line, &["f32[]", "complex", "holomorphic"]);
}

#[test]
fn tangents_unlike_arguments() {
    let f = |x: Array| x.sin();
    let (result, line) = (jvp(f, vector(3), vector(2)), line!());
    expect(result, ErrorKind::Structure, "jvp", line, &["f32[3]", "f32[2]", "tangent"]);
    let (_, pull) = vjp(f, vector(3)).unwrap();
    let (result, line) = (pull.call(vector(2)), line!());
    expect(result, ErrorKind::Structure, "vjp", line, &["cotangent", "f32[3]", "f32[2]", "result"]);
    let (result, line) = (pull.call(vector(3).astype(DType::F64)), line!());
    expect(result, ErrorKind::Structure, "vjp", line, &["cotangent", "f32[3]", "f64[3]"]);
    let (_, push) = linearize(f, vector(3)).unwrap();
    let (result, line) = (push.call(vector(2)), line!());
    expect(result, ErrorKind::Structure, "linearize", line, &["the tangent", "f32[3]", "f32[2]", "arguments"]);
    let transposed = linear_transpose(|x: Array| 2.0 * x, &vector(3)).unwrap();
    let (result, line) = (transposed.call(vector(2)), line!());
    expect(result, ErrorKind::Structure, "linear_transpose", line, &["the cotangent", "f32[3]", "f32[2]"]);
}

#[test]
fn transposing_what_is_not_linear() {
    let (transposed, line) = (linear_transpose(|x: Array| x.sin(), &vector(3)), line!());
    expect(transposed, ErrorKind::Transform, "sin", line, &["not linear", "linearize", "vjp"]);
    let (transposed, line) = (linear_transpose(|x: Array| &x * &x, &vector(3)), line!());
    expect(transposed, ErrorKind::Transform, "mul", line, &["not linear"]);
}

#[test]
fn axes_to_batch_over() {
    let f = |x: Array, y: Array| x * y;
    let (result, line) = (vmap(f).call((vector(3), vector(4))), line!());
    expect(result, ErrorKind::Shape, "vmap", line, &["f32[3]", "f32[4]", "equal", "in_axes"]);
    let (result, line) = (vmap(f).call((vector(3), Array::from(1.0f32))), line!());
    expect(result, ErrorKind::Argument, "vmap", line, &["f32[]", "axis 0", "None"]);
    let (result, line) = (vmap(f).in_axes(&[Some(0)]).call((vector(3), vector(3))), line!());
    expect(result, ErrorKind::Argument, "vmap", line, &["1 entries", "2 arguments"]);
    let (result, line) = (vmap(f).in_axes(&[None, None]).call((vector(3), vector(3))), line!());
    expect(result, ErrorKind::Argument, "vmap", line, &["no argument", "in_axes"]);
}

#[test]
fn states_that_change_type() {
    let (state, line) = (while_loop(|x: Array| x.less(3), |x| x + 0.5, Array::from(0i32)), line!());
    expect(state.item(), ErrorKind::Structure, "while_loop", line, &["i32[]", "f32[]", "convert"]);
    let (state, line) = (fori_loop(0, 3, vec![vector(2)], |_, x| vec![x[0].clone(); 2]), line!());
    expect(state[0].tensor(), ErrorKind::Structure, "fori_loop", line, &["[f32[2]]", "[f32[2], f32[2]]"]);
    let (state, line) = (fori_loop(0, 3, (vector(2), 0usize), |_, (x, n)| (x, n + 1)), line!());
    expect(state.0.tensor(), ErrorKind::Structure, "fori_loop", line, &["0usize", "1usize", "Array::from"]);
    let (state, line) =
        (scan(|s: Array, x: Array| (s * x, ()), Array::from(1.0f32), Array::zeros(&[3, 2], DType::F32)), line!());
    expect(state.0.tensor(), ErrorKind::Structure, "scan", line, &["f32[]", "f32[2]"]);
}

#[test]
fn conditions_that_are_not_truth_values() {
    let (state, line) = (while_loop(|x: Array| 3 - x, |x| x + 1, Array::from(0i32)), line!());
    expect(state.item(), ErrorKind::Structure, "while", line, &["i32[]", "bool[]"]);
    let x = vector(2);
    let (chosen, line) = (cond(x.less(1.0), |x: Array| x, |x: Array| -x, x.clone()), line!());
    expect(chosen.tensor(), ErrorKind::Argument, "cond", line, &["bool[2]", "boolean scalar", "select"]);
    let branches: [&dyn Fn(Array) -> Array; 2] = [&|x| x, &|x| -x];
    let (chosen, line) = (switch(Array::from(0.5f32), &branches, x), line!());
    expect(chosen.tensor(), ErrorKind::Argument, "switch", line, &["f32[]", "integer"]);
}

#[test]
fn branches_that_differ() {
    let (chosen, line) = (cond(Array::from(true), |x: Array| x.sum(), |x: Array| x, vector(2)), line!());
    expect(chosen.tensor(), ErrorKind::Structure, "cond", line, &["`otherwise` gives f32[2]", "`then` gives f32[]"]);
    let branches: [&dyn Fn(Array) -> Vec<Array>; 2] = [&|x| vec![x], &|x| vec![x.clone(), x]];
    let (chosen, line) = (switch(Array::from(0i32), &branches, vector(2)), line!());
    expect(chosen[0].tensor(), ErrorKind::Structure, "switch", line, &["branch 0", "branch 1", "[f32[2], f32[2]]"]);
}

#[test]
fn scanning_what_has_no_slices() {
    let body = |s: Array, x: Array| (s + x, ());
    let (state, line) = (scan(body, Array::from(0.0f32), Array::from(1.0f32)), line!());
    expect(state.0.item(), ErrorKind::Shape, "scan", line, &["axis 0", "f32[]", "capture"]);
    let pair = |s: Array, (x, y): (Array, Array)| (s + x + y, ());
    let (state, line) = (scan(pair, Array::from(0.0f32), (vector(2), vector(3))), line!());
    expect(state.0.item(), ErrorKind::Shape, "scan", line, &["f32[2]", "f32[3]", "axis 0"]);
    let (state, line) = (scan(|s: Array, (): ()| (s, ()), Array::from(0.0f32), ()), line!());
    expect(state.0.item(), ErrorKind::Structure, "scan", line, &["fori_loop"]);
}

#[test]
fn reverse_mode_through_while() {
    let f = |x: Array| while_loop(|y: Array| y.less(100.0), |y| y * 2.0, x);
    let error = grad(f).call(Array::from(3.0f32)).expect_err("no reverse mode through `while`");
    assert_eq!(error.kind(), ErrorKind::Transform);
    assert!(error.to_string().contains("scan"), "{error}");
    let (value, tangent) = jvp(f, Array::from(3.0f32), Array::from(1.0f32)).unwrap();
    assert_eq!((value.item().unwrap(), tangent.item().unwrap()), (192.0, 64.0));
}

#[test]
fn structure_of_results_to_write_into() {
    let f = jit(|x: Vec<Array>| x);
    let mut out = vec![vector(2)];
    let line = line!() + 1;
    let result = f.call_into(vec![vector(2), vector(2)], &mut out);
    expect(result, ErrorKind::Structure, "call_into", line, &["`out`", "[f32[2]]", "[f32[2], f32[2]]"]);
    assert_eq!(out[0].to_vec::<f32>().unwrap(), [0.0, 1.0], "left as it was");
}

#[test]
fn computing_with_a_placeholder() {
    let x = placeholder(Type::new(DType::F32, &[2]));
    let (sum, line) = (&x + 1.0, line!());
    expect(sum.tensor(), ErrorKind::Trace, "add", line, &["outlived"]);
    let (result, line) = (jit(|x: Array| x).call(x), line!());
    expect(result.map(drop), ErrorKind::Trace, "call", line, &["outlived"]);
}

#[derive(Clone)]
struct Settings {
    x: Array,
    steps: usize,
}
impl_tree!(Settings { x, steps });

#[test]
fn settings_belong_to_the_structure() {
    let power = jit(|s: Settings| (0..s.steps).fold(s.x.ones_like(), |y, _| y * &s.x));
    let at = |steps| power.call(Settings { x: Array::from(2.0f32), steps }).unwrap().item().unwrap();
    assert_eq!((at(2), at(5), at(2)), (4.0, 32.0, 4.0));
    let settings = Settings { x: vector(3), steps: 1 };
    assert_eq!(settings.describe(), "Settings { x: f32[3], steps: 1usize }");
}

#[test]
fn names_of_axes_that_are_not_bound() {
    let unbound = jit(vmap(|x: Array| psum(x, "k")).axis_name("i"));
    let line = line!() - 1;
    let words = ["`k` is not bound here", "`i` are bound", "`vmap(..).axis_name(\"k\")`"];
    expect(unbound.call(vector(2)), ErrorKind::Trace, "psum", line, &words);
    let (size, line) = (axis_size("rows"), line!());
    expect(size, ErrorKind::Trace, "axis_size", line, &["`rows`", "no axis has a name"]);
    let (index, line) = (axis_index("rows"), line!());
    expect(index.tensor(), ErrorKind::Trace, "axis_index", line, &["`rows`"]);
    let f = grad(|x: Array| x).reduce_axes("rows");
    let (slope, line) = (f.call(Array::from(1.0f32)), line!());
    expect(slope, ErrorKind::Trace, "reduce_axes", line, &["`rows` is not bound"]);
}

#[test]
fn functions_of_the_host() {
    let none = host_call("none", placeholder(Type::scalar(DType::F32)), |_: Array| -> Result<Array, Error> {
        Err(Error::new(ErrorKind::Input, "sensor", "it is dark"))
    });
    let (result, line) = (jit(none.clone()).call(Array::from(1.0f32)), line!());
    expect(result, ErrorKind::Input, "none", line, &["the function of the host failed", "it is dark"]);
    let (slope, line) = (grad(none).call(Array::from(1.0f32)), line!());
    expect(slope, ErrorKind::Transform, "none", line, &["has no derivative", "`custom_vjp`", "`linear`"]);
    let (shown, line) = (debug_print("{} {}", &vector(1)), line!());
    expect(shown.tensor(), ErrorKind::Argument, "debug_print", line, &["room for 2 arrays", "given are 1"]);
}
