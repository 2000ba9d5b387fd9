//! What must be true after every input, whatever the history.

use std::collections::BTreeSet;

use super::super::Model;

impl Model {
    /// Panics where the parts of the model do not fit together.
    pub(super) fn check(&self) {
        assert!(self.actions.is_empty() && self.changed.is_empty() && !self.look_again);
        self.check_slots();
        self.check_registry();
        self.check_operations();
    }

    fn check_slots(&self) {
        for (id, slot) in self.core.slots() {
            assert!(self.registry.proc(id).is_some(), "slot {id:?} is not registered");
            let process = slot.process();
            for spec in [process.spec(), process.next_spec()] {
                assert!(self.registry.version(spec).is_some(), "version {spec:?} is forgotten");
            }
            let candidate = slot.candidate().map(|(run, _)| run);
            let runs = process.run().into_iter().chain(slot.leaving()).chain(candidate);
            for run in runs {
                let facts = self.facts.get(&run);
                let facts = facts.unwrap_or_else(|| panic!("nothing is known of {run:?}"));
                assert_eq!(facts.proc, id, "{run:?} is another slot's");
            }
            if slot.app() != self.registry.app_of(id).unwrap() {
                assert!(!process.is_cluster(), "worker {id:?} has two apps");
            }
        }
    }

    fn check_registry(&self) {
        for (id, proc) in self.registry.procs() {
            assert!(self.core.slot(id).is_some(), "{id:?} has no slot");
            assert!(self.registry.app(proc.app).is_some(), "{proc:?} has no app");
        }
        let mut names = BTreeSet::new();
        for (id, app) in self.registry.apps() {
            assert!(self.registry.procs_of(id).next().is_some(), "{app:?} has no process");
            assert!(self.registry.version(app.spec).is_some(), "{app:?} has no version");
            assert!(names.insert((&app.namespace, &app.name)), "{app:?} is there twice");
        }
    }

    fn check_operations(&self) {
        for operation in self.operations.iter() {
            assert!(!operation.is_done(), "{operation:?} is not answered");
            for app in &operation.reloads {
                assert!(self.reload_goes_on(*app), "{operation:?} waits for no reload");
            }
            for queued in &operation.queued {
                let waits = self.reload_goes_on(queued.app) || self.gives_back();
                assert!(waits, "{queued:?} waits for no reload and no room");
            }
            for spec in operation.specs() {
                assert!(self.registry.version(spec).is_some(), "version {spec:?} is forgotten");
            }
        }
        if !self.operations.is_empty() {
            let only_reloads = self.operations.iter().all(|one| one.active.is_empty());
            assert!(only_reloads || self.deadline().is_some(), "nothing will end an operation");
        }
        for (app, _) in self.tails.values() {
            assert!(self.reload_goes_on(*app), "lines of a reload that is over are kept");
        }
    }

    /// Panics where something is kept of apps that are all forgotten.
    pub(super) fn check_empty(&mut self) {
        self.check();
        assert!(self.facts.is_empty(), "kept: {:?}", self.facts);
        assert!(
            self.tails.is_empty()
                && self.not_back.is_empty()
                && self.awaited.is_empty()
                && self.operations.is_empty()
        );
        assert_eq!(self.registry.apps().count(), 0, "kept: {:?}", self.registry);
        assert_eq!(self.snapshot().specs.len(), 0, "kept: {:?}", self.registry);
        assert_eq!(self.core.slots().count() + self.core.saved_reloads().len(), 0);
    }
}
