//! How a function is compiled, and how to find the optimisation at fault where compiled code is wrong.

use crate::compile::emit::{Lanes, Settings};
use cotangent_ir::{Error, ErrorKind, Result};
use std::sync::OnceLock;

/// The environment variable that names optimisations to do without.
const DISABLE_VARIABLE: &str = "COTANGENT_DISABLE";

/// How a function is compiled. The defaults are what one wants; the rest is for tests and for finding mistakes.
///
/// Every optimisation has a name, and the environment variable `COTANGENT_DISABLE` switches off those it lists, whatever
/// the options of a program say: `COTANGENT_DISABLE=fusion,wide`. Results agree with each of them off, up to the order in
/// which floating-point numbers are added and the last digits of quotients.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Options {
    /// Fuse instructions into common kernels. Off, every instruction is a kernel of its own.
    pub fuse: bool,
    /// Compute a stored value again where a kernel would otherwise wait for another to store all of it.
    pub recompute: bool,
    /// Fuse long bodies window by window, in time linear in their length.
    pub windows: bool,
    /// Do before a loop what its iterations would do alike.
    pub hoist: bool,
    /// Compute what an iteration of a loop ends with and the next begins with once.
    pub common: bool,
    /// Take sums over the state that an iteration of a loop begins with at the end of the one before.
    pub rotate_loops: bool,
    /// Make one library call of a transform, a product and the inverse transform.
    pub join_transforms: bool,
    /// Emit vector or scalar code.
    pub lanes: Lanes,
    /// Let lanes that scatter take turns with those of distant elements, so that they do not wait for each other.
    pub scatter_in_turns: bool,
    /// Turn divisions into products with a known or shared reciprocal.
    pub reciprocals: bool,
    /// Compute with integers what the ranges of integers leave to be computed.
    pub ranges: bool,
    /// Make one loop of neighbouring ones that walk memory in one stride.
    pub join_loops: bool,
    /// Take sums along the rows of a large matrix, and over its rows after that, on some rows after the others. Off, it is read
    /// twice.
    pub one_pass: bool,
    /// Add up the rows of large matrices a few at a time, along the rows. Off, sums go down the columns.
    pub by_rows: bool,
    /// Write results that cannot be in the cache when they are next read past it.
    pub stream: bool,
    /// Overwrite arrays where their last reader reads. Off, every result is a new array.
    pub in_place: bool,
    /// Place arrays that are not in use at the same time in the same memory.
    pub reuse_memory: bool,
    /// Let workers meet only where one needs what another wrote. Off, they meet before every step.
    pub few_barriers: bool,
    /// Share work between threads.
    pub threads: bool,
    /// Mark the beginning of every step, for profiles of calls.
    pub profile: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            fuse: true,
            recompute: true,
            windows: true,
            hoist: true,
            common: true,
            rotate_loops: true,
            join_transforms: true,
            lanes: Lanes::Wide,
            scatter_in_turns: true,
            reciprocals: true,
            ranges: true,
            join_loops: true,
            one_pass: true,
            by_rows: true,
            stream: true,
            in_place: true,
            reuse_memory: true,
            few_barriers: true,
            threads: true,
            profile: false,
        }
    }
}

/// An optimisation: its name, and how to do without it.
type Optimisation = (&'static str, fn(&mut Options));

const OPTIMISATIONS: [Optimisation; 20] = [
    ("fusion", |options| options.fuse = false),
    ("recomputation", |options| options.recompute = false),
    ("windows", |options| options.windows = false),
    ("hoisting", |options| options.hoist = false),
    ("commoning", |options| options.common = false),
    ("rotation", |options| options.rotate_loops = false),
    ("filters", |options| options.join_transforms = false),
    ("wide", |options| options.lanes = if options.lanes == Lanes::Scalar { Lanes::Scalar } else { Lanes::Vector }),
    ("vectors", |options| options.lanes = Lanes::Scalar),
    ("turns", |options| options.scatter_in_turns = false),
    ("reciprocals", |options| options.reciprocals = false),
    ("ranges", |options| options.ranges = false),
    ("joining", |options| options.join_loops = false),
    ("one-pass", |options| options.one_pass = false),
    ("rows", |options| options.by_rows = false),
    ("streaming", |options| options.stream = false),
    ("in-place", |options| options.in_place = false),
    ("reuse", |options| options.reuse_memory = false),
    ("barriers", |options| options.few_barriers = false),
    ("threads", |options| options.threads = false),
];

impl Options {
    /// The names of all optimisations: `fusion`, `recomputation` (rather than waiting for a value to be stored), `windows`
    /// (in which long bodies are fused), `hoisting` (out of loops), `commoning` (of iterations), `rotation` (of loops),
    /// `filters` (transforms there and back in one call), `wide` (vectors of 256 bits), `vectors`, `turns` (of lanes that
    /// scatter), `reciprocals`, `ranges` (of integers), `joining` (of loops), `one-pass` (over large matrices), `rows` (of
    /// matrices, along which sums go), `streaming` (stores past the cache), `in-place`, `reuse` (of memory), `barriers` (few of
    /// them), `threads`.
    pub fn optimisations() -> impl Iterator<Item = &'static str> {
        OPTIMISATIONS.iter().map(|(name, _)| *name)
    }

    /// These options without the optimisations named in a list with commas.
    ///
    /// ```
    /// use cotangent::compile::{Lanes, Options};
    /// let options = Options::default().without("fusion,wide")?;
    /// assert_eq!((options.fuse, options.lanes), (false, Lanes::Vector));
    /// assert!(Options::default().without("fission").is_err());
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// A name that no optimisation has.
    pub fn without(self, names: &str) -> Result<Options> {
        self.without_named(names, "Options::without")
    }

    /// These options without the optimisations that the environment variable `COTANGENT_DISABLE` names. Programs are
    /// compiled so whatever their options; this is for those who plan and emit themselves.
    ///
    /// # Errors
    /// A name that no optimisation has.
    pub fn as_environment_allows(self) -> Result<Options> {
        static NAMES: OnceLock<Option<String>> = OnceLock::new();
        match NAMES.get_or_init(|| std::env::var(DISABLE_VARIABLE).ok()) {
            Some(names) => self.without_named(names, DISABLE_VARIABLE),
            None => Ok(self),
        }
    }

    /// How plans are emitted with these options.
    pub fn settings(&self) -> Settings {
        Settings {
            lanes: self.lanes,
            profile: self.profile,
            scatter_in_turns: self.scatter_in_turns,
            ..Settings::default()
        }
    }

    fn without_named(mut self, names: &str, operation: &str) -> Result<Options> {
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let Some((_, switch_off)) = OPTIMISATIONS.iter().find(|(known, _)| *known == name) else {
                let known: Vec<&str> = Options::optimisations().collect();
                let message =
                    format!("expected names of optimisations, given `{name}`; choose from {}", known.join(", "));
                return Err(Error::new(ErrorKind::Input, operation, message));
            };
            switch_off(&mut self);
        }
        Ok(self)
    }
}
