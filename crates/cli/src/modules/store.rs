//! The folder of the modules, and how one gets its place in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ostler_client::Home;
use ostler_pm2::module::Module;
use ostler_pm2::settings::{FROM_NPM, FROM_TAR, Settings};

use super::package::{cannot, read};
use super::{archive, npm};
use crate::failed::Failed;

/// Where a module comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From npm, or what npm takes for a package: it is below `node_modules`.
    Npm,
    /// From an archive that [`pack`] or PM2 made.
    Archive,
}

impl Origin {
    /// Returns the object of the settings in which such modules are recorded.
    pub(crate) fn record(self) -> &'static str {
        match self {
            Self::Npm => FROM_NPM,
            Self::Archive => FROM_TAR,
        }
    }
}

/// The folder in which modules are kept.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    root: PathBuf,
}

/// A module that was brought here and has not its place yet.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// What it says of itself.
    pub(crate) module: Module,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// All of it, in a folder that is removed when nobody wants it.
    folder: Temporary,
}

impl Fetched {
    /// Returns the folder with its `package.json`.
    pub(crate) fn place(&self) -> PathBuf {
        package(&self.folder.path, &self.module.name, self.origin)
    }
}

impl Store {
    /// The store of this home, or the one that the environment names.
    pub(crate) fn of(home: &Home) -> Self {
        let named = std::env::var_os(ostler_env::PM2_DEFAULT_MODULE_PATH);
        let root = named.filter(|path| !path.is_empty()).map(PathBuf::from);
        Self { root: root.unwrap_or_else(|| home.path().join("modules")) }
    }

    /// Returns the folder of everything that belongs to a module.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Returns the folder with the `package.json` of a module.
    pub(crate) fn package(&self, name: &str, origin: Origin) -> PathBuf {
        package(&self.folder(name), name, origin)
    }

    /// Returns the modules that the settings record.
    pub(crate) fn recorded(settings: &Settings) -> Vec<(String, Origin)> {
        let of = |origin: Origin| {
            let names = settings.recorded(origin.record());
            // It is a file of the user's: no name may lead elsewhere.
            names.filter(|name| ostler_pm2::module::is_name(name)).map(move |name| (name, origin))
        };
        of(Origin::Npm).chain(of(Origin::Archive)).map(|(name, of)| (name.to_owned(), of)).collect()
    }

    /// Brings a module here: a package by what npm takes for one, or an archive.
    pub(crate) fn fetch(&self, word: &str, origin: Origin) -> Result<Fetched, Failed> {
        fs::create_dir_all(&self.root).map_err(|error| cannot("make", &self.root, &error))?;
        let folder = Temporary::new(&self.root)?;
        let name = match origin {
            Origin::Npm => Some(npm::install(word, &folder.path)?),
            Origin::Archive => archive::unpack(Path::new(word), &folder.path).map(|()| None)?,
        };
        let place = match &name {
            Some(name) => package(&folder.path, name, Origin::Npm),
            None => folder.path.clone(),
        };
        Ok(Fetched { module: read(&place)?, origin, folder })
    }

    /// Gives a module its place, and returns what was there before.
    pub(crate) fn put(&self, fetched: &Fetched) -> Result<Option<Temporary>, Failed> {
        let place = self.folder(&fetched.module.name);
        let failed = |error: io::Error| cannot("put the module into", &place, &error);
        fs::create_dir_all(place.parent().unwrap_or(&self.root)).map_err(failed)?;
        let before = self.take(&fetched.module.name)?;
        fs::rename(&fetched.folder.path, &place).map_err(failed)?;
        Ok(before)
    }

    /// Takes a module away; what is returned removes it.
    pub(crate) fn take(&self, name: &str) -> Result<Option<Temporary>, Failed> {
        let place = self.folder(name);
        let aside = Temporary::new(&self.root)?;
        match fs::rename(&place, aside.path.join("old")) {
            Ok(()) => Ok(Some(aside)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot("move away", &place, &error)),
        }
    }

    /// Puts back what was taken away.
    pub(crate) fn put_back(&self, name: &str, before: &Temporary) -> Result<(), Failed> {
        let place = self.folder(name);
        // What has failed is of no use.
        drop(self.take(name)?);
        fs::rename(before.path.join("old"), &place)
            .map_err(|error| cannot("put back", &place, &error))
    }
}

/// A folder that is removed with what is in it.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn new(root: &Path) -> Result<Self, Failed> {
        let path = (0_u32..)
            .map(|number| root.join(format!(".new-{}-{number}", std::process::id())))
            .find(|path| !path.exists())
            .unwrap_or_else(|| root.join(".new"));
        fs::create_dir_all(&path).map_err(|error| cannot("make", &path, &error))?;
        Ok(Self { path })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may have got another name; what is left is in nobody's way.
        _ = fs::remove_dir_all(&self.path);
    }
}

fn package(folder: &Path, name: &str, origin: Origin) -> PathBuf {
    match origin {
        Origin::Npm => folder.join("node_modules").join(name),
        Origin::Archive => folder.to_owned(),
    }
}
