//! `link-pm2`: links of PM2's names to this program. What is there and is none of ours stays,
//! unless it is told otherwise.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::args::FlagId;
use crate::caller;
use crate::failed::Failed;
use crate::program::PM2_NAMES;
use crate::session::Session;

/// What stands at the place of a link.
#[derive(Debug, PartialEq, Eq)]
enum There {
    Nothing,
    /// A link to this program.
    Ours,
    /// A file or link that is not ours.
    Other,
}

/// Runs the command `link-pm2`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let own = caller::program()?;
    let folder = match session.args.words.first() {
        Some(word) => std::path::absolute(word)
            .map_err(|error| Failed::new(format!("`{word}` is not a directory: {error}")))?,
        None => own.parent().map(Path::to_owned).unwrap_or_default(),
    };
    if !folder.is_dir() {
        let pasted = ostler_shell::word(&folder.to_string_lossy()).into_owned();
        return Err(Failed::new(format!("`{}` is not a directory", folder.display()))
            .hint(format!("`mkdir -p {pasted}` makes it")));
    }
    let places = PM2_NAMES.map(|name| folder.join(name));
    if !session.has(FlagId::Force) {
        refuse_others(&places, &own)?;
    }
    for place in &places {
        if there(place, &own)? != There::Ours {
            link(&own, place).map_err(|error| {
                Failed::new(format!("cannot put a link at `{}`: {error}", place.display()))
            })?;
        }
        session.out.message(&format!("{} → {}", place.display(), own.display()));
    }
    warn_of_path(session, &folder);
    Ok(())
}

/// Refuses before anything is done.
fn refuse_others(places: &[PathBuf], own: &Path) -> Result<(), Failed> {
    for place in places {
        if there(place, own)? == There::Other {
            let message = format!("`{}` is there, and no link to this program", place.display());
            return Err(
                Failed::new(message).hint("`--force` replaces it; another directory can be given")
            );
        }
    }
    Ok(())
}

fn there(place: &Path, own: &Path) -> Result<There, Failed> {
    let unseen = |error| Failed::new(format!("cannot look at `{}`: {error}", place.display()));
    match place.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(There::Nothing),
        Err(error) => return Err(unseen(error)),
        Ok(meta) if !meta.is_symlink() => return Ok(There::Other),
        Ok(_) => {}
    }
    let is_ours = place.canonicalize().is_ok_and(|path| path == own);
    // A link to an ostler that is gone is ours, too.
    let target = fs::read_link(place).map_err(unseen)?;
    let is_old = !place.exists() && target.file_name().is_some_and(|name| name == "ostler");
    Ok(match (is_ours, is_old) {
        (true, _) => There::Ours,
        (false, true) => There::Nothing,
        (false, false) => There::Other,
    })
}

/// Puts a link at a place, in one step: whoever calls the name meanwhile finds the one
/// or the other.
fn link(own: &Path, place: &Path) -> std::io::Result<()> {
    let mut new = OsString::from(place);
    new.push(format!(".{}", std::process::id()));
    symlink(own, &new)?;
    fs::rename(&new, place).inspect_err(|_| _ = fs::remove_file(&new))
}

/// Says which program a shell runs under the name, where it is another one.
fn warn_of_path(session: &mut Session, folder: &Path) {
    match caller::in_path("pm2") {
        Some(first) if first == folder.join("pm2") => {}
        Some(first) => session.out.warn_aside(&format!(
            "a shell finds `{}` before the link: `{}` must stand earlier in PATH",
            first.display(),
            folder.display()
        )),
        None => session.out.warn_aside(&format!("`{}` is not in PATH", folder.display())),
    }
}
