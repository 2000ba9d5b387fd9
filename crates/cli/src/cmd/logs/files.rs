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
    forms: BTreeMap<u32, LineForm>,
}

/// How the lines of a process are written.
#[derive(Clone, Debug, Default)]
struct LineForm {
    /// The date that is put before each.
    date: Option<String>,
    /// Each is an object (`log_type: "json"`).
    is_object: bool,
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
        let forms = forms(session, list)?;
        let settings = SettingsFile::of(&session.home).read()?;
        let named = Rules::of(&settings).names.and_then(|format| Names::new(&format).ok());
        let names: Vec<Names> = named.into_iter().chain([Names::default()]).collect();
        let mut files = Self { sources: Vec::new(), names, forms };
        files.find(session, target, list, writer);
        Ok(files)
    }

    /// Finds the logs of these processes again, and how they are written; where nobody says that,
    /// it is as it was.
    pub(super) fn find_again(
        &mut self,
        session: &mut Session,
        target: &Target,
        list: &[ProcView],
        writer: &Writer,
    ) {
        if let Ok(forms) = forms(session, list) {
            self.forms = forms;
        }
        self.find(session, target, list, writer);
    }

    /// Whether the lines of a process are objects in its files.
    pub(super) fn are_objects(&self, id: u32) -> bool {
        self.forms.get(&id).is_some_and(|form| form.is_object)
    }

    fn find(&mut self, session: &Session, target: &Target, list: &[ProcView], writer: &Writer) {
        let times = ostler_logs::times::folder(session.home.path());
        let own = tail::own(session, target, writer);
        let source = |of: tail::Source| {
            let format = match &of.author {
                Author::Daemon => None,
                Author::App { id, .. } => self.forms.get(id).and_then(|form| form.date.clone()),
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

/// Returns how the lines of each process are written, by id.
fn forms(session: &mut Session, list: &[ProcView]) -> Result<BTreeMap<u32, LineForm>, Failed> {
    if list.is_empty() {
        return Ok(BTreeMap::new());
    }
    let of_all: Vec<Value> = serde_json::from_slice(&jlist::ask(session)?).unwrap_or_default();
    let form = |of: &Value| {
        let id = of.get("pm_id")?.as_u64()?.try_into().ok()?;
        let word = |key| of.get("pm2_env")?.get(key)?.as_str().filter(|word| !word.is_empty());
        let date = word("log_date_format").map(str::to_owned);
        Some((id, LineForm { date, is_object: word("log_type") == Some("json") }))
    };
    Ok(of_all.iter().filter_map(form).collect())
}
