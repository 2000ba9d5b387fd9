//! From records to slots: starting apps, changing them, adding instances.

use std::sync::Arc;

use ostler_config::Diagnostic;
use ostler_core::spec::AppSpec;
use ostler_core::{AppId, Event, ProcId, SpecId};
use ostler_wire::control::{Change, Failure, Reply};
use serde_json::value::RawValue;

use crate::book::Proc;
use crate::clock;
use crate::daemon::Daemon;
use crate::jobs::{Job, Style, Wanted};

impl Daemon {
    /// A client starts apps.
    pub fn on_start(&mut self, conn: usize, apps: &[Box<RawValue>]) {
        let mut specs = Vec::new();
        for record in apps {
            match crate::records::read(record) {
                Ok(spec) => specs.push(spec),
                Err(diagnostics) => {
                    return self.reply(conn, &Reply::Error(failure_of(&diagnostics)));
                }
            }
        }
        let mut started = Vec::new();
        let mut job = Job::new(conn, Style::Start(Vec::new()));
        for spec in specs {
            let name = spec.name.clone();
            let ids = self.add_app(spec, None);
            for id in &ids {
                self.begin_slot(*id, &mut job);
            }
            started.push((name, ids));
        }
        job.style = Style::Start(started);
        self.begin_job(job);
    }

    /// Starts a new slot unless it is only to be registered.
    pub fn begin_slot(&mut self, id: ProcId, job: &mut Job) {
        let autostart =
            self.core.slot(id).and_then(|slot| self.book.versions.get(&slot.process().spec()));
        if autostart.is_none_or(|version| version.spec.autostart) {
            job.active.insert(id, self.waiting_for(id, Wanted::Up, true));
            self.handle_now(Event::Start(id));
        } else {
            job.active.insert(id, self.waiting_for(id, Wanted::Down, true));
        }
    }

    /// Registers an app's specification and its processes; nothing is started. `instance`: the
    /// number of the first one, where it is known.
    pub fn add_app(&mut self, spec: AppSpec, instance: Option<u32>) -> Vec<ProcId> {
        let count = spec.instances.max(1);
        let unique_id = unique_id();
        let id = self.book.add_version(spec);
        (0..count).map(|_| self.add_slot(id, instance, &unique_id)).collect()
    }

    /// One more process of an app.
    pub fn add_instance(&mut self, app: AppId) -> Option<ProcId> {
        let spec = self.book.apps.get(&app)?.spec;
        let unique_id = self
            .book
            .procs_of(app)
            .next()
            .map_or_else(unique_id, |(_, proc)| proc.unique_id.clone());
        let id = self.add_slot(spec, None, &unique_id);
        self.handle_now(Event::Start(id));
        Some(id)
    }

    pub fn add_slot(&mut self, spec_id: SpecId, instance: Option<u32>, unique_id: &str) -> ProcId {
        let id = self.book.allot_proc();
        let Some(version) = self.book.versions.get(&spec_id) else { return id };
        let (spec, policy) = (Arc::clone(&version.spec), Arc::clone(&version.policy));
        let app = self.book.app(&spec.namespace, &spec.name, spec_id);
        if let Some(of_book) = self.book.apps.get_mut(&app) {
            of_book.spec = spec_id;
        }
        let increment = spec.increment_var.as_ref().map(|name| {
            let first = spec.env.get(name).and_then(|value| value.parse().ok()).unwrap_or(0);
            let highest = self
                .book
                .procs
                .values()
                .filter(|proc| proc.name == spec.name)
                .filter_map(|proc| proc.increment)
                .max();
            highest.map_or(first, |highest: u32| highest + 1)
        });
        let proc = Proc {
            app,
            name: spec.name.clone(),
            instance: instance.unwrap_or_else(|| self.book.free_instance(&spec.name)),
            increment,
            created_at: clock::wall(),
            unique_id: unique_id.to_owned(),
            last_exit: None,
            rollout: None,
        };
        self.book.insert_proc(id, proc);
        let cluster = spec.exec_mode == ostler_core::spec::ExecMode::Cluster;
        self.handle_now(Event::Add { proc: id, app, spec: spec_id, policy, cluster });
        self.dirty = true;
        id
    }

    /// The version a slot will have after a change. Slots of one app that are changed alike share
    /// it. `always`: a new version even when nothing changes (a reload needs one to tell old from
    /// new).
    ///
    /// # Errors
    /// The change makes no sense.
    pub fn changed_spec(
        &mut self,
        id: ProcId,
        change: &Change,
        always: bool,
    ) -> Result<SpecId, Failure> {
        let unknown = || Failure {
            message: format!("process {} not found", id.0),
            hint: Some("see `ostler list` for the ids".to_owned()),
        };
        let old = self.core.slot(id).map(|slot| slot.process().next_spec()).ok_or_else(unknown)?;
        let name = self.book.procs.get(&id).map(|proc| proc.name.clone()).ok_or_else(unknown)?;
        let old_spec = self
            .book
            .versions
            .get(&old)
            .map(|version| Arc::clone(&version.spec))
            .ok_or_else(unknown)?;
        let mut spec = (*old_spec).clone();
        for record in &change.records {
            let new = crate::records::read(record).map_err(|list| failure_of(&list))?;
            if new.name == name {
                // Variables are never removed by a new file, only overwritten (PM2: configuration
                // §8.2).
                let mut env = spec.env.clone();
                env.extend(new.env.clone());
                let (instances, mode) = (spec.instances, spec.exec_mode);
                spec = AppSpec { env, instances, exec_mode: mode, ..new };
            }
        }
        if let Some(patch) = &change.patch {
            spec = ostler_pm2::record::patch(&spec, patch.get(), crate::records::cpus())
                .map_err(|list| failure_of(&list))?;
        }
        if let Some(env) = &change.env {
            spec.env.extend(env.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        if spec == *old_spec && !always {
            return Ok(old);
        }
        // Another slot of the app may have been changed to the same in this very request.
        let newest = self
            .book
            .versions
            .iter()
            .next_back()
            .map(|(id, version)| (*id, Arc::clone(&version.spec)));
        if let Some((newest, of_newest)) = newest
            && *of_newest == spec
            && newest != old
            && !self.core.slots().any(|(_, slot)| slot.process().spec() == newest)
        {
            return Ok(newest);
        }
        let renamed = spec.name != old_spec.name || spec.namespace != old_spec.namespace;
        let new = self.book.add_version(spec);
        if renamed {
            self.rename(id, new);
        }
        self.dirty = true;
        Ok(new)
    }

    /// A process that got another name belongs to another app from now on, for selectors and lists.
    fn rename(&mut self, id: ProcId, spec: SpecId) {
        let Some(version) = self.book.versions.get(&spec) else { return };
        let name = version.spec.name.clone();
        if let Some(proc) = self.book.procs.get_mut(&id) {
            proc.name.clone_from(&name);
            let (app, namespace) = (proc.app, version.spec.namespace.clone());
            if let Some(app) = self.book.apps.get_mut(&app) {
                app.key = (namespace, name);
            }
        }
    }
}

/// Diagnostics as one failure: the texts, and the first advice.
pub fn failure_of(diagnostics: &[Diagnostic]) -> Failure {
    let texts: Vec<String> =
        diagnostics.iter().filter(|one| one.is_error()).map(|one| one.message.clone()).collect();
    let hint = diagnostics.iter().find_map(|one| one.help.clone());
    Failure { message: texts.join("; "), hint }
}

/// A random identifier in the form of a UUID of version 4, as PM2's `unique_id`.
pub fn unique_id() -> String {
    let mut bytes = [0_u8; 16];
    if let Err(error) =
        rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty())
    {
        crate::logbook::error(format!("no random numbers: {error}; `unique_id` is the time"));
        bytes = u128::from(clock::wall()).to_be_bytes();
    }
    let number =
        u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn unique_ids_have_the_form_of_a_uuid_and_differ() {
        let (one, two) = (super::unique_id(), super::unique_id());
        assert_ne!(one, two);
        assert_eq!((one.len(), one.as_bytes()[14], one.matches('-').count()), (36, b'4', 4));
        assert!(matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }
}
