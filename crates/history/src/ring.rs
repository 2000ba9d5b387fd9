//! Records and the rings that they stand in.

/// What a process used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU use, tenths of a percent of a processor.
    pub cpu: u32,
    /// Resident memory, KiB.
    pub memory: u32,
    /// Restarts until then.
    pub restarts: u32,
    /// Requests that it answered, where it measures them.
    pub http: Option<Http>,
}

/// Requests of HTTP that a process answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Http {
    /// Tenths of a request a minute.
    pub rate: u32,
    /// In this time it answered 95 of 100, µs.
    pub latency: u32,
}

/// Where there is no figure.
const NONE: u32 = u32::MAX;

/// What a process used in one step of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When the step began, seconds since 1970.
    pub at: u64,
    /// What was used: the means of what is a rate, the most of memory and of times, the last
    /// number of restarts.
    pub usage: Usage,
}

/// A ring of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Seconds that a record stands for.
    pub step: u32,
    /// How many records there are.
    pub records: u32,
    /// Where they begin in the file.
    begin: u64,
}

/// Bytes of a record.
pub(crate) const RECORD: usize = 24;
/// Bytes before the first ring.
pub(crate) const HEAD: usize = 512;

/// The last hour.
pub const HOUR: Ring = Ring { step: 10, records: 360, begin: HEAD as u64 };
/// The last day.
pub const DAY: Ring =
    Ring { step: 120, records: 720, begin: HOUR.begin + HOUR.records as u64 * RECORD as u64 };

impl Ring {
    /// The number of the step that a time is in. The first one has 1: a record of zeros is one that
    /// was never written.
    pub(crate) fn number(self, at: u64) -> u32 {
        u32::try_from(at / u64::from(self.step)).unwrap_or(u32::MAX - 1) + 1
    }

    /// Where the record of a step is.
    pub(crate) fn place(self, number: u32) -> u64 {
        self.begin + u64::from(number % self.records) * RECORD as u64
    }

    /// The bytes of all records: where they begin, and how many there are.
    pub(crate) fn extent(self) -> (u64, usize) {
        (self.begin, self.records as usize * RECORD)
    }

    /// What the records of a ring say of the steps before and at `now`, oldest first. What is older
    /// than the ring is long, or of a time to come, is left of another round or another clock.
    pub(crate) fn samples(self, bytes: &[u8], now: u64) -> Vec<Sample> {
        let last = self.number(now);
        let first = last.saturating_sub(self.records - 1).max(1);
        let records = bytes.chunks_exact(RECORD).filter_map(decode);
        let mut samples: Vec<Sample> = records
            .filter(|(number, _)| (first..=last).contains(number))
            .map(|(number, usage)| {
                let at = u64::from(number - 1) * u64::from(self.step);
                Sample { at, usage }
            })
            .collect();
        samples.sort_by_key(|sample| sample.at);
        samples
    }
}

/// Several steps as one.
pub(crate) fn merge(samples: &[Sample]) -> Option<Usage> {
    let last = samples.last()?;
    let count = u64::try_from(samples.len()).unwrap_or(u64::MAX);
    let cpu: u64 = samples.iter().map(|sample| u64::from(sample.usage.cpu)).sum();
    Some(Usage {
        cpu: u32::try_from(cpu / count).unwrap_or(u32::MAX),
        memory: samples.iter().map(|sample| sample.usage.memory).max().unwrap_or_default(),
        restarts: last.usage.restarts,
        http: merge_http(samples.iter().filter_map(|sample| sample.usage.http)),
    })
}

fn merge_http(all: impl Iterator<Item = Http>) -> Option<Http> {
    let (mut count, mut rates, mut latency) = (0, 0, 0);
    for of in all {
        count += 1;
        rates += u64::from(of.rate);
        latency = of.latency.max(latency);
    }
    let rate = u32::try_from(rates.checked_div(count)?).unwrap_or(NONE - 1);
    Some(Http { rate, latency })
}

/// The record of a step.
pub(crate) fn encode(number: u32, usage: Usage) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    let [rate, latency] =
        usage.http.map_or([NONE; 2], |http| [http.rate.min(NONE - 1), http.latency]);
    let words = [number, usage.cpu, usage.memory, usage.restarts, rate, latency];
    for (place, word) in record.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    record
}

/// What a record says; `None` when it was never written.
fn decode(record: &[u8]) -> Option<(u32, Usage)> {
    let word = |at: usize| {
        let bytes = record.get(at * 4..at * 4 + 4)?;
        bytes.try_into().ok().map(u32::from_le_bytes)
    };
    let http = Http { rate: word(4)?, latency: word(5)? };
    let http = Some(http).filter(|http| http.rate != NONE);
    let usage = Usage { cpu: word(1)?, memory: word(2)?, restarts: word(3)?, http };
    word(0).filter(|number| *number != 0).map(|number| (number, usage))
}
