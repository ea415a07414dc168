//! `cotangent show`: a function as the stages of the compiler see it.

use crate::arguments::{ShowArguments, Stage};
use crate::failure::{Failure, Result};
use crate::{output, source};
use cotangent::compile::emit::{Settings, emit};
use cotangent::compile::plan::Plan;
use cotangent::compile::{self, Options, show as text};
use cotangent::ir::Func;
use cotangent::ir::text::print;
use cotangent::ir::transform::simplify;

/// Runs the command.
pub(crate) fn show(arguments: &ShowArguments) -> Result<()> {
    let func = source::function(&arguments.file, None)?;
    let shown = match arguments.stage {
        Stage::Function => print::func(&func),
        Stage::Simplified => print::func(&simplify(&func)),
        Stage::Kernels => text::kernels(&plan(&func)?),
        Stage::Plan => text::plan(&plan(&func)?),
        Stage::Clif => emit(&plan(&func)?, &listing()?).clif,
        Stage::Asm => emit(&plan(&func)?, &listing()?).assembly,
    };
    output::print(&shown)
}

fn plan(func: &Func) -> Result<Plan, Failure> {
    Ok(compile::plan(&compile::prepared(func)?, &Options::default().as_environment_allows()?))
}

fn listing() -> Result<Settings> {
    Ok(Settings { listing: true, ..Options::default().as_environment_allows()?.settings() })
}
