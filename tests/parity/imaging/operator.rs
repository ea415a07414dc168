//! Area `linop`: operators, linear or not, and functions of several arrays.

use super::{Given, dtype, gradient, input_type, name, number, optics, sizes, stack, whole_numbers, xray};
use crate::fixtures::Case;
use crate::formula::{Formula, Value as Operand};
use crate::report::{Broken, Computed, Results};
use cotangent::linop::{
    BlockRange, BlockSlice, Boundary, CircularConvolve, Convolve, ConvolveByX, ConvolveMode, Crop, Cylindrical, Dft,
    Diagonal, DiagonalStack, Edge, Filter, FiniteDifference, HaarTransform, Identity, LinOp, MatrixNorm,
    MatrixOperator, Pad, Polar, Reshape, ScaledIdentity, SingleAxisFiniteDifference, SingleAxisFiniteSum,
    SingleAxisHaarTransform, Slice, Spherical, Sum, Transpose, VerticalStack, jacobian, operator_norm, power_iteration,
};
use cotangent::operator::{Map, Op};
use cotangent::{Array, BlockArray, BlockType, Border, DType, Factor, Index, Type};
use num_complex::Complex;
use serde_json::Value;

/// The results of a case.
pub(crate) fn compute(case: Case<'_>) -> Computed<Results> {
    let params = case.params();
    match case.target() {
        "operator.Function" => function(case),
        "operator.Operator" => differentiated(case, &operator(case, &params["op"])?),
        "operator.BiConvolve" | "operator.VerticalStack" | "operator.DiagonalStack" => stack::operator(case),
        "operator.Abs" => differentiated(case, &Op::new(input_type(params), |x: &Array| x.abs())?),
        "operator.Angle" => differentiated(case, &Op::new(input_type(params), |x: &Array| x.angle())?),
        "operator.Exp" => differentiated(case, &Op::new(input_type(params), |x: &Array| x.exp())?),
        _ if stack::is_block_operator(case) => stack::blocks(case),
        _ if params["op"]["op"] == "Identity" && params["op"]["input_shape"][0].is_array() => {
            let identity = Identity::new(block_type(&params["op"]));
            applied::<BlockArray, BlockArray>(case, &identity.into())
        }
        _ if params["op"]["op"] == "Slice" && params["op"]["input_shape"][0].is_array() => {
            let ty = block_type(&params["op"]);
            match &params["op"]["idx"] {
                Value::Number(block) => {
                    let block = block.as_u64().unwrap() as usize;
                    applied::<BlockArray, Array>(case, &BlockSlice::new(ty, block)?.into())
                }
                range => {
                    let blocks = sizes(&Value::from(&range["slice"].as_array().unwrap()[..2]));
                    applied::<BlockArray, BlockArray>(case, &BlockRange::new(ty, blocks[0]..blocks[1])?.into())
                }
            }
        }
        _ if params["outputs"][0] == "matrix_norms" => matrix_norms(case),
        _ => {
            let a = linear(case, &params["op"])?;
            let mut results = applied::<Array, Array>(case, &a)?;
            if let Some(iterations) = params["norm_kwargs"]["maxiter"].as_u64() {
                let norm = operator_norm(&a, iterations as usize)?;
                let wanted = case.outputs().next().map(|(_, arrays)| arrays[0].dtype()).unwrap()?;
                results.insert("norm".into(), vec![Array::from(norm).astype(wanted)]);
            }
            if let Some(iterations) = params["maxiter"].as_u64() {
                results.insert("mu".into(), vec![power_iteration(&a, iterations as usize, 0)?.0]);
            }
            if let Some(dft) = dft(case, &params["op"])?
                && case.has_input("y")
            {
                results.insert("inv".into(), vec![dft.inverse(&case.input("y"))]);
            }
            results.extend(xray::others(case, params)?);
            results.extend(optics::others(case, params)?);
            Ok(results)
        }
    }
}

pub(super) fn block_type(op: &Value) -> BlockType {
    let shapes: Vec<Vec<usize>> = op["input_shape"].as_array().unwrap().iter().map(sizes).collect();
    BlockType::new(dtype(op), &shapes)
}

/// Forward, adjoint and gram, as far as the case has inputs for them.
pub(super) fn applied<X: Given, Y: Given>(case: Case<'_>, a: &LinOp<X, Y>) -> Computed<Results> {
    let mut results = Results::new();
    if case.has_input("x") {
        let x = X::given(case, "x");
        results.insert("fwd".into(), a.apply(&x).into_arrays());
        results.insert("gram".into(), a.gram(&x).into_arrays());
    }
    if case.has_input("y") {
        results.insert("adj".into(), a.adjoint(&Y::given(case, "y")).into_arrays());
    }
    Ok(results)
}

/// Value, Jacobian times tangent and its transposes times cotangent.
pub(super) fn differentiated<X: Given>(case: Case<'_>, a: &Op<X>) -> Computed<Results> {
    let x = X::given(case, "x");
    let mut results = Results::from([("value".to_string(), vec![a.apply(&x)])]);
    if case.has_input("d") {
        results.insert("jvp".into(), vec![a.jvp(&x, &X::given(case, "d"))?.1]);
    }
    if case.has_input("ct") {
        let ct = case.input("ct");
        results.insert("vjp_conj".into(), a.vjp(&x)?.1.call(ct.clone())?.into_arrays());
        results.insert("vjp".into(), a.vjp_plain(&x)?.1.call(ct)?.into_arrays());
    }
    Ok(results)
}

/// A function of several arrays: its slices and their derivatives.
fn function(case: Case<'_>) -> Computed<Results> {
    let params = &case.params()["function"];
    let formula = Formula::new(params["formula"].as_str().unwrap());
    let names: Vec<String> =
        params["args"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_string()).collect();
    let types: Vec<Type> = params["input_shapes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|shape| Type::new(dtype(params), &sizes(shape)))
        .collect();
    let args: Vec<Array> = names.iter().map(|name| case.input(name)).collect();
    let parameters = names.clone();
    let map = Map::new(&types, move |args: &[Array]| {
        let values: Vec<(&str, Operand)> =
            parameters.iter().zip(args).map(|(name, array)| (name.as_str(), Operand::Array(array.clone()))).collect();
        formula.value(&values)
    })?;
    let mut results = Results::from([("value".to_string(), vec![map.apply(&args)])]);
    results.insert("join".into(), vec![map.join()?.apply(&BlockArray::new(args.clone())?)]);
    for (index, name) in names.iter().enumerate() {
        let mut rest = args.clone();
        let at = rest.remove(index);
        results.insert(format!("slice_{name}"), vec![map.slice(index, &rest)?.apply(&at)]);
        results.insert(format!("jvp_{name}"), vec![map.jvp(index, &case.input(&format!("d_{name}")), &args)?.1]);
        results.insert(format!("vjp_{name}"), vec![map.vjp(index, &args)?.1.call(case.input("ct"))?]);
    }
    Ok(results)
}

fn matrix_norms(case: Case<'_>) -> Computed<Results> {
    let op = &case.params()["op"];
    let norm: Box<dyn Fn(MatrixNorm) -> Array> = match op["op"].as_str().unwrap() {
        "Diagonal" => {
            let a = Diagonal::new(case.input(name(&op["diagonal"])))?;
            Box::new(move |kind| a.norm(kind))
        }
        "MatrixOperator" => {
            let a = MatrixOperator::new(case.input(name(&op["A"])))?;
            Box::new(move |kind| a.norm(kind))
        }
        other => return Err(Broken(format!("the runner knows no norms of {other}"))),
    };
    let norms = [
        ("norm_fro", MatrixNorm::Frobenius),
        ("norm_nuc", MatrixNorm::Nuclear),
        ("norm_1", MatrixNorm::One),
        ("norm_2", MatrixNorm::Spectral),
        ("norm_inf", MatrixNorm::Infinity),
        ("norm_-inf", MatrixNorm::LeastRow),
    ];
    Ok(norms.into_iter().map(|(name, kind)| (name.to_string(), vec![norm(kind)])).collect())
}

/// An operator that need not be linear, from its description. Names in the formula are inputs of the case.
pub(super) fn operator(case: Case<'_>, op: &Value) -> Computed<Op> {
    let formula = Formula::new(op["formula"].as_str().unwrap_or_else(|| panic!("{op} has no formula")));
    let others: Vec<(&'static str, Array)> =
        ["w"].into_iter().filter(|name| case.has_input(name)).map(|name| (name, case.input(name))).collect();
    Ok(Op::new(input_type(op), move |x: &Array| {
        let given = others.iter().map(|(name, array)| (*name, Operand::Array(array.clone())));
        let values: Vec<(&str, Operand)> = given.chain([("x", Operand::Array(x.clone()))]).collect();
        formula.value(&values)
    })?)
}

/// The complex dtype of the precision of a case.
fn complex(case: Case<'_>) -> DType {
    if case.id().ends_with(".f64") { DType::C128 } else { DType::C64 }
}

fn dft(case: Case<'_>, op: &Value) -> Computed<Option<Dft>> {
    if op["op"] != "DFT" {
        return Ok(None);
    }
    let mut dft = Dft::new(Type::new(complex(case), &sizes(&op["input_shape"])))?;
    if op["axes"].is_array() {
        dft = dft.along(&whole_numbers(&op["axes"]))?;
    }
    if op["axes_shape"].is_array() {
        dft = dft.sizes(&sizes(&op["axes_shape"]))?;
    }
    Ok(Some(match op["norm"].as_str() {
        Some("ortho") => dft.orthonormal(),
        Some("forward") => dft.scaled_forward(),
        _ => dft,
    }))
}

/// A linear operator of arrays from its description.
pub(crate) fn linear(case: Case<'_>, op: &Value) -> Computed<LinOp> {
    let of = |name: &str| linear(case, &op[name]);
    let array = |field: &str| case.input(name(&op[field]));
    Ok(match op["op"].as_str().unwrap_or_default() {
        "Identity" => Identity::new(input_type(op)).into(),
        "ScaledIdentity" => ScaledIdentity::new(factor(&op["scalar"]), input_type(op)).into(),
        "Diagonal" if op.get("input_shape").is_some() => {
            let diagonal = array("diagonal");
            let input = Type::new(diagonal.dtype()?, &sizes(&op["input_shape"]));
            Diagonal::with_input(diagonal, input)?.into()
        }
        "Diagonal" => Diagonal::new(array("diagonal"))?.into(),
        "MatrixOperator" => match op["input_cols"].as_u64().unwrap_or(0) {
            0 => MatrixOperator::new(array("A"))?.into(),
            columns => MatrixOperator::with_columns(array("A"), columns as usize)?.into(),
        },
        "Convolve" => Convolve::new(array("h"), input_type(op), mode(op))?.into(),
        "ConvolveByX" => ConvolveByX::new(array("x"), input_type(op), mode(op))?.into(),
        "CircularConvolve" => {
            let h = array("h");
            let mut filter = if op["h_is_dft"] == true { Filter::transform(h) } else { Filter::new(h) };
            filter = match &op["h_center"] {
                Value::Null => filter,
                Value::Array(list) => filter.center(&list.iter().map(number).collect::<Vec<_>>()),
                center => filter.center(&[number(center)]),
            };
            if let Some(axes) = op["ndims"].as_u64() {
                filter = filter.axes(axes as usize);
            }
            CircularConvolve::new(filter, input_type(op))?.into()
        }
        "DFT" => match dft(case, op)? {
            Some(dft) => dft.into(),
            None => return Err(Broken(format!("{op} is no DFT"))),
        },
        "FiniteDifference" => {
            let axes: Vec<isize> = match &op["axes"] {
                Value::Null => (0..sizes(&op["input_shape"]).len() as isize).collect(),
                axes => whole_numbers(axes),
            };
            FiniteDifference::along(input_type(op), &axes, boundary(op))?.into()
        }
        "SingleAxisFiniteDifference" => {
            let axis = op["axis"].as_i64().unwrap_or(-1) as isize;
            SingleAxisFiniteDifference::new(input_type(op), axis, boundary(op))?.into()
        }
        "Pad" => {
            let widths = widths(&op["pad_width"]);
            match op["mode"].as_str() {
                None | Some("constant") => Pad::zeros(input_type(op), &widths)?.into(),
                Some("edge") => Pad::border(input_type(op), &widths, Border::Edge)?.into(),
                Some("reflect") => Pad::border(input_type(op), &widths, Border::Reflect)?.into(),
                Some("symmetric") => Pad::border(input_type(op), &widths, Border::Symmetric)?.into(),
                Some("wrap") => Pad::border(input_type(op), &widths, Border::Wrap)?.into(),
                Some(other) => return Err(Broken(format!("the runner knows no border {other}"))),
            }
        }
        "Crop" => Crop::new(input_type(op), &widths(&op["crop_width"]))?.into(),
        "Sum" => match &op["axis"] {
            Value::Null => Sum::new(input_type(op)).into(),
            axes => Sum::along(input_type(op), &whole_numbers(axes))?.into(),
        },
        "Slice" => {
            let index: Vec<Index> = op["idx"].as_array().unwrap().iter().map(index).collect();
            Slice::new(input_type(op), &index)?.into()
        }
        "Formula" => {
            let function = operator(case, op)?;
            LinOp::from_function(function.input_type(), move |x: &Array| function.apply(x))?
        }
        "Jacobian" => jacobian(&operator(case, &op["of"])?, &array("u"))?.1,
        "Reshape" => Reshape::new(input_type(op), &sizes(&op["shape"]))?.into(),
        "Transpose" => Transpose::along(input_type(op), &sizes(&op["axes"]))?.into(),
        "Composed" => of("A")? * of("B")?,
        "Add" => of("a")? + of("b")?,
        "Sub" => of("a")? - of("b")?,
        "Scale" => of("of")?.scaled(factor(&op["scalar"])),
        "Div" => of("of")?.scaled(factor(&op["scalar"]).recip()),
        "Neg" => -of("of")?,
        "T" => of("of")?.t(),
        "H" => of("of")?.h(),
        "Conj" => of("of")?.conj(),
        "GramOp" => of("of")?.gram_op(),
        "FromOperator" => CircularConvolve::from_operator(&of("of")?, None)?.into(),
        "VerticalStack" => VerticalStack::new(stack::members(case, op)?)?.into(),
        "DiagonalStack" => DiagonalStack::new(stack::members(case, op)?)?.into(),
        "DiagonalReplicated" => stack::replicated(case, op)?.into(),
        "BiConvolveFrozen" => stack::frozen(case, op)?,
        "SingleAxisFiniteSum" => SingleAxisFiniteSum::new(input_type(op), whole_numbers(&op["axis"])[0])?.into(),
        "SingleAxisHaarTransform" => {
            SingleAxisHaarTransform::new(input_type(op), whole_numbers(&op["axis"])[0])?.into()
        }
        "HaarTransform" => HaarTransform::new(input_type(op))?.into(),
        "ProjectedGradient" => gradient::projected(case, op)?,
        "PolarGradient" => gradient::coordinates(op, &[("angular", Polar::Angular), ("radial", Polar::Radial)])?,
        "CylindricalGradient" => gradient::coordinates(
            op,
            &[("angular", Cylindrical::Angular), ("radial", Cylindrical::Radial), ("axial", Cylindrical::Axial)],
        )?,
        "SphericalGradient" => gradient::coordinates(
            op,
            &[("azimuthal", Spherical::Azimuthal), ("polar", Spherical::Polar), ("radial", Spherical::Radial)],
        )?,
        other => match xray::linear(case, op)?.or(optics::linear(case.params(), op)?) {
            Some(operator) => operator,
            None => return Err(Broken(format!("the runner knows no operator {other}"))),
        },
    })
}

fn widths(list: &Value) -> Vec<(usize, usize)> {
    let pair = |pair: &Value| (pair[0].as_u64().unwrap() as usize, pair[1].as_u64().unwrap() as usize);
    list.as_array().unwrap().iter().map(pair).collect()
}

fn index(value: &Value) -> Index {
    let bound = |position: usize| value["slice"][position].as_i64().map(|bound| bound as isize);
    match value.as_i64() {
        Some(at) => Index::At(at as isize),
        None => Index::Slice { start: bound(0), end: bound(1), step: bound(2).unwrap_or(1) },
    }
}

fn factor(value: &Value) -> Factor {
    match value["complex"].as_array() {
        Some(parts) => Factor::from(Complex::new(number(&parts[0]), number(&parts[1]))),
        None => Factor::from(number(value)),
    }
}

pub(super) fn mode(op: &Value) -> ConvolveMode {
    match op["mode"].as_str() {
        None | Some("full") => ConvolveMode::Full,
        Some("same") => ConvolveMode::Same,
        Some("valid") => ConvolveMode::Valid,
        Some(other) => panic!("mode {other}"),
    }
}

pub(super) fn boundary(op: &Value) -> Boundary {
    let edge = |name: &str| match op[name].as_i64() {
        None => None,
        Some(0) => Some(Edge::Zero),
        Some(_) => Some(Edge::Value),
    };
    match op["circular"].as_bool() {
        Some(true) => Boundary::CIRCULAR,
        _ => Boundary::Edges { prepend: edge("prepend"), append: edge("append") },
    }
}
