//! Names of the files of a process: PM2 puts the number of the process before the extension. See
//! configuration §7 of the description.

use std::path::{Path, PathBuf};

use ostler_core::ProcId;
use ostler_core::spec::AppSpec;

/// Returns the path with the number of the process before the last `extension` in it. Where there
/// is none, the number goes to the end.
#[must_use]
pub fn numbered(path: &Path, ProcId(id): ProcId, extension: &str) -> PathBuf {
    numbered_text(path, id, extension).into()
}

fn numbered_text(path: &Path, id: u32, extension: &str) -> String {
    let text = path.to_string_lossy();
    match text.rsplit_once(extension) {
        Some((head, tail)) => format!("{head}-{id}{extension}{tail}"),
        None => format!("{text}-{id}"),
    }
}

/// Returns the files that the output of a process goes to: standard output, standard error, both.
#[must_use]
pub fn log_files(spec: &AppSpec, id: ProcId) -> [Option<PathBuf>; 3] {
    let logs = &spec.logs;
    [&logs.out, &logs.err, &logs.combined].map(|path| {
        let path = path.as_ref()?;
        Some(if logs.merge { path.clone() } else { numbered(path, id, ".log") })
    })
}

/// Returns the pid file of a process.
#[must_use]
pub fn pid_file(spec: &AppSpec, id: ProcId) -> PathBuf {
    numbered(&spec.pid_file, id, ".pid")
}

/// Returns the record's keys for the files of a process, with their paths as text; `/dev/null` is
/// none. There is no key for a combined log that is not wanted.
pub(crate) fn of_record(spec: &AppSpec, id: ProcId) -> [(&'static str, Option<String>); 4] {
    let logs = &spec.logs;
    let log = |path: &Option<PathBuf>| {
        let path = path.as_ref()?;
        Some(match logs.merge {
            true => path.to_string_lossy().into_owned(),
            false => numbered_text(path, id.0, ".log"),
        })
    };
    let or_none = |path: Option<String>| Some(path.unwrap_or_else(|| "/dev/null".to_owned()));
    [
        ("pm_out_log_path", or_none(log(&logs.out))),
        ("pm_err_log_path", or_none(log(&logs.err))),
        ("pm_pid_path", Some(numbered_text(&spec.pid_file, id.0, ".pid"))),
        ("pm_log_path", log(&logs.combined)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_stands_before_the_extension() {
        let check = |path: &str, extension, expected: &str| {
            assert_eq!(numbered(Path::new(path), ProcId(3), extension), Path::new(expected));
        };
        check("/h/logs/web-out.log", ".log", "/h/logs/web-out-3.log");
        check("/h/pids/web.pid", ".pid", "/h/pids/web-3.pid");
        check("/h/logs/plain", ".log", "/h/logs/plain-3");
        check("/h.log/web.log", ".log", "/h.log/web-3.log");
    }
}
