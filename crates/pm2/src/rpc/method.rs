//! The methods that a client may call.

use ostler_wire::control::Watch;
use serde_json::{Map, Value as Json};

use super::arguments::{Arguments, Changes, Slot, slot_at, text_at};

/// Every method with its arguments.
pub const METHODS: &[(&str, &[&str])] = &[
    ("prepare", &["app"]),
    ("getMonitorData", &["opts"]),
    ("getSystemData", &["opts"]),
    ("startProcessId", &["id"]),
    ("stopProcessId", &["id"]),
    ("restartProcessId", &["opts"]),
    ("deleteProcessId", &["id"]),
    ("sendLineToStdin", &["packet"]),
    ("softReloadProcessId", &["opts"]),
    ("reloadProcessId", &["opts"]),
    ("duplicateProcessId", &["id"]),
    ("resetMetaProcessId", &["id"]),
    ("stopWatch", &["method", "value"]),
    ("startWatch", &["method", "value"]),
    ("toggleWatch", &["method", "value"]),
    ("notifyByProcessId", &["opts"]),
    ("notifyKillPM2", &["opts"]),
    ("monitor", &["id"]),
    ("unmonitor", &["id"]),
    ("msgProcess", &["opts"]),
    ("sendDataToProcessId", &["packet"]),
    ("sendSignalToProcessId", &["opts"]),
    ("sendSignalToProcessName", &["opts"]),
    ("ping", &["opts"]),
    ("getVersion", &["opts"]),
    ("getReport", &["opts"]),
    ("reloadLogs", &["opts"]),
    ("profileCPU", &["opts"]),
    ("profileMEM", &["opts"]),
    ("killMe", &["opts"]),
];

/// A call that makes sense by itself; whether there is such a process is another question.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// Is anybody there?
    Ping,
    /// Which version of PM2's protocol is this?
    GetVersion,
    /// What is known of the daemon.
    GetReport,
    /// Which processes are there?
    GetMonitorData,
    /// What the machine does.
    GetSystemData,
    /// Adds an app and starts it: its record.
    Prepare(Map<String, Json>),
    /// Starts a process that does not run.
    Start(Slot),
    /// Stops a process.
    Stop(Slot),
    /// Restarts a process, also one that does not run.
    Restart(Slot, Changes),
    /// Reloads a process.
    Reload(Slot, Changes),
    /// Stops and forgets a process.
    Delete(Slot),
    /// Adds an instance to the app of a process.
    Duplicate(Slot),
    /// Zeroes the counters of a process.
    Reset(Slot),
    /// Writes a line to the standard input of a process.
    SendLine(Slot, Map<String, Json>),
    /// Sends a packet to a process.
    SendData(Slot, Json),
    /// Sends a signal to a process.
    SignalId(Slot, String),
    /// Sends a signal to every process of a name.
    SignalName(String, String),
    /// Asks for an action in a process.
    Message(Message),
    /// Files of a process, or of all, are watched from now on, or not, or turned round.
    Watch(Option<Slot>, Watch),
    /// Says on the bus what was done to a process.
    Notify(Notification),
    /// Everything is about to be ended.
    NotifyKill,
    /// Whether a process is shown as monitored.
    Monitor(Slot, bool),
    /// Opens log files again.
    ReloadLogs,
    /// Takes a profile of a process; without one, of the daemon.
    Profile(Profile),
    /// Ends everything; the process of this number is told by a signal.
    Kill(Option<u32>),
}

/// A message that asks for an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Which processes are meant.
    pub to: Addressee,
    /// Name of the action.
    pub action: String,
    /// The message as the app gets it.
    pub body: Json,
}

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// The process of this number.
    Id(Slot),
    /// Every process of a name.
    Name(String),
}

/// A profile that is to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The process that it is of, if one is named.
    pub slot: Option<Slot>,
    /// It is of memory.
    pub is_heap: bool,
    /// For how long, ms.
    pub ms: u64,
    /// The file that it is written to.
    pub file: String,
}

/// What is said on the bus of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The process that it is said of.
    pub slot: Slot,
    /// What was done to it.
    pub action: String,
    /// Whether a person did it.
    pub manually: bool,
}

impl Method {
    /// Reads the arguments of a method, which is one of [`METHODS`].
    pub(super) fn read(name: &str, args: Vec<Json>) -> Result<Self, String> {
        let wanted =
            METHODS.iter().find(|(known, _)| *known == name).map_or(0, |(_, args)| args.len());
        let mut args = Arguments::new(name, args, wanted)?;
        Ok(match name {
            "ping" => Self::Ping,
            "getVersion" => Self::GetVersion,
            "getReport" => Self::GetReport,
            "getMonitorData" => Self::GetMonitorData,
            "getSystemData" => Self::GetSystemData,
            "prepare" => Self::Prepare(args.object()?),
            "startProcessId" => Self::Start(args.slot()?),
            "stopProcessId" => Self::Stop(args.slot()?),
            "restartProcessId" => {
                let (slot, changes) = changed(args, "opts.id not passed to restartProcessId")?;
                Self::Restart(slot, changes)
            }
            "reloadProcessId" | "softReloadProcessId" => {
                let (slot, changes) = changed(args, "PM2 ID unknown")?;
                Self::Reload(slot, changes)
            }
            "deleteProcessId" => Self::Delete(args.slot()?),
            "duplicateProcessId" => Self::Duplicate(args.slot()?),
            "resetMetaProcessId" => Self::Reset(args.slot()?),
            "sendLineToStdin" => line(args.object()?)?,
            "sendDataToProcessId" => data(args.object()?)?,
            "sendSignalToProcessId" | "sendSignalToProcessName" => signal(&args.object()?)?,
            "msgProcess" => Self::Message(message(args.object()?)?),
            "stopWatch" => Self::Watch(watched(&mut args), Watch::Off),
            "startWatch" => Self::Watch(watched(&mut args), Watch::On),
            "toggleWatch" => Self::Watch(watched(&mut args), Watch::Toggle),
            "notifyByProcessId" => Self::Notify(notification(&args.object()?)?),
            "notifyKillPM2" => Self::NotifyKill,
            "monitor" | "unmonitor" => Self::Monitor(args.slot()?, name == "monitor"),
            "reloadLogs" => Self::ReloadLogs,
            "profileCPU" | "profileMEM" => profile(&args.object()?, name == "profileMEM")?,
            "killMe" => {
                let pid = args.next().get("pid").and_then(Json::as_u64);
                Self::Kill(pid.and_then(|pid| pid.try_into().ok()))
            }
            unknown => return Err(format!("method \"{unknown}\" does not exist")),
        })
    }
}

/// The process of which files are watched: a number, or an object with it; all where there is none.
fn watched(args: &mut Arguments<'_>) -> Option<Slot> {
    args.next();
    match args.next() {
        Json::Object(map) => slot_at(&map, "id"),
        value => slot_at(&Map::from_iter([("id".to_owned(), value)]), "id"),
    }
}

fn changed(mut args: Arguments<'_>, missing: &str) -> Result<(Slot, Changes), String> {
    let mut opts = args.object()?;
    let slot = slot_at(&opts, "id").ok_or(missing)?;
    Ok((slot, Changes::read(opts.remove("env"))?))
}

fn line(packet: Map<String, Json>) -> Result<Method, String> {
    match (slot_at(&packet, "pm_id"), text_at(&packet, "line")) {
        (Some(slot), Some(_)) => Ok(Method::SendLine(slot, packet)),
        (_, _) => Err("pm_id or line field missing".to_owned()),
    }
}

fn data(packet: Map<String, Json>) -> Result<Method, String> {
    let has = |key: &str| packet.get(key).is_some_and(|value| !value.is_null());
    match slot_at(&packet, "id") {
        Some(slot) if has("data") && has("topic") => {
            Ok(Method::SendData(slot, Json::Object(packet)))
        }
        Some(_) | None => Err("ID, DATA or TOPIC field is missing".to_owned()),
    }
}

fn signal(opts: &Map<String, Json>) -> Result<Method, String> {
    let signal = text_at(opts, "signal").ok_or("signal field is missing")?;
    match (slot_at(opts, "process_id"), text_at(opts, "process_name")) {
        (Some(slot), _) => Ok(Method::SignalId(slot, signal)),
        (None, Some(name)) => Ok(Method::SignalName(name, signal)),
        (None, None) => Err("process_id or process_name field is missing".to_owned()),
    }
}

fn message(opts: Map<String, Json>) -> Result<Message, String> {
    let action = text_at(&opts, "msg").ok_or("msg field is missing")?;
    let to = match (slot_at(&opts, "id"), text_at(&opts, "name")) {
        (Some(slot), _) => Addressee::Id(slot),
        (None, Some(name)) => Addressee::Name(name),
        (None, None) => return Err("method requires name or id field".to_owned()),
    };
    let given = |key: &str| opts.get(key).is_some_and(|value| !value.is_null());
    // Without parameters an app gets the bare name, as in PM2.
    let bare = !given("opts") && !given("uuid");
    let body = if bare { Json::String(action.clone()) } else { Json::Object(opts) };
    Ok(Message { to, action, body })
}

fn profile(opts: &Map<String, Json>, is_heap: bool) -> Result<Method, String> {
    /// PM2's usual time, ms.
    const USUAL: u64 = 10_000;
    let file = text_at(opts, "pwd").ok_or("pwd field is missing")?;
    let ms = opts.get("timeout").and_then(Json::as_u64).unwrap_or(USUAL);
    Ok(Method::Profile(Profile { slot: slot_at(opts, "id"), is_heap, ms, file }))
}

/// What the agent in an app of Node gets that is asked for an action, and the app does not see.
#[must_use]
pub fn asked_of_agent(action: &str, opts: Option<&Json>) -> Json {
    serde_json::json!({ "cmd": "NODE_OSTLER", "act": "action", "action": action, "opts": opts })
}

/// What a process gets that is asked for an action.
#[must_use]
pub fn asked_for(id: u32, action: &str, params: Option<&str>) -> Json {
    match params {
        // Without parameters an app gets the bare name, as in PM2.
        None => Json::String(action.to_owned()),
        Some(params) => serde_json::json!({ "id": id, "msg": action, "opts": params }),
    }
}

fn notification(opts: &Map<String, Json>) -> Result<Notification, String> {
    let slot = slot_at(opts, "id").ok_or("process id missing")?;
    let action = text_at(opts, "action_name").unwrap_or_default();
    let manually = opts.get("manually").and_then(Json::as_bool).unwrap_or(false);
    Ok(Notification { slot, action, manually })
}
