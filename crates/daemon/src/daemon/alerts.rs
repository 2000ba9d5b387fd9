//! Telling of alerts.

use ostler_sinks::Alert;

use super::Daemon;
use crate::model::Input;

impl Daemon {
    /// Goes on with what receivers are owed since a daemon before this one.
    pub(super) fn resume_alerts(&mut self) {
        let registry = self.model.registry();
        let specs = registry.apps().filter_map(|(_, app)| registry.version(app.spec));
        self.alerts.resume(specs.map(|version| &*version.spec), &self.inbox.mailbox);
    }

    /// Tells it to whoever wants to know.
    pub(super) fn alert(&mut self, number: u64, alert: &Alert) {
        let registry = self.model.registry();
        let of_app = registry.apps().find(|(_, app)| {
            (app.namespace.as_str(), app.name.as_str()) == (&*alert.namespace, &*alert.app)
        });
        let version = of_app.and_then(|(_, app)| registry.version(app.spec));
        let spec = version.map(|version| &*version.spec);
        if self.alerts.tell(number, alert, spec, &self.inbox.mailbox) {
            self.model.push(Input::Alerted(number));
        }
    }

    /// Reads the settings of the home again.
    pub(super) fn read_settings(&mut self) {
        self.logs.read_settings(self.model.model());
        let is_told = self.alerts.set_home(self.logs.alerts().clone());
        self.model.push(Input::HomeTold(is_told));
    }
}
