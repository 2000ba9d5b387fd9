//! Logs that are rotated and compressed while their writers go on.

use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use ostler_logs::{
    Cap, Event, Keep, Log, Names, Opener, Packing, Plain, Rotation, Sink, Stream, Sweep, Swept,
    history,
};

use crate::rig::{Rig, sink};

/// All lines of a log, the oldest first, however often it was rotated.
pub fn read_all(log: &Path) -> String {
    let mut text = String::new();
    for past in history(log, &[Names::default()]).unwrap() {
        past.open().unwrap().read_to_string(&mut text).unwrap();
        let name = past.path.display();
        assert!(text.ends_with('\n'), "{name} ends within a line");
    }
    text + &std::fs::read_to_string(log).unwrap_or_default()
}

/// The logs of a folder, without their rotated files.
pub fn logs_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file() && !path.to_str().unwrap().contains("__")).collect()
}

/// Rotates at this size.
pub fn at_size(bytes: u64) -> Option<Rotation> {
    Some(Rotation { max_size: Some(bytes), ..Rotation::default() })
}

/// Compresses what there is to compress, and puts in order what a dead one has left. Returns what
/// the last look found.
pub fn tend(folder: &Path, files: u32, stop: &AtomicBool) -> Swept {
    // Each look has another mind of how.
    for packing in Packing::ALL.into_iter().cycle() {
        let keep = Keep { files, age: None, bytes: None, packing: Some(packing) };
        let log =
            |path| Log { path, names: Arc::default(), keep: keep.clone(), begun_before: None };
        let logs = logs_of(folder).into_iter().map(log).collect();
        let sweep =
            Sweep { logs, own: folder.to_owned(), cap: Cap::None, packing: None, times: None };
        // As if it were a while later: nothing is too young.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let swept = sweep.run(now + 60_000, &Plain);
        match swept.pack {
            Some(pack) => pack.run().unwrap(),
            None if stop.load(Ordering::Relaxed) => return swept,
            None => std::thread::yield_now(),
        }
    }
    unreachable!("there is always another look")
}

/// What the engine has said of rotations.
fn rotated(rig: &mut Rig) -> (PathBuf, PathBuf) {
    rig.wait("rotation", |event| match event {
        Event::Rotated { path, to } => Some((path.clone(), to.clone())),
        _ => None,
    })
}

#[test]
fn a_full_log_is_rotated_at_a_lines_end() {
    use std::io::Write as _;
    for date_format in [None, Some("[D]".to_owned())] {
        let mut rig = Rig::new();
        let form = Sink { date_format, rotation: at_size(8), ..sink(&rig.path("a.log")) };
        let path = rig.path("a.log");
        let mut writer = rig.attach(1, Stream::Out, &form);
        writer.write_all(b"one\ntwo\nthr").unwrap();
        writer.write_all(b"ee\nfour\n").unwrap();
        let (log, to) = rotated(&mut rig);
        assert_eq!(log, path);
        drop(writer);
        rig.wait_eof(1, Stream::Out);
        let first = std::fs::read_to_string(to).unwrap();
        assert!(first.ends_with('\n') && 8 <= first.len(), "{first}");
        assert_eq!(read_all(&path).replace("D: ", ""), "one\ntwo\nthree\nfour\n");
        assert!(path.exists(), "whoever follows it finds it");
    }
}

#[test]
fn a_log_is_rotated_when_it_is_told_also_when_nobody_writes_to_it() {
    use std::io::Write as _;
    let mut rig = Rig::new();
    let (used, other) = (rig.path("a.log"), rig.path("b.log"));
    std::fs::write(&other, "old\n").unwrap();
    let mut writer = rig.attach(1, Stream::Out, &sink(&used));
    writer.write_all(b"be").unwrap();
    Rig::wait_content(&used, |content| content == "be");
    let names = |path: &PathBuf| (path.clone(), Arc::<Names>::default());
    rig.engine.rotate([&used, &other, &rig.path("none")].map(names).into());
    assert_eq!(rotated(&mut rig).0, other);
    assert!(!other.exists() && !rig.path("none").exists(), "nobody needs them");
    writer.write_all(b"gun\n").unwrap();
    let (_, to) = rotated(&mut rig);
    assert_eq!(std::fs::read_to_string(to).unwrap(), "begun\n");
    writer.write_all(b"next\n").unwrap();
    Rig::wait_content(&used, |content| content == "next\n");
    // An empty one is not.
    rig.engine.flush(vec![used.clone()], 5);
    rig.engine.rotate(vec![names(&used)]);
    rig.engine.flush(Vec::new(), 6);
    rig.wait_flushed(6);
    assert!(!rig.seen.iter().any(|event| matches!(event, Event::Rotated { .. })));
}

#[test]
fn a_line_without_an_end_is_not_cut_until_it_is_much_too_long() {
    use std::io::Write as _;
    let mut rig = Rig::new();
    let path = rig.path("a.log");
    let form = Sink { rotation: at_size(8), ..sink(&path) };
    let mut writer = rig.attach(1, Stream::Out, &form);
    writer.write_all(b"0123456789").unwrap();
    Rig::wait_content(&path, |content| content.len() == 10);
    rig.engine.flush(Vec::new(), 5);
    rig.wait_flushed(5);
    assert!(!rig.seen.iter().any(|event| matches!(event, Event::Rotated { .. })));
    writer.write_all(b"012345").unwrap();
    let (_, to) = rotated(&mut rig);
    assert_eq!(std::fs::read_to_string(to).unwrap(), "0123456789012345");
}

#[test]
fn a_log_that_a_link_leads_to_is_rotated_where_it_is() {
    use std::io::Write as _;
    let mut rig = Rig::new();
    std::fs::create_dir(rig.path("real")).unwrap();
    let (path, real) = (rig.path("a.log"), rig.path("real/b.log"));
    std::os::unix::fs::symlink(&real, &path).unwrap();
    let mut writer = rig.attach(1, Stream::Out, &Sink { rotation: at_size(1), ..sink(&path) });
    writer.write_all(b"one\n").unwrap();
    let (log, to) = rotated(&mut rig);
    assert_eq!((log, to.parent()), (path.clone(), real.canonicalize().unwrap().parent()));
    assert!(path.is_symlink());
    assert_eq!(read_all(&path), "one\n");
}

/// Does what it is told, but for one thing.
struct Stubborn {
    /// Refuses to rename.
    renames: bool,
    /// Refuses to make a log again that was renamed.
    makes: bool,
}

impl Opener for Stubborn {
    fn open(&self, path: &Path) -> io::Result<OwnedFd> {
        let folder = path.parent().unwrap();
        let is_again = std::fs::read_dir(folder).unwrap().next().is_some() && !path.exists();
        if is_again && !self.makes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Plain.open(path)
    }

    fn open_existing(&self, path: &Path) -> io::Result<OwnedFd> {
        Plain.open_existing(path)
    }

    fn resolve(&self, path: &Path) -> PathBuf {
        Plain.resolve(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.renames {
            Plain.rename(from, to)
        } else {
            Err(io::ErrorKind::ReadOnlyFilesystem.into())
        }
    }

    fn folder(&self, path: &Path) -> io::Result<OwnedFd> {
        Plain.folder(path)
    }
}

#[test]
fn a_log_that_cannot_be_rotated_is_written_on_and_that_is_told_once() {
    use std::io::Write as _;
    for stubborn in
        [Stubborn { renames: false, makes: true }, Stubborn { renames: true, makes: false }]
    {
        let mut rig = Rig::with(Arc::new(stubborn));
        let path = rig.path("a.log");
        let mut writer = rig.attach(1, Stream::Out, &Sink { rotation: at_size(1), ..sink(&path) });
        writer.write_all(b"one\ntwo\n").unwrap();
        rig.wait("complaint", |event| matches!(event, Event::NotRotated { .. }).then_some(()));
        writer.write_all(b"three\n").unwrap();
        Rig::wait_content(&path, |content| content == "one\ntwo\nthree\n");
        assert_eq!(read_all(&path), "one\ntwo\nthree\n");
        assert!(!rig.seen.iter().any(|event| matches!(event, Event::NotRotated { .. })));
    }
}

#[test]
fn other_rules_are_in_force_at_once() {
    use std::io::Write as _;
    let mut rig = Rig::new();
    let path = rig.path("a.log");
    let mut writer = rig.attach(1, Stream::Out, &sink(&path));
    writer.write_all(b"one\n").unwrap();
    Rig::wait_content(&path, |content| content == "one\n");
    rig.engine.set_rotation(vec![(path.clone(), at_size(4))]);
    rotated(&mut rig);
    rig.engine.set_rotation(vec![(path.clone(), None)]);
    writer.write_all(b"three\n").unwrap();
    Rig::wait_content(&path, |content| content == "three\n");
    assert_eq!(read_all(&path), "one\nthree\n");
}
