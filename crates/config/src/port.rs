//! `port`: a number, or a range of which the daemon gives the app a port that is free.

use std::ops::RangeInclusive;

use ostler_core::spec::AppSpec;

use serde_json::Value as Json;

use crate::attributes::kept_value;

/// The ports of `auto`: below those that the kernel gives to connections, above the usual ones.
const AUTO: RangeInclusive<u16> = 20_000..=29_999;
/// Why several processes in fork mode cannot have one.
pub const ONE_PORT: &str =
    "`port` gives an app one port, and each process in fork mode needs one of its own";
/// What to do about it.
pub const SHARE_IT: &str = "write `exec_mode: \"cluster\"` for Node, or an app for each process";

/// What stands for the port, and for that of an instance.
pub(crate) const OF_PORT: [&str; 2] = ["{port}", OF_INSTANCE];
/// What stands for the port of an instance.
const OF_INSTANCE: &str = "{port+instance}";

/// Returns the ports of which an app is to get one, if it asks for that.
#[must_use]
pub fn port_range(spec: &AppSpec) -> Option<RangeInclusive<u16>> {
    range(kept_value(spec.passthrough.get("port")?).as_str()?)
}

/// Returns the port that `{port}` stands for: that of the variable `PORT`, or where that is made of
/// it for each instance, that of `port`.
#[must_use]
pub fn port_of(spec: &AppSpec) -> Option<u16> {
    let variable = spec.env.get("PORT")?;
    if !is_made(variable) {
        return variable.trim().parse().ok();
    }
    match kept_value(spec.passthrough.get("port")?) {
        Json::Number(number) => number.as_u64()?.try_into().ok(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Returns the ports that the instances of an app are given.
#[must_use]
pub fn ports_of(spec: &AppSpec) -> Option<RangeInclusive<u16>> {
    let first = port_of(spec)?;
    let is_by_instance = spec.increment_var.as_deref() == Some("PORT")
        || spec.env.get("PORT").is_some_and(|variable| variable.contains(OF_INSTANCE));
    let more = if is_by_instance { spec.instances.saturating_sub(1) } else { 0 };
    Some(first..=first.saturating_add(more.try_into().unwrap_or(u16::MAX)))
}

/// Whether a text is made for each instance, or of the port.
pub(crate) fn is_made(text: &str) -> bool {
    OF_PORT.into_iter().chain(["{instance}"]).any(|part| text.contains(part))
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
