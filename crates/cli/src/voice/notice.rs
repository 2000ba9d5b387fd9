//! The facts that a command tells.

use std::path::Path;

use ostler_wire::control::{Connections, Doing, Failure, Step};

use super::{
    Act, DeployNotice, MigrationNotice, ModuleNotice, Planned, Problem, ReleaseNotice, Selector,
    ServiceNotice, SettingNotice, Subject, TalkNotice, Target,
};

/// What is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Under {
    /// Something that the daemon does.
    Way,
    /// A wait for apps.
    Wait,
}

/// How it stands with a process that is to become ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is ready.
    Ready,
    /// It did what it was started for, and has ended.
    Finished,
    /// It will not be.
    Failed,
    /// Not yet: that is what it does.
    Does(&'static str),
}

/// A fact that a command tells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Notice<'a> {
    /// No daemon runs, and one is being started.
    DaemonStarting { home: &'a Path },
    /// The daemon that was started answers.
    DaemonStarted { home: &'a Path },
    /// The daemon died under the request, and its successor is asked.
    DaemonReplaced,
    /// One daemon after the other ends before it answers, and the next is waited for.
    DaemonsEnd,
    /// A part of the manager takes its time, and the user waits for it.
    Waits { text: &'a str },
    /// The user interrupted the command in the middle of this.
    Interrupted { under: Under },
    /// Others may look into the home.
    HomeOpen { home: &'a Path },
    /// Something is being done with processes of the list. `selector`: PM2 announces it.
    Begun { act: Act, selector: Option<Selector<'a>>, targets: &'a [Target] },
    /// A script is being started.
    StartsScript { script: &'a str, mode: &'a str, app: Planned },
    /// Apps of a process file that are not in the list are being started.
    StartsMissing { apps: &'a [Planned] },
    /// Saved apps are being started, or (`act`) those of a file that was exported.
    Resurrects { act: Act, path: &'a Path },
    /// The environment of processes stays what it was.
    KeepsEnvironment,
    /// An app was started. `asked`: how many processes it was to have; `of_file`: it is one of
    /// a process file.
    Started { name: &'a str, ids: &'a [u32], asked: u32, of_file: bool },
    /// A process of an app is being started, or is up.
    Starts { id: u32, name: &'a str, up: bool },
    /// What is under way with a process.
    Does { id: u32, name: &'a str, what: &'a Doing },
    /// What is brought back of a list, which has so many processes; what rests is not started.
    Restores { targets: &'a [Target], saved: usize, before: bool },
    /// What is done now is followed by a scale of the same app, and both have one end.
    ScalesNext,
    /// The app that is scaled is to have so many processes.
    ScalesTo { processes: usize },
    /// The first run of a process ended before it was ready.
    EndedEarly { id: u32 },
    /// It is looked whether what was started just now holds.
    Looks,
    /// The daemon has done what was begun; its end is told when the apps are ready.
    BroughtUp,
    /// It is waited until these processes are ready.
    Awaits { targets: &'a [Target] },
    /// How it stands with a process that is to become ready.
    Stands { id: u32, stand: Standing },
    /// It is done with this process, and that became of its connections.
    Acted { id: u32, name: &'a str, connections: Connections },
    /// A reload is over, in which this process was replaced: its steps have told it.
    Replaced { id: u32, name: &'a str },
    /// A scale added or removed this process.
    Scaled { id: u32, name: &'a str, added: bool, connections: Connections },
    /// The counters of this process are being set to zero.
    Resets { id: u32 },
    /// A step of a reload.
    Stepped { id: u32, name: &'a str, step: &'a Step },
    /// A saved app was started.
    Restored { name: &'a str, script: &'a str },
    /// Something could not be done.
    Missed { subject: Subject<'a>, error: &'a Failure },
    /// What was begun is over. `failed`: a part of it could not be done; `urls`: where apps answer.
    Finished { act: Act, failed: bool, urls: &'a [String] },
    /// An app is ready, with so many processes; with none it did what it was started for, and has
    /// ended. `urls`: where it answers.
    Ready { name: &'a str, processes: usize, urls: &'a [String] },
    /// So many apps are ready, with so many processes.
    AllReady { apps: usize, processes: usize },
    /// A canary of this app serves, and the user decides.
    CanaryWaits { app: &'a str },
    /// Attributes that ask for something which is not done yet.
    NotYet { text: &'a str },
    /// The list is empty.
    NoApps,
    /// The list is being saved.
    Saves,
    /// The list was saved. `apps`: how many it holds.
    Saved { path: &'a str, apps: usize },
    /// The list is empty, and was not saved.
    NothingToSave,
    /// There is no list that could be started, which is no failure.
    NothingSaved { problem: &'a Problem },
    /// The saved list was emptied.
    DumpCleared { path: &'a Path },
    /// The daemon's own log is being emptied.
    FlushesOwn { log: &'a Path },
    /// The logs of a process are being emptied.
    Flushes { files: Vec<&'a str> },
    /// Log files were emptied; so many.
    Flushed { files: usize },
    /// Log files are being opened again.
    ReopensLogs,
    /// Log files were opened again.
    ReopenedLogs,
    /// Nothing of the manager runs any more. `home`: in which home; `ran`: something ran before.
    Killed { home: &'a Path, ran: bool },
    /// Daemon and keeper are of this program now.
    Updated,
    /// The daemon answers.
    Pong { version: &'a str, pid: u32 },
    /// What a newcomer may do next: commands, and what for.
    FirstSteps { steps: &'a [(String, &'static str)] },
    /// A file was written that is to begin with, or to be taken elsewhere.
    Generated { path: &'a Path },
    /// Something about a deployment.
    Deploy(DeployNotice<'a>),
    /// The files of a folder are served.
    Serves { folder: &'a Path, port: u16 },
    /// Something about another version that git brings.
    Release(ReleaseNotice<'a>),
    /// Something that was said to processes.
    Talk(TalkNotice<'a>),
    /// Something about the service of an init system.
    Service(ServiceNotice<'a>),
    /// Something about modules.
    Module(ModuleNotice<'a>),
    /// Something about a move from PM2, or back.
    Migration(MigrationNotice<'a>),
    /// Something about settings.
    Setting(SettingNotice<'a>),
    /// Something that the user should know. `apart`: also PM2's name says it on standard error.
    Warning { text: &'a str, hint: Option<&'a str>, apart: bool },
    /// A profile of a process is being taken.
    TakesProfile { name: &'a str, id: u32, ms: u64 },
    /// It is written.
    TookProfile { file: &'a Path },
    /// What is done, where that is not what was written.
    Note { text: &'a str },
    /// Why something is not done.
    Problem(&'a Problem),
}
