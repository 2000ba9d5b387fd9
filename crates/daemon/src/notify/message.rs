//! What a program says to its service manager, in the form of `sd_notify`.

use ostler_core::Millis;
use ostler_text::beginning;
use ostler_wire::control::NotifiedState;

/// The longest status that is kept, bytes.
const LONGEST_STATUS: usize = 500;

/// A message, as far as it is understood; what else stands in it is for systemd alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// `READY=1`: it is up, or has reloaded.
    pub ready: bool,
    /// `RELOADING=1` or `STOPPING=1`.
    pub state: Option<NotifiedState>,
    /// `STATUS=`; an empty one takes back what was said before.
    pub status: Option<String>,
    /// `WATCHDOG=1` or `WATCHDOG=trigger`.
    pub watchdog: Option<Watchdog>,
    /// `WATCHDOG_USEC=`: how long the watchdog is to wait from now on.
    pub period: Option<Millis>,
}

/// What is said to the watchdog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watchdog {
    /// The program is alive.
    Alive,
    /// It wants to be taken as one that hangs.
    Trigger,
}

impl Message {
    /// Reads it: a variable in each line.
    pub fn read(text: &[u8]) -> Self {
        let mut message = Self::default();
        for line in text.split(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(line);
            match line.split_once('=') {
                Some(("READY", "1")) => message.ready = true,
                Some(("RELOADING", "1")) => message.state = Some(NotifiedState::Reloading),
                Some(("STOPPING", "1")) => message.state = Some(NotifiedState::Stopping),
                Some(("STATUS", status)) => {
                    message.status = Some(beginning(status, LONGEST_STATUS).to_owned());
                }
                Some(("WATCHDOG", "1")) => message.watchdog = Some(Watchdog::Alive),
                Some(("WATCHDOG", "trigger")) => message.watchdog = Some(Watchdog::Trigger),
                Some((name, micros)) if name == ostler_env::WATCHDOG_USEC => {
                    let millis = micros.parse::<u64>().ok().map(|micros| micros / 1000);
                    message.period = millis.filter(|millis| 0 < *millis);
                }
                Some(_) | None => {}
            }
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_us_is_understood_and_the_rest_is_passed_over() {
        let read = |text: &str| Message::read(text.as_bytes());
        assert_eq!(
            read("READY=1\nSTATUS=Serves = well\nMAINPID=7\nnonsense\n"),
            Message { ready: true, status: Some("Serves = well".to_owned()), ..Message::default() }
        );
        let state = |text| read(text).state;
        assert_eq!(state("RELOADING=1\nMONOTONIC_USEC=5"), Some(NotifiedState::Reloading));
        assert_eq!(state("STOPPING=1"), Some(NotifiedState::Stopping));
        let alive = |text| (read(text).watchdog, read(text).period);
        assert_eq!(alive("WATCHDOG=1"), (Some(Watchdog::Alive), None));
        assert_eq!(alive("WATCHDOG=trigger"), (Some(Watchdog::Trigger), None));
        assert_eq!(alive("WATCHDOG_USEC=2500000"), (None, Some(2500)));
        for nothing in ["", "READY=0", "BARRIER=1", "WATCHDOG=2", "WATCHDOG_USEC=0", "READY"] {
            assert_eq!(read(nothing), Message::default(), "{nothing}");
        }
    }

    #[test]
    fn a_long_status_is_cut_at_a_character() {
        let status = Message::read(
            "STATUS=".bytes().chain("ä".repeat(400).bytes()).collect::<Vec<_>>().as_slice(),
        );
        assert_eq!(status.status.unwrap(), "ä".repeat(250));
    }
}
