//! X-ray transforms and the propagation of light: the adjoint law, what they preserve, reconstructions, mistakes.

use crate::sample::{INEXACT, adjoint_tolerance, assert_close, elements, number, random};
use crate::stacks::assert_algebra;
use cotangent::compile::report::Work;
use cotangent::compile::{Options, compile_uncached};
use cotangent::linop::optics::{FraunhoferPropagator, Propagator, radial_frequency};
use cotangent::linop::xray::{
    AbelTransform, AxiallySymmetricVolume, EulerAngles, SymConeXRayTransform, XRayTransform2D, XRayTransform3D,
};
use cotangent::linop::{LinOp, LinearOperator, Structure, adjoint_error};
use cotangent::{Array, DType, Error, ErrorKind, Function, Result, Type, grad, jit, metric, vmap};
use num_complex::Complex;
use std::f64::consts::{PI, TAU};

fn angles(count: usize) -> Vec<f64> {
    (0..count).map(|view| PI * view as f64 / count as f64).collect()
}

/// Views of a volume of 5 by 4 by 6 by rotations in general position.
fn matrices() -> Array {
    let angles = Array::from([[0.1f64, 0.4, -0.3], [0.9, -0.3, 2.0]]);
    EulerAngles::new("XYZ", angles).and_then(|rotations| rotations.matrices([5, 4, 6], [7, 6])).unwrap()
}

/// Every projector, of odd and even extents, on inputs of one dtype.
fn projectors(dtype: DType) -> Result<Vec<(&'static str, LinOp)>> {
    let (image, even) = (Type::new(dtype, &[9, 8]), Type::new(dtype, &[6, 6]));
    let volume = Type::new(dtype, &[5, 4, 6]);
    let plane = || XRayTransform2D::new(image.clone(), angles(5));
    let cone = |input: &Type| SymConeXRayTransform::new(input.clone(), 20.0, 30.0);
    Ok(vec![
        ("plane", plane()?.into()),
        ("plane, other geometry", plane()?.pixels([0.55, 0.65])?.corner([-3.3, -2.1])?.bins(10)?.start(-4.25)?.into()),
        ("plane, few bins", plane()?.bins(5)?.centred().into()),
        ("volume", XRayTransform3D::new(volume.clone(), matrices(), [7, 6])?.into()),
        ("volume, small detector", XRayTransform3D::new(volume.clone(), matrices(), [3, 2])?.into()),
        ("abel, even", AbelTransform::new(image.clone())?.into()),
        ("abel, odd", AbelTransform::new(Type::new(dtype, &[4, 7]))?.into()),
        ("symmetric volume", AxiallySymmetricVolume::new(image.clone(), 0)?.into()),
        ("symmetric volume about 1", AxiallySymmetricVolume::new(image.clone(), 1)?.center(2.5)?.into()),
        ("cone", cone(&image)?.into()),
        ("cone about 1", cone(&image)?.axis(-1)?.pixels(0.5, 0.8)?.into()),
        ("cone, other detector", cone(&even)?.detector([5, 8])?.into()),
        ("cone through a volume", cone(&volume)?.into()),
        ("cone through a deep volume", cone(&Type::new(dtype, &[4, 6, 3]))?.into()),
    ])
}

/// Every propagator of fields of one dtype.
fn propagators(dtype: DType) -> Result<Vec<(&'static str, LinOp)>> {
    let (line, field) = (Type::new(dtype, &[9]), Type::new(dtype, &[8, 5]));
    let fraunhofer = |field: &Type| FraunhoferPropagator::new(field.clone(), &[0.5], 3.0, 7.0);
    Ok(vec![
        ("angular spectrum", Propagator::angular_spectrum(field.clone(), &[0.7, 0.4], 6.0, 2.5)?.into()),
        ("angular spectrum, padded", Propagator::angular_spectrum(line.clone(), &[0.7], 6.0, 2.5)?.padded(3)?.into()),
        ("fresnel", Propagator::fresnel(line.clone(), &[0.7], 6.0, -2.5)?.into()),
        ("fresnel, padded", Propagator::fresnel(field.clone(), &[0.7], 6.0, 2.5)?.padded(2)?.into()),
        ("fraunhofer", fraunhofer(&line)?.into()),
        ("fraunhofer, centred", fraunhofer(&field)?.centred().into()),
    ])
}

#[test]
fn projectors_and_propagators_satisfy_the_adjoint_law() {
    for dtype in INEXACT {
        let tolerance = adjoint_tolerance(dtype);
        let mut operators = projectors(dtype).unwrap();
        if dtype.is_complex() {
            operators.extend(propagators(dtype).unwrap());
        }
        for (name, operator) in operators {
            let error = adjoint_error(&operator, 5).unwrap_or_else(|error| panic!("{name} {dtype}: {error}"));
            assert!(error < tolerance, "{name} {dtype}: the sides differ by {error}");
            let y = operator.apply(&random(dtype, &operator.input_type().shape, 1));
            assert_eq!(y.ty().unwrap(), operator.output_type(), "{name}: output");
            assert_eq!(operator.adjoint(&y).ty().unwrap(), operator.input_type(), "{name}: adjoint");
            let derived = cotangent::linear_adjoint(|x: Array| operator.apply(&x), &zeros(&operator.input_type()));
            assert_close(&operator.adjoint(&y), &derived.unwrap().apply(y), &format!("{name}: derived adjoint"));
        }
    }
}

/// What is derived from a projector or propagator obeys the law, and is what it says.
#[test]
fn projectors_and_propagators_obey_the_algebra() {
    for dtype in INEXACT {
        let mut operators = projectors(dtype).unwrap();
        if dtype.is_complex() {
            operators.extend(propagators(dtype).unwrap());
        }
        for (name, operator) in operators {
            assert_algebra(name, &operator);
        }
    }
}

fn zeros(ty: &Type) -> Array {
    Array::zeros(&ty.shape, ty.dtype)
}

#[test]
fn projectors_are_compiled_and_batched() {
    for (name, operator) in projectors(DType::F64).unwrap() {
        let shape = &operator.input_type().shape;
        let stack = random(DType::F64, &[&[2], &shape[..]].concat(), 3);
        let once = jit(vmap(|x: Array| operator.gram(&x))).call(stack.clone()).unwrap();
        for item in 0..2 {
            assert_close(&once.index_axis(0, item), &operator.gram(&stack.index_axis(0, item)), name);
        }
    }
}

/// What is computed for every pixel in every view is computed in one kernel, both ways, and nothing of it is kept: neither
/// places nor weights. Other kernels put a border around an array or take it away.
#[test]
fn projections_are_one_kernel_that_computes_its_indices() -> Result<()> {
    let (plane, square) = (Type::new(DType::F32, &[64, 60]), Type::new(DType::F32, &[32, 32]));
    let volume = Type::new(DType::F32, &[16, 14, 16]);
    let matrices =
        EulerAngles::new("x", Array::from(angles(20)).reshape(&[20, 1]))?.matrices([16, 14, 16], [20, 18])?;
    let cone = |input: &Type| SymConeXRayTransform::new(input.clone(), 200.0, 300.0);
    let cases: [(LinOp, usize); 5] = [
        (XRayTransform2D::new(plane, angles(20))?.into(), 20 * 64 * 60),
        (XRayTransform3D::new(volume.clone(), matrices, [20, 18])?.into(), 20 * 16 * 14 * 16),
        (AxiallySymmetricVolume::new(square.clone(), 0)?.into(), 32 * 32 * 32),
        (cone(&square)?.into(), 32 * 32 * 32),
        (cone(&volume)?.detector([24, 26])?.into(), 24 * 14 * 26),
    ];
    for (operator, grid) in cases {
        let (x, y) = (zeros(&operator.input_type()), zeros(&operator.output_type()));
        let (forward, adjoint) = (operator.clone(), operator.clone());
        let forward = jit(move |x: Array| forward.apply(&x)).traced(&x)?.func;
        let adjoint = jit(move |y: Array| adjoint.adjoint(&y)).traced(&y)?.func;
        for (direction, func) in [("forward", forward), ("adjoint", adjoint)] {
            let report = compile_uncached(&func, &Options::default())?.report();
            let iterations = report.steps.iter().map(|step| match &step.work {
                Work::Kernel { extents, .. } => extents.iter().product(),
                other => panic!("{operator:?} {direction}: {other:?}"),
            });
            let large = iterations.filter(|&count: &usize| count >= grid).count();
            assert_eq!(large, 1, "{operator:?} {direction}: kernels over the grid");
            assert!(report.arena_bytes < grid * size_of::<f32>(), "{operator:?} {direction}: {}", report.arena_bytes);
        }
    }
    Ok(())
}

#[test]
fn index_arithmetic_is_not_stored_for_forward_and_adjoint_to_share() -> Result<()> {
    let ty = Type::new(DType::F32, &[64, 64]);
    let project = LinOp::from(XRayTransform2D::new(ty.clone(), angles(30))?);
    let gram = jit(move |x: Array| project.gram(&x)).traced(&Array::ones(&ty.shape, ty.dtype))?.func;
    let report = compile_uncached(&gram, &Options::default())?.report();
    // A number for each pixel and view would be 30 images.
    assert!(report.arena_bytes < 8 * ty.byte_len(), "{report}");
    Ok(())
}

#[test]
fn every_view_has_the_mass_of_the_object() {
    let image = random(DType::F64, &[9, 8], 1);
    let views = XRayTransform2D::new(image.ty().unwrap(), angles(7)).unwrap().apply(&image).sum_axes(&[1]);
    assert_close(&views, &(Array::ones(&[7], DType::F64) * image.sum()), "plane");
    let volume = random(DType::F64, &[5, 4, 6], 2);
    let matrices = EulerAngles::new("zx", Array::from([[0.3f64, 1.0], [2.0, 0.1], [-1.0, 0.7]])).unwrap();
    let matrices = matrices.matrices([5, 4, 6], [12, 13]).unwrap();
    let views = XRayTransform3D::new(volume.ty().unwrap(), matrices, [12, 13]).unwrap().apply(&volume);
    assert_close(&views.sum_axes(&[1, 2]), &(Array::ones(&[3], DType::F64) * volume.sum()), "volume");
}

#[test]
fn projections_of_planes_agree_with_worked_numbers() {
    let x = Array::from([[1.0f64, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let beams = |angle: f64| XRayTransform2D::new(x.ty().unwrap(), [angle]).unwrap();
    let agrees = |beams: XRayTransform2D, wanted: &[f64]| {
        let y = beams.apply(&x).to_vec::<f64>().unwrap();
        let off = y.iter().zip(wanted).any(|(y, wanted)| (y - wanted).abs() > 2e-6);
        assert!(y.len() == wanted.len() && !off, "{y:?}, not {wanted:?}");
    };
    let unit = |angle: f64| beams(angle).pixels([1.0, 1.0]).unwrap();
    agrees(unit(0.0), &[0.0, 6.0, 15.0, 0.0]);
    agrees(unit(PI / 2.0), &[2.5, 6.0, 8.0, 4.5]);
    agrees(unit(PI / 4.0), &[1.514719, 9.485281, 9.485282, 0.514718]);
    agrees(beams(PI / 2.0), &[0.428933, 8.071069, 11.727922, 0.772077]);
    agrees(unit(0.0).bins(3).unwrap(), &[3.0, 10.5, 7.5]);
    agrees(unit(PI / 2.0).bins(2).unwrap(), &[6.0, 8.0]);
    agrees(unit(0.0).corner([0.25, 0.0]).unwrap().start(0.0).unwrap(), &[4.5, 12.75, 3.75, 0.0]);
    agrees(
        beams(0.0).pixels([0.5, 0.5]).unwrap().corner([0.25, 0.0]).unwrap().start(0.0).unwrap(),
        &[13.5, 7.5, 0.0, 0.0],
    );
    assert!((number(&unit(PI / 4.0).widest()) - 2.0f64.sqrt()).abs() < 1e-12);

    // The shadow of one pixel in the middle, on two bins: its left edge is that of its trapezoid, or its middle is.
    let pixel = XRayTransform2D::new(Type::new(DType::F64, &[1, 1]), [PI / 4.0]).unwrap();
    let pixel = pixel.pixels([0.5, 0.5]).unwrap().bins(2).unwrap();
    let one = Array::ones(&[1, 1], DType::F64);
    assert_close(&pixel.apply(&one), &Array::from([[1.0, 0.0]]), "left edge");
    assert_close(&pixel.centred().apply(&one), &Array::from([[0.5, 0.5]]), "middle");
}

#[test]
fn a_voxel_on_an_edge_stays_in_its_pixel() {
    let voxel = Type::new(DType::F32, &[1, 1, 1]);
    for (shift, wanted) in
        [([0.25, 0.0], [1.0, 0.0, 0.0, 0.0]), ([-0.25, 0.0], [1.0, 0.0, 0.0, 0.0]), ([-0.4, 0.0], [0.7, 0.0, 0.0, 0.0])]
    {
        let matrices = Array::from([1.0, 0.0, 0.0, shift[0], 0.0, 1.0, 0.0, shift[1]]).reshape(&[1, 2, 4]);
        let y =
            XRayTransform3D::new(voxel.clone(), matrices, [2, 2]).unwrap().apply(&Array::ones(&[1, 1, 1], DType::F32));
        assert_close(&y, &Array::from(wanted.map(|share| share as f32)).reshape(&[1, 2, 2]), "voxel");
    }
}

#[test]
fn projections_are_differentiated_by_their_geometry() {
    let (x, w) = (random(DType::F64, &[6, 5], 1), random(DType::F64, &[3, 8], 2));
    let f = |angles: Array| match XRayTransform2D::new(Type::new(DType::F64, &[6, 5]), angles) {
        Ok(beams) => (beams.apply(&x) * &w).sum(),
        Err(error) => Array::from_error(error),
    };
    let at = Array::from([0.3f64, 1.1, 2.4]);
    let slope = grad(f).call(at.clone()).unwrap().to_vec::<f64>().unwrap();
    for (view, slope) in slope.into_iter().enumerate() {
        let mut step = [0.0; 3];
        step[view] = 1e-6;
        let step = Array::from(step);
        let difference = (number(&f(&at + &step)) - number(&f(&at - &step))) / 2e-6;
        assert!((slope - difference).abs() < 1e-5, "view {view}: {slope}, not {difference}");
    }
}

#[test]
fn a_square_is_reconstructed_from_its_projections() {
    let square = Array::ones(&[64, 64], DType::F32).pad_zeros(&[(32, 32, 0), (32, 32, 0)]);
    for pixels in [0.5, 0.5f64.sqrt()] {
        let beams = XRayTransform2D::new(square.ty().unwrap(), angles(180)).unwrap().pixels([pixels; 2]).unwrap();
        let found = beams.filtered_back_projection(&beams.apply(&square));
        let psnr = number(&metric::psnr(&square, &found, None));
        assert!(psnr > 25.0, "pixels of {pixels}: {psnr} dB");
    }
    // One bin and complex projections are filtered, too.
    let one = XRayTransform2D::new(Type::new(DType::F64, &[2, 2]), angles(3)).unwrap().bins(1).unwrap();
    assert!(one.filtered_back_projection(&Array::ones(&[3, 1], DType::F64)).error().is_none());
    let beams = |dtype| XRayTransform2D::new(Type::new(dtype, &[6, 5]), angles(3)).unwrap();
    let (re, im) = (random(DType::F64, &[3, 8], 1), random(DType::F64, &[3, 8], 2));
    let both = beams(DType::C128).filtered_back_projection(&Array::complex(&re, &im));
    assert_close(&both.real(), &beams(DType::F64).filtered_back_projection(&re), "real part");
    assert_close(&both.imag(), &beams(DType::F64).filtered_back_projection(&im), "imaginary part");
}

#[test]
fn the_abel_transform_has_an_inverse() {
    for dtype in INEXACT {
        for columns in [1, 8, 9] {
            let x = random(dtype, &[3, columns], 1);
            let abel = AbelTransform::new(x.ty().unwrap()).unwrap();
            assert_close(&abel.inverse(&abel.apply(&x)), &x, "inverse");
        }
    }
    let x = Array::from([[1.0f64, 2.0, 3.0, 5.0, 1.0]]);
    let wanted = Array::from([[3.0, 6.818644, 15.0, 13.526848, 3.0]]);
    let off = AbelTransform::new(x.ty().unwrap()).unwrap().apply(&x) - wanted;
    assert!(number(&off.abs().max()) < 1e-6);
}

/// A source far away sees the sum of the volume of revolution over its depth.
#[test]
fn distant_cones_are_parallel() {
    let half = random(DType::F64, &[5, 4], 1);
    let plane = cotangent::concatenate(&[half.flip(&[1]), half], 1);
    let volume = AxiallySymmetricVolume::new(plane.ty().unwrap(), 0).unwrap().apply(&plane);
    let cone = SymConeXRayTransform::new(plane.ty().unwrap(), 1e8, 1e8 + 1.0).unwrap();
    let off = cone.apply(&plane) - volume.sum_axes(&[2]);
    assert!(number(&off.abs().max()) < 1e-6);
    let upright = AxiallySymmetricVolume::new(Type::new(DType::F64, &[8, 5]), 1).unwrap().apply(&plane.t());
    assert_close(&upright, &volume.permute(&[1, 0, 2]), "about the other axis");
    let through = SymConeXRayTransform::new(Type::new(DType::F64, &[5, 8, 8]), 1e8, 1e8 + 1.0).unwrap();
    let off = through.apply(&volume.permute(&[0, 2, 1])) - volume.sum_axes(&[2]);
    assert!(number(&off.abs().max()) < 1e-6);
}

#[test]
fn cones_agree_with_worked_numbers() {
    let x = Array::arange(16, DType::F64).reshape(&[4, 4]);
    let cone = SymConeXRayTransform::new(x.ty().unwrap(), 10.0, 15.0).unwrap();
    let row = |image: &Array, row: isize, wanted: [f64; 4]| {
        let off = image.index_axis(0, row) - Array::from(wanted);
        assert!(number(&off.abs().max()) < 1e-5, "{:?}, not {wanted:?}", elements(&image.index_axis(0, row)));
    };
    row(&cone.apply(&x), 3, [24.207, 33.67567, 33.496635, 23.662546]);
    row(&cone.adjoint(&Array::ones(&[4, 4], DType::F64)), 0, [2.786421, 0.97821, 1.06771, 3.048746]);
    row(&cone.fdk(&cone.apply(&x), 8).unwrap(), 0, [0.519679, 1.663577, 1.760508, 1.663577]);
    row(&cone.clone().axis(1).unwrap().apply(&x), 0, [9.785693, 11.779134, 13.527104, 15.131047]);
    row(&cone.pixels(0.5, 2.0).unwrap().apply(&x), 0, [1.450679, 2.185857, 2.183575, 1.460305]);
}

#[test]
fn propagation_composes_and_preserves() {
    let field = Type::new(DType::C128, &[8, 5]);
    let u = random(DType::C128, &[8, 5], 1);
    let angular = |z| LinOp::from(Propagator::angular_spectrum(field.clone(), &[2.0], 6.0, z).unwrap());
    let fresnel = |z| LinOp::from(Propagator::fresnel(field.clone(), &[0.3, 0.2], 6.0, z).unwrap());
    for (name, near, far, both) in [
        ("angular spectrum", angular(1.5), angular(2.0), angular(3.5)),
        ("fresnel", fresnel(1.5), fresnel(2.0), fresnel(3.5)),
    ] {
        let composed = &near * &far;
        assert!(matches!(composed.structure(), Structure::CircularConvolve(_)), "{name}");
        assert_close(&composed.apply(&u), &both.apply(&u), name);
        // No wave decays, so that the operator is unitary.
        assert_close(&near.gram(&u), &u, name);
    }
    let nowhere = Propagator::angular_spectrum(field.clone(), &[0.3], 6.0, 0.0).unwrap().padded(2).unwrap();
    assert_close(&nowhere.apply(&u), &u, "no distance");
    let decaying = Propagator::angular_spectrum(field, &[0.3], 6.0, 0.2).unwrap();
    assert_close(&decaying.pseudo_inverse(&decaying.apply(&u)), &u, "pseudo-inverse");
    let k = radial_frequency(&[3, 2], &[0.5, 0.25]).unwrap().index_axis(0, 1).to_vec::<f64>().unwrap();
    let (kx, ky) = (TAU / 1.5, TAU / -0.5);
    assert!((k[0] - kx).abs() < 1e-12 && (k[1] - kx.hypot(ky)).abs() < 1e-12);
}

/// The centred far field is the integral, evaluated term by term, for odd and even extents and both directions.
#[test]
fn the_far_field_is_a_fourier_integral() {
    for (count, z) in [(6, 7.0), (7, 7.0), (6, -7.0)] {
        let (k, d) = (3.0, 0.5);
        let u = random(DType::C128, &[count], 1);
        let far = FraunhoferPropagator::new(u.ty().unwrap(), &[d], k, z).unwrap().centred();
        let place = |at: usize, interval: f64| (at as f64 - (count / 2) as f64) * interval;
        let integral = |at: usize| {
            let x = place(at, far.intervals()[0]);
            let wave = |from: usize| Complex::cis(-k * x * place(from, d) / z.abs()) * d;
            let sum: Complex<f64> = elements(&u).iter().enumerate().map(|(from, u)| u * wave(from)).sum();
            sum * Complex::cis(k * z + k * x * x / (2.0 * z)) * Complex::new(0.0, -k / (TAU * z))
        };
        let wanted: Vec<Complex<f64>> = (0..count).map(integral).collect();
        assert_close(&far.apply(&u), &Array::from(wanted), &format!("{count} samples at {z}"));
        assert!(!far.samples_suffice());
    }
}

#[test]
fn mistakes_of_projectors_are_explained() {
    let image = Type::new(DType::F32, &[4, 4]);
    let volume = Type::new(DType::F32, &[2, 3, 4]);
    let field = Type::new(DType::C64, &[4]);
    let plane = || XRayTransform2D::new(image.clone(), [0.0f64]).unwrap();
    let euler = |sequence| EulerAngles::new(sequence, Array::from([[0.1f64, 0.2]]));
    let cone = |object, detector| SymConeXRayTransform::new(image.clone(), object, detector);
    let angular = |intervals: &[f64], k, z| Propagator::angular_spectrum(field.clone(), intervals, k, z);
    let (no_views, vector) = (Array::from(Vec::<f64>::new()), Array::from([1.0f64; 8]));
    let refused: [(Error, ErrorKind, &str); 32] = [
        (XRayTransform2D::new(volume.clone(), [0.0f64]).unwrap_err(), ErrorKind::Shape, "takes arrays of 2 axes"),
        (XRayTransform2D::new(image.with_dtype(DType::I32), [0.0f64]).unwrap_err(), ErrorKind::DType, "floating point"),
        (XRayTransform2D::new(image.with_shape(&[0, 4]), [0.0f64]).unwrap_err(), ErrorKind::Shape, "no elements"),
        (XRayTransform2D::new(image.clone(), no_views).unwrap_err(), ErrorKind::Shape, "one real angle for each view"),
        (plane().pixels([1.0, 0.0]).unwrap_err(), ErrorKind::Argument, "the extent of a pixel is 0"),
        (plane().corner([f64::NAN, 0.0]).unwrap_err(), ErrorKind::Argument, "corner is NaN"),
        (plane().bins(0).unwrap_err(), ErrorKind::Argument, "has no bins"),
        (plane().start(f64::INFINITY).unwrap_err(), ErrorKind::Argument, "finite number"),
        (
            XRayTransform3D::new(image.clone(), matrices(), [2, 2]).unwrap_err(),
            ErrorKind::Shape,
            "takes arrays of 3 axes",
        ),
        (XRayTransform3D::new(volume.clone(), vector, [2, 2]).unwrap_err(), ErrorKind::Shape, "[views, 2, 4]"),
        (XRayTransform3D::new(volume.clone(), matrices(), [2, 0]).unwrap_err(), ErrorKind::Argument, "has no bins"),
        (euler("Xy").unwrap_err(), ErrorKind::Argument, "names no rotations"),
        (euler("xx").unwrap_err(), ErrorKind::Argument, "different neighbours"),
        (euler("").unwrap_err(), ErrorKind::Argument, "names no rotations"),
        (euler("XYZ").unwrap_err(), ErrorKind::Shape, "[views, 3]"),
        (euler("XY").unwrap().voxels([1.0, 1.0, -1.0]).unwrap_err(), ErrorKind::Argument, "spacing of voxels is -1"),
        (euler("XY").unwrap().pixels([f64::NAN, 1.0]).unwrap_err(), ErrorKind::Argument, "spacing of pixels is NaN"),
        (euler("XY").unwrap().matrices([0, 1, 1], [1, 1]).unwrap_err(), ErrorKind::Shape, "no elements"),
        (AbelTransform::new(volume.clone()).unwrap_err(), ErrorKind::Shape, "takes arrays of 2 axes"),
        (AxiallySymmetricVolume::new(image.clone(), 2).unwrap_err(), ErrorKind::Argument, "use 0 or 1"),
        (
            AxiallySymmetricVolume::new(image.clone(), 0).unwrap().center(f64::NAN).unwrap_err(),
            ErrorKind::Argument,
            "center is NaN",
        ),
        (cone(0.0, 1.0).unwrap_err(), ErrorKind::Argument, "distance from the source is 0"),
        (cone(20.0, 10.0).unwrap_err(), ErrorKind::Argument, "nearer than the object"),
        (cone(1.0, 1.5).unwrap_err(), ErrorKind::Argument, "the source is inside of the object"),
        (
            SymConeXRayTransform::new(volume, 9.0, 9.5).unwrap().axis(1).unwrap_err(),
            ErrorKind::Argument,
            "transpose the volume",
        ),
        (
            cone(9.0, 9.5).unwrap().fdk(&Array::zeros(&[4, 4], DType::F32), 0).unwrap_err(),
            ErrorKind::Argument,
            "at least 1",
        ),
        (angular(&[1.0, 1.0], 1.0, 1.0).unwrap_err(), ErrorKind::Argument, "one for each axis"),
        (angular(&[-1.0], 1.0, 1.0).unwrap_err(), ErrorKind::Argument, "interval of samples is -1"),
        (angular(&[1.0], 0.0, 1.0).unwrap_err(), ErrorKind::Argument, "wavenumber is 0"),
        (angular(&[1.0], 1.0, f64::NAN).unwrap_err(), ErrorKind::Argument, "distance is NaN"),
        (Propagator::fresnel(image.clone(), &[1.0], 1.0, 1.0).unwrap_err(), ErrorKind::DType, "complex fields"),
        (FraunhoferPropagator::new(field.clone(), &[1.0], 1.0, 0.0).unwrap_err(), ErrorKind::Argument, "no far field"),
    ];
    for (error, kind, words) in refused {
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    assert_eq!(angular(&[1.0], 1.0, 1.0).unwrap().padded(0).unwrap_err().kind(), ErrorKind::Argument);
    let deep = Type::new(DType::C64, &[2, 2, 2]);
    assert_eq!(Propagator::fresnel(deep, &[1.0], 1.0, 1.0).unwrap_err().kind(), ErrorKind::Shape);
    let wrong = LinOp::from(plane()).apply(&Array::zeros(&[3, 4], DType::F32));
    assert!(wrong.error().unwrap().message().contains("takes an array of shape [4, 4]"));
    let wrong = plane().filtered_back_projection(&Array::zeros(&[2, 6], DType::F32));
    assert_eq!(wrong.error().unwrap().kind(), ErrorKind::Shape);
}
