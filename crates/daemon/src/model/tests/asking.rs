//! The requests of clients, in the forms that stories need.

use ostler_wire::control::{self, Action, Change, Request};
use serde_json::{Value, json};

use super::words::{record, starting};
use super::world::World;

impl World {
    /// Starts an app of this many instances: `start("api", "good", 2)` is a cluster of two,
    /// `start("job", "exits", 0)` a plain process.
    pub fn start(&mut self, name: &str, script: &str, instances: u32) -> usize {
        self.start_with(name, script, instances, json!({}))
    }

    /// The same with more keys in the record.
    pub fn start_with(&mut self, name: &str, script: &str, instances: u32, more: Value) -> usize {
        let apps = vec![record(name, script, instances, more)];
        self.request(starting(apps, self.ticket()))
    }

    /// A ticket that no other request has.
    pub fn ticket(&self) -> Option<String> {
        Some(format!("ticket {}", self.talks.len()))
    }

    pub fn scale(&mut self, name: &str, target: control::ScaleTo) -> usize {
        let ticket = self.ticket();
        self.request(Request::Scale {
            name: name.to_owned(),
            target,
            lowest_first: false,
            doing: false,
            ticket,
        })
    }

    pub fn act(&mut self, action: Action, ids: &[u32]) -> usize {
        self.act_with(action, ids, Change::default())
    }

    pub fn act_with(&mut self, action: Action, ids: &[u32], change: Change) -> usize {
        let ticket = self.ticket();
        self.request(Request::Act { action, ids: ids.to_vec(), change, ticket })
    }

    pub fn stop(&mut self, ids: &[u32]) -> usize {
        self.act(Action::Stop, ids)
    }

    pub fn restart(&mut self, ids: &[u32]) -> usize {
        self.act(Action::Restart, ids)
    }

    pub fn delete(&mut self, ids: &[u32]) -> usize {
        self.act(Action::Delete, ids)
    }

    /// Reloads these slots to another script, under a ticket of its own.
    pub fn reload(&mut self, ids: &[u32], name: &str, script: &str) -> usize {
        self.reload_with(ids, name, script, control::ReloadOptions::default())
    }

    pub fn reload_with(
        &mut self,
        ids: &[u32],
        name: &str,
        script: &str,
        options: control::ReloadOptions,
    ) -> usize {
        let records = vec![record(name, script, 1, json!({}))];
        self.reload_by(ids, Change { records, ..Change::default() }, options)
    }

    /// Reloads these slots with this change, under a ticket of its own.
    pub fn reload_by(
        &mut self,
        ids: &[u32],
        change: Change,
        options: control::ReloadOptions,
    ) -> usize {
        let ticket = self.ticket();
        self.request(Request::Reload { ids: ids.to_vec(), change, options, ticket })
    }

    /// Ends the canary of an app, under a ticket of its own.
    pub fn promote(&mut self, name: &str, keep: bool) -> usize {
        let ticket = self.ticket();
        self.request(Request::Promote { name: name.to_owned(), keep, ticket })
    }
}
