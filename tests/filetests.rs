//! The filetests: texts in `tests/filetests/<folder>/*.ir`, each naming the stages it goes through.
//!
//! ```text
//! // test: simplify, run
//! func @f(v0: f32[2]) -> f32[2] { ... }
//! //| func @f(v0: f32[2]) -> f32[2] {     exact output of the last stage that has one
//! // count: kernels 2                     number of steps of a kind in the plan; `loop kernels 2` inside loops
//! // run: @f([3, -1]) ~ [2, 0]            by every executor; results as literals, within the tolerance of their dtype
//! // random: @f 5                         on so many random arguments, by every executor, against the interpreter
//! // flags: 1 0                           parameters a transformation refers to; `// size: 3` the extent of a batch
//! v3 = add v0, v1 : f32[2] // error: V1   the line at fault and a part of the message
//! ```
//!
//! A file has sections: a function with those it uses, then what is claimed of it. `COTANGENT_BLESS=1` rewrites the exact
//! outputs; reviewers read that difference as part of the change. `COTANGENT_FILE=scan` runs the files with that in their
//! path.
#![cfg(feature = "compiler")]

use cotangent::ir::AttrKind;
use std::path::{Path, PathBuf};

#[path = "filetests/harness/executors.rs"]
mod executors;
#[path = "filetests/harness/section.rs"]
mod section;
#[path = "filetests/harness/stages.rs"]
mod stages;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/filetests").join(name)
}

/// Runs every file of a folder and reports all failures together.
fn run_folder(name: &str) {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ir"))
        .collect();
    files.sort();
    let wanted = std::env::var("COTANGENT_FILE").unwrap_or_default();
    files.retain(|path| path.to_string_lossy().contains(&wanted));
    assert!(!files.is_empty() || !wanted.is_empty(), "no files in {name}");
    let bless = std::env::var("COTANGENT_BLESS").is_ok_and(|value| value == "1");
    let mut failures = Vec::new();
    for path in &files {
        let shown = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path).display();
        let text = std::fs::read_to_string(path).unwrap();
        let mut output = text.clone();
        match section::check_file(&text, bless, &mut output) {
            Ok(()) if output != text => std::fs::write(path, output).unwrap(),
            Ok(()) => {}
            Err(messages) => failures.extend(messages.into_iter().map(|message| format!("{shown}:{message}"))),
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn parse() {
    run_folder("parse");
}

#[test]
fn verify() {
    run_folder("verify");
}

#[test]
fn rewrite() {
    run_folder("rewrite");
}

#[test]
fn transform() {
    run_folder("transform");
}

#[test]
fn run() {
    run_folder("run");
}

#[test]
fn kernels() {
    run_folder("kernels");
}

#[test]
fn every_primitive_has_a_file() {
    // What calls a closure has no text form.
    let has_text = |prim: &&'static cotangent::ir::Prim| !prim.attrs.iter().any(|(_, kind)| *kind == AttrKind::Host);
    for prim in cotangent::ir::prim::all().filter(has_text) {
        let path = folder("run").join(format!("{}.ir", prim.name));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|_| panic!("`{}` has no filetest; write {}", prim.name, path.display()));
        assert!(text.contains(&format!("= {}", prim.name)), "{} does not use `{}`", path.display(), prim.name);
    }
}

#[test]
fn every_rewrite_rule_has_a_section() {
    let files = std::fs::read_dir(folder("rewrite")).unwrap();
    let texts: String = files.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    for rule in cotangent::ir::transform::rewrite::rules() {
        let comment = format!("// rule: {}\n", rule.name);
        assert!(texts.contains(&comment), "the rule `{}` has no section in tests/filetests/rewrite", rule.name);
    }
}
