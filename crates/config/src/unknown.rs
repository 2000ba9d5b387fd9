//! Keys of a process file that nobody knows.

use crate::attributes::attributes;
use crate::diagnostic::Diagnostic;
use crate::suggest;

/// Keys of what a later version does, with what is not done until then.
const LATER: [(&str, &str); 2] = [
    ("history", "no figures are kept of one app alone; `ostler web` keeps those of all"),
    ("extends", "no file and no app takes over what another says"),
];

/// The complaint about such a key.
pub(crate) fn unknown(written: &str) -> Diagnostic {
    if let Some((_, lacks)) = LATER.iter().find(|(name, _)| *name == written) {
        let message = format!("`{written}` has no effect yet: {lacks}");
        return Diagnostic::warning("no-effect", message).help("leave it out");
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
