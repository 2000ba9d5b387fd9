//! Modules of Python that are run as programs, and what is known of a Python from outside.

use std::path::Path;

use crate::context::Context;
use crate::fields::Fields;
use crate::head::{head, named_program};
use crate::interpreter::Interpreter;
use crate::script::Target;

/// The key of a module.
pub(crate) const MODULE: &str = "module";
/// Bytes of a program that are looked at for the line that names its interpreter.
const FIRST_LINE: u64 = 256;

/// The module of an app, if it has one. PM2 knows no such key.
pub(crate) fn module_of<'f>(fields: &'f Fields<'_>, ctx: &Context) -> Option<&'f str> {
    fields.text(MODULE).filter(|_| !ctx.as_pm2)
}

/// Whether a text may be the name of a module, with those of the packages that it is in.
pub(crate) fn is_module(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(|c: char| c == '-' || c.is_numeric())
            && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
    };
    text.split('.').all(is_part) && !text.ends_with(".py")
}

/// The name of an app that was given none: a dot would make commands take it for a file.
pub(crate) fn name_of_module(module: &str) -> String {
    module.replace('.', "-")
}

/// Whether what runs is a Python, which keeps back what an app prints unless it is told not to.
pub(crate) fn is_python(target: &Target, interpreter: &Interpreter, ctx: &Context) -> bool {
    let Some(program) = &interpreter.program else {
        return target.args.is_none() && !ctx.as_pm2 && names_python(&target.path);
    };
    program.contains("python") || interpreter.args.iter().any(|arg| arg == "python")
}

/// Whether the first line of a program says that a Python runs it, as of those of an environment.
fn names_python(program: &Path) -> bool {
    let Ok(head) = head(program, FIRST_LINE) else { return false };
    named_program(&head).is_some_and(|line| line.contains("python"))
}
