//! What the server says: on standard output where it listens, on standard error what it cannot do.

use std::io::Write as _;

use crate::settings::Settings;

/// The lines of the server. Strangers decide how often something fails: the same is said once.
#[derive(Debug, Default)]
pub(crate) struct Log {
    last: String,
}

impl Log {
    /// Says where it listens.
    pub(crate) fn begins(&mut self, settings: &Settings) {
        let (root, address) = (settings.root.display(), settings.address);
        // Whoever reads the output may be gone, which is no reason not to serve.
        _ = writeln!(std::io::stdout(), "serving {root} on http://{address}");
    }

    /// Says what is wrong, unless it was the last that was said.
    pub(crate) fn error(&mut self, text: &str) {
        if self.last == text {
            return;
        }
        text.clone_into(&mut self.last);
        _ = writeln!(std::io::stderr(), "{text}");
    }
}
