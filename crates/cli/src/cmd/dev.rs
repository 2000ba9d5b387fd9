//! `pm2-dev`: apps in the foreground that are restarted when a file changes.

use crate::failed::Failed;

/// Says that it is not there.
pub(super) fn refuse() -> Failed {
    Failed::new("pm2-dev restarts apps when a file changes, and files are not watched yet")
        .hint("use `pm2-runtime FILE` with a runtime that watches, such as `node --watch`")
}
