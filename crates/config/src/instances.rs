//! How many processes, and in which mode: PM2's rules, quirks kept because people depend on them
//! (`-i 1` is cluster).

use ostler_core::spec::{ExecMode, MOST_INSTANCES as MOST};

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instances {
    /// Processes to start, at least 1.
    pub count: u32,
    /// The mode of all of them.
    pub mode: ExecMode,
    /// Whether logs are shared when nothing is said about it.
    pub merge: bool,
}

/// Decides from the given count (text or number as text), the given mode, and whether the
/// interpreter is Node or Bun.
pub(crate) fn decide(
    given: Option<&str>,
    mode: Option<ExecMode>,
    node_like: bool,
    cpus: u32,
) -> Result<Instances, String> {
    let number = given.map(|text| text.trim().parse::<f64>().unwrap_or(0.0));
    let count = number.map_or(Ok(1), |number| count(number, cpus))?;
    let clustered = node_like && number.is_some_and(|number| number.trunc() >= -1.0);
    let all = number.is_none_or(|number| number.trunc() == 0.0);
    Ok(Instances {
        count,
        mode: mode.unwrap_or(if clustered { ExecMode::Cluster } else { ExecMode::Fork }),
        merge: mode != Some(ExecMode::Cluster) && all,
    })
}

/// Returns the count that a number means: 0 (and fractions below 1) all CPUs; below 0 that many
/// fewer, at least 1.
///
/// # Errors
/// It is more than one app may have.
pub fn count(number: f64, cpus: u32) -> Result<u32, String> {
    if number > f64::from(MOST) {
        return Err(format!(
            "`instances` is {number}, above the most that one app may have, {MOST}"
        ));
    }
    Ok(if number >= 1.0 { to_u32(number) } else { cpus.saturating_sub(to_u32(-number)).max(1) })
}

fn to_u32(number: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, which is meant"
    )]
    let whole = number as u32;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        given: Option<&str>,
        mode: Option<ExecMode>,
        node_like: bool,
        count: u32,
        got: ExecMode,
        merge: bool,
    ) {
        assert_eq!(
            decide(given, mode, node_like, 8).unwrap(),
            Instances { count, mode: got, merge },
            "{given:?} {mode:?}"
        );
    }

    #[test]
    fn every_row_of_pm2s_table() {
        use ExecMode::{Cluster, Fork};
        check(None, None, true, 1, Fork, true);
        for all in ["0", "max", "many", ""] {
            check(Some(all), None, true, 8, Cluster, true);
            check(Some(all), None, false, 8, Fork, true);
        }
        check(Some("-1"), None, true, 7, Cluster, false);
        check(Some("-2"), None, true, 6, Fork, false);
        check(Some("-20"), None, true, 1, Fork, false);
        check(Some("1"), None, true, 1, Cluster, false);
        check(Some("3"), None, true, 3, Cluster, false);
        check(Some("3"), None, false, 3, Fork, false);
        check(None, Some(Cluster), true, 1, Cluster, false);
        check(Some("max"), Some(Cluster), true, 8, Cluster, false);
        check(Some("3"), Some(Fork), true, 3, Fork, false);
        check(Some("max"), Some(Fork), true, 8, Fork, true);
        assert!(decide(Some("100000"), None, true, 8).is_err());
    }

    #[test]
    fn one_cpu_less_one_is_still_one() {
        assert_eq!(decide(Some("-1"), None, true, 1).unwrap().count, 1);
    }
}
