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

/// Returns the caller's environment; what is not UTF-8 is left out.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
