//! Files that are not what was written: every kind of damage is found, and each has its own words.

use super::super::image::read_while;
use super::super::kernel::chosen;
use super::super::object_file::parse;
use super::super::prelude::{PRELUDE_AT, PRELUDE_LEN, checksum};
use super::super::{ABI_VERSION, CpuLevel, FORMAT_VERSION, Kernel, LoadError};
use super::{builder, example, load, refusal};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection};
use std::fs;

/// A file with these bytes at a place, and the right checksum.
fn patched(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = example();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    resealed(file)
}

fn resealed(mut file: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&file);
    file[PRELUDE_AT + 20..PRELUDE_AT + 24].copy_from_slice(&sum.to_le_bytes());
    file
}

/// Where the section header of a section lies.
fn section_header(file: &[u8], name: &str) -> usize {
    let object = ElfFile64::<object::Endianness, _>::parse(file).expect("an object");
    let index = object.section_by_name(name).expect("the section").index().0;
    let table = u64::from_le_bytes(file[40..48].try_into().expect("8 bytes")) as usize;
    table + 64 * index
}

#[test]
fn every_flipped_byte_is_found() {
    let file = example();
    for position in 0..file.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut damaged = file.clone();
            damaged[position] ^= mask;
            assert!(load(&damaged).is_err(), "byte {position} by {mask:#x}");
        }
    }
}

#[test]
fn every_missing_end_is_found() {
    let file = example();
    for length in 0..file.len() {
        let error = refusal(&file[..length]);
        assert!(matches!(error, LoadError::Truncated { .. }), "{length}: {error}");
    }
    assert!(matches!(refusal(&[&file[..], b"x"].concat()), LoadError::Trailing { .. }));
}

#[test]
fn files_of_other_kinds_have_their_own_errors() {
    let is = |file: Vec<u8>, expected: fn(&LoadError) -> bool| {
        let error = refusal(&file);
        assert!(expected(&error), "{error:?}");
        assert!(!error.to_string().is_empty());
    };
    is(b"\x89PNG, a picture that was mistaken for a kernel".to_vec(), |e| matches!(e, LoadError::NotAKernel(_)));
    is(fs::read("/proc/self/exe").expect("this program"), |e| matches!(e, LoadError::NotAKernel(_)));
    is(patched(PRELUDE_AT, b"X"), |e| matches!(e, LoadError::NotAKernel(_)));
    is(patched(5, &[2]), |e| matches!(e, LoadError::Endianness));
    is(patched(PRELUDE_AT + 8, &0x0403_0201u32.to_le_bytes()), |e| matches!(e, LoadError::Endianness));
    is(patched(18, &[183]), |e| matches!(e, LoadError::Architecture { machine: 183 }));
    is(patched(4, &[1]), |e| matches!(e, LoadError::NotAKernel(_)));
    is(patched(16, &[3]), |e| matches!(e, LoadError::NotAKernel(_)));
    is(patched(PRELUDE_AT + 12, &(FORMAT_VERSION + 1).to_le_bytes()), |e| matches!(e, LoadError::FormatVersion { .. }));
    is(patched(PRELUDE_AT + 16, &(ABI_VERSION + 1).to_le_bytes()), |e| matches!(e, LoadError::AbiVersion { .. }));
    is(patched(PRELUDE_AT + 40, &[2]), |e| matches!(e, LoadError::NotAKernel(_)));
    let mut damaged = example();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    is(damaged, |e| matches!(e, LoadError::Checksum { .. }));
}

#[test]
fn sections_lie_apart_and_in_the_file() {
    let file = example();
    let text = section_header(&file, ".text.x86-64-v2");
    let constants = section_header(&file, ".rodata.cotangent");
    let offset = |header: usize| file[header + 24..header + 32].to_vec();
    let error = refusal(&patched(text + 24, &offset(constants)));
    assert!(matches!(error, LoadError::OverlappingSections(..)), "{error}");
    let error = refusal(&patched(text + 32, &u64::MAX.to_le_bytes()));
    assert!(matches!(error, LoadError::SectionOutOfRange(_)), "{error}");
    let error = refusal(&patched(text + 24, &(file.len() as u64).to_le_bytes()));
    assert!(matches!(error, LoadError::SectionOutOfRange(_)), "{error}");
    let error = refusal(&patched(section_header(&file, ".cotangent") + 32, &8u64.to_le_bytes()));
    assert!(matches!(error, LoadError::SectionOutOfRange(_)), "{error}");
    let error = refusal(&patched(PRELUDE_AT + 32, &u64::MAX.to_le_bytes()));
    assert!(matches!(error, LoadError::SectionOutOfRange(_)), "{error}");
    // The name of a section that there must be, changed in the table of names.
    let name = b".text.x86-64-v2\0";
    let at = file.windows(name.len()).position(|window| window == name).expect("the name");
    let error = refusal(&patched(at, b".tex_"));
    assert!(matches!(error, LoadError::MissingSection(_)), "{error}");
    let error = refusal(&patched(40, &u64::MAX.to_le_bytes()));
    assert!(matches!(error, LoadError::Object(_)), "{error}");
}

#[test]
fn relocations_are_those_of_kernels() {
    let file = example();
    let header = section_header(&file, ".rela.text.x86-64-v3");
    let entries = u64::from_le_bytes(file[header + 24..header + 32].try_into().expect("8 bytes")) as usize;
    let error = refusal(&patched(entries, &u64::MAX.to_le_bytes()));
    assert!(matches!(error, LoadError::RelocationOutOfRange { .. }), "{error}");
    let error = refusal(&patched(entries + 8, &1u32.to_le_bytes()));
    assert!(matches!(error, LoadError::RelocationKind { kind: 1, .. }), "{error}");
    let error = refusal(&patched(entries + 16, &i64::MAX.to_le_bytes()));
    assert!(matches!(error, LoadError::Object(_)), "{error}");
    let second: [u8; 8] = file[entries + 24..entries + 32].try_into().expect("8 bytes");
    let close = u64::from_le_bytes(second) + 1;
    let error = refusal(&patched(entries, &close.to_le_bytes()));
    assert!(matches!(error, LoadError::OverlappingRelocations { .. }), "{error}");
    let name = b"ct_library\0";
    let at = file.windows(name.len()).position(|window| window == name).expect("the name");
    let error = refusal(&patched(at, b"ct_absent_"));
    assert!(matches!(&error, LoadError::MissingSymbol(name) if name == "ct_absent_"), "{error}");
}

#[test]
fn processors_without_the_instructions_are_told_so() {
    let file = builder().levels([CpuLevel::V4]).build().expect("a kernel");
    match (load(&file), CpuLevel::V4.is_supported()) {
        (Ok(kernel), true) => assert_eq!(kernel.level(), CpuLevel::V4),
        (Err(LoadError::Cpu { level: CpuLevel::V4, missing }), false) => assert!(!missing.is_empty()),
        (outcome, supported) => panic!("{outcome:?} on a processor that can: {supported}"),
    }
    // Whatever the processor at hand has.
    let code = parse(&example()).expect("a kernel").code;
    assert_eq!(chosen(&code, |level| level == CpuLevel::V2).expect("is there"), 0);
    assert!(matches!(chosen(&code, |_| false), Err(LoadError::Cpu { level: CpuLevel::V2, .. })));
    let best = if CpuLevel::V3.is_supported() { CpuLevel::V3 } else { CpuLevel::V2 };
    assert_eq!(load(&example()).expect("loads").level(), best);
}

#[test]
fn what_is_no_file_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    // SAFETY: there is nothing to run.
    let load = |path: &std::path::Path| unsafe { Kernel::load(path) }.map(drop);
    assert!(matches!(load(&folder.path().join("absent.cot")), Err(LoadError::Io { .. })));
    assert!(matches!(load(folder.path()), Err(LoadError::NotAKernel(_))));
    assert!(matches!(load("/dev/zero".as_ref()), Err(LoadError::NotAKernel(_))));
}

#[test]
fn files_that_change_while_they_are_read_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("example.cot");
    let read = |meanwhile: &dyn Fn()| {
        builder().save(&path).expect("is written");
        read_while(&path, meanwhile).map(drop)
    };
    assert!(read(&|| {}).is_ok());
    let is_changed = |outcome| assert!(matches!(outcome, Err(LoadError::Changed(_))), "{outcome:?}");
    is_changed(read(&|| fs::write(&path, b"short").expect("is written")));
    is_changed(read(&|| fs::write(&path, [&example()[..], b"longer"].concat()).expect("is written")));
    is_changed(read(&|| {
        let file = fs::File::options().write(true).open(&path).expect("is there");
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("the system lets one");
    }));
}

#[test]
fn preludes_are_where_they_are_said_to_be() {
    assert_eq!((PRELUDE_AT, PRELUDE_LEN), (64, 144));
    assert_eq!(&example()[64..72], b"COTKERN\0");
}

#[cfg(feature = "signatures")]
#[test]
fn signed_files_are_those_of_trusted_keys() {
    use super::super::{TrustedKey, public_key, sign};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("example.cot");
    // SAFETY: the keys are this test's.
    let trusted = |key: u8| unsafe { TrustedKey::new(&public_key(&[key; 32])) }.expect("a key");
    let outcome = |file: &[u8], keys: &[TrustedKey]| {
        fs::write(&path, file).expect("is written");
        Kernel::load_signed(&path, keys).map(drop)
    };
    let mut file = example();
    assert!(matches!(outcome(&file, &[trusted(1)]), Err(LoadError::Unsigned)));
    sign(&mut file, &[1; 32]).expect("is a kernel");
    assert!(load(&file).is_ok(), "who does not ask for signatures does not mind them");
    assert!(outcome(&file, &[trusted(2), trusted(1)]).is_ok());
    assert!(matches!(outcome(&file, &[trusted(2)]), Err(LoadError::UntrustedKey(_))));
    assert!(matches!(outcome(&file, &[]), Err(LoadError::UntrustedKey(_))));
    let mut altered = file.clone();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    assert!(matches!(outcome(&altered, &[trusted(1)]), Err(LoadError::Checksum { .. })));
    // Whoever alters a file with intent repairs the checksum, too, and any byte may be it.
    for position in (PRELUDE_AT + 24..file.len()).step_by(97) {
        let mut altered = file.clone();
        altered[position] ^= 0x10;
        assert!(outcome(&resealed(altered), &[trusted(1)]).is_err(), "byte {position}");
    }
    // A change that nothing but the signature tells of.
    let place = file.windows(8).position(|window| window == b"example\"").expect("the name") - 1;
    let mut altered = file.clone();
    altered[place + 1..place + 8].copy_from_slice(b"another");
    assert!(matches!(outcome(&resealed(altered), &[trusted(1)]), Err(LoadError::BadSignature)));
    sign(&mut file, &[2; 32]).expect("is a kernel");
    assert!(outcome(&file, &[trusted(2)]).is_ok(), "a new signature is in place of the old one");
    // SAFETY: refused.
    assert!(unsafe { TrustedKey::new(&[0; 32]) }.is_err(), "a key by which anybody can sign");
}
