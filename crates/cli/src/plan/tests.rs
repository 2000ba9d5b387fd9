use super::*;
use crate::view::sample::sample;

/// The step for an app with these processes, differences and attributes.
fn step(phases: &[Phase], found: Differences, change: impl Fn(&mut AppSpec)) -> Step {
    let mut list = Vec::new();
    for (phase, id) in phases.iter().zip(0..) {
        let mut process = sample(id, "api");
        process.phase = *phase;
        list.push(process);
    }
    let mut spec = AppSpec::new("/srv/api.js".into(), "/srv".into());
    spec.name = "api".to_owned();
    change(&mut spec);
    Step::known(&list.iter().collect::<Vec<_>>(), found, spec)
}

fn changed() -> Differences {
    Differences { changed: vec!["script a → b".to_owned()], ..Differences::default() }
}

fn scaled() -> Differences {
    let scaled_shown = "instances 2 → 3".to_owned();
    Differences { scaled: Some(3), scaled_shown, ..Differences::default() }
}

#[test]
fn what_is_as_the_file_says_is_left_alone() {
    let up = [Phase::Online, Phase::Starting, Phase::Backoff { due_in: 1 }];
    let step = step(&up, Differences::default(), |_| ());
    assert_eq!((step.deed.word(), step.deed.is_nothing()), ("unchanged", true));
}

#[test]
fn a_cluster_is_reloaded_and_anything_else_restarted() {
    let cluster = |spec: &mut AppSpec| spec.exec_mode = ExecMode::Cluster;
    assert_eq!(step(&[Phase::Online], changed(), cluster).deed.word(), "reload");
    let fork = |spec: &mut AppSpec| spec.exec_mode = ExecMode::Fork;
    assert_eq!(step(&[Phase::Online], changed(), fork).deed.word(), "restart");
    assert_eq!(step(&[Phase::Stopped], changed(), cluster).deed.word(), "start");
}

#[test]
fn only_what_does_not_run_is_started() {
    let step = step(&[Phase::Online, Phase::Errored], Differences::default(), |_| ());
    assert_eq!(
        (step.deed.word(), step.changes.as_slice()),
        ("start", &["1 of 2 do not run".into()][..])
    );
    assert!(matches!(step.deed, Deed::Again { ids, .. } if ids == [1]));
}

#[test]
fn a_job_that_has_ended_and_what_is_started_by_hand_stay_as_they_are() {
    let job = |spec: &mut AppSpec| spec.policy.autorestart = false;
    let by_hand = |spec: &mut AppSpec| spec.autostart = false;
    assert_eq!(step(&[Phase::Stopped], Differences::default(), job).deed.word(), "unchanged");
    assert_eq!(step(&[Phase::Stopped], Differences::default(), by_hand).deed.word(), "unchanged");
}

#[test]
fn a_number_alone_restarts_nothing() {
    let step = step(&[Phase::Online, Phase::Online], scaled(), |_| ());
    assert_eq!(
        (step.deed.word(), step.changes.as_slice()),
        ("scale", &["instances 2 → 3".into()][..])
    );
}

#[test]
fn what_counts_only_for_a_new_app_replaces_it() {
    let added = vec!["exec_mode fork → cluster".to_owned()];
    let step = step(&[Phase::Online], Differences { added, ..changed() }, |_| ());
    assert_eq!(step.deed.word(), "replace");
    assert_eq!(step.changes, ["exec_mode fork → cluster", "script a → b"]);
}

#[test]
fn what_is_gone_from_the_file_stays_until_it_is_pruned() {
    let kept = Step::gone("a b".to_owned(), vec![3], false);
    assert_eq!((kept.deed.word(), kept.deed.is_nothing()), ("keep", true));
    assert_eq!(kept.changes[1], "to remove it: `--prune`, or `ostler delete 'a b'`");
    let removed = Step::gone("a b".to_owned(), vec![3], true);
    assert!(matches!(removed.deed, Deed::Remove(ids) if ids == [3]));
}
