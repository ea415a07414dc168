//! Centring and alignment of measured images and volumes.

use crate::sample::{assert_close, number, random};
use cotangent::linop::xray::{
    AlignmentSearch, Resampling, center_image, centroid_offset, image_centroid, rotate_volume, rotate_volume_onto,
};
use cotangent::{Array, DType, ErrorKind, Result, jit};

#[track_caller]
fn assert_near(got: &Array, want: &[f64], tolerance: f64) {
    let got = got.astype(DType::F64).to_vec::<f64>().unwrap();
    let off = got.iter().zip(want).any(|(got, want)| (got - want).abs() > tolerance);
    assert!(got.len() == want.len() && !off, "{got:?}, not {want:?}");
}

#[test]
fn images_are_centred_by_the_specified_kernels() {
    let pair = Array::from([0.0f32, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    let centred = |kernel| center_image(&pair, None, kernel).unwrap();
    assert_near(
        &centred(Resampling::Lanczos3),
        &[0.0, -0.222826, 0.427873, 1.253482, 0.475543, -0.111413, 0.025070],
        2e-6,
    );
    assert_near(&centred(Resampling::Cubic), &[0.0, -0.125, 0.470588, 1.125, 0.5, -0.0625, 0.0], 2e-6);
    assert_near(&centred(Resampling::Linear), &[0.0, 0.0, 0.5, 1.0, 0.5, 0.0, 0.0], 1e-6);
    // What is centred stays, of both kinds and in every kernel.
    let ones = Array::ones(&[4, 5], DType::F64);
    for kernel in [Resampling::Linear, Resampling::Cubic, Resampling::Lanczos3, Resampling::Lanczos5] {
        assert_close(&center_image(&ones, None, kernel).unwrap(), &ones, "centred already");
    }
    // Whole elements are moved exactly, along the axes that are named.
    let image = Array::ones(&[1, 1], DType::F64).pad_zeros(&[(1, 5, 0), (4, 2, 0)]);
    let wanted = Array::ones(&[1, 1], DType::F64).pad_zeros(&[(3, 3, 0), (4, 2, 0)]);
    assert_close(&center_image(&image, Some(&[-2]), Resampling::Lanczos3).unwrap(), &wanted, "rows");
    let off = number(&centroid_offset(&center_image(&image, None, Resampling::Cubic).unwrap()).unwrap().abs().max());
    assert!(off < 1e-12, "{off}");
}

#[test]
fn centroids_are_weighted_means_of_places() {
    let image = Array::ones(&[2, 3], DType::F32).pad_zeros(&[(0, 2, 0), (0, 2, 0)]);
    assert_near(&image_centroid(&image).unwrap(), &[0.5, 1.0], 0.0);
    assert_near(&centroid_offset(&image).unwrap(), &[-1.0, -1.0], 0.0);
    let zero = Array::zeros(&[3, 3], DType::F32);
    assert_near(&image_centroid(&zero).unwrap(), &[0.0, 0.0], 0.0);
    assert_near(&centroid_offset(&zero).unwrap(), &[0.0, 0.0], 0.0);
    assert_near(&image_centroid(&Array::from([0, 0, 2i32])).unwrap(), &[2.0], 0.0);
}

/// A rotation by a small angle about the first axis after one about the second.
fn rotation(first: f64, second: f64) -> Array {
    let ((s, c), (t, d)) = (first.sin_cos(), second.sin_cos());
    let about_first = Array::from([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]]);
    let about_second = Array::from([[d, 0.0, t], [0.0, 1.0, 0.0], [-t, 0.0, d]]);
    about_first.matmul(&about_second)
}

#[test]
fn rotations_resample_volumes() {
    let volume = random(DType::F64, &[3, 4, 5], 1);
    assert_close(&rotate_volume(&volume, &Array::eye(3, DType::F64), None).unwrap(), &volume, "identity");
    let half = Array::from([[-1.0f64, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]);
    assert_close(&rotate_volume(&volume, &half, None).unwrap(), &volume.flip(&[0, 1]), "half a turn");
    let compiled = jit(|volume: Array, rotation: Array| match rotate_volume(&volume, &rotation, None) {
        Ok(turned) => turned,
        Err(error) => Array::from_error(error),
    });
    let rotation = rotation(0.3, -0.2);
    let turned = rotate_volume(&volume, &rotation, Some([1.0, 0.5, 2.0])).unwrap();
    let grid = [3, 4, 5].map(|extent| Array::arange(extent, DType::F64));
    let onto = rotate_volume_onto(&volume, &rotation, Some([1.0, 0.5, 2.0]), grid).unwrap();
    assert_close(&onto, &turned, "the same grid");
    let traced = compiled.call((volume.clone(), rotation.clone())).unwrap();
    assert_close(&traced, &rotate_volume(&volume, &rotation, None).unwrap(), "compiled");
    // An affine function of the place is turned as the place is, where all of its neighbours are inside.
    let [x, y, z] = [0, 1, 2].map(|axis| Array::iota(&[7, 7, 7], axis, DType::F64));
    let plane = &x + 2.0 * &y - 0.5 * &z;
    let middle = rotate_volume(&plane, &rotation, None).unwrap();
    let rows = rotation.to_vec::<f64>().unwrap();
    let place = |row: usize| rows[3 * row] - rows[3 * row + 1] + 3.0;
    let wanted = place(0) + 2.0 * place(1) - 0.5 * place(2);
    let got = number(&middle.index_axis(0, 4).index_axis(0, 2).index_axis(0, 3));
    assert!((got - wanted).abs() < 1e-12, "{got}, not {wanted}");
}

#[test]
fn rotations_of_structures_are_found() {
    let search = AlignmentSearch { greatest: 2.0, step: 0.1, ..AlignmentSearch::default() };
    let wave = |distance: Array| (-(distance.remainder(12.0) - 6.0).square() / 2.0).exp();
    let (rows, columns) = (Array::iota(&[120, 90], 0, DType::F32), Array::iota(&[120, 90], 1, DType::F32));
    for degrees in [-1.3f64, 0.0, 0.7] {
        let found = search.image(&wave(&columns - &rows * degrees.to_radians().tan())).unwrap();
        assert!((found - degrees).abs() < 0.11, "{found}, not {degrees}");
    }
    let [x, y, z] = [0, 1, 2].map(|axis| Array::iota(&[80, 90, 40], axis, DType::F32));
    let (a, b) = (1.1f64.to_radians(), (-0.8f64).to_radians());
    // Planes with the normal (−tan a, −tan b, 1): in sections lines run down at the angles a and b.
    let turned = search.volume(&wave(z - x * a.tan() - y * b.tan()), [None, Some(20)]).unwrap();
    let found = turned.to_vec::<f64>().unwrap();
    assert!((found[2] / found[8] - a.tan()).abs() < 3e-3 && (found[5] / found[8] - b.tan()).abs() < 3e-3, "{found:?}");
    assert_close(&turned.matmul(&turned.t()), &Array::eye(3, DType::F64), "orthogonal");
}

#[test]
fn mistakes_of_alignment_are_explained() {
    let image = Array::ones(&[4, 4], DType::F32);
    let volume = Array::ones(&[2, 3, 4], DType::F32);
    let turn = Array::eye(3, DType::F64);
    let search = |greatest: f64, step: f64| AlignmentSearch { greatest, step, center_factor: 0.0 };
    let line = || Array::arange(2, DType::F32);
    let refused: Vec<(Result<()>, ErrorKind, &str)> = vec![
        (image_centroid(&Array::zeros(&[2], DType::C64)).map(|_| ()), ErrorKind::DType, "real arrays"),
        (image_centroid(&Array::from(1.0f32)).map(|_| ()), ErrorKind::Shape, "axes and elements"),
        (centroid_offset(&Array::zeros(&[2, 0], DType::F32)).map(|_| ()), ErrorKind::Shape, "axes and elements"),
        (center_image(&image, Some(&[2]), Resampling::Cubic).map(|_| ()), ErrorKind::Argument, "at most once"),
        (center_image(&image, Some(&[0, -2]), Resampling::Cubic).map(|_| ()), ErrorKind::Argument, "at most once"),
        (rotate_volume(&image, &turn, None).map(|_| ()), ErrorKind::Shape, "three axes"),
        (rotate_volume(&volume, &image, None).map(|_| ()), ErrorKind::Shape, "[3, 3]"),
        (rotate_volume(&volume, &turn, Some([0.0, f64::NAN, 0.0])).map(|_| ()), ErrorKind::Argument, "finite"),
        (
            rotate_volume_onto(&volume, &turn, None, [line(), image.clone(), line()]).map(|_| ()),
            ErrorKind::Shape,
            "along axis 1",
        ),
        (search(0.0, 0.1).image(&image).map(|_| ()), ErrorKind::Argument, "greatest angle is 0"),
        (search(90.0, 0.1).image(&image).map(|_| ()), ErrorKind::Argument, "less than 90"),
        (search(1.0, f64::NAN).image(&image).map(|_| ()), ErrorKind::Argument, "the step is NaN"),
        (search(1.0, 0.5).image(&volume).map(|_| ()), ErrorKind::Shape, "2 axes"),
        (search(1.0, 0.5).volume(&image, [None, None]).map(|_| ()), ErrorKind::Shape, "three axes"),
        (search(1.0, 0.5).volume(&volume, [Some(2), None]).map(|_| ()), ErrorKind::Argument, "section 2 of 2"),
    ];
    for (position, (result, kind, words)) in refused.into_iter().enumerate() {
        let error = result.err().unwrap_or_else(|| panic!("case {position}, {words}, was accepted"));
        assert!(error.message().contains(words), "{error}");
        assert_eq!(error.kind(), kind, "{error}");
    }
}
