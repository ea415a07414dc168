//! Phantoms against numbers of other implementations, and what they promise of themselves; photographs.

use crate::sample::{assert_close, elements, number};
use cotangent::data::{
    Foam, Photograph, Rings, SheppLogan, SiemensStar, SphereFoam, blocks, disc_filters, distances, downsample,
    gaussian, grey, phase_difference, salt_and_pepper, sparse_maps, tangle, tile_sections,
};
use cotangent::random::Key;
use cotangent::{Array, DType, ErrorKind, Index, Result, jit};
use std::f64::consts::{PI, TAU};

#[track_caller]
fn assert_sum(x: Result<Array>, want: f64) {
    let sum = number(&x.unwrap().sum());
    assert!((sum - want).abs() <= 1e-6 * want.abs(), "{sum}, not {want}");
}

fn at(x: &Array, place: &[usize]) -> f64 {
    number(&x.index(&place.iter().map(|&place| Index::At(place as isize)).collect::<Vec<_>>()))
}

#[test]
fn photographs_are_what_they_say() {
    let shapes: [&[usize]; 5] = [&[512, 512], &[512, 512], &[512, 512], &[660, 550], &[512, 768, 3]];
    for (photograph, shape) in Photograph::ALL.into_iter().zip(shapes) {
        let pixels = photograph.pixels();
        assert_eq!(pixels.ty().unwrap(), cotangent::Type::new(DType::U8, shape), "{photograph:?}");
        let image = photograph.image();
        let (least, greatest) = (number(&image.min()), number(&image.max()));
        assert!(least >= 0.0 && greatest <= 1.0 && greatest > 0.5, "{photograph:?}: {least} to {greatest}");
    }
    let parrots = Photograph::Parrots.pixels();
    let colour = |row: usize, column: usize| [0, 1, 2].map(|channel| at(&parrots, &[row, column, channel]));
    assert_eq!((colour(0, 0), colour(160, 60)), ([116.0, 116.0, 88.0], [87.0, 127.0, 43.0]));
}

#[test]
fn the_head_is_that_of_other_programs() {
    let (original, modified) = (SheppLogan::original(), SheppLogan::modified());
    assert_sum(original.image(&[64, 48], DType::F64), 1672.69);
    assert_sum(modified.image(&[64, 48], DType::F64), 370.9);
    assert_sum(original.image(&[20, 24, 28], DType::F64), 4145.6);
    assert_sum(modified.image(&[20, 24, 28], DType::F64), 1068.0);
    let section = original.image(&[65, 65], DType::F64).unwrap();
    // Brain, the two ventricles, and the skull at the top.
    for (place, value) in [([32, 32], 1.02), ([32, 39], 1.0), ([32, 25], 1.0), ([3, 32], 2.0), ([0, 0], 0.0)] {
        assert!((at(&section, &place) - value).abs() < 1e-12, "{place:?}: {}", at(&section, &place));
    }
    // Every ellipse adds its area times its value.
    let mass = 4.0 * number(&original.image(&[300, 300], DType::F64).unwrap().mean());
    let whole = PI * (2.0 * 0.69 * 0.92 - 0.98 * 0.6624 * 0.874 - 0.02 * (0.11 * 0.31 + 0.16 * 0.41));
    let small = PI * 0.01 * (0.21 * 0.25 + 2.0 * 0.046f64.powi(2) + 0.023 * (0.046 + 0.023 + 0.046));
    assert!((mass - whole - small).abs() < 1e-2, "{mass}, not {}", whole + small);
}

#[test]
fn bubbles_do_not_touch() {
    let foam = || Foam::new(Key::new(7)).radii(0.02, 0.1).unwrap().gap(0.01).unwrap().values(1.0, &[0.0, 3.0]).unwrap();
    for axes in [2, 3] {
        let bubbles = foam().bubbles(axes).unwrap();
        assert_eq!(bubbles, foam().bubbles(axes).unwrap(), "one key, one foam");
        assert!(bubbles.len() > 20, "{} bubbles", bubbles.len());
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        for (position, bubble) in bubbles.iter().enumerate() {
            assert_eq!(bubble.center.len(), axes);
            assert!((0.02..=0.1).contains(&bubble.radius) && [0.0, 3.0].contains(&bubble.value));
            let from_middle = distance(&bubble.center, &[0.0; 3][..axes]);
            assert!(from_middle + bubble.radius < 0.4901, "bubble {position} at the edge");
            for other in &bubbles[..position] {
                let between = distance(&bubble.center, &other.center) - bubble.radius - other.radius;
                assert!(between > 0.00999, "{between} between bubbles");
            }
        }
    }
    // The mass of the image is that of the discs.
    let bubbles = foam().bubbles(2).unwrap();
    let wanted: f64 = bubbles.iter().map(|bubble| PI * bubble.radius.powi(2) * (bubble.value - 1.0)).sum();
    let image = foam().image(&[128, 160], DType::F64).unwrap();
    let mass = number(&image.sum()) / 128f64.powi(2);
    assert!((mass - wanted - PI / 4.0).abs() < 2e-3, "{mass}, not {}", wanted + PI / 4.0);
    assert_ne!(bubbles, Foam::new(Key::new(8)).bubbles(2).unwrap());
    let some = Foam::new(Key::new(7)).porosity(0.3).unwrap().bubbles(2).unwrap();
    let share: f64 = some.iter().map(|bubble| 4.0 * bubble.radius.powi(2)).sum();
    assert!((0.3..0.33).contains(&share), "{share}");
    assert_eq!(Foam::new(Key::new(7)).count(3).bubbles(3).unwrap().len(), 3);
}

#[test]
fn spheres_are_added_where_nothing_is() {
    // Places and radii of a legacy generator of NumPy, seed 1.
    let spheres = [
        ([0.43527716, 0.6718531, 0.11008921], 0.09914009),
        ([0.34581941, 0.22446959, 0.1820241], 0.10177261),
        ([0.25528296, 0.37953737, 0.41947863], 0.09888964),
        ([0.53027705, 0.43697172, 0.64447121], 0.10018121),
        ([0.26947275, 0.7949316, 0.13136232], 0.10056434),
    ];
    assert_sum(SphereFoam::of(&spheres).unwrap().image(&[8, 10, 12], DType::F32), 12.0);
    let twice = [spheres[0], spheres[0]];
    let once = SphereFoam::of(&spheres[..1]).unwrap().image(&[30, 30, 30], DType::F32).unwrap();
    assert_close(&SphereFoam::of(&twice).unwrap().image(&[30, 30, 30], DType::F32).unwrap(), &once, "one place");
    let random = SphereFoam::new(&Key::new(3), 40).unwrap().image(&[20, 20, 20], DType::F64).unwrap();
    assert_close(&random, &SphereFoam::new(&Key::new(3), 40).unwrap().image(&[20, 20, 20], DType::F64).unwrap(), "key");
    assert!(elements(&random).iter().all(|value| value.re == 0.0 || value.re == 1.0));
}

#[test]
fn symmetric_phantoms_agree_with_worked_numbers() {
    for (side, sum) in [(32, 416.0), (64, 1594.0), (256, 25732.0)] {
        let radius = |share: f64| share * side as f64;
        let rings = Rings::new(&[(radius(0.4), 1.0), (radius(0.2), 0.0), (radius(0.1), 0.5)]).unwrap();
        assert_sum(rings.image(&[side, side], DType::F64), sum);
    }
    let nested = Rings::new(&[(8.0, 1.0), (5.0, -0.5)]).unwrap();
    assert_sum(nested.image(&[20, 20, 20], DType::F32), 1348.0);
    let aside = Rings::new(&[(8.0, 1.0), (5.0, 2.0)]).unwrap().center(&[4.0, 10.5]).unwrap();
    assert_sum(aside.image(&[20, 16], DType::F32), 220.0);
    let cone = distances(&[5, 6], Some(&[1.0, 2.5]), DType::F64).unwrap();
    assert!((number(&cone.sum()) - 67.58102).abs() < 1e-5 && (at(&cone, &[4, 0]) - 3.905125).abs() < 1e-6);
}

#[test]
fn the_star_has_as_many_spokes_as_half_its_sectors() {
    for sectors in [4, 7, 16] {
        let star = SiemensStar::new(sectors).unwrap().image(&[200, 240], DType::F64).unwrap();
        let area = (sectors / 2) as f64 * 0.125 * (TAU / sectors as f64).sin();
        let mass = number(&star.sum()) / 200f64.powi(2);
        assert!((mass - area).abs() < 4e-3, "{sectors} sectors: {mass}, not {area}");
    }
    // Spokes begin to the right and go upwards; a quarter turn repeats them where a quarter is filled and empty alike.
    let star = SiemensStar::new(16).unwrap().image(&[100, 100], DType::F64).unwrap();
    let on_circle = |angle: f64| (49.5 - 30.0 * angle.sin(), 49.5 + 30.0 * angle.cos());
    for sector in 0..16 {
        let (row, column) = on_circle((sector as f64 + 0.5) * TAU / 16.0);
        let value = at(&star, &[row.round() as usize, column.round() as usize]);
        assert_eq!(value, if sector % 2 == 0 { 1.0 } else { 0.0 }, "sector {sector}");
    }
    let turned = star.t().flip(&[0]);
    assert!(number(&(turned - &star).abs().max()) < 1e-12);
}

#[test]
fn volumes_agree_with_worked_numbers() {
    assert_sum(blocks([6, 7, 8], DType::F32), 58.0);
    let small = blocks([4, 5, 7], DType::F64).unwrap();
    assert_eq!(number(&small.index_axis(0, 0).sum()), 0.0);
    let surface = tangle([16, 32, 24], DType::F64).unwrap();
    assert!(number(&surface.max()) < 2.0 && number(&surface.min()) == 0.0);
    // The function is even along each axis.
    for axis in 0..3 {
        assert!(number(&(surface.flip(&[axis]) - &surface).abs().max()) < 1e-12, "axis {axis}");
    }
    let filters = disc_filters(DType::F64).unwrap().sum_axes(&[1, 2]);
    assert!(number(&(filters - Array::from([29.32756, 79.5595, 154.8301])).abs().max()) < 1e-4);
    let maps = sparse_maps(&Key::new(5), 16, 12, DType::F64).unwrap();
    let values: Vec<f64> = elements(&maps).iter().map(|value| value.re).filter(|&value| value != 0.0).collect();
    assert!((8..=12).contains(&values.len()) && values.iter().all(|value| (0.0..5.0).contains(value)), "{values:?}");
}

#[test]
fn kernels_and_images_agree_with_worked_numbers() {
    let line = gaussian(&[5], None, DType::F64).unwrap();
    let wanted = Array::from([0.0110816, 0.2096185, 0.5585192, 0.2096185, 0.0110816]);
    assert!(number(&(line - wanted).abs().max()) < 1e-6);
    // A density has the mass 1, whatever the covariance, and the covariance as its second moment.
    let covariance = Array::from([[4.0f64, 1.5], [1.5, 2.0]]);
    let plane = gaussian(&[41, 42], Some(&covariance), DType::F64).unwrap();
    assert!((number(&plane.sum()) - 1.0).abs() < 1e-6);
    let (rows, columns) = (Array::iota(&[41, 42], 0, DType::F64) - 20.0, Array::iota(&[41, 42], 1, DType::F64) - 20.5);
    assert!((number(&(plane * rows * columns).sum()) - 1.5).abs() < 1e-5);
    let parrots = grey(&Photograph::Parrots.image()).unwrap();
    assert_eq!(parrots.shape().unwrap()[..], [512, 768]);
    let coarse = downsample(&parrots, 8).unwrap();
    assert!((number(&coarse.mean()) - number(&parrots.mean())).abs() < 1e-5);
    let noisy = salt_and_pepper(&Key::new(4), &parrots, 0.5, -1.0, 2.0).unwrap();
    let share = |value: f64| number(&noisy.equal(value).astype(DType::F32).mean());
    assert!((share(-1.0) - 0.25).abs() < 5e-3 && (share(2.0) - 0.25).abs() < 5e-3);
    assert_close(&salt_and_pepper(&Key::new(4), &parrots, 0.0, -1.0, 2.0).unwrap(), &parrots, "no noise");
    let turns = phase_difference(&Array::from([0.1f64, 3.0, -7.0]), &Array::from([6.2f64, 0.0, 0.0])).to_vec::<f64>();
    let turns = turns.unwrap();
    assert!((turns[0] - 0.183_185).abs() < 1e-5 && turns[1] == 3.0 && (turns[2] - (7.0 - TAU)).abs() < 1e-12);
    let coloured = tile_sections(&Array::zeros(&[4, 5, 6, 3], DType::F32), 10).unwrap();
    assert_eq!(coloured.shape().unwrap()[..], [20, 21, 3]);
}

#[test]
fn phantoms_refuse_what_does_not_fit() {
    let (foam, head) = (|| Foam::new(Key::new(1)), SheppLogan::original());
    let rings = Rings::new(&[(1.0, 1.0)]).unwrap();
    let spheres =
        |mean, deviation, margin| SphereFoam::with_radii(&Key::new(1), 3, mean, deviation, margin).map(|_| ());
    let refused: Vec<(Result<()>, ErrorKind, &str)> = vec![
        (head.image(&[4], DType::F32).map(|_| ()), ErrorKind::Shape, "2 to 3 axes"),
        (head.image(&[4, 0], DType::F32).map(|_| ()), ErrorKind::Shape, "no elements"),
        (head.image(&[4, 4], DType::C64).map(|_| ()), ErrorKind::DType, "f32 or f64"),
        (foam().image(&[4; 4], DType::F32).map(|_| ()), ErrorKind::Shape, "2 to 3 axes"),
        (foam().bubbles(1).map(|_| ()), ErrorKind::Argument, "2 or 3 axes"),
        (foam().radii(0.0, 0.1).map(|_| ()), ErrorKind::Argument, "greater than 0"),
        (foam().radii(0.2, 0.1).map(|_| ()), ErrorKind::Argument, "from the least radius, 0.2"),
        (foam().radii(0.2, 0.5).map(|_| ()), ErrorKind::Argument, "to that of the body"),
        (foam().gap(-1.0).map(|_| ()), ErrorKind::Argument, "at least 0"),
        (foam().gap(f64::INFINITY).map(|_| ()), ErrorKind::Argument, "finite"),
        (foam().porosity(1.5).map(|_| ()), ErrorKind::Argument, "from 0 to 1"),
        (foam().porosity(f64::NAN).map(|_| ()), ErrorKind::Argument, "from 0 to 1"),
        (foam().values(1.0, &[]).map(|_| ()), ErrorKind::Argument, "at least one"),
        (foam().values(f64::NAN, &[1.0]).map(|_| ()), ErrorKind::Argument, "a finite number"),
        (spheres(-0.1, 0.0, 0.0), ErrorKind::Argument, "at least 0"),
        (spheres(0.1, f64::NAN, 0.0), ErrorKind::Argument, "deviation"),
        (spheres(0.4, 0.0, 0.2), ErrorKind::Argument, "leave room"),
        (SphereFoam::of(&[([0.0; 3], f64::NAN)]).map(|_| ()), ErrorKind::Argument, "finite"),
        (SphereFoam::of(&[]).unwrap().image(&[2, 2], DType::F32).map(|_| ()), ErrorKind::Shape, "3 to 3 axes"),
        (Rings::new(&[(-1.0, 1.0)]).map(|_| ()), ErrorKind::Argument, "at least 0"),
        (Rings::new(&[(1.0, f64::INFINITY)]).map(|_| ()), ErrorKind::Argument, "a value is inf"),
        (rings.clone().center(&[f64::NAN]).map(|_| ()), ErrorKind::Argument, "a finite number"),
        (
            rings.clone().center(&[1.0]).unwrap().image(&[2, 2], DType::F32).map(|_| ()),
            ErrorKind::Argument,
            "one coordinate",
        ),
        (rings.image(&[], DType::F32).map(|_| ()), ErrorKind::Shape, "axes"),
        (distances(&[2, 0], None, DType::F32).map(|_| ()), ErrorKind::Shape, "no elements"),
        (SiemensStar::new(3).map(|_| ()), ErrorKind::Argument, "at least 4"),
        (SiemensStar::new(4).unwrap().radius(0.0).map(|_| ()), ErrorKind::Argument, "greater than 0"),
        (SiemensStar::new(4).unwrap().image(&[4; 3], DType::F32).map(|_| ()), ErrorKind::Shape, "2 to 2 axes"),
        (tangle([2, 0, 2], DType::F32).map(|_| ()), ErrorKind::Shape, "no elements"),
        (blocks([2, 2, 2], DType::I32).map(|_| ()), ErrorKind::DType, "f32 or f64"),
        (disc_filters(DType::U8).map(|_| ()), ErrorKind::DType, "f32 or f64"),
        (gaussian(&[], None, DType::F32).map(|_| ()), ErrorKind::Shape, "axes"),
        (gaussian(&[3, 3], Some(&Array::from([1.0f64])), DType::F32).map(|_| ()), ErrorKind::Shape, "2 by 2"),
        (gaussian(&[3], Some(&Array::from([[-1.0f64]])), DType::F32).map(|_| ()), ErrorKind::Argument, "definite"),
        (gaussian(&[3], Some(&Array::from([[f64::NAN]])), DType::F32).map(|_| ()), ErrorKind::Argument, "definite"),
        (grey(&Array::zeros(&[3, 4], DType::F32)).map(|_| ()), ErrorKind::Shape, "three colours"),
        (downsample(&Array::zeros(&[4, 6], DType::F32), 4).map(|_| ()), ErrorKind::Argument, "do not divide"),
        (downsample(&Array::zeros(&[4], DType::F32), 0).map(|_| ()), ErrorKind::Argument, "do not divide"),
        (
            salt_and_pepper(&Key::new(1), &Array::from([1.0f32]), 1.5, 0.0, 1.0).map(|_| ()),
            ErrorKind::Argument,
            "from 0 to 1",
        ),
        (tile_sections(&Array::zeros(&[2, 2], DType::F32), 1).map(|_| ()), ErrorKind::Shape, "three axes"),
        (sparse_maps(&Key::new(1), 0, 1, DType::F32).map(|_| ()), ErrorKind::Shape, "no elements"),
        (sparse_maps(&Key::new(1), 1 << 20, 1, DType::F32).map(|_| ()), ErrorKind::Argument, "i32"),
    ];
    for (position, (result, kind, words)) in refused.into_iter().enumerate() {
        let error = result.err().unwrap_or_else(|| panic!("case {position}, {words}, was accepted"));
        assert!(error.message().contains(words), "{error}");
        assert_eq!(error.kind(), kind, "{error}");
    }
    // A key that is not known yet.
    let traced =
        jit(|high: Array, low: Array| match Foam::new(Key::from_words(high, low)).image(&[4, 4], DType::F32) {
            Ok(image) => image,
            Err(error) => Array::from_error(error),
        });
    assert!(traced.call((Array::from(0u32), Array::from(1u32))).is_err());
}
