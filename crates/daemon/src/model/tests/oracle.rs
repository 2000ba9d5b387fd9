//! What must be true after every input, whatever the history.

use std::collections::BTreeSet;

use super::super::Model;

impl Model {
    /// Panics where the parts of the model do not fit together.
    pub(super) fn check(&self) {
        assert!(self.actions.is_empty(), "{:?}", self.actions);
        assert!(self.changed.is_empty() && !self.look_again && !self.dependents.stale);
        self.check_slots();
        self.check_registry();
        self.check_operations();
    }

    fn check_slots(&self) {
        for (id, slot) in self.known.core.slots() {
            assert!(self.known.registry.proc(id).is_some(), "slot {id:?} is not registered");
            let process = slot.process();
            for spec in [process.spec(), process.next_spec()] {
                assert!(
                    self.known.registry.version(spec).is_some(),
                    "version {spec:?} is forgotten"
                );
            }
            let candidate = slot.candidate().map(|(run, _)| run);
            let runs = process.run().into_iter().chain(slot.leaving()).chain(candidate);
            for run in runs {
                let facts = self.known.facts.get(&run);
                let facts = facts.unwrap_or_else(|| panic!("nothing is known of {run:?}"));
                assert_eq!(facts.proc, id, "{run:?} is another slot's");
            }
            if slot.app() != self.known.registry.app_of(id).unwrap() {
                assert!(!process.is_cluster(), "worker {id:?} has two apps");
            }
        }
    }

    fn check_registry(&self) {
        for (id, proc) in self.known.registry.procs() {
            assert!(self.known.core.slot(id).is_some(), "{id:?} has no slot");
            assert!(self.known.registry.app(proc.app).is_some(), "{proc:?} has no app");
        }
        let mut names = BTreeSet::new();
        for (id, app) in self.known.registry.apps() {
            assert!(self.known.registry.procs_of(id).next().is_some(), "{app:?} has no process");
            assert!(self.known.registry.version(app.spec).is_some(), "{app:?} has no version");
            assert!(names.insert((&app.namespace, &app.name)), "{app:?} is there twice");
        }
    }

    fn check_operations(&self) {
        for operation in self.operations.iter() {
            assert!(!operation.is_done(), "{operation:?} is not answered");
            for app in &operation.reloads {
                assert!(
                    self.failures.reload_goes_on(&self.known, *app),
                    "{operation:?} waits for no reload"
                );
            }
            for queued in &operation.queued {
                let waits = self.failures.reload_goes_on(&self.known, queued.app)
                    || self.known.gives_back();
                assert!(waits, "{queued:?} waits for no reload and no room");
            }
            for spec in operation.specs() {
                assert!(
                    self.known.registry.version(spec).is_some(),
                    "version {spec:?} is forgotten"
                );
            }
        }
        if !self.operations.is_empty() {
            let only_reloads = self.operations.iter().all(|one| one.active.is_empty());
            assert!(only_reloads || self.deadline().is_some(), "nothing will end an operation");
        }
        for (app, _) in self.failures.tails.values() {
            assert!(
                self.failures.reload_goes_on(&self.known, *app),
                "lines of a reload that is over are kept"
            );
        }
    }

    /// Panics where something is kept of apps that are all forgotten.
    pub(super) fn check_empty(&mut self) {
        self.check();
        assert!(self.known.facts.is_empty(), "kept: {:?}", self.known.facts);
        assert!(self.hooks.is_forgotten(), "kept: {:?}", self.hooks);
        assert!(
            self.failures.tails.is_empty()
                && self.failures.not_back.is_empty()
                && self.failures.awaited.is_empty()
                && self.operations.is_empty()
        );
        assert_eq!(self.known.registry.apps().count(), 0, "kept: {:?}", self.known.registry);
        assert_eq!(self.snapshot().specs.len(), 0, "kept: {:?}", self.known.registry);
        assert_eq!(self.known.core.slots().count() + self.known.core.saved_reloads().len(), 0);
    }
}
