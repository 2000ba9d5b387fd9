//! Figures of the machine as PM2 has them.

use serde_json::{Map, Value, json};

/// Returns figures as PM2's `slist` has them.
pub(crate) fn metrics(figures: &[(String, f64, &'static str)]) -> Value {
    let metric = |value: f64, unit: &str| {
        let value = number(value);
        json!({ "value": value, "type": "metric", "unit": unit, "historic": true })
    };
    let all = figures.iter().map(|(name, value, unit)| (name.clone(), metric(*value, unit)));
    Value::Object(all.collect::<Map<String, Value>>())
}

/// A figure as JavaScript would write it: whole ones without a point.
pub(crate) fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and not that large")]
    let whole = (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64);
    whole.map_or_else(|| json!(value), |whole| json!(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_no_point() {
        assert_eq!(number(3.0).to_string(), "3");
        assert_eq!(number(0.25).to_string(), "0.25");
        assert_eq!(number(-1.0).to_string(), "-1");
    }
}
