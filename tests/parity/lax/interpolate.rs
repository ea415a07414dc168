//! Values between the elements of arrays.

use super::call::Function::{self, Call as Of};
use cotangent::{Array, Boundary};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("jnp.interp", Of(|call| Ok(call.x().interp(call.y(), &call.arrays[2]).into()))),
    (
        "x.map_coordinates",
        Of(|call| {
            let boundary = match call.text("mode").unwrap() {
                "constant" => Boundary::Constant(call.real("cval").unwrap()),
                "nearest" => Boundary::Nearest,
                "wrap" => Boundary::Wrap,
                "mirror" => Boundary::Mirror,
                "reflect" => Boundary::Reflect,
                other => panic!("no mode {other}"),
            };
            let coordinates: Vec<Array> = (0..call.rank() as isize).map(|k| call.y().index_axis(0, k)).collect();
            Ok(call.x().map_coordinates(&coordinates, call.int("order").unwrap() as usize, boundary).into())
        }),
    ),
];
