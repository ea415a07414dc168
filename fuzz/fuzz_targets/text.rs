//! Any text may be called functions: it is refused, or read, and what was read is printed and read to the same again.

#![no_main]

use cotangent_ir::text::{parse, print};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for func in parse::functions(text).unwrap_or_default() {
        let printed = print::func(&func);
        match parse::entry(&printed) {
            Ok(again) => assert_eq!(again, func, "printed as\n{printed}"),
            Err(error) => panic!("{error}\nin\n{printed}"),
        }
    }
});
