use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_000_000_000;

fn keep() -> Keep {
    Keep { files: 3, age: None, bytes: None, packing: Some(Packing::Gzip) }
}

fn log(path: &str, keep: Keep) -> Log {
    Log { path: path.into(), names: Arc::default(), keep, begun_before: None }
}

fn found(path: &str, size: u64, written: u64) -> Found {
    let path = path.into();
    Found { path, size, written, changed: written, born: Some(written), disk: 0 }
}

fn decide(logs: &[Log], found: &[Found], cap: Option<u64>) -> Plan {
    plan(&Scene { now: NOW, logs, found, caps: &[cap], own: Path::new("/l") })
}

/// What is to be done, as `VERB NAME`.
fn told(plan: &Plan) -> Vec<String> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    plan.tasks
        .iter()
        .map(|task| match task {
            Task::Discard(path) => format!("discard {}", name(path)),
            Task::Finish(path, _) => format!("finish {}", name(path)),
            Task::Remove(path, false) => format!("remove {}", name(path)),
            Task::Remove(path, true) => format!("evict {}", name(path)),
            Task::Rotate(path) => format!("rotate {}", name(path)),
            Task::Pack(path, _) => format!("pack {}", name(path)),
        })
        .collect()
}

fn old(hour: u32) -> String {
    format!("/l/a__2026-11-27_{hour:02}-00-00.log")
}

#[test]
fn the_newest_files_stay_and_the_oldest_is_compressed_first() {
    let files = [
        found("/l/a.log", 5, NOW),
        found(&old(1), 5, 1),
        found(&old(2), 5, 2),
        found(&old(3), 5, 3),
        found(&format!("{}.gz", old(4)), 5, 4),
        found("/l/b.log", 5, 0),
    ];
    let plan = decide(&[log("/l/a.log", keep())], &files, None);
    assert_eq!(
        told(&plan),
        [
            "remove a__2026-11-27_01-00-00.log",
            "pack a__2026-11-27_02-00-00.log",
            "pack a__2026-11-27_03-00-00.log",
        ]
    );
    assert_eq!(plan.again_at, None);
}

#[test]
fn of_two_of_one_moment_the_name_says_which_is_older() {
    let name = |number: u32| format!("/l/a__2026-11-27_01-00-00.{number}.log");
    let files: Vec<Found> = (1..=12).map(|number| found(&name(number), 1, 7)).collect();
    let only = Keep { files: 1, packing: None, ..keep() };
    let left = told(&decide(&[log("/l/a.log", only)], &files, None));
    assert_eq!(left.len(), 11);
    assert!(!left.contains(&"remove a__2026-11-27_01-00-00.12.log".to_owned()), "{left:?}");
}

#[test]
fn days_and_bytes_bound_what_is_kept() {
    let files = [found(&old(1), 10, NOW - 100), found(&old(2), 10, NOW - 50)];
    let of = |keep| decide(&[log("/l/a.log", keep)], &files, None);
    let aged = of(Keep { age: Some(60), packing: None, ..keep() });
    assert_eq!(told(&aged), ["remove a__2026-11-27_01-00-00.log"]);
    assert_eq!(aged.again_at, Some(NOW + 10), "when the next one is too old");
    let sized = of(Keep { bytes: Some(19), packing: None, ..keep() });
    assert_eq!(told(&sized), ["remove a__2026-11-27_01-00-00.log"]);
    assert_eq!(told(&of(Keep { files: 0, ..keep() })).len(), 2);
}

#[test]
fn what_a_dead_process_left_half_done_is_put_in_order() {
    let files = [
        found(&old(1), 5, 1),
        found(&format!("{}.gz", old(1)), 2, 1),
        found(&format!("{}.gz.77.part", old(2)), 1, 2),
        found("/l/download.gz.77.part", 1, 2),
        found(&old(2), 5, 2),
    ];
    assert_eq!(
        told(&decide(&[log("/l/a.log", keep())], &files, None)),
        [
            "discard a__2026-11-27_02-00-00.log.gz.77.part",
            "finish a__2026-11-27_01-00-00.log",
            "pack a__2026-11-27_02-00-00.log",
        ]
    );
}

#[test]
fn a_file_that_was_just_rotated_is_left_alone_for_a_moment() {
    let plan = decide(&[log("/l/a.log", keep())], &[found(&old(1), 5, NOW - 1)], None);
    assert_eq!((plan.tasks.len(), plan.again_at), (0, Some(NOW - 1 + SETTLED)));
}

#[test]
fn all_logs_together_have_no_more_than_the_cap() {
    let logs = [log("/l/a.log", keep()), log("/l/b.log", keep())];
    let files = [
        found("/l/a.log", 40, NOW),
        found("/l/b.log", 10, NOW),
        found(&old(1), 20, 2),
        found("/l/b__2026-11-27_00-00-00.log.gz", 20, 1),
        found("/l/gone-out__2026-11-27_00-00-00.log", 20, 3),
    ];
    let of = |cap| told(&decide(&logs, &files, Some(cap)));
    let packs = "pack a__2026-11-27_01-00-00.log";
    assert_eq!(of(110), [packs]);
    assert_eq!(of(109), ["evict b__2026-11-27_00-00-00.log.gz", packs]);
    assert_eq!(
        of(70),
        ["b__2026-11-27_00-00-00.log.gz", "a__2026-11-27_01-00-00.log"]
            .map(|name| format!("evict {name}"))
            .to_vec()
    );
    let all = of(30);
    assert_eq!(all[2], "evict gone-out__2026-11-27_00-00-00.log", "nobody's, but ours");
    assert_eq!(all[3..], ["rotate a.log"], "and it goes with the next look");
    assert_eq!(of(0)[3..], ["rotate a.log", "rotate b.log"]);
}

#[test]
fn a_log_of_yesterday_is_rotated_and_an_empty_one_is_not() {
    let begun = |before| Log { begun_before: Some(before), ..log("/l/a.log", keep()) };
    let of = |log: Log, file: Found| told(&decide(&[log], &[file], None));
    assert_eq!(of(begun(10), found("/l/a.log", 1, 9)), ["rotate a.log"]);
    assert!(of(begun(10), found("/l/a.log", 1, 10)).is_empty());
    assert!(of(begun(10), found("/l/a.log", 0, 9)).is_empty());
    let unknown = Found { born: None, ..found("/l/a.log", 1, 9) };
    assert_eq!(of(begun(10), unknown), ["rotate a.log"], "last written to yesterday");
}

/// Carries a plan out as the folder would show it.
fn carry_out(files: &mut Vec<Found>, tasks: &[Task]) {
    for task in tasks {
        match task {
            Task::Discard(path) | Task::Finish(path, _) | Task::Remove(path, _) => {
                files.retain(|file| file.path != *path);
            }
            Task::Pack(path, packing) => {
                let file = files.iter_mut().find(|file| file.path == *path).unwrap();
                file.path = names::packed(path, *packing);
                file.size /= 2;
            }
            Task::Rotate(path) => {
                let file = files.iter_mut().find(|file| file.path == *path).unwrap();
                let rotated = names::path(path, "2026-11-28_00-00-00", file.disk as u32).unwrap();
                file.path = rotated;
                file.born = Some(NOW);
            }
        }
    }
}

fn folder() -> impl Strategy<Value = Vec<Found>> {
    let file = (0..4_u32, 0..8_u32, 0..5_u32, 0..100_u64, 0..1000_u64);
    proptest::collection::vec(file, 0..40).prop_map(|files| {
        let mut all: Vec<Found> = files
            .into_iter()
            .map(|(log, hour, kind, size, written)| {
                let base = format!("/l/app{log}__2026-11-27_{hour:02}-00-00.log");
                let path = match kind {
                    0 => format!("/l/app{log}.log"),
                    1 => base,
                    2 => format!("{base}.gz"),
                    3 => format!("{base}.zst"),
                    _ => format!("/l/app{log}-{hour}.txt"),
                };
                found(&path, size, written)
            })
            .collect();
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all.dedup_by(|a, b| a.path == b.path);
        all
    })
}

proptest! {
    #[test]
    fn whatever_lies_there_nothing_else_is_touched_and_a_second_look_finds_it_in_order(
        files in folder(),
        most in 0..5_u32,
        bytes in proptest::option::of(0..300_u64),
        cap in proptest::option::of(0..2000_u64),
        packing in proptest::sample::select(vec![None, Some(Packing::Gzip), Some(Packing::Zstd)]),
    ) {
        let keep = Keep { files: most, age: None, bytes, packing };
        // The log of `app3` is nobody's any more.
        let logs: Vec<Log> =
            (0..3).map(|number| log(&format!("/l/app{number}.log"), keep.clone())).collect();
        let first = decide(&logs, &files, cap);
        for task in &first.tasks {
            let (Task::Discard(path) | Task::Finish(path, _) | Task::Remove(path, _)) = task else {
                continue;
            };
            let name = path.file_name().unwrap().to_str().unwrap();
            prop_assert!(name.contains("__"), "{name} is no rotated file");
            if let Task::Finish(path, packing) = task {
                let packed = names::packed(path, *packing);
                prop_assert!(files.iter().any(|file| file.path == packed));
            }
        }
        let mut after = files;
        carry_out(&mut after, &first.tasks);
        for number in 0..3 {
            let start = format!("/l/app{number}__2026-11-27");
            let left = after.iter().filter(|file| file.path.to_str().unwrap().starts_with(&start));
            prop_assert!(left.count() <= most as usize);
        }
        // The newest of a log that stay are the newest that were there.
        let mut looks = 0;
        loop {
            let next = decide(&logs, &after, cap);
            if next.tasks.is_empty() {
                break;
            }
            looks += 1;
            prop_assert!(looks < 12, "{:?}", told(&next));
            carry_out(&mut after, &next.tasks);
        }
        if let Some(cap) = cap {
            let counted = |file: &&Found| {
                let name = file.path.to_str().unwrap();
                name.contains("__") || (0..3).any(|n| name == format!("/l/app{n}.log"))
            };
            let total: u64 = after.iter().filter(counted).map(|file| file.size).sum();
            prop_assert!(total <= cap, "{total} bytes are left of {cap}");
        }
    }
}
