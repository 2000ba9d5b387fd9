//! Listening sockets: opened for workers, kept by the keeper.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_cluster::{ListenerId, ListenerKind};
use ostler_core::AppId;
use ostler_poll::Interest;
use rustix::io::Errno;

use super::listener::Listener;
use super::{Node, Parts, opener, sockets};
use crate::budget::Full;
use crate::keeper::Keeper;
use crate::reports::Report;
use crate::rights::Rights;
use crate::sys::Turn;
use crate::tokens::Polled;
use crate::{clock, daemon_log, sys};

impl Node {
    pub(super) fn open_listener(
        &mut self,
        id: ListenerId,
        kind: &ListenerKind,
        parts: &mut Parts<'_>,
    ) {
        let app = opener(id);
        let configured = match kind {
            ListenerKind::Fd { number, udp: false } => {
                let table = self.fds.get(&app);
                let number = u32::try_from(*number).ok();
                number.and_then(|number| table?.get(&number)).map(sockets::kind_of)
            }
            _ => None,
        };
        let rights = self.rights_of(app);
        let open = if self.primary.lingers(clock::monotonic()) {
            sockets::open_beside
        } else {
            sockets::open
        };
        let full = parts.runs.check_listeners(self.listeners.len() + 1).err();
        let opened = match &configured {
            _ if full.is_some() => Err(Errno::MFILE),
            Some(named) => open(named),
            None => rights.open(kind, open),
        };
        let kind = configured.as_ref().unwrap_or(kind);
        let opened = opened.or_else(|error| self.sharing.instead(id, kind, error));
        let now = clock::monotonic();
        let error = opened.as_ref().err().copied();
        let result = opened.map_err(|error| -error.raw_os_error());
        let result = result.map(|(fd, name)| {
            self.add_listener(id, fd);
            name
        });
        let told = self.primary.handle_opened(now, id, result, &mut self.queue);
        match error {
            // Before any worker hears of it: a socket that only we have would die with us.
            None => self.keep_listener(id, true, parts.keeper),
            Some(error) if told => {
                let full = full.map(|full| format!("{full}; {}", Full::HINT));
                let hint = full.or_else(|| rights.hint(kind, error));
                let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
                let why = format!("{kind}: {error}{hint}");
                let holder = (error == Errno::ADDRINUSE).then(|| self.holder(kind, &rights));
                let holder = holder.flatten();
                parts.reports.push_back(Report::CannotListen { app, why, holder });
            }
            // It may be what we left behind.
            Some(_) => {
                if let ListenerKind::Unix { path, .. } = kind {
                    sockets::unlink_stale(path, &rights);
                }
            }
        }
    }

    /// Returns the app of another user that has this address.
    fn holder(&self, kind: &ListenerKind, rights: &Rights) -> Option<AppId> {
        let address = kind.to_string();
        let is_open = |id: &ListenerId| self.listeners.contains_key(&id.0);
        let mut same = self.primary.listeners().filter(|(_, key)| key.to_string() == address);
        same.find_map(|(id, _)| {
            let app = opener(id);
            (is_open(&id) && !self.rights_of(app).has_user_of(rights)).then_some(app)
        })
    }

    /// Takes a socket in.
    pub fn add_listener(&mut self, id: ListenerId, fd: OwnedFd) {
        let mut socket = self.poll.unwatched(Rc::new(fd), Polled::Listener(id.0));
        if let Err(error) = socket.set_or_owe(Interest::READ.edge()) {
            daemon_log::error(format!("a listening socket cannot be watched: {error}"));
        }
        let listener = Listener { socket, accepting: false, ready: true, queued: false };
        self.listeners.insert(id.0, listener);
        self.update_turn();
    }

    /// Gives all sockets to a new keeper.
    pub fn keep_listeners(&self, keeper: &mut Keeper) {
        for id in self.listeners.keys() {
            self.keep_listener(ListenerId(*id), true, keeper);
        }
    }

    /// How many listening sockets there are.
    pub fn count_listeners(&self) -> usize {
        self.listeners.len()
    }

    /// Gives a socket, or what changed about it, to the keeper.
    pub(super) fn keep_listener(&self, id: ListenerId, new: bool, keeper: &mut Keeper) {
        let meta = self.primary.listener_meta(id);
        let Some(meta) = meta.map(|meta| meta.to_bytes()) else { return };
        let name = listener_name(id);
        if !new {
            return keeper.set_meta(name, meta);
        }
        if let Some(listener) = self.listeners.get(&id.0) {
            keeper.put(name, meta, listener.socket.try_clone());
        }
    }

    /// Whether a new worker warms up, which takes a processor for milliseconds at a time.
    pub fn set_warming(&mut self, warming: bool) {
        self.warming = warming;
        self.update_turn();
    }

    /// While there are connections to hand over, workers go before us. Woken by every single one,
    /// we would stop the worker that is about to take the last one: five thousand changes a
    /// second, each for one connection. Last in turn, we find several at once, for a third of the
    /// time. Behind a worker that warms up, though, the clients of all others would wait.
    pub(super) fn update_turn(&mut self) {
        let turn = match (self.warming, self.listeners.is_empty()) {
            (true, _) => Turn::First,
            (false, true) => Turn::Usual,
            (false, false) => Turn::Last,
        };
        if std::mem::replace(&mut self.turn, turn) == turn {
            return;
        }
        if let Err(error) = sys::set_turn(turn) {
            daemon_log::error(format!("could not change the scheduling of the daemon: {error}"));
        }
    }

    pub(super) fn rights_of(&self, app: AppId) -> Rights {
        self.rights.get(&app).cloned().unwrap_or_default()
    }
}

/// The name of a socket in the keeper.
pub(super) fn listener_name(id: ListenerId) -> String {
    format!("listener/{}/{}", opener(id).0, id.0)
}
