//! `cotangent inspect`: what a kernel file holds, without running any of it.
//!
//! Texts of a file may come from anywhere: characters that a terminal would obey are shown by their numbers.

use crate::arguments::InspectArguments;
use crate::disassembly::disassembly;
use crate::failure::{Failure, Result};
use crate::keys::hexadecimal;
use crate::{kernel_file, output, source};
use cotangent::artifact::{
    ABI_VERSION, Description, FORMAT_VERSION, FunctionDescription, Kernel, LevelDescription, Parameter, c_header,
};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// Runs the command.
pub(crate) fn inspect(arguments: &InspectArguments) -> Result<()> {
    let path = &arguments.file;
    if path.is_dir() {
        return Err(Failure::in_file(path, "is a folder; name a file"));
    }
    let description = Kernel::describe(path).map_err(|error| kernel_file::failure(path, &error))?;
    let shown = match &arguments.disassemble {
        Some(function) => disassembled(path, &description, function)?,
        None if arguments.json => format!("{:#}\n", as_json(&description)),
        None if arguments.header => c_header(&description),
        None => as_text(&description),
    };
    output::print(&shown)
}

/// The machine code of a function, or of all if the name is empty.
fn disassembled(path: &Path, description: &Description, function: &str) -> Result<String> {
    let known: Vec<String> = description.functions.iter().map(|function| function.name.clone()).collect();
    if !function.is_empty() && !known.iter().any(|name| name == function) {
        return Err(source::unknown(path, function, &known));
    }
    let bytes = source::bytes(path)?;
    let levels = description.levels.iter().map(|level| level.level);
    disassembly(&bytes, levels, function).map_err(|message| Failure::in_file(path, message))
}

fn as_text(description: &Description) -> String {
    let Description { name, text, library, levels, functions, constants_bytes, file_bytes, signer } = description;
    let signer = match signer {
        Some(key) => format!("signed with the key {}", hexadecimal(key)),
        None => "not signed".into(),
    };
    let mut shown = format!("kernel {name}\n");
    paragraph(&mut shown, "", text);
    line(
        &mut shown,
        format_args!(
            "{file_bytes} bytes, {constants_bytes} of constants; format {FORMAT_VERSION}, ABI {ABI_VERSION}, cotangent {}; {signer}",
            printable(library)
        ),
    );
    for function in functions {
        shown.push('\n');
        describe(&mut shown, function);
    }
    for LevelDescription { level, code_bytes, symbols } in levels {
        let suits =
            if level.is_supported() { "runs here".into() } else { format!("needs {}", level.missing().join(", ")) };
        line(&mut shown, format_args!("\n{level}: {code_bytes} bytes of code, {suits}"));
        paragraph(&mut shown, "  ", &symbols.join(", "));
    }
    shown
}

fn describe(shown: &mut String, function: &FunctionDescription) {
    line(shown, format_args!("{}", function.name));
    paragraph(shown, "  ", &function.text);
    for (title, parameters) in [("takes", &function.arguments), ("gives", &function.results)] {
        let name_width = parameters.iter().map(|parameter| parameter.name.len()).max().unwrap_or(0);
        let type_width = parameters.iter().map(|parameter| parameter.ty.to_string().len()).max().unwrap_or(0);
        for Parameter { name, ty, unit, description } in parameters {
            let unit = if unit.is_empty() { String::new() } else { format!("[{}] ", printable(unit)) };
            let ty = ty.to_string();
            let described =
                format!("  {title} {name:<name_width$}  {ty:<type_width$}  {unit}{}", printable(description));
            line(shown, format_args!("{}", described.trim_end()));
        }
    }
    line(
        shown,
        format_args!(
            "  {}, {:.1} MB of temporary memory, library routines called in {} places",
            if function.parallel { "all threads" } else { "one thread" },
            function.arena_bytes as f64 * 1e-6,
            function.library_calls
        ),
    );
}

fn as_json(description: &Description) -> Value {
    let parameters = |parameters: &[Parameter]| {
        let one = |Parameter { name, ty, unit, description }: &Parameter| {
            let shape = ty.shape.to_vec();
            json!({
                "name": name, "dtype": ty.dtype.name(), "shape": shape, "unit": unit, "description": description
            })
        };
        parameters.iter().map(one).collect::<Vec<Value>>()
    };
    let function = |function: &FunctionDescription| {
        json!({
            "name": function.name,
            "description": function.text,
            "arguments": parameters(&function.arguments),
            "results": parameters(&function.results),
            "parallel": function.parallel,
            "arena_bytes": function.arena_bytes,
            "library_calls": function.library_calls,
        })
    };
    let level = |LevelDescription { level, code_bytes, symbols }: &LevelDescription| {
        json!({
            "level": level.name(), "code_bytes": code_bytes, "symbols": symbols, "runs_here": level.is_supported()
        })
    };
    json!({
        "name": description.name,
        "description": description.text,
        "library": description.library,
        "format": FORMAT_VERSION,
        "abi": ABI_VERSION,
        "file_bytes": description.file_bytes,
        "constants_bytes": description.constants_bytes,
        "signer": description.signer.as_ref().map(|key| hexadecimal(key)),
        "levels": description.levels.iter().map(level).collect::<Vec<Value>>(),
        "functions": description.functions.iter().map(function).collect::<Vec<Value>>(),
    })
}

/// Characters in a line of text.
const WIDTH: usize = 110;

/// Adds text in lines that are not too long, each begun with `indent`; nothing if it is empty.
fn paragraph(shown: &mut String, indent: &str, text: &str) {
    let mut current = String::new();
    for word in printable(text).split_whitespace() {
        if !current.is_empty() && indent.len() + current.chars().count() + 1 + word.chars().count() > WIDTH {
            line(shown, format_args!("{indent}{current}"));
            current.clear();
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
    }
    if !current.is_empty() {
        line(shown, format_args!("{indent}{current}"));
    }
}

fn line(shown: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(shown, "{text}");
}

/// Text without characters that a terminal would obey.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(' '),
            character if character.is_control() => shown.extend(character.escape_unicode()),
            character => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{paragraph, printable};

    #[test]
    fn terminals_are_not_told_what_to_do() {
        assert_eq!(printable("red \u{1b}[31m\nx\u{9b}"), "red \\u{1b}[31m x\\u{9b}");
    }

    #[test]
    fn long_texts_are_broken_between_words() {
        let mut shown = String::new();
        paragraph(&mut shown, "  ", &"word ".repeat(40));
        assert_eq!(shown.split_whitespace().count(), 40);
        assert!(
            shown.lines().count() == 2 && shown.lines().all(|line| line.starts_with("  word") && line.len() <= 110)
        );
        paragraph(&mut shown, "", "");
        assert_eq!(shown.lines().count(), 2);
    }
}
