//! The library as C programs have it, built without what tests add to it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the shared and the static library, and gives the folder they are in.
pub(crate) fn build() -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let target = scratch.parent().expect("it lies in the folder for builds");
    let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", "cotangent-c", "--target-dir"]).arg(target);
    run(build.current_dir(env!("CARGO_MANIFEST_DIR")));
    target.join("debug")
}

/// Runs a command and gives what it prints.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (printed, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{printed}{complained}", output.status);
    printed.into()
}
