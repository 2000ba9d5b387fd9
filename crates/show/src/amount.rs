//! Times and sizes, as short as they can be read.

use crate::bytes::in_units;

/// Returns a duration: `12s`, `5m`, `3h`, `2d`. A unit is used only when there is more than one.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        172_800.. => format!("{}d", seconds / 86_400),
    }
}

/// Returns a number of bytes with base 1024: `0`, `20.4M`.
pub fn size(bytes: u64) -> String {
    in_units(bytes, ["K", "M", "G", "T"]).unwrap_or_else(|| bytes.to_string())
}

/// Returns a share of one CPU: `0%`, `4.5%`, `230%`.
pub fn cpu(percent: f32) -> String {
    match percent {
        percent if 99.95 <= percent => format!("{percent:.0}%"),
        percent if percent < 0.05 => "0%".to_owned(),
        percent => format!("{percent:.1}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short() {
        let seconds = [0, 119, 120, 7199, 7200, 172_799, 172_800, 90_000_000];
        let shown = seconds.map(|seconds| duration(seconds * 1000 + 999));
        assert_eq!(shown, ["0s", "119s", "2m", "119m", "2h", "47h", "2d", "1041d"]);
        let shown = [0, 1023, 1536, 21_390_950, 1024 * 1024 - 1, 5 << 40].map(size);
        assert_eq!(shown, ["0", "1023", "1.5K", "20.4M", "1.0M", "5.0T"]);
        assert_eq!(
            [0.0, 4.5, 12.34, 99.96, 230.4].map(cpu),
            ["0%", "4.5%", "12.3%", "100%", "230%"]
        );
    }
}
