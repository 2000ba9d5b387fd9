//! From records to slots: starting apps, changing them, adding instances.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_config::Diagnostic;
use ostler_core::spec::AppSpec;
use ostler_core::{AppId, Event, ProcId, SpecId};
use ostler_pm2::record::from_record;
use ostler_wire::control::{Code, Failure};
use serde_json::value::RawValue;

use super::Model;
use super::dropped_lines::DroppedLines;
use super::failures::listed;
use super::free_ports::GivenPorts;
use super::input::{ClientId, Effect};
use super::known::Known;
use super::operations::{Operation, Reporting, Target};
use super::registry::{Proc, Registry, Version};
use super::requests::refuse;
use super::sleeping::check_sleep;

impl Model {
    /// A client starts apps.
    pub(super) fn on_start(
        &mut self,
        client: ClientId,
        (apps, only_new): (&[Box<RawValue>], bool),
        (each, doing): (bool, bool),
        ticket: Option<String>,
        out: &mut Vec<Effect>,
    ) {
        let specs = match self.specs_to_start(client, apps, only_new) {
            Ok(specs) => specs,
            Err(failure) => return refuse(client, failure, out),
        };
        let mut started = Vec::new();
        let mut operation = Operation::new(Some(client), Reporting::Slots);
        for spec in specs {
            let name = spec.name.clone();
            let ids = self.add_app(spec);
            for id in &ids {
                self.begin_slot(*id, &mut operation);
            }
            started.push((name, ids));
        }
        let new: Vec<ProcId> = started.iter().flat_map(|(_, ids)| ids).copied().collect();
        let new: Vec<ProcId> =
            new.into_iter().filter(|id| self.known.starts_by_itself(*id)).collect();
        let below = self.known.down_below(&new, &BTreeMap::new());
        self.start_dependencies(&below, &mut operation);
        started.extend(below.iter().map(|id| (self.known.registry.name(*id), vec![*id])));
        if let Some(ticket) = &ticket {
            let number = |(name, ids): &(String, Vec<ProcId>)| {
                (name.clone(), ids.iter().map(|id| id.0).collect())
            };
            self.tickets.start(ticket, started.iter().map(number).collect());
        }
        operation.reporting = Reporting::Started(started);
        operation.ticket = ticket;
        operation.each = each;
        operation.doing = doing;
        self.known.tell_each(&operation, out);
        self.begin(operation, out);
    }

    /// Reads apps that are to be started, each with its port, if all of them may be.
    fn specs_to_start(
        &mut self,
        client: ClientId,
        apps: &[Box<RawValue>],
        only_new: bool,
    ) -> Result<Vec<AppSpec>, Failure> {
        let mut specs = Vec::new();
        for record in apps {
            match from_record(record.get(), self.known.settings.cpus) {
                // Before the next one's texts are made: what is given back then is used again.
                Ok(mut spec) => {
                    check_sleep(&spec)?;
                    self.known.registry.share_texts(&mut spec);
                    specs.push(spec);
                }
                Err(diagnostics) => return Err(failure_of(&diagnostics)),
            }
        }
        if let Some(there) = specs.iter().find(|spec| only_new && self.known.is_listed(spec)) {
            return Err(listed(&there.name));
        }
        self.known.check_room("start", self.known.more_of_apps(&specs))?;
        // PM2's client tells of one app after the other.
        if client.call().is_none() {
            self.known.check_dependencies(&specs.iter().collect::<Vec<_>>())?;
        }
        let mut given = GivenPorts::default();
        for spec in &mut specs {
            self.known.settle_port(spec, &mut given)?;
        }
        Ok(specs)
    }

    /// Starts a new slot unless it is only to be registered.
    fn begin_slot(&mut self, id: ProcId, operation: &mut Operation) {
        self.wait_for_new(id, self.known.starts_by_itself(id), operation);
    }

    /// Waits for a new slot, which is started if it is to be `up`.
    pub(super) fn wait_for_new(&mut self, id: ProcId, up: bool, operation: &mut Operation) {
        let target = if up { Target::Up } else { Target::Down };
        operation.active.insert(id, self.known.pending(id, target, true));
        if up {
            self.ask(Event::Start(id));
        }
    }

    /// Registers an app's specification and its processes; nothing is started.
    fn add_app(&mut self, mut spec: AppSpec) -> Vec<ProcId> {
        self.known.settle_log_names(&mut spec);
        let count = spec.instances.max(1);
        let unique_id = self.unique_id();
        let id = self.known.registry.add_version(spec);
        (0..count).filter_map(|_| self.add_slot(id, None, &unique_id)).collect()
    }

    /// One more process of an app, started.
    pub(super) fn add_instance(&mut self, app: AppId) -> Option<ProcId> {
        let spec = self.known.registry.app(app)?.spec;
        let known =
            self.known.registry.procs_of(app).next().map(|(_, proc)| proc.unique_id.clone());
        let unique_id = known.unwrap_or_else(|| self.unique_id());
        let id = self.add_slot(spec, None, &unique_id)?;
        self.operations.queue_too(id, spec);
        self.ask(Event::Start(id));
        Some(id)
    }

    /// One more slot of a version that is registered; nothing is started. `instance`: its number,
    /// where it is known.
    pub(super) fn add_slot(
        &mut self,
        spec: SpecId,
        instance: Option<u32>,
        unique_id: &str,
    ) -> Option<ProcId> {
        self.add_numbered(spec, None, instance, unique_id)
    }

    /// The same, with this number if nobody has it.
    pub(super) fn add_numbered(
        &mut self,
        spec: SpecId,
        number: Option<u32>,
        instance: Option<u32>,
        unique_id: &str,
    ) -> Option<ProcId> {
        let version = self.known.registry.version(spec)?;
        let (of_app, policy) = (Arc::clone(&version.spec), Arc::clone(&version.policy));
        let cluster = version.is_cluster();
        let free = |id: &ProcId| {
            self.known.registry.proc(*id).is_none() && self.known.core.slot(*id).is_none()
        };
        let id =
            number.map(ProcId).filter(free).unwrap_or_else(|| self.known.registry.allot_proc());
        let app = self.known.registry.app_with(&of_app.namespace, &of_app.name, spec);
        let proc = Proc {
            app,
            name: of_app.name.clone(),
            instance: instance.unwrap_or_else(|| self.known.registry.free_instance(&of_app.name)),
            increment: self.known.registry.next_increment(&of_app),
            created_at: self.known.at.wall,
            unique_id: unique_id.to_owned(),
            node_version: None,
            last: None,
            ended: None,
            over_memory: None,
            unhealthy: None,
            rollout: None,
            monitored: None,
            halted: false,
            watch: None,
            scheduled: None,
            dependency_lost: false,
            restarted: None,
            failed_reload: None,
            asked_restarts: 0,
            dropped: DroppedLines::default(),
        };
        self.known.registry.insert_proc(id, proc);
        self.ask(Event::Add { proc: id, app, spec, policy, cluster });
        self.hold_dependent(id, spec);
        self.known.unsaved = true;
        Some(id)
    }

    /// A random identifier in the form of a UUID of version 4, as PM2's `unique_id`.
    pub(super) fn unique_id(&mut self) -> String {
        let number = u128::from(self.random()) << 64 | u128::from(self.random());
        let number = number & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{number:032x}");
        let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
        [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
    }

    /// splitmix64: the seed comes from outside, so that a history can be played again.
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Known {
    /// Whether an app of this name and script is in the list.
    fn is_listed(&self, spec: &AppSpec) -> bool {
        let mut apps = self.registry.apps().filter(|(_, app)| app.name == spec.name);
        apps.any(|(_, app)| {
            self.registry.version(app.spec).is_some_and(|of| of.spec.script == spec.script)
        })
    }

    /// Whether a slot is started when it is added, and not only registered.
    pub(super) fn starts_by_itself(&self, id: ProcId) -> bool {
        let spec = self.core.slot(id).map(|slot| slot.process().spec());
        let version = spec.and_then(|spec| self.registry.version(spec));
        version.is_none_or(|version| version.spec.autostart)
    }
}

impl Registry {
    /// New instances of an app that is changed whole are to be like the others.
    pub(super) fn put_in_force(&mut self, changed: &BTreeMap<ProcId, SpecId>) {
        let of_whole = |app: AppId| {
            let mut specs = self.procs_of(app).map(|(id, _)| changed.get(&id).copied());
            let first = specs.next()??;
            specs.all(|spec| spec == Some(first)).then_some((app, first))
        };
        let whole: Vec<(AppId, SpecId)> =
            self.apps().filter_map(|(app, _)| of_whole(app)).collect();
        for (app, spec) in whole {
            if let Some(of) = self.app_mut(app) {
                of.spec = spec;
            }
        }
    }

    pub(super) fn is_cluster_version(&self, spec: SpecId) -> bool {
        self.version(spec).is_some_and(Version::is_cluster)
    }
}

/// Diagnostics as one failure: the texts, and the first advice.
pub(super) fn failure_of(diagnostics: &[Diagnostic]) -> Failure {
    let texts: Vec<String> =
        diagnostics.iter().filter(|one| one.is_error()).map(|one| one.message.clone()).collect();
    let hint = diagnostics.iter().find_map(|one| one.help.clone());
    Failure { code: Code::Invalid, message: texts.join("; "), hint }
}
