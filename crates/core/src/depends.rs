//! What an app depends on, and what follows from that for the order of apps.

use std::collections::{BTreeMap, BTreeSet};

/// Another app that must have come to something before an app begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Name of the other app: one of the same namespace if there is one, else of any.
    pub name: String,
    /// What it must have come to.
    pub condition: Condition,
    /// The dependent is restarted when this app has ended and come to it again.
    pub restart: bool,
}

/// What an app must have come to for those that depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// It runs, or did what it was started for.
    Started,
    /// It is online; with `wait_ready` it has said `ready`.
    #[default]
    Ready,
    /// It is online, and its health check has passed.
    Healthy,
    /// It has ended by itself, with success.
    Completed,
}

/// The first cycle among things of which each has those that it depends on, by number: they follow
/// each other, and the last one depends on the first.
#[must_use]
pub fn cycle(depends_on: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut done = BTreeSet::new();
    for first in 0..depends_on.len() {
        // The way from `first`, with how many of each one's dependencies were looked at.
        let mut way = vec![(first, 0)];
        while let Some((at, next)) = way.last_mut() {
            let (at, found) = (*at, depends_on.get(*at).and_then(|all| all.get(*next)).copied());
            *next += 1;
            match found {
                _ if done.contains(&at) => _ = way.pop(),
                None => {
                    done.insert(at);
                    way.pop();
                }
                Some(found) => match way.iter().position(|(before, _)| *before == found) {
                    Some(begin) => {
                        return Some(way.split_off(begin).into_iter().map(|(at, _)| at).collect());
                    }
                    None => way.push((found, 0)),
                },
            }
        }
    }
    None
}

/// An order in which each thing comes after those that it depends on, and which is otherwise the
/// given one. What is in a cycle comes as it is given.
#[must_use]
pub fn order(depends_on: &[Vec<usize>]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..depends_on.len()).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let waits = |at: &usize| {
            let mut all = depends_on.get(*at).into_iter().flatten();
            all.any(|on| left.contains(on) && on != at)
        };
        let first = left.iter().position(|at| !waits(at)).unwrap_or(0);
        order.push(left.remove(first));
    }
    order
}

/// Everything that one of `of` depends on, at any distance, by what each depends on.
#[must_use]
pub fn all_below<T: Copy + Ord>(of: &[T], depends_on: &BTreeMap<T, Vec<T>>) -> BTreeSet<T> {
    let mut found = BTreeSet::new();
    let mut left: Vec<T> = of.to_vec();
    while let Some(one) = left.pop() {
        let on = depends_on.get(&one).into_iter().flatten().copied();
        left.extend(on.filter(|on| found.insert(*on)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_found_wherever_it_begins() {
        assert_eq!(cycle(&[]), None);
        assert_eq!(cycle(&[vec![1, 2], vec![2], vec![]]), None);
        assert_eq!(cycle(&[vec![0]]), Some(vec![0]));
        assert_eq!(cycle(&[vec![1], vec![2], vec![1]]), Some(vec![1, 2]));
        assert_eq!(cycle(&[vec![], vec![0, 3], vec![], vec![2, 4], vec![1]]), Some(vec![1, 3, 4]));
    }

    #[test]
    fn no_thing_is_looked_at_twice_however_many_ways_lead_to_it() {
        // From the first to the last lead 2^60 ways.
        let layer =
            |at: usize| if at < 120 { vec![at + 2 - at % 2, at + 3 - at % 2] } else { vec![] };
        assert_eq!(cycle(&(0..122).map(layer).collect::<Vec<_>>()), None);
    }

    #[test]
    fn what_others_depend_on_comes_first_and_all_else_stays() {
        assert_eq!(order(&[vec![], vec![], vec![]]), [0, 1, 2]);
        assert_eq!(order(&[vec![2], vec![], vec![1]]), [1, 2, 0]);
        assert_eq!(order(&[vec![3], vec![], vec![], vec![]]), [1, 2, 3, 0]);
        assert_eq!(order(&[vec![1], vec![0], vec![]]), [2, 0, 1]);
    }

    #[test]
    fn all_that_is_depended_on_at_any_distance_is_found_once() {
        let on = BTreeMap::from([(1, vec![2, 3]), (2, vec![3]), (3, vec![4]), (5, vec![1])]);
        assert_eq!(all_below(&[1], &on), BTreeSet::from([2, 3, 4]));
        assert_eq!(all_below(&[4], &on), BTreeSet::new());
    }
}
