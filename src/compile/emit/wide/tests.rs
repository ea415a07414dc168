//! Encodings, compared with those of the GNU assembler, and which kernels are taken. What their code computes is tested with
//! that of the other ways to emit, in `emit::tests`.

use super::assembler::{Assembler, Condition, Gpr, Memory, Opcode, Source, Ymm};
use super::compile;
use super::scatter::IN_TURNS;
use crate::compile::emit::Settings;
use crate::compile::emit::kernel_function::Layout;
use crate::run::program::Place;
use cotangent_ir::text::parse_kernel;

/// The bytes an instruction gives, without the padding and constants after it.
fn bytes(write: impl Fn(&mut Assembler)) -> String {
    let mut assembler = Assembler::new(false);
    write(&mut assembler);
    let length = assembler.len();
    let code = assembler.finish().bytes;
    code[..length].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn integers() {
    let memory = Memory::At { base: Gpr::R13, index: Some((Gpr::R12, 8)), displacement: 0 };
    assert_eq!(bytes(|a| a.push(Gpr::R12)), "4154");
    assert_eq!(bytes(|a| a.pop(Gpr::RBX)), "5b");
    assert_eq!(bytes(|a| a.mov(Gpr::RBP, Gpr::RSP)), "488bec");
    assert_eq!(bytes(|a| a.mov_immediate(Gpr::R9, -5)), "49c7c1fbffffff");
    assert_eq!(bytes(|a| a.mov_immediate(Gpr::R9, 1 << 40)), "49b90000000000010000");
    assert_eq!(bytes(|a| a.load(Gpr::RAX, memory)), "4b8b44e500");
    assert_eq!(bytes(|a| a.store(Memory::at(Gpr::RSP, 8), Gpr::R15)), "4c897c2408");
    assert_eq!(bytes(|a| a.store_immediate(Memory::at(Gpr::RBX, 0), 7)), "48c70307000000");
    assert_eq!(bytes(|a| a.lea(Gpr::RSP, Memory::at(Gpr::RBP, -40))), "488d65d8");
    assert_eq!(bytes(|a| a.add(Gpr::RSI, Gpr::R8)), "4903f0");
    assert_eq!(bytes(|a| a.sub(Gpr::RDX, Gpr::RCX)), "482bd1");
    assert_eq!(bytes(|a| a.add_immediate(Gpr::RAX, 32)), "4883c020");
    assert_eq!(bytes(|a| a.add_immediate(Gpr::R11, 1024)), "4981c300040000");
    assert_eq!(bytes(|a| a.add_immediate_to(Memory::at(Gpr::RSP, 512), 1)), "488384240002000001");
    assert_eq!(bytes(|a| a.and_immediate(Gpr::RSP, -32)), "4883e4e0");
    assert_eq!(bytes(|a| a.cmp_immediate_with(Memory::at(Gpr::RSP, 0), 1000)), "48813c24e8030000");
    assert_eq!(bytes(|a| a.cmp_memory(Gpr::RCX, Memory::at(Gpr::RSP, 16))), "483b4c2410");
    assert_eq!(bytes(|a| a.cmp(Gpr::RAX, Gpr::RDX)), "483bc2");
    assert_eq!(bytes(|a| a.multiply(Gpr::RDX, Gpr::RCX, 4096)), "4869d100100000");
    assert_eq!(bytes(|a| a.mov_if(Condition::Greater, Gpr::RCX, Gpr::RDX)), "480f4fca");
}

#[test]
fn vectors() {
    let add = Opcode::new("vaddps", 1, 0, 0x58);
    let fused = Opcode::new("vfmadd231", 2, 1, 0xb8);
    let indexed = Memory::At { base: Gpr::R8, index: Some((Gpr::RAX, 4)), displacement: -1024 };
    let registers =
        |opcode, reg, vvvv, rm| bytes(move |a| a.vector(opcode, reg, Some(vvvv), Source::Register(Ymm(rm)), None));
    assert_eq!(registers(add, 1, 2, 3), "c5ec58cb");
    assert_eq!(registers(add, 9, 10, 11), "c4412c58cb");
    assert_eq!(registers(fused, 0, 15, 7), "c4e205b8c7");
    assert_eq!(registers(fused.w(), 8, 1, 2), "c462f5b8c2");
    let memory =
        |opcode, reg, vvvv, immediate| bytes(move |a| a.vector(opcode, reg, vvvv, Source::Memory(indexed), immediate));
    assert_eq!(memory(add, 1, Some(2), None), "c4c16c588c8000fcffff");
    assert_eq!(memory(Opcode::new("vmovups", 1, 0, 0x10), 12, None, None), "c4417c10a48000fcffff");
    assert_eq!(memory(Opcode::new("vmovss", 1, 2, 0x11).short(), 3, None, None), "c4c17a119c8000fcffff");
    assert_eq!(memory(Opcode::new("vcmpps", 1, 0, 0xc2), 3, Some(4), Some(17)), "c4c15cc29c8000fcffff11");
    assert_eq!(memory(Opcode::new("vblendvps", 3, 1, 0x4a), 5, Some(6), Some(7 << 4)), "c4c34d4aac8000fcffff70");
    assert_eq!(bytes(Assembler::vzeroupper), "c5f877");
}

/// Jumps lead to labels before and after them, references to constants behind the code.
#[test]
fn distances() {
    let mut assembler = Assembler::new(false);
    let constant = assembler.constant(&[7; 32]);
    assert_eq!(assembler.constant(&[7; 32]), constant);
    let (before, after) = (assembler.label(), assembler.label());
    assembler.place(before);
    assembler.jump_if(Condition::NotEqual, before);
    assembler.jump_if(Condition::Less, after);
    assembler.vector(Opcode::new("vroundps", 3, 1, 0x08), 0, None, Source::Memory(constant), Some(9));
    assembler.place(after);
    assembler.ret();
    let code = assembler.finish().bytes;
    let distance = |at: usize| i32::from_le_bytes(code[at..at + 4].try_into().unwrap_or_default());
    assert_eq!((distance(2), distance(8)), (-6, 10));
    // The instruction ends at 22; the constant follows at the next multiple of its size.
    assert_eq!(distance(17), 32 - 22);
    assert_eq!(&code[32..64], &[7; 32]);
}

fn is_taken(text: &str) -> bool {
    let kernels = parse_kernel::kernels(text).unwrap_or_else(|error| panic!("{error}"));
    let places: Vec<Place> = (0..kernels[0].operands.len()).map(|slot| Place::Slot(slot as u32)).collect();
    compile(&kernels[0], Layout { places: &places, chunks: 4, streams: &[], rows: 0 }, &Settings::default()).is_some()
}

/// The kernels that this folder is for: elementwise, with neighbours, with sums.
#[test]
fn what_is_taken() {
    assert!(is_taken(
        "kernel @axpy [1000] (p0: read f32[1], p1: read f32[1000], p2: write f32[1000]) {
            n0 = load p0 [0] : f32
            n1 = load p1 [1*i0] : f32
            n2 = mul n0, n1 : f32
            n3 = load p2 [1*i0] : f32
            n4 = add n2, n3 : f32
            store p2 [1*i0], n4
        }"
    ));
    assert!(is_taken(
        "kernel @difference [20, 30] (p0: read f64[600], p1: write f64[600], p2: write f64[4]) {
            n0 = load p0 [30*i0 + 1*i1] : f64
            n1 = load p0 [-1 + 30*i0 + 1*i1] : f64
            n2 = const 0f64 : f64
            n3 = pick i1 in 1..30 n1 else n2 : f64
            n4 = sub n0, n3 : f64
            n5 = mul n4, n4 : f64
            store p1 [30*i0 + 1*i1], n4
            reduce sum p2 [0], n5
        }"
    ));
    assert!(is_taken(
        "kernel @columns [20, 64] (p0: read f32[1280], p1: write f32[64]) {
            n0 = load p0 [64*i0 + 1*i1] : f32
            reduce max p1 [1*i1], n0
        }"
    ));
    // Complex numbers, and elements apart.
    assert!(is_taken(
        "kernel @product [64] (p0: read f32[128], p1: read f32[256], p2: write f32[128]) {
            n0 = load p0 [2*i0] : f32
            n1 = load p0 [1 + 2*i0] : f32
            n2 = load p1 [4*i0] : f32
            n3 = mul n0, n2 : f32
            n4 = mul n1, n2 : f32
            store p2 [2*i0], n3
            store p2 [1 + 2*i0], n4
        }"
    ));
    // Rows and columns exchanged.
    assert!(is_taken(
        "kernel @transpose [64, 128] (p0: read f32[8192], p1: write f32[8192]) {
            n0 = load p0 [1*i0 + 64*i1] : f32
            store p1 [128*i0 + 1*i1], n0
        }"
    ));
    // Lanes that have places of their own, in bins that move along, beside a sum.
    assert!(is_taken(
        "kernel @bins [8, 64] (p0: read i32[512], p1: read f32[1536], p2: write f32[1536], p3: write f32[1]) {
            n0 = load p0 [64*i0 + 1*i1] : i32
            n1 = const 0i32 : i32
            n2 = const 2i32 : i32
            n3 = max n0, n1 : i32
            n4 = min n3, n2 : i32
            n5 = convert n4 : i64
            n6 = load p1 [192*i0 + 3*i1] : f32
            scatter sum p2 [192*i0 + 3*i1 + 1*n5], n6
            reduce sum p3 [0], n6
        }"
    ));
    // Vectors that cannot be written at once.
    assert!(!is_taken(
        "kernel @strided [64] (p0: read f32[64], p1: write f32[256]) {
            n0 = load p0 [1*i0] : f32
            store p1 [4*i0], n0
        }"
    ));
}

/// Sums over rows go along them if asked to, as far as there are several times as many.
#[test]
fn what_goes_along_rows() {
    let text = |rows: usize| {
        let kernels = parse_kernel::kernels(
            "kernel @columns [20, 64] (p0: read f32[1280], p1: write f32[64]) {
                n0 = load p0 [64*i0 + 1*i1] : f32
                reduce sum p1 [1*i1], n0
            }",
        );
        let kernel = kernels.unwrap_or_else(|error| panic!("{error}")).remove(0);
        let layout = Layout { places: &[Place::Slot(0), Place::Slot(1)], chunks: 1, streams: &[], rows };
        compile(&kernel, layout, &Settings { listing: true, ..Settings::default() })
            .map_or(String::new(), |code| code.text)
    };
    let down = text(0);
    assert!(!down.is_empty());
    assert_ne!(text(4), down);
    assert_eq!(text(12), down);
}

/// How often the code of a stencil's kernel, one row after the other, stores past the cache what is to be stored so.
fn streaming_stores(columns: usize) -> usize {
    let size = 20 * columns;
    let text = format!(
        "kernel @difference [20, {columns}] (p0: read f32[{size}], p1: write f32[{size}]) {{
            n0 = load p0 [{columns}*i0 + 1*i1] : f32
            n1 = load p0 [-1 + {columns}*i0 + 1*i1] : f32
            n2 = pick i1 in 1..{columns} n1 else n0 : f32
            n3 = sub n0, n2 : f32
            store p1 [{columns}*i0 + 1*i1], n3
        }}"
    );
    let kernels = parse_kernel::kernels(&text).unwrap_or_else(|error| panic!("{error}"));
    let layout = Layout { places: &[Place::Slot(0), Place::Slot(1)], chunks: 4, streams: &[1], rows: 0 };
    let text = compile(&kernels[0], layout, &Settings { listing: true, ..Settings::default() })
        .map_or(String::new(), |code| code.text);
    let (stores, fences) = (text.matches("vmovntps").count(), text.matches("sfence").count());
    assert_eq!(fences, usize::from(stores > 0));
    stores
}

/// Rows must begin with a whole vector; then all whole vectors are aligned.
#[test]
fn aligned_vectors_are_stored_past_the_cache() {
    assert!(streaming_stores(256) >= 4);
    assert_eq!(streaming_stores(255), 0);
}

/// The code of a histogram, in which lanes take turns or not.
fn histogram(extent: usize, scatter_in_turns: bool) -> String {
    let text = format!(
        "kernel @histogram [{extent}] (p0: read f32[{extent}], p1: write f32[1000]) {{
            n0 = load p0 [1*i0] : f32
            n1 = convert n0 : i32
            n2 = const 0i32 : i32
            n3 = const 999i32 : i32
            n4 = max n1, n2 : i32
            n5 = min n4, n3 : i32
            n6 = convert n5 : i64
            scatter sum p1 [1*n6], n0
        }}"
    );
    let kernels = parse_kernel::kernels(&text).unwrap_or_else(|error| panic!("{error}"));
    let layout = Layout { places: &[Place::Slot(0), Place::Slot(1)], chunks: 1, streams: &[], rows: 0 };
    let settings = Settings { listing: true, scatter_in_turns, ..Settings::default() };
    compile(&kernels[0], layout, &settings).map_or(String::new(), |code| code.text)
}

/// Each vector of a block goes through a part of the loop of its own.
#[test]
fn vectors_that_take_turns_are_far_apart() {
    let part = 2048 / IN_TURNS;
    let second = format!("[rbx + rax*4 + {}]", 4 * part);
    assert!(histogram(2048, true).contains(&second));
    assert!(!histogram(2048, false).contains(&second));
    // Of a short loop there are fewer parts, with two vectors each.
    assert!(histogram(8 * IN_TURNS, true).contains("[rbx + rax*4 + 64]"));
}
