//! The model, and what waits for it and what it has asked for.

use std::collections::VecDeque;

use ostler_core::{Event, Supervisor};

use crate::budget::Capacity;
use crate::model::{Effect, FoundRun, Input, Model, Moment, Registry, Settings, State, told};
use crate::state_file::StateFile;
use crate::{clock, daemon_log};

/// The daemon's decisions, with a queue on either side.
#[derive(Debug)]
pub struct Decisions {
    model: Model,
    /// What the model knows of the room that there is.
    capacity: Capacity,
    inputs: VecDeque<Input>,
    effects: VecDeque<Effect>,
    /// Why the last save failed, if it did.
    unsaved: Option<String>,
    /// Something has happened since the last look.
    worked: bool,
    /// Memory was looked at since the last look.
    looked: bool,
    /// The daemon goes now: nothing is decided or saved any more.
    gone: bool,
}

impl Decisions {
    /// Decisions about nothing yet.
    pub fn new(settings: Settings) -> Self {
        let (inputs, effects) = (VecDeque::new(), VecDeque::new());
        let (model, capacity) = (Model::new(settings), Capacity::default());
        Self {
            model,
            capacity,
            inputs,
            effects,
            unsaved: None,
            worked: false,
            looked: false,
            gone: false,
        }
    }

    /// The supervision machine, to be looked at.
    pub fn core(&self) -> &Supervisor {
        self.model.core()
    }

    /// Apps, versions and slots, to be looked at.
    pub fn registry(&self) -> &Registry {
        self.model.registry()
    }

    /// The model, to be looked at.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// When the model is to be told that time has passed.
    pub fn deadline(&self) -> Option<u64> {
        self.model.deadline()
    }

    /// Something has happened.
    pub fn push(&mut self, input: Input) {
        self.inputs.push_back(input);
    }

    /// Something has happened to a run.
    pub fn report(&mut self, event: Event) {
        self.inputs.push_back(Input::Core(event));
    }

    /// There is room for so much.
    pub fn set_capacity(&mut self, capacity: Capacity) {
        if std::mem::replace(&mut self.capacity, capacity) != capacity {
            self.inputs.push_back(Input::Capacity(capacity));
        }
    }

    /// Takes up what was saved and what was found.
    pub fn recover(&mut self, state: State, found: &[FoundRun]) {
        let mut out = Vec::new();
        self.model.recover(moment(), state, found, &mut out);
        self.effects.extend(out);
    }

    /// Tells whoever asks for the list next.
    pub fn announce(&mut self, text: String) {
        daemon_log::error(text.clone());
        self.model.announce(text);
    }

    /// Lets the model take everything that has happened.
    pub fn decide(&mut self) {
        if self.inputs.is_empty() {
            return;
        }
        let at = moment();
        let is_look = self.inputs.iter().all(|input| self.is_look(input));
        self.worked |= !is_look;
        self.looked |= is_look;
        let mut out = Vec::new();
        while let Some(input) = self.inputs.pop_front() {
            self.model.handle(at, input, &mut out);
        }
        self.effects.extend(out);
    }

    /// A look at memory or health, which comes about once a second: no work that puts the rest off.
    fn is_look(&self, input: &Input) -> bool {
        matches!(input, Input::Measured(_) | Input::Checked { result: Ok(()), .. })
            || matches!(input, Input::Deadline) && self.model.only_looks()
    }

    /// The next thing to be done.
    pub fn next_effect(&mut self) -> Option<Effect> {
        // At the end of everything there is nothing to be saved.
        let unsaved = self.unsaved.as_deref().filter(|_| !self.model.known().is_closing());
        Some(told(self.effects.pop_front()?, unsaved))
    }

    /// Whether something is to be done.
    pub fn has_effects(&self) -> bool {
        !self.effects.is_empty()
    }

    /// Saves what must survive before anything else is done, if something has changed. Where that
    /// failed, whoever is told that all is done is told why.
    pub fn save(&mut self, file: &mut StateFile) {
        if !self.model.take_unsaved() || self.gone {
            return;
        }
        self.unsaved = file.save(self.model.snapshot()).err();
        if let Some(why) = &self.unsaved {
            daemon_log::error(why);
            self.inputs.push_back(Input::SaveFailed);
        }
    }

    /// Whether memory limits were looked at since the last call, of which what is touched of the
    /// program is needed again in a second.
    pub fn take_looked(&mut self) -> bool {
        std::mem::take(&mut self.looked)
    }

    /// What would be saved now.
    pub fn snapshot(&mut self) -> State {
        self.model.snapshot()
    }

    /// Whether something has happened since the last look.
    pub fn take_worked(&mut self) -> bool {
        std::mem::take(&mut self.worked)
    }

    /// Forgets what can be made again, and room for more than is usual.
    pub fn forget_caches(&mut self) {
        self.model.forget_caches();
        self.inputs.shrink_to_fit();
        self.effects.shrink_to_fit();
    }

    /// The daemon goes now.
    pub fn go(&mut self) {
        self.gone = true;
    }

    /// Whether the daemon goes now.
    pub fn is_gone(&self) -> bool {
        self.gone
    }
}

/// The time, on both clocks.
fn moment() -> Moment {
    Moment { now: clock::monotonic(), wall: clock::wall() }
}
