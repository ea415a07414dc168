//! The header: what a kernel file says about itself, as JSON.
//!
//! A file that was written by this library holds a header that [`check`](super::check) accepts. One that was not may hold
//! anything; reading it never panics, and nothing in it is believed before it has been checked.

use super::error::LoadError;
use super::library_calls::CallHeader;
use crate::run::program::Slot;
use cotangent_ir::{DType, Type};
use serde::{Deserialize, Serialize};

/// Most characters of a name.
pub const LONGEST_NAME: usize = 64;

/// Most bytes of a description or a unit.
pub(super) const LONGEST_TEXT: usize = 64 * 1024;

/// What a file says about itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// The version of the library that wrote it.
    pub(super) library: String,
    pub(super) name: String,
    pub(super) description: String,
    /// The code there is, from the lowest level of the processor to the highest.
    pub(super) levels: Vec<LevelHeader>,
    pub(super) functions: Vec<FunctionHeader>,
}

/// Code for one level of the processor.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LevelHeader {
    pub(super) name: String,
    /// The section of the code of all functions.
    pub(super) section: String,
}

/// A function, and all that its program needs besides code.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FunctionHeader {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) arguments: Vec<Parameter>,
    pub(super) results: Vec<Parameter>,
    pub(super) constants: Vec<ConstantHeader>,
    pub(super) parallel: bool,
    pub(super) scalar_bytes: usize,
    pub(super) arena_bytes: usize,
    pub(super) slots: Vec<SlotHeader>,
    pub(super) calls: Vec<CallHeader>,
    /// For each level, where in its section the function begins.
    pub(super) entries: Vec<u64>,
}

/// An argument or a result of a function.
///
/// The unit is for people and programs to compare: nothing is converted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name, unique among the arguments or the results.
    pub name: String,
    /// Element type and shape.
    #[serde(with = "type_text")]
    pub ty: Type,
    /// The unit of its elements, such as `1/mm`; empty if they have none.
    pub unit: String,
    /// What it is.
    pub description: String,
}

/// A constant, which programs see as an argument before all others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConstantHeader {
    /// In the section of constants.
    pub(super) offset: usize,
    #[serde(with = "type_text")]
    pub(super) ty: Type,
}

/// What an entry of the pointer table points to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SlotHeader {
    /// A constant or, counted after those, an argument.
    Input(usize),
    Output(usize),
    /// Offset and size.
    Arena(usize, usize),
}

impl From<Slot> for SlotHeader {
    fn from(slot: Slot) -> SlotHeader {
        match slot {
            Slot::Input(input) => SlotHeader::Input(input),
            Slot::Output(output) => SlotHeader::Output(output),
            Slot::Arena { offset, bytes } => SlotHeader::Arena(offset, bytes),
        }
    }
}

impl From<SlotHeader> for Slot {
    fn from(slot: SlotHeader) -> Slot {
        match slot {
            SlotHeader::Input(input) => Slot::Input(input),
            SlotHeader::Output(output) => Slot::Output(output),
            SlotHeader::Arena(offset, bytes) => Slot::Arena { offset, bytes },
        }
    }
}

impl Header {
    /// Reads a header.
    pub(super) fn parse(json: &[u8]) -> Result<Header, LoadError> {
        serde_json::from_slice(json).map_err(|error| LoadError::Header(error.to_string()))
    }
}

/// Whether a name can be one of C: a letter or underscore, then letters, digits and underscores.
pub(super) fn check_name(name: &str) -> Result<(), LoadError> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let goes_on_well = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    match starts_well && goes_on_well && name.len() <= LONGEST_NAME {
        true => Ok(()),
        // What is shown of it is short, whatever it is.
        false => Err(LoadError::Name(name.chars().take(LONGEST_NAME + 1).collect())),
    }
}

/// Dtypes by their names.
pub(super) mod dtype_text {
    use cotangent_ir::DType;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::artifact) fn serialize<S: Serializer>(dtype: &DType, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(dtype.name())
    }

    pub(in crate::artifact) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DType, D::Error> {
        let name = String::deserialize(deserializer)?;
        DType::from_name(&name).ok_or_else(|| D::Error::custom(format!("there is no dtype {name:?}")))
    }
}

/// Types as the text form spells them: `f32[3,4]`.
pub(super) mod type_text {
    use super::parse_type;
    use cotangent_ir::Type;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::artifact) fn serialize<S: Serializer>(ty: &Type, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(ty)
    }

    pub(in crate::artifact) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Type, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_type(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no type such as f32[3,4]")))
    }
}

/// The type spelled like this.
fn parse_type(text: &str) -> Option<Type> {
    let (dtype, rest) = text.split_once('[')?;
    let extents = rest.strip_suffix(']')?;
    let shape: Option<Vec<usize>> = match extents {
        "" => Some(Vec::new()),
        _ => extents.split(',').map(|extent| extent.parse().ok()).collect(),
    };
    Some(Type::new(DType::from_name(dtype)?, &shape?))
}

#[cfg(test)]
mod tests {
    use super::{check_name, parse_type};
    use cotangent_ir::{DType, Type};

    #[test]
    fn types_are_read_as_they_are_printed() {
        for ty in [Type::scalar(DType::C128), Type::new(DType::F32, &[3]), Type::new(DType::Bool, &[0, 4, 5])] {
            assert_eq!(parse_type(&ty.to_string()), Some(ty));
        }
        for text in ["", "f32", "f32[", "f32[]x", "f33[2]", "f32[2,]", "f32[-1]", "f32[99999999999999999999999]"] {
            assert_eq!(parse_type(text), None, "{text:?}");
        }
    }

    #[test]
    fn names_are_those_of_c() {
        for name in ["a", "_", "solve_2", &"x".repeat(64)] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
        for name in ["", "2x", "a b", "a\0", "a\u{1b}[31m", "é", "a-b", "../a", &"x".repeat(65)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}
