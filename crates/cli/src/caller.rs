//! What a command is called with besides its words: the folder and the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::failed::Failed;

/// Returns the caller's working directory.
pub(crate) fn cwd() -> Result<PathBuf, Failed> {
    std::env::current_dir().map_err(|error| {
        Failed::new(format!("cannot find the working directory: {error}"))
            .hint("it was deleted; change to another one")
    })
}

/// Returns this program.
pub(crate) fn program() -> Result<PathBuf, Failed> {
    std::env::current_exe()
        .map_err(|error| Failed::new(format!("cannot find this program's own file: {error}")))
}

/// Returns the file of this name that a shell finds first in `PATH`.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os(ostler_env::PATH)?;
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(name));
    files.find(|file| file.is_file())
}

/// Returns the caller's environment; what is not UTF-8 is left out.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Whether a coding agent runs the command, as those that tell it do.
pub(crate) fn is_agent() -> bool {
    let names = [
        ostler_env::AI_AGENT,
        ostler_env::CLAUDECODE,
        ostler_env::CODEX_CI,
        ostler_env::CODEX_SANDBOX,
        ostler_env::CURSOR_AGENT,
        ostler_env::GEMINI_CLI,
        ostler_env::OPENCODE,
    ];
    names.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
