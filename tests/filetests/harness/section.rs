//! Files cut into sections, and the claims a section makes checked.

use crate::executors;
use crate::stages::{self, Product, Subject};
use cotangent::ir::text::{self, parse, parse_kernel, print, print_kernel};
use cotangent::ir::{Func, Type};
use std::fmt::Write;

/// A function with those it uses, and what follows up to the next function.
struct Section<'a> {
    /// Number of its first line, from 0.
    first: usize,
    lines: Vec<&'a str>,
}

/// Checks a file. Failures begin with their line. `output` becomes the file with exact outputs as they are now.
pub(crate) fn check_file(text: &str, bless: bool, output: &mut String) -> Result<(), Vec<String>> {
    let lines: Vec<&str> = text.lines().collect();
    let Some(header) = lines.first().and_then(|line| line.strip_prefix("// test: ")) else {
        return Err(vec!["1: the first line names the stages: `// test: run`".into()]);
    };
    let names: Vec<&str> = header.split(',').map(str::trim).collect();
    let mut failures = Vec::new();
    output.clear();
    let _ = writeln!(output, "{}", lines[0]);
    for section in sections(&lines) {
        let mut exact = None;
        if let Err(failure) = section.check(&names, bless, &mut exact) {
            failures.push(failure);
        }
        section.write(exact.as_deref(), output);
    }
    if failures.is_empty() { Ok(()) } else { Err(failures) }
}

/// A section begins at the first function after a claim, with the comments and blank lines before it.
fn sections<'a>(lines: &[&'a str]) -> Vec<Section<'a>> {
    let begins = |line: &str| line.starts_with("func ") || line.starts_with("kernel ");
    let mut sections: Vec<Section<'a>> = vec![Section { first: 1, lines: Vec::new() }];
    let mut claimed = false;
    for (number, line) in lines.iter().enumerate().skip(1) {
        if begins(line) && claimed {
            // Blank lines and plain comments before a function belong to it.
            let last = sections.last_mut().expect("there is one");
            let lead = last.lines.iter().rev().take_while(|line| line.is_empty() || is_comment(line)).count();
            let kept = last.lines.len() - lead;
            let lead = last.lines.split_off(kept);
            sections.push(Section { first: number - lead.len(), lines: lead });
            claimed = false;
        }
        claimed |= claim(line).is_some() || line.starts_with("//|") || line.contains("// error: ");
        sections.last_mut().expect("there is one").lines.push(line);
    }
    sections
}

/// The kinds of claims.
const CLAIMS: [&str; 5] = ["count", "run", "random", "flags", "size"];

/// A line such as `// run: ...`: kind and what is claimed.
fn claim(line: &str) -> Option<(&'static str, &str)> {
    CLAIMS.iter().find_map(|kind| Some((*kind, line.strip_prefix(&format!("// {kind}: "))?)))
}

fn is_comment(line: &str) -> bool {
    line.starts_with("//") && !line.starts_with("//|") && claim(line).is_none()
}

impl Section<'_> {
    /// The section as text at its place in the file, so that errors have the line of the file.
    fn source(&self) -> String {
        format!("{}{}", "\n".repeat(self.first), self.lines.join("\n"))
    }

    fn claims(&self, kind: &str) -> Vec<(usize, &str)> {
        let numbered = self.lines.iter().enumerate();
        let all =
            numbered.filter_map(|(line, text)| claim(text).map(|(kind, rest)| (self.first + line + 1, kind, rest)));
        all.filter(|(_, given, _)| *given == kind).map(|(line, _, rest)| (line, rest)).collect()
    }

    fn check(&self, names: &[&str], bless: bool, exact: &mut Option<Vec<String>>) -> Result<(), String> {
        let place = |message: String| format!("{}: {message}", self.first + 1);
        if let Some(line) = self.lines.iter().position(|line| line.contains("// error: ")) {
            return self.check_error(line);
        }
        let subject = self.subject()?;
        let mut product = Product::of(&subject.text());
        let mut current = subject;
        for name in names.iter().filter(|name| **name != "run") {
            let stage = stages::by_name(name).ok_or_else(|| place(format!("no stage `{name}`")))?;
            product = (stage.run)(&current, &self.parameters()?).map_err(|error| place(format!("{name}: {error}")))?;
            if let Some(changed) = product.changed.take() {
                current = changed;
            }
        }
        self.check_exact(&product, bless, exact)?;
        for (line, rest) in self.claims("count") {
            check_count(&product, rest).map_err(|message| format!("{line}: {message}"))?;
        }
        for (line, rest) in self.claims("run") {
            check_run(&current, rest).map_err(|message| format!("{line}: {message}"))?;
        }
        for (line, rest) in self.claims("random") {
            check_random(&current, rest).map_err(|message| format!("{line}: {message}"))?;
        }
        Ok(())
    }

    fn subject(&self) -> Result<Subject, String> {
        let source = self.source();
        let fail = |error: cotangent::Error| error.message().to_string();
        if self.lines.iter().any(|line| line.starts_with("kernel ")) {
            return Ok(Subject::Kernels(parse_kernel::kernels(&source).map_err(fail)?));
        }
        let funcs = parse::functions(&source).map_err(fail)?;
        if funcs.is_empty() { Err(format!("{}: no function", self.first + 1)) } else { Ok(Subject::Funcs(funcs)) }
    }

    fn parameters(&self) -> Result<stages::Parameters, String> {
        let number = |(line, text): (usize, &str)| -> Result<Vec<usize>, String> {
            let numbers = text.split_whitespace().map(str::parse);
            numbers.collect::<Result<_, _>>().map_err(|_| format!("{line}: expected numbers, found `{text}`"))
        };
        let of = |kind: &str| self.claims(kind).first().copied().map(number).transpose();
        let flags = of("flags")?.unwrap_or_default().into_iter().map(|flag| flag != 0).collect();
        let size = of("size")?.and_then(|sizes| sizes.first().copied()).unwrap_or(1);
        Ok(stages::Parameters { flags, size })
    }

    /// A section that must be refused, at this line and with this message.
    fn check_error(&self, line: usize) -> Result<(), String> {
        let (code, wanted) = self.lines[line].split_once("// error: ").expect("it was found");
        let place = self.first + line + 1;
        let error = match self.subject() {
            Ok(subject) => match stages::refusal(&subject, &self.parameters()?) {
                Some(error) => error,
                None => return Err(format!("{place}: expected an error, `{wanted}`, and nothing is wrong")),
            },
            Err(message) => message,
        };
        // An error of reading begins with its line; one of verifying marks the text of the line.
        let marked =
            error.lines().any(|shown| shown.strip_prefix("> ").is_some_and(|shown| shown.trim() == code.trim()));
        let here = error.starts_with(&format!("{place}:")) || marked;
        if here && error.contains(wanted) {
            return Ok(());
        }
        Err(format!("{place}: expected here `{wanted}`\ngiven: {error}"))
    }

    fn check_exact(&self, product: &Product, bless: bool, exact: &mut Option<Vec<String>>) -> Result<(), String> {
        let written: Vec<&str> = self.lines.iter().filter_map(|line| line.strip_prefix("//|")).collect();
        let now: Vec<String> = product.text.lines().map(|line| format!(" {line}").trim_end().to_string()).collect();
        let wanted = !written.is_empty() || (product.prints && self.claims("count").is_empty());
        if !wanted || written == now {
            return Ok(());
        }
        if bless {
            *exact = Some(now);
            return Ok(());
        }
        let last = self.lines.iter().rposition(|line| line.starts_with("//|")).unwrap_or(0);
        Err(format!(
            "{}: the output differs (COTANGENT_BLESS=1 accepts it); it is\n{}",
            self.first + last + 1,
            product.text
        ))
    }

    /// The section as it should be written, with another exact output if there is one.
    fn write(&self, exact: Option<&[String]>, output: &mut String) {
        let Some(exact) = exact else {
            self.lines.iter().for_each(|line| output.push_str(&format!("{line}\n")));
            return;
        };
        let end = self.lines.iter().rposition(|line| *line == "}").map_or(self.lines.len(), |line| line + 1);
        let at = self.lines.iter().position(|line| line.starts_with("//|")).unwrap_or(end);
        for (number, line) in self.lines.iter().enumerate() {
            if number == at {
                exact.iter().for_each(|line| output.push_str(&format!("//|{line}\n")));
            }
            if !line.starts_with("//|") {
                output.push_str(&format!("{line}\n"));
            }
        }
        if at == self.lines.len() {
            exact.iter().for_each(|line| output.push_str(&format!("//|{line}\n")));
        }
    }
}

/// `kernels 2`, `loop copies 0`
fn check_count(product: &Product, claim: &str) -> Result<(), String> {
    let bad = || format!("expected a claim such as `kernels 2`, found `{claim}`");
    let (what, number) = claim.rsplit_once(' ').ok_or_else(bad)?;
    let number: usize = number.parse().map_err(|_| bad())?;
    let counted = product.count(what).ok_or_else(|| format!("nothing is known of `{what}` here"))?;
    if counted == number {
        return Ok(());
    }
    Err(format!("expected {number} {what}, counted {counted}\n{}", product.text))
}

fn named<'a>(subject: &'a Subject, call: &str) -> Result<&'a Func, String> {
    let Subject::Funcs(funcs) = subject else { return Err("only functions run".into()) };
    let name = call.strip_prefix('@').ok_or_else(|| format!("expected `@name`, found `{call}`"))?;
    funcs.iter().rev().find(|func| func.name == name).ok_or_else(|| format!("no function @{name} above"))
}

/// `@f([3, -1], 1) ~ [2, 0]`
fn check_run(subject: &Subject, claim: &str) -> Result<(), String> {
    let bad = || format!("expected `@f(arguments) ~ results`, found `{claim}`");
    let (call, results) = claim.split_once(" ~ ").ok_or_else(bad)?;
    let (name, rest) = call.split_once('(').ok_or_else(bad)?;
    let args = rest.trim_end().strip_suffix(')').ok_or_else(bad)?;
    let func = named(subject, name)?;
    let read = |text: &str, types: &[Type]| text::tensors(text, types).map_err(|error| error.message().to_string());
    let args = read(args, func.param_types()).map_err(|message| format!("arguments: {message}"))?;
    let results = read(results, &func.result_types()).map_err(|message| format!("results: {message}"))?;
    executors::all_agree(func, args, Some(results))
}

/// `@f 5`
fn check_random(subject: &Subject, claim: &str) -> Result<(), String> {
    let (name, count) = claim.split_once(' ').ok_or("expected `@f 5`")?;
    let func = named(subject, name)?;
    let count: u64 = count.parse().map_err(|_| "expected a number of runs")?;
    (0..count).try_for_each(|seed| {
        let args = cotangent::ir::generate::arguments(func, seed);
        executors::all_agree(func, args, None).map_err(|message| format!("seed {seed}: {message}"))
    })
}

impl Subject {
    /// The text form; of functions the last with all it uses.
    pub(crate) fn text(&self) -> String {
        match self {
            Subject::Funcs(funcs) => funcs.last().map(print::func).unwrap_or_default(),
            Subject::Kernels(kernels) => kernels.iter().map(print_kernel::kernel).collect::<Vec<_>>().join("\n"),
        }
    }
}
