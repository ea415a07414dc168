//! Sums of products spelled by letters: Einstein's convention, as in NumPy.

use super::axes::attempt;
use crate::array::Array;
use crate::error::{Error, ErrorKind, Result};
use crate::types::Dims;

/// An axis of an operand: a letter, or one of those an ellipsis stands for, counted from the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Label {
    Ellipsis(usize),
    Letter(char),
}

/// An array with a label for each axis, none of them twice.
#[derive(Clone)]
struct Labelled {
    array: Array,
    labels: Vec<Label>,
}

/// Sums of products of arrays. `spec` names the axes of each by letters, separated by commas; equal letters are equal indices.
/// What follows `->` are the axes of the result, in order; all others are summed over. Without `->`, the result has the letters
/// that occur once, in alphabetical order. `...` stands for any axes, which broadcast. Of several operands, those are
/// multiplied first whose product is the smallest compared with them.
///
/// ```
/// use cotangent_ir::{Array, einsum};
/// let a = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// assert_eq!(einsum("ii", &[&a]).item().unwrap(), 5.0);
/// assert_eq!(einsum("ij,kj->ik", &[&a, &a]).to_vec::<f32>().unwrap(), [5.0, 11.0, 11.0, 25.0]);
/// ```
#[track_caller]
pub fn einsum(spec: &str, operands: &[&Array]) -> Array {
    let (inputs, output) = attempt!(parse(spec, operands));
    let mut dtype = None;
    for operand in operands {
        let own = attempt!(operand.dtype());
        dtype = Some(dtype.map_or(own, |dtype: crate::dtype::DType| dtype.promote(own)));
    }
    let mut terms = Vec::new();
    for (operand, labels) in operands.iter().zip(inputs) {
        let array = dtype.map_or((*operand).clone(), |dtype| operand.astype(dtype));
        terms.push(attempt!(distinct(Labelled { array, labels })));
    }
    attempt!(check_extents(spec, &mut terms));
    while terms.len() > 1 {
        let (first, second) = attempt!(best_pair(&terms, &output));
        let right = terms.remove(second);
        let left = terms.remove(first);
        let needed: Vec<Label> = terms.iter().flat_map(|term| &term.labels).chain(&output).copied().collect();
        terms.push(attempt!(multiply(left, right, &needed)));
    }
    match terms.pop() {
        Some(last) => {
            let term = attempt!(without(last, &output));
            let order: Option<Dims> =
                output.iter().map(|label| term.labels.iter().position(|own| own == label)).collect();
            match order {
                Some(order) => term.array.permute(&order),
                None => crate::error::internal("a result axis that no operand has"),
            }
        }
        None => crate::error::internal("a sum of products without operands"),
    }
}

/// The labels of each operand and of the result.
fn parse(spec: &str, operands: &[&Array]) -> Result<(Vec<Vec<Label>>, Vec<Label>)> {
    let wrong = |message: String| Error::new(ErrorKind::Argument, "einsum", format!("`{spec}`: {message}"));
    let spec: String = spec.chars().filter(|letter| !letter.is_whitespace()).collect();
    let (left, right) = match spec.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (&spec[..], None),
    };
    let parts: Vec<&str> = left.split(',').collect();
    if parts.len() != operands.len() {
        return Err(wrong(format!("names the axes of {} operands, {} were given", parts.len(), operands.len())));
    }
    let mut inputs = Vec::new();
    let mut widest = 0;
    for (part, operand) in parts.iter().zip(operands) {
        let ty = operand.ty()?;
        let letters = part.chars().filter(|letter| letter.is_alphabetic()).count();
        let hidden = match (part.contains("..."), ty.rank().checked_sub(letters)) {
            (true, Some(hidden)) => hidden,
            (false, Some(0)) => 0,
            _ => return Err(wrong(format!("`{part}` names {letters} axes, but the operand is {ty}"))),
        };
        widest = widest.max(hidden);
        inputs.push(labels(part, hidden).map_err(wrong)?);
    }
    let output = match right {
        Some(right) => labels(right, widest).map_err(wrong)?,
        None => {
            let all: Vec<Label> = inputs.iter().flatten().copied().collect();
            let once = |label: &Label| all.iter().filter(|other| *other == label).count() == 1;
            let mut letters: Vec<Label> =
                all.iter().copied().filter(|label| matches!(label, Label::Letter(_)) && once(label)).collect();
            letters.sort_unstable();
            (0..widest).rev().map(Label::Ellipsis).chain(letters).collect()
        }
    };
    for (position, label) in output.iter().enumerate() {
        if output[..position].contains(label) {
            return Err(wrong(format!("the result has {} twice; name each axis of it once", name(label))));
        }
        if !inputs.iter().flatten().any(|input| input == label) {
            return Err(wrong(format!("the result has {}, which no operand has", name(label))));
        }
    }
    Ok((inputs, output))
}

/// The labels a part of a specification spells; an ellipsis stands for `hidden` axes.
fn labels(part: &str, hidden: usize) -> std::result::Result<Vec<Label>, String> {
    let mut labels = Vec::new();
    let mut rest = part;
    while let Some(letter) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("...") {
            if labels.iter().any(|label| matches!(label, Label::Ellipsis(_))) || behind.contains("...") {
                return Err(format!("`{part}` has more than one ellipsis"));
            }
            labels.extend((0..hidden).rev().map(Label::Ellipsis));
            rest = behind;
        } else if letter.is_alphabetic() {
            labels.push(Label::Letter(letter));
            rest = &rest[letter.len_utf8()..];
        } else {
            return Err(format!("`{letter}` in `{part}` is no axis; use letters, commas, `...` and `->`"));
        }
    }
    Ok(labels)
}

fn name(label: &Label) -> String {
    match label {
        Label::Ellipsis(_) => "`...`".into(),
        Label::Letter(letter) => format!("`{letter}`"),
    }
}

/// The diagonal over axes with one label.
fn distinct(mut term: Labelled) -> Result<Labelled> {
    while let Some((first, second)) = repeated(&term.labels) {
        let shape = term.array.shape()?;
        if shape[first] != shape[second] {
            let label = name(&term.labels[first]);
            let message = format!("{label} is an axis of {} and one of {} elements", shape[first], shape[second]);
            return Err(Error::new(ErrorKind::Shape, "einsum", message));
        }
        let label = term.labels.remove(second);
        term.labels.remove(first);
        term.labels.push(label);
        let last = shape.len() as isize - 1;
        let moved = term.array.move_axis(second as isize, last).move_axis(first as isize, last);
        term.array = super::linalg::diagonal(&moved);
    }
    Ok(term)
}

/// The positions of two equal labels.
fn repeated(labels: &[Label]) -> Option<(usize, usize)> {
    let pair = |second: usize| Some((labels[..second].iter().position(|label| *label == labels[second])?, second));
    (0..labels.len()).find_map(pair)
}

/// Refuses a letter that is an axis of two extents. Axes under an ellipsis that have to be stretched are dropped where their
/// extent is 1, because a product with them broadcasts.
fn check_extents(spec: &str, terms: &mut [Labelled]) -> Result<()> {
    let mut known: Vec<(Label, usize)> = Vec::new();
    for term in terms.iter() {
        for (&label, &extent) in term.labels.iter().zip(&term.array.shape()?) {
            match known.iter_mut().find(|(other, _)| *other == label) {
                None => known.push((label, extent)),
                Some((_, other)) if *other == extent => {}
                Some((_, other)) if matches!(label, Label::Ellipsis(_)) && (*other == 1 || extent == 1) => {
                    *other = if *other == 1 { extent } else { *other };
                }
                Some((_, other)) => {
                    let message = format!("`{spec}`: {} is an axis of {other} and one of {extent}", name(&label));
                    return Err(Error::new(ErrorKind::Shape, "einsum", message));
                }
            }
        }
    }
    for term in terms {
        for axis in (0..term.labels.len()).rev() {
            let extent = term.array.shape()?[axis];
            let label = term.labels[axis];
            if extent == 1 && known.iter().any(|&(other, whole)| other == label && whole != 1) {
                term.array = term.array.squeeze(axis as isize);
                term.labels.remove(axis);
            }
        }
    }
    Ok(())
}

/// The pair whose product is the smallest compared with its factors; of several, the one with the fewest multiplications.
fn best_pair(terms: &[Labelled], output: &[Label]) -> Result<(usize, usize)> {
    let mut extents: Vec<(Label, usize)> = Vec::new();
    for term in terms {
        extents.extend(term.labels.iter().copied().zip(term.array.shape()?));
    }
    let size = |labels: &[Label]| -> i128 {
        let extent = |label: &Label| extents.iter().find(|(other, _)| other == label).map_or(1, |&(_, extent)| extent);
        labels.iter().map(|label| extent(label) as i128).fold(1, i128::saturating_mul)
    };
    let pairs = (0..terms.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
    let cost = |&(first, second): &(usize, usize)| {
        let (left, right) = (&terms[first].labels, &terms[second].labels);
        let joined: Vec<Label> =
            left.iter().chain(right.iter().filter(|label| !left.contains(label))).copied().collect();
        let others = || terms.iter().enumerate().filter(|(i, _)| *i != first && *i != second).map(|(_, term)| term);
        let needed = |label: &Label| output.contains(label) || others().any(|term| term.labels.contains(label));
        let kept: Vec<Label> = joined.iter().copied().filter(needed).collect();
        (size(&kept).saturating_sub(size(left)).saturating_sub(size(right)), size(&joined))
    };
    Ok(pairs.min_by_key(cost).unwrap_or((0, 1)))
}

/// The product of two terms, summed over what nobody else needs.
fn multiply(left: Labelled, right: Labelled, needed: &[Label]) -> Result<Labelled> {
    let keep = |term: &Labelled, other: &Labelled| -> Vec<Label> {
        term.labels.iter().copied().filter(|label| needed.contains(label) || other.labels.contains(label)).collect()
    };
    let (of_left, of_right) = (keep(&left, &right), keep(&right, &left));
    let (left, right) = (without(left, &of_left)?, without(right, &of_right)?);
    let shared = |wanted: bool| -> (Dims, Dims, Vec<Label>) {
        let labels: Vec<Label> = left
            .labels
            .iter()
            .copied()
            .filter(|label| right.labels.contains(label) && needed.contains(label) == wanted)
            .collect();
        let places = |term: &Labelled| -> Dims {
            labels.iter().filter_map(|label| term.labels.iter().position(|own| own == label)).collect()
        };
        (places(&left), places(&right), labels.clone())
    };
    let (batch, contract) = (shared(true), shared(false));
    let array = left.array.dot_general(&right.array, (&contract.0, &contract.1), (&batch.0, &batch.1));
    let free = |term: &Labelled, other: &Labelled| -> Vec<Label> {
        term.labels.iter().copied().filter(|label| !other.labels.contains(label)).collect()
    };
    let labels = [batch.2, free(&left, &right), free(&right, &left)].concat();
    Ok(Labelled { array, labels })
}

/// The sum over axes whose label is not among those to keep.
fn without(term: Labelled, keep: &[Label]) -> Result<Labelled> {
    let summed: Vec<isize> =
        (0..term.labels.len()).filter(|&axis| !keep.contains(&term.labels[axis])).map(|axis| axis as isize).collect();
    if summed.is_empty() {
        return Ok(term);
    }
    let array = term.array.sum_axes(&summed);
    array.ty()?;
    Ok(Labelled { array, labels: term.labels.into_iter().filter(|label| keep.contains(label)).collect() })
}
