//! What an option does with a command that does something of its own with it.

use super::commands::CommandId::{
    self, List, Reload, Restart, Run, Save, Start, StartOrReload, Startup, Stop, Unstartup,
};

/// Options that a command takes although, or because, it does something else with them than to
/// set an attribute.
pub(super) const OTHERWISE: [(CommandId, &str, &str); 23] = [
    (CommandId::Mcp, "all", "the apps of all folders"),
    (CommandId::Web, "port", "where it listens; default 9615"),
    (CommandId::Serve, "name", "name of the app; default static-page-server-PORT"),
    (CommandId::Serve, "namespace", "group of apps that it belongs to"),
    (CommandId::Serve, "output", "file of its standard output"),
    (CommandId::Serve, "error", "file of its standard error"),
    (CommandId::Serve, "max-memory-restart", "restart it above this memory"),
    (CommandId::Deploy, "force", "although something here is not committed or pushed"),
    (CommandId::Serve, "force", "start it although there is an app of this name"),
    (Run, "raw", "the lines alone, errors to standard error (default)"),
    (CommandId::LinkPm2, "force", "take the place of a PM2 that is there"),
    (Start, "force", "start another one of what runs already"),
    (
        Reload,
        "wait",
        "wait for a reload that is under way, then until it is ready; a limit is for all of it",
    ),
    (
        StartOrReload,
        "wait",
        "wait for a reload that is under way, then until all are ready; a limit is for all of it",
    ),
    (List, "watch", "show the list again and again"),
    (CommandId::Logrotate, "hp", "home directory of that user"),
    (Stop, "watch", "do not watch its files when it is started again"),
    (Restart, "watch", "switch the watching of its files on, or off; with a path: watch that"),
    (Reload, "watch", "switch the watching of its files on, or off; with a path: watch that"),
    (Startup, "user", "user that the service runs as"),
    (Unstartup, "user", "user that the service runs as"),
    (CommandId::Logrotate, "user", "user whose manager it is; default who runs the command"),
    (Save, "force", "also save an empty list"),
];
