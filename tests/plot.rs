//! Plots: every kind, as PNG and SVG, and what is refused.
//!
//! The pictures stay in the directory for temporary files of the tests, to be looked at.
#![cfg(feature = "plot")]

use cotangent::functional::L1Norm;
use cotangent::linop::Identity;
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Options, Pdhg, solve};
use cotangent::plot::{ColourBar, ColourMap, Figure, Scale, contour, convergence, imview, plot, surf};
use cotangent::{Array, DType, ErrorKind, stack};
use std::path::{Path, PathBuf};

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Writes a figure in both formats; the PNG decodes to its size, the SVG has the words.
#[track_caller]
fn check(name: &str, figure: &Figure, words: &[&str]) {
    figure.save(place(&format!("{name}.png"))).unwrap();
    figure.save(place(&format!("{name}.svg"))).unwrap();
    let svg = std::fs::read_to_string(place(&format!("{name}.svg"))).unwrap();
    assert!(words.iter().all(|word| svg.contains(word)), "{name} lacks one of {words:?}");
    assert!(figure.png().unwrap().starts_with(b"\x89PNG"));
}

fn hill() -> (Array, Array) {
    let t = Array::linspace(-2.0, 2.0, 40, DType::F64);
    let (x, y) = (t.clone(), t.expand_dims(1));
    let height =
        (-(x.square() + (&y - 0.5).square())).exp() - 0.6 * (-(2.0 * (x + 1.0).square() + (y + 1.0).square())).exp();
    (t, height)
}

#[test]
fn curves_are_drawn_on_every_scale() {
    let t = Array::linspace(0.1, 10.0, 80, DType::F64);
    let curves = plot(&stack(&[t.sin(), t.cos(), 0.1 * &t], 1)).unwrap().over(&t).unwrap();
    let curves = curves.legend(&["sine", "cosine", "line"]).title("curves").labels("time", "height");
    let decay = plot(&(-&t).exp()).unwrap().over(&t).unwrap();
    let gap = Array::from([1.0f64, 10.0, 0.0, 100.0, f64::NAN, 1000.0, 10.0]);
    let panels = [
        curves.into(),
        decay.clone().scale(Scale::LogY).title("LogY").into(),
        decay.scale(Scale::LogX).title("LogX").into(),
        plot(&gap).unwrap().scale(Scale::LogY).markers().title("gaps").into(),
    ];
    check("curves", &Figure::new(panels).columns(2), &["cosine", "height", "LogX", "gaps"]);
}

#[test]
fn images_have_titles_and_bars() {
    let (_, height) = hill();
    let wide = height.narrow(0, 0, 20);
    let ramp = Array::linspace(0.0, 1.0, 30, DType::F64);
    let colours = stack(
        &[ramp.expand_dims(1) + 0.0 * &ramp, ramp.expand_dims(1) * &ramp, 1.0 - ramp.expand_dims(1) * 0.0 * &ramp],
        2,
    );
    let panels = [
        imview(&height).unwrap().title("grey").into(),
        imview(&height)
            .unwrap()
            .title("tall bar")
            .colours(ColourMap::BlueRed)
            .bounds(-1.0, 1.0)
            .bar(ColourBar::Shown)
            .into(),
        imview(&wide).unwrap().title("wide bar").colours(ColourMap::YellowRed).bar(ColourBar::Shown).into(),
        imview(&colours).unwrap().title("colours").bar(ColourBar::Space).into(),
    ];
    let figure = Figure::new(panels).columns(2);
    check("images", &figure, &["grey", "tall bar", "data:image/png;base64,"]);
    assert_eq!(figure.svg().unwrap().matches("<image").count(), 4);
    let bytes = Array::new(&[1, 2, 3], &[255u8, 0, 0, 0, 255, 0]);
    check("bytes", &imview(&bytes).unwrap().into(), &["<image"]);
    check("stretched", &imview(&(5.0 * colours)).unwrap().rescaled().into(), &["<image"]);
}

#[test]
fn heights_are_drawn_as_lines_and_surfaces() {
    let (t, height) = hill();
    let lines = contour(&height).unwrap().over(&t, &t).unwrap().title("contour").labels("x", "y");
    let surface = surf(&height).unwrap().over(&t, &t).unwrap().title("surface").labels("x", "y", "z");
    let turned = surf(&height).unwrap().view(50.0, 30.0).contours(&[0.2, 0.5]).title("turned");
    check("heights", &Figure::new([lines.into(), surface.into(), turned.into()]), &["contour", "surface"]);
}

#[test]
fn a_solve_is_drawn_as_its_residuals() {
    let y = Array::linspace(-1.0, 1.0, 20, DType::F64);
    let identity = Identity::new(y.ty().unwrap());
    let method = Pdhg::new(SquaredL2Loss::new(y).unwrap(), 0.5 * L1Norm::new(), identity, 0.5, 0.5);
    let solution = solve(&method, &Options { max_steps: 30, ..Options::default() }).unwrap();
    let [objective, residuals] = convergence(&solution.history);
    check(
        "convergence",
        &Figure::new([objective.into(), residuals.into()]).size(900, 380),
        &["Prml Rsdl", "iteration"],
    );
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let complex = Array::zeros(&[2, 2], DType::C64);
    let kinds = [plot(&complex).unwrap_err(), imview(&complex).unwrap_err(), contour(&complex).unwrap_err()];
    assert!(kinds.iter().all(|error| error.kind() == ErrorKind::DType));
    let cube = Array::zeros(&[2, 2, 2], DType::F32);
    let shapes = [plot(&cube).unwrap_err(), imview(&cube).unwrap_err(), surf(&cube).unwrap_err()];
    assert!(shapes.iter().all(|error| error.kind() == ErrorKind::Shape));
    assert_eq!(imview(&Array::zeros(&[0, 3], DType::F32)).unwrap_err().kind(), ErrorKind::Shape);
    let line = Array::from([1.0f32, 2.0]);
    assert_eq!(plot(&line).unwrap().over(&Array::from([1.0f32])).unwrap_err().kind(), ErrorKind::Shape);
    let square = Array::zeros(&[2, 2], DType::F32);
    let falling = Array::from([2.0f32, 1.0]);
    assert_eq!(contour(&square).unwrap().over(&falling, &line).unwrap_err().kind(), ErrorKind::Argument);
    let figure = Figure::from(plot(&line).unwrap());
    assert!(figure.save(place("plot.gif")).unwrap_err().message().contains(".png"));
    assert!(figure.save(place("no/such/place.svg")).unwrap_err().message().contains("cannot be written"));
    assert!(Figure::from(imview(&square).unwrap()).size(10, 10).png().is_err());
    // Nothing but what cannot be shown is an empty plot.
    check("empty", &plot(&Array::from([f64::NAN; 3])).unwrap().scale(Scale::LogY).into(), &["<svg"]);
    check("constant", &plot(&Array::from([2.0f64; 3])).unwrap().into(), &["<svg"]);
}
