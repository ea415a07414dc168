//! Which tangents and cotangents a rule deals with.
//!
//! A derivative may have several rules: the user's, traced for different tangents that are zero. Those that a rule does
//! not take are zero, and so are those that it does not give. What holds: the first rule takes all.

use crate::attrs::Attrs;
use crate::error::{Error, ErrorKind, Result};

/// For one rule which of the possible tangents it takes, and which of the possible results it gives.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    pub(super) takes: Vec<bool>,
    pub(super) gives: Vec<bool>,
}

/// The signatures as an attribute: for every rule the flags of what it takes, then those of what it gives, as 0 and 1.
pub(super) fn with_signatures(attrs: Attrs, signatures: &[Signature]) -> Attrs {
    let flags = signatures.iter().flat_map(|signature| signature.takes.iter().chain(&signature.gives));
    attrs.with_ints("signatures", flags.map(|&flag| i64::from(flag)))
}

/// The signatures of `rules` rules that may take and give so many values. The attribute has been checked.
pub(super) fn signatures(attrs: &Attrs, rules: usize, takes: usize, gives: usize) -> Vec<Signature> {
    let flags: Vec<bool> = attrs.ints("signatures").iter().map(|&flag| flag != 0).collect();
    let row = |number: usize| {
        let flags = &flags[number * (takes + gives)..];
        Signature { takes: flags[..takes].to_vec(), gives: flags[takes..takes + gives].to_vec() }
    };
    (0..rules).map(row).collect()
}

/// The signatures, checked: so many flags as there must be, and in every `group` of rules the first takes all.
pub(super) fn checked_signatures(
    operation: &str,
    attrs: &Attrs,
    rules: usize,
    group: usize,
    (takes, gives): (usize, usize),
) -> Result<Vec<Signature>> {
    let refuse = |message: String| Err(Error::new(ErrorKind::Argument, operation, message));
    let flags = attrs.ints("signatures");
    let due = rules * (takes + gives);
    if flags.len() != due || flags.iter().any(|flag| ![0, 1].contains(flag)) {
        return refuse(format!(
            "`signatures` must have {due} entries 0 or 1, {takes} and {gives} for each of {rules} rules, but it is {flags:?}"
        ));
    }
    let signatures = signatures(attrs, rules, takes, gives);
    match group > 0 && signatures.iter().step_by(group).all(|first| !first.takes.contains(&false)) {
        true => Ok(signatures),
        false => refuse("the first rule must take every tangent or cotangent".into()),
    }
}

/// The rule that takes the least of those that take everything flagged.
pub(super) fn fitting(takes: impl Iterator<Item = Vec<bool>>, present: &[bool]) -> usize {
    let covers = |takes: &[bool]| takes.iter().zip(present).all(|(&takes, &present)| takes || !present);
    let candidates = takes.enumerate().filter(|(_, takes)| covers(takes));
    let smallest = candidates.min_by_key(|(_, takes)| takes.iter().filter(|taken| **taken).count());
    smallest.map_or_else(|| crate::error::internal("no rule takes all tangents"), |(number, _)| number)
}
