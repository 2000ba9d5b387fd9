//! Numbers of figures.

/// Rounds to so many decimals.
pub(super) fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}

/// A count as a figure.
#[expect(clippy::cast_precision_loss, reason = "figures are for people")]
pub(super) fn float(value: u64) -> f64 {
    value as f64
}
