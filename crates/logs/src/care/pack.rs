//! Compressing a rotated file, so that nothing is lost or doubled wherever it is interrupted.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{AtFlags, FileType, FlockOperation, Gid, Mode, OFlags, RenameFlags, Stat, Uid};
use rustix::io::Errno;

use super::names::PART;
use super::packing::{PIECE, Packing};

/// A rotated file that is to be compressed.
#[derive(Debug)]
pub struct Pack {
    pub(super) folder: OwnedFd,
    pub(super) name: String,
    pub(super) packing: Packing,
    /// Where it is.
    pub path: PathBuf,
}

/// What is done already. A test dies here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Made,
    Filled,
    Named,
}

impl Pack {
    /// Compresses it. A file that went or changed meanwhile is left alone.
    ///
    /// # Errors
    /// The system's; the file is as it was then.
    pub fn run(&self) -> io::Result<()> {
        self.run_to(|_| Ok(()))
    }

    pub(super) fn run_to(&self, mut done: impl FnMut(Step) -> io::Result<()>) -> io::Result<()> {
        let Some(from) = open(&self.folder, &self.name)? else { return Ok(()) };
        let stat = rustix::fs::fstat(&from)?;
        let part = format!("{}.{}{PART}", self.packed(), std::process::id());
        let into = self.make(&part, &stat)?;
        let made = done(Step::Made)
            .and_then(|()| self.fill(from, &into, &stat))
            .and_then(|()| done(Step::Filled))
            .and_then(|()| self.put_in_place(&part, &stat));
        if !matches!(made, Ok(true)) {
            // It has its maker's number: a later one removes what stays.
            _ = rustix::fs::unlinkat(&self.folder, &part, AtFlags::empty());
            return made.map(drop);
        }
        done(Step::Named)?;
        // Whoever looks in between has removed it already.
        remove(&self.folder, &self.name)
    }

    fn packed(&self) -> String {
        format!("{}{}", self.name, self.packing.ending())
    }

    /// Makes the file that becomes the compressed one, for the same people; locked, so that nobody
    /// takes it for one of the dead.
    fn make(&self, part: &str, of: &Stat) -> io::Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let open = || rustix::fs::openat(&self.folder, part, flags, Mode::RUSR | Mode::WUSR);
        let (made, own) = loop {
            let made = match open() {
                Err(Errno::EXIST) => {
                    discard(&self.folder, part)?;
                    open()?
                }
                made => made?,
            };
            // Whoever looks for what the dead have left may have taken it for such a file, and have
            // removed it, as long as it was not locked.
            rustix::fs::flock(&made, FlockOperation::LockExclusive)?;
            let own = rustix::fs::fstat(&made)?;
            if 0 < own.st_nlink {
                break (made, own);
            }
        };
        if (own.st_uid, own.st_gid) != (of.st_uid, of.st_gid) {
            let (uid, gid) = (Uid::from_raw(of.st_uid), Gid::from_raw(of.st_gid));
            rustix::fs::fchown(&made, Some(uid), Some(gid))?;
        }
        rustix::fs::fchmod(&made, Mode::from_raw_mode(of.st_mode & 0o777))?;
        Ok(made)
    }

    /// Gives the compressed file its name, if the original is still what it was. From now on the
    /// compressed one counts.
    fn put_in_place(&self, part: &str, was: &Stat) -> io::Result<bool> {
        let now = rustix::fs::statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        let id = |of: &Stat| (of.st_dev, of.st_ino, of.st_size, of.st_mtime, of.st_mtime_nsec);
        if !now.is_ok_and(|now| id(&now) == id(was)) {
            return Ok(false);
        }
        let name = self.packed();
        let (folder, flags) = (&self.folder, RenameFlags::NOREPLACE);
        match rustix::fs::renameat_with(folder, part, folder, &name, flags) {
            // A file system that cannot do it in one step; nobody else gives such names here.
            Err(Errno::INVAL | Errno::NOSYS) => {
                rustix::fs::linkat(folder, part, folder, &name, AtFlags::empty())?;
                rustix::fs::unlinkat(folder, part, AtFlags::empty())?;
            }
            renamed => renamed?,
        }
        rustix::fs::fsync(folder)?;
        Ok(true)
    }

    /// Writes the compressed bytes, with the times of the original, to the disk.
    fn fill(&self, mut from: File, into: &OwnedFd, of: &Stat) -> io::Result<()> {
        let mut packer = self.packing.packer()?;
        let (mut into_file, mut piece) = (File::from(into.try_clone()?), Vec::new());
        // Also an empty file is one piece.
        loop {
            piece.clear();
            (&mut from).take(PIECE as u64).read_to_end(&mut piece)?;
            into_file.write_all(&packer.pack(&piece)?)?;
            if piece.len() < PIECE {
                break;
            }
        }
        let time = |tv_sec: i64, nanos: u64| rustix::fs::Timespec {
            tv_sec,
            tv_nsec: i64::try_from(nanos).unwrap_or(0),
        };
        let times = rustix::fs::Timestamps {
            last_access: time(of.st_atime, of.st_atime_nsec),
            last_modification: time(of.st_mtime, of.st_mtime_nsec),
        };
        rustix::fs::futimens(into, &times)?;
        Ok(rustix::fs::fsync(into)?)
    }
}

/// Opens a rotated file; `None` when there is none. What has a second name may be anybody's.
fn open(folder: &OwnedFd, name: &str) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match rustix::fs::openat(folder, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        file => file?,
    };
    let stat = rustix::fs::fstat(&file)?;
    if stat.st_nlink == 0 {
        return Ok(None);
    }
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
        return Err(io::Error::other("it is a link, or has a second name"));
    }
    Ok(Some(file.into()))
}

fn stat_at(folder: &OwnedFd, name: &str) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => Ok(None),
        stat => Ok(Some(stat?)),
    }
}

/// Removes a half-compressed file whose maker is dead.
pub(super) fn discard(folder: &OwnedFd, part: &str) -> io::Result<()> {
    let Some(file) = open(folder, part)? else { return Ok(()) };
    match rustix::fs::flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(()),
        locked => {
            locked?;
            // Its maker may have finished it meanwhile, and the name be another file's.
            let (own, named) = (rustix::fs::fstat(&file)?, stat_at(folder, part)?);
            let is_same =
                named.is_some_and(|of| (of.st_dev, of.st_ino) == (own.st_dev, own.st_ino));
            if is_same { remove(folder, part) } else { Ok(()) }
        }
    }
}

/// Removes the original of a compressed file, of which all is in that one.
pub(super) fn finish(folder: &OwnedFd, name: &str, packing: Packing) -> io::Result<()> {
    let Some(original) = open(folder, name)? else { return Ok(()) };
    let Some(packed) = open(folder, &format!("{name}{}", packing.ending()))? else {
        return Ok(());
    };
    let length = original.metadata()?.len();
    let holds = match packing.pieces(&packed)? {
        Some(pieces) => pieces.last().map_or(0, |end| end.place),
        // One that does not say how much it holds was made by an earlier version of us, or by
        // others.
        None => io::copy(&mut packing.reader(packed)?, &mut io::sink()).unwrap_or(0),
    };
    if holds == length {
        return remove(folder, name);
    }
    Err(io::Error::other("its compressed file does not hold all of it; neither is touched"))
}

/// Removes a file, if it is there.
pub(super) fn remove(folder: &OwnedFd, name: &str) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        removed => Ok(removed?),
    }
}

#[cfg(test)]
impl Pack {
    /// Compresses this file of a folder.
    pub(crate) fn of(folder: &std::path::Path, name: &str, packing: Packing) -> Self {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(folder, flags, Mode::empty()).unwrap();
        Self { folder: opened, name: name.to_owned(), packing, path: folder.join(name) }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::*;

    const NAME: &str = "a__2026-11-27_10-11-12.log";

    fn folder(path: &Path) -> OwnedFd {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty()).unwrap()
    }

    fn pack(path: &Path) -> Pack {
        Pack::of(path, NAME, Packing::Gzip)
    }

    fn names(path: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(path).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn unpacked(path: &Path, packing: Packing) -> String {
        let mut text = String::new();
        let file = File::open(path.join(format!("{NAME}{}", packing.ending()))).unwrap();
        packing.reader(file).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_compressed_file_has_all_of_it_its_times_and_its_readers() {
        for packing in Packing::ALL {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join(NAME);
            let text = "a line\n".repeat(PIECE / 3);
            std::fs::write(&file, &text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o604)).unwrap();
            let before = file.metadata().unwrap();
            let pack = || Pack::of(dir.path(), NAME, packing).run().unwrap();
            pack();
            let packed = format!("{NAME}{}", packing.ending());
            assert_eq!(names(dir.path()), std::slice::from_ref(&packed));
            let after = dir.path().join(packed).metadata().unwrap();
            assert_eq!(after.modified().unwrap(), before.modified().unwrap());
            assert_eq!(after.permissions().mode() & 0o777, 0o604);
            assert!(after.len() < 100_000, "{}", after.len());
            assert!(unpacked(dir.path(), packing) == text);
            pack();
            assert_eq!(names(dir.path()).len(), 1, "a file that is not there is no trouble");
        }
    }

    #[test]
    fn whoever_dies_at_any_step_leaves_each_line_once_and_what_is_left_is_put_in_order() {
        for packing in Packing::ALL {
            for step in [Step::Made, Step::Filled, Step::Named] {
                die_at(step, packing);
            }
        }
    }

    fn die_at(step: Step, packing: Packing) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(NAME), "one\ntwo\n").unwrap();
        let pack = Pack::of(dir.path(), NAME, packing);
        let packed = format!("{NAME}{}", packing.ending());
        let part = format!("{packed}.{}.part", std::process::id());
        // Death removes nothing: what a failure would have removed is put back.
        let mut left = Vec::new();
        let result = pack.run_to(|at| {
            if at == step {
                left = std::fs::read(dir.path().join(&part)).unwrap_or_default();
                return Err(io::Error::other("died"));
            }
            Ok(())
        });
        assert!(result.is_err());
        if step != Step::Named {
            std::fs::write(dir.path().join(&part), &left).unwrap();
            assert!(dir.path().join(NAME).exists());
            discard(&pack.folder, &part).unwrap();
            pack.run().unwrap();
        } else {
            assert_eq!(names(dir.path()).len(), 2);
            finish(&pack.folder, NAME, packing).unwrap();
        }
        assert_eq!(names(dir.path()), [packed], "{step:?}");
        assert_eq!(unpacked(dir.path(), packing), "one\ntwo\n");
    }

    #[test]
    fn a_file_that_changes_meanwhile_or_has_a_second_name_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(NAME);
        std::fs::write(&file, "one\n").unwrap();
        let change = |_| std::fs::write(&file, "one\ntwo\n");
        pack(dir.path()).run_to(change).unwrap();
        assert_eq!(names(dir.path()), [NAME]);
        std::fs::hard_link(&file, dir.path().join("other")).unwrap();
        assert!(pack(dir.path()).run().is_err());
        assert_eq!(names(dir.path()), [NAME, "other"]);
    }

    #[test]
    fn an_original_stays_when_its_compressed_file_does_not_hold_all_of_it() {
        for packing in Packing::ALL {
            let dir = tempfile::tempdir().unwrap();
            let (file, folder) = (dir.path().join(NAME), folder(dir.path()));
            std::fs::write(&file, "one\n").unwrap();
            Pack::of(dir.path(), NAME, packing).run().unwrap();
            let packed = dir.path().join(format!("{NAME}{}", packing.ending()));
            let whole = std::fs::read(&packed).unwrap();
            std::fs::write(&file, "one\ntwo\n").unwrap();
            assert!(finish(&folder, NAME, packing).is_err());
            std::fs::write(&file, "one\n").unwrap();
            std::fs::write(&packed, &whole[..whole.len() - 1]).unwrap();
            assert!(finish(&folder, NAME, packing).is_err(), "it is cut");
            assert_eq!(names(dir.path()).len(), 2);
            std::fs::write(&packed, &whole).unwrap();
            finish(&folder, NAME, packing).unwrap();
            assert_eq!(names(dir.path()).len(), 1);
        }
    }

    #[test]
    fn a_compressed_file_that_does_not_say_how_much_it_holds_is_read_for_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(NAME), "one\n").unwrap();
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(b"one\n").unwrap();
        let packed = packer.finish().unwrap();
        std::fs::write(dir.path().join(format!("{NAME}.gz")), packed).unwrap();
        finish(&folder(dir.path()), NAME, Packing::Gzip).unwrap();
        assert_eq!(names(dir.path()), [format!("{NAME}.gz")]);
    }

    #[test]
    fn who_looks_for_what_the_dead_have_left_disturbs_nobody_who_compresses() {
        let dir = tempfile::tempdir().unwrap();
        let part = format!("{NAME}.gz.{}.part", std::process::id());
        let end = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let looks = scope.spawn(|| {
                let folder = folder(dir.path());
                while !end.load(std::sync::atomic::Ordering::Relaxed) {
                    discard(&folder, &part).unwrap();
                }
            });
            let packed: io::Result<()> = (0..2000).try_for_each(|_| {
                std::fs::write(dir.path().join(NAME), "one\n")?;
                pack(dir.path()).run()?;
                std::fs::remove_file(dir.path().join(format!("{NAME}.gz")))
            });
            end.store(true, std::sync::atomic::Ordering::Relaxed);
            looks.join().unwrap();
            packed.unwrap();
        });
    }

    #[test]
    fn a_half_compressed_file_of_one_who_lives_stays() {
        let dir = tempfile::tempdir().unwrap();
        let part = dir.path().join("x.gz.1.part");
        let maker = File::create(&part).unwrap();
        rustix::fs::flock(&maker, FlockOperation::LockExclusive).unwrap();
        discard(&folder(dir.path()), "x.gz.1.part").unwrap();
        assert!(part.exists());
        drop(maker);
        discard(&folder(dir.path()), "x.gz.1.part").unwrap();
        assert!(!part.exists());
    }
}
