//! Modules: npm packages that run as apps and watch others.
//!
//! What is run of a package its `package.json` says: the apps under `apps` or `pm2`, else its first
//! `bin`, else its `main`. Under `config` are the settings that it has by itself. It is kept in a
//! folder of its own in the home, and recorded among the [settings](crate::settings).

use serde_json::{Map, Value as Json, json};

use crate::not_json::not_json;

/// The key of a record that tells a module from an app.
pub const MARK: &str = "pmx_module";

/// A module, as its package says.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// Name of the package, which is that of its settings.
    pub name: String,
    /// Its version, if it says one.
    pub version: Option<String>,
    /// The apps to run, as in a process file.
    pub apps: Vec<Map<String, Json>>,
    /// The settings that it has by itself.
    pub settings: Map<String, Json>,
}

impl Module {
    /// Reads a `package.json`.
    ///
    /// # Errors
    /// It is no package, or it does not say what is to be run.
    pub fn read(text: &str) -> Result<Self, String> {
        let package: Json =
            serde_json::from_str(text).map_err(|error| not_json(text.as_bytes(), &error))?;
        let text = |key: &str| package.get(key).and_then(Json::as_str).map(str::to_owned);
        let name = text("name").ok_or("it has no `name`")?;
        if !is_name(&name) {
            return Err(format!("`{name}` is no name of a package"));
        }
        let mut apps = apps(&package)?;
        let alone = apps.len() == 1;
        for app in &mut apps {
            // The settings, the list and `uninstall` know it by this name.
            if alone || !app.contains_key("name") {
                app.insert("name".to_owned(), name.clone().into());
            }
        }
        let settings = package.get("config").and_then(Json::as_object).cloned();
        Ok(Self { name, version: text("version"), apps, settings: settings.unwrap_or_default() })
    }

    /// Returns its apps as the text of a process file.
    #[must_use]
    pub fn process_file(&self) -> String {
        json!({ "apps": self.apps }).to_string()
    }
}

fn apps(package: &Json) -> Result<Vec<Map<String, Json>>, String> {
    for key in ["apps", "pm2"] {
        let Some(listed) = package.get(key) else { continue };
        let listed = listed.get("apps").unwrap_or(listed);
        let all: Option<Vec<_>> = match listed {
            Json::Object(one) => Some(vec![one.clone()]),
            Json::Array(all) => all.iter().map(|one| one.as_object().cloned()).collect(),
            _ => None,
        };
        let all = all.filter(|all| !all.is_empty());
        return all.ok_or_else(|| format!("its `{key}` is neither an app nor a list of apps"));
    }
    let bin = package.get("bin").and_then(|bin| match bin {
        Json::Object(all) => all.values().next().and_then(Json::as_str),
        other => other.as_str(),
    });
    let script = bin.or_else(|| package.get("main").and_then(Json::as_str));
    let script = script.ok_or("it has none of `apps`, `pm2`, `bin` and `main`: nothing to run")?;
    let mut app = Map::new();
    // A word alone would be looked for in `PATH`, and package.json means a file without a suffix,
    // too.
    app.insert("script".to_owned(), script.into());
    Ok(vec![app])
}

/// Whether npm would take it for the name of a package; then it is one of a folder, too.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
    };
    match name.strip_prefix('@') {
        Some(scoped) => {
            scoped.split_once('/').is_some_and(|(scope, name)| part(scope) && part(name))
        }
        None => part(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apps_of(package: &Json) -> Result<Json, String> {
        Module::read(&package.to_string()).map(|module| Json::from(module.apps))
    }

    #[test]
    fn what_is_run_is_what_the_package_says_apps_first_main_last() {
        let mut package = json!({
            "name": "m", "version": "1.0.0", "main": "main.js", "bin": { "m": "./bin.js" },
            "pm2": { "script": "pm2.js", "name": "another" }, "apps": [{ "script": "app.js" }],
        });
        for (key, script) in
            [("apps", "app.js"), ("pm2", "pm2.js"), ("bin", "./bin.js"), ("main", "main.js")]
        {
            let found = apps_of(&package).unwrap();
            assert_eq!(found, json!([{ "name": "m", "script": script }]), "{key}");
            package.as_object_mut().unwrap().remove(key);
        }
        assert!(apps_of(&package).unwrap_err().contains("nothing to run"));
        let several = json!({ "name": "m", "apps": [{ "name": "a", "script": "a.js" }, {}] });
        let expected = json!([{ "name": "a", "script": "a.js" }, { "name": "m" }]);
        assert_eq!(apps_of(&several).unwrap(), expected);
        for apps in [json!(3), json!([]), json!(["app.js"])] {
            assert!(apps_of(&json!({ "name": "m", "apps": apps })).is_err());
        }
    }

    #[test]
    fn a_name_leads_out_of_no_folder() {
        for name in ["pm2-logrotate", "@pm2/js-runtime", "a.b_c~1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".", "..", "../x", "a/b", "@a", "@/b", "@a/../b", "@a/b/c", "a b", ".bin"]
        {
            assert!(!is_name(name), "{name}");
            let package = json!({ "name": name, "main": "x" }).to_string();
            assert!(Module::read(&package).is_err(), "{name}");
        }
    }
}
