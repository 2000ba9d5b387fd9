//! Listening sockets: opened for workers, kept by the keeper, closed when nobody wants them.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_cluster::{ListenerId, ListenerKind};
use ostler_core::AppId;
use ostler_poll::Interest;

use super::listener::Listener;
use super::{Node, Parts, app_of, sockets};
use crate::keeper::Keeper;
use crate::reports::Report;
use crate::rights::Rights;
use crate::tokens::Source;
use crate::{daemon_log, sys};

impl Node {
    pub(super) fn open_listener(
        &mut self,
        id: ListenerId,
        kind: &ListenerKind,
        parts: &mut Parts<'_>,
    ) {
        let Some(app) = app_of(id.0) else { return };
        let configured = match kind {
            ListenerKind::Fd { number, udp: false } => {
                let table = self.fds.get(&app);
                let number = u32::try_from(*number).ok();
                number.and_then(|number| table?.get(&number)).map(sockets::kind_of)
            }
            _ => None,
        };
        let result = match (&configured, self.rights_of(app)) {
            (Some(named), _) => sockets::open(named),
            (None, rights) => rights.open(kind, sockets::open),
        };
        let kind = configured.as_ref().unwrap_or(kind);
        let result = match result {
            Ok((fd, name)) => {
                self.add_listener(app, id, fd);
                Ok(name)
            }
            Err(error) => {
                let hint = self.rights_of(app).hint(kind, error);
                let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
                let text = format!("cannot listen on {kind:?}: {error}{hint}");
                parts.reports.push_back(Report::AppError { app, text });
                Err(-error.raw_os_error())
            }
        };
        let opened = result.is_ok();
        if let Some(primary) = self.primaries.get_mut(&app) {
            primary.handle_opened(id, result, &mut self.queue);
        }
        if opened {
            // Before any worker hears of it: a socket that only we have would die with us.
            self.keep_listener(id, true, parts.keeper);
        }
    }

    /// Takes a socket in.
    pub fn add_listener(&mut self, app: AppId, id: ListenerId, fd: OwnedFd) {
        if self.listeners.is_empty() {
            set_batch_scheduling(true);
        }
        let mut socket = self.poll.unwatched(Rc::new(fd), Source::Listener(id.0));
        if let Err(error) = socket.set(Interest::READ.edge()) {
            daemon_log::error(format!("a listening socket cannot be watched: {error}"));
        }
        let listener = Listener { app, socket, accepting: false, ready: true, queued: false };
        self.listeners.insert(id.0, listener);
    }

    /// Gives all sockets to a new keeper.
    pub fn keep_listeners(&self, keeper: &mut Keeper) {
        for id in self.listeners.keys() {
            self.keep_listener(ListenerId(*id), true, keeper);
        }
    }

    /// Gives a socket, or what changed about it, to the keeper.
    pub(super) fn keep_listener(&self, id: ListenerId, new: bool, keeper: &mut Keeper) {
        let Some(app) = app_of(id.0) else { return };
        let meta = self.primaries.get(&app).and_then(|primary| primary.listener_meta(id));
        let Some(meta) = meta.map(|meta| meta.to_bytes()) else { return };
        let name = listener_name(app, id);
        if !new {
            return keeper.set_meta(name, meta);
        }
        if let Some(listener) = self.listeners.get(&id.0) {
            keeper.put(name, meta, listener.socket.try_clone());
        }
    }

    pub(super) fn close_listener(
        &mut self,
        id: ListenerId,
        unlink: Option<&str>,
        keeper: &mut Keeper,
    ) {
        let mut rights = app_of(id.0).map(|app| self.rights_of(app)).unwrap_or_default();
        if let Some(listener) = self.listeners.remove(&id.0) {
            rights = rights.of_maker(&listener.socket);
            if unlink.is_none()
                && let Some(path) = sockets::path_of(&listener.socket)
            {
                // The machine knows it by a number only. The operator said where it is.
                sockets::unlink(&path, &Rights::default());
            }
            sockets::shut(&listener.socket);
            let app = listener.app;
            drop(listener);
            keeper.forget(listener_name(app, id));
            if self.listeners.is_empty() {
                set_batch_scheduling(false);
            }
        }
        if let Some(path) = unlink {
            sockets::unlink(path, &rights);
        }
    }

    /// Closes the sockets of an app that is at rest.
    pub fn close_all(&mut self, app: AppId, parts: &mut Parts<'_>) {
        if let Some(primary) = self.primaries.get_mut(&app) {
            primary.close_all(&mut self.queue);
        }
        self.work(parts);
    }

    /// Closes the sockets of an app that a reload made superfluous.
    pub fn close_unused(&mut self, app: AppId, parts: &mut Parts<'_>) {
        if let Some(primary) = self.primaries.get_mut(&app) {
            primary.close_unused(&mut self.queue);
        }
        self.work(parts);
    }

    /// Forgets an app that has no processes any more.
    pub fn forget_app(&mut self, app: AppId, parts: &mut Parts<'_>) {
        self.close_all(app, parts);
        self.primaries.remove(&app);
        self.fds.remove(&app);
        self.rights.remove(&app);
    }

    fn rights_of(&self, app: AppId) -> Rights {
        self.rights.get(&app).cloned().unwrap_or_default()
    }
}

/// While there are connections to hand over, workers go before us. Woken by every single one, we
/// would stop the worker that is about to take the last one: five thousand changes a second, each
/// for one connection. Last in turn, we find several at once, for a third of the time.
fn set_batch_scheduling(on: bool) {
    if let Err(error) = sys::set_batch(on) {
        daemon_log::error(format!("could not change the scheduling of the daemon: {error}"));
    }
}

/// The name of a socket in the keeper.
fn listener_name(app: AppId, id: ListenerId) -> String {
    format!("listener/{}/{}", app.0, id.0)
}
