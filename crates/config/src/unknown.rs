//! Keys of a process file that nobody knows.

use crate::attributes::attributes;
use crate::diagnostic::Diagnostic;
use crate::suggest;

/// Keys of what a later version does, with what is not done until then.
const LATER: [(&str, &str, &str); 1] = [(
    "history",
    "no figures are kept of one app alone; `ostler web` keeps those of all",
    "leave it out",
)];

/// The complaint about such a key.
pub(crate) fn unknown(written: &str) -> Diagnostic {
    if let Some((_, lacks, help)) = LATER.iter().find(|(name, ..)| *name == written) {
        let message = format!("`{written}` has no effect yet: {lacks}");
        return Diagnostic::warning("no-effect", message).help(*help);
    }
    let known = attributes()
        .filter(|key| key.is_in_files())
        .flat_map(|key| std::iter::once(key.name).chain(key.aliases.iter().copied()));
    let diagnostic =
        Diagnostic::warning("unknown-key", format!("unknown key `{written}` is ignored"));
    match suggest::nearest(written, known) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}
