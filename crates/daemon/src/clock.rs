//! Two clocks: one that never jumps, for the machine, and the calendar, for people.

use ostler_core::Millis;
use rustix::time::{ClockId, clock_gettime};

/// Milliseconds on the monotonic clock. It goes on when the daemon is replaced, but not
/// over a reboot.
pub fn monotonic() -> Millis {
    millis(ClockId::Monotonic)
}

/// Milliseconds since 1970.
pub fn wall() -> u64 {
    millis(ClockId::Realtime)
}

/// The moment on the monotonic clock, ms, that was so many hundredths of a second after boot.
pub fn of_ticks(ticks: u64) -> Millis {
    let asleep = millis(ClockId::Boottime).saturating_sub(monotonic());
    (ticks * 10).saturating_sub(asleep)
}

fn millis(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1000
        + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000
}
