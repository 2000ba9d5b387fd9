//! `port`: a number, or a range of which the daemon gives the app a port that is free.

use std::ops::RangeInclusive;

use ostler_core::spec::AppSpec;

use crate::attributes::kept_value;

/// The ports of `auto`: below those that the kernel gives to connections, above the usual ones.
const AUTO: RangeInclusive<u16> = 20_000..=29_999;
/// Why several processes in fork mode cannot have one.
pub const ONE_PORT: &str =
    "`port` gives an app one port, and each process in fork mode needs one of its own";
/// What to do about it.
pub const SHARE_IT: &str = "write `exec_mode: \"cluster\"` for Node, or an app for each process";

/// Returns the ports of which an app is to get one, if it asks for that.
#[must_use]
pub fn port_range(spec: &AppSpec) -> Option<RangeInclusive<u16>> {
    range(kept_value(spec.passthrough.get("port")?).as_str()?)
}

/// Reads `auto` or a range such as `3000-3999`.
pub(crate) fn range(text: &str) -> Option<RangeInclusive<u16>> {
    if text.trim() == "auto" {
        return Some(AUTO);
    }
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (0 < first && first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_two_ports_in_their_order_and_auto_is_one() {
        assert_eq!(range("auto"), Some(20_000..=29_999));
        assert_eq!(range(" 3000 - 3999 "), Some(3000..=3999));
        assert_eq!(range("80-80"), Some(80..=80));
        for wrong in ["", "-", "3000", "0-5", "9-5", "1-70000", "a-b", "1-2-3", "automatic"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }
}
