//! Files that are written where an app says: its logs and pid files.
//!
//! The problem: root's daemon writes files in folders that an app's user may change. If that user
//! puts a link to root's file in the place of a log, the app's output would go there.
//!
//! The rule, for an app with a user of its own: the way to a file and the file itself may not be
//! links, and the file has no second name; then it is where it seems to be, and is opened with the
//! daemon's rights, as any other. A way with links is followed with the daemon's rights if nobody
//! but root could have made them, and with the rights of the app's user otherwise.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_core::ProcId;
use ostler_core::spec::{AppSpec, SinkTarget};
use ostler_logs::{Opener, Plain};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::rights::Rights;
use crate::{environment, files};

/// Who may read and write a pid file.
const PID_MODE: u32 = 0o600;
/// How folders are held.
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// With whose rights files are opened, by path; the daemon's for all that are not in here.
#[derive(Clone, Debug, Default)]
pub struct AppFiles(Arc<Mutex<BTreeMap<PathBuf, Rights>>>);

impl AppFiles {
    /// The files of a process are of an app with these rights from now on.
    pub fn note(&self, spec: &AppSpec, id: ProcId) {
        let rights = Rights::of(spec);
        if rights.are_ours() {
            return; // A path that was another user's once is not trusted with ours later.
        }
        let logs = environment::log_files(spec, id).into_iter().flatten();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(
            logs.chain([environment::pid_file(spec, id)]).map(|path| (path, rights.clone())),
        );
    }

    /// The same for a file that gets copies of the app's lines.
    pub fn note_sink(&self, spec: &AppSpec, target: &SinkTarget) {
        let (SinkTarget::File { path }, rights) = (target, Rights::of(spec)) else { return };
        if !rights.are_ours() {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(path.clone(), rights);
        }
    }

    /// Writes a pid file, whole, with the folders that lead to it.
    ///
    /// # Errors
    /// What the system says.
    pub fn write_pid(&self, path: &Path, pid: u32) -> io::Result<()> {
        let text = pid.to_string();
        let write = || files::write_whole(path, text.as_bytes(), PID_MODE);
        let Some(rights) = self.rights_of(path) else {
            Plain::make_folders(path)?;
            return write();
        };
        make_folders(path, &rights)?;
        match place(path) {
            Ok((folder, name)) => write_in(&folder, name, text.as_bytes()),
            Err(Errno::LOOP | Errno::NOSYS) if is_roots(path, &rights) => write(),
            Err(Errno::LOOP | Errno::NOSYS) => {
                Ok(rights.act(|| write().map_err(|error| errno(&error)))?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        let Some(rights) = self.rights_of(path) else { return std::fs::remove_file(path) };
        let removed = match place(path) {
            Ok((folder, name)) => rustix::fs::unlinkat(folder, name, AtFlags::empty()),
            Err(Errno::LOOP | Errno::NOSYS) if is_roots(path, &rights) => rustix::fs::unlink(path),
            Err(Errno::LOOP | Errno::NOSYS) => rights.act(|| rustix::fs::unlink(path)),
            Err(other) => Err(other),
        };
        Ok(removed?)
    }

    fn rights_of(&self, path: &Path) -> Option<Rights> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }
}

impl Opener for AppFiles {
    fn open(&self, path: &Path) -> io::Result<OwnedFd> {
        let Some(rights) = self.rights_of(path) else { return Plain.open(path) };
        let flags = Plain::FLAGS | OFlags::CREATE;
        let opened = match without_links(path, flags) {
            Err(Errno::NOENT) => {
                make_folders(path, &rights)?;
                without_links(path, flags)
            }
            opened => opened,
        };
        Ok(opened.or_else(|error| along_links(path, error, &rights, |path| Plain.open(path)))?)
    }

    fn open_existing(&self, path: &Path) -> io::Result<OwnedFd> {
        let Some(rights) = self.rights_of(path) else { return Plain.open_existing(path) };
        let open = |path: &Path| Plain.open_existing(path);
        Ok(without_links(path, Plain::FLAGS)
            .or_else(|error| along_links(path, error, &rights, open))?)
    }

    fn resolve(&self, path: &Path) -> PathBuf {
        if self.rights_of(path).is_some() { path.to_owned() } else { Plain.resolve(path) }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let Some(rights) = self.rights_of(from) else { return Plain.rename(from, to) };
        let names = from.file_name().zip(to.file_name()).ok_or(io::ErrorKind::InvalidInput)?;
        match place(from) {
            Ok((folder, _)) => Plain::rename_at((&folder, names.0), (&folder, names.1)),
            Err(Errno::LOOP | Errno::NOSYS) if is_roots(from, &rights) => Plain.rename(from, to),
            Err(Errno::LOOP | Errno::NOSYS) => {
                Ok(rights.act(|| Plain.rename(from, to).map_err(|error| errno(&error)))?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A folder to which a link leads that the app's user has made is not looked after: what is
    /// removed there would be removed with the daemon's rights.
    fn folder(&self, path: &Path) -> io::Result<OwnedFd> {
        let Some(rights) = self.rights_of(path) else { return Plain.folder(path) };
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_SYMLINKS;
        match rustix::fs::openat2(CWD, folder, flags, Mode::empty(), resolve) {
            Err(Errno::LOOP | Errno::NOSYS) if is_roots(path, &rights) => Plain.folder(path),
            Err(Errno::LOOP) => Err(io::Error::other("a link of the app's user leads there")),
            opened => Ok(opened?),
        }
    }
}

/// Opens a file that no link leads to.
fn without_links(path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let (folder, name) = place(path)?;
    let file = rustix::fs::openat(folder, name, flags | OFlags::NOFOLLOW, Plain::MODE)?;
    let stat = rustix::fs::fstat(&file)?;
    let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    // With a second name it may be anybody's.
    if regular && stat.st_nlink > 1 { Err(Errno::LOOP) } else { Ok(file) }
}

/// The folder of a file, if no link leads to it, and the file's name.
fn place(path: &Path) -> Result<(OwnedFd, &OsStr), Errno> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::INVAL);
    };
    Ok((rustix::fs::openat2(CWD, folder, FOLDER, Mode::empty(), ResolveFlags::NO_SYMLINKS)?, name))
}

/// Writes a file of this folder under another name first, which nobody has put there.
fn write_in(folder: &OwnedFd, name: &OsStr, text: &[u8]) -> io::Result<()> {
    let mut new = name.to_owned();
    new.push(".new");
    match rustix::fs::unlinkat(folder, &new, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = Plain::FLAGS | OFlags::CREATE | OFlags::EXCL;
    let file = rustix::fs::openat(folder, &new, flags, Mode::from_raw_mode(PID_MODE))?;
    io::Write::write_all(&mut std::fs::File::from(file), text)?;
    Ok(rustix::fs::renameat(folder, &new, folder, name)?)
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// Opens a file that could not be opened without following links.
fn along_links(
    path: &Path,
    error: Errno,
    rights: &Rights,
    open: impl Fn(&Path) -> io::Result<OwnedFd> + Sync,
) -> Result<OwnedFd, Errno> {
    if !matches!(error, Errno::LOOP | Errno::NOSYS) {
        return Err(error);
    }
    let open = || open(path).map_err(|error| errno(&error));
    if is_roots(path, rights) { open() } else { rights.act(open) }
}

fn make_folders(path: &Path, rights: &Rights) -> Result<(), Errno> {
    let Some(folder) = path.parent() else { return Ok(()) };
    match folder_without_links(folder) {
        Err(Errno::LOOP | Errno::NOSYS) => {}
        made => return made.map(drop),
    }
    let make = || Plain::make_folders(path).map_err(|error| errno(&error));
    if is_roots(path, rights) { make() } else { rights.act(make) }
}

/// Opens a folder that no link leads to, made with those that lead to it.
fn folder_without_links(path: &Path) -> Result<OwnedFd, Errno> {
    match rustix::fs::openat2(CWD, path, FOLDER, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Err(Errno::NOENT) => {}
        opened => return opened,
    }
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::NOENT);
    };
    let above = folder_without_links(above)?;
    match rustix::fs::mkdirat(&above, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    rustix::fs::openat(above, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())
}

/// Whether nobody but root can change where the path leads.
fn is_roots(path: &Path, rights: &Rights) -> bool {
    let roots = |path: &Path| match path.symlink_metadata() {
        Ok(meta) if meta.is_symlink() => meta.uid() == 0,
        Ok(meta) if meta.is_dir() => {
            let group = meta.mode() & 0o020 != 0 && rights.has_group(meta.gid());
            meta.uid() == 0 && meta.mode() & 0o002 == 0 && !group
        }
        Ok(_) => true,
        // Nobody can make it either, as the folder above is root's.
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    let real = path.ancestors().find_map(|path| std::fs::canonicalize(path).ok());
    let real = real.iter().flat_map(|real| real.ancestors());
    path.ancestors().chain(real).all(roots)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    const NOBODY: u32 = 65534;

    /// A folder of root's with the user's folder `own` and root's `closed`, and the files of an app
    /// of that user whose log and pid file are at this place below; `None` where we are not root.
    fn world(place: &str) -> Option<(tempfile::TempDir, AppFiles, PathBuf)> {
        use std::os::unix::fs::PermissionsExt;
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let root = tempfile::tempdir().unwrap();
        std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        for folder in ["own", "closed"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        chown(root.path().join("own"), Some(NOBODY), Some(NOBODY)).unwrap();
        let mut spec = AppSpec::new(PathBuf::from("/a.js"), root.path().to_owned());
        (spec.uid, spec.gid) = (Some(NOBODY), Some(NOBODY));
        spec.pid_file = root.path().join(place);
        let files = AppFiles::default();
        files.note(&spec, ProcId(0));
        let path = environment::pid_file(&spec, ProcId(0));
        Some((root, files, path))
    }

    #[test]
    fn where_no_link_leads_a_file_is_made_as_ever() {
        for place in ["own/app.pid", "closed/app.pid", "closed/new/folder/app.pid"] {
            let Some((_root, files, path)) = world(place) else { return };
            files.write_pid(&path, 1_234_567).unwrap();
            files.write_pid(&path, 89).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "89");
            files.open_existing(&path).unwrap();
            files.open(&path).unwrap();
            files.remove(&path).unwrap();
            assert!(!path.exists());
        }
    }

    #[test]
    fn roots_file_is_not_written_through_a_link_in_place_of_a_log() {
        let Some((root, files, path)) = world("own/app.pid") else { return };
        let prey = root.path().join("closed/prey");
        std::fs::write(&prey, "root's").unwrap();
        for link in [true, false] {
            _ = std::fs::remove_file(&path);
            if link {
                symlink(&prey, &path).unwrap();
            } else {
                std::fs::hard_link(&prey, &path).unwrap();
            }
            assert!(files.open(&path).is_err());
            assert!(files.open_existing(&path).is_err());
            files.write_pid(&path, 1).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "1", "it took the link's place");
            assert_eq!(std::fs::read_to_string(&prey).unwrap(), "root's");
        }
    }

    #[test]
    fn nothing_is_made_or_removed_through_a_link_in_place_of_a_folder() {
        let Some((root, files, path)) = world("own/run/app.pid") else { return };
        symlink(root.path().join("closed"), root.path().join("own/run")).unwrap();
        assert!(files.write_pid(&path, 1).is_err());
        std::fs::write(&path, "root's").unwrap();
        assert!(files.remove(&path).is_err());
        assert!(path.exists());
        // Nor are folders.
        let Some((root, files, path)) = world("own/run/new/app.pid") else { return };
        symlink(root.path().join("closed"), root.path().join("own/run")).unwrap();
        assert!(files.write_pid(&path, 1).is_err());
        assert!(!root.path().join("closed/new").exists());
    }

    #[test]
    fn links_are_followed_as_far_as_the_user_may_and_roots_anywhere() {
        // The user's own link, as deployments have it.
        let Some((root, files, path)) = world("own/current/app.pid") else { return };
        std::fs::create_dir(root.path().join("own/1")).unwrap();
        chown(root.path().join("own/1"), Some(NOBODY), Some(NOBODY)).unwrap();
        symlink(root.path().join("own/1"), root.path().join("own/current")).unwrap();
        files.write_pid(&path, 1).unwrap();
        assert_eq!(path.metadata().unwrap().uid(), NOBODY);
        files.remove(&path).unwrap();
        // Root's, as `/var/run` is. What is below `/tmp` is in everybody's reach, so the way is
        // checked by itself.
        let root_only = Rights::default();
        assert!(is_roots(Path::new("/proc/self/status"), &root_only));
        assert!(!is_roots(&root.path().join("closed/app.pid"), &root_only));
    }
}
