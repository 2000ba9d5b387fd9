//! Which part of the list is asked for.

use ostler_core::ProcId;
use ostler_core::spec::AppSpec;

use super::registry::Proc;

/// The processes that a word may mean, and perhaps others: which of them it does mean, its asker
/// knows. Without a word, every process.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// A name, a namespace, both with a slash between them, or an id.
    pub word: Option<String>,
    /// The script that the word may mean.
    pub script: Option<String>,
}

impl Listed {
    /// Whether this process may be meant.
    pub(super) fn holds(&self, id: ProcId, proc: &Proc, spec: &AppSpec) -> bool {
        let Some(word) = &self.word else { return true };
        let is_script = |script: &str| spec.script.as_os_str() == script;
        proc.name == *word
            || spec.namespace == *word
            || word.parse() == Ok(id.0)
            || word.split_once('/') == Some((&spec.namespace, &proc.name))
            || self.script.as_deref().is_some_and(is_script)
    }
}
