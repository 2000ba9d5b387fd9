//! The documentation that is made from the tables: the manual page, the pages of `docs/`, and the
//! help as it is shown.
//!
//! What is written by hand beside the code is forgotten when the code changes. So these texts are
//! printed by the program itself, from what it acts on; `cargo xtask docs` writes them into the
//! repository, and a test compares.

mod commands;
mod configuration;
mod diagnostics;
mod environment;
mod man;
mod markdown;
mod mcp;
mod skill;

use std::process::ExitCode;

use crate::output::Output;
use crate::paint::Paint;
use crate::program::Program;
use crate::voice::Problem;

/// The first argument that asks for a text.
pub(crate) const ARGUMENT: &str = "generate";

/// A text that can be made.
struct Text {
    /// The name by which it is asked for.
    name: &'static str,
    /// The file of the repository that holds it.
    file: &'static str,
    make: fn() -> String,
}

const TEXTS: [Text; 11] = [
    Text { name: "man", file: "docs/man/ostler.1", make: man::page },
    Text { name: "commands", file: "docs/commands.md", make: commands::page },
    Text { name: "configuration", file: "docs/configuration.md", make: configuration::page },
    Text { name: "schema", file: "docs/schema.json", make: configuration::schema },
    Text { name: "diagnostics", file: "docs/diagnostics.md", make: diagnostics::page },
    Text { name: "environment", file: "docs/environment.md", make: environment::page },
    Text { name: "mcp", file: "docs/mcp.md", make: mcp::page },
    Text { name: "tools", file: "docs/tools.json", make: crate::args::tools::all },
    Text { name: "skill", file: "docs/SKILL.md", make: skill::page },
    Text { name: "unit", file: "packaging/ostler@.service", make: crate::boot::unit_of_package },
    Text {
        name: "help",
        file: "crates/cli/tests/it/snapshots/help.txt",
        make: crate::args::help::pages,
    },
];

/// Returns what teaches an agent this program.
pub(crate) fn skill() -> String {
    skill::page()
}

/// Prints the text whose name is the second argument; for `list`, the name and file of each.
pub(crate) fn main() -> ExitCode {
    let paint = Paint { text: false, frame: false };
    let mut out = Output::new(Program::Ostler, false, paint);
    let name = std::env::args().nth(2).unwrap_or_default();
    match TEXTS.iter().find(|text| text.name == name) {
        Some(text) => out.data(&(text.make)()),
        None if name == "list" => {
            for Text { name, file, .. } in TEXTS {
                out.data(&format!("{name} {file}\n"));
            }
        }
        None => {
            let known = format!("there are: {}", TEXTS.map(|text| text.name).join(", "));
            let message = format!("no text is called `{name}`");
            out.problem(&Problem::Other { message, hint: Some(known) });
            return ExitCode::FAILURE;
        }
    }
    match out.flush() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => ExitCode::from(failed.code),
    }
}
