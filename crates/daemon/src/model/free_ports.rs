//! Which port an app gets that asks for one of a range (`port: auto`).
//!
//! Rule: an app of the list keeps the port that it has; so does one of the saved list, if nobody
//! else has it. A new one gets the first of its range that no app of the list is given and that
//! nobody listens on. The port stands in the app's variable `PORT`, so that it is saved with it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use ostler_config::{ONE_PORT, SHARE_IT, port_of, port_range, ports_of};
use ostler_core::AppId;
use ostler_core::spec::{AppSpec, ExecMode};
use ostler_wire::control::{Code, Failure};

use super::known::Known;

const PORT: &str = "PORT";

/// The ports of one request.
#[derive(Debug, Default)]
pub(super) struct GivenPorts {
    /// Those that it has given to apps, by namespace and name.
    by_app: BTreeMap<(String, String), u16>,
    /// Those that somebody has: the machine is asked once, and only where it matters.
    taken: OnceCell<BTreeSet<u16>>,
}

impl Known {
    /// Gives an app that is added or changed its port, if it asks for one.
    ///
    /// # Errors
    /// No port of its range is free, or several processes would have the same.
    pub(super) fn settle_port(
        &self,
        spec: &mut AppSpec,
        given: &mut GivenPorts,
    ) -> Result<(), Failure> {
        let Some(range) = port_range(spec) else { return Ok(()) };
        if spec.exec_mode == ExecMode::Fork && 1 < spec.instances {
            return Err(one_port(&spec.name));
        }
        let key = (spec.namespace.clone(), spec.name.clone());
        let port = match given.by_app.get(&key) {
            Some(port) => *port,
            None => self.port_for(spec, given).ok_or_else(|| {
                let (first, last) = (range.start(), range.end());
                Failure {
                    code: Code::Busy,
                    message: format!("no port from {first} to {last} is free for `{}`", spec.name),
                    hint: Some("give the app a wider range as its `port`".to_owned()),
                }
            })?,
        };
        given.by_app.insert(key, port);
        let typed = BTreeSet::from([PORT.to_owned()]);
        spec.put_env([(PORT.to_owned(), port.to_string())], &typed);
        Ok(())
    }

    fn port_for(&self, spec: &AppSpec, given: &GivenPorts) -> Option<u16> {
        let range = port_range(spec)?;
        let mut own = None;
        let mut others: BTreeSet<u16> = given.by_app.values().copied().collect();
        for (id, app) in self.registry.apps() {
            let Some(version) = self.registry.version(app.spec) else { continue };
            let port = port_of(&version.spec);
            if (&app.namespace, &app.name) == (&spec.namespace, &spec.name) {
                own = Some((id, port.filter(|_| port_range(&version.spec).is_some())));
            } else {
                others.extend(ports_of(&version.spec).into_iter().flatten());
            }
        }
        let is_free = |port: &u16| range.contains(port) && !others.contains(port);
        // What listens there is the app itself.
        if let Some((id, Some(port))) = own
            && is_free(&port)
            && (spec.exec_mode == ExecMode::Cluster || self.has_run(id))
        {
            return Some(port);
        }
        let taken = given.taken.get_or_init(self.settings.taken_ports);
        let had = own.and_then(|(_, port)| port).into_iter().chain(port_of(spec));
        let mut wanted = had.chain(range.clone());
        wanted.find(|port| is_free(port) && !taken.contains(port))
    }

    fn has_run(&self, app: AppId) -> bool {
        self.facts.values().any(|facts| self.registry.app_of(facts.proc) == Some(app))
    }
}

/// Takes the port away that an app was given and asks for no more.
pub(super) fn take_away(old: &AppSpec, spec: &mut AppSpec) {
    let asked = |spec: &AppSpec| spec.passthrough.get("port").is_some();
    if port_range(old).is_some() && !asked(spec) && port_of(old) == port_of(spec) {
        spec.env.remove(PORT);
    }
}

/// Why an app does not get several processes.
pub(super) fn one_port(name: &str) -> Failure {
    Failure {
        code: Code::Invalid,
        message: format!("`{name}`: {ONE_PORT}"),
        hint: Some(SHARE_IT.to_owned()),
    }
}
