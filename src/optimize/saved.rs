//! Files of solver states.
//!
//! A file is in the [safetensors](https://github.com/huggingface/safetensors) format, which many languages read: arrays
//! `state.0`, `state.1`, ... in the order of the leaves of the state, `history` with a row for each step, and the name of the
//! method, the structure of its state and the names of the columns as metadata. Complex numbers in double precision, which
//! the format has not, are stored as pairs along a last axis.

use super::{History, Method, Solution};
use crate::{Array, DType, Error, ErrorKind, Result, Tree, Type};
use cotangent_ir::Tensor;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};
use std::collections::HashMap;
use std::fmt;
use std::path::Path;

/// The version of what is in a file.
const VERSION: &str = "1";

/// What [`load`] reads.
#[derive(Clone)]
pub struct Saved<S> {
    /// The state, to continue from with [`solve_from`](super::solve_from).
    pub state: S,
    /// The number of the next step, for [`Options::first_step`](super::Options::first_step).
    pub next_step: usize,
    /// The statistics of the steps made.
    pub history: History,
}

impl<S> fmt::Debug for Saved<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the state before step {}", self.next_step)
    }
}

/// Writes the state and the history of a solution to a file.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::L1Norm;
/// use cotangent::linop::Identity;
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{Options, Pdhg, Watch, load, save, solve, solve_from};
///
/// let y = Array::from(vec![1.0f32, -2.0]);
/// let identity = Identity::new(y.ty()?);
/// let method = Pdhg::new(SquaredL2Loss::new(y)?, 0.5 * L1Norm::new(), identity, 0.5, 0.5);
/// let path = std::env::temp_dir().join(format!("cotangent-{}.safetensors", std::process::id()));
/// save(&path, &method, &solve(&method, &Options { max_steps: 6, ..Options::default() })?)?;
///
/// let saved = load(&path, &method)?;
/// let options = Options { max_steps: 4, first_step: saved.next_step, ..Options::default() };
/// let rest = solve_from(&method, &options, saved.state, Watch::default())?;
/// let whole = solve(&method, &Options { max_steps: 10, ..Options::default() })?;
/// assert_eq!(rest.x.to_vec::<f32>()?, whole.x.to_vec::<f32>()?);
/// assert_eq!(saved.history.followed_by(rest.history).column("Iter"), whole.history.column("Iter"));
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A file that cannot be written; a state that is traced or an error.
pub fn save<M: Method>(path: impl AsRef<Path>, method: &M, solution: &Solution<M::State, M::Variable>) -> Result<()> {
    let path = path.as_ref();
    let history = &solution.history;
    let mut arrays = Vec::new();
    for (position, leaf) in solution.state.leaves().iter().enumerate() {
        arrays.push((format!("state.{position}"), stored(leaf)?));
    }
    let width = history.columns().len();
    let rows: Vec<f64> = history.rows().concat();
    arrays.push(("history".into(), stored(&Array::new(&[history.rows().len(), width], &rows))?));
    let columns: Vec<&str> = history.columns().iter().map(|column| column.name).collect();
    let about = [
        ("version", VERSION.to_string()),
        ("method", method.name().to_string()),
        ("structure", solution.state.structure()),
        ("next_step", solution.next_step.to_string()),
        ("columns", columns.join("\n")),
    ];
    let about: HashMap<String, String> = about.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
    let mut views = Vec::new();
    for (name, (dtype, shape, bytes)) in &arrays {
        let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(|error| unwritten(path, &error))?;
        views.push((name.clone(), view));
    }
    safetensors::serialize_to_file(views, Some(about), path).map_err(|error| unwritten(path, &error))
}

/// Reads a state that [`save`] wrote for a method like this one.
///
/// # Errors
/// A file that cannot be read; one of another method, named with this one; a state of other structure, shapes or dtypes
/// than this method has.
pub fn load<M: Method>(path: impl AsRef<Path>, method: &M) -> Result<Saved<M::State>> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|error| failed(path, format!("could not be read: {error}")))?;
    let broken = |error: SafeTensorError| failed(path, format!("is no file of a solver state: {error}"));
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(broken)?;
    let arrays = SafeTensors::deserialize(&bytes).map_err(broken)?;
    let missing = |key: &str| failed(path, format!("is no file of a solver state: it does not say the {key}"));
    let about = |key: &str| header.metadata().as_ref().and_then(|about| about.get(key)).ok_or_else(|| missing(key));
    if about("version")? != VERSION {
        let message = format!("is of version {}, and version {VERSION} is read; save it anew", about("version")?);
        return Err(failed(path, message));
    }
    if about("method")? != method.name() {
        let message =
            format!("has the state of a {}, and this is a {}; load it into one", about("method")?, method.name());
        return Err(failed(path, message));
    }
    let template = method.init();
    if *about("structure")? != template.structure() {
        let message = format!(
            "has a state {}, and this method has {}; build the method as it was",
            about("structure")?,
            template.structure()
        );
        return Err(failed(path, message));
    }
    let read = |name: &str| arrays.tensor(name).map_err(broken).and_then(|view| restored(path, &view));
    let mut leaves = Vec::new();
    for (position, ty) in template.leaf_types()?.into_iter().enumerate() {
        let name = format!("state.{position}");
        let pairs = ty.dtype == DType::C128;
        let array = read(&name)?;
        let array = if pairs { Array::complex(array.index_axis(-1, 0), array.index_axis(-1, 1)) } else { array };
        let given = array.ty()?;
        if given != ty {
            let message = format!("`{name}` is {given}, and this method has {ty}; build the method as it was");
            return Err(failed(path, message));
        }
        leaves.push(array);
    }
    let next_step = about("next_step")?.parse().map_err(|_| missing("next step"))?;
    let table = read("history")?.to_vec::<f64>()?;
    let history = History::recorded(&method.columns(), &table);
    let columns: Vec<&str> = history.columns().iter().map(|column| column.name).collect();
    if *about("columns")? != columns.join("\n") && !table.is_empty() {
        return Err(failed(path, format!("has other statistics than {columns:?}; build the method as it was")));
    }
    Ok(Saved { state: template.with_leaves(leaves), next_step, history })
}

/// The dtype, shape and bytes of an array as a file has them.
fn stored(array: &Array) -> Result<(Dtype, Vec<usize>, Vec<u8>)> {
    let tensor = array.tensor()?;
    let mut shape = tensor.ty().shape.to_vec();
    let dtype = match tensor.ty().dtype {
        DType::Bool => Dtype::BOOL,
        DType::I8 => Dtype::I8,
        DType::I16 => Dtype::I16,
        DType::I32 => Dtype::I32,
        DType::I64 => Dtype::I64,
        DType::U8 => Dtype::U8,
        DType::U16 => Dtype::U16,
        DType::U32 => Dtype::U32,
        DType::U64 => Dtype::U64,
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
        DType::C64 => Dtype::C64,
        DType::C128 => {
            shape.push(2);
            Dtype::F64
        }
    };
    Ok((dtype, shape, tensor.bytes().to_vec()))
}

fn restored(path: &Path, view: &TensorView<'_>) -> Result<Array> {
    let dtype = match view.dtype() {
        Dtype::BOOL => DType::Bool,
        Dtype::I8 => DType::I8,
        Dtype::I16 => DType::I16,
        Dtype::I32 => DType::I32,
        Dtype::I64 => DType::I64,
        Dtype::U8 => DType::U8,
        Dtype::U16 => DType::U16,
        Dtype::U32 => DType::U32,
        Dtype::U64 => DType::U64,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        Dtype::C64 => DType::C64,
        other => return Err(failed(path, format!("has numbers of type {other:?}, which no state has"))),
    };
    if dtype == DType::Bool && view.data().iter().any(|&byte| byte > 1) {
        return Err(failed(path, "has bools other than 0 and 1".into()));
    }
    let mut tensor = Tensor::zeros(Type::new(dtype, view.shape()));
    tensor.bytes_mut().copy_from_slice(view.data());
    Ok(Array::from_tensor(tensor))
}

fn unwritten(path: &Path, error: &SafeTensorError) -> Error {
    failed(path, format!("could not be written: {error}"))
}

fn failed(path: &Path, message: String) -> Error {
    Error::new(ErrorKind::Input, "optimize", format!("{} {message}", path.display()))
}
