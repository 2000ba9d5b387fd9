use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use proptest::prelude::*;

use super::*;

const LOG: (u64, u64) = (1, 2);

/// Writes pairs into the file of a log, as a keeper would have done over time.
fn put(folder: &Path, log: &Path, pairs: &[(u64, u64)]) {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(pair(LOG.0, LOG.1));
    for (at, place) in pairs {
        bytes.extend(pair(*at, *place));
    }
    std::fs::write(file_of(folder, log), bytes).unwrap();
}

fn read(folder: &Path, log: &Path, length: u64) -> Times {
    Times::read(folder, log, Some((LOG.0, LOG.1, length))).unwrap()
}

#[test]
fn a_place_is_found_for_a_time_and_a_time_for_a_place() {
    let dir = tempfile::tempdir().unwrap();
    let log = Path::new("/l/a%2Fb.log");
    put(dir.path(), log, &[(1000, 0), (2000, 50), (9000, 70)]);
    let times = read(dir.path(), log, 100);
    assert_eq!(
        [0, 49, 50, 69, 70, 99].map(|place| times.at(place).unwrap()),
        [1000, 1000, 2000, 2000, 9000, 9000]
    );
    assert_eq!(
        [0, 999, 1000, 1999, 2000, 8999, 9000, 99_999].map(|at| times.place(at)),
        [0, 0, 0, 0, 50, 50, 70, 70]
    );
    put(dir.path(), log, &[(5000, 10)]);
    assert_eq!(read(dir.path(), log, 100).at(9), None, "before the first place");
}

#[test]
fn what_is_of_another_file_or_of_an_emptied_one_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let log = Path::new("/l/a.log");
    put(dir.path(), log, &[(1000, 0), (2000, 50)]);
    assert!(!read(dir.path(), log, 50).is_empty());
    assert!(read(dir.path(), log, 49).is_empty(), "it was emptied");
    assert!(Times::read(dir.path(), log, Some((1, 3, 50))).unwrap().is_empty(), "another inode");
    assert!(read(dir.path(), Path::new("/l/b.log"), 50).is_empty(), "another path");
    let packed = Times::read(dir.path(), Path::new("/l/a.log.gz"), None).unwrap();
    assert_eq!(packed.at(60), Some(2000), "a compressed file keeps its places");
    put(dir.path(), log, &[(2000, 50), (1000, 60), (3000, 70)]);
    let set_back = read(dir.path(), log, 100);
    assert_eq!((set_back.at(60), set_back.at(70)), (Some(2000), Some(3000)), "the clock");
    put(dir.path(), log, &[(2000, 50), (3000, 40)]);
    assert!(read(dir.path(), log, 100).is_empty(), "places go up");
}

#[test]
fn times_are_written_down_once_in_a_second_or_ten_of_a_busy_or_a_quiet_log() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("times");
    let log = Path::new("/l/a.log");
    let mut keeper = Keeper::default();
    let mut write = |bytes: u64, now: u64, place: u64| {
        let is_due = keeper.wrote(bytes, now);
        if is_due {
            let path = || log.to_owned();
            assert!(keeper.write(&folder, LOG, path, (place, now)).is_none());
        }
        is_due
    };
    assert!(write(10, 0, 0), "the first bytes");
    assert!(!write(100_000, 999, 10), "too soon");
    assert!(write(1, 1000, 100_010));
    assert!(!write(4095, 2500, 100_011), "too few");
    assert!(write(1, 2501, 104_106));
    assert!(!write(5, 12_500, 104_107));
    assert!(write(5, 12_501, 104_112), "ten seconds");
    let times = read(&folder, log, 200_000);
    let places = [0, 100_009, 100_010, 104_106, 104_112];
    let at: Vec<_> = places.iter().map(|place| times.at(*place).unwrap()).collect();
    assert_eq!(times.place(u64::MAX), 104_112);
    assert!(at.is_sorted() && wall_is_near(at[4]), "{at:?}");
    let size = file_of(&folder, log).metadata().unwrap();
    assert_eq!((size.len(), size.mode() & 0o777), (HEAD + 4 * PAIR, 0o600));
}

fn wall_is_near(at: u64) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    (now - Duration::from_millis(at)).as_secs() < 600
}

#[test]
fn a_keeper_goes_on_where_a_dead_one_ended_and_begins_anew_with_another_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = Path::new("/l/a.log");
    let write = |log_id: (u64, u64), place: u64| {
        let mut keeper = Keeper::default();
        assert!(keeper.write(dir.path(), log_id, || log.to_owned(), (place, 1)).is_none());
        read(dir.path(), log, 1000)
    };
    put(dir.path(), log, &[(1000, 5)]);
    // Death within a pair.
    let file = file_of(dir.path(), log);
    std::fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(&[7; 9]).unwrap();
    let times = write(LOG, 50);
    assert_eq!((times.at(5), times.at(49)), (Some(1000), Some(1000)));
    assert!(1000 < times.at(50).unwrap());
    let times = write(LOG, 20);
    assert_eq!(times.at(19), None, "it was emptied meanwhile");
    assert!(write((8, 9), 70).is_empty(), "another file");
    assert_eq!(Times::read(dir.path(), log, Some((8, 9, 70))).unwrap().at(69), None);
    assert!(Times::read(dir.path(), log, Some((8, 9, 70))).unwrap().at(70).is_some());
}

#[test]
fn what_cannot_be_written_is_told_once_and_tried_again_after_a_minute() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("file");
    std::fs::write(&folder, "").unwrap();
    let mut keeper = Keeper::default();
    let mut write = |now: u64| {
        let is_due = keeper.wrote(10_000, now);
        let path = || PathBuf::from("/l/a.log");
        is_due.then(|| keeper.write(&folder, LOG, path, (0, now)).is_some())
    };
    assert_eq!(
        [0, 30_000, 61_000, 200_000].map(&mut write),
        [Some(true), None, Some(false), Some(false)]
    );
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(write(300_000), Some(false));
    assert!(!read(&folder, Path::new("/l/a.log"), 9).is_empty());
}

#[test]
fn what_somebody_removes_is_not_made_again_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (home, log) = (dir.path().join("home"), Path::new("/l/a.log"));
    let folder = home.join("times");
    std::fs::create_dir(&home).unwrap();
    let mut keeper = Keeper::default();
    let mut write = |now: u64| {
        let is_due = keeper.wrote(10_000, now);
        is_due.then(|| keeper.write(&folder, LOG, || log.to_owned(), (0, now)).is_some())
    };
    assert_eq!(write(0), Some(false));
    assert!(folder.exists());
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!([2000, 10_000, 61_999].map(&mut write), [Some(false), None, None]);
    assert!(!folder.exists(), "whoever removes the home is not disturbed");
    assert_eq!(write(62_000), Some(false));
    assert!(!read(&folder, log, 9).is_empty());
    std::fs::remove_dir_all(&home).unwrap();
    write(70_000);
    assert_eq!(write(200_000), Some(true), "that the home is gone is told");
    assert!(!home.exists(), "and it is not made");
}

#[test]
fn times_of_logs_that_are_gone_go_too() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("times");
    std::fs::create_dir(&folder).unwrap();
    let log = |name: &str| dir.path().join(name);
    for name in ["here.log", "packed.log", "gone.log"] {
        put(&folder, &log(name), &[(1, 0)]);
    }
    let long = log(&"x".repeat(250));
    put(&folder, &long, &[(1, 0)]);
    std::fs::write(log("here.log"), "").unwrap();
    std::fs::write(log("packed.log.gz"), "").unwrap();
    clean(&folder).unwrap();
    let is_known = |log: &Path| file_of(&folder, log).exists();
    assert!(is_known(&log("here.log")) && is_known(&log("packed.log")) && is_known(&long));
    assert!(!is_known(&log("gone.log")));
    clean(&dir.path().join("none")).unwrap();
}

proptest! {
    #[test]
    fn the_path_of_a_log_is_read_from_the_name_of_its_times(path in "/[ -~ä]{0,60}") {
        let file = file_of(Path::new("/f"), Path::new(&path));
        let path = path.strip_suffix(".gz").unwrap_or(&path);
        prop_assert_eq!(log_of(file.file_name().unwrap()), Some(PathBuf::from(path)));
    }

    #[test]
    fn whatever_is_in_the_file_times_go_up_with_places(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        length: u64, place: u64, since: u64,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let log = Path::new("/l/a.log");
        let mut all = MAGIC.to_vec();
        all.extend(pair(LOG.0, LOG.1));
        all.extend(&bytes);
        for bytes in [bytes, all] {
            std::fs::write(file_of(dir.path(), log), bytes).unwrap();
            let times = read(dir.path(), log, length);
            prop_assert!(times.place(since) <= length);
            let at = times.at(place).unwrap_or(0);
            prop_assert!(place < times.place(at) || at <= times.at(u64::MAX).unwrap_or(u64::MAX));
        }
    }
}
