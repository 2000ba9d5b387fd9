//! Which log files an app gets of which the user named none.
//!
//! Rule: an app keeps the files that it has. A new one gets those that are usual for its name,
//! unless another app has them: then it gets its own. What the user named is shared if they say so.

use std::path::{Path, PathBuf};

use ostler_config::{LogNames, log_paths_mut};
use ostler_core::spec::{AppSpec, LogSpec};

use super::known::Known;
use super::registry::Registry;

impl Known {
    /// Settles the files of an app that is added or changed.
    pub(super) fn settle_log_names(&self, spec: &mut AppSpec) {
        let home = &self.settings.home;
        let usual = LogNames::usual(home, &spec.name);
        let own = LogNames::own(home, &spec.namespace, &spec.name);
        let is_ours = |path: &PathBuf| usual.paths().contains(path) || own.paths().contains(path);
        if !log_paths(&spec.logs).into_iter().flatten().any(is_ours) {
            return;
        }
        let has = self.registry.log_spec_of(&spec.namespace, &spec.name).map(log_paths);
        for (at, path) in log_paths_mut(&mut spec.logs).into_iter().enumerate() {
            let (Some(usual), Some(own)) = (usual.paths().get(at), own.paths().get(at)) else {
                continue;
            };
            if path.as_ref().is_none_or(|path| path != usual && path != own) {
                continue;
            }
            let kept = has.as_ref().and_then(|has| has.get(at)?.cloned());
            if let Some(kept) = kept.filter(|kept| kept == usual || kept == own) {
                *path = Some(kept);
            } else if path.as_ref() == Some(usual)
                && self.registry.is_anothers_log(usual, &spec.namespace, &spec.name)
            {
                *path = Some(own.clone());
            }
        }
    }
}

impl Registry {
    /// How the output of an app of the list is written.
    fn log_spec_of(&self, namespace: &str, name: &str) -> Option<&LogSpec> {
        let mut apps = self.apps();
        let (_, app) = apps.find(|(_, app)| app.namespace == namespace && app.name == name)?;
        Some(&self.version(app.spec)?.spec.logs)
    }

    fn is_anothers_log(&self, path: &Path, namespace: &str, name: &str) -> bool {
        let others =
            self.apps().filter(|(_, app)| (&*app.namespace, &*app.name) != (namespace, name));
        let mut logs = others.filter_map(|(_, app)| self.version(app.spec));
        // As text: of many apps each is compared with each other one.
        let same = |other: &&PathBuf| other.as_os_str() == path.as_os_str();
        logs.any(|version| log_paths(&version.spec.logs).into_iter().flatten().any(|of| same(&of)))
    }
}

fn log_paths(logs: &LogSpec) -> [Option<&PathBuf>; 3] {
    [&logs.out, &logs.err, &logs.combined].map(Option::as_ref)
}
