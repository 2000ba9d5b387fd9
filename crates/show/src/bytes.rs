//! Sizes in units of 1024.

/// Returns a number of bytes with one decimal in the largest of these units that it fills;
/// `None` below 1024.
pub fn in_units(bytes: u64, [first, larger @ ..]: [&str; 4]) -> Option<String> {
    if bytes < 1024 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mut value = bytes as f64 / 1024.0;
    let mut unit = first;
    for larger in larger {
        // What would be printed as 1024.0 belongs to the next unit.
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    Some(format!("{value:.1}{unit}"))
}
