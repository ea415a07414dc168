//! From numbers to colours.

/// Which colours stand for numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ColourMap {
    /// From black to white.
    #[default]
    Grey,
    /// From pale yellow over orange to dark red.
    YellowRed,
    /// From blue over white to red: for numbers of both signs.
    BlueRed,
}

/// The sequence of nine colours of that name by Cynthia Brewer.
const YELLOW_RED: [[u8; 3]; 9] = [
    [255, 255, 204],
    [255, 237, 160],
    [254, 217, 118],
    [254, 178, 76],
    [253, 141, 60],
    [252, 78, 42],
    [227, 26, 28],
    [189, 0, 38],
    [128, 0, 38],
];

const BLUE_RED: [[u8; 3]; 5] = [[33, 102, 172], [146, 197, 222], [247, 247, 247], [244, 165, 130], [178, 24, 43]];

impl ColourMap {
    /// The colour of a number from 0 to 1; beyond these, that of the nearer one. NaN is drawn in a blue of its own.
    pub fn colour(self, value: f64) -> [u8; 3] {
        if value.is_nan() {
            return [60, 80, 200];
        }
        match self {
            ColourMap::Grey => [(value.clamp(0.0, 1.0) * 255.0).round() as u8; 3],
            ColourMap::YellowRed => between(&YELLOW_RED, value),
            ColourMap::BlueRed => between(&BLUE_RED, value),
        }
    }
}

/// A colour between the two of a sequence that a number lies between.
fn between(colours: &[[u8; 3]], value: f64) -> [u8; 3] {
    let place = value.clamp(0.0, 1.0) * (colours.len() - 1) as f64;
    let low = (place.floor() as usize).min(colours.len() - 2);
    let part = place - low as f64;
    std::array::from_fn(|channel| {
        let (from, to) = (f64::from(colours[low][channel]), f64::from(colours[low + 1][channel]));
        (from + part * (to - from)).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::ColourMap;

    #[test]
    fn ends_and_middles_have_the_colours_of_the_map() {
        assert_eq!(ColourMap::Grey.colour(0.5), [128; 3]);
        assert_eq!(ColourMap::YellowRed.colour(-3.0), [255, 255, 204]);
        assert_eq!(ColourMap::YellowRed.colour(7.0), [128, 0, 38]);
        assert_eq!(ColourMap::BlueRed.colour(0.5), [247; 3]);
        assert_ne!(ColourMap::Grey.colour(f64::NAN), ColourMap::Grey.colour(0.0));
    }
}
