//! One version of a specification, with what is made of it once.

use std::cell::OnceCell;
use std::sync::Arc;

use ostler_config::cron::pattern_of;
use ostler_config::watch::Watching;
use ostler_core::spec::{AppSpec, ExecMode, Policy};
use ostler_pm2::SharedText;
use ostler_pm2::module::MARK;
use serde_json::value::RawValue;

/// One version of a specification, never changed.
#[derive(Debug)]
pub struct Version {
    /// What was asked for.
    pub spec: Arc<AppSpec>,
    /// The supervision rules in it, as the core takes them.
    pub policy: Arc<Policy>,
    /// Whether its processes are of a module.
    pub is_module: bool,
    /// What it says of the watching of its files.
    pub watching: Watching,
    /// Whether the clock restarts its processes.
    pub is_scheduled: bool,
    /// Attributes that ask for something that is not done yet.
    pub not_yet: Vec<&'static str>,
    /// The specification as it is saved, made on demand.
    record: OnceCell<Option<Arc<RawValue>>>,
    /// The part of the `jlist` element that is the same for all processes, made on demand.
    shared: OnceCell<SharedText>,
}

impl Version {
    pub(super) fn new(spec: AppSpec) -> Self {
        let policy = Arc::new(spec.policy.clone());
        let not_yet = ostler_config::not_yet(&spec).map(|of| of.attribute.name).collect();
        let is_module = spec.passthrough.get(MARK).is_some_and(|mark| mark == "true");
        let (record, shared) = (OnceCell::new(), OnceCell::new());
        let watching = Watching::of(&spec);
        let is_scheduled = pattern_of(&spec).is_some();
        let spec = Arc::new(spec);
        Self { spec, policy, is_module, watching, is_scheduled, not_yet, record, shared }
    }

    /// It was saved as this, and is saved so again.
    pub(super) fn set_record(&mut self, record: Arc<RawValue>) {
        self.record = OnceCell::from(Some(record));
    }

    /// Forgets the text that lists are made of.
    pub(super) fn forget_shared_text(&mut self) {
        self.shared.take();
    }

    /// Whether its processes are workers of a cluster.
    pub fn is_cluster(&self) -> bool {
        self.spec.exec_mode == ExecMode::Cluster
    }

    /// The specification as it is saved.
    pub fn record(&self) -> Option<Arc<RawValue>> {
        let make = || {
            let text = ostler_pm2::record::to_record(&self.spec);
            RawValue::from_string(text).ok().map(Arc::from)
        };
        self.record.get_or_init(make).clone()
    }

    /// Whether that text is kept at the moment.
    #[cfg(test)]
    pub fn has_shared_text(&self) -> bool {
        self.shared.get().is_some()
    }

    /// The part of the `jlist` element that is the same for all processes.
    pub fn shared_text(&self) -> &SharedText {
        self.shared.get_or_init(|| SharedText::new(&self.spec))
    }
}
