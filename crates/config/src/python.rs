//! Which Python an app of Python is for: that of its virtual environment.
//!
//! Problem: the packages of an app are in a folder beside it, and the `python` of the caller's
//! `PATH` has none of them. Rule: `interpreter: auto` takes the environment in the app's folder,
//! else what would make one (`uv run`, `poetry run`), else the `python` in `PATH`; and a program
//! that is in no folder of `PATH` may be one of that environment.

use std::path::{Path, PathBuf};

use crate::context::{Context, is_executable};

/// Folders in which people have their environment, the likeliest first.
const FOLDERS: [&str; 3] = [".venv", "venv", "env"];
/// What makes an environment, and the file in the app's folder that says so.
const RUNNERS: [(&str, &str); 2] = [("uv.lock", "uv"), ("poetry.lock", "poetry")];

/// Returns the program that runs scripts of Python in a folder, and its arguments before them.
pub(crate) fn of_folder(cwd: &Path, ctx: &Context) -> Option<(String, Vec<String>)> {
    if let Some(python) = program("python", cwd) {
        return Some((python.to_string_lossy().into_owned(), Vec::new()));
    }
    let runs = |(file, runner): &(&str, &str)| {
        cwd.join(file).is_file() && ctx.find_program(runner).is_some()
    };
    let (_, runner) = RUNNERS.into_iter().find(runs)?;
    Some((runner.to_owned(), vec!["run".to_owned(), "python".to_owned()]))
}

/// Returns a program of the environment in a folder.
pub(crate) fn program(name: &str, cwd: &Path) -> Option<PathBuf> {
    let of = |folder: &str| cwd.join(folder).join("bin").join(name);
    // What has no `pyvenv.cfg` is some other folder of that name.
    let is_environment = |folder: &&str| cwd.join(folder).join("pyvenv.cfg").is_file();
    FOLDERS
        .iter()
        .copied()
        .filter(|folder| is_environment(folder))
        .map(of)
        .find(|path| is_executable(path))
}
