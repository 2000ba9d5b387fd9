//! The state once more, from what runs: for when no file of it can be read, and the keeper that
//! held it as well is dead.
//!
//! The list of starts names each run with its slot and has the specifications, so that mostly
//! everything that runs is known as it was. Where it cannot be read either, the saved list knows
//! apps by name. What neither knows is read from the process itself: enough to show it and to start
//! it again, but not for certain what was asked for, so that it is left as it runs. Apps of the
//! saved list of which nothing runs are listed as stopped: nobody knows whether they were stopped
//! or deleted after it was saved, and an app too many in the list is worth less trouble than one
//! that is lost. What was stopped and never saved is in none of these, and is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ostler_core::spec::AppSpec;
use ostler_core::{AppId, ProcId, RunId, SpecId};
use ostler_pm2::dump::Saved;
use ostler_pm2::record::{from_record, to_record};
use serde_json::value::RawValue;

use crate::model::{DroppedLines, SavedProc, State};
use crate::runs::{Meta, Shown};

/// What is known of a run of which something lives.
#[derive(Debug)]
pub(super) struct Trace {
    /// The run's number.
    pub run: RunId,
    /// Its slot, as far as somebody knows it.
    pub slot: Option<ProcId>,
    /// What was noted when it began.
    pub meta: Option<Meta>,
    /// Its first process, if that lives.
    pub shown: Option<Shown>,
}

/// Where specifications are looked for.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    /// Those in the list of starts.
    pub specs: &'a BTreeMap<SpecId, Arc<RawValue>>,
    /// Those in the saved list.
    pub saved: &'a [Saved],
    /// Those of the saved list that are listed also if nothing runs of them.
    pub rest: &'a [Saved],
}

/// The state that was made.
#[derive(Debug)]
pub(super) struct Rebuilt {
    pub state: State,
    /// The run that each slot shows.
    pub runs: BTreeMap<RunId, ProcId>,
    /// Runs that only their own processes tell of.
    pub guessed: BTreeSet<RunId>,
}

/// Makes a state of a boot from what was found.
pub(super) fn rebuild(boot: String, traces: Vec<Trace>, sources: &Sources<'_>) -> Rebuilt {
    let next_spec = sources.specs.keys().last().map_or(1, |last| last.0.saturating_add(1));
    let state = State::empty(boot);
    let (runs, guessed) = (BTreeMap::new(), BTreeSet::new());
    let mut builder =
        Builder { rebuilt: Rebuilt { state, runs, guessed }, apps: BTreeMap::new(), next_spec };
    builder.rebuilt.state.last_run = traces.iter().map(|trace| trace.run.0).max().unwrap_or(0);
    for (slot, trace) in by_slot(traces) {
        builder.add(slot, &trace, sources);
    }
    builder.add_stopped(sources.rest);
    builder.rebuilt
}

/// One run for each slot: the newest whose first process lives, else the newest. Those of which
/// nobody knows the slot get slots of their own, behind the others.
fn by_slot(mut traces: Vec<Trace>) -> BTreeMap<ProcId, Trace> {
    traces.sort_by_key(|trace| (trace.shown.is_some(), trace.run));
    let (known, unknown): (Vec<Trace>, Vec<Trace>) =
        traces.into_iter().partition(|trace| trace.slot.is_some());
    let mut slots: BTreeMap<ProcId, Trace> =
        known.into_iter().filter_map(|trace| Some((trace.slot?, trace))).collect();
    let next = slots.keys().last().map_or(0, |last| last.0.saturating_add(1));
    let own = (next..).map(ProcId);
    slots.extend(own.zip(unknown.into_iter().filter(|trace| trace.shown.is_some())));
    slots
}

struct Builder {
    rebuilt: Rebuilt,
    /// Processes so far of each app, by namespace and name.
    apps: BTreeMap<(String, String), (AppId, u32)>,
    next_spec: u32,
}

impl Builder {
    fn add(&mut self, slot: ProcId, trace: &Trace, sources: &Sources<'_>) {
        let of_list = trace.meta.and_then(|meta| of_list(meta.spec, sources));
        let of_dump = || Some((None, of_dump(trace.shown.as_ref()?, sources)?));
        let certain = of_list.or_else(of_dump);
        let guess = || Some((None, trace.shown.as_ref()?.specification()));
        let is_certain = certain.is_some();
        let Some((id, spec)) = certain.or_else(guess) else { return };
        let Some(id) = self.add_spec(id, &spec) else { return };
        if !is_certain {
            self.rebuilt.guessed.insert(trace.run);
        }
        self.add_proc(slot, trace, id, &spec);
        self.rebuilt.runs.insert(trace.run, slot);
    }

    /// Adds what the saved list has of apps of which nothing runs.
    fn add_stopped(&mut self, saved: &[Saved]) {
        let key = |spec: &AppSpec| (spec.namespace.clone(), spec.name.clone());
        let running: BTreeSet<(String, String)> = self.apps.keys().cloned().collect();
        let last = self.rebuilt.state.procs.iter().map(|proc| proc.id).max();
        let slots = last.map_or(0, |last| last.saturating_add(1))..;
        let stopped = saved.iter().filter(|saved| !running.contains(&key(&saved.spec)));
        for (slot, Saved { spec, instance, waits, .. }) in slots.zip(stopped) {
            let Some(id) = self.add_spec(None, spec) else { continue };
            let trace = Trace { run: RunId(0), slot: None, meta: None, shown: None };
            self.add_proc(ProcId(slot), &trace, id, spec);
            if let Some(proc) = self.rebuilt.state.procs.last_mut() {
                proc.up = false;
                proc.halted = Some(!waits);
                proc.unique_id = format!("slot-{slot}");
                proc.instance = instance.unwrap_or(proc.instance);
            }
        }
    }

    /// Returns the number of the specification in the state; processes of one version share it.
    fn add_spec(&mut self, id: Option<SpecId>, spec: &AppSpec) -> Option<SpecId> {
        let specs = &mut self.rebuilt.state.specs;
        let text = to_record(spec);
        let known = specs.iter().find(|(known, record)| match id {
            Some(id) => *known == id.0,
            None => record.get() == text,
        });
        if let Some((known, _)) = known {
            return Some(SpecId(*known));
        }
        let id = id.map_or(self.next_spec, |id| id.0);
        self.next_spec = self.next_spec.max(id.saturating_add(1));
        specs.push((id, Arc::from(RawValue::from_string(text).ok()?)));
        Some(SpecId(id))
    }

    fn add_proc(&mut self, slot: ProcId, trace: &Trace, spec_id: SpecId, spec: &AppSpec) {
        let variable = |name: &str| Some(trace.shown.as_ref()?.env.get(name)?.clone());
        let number = |name: &str| variable(name)?.parse::<u64>().ok();
        let small = |name: &str| u32::try_from(number(name)?).ok();
        let next = AppId(u32::try_from(self.apps.len()).unwrap_or(u32::MAX).saturating_add(1));
        let key = (spec.namespace.clone(), spec.name.clone());
        let (app, count) = self.apps.entry(key).or_insert((next, 0));
        let (app, instance) = (*app, small(&spec.instance_var).unwrap_or(*count));
        *count += 1;
        let apps = &mut self.rebuilt.state.apps;
        match apps.iter_mut().find(|(id, ..)| *id == app.0) {
            Some((.., newest)) => *newest = (*newest).max(spec_id.0),
            None => apps.push((app.0, spec.namespace.clone(), spec.name.clone(), spec_id.0)),
        }
        self.rebuilt.state.procs.push(SavedProc {
            id: slot.0,
            app: app.0,
            name: variable("name").unwrap_or_else(|| spec.name.clone()),
            instance,
            increment: spec.increment_var.as_deref().and_then(small),
            created_at: number("created_at")
                .unwrap_or_else(|| trace.meta.map_or(0, |meta| meta.since_wall)),
            unique_id: variable("unique_id").unwrap_or_else(|| format!("run-{}", trace.run.0)),
            node_version: None,
            spec: spec_id.0,
            next: None,
            up: true,
            errored: false,
            restarts: trace.meta.map_or(0, |meta| meta.counters.restarts),
            unstable: trace.meta.map_or(0, |meta| meta.counters.unstable),
            backoff: 0,
            removing: false,
            ended: None,
            renewed: None,
            taken: None,
            ending: None,
            due: None,
            sleeping_after: None,
            ended_at: None,
            end_asked: false,
            end_oom: false,
            own_end_at: None,
            last_exit: None,
            core_dump: false,
            not_verified: false,
            over_memory: None,
            unhealthy: None,
            monitored: None,
            halted: None,
            watch: None,
            scheduled: None,
            dependency_lost: false,
            restarted: None,
            failed_reload: None,
            asked_restarts: 0,
            dropped: DroppedLines::default(),
            in_app: None,
            notified: None,
        });
    }
}

fn of_list(id: SpecId, sources: &Sources<'_>) -> Option<(Option<SpecId>, AppSpec)> {
    let spec = from_record(sources.specs.get(&id)?.get(), 1).ok()?;
    Some((Some(id), spec))
}

fn of_dump(shown: &Shown, sources: &Sources<'_>) -> Option<AppSpec> {
    let name = shown.env.get("name")?;
    let namespace = shown.env.get("namespace").map_or("default", String::as_str);
    let is_it = |saved: &&Saved| saved.spec.name == *name && saved.spec.namespace == namespace;
    sources.saved.iter().find(is_it).map(|saved| saved.spec.clone())
}

#[cfg(test)]
mod tests {
    use ostler_core::Role;

    use super::*;
    use crate::model::Counters;

    fn spec(name: &str) -> AppSpec {
        AppSpec { name: name.to_owned(), ..AppSpec::new(format!("/{name}.sh").into(), "/w".into()) }
    }

    fn record(spec: &AppSpec) -> Arc<RawValue> {
        Arc::from(RawValue::from_string(to_record(spec)).unwrap())
    }

    fn shown(env: &[(&str, &str)]) -> Shown {
        let owned = |text: &&str| (*text).to_owned();
        Shown {
            exe: "/usr/bin/sleep".into(),
            args: ["sleep", "7"].iter().map(owned).collect(),
            cwd: "/w".into(),
            env: env.iter().map(|(name, value)| (owned(name), owned(value))).collect(),
            user: None,
        }
    }

    fn trace(run: u64, slot: u32, spec: u32, shown: Option<Shown>) -> Trace {
        let meta = Meta {
            proc: ProcId(slot),
            spec: SpecId(spec),
            role: Role::Current,
            since: 1,
            since_wall: 2,
            ready: true,
            listening: false,
            ending: false,
            cluster: false,
            grouped: false,
            counters: Counters { restarts: 4, unstable: 1, ..Counters::default() },
            log_offsets: [0; 2],
            inspect_port: None,
        };
        Trace { run: RunId(run), slot: Some(ProcId(slot)), meta: Some(meta), shown }
    }

    fn line(rebuilt: &Rebuilt) -> Vec<String> {
        let app = |id: u32| rebuilt.state.apps.iter().find(|app| app.0 == id).unwrap();
        let line = |proc: &SavedProc| {
            let (_, namespace, name, _) = app(proc.app);
            format!("{} {namespace}/{name} {} v{}", proc.id, proc.instance, proc.spec)
        };
        rebuilt.state.procs.iter().map(line).collect()
    }

    #[test]
    fn what_the_list_of_starts_names_is_as_it_was_whatever_it_did_to_its_environment() {
        let specs = BTreeMap::from([(SpecId(5), record(&spec("api")))]);
        let sources = Sources { specs: &specs, saved: &[], rest: &[] };
        let env = [("NODE_APP_INSTANCE", "3"), ("unique_id", "u"), ("created_at", "77")];
        let traces = vec![
            trace(8, 2, 5, Some(shown(&[]))),
            // Its leader is dead, and an older run of its slot is on its way out.
            trace(11, 4, 5, None),
            trace(12, 3, 5, Some(shown(&env))),
            trace(9, 3, 5, Some(shown(&[]))),
        ];
        let rebuilt = rebuild("boot".to_owned(), traces, &sources);
        assert_eq!(
            line(&rebuilt),
            ["2 default/api 0 v5", "3 default/api 3 v5", "4 default/api 2 v5"]
        );
        assert_eq!(rebuilt.state.specs.len(), 1);
        assert_eq!((rebuilt.state.last_run, rebuilt.guessed.len()), (12, 0));
        let runs = rebuilt.runs.iter().map(|(run, slot)| (run.0, slot.0));
        assert_eq!(runs.collect::<Vec<_>>(), [(8, 2), (11, 4), (12, 3)]);
        let proc = &rebuilt.state.procs[1];
        assert_eq!((proc.restarts, proc.created_at, proc.unique_id.as_str()), (4, 77, "u"));
    }

    #[test]
    fn the_saved_list_knows_by_name_what_the_list_of_starts_does_not() {
        let specs = BTreeMap::from([(SpecId(5), record(&spec("other")))]);
        let saved = [Saved {
            spec: spec("api"),
            instance: Some(0),
            number: None,
            stopped: true,
            waits: false,
        }];
        let sources = Sources { specs: &specs, saved: &saved, rest: &[] };
        let env = [("name", "api"), ("namespace", "default")];
        let traces = vec![
            Trace { meta: None, ..trace(8, 1, 0, Some(shown(&env))) },
            Trace { meta: None, ..trace(9, 2, 0, Some(shown(&env))) },
        ];
        let rebuilt = rebuild("boot".to_owned(), traces, &sources);
        assert_eq!(line(&rebuilt), ["1 default/api 0 v6", "2 default/api 1 v6"]);
        assert!(rebuilt.guessed.is_empty() && rebuilt.state.procs.iter().all(|proc| proc.up));
    }

    #[test]
    fn apps_of_the_saved_list_of_which_nothing_runs_are_listed_as_stopped() {
        let specs = BTreeMap::from([(SpecId(5), record(&spec("api")))]);
        let saved = |name: &str, instance| Saved {
            spec: spec(name),
            instance: Some(instance),
            number: None,
            stopped: false,
            waits: false,
        };
        let saved = [saved("api", 0), saved("api", 1), saved("job", 0), saved("job", 1)];
        let sources = Sources { specs: &specs, saved: &saved, rest: &saved };
        let rebuilt = rebuild("boot".to_owned(), vec![trace(8, 2, 5, None)], &sources);
        assert_eq!(
            line(&rebuilt),
            ["2 default/api 0 v5", "3 default/job 0 v6", "4 default/job 1 v6"]
        );
        let up: Vec<bool> = rebuilt.state.procs.iter().map(|proc| proc.up).collect();
        assert_eq!(up, [true, false, false]);
        assert_eq!(rebuilt.runs.len(), 1);
    }

    #[test]
    fn what_nobody_knows_is_read_from_the_process_and_gets_a_slot_of_its_own() {
        let sources = Sources { specs: &BTreeMap::new(), saved: &[], rest: &[] };
        let nobody = |run| Trace {
            run: RunId(run),
            slot: None,
            meta: None,
            shown: Some(shown(&[("PATH", "/bin")])),
        };
        let traces = vec![
            nobody(8),
            nobody(9),
            Trace { shown: None, ..nobody(10) },
            trace(3, 6, 1, Some(shown(&[]))),
        ];
        let rebuilt = rebuild("boot".to_owned(), traces, &sources);
        assert_eq!(
            line(&rebuilt),
            ["6 default/sleep 0 v1", "7 default/sleep 1 v2", "8 default/sleep 2 v2"]
        );
        let guessed = rebuilt.guessed.iter().map(|run| run.0).collect::<Vec<_>>();
        assert_eq!(guessed, [3, 8, 9]);
    }
}
