//! The companion: the program beside this one, for the web API and the full-screen view.

use std::path::{Path, PathBuf};

use crate::failed::Failed;

/// Its file name.
const COMPANION: &str = "ostler-companion";

/// Returns its path, or says that `what` needs it and how it comes to be there.
pub(crate) fn find(what: &str) -> Result<PathBuf, Failed> {
    let program = std::env::current_exe()
        .map_err(|error| Failed::new(format!("cannot find this program's own file: {error}")))?;
    let companion = program.with_file_name(COMPANION);
    if companion.is_file() {
        return Ok(companion);
    }
    let shown = companion.display();
    let message = format!("{what} is a program of its own, which is not there: `{shown}`");
    Err(Failed::new(message).hint(how_to_get_it(&program)))
}

/// Returns the failure for a companion that cannot be executed.
pub(crate) fn not_executed(companion: &Path, error: &std::io::Error) -> Failed {
    Failed::new(format!("cannot execute `{}`: {error}", companion.display()))
}

/// Returns the command that puts the companion beside a program.
fn how_to_get_it(program: &Path) -> String {
    let folder = program.parent();
    let profile = folder.and_then(|folder| folder.file_name()?.to_str());
    let target = folder.and_then(|folder| folder.parent()?.file_name()?.to_str());
    match (target, profile) {
        (Some("target"), Some("debug")) => "run `cargo build -p ostler-companion`".to_owned(),
        (Some("target"), Some("release")) => {
            "run `cargo build --release -p ostler-companion`".to_owned()
        }
        _ => "run `cargo install --path crates/companion` in ostler's repository, or put \
              `ostler-companion` beside `ostler`"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_companion_comes_from_where_the_program_comes_from() {
        let check = |program: &str, expected: &str| {
            assert!(how_to_get_it(Path::new(program)).contains(expected), "{program}");
        };
        check("/src/ostler/target/release/ostler", "`cargo build --release -p ostler-companion`");
        check("/src/ostler/target/debug/ostler", "`cargo build -p ostler-companion`");
        check("/root/.cargo/bin/ostler", "`cargo install --path crates/companion`");
        check("ostler", "beside `ostler`");
    }
}
