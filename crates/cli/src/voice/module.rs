//! What commands tell about modules.

use std::path::Path;

use ostler_shell::word;

use super::{Line, Text};
use crate::paint::{Ink, Paint};

/// A fact about modules.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ModuleNotice<'a> {
    /// A module is being brought here. `npm`: from npm, else from an archive.
    Installs { word: &'a str, npm: bool },
    /// The module in the working directory is being started as it is.
    Develops,
    /// All of it is here.
    Fetched { npm: bool },
    /// It is installed and runs. `configurable`: it has settings.
    Installed { name: &'a str, version: Option<&'a str>, configurable: bool },
    /// A module, or every one, is being removed.
    Uninstalls { name: &'a str },
    /// It is removed.
    Uninstalled { name: &'a str },
    /// A folder with a module to begin with was made.
    Generated { name: &'a str, path: &'a Path },
    /// An archive of a folder with a module was made.
    Packed { folder: &'a Path, path: &'a Path },
    /// A package was published.
    Published { name: &'a str },
}

/// Returns what we say of it.
pub(super) fn own_lines(notice: &ModuleNotice<'_>, hint: impl Fn(&str) -> Line) -> Vec<Line> {
    let out = |text: String| vec![Line::Out(Text::line(text))];
    match notice {
        ModuleNotice::Installs { .. }
        | ModuleNotice::Develops
        | ModuleNotice::Fetched { .. }
        | ModuleNotice::Uninstalls { .. } => Vec::new(),
        ModuleNotice::Installed { name, version, configurable } => {
            let version = version.map_or_else(String::new, |version| format!(" {version}"));
            let mut lines = out(format!("installed {name}{version}"));
            if *configurable {
                let pasted = word(name);
                let text =
                    format!("`ostler get {pasted}` shows its settings, `ostler set` sets one");
                lines.push(hint(&text));
            }
            lines
        }
        ModuleNotice::Uninstalled { name } => {
            let mut lines = out(format!("removed {name}"));
            let pasted = word(name);
            let text = format!("its settings stay; `ostler unset {pasted}` removes them");
            lines.push(hint(&text));
            lines
        }
        ModuleNotice::Generated { path, .. } | ModuleNotice::Packed { path, .. } => {
            out(format!("made {}", path.display()))
        }
        ModuleNotice::Published { name } => out(format!("published {name}")),
    }
}

/// Returns what PM2 says of it.
pub(super) fn pm2_lines(notice: &ModuleNotice<'_>, paint: Paint) -> Vec<Line> {
    let say = |text: &str| {
        let prefix = paint.ink(&[Ink::Bold, Ink::Green], "[PM2][Module] ");
        Line::Out(Text::labelled(&prefix, text))
    };
    match notice {
        ModuleNotice::Installs { word, npm: true } => vec![
            say(&format!("Installing NPM {word} module")),
            say(&format!("Calling [NPM] to install {word} ...")),
        ],
        ModuleNotice::Installs { word, npm: false } => {
            vec![say("Installing TAR module"), say(&format!("Installing package {word}"))]
        }
        ModuleNotice::Develops => vec![
            say("Installing local NPM module"),
            say("Installing local module in DEVELOPMENT MODE with WATCH auto restart"),
        ],
        ModuleNotice::Fetched { npm: true } => vec![say("Module downloaded")],
        ModuleNotice::Fetched { npm: false } => vec![say("Depackaging module...")],
        ModuleNotice::Installed { .. } => vec![
            say("Module successfully installed and launched"),
            say("Checkout module options: `$ pm2 conf`"),
        ],
        ModuleNotice::Uninstalls { name } => vec![say(&format!("Uninstalling module {name}"))],
        ModuleNotice::Uninstalled { .. } => Vec::new(),
        ModuleNotice::Generated { name, path } => {
            let mut lines = vec![
                say(&format!("Module sample created in folder:  {}", path.display())),
                Line::Out(Text::line("")),
            ];
            let pasted = word(name);
            for (what, command) in [
                ("Start module in development mode", format!("cd {pasted}/")),
                ("", "pm2 install .".to_owned()),
                ("Module Log", format!("pm2 logs {pasted}")),
                ("Uninstall module", format!("pm2 uninstall {pasted}")),
                ("Force restart", format!("pm2 restart {pasted}")),
            ] {
                if !what.is_empty() {
                    lines.push(Line::Out(Text::line(format!("{what}:"))));
                }
                lines.push(Line::Out(Text::line(format!("$ {command}"))));
            }
            lines
        }
        ModuleNotice::Packed { folder, path } => vec![
            say(&format!("Gziping {} to {}", folder.display(), path.display())),
            say(&format!("Module packaged in {}", path.display())),
        ],
        ModuleNotice::Published { name } => vec![say(&format!("Module {name} published"))],
    }
}
