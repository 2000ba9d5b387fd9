//! `Procfile`: a name and a command in each line.

use super::app::Made;
use super::wrong::NotUnderstood;

/// The process that runs once, before the others.
const RELEASE: &str = "release";

/// Whether a text without a name may be one: nothing but names, each with a command.
pub(super) fn is_meant(text: &str) -> bool {
    !text.trim_start().starts_with(['[', '{']) && apps(text).is_ok_and(|apps| !apps.is_empty())
}

pub(super) fn apps(text: &str) -> Result<Vec<Made>, NotUnderstood> {
    let mut apps: Vec<Made> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: &str| NotUnderstood::at(number + 1, why);
        let (name, command) = line
            .split_once(':')
            .ok_or_else(|| wrong("there is no `:` between name and command"))?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(wrong("what stands before the `:` is no name"));
        }
        if command.trim().is_empty() {
            return Err(wrong("there is no command behind the `:`"));
        }
        let mut app = Made::new(name);
        app.run_line(command.trim());
        if name == RELEASE {
            app.put("oneshot", true);
            app.note("it runs once when it is started; `depends_on` makes others wait for it");
        }
        if command.contains("$PORT") || command.contains("${PORT") {
            app.put("port", 5000 + 100 * apps.len());
            app.note("`PORT` is given as foreman does it, from 5000 on");
        }
        apps.push(app);
    }
    Ok(apps)
}
