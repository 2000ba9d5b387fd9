//! What cannot be: dependencies that are not there, and apps that wait for each other.

use std::collections::BTreeMap;

use ostler_config::{OUT_OF_A_CYCLE, in_a_cycle};
use ostler_core::depends::cycle;
use ostler_core::spec::AppSpec;
use ostler_wire::control::{Code, Failure};

use super::super::known::Known;

impl Known {
    /// Looks whether these apps, which are to be added or changed, depend on what is not in the
    /// list, or would wait for each other.
    pub(in super::super) fn check_dependencies(&self, apps: &[&AppSpec]) -> Result<(), Failure> {
        if apps.iter().all(|app| app.depends_on.is_empty()) {
            return Ok(());
        }
        let listed = self.registry.apps().filter_map(|(_, app)| {
            let spec = &self.registry.version(app.spec)?.spec;
            Some((app.name.as_str(), spec.as_ref()))
        });
        let mut all: BTreeMap<&str, &AppSpec> = listed.collect();
        all.extend(apps.iter().map(|app| (app.name.as_str(), *app)));
        for app in apps {
            if let Some(on) = app.depends_on.iter().find(|on| !all.contains_key(on.name.as_str())) {
                return Err(missing(&app.name, &on.name));
            }
        }
        let names: Vec<&str> = all.keys().copied().collect();
        let place = |name: &str| names.binary_search(&name).ok();
        let edges: Vec<Vec<usize>> = all
            .values()
            .map(|app| app.depends_on.iter().filter_map(|on| place(&on.name)).collect())
            .collect();
        match cycle(&edges) {
            Some(way) => {
                let names: Vec<&str> =
                    way.iter().filter_map(|at| names.get(*at).copied()).collect();
                Err(wait_for_each_other(&names))
            }
            None => Ok(()),
        }
    }
}

fn missing(app: &str, on: &str) -> Failure {
    Failure {
        code: Code::NotFound,
        message: format!("`{app}` depends on `{on}`, which is not in the list"),
        hint: Some(format!("start `{on}` before, or with it; `ostler list` shows what there is")),
    }
}

fn wait_for_each_other(names: &[&str]) -> Failure {
    Failure {
        code: Code::Invalid,
        message: in_a_cycle(names),
        hint: Some(OUT_OF_A_CYCLE.to_owned()),
    }
}
