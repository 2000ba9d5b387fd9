//! Facts about a listener that must be known after our death, beside its descriptor.

use ostler_wire::node::outgoing::Sockname;
use serde::{Deserialize, Serialize};

use super::listener::{Listener, State};
use super::{Key, ListenerKind};
use crate::{GroupId, ListenerId, WorkerId};

/// Version of the encoding. One that is not known is refused: the listener is then opened anew by
/// its workers' successors.
const VERSION: u32 = 1;

/// One open listener. To be stored with its descriptor at each `ListenerMetaChanged`, and given
/// back to [`Primary::restore`](crate::Primary::restore) after our death.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerMeta {
    /// Its name. Workers know it by that, so it stays.
    pub listener: ListenerId,
    /// Which calls mean it.
    pub key: Key,
    /// The kind of socket.
    pub kind: ListenerKind,
    /// Where it is, for TCP and UDP.
    pub sockname: Option<Sockname>,
    /// Raw JSON that every worker of it gets.
    pub data: Option<String>,
    /// The workers that have it, and whether each has the socket itself.
    pub workers: Vec<(WorkerId, bool)>,
    /// The number of the query by which a worker got it.
    pub asked: Vec<(WorkerId, i64)>,
    /// The apps that want it open.
    pub groups: Vec<GroupId>,
}

/// Why bytes are no [`ListenerMeta`].
#[derive(Debug)]
pub enum MetaError {
    /// Not the JSON that was expected.
    Json(serde_json::Error),
    /// Written by a version that is not known.
    Version(u32),
}

impl std::fmt::Display for MetaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(error) => write!(f, "stored listener is not readable: {error}"),
            Self::Version(version) => {
                write!(f, "stored listener has version `{version}`, known is `{VERSION}`")
            }
        }
    }
}

impl std::error::Error for MetaError {}

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    v: u32,
    id: u64,
    key: Key,
    kind: ListenerKind,
    name: Option<(std::net::IpAddr, u16)>,
    data: Option<String>,
    workers: Vec<(u64, bool)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    asked: Vec<(u64, i64)>,
    /// Where it is missing, the app that opened it is the one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<u32>>,
}

#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

impl ListenerMeta {
    /// As bytes for the keeper; some 200, and what the app gave as `data`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let stored = Stored {
            v: VERSION,
            id: self.listener.0,
            key: self.key.clone(),
            kind: self.kind.clone(),
            name: self.sockname.as_ref().map(|name| (name.address, name.port)),
            data: self.data.clone(),
            workers: self.workers.iter().map(|(worker, shared)| (worker.0, *shared)).collect(),
            asked: self.asked.iter().map(|(worker, seq)| (worker.0, *seq)).collect(),
            groups: (self.groups != [self.listener.opener()])
                .then(|| self.groups.iter().map(|group| group.0).collect()),
        };
        // Strings, numbers and lists of them always have a JSON form.
        serde_json::to_vec(&stored).unwrap_or_default()
    }

    /// Back from [`ListenerMeta::to_bytes`].
    ///
    /// # Errors
    /// When the bytes are not what that function writes, or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MetaError> {
        let Versioned { v } = serde_json::from_slice(bytes).map_err(MetaError::Json)?;
        if v != VERSION {
            return Err(MetaError::Version(v));
        }
        let stored: Stored = serde_json::from_slice(bytes).map_err(MetaError::Json)?;
        let opener = || vec![ListenerId(stored.id).opener()];
        let groups = |groups: Vec<u32>| groups.into_iter().map(GroupId).collect();
        Ok(Self {
            groups: stored.groups.map_or_else(opener, groups),
            listener: ListenerId(stored.id),
            key: stored.key,
            kind: stored.kind,
            sockname: stored.name.map(|(address, port)| Sockname { address, port }),
            data: stored.data,
            workers: stored
                .workers
                .into_iter()
                .map(|(worker, shared)| (WorkerId(worker), shared))
                .collect(),
            asked: stored.asked.into_iter().map(|(worker, seq)| (WorkerId(worker), seq)).collect(),
        })
    }

    pub(super) fn of(listener: &Listener) -> Option<Self> {
        match &listener.state {
            State::Waiting { .. } | State::Opening { .. } => None,
            State::Open { sockname } => Some(Self {
                listener: listener.id,
                key: listener.key.clone(),
                kind: listener.kind.clone(),
                sockname: sockname.clone(),
                data: listener.data.clone(),
                workers: listener.users.iter().map(|user| (user.worker, user.shared)).collect(),
                asked: listener
                    .users
                    .iter()
                    .filter_map(|user| Some((user.worker, user.asked?)))
                    .collect(),
                groups: listener.groups.clone(),
            }),
        }
    }
}
