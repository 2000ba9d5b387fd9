//! Opening files below a folder, and nothing else.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

/// How often a race with somebody who renames folders is tried again.
const TRIES: u32 = 8;

/// It is a folder. It is opened anew for each request: whoever puts another one in its place, as a
/// deployment does with a link, means that one.
#[derive(Debug)]
pub(crate) struct Folder {
    descriptor: OwnedFd,
}

/// What a path turned out to be.
#[derive(Debug)]
pub(crate) enum Found {
    /// A file that can be read.
    File(File, Facts),
    /// It is a folder.
    Folder,
    /// There is nothing of this name.
    Missing,
    /// It leads out of the folder, may not be read, or is no file.
    Refused,
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Its device and number: which file it is.
    pub(crate) id: (u64, u64),
    /// How many bytes it has.
    pub(crate) size: u64,
    /// When it was changed, in seconds since 1970.
    pub(crate) modified: i64,
    /// The part of the second.
    pub(crate) nanos: i64,
}

impl Folder {
    /// Opens the folder that is served.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { descriptor: openat(CWD, path, flags, Mode::empty())? })
    }

    /// Opens what is at a relative path without `..`. Links are followed as long as they stay
    /// in the folder.
    pub(crate) fn find(&self, path: &Path) -> io::Result<Found> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let mut opened = self.beneath(path);
        for _ in 0..TRIES {
            match opened {
                Err(Errno::AGAIN) => opened = self.beneath(path),
                // Linux before 5.6, or a container that does not know the call.
                Err(Errno::NOSYS | Errno::PERM) => {
                    opened = self.without_links(path);
                    break;
                }
                Ok(_) | Err(_) => break,
            }
        }
        match opened {
            Ok(descriptor) => found(File::from(descriptor)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => Ok(Found::Missing),
            // The last two: a socket, a device.
            Err(Errno::XDEV | Errno::LOOP | Errno::ACCESS | Errno::PERM)
            | Err(Errno::NXIO | Errno::NODEV) => Ok(Found::Refused),
            Err(error) => Err(error.into()),
        }
    }

    fn beneath(&self, path: &Path) -> rustix::io::Result<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        openat2(&self.descriptor, path, FLAGS, Mode::empty(), resolve)
    }

    /// The same, name by name: no link is followed at all.
    fn without_links(&self, path: &Path) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut folder = openat(&self.descriptor, ".", flags, Mode::empty())?;
        let mut names = path.iter().peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                return openat(&folder, name, FLAGS | OFlags::NOFOLLOW, Mode::empty());
            }
            folder = openat(&folder, name, flags, Mode::empty())?;
        }
        Ok(folder)
    }
}

/// Without waiting for the writer of a pipe.
const FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

fn found(file: File) -> io::Result<Found> {
    let meta = file.metadata()?;
    Ok(match meta.file_type() {
        kind if kind.is_dir() => Found::Folder,
        kind if kind.is_file() => {
            let facts = Facts {
                id: (meta.dev(), meta.ino()),
                size: meta.len(),
                modified: meta.mtime(),
                nanos: meta.mtime_nsec(),
            };
            Found::File(file, facts)
        }
        _ => Found::Refused,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn kind(found: &Found) -> &'static str {
        match found {
            Found::File(..) => "file",
            Found::Folder => "folder",
            Found::Missing => "missing",
            Found::Refused => "refused",
        }
    }

    #[test]
    fn nothing_outside_is_opened_by_any_link() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("root");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(outer.path().join("secret"), "s").unwrap();
        fs::write(root.join("a/b/c.txt"), "c").unwrap();
        symlink("b", root.join("a/inside")).unwrap();
        symlink("../secret", root.join("up")).unwrap();
        symlink(outer.path(), root.join("absolute")).unwrap();
        symlink("/proc/self/root", root.join("magic")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        rustix::fs::mkfifoat(CWD, root.join("pipe"), Mode::RUSR).unwrap();
        let folder = Folder::open(&root).unwrap();
        for (path, wanted) in [
            ("", "folder"),
            ("a", "folder"),
            ("a/b/c.txt", "file"),
            ("a/inside/c.txt", "file"),
            ("a/b/c.txt/d", "missing"),
            ("none", "missing"),
            ("up", "refused"),
            ("absolute/secret", "refused"),
            ("magic/etc/passwd", "refused"),
            ("loop", "refused"),
            ("pipe", "refused"),
        ] {
            assert_eq!(kind(&folder.find(Path::new(path)).unwrap()), wanted, "{path}");
        }
        assert!(folder.without_links(Path::new("a/b/c.txt")).is_ok());
        for link in ["up", "a/inside/c.txt", "absolute/secret", "magic/etc/passwd"] {
            assert!(folder.without_links(Path::new(link)).is_err(), "{link}");
        }
    }
}
