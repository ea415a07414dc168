//! Pages of the guide are generated from the records, or say of every name where it is; these tests fail where a page is
//! stale. `COTANGENT_BLESS=1` writes the generated ones anew.

mod numpy;
mod primitives;

use std::path::Path;

/// Compares a page with what it should be, or writes it.
#[track_caller]
fn check(page: &str, due: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    if std::env::var_os("COTANGENT_BLESS").is_some() {
        std::fs::write(&path, due).unwrap();
        return;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let line = there.lines().zip(due.lines()).position(|(there, due)| there != due);
    let line = line.unwrap_or_else(|| there.lines().count().min(due.lines().count()));
    assert!(
        there == due,
        "docs/{page} is stale from line {} on; run the test with COTANGENT_BLESS=1\nthere: {}\ndue:   {}",
        line + 1,
        there.lines().nth(line).unwrap_or_default(),
        due.lines().nth(line).unwrap_or_default()
    );
}
