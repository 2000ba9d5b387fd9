//! `cleardump`: an empty saved list. The file is written whole under another name and renamed, so
//! that no reader and no power cut ever finds half of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::failed::Failed;
use crate::session::Session;

/// Runs the command `cleardump`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    session.home.create()?;
    let path = session.home.dump();
    clear(session.home.path(), &path).map_err(|error| {
        Failed::new(format!("cannot write `{}`: {error}", path.display()))
            .hint("see that the disk is not full and the home is yours")
    })?;
    session.out.say(&format!("Successfully created {}", path.display()));
    Ok(())
}

fn clear(folder: &Path, path: &Path) -> io::Result<()> {
    let new = folder.join(format!("dump.pm2.new-{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(b"[]")?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}
