//! The logs of what was asked for.

use std::collections::BTreeMap;

use ostler_logs::Names;
use ostler_pm2::rotation::Rules;
use ostler_wire::control::ProcView;
use serde_json::Value;

use super::format::{Author, Writer};
use super::query::Source;
use super::tail;
use super::target::Target;
use crate::cmd::jlist;
use crate::failed::Failed;
use crate::session::Session;
use crate::settings_file::SettingsFile;

/// The logs of what was asked for, and how their rotated files are called.
pub(super) struct Files {
    pub(super) sources: Vec<Source>,
    names: Vec<Names>,
    formats: BTreeMap<u32, String>,
}

impl Files {
    /// Finds the logs of these processes, and how they are written.
    ///
    /// # Errors
    /// Nobody answers, or the settings cannot be read.
    pub(super) fn of(
        session: &mut Session,
        target: &Target,
        list: &[ProcView],
        writer: &Writer,
    ) -> Result<Self, Failed> {
        let formats = date_formats(session, list)?;
        let settings = SettingsFile::of(&session.home).read()?;
        let named = Rules::of(&settings).names.and_then(|format| Names::new(&format).ok());
        let names: Vec<Names> = named.into_iter().chain([Names::default()]).collect();
        let mut files = Self { sources: Vec::new(), names, formats };
        files.find(session, target, list, writer);
        Ok(files)
    }

    /// Finds the logs of these processes again.
    pub(super) fn find(
        &mut self,
        session: &Session,
        target: &Target,
        list: &[ProcView],
        writer: &Writer,
    ) {
        let times = ostler_logs::times::folder(session.home.path());
        let own = tail::own(session, target, writer);
        let source = |of: tail::Source| {
            let format = match &of.author {
                Author::Daemon => None,
                Author::App { id, .. } => self.formats.get(id).cloned(),
            };
            Source { path: of.path, author: of.author, format, times: times.clone() }
        };
        self.sources = own.into_iter().chain(tail::sources(target, list)).map(source).collect();
    }

    /// Returns the logs, and how their rotated files are called.
    pub(super) fn lent(&self) -> (&[Source], &[Names]) {
        (&self.sources, &self.names)
    }
}

/// Returns the date that is put before each line of a process, by id.
fn date_formats(session: &mut Session, list: &[ProcView]) -> Result<BTreeMap<u32, String>, Failed> {
    if list.is_empty() {
        return Ok(BTreeMap::new());
    }
    let of_all: Vec<Value> = serde_json::from_slice(&jlist::ask(session)?).unwrap_or_default();
    let format = |of: &Value| {
        let id = of.get("pm_id")?.as_u64()?.try_into().ok()?;
        Some((id, of.get("pm2_env")?.get("log_date_format")?.as_str()?.to_owned()))
    };
    Ok(of_all.iter().filter_map(format).filter(|(_, format)| !format.is_empty()).collect())
}
