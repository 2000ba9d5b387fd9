//! How far a sink is, in a file of the home: what was passed on is not passed on again by the next
//! daemon, and `describe` shows what became of it.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ostler_logs::{Check, Place};
use serde_json::{Value, json};

/// Of the folder, in the home.
const FOLDER: &str = "ostler.sinks";
const VERSION: u64 = 1;

/// What is known of a sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The namespace and the name of the app.
    pub app: (String, String),
    /// What kind of sink it is, and where it leads.
    pub sink: String,
    /// How many lines were passed on.
    pub sent: u64,
    /// How many lines the receiver did not want.
    pub refused: u64,
    /// How often a log file was gone before it was passed on.
    pub gaps: u64,
    /// Why nothing can be passed on now, or why lines were refused last.
    pub trouble: Option<String>,
    /// Since when it cannot, ms since 1970; `None` while it can.
    pub since: Option<u64>,
    /// Up to where the logs were passed on, by their paths.
    pub places: BTreeMap<String, Place>,
    /// How many lines rules have found, by their names.
    pub counts: BTreeMap<String, u64>,
}

/// Returns the folder in which it is kept how far sinks are.
#[must_use]
pub fn folder(home: &Path) -> PathBuf {
    home.join(FOLDER)
}

/// Returns the name of the file for a receiver that is called so.
#[must_use]
pub fn file_name(receiver: &str) -> String {
    let back: Vec<u8> = receiver.bytes().rev().collect();
    format!("{:08x}{:08x}.json", ostler_logs::hash(receiver.as_bytes()), ostler_logs::hash(&back))
}

/// Returns all that is kept of the sinks of a home.
///
/// # Errors
/// Those of the system.
pub fn read_all(home: &Path) -> io::Result<Vec<Kept>> {
    let all = read_json(&folder(home), |text| of_json(&serde_json::from_slice(text).ok()?))?;
    Ok(all.into_iter().map(|(_, kept)| kept).collect())
}

/// Reads each file of a folder that is understood.
pub(crate) fn read_json<T>(
    folder: &Path,
    parse: impl Fn(&[u8]) -> Option<T>,
) -> io::Result<Vec<(PathBuf, T)>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let path = entry?.path();
        // One that is being written has another ending.
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        match std::fs::read(&path) {
            Ok(text) => all.extend(parse(&text).map(|of| (path, of))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// Writes a file whole, under a new name that becomes its own, in a folder for its owner alone.
pub(crate) fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let new = path.with_extension("new");
    let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(flags);
    options.open(&new)?.write_all(text)?;
    std::fs::rename(new, path)
}

impl Kept {
    /// Reads it; `None` when there is none, or nothing that is understood.
    ///
    /// # Errors
    /// Those of the system.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => Ok(serde_json::from_slice(&bytes?).ok().and_then(|value| of_json(&value))),
        }
    }

    /// Writes it whole, under a new name that becomes its own.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        write_whole(path, to_json(self).to_string().as_bytes())
    }
}

fn to_json(kept: &Kept) -> Value {
    let place = |(path, place): (&String, &Place)| {
        let Place { inode, written, end, check, head } = *place;
        (path.clone(), json!([inode, written, end, check.length, check.hash, head]))
    };
    let places: serde_json::Map<String, Value> = kept.places.iter().map(place).collect();
    json!({
        "version": VERSION,
        "namespace": kept.app.0,
        "app": kept.app.1,
        "sink": kept.sink,
        "sent": kept.sent,
        "refused": kept.refused,
        "gaps": kept.gaps,
        "trouble": kept.trouble,
        "since": kept.since,
        "places": places,
        "counts": kept.counts,
    })
}

fn of_json(value: &Value) -> Option<Kept> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| value.get(key).and_then(Value::as_u64);
    if number("version") != Some(VERSION) {
        return None;
    }
    let place = |(path, value): (&String, &Value)| {
        let number = |at: usize| value.get(at).and_then(Value::as_u64);
        let check =
            Check { length: number(3)?.try_into().ok()?, hash: number(4)?.try_into().ok()? };
        let head = number(5)?.try_into().ok()?;
        let place = Place { inode: number(0)?, written: number(1)?, end: number(2)?, check, head };
        Some((path.clone(), place))
    };
    let places = value.get("places")?.as_object()?;
    // Files of earlier versions have none.
    let counts = value.get("counts").and_then(Value::as_object).into_iter().flatten();
    Some(Kept {
        app: (text("namespace")?, text("app")?),
        sink: text("sink")?,
        sent: number("sent")?,
        refused: number("refused")?,
        gaps: number("gaps")?,
        trouble: text("trouble"),
        since: number("since"),
        places: places.iter().filter_map(place).collect(),
        counts: counts.filter_map(|(name, of)| Some((name.clone(), of.as_u64()?))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_was_and_what_is_not_understood_is_none() {
        let home = tempfile::tempdir().unwrap();
        let check = Check { length: 3, hash: 7 };
        let place = Place { inode: u64::MAX, written: 1, end: 2, check, head: 9 };
        let kept = Kept {
            app: ("default".to_owned(), "api".to_owned()),
            sink: "syslog udp".to_owned(),
            sent: 1,
            refused: 2,
            gaps: 3,
            trouble: Some("no".to_owned()),
            since: Some(4),
            places: BTreeMap::from([("/l/a.log".to_owned(), place)]),
            counts: BTreeMap::from([("oom".to_owned(), 5)]),
        };
        kept.write(&folder(home.path()).join("x.json")).unwrap();
        assert_eq!(read_all(home.path()).unwrap(), std::slice::from_ref(&kept));
        std::fs::write(folder(home.path()).join("y.json"), "{").unwrap();
        assert_eq!(read_all(home.path()).unwrap(), [kept]);
    }
}
