//! What processes that run would need to be started again, and is not there any more: whoever
//! stopped them would have nothing left that runs.

use std::io::ErrorKind;
use std::path::Path;

use ostler_core::ProcId;
use ostler_wire::control::{Change, Code, Failure};

use crate::model::Model;

/// What is missing for another start of these slots. What a change brings was looked at by whoever
/// asks for it.
pub fn missing(model: &Model, ids: &[u32], change: &Change) -> Option<Failure> {
    if !change.records.is_empty() || change.patch.is_some() {
        return None;
    }
    ids.iter().find_map(|id| {
        let process = model.core().slot(ProcId(*id))?.process();
        process.run()?;
        let spec = &model.registry().version(process.next_spec())?.spec;
        let interpreter = spec.interpreter.as_ref().map(|program| spec.cwd.join(program));
        let interpreter = interpreter.filter(|path| {
            spec.interpreter.as_ref().is_some_and(|program| program.contains('/'))
                && path.is_absolute()
        });
        let needed = [("script", Some(&spec.script)), ("working directory", Some(&spec.cwd))];
        let needed = needed.into_iter().chain([("interpreter", interpreter.as_ref())]);
        let gone = needed.filter_map(|(what, path)| Some((what, path?)));
        let (what, path) = gone.into_iter().find(|(_, path)| is_gone(path))?;
        let pasted = ostler_shell::operand(&spec.name);
        Some(Failure {
            code: Code::NotFound,
            message: format!(
                "the {what} of app `{}` is gone: `{}`; nothing was stopped",
                spec.name,
                path.display()
            ),
            hint: Some(format!("put it back, or `ostler delete {pasted}`")),
        })
    })
}

/// Whether nothing is at this path. Where that cannot be told, there may be something.
fn is_gone(path: &Path) -> bool {
    let found = std::fs::metadata(path).map_err(|error| error.kind());
    matches!(found, Err(ErrorKind::NotFound | ErrorKind::NotADirectory))
}
