//! What a receiver of alerts is owed, in a file of the home.

use std::io;
use std::path::{Path, PathBuf};

use ostler_core::spec::AlertTarget;
use serde::{Deserialize, Serialize};

use super::Alert;
use crate::kept::{file_name, read_json, write_whole};

/// Of the folder, in the home.
const FOLDER: &str = "ostler.alerts";
const VERSION: u64 = 1;

/// How somebody is reached, and the app whose receiver it is, by namespace and name; `None` for
/// one of the home.
pub type AlertKey = (Option<(String, String)>, AlertTarget);

/// What is known of a receiver of alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertsKept {
    /// Of the form.
    pub(crate) version: u64,
    /// Who it is, in words without secrets.
    pub receiver: String,
    /// The app whose receiver it is; `None`: the home's.
    #[serde(default)]
    pub of: Option<(String, String)>,
    /// How many alerts it has taken.
    pub sent: u64,
    /// How many it did not want.
    pub refused: u64,
    /// How many could not be delivered for too long, or were too many.
    pub lost: u64,
    /// Why nothing can be delivered now, or why the last one was refused.
    #[serde(default)]
    pub trouble: Option<String>,
    /// Since when nothing can be delivered, ms since 1970; `None` while it can.
    #[serde(default)]
    pub since: Option<u64>,
    /// What is owed, the oldest first.
    pub(crate) queue: Vec<Alert>,
    /// What was told when, for what must wait.
    pub(crate) told: Vec<Told>,
    /// The last that were taken up, by number and time: they may come again.
    pub(crate) seen: Vec<(u64, u64)>,
}

/// When an alert of a kind about an app was told last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Namespace and name of the app, and the kind.
    pub(crate) about: (String, String, String),
    /// The next one may be told from then on, ms since 1970.
    pub(crate) until: u64,
    /// From one to the next, ms.
    pub(crate) every: u64,
    /// How many were held back since.
    pub(crate) held_back: u64,
    /// The last of them.
    pub(crate) last: Option<Alert>,
}

/// Returns the folder with what receivers of alerts are owed.
#[must_use]
pub fn alerts_folder(home: &Path) -> PathBuf {
    home.join(FOLDER)
}

/// Returns the file for a receiver, of this app or of the home.
pub(crate) fn alerts_file(
    home: &Path,
    target: &AlertTarget,
    of: Option<&(String, String)>,
) -> PathBuf {
    let (namespace, app) = of.map_or(("", ""), |of| (&of.0, &of.1));
    alerts_folder(home).join(file_name(&format!("{namespace}\0{app}\0{target:?}")))
}

/// Returns all that is kept of the receivers of a home.
///
/// # Errors
/// Those of the system.
pub fn alerts_of_home(home: &Path) -> io::Result<Vec<AlertsKept>> {
    let all = read_json(&alerts_folder(home), AlertsKept::parse)?;
    Ok(all.into_iter().map(|(_, kept)| kept).collect())
}

impl AlertsKept {
    fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|kept: &Self| kept.version == VERSION)
    }

    /// Reads it; nothing where there is none, or none that is understood.
    pub(crate) fn read(path: &Path) -> Self {
        std::fs::read(path).ok().and_then(|text| Self::parse(&text)).unwrap_or_default()
    }

    /// Writes it whole, under a new name that becomes its own.
    pub(crate) fn write(&mut self, path: &Path) -> io::Result<()> {
        self.version = VERSION;
        write_whole(path, &serde_json::to_vec(self)?)
    }

    /// Whether something is owed, now or later.
    #[must_use]
    pub fn is_owed(&self) -> bool {
        !self.queue.is_empty() || self.told.iter().any(|told| told.last.is_some())
    }
}

/// Returns those of these receivers, of an app or of the home, who are owed something, and removes
/// what is kept of others.
///
/// # Errors
/// Those of the system.
pub fn alerts_left<'a>(home: &Path, receivers: &[&'a AlertKey]) -> io::Result<Vec<&'a AlertKey>> {
    let mut left = Vec::new();
    for (path, kept) in read_json(&alerts_folder(home), AlertsKept::parse)? {
        let is_file = |of: &&&AlertKey| alerts_file(home, &of.1, of.0.as_ref()) == path;
        match receivers.iter().find(is_file) {
            Some(receiver) if kept.is_owed() => left.push(*receiver),
            Some(_) => {}
            None => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            },
        }
    }
    Ok(left)
}
