//! What is told about another version of an app that git brings.

use super::Line;
use super::line::info;
use crate::paint::Paint;

/// Which version is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The newest of the branch, or the one that is named.
    Pull,
    /// The one after this.
    Forward,
    /// The one before this.
    Backward,
}

/// A fact about another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReleaseNotice<'a> {
    /// It is about to be brought.
    Fetches { way: Way, name: &'a str },
    /// The files of the app are of another commit, or of the same as before.
    Fetched { name: &'a str, from: &'a str, to: &'a str },
    /// The app is in no repository, which PM2 takes for no failure.
    NoRepository { name: &'a str },
}

/// Returns what PM2 says.
pub(super) fn pm2(notice: ReleaseNotice<'_>, paint: Paint) -> Vec<Line> {
    let text = match notice {
        ReleaseNotice::Fetches { way, name } => {
            let what = match way {
                Way::Pull => "Updating repository",
                Way::Forward => "Updating to next commit repository",
                Way::Backward => "Downgrading to previous commit repository",
            };
            format!("{what} for process name {name}")
        }
        ReleaseNotice::Fetched { name, from, to } if from == to => {
            format!("Already up-to-date for process {name}: {to}")
        }
        ReleaseNotice::Fetched { name, from, to } => {
            format!("Process {name}: {from} -> {to}")
        }
        ReleaseNotice::NoRepository { name } => {
            format!("No versioning system found for process {name}")
        }
    };
    vec![info(paint, &text)]
}

/// Returns what we say.
pub(super) fn ostler(notice: ReleaseNotice<'_>) -> Vec<Line> {
    match notice {
        ReleaseNotice::Fetched { name, from, to } if from == to => {
            vec![Line::out(format!("{name} is at {to} already"))]
        }
        ReleaseNotice::Fetched { name, from, to } => {
            vec![Line::out(format!("checked out {to} for {name}, which was at {from}"))]
        }
        ReleaseNotice::Fetches { .. } | ReleaseNotice::NoRepository { .. } => Vec::new(),
    }
}
