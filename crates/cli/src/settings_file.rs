//! `module_conf.json` on disk.
//!
//! Problem: PM2 rewrites the file without looking, so that two commands at once lose what one of
//! them has set. Rule: whoever changes it holds a lock, on the folder, from before it is read until
//! the new file has its name. The new file is whole before it has it, and for its owner alone:
//! there are passwords in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ostler_client::Home;
use ostler_pm2::settings::Settings;
use rustix::fs::{FlockOperation, flock};

use crate::failed::Failed;

/// The file with the settings of a home.
#[derive(Clone, Debug)]
pub(crate) struct SettingsFile {
    path: PathBuf,
}

impl SettingsFile {
    /// The file of this home, or the one that the environment names.
    pub(crate) fn of(home: &Home) -> Self {
        let named = std::env::var_os(ostler_env::PM2_MODULE_CONF_FILE);
        let path = named.filter(|path| !path.is_empty()).map(PathBuf::from);
        Self { path: path.unwrap_or_else(|| home.path().join("module_conf.json")) }
    }

    /// Returns its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; without a file there are no settings.
    pub(crate) fn read(&self) -> Result<Settings, Failed> {
        let path = self.path.display();
        let text = match read(&self.path) {
            Ok(text) => text,
            // A home that is no folder is refused by whoever goes into it.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Settings::default());
            }
            Err(error) => {
                return Err(Failed::new(format!("cannot read the settings `{path}`: {error}")));
            }
        };
        Settings::read(&text).map_err(|why| {
            Failed::new(format!("the settings `{path}` are not understood: {why}"))
                .hint("fix the file, or move it away")
        })
    }

    /// Changes it, while nobody else does; nothing is written when the change fails.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Settings) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let failed = |error: io::Error| {
            let path = self.path.display();
            Failed::new(format!("cannot write the settings `{path}`: {error}"))
        };
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(failed)?;
        flock(&folder, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        let mut settings = self.read()?;
        let done = change(&mut settings)?;
        self.replace(&settings.text(), &folder).map_err(failed)?;
        Ok(done)
    }

    fn replace(&self, text: &str, folder: &File) -> io::Result<()> {
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);
        // Only who holds the lock makes one: what is there was left by somebody who was killed.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let written = write(&new, text).and_then(|()| fs::rename(&new, &self.path));
        if written.is_err() {
            // It may not have come so far that there is one.
            _ = fs::remove_file(&new);
        }
        written?;
        folder.sync_all()
    }
}

fn read(path: &Path) -> io::Result<String> {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path);
    let mut file = opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => io::Error::other("it is a link, which is not followed here"),
        Some(_) | None => error,
    })?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
