//! A look at the folders with logs, and what is done there at once.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Statx, StatxFlags};

use super::names;
use super::pack::{self, Pack};
use super::plan::{Cap, Found, Log, Plan, Scene, Task, plan};
use crate::opener::Opener;
use crate::times;

/// What is looked after.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The logs, each once.
    pub logs: Vec<Log>,
    /// The folder in which rotated files go though nobody knows their log any more.
    pub own: PathBuf,
    /// How many bytes all may have.
    pub cap: Cap,
    /// The rotated file that is being compressed, which is not to be begun again.
    pub packing: Option<PathBuf>,
    /// The folder with the times of logs, if they are kept.
    pub times: Option<PathBuf>,
}

/// A file that was removed because all logs together have too many bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Where it was.
    pub path: PathBuf,
    /// What they may have.
    pub cap: u64,
}

/// What a look came to.
#[derive(Debug, Default)]
pub struct Swept {
    /// Logs that are to be rotated, by the paths that they were given with.
    pub rotate: Vec<PathBuf>,
    /// The file that is to be compressed next.
    pub pack: Option<Pack>,
    /// Files that went before their time.
    pub removed: Vec<Removed>,
    /// What did not work, each as a sentence.
    pub problems: Vec<String>,
    /// When there is something more to be done, ms since 1970.
    pub again_at: Option<u64>,
}

/// The folders, and what is in them.
#[derive(Default)]
struct Folders {
    open: BTreeMap<PathBuf, (OwnedFd, usize)>,
    /// What the logs of each disk may have, and which disk it is.
    caps: Vec<Option<u64>>,
    disks: Vec<u64>,
}

impl Sweep {
    /// Looks at everything at this time, ms since 1970, and does what takes no time: the rest is
    /// for the caller.
    #[must_use]
    pub fn run(&self, now: u64, opener: &dyn Opener) -> Swept {
        let mut swept = Swept::default();
        let (mut logs, mut given) = (Vec::new(), BTreeMap::new());
        for log in &self.logs {
            let path = opener.resolve(&log.path);
            if given.insert(path.clone(), log.path.clone()).is_none() {
                logs.push(Log { path, ..log.clone() });
            }
        }
        let own = self.own.canonicalize().unwrap_or_else(|_| self.own.clone());
        let (folders, found) = self.look(&logs, &own, opener, &mut swept);
        let scene = Scene { now, logs: &logs, found: &found, caps: &folders.caps, own: &own };
        let Plan { tasks, again_at } = plan(&scene);
        swept.again_at = again_at;
        for task in tasks {
            self.carry_out(&task, &folders, (&found, &given), &mut swept);
        }
        if let Some(times) = &self.times
            && let Err(error) = times::clean(times)
        {
            let place = times.display();
            swept.problems.push(format!("could not look after the times in `{place}`: {error}"));
        }
        swept
    }

    /// Opens the folders and lists what may be of interest in them.
    fn look(
        &self,
        logs: &[Log],
        own: &Path,
        opener: &dyn Opener,
        swept: &mut Swept,
    ) -> (Folders, Vec<Found>) {
        let mut folders = Folders::default();
        let mut found = Vec::new();
        let inside = own.join(".log");
        for log in logs.iter().map(|log| log.path.as_path()).chain([inside.as_path()]) {
            let Some(path) = log.parent() else { continue };
            if folders.open.contains_key(path) {
                continue;
            }
            let listed = opener.folder(log).and_then(|folder| {
                let disk = folders.disk(&folder, self.cap)?;
                found.extend(list(&folder, path, disk, logs)?);
                folders.open.insert(path.to_owned(), (folder, disk));
                Ok(())
            });
            match listed {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => swept.problems.push(format!(
                    "could not look for rotated log files in `{}`: {error}",
                    path.display()
                )),
                Ok(()) => {}
            }
        }
        (folders, found)
    }

    fn carry_out(
        &self,
        task: &Task,
        folders: &Folders,
        (found, given): (&[Found], &BTreeMap<PathBuf, PathBuf>),
        swept: &mut Swept,
    ) {
        let (Task::Discard(path)
        | Task::Finish(path, _)
        | Task::Remove(path, _)
        | Task::Rotate(path)
        | Task::Pack(path, _)) = task;
        let place = path.parent().and_then(|parent| folders.open.get(parent));
        let name = path.file_name().and_then(|name| name.to_str());
        let (Some((folder, disk)), Some(name)) = (place, name) else { return };
        let done = match task {
            Task::Discard(_) => pack::discard(folder, name),
            Task::Finish(_, packing) => pack::finish(folder, name, *packing),
            Task::Remove(path, is_evicted) => pack::remove(folder, name).inspect(|()| {
                let cap = folders.caps.get(*disk).copied().flatten().filter(|_| *is_evicted);
                let is_known = found.iter().any(|of| of.path == *path);
                swept.removed.extend(
                    cap.filter(|_| is_known).map(|cap| Removed { path: path.clone(), cap }),
                );
            }),
            Task::Rotate(path) => {
                swept.rotate.extend(given.get(path).cloned());
                Ok(())
            }
            Task::Pack(path, packing) => {
                if swept.pack.is_none() && self.packing.is_none() {
                    swept.pack = folder.try_clone().ok().map(|folder| Pack {
                        folder,
                        name: name.to_owned(),
                        packing: *packing,
                        path: path.clone(),
                    });
                }
                Ok(())
            }
        };
        if let Err(error) = done {
            swept.problems.push(format!("could not remove `{}`: {error}", path.display()));
        }
    }
}

impl Folders {
    /// Returns the number of the disk that a folder is on.
    fn disk(&mut self, folder: &OwnedFd, cap: Cap) -> io::Result<usize> {
        let device = match cap {
            Cap::Tenth => rustix::fs::fstat(folder)?.st_dev,
            Cap::Bytes(_) | Cap::None => 0,
        };
        if let Some(known) = self.disks.iter().position(|disk| *disk == device) {
            return Ok(known);
        }
        self.caps.push(match cap {
            Cap::Tenth => {
                let disk = rustix::fs::fstatvfs(folder)?;
                // A file system of no size, such as a remote one, has no limit.
                Some(disk.f_blocks.saturating_mul(disk.f_frsize) / 10).filter(|bytes| 0 < *bytes)
            }
            Cap::Bytes(bytes) => Some(bytes),
            Cap::None => None,
        });
        self.disks.push(device);
        Ok(self.disks.len() - 1)
    }
}

/// Lists the logs in a folder, and what may be a rotated file.
fn list(folder: &OwnedFd, path: &Path, disk: usize, logs: &[Log]) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        let full = path.join(name);
        if !names::may_be_rotated(name) && !logs.iter().any(|log| log.path == full) {
            continue;
        }
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let stat = match rustix::fs::statx(folder, name, AtFlags::SYMLINK_NOFOLLOW, wanted) {
            // It went meanwhile.
            Err(rustix::io::Errno::NOENT) => continue,
            stat => stat?,
        };
        if FileType::from_raw_mode(stat.stx_mode.into()) == FileType::RegularFile {
            found.push(of_stat(full, &stat, disk));
        }
    }
    Ok(found)
}

fn of_stat(path: PathBuf, stat: &Statx, disk: usize) -> Found {
    let ms = |at: rustix::fs::StatxTimestamp| {
        let seconds = u64::try_from(at.tv_sec).unwrap_or(0);
        seconds.saturating_mul(1000) + u64::from(at.tv_nsec) / 1_000_000
    };
    let born = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    Found {
        path,
        size: stat.stx_size,
        written: ms(stat.stx_mtime),
        changed: ms(stat.stx_ctime),
        born: born.then(|| ms(stat.stx_btime)),
        disk,
    }
}
