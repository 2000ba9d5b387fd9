//! Modules as archives: gzipped, everything below a folder called `module`, as PM2 has them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::package::{cannot, read};
use crate::failed::Failed;

/// Whether a word is an archive of a module.
pub(crate) fn is_archive(word: &str) -> bool {
    word.ends_with(".tar.gz") && !word.contains("://")
}

/// Unpacks an archive into an empty folder.
pub(super) fn unpack(archive: &Path, folder: &Path) -> Result<(), Failed> {
    let beside = folder.join(".unpacked");
    fs::create_dir(&beside).map_err(|error| cannot("make", &beside, &error))?;
    let mut command = Command::new("tar");
    // tar leaves out what would lead elsewhere: absolute names, `..`, and what links point at.
    command.args(["--no-same-owner", "--no-same-permissions", "-xzf"]).arg(archive);
    run(command.arg("-C").arg(&beside), archive)?;
    let module = beside.join("module");
    if !module.join("package.json").is_file() {
        let message = format!("`{}` has no `module/package.json`", archive.display());
        return Err(Failed::new(message).hint("`ostler package` makes an archive of a module"));
    }
    let entries = fs::read_dir(&module).map_err(|error| cannot("read", &module, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| cannot("read", &module, &error))?;
        let to = folder.join(entry.file_name());
        fs::rename(entry.path(), &to).map_err(|error| cannot("move to", &to, &error))?;
    }
    fs::remove_dir_all(&beside).map_err(|error| cannot("remove", &beside, &error))
}

/// Makes an archive of the module in a folder, in the working directory. Returns its path.
pub(crate) fn pack(folder: &Path, into: &Path) -> Result<PathBuf, Failed> {
    let folder = folder.canonicalize().map_err(|error| cannot("read", folder, &error))?;
    let module = read(&folder)?;
    let version = module.version.ok_or_else(|| {
        let path = folder.join("package.json");
        Failed::new(format!("`{}` has no `version`", path.display()))
    })?;
    let name = folder.file_name().map_or(module.name, |name| name.to_string_lossy().into_owned());
    let name = format!("{name}-v{}.tar.gz", version.replace('.', "-"));
    let archive = into.join(&name);
    // It may be made in the folder itself, and there may be one of before.
    let new = into.join(format!(".{name}.new"));
    let mut command = Command::new("tar");
    command.arg(format!("--exclude=./{name}")).arg(format!("--exclude=./.{name}.new"));
    command.args(["--exclude=./.git", "--transform=s,^\\.,module,S", "--warning=no-file-changed"]);
    command.arg("-czf").arg(&new).arg("-C").arg(&folder).arg(".");
    let made = run(&mut command, &folder).and_then(|()| {
        fs::rename(&new, &archive).map_err(|error| cannot("write", &archive, &error))
    });
    if made.is_err() {
        // It may not have come so far that there is one.
        _ = fs::remove_file(&new);
    }
    made.map(|()| archive)
}

fn run(command: &mut Command, of: &Path) -> Result<(), Failed> {
    command.stdin(Stdio::null()).stdout(std::io::stderr());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        // A folder in which the archive is made changes while it is read.
        Ok(status) if status.code() == Some(1) && of.is_dir() => Ok(()),
        Ok(status) => Err(Failed::new(format!(
            "tar failed with `{}`: {}",
            of.display(),
            ostler_text::exit(status)
        ))
        .hint("what it says stands above")),
        Err(error) => Err(Failed::new(format!("cannot run tar: {error}"))
            .hint("install tar, and see that it is in PATH")),
    }
}
