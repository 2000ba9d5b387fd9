//! Times and sizes of other managers.

/// Returns milliseconds of a time with units, such as `1min 30s` or `1m30s`; a bare number has
/// seconds. `None`: it is none, or has no end.
pub(super) fn ms(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return whole(number * 1e3);
    }
    let mut sum = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(digits);
        let letters = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        let unit = match unit {
            "us" => 0.001,
            "ms" | "msec" => 1.0,
            "s" | "sec" | "second" | "seconds" => 1e3,
            "m" | "min" | "minute" | "minutes" => 60e3,
            "h" | "hr" | "hour" | "hours" => 3600e3,
            "d" | "day" | "days" => 86_400e3,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * unit;
        rest = behind.trim_start();
    }
    whole(sum)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is no time is left out, and `as` saturates"
)]
fn whole(ms: f64) -> Option<u64> {
    (ms.is_finite() && 0.0 <= ms).then_some(ms.round() as u64)
}

/// Returns a size such as `512m`, `1.5GiB` or `50MB` in bytes.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let power = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return None,
    };
    whole(number.parse::<f64>().ok()? * 1024_f64.powi(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_have_units() {
        assert_eq!(ms("90"), Some(90_000));
        assert_eq!(ms("1min 30s"), Some(90_000));
        assert_eq!(ms("1m30s"), Some(90_000));
        assert_eq!(ms("1.5s"), Some(1500));
        assert_eq!((ms("infinity"), ms("5 apples"), ms("-1")), (None, None, None));
        assert_eq!((bytes("512m"), bytes("1.5GiB")), (Some(512 << 20), Some(3 << 29)));
        assert_eq!((bytes("50MB"), bytes("10"), bytes("x")), (Some(50 << 20), Some(10), None));
    }
}
