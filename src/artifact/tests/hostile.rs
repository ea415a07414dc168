//! Headers that somebody has made up, with the right checksum: none of them makes loading do anything but refuse or accept.

use super::super::header::Header;
use super::super::write::{Pieces, assemble};
use super::super::{LONGEST_NAME, LoadError};
use super::{builder, load};
use serde_json::{Value, json};

/// Makes files with other headers.
struct Forge {
    pieces: Pieces,
    header: Value,
}

impl Forge {
    fn new() -> Forge {
        let pieces = builder().pieces().expect("a kernel");
        let header = serde_json::to_value(&pieces.header).expect("JSON");
        Forge { pieces, header }
    }

    fn file(&self, json: &[u8]) -> Vec<u8> {
        assemble("example", json, &self.pieces.constants, &self.pieces.codes)
    }

    /// What is said of the header with another value in a place.
    fn refusal(&self, pointer: &str, value: Value) -> LoadError {
        let mut header = self.header.clone();
        *header.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is not in the header")) = value;
        match load(&self.file(header.to_string().as_bytes())) {
            Ok(_) => panic!("{pointer} was accepted"),
            Err(error) => error,
        }
    }
}

#[test]
fn headers_of_other_forms_are_refused() {
    let forge = Forge::new();
    for json in ["", "{", "[]", "{}", "null", "\u{0}", &"[".repeat(100_000), &format!("{} ]", forge.header)] {
        let error = load(&forge.file(json.as_bytes())).expect_err("no header");
        assert!(matches!(error, LoadError::Header(_) | LoadError::Inconsistent { .. }), "{error}");
    }
    let mut more = forge.header.clone();
    more["more"] = json!(1);
    assert!(matches!(load(&forge.file(more.to_string().as_bytes())), Err(LoadError::Header(_))));
    assert!(matches!(load(&forge.file(&[0xff, 0xfe])), Err(LoadError::Header(_))));
    let spaced = format!("  {}\n", forge.header);
    assert!(load(&forge.file(spaced.as_bytes())).is_ok(), "JSON may have spaces");
}

#[test]
fn names_and_texts_are_harmless() {
    let forge = Forge::new();
    for name in
        ["", "a b", "\u{1b}[2J", "../../etc/passwd", "a\0b", &"x".repeat(LONGEST_NAME + 1), &"x".repeat(1 << 20)]
    {
        for pointer in ["/name", "/functions/0/name", "/functions/0/arguments/0/name", "/functions/0/results/0/name"] {
            let error = forge.refusal(pointer, json!(name));
            assert!(matches!(error, LoadError::Name(_)), "{error}");
            assert!(error.to_string().len() < 500 && !error.to_string().contains('\u{1b}'), "{error}");
        }
    }
    assert!(matches!(forge.refusal("/functions/1/name", json!("smooth")), LoadError::DuplicateName(_)));
    assert!(matches!(forge.refusal("/functions/1/arguments/1/name", json!("x")), LoadError::DuplicateName(_)));
    assert!(matches!(forge.refusal("/description", json!("\u{7}")), LoadError::Header(_)));
    assert!(matches!(forge.refusal("/functions/0/description", json!("x".repeat(100_000))), LoadError::Header(_)));
    assert!(matches!(forge.refusal("/functions/0/arguments/0/unit", json!("\u{1b}c")), LoadError::Header(_)));
}

#[test]
fn levels_are_those_of_the_code() {
    let forge = Forge::new();
    assert!(matches!(forge.refusal("/levels", json!([])), LoadError::Header(_)));
    assert!(matches!(forge.refusal("/levels/0/name", json!("x86-64-v9")), LoadError::Header(_)));
    assert!(matches!(forge.refusal("/levels/0/name", json!("native")), LoadError::Header(_)));
    assert!(matches!(forge.refusal("/levels/1/name", json!("x86-64-v2")), LoadError::Header(_)));
    assert!(matches!(forge.refusal("/levels/0/section", json!(".text.absent")), LoadError::MissingSection(_)));
    assert!(matches!(forge.refusal("/levels/0/section", json!(".cotangent")), LoadError::Header(_)));
    assert!(matches!(forge.refusal("/functions/0/entries", json!([0])), LoadError::Inconsistent { .. }));
    assert!(matches!(forge.refusal("/functions/0/entries/1", json!(u64::MAX)), LoadError::Inconsistent { .. }));
}

#[test]
fn memory_is_what_the_machine_has() {
    let forge = Forge::new();
    let is_large = |error: LoadError| assert!(matches!(error, LoadError::TooLarge { .. }), "{error}");
    is_large(forge.refusal("/functions/0/arena_bytes", json!(u64::MAX)));
    is_large(forge.refusal("/functions/0/arguments/0/ty", json!("f32[4,1099511627776]")));
    is_large(forge.refusal("/functions/0/arguments/0/ty", json!("f32[4294967296,4294967296,4294967296]")));
    is_large(forge.refusal("/functions/0/results/0/ty", json!("f32[18446744073709551615,18446744073709551615]")));
    let is_wrong = |error: LoadError| assert!(matches!(error, LoadError::Inconsistent { .. }), "{error}");
    is_wrong(forge.refusal("/functions/0/scalar_bytes", json!(u64::MAX)));
    is_wrong(forge.refusal("/functions/0/slots/0", json!({"input": 99})));
    is_wrong(forge.refusal("/functions/0/slots/0", json!({"output": u64::MAX})));
    is_wrong(forge.refusal("/functions/0/slots/0", json!({"arena": [u64::MAX, 2]})));
    is_wrong(forge.refusal("/functions/0/slots/0", json!({"arena": [32, 0]})));
    is_wrong(forge.refusal("/functions/0/constants/0/offset", json!(64)));
    is_wrong(forge.refusal("/functions/0/constants/0/offset", json!(4)));
    is_wrong(forge.refusal("/functions/0/constants/0/ty", json!("f32[4,5]")));
    assert!(matches!(forge.refusal("/functions/0/slots/0", json!({"host": 0})), LoadError::Header(_)));
    assert!(matches!(forge.refusal("/functions/0/arguments/0/ty", json!("f32[-1]")), LoadError::Header(_)));
}

#[test]
fn library_calls_stay_within_their_memory() {
    let forge = Forge::new();
    // Where the first call of a kind is.
    let find = |kind: &str| {
        let functions = forge.header["functions"].as_array().expect("functions");
        let found = functions.iter().enumerate().find_map(|(function, header)| {
            let calls = header["calls"].as_array().expect("calls");
            let call = calls.iter().position(|call| call.get(kind).is_some())?;
            Some(format!("/functions/{function}/calls/{call}"))
        });
        found.expect(kind)
    };
    let product = find("gemm");
    let is_wrong = |error: LoadError| {
        assert!(matches!(error, LoadError::Inconsistent { .. } | LoadError::TooLarge { .. }), "{error}");
    };
    for (field, value) in [
        ("rows", json!(97)),
        ("depth", json!(u64::MAX)),
        ("batch", json!(1u64 << 40)),
        ("dtype", json!("i32")),
        ("dtype", json!("c128")),
        ("a/slot", json!(1000)),
        ("a/row_stride", json!(i64::MIN)),
        ("b/column_stride", json!(-1)),
        ("c/row_stride", json!(1u64 << 60)),
    ] {
        is_wrong(forge.refusal(&format!("{product}/gemm/{field}"), value));
    }
    let transform = format!("{}/fft", find("fft"));
    for (field, value) in [
        ("length", json!(0)),
        ("length", json!(1u64 << 50)),
        ("outer", json!(5)),
        ("inner", json!(u64::MAX)),
        ("precision", json!("c64")),
        ("from", json!(999)),
    ] {
        is_wrong(forge.refusal(&format!("{transform}/{field}"), value));
    }
    let tap = json!({"tap": {"index": {"scalar": 0}, "row": {"slot": 0}, "dtype": "f32", "columns": 17, "every": 1,
        "stop": {"scalar": 4}}});
    is_wrong(forge.refusal(&product, tap));
    for primitive in ["sort", "add", "nonsense"] {
        let items = json!({"items": {"primitive": primitive, "attrs": {}, "batch": 1,
            "operands": [{"slot": 0, "ty": "f32[4]"}], "results": [{"slot": 1, "ty": "f32[4]"}], "shared": null}});
        let error = forge.refusal(&product, items);
        assert!(matches!(error, LoadError::Header(_) | LoadError::Inconsistent { .. }), "{error}");
    }
}

/// A generator of numbers, the same ones every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % limit
    }
}

/// Changes bytes of the header at random. Most changes make it no JSON any more; digits and letters are often replaced by
/// their like, so that many go further.
#[test]
fn random_headers_do_no_harm() {
    let forge = Forge::new();
    let original = serde_json::to_vec(&forge.pieces.header).expect("JSON");
    let mut random = Random(20261126);
    let file = forge.file(&original);
    let at = file.windows(original.len()).position(|window| window == original).expect("the header");
    let mut accepted = 0;
    for _ in 0..100_000 {
        let mut file = file.clone();
        for _ in 0..1 + random.below(3) {
            let place = at + random.below(original.len());
            file[place] = match file[place] {
                b'0'..=b'9' => b'0' + random.below(10) as u8,
                b'a'..=b'z' if random.below(2) == 0 => b'a' + random.below(26) as u8,
                _ => random.below(256) as u8,
            };
        }
        super::super::prelude::seal(&mut file, original.len() as u64, None);
        accepted += usize::from(load(&file).is_ok());
    }
    assert!(accepted < 100_000);
}

/// Replaces numbers by extreme ones, and parts by other parts.
#[test]
fn extreme_numbers_do_no_harm() {
    let forge = Forge::new();
    let mut pointers = Vec::new();
    collect(&forge.header, String::new(), &mut pointers);
    let mut random = Random(7);
    for pointer in &pointers {
        for value in [
            json!(0),
            json!(1),
            json!(-1),
            json!(63),
            json!(u32::MAX),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1e308),
            json!(null),
            json!([]),
            json!("f64[2]"),
        ] {
            let mut header = forge.header.clone();
            *header.pointer_mut(pointer).expect("a place of the header") = value;
            drop(load(&forge.file(header.to_string().as_bytes())));
        }
        let other = forge.header.pointer(&pointers[random.below(pointers.len())]).expect("a place of the header");
        let mut header = forge.header.clone();
        *header.pointer_mut(pointer).expect("a place of the header") = other.clone();
        drop(load(&forge.file(header.to_string().as_bytes())));
    }
}

/// The places of all values.
fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| collect(item, format!("{pointer}/{i}"), pointers));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| collect(field, format!("{pointer}/{name}"), pointers));
        }
        _ => {}
    }
    pointers.push(pointer);
}

#[test]
fn headers_are_read_as_they_are_written() {
    let header = builder().pieces().expect("a kernel").header;
    let json = serde_json::to_vec(&header).expect("JSON");
    assert_eq!(Header::parse(&json).expect("a header"), header);
}
