//! Process files that are read to be looked at: nothing of them is started.

use ostler_config::{Context, Diagnostic};
use ostler_core::spec::AppSpec;

use crate::apps;
use crate::failed::Failed;
use crate::process_file;
use crate::session::Session;

/// Returns the names of the apps of a process file, and what there is to say about it.
pub(crate) fn checked(
    session: &Session,
    path: &str,
) -> Result<(Vec<String>, Vec<Diagnostic>), Failed> {
    let (specs, diagnostics) = read_file(session, path)?;
    Ok((specs.into_iter().map(|spec| spec.name).collect(), diagnostics))
}

/// Returns the specifications of the apps of a process file in which nothing is wrong.
pub(crate) fn specs_of_file(session: &mut Session, path: &str) -> Result<Vec<AppSpec>, Failed> {
    let (specs, diagnostics) = read_file(session, path)?;
    let failed = apps::report(session, &diagnostics, !specs.is_empty());
    if diagnostics.iter().any(Diagnostic::is_error) { Err(failed) } else { Ok(specs) }
}

fn read_file(session: &Session, path: &str) -> Result<(Vec<AppSpec>, Vec<Diagnostic>), Failed> {
    if path != "-" && !ostler_config::is_config_file(path) {
        let pasted = ostler_shell::word(path);
        return Err(Failed::misuse(format!("`{path}` is not a process file, by its name")).hint(
            format!(
                "one ends in `.config.js`, `.json`, `.yaml` or `.toml`; `ostler start {pasted}` \
                 starts a script"
            ),
        ));
    }
    let context = Context { server: Some(apps::program()?), ..apps::context(session)? };
    process_file::load(path, &apps::options(&session.args), &context)
}
