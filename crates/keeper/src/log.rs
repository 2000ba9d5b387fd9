//! The keeper's log: lines on standard error, which the daemon's home collects in a file.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{Mode, OFlags, fstat, open, stat};

/// The file that standard error appends to, if it is one.
static FILE: OnceLock<PathBuf> = OnceLock::new();

/// Standard error appends to this file.
pub(crate) fn goes_to(path: &Path) {
    // It is the same for as long as this process lives.
    _ = FILE.set(path.to_owned());
}

/// Writes a line to standard error. There is no place left to tell of a failure of this.
pub(crate) fn log(line: &str) {
    // The daemon may have rotated it, and what is rotated is compressed, and then gone.
    if let Some(path) = FILE.get() {
        _ = follow(path);
    }
    let _ = writeln!(io::stderr(), "keeper: {line}");
}

/// Goes on in the file of this name, if ours has lost it.
pub(crate) fn follow(path: &Path) -> io::Result<()> {
    let (ours, named) = (fstat(rustix::stdio::stdout())?, stat(path));
    let id = |file: rustix::fs::Stat| (file.st_dev, file.st_ino);
    // Without its folder it is made together with that, by the daemon.
    let lost = path.parent().is_some_and(Path::is_dir) && named.map(id) != Ok(id(ours));
    if lost { append_to(path) } else { Ok(()) }
}

/// Appends standard output and error to the file of this name.
pub(crate) fn append_to(path: &Path) -> io::Result<()> {
    let flags =
        OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = open(path, flags, Mode::RUSR | Mode::WUSR)?;
    rustix::stdio::dup2_stdout(&file)?;
    Ok(rustix::stdio::dup2_stderr(&file)?)
}
