//! `cleardump`: an empty saved list. The file is written whole under another name and renamed, so
//! that no reader and no power cut ever finds half of it.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::failed::Failed;
use crate::session::Session;
use crate::voice::Notice;

/// Runs the command `cleardump`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    session.home.prepare()?;
    let path = session.home.dump();
    clear(session.home.path(), &path).map_err(|error| {
        Failed::new(format!("cannot write `{}`: {error}", path.display()))
            .hint("see that the disk is not full and the home is yours")
    })?;
    session.out.tell(&Notice::DumpCleared { path: &path });
    Ok(())
}

fn clear(folder: &Path, path: &Path) -> io::Result<()> {
    let new = folder.join(format!("dump.pm2.new-{}", std::process::id()));
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // Never one that is there: it may be a link.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(b"[]")?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}
