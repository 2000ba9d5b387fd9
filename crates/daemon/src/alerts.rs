//! Who is told of alerts: a thread for each receiver, made when there is something for it. What the
//! threads do is in `ostler_sinks`; they keep in the home what is owed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ostler_core::ProcId;
use ostler_core::spec::{AlertTarget, Alerts as Wanted};
use ostler_sinks::{
    Alert, AlertKey as Key, AlertSender, Confirm, Found, Owed, Receiver, Runs, alerts_left,
};

use crate::from_thread::FromThread;
use crate::mailbox::Mailbox;
use crate::model::{Input, Registry, RuleFound};
use crate::{daemon_log, sys};

/// See the module's text.
pub(crate) struct Alerts {
    home: PathBuf,
    host: String,
    /// Who is told of all apps.
    of_home: Wanted,
    senders: BTreeMap<Key, (AlertSender, Runs)>,
    /// How many have not taken up an alert yet, by its number.
    waiting: BTreeMap<u64, usize>,
    /// Who waits until something is done about a line, by a number.
    found: BTreeMap<u64, Confirm>,
    last_found: u64,
}

impl Alerts {
    /// Nobody is told anything yet.
    pub(crate) fn new(home: &Path, of_home: Wanted) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self {
            home: home.to_owned(),
            host,
            of_home,
            senders: BTreeMap::new(),
            waiting: BTreeMap::new(),
            found: BTreeMap::new(),
            last_found: 0,
        }
    }

    /// The settings of the home have changed. Returns whether somebody is told of all apps.
    pub(crate) fn set_home(&mut self, of_home: Wanted) -> bool {
        self.of_home = of_home;
        let wanted =
            |key: &Key| key.0.is_some() || self.of_home.to.iter().any(|to| to.target == key.1);
        self.senders.retain(|key, _| wanted(key));
        self.is_home_told()
    }

    /// Whether somebody is told of all apps.
    pub(crate) fn is_home_told(&self) -> bool {
        !self.of_home.to.is_empty()
    }

    /// Goes on with what receivers are owed since a daemon before this one.
    pub(crate) fn resume(&mut self, registry: &Registry, mailbox: &Mailbox<FromThread>) {
        if !ostler_sinks::alerts_folder(&self.home).exists() {
            return;
        }
        let mut all: BTreeMap<Key, Runs> = BTreeMap::new();
        all.extend(self.of_home.to.iter().map(|to| ((None, to.target.clone()), self.own_runs())));
        let specs = registry.apps().filter_map(|(_, app)| registry.version(app.spec));
        for spec in specs.map(|version| &version.spec) {
            let of = Some((spec.namespace.clone(), spec.name.clone()));
            let key = |target: &AlertTarget| (of.clone(), target.clone());
            all.extend(spec.alerts.to.iter().map(|to| (key(&to.target), Runs::of(spec))));
        }
        let known: Vec<&Key> = all.keys().collect();
        let left = match alerts_left(&self.home, &known) {
            Ok(left) => left,
            Err(error) => {
                return daemon_log::error(format!("could not read what alerts are owed: {error}"));
            }
        };
        let left: Vec<Key> = left.into_iter().cloned().collect();
        for key in left {
            let runs = all.remove(&key).unwrap_or_default();
            self.sender(&key, runs, mailbox);
        }
    }

    /// Tells everybody who wants to know. Returns whether nobody is to be waited for.
    pub(crate) fn tell(
        &mut self,
        number: u64,
        alert: &Alert,
        registry: &Registry,
        mailbox: &Mailbox<FromThread>,
    ) -> bool {
        let of_app = registry.apps().find(|(_, app)| {
            (app.namespace.as_str(), app.name.as_str()) == (&*alert.namespace, &*alert.app)
        });
        let version = of_app.and_then(|(_, app)| registry.version(app.spec));
        let spec = version.map(|version| &*version.spec);
        let of_app = spec.map(|spec| &spec.alerts);
        let every = of_app.and_then(|of| of.every).or(self.of_home.every);
        let every = every.unwrap_or(Wanted::EVERY);
        let mut told: BTreeMap<Key, Runs> = BTreeMap::new();
        let wants =
            |to: &&ostler_core::spec::AlertTo| alert.kind().is_none_or(|kind| to.wants(kind));
        for to in self.of_home.to.iter().filter(wants) {
            told.insert((None, to.target.clone()), self.own_runs());
        }
        if let Some(spec) = spec {
            for to in spec.alerts.to.iter().filter(wants) {
                let of = (spec.namespace.clone(), spec.name.clone());
                // Once is enough for who is told of all apps.
                if !told.contains_key(&(None, to.target.clone())) {
                    told.insert((Some(of), to.target.clone()), Runs::of(spec));
                }
            }
        }
        let mut count = 0;
        for (key, runs) in told {
            let owed = Owed { number, alert: alert.clone(), every };
            if self.sender(&key, runs, mailbox).is_some_and(|sender| sender.tell(owed)) {
                count += 1;
            }
        }
        if 0 < count {
            self.waiting.insert(number, count);
        }
        count == 0
    }

    /// A receiver's thread will not forget an alert. Returns whether that is so of all.
    pub(crate) fn on_taken(&mut self, number: u64) -> bool {
        let Some(left) = self.waiting.get_mut(&number) else { return false };
        *left = left.saturating_sub(1);
        let is_last = *left == 0;
        if is_last {
            self.waiting.remove(&number);
        }
        is_last
    }

    /// A rule has found a line. Returns what the model is to be told.
    pub(crate) fn on_found(&mut self, found: Found) -> Input {
        let Found { id, rule, then, line, held_back, confirm } = found;
        self.last_found += 1;
        let number = self.last_found;
        self.found.insert(number, confirm);
        Input::Found { number, found: RuleFound { id: ProcId(id), rule, then, line, held_back } }
    }

    /// What is to be done about a line is saved.
    pub(crate) fn on_seen_to(&mut self, number: u64) {
        if let Some(confirm) = self.found.remove(&number) {
            confirm.done();
        }
    }

    /// Returns the way to a receiver, which is made when there is none.
    fn sender(
        &mut self,
        key: &Key,
        runs: Runs,
        mailbox: &Mailbox<FromThread>,
    ) -> Option<&AlertSender> {
        let receiver = |runs| Receiver { target: key.1.clone(), runs, host: self.host.clone() };
        if let Some((sender, with)) = self.senders.get_mut(key) {
            if *with != runs {
                sender.change(receiver(runs.clone()));
                *with = runs;
            }
        } else {
            let (sender, work) =
                AlertSender::new(&self.home, receiver(runs.clone()), key.0.clone());
            let started = sys::start_background(|| {
                mailbox.start("alert", |mail| {
                    let mail = mail.clone();
                    work(move |number| mail.send(FromThread::Alerted(number)));
                })
            });
            if let Err(error) = started {
                daemon_log::error(format!("could not begin to tell {}: {error}", key.1));
                return None;
            }
            self.senders.insert(key.clone(), (sender, runs));
        }
        self.senders.get(key).map(|(sender, _)| sender)
    }

    /// How a command of the home is run: as the daemon itself.
    fn own_runs(&self) -> Runs {
        let env = std::env::vars_os();
        let text = |of: std::ffi::OsString| of.into_string().ok();
        let env = env.filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
        Runs { cwd: self.home.clone(), env, uid: None, gid: None }
    }
}
