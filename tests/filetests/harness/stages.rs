//! The stages a filetest can name.

use cotangent::compile::plan::Plan;
use cotangent::compile::{self, show};
use cotangent::ir::kernel::Kernel;
use cotangent::ir::text::{parse, parse_kernel};
use cotangent::ir::transform::{inline, jvp, prune, rewrite, share, simplify, transpose, vmap};
use cotangent::ir::verify::{self, verify};
use cotangent::ir::verify_kernel::verify_kernel;
use cotangent::ir::{Func, Result};

/// What a section is about.
pub(crate) enum Subject {
    /// Functions; the last is the entry.
    Funcs(Vec<Func>),
    /// Kernels.
    Kernels(Vec<Kernel>),
}

/// What a section says besides its text.
pub(crate) struct Parameters {
    /// `// flags:`
    pub(crate) flags: Vec<bool>,
    /// `// size:`
    pub(crate) size: usize,
}

/// What a stage gives.
pub(crate) struct Product {
    /// Its exact output.
    pub(crate) text: String,
    /// Whether the output is of interest by itself.
    pub(crate) prints: bool,
    /// The functions it gives, if it changes any.
    pub(crate) changed: Option<Subject>,
    plan: Option<Plan>,
}

/// A stage by name.
pub(crate) struct Stage {
    name: &'static str,
    /// What it does.
    pub(crate) run: fn(&Subject, &Parameters) -> Result<Product>,
}

const STAGES: [Stage; 14] = [
    Stage { name: "parse", run: round_trip },
    Stage { name: "verify", run: |subject, parameters| refusing(subject, parameters).map(|()| Product::of("")) },
    Stage { name: "inline", run: |subject, _| map(subject, |func| Ok(inline::inline(func))) },
    Stage { name: "rewrite", run: |subject, _| map(subject, |func| Ok(rewrite::rewrite(func))) },
    Stage { name: "share", run: |subject, _| map(subject, |func| Ok(share::share(func))) },
    Stage { name: "prune", run: |subject, _| map(subject, |func| Ok(prune::prune(func))) },
    Stage { name: "simplify", run: |subject, _| map(subject, |func| Ok(simplify(func))) },
    Stage { name: "prepare", run: |subject, _| map(subject, compile::prepared) },
    Stage { name: "jvp", run: |subject, with| map(subject, |func| Ok(jvp::jvp(func, &with.flags)?.0)) },
    Stage { name: "transpose", run: |subject, with| map(subject, |func| transpose::transpose(func, &with.flags)) },
    Stage {
        name: "vmap",
        run: |subject, with| map(subject, |func| Ok(vmap::batch(func, &with.flags, with.size, true)?.0)),
    },
    Stage { name: "kernels", run: |subject, _| planned(subject, true, show::kernels) },
    Stage { name: "kernels unfused", run: |subject, _| planned(subject, false, show::kernels) },
    Stage { name: "plan", run: |subject, _| planned(subject, true, show::plan) },
];

/// The stage of that name.
pub(crate) fn by_name(name: &str) -> Option<&'static Stage> {
    STAGES.iter().find(|stage| stage.name == name)
}

impl Product {
    /// A product of which only the text is known.
    pub(crate) fn of(text: &str) -> Product {
        Product { text: text.into(), prints: false, changed: None, plan: None }
    }

    /// How much there is of something in the plan.
    pub(crate) fn count(&self, what: &str) -> Option<usize> {
        let plan = self.plan.as_ref()?;
        match what.strip_prefix("loop ") {
            Some(what) => show::count_in_loops(plan, what),
            None => show::count(plan, what),
        }
    }
}

/// The error of a subject that must not be accepted: the verifier's, or that of linearity where flags are given.
pub(crate) fn refusal(subject: &Subject, parameters: &Parameters) -> Option<String> {
    refusing(subject, parameters).err().map(|error| error.message().to_string())
}

fn refusing(subject: &Subject, parameters: &Parameters) -> Result<()> {
    match subject {
        Subject::Funcs(funcs) => funcs.iter().try_for_each(|func| {
            verify(func)?;
            let linear = parameters.flags.len() == func.params().len() && parameters.flags.contains(&true);
            if linear { verify::linear(func, &parameters.flags) } else { Ok(()) }
        }),
        Subject::Kernels(kernels) => kernels.iter().try_for_each(verify_kernel),
    }
}

/// Printing, reading and printing again.
fn round_trip(subject: &Subject, _: &Parameters) -> Result<Product> {
    let text = subject.text();
    let again = match subject {
        Subject::Funcs(_) => Subject::Funcs(parse::functions(&text)?),
        Subject::Kernels(_) => Subject::Kernels(parse_kernel::kernels(&text)?),
    };
    assert_eq!(again.text(), text);
    Ok(Product::of(&text))
}

/// Maps every function of the section; the output is that of the last.
fn map(subject: &Subject, stage: impl Fn(&Func) -> Result<Func>) -> Result<Product> {
    let funcs = functions(subject);
    // Only the entry goes through stages with flags, which fit no other.
    let (entry, used) = funcs.split_last().expect("a section has a function");
    let mut changed = used.to_vec();
    let mut mapped = stage(entry)?;
    mapped.name = entry.name.clone();
    verify(&mapped)?;
    changed.push(mapped);
    let changed = Subject::Funcs(changed);
    Ok(Product { text: changed.text(), prints: true, changed: Some(changed), plan: None })
}

fn planned(subject: &Subject, fuse: bool, show: fn(&Plan) -> String) -> Result<Product> {
    let entry = functions(subject).last().expect("a section has a function");
    let options = compile::Options { fuse, ..compile::Options::default() };
    let plan = compile::plan(&compile::prepared(entry)?, &options);
    plan.kernels.iter().try_for_each(verify_kernel)?;
    Ok(Product { text: show(&plan), prints: true, changed: None, plan: Some(plan) })
}

fn functions(subject: &Subject) -> &[Func] {
    match subject {
        Subject::Funcs(funcs) => funcs,
        Subject::Kernels(_) => panic!("this stage takes functions"),
    }
}
