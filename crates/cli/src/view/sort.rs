//! The order of the list.

use std::cmp::Ordering;

use ostler_pm2::words::status;
use ostler_wire::control::ProcView;

/// The fields that the list can be sorted by.
pub(crate) const SORT_FIELDS: &[&str] =
    &["name", "namespace", "pid", "id", "cpu", "memory", "uptime", "status"];

/// Sorts by `field`, `field:asc` or `field:desc`; by name when nothing or something
/// unknown is given.
pub(crate) fn sort(processes: &mut [ProcView], by: Option<&str>) {
    let (field, descending) = match by.map(|by| by.split_once(':').unwrap_or((by, "asc"))) {
        Some((field, direction)) => (field, direction == "desc"),
        None => ("name", false),
    };
    let compare: fn(&ProcView, &ProcView) -> Ordering = match field {
        "namespace" => |a, b| a.namespace.cmp(&b.namespace),
        "pid" => |a, b| a.pid.cmp(&b.pid),
        "id" => |a, b| a.id.cmp(&b.id),
        "cpu" => |a, b| a.cpu.total_cmp(&b.cpu),
        "memory" => |a, b| a.memory.cmp(&b.memory),
        // What began later has the shorter uptime.
        "uptime" => |a, b| b.since.cmp(&a.since),
        "status" => |a, b| status(a.phase).cmp(status(b.phase)),
        _ => |a, b| a.name.cmp(&b.name),
    };
    processes.sort_by(|a, b| {
        let order = compare(a, b);
        if descending { order.reverse() } else { order }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample::sample;

    #[test]
    fn by_name_unless_told_otherwise() {
        let check = |by: Option<&str>, ids: [u32; 3]| {
            let mut list = vec![sample(0, "b"), sample(1, "c"), sample(2, "a")];
            list[1].cpu = 5.0;
            list[2].since = 9000;
            sort(&mut list, by);
            assert_eq!(list.iter().map(|process| process.id).collect::<Vec<_>>(), ids, "{by:?}");
        };
        check(None, [2, 0, 1]);
        check(Some("nonsense"), [2, 0, 1]);
        check(Some("name:desc"), [1, 0, 2]);
        check(Some("id"), [0, 1, 2]);
        check(Some("id:desc"), [2, 1, 0]);
        check(Some("cpu:desc"), [1, 0, 2]);
        check(Some("uptime"), [2, 0, 1]);
    }
}
