//! Whose lines are shown.

use std::collections::BTreeSet;

use ostler_wire::control::ProcView;

use super::words::Words;
use crate::args::{FlagId, Typed};
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::select::{self, is_pattern, pattern};
use crate::session::Session;
use crate::voice::{Notice, Problem};

/// The most names that a message lists.
const NAMES: usize = 10;

/// The processes and outputs that were asked for.
#[derive(Debug)]
pub(super) struct Target {
    /// The word that chose the processes.
    pub(super) word: String,
    /// The daemon's own lines were asked for by name, and by nothing else.
    pub(super) daemon: bool,
    /// The ids that the word means now.
    pub(super) ids: Vec<u32>,
    /// The processes of which it is known whether the word means them.
    met: BTreeSet<u32>,
    /// The word as an id, where no process has it yet.
    later: Option<u32>,
    /// The expression in the word, if it is one.
    pattern: Option<regex_lite::Regex>,
    /// Whether standard output is shown.
    pub(super) out: bool,
    /// Whether standard error is shown.
    pub(super) err: bool,
}

impl Target {
    /// Everything that every process writes.
    pub(super) fn everything() -> Self {
        let (word, ids, met) = ("all".to_owned(), Vec::new(), BTreeSet::new());
        Self { word, daemon: false, ids, met, later: None, pattern: None, out: true, err: true }
    }

    /// The target of a word and of the options.
    pub(super) fn of_word(
        session: &mut Session,
        word: String,
        list: &[ProcView],
    ) -> Result<Self, Failed> {
        let (ids, later) = match select::select_as(session.program, &word, list, &caller::cwd()?) {
            Ok(picked) => (picked.ids(), None),
            // As PM2: an app of this name may come yet.
            Err(Problem::NoProcess { .. } | Problem::NoSuch { .. }) => (Vec::new(), None),
            Err(Problem::NoSuchId { word, .. }) => (Vec::new(), word.parse().ok()),
            Err(other) => return Err(other.into()),
        };
        let pattern = if is_pattern(&word) { pattern(&word).ok() } else { None };
        let (out, err) = (session.has(FlagId::Out), session.has(FlagId::Err));
        // An app of that name comes first.
        let daemon = ids.is_empty() && word == Words(session.program).daemon();
        let met = list.iter().map(|process| process.id).collect();
        Ok(Self { word, daemon, ids, met, later, pattern, out: out || !err, err: err || !out })
    }

    /// Whether every process is meant.
    pub(super) fn all(&self) -> bool {
        self.word == "all"
    }

    /// Whether a word that is an id leaves the choice to the daemon. Processes of a name may be
    /// added while lines are shown; an id stays what it is.
    pub(super) fn is_id(&self) -> bool {
        self.word.bytes().all(|byte| byte.is_ascii_digit()) && !self.ids.is_empty()
    }

    /// A process is heard of. Where it is new, it is looked whether the word means it, as the
    /// namespace of its app may do.
    pub(super) fn meet(&mut self, session: &mut Session, id: u32) {
        let is_number = || self.word.bytes().all(|byte| byte.is_ascii_digit());
        if self.met.contains(&id) || self.all() || is_number() || self.pattern.is_some() {
            return;
        }
        // Where nobody answers, it is looked again with its next line.
        if let (Ok(list), Ok(cwd)) = (session.known(), caller::cwd()) {
            self.met.insert(id);
            self.met.extend(list.iter().map(|process| process.id));
            if let Ok(picked) = select::select_as(session.program, &self.word, &list, &cwd) {
                let new: Vec<u32> =
                    picked.ids().into_iter().filter(|id| !self.ids.contains(id)).collect();
                self.ids.extend(new);
            }
        }
        session.disconnect();
    }

    /// Whether lines of this process are shown.
    pub(super) fn includes(&self, id: u32, name: &str) -> bool {
        self.all()
            || self.ids.contains(&id)
            || self.later == Some(id)
            || name == self.word
            || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(name))
    }
}

/// The refusal of a name that is nearly another one, with how to wait for it all the same.
fn probably_a_slip(slip: &Problem, word: &str, typed: &Typed) -> Failed {
    let (text, meant) = slip.words(typed);
    let pattern = format!("/^{word}$/");
    let pasted = ostler_shell::word(&pattern);
    let wait = format!("`ostler logs {pasted}` waits for an app of that name");
    let meant = meant.map_or_else(String::new, |meant| format!("{meant} "));
    Failed::new(text).hint(format!("{meant}{wait}"))
}

/// Says that the word means no process: whoever waits for lines must know that there may never be
/// any, and what else there is. Whoever does not wait gets nothing, which PM2 takes for a success.
///
/// # Errors
/// It is not PM2's name, and nobody waits, or it is nearly the name of another app.
pub(super) fn nobody(
    session: &mut Session,
    target: &Target,
    list: &[ProcView],
    waits: bool,
) -> Result<(), Failed> {
    let word = target.word.as_str();
    if session.program == Program::Ostler && !target.all() {
        match select::select_as(session.program, word, list, &caller::cwd()?) {
            Err(slip @ Problem::NoSuch { near: Some(_), .. }) if waits => {
                return Err(probably_a_slip(&slip, word, &session.args.typed));
            }
            Err(problem) if !waits => return Err(problem.into()),
            Ok(_) | Err(_) => {}
        }
    }
    let what = if target.all() {
        "there is no process".to_owned()
    } else if is_pattern(word) {
        format!("no process has a name that matches `{word}`")
    } else {
        format!("no process has the name, namespace or id `{word}`")
    };
    let names: BTreeSet<&str> = list.iter().map(|process| process.name.as_str()).collect();
    let shown = names.iter().take(NAMES).map(|name| ostler_text::shown(name));
    let mut there = shown.collect::<Vec<_>>().join(", ");
    if NAMES < names.len() {
        there.push_str(&format!(" and {} more", names.len() - NAMES));
    }
    let there = if names.is_empty() { String::new() } else { format!("; there are: {there}") };
    let yet = if waits { " yet; its lines are shown as soon as there is one" } else { "" };
    let text = format!("{what}{yet}{there}");
    let hint = "`ostler list` shows what there is; Ctrl-C ends the wait";
    let hint = Some(hint).filter(|_| waits && session.program == Program::Ostler);
    session.out.tell(&Notice::Warning { text: &text, hint, apart: true });
    Ok(())
}
