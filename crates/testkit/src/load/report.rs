//! How the requests ended, and figures over a stretch of time.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rustix::io::Errno;

/// How one request ended. A request begins when a connection for it is attempted, or on a
/// connection already open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A whole answer with status 200.
    Ok,
    /// Nobody listens at the port.
    Refused,
    /// The connection was reset before any byte of the answer, on a new connection.
    Reset,
    /// The connection was closed without any byte of an answer, on a new connection.
    Empty,
    /// The answer broke off.
    Cut,
    /// No whole answer in time.
    Timeout,
    /// A whole answer with another status.
    Status(u16),
    /// An answer came that is not HTTP.
    Malformed,
    /// The server closed a connection that had served before, before any byte of this answer: a
    /// client may ask again.
    KeepAliveRace,
    /// Connecting failed for another reason (errno).
    Connect(i32),
}

impl Outcome {
    /// Neither answered nor excusable.
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Ok | Self::KeepAliveRace)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Refused => f.write_str("refused"),
            Self::Reset => f.write_str("reset"),
            Self::Empty => f.write_str("empty answer"),
            Self::Cut => f.write_str("answer cut"),
            Self::Timeout => f.write_str("timeout"),
            Self::Status(code) => write!(f, "status {code}"),
            Self::Malformed => f.write_str("no HTTP answer"),
            Self::KeepAliveRace => f.write_str("keep-alive race"),
            Self::Connect(errno) => write!(f, "connect: {}", Errno::from_raw_os_error(*errno)),
        }
    }
}

/// One request and its end.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When it began, on the client's clock.
    pub at: Duration,
    /// Time to its end.
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// It went over a connection that had served before.
    pub reused: bool,
    /// The process that answered, from a body `hello from PID`.
    pub pid: Option<u32>,
}

/// Everything that was asked.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Every request in the order of its end.
    pub samples: Vec<Sample>,
    /// Connections that were made.
    pub connects: u64,
    /// Kept connections that the server closed while no request was on them.
    pub idle_closes: u64,
    /// From the first request to the last answer.
    pub took: Duration,
}

/// Figures over a stretch of time. Latencies are of answered requests; zero when there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Requests that were begun.
    pub requests: usize,
    /// Failures among them.
    pub failed: usize,
    /// Keep-alive races among them (not failures).
    pub races: usize,
    /// Half of the answers were faster.
    pub p50: Duration,
    /// 99 of 100 answers were faster.
    pub p99: Duration,
    /// The slowest answer.
    pub max: Duration,
}

impl Report {
    /// How many ended so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.samples.iter().filter(|s| s.outcome == outcome).count()
    }

    /// How many ended in each way.
    pub fn outcomes(&self) -> BTreeMap<Outcome, usize> {
        let mut counts = BTreeMap::new();
        for sample in &self.samples {
            *counts.entry(sample.outcome).or_default() += 1;
        }
        counts
    }

    /// How many answers came from each pid.
    pub fn by_pid(&self) -> BTreeMap<u32, usize> {
        let mut counts = BTreeMap::new();
        for pid in self.samples.iter().filter_map(|s| s.pid) {
            *counts.entry(pid).or_default() += 1;
        }
        counts
    }

    /// Requests that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(|s| s.outcome.is_failure())
    }

    /// Figures of the requests begun in `from..to` on the client's clock.
    pub fn window(&self, from: Duration, to: Duration) -> Figures {
        let inside: Vec<&Sample> =
            self.samples.iter().filter(|s| from <= s.at && s.at < to).collect();
        let good = inside.iter().filter(|s| s.outcome == Outcome::Ok);
        let mut times: Vec<Duration> = good.map(|s| s.took).collect();
        times.sort_unstable();
        Figures {
            requests: inside.len(),
            failed: inside.iter().filter(|s| s.outcome.is_failure()).count(),
            races: inside.iter().filter(|s| s.outcome == Outcome::KeepAliveRace).count(),
            p50: at_percent(&times, 50),
            p99: at_percent(&times, 99),
            max: times.last().copied().unwrap_or_default(),
        }
    }

    /// Figures of all requests.
    pub fn figures(&self) -> Figures {
        self.window(Duration::ZERO, Duration::MAX)
    }

    /// Panics with the whole story when a request failed, or when fewer than `least` were answered.
    #[track_caller]
    pub fn assert_none_failed(&self, least: usize) {
        let failed = self.failures().count();
        assert!(failed == 0, "{failed} requests failed\n{self}");
        let good = self.count(Outcome::Ok);
        assert!(
            least <= good,
            "only {good} requests were answered, at least {least} were expected\n{self}"
        );
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.figures();
        writeln!(
            f,
            "{} requests over {} connections in {:?}",
            n.requests, self.connects, self.took
        )?;
        for (outcome, count) in self.outcomes() {
            writeln!(f, "  {outcome}: {count}")?;
        }
        writeln!(f, "  p50 {:?}, p99 {:?}, max {:?}", n.p50, n.p99, n.max)?;
        writeln!(
            f,
            "  closed while idle: {}; answers by pid: {:?}",
            self.idle_closes,
            self.by_pid()
        )?;
        for bad in self.failures().take(20) {
            let way = if bad.reused { "kept" } else { "new" };
            writeln!(
                f,
                "  at {:?}: {} after {:?} on a {way} connection",
                bad.at, bad.outcome, bad.took
            )?;
        }
        Ok(())
    }
}

fn at_percent(sorted: &[Duration], percent: usize) -> Duration {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: u64, took: u64, outcome: Outcome) -> Sample {
        let ms = Duration::from_millis;
        Sample {
            at: ms(at),
            took: ms(took),
            outcome,
            reused: false,
            pid: (outcome == Outcome::Ok).then_some(7),
        }
    }

    #[test]
    fn figures_are_of_the_window_and_of_answers_only() {
        let mut samples: Vec<Sample> = (1..=100).map(|i| sample(i, i, Outcome::Ok)).collect();
        samples.push(sample(50, 5000, Outcome::Timeout));
        samples.push(sample(51, 1, Outcome::KeepAliveRace));
        let report = Report { samples, ..Report::default() };
        let ms = Duration::from_millis;
        let all =
            Figures { requests: 102, failed: 1, races: 1, p50: ms(50), p99: ms(99), max: ms(100) };
        assert_eq!(report.figures(), all);
        assert_eq!(
            report.window(ms(1), ms(3)),
            Figures { requests: 2, p50: ms(1), p99: ms(2), max: ms(2), ..Figures::default() }
        );
        assert_eq!(report.by_pid(), BTreeMap::from([(7, 100)]));
    }

    #[test]
    fn a_race_is_excused_and_a_failure_is_not() {
        let race = Report {
            samples: vec![sample(0, 1, Outcome::Ok), sample(0, 1, Outcome::KeepAliveRace)],
            ..Report::default()
        };
        race.assert_none_failed(1);
        assert!(std::panic::catch_unwind(|| race.assert_none_failed(2)).is_err());
        let failed = Report { samples: vec![sample(0, 1, Outcome::Empty)], ..Report::default() };
        assert!(std::panic::catch_unwind(|| failed.assert_none_failed(0)).is_err());
    }
}
