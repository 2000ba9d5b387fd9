//! What the keeper keeps with a run for the next daemon.
//!
//! It is written when the run is asked for and again whenever it has changed, so it is short; and
//! it may be read by a daemon of another version, so it says which form it has. The first form had
//! no version, names of one letter, and flags in a number.

use ostler_core::{Exit, ProcId, Role, RunId, SeenRun, SpecId};
use serde::{Deserialize, Serialize};

use crate::model::Counters;

/// Version of the form.
const VERSION: u32 = 2;
/// More than a note takes, bytes: so it is written without being moved.
const ROOM: usize = 384;

/// What is noted of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Of which slot.
    pub proc: ProcId,
    /// With which version of the specification.
    pub spec: SpecId,
    /// What it is to its slot.
    pub role: Role,
    /// When it was asked for, on the monotonic clock.
    pub since: u64,
    /// The same, ms since 1970.
    pub since_wall: u64,
    /// It said `ready` or is taken as ready.
    pub ready: bool,
    /// A server of it listens.
    pub listening: bool,
    /// It was asked to end, or is about to be.
    pub ending: bool,
    /// It is a cluster worker.
    pub cluster: bool,
    /// It runs in a control group of its own.
    pub grouped: bool,
    /// Counters of the slot.
    pub counters: Counters,
    /// Lengths of the files of output and of errors when it began.
    pub log_offsets: [u64; 2],
    /// The port of its inspector, if it is a Node that has one.
    pub inspect_port: Option<u16>,
}

impl Meta {
    /// Returns the bytes that the keeper keeps.
    pub fn to_bytes(self) -> Vec<u8> {
        let form = Form {
            version: VERSION,
            proc: self.proc.0,
            spec: self.spec.0,
            role: self.role.into(),
            since: self.since,
            since_wall: self.since_wall,
            ready: self.ready,
            listening: self.listening,
            ending: self.ending,
            cluster: self.cluster,
            grouped: self.grouped,
            restarts: self.counters.restarts,
            unstable: self.counters.unstable,
            ended: self.counters.ended.map(|run| run.0),
            told: self.counters.told.map(|run| run.0),
            stdout_offset: self.log_offsets[0],
            stderr_offset: self.log_offsets[1],
            inspect_port: self.inspect_port,
        };
        let mut bytes = Vec::with_capacity(ROOM);
        // Numbers and words can always be written as JSON.
        _ = serde_json::to_writer(&mut bytes, &form);
        bytes
    }

    /// Returns what the bytes say.
    ///
    /// # Errors
    /// They are not understood, or of a version that is not known.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let Versioned { version } = parse(bytes)?;
        match version {
            None => Self::try_from(parse::<FirstForm>(bytes)?),
            Some(VERSION) => Ok(parse::<Form>(bytes)?.into()),
            Some(other) => Err(format!("it has version {other}, not {VERSION}")),
        }
    }

    /// Returns it in the core's form.
    pub fn seen(&self, run: RunId, exit: Option<Exit>, next: Option<RunId>) -> SeenRun {
        SeenRun {
            run,
            proc: self.proc,
            spec: self.spec,
            role: self.role,
            since: self.since,
            ready: self.ready,
            listening: self.listening,
            ending: self.ending,
            exit,
            next,
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct Versioned {
    #[serde(default)]
    version: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct Form {
    version: u32,
    proc: u32,
    spec: u32,
    role: RoleForm,
    since: u64,
    since_wall: u64,
    ready: bool,
    listening: bool,
    ending: bool,
    cluster: bool,
    grouped: bool,
    restarts: u32,
    unstable: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<u64>,
    #[serde(default)]
    stdout_offset: u64,
    stderr_offset: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inspect_port: Option<u16>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RoleForm {
    Current,
    Candidate,
    Leaving,
}

/// The form without a version.
#[derive(Deserialize)]
struct FirstForm {
    /// Number of the slot.
    p: u32,
    /// Number of the specification.
    s: u32,
    /// The role: 0 current, 1 candidate, 2 leaving.
    r: u8,
    /// When it was asked for, monotonic ms.
    t: u64,
    /// When it was asked for, ms since 1970.
    w: u64,
    /// The flags, from the lowest bit on: ready, listening, ending, cluster, grouped.
    f: u8,
    /// Restarts of the slot so far, and short runs in a row.
    n: (u32, u32),
    /// The length of the error file when it began.
    #[serde(default)]
    e: u64,
}

impl From<Form> for Meta {
    fn from(form: Form) -> Self {
        Self {
            proc: ProcId(form.proc),
            spec: SpecId(form.spec),
            role: form.role.into(),
            since: form.since,
            since_wall: form.since_wall,
            ready: form.ready,
            listening: form.listening,
            ending: form.ending,
            cluster: form.cluster,
            grouped: form.grouped,
            counters: Counters {
                restarts: form.restarts,
                unstable: form.unstable,
                ended: form.ended.map(RunId),
                told: form.told.map(RunId),
            },
            log_offsets: [form.stdout_offset, form.stderr_offset],
            inspect_port: form.inspect_port,
        }
    }
}

impl TryFrom<FirstForm> for Meta {
    type Error = String;

    fn try_from(form: FirstForm) -> Result<Self, String> {
        let [ready, listening, ending, cluster, grouped] =
            [0, 1, 2, 3, 4].map(|bit| form.f & (1 << bit) != 0);
        let role = match form.r {
            0 => Role::Current,
            1 => Role::Candidate,
            2 => Role::Leaving,
            other => return Err(format!("there is no role {other}")),
        };
        Ok(Self {
            proc: ProcId(form.p),
            spec: SpecId(form.s),
            role,
            since: form.t,
            since_wall: form.w,
            ready,
            listening,
            ending,
            cluster,
            grouped,
            counters: Counters { restarts: form.n.0, unstable: form.n.1, ..Counters::default() },
            log_offsets: [0, form.e],
            inspect_port: None,
        })
    }
}

impl From<Role> for RoleForm {
    fn from(role: Role) -> Self {
        match role {
            Role::Current => Self::Current,
            Role::Candidate => Self::Candidate,
            Role::Leaving => Self::Leaving,
        }
    }
}

impl From<RoleForm> for Role {
    fn from(role: RoleForm) -> Self {
        match role {
            RoleForm::Current => Self::Current,
            RoleForm::Candidate => Self::Candidate,
            RoleForm::Leaving => Self::Leaving,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> Meta {
        Meta {
            proc: ProcId(7),
            spec: SpecId(3),
            role: Role::Candidate,
            since: 1_234,
            since_wall: 1_795_000_000_000,
            ready: true,
            listening: false,
            ending: true,
            cluster: true,
            grouped: false,
            counters: Counters { restarts: 5, unstable: 2, ..Counters::default() },
            log_offsets: [0, 99],
            inspect_port: None,
        }
    }

    #[test]
    fn what_is_written_is_read_and_names_say_what_it_means() {
        let bytes = meta().to_bytes();
        assert_eq!(Meta::from_bytes(&bytes), Ok(meta()));
        assert!(bytes.capacity() == ROOM, "it grew");
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            r#"{"version":2,"proc":7,"spec":3,"role":"candidate","since":1234,"#.to_owned()
                + r#""since_wall":1795000000000,"ready":true,"listening":false,"ending":true,"#
                + r#""cluster":true,"grouped":false,"restarts":5,"unstable":2,"#
                + r#""stdout_offset":0,"stderr_offset":99}"#
        );
    }

    #[test]
    fn the_port_of_an_inspector_and_the_last_ends_are_noted() {
        let last = Some(RunId(1 << 53));
        let counters = Counters { ended: last, told: last, ..meta().counters };
        let meta = Meta { inspect_port: Some(9230), counters, ..meta() };
        let bytes = meta.to_bytes();
        assert_eq!(Meta::from_bytes(&bytes), Ok(meta));
        assert!(bytes.capacity() == ROOM, "it grew");
    }

    #[test]
    fn notes_of_the_first_form_still_load() {
        let first = br#"{"p":7,"s":3,"r":1,"t":1234,"w":1795000000000,"f":13,"n":[5,2],"e":99}"#;
        assert_eq!(Meta::from_bytes(first), Ok(meta()));
        let older = br#"{"p":7,"s":3,"r":0,"t":1,"w":2,"f":18,"n":[0,0]}"#;
        let older = Meta::from_bytes(older).unwrap();
        assert_eq!((older.role, older.log_offsets), (Role::Current, [0; 2]));
        assert!(older.listening && older.grouped && !older.ready);
    }

    #[test]
    fn a_role_or_a_version_that_is_not_known_is_an_error() {
        let check = |bytes: &[u8], why: &str| {
            assert_eq!(Meta::from_bytes(bytes), Err(why.to_owned()));
        };
        check(br#"{"p":0,"s":0,"r":3,"t":1,"w":1,"f":0,"n":[0,0]}"#, "there is no role 3");
        check(br#"{"version":3}"#, "it has version 3, not 2");
        let text = String::from_utf8(meta().to_bytes()).unwrap().replace("candidate", "king");
        assert!(Meta::from_bytes(text.as_bytes()).unwrap_err().contains("king"));
        assert!(Meta::from_bytes(b"").is_err());
    }
}
