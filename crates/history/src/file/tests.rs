use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::ring::Http;

const NOW: u64 = 1_700_000_000 / 120 * 120;

fn usage(cpu: u32) -> Usage {
    let http = cpu.is_multiple_of(2).then_some(Http { rate: cpu * 3, latency: cpu * 4 });
    Usage { cpu, memory: cpu * 2, restarts: 1, http }
}

fn cpu_of(home: &Path, ring: Ring, now: u64) -> Vec<(u64, u32)> {
    let samples = read(home, 3, "a", ring, now).unwrap();
    samples.iter().map(|sample| (sample.at, sample.usage.cpu)).collect()
}

#[test]
fn what_was_never_written_is_nothing() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(read(home.path(), 3, "a", HOUR, NOW).unwrap(), []);
    forget_others(home.path(), |_| false).unwrap();
}

#[test]
fn a_step_of_the_day_is_the_mean_and_the_most_of_its_steps_of_the_hour() {
    let home = tempfile::tempdir().unwrap();
    for (at, cpu) in [(0, 10), (10, 21), (25, 60), (120, 7)] {
        put(home.path(), 3, "a", NOW + at, usage(cpu)).unwrap();
    }
    let expected = [(NOW, 10), (NOW + 10, 21), (NOW + 20, 60), (NOW + 120, 7)];
    assert_eq!(cpu_of(home.path(), HOUR, NOW + 130), expected);
    assert_eq!(cpu_of(home.path(), DAY, NOW + 130), [(NOW, 30), (NOW + 120, 7)]);
    let day = read(home.path(), 3, "a", DAY, NOW + 130).unwrap();
    let http = Some(Http { rate: 105, latency: 240 });
    assert_eq!(day[0].usage, Usage { cpu: 30, memory: 120, restarts: 1, http });
    assert_eq!(day[1].usage.http, None, "it did not measure them");
}

#[test]
fn what_is_left_of_the_round_before_is_not_told() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), 3, "a", NOW, usage(5)).unwrap();
    assert_eq!(cpu_of(home.path(), HOUR, NOW + 3590), [(NOW, 5)]);
    assert_eq!(cpu_of(home.path(), HOUR, NOW + 3600), []);
    assert_eq!(cpu_of(home.path(), DAY, NOW + 3600), [(NOW, 5)]);
    assert_eq!(cpu_of(home.path(), DAY, NOW + 24 * 3600), []);
    // A clock that was set back.
    assert_eq!(cpu_of(home.path(), DAY, NOW - 120), []);
}

#[test]
fn another_app_with_the_number_begins_anew() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), 3, "a", NOW, usage(5)).unwrap();
    put(home.path(), 3, "b", NOW + 10, usage(6)).unwrap();
    assert_eq!(cpu_of(home.path(), HOUR, NOW + 10), []);
    let of_b = read(home.path(), 3, "b", HOUR, NOW + 10).unwrap();
    assert_eq!(of_b, [Sample { at: NOW + 10, usage: usage(6) }]);
}

#[test]
fn a_file_that_is_no_history_or_was_cut_is_begun_anew_and_a_link_is_not_followed() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), 3, "a", NOW, usage(5)).unwrap();
    let path = path(home.path(), 3);
    let whole = fs::read(&path).unwrap();
    for damage in ["".as_bytes(), b"nonsense", &whole[..HEAD + 1000]] {
        fs::write(&path, damage).unwrap();
        assert_eq!(cpu_of(home.path(), HOUR, NOW), []);
        put(home.path(), 3, "a", NOW, usage(6)).unwrap();
        assert_eq!(cpu_of(home.path(), HOUR, NOW), [(NOW, 6)]);
    }
    fs::remove_file(&path).unwrap();
    let elsewhere = home.path().join("elsewhere");
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert!(put(home.path(), 3, "a", NOW, usage(5)).is_err());
    assert!(!elsewhere.exists());
}

#[test]
fn the_file_of_who_is_gone_goes_after_a_day() {
    let home = tempfile::tempdir().unwrap();
    for id in [1, 2, 3] {
        put(home.path(), id, "a", NOW, usage(5)).unwrap();
    }
    let long_ago = SystemTime::now() - KEPT - Duration::from_secs(1);
    for id in [1, 2] {
        File::open(path(home.path(), id)).unwrap().set_modified(long_ago).unwrap();
    }
    forget_others(home.path(), |id| id == 1).unwrap();
    let there = [1, 2, 3].map(|id| path(home.path(), id).exists());
    assert_eq!(there, [true, false, true]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the times of the figures, a ring has the last of each step, and none beside.
    #[test]
    fn a_ring_has_the_last_figure_of_every_step_that_it_reaches_back_to(
        times in proptest::collection::vec((0_u64..8000, 0_u32..1000), 1..80),
    ) {
        let home = tempfile::tempdir().unwrap();
        let mut last = BTreeMap::new();
        let mut times = times;
        times.sort_by_key(|(at, _)| *at);
        for (at, cpu) in &times {
            put(home.path(), 3, "a", NOW + at, usage(*cpu)).unwrap();
            last.insert((NOW + at) / 10 * 10, *cpu);
        }
        let now = NOW + times.last().unwrap().0;
        let first = (now / 10 - 359) * 10;
        let expected: Vec<(u64, u32)> = last.range(first..).map(|(at, cpu)| (*at, *cpu)).collect();
        prop_assert_eq!(cpu_of(home.path(), HOUR, now), expected);
        prop_assert!(fs::metadata(path(home.path(), 3)).unwrap().len() < 27 << 10);
    }
}
