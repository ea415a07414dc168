//! Calls of the host: closures in the middle of programs, compiled, batched and differentiated.

use cotangent::{
    Array, DType, Error, ErrorKind, Function, HostCall, Result, Type, checkpoint, cond, custom_jvp, custom_vjp,
    debug_callback, debug_print, fori_loop, grad, host_call, jit, jvp, linearize, placeholder, scan, vmap, while_loop,
};
use std::sync::{Arc, Mutex};

fn scalar() -> Array {
    placeholder(Type::scalar(DType::F64))
}

fn vector(len: usize) -> Array {
    placeholder(Type::new(DType::F64, &[len]))
}

/// What closures were called with, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<f64>>>);

impl Log {
    fn push(&self, x: &Array) {
        self.0.lock().unwrap().extend(x.to_vec::<f64>().unwrap());
    }

    /// What was logged since the last time.
    fn take(&self) -> Vec<f64> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// A closure that logs its argument and adds one.
    fn next(&self) -> HostCall<Array, Array> {
        let log = self.clone();
        host_call("next", scalar(), move |x: Array| {
            log.push(&x);
            Ok(x + 1.0)
        })
    }

    fn watch(&self, x: &Array) -> Array {
        let log = self.clone();
        debug_callback(x, move |x: Array| log.push(&x))
    }
}

fn numbers(x: &Array) -> Vec<f64> {
    x.to_vec::<f64>().unwrap()
}

#[track_caller]
fn says<T: std::fmt::Debug>(outcome: Result<T>, kind: ErrorKind, parts: &[&str]) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let text = error.to_string();
    parts.iter().for_each(|part| assert!(text.contains(part), "`{text}` does not say `{part}`"));
}

#[test]
fn called_once_an_execution() {
    let log = Log::default();
    let next = log.next();
    let f = jit(move |x: Array| 10.0 * next.apply(&x * 2.0));
    assert_eq!(f.call(Array::from(1.0f64)).unwrap().item().unwrap(), 30.0);
    assert_eq!(f.call(Array::from(2.0f64)).unwrap().item().unwrap(), 50.0);
    assert_eq!(log.take(), [2.0, 4.0]);
    // Whether or not anybody uses what it returns, and however often it is written.
    let next = log.next();
    let f = jit(move |x: Array| {
        next.apply(x.clone());
        next.apply(x.clone());
        x
    });
    f.call(Array::from(7.0f64)).unwrap();
    assert_eq!(log.take(), [7.0, 7.0]);
    // Outside of any trace, at once.
    assert_eq!(log.next().call(Array::from(3.0f64)).unwrap().item().unwrap(), 4.0);
    assert_eq!(log.take(), [3.0]);
}

#[test]
fn trees_of_every_dtype() {
    let result = (placeholder(Type::new(DType::I8, &[2, 2])), placeholder(Type::scalar(DType::Bool)));
    let swap = host_call("swap", result, |(flag, bytes): (Array, Array)| Ok((bytes.t(), flag.logical_not())));
    let f = jit(move |flag: Array, bytes: Array| swap.apply((flag, bytes + 1)));
    let bytes = Array::from([[1i8, 2], [3, 4]]);
    let (transposed, flag) = f.call((Array::from(true), bytes)).unwrap();
    assert_eq!(transposed.to_vec::<i8>().unwrap(), [2, 4, 3, 5]);
    assert_eq!(flag.to_bools().unwrap(), [false]);
    let empty = host_call("empty", vector(0), |x: Array| Ok(x));
    assert_eq!(jit(empty).call(Array::zeros(&[0], DType::F64)).unwrap().shape().unwrap()[..], [0]);
    let nothing = host_call("nothing", (), |_: ()| Ok(()));
    jit(nothing).call(()).unwrap();
}

#[test]
fn in_loops_and_branches() {
    let log = Log::default();
    let next = log.next();
    let counted = jit(move |x: Array| fori_loop(0, 3, x, |_, x: Array| 2.0 * next.apply(x)));
    assert_eq!(counted.call(Array::from(1.0f64)).unwrap().item().unwrap(), 22.0);
    assert_eq!(log.take(), [1.0, 4.0, 10.0]);

    let next = log.next();
    let grown = jit(move |x: Array| while_loop(|x: Array| x.less(20.0), |x: Array| 3.0 * next.apply(x), x));
    assert_eq!(grown.call(Array::from(0.0f64)).unwrap().item().unwrap(), 39.0);
    assert_eq!(log.take(), [0.0, 3.0, 12.0]);

    let next = log.next();
    let scanned = jit(move |xs: Array| scan(|c: Array, x: Array| (next.apply(&c + x), c), Array::from(0.0f64), xs));
    let (last, all) = scanned.call(Array::from([1.0f64, 2.0, 3.0])).unwrap();
    assert_eq!((last.item().unwrap(), numbers(&all)), (9.0, vec![0.0, 2.0, 5.0]));
    assert_eq!(log.take(), [1.0, 4.0, 8.0]);

    let next = log.next();
    let chosen = jit(move |x: Array| cond(x.greater(0.0), |x: Array| next.apply(x), |x: Array| -x, x.clone()));
    assert_eq!(chosen.call(Array::from(-2.0f64)).unwrap().item().unwrap(), 2.0);
    assert_eq!(chosen.call(Array::from(5.0f64)).unwrap().item().unwrap(), 6.0);
    assert_eq!(log.take(), [5.0]);
}

/// Large enough for several workers, in a loop that writes its memory over and over.
#[test]
fn arguments_are_complete_and_stay() {
    cotangent::run::pool::set_threads(3).unwrap();
    const LEN: usize = 300_000;
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = kept.clone();
    let pass = host_call("pass", (vector(LEN), scalar()), move |x: Array| {
        keep.lock().unwrap().push(x.clone());
        Ok((&x + 1.0, x.sum()))
    });
    let f = jit(move |x: Array| {
        fori_loop(0, 4, (x, Array::from(0.0f64)), |_, (x, total): (Array, Array)| {
            let (y, sum) = pass.apply(&x * 2.0);
            ((&y * &y).sqrt() + (&x - &x), total + sum)
        })
    });
    let (last, total) = f.call(Array::ones(&[LEN], DType::F64)).unwrap();
    let mut expected = Vec::new();
    let mut x = 1.0;
    for kept in kept.lock().unwrap().iter() {
        let numbers = numbers(kept);
        assert!(numbers.iter().all(|&number| number == 2.0 * x), "{} where {} is due", numbers[0], 2.0 * x);
        expected.push(2.0 * x * LEN as f64);
        x = 2.0 * x + 1.0;
    }
    assert_eq!(expected.len(), 4);
    assert!(numbers(&last).iter().all(|&number| number == x));
    assert_eq!(total.item().unwrap(), expected.iter().sum::<f64>());
}

#[test]
fn batches() {
    let log = Log::default();
    let xs = Array::from([1.0f64, 2.0, 3.0]);
    let batched = jit(vmap(log.next()));
    assert_eq!(numbers(&batched.call(xs.clone()).unwrap()), [2.0, 3.0, 4.0]);
    assert_eq!(log.take(), [1.0, 2.0, 3.0]);
    // Twice batched, with an argument that all share.
    let sum = host_call("sum", scalar(), |(x, y): (Array, Array)| Ok(10.0 * x + y));
    let inner = move |x: Array, y: Array| sum.apply((x, y));
    let table = vmap(vmap(inner).in_axes(&[None, Some(0)])).in_axes(&[Some(0), None]);
    let table = table.call((xs.clone(), Array::from([1.0f64, 2.0]))).unwrap();
    assert_eq!(numbers(&table), [11.0, 12.0, 21.0, 22.0, 31.0, 32.0]);
    // Once for all.
    let seen = Arc::new(Mutex::new(Vec::new()));
    let shapes = seen.clone();
    let whole = host_call("whole", scalar(), move |x: Array| {
        shapes.lock().unwrap().push(x.shape()?.to_vec());
        Ok(x.sum_axes(&[-1]))
    });
    let whole = whole.whole_batch();
    let rows = Array::from([[1.0f64, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    assert_eq!(numbers(&vmap(whole).call(rows).unwrap()), [3.0, 7.0, 11.0]);
    assert_eq!(*seen.lock().unwrap(), [[3, 2]]);
    // What no item varies is called for once.
    let next = log.next();
    let constant = vmap(move |x: Array| x + next.apply(Array::from(5.0f64)));
    assert_eq!(numbers(&constant.call(xs).unwrap()), [7.0, 8.0, 9.0]);
    assert_eq!(log.take(), [5.0]);
}

#[test]
fn items_that_part_ways_are_refused() {
    let log = Log::default();
    let xs = Array::from([1.0f64, -2.0]);
    let next = log.next();
    let chosen = vmap(move |x: Array| cond(x.greater(0.0), |x: Array| next.apply(x), |x: Array| -x, x.clone()));
    says(chosen.call(xs.clone()), ErrorKind::Transform, &["switch", "host_call", "loop over the items"]);
    let next = log.next();
    let grown = vmap(move |x: Array| while_loop(|x: Array| x.less(20.0), |x: Array| next.apply(x), x));
    says(grown.call(xs.clone()), ErrorKind::Transform, &["while", "host_call", "loop over the items"]);
    assert_eq!(log.take(), [0.0; 0]);
    // Who only observes is shown everything.
    let watch = log.clone();
    let chosen = vmap(move |x: Array| cond(x.greater(0.0), |x: Array| watch.watch(&x), |x: Array| -x, x.clone()));
    assert_eq!(numbers(&chosen.call(xs).unwrap()), [1.0, 2.0]);
    assert_eq!(log.take(), [1.0, -2.0]);
}

/// sin, of which only the host knows how.
fn sine() -> HostCall<Array, Array> {
    host_call("sine", scalar(), |x: Array| Ok(x.sin()))
}

#[test]
fn derivatives_come_from_custom_rules() {
    let by_jvp = || {
        let (value, primal) = (sine(), sine());
        custom_jvp(move |x: Array| value.apply(x))
            .defjvp(move |x: Array, t: Array| (primal.apply(x.clone()), x.cos() * t))
    };
    let x = Array::from(0.5f64);
    assert_eq!(grad(by_jvp()).call(x.clone()).unwrap().item().unwrap(), 0.5f64.cos());
    let (_, tangent) = jvp(by_jvp(), x.clone(), Array::from(2.0f64)).unwrap();
    assert_eq!(tangent.item().unwrap(), 2.0 * 0.5f64.cos());
    let by_vjp = || {
        let (value, forward) = (sine(), sine());
        custom_vjp(
            move |x: Array| value.apply(x),
            move |x: Array| (forward.apply(x.clone()), x),
            |x: Array, ct: Array| x.cos() * ct,
        )
    };
    assert_eq!(grad(by_vjp()).call(x.clone()).unwrap().item().unwrap(), 0.5f64.cos());
    let xs = Array::from([0.25f64, 0.5]);
    let slopes = jit(vmap(grad(by_vjp()))).call(xs).unwrap();
    assert_eq!(numbers(&slopes), [0.25f64.cos(), 0.5f64.cos()]);
    says(grad(sine()).call(x.clone()), ErrorKind::Transform, &["sine", "custom_jvp", "stop_gradient"]);
    // What does not depend on the argument is no obstacle.
    let sine = sine();
    let scaled = move |x: Array| &x * sine.apply(x.stop_gradient());
    assert_eq!(grad(scaled).call(x).unwrap().item().unwrap(), 0.5f64.sin());
}

#[test]
fn linear_functions_have_their_transpose() {
    // x ↦ (x0 + x1, 2 x1), and back.
    let shear = host_call("shear", vector(2), |x: Array| {
        let x = x.to_vec::<f64>()?;
        Ok(Array::from([x[0] + x[1], 2.0 * x[1]]))
    });
    let shear = shear.linear(|ct: Array| {
        let ct = ct.to_vec::<f64>()?;
        Ok(Array::from([ct[0], ct[0] + 2.0 * ct[1]]))
    });
    let f = {
        let shear = shear.clone();
        move |x: Array| shear.apply(x.square()).sum()
    };
    let x = Array::from([3.0f64, 5.0]);
    // Σ = x0² + 3 x1².
    assert_eq!(numbers(&grad(&f).call(x.clone()).unwrap()), [6.0, 30.0]);
    assert_eq!(numbers(&jit(grad(&f)).call(x.clone()).unwrap()), [6.0, 30.0]);
    let rows = Array::from([[3.0f64, 5.0], [1.0, 1.0]]);
    assert_eq!(numbers(&vmap(grad(&f)).call(rows).unwrap()), [6.0, 30.0, 2.0, 6.0]);
    let (_, push) = linearize(move |x: Array| shear.apply(x), x).unwrap();
    assert_eq!(numbers(&push.call(Array::from([1.0f64, 2.0])).unwrap()), [3.0, 4.0]);
    assert_eq!(numbers(&push.transpose().unwrap().call(Array::from([1.0f64, 2.0])).unwrap()), [1.0, 5.0]);
    let wrong = host_call("wrong", scalar(), |x: Array| Ok(x.astype(DType::F64))).linear(|ct: Array| Ok(ct));
    says(wrong.call(Array::from(1i32)), ErrorKind::Structure, &["wrong", "floating point"]);
}

#[test]
fn failures_end_the_program() {
    let refuse = || Error::new(ErrorKind::Input, "probe", "the probe is not connected");
    let probe = host_call("probe", scalar(), move |_: Array| Err(refuse()));
    let x = Array::from(1.0f64);
    says(
        jit(probe.clone()).call(x.clone()),
        ErrorKind::Input,
        &["probe", "the function of the host failed", "connected"],
    );
    says(probe.call(x.clone()), ErrorKind::Input, &["probe", "connected"]);
    says(vmap(probe).call(Array::from([1.0f64, 2.0])), ErrorKind::Input, &["connected"]);

    let wide = host_call("wide", scalar(), |_: Array| Ok(Array::from([1.0f64, 2.0])));
    says(jit(wide).call(x.clone()), ErrorKind::Shape, &["wide", "returned f64[2]", "f64[] was announced"]);
    let single = host_call("single", scalar(), |_: Array| Ok(Array::from(1.0f32)));
    says(jit(single).call(x.clone()), ErrorKind::DType, &["single", "returned f32[]", "f64[] was announced"]);
    let several = host_call("several", vec![scalar()], |x: Array| Ok(vec![x.clone(), x]));
    says(jit(several).call(x.clone()), ErrorKind::Structure, &["several", "[*, *]", "[*] was announced"]);
    let leaves = host_call("mistake", scalar(), |x: Array| Ok(x + Array::from([1.0f64, 2.0]).reshape(&[3])));
    says(jit(leaves).call(x.clone()), ErrorKind::Shape, &["mistake", "reshape"]);

    let panicking = host_call("panicking", scalar(), |_: Array| -> Result<Array> { panic!("out of {}", "paper") });
    let f = jit(panicking);
    says(f.call(x.clone()), ErrorKind::Host, &["panicking", "panicked: out of paper"]);
    says(f.call(x.clone()), ErrorKind::Host, &["out of paper"]);
    // Later calls of the host do not happen, and loops that wait for them end.
    let log = Log::default();
    let fails_third = {
        let log = log.clone();
        host_call("third", scalar(), move |x: Array| {
            log.push(&x);
            if x.item()? == 2.0 { Err(Error::new(ErrorKind::Input, "third", "no more")) } else { Ok(x + 1.0) }
        })
    };
    let endless = move |x: Array| while_loop(|x: Array| x.greater_equal(0.0), |x: Array| fails_third.apply(x), x);
    says(jit(endless).call(Array::from(0.0f64)), ErrorKind::Input, &["no more"]);
    assert_eq!(log.take(), [0.0, 1.0, 2.0]);
    // Other calls are not affected.
    assert_eq!(jit(log.next()).call(x).unwrap().item().unwrap(), 2.0);
}

/// The same with several workers, which have to leave together.
#[test]
fn failures_end_programs_of_several_workers() {
    cotangent::run::pool::set_threads(3).unwrap();
    const LEN: usize = 300_000;
    let failing = host_call("failing", vector(LEN), |x: Array| match x.index_axis(0, LEN as isize - 1).item()? {
        last if last > 20.0 => Err(Error::new(ErrorKind::Input, "failing", "too large")),
        _ => Ok(x),
    });
    let f = jit(move |x: Array| fori_loop(0, 100, x, |_, x: Array| failing.apply((&x * 2.0).sqrt() * x.sqrt() + 1.0)));
    for _ in 0..20 {
        says(f.call(Array::ones(&[LEN], DType::F64)), ErrorKind::Input, &["too large"]);
    }
}

#[test]
fn observers_see_the_primal_once() {
    let log = Log::default();
    let f = {
        let log = log.clone();
        move |x: Array| log.watch(&x.square()).sum()
    };
    let x = Array::from([1.0f64, 3.0]);
    assert_eq!(numbers(&grad(&f).call(x.clone()).unwrap()), [2.0, 6.0]);
    assert_eq!(log.take(), [1.0, 9.0]);
    assert_eq!(numbers(&jit(grad(&f)).call(x.clone()).unwrap()), [2.0, 6.0]);
    assert_eq!(log.take(), [1.0, 9.0]);
    jvp(&f, x.clone(), x.clone()).unwrap();
    assert_eq!(log.take(), [1.0, 9.0]);
    vmap(grad(&f)).call(x.reshape(&[2, 1])).unwrap();
    assert_eq!(log.take(), [1.0, 9.0]);
    // What is computed again is shown again.
    grad(checkpoint(&f)).call(x).unwrap();
    assert_eq!(log.take(), [1.0, 9.0, 1.0, 9.0]);
    let watch = log.clone();
    let looped = grad(move |x: Array| fori_loop(0, 3, x, |_, x: Array| watch.watch(&x).sin()));
    looped.call(Array::from(0.5f64)).unwrap();
    assert_eq!(log.take(), [0.5, 0.5f64.sin(), 0.5f64.sin().sin()]);
}

#[test]
fn effects_keep_their_order() {
    let log = Log::default();
    let (next, watch) = (log.next(), log.clone());
    let f = jit(move |x: Array| {
        let first = watch.watch(&(&x + 100.0));
        let second = next.apply(x.clone());
        watch.watch(&(&x + 200.0));
        next.apply(&x + 300.0);
        first + second
    });
    f.call(Array::from(1.0f64)).unwrap();
    assert_eq!(log.take(), [101.0, 1.0, 201.0, 301.0]);
}

#[test]
fn formats_must_fit() {
    let x = Array::from(1.0f32);
    says(debug_print("{} and {}", &x).tensor(), ErrorKind::Argument, &["debug_print", "room for 2 arrays"]);
    says(jit(|x: Array| debug_print("x", &x)).call(x.clone()), ErrorKind::Argument, &["room for 0 arrays"]);
    says(debug_print("{:?}", &x).tensor(), ErrorKind::Argument, &["a brace that is no `{}`"]);
    let printed = jit(|x: Array| debug_print("{} then {}", &(x.clone(), x)).1).call(x).unwrap();
    assert_eq!(printed.item().unwrap(), 1.0);
}

#[test]
fn text_names_the_function_and_refuses_to_read_it() {
    let next = Log::default().next();
    let func = jit(move |x: Array| next.apply(x)).traced(&Array::from(1.0f64)).unwrap().func;
    let text = cotangent::ir::text::print::func(&func);
    assert!(text.contains("host_call v0 {host = @next, batch = []} : f64[]"), "{text}");
    let error = cotangent::ir::text::parse::functions(&text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parse);
    assert!(error.message().contains("which text cannot hold"), "{error}");
}

#[test]
fn interpreted_is_compiled() {
    let log = Log::default();
    let next = log.next();
    let f = move |x: Array| fori_loop(0, 2, x, |_, x: Array| next.apply(x) * 2.0);
    let traced = jit(vmap(f)).traced(&Array::from([1.0f64, 5.0])).unwrap();
    let mut arguments = traced.captures;
    arguments.push(Array::from([1.0f64, 5.0]));
    let data: Vec<_> = arguments.iter().map(|array| array.tensor().unwrap()).collect();
    let results = cotangent::ir::eval::eval(&traced.func, &data).unwrap();
    assert_eq!(numbers(&Array::from_tensor(results[0].clone())), [10.0, 26.0]);
    assert_eq!(log.take(), [1.0, 5.0, 4.0, 12.0]);
}
