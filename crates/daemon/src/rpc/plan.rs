//! What a call means: a request to the model, an answer at once, or something to be done.

use std::collections::BTreeSet;

use ostler_core::{Phase, ProcId, RunId};
use ostler_pm2::rpc::{
    Addressee, Answer, Asked, Changes, Message, Method, PM2_VERSION, Profile, Slot, asked_of_agent,
};
use ostler_wire::control::{Action, Change, ProfileKind, ReloadOptions, Request, ScaleTo, Watch};
use serde_json::{Map, Value as Json, json};

use super::Then;
use crate::model::Model;

/// What is to be done about a call.
#[derive(Debug)]
pub enum Plan {
    /// It is answered.
    Answer(Answer),
    /// It has no answer.
    Silence,
    /// The model works on it.
    Ask(Request, Then),
    /// Something is done, and it is answered.
    Do(Deed),
}

/// Something that is done at once.
#[derive(Debug)]
pub enum Deed {
    /// Every process is shown, as it is now.
    List,
    /// What the daemon says of itself.
    Report,
    /// A signal is sent to runs.
    Signal(Vec<RunId>, i32),
    /// Bytes are sent to runs; what is answered.
    Send(Vec<RunId>, Vec<u8>, Answer),
    /// The same a moment after the answer, to some runs these bytes, to others those.
    SendLater(Vec<(Vec<RunId>, Vec<u8>)>, Answer),
    /// A line is written to the standard input of a run; the packet that has it is answered.
    Input { slot: Slot, run: RunId, packet: Map<String, Json> },
    /// Something is said on the bus of a process.
    Notify {
        /// The process that it is said of.
        id: ProcId,
        /// What was done to it.
        event: String,
        /// A person did it.
        manually: bool,
    },
    /// A process is shown as monitored, or not.
    Monitor(ProcId, bool),
    /// Files of processes are watched from now on, or not.
    Watch(Vec<ProcId>, Watch),
    /// Log files are opened again.
    ReloadLogs,
    /// Everything ends; the process of this number is told.
    Kill(Option<u32>),
}

/// What a call means now.
pub fn plan(asked: Result<Asked, String>, model: &Model) -> Plan {
    let method = match asked {
        Ok(Asked::Methods) => return Plan::Answer(Answer::Methods),
        Ok(Asked::Method(method)) => method,
        Err(why) => return refuse(why),
    };
    planned(method, model).unwrap_or_else(refuse)
}

fn refuse(why: impl Into<String>) -> Plan {
    Plan::Answer(Answer::Error(why.into()))
}

fn planned(method: Method, model: &Model) -> Result<Plan, String> {
    let unknown = |slot: &Slot| format!("{slot} id unknown");
    Ok(match method {
        Method::Ping => Plan::Answer(Answer::of(&json!({ "msg": "pong" }))),
        Method::GetVersion => Plan::Answer(Answer::of(&json!(PM2_VERSION))),
        Method::GetReport => Plan::Do(Deed::Report),
        Method::GetMonitorData => Plan::Do(Deed::List),
        Method::GetSystemData => Plan::Answer(Answer::of(&json!({}))),
        Method::Prepare(record) => prepare(record, model)?,
        Method::Start(slot) => start(known(&slot, model, unknown)?, model)?,
        Method::Stop(slot) => {
            let id = known(&slot, model, |slot| format!("{slot} : id unknown"))?;
            act(Action::Stop, id, Then::element(id))
        }
        Method::Restart(slot, changes) => {
            let id = known(&slot, model, |_| "God db process id unknown".to_owned())?;
            let (ids, change) = (vec![id.0], change_of(changes)?);
            let request = Request::Act { action: Action::Restart, ids, change, ticket: None };
            Plan::Ask(request, Then::spawned(id))
        }
        Method::Reload(slot, changes) => {
            let id = known(&slot, model, |_| "PM2 ID unknown".to_owned())?;
            // PM2's client reloads the processes of an app one by one, two at a time.
            let options = ReloadOptions { wait: true, ..ReloadOptions::default() };
            let (ids, change) = (vec![id.0], change_of(changes)?);
            let request = Request::Reload { ids, change, options, ticket: None };
            Plan::Ask(request, Then::spawned(id))
        }
        Method::Delete(slot) => {
            let id = known(&slot, model, |slot| format!("{slot} : id unknown"))?;
            let element =
                model.known().element(id).ok_or_else(|| format!("{slot} : id unknown"))?;
            act(Action::Delete, id, Then::gone(element))
        }
        Method::Duplicate(slot) => duplicate(known(&slot, model, unknown)?, model)?,
        Method::Reset(slot) => act(Action::Reset, known(&slot, model, unknown)?, Then::list()),
        Method::SendLine(slot, packet) => {
            let id = known(&slot, model, |slot| format!("Process with ID <{slot}> unknown."))?;
            let run = run_of(id, model);
            let run = run.ok_or_else(|| format!("Process with ID <{slot}> offline."))?;
            Plan::Do(Deed::Input { slot, run, packet })
        }
        Method::SendData(slot, packet) => send_data(&slot, &packet, model)?,
        Method::SignalId(slot, signal) => {
            let id = known(&slot, model, unknown)?;
            let run = run_of(id, model).ok_or_else(|| format!("process {slot} is not running"))?;
            Plan::Do(Deed::Signal(vec![run], signal_number(&signal)?))
        }
        Method::SignalName(name, signal) => {
            let ids = named(&name, model);
            if ids.is_empty() {
                return Err("Unknown process name".to_owned());
            }
            let runs = ids.into_iter().filter_map(|id| run_of(id, model)).collect();
            Plan::Do(Deed::Signal(runs, signal_number(&signal)?))
        }
        Method::Message(message) => trigger(&message, model)?,
        Method::Watch(slot, how) => {
            let all = || model.registry().procs().map(|(id, _)| id).collect();
            let one = |slot: Slot| known(&slot, model, unknown).map(|id| vec![id]);
            // PM2 has no error for it, and says at a stop what is gone by then.
            let ids = slot.map_or_else(|| Ok(all()), one).unwrap_or_default();
            Plan::Do(Deed::Watch(ids, how))
        }
        Method::Notify(notification) => {
            let id = known(&notification.slot, model, |_| "process id doesnt exists".to_owned())?;
            let (event, manually) = (notification.action, notification.manually);
            Plan::Do(Deed::Notify { id, event, manually })
        }
        Method::NotifyKill => Plan::Silence,
        Method::Monitor(slot, on) => {
            Plan::Do(Deed::Monitor(known(&slot, model, |_| "Unknown pm_id".to_owned())?, on))
        }
        Method::ReloadLogs => Plan::Do(Deed::ReloadLogs),
        Method::Profile(profile) => take_profile(profile, model)?,
        Method::Kill(pid) => Plan::Do(Deed::Kill(pid)),
    })
}

/// The process that a call names.
fn known(slot: &Slot, model: &Model, unknown: impl Fn(&Slot) -> String) -> Result<ProcId, String> {
    let id = slot.number().map(ProcId).filter(|id| model.registry().proc(*id).is_some());
    id.ok_or_else(|| unknown(slot))
}

fn named(name: &str, model: &Model) -> Vec<ProcId> {
    model.registry().procs().filter(|(_, proc)| proc.name == name).map(|(id, _)| id).collect()
}

/// The run that a process has, while it is up or comes up.
pub fn run_of(id: ProcId, model: &Model) -> Option<RunId> {
    model.core().slot(id)?.process().run()
}

fn act(action: Action, id: ProcId, then: Then) -> Plan {
    let (ids, change) = (vec![id.0], Change::default());
    Plan::Ask(Request::Act { action, ids, change, ticket: None }, then)
}

fn prepare(record: Map<String, Json>, model: &Model) -> Result<Plan, String> {
    let name = record.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
    let before: BTreeSet<ProcId> = named(&name, model).into_iter().collect();
    let text = Json::Object(record).to_string();
    let app = serde_json::value::RawValue::from_string(text).map_err(|error| error.to_string())?;
    Ok(Plan::Ask(
        Request::Start {
            apps: vec![app],
            only_new: false,
            each: false,
            doing: false,
            ticket: None,
        },
        Then::added(name, before),
    ))
}

fn start(id: ProcId, model: &Model) -> Result<Plan, String> {
    match model.core().slot(id).map(|slot| slot.process().phase()) {
        Some(Phase::Online { .. }) => Err("process already online".to_owned()),
        Some(Phase::Starting { .. }) => Err("process already started".to_owned()),
        Some(
            Phase::Stopped
            | Phase::Errored
            | Phase::Stopping(_)
            | Phase::Backoff { .. }
            | Phase::Held
            | Phase::Sleeping { .. },
        )
        | None => Ok(act(Action::Restart, id, Then::spawned(id))),
    }
}

fn duplicate(id: ProcId, model: &Model) -> Result<Plan, String> {
    let registry = model.registry();
    let app = registry.app_of(id).and_then(|app| registry.app(app));
    let app = app.ok_or_else(|| format!("{} id unknown", id.0))?;
    let name = format!("{}/{}", app.namespace, app.name);
    let target = ScaleTo::Add(1);
    let request = Request::Scale { name, target, lowest_first: false, doing: false, ticket: None };
    Ok(Plan::Ask(request, Then::duplicate()))
}

fn change_of(changes: Changes) -> Result<Change, String> {
    let Changes { keys, env } = changes;
    let patch = (!keys.is_empty()).then(|| {
        serde_json::value::RawValue::from_string(Json::Object(keys).to_string())
            .map_err(|error| error.to_string())
    });
    let env = (!env.is_empty()).then_some(env);
    Ok(Change { patch: patch.transpose()?, env, ..Change::default() })
}

fn send_data(slot: &Slot, packet: &Json, model: &Model) -> Result<Plan, String> {
    let id = known(slot, model, |slot| format!("Process with ID <{slot}> unknown."))?;
    let run = run_of(id, model).ok_or_else(|| format!("Process with ID <{slot}> offline."))?;
    let answer = Answer::of(&json!({ "success": true, "data": packet }));
    Ok(Plan::Do(Deed::Send(vec![run], line(packet), answer)))
}

fn trigger(message: &Message, model: &Model) -> Result<Plan, String> {
    let Message { to, action, body } = message;
    let has = |run: &RunId| model.known().in_app_of(*run).is_some_and(|of| of.has_action(action));
    let runs: Vec<RunId> = match to {
        Addressee::Id(slot) => {
            let id = known(slot, model, |slot| format!("{slot} id unknown"))?;
            let run = run_of(id, model).ok_or_else(|| format!("{slot} : id offline"))?;
            let name = model.registry().proc(id).map_or("", |proc| proc.name.as_str());
            if !has(&run) {
                return Err(format!("Action doesn't exist {action} for {name}"));
            }
            vec![run]
        }
        Addressee::Name(name) => {
            named(name, model).into_iter().filter_map(|id| run_of(id, model)).filter(has).collect()
        }
    };
    let answer = Answer::of(&json!({ "process_count": runs.len(), "success": true }));
    let is_for_agent =
        |run: &RunId| model.known().in_app_of(*run).is_some_and(|of| of.is_for_agent(action));
    let (agents, apps): (Vec<RunId>, Vec<RunId>) = runs.into_iter().partition(is_for_agent);
    let parts = vec![(apps, line(body)), (agents, line(&asked_of_agent(action, body.get("opts"))))];
    Ok(Plan::Do(Deed::SendLater(parts, answer)))
}

fn take_profile(profile: Profile, model: &Model) -> Result<Plan, String> {
    let Profile { slot, is_heap, ms, file } = profile;
    let slot = slot.ok_or(
        "this daemon is no program of Node: there is no profile of it to take; with the number of \
         a process as `id` one is taken of that",
    )?;
    let ProcId(id) = known(&slot, model, |slot| format!("{slot} id unknown"))?;
    let kind = if is_heap { ProfileKind::Heap } else { ProfileKind::Cpu };
    let then = Then::file(file.clone());
    Ok(Plan::Ask(Request::Profile { id, kind, ms, file }, then))
}

/// A message as an app gets it: one line.
pub fn line(message: &Json) -> Vec<u8> {
    format!("{message}\n").into_bytes()
}

fn signal_number(word: &str) -> Result<i32, String> {
    let unknown = || format!("Error when sending signal (signal unknown): `{word}`");
    ostler_pm2::words::signal_number(word).ok_or_else(unknown)
}
