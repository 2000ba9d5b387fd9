//! Who looks after rotated log files, and when: a helper thread of low priority for each look,
//! and another one for each file that is compressed. What they do is in `ostler_logs`, and by
//! which rules they do it in `log_rules`.

use std::io;
use std::path::{Path, PathBuf};

use ostler_core::Millis;
use ostler_core::spec::AppSpec;
use ostler_logs::{Cap, Log, Pack, Sweep, Swept, times};
use ostler_pm2::rotation::Rules;
use ostler_pm2::settings::Settings;

use crate::app_files::AppFiles;
use crate::log_rules::LogRules;
use crate::mailbox::Mailbox;
use crate::{clock, daemon_log, files, sys};

/// The first look comes so long after the start, ms: others have more urgent things to do.
const FIRST: Millis = 1500;
/// A look comes so long after what it is for, ms: the next ones of the kind are done with it.
const SOON: Millis = 1000;
/// After a rotation it comes so late, ms: by then the file is left alone by the engine.
const AFTER_ROTATION: Millis = 2100;
/// What could not be compressed is tried again after this, ms.
const AGAIN: Millis = 60_000;
/// Somebody looks at least so often, ms: files become too old.
const AT_LEAST: Millis = 60 * 60 * 1000;

/// What a helper thread has done.
#[derive(Debug)]
pub enum Cared {
    /// It has looked at everything.
    Swept(Swept),
    /// It has compressed a file.
    Packed(PathBuf, io::Result<()>),
}

/// See the module's text.
#[derive(Debug)]
pub struct LogCare {
    /// By which rules logs are rotated.
    pub rules: LogRules,
    home: PathBuf,
    due: Option<Millis>,
    /// When a log is rotated by the calendar next, ms since 1970.
    period: Option<u64>,
    is_sweeping: bool,
    packing: Option<PathBuf>,
    /// What could not be done is told once.
    told: Vec<String>,
}

impl LogCare {
    /// Looks after the logs of a home; `by_default`: also where nobody has asked for rotation.
    pub fn new(home: &Path, by_default: bool) -> Self {
        Self {
            rules: LogRules::new(read_rules(home), by_default),
            home: home.to_owned(),
            due: Some(clock::monotonic() + FIRST),
            period: None,
            is_sweeping: false,
            packing: None,
            told: Vec::new(),
        }
    }

    /// The home whose logs are looked after.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The folder with the times of the logs.
    pub fn times(&self) -> PathBuf {
        times::folder(&self.home)
    }

    /// The settings may have changed.
    pub fn read_settings(&mut self) {
        self.rules.set(read_rules(&self.home));
        self.look_in(0);
    }

    /// When the next look is due.
    pub fn deadline(&self) -> Option<Millis> {
        self.due.filter(|_| !self.is_sweeping)
    }

    /// When a look is due by the calendar, whatever becomes of the clock meanwhile.
    pub fn period(&self) -> Option<u64> {
        self.period
    }

    /// A time of the calendar has come, or the clock of the machine was set: where logs are rotated
    /// by the calendar, it may be time.
    pub fn on_calendar(&mut self, is_set: bool) {
        if self.period.is_some_and(|at| is_set || at <= clock::wall()) {
            self.period = None;
            self.look_in(0);
        }
    }

    /// A log was rotated.
    pub fn on_rotated(&mut self) {
        self.look_in(AFTER_ROTATION);
    }

    /// Logs have grown.
    pub fn on_grown(&mut self) {
        self.look_in(SOON);
    }

    /// A look is due so many ms from now, if none is sooner.
    fn look_in(&mut self, ms: Millis) {
        let at = clock::monotonic() + ms;
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Begins a look at the logs of these apps.
    pub fn begin<'a, T: From<Cared> + Send + 'static>(
        &mut self,
        apps: impl Iterator<Item = (PathBuf, &'a AppSpec)>,
        files: &AppFiles,
        mailbox: &Mailbox<T>,
    ) {
        let now = clock::wall();
        let (mut logs, mut next) = (Vec::<Log>::new(), None);
        for (path, spec) in apps {
            if let Some(log) = self.rules.log(spec, &path, now) {
                logs.push(log);
                next = next.into_iter().chain(self.rules.next_period(spec, now)).min();
            }
        }
        let cap: Cap = self.rules.cap(!logs.is_empty());
        logs.push(self.rules.own_log(&crate::home::log_path(&self.home)));
        let own = self.home.join("logs");
        let times = Some(self.times());
        let sweep = Sweep { logs, own, cap, packing: self.packing.clone(), times };
        self.due = None;
        self.period = next;
        self.look_in(next.map_or(AT_LEAST, |at| AT_LEAST.min(at.saturating_sub(now))));
        let files = files.clone();
        let started = mailbox.start("log-care", move |sender| {
            sys::lower_priority();
            sender.send(Cared::Swept(sweep.run(now, &files)).into());
        });
        self.is_sweeping = started.is_ok();
        if let Err(error) = started {
            self.tell(&format!("could not look after rotated log files: {error}"));
        }
    }

    /// A thread is done. Returns the logs that are to be rotated now.
    pub fn on_done<T: From<Cared> + Send + 'static>(
        &mut self,
        done: Cared,
        mailbox: &Mailbox<T>,
    ) -> Vec<PathBuf> {
        match done {
            Cared::Packed(path, packed) => {
                self.packing = None;
                match packed {
                    Ok(()) => self.look_in(0),
                    Err(error) => {
                        self.look_in(AGAIN);
                        self.tell(&format!("could not compress `{}`: {error}", path.display()));
                    }
                }
                Vec::new()
            }
            Cared::Swept(swept) => {
                self.is_sweeping = false;
                for problem in &swept.problems {
                    self.tell(problem);
                }
                for removed in &swept.removed {
                    daemon_log::remark(format!(
                        "removed the rotated log file `{}`: all log files together may have {} \
                         bytes",
                        removed.path.display(),
                        removed.cap
                    ));
                }
                if let Some(at) = swept.again_at {
                    self.look_in(at.saturating_sub(clock::wall()));
                }
                if let Some(pack) = swept.pack {
                    self.pack(pack, mailbox);
                }
                swept.rotate
            }
        }
    }

    fn pack<T: From<Cared> + Send + 'static>(&mut self, pack: Pack, mailbox: &Mailbox<T>) {
        let path = pack.path.clone();
        let started = mailbox.start("log-pack", move |sender| {
            sys::lower_priority();
            sender.send(Cared::Packed(pack.path.clone(), pack.run()).into());
        });
        match started {
            Ok(()) => self.packing = Some(path),
            Err(error) => self.tell(&format!("could not compress `{}`: {error}", path.display())),
        }
    }

    /// Tells of something once.
    fn tell(&mut self, problem: &str) {
        const MOST: usize = 100;
        if !self.told.iter().any(|told| told == problem) {
            if MOST <= self.told.len() {
                self.told.clear();
            }
            self.told.push(problem.to_owned());
            daemon_log::error(problem);
        }
    }
}

/// Reads what the settings of a home say of rotation; what cannot be read counts as not said.
fn read_rules(home: &Path) -> Rules {
    let named = std::env::var_os(ostler_env::PM2_MODULE_CONF_FILE).filter(|path| !path.is_empty());
    let path = named.map_or_else(|| home.join("module_conf.json"), PathBuf::from);
    let shown = path.display();
    let text = match files::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Rules::default(),
        Err(error) => {
            daemon_log::error(format!("could not read the settings `{shown}`: {error}"));
            return Rules::default();
        }
    };
    match Settings::read(&String::from_utf8_lossy(&text)) {
        Ok(settings) => {
            let rules = Rules::of(&settings);
            for problem in &rules.problems {
                daemon_log::error(format!("in the settings `{shown}`, {problem}"));
            }
            rules
        }
        Err(why) => {
            daemon_log::error(format!("the settings `{shown}` are not understood: {why}"));
            Rules::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use ostler_core::spec::LogRotate;
    use ostler_poll::{Events, Poll, Waker, now};

    use super::*;

    #[test]
    fn a_clock_that_is_set_is_noticed_at_once_where_logs_are_rotated_by_the_calendar() {
        for (rotate, is_noticed) in [(LogRotate::Daily, true), (LogRotate::Size, false)] {
            let home = tempfile::tempdir().unwrap();
            let poll: Poll<u64> = Poll::new().unwrap();
            let mailbox: Mailbox<Cared> = Mailbox::new(Waker::new(&poll, 7).unwrap());
            let mut care = LogCare::new(home.path(), true);
            let mut spec = AppSpec::new("/a.js".into(), "/".into());
            spec.logs.rotation.rotate = Some(rotate);
            let log = home.path().join("a.log");
            care.begin([(log, &spec)].into_iter(), &AppFiles::default(), &mailbox);
            let mut events = Events::with_capacity(4);
            let swept = loop {
                poll.wait(&mut events, Some(now() + 20_000)).unwrap();
                if let Some(swept) = mailbox.try_recv() {
                    break swept;
                }
            };
            assert!(care.on_done(swept, &mailbox).is_empty());
            let is_due = |care: &LogCare| care.deadline().unwrap() <= clock::monotonic();
            assert_eq!(care.period().is_some_and(|at| clock::wall() < at), is_noticed);
            care.on_calendar(false);
            assert!(!is_due(&care), "a time that is another's");
            care.on_calendar(true);
            assert_eq!((is_due(&care), care.period()), (is_noticed, None), "{rotate:?}");
        }
    }
}
