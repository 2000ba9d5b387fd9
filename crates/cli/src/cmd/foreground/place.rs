//! Where the manager of a foreground lives.
//!
//! Problem: a container may have a read-only root, no home and any user, and a home that is kept
//! from one start to the next tells of apps that are long gone. On a machine that is worked on, the
//! user's own manager must not be touched. Rule: it has a directory of its own, in memory where
//! that can be had, which goes with it; only a home that is named by a variable is used, if nothing
//! is in its way.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ostler_client::{Home, connect_living};

use crate::failed::Failed;
use crate::session::Session;

/// Files of a manager that was killed: the next one would take up what they tell of.
const STATE: [&str; 3] = ["ostler.state", "ostler.state.bak", "ostler.starts"];

/// Directories that are tried, after that of the user's session and before the temporary one.
const MEMORY: &str = "/dev/shm";
const LAST: [&str; 3] = ["/tmp", "/var/tmp", "/run"];

/// A home, and whether it goes with its manager.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) home: Home,
    /// It was made for this process.
    pub(super) own: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.own {
            // What cannot be removed is in memory, or small.
            _ = std::fs::remove_dir_all(self.home.path());
        }
    }
}

/// Chooses the home. `var`: the environment.
pub(super) fn choose(
    session: &mut Session,
    var: impl Fn(&str) -> Option<PathBuf>,
) -> Result<Place, Failed> {
    let set = |name| var(name).filter(|path: &PathBuf| !path.as_os_str().is_empty());
    let named = session.program.named_home(&var);
    let refused = match named {
        None => None,
        Some(path) => {
            let home = Home::new(path);
            match in_the_way(&home) {
                None => return Ok(Place { home, own: false }),
                Some(why) => Some((home, why)),
            }
        }
    };
    let folders = [set(ostler_env::XDG_RUNTIME_DIR), Some(MEMORY.into()), set(ostler_env::TMPDIR)];
    let folders = folders.into_iter().flatten().chain(LAST.map(PathBuf::from));
    let home = make(folders.collect())?;
    if let Some((named, why)) = refused {
        let (named, path) = (named.path().display(), home.path().display());
        session.out.warn_aside(&format!("`{named}` is not used: {why}; the home is `{path}`"));
    }
    Ok(Place { home, own: true })
}

/// Why a home cannot be the one of a new manager.
fn in_the_way(home: &Home) -> Option<String> {
    if let Err(error) = home.prepare() {
        return Some(error.to_string());
    }
    match connect_living(home) {
        Ok(None) => {}
        Ok(Some(_)) => return Some("a manager runs there".to_owned()),
        Err(error) => return Some(error.to_string()),
    }
    let left = STATE.iter().find(|name| home.path().join(name).symlink_metadata().is_ok());
    left.map(|name| format!("`{name}` is left there of a manager that was killed"))
}

/// Makes a directory of our own in the first of these in which one can be made.
fn make(folders: Vec<PathBuf>) -> Result<Home, Failed> {
    let mut tried = Vec::new();
    for folder in folders {
        match make_in(&folder) {
            Ok(path) => return Ok(Home::new(path)),
            Err(error) => tried.push(format!("`{}`: {error}", folder.display())),
        }
    }
    let tried = tried.join("; ");
    Err(Failed::new(format!("there is no directory for sockets that can be written ({tried})"))
        .hint("give the container one in memory, such as `--tmpfs /tmp`"))
}

fn make_in(folder: &Path) -> std::io::Result<PathBuf> {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    let mut number = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    loop {
        let path = folder.join(format!("ostler-run-{}-{number:x}", std::process::id()));
        match builder.create(&path) {
            // Whose it is, is not known: nobody else's is used.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            made => return made.map(|()| path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_made_where_one_can_be_and_else_each_is_named() {
        let folder = std::env::temp_dir().join(format!("ostler-place-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let home = make(vec!["/proc".into(), folder.clone()]).unwrap();
        assert!(home.path().starts_with(&folder), "{home:?}");
        drop(Place { home: home.clone(), own: true });
        assert!(!home.path().exists());
        std::fs::remove_dir(&folder).unwrap();
        let failed = make(vec!["/proc".into(), folder]).unwrap_err();
        assert!(failed.advice().is_some_and(|hint| hint.contains("--tmpfs")), "{failed:?}");
    }
}
