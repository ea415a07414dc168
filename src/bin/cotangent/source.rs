//! Reading of files.

use crate::failure::{Failure, Result};
use cotangent::ir::Func;
use cotangent::ir::text::parse;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// More bytes than this are taken for a mistake, such as naming a device.
const MOST_BYTES: u64 = 1 << 30;

/// The contents of a file.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>> {
    let refused =
        |error| Failure::in_file(path, format_args!("cannot be read: {error}; check the name and its permissions"));
    if path.is_dir() {
        return Err(Failure::in_file(path, "is a folder; name a file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(refused)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(refused)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Failure::in_file(path, "has more than 1 GiB; reduce or split it"));
    }
    Ok(bytes)
}

/// The functions of a file in text form. Messages begin with file, line and column, as those of compilers do.
pub(crate) fn functions(path: &Path) -> Result<Vec<Func>> {
    parse::functions(&text(path)?).map_err(|error| in_text(path, &error))
}

/// The function of that name in a file in text form, or its last one.
pub(crate) fn function(path: &Path, name: Option<&str>) -> Result<Func> {
    let Some(name) = name else { return parse::entry(&text(path)?).map_err(|error| in_text(path, &error)) };
    let functions = functions(path)?;
    let known: Vec<String> = functions.iter().map(|func| func.name.clone()).collect();
    functions.into_iter().find(|func| func.name == name).ok_or_else(|| unknown(path, name, &known))
}

/// The failure of a function that is not in a file.
pub(crate) fn unknown(path: &Path, name: &str, known: &[String]) -> Failure {
    Failure::in_file(path, format!("has no function `{name}`; it has {}", known.join(", ")))
}

fn text(path: &Path) -> Result<String> {
    String::from_utf8(bytes(path)?)
        .map_err(|_| Failure::in_file(path, "is not text in UTF-8; give a file of functions in text form"))
}

fn in_text(path: &Path, error: &cotangent::Error) -> Failure {
    Failure::new(format!("{}:{}", path.display(), error.message()))
}
