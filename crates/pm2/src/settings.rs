//! Settings of apps and modules: `module_conf.json` in the home, which PM2 and its modules read
//! and write too.
//!
//! One JSON object, indented by four blanks. Under the name of an app or module stands an object of
//! its settings; what else is there are settings of PM2 itself, and the records of modules that are
//! installed. What is not understood is kept as it is.

use std::collections::BTreeMap;

use serde::Serialize as _;
use serde_json::{Map, Value as Json};

use crate::not_json::not_json;

/// Modules that were installed from npm: their names, each with an object.
pub const FROM_NPM: &str = "module-db-v2";
/// Modules that were installed from an archive.
pub const FROM_TAR: &str = "tar-modules";
/// Objects that hold something else than the settings of one app.
const RECORDS: [&str; 3] = ["module-db", FROM_NPM, FROM_TAR];

/// The way to a setting: `app.key`, or `app:key`; a single word is a setting of PM2 itself, or all
/// of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    parts: Vec<String>,
}

impl Key {
    /// Returns the way that a word names; a `.` in it comes before a `:`. `None`: a part of
    /// it is empty.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let separator = if word.contains('.') { '.' } else { ':' };
        let parts: Vec<String> = word.split(separator).map(str::to_owned).collect();
        (!parts.iter().any(String::is_empty)).then_some(Self { parts })
    }

    /// Returns the app that the setting is of; `None` for a single word.
    #[must_use]
    pub fn app(&self) -> Option<&str> {
        if self.parts.len() < 2 { None } else { self.parts.first().map(String::as_str) }
    }

    /// Returns the name below the app, its parts joined as PM2 does it.
    #[must_use]
    pub fn name(&self) -> String {
        self.parts.get(1..).unwrap_or_default().join(":")
    }
}

/// Why a setting cannot be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadSetting {
    /// On the way to it stands a value: its place, with dots.
    Value(String),
}

/// The settings of a home.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    all: Map<String, Json>,
}

impl Settings {
    /// Reads a file; an empty one has no settings.
    ///
    /// # Errors
    /// It is no JSON, or no object.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        match serde_json::from_str(text) {
            Ok(Json::Object(all)) => Ok(Self { all }),
            Ok(_) => Err("it is not an object".to_owned()),
            Err(error) => Err(not_json(text.as_bytes(), &error)),
        }
    }

    /// Returns the file, as PM2 writes it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        let form = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, form);
        // Neither a vector nor a map of texts fails.
        let _ = self.all.serialize(&mut serializer);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Returns what stands there.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Json> {
        let (first, rest) = key.parts.split_first()?;
        rest.iter().try_fold(self.all.get(first)?, |value, part| value.get(part))
    }

    /// Sets a value, and makes what is missing on the way to it.
    ///
    /// # Errors
    /// A value stands on the way; nothing has changed then.
    pub fn set(&mut self, key: &Key, value: Json) -> Result<(), BadSetting> {
        let mut map = &mut self.all;
        let Some((last, way)) = key.parts.split_last() else { return Ok(()) };
        for (index, part) in way.iter().enumerate() {
            let below = map.entry(part.clone()).or_insert_with(|| Map::new().into());
            let Json::Object(below) = below else {
                let place = key.parts.iter().take(index + 1).map(String::as_str);
                return Err(BadSetting::Value(place.collect::<Vec<_>>().join(".")));
            };
            map = below;
        }
        map.insert(last.clone(), value);
        Ok(())
    }

    /// Removes what stands there. `false`: nothing did.
    pub fn unset(&mut self, key: &Key) -> bool {
        let mut map = &mut self.all;
        let Some((last, way)) = key.parts.split_last() else { return false };
        for part in way {
            let Some(Json::Object(below)) = map.get_mut(part) else { return false };
            map = below;
        }
        map.shift_remove(last).is_some()
    }

    /// Removes all settings. The records of installed modules stay: they are none.
    pub fn clear(&mut self) {
        self.all.retain(|name, _| RECORDS.contains(&name.as_str()));
    }

    /// Returns apps and modules with their settings.
    pub fn apps(&self) -> impl Iterator<Item = (&str, &Map<String, Json>)> {
        self.all
            .iter()
            .filter(|(name, _)| !RECORDS.contains(&name.as_str()))
            .filter_map(|(name, value)| Some((name.as_str(), value.as_object()?)))
    }

    /// Returns the settings that belong to no app.
    pub fn single(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.all.iter().filter(|(_, value)| !value.is_object()).map(|(name, v)| (name.as_str(), v))
    }

    /// Returns the variables that an app of this name gets: each of its settings, and under its own
    /// name all of them as JSON. Without settings there are none.
    #[must_use]
    pub fn variables(&self, app: &str) -> BTreeMap<String, String> {
        let of_app = self.apps().find(|(name, of)| *name == app && !of.is_empty());
        let Some((_, settings)) = of_app else { return BTreeMap::new() };
        let mut variables: BTreeMap<String, String> =
            settings.iter().map(|(name, value)| (name.clone(), shown(value))).collect();
        variables.insert(app.to_owned(), Json::Object(settings.clone()).to_string());
        variables.retain(|name, value| is_variable(name, value));
        variables
    }

    /// Returns the modules that are recorded here.
    pub fn recorded<'a>(&'a self, record: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let of = self.all.get(record).and_then(Json::as_object);
        of.into_iter().flat_map(|of| of.keys().map(String::as_str))
    }

    /// Records a module that was installed.
    pub fn record(&mut self, record: &str, name: &str) {
        let of = self.all.entry(record).or_insert_with(|| Map::new().into());
        if !of.is_object() {
            *of = Map::new().into();
        }
        if let Json::Object(of) = of {
            of.insert(name.to_owned(), Map::new().into());
        }
    }

    /// Forgets that a module was installed. `false`: it was not.
    pub fn forget(&mut self, name: &str) -> bool {
        let mut found = false;
        for record in [FROM_NPM, FROM_TAR] {
            if let Some(Json::Object(of)) = self.all.get_mut(record) {
                found |= of.shift_remove(name).is_some();
            }
        }
        found
    }

    /// Gives a module the settings that it has by itself; what was set stays.
    pub fn add_usual(&mut self, module: &str, usual: &Map<String, Json>) {
        let of = self.all.entry(module).or_insert_with(|| Map::new().into());
        if let Json::Object(of) = of {
            for (name, value) in usual {
                of.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
}

/// Returns a value as text: what is no text as JSON.
#[must_use]
pub fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether the system can carry it in an environment.
fn is_variable(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(word: &str) -> Key {
        Key::of(word).unwrap()
    }

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let mut all = Settings::default();
        pairs.iter().for_each(|(word, value)| all.set(&key(word), (*value).into()).unwrap());
        all
    }

    #[test]
    fn a_dot_comes_before_a_colon_and_no_part_is_empty() {
        assert_eq!((key("app:K").app(), key("app:K").name()), (Some("app"), "K".to_owned()));
        assert_eq!(key("app.a:b").name(), "a:b");
        assert_eq!(key("app").app(), None);
        for word in ["", ".", "a.", ":b", "a..b"] {
            assert_eq!(Key::of(word), None, "{word}");
        }
    }

    #[test]
    fn the_file_is_the_one_that_pm2_writes() {
        let mut all = settings(&[("a", "b"), ("mod:key", "val"), ("mod.k2", "v 2")]);
        // What PM2 7.0.4 writes for the same commands.
        let text = "{\n    \"a\": \"b\",\n    \"mod\": {\n        \"key\": \"val\",\n        \
                    \"k2\": \"v 2\"\n    }\n}";
        assert_eq!(all.text(), text);
        assert_eq!(Settings::read(text).unwrap(), all);
        assert!(all.unset(&key("mod.key")) && all.unset(&key("mod.k2")) && all.unset(&key("a")));
        assert_eq!(all.text(), "{\n    \"mod\": {}\n}");
        assert!(!all.unset(&key("no:thing")) && !all.unset(&key("nothing")));
        assert_eq!(Settings::default().text(), "{}");
        assert!(Settings::read("[]").is_err() && Settings::read("{").is_err());
    }

    #[test]
    fn a_value_on_the_way_is_not_overwritten() {
        let mut all = settings(&[("a", "b"), ("app.deep.er", "x")]);
        let before = all.clone();
        let refused = all.set(&key("a.c.d"), "e".into());
        assert_eq!(refused, Err(BadSetting::Value("a".to_owned())));
        let refused = all.set(&key("app.deep.er.y"), "e".into());
        assert_eq!(refused, Err(BadSetting::Value("app.deep.er".to_owned())));
        assert_eq!(all, before);
    }

    #[test]
    fn an_app_gets_each_setting_and_all_of_them_under_its_name() {
        let mut all = settings(&[("app.K", "1"), ("app.deep.er", "x"), ("app.a=b", "no")]);
        all.record(FROM_NPM, "app");
        let deep = json!({ "er": "x" }).to_string();
        let object = json!({ "K": "1", "deep": { "er": "x" }, "a=b": "no" }).to_string();
        let expected = [("K", "1".to_owned()), ("app", object), ("deep", deep)];
        let got = all.variables("app");
        assert_eq!(got, expected.map(|(name, value)| (name.to_owned(), value)).into());
        assert_eq!(all.variables("other"), BTreeMap::new());
        assert_eq!(all.variables(FROM_NPM), BTreeMap::new(), "no app");
    }

    #[test]
    fn a_module_keeps_what_was_set_and_its_record_is_no_setting() {
        let mut all = settings(&[("rotate.max", "1M")]);
        let usual = json!({ "max": "10M", "compress": false });
        all.add_usual("rotate", usual.as_object().unwrap());
        all.record(FROM_NPM, "rotate");
        assert_eq!(all.get(&key("rotate.max")), Some(&json!("1M")));
        assert_eq!(all.get(&key("rotate.compress")), Some(&json!(false)));
        assert_eq!(all.apps().map(|(name, _)| name).collect::<Vec<_>>(), ["rotate"]);
        all.clear();
        assert_eq!(all.recorded(FROM_NPM).collect::<Vec<_>>(), ["rotate"]);
        assert!(all.forget("rotate") && !all.forget("rotate"));
        assert_eq!(all.apps().count() + all.recorded(FROM_NPM).count(), 0);
    }
}
