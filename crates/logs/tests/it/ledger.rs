//! No line lost, doubled or cut by `kill -9`.
//!
//! This test plays the keeper: it holds the pipes and the journal, and starts one engine after
//! another in a child process (this same binary), which it kills at moments of its dice. Writers
//! count their lines all the while.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ostler_logs::{Engine, Event, Filter, Format, OnFull, Sink, Stream};
use rustix::io::FdFlags;

use crate::account::{Account, bare};
use crate::pieces;
use crate::rig::{Dice, pipe, size_of_all};
use crate::rotated;
use crate::small::Small;
use crate::sys::inherited;
use crate::written::write_lines;

/// What the child is to do: `journal fd|mode|folder|fd fd fd …`.
const PLAN: &str = "OSTLER_LOGS_LEDGER";

/// A mode, and whether the files are rotated and compressed besides.
fn parts(mode: &str) -> (&str, bool) {
    mode.strip_prefix("rotated ").map_or((mode, false), |mode| (mode, true))
}

/// Files of stream number `index` in this mode. Even streams are standard output, odd
/// ones standard error.
fn form(mode: &str, folder: &Path, index: usize) -> Sink {
    if let Some(mode) = mode.strip_prefix("oldest ") {
        return Sink { full: OnFull::DropOldest, ..form(mode, folder, index) };
    }
    if let Some(mode) = mode.strip_prefix("buffered ") {
        return Sink { buffer: Some(5), ..form(mode, folder, index) };
    }
    let (mode, rotates) = parts(mode);
    if rotates {
        return Sink { rotation: rotated::at_size(20_000), ..form(mode, folder, index) };
    }
    let own = |suffix: &str| Some(folder.join(format!("{}-{suffix}.log", index / 2)));
    let merged = Some(folder.join("merged.log"));
    let plain = Sink {
        proc_id: 1,
        name: "app".to_owned(),
        out: own("out"),
        err: own("err"),
        ..Sink::default()
    };
    match mode {
        "raw" | "watched" => plain,
        "time" => Sink { date_format: Some("YYYY-MM-DDTHH:mm:ss".to_owned()), ..plain },
        "json" => Sink { format: Format::Json, ..plain },
        "logfmt" => Sink { format: Format::Logfmt, ..plain },
        "merged" => Sink { out: merged.clone(), err: merged, ..plain },
        "combined" => Sink { combined: Some(folder.join("all.log")), ..plain },
        "pieces" => Sink { combined: Some(folder.join("all.log")), hold: Some(0), ..plain },
        other => panic!("no mode {other}"),
    }
}

/// One engine's life, in the child. Ends by itself only when all pipes are at their end.
#[test]
fn child() {
    let Ok(plan) = std::env::var(PLAN) else { return };
    let parts: Vec<&str> = plan.split('|').collect();
    let (wake, woken) = mpsc::channel();
    let kept = vec![("logs/journal".to_owned(), inherited(parts[0].parse().unwrap()))];
    let wake = Box::new(move || wake.send(()).unwrap_or(()));
    let times = Some(ostler_logs::times::folder(Path::new(parts[2])));
    let engine = Engine::start(wake, kept, Arc::new(ostler_logs::Plain), times).unwrap();
    let mut left = 0;
    for (index, fd) in parts[3].split(' ').enumerate() {
        let sink = Arc::new(form(parts[1], Path::new(parts[2]), index));
        let stream = if index % 2 == 0 { Stream::Out } else { Stream::Err };
        engine.attach(index as u64 / 2, stream, inherited(fd.parse().unwrap()), &sink);
        left += 1;
    }
    engine.resumed();
    let (stop, folder) = (Arc::new(AtomicBool::new(false)), PathBuf::from(parts[2]));
    let rotates = self::parts(parts[1]).1;
    let tended = Arc::clone(&stop);
    let tending =
        rotates.then(|| std::thread::spawn(move || rotated::tend(&folder, u32::MAX, &tended)));
    if parts[1] == "watched" {
        engine.subscribe(1, Filter::all());
    }
    while left > 0 {
        woken.recv().unwrap();
        while let Some(event) = engine.try_recv() {
            match event {
                Event::Eof { .. } => left -= 1,
                Event::Keep { .. } => panic!("the journal was not taken over"),
                _ => {}
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    if let Some(tending) = tending {
        assert_eq!(tending.join().unwrap().problems, [""; 0]);
    }
}

fn inheritable(fd: &OwnedFd) -> i32 {
    rustix::io::fcntl_setfd(fd, FdFlags::empty()).unwrap();
    fd.as_raw_fd()
}

fn start(plan: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ledger::child"])
        .env(PLAN, plan)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn journal() -> OwnedFd {
    let engine =
        Engine::start(Box::new(|| {}), Vec::new(), Arc::new(ostler_logs::Plain), None).unwrap();
    match engine.try_recv() {
        Some(Event::Keep { name, fd }) => {
            assert_eq!(name, "logs/journal");
            fd
        }
        other => panic!("no journal to keep but {other:?}"),
    }
}

/// Checks one file: all lines whole, each stream's numbers in order and without a gap. Adds up
/// what it holds.
fn count(mode: &str, path: &Path, counts: &mut BTreeMap<usize, u64>) {
    let text = rotated::read_all(path);
    let mode = parts(mode.trim_start_matches("buffered ")).0;
    assert!(text.is_empty() || text.ends_with('\n'), "{} ends within a line", path.display());
    for line in text.lines() {
        let line = bare(mode, line);
        let words: Vec<&str> = line.split(' ').collect();
        let [index, number, tail] = words[..] else {
            panic!("cut or mixed in {}: {line:?}", path.display())
        };
        assert_eq!(
            tail.trim_start_matches('x'),
            ".",
            "cut or mixed in {}: {line:?}",
            path.display()
        );
        let expected = counts.entry(index.parse().unwrap()).or_insert(0);
        assert_eq!(
            number.parse(),
            Ok(*expected),
            "lost or doubled in {}: {line:?}",
            path.display()
        );
        *expected += 1;
    }
}

/// Kills per mode; `OSTLER_LOGS_KILLS` asks for more.
fn kills() -> usize {
    std::env::var("OSTLER_LOGS_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

/// Writers, the pipes that the keeper would hold, and the engine that is to be started.
struct Scene {
    plan: String,
    folder: PathBuf,
    seed: u64,
    dice: Dice,
    stop: Arc<AtomicBool>,
    /// Bytes that the writers could write.
    total: Arc<AtomicU64>,
    writers: Vec<JoinHandle<u64>>,
    _held: (OwnedFd, Vec<OwnedFd>),
}

impl Scene {
    fn new(mode: &str, folder: &Path) -> Self {
        const STREAMS: usize = 4;
        let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
        let mut dice = Dice(seed);
        let journal = journal();
        let stop = Arc::new(AtomicBool::new(false));
        let total = Arc::new(AtomicU64::new(0));
        let (mut held, mut writers) = (Vec::new(), Vec::new());
        for index in 0..STREAMS {
            let (read, write) = pipe();
            held.push(read);
            let (stop, total) = (Arc::clone(&stop), Arc::clone(&total));
            let (seed, mode) = (dice.below(u64::MAX) | 1, mode.to_owned());
            writers.push(std::thread::spawn(move || {
                write_lines(File::from(write), (&mode, index), seed, &stop, &total)
            }));
        }
        let fds: Vec<String> = held.iter().map(|fd| inheritable(fd).to_string()).collect();
        let plan =
            format!("{}|{mode}|{}|{}", inheritable(&journal), folder.display(), fds.join(" "));
        let (folder, _held) = (folder.to_owned(), (journal, held));
        Self { plan, folder, seed, dice, stop, total, writers, _held }
    }

    /// Starts an engine, and kills it at a moment of the dice after `is_at_work`.
    fn live_and_die(&mut self, is_at_work: impl Fn(&Self) -> bool) {
        let mut child = start(&self.plan);
        let deadline = Instant::now() + Duration::from_secs(20);
        // Killed while it writes, not while it loads.
        while !is_at_work(self) {
            assert!(Instant::now() < deadline, "seed {}: nothing is written", self.seed);
            std::thread::yield_now();
        }
        let moment = Instant::now() + Duration::from_micros(self.dice.below(3000));
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// A last engine writes all there is. Returns how many lines each writer has written.
    fn finish(self) -> (BTreeMap<usize, u64>, u64) {
        self.stop.store(true, Ordering::Relaxed);
        let mut child = start(&self.plan);
        let written =
            self.writers.into_iter().map(|writer| writer.join().unwrap()).enumerate().collect();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "seed {}: {said}", self.seed);
        (written, self.seed)
    }
}

#[track_caller]
fn check(mode: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (written, seed) = killed(mode, folder.path());
    verify(mode, folder.path(), &written, seed);
}

/// Engines write into the folder and are killed. Returns what each writer has written.
fn killed(mode: &str, folder: &Path) -> (BTreeMap<usize, u64>, u64) {
    let mut scene = Scene::new(mode, folder);
    for _ in 0..kills() {
        let before = size_of_all(folder);
        scene.live_and_die(|scene| size_of_all(&scene.folder) != before);
    }
    scene.finish()
}

/// The disk is full, has a little room again, is full: what is there and what is said to be lost
/// must be what was written.
#[track_caller]
fn check_full(mode: &str) {
    /// More than waits for all files together.
    const MORE: u64 = 4 << 20;
    let folder = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(folder.path(), 24) else { return };
    let logs = small.at.join("logs");
    std::fs::create_dir(&logs).unwrap();
    let mut scene = Scene::new(mode, &logs);
    for life in 0..kills() {
        if life % 2 == 0 {
            small.make_room(256 << 10);
            let before = size_of_all(&logs);
            scene.live_and_die(|scene| size_of_all(&scene.folder) != before);
        } else {
            small.fill();
            let before = scene.total.load(Ordering::Relaxed);
            scene.live_and_die(|scene| scene.total.load(Ordering::Relaxed) > before + MORE);
        }
    }
    small.empty();
    let ((written, seed), mut found) = (scene.finish(), Account::default());
    let mode = mode.strip_prefix("oldest ").unwrap_or(mode);
    for log in rotated::logs_of(&logs) {
        found.add(mode, &log, seed);
    }
    let all = written.values().sum::<u64>() * if mode == "combined" { 2 } else { 1 };
    let said = found.whole + found.lost;
    let as_said = (all..=all + found.doubtful).contains(&said);
    assert!(as_said, "seed {seed}: {said} of {all}, {}", logs.display());
    assert!(found.lost > 0, "seed {seed}: nothing was lost");
}

#[track_caller]
fn verify(mode: &str, folder: &Path, written: &BTreeMap<usize, u64>, seed: u64) {
    let (all, own): (Vec<PathBuf>, Vec<PathBuf>) =
        rotated::logs_of(folder).into_iter().partition(|path| path.ends_with("all.log"));
    let mut counts = BTreeMap::new();
    for path in &own {
        count(mode, path, &mut counts);
    }
    assert_eq!(counts, *written, "seed {seed}: lines in the files and lines written");
    for path in &all {
        let mut counts = BTreeMap::new();
        count(mode, path, &mut counts);
        assert_eq!(counts, *written, "seed {seed}: lines in {}", path.display());
    }
}

#[test]
fn raw_lines_survive_kills() {
    check("raw");
}

#[test]
fn watched_lines_survive_kills() {
    check("watched");
}

#[test]
fn dated_lines_survive_kills() {
    check("time");
}

#[test]
fn json_lines_survive_kills() {
    check("json");
}

#[test]
fn lines_of_pairs_survive_kills() {
    check("logfmt");
}

#[test]
fn merged_lines_survive_kills() {
    check("merged");
}

#[test]
fn combined_lines_survive_kills() {
    check("combined");
}

#[test]
fn rotated_and_compressed_lines_survive_kills() {
    for mode in ["rotated raw", "rotated time", "rotated merged", "rotated combined"] {
        let folder = tempfile::tempdir().unwrap();
        let (written, seed) = killed(mode, folder.path());
        verify(mode, folder.path(), &written, seed);
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let ends = |path: &PathBuf, ending: &str| path.to_str().unwrap().ends_with(ending);
        let names: Vec<PathBuf> = names.collect();
        for ending in [".gz", ".zst"] {
            assert!(names.iter().any(|path| ends(path, ending)), "{mode}: there is no {ending}");
        }
        assert!(!names.iter().any(|path| ends(path, ".part")), "{mode}: half a file is left");
    }
}

#[test]
fn lines_that_wait_to_be_written_survive_kills() {
    ["buffered raw", "buffered time", "buffered merged", "buffered combined"]
        .into_iter()
        .for_each(check);
}

#[test]
fn pieces_of_lines_survive_kills() {
    let folder = tempfile::tempdir().unwrap();
    let (written, seed) = killed("pieces", folder.path());
    pieces::verify(folder.path(), &written, seed);
}

#[test]
fn raw_lines_and_those_that_are_lost_survive_kills() {
    check_full("raw");
    check_full("oldest raw");
}

#[test]
fn dated_lines_and_those_that_are_lost_survive_kills() {
    check_full("time");
    check_full("oldest time");
}

#[test]
fn combined_lines_and_those_that_are_lost_survive_kills() {
    check_full("combined");
    check_full("oldest combined");
}
