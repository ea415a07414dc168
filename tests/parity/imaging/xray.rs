//! X-ray transforms and what belongs to them.

use super::{dtype, input_type, name, number, sizes};
use crate::fixtures::Case;
use crate::report::{Computed, Results};
use cotangent::Type;
use cotangent::linop::LinOp;
use cotangent::linop::xray::{
    AbelTransform, AxiallySymmetricVolume, EulerAngles, SymConeXRayTransform, XRayTransform2D, XRayTransform3D,
};
use serde_json::Value;

/// An operator from its description, if it is one of these.
pub(crate) fn linear(case: Case<'_>, op: &Value) -> Computed<Option<LinOp>> {
    Ok(Some(match op["op"].as_str().unwrap_or_default() {
        "XRayTransform2D" => plane(case, op)?.into(),
        "XRayTransform3D" => {
            XRayTransform3D::new(input_type(op), case.input(name(&op["matrices"])), detector(op))?.into()
        }
        "XRayTransform3DEuler" => {
            let matrices = euler(case, op)?.matrices(extents(&op["input_shape"]), detector(op))?;
            XRayTransform3D::new(input_type(op), matrices, detector(op))?.into()
        }
        "AbelTransform" => abel(op)?.into(),
        "AxiallySymmetricVolume" => {
            let volume = AxiallySymmetricVolume::new(input_type(op), op["axis"].as_i64().unwrap_or(0) as isize)?;
            match op["center"].as_f64() {
                Some(center) => volume.center(center)?.into(),
                None => volume.into(),
            }
        }
        "SymConeXRayTransform" => cone(op)?.into(),
        _ => return Ok(None),
    }))
}

/// Outputs that are neither forward nor adjoint.
pub(crate) fn others(case: Case<'_>, params: &Value) -> Computed<Results> {
    let op = &params["op"];
    let mut results = Results::new();
    for output in params["outputs"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let found = match output {
            "fbp" => plane(case, op)?.filtered_back_projection(&case.input("y")),
            "matrices" => euler(case, op)?.matrices(extents(&op["input_shape"]), detector(op))?.astype(dtype(op)),
            "inverse" => abel(op)?.inverse(&case.input("y")),
            "fdk" => cone(op)?.fdk(&case.input("y"), params["num_angles"].as_u64().unwrap_or(360) as usize)?,
            _ => continue,
        };
        results.insert(output.into(), vec![found]);
    }
    Ok(results)
}

fn plane(case: Case<'_>, op: &Value) -> Computed<XRayTransform2D> {
    let mut plane = XRayTransform2D::new(input_type(op), case.input(name(&op["angles"])))?;
    if let Some(pixels) = pair(&op["dx"]) {
        plane = plane.pixels(pixels)?;
    }
    if let Some(corner) = pair(&op["x0"]) {
        plane = plane.corner(corner)?;
    }
    if let Some(bins) = op["det_count"].as_u64() {
        plane = plane.bins(bins as usize)?;
    }
    Ok(match op["y0"].as_f64() {
        Some(start) => plane.start(start)?,
        None => plane,
    })
}

fn euler(case: Case<'_>, op: &Value) -> Computed<EulerAngles> {
    let mut angles = EulerAngles::new(op["seq"].as_str().unwrap_or_default(), case.input(name(&op["angles"])))?;
    if op["degrees"] == true {
        angles = angles.degrees();
    }
    if let Some(list) = op["voxel_spacing"].as_array() {
        angles = angles.voxels([number(&list[0]), number(&list[1]), number(&list[2])])?;
    }
    Ok(match pair(&op["det_spacing"]) {
        Some(spacing) => angles.pixels(spacing)?,
        None => angles,
    })
}

fn abel(op: &Value) -> Computed<AbelTransform> {
    Ok(AbelTransform::new(Type::new(dtype(op), &sizes(&op["img_shape"])))?)
}

/// The detector of the cases has the extents of the input where the axis of symmetry is 0, exchanged where it is 1.
fn cone(op: &Value) -> Computed<SymConeXRayTransform> {
    let input = input_type(op);
    let mut cone = SymConeXRayTransform::new(input.clone(), number(&op["obj_dist"]), number(&op["det_dist"]))?;
    if op["axis"] == 1 {
        cone = cone.axis(1)?.detector([input.shape[1], input.shape[0]])?;
    }
    Ok(match pair(&op["pixel_size"]) {
        Some([across, along]) => cone.pixels(across, along)?,
        None => cone,
    })
}

fn detector(op: &Value) -> [usize; 2] {
    extents(&op["det_shape"])
}

fn extents<const N: usize>(list: &Value) -> [usize; N] {
    sizes(list).try_into().unwrap_or_else(|_| panic!("{list} has not {N} extents"))
}

fn pair(list: &Value) -> Option<[f64; 2]> {
    list.as_array().map(|list| [number(&list[0]), number(&list[1])])
}
