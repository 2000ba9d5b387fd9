//! Listening sockets: opened for workers, kept by the keeper, closed when nobody wants them.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_cluster::{ListenerId, ListenerKind, Output};
use ostler_core::{AppId, Event, Role, RunId};
use ostler_poll::Interest;

use super::{Listener, sockets};
use crate::daemon::Daemon;
use crate::tokens::Source;
use crate::{logbook, sys};

impl Daemon {
    pub fn open_listener(&mut self, app: AppId, id: ListenerId, kind: &ListenerKind) {
        let configured = match kind {
            ListenerKind::Fd { number, udp: false } => {
                let address = u32::try_from(*number)
                    .ok()
                    .and_then(|number| self.cluster.fds.get(&app)?.get(&number));
                address.map(sockets::kind_of)
            }
            _ => None,
        };
        let kind = configured.as_ref().unwrap_or(kind);
        let result = match sockets::open(kind) {
            Ok((fd, name)) => {
                self.add_listener(app, id, fd);
                Ok(name)
            }
            Err(error) => {
                let name = self.model.registry().app_name(app);
                logbook::error(format!("app [{name}] cannot listen on {kind:?}: {error}"));
                Err(-error.raw_os_error())
            }
        };
        let opened = result.is_ok();
        let mut out = Output::new();
        if let Some(primary) = self.cluster.primaries.get_mut(&app) {
            primary.handle_opened(id, result, &mut out);
        }
        if opened {
            // Before any worker hears of it: a socket that only we have would die with us.
            self.keep_listener(app, id, true);
        }
        self.do_cluster(app, out);
    }

    /// While there are connections to hand over, workers go before us. Woken by every single one,
    /// we would stop the worker that is about to take the last one: five thousand changes a second,
    /// each for one connection. Last in turn, we find several at once, for a third of the time.
    fn go_last(&self, last: bool) {
        if let Err(error) = sys::set_batch(last) {
            logbook::error(format!("could not change the scheduling of the daemon: {error}"));
        }
    }

    /// Takes a socket in.
    pub fn add_listener(&mut self, app: AppId, id: ListenerId, fd: OwnedFd) {
        if self.cluster.listeners.is_empty() {
            self.go_last(true);
        }
        let mut fd = self.poll.unwatched(Rc::new(fd), Source::Listener(id.0));
        if let Err(error) = fd.set(Interest::READ.edge()) {
            logbook::error(format!("a listening socket cannot be watched: {error}"));
        }
        self.cluster.listeners.insert(id.0, Listener { app, fd, accepting: false, ready: true });
    }

    /// Gives a socket, or what changed about it, to the keeper.
    pub fn keep_listener(&mut self, app: AppId, id: ListenerId, new: bool) {
        let meta = self.cluster.primaries.get(&app).and_then(|primary| primary.listener_meta(id));
        let Some(meta) = meta.map(|meta| meta.to_bytes()) else { return };
        let name = listener_name(app, id);
        if !new {
            return self.keeper.set_meta(name, meta);
        }
        match self.cluster.listeners.get(&id.0).map(|listener| listener.fd.try_clone()) {
            Some(Ok(fd)) => self.keeper.put(name, meta, Ok(fd)),
            Some(Err(error)) => {
                logbook::error(format!("a listening socket cannot be kept: {error}"));
            }
            None => {}
        }
    }

    pub fn close_listener(&mut self, id: ListenerId, unlink: Option<&str>) {
        if let Some(listener) = self.cluster.listeners.remove(&id.0) {
            if unlink.is_none()
                && let Some(path) = sockets::path_of(&listener.fd)
            {
                // The machine knows it by a number only.
                sockets::unlink(&path);
            }
            sockets::shut(&listener.fd);
            let name = listener_name(listener.app, id);
            self.keeper.forget(name);
            if self.cluster.listeners.is_empty() {
                self.go_last(false);
            }
        }
        if let Some(path) = unlink {
            sockets::unlink(path);
        }
    }

    /// Tells the machine when a candidate listens on all that the run it would replace listens on.
    pub fn compare_listeners(&mut self, run: RunId) {
        let Some((id, Role::Candidate)) = self.model.core().owner(run) else { return };
        let current = self.model.core().slot(id).and_then(|slot| slot.process().run());
        // Where the old run is gone, any listener will do: there is nothing to compare with.
        let covers = current.map_or_else(
            || self.model.core().is_listening(run),
            |current| self.cluster.covers(run, current),
        );
        if let Some(held) = self.runs.get_mut(&run)
            && covers
            && !std::mem::replace(&mut held.covers, true)
        {
            self.model.report(Event::Covers(run));
        }
    }
}

/// The name of a socket in the keeper.
fn listener_name(app: AppId, id: ListenerId) -> String {
    format!("listener/{}/{}", app.0, id.0)
}
