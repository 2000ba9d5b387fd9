//! Values over time, as a line of bars.

/// The steps of a bar.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Returns values as a line of bars, of which the highest stands for `most` or more.
#[must_use]
pub fn spark(values: &[f64], most: f64) -> String {
    values.iter().map(|value| bar(*value, most)).collect()
}

fn bar(value: f64, most: f64) -> char {
    let share = if 0.0 < most { (value / most).clamp(0.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 7")]
    let step = (share * 7.0).round() as usize;
    STEPS.get(step).copied().unwrap_or('█')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_go_from_the_lowest_to_the_highest() {
        assert_eq!(spark(&[0.0, 50.0, 100.0, 250.0], 100.0), "▁▅██");
        assert_eq!(spark(&[0.0], 0.0), "▁");
    }
}
