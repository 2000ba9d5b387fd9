//! `pm2-dev`: apps in the foreground that are restarted when a file changes.

use crate::failed::Failed;

/// Says that it is not there.
pub(super) fn refuse() -> Failed {
    Failed::new("there is no `pm2-dev` yet")
        .hint("use `pm2-runtime FILE --watch`, which restarts apps when a file changes")
}
