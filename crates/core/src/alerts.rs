//! Who is told when something happens to an app that a person should know.

use std::fmt;

/// Who is told of what happens to an app, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alerts {
    /// Who is told.
    pub to: Vec<AlertTo>,
    /// From one alert of a kind about the app to the next, ms; `None` is [`Alerts::EVERY`].
    pub every: Option<u64>,
}

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertTo {
    /// How they are reached.
    pub target: AlertTarget,
    /// What they are told of; empty: of everything.
    pub on: Vec<AlertKind>,
}

/// How somebody is reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertTarget {
    /// A JSON object of our own is posted to this URL.
    Webhook {
        /// That URL, of `http` or `https`.
        url: String,
        /// More headers of each request.
        headers: Vec<(String, String)>,
    },
    /// An incoming webhook of Slack.
    Slack {
        /// That URL, which is a secret.
        url: String,
    },
    /// A webhook of a channel in Discord.
    Discord {
        /// That URL, which is a secret.
        url: String,
    },
    /// A bot of Telegram.
    Telegram {
        /// The URL of its method `sendMessage`, without a query.
        url: String,
        /// The chat that it writes to.
        chat: String,
    },
    /// A command, which a shell runs.
    Command {
        /// The words of the command.
        command: String,
    },
    /// Somebody who has mail, by the system's `sendmail`.
    Mail {
        /// A user of the machine, or somebody at another one.
        to: String,
    },
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertKind {
    /// A process was given up: it crashes each time, or cannot be started.
    Errored,
    /// A process was restarted for its memory, or the kernel ended it for want of memory.
    Memory,
    /// A process was restarted since it failed its health check.
    Health,
    /// A process passes its health check again.
    Healthy,
    /// A reload failed.
    Reload,
    /// A log file cannot be written.
    Log,
    /// A line of the log is as a rule says.
    Rule,
    /// Somebody tries whether alerts arrive.
    Test,
}

impl Alerts {
    /// From one alert of a kind about an app to the next, where nothing else is said, ms.
    pub const EVERY: u64 = 10 * 60 * 1000;
}

impl AlertTo {
    /// Whether they are told of this.
    #[must_use]
    pub fn wants(&self, kind: AlertKind) -> bool {
        self.on.is_empty() || kind == AlertKind::Test || self.on.contains(&kind)
    }
}

impl AlertKind {
    /// All that somebody may ask for.
    pub const ALL: [Self; 7] = [
        Self::Errored,
        Self::Memory,
        Self::Health,
        Self::Healthy,
        Self::Reload,
        Self::Log,
        Self::Rule,
    ];

    /// Returns the word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Errored => "errored",
            Self::Memory => "memory",
            Self::Health => "health",
            Self::Healthy => "healthy",
            Self::Reload => "reload",
            Self::Log => "log",
            Self::Rule => "rule",
            Self::Test => "test",
        }
    }

    /// Returns what a word means.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Test]).find(|kind| kind.word() == word)
    }
}

impl AlertTarget {
    /// Returns the key of it in files.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Slack { .. } => "slack",
            Self::Discord { .. } => "discord",
            Self::Telegram { .. } => "telegram",
            Self::Command { .. } => "command",
            Self::Mail { .. } => "mail",
        }
    }
}

/// For people: of a URL its host alone, since whoever knows the rest may write there.
impl fmt::Display for AlertTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self {
            Self::Webhook { url, .. }
            | Self::Slack { url }
            | Self::Discord { url }
            | Self::Telegram { url, .. } => host(url),
            Self::Command { command } => command,
            Self::Mail { to } => to,
        };
        write!(f, "{} {place}", self.key())
    }
}

/// The host of a URL, with its port, without who logs in there.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_of_a_url_is_shown() {
        let shown = |url: &str| AlertTarget::Slack { url: url.to_owned() }.to_string();
        assert_eq!(shown("https://hooks.slack.com/services/T/B/secret"), "slack hooks.slack.com");
        assert_eq!(shown("https://u:p@h:8443?key=secret"), "slack h:8443");
    }

    #[test]
    fn each_kind_has_a_word_of_its_own_and_a_test_is_for_all() {
        for kind in AlertKind::ALL {
            assert_eq!(AlertKind::of(kind.word()), Some(kind));
        }
        let to = AlertTo {
            target: AlertTarget::Mail { to: "root".to_owned() },
            on: vec![AlertKind::Memory],
        };
        assert!(to.wants(AlertKind::Memory) && to.wants(AlertKind::Test));
        assert!(!to.wants(AlertKind::Errored));
    }
}
