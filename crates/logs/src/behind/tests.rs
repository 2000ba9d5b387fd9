//! Whatever becomes of the files, each line is read once.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;
use crate::care::{Pack, Packing, Renamer};
use crate::opener::Plain;
use crate::place::Check;

/// What happens to a log.
#[derive(Clone, Debug)]
enum Act {
    /// So many lines are written, all the same or each another.
    Write(u8, bool),
    /// Part of a line is written.
    Begin,
    /// We rotate it.
    Rotate,
    /// The oldest that is not compressed is.
    Compress,
    /// Somebody renames it, as logrotate does with `create`.
    Rename,
    /// Somebody copies and empties it.
    CopyAndEmpty,
    /// The reader reads so many bytes at most.
    Read(u8),
    /// The reader dies, and another one goes on from the last place.
    Die,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (1..20_u8, any::<bool>()).prop_map(|(lines, alike)| Act::Write(lines, alike)),
        1 => Just(Act::Begin),
        2 => Just(Act::Rotate),
        2 => Just(Act::Compress),
        1 => Just(Act::Rename),
        1 => Just(Act::CopyAndEmpty),
        4 => any::<u8>().prop_map(Act::Read),
        1 => Just(Act::Die),
    ];
    proptest::collection::vec(act, 1..60)
}

/// A log, and what was written to it.
struct Rig {
    dir: tempfile::TempDir,
    renamer: Renamer,
    written: String,
    now: u64,
    count: u32,
    renamed: u32,
    packed: usize,
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (renamer, written) = (Renamer::default(), String::new());
        Self { dir, renamer, written, now: 1_795_388_825_573, count: 0, renamed: 0, packed: 0 }
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("a.log")
    }

    /// Each write has a moment of its own, as on a machine where time passes.
    fn append(&mut self, text: &str) {
        use std::io::Write as _;
        let mut file = File::options().append(true).create(true).open(self.log()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        self.now += 3;
        file.set_modified(UNIX_EPOCH + Duration::from_millis(self.now)).unwrap();
        self.written.push_str(text);
    }

    fn play(&mut self, act: &Act) {
        match act {
            Act::Write(lines, alike) => {
                for _ in 0..*lines {
                    self.count += 1;
                    let text = if *alike { "tick\n" } else { &format!("line {}\n", self.count) };
                    self.append(text);
                }
            }
            Act::Begin => self.append("begun "),
            Act::Rotate if self.is_whole() => {
                self.renamer.rename(&self.log(), &Names::default(), &Plain).unwrap();
            }
            Act::Compress => {
                let files = Chain::of(&self.log(), &[Names::default()], false).unwrap().files;
                let mut past =
                    files.iter().filter(|file| file.packed.is_none() && file.path != self.log());
                if let Some(file) = past.next() {
                    let name = file.path.file_name().unwrap().to_str().unwrap();
                    self.packed += 1;
                    let packing = Packing::ALL[self.packed % 2];
                    Pack::of(self.dir.path(), name, packing).run().unwrap();
                }
            }
            Act::Rename if self.is_whole() => {
                self.renamed += 1;
                let to = self.dir.path().join(format!("a.log.{}", self.renamed));
                fs::rename(self.log(), to).unwrap();
            }
            Act::CopyAndEmpty if self.is_whole() => {
                self.renamed += 1;
                let to = self.dir.path().join(format!("a.log.{}", self.renamed));
                fs::copy(self.log(), &to).unwrap();
                self.now += 3;
                let copy = File::options().append(true).open(&to).unwrap();
                copy.set_modified(UNIX_EPOCH + Duration::from_millis(self.now)).unwrap();
                // What comes next is written later, and its first line is another.
                fs::write(self.log(), "").unwrap();
                self.count += 1;
                self.append(&format!("after copy {}\n", self.count));
            }
            Act::Rotate | Act::Rename | Act::CopyAndEmpty | Act::Read(_) | Act::Die => {}
        }
    }

    /// Whether there is something in the log, and no line is begun.
    fn is_whole(&self) -> bool {
        fs::read(self.log()).is_ok_and(|text| text.ends_with(b"\n"))
    }
}

fn read(reader: &mut Behind, most: usize, found: &mut String) -> Read {
    let each = |line: &[u8], _| {
        found.push_str(std::str::from_utf8(line).unwrap());
        found.push('\n');
        Ok(())
    };
    reader.read(most, each).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn each_line_is_read_once_whatever_becomes_of_the_files(acts in acts()) {
        let mut rig = Rig::new();
        let names = || vec![Names::default()];
        let mut reader = Behind::new(&rig.log(), names(), Place::default());
        let mut found = String::new();
        for act in &acts {
            rig.play(act);
            match act {
                Act::Read(most) => {
                    let done = read(&mut reader, usize::from(*most), &mut found);
                    prop_assert!(!done.gone, "gone at {:?}", reader.place());
                }
                Act::Die => reader = Behind::new(&rig.log(), names(), reader.place()),
                _ => {}
            }
        }
        rig.append("end\n");
        while read(&mut reader, 1000, &mut found).more {}
        prop_assert_eq!(&found, &rig.written);
        prop_assert!(!read(&mut reader, 1000, &mut found).more);
        prop_assert_eq!(&found, &rig.written);
    }
}

#[test]
fn of_a_file_that_is_gone_the_next_line_is_read_and_that_is_told() {
    let mut rig = Rig::new();
    rig.append("one\ntwo\n");
    let mut reader = Behind::new(&rig.log(), vec![Names::default()], Place::default());
    let mut found = String::new();
    read(&mut reader, 1, &mut found);
    assert_eq!(found, "one\n");
    rig.play(&Act::Rotate);
    let files = Chain::of(&rig.log(), &[Names::default()], true).unwrap().files;
    fs::remove_file(&files[0].path).unwrap();
    rig.append("three\n");
    assert_eq!(read(&mut reader, 1000, &mut found), Read { more: false, gone: true });
    assert_eq!(found, "one\nthree\n");
    assert_eq!(read(&mut reader, 1000, &mut found), Read::default());
}

#[test]
fn a_log_that_was_emptied_is_read_from_its_begin() {
    let mut rig = Rig::new();
    rig.append("one\ntwo\n");
    let mut reader = Behind::new(&rig.log(), vec![Names::default()], Place::default());
    let mut found = String::new();
    read(&mut reader, 1000, &mut found);
    fs::write(rig.log(), "").unwrap();
    rig.append("three, longer than what was there\n");
    assert!(read(&mut reader, 1000, &mut found).gone);
    assert!(found.ends_with("two\nthree, longer than what was there\n"), "{found}");
}

#[test]
fn a_place_at_the_end_of_the_last_whole_line_is_behind_it_however_long_what_follows_is() {
    let mut rig = Rig::new();
    rig.append(&format!("one\ntwo\n{}", "x".repeat(200_000)));
    let end = |is_whole| {
        let place = Place::end_of(&File::open(rig.log()).unwrap(), is_whole).unwrap();
        (place.end, place.check)
    };
    assert_eq!(end(true), (8, Check::of(b"one\ntwo\n")));
    assert_eq!(end(false).0, 200_008);
}
