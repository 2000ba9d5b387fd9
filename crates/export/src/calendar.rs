//! Times of cron in the words of systemd.

/// Returns the times of a pattern of five fields, or six with seconds, of which each is `*`, a
/// number, `*/N` or a list; not of one that names days both of the month and of the week, which
/// cron takes as either.
pub(crate) fn calendar(pattern: &str) -> Option<String> {
    const DAYS: [&str; 8] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let fields: Vec<&str> = pattern.split_whitespace().collect();
    let (second, fields) = match fields.len() {
        5 => ("0", fields.as_slice()),
        6 => (fields.first().copied()?, fields.get(1..)?),
        _ => return None,
    };
    let &[minute, hour, day, month, weekday] = fields else { return None };
    if day != "*" && weekday != "*" {
        return None;
    }
    let plain = |field: &str| {
        field
            .split(',')
            .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty())
    };
    let time = |field: &str, first: u8| match field.strip_prefix("*/") {
        _ if field == "*" => Some("*".to_owned()),
        Some(step) if plain(step) => Some(format!("{first}/{step}")),
        None if plain(field) => Some(field.to_owned()),
        Some(_) | None => None,
    };
    let weekday = match weekday {
        "*" => String::new(),
        days => {
            let days: Option<Vec<&str>> =
                days.split(',').map(|day| DAYS.get(day.parse::<usize>().ok()?).copied()).collect();
            format!("{} ", days?.join(","))
        }
    };
    let (month, day) = (time(month, 1)?, time(day, 1)?);
    let (hour, minute, second) = (time(hour, 0)?, time(minute, 0)?, time(second, 0)?);
    Some(format!("{weekday}*-{month}-{day} {hour}:{minute}:{second}"))
}

#[cfg(test)]
mod tests {
    use super::calendar;

    #[test]
    fn patterns_of_cron_are_times_of_systemd_or_left_to_a_person() {
        let check = |cron: &str, expected: Option<&str>| {
            assert_eq!(calendar(cron).as_deref(), expected, "{cron}");
        };
        check("30 3 * * *", Some("*-*-* 3:30:0"));
        check("*/10 * * * *", Some("*-*-* *:0/10:0"));
        check("0 0 1,15 */3 *", Some("*-1/3-1,15 0:0:0"));
        check("0 4 * * 1,5", Some("Mon,Fri *-*-* 4:0:0"));
        check("*/30 * * * * *", Some("*-*-* *:*:0/30"));
        check("0 0 13 * 5", None);
        check("0 0 L * *", None);
        check("0 0 * * MON", None);
        check("@daily", None);
    }
}
