//! Any bytes may be called a kernel file: they are refused, or loaded, and nothing of them runs.

#![no_main]

use cotangent::artifact::{Kernel, reseal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    load(bytes);
    // Nearly everything is refused for its checksum; with the right one, what is behind it is looked at.
    let mut sealed = bytes.to_vec();
    reseal(&mut sealed);
    load(&sealed);
});

/// Loads bytes and lets go of what comes of them. What a description says of itself can be printed.
fn load(bytes: &[u8]) {
    // SAFETY: the code is never run.
    match unsafe { Kernel::from_bytes(bytes) } {
        Ok(kernel) => {
            for function in &kernel.description().functions {
                assert!(kernel.function(&function.name).is_ok(), "{function} cannot be found");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
