//! What ostler does not do yet although an app asks for it.
//!
//! An attribute that is accepted and does nothing misleads: the app seems to be traced, and is
//! not. So whoever asks for one is told: on the command line by an error, in a file or a saved list
//! by a warning, and later by `list` and `describe`.

use ostler_core::spec::AppSpec;
use serde_json::Value as Json;

use super::attribute::{Attribute, Effect, Flag, Usual};
use super::attributes;
use crate::diagnostic::Diagnostic;

/// Something that is asked for and not done.
#[derive(Clone, Copy, Debug)]
pub struct NotYet {
    /// The attribute that asks for it.
    pub attribute: &'static Attribute,
    /// What ostler does not do.
    pub lacks: &'static str,
    /// What helps until it does.
    pub instead: &'static str,
}

impl NotYet {
    /// What an attribute asks for with this value, if ostler does not do it.
    pub(crate) fn of(attribute: &'static Attribute, value: &Json) -> Option<Self> {
        let (lacks, instead) = match attribute.effect {
            Effect::NotYet { lacks, instead } => (lacks, instead),
            Effect::Acts | Effect::Kept => return None,
        };
        let is_usual = match attribute.usual {
            Usual::Json(text) => serde_json::from_str::<Json>(text).is_ok_and(|of| of == *value),
            Usual::Spec | Usual::Said(_) => false,
        };
        (!is_usual && asks(value)).then_some(Self { attribute, lacks, instead })
    }

    /// The complaint about an option.
    pub(crate) fn of_option(&self, flag: &Flag) -> Diagnostic {
        let name = flag.long.first().copied().unwrap_or_default();
        let message = format!("`--{name}` has no effect yet: {}", self.lacks);
        Diagnostic::error("no-effect", message).help(self.instead)
    }

    /// The complaint about a key of a file, as it was written there.
    pub(crate) fn of_key(&self, written: &str) -> Diagnostic {
        let own = format!("`{written}` has no effect yet: {}", self.lacks);
        Diagnostic::warning("no-effect", self.about(written)).own(own).help(self.instead)
    }

    /// Says it in one sentence without a full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        self.about(self.attribute.name)
    }

    fn about(&self, name: &str) -> String {
        format!("\"{name}\" has no effect yet: {}", self.lacks)
    }
}

/// Returns what this app asks for and ostler does not do, in the order of the table.
pub fn not_yet(spec: &AppSpec) -> impl Iterator<Item = NotYet> + '_ {
    attributes()
        .filter(|attribute| matches!(attribute.effect, Effect::NotYet { .. }))
        .filter_map(|attribute| NotYet::of(attribute, &attribute.get(spec)))
}

/// Whether a value asks for anything: what is false in JavaScript does not, nor does what is empty.
fn asks(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => false,
        Json::Bool(true) => true,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !matches!(text.trim(), "" | "0" | "false"),
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
    }
}
