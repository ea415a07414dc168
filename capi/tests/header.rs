//! The header that C programs include is the one that the sources give.

use std::path::Path;
use std::{env, fs};

/// `COTANGENT_BLESS=1` rewrites the header.
#[test]
fn the_header_is_that_of_the_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("the configuration is well formed");
    let builder = cbindgen::Builder::new().with_config(config).with_src(root.join("src/lib.rs"));
    let mut generated = Vec::new();
    builder.generate().expect("the sources can be read").write(&mut generated);
    let generated = String::from_utf8(generated).expect("the header is text");

    let path = root.join("include/cotangent.h");
    if env::var("COTANGENT_BLESS").is_ok_and(|value| value == "1") {
        fs::write(&path, &generated).expect("the header can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == generated, "{} differs from the sources; COTANGENT_BLESS=1 accepts them", path.display());
}
