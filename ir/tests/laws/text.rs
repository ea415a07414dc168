//! Printing then parsing gives an equal function.

use crate::sample::{self, Random};
use cotangent_ir::text::{parse, print};

#[test]
fn parsing_inverts_printing() {
    for application in sample::applications(&mut Random::new()) {
        let func = application.func();
        let text = print::func(&func);
        let parsed = parse::entry(&text).unwrap_or_else(|error| panic!("{application}: {error} in\n{text}"));
        assert!(parsed == func, "{application}: parsed as another function:\n{text}{}", print::func(&parsed));
    }
}
