//! The rows of apps: which there are, which is selected, which are in sight.
//!
//! Problem: rows come, go and change their order while somebody looks at one. Rule: what is
//! selected is remembered by what it is; when it is gone, whatever stands in its place is.

use std::collections::BTreeSet;

use ostler_show::{App, Row, order};
use ostler_wire::control::ProcView;

use crate::lines::matches;

/// Orders that can be gone through.
const ORDERS: [&str; 5] = ["name", "cpu:desc", "memory:desc", "restarts:desc", "status"];

/// What a row stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// The app of this name, with its namespace.
    App(String),
    /// The process of this number, of that app.
    Process(String, u32),
}

impl Key {
    /// Returns the name of the app.
    pub(crate) fn app(&self) -> &str {
        match self {
            Self::App(name) | Self::Process(name, _) => name,
        }
    }
}

/// How the rows are looked at.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    unfolded: BTreeSet<String>,
    is_all_unfolded: bool,
    filter: String,
    order: usize,
    selected: Option<Key>,
    /// The place of the selected row, should it be gone.
    place: usize,
    /// The first row in sight.
    first: usize,
}

impl Rows {
    /// Returns the apps that are shown, in their order.
    pub(crate) fn apps<'a>(&self, processes: &'a [ProcView]) -> Vec<App<'a>> {
        let mut apps = ostler_show::fold(processes);
        let is_meant = |app: &App<'_>| {
            let status = |of: &&ProcView| matches(ostler_show::status(of), &self.filter);
            matches(&app.name, &self.filter) || app.processes.iter().any(status)
        };
        apps.retain(is_meant);
        // Each of them is known.
        _ = order(&mut apps, "name");
        _ = order(&mut apps, self.order());
        apps
    }

    /// Returns a row for each app, and for each process of those that are unfolded.
    pub(crate) fn rows<'a>(&self, apps: &'a [App<'a>]) -> Vec<(Key, Row<'a>)> {
        let mut rows = Vec::new();
        for app in apps {
            rows.push((Key::App(app.name.clone()), Row::App(app)));
            if self.is_unfolded(app) {
                let below = app
                    .processes
                    .iter()
                    .map(|of| (Key::Process(app.name.clone(), of.id), Row::Below(of)));
                rows.extend(below);
            }
        }
        rows
    }

    fn is_unfolded(&self, app: &App<'_>) -> bool {
        1 < app.processes.len() && (self.is_all_unfolded || self.unfolded.contains(&app.name))
    }

    /// Finds the selected row again after rows or window have changed, in so many lines.
    pub(crate) fn settle(&mut self, keys: &[Key], lines: usize) {
        let found = self.selected.as_ref().and_then(|selected| {
            let of_app = || {
                keys.iter().position(|key| matches!(key, Key::App(name) if name == selected.app()))
            };
            keys.iter().position(|key| key == selected).or_else(of_app)
        });
        self.place = found.unwrap_or(self.place).min(keys.len().saturating_sub(1));
        self.selected = keys.get(self.place).cloned();
        let last = self.first + lines.max(1) - 1;
        if self.place < self.first {
            self.first = self.place;
        } else if last < self.place {
            self.first = self.place + 1 - lines.max(1);
        }
        self.first = self.first.min(keys.len().saturating_sub(lines.max(1)));
    }

    /// Selects the row that is so many further down.
    pub(crate) fn step(&mut self, keys: &[Key], by: isize) {
        let last = keys.len().saturating_sub(1);
        self.select(keys, self.place.saturating_add_signed(by).min(last));
    }

    /// Selects the row at a place, if there is one.
    pub(crate) fn select(&mut self, keys: &[Key], place: usize) {
        if let Some(key) = keys.get(place) {
            (self.selected, self.place) = (Some(key.clone()), place);
        }
    }

    /// Returns what is selected.
    pub(crate) fn selected(&self) -> Option<&Key> {
        self.selected.as_ref()
    }

    /// Returns the place of the selected row, and that of the first in sight.
    pub(crate) fn places(&self) -> (usize, usize) {
        (self.place, self.first)
    }

    /// Shows the processes of the selected app, or hides them.
    pub(crate) fn fold(&mut self) {
        let Some(name) = self.selected.as_ref().map(|key| key.app().to_owned()) else { return };
        if !self.unfolded.remove(&name) {
            self.unfolded.insert(name);
        }
    }

    /// Shows the processes of every app, or hides them all.
    pub(crate) fn fold_all(&mut self) {
        self.is_all_unfolded = !self.is_all_unfolded;
        self.unfolded.clear();
    }

    /// Shows only apps with this text in their name or status.
    pub(crate) fn filter(&mut self, text: String) {
        self.filter = text;
    }

    /// Returns the text that apps must have.
    pub(crate) fn filter_text(&self) -> &str {
        &self.filter
    }

    /// Takes the next order.
    pub(crate) fn next_order(&mut self) {
        self.order = (self.order + 1) % ORDERS.len();
    }

    /// Returns the field by which they are ordered.
    pub(crate) fn order(&self) -> &'static str {
        ORDERS.get(self.order).copied().unwrap_or("name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostler_show::sample;

    fn keys(rows: &Rows, processes: &[ProcView]) -> Vec<Key> {
        let apps = rows.apps(processes);
        rows.rows(&apps).into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn the_selected_row_stays_selected_wherever_it_goes() {
        let mut processes = sample::processes();
        let mut rows = Rows::default();
        let all = keys(&rows, &processes);
        rows.settle(&all, 5);
        assert_eq!(rows.selected().map(Key::app), Some("api"));
        let web = all.iter().position(|key| key.app() == "web").unwrap();
        rows.select(&all, web);
        rows.settle(&all, 5);
        assert_eq!(rows.places(), (web, web - 4));
        rows.fold_all();
        let all = keys(&rows, &processes);
        rows.settle(&all, 5);
        assert_eq!(rows.selected(), Some(&Key::App("web".to_owned())));
        assert!(web < rows.places().0, "processes stand above it");
        processes.retain(|process| process.name != "web");
        let all = keys(&rows, &processes);
        rows.settle(&all, 5);
        assert_eq!(rows.selected().map(Key::app), Some("worker"), "it has the place");
        rows.settle(&[], 5);
        assert_eq!(rows.selected(), None);
    }

    #[test]
    fn a_process_whose_app_is_folded_leaves_the_selection_to_its_app() {
        let processes = sample::processes();
        let mut rows = Rows::default();
        rows.settle(&keys(&rows, &processes), 20);
        rows.fold();
        rows.step(&keys(&rows, &processes), 2);
        assert_eq!(rows.selected(), Some(&Key::Process("api".to_owned(), 1)));
        rows.fold();
        rows.settle(&keys(&rows, &processes), 20);
        assert_eq!(rows.selected(), Some(&Key::App("api".to_owned())));
    }

    #[test]
    fn a_filter_means_names_and_states() {
        let processes = sample::processes();
        let mut rows = Rows::default();
        let names = |rows: &Rows| -> Vec<String> {
            keys(rows, &processes).iter().map(|key| key.app().to_owned()).collect()
        };
        rows.filter("errored".to_owned());
        assert_eq!(names(&rows), ["worker"]);
        rows.filter("back/".to_owned());
        assert_eq!(names(&rows), ["back/db"]);
        rows.filter(String::new());
        rows.next_order();
        assert_eq!((rows.order(), names(&rows)[0].as_str()), ("cpu:desc", "api"));
    }
}
