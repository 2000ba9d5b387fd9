//! What the settings of a home say of log files: when they are written, rotated and removed.
//!
//! Users of PM2 configure it for the module `pm2-logrotate`, and go on to do so where that module
//! is not there: its settings count for the rotation that is built in. `ostler.*` are our own, with
//! the names of the attributes of an app. What cannot be done is refused when it is set.

use ostler_config::attributes;
use ostler_core::spec::{Alerts, AppSpec, LogCompress, LogRotate, LogRotation};
use serde_json::Value as Json;

use crate::alerts;
use crate::settings::{FROM_NPM, FROM_TAR, Settings, shown};

/// The module that rotates log files.
pub const MODULE: &str = "pm2-logrotate";
/// Under what our own settings stand.
pub const OURS: &str = "ostler";
/// How many bytes all logs may have.
const CAP: &str = "log_cap";
/// The date in the names of rotated files.
const NAMES: &str = "log_names";

/// How many bytes all log files may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Most {
    /// A tenth of each disk.
    #[default]
    Tenth,
    /// So many in all.
    Bytes(u64),
    /// As many as the disks take.
    Unlimited,
}

/// What is said for all apps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// For every app that does not say it itself.
    pub rotation: LogRotation,
    /// The same of how long lines may wait before they are written, ms.
    pub buffer: Option<u64>,
    /// The date in the names of rotated files, where it is not the usual one.
    pub names: Option<String>,
    /// How many bytes all log files may have.
    pub most: Most,
    /// Whether the log files of modules are rotated, too.
    pub modules: bool,
    /// Who is told of alerts of all apps, which stands beside.
    pub alerts: Alerts,
    /// What is not understood, each as a sentence; it counts as not said.
    pub problems: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            rotation: LogRotation::default(),
            buffer: None,
            names: None,
            most: Most::default(),
            modules: true,
            alerts: Alerts::default(),
            problems: Vec::new(),
        }
    }
}

/// Why a setting is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong with it, as the rest of a sentence.
    pub why: String,
    /// What to do.
    pub hint: String,
}

impl Rules {
    /// Returns what the settings say.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let mut rules = Self::default();
        let mut theirs = Self::default();
        let mut is_configured = false;
        for (app, of) in settings.apps() {
            for (key, value) in of {
                let rules = if app == OURS { &mut rules } else { &mut theirs };
                is_configured |= app == MODULE;
                if let Err(refused) = rules.take(app, key, &shown(value)) {
                    rules.problems.push(format!("`{app}.{key}` {}", refused.why));
                }
            }
        }
        if is_configured {
            let usual = LogRotation {
                rotate: Some(LogRotate::Daily),
                max_size: Some(10 << 20),
                keep: Some(30),
                compress: Some(LogCompress::No),
                ..LogRotation::default()
            };
            rules.rotation = rules.rotation.or(&theirs.rotation).or(&usual);
        }
        rules.names = rules.names.or(theirs.names);
        rules.modules = theirs.modules;
        rules.problems.extend(theirs.problems);
        match alerts::of(settings) {
            Ok(alerts) => rules.alerts = alerts,
            Err(refused) => rules.problems.push(format!("`{OURS}.alerts` {}", refused.why)),
        }
        rules
    }

    /// Takes one setting; those of other apps are not of interest here.
    fn take(&mut self, app: &str, key: &str, value: &str) -> Result<(), Refused> {
        match (app, key) {
            // They are looked at as a whole.
            (OURS, name) if alerts::is_of_alerts(name) => {}
            (OURS, CAP) => self.most = most(value)?,
            (OURS, NAMES) | (MODULE, "dateFormat") => self.names = Some(names(value)?),
            (OURS, _) => self.take_ours(key, value)?,
            (MODULE, "max_size") => self.take_attribute("log_max_size", value)?,
            (MODULE, "retain") if value == "all" => self.rotation.keep = Some(u64::MAX),
            (MODULE, "retain") => self.take_attribute("log_keep", value)?,
            // The module has gzip and no other.
            (MODULE, "compress") => {
                let how = if truth(value)? { LogCompress::Gzip } else { LogCompress::No };
                self.rotation.compress = Some(how);
            }
            (MODULE, "rotateInterval") => {
                let period = interval(value);
                self.rotation.cron = None;
                if period.is_none() {
                    self.take_attribute("log_rotate_cron", value)?;
                }
                self.rotation.rotate = Some(period.unwrap_or(LogRotate::Size));
            }
            (MODULE, "rotateModule") => self.modules = truth(value)?,
            // A full file is seen when it is written, which is sooner.
            (MODULE, "workerInterval") => _ = count(value)?,
            (MODULE, _) => {
                let hint =
                    "what is built in knows `max_size`, `retain`, `compress`, `dateFormat`, \
                            `rotateInterval`, `rotateModule` and `workerInterval`; `ostler install \
                            pm2-logrotate` installs the module"
                        .to_owned();
                let why = "is no setting of the rotation that is built in".to_owned();
                return Err(Refused { why, hint });
            }
            _ => {}
        }
        Ok(())
    }

    fn take_ours(&mut self, key: &str, value: &str) -> Result<(), Refused> {
        if !key.starts_with("log_") || !is_for_all(key) {
            let known =
                attributes().map(|attribute| attribute.name).filter(|name| is_for_all(name));
            let known: Vec<String> =
                known.chain([CAP, NAMES, "alerts"]).map(|name| format!("`{name}`")).collect();
            return Err(Refused {
                why: format!("is no setting of {OURS}"),
                hint: format!("there are {}", known.join(", ")),
            });
        }
        self.take_attribute(key, value)
    }

    /// Takes the value of an attribute of apps.
    fn take_attribute(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        let Some(attribute) = attributes().find(|attribute| attribute.name == name) else {
            return Ok(());
        };
        let mut spec = AppSpec::new("/".into(), "/".into());
        let given = attribute.set(&mut spec, &Json::from(value));
        let is_said = spec.logs.buffer.is_some() || spec.logs.rotation != LogRotation::default();
        if given.is_err() || !is_said {
            return Err(Refused {
                why: format!("cannot be `{value}`"),
                hint: attribute.advice.to_owned(),
            });
        }
        self.buffer = spec.logs.buffer.or(self.buffer);
        self.rotation = spec.logs.rotation.or(&self.rotation);
        Ok(())
    }
}

/// Whether the module that rotates log files is installed.
#[must_use]
pub fn is_module_installed(settings: &Settings) -> bool {
    [FROM_NPM, FROM_TAR].iter().any(|of| settings.recorded(of).any(|name| name == MODULE))
}

/// Whether settings of this name are read by what is built in.
#[must_use]
pub fn concerns(app: &str) -> bool {
    app == OURS || app == MODULE
}

/// Checks a setting that is about to be set.
///
/// # Errors
/// What is wrong with it.
pub fn check(app: &str, key: &str, value: &str) -> Result<(), Refused> {
    Rules::default().take(app, key, value)
}

/// Whether an attribute of apps can be set for all of them.
fn is_for_all(name: &str) -> bool {
    matches!(
        name,
        "log_buffer"
            | "log_rotate"
            | "log_rotate_cron"
            | "log_max_size"
            | "log_keep"
            | "log_keep_days"
            | "log_keep_size"
            | "log_compress"
    )
}

fn most(value: &str) -> Result<Most, Refused> {
    match value {
        "tenth" => return Ok(Most::Tenth),
        "none" => return Ok(Most::Unlimited),
        _ => {}
    }
    let mut rules = Rules::default();
    let size = rules.take_attribute("log_max_size", value).ok().and(rules.rotation.max_size);
    size.map(Most::Bytes).ok_or_else(|| Refused {
        why: format!("cannot be `{value}`"),
        hint: "write a size such as `20G`, `tenth` (of the disk) or `none`".to_owned(),
    })
}

fn names(value: &str) -> Result<String, Refused> {
    let refused = |why: &str| Refused {
        why: format!("cannot be `{value}`: {why}"),
        hint: "write a date in dayjs tokens, such as `YYYY-MM-DD_HH-mm-ss`".to_owned(),
    };
    if value.contains('/') {
        return Err(refused("no file has a `/` in its name"));
    }
    if 64 < value.len() {
        return Err(refused("it is longer than 64 characters"));
    }
    if ostler_config::is_date_format(value) {
        Ok(value.to_owned())
    } else {
        Err(refused("it says no date"))
    }
}

/// The intervals that have a name, as `cron` writes them.
fn interval(value: &str) -> Option<LogRotate> {
    let fields: Vec<&str> = value.split_whitespace().collect();
    let without_seconds = match fields.as_slice() {
        ["0", rest @ ..] if rest.len() == 5 => rest,
        all => all,
    };
    match without_seconds {
        ["0", "*", "*", "*", "*"] => Some(LogRotate::Hourly),
        ["0", "0", "*", "*", "*"] => Some(LogRotate::Daily),
        ["0", "0", "*", "*", "1"] => Some(LogRotate::Weekly),
        ["0", "0", "1", "*", "*"] => Some(LogRotate::Monthly),
        _ => None,
    }
}

fn truth(value: &str) -> Result<bool, Refused> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Refused {
            why: format!("cannot be `{value}`"),
            hint: "write `true` or `false`".to_owned(),
        }),
    }
}

fn count(value: &str) -> Result<u64, Refused> {
    value.parse().map_err(|_| Refused {
        why: format!("cannot be `{value}`"),
        hint: "write a number of seconds".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Key;

    fn rules(pairs: &[(&str, &str)]) -> Rules {
        let mut settings = Settings::default();
        for (word, value) in pairs {
            settings.set(&Key::of(word).unwrap(), (*value).into()).unwrap();
        }
        Rules::of(&settings)
    }

    #[test]
    fn settings_of_the_module_count_for_what_is_built_in() {
        let usual = rules(&[("pm2-logrotate:max_size", "5K")]);
        let expected = LogRotation {
            rotate: Some(LogRotate::Daily),
            max_size: Some(5 << 10),
            keep: Some(30),
            compress: Some(LogCompress::No),
            ..LogRotation::default()
        };
        assert_eq!(usual, Rules { rotation: expected, ..Rules::default() });
        let all = rules(&[
            ("pm2-logrotate.retain", "all"),
            ("pm2-logrotate.compress", "true"),
            ("pm2-logrotate.dateFormat", "YYYY-MM-DD"),
            ("pm2-logrotate.rotateInterval", "0 * * * *"),
            ("pm2-logrotate.rotateModule", "false"),
            ("pm2-logrotate.workerInterval", "30"),
        ]);
        assert_eq!(
            (all.rotation.keep, all.rotation.compress),
            (Some(u64::MAX), Some(LogCompress::Gzip))
        );
        assert_eq!(all.rotation.rotate, Some(LogRotate::Hourly));
        assert_eq!((all.names.as_deref(), all.modules), (Some("YYYY-MM-DD"), false));
        assert_eq!(all.problems, [""; 0]);
        assert_eq!(rules(&[("other.max_size", "x")]), Rules::default());
        let often = rules(&[("pm2-logrotate.rotateInterval", "*/5 * * * *")]).rotation;
        assert_eq!(often.rotate, Some(LogRotate::Size));
        assert_eq!(often.cron.as_deref(), Some("*/5 * * * *"));
    }

    #[test]
    fn our_own_settings_come_before_those_of_the_module() {
        let both = rules(&[
            ("ostler.log_max_size", "1M"),
            ("ostler.log_cap", "2G"),
            ("ostler.log_rotate", "weekly"),
            ("ostler.log_compress", "zstd"),
            ("pm2-logrotate.compress", "true"),
            ("pm2-logrotate.max_size", "5K"),
            ("pm2-logrotate.retain", "7"),
        ]);
        assert_eq!(both.rotation.max_size, Some(1 << 20));
        assert_eq!((both.rotation.rotate, both.rotation.keep), (Some(LogRotate::Weekly), Some(7)));
        assert_eq!(both.rotation.compress, Some(LogCompress::Zstd));
        assert_eq!(both.most, Most::Bytes(2 << 30));
        assert_eq!(rules(&[("ostler.log_cap", "none")]).most, Most::Unlimited);
    }

    #[test]
    fn what_cannot_be_done_is_refused_and_counts_as_not_said() {
        for (app, key, value) in [
            (MODULE, "max_size", "banana"),
            (MODULE, "max_size", "0"),
            (MODULE, "retain", "some"),
            (MODULE, "rotateInterval", "99 * * * *"),
            (OURS, "log_rotate_cron", "daily"),
            (MODULE, "dateFormat", "a/b"),
            (MODULE, "TZ", "Asia/Tokyo"),
            (MODULE, "compress", "maybe"),
            (MODULE, "compress", "zstd"),
            (OURS, "log_compress", "brotli"),
            (OURS, "log_rotate", "yearly"),
            (OURS, "log_max_size", "-1"),
            (OURS, "log_cap", "much"),
            (OURS, "log_names", "[today]"),
            (OURS, "name", "x"),
            (OURS, "log_file", "x"),
        ] {
            let refused = check(app, key, value);
            assert!(refused.is_err(), "{app}.{key} {value}");
            let rules = rules(&[(&format!("{app}.{key}"), value)]);
            assert_eq!(rules.problems.len(), 1, "{app}.{key} {value}");
        }
        assert!(check("app", "max_size", "banana").is_ok(), "it is another's");
    }
}
