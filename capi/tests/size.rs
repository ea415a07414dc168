//! What programs take on when they run kernels: the library has no compiler in it, few dependencies, and a size that is stated
//! here.

mod library;

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

/// Packages that the library is made of, its own three among them.
const MOST_PACKAGES: usize = 82;

/// MiB of code and data of the shared library, built without optimisation of its own packages.
const MOST_MEBIBYTES: usize = 12;

#[test]
fn the_library_is_made_of_few_packages_and_no_compiler() {
    let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
    let mut tree = Command::new(cargo);
    tree.args(["tree", "--package", "cotangent-c", "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    let listed = library::run(tree.current_dir(env!("CARGO_MANIFEST_DIR")));
    let packages: BTreeSet<&str> = listed.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    assert!(packages.iter().any(|package| package.starts_with("cotangent-ir ")), "{listed}");
    let compiler = packages.iter().find(|package| package.contains("cranelift") || package.contains("regalloc"));
    assert_eq!(compiler, None);
    assert!(packages.len() <= MOST_PACKAGES, "{} packages: {packages:#?}", packages.len());
}

#[cfg(target_os = "linux")]
#[test]
fn the_shared_library_is_small_and_has_the_names_of_the_runtime() {
    let file = library::build().join("libcotangent.so");
    let listed = library::run(Command::new("size").arg(&file));
    let bytes: usize =
        listed.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).expect("a table of sizes");
    assert!(bytes <= MOST_MEBIBYTES << 20, "{} MiB: {listed}", bytes >> 20);

    let listed = library::run(Command::new("nm").args(["--dynamic", "--defined-only"]).arg(&file));
    let defined: BTreeSet<&str> = listed.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    for (name, _) in runtime::run::entry_points::symbols() {
        assert!(defined.contains(name), "linked kernels call {name}");
    }
    let header = include_str!("../include/cotangent.h");
    for name in defined.iter().filter(|name| name.starts_with("cot_")) {
        assert!(header.contains(&format!("{name}(")), "{name} is not in the header");
    }
}
