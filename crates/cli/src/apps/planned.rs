//! Apps of a process file that is brought in as a whole or not at all.

use ostler_config::{Apps, Context, Diagnostic, OfProfiles};
use ostler_core::spec::AppSpec;

use super::{App, app, context, options, report, set_for};
use crate::caller;
use crate::failed::Failed;
use crate::process_file::{self, ProcessFile};
use crate::served;
use crate::session::Session;

/// Returns the names of the apps of a process file, and what there is to say about it.
pub(crate) fn checked(
    session: &mut Session,
    path: &str,
) -> Result<(Vec<String>, Vec<Diagnostic>), Failed> {
    refuse_no_file(path)?;
    let context = Context { server: Some(caller::program()?), ..context(session)? };
    let Apps { names, said, .. } = process_file::read(path, &options(&session.args), &context)?;
    Ok((names, said))
}

fn refuse_no_file(path: &str) -> Result<(), Failed> {
    if path != "-" && !ostler_config::is_config_file(path) {
        let pasted = ostler_shell::word(path);
        return Err(Failed::misuse(format!("`{path}` is not a process file, by its name")).hint(
            format!(
                "one ends in `.config.js`, `.json`, `.yaml` or `.toml`; `ostler start {pasted}` \
                 starts a script"
            ),
        ));
    }
    Ok(())
}

/// Returns the specifications of the apps of a process file in which nothing is wrong.
pub(crate) fn specs_of_file(session: &mut Session, path: &str) -> Result<Vec<AppSpec>, Failed> {
    refuse_no_file(path)?;
    let context = Context { server: Some(caller::program()?), ..context(session)? };
    let options = options(&session.args);
    let (specs, diagnostics) = process_file::load_beside(session, path, &options, &context)?;
    let failed = report(session, &diagnostics, !specs.is_empty());
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(failed);
    }
    Ok(specs)
}

/// Returns the file at this path, as this command reads it.
pub(crate) fn file_as_read(session: &Session, path: &str) -> Result<ProcessFile, Failed> {
    Ok(ProcessFile::new(path, &context(session)?, &options(&session.args)))
}

/// Returns the apps of a process file that have profiles, chosen or not.
pub(crate) fn of_profiles(session: &Session, path: &str) -> Result<Vec<OfProfiles>, Failed> {
    Ok(ostler_config::of_profiles(path, &options(&session.args), &context(session)?))
}

/// Returns the app of this specification, from this file.
pub(crate) fn of_spec(
    session: &mut Session,
    mut spec: AppSpec,
    file: &ProcessFile,
) -> Result<App, Failed> {
    served::prepare(session, &mut spec)?;
    file.note(&mut spec);
    app(set_for(session, spec)?)
}
