//! Apps of a process file that is brought in as a whole or not at all.

use ostler_config::Diagnostic;
use ostler_core::spec::AppSpec;

use super::{App, app, read_file, refuse_name, report, set_for};
use crate::failed::Failed;
use crate::process_file::ProcessFile;
use crate::served;
use crate::session::Session;

/// Returns the specifications of the apps of a process file in which nothing is wrong.
pub(crate) fn specs_of_file(session: &mut Session, path: &str) -> Result<Vec<AppSpec>, Failed> {
    let (specs, diagnostics) = read_file(session, path)?;
    let failed = report(session, &diagnostics, !specs.is_empty());
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(failed);
    }
    specs.iter().try_for_each(|spec| refuse_name(session, &spec.name))?;
    Ok(specs)
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
