//! The parts together: a site of real files, connections over real sockets.

mod connection;
mod server;
mod site;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::settings::Settings;

/// A folder with files in it.
struct Place {
    dir: TempDir,
    variables: BTreeMap<&'static str, &'static str>,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { dir, variables: BTreeMap::new() }
    }

    fn set(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.insert(name, value);
        self
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn settings(&self) -> Settings {
        let variable = |name: &str| self.variables.get(name).map(|value| (*value).to_owned());
        let mut settings = Settings::read(variable, self.dir.path()).unwrap();
        settings.address.set_port(0);
        settings
    }
}
