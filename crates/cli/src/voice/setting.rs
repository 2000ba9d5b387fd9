//! What commands tell about settings.

use std::path::Path;

use super::Line;
use super::line::info;
use crate::paint::Paint;

/// A fact about settings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SettingNotice<'a> {
    /// These were set.
    Set { words: &'a [&'a str] },
    /// The app that a setting is for was restarted with it.
    Restarted { app: &'a str },
    /// This one, or every one, was removed.
    Unset { word: &'a str },
    /// The user has edited the file.
    Edited { path: &'a Path },
}

/// Returns what we say of it.
pub(super) fn own_lines(notice: &SettingNotice<'_>) -> Vec<Line> {
    let text = match notice {
        SettingNotice::Set { words } => format!("set {}", words.join(", ")),
        // The summary of the restart says so.
        SettingNotice::Restarted { .. } => return Vec::new(),
        SettingNotice::Unset { word: "all" } => "removed all settings".to_owned(),
        SettingNotice::Unset { word } => format!("removed {word}"),
        SettingNotice::Edited { path } => format!(
            "edited {}; an app gets its settings when it is started anew, or by `ostler set`",
            path.display()
        ),
    };
    vec![Line::out(text)]
}

/// Returns what PM2 says of it.
pub(super) fn pm2_lines(notice: &SettingNotice<'_>, paint: Paint) -> Vec<Line> {
    match notice {
        SettingNotice::Set { .. } => vec![info(paint, "Setting changed")],
        SettingNotice::Restarted { app } => {
            vec![info(paint, &format!("Module {app} restarted"))]
        }
        SettingNotice::Unset { .. } => Vec::new(),
        SettingNotice::Edited { path } => {
            let path = path.display();
            vec![
                Line::out(format!("Module configuration ({path}) edited.")),
                Line::out(format!(
                    "To take changes into account, please restart module related. {path}"
                )),
            ]
        }
    }
}
