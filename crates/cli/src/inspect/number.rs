//! Numbers as JavaScript prints them.

use serde_json::Number;

/// Integers up to this are exact in JavaScript.
const EXACT: u64 = 1 << 53;

/// Returns the number as JavaScript's `String(JSON.parse(number))`, but `-0` keeps its sign.
pub(super) fn number(number: &Number) -> String {
    if let Some(value) = number.as_i64().filter(|value| value.unsigned_abs() <= EXACT) {
        return value.to_string();
    }
    number.as_f64().map_or_else(|| number.to_string(), float)
}

/// Returns a float as JavaScript prints it: shortest digits that read back the same, exponent from
/// 1e21 and below 1e-6.
pub(crate) fn float(value: f64) -> String {
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value < 0.0 {
            "-Infinity"
        } else {
            "Infinity"
        }
        .to_owned();
    }
    let magnitude = value.abs();
    if (1e-6..1e21).contains(&magnitude) {
        return value.to_string();
    }
    // Rust writes `1.5e-7` and `1e21`, JavaScript `1.5e-7` and `1e+21`.
    let text = format!("{value:e}");
    if text.contains("e-") { text } else { text.replace('e', "e+") }
}
