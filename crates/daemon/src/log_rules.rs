//! By which rules log files are rotated: a pure decision of what the app, the settings of the home
//! and the name of the program say.

use std::path::Path;
use std::sync::Arc;

use ostler_config::cron;
use ostler_core::spec::{Alerts, AppSpec, LogCompress, LogRotate, LogRotation};
use ostler_logs::{Cap, Keep, Log, Names, Packing, Period, Rotation, zone};
use ostler_pm2::module::MARK;
use ostler_pm2::rotation::{Most, Rules};

/// From how many bytes on a log file is full, unless somebody says otherwise.
const MAX_SIZE: u64 = 100 << 20;
/// How many rotated files are kept, unless somebody says otherwise.
const KEEP: u64 = 10;
/// How many of our own log are kept.
const KEEP_OWN: u32 = 5;
/// Milliseconds of a day.
const DAY: u64 = 24 * 60 * 60 * 1000;

/// The rules of a home.
#[derive(Clone, Debug)]
pub struct LogRules {
    rules: Rules,
    names: Arc<Names>,
    /// Logs are rotated though nobody has asked for it.
    pub by_default: bool,
    /// Who is told of alerts of all apps.
    pub alerts: Alerts,
    /// PM2's module that rotates log files runs: it has them for itself.
    pub module_runs: bool,
}

impl LogRules {
    /// The rules that the settings of a home give.
    pub fn new(rules: Rules, by_default: bool) -> Self {
        let mut all = Self {
            rules: Rules::default(),
            names: Arc::default(),
            by_default,
            alerts: Alerts::default(),
            module_runs: false,
        };
        all.set(rules);
        all
    }

    /// The settings have changed.
    pub fn set(&mut self, mut rules: Rules) {
        self.alerts = std::mem::take(&mut rules.alerts);
        let names = rules.names.as_deref().map(Names::new);
        self.names = names.and_then(Result::ok).map_or_else(Arc::default, Arc::new);
        self.rules = rules;
    }

    /// Returns how the rotated files are called.
    pub fn names(&self) -> &Arc<Names> {
        &self.names
    }

    /// Returns how the files of an app are rotated; `None`: not by us.
    fn of(&self, spec: &AppSpec) -> Option<LogRotation> {
        let is_module = spec.passthrough.get(MARK).is_some_and(|mark| mark == "true");
        if self.module_runs || (is_module && !self.rules.modules) {
            return None;
        }
        let said = spec.logs.rotation.clone().or(&self.rules.rotation);
        // Who says how large a file may become, or when it ends, wants it to be rotated.
        let is_asked = said.max_size.is_some() || said.cron.is_some();
        let usual = if self.by_default || is_asked { LogRotate::Size } else { LogRotate::Never };
        let rotate = said.rotate.unwrap_or(usual);
        (rotate != LogRotate::Never).then(|| {
            let usual = LogRotation {
                rotate: Some(rotate),
                max_size: Some(MAX_SIZE),
                keep: Some(KEEP),
                compress: Some(LogCompress::Gzip),
                ..LogRotation::default()
            };
            said.or(&usual)
        })
    }

    /// Returns when the engine rotates the files of an app by itself.
    pub fn rotation(&self, spec: &AppSpec) -> Option<Rotation> {
        let of = self.of(spec)?;
        Some(Rotation { max_size: of.max_size, names: Arc::clone(&self.names) })
    }

    /// Returns how long lines of an app may wait before they are written, ms; 0: not at all.
    pub fn buffer(&self, spec: &AppSpec) -> Option<u64> {
        spec.logs.buffer.or(self.rules.buffer)
    }

    /// Returns what is wanted of one of the files of an app at this time, ms since 1970.
    pub fn log(&self, spec: &AppSpec, path: &Path, now: u64) -> Option<Log> {
        let of = self.of(spec)?;
        Some(Log {
            path: path.to_owned(),
            names: Arc::clone(&self.names),
            begun_before: around(&of, now).0,
            keep: Keep {
                files: u32::try_from(of.keep.unwrap_or(KEEP)).unwrap_or(u32::MAX),
                age: of.keep_days.map(|days| days.saturating_mul(DAY)),
                bytes: of.keep_size,
                packing: packing(of.compress),
            },
        })
    }

    /// Returns when the files of an app are rotated next for the time alone, ms since 1970.
    pub fn next_period(&self, spec: &AppSpec, now: u64) -> Option<u64> {
        around(&self.of(spec)?, now).1
    }

    /// Returns what is wanted of our own log, which `home` rotates.
    pub fn own_log(&self, path: &Path) -> Log {
        let packing = packing(self.rules.rotation.compress);
        let keep = Keep { files: KEEP_OWN, age: None, bytes: None, packing };
        Log { path: path.to_owned(), names: Arc::default(), keep, begun_before: None }
    }

    /// Returns how many bytes all log files may have, where some are rotated.
    pub fn cap(&self, some: bool) -> Cap {
        match (some, self.rules.most) {
            (false, _) | (true, Most::Unlimited) => Cap::None,
            (true, Most::Tenth) => Cap::Tenth,
            (true, Most::Bytes(bytes)) => Cap::Bytes(bytes),
        }
    }
}

/// When files were last to be rotated for the time alone, and when they are next.
fn around(of: &LogRotation, now: u64) -> (Option<u64>, Option<u64>) {
    let period = period(of).and_then(|period| period.around(now));
    let cron = of.cron.as_deref().and_then(|pattern| cron::around(pattern, zone(), now));
    let both = || period.into_iter().chain(cron);
    (both().map(|(last, _)| last).max(), both().map(|(_, next)| next).min())
}

/// How rotated files are compressed; with gzip, unless somebody says otherwise.
fn packing(said: Option<LogCompress>) -> Option<Packing> {
    match said {
        None | Some(LogCompress::Gzip) => Some(Packing::Gzip),
        Some(LogCompress::Zstd) => Some(Packing::Zstd),
        Some(LogCompress::No) => None,
    }
}

fn period(of: &LogRotation) -> Option<Period> {
    match of.rotate? {
        LogRotate::Never | LogRotate::Size => None,
        LogRotate::Hourly => Some(Period::Hour),
        LogRotate::Daily => Some(Period::Day),
        LogRotate::Weekly => Some(Period::Week),
        LogRotate::Monthly => Some(Period::Month),
    }
}

#[cfg(test)]
mod tests {
    use ostler_pm2::settings::Settings;

    use super::*;

    fn app(rotation: LogRotation) -> AppSpec {
        let mut spec = AppSpec::new("/a.js".into(), "/".into());
        spec.logs.rotation = rotation;
        spec
    }

    fn rules(settings: &str, by_default: bool) -> LogRules {
        LogRules::new(Rules::of(&Settings::read(settings).unwrap()), by_default)
    }

    fn size(rules: &LogRules, spec: &AppSpec) -> Option<u64> {
        rules.rotation(spec).map(|of| of.max_size.unwrap())
    }

    #[test]
    fn logs_are_rotated_by_default_and_under_pm2s_name_only_when_somebody_asks_for_it() {
        let plain = app(LogRotation::default());
        let said = app(LogRotation { max_size: Some(7), ..LogRotation::default() });
        let never = app(LogRotation { rotate: Some(LogRotate::Never), ..LogRotation::default() });
        let (ours, theirs) = (rules("", true), rules("", false));
        assert_eq!((size(&ours, &plain), size(&theirs, &plain)), (Some(MAX_SIZE), None));
        assert_eq!((size(&ours, &said), size(&theirs, &said)), (Some(7), Some(7)));
        assert_eq!((size(&ours, &never), size(&theirs, &never)), (None, None));
        let module = rules(r#"{"pm2-logrotate":{"max_size":"5K"}}"#, false);
        assert_eq!((size(&module, &plain), size(&module, &said)), (Some(5 << 10), Some(7)));
        let off = rules(r#"{"ostler":{"log_rotate":"never"}}"#, true);
        assert_eq!(size(&off, &plain), None);
        assert_eq!((off.cap(false), ours.cap(true)), (Cap::None, Cap::Tenth));
    }

    #[test]
    fn a_log_with_a_pattern_is_rotated_when_it_was_begun_before_its_last_time() {
        let at = |rotate, now| {
            let cron = Some("*/10 * * * * *".to_owned());
            let of = LogRotation { rotate, cron, ..LogRotation::default() };
            // Also under the name of PM2: who says when wants it.
            let (rules, spec) = (rules("", false), app(of));
            let begun_before = rules.log(&spec, Path::new("/a"), now)?.begun_before;
            Some((begun_before?, rules.next_period(&spec, now)?))
        };
        let now = 1_795_388_825_573;
        let times = Some((1_795_388_820_000, 1_795_388_830_000));
        assert_eq!(at(None, now), times);
        assert_eq!(at(Some(LogRotate::Daily), now), times, "whichever comes first");
        // The clock was set: what counts is the pattern, by the clock as it is now.
        assert_eq!(at(None, now - 3_600_000), Some((1_795_385_220_000, 1_795_385_230_000)));
        assert_eq!(at(Some(LogRotate::Never), now), None);
    }

    #[test]
    fn a_module_that_rotates_has_the_files_for_itself() {
        let mut rules = rules(r#"{"pm2-logrotate":{"max_size":"5K"}}"#, true);
        rules.module_runs = true;
        let said = app(LogRotation { max_size: Some(7), ..LogRotation::default() });
        assert_eq!((size(&rules, &said), rules.log(&said, Path::new("/a"), 0)), (None, None));
        assert_eq!(rules.own_log(Path::new("/pm2.log")).keep.files, KEEP_OWN);
    }

    #[test]
    fn logs_of_modules_are_rotated_unless_that_is_not_wanted() {
        let mut module = app(LogRotation::default());
        module.passthrough.insert(MARK, "true".to_owned());
        assert!(size(&rules("", true), &module).is_some());
        let off = rules(r#"{"pm2-logrotate":{"rotateModule":"false"}}"#, true);
        assert_eq!(size(&off, &module), None);
        assert!(size(&off, &app(LogRotation::default())).is_some());
    }

    #[test]
    fn a_daily_log_is_rotated_when_it_was_begun_before_midnight() {
        let daily = app(LogRotation { rotate: Some(LogRotate::Daily), ..LogRotation::default() });
        let rules = rules("", true);
        let now = 1_795_388_825_573;
        let begun_before = rules.log(&daily, Path::new("/a"), now).unwrap().begun_before.unwrap();
        let next = rules.next_period(&daily, now).unwrap();
        assert!(begun_before <= now && now < next && next - begun_before <= 25 * DAY / 24);
        assert_eq!(rules.next_period(&app(LogRotation::default()), now), None);
    }
}
