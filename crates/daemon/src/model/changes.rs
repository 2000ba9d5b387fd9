//! What a change makes of the specifications of apps, and of their names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ostler_core::spec::{AppSpec, ExecMode};
use ostler_core::{AppId, ProcId, SpecId};
use ostler_pm2::process_file;
use ostler_pm2::record::from_record;
use ostler_wire::control::{Change, Code, Failure};

use super::Model;
use super::apps::failure_of;
use super::free_ports::{self, GivenPorts};
use super::registry::{App, Registry};
use super::requests::unknown;
use super::sleeping::check_sleep;

impl Model {
    /// The versions that slots will have after a change, by slot. Slots of one app that are changed
    /// alike share one. `always`: a new version even when nothing changes (a reload needs one to
    /// tell old from new).
    ///
    /// # Errors
    /// The change makes no sense for one of them; then nothing has changed.
    pub(super) fn changed_specs(
        &mut self,
        ids: &[ProcId],
        change: &Change,
        always: bool,
    ) -> Result<BTreeMap<ProcId, SpecId>, Failure> {
        let (mut wanted, mut given) = (Vec::new(), GivenPorts::default());
        for id in ids {
            let (slot, proc) = (self.known.core.slot(*id), self.known.registry.proc(*id));
            let (slot, proc) = slot.zip(proc).ok_or_else(|| unknown(*id))?;
            let old = slot.process().next_spec();
            let version = self.known.registry.version(old).ok_or_else(|| unknown(*id))?;
            let mut spec = changed(&version.spec, &proc.name, change, self.known.settings.cpus)?;
            free_ports::take_away(&version.spec, &mut spec);
            self.known.settle_port(&mut spec, &mut given)?;
            if spec.logs != version.spec.logs {
                self.known.settle_log_names(&mut spec);
            }
            wanted.push(Wanted { id: *id, old, same: spec == *version.spec, spec });
        }
        let renames = self.known.registry.renames(&wanted)?;
        let changed = wanted.iter().filter(|one| !one.same).map(|one| &one.spec);
        self.known.check_dependencies(&changed.collect::<Vec<_>>())?;
        let mut versions: BTreeMap<ProcId, SpecId> = BTreeMap::new();
        let mut new: Option<(SpecId, AppSpec)> = None;
        for Wanted { id, old, same, spec } in wanted {
            let version = match &new {
                _ if same && !always => old,
                Some((shared, of_shared)) if *of_shared == spec && *shared != old => *shared,
                _ => {
                    let version = self.known.registry.add_version(spec.clone());
                    new = Some((version, spec));
                    self.known.unsaved = true;
                    version
                }
            };
            versions.insert(id, version);
        }
        for rename in renames {
            self.rename(rename, &versions);
        }
        Ok(versions)
    }

    fn rename(&mut self, rename: Rename, versions: &BTreeMap<ProcId, SpecId>) {
        match rename {
            Rename::App { app, namespace, name } => {
                for id in self.known.registry.ids_of(app) {
                    if let Some(proc) = self.known.registry.proc_mut(id) {
                        proc.name.clone_from(&name);
                    }
                }
                if let Some(of) = self.known.registry.app_mut(app) {
                    (of.namespace, of.name) = (namespace, name);
                }
            }
            // It binds its ports by itself, so nothing but its name ties it to an app.
            Rename::Proc(id) => {
                let Some(spec) = versions.get(&id).copied() else { return };
                let Some(version) = self.known.registry.version(spec) else { return };
                let of = Arc::clone(&version.spec);
                let app = self.known.registry.app_with(&of.namespace, &of.name, spec);
                self.known.registry.move_proc(id, app, &of.name);
            }
        }
        self.known.unsaved = true;
    }
}

impl Registry {
    /// Which apps and processes a change gives another name.
    fn renames(&self, wanted: &[Wanted]) -> Result<Vec<Rename>, Failure> {
        let mut by_app: BTreeMap<AppId, Vec<&Wanted>> = BTreeMap::new();
        for one in wanted {
            let Some(app) = self.app_of(one.id) else { continue };
            let named = self.app(app);
            let same = |of: &App| of.name == one.spec.name && of.namespace == one.spec.namespace;
            if !named.is_some_and(same) {
                by_app.entry(app).or_default().push(one);
            }
        }
        let mut renames = Vec::new();
        // What this very change has given to others.
        let mut given = BTreeSet::new();
        for (app, changed) in by_app {
            let Some(first) = changed.first() else { continue };
            let key = name_of(&first.spec);
            let alike = |one: &&Wanted| (&one.spec.namespace, &one.spec.name) == (&key.0, &key.1);
            let whole = changed.len() == self.procs_of(app).count();
            let taken = self.apps().any(|(_, of)| (&of.namespace, &of.name) == (&key.0, &key.1));
            let taken = taken || given.contains(&key);
            given.extend(changed.iter().map(|one| name_of(&one.spec)));
            if whole && !taken && changed.iter().all(alike) {
                renames.push(Rename::App { app, namespace: key.0, name: key.1 });
                continue;
            }
            if let Some(worker) = changed.iter().find(|one| self.is_cluster_version(one.old)) {
                return Err(Failure {
                    code: Code::Invalid,
                    message: format!(
                        "app `{}` is a cluster: its workers cannot be renamed to `{}` one by one, \
                         nor join another app",
                        self.app_name(app),
                        worker.spec.name
                    ),
                    hint: Some("rename the whole app, to a name that no other app has".to_owned()),
                });
            }
            renames.extend(changed.iter().map(|one| Rename::Proc(one.id)));
        }
        Ok(renames)
    }
}

fn name_of(spec: &AppSpec) -> (String, String) {
    (spec.namespace.clone(), spec.name.clone())
}

/// What a slot is to become.
struct Wanted {
    id: ProcId,
    old: SpecId,
    /// Nothing changes for it.
    same: bool,
    spec: AppSpec,
}

/// Another name, for an app or for one process that leaves its app.
enum Rename {
    App { app: AppId, namespace: String, name: String },
    Proc(ProcId),
}

/// A specification with what a change says about the app of that name.
fn changed(old: &AppSpec, name: &str, change: &Change, cpus: u32) -> Result<AppSpec, Failure> {
    let mut spec = old.clone();
    for record in &change.records {
        let new = from_record(record.get(), cpus).map_err(|list| failure_of(&list))?;
        if new.name == name {
            // Of those that are not from the file none is removed, only overwritten (PM2:
            // configuration §8.2).
            let mut old = spec;
            process_file::take_away_old(&mut old, &new);
            let (instances, exec_mode) = (old.instances, old.exec_mode);
            spec = AppSpec { env: old.env, env_typed: old.env_typed, ..new.clone() };
            (spec.instances, spec.exec_mode) = (instances, exec_mode);
            spec.put_env(new.env.to_map(), &new.env_typed);
        }
    }
    if let Some(patch) = &change.patch {
        spec = ostler_pm2::record::patch(&spec, patch.get(), cpus)
            .map_err(|list| failure_of(&list))?;
    }
    if let Some(env) = &change.env {
        let texts = env.iter().map(|(name, value)| (name.clone(), value.clone()));
        spec.put_env(texts, &BTreeSet::new());
    }
    let pasted = ostler_shell::operand(name);
    check_sleep(&spec).map_err(|why| match spec.exec_mode {
        // What a file says of its mode counts from the next start on.
        ExecMode::Fork => Failure {
            hint: Some(format!("`ostler delete {pasted}`, then start it again with `idle_stop`")),
            ..why
        },
        ExecMode::Cluster => why,
    })?;
    Ok(spec)
}
