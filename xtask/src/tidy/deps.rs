//! The direction of dependencies, over `cargo metadata`.
//!
//! A crate is a boundary that cargo enforces, but only if somebody enforces what may be written
//! into its manifest.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

/// Dependencies that each crate of ours may have. Tests may depend on anything.
const ALLOWED: [(&str, &[&str]); 26] = [
    ("ostler-env", &[]),
    ("ostler-shell", &[]),
    ("ostler-text", &[]),
    ("ostler-core", &[]),
    ("ostler-poll", &[]),
    ("ostler-keeper", &["ostler-poll"]),
    ("ostler-machine", &[]),
    ("ostler-history", &[]),
    ("ostler-wire", &[]),
    ("ostler-ports", &[]),
    ("ostler-cluster", &["ostler-wire"]),
    ("ostler-config", &["ostler-core", "ostler-text"]),
    ("ostler-logs", &["ostler-poll", "ostler-text"]),
    ("ostler-sinks", &["ostler-core", "ostler-logs"]),
    ("ostler-pm2", &["ostler-config", "ostler-core", "ostler-wire"]),
    ("ostler-export", &["ostler-config", "ostler-core", "ostler-text"]),
    ("ostler-serve", &["ostler-poll"]),
    ("ostler-client", &["ostler-wire"]),
    (
        "ostler-companion",
        &[
            "ostler-client",
            "ostler-history",
            "ostler-machine",
            "ostler-ports",
            "ostler-sinks",
            "ostler-text",
            "ostler-tui",
            "ostler-wire",
        ],
    ),
    (
        "ostler-tui",
        &[
            "ostler-client",
            "ostler-logs",
            "ostler-machine",
            "ostler-show",
            "ostler-text",
            "ostler-wire",
        ],
    ),
    (
        "ostler-daemon",
        &[
            "ostler-core",
            "ostler-keeper",
            "ostler-wire",
            "ostler-cluster",
            "ostler-config",
            "ostler-pm2",
            "ostler-logs",
            "ostler-poll",
            "ostler-ports",
            "ostler-sinks",
            "ostler-text",
            "ostler-watch",
        ],
    ),
    (
        "ostler-show",
        &[
            "ostler-client",
            "ostler-history",
            "ostler-logs",
            "ostler-pm2",
            "ostler-ports",
            "ostler-text",
            "ostler-wire",
        ],
    ),
    ("ostler-watch", &[]),
    ("ostler-testkit", &[]),
    ("ostler-inject", &[]),
    ("xtask", &["ostler-testkit"]),
];

/// The only crate that may see every other of ours; not the test kit.
const SEES_ALL: &str = "ostler";
const NEVER_SEEN: [&str; 4] = ["ostler-testkit", "ostler-companion", "ostler-tui", "xtask"];

/// The names of environment variables, and how a word is quoted: every crate may use them.
const EVERYWHERE: [&str; 2] = ["ostler-env", "ostler-shell"];

/// Crates that stay free of others, however indirectly: what decides, and the program that starts
/// in a millisecond. What needs an async runtime or draws a screen is the companion's.
const FREE: [(&str, &[&str]); 3] = [
    ("ostler-core", &["tokio", "serde", "clap"]),
    ("ostler-keeper", &["tokio", "serde", "clap"]),
    (SEES_ALL, &["tokio", "hyper", "axum", "ratatui", "crossterm", "rustls"]),
];

/// Findings in the output of `cargo metadata --format-version=1`.
pub fn check(metadata: &Value) -> Result<Vec<String>> {
    let graph = Graph::try_from_metadata(metadata)?;
    let mut findings = Vec::new();
    for id in &graph.ours {
        let name = graph.name(id);
        let Some(allowed) = allowed(name) else {
            findings.push(format!(
                "crate `{name}` has no line in xtask/src/tidy/deps.rs that says what it may \
                 depend on"
            ));
            continue;
        };
        for needed in
            graph.needs(id).iter().filter(|n| graph.ours.contains(**n)).map(|n| graph.name(n))
        {
            if !may_need(name, allowed, needed) {
                findings.push(format!(
                    "`{name}` must not depend on `{needed}` (ARCHITECTURE.md, crates)"
                ));
            }
        }
        for (_, never) in FREE.iter().filter(|(free, _)| *free == name) {
            for (below, way) in graph.below(id) {
                if never.iter().any(|n| {
                    below == *n
                        || below.starts_with(&format!("{n}_"))
                        || below.starts_with(&format!("{n}-"))
                }) {
                    findings.push(format!("`{name}` must never see `{below}`, but does by {way}"));
                }
            }
        }
    }
    Ok(findings)
}

fn may_need(name: &str, allowed: &[&str], needed: &str) -> bool {
    EVERYWHERE.contains(&needed)
        || allowed.contains(&needed)
        || (name == SEES_ALL && !NEVER_SEEN.contains(&needed))
}

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    let of = ALLOWED.iter().find(|(krate, _)| *krate == name).map(|(_, allowed)| *allowed);
    of.or((name == SEES_ALL).then_some(&[]))
}

struct Graph<'a> {
    names: BTreeMap<&'a str, &'a str>,
    needs: BTreeMap<&'a str, Vec<&'a str>>,
    ours: BTreeSet<&'a str>,
}

impl<'a> Graph<'a> {
    fn try_from_metadata(metadata: &'a Value) -> Result<Self> {
        let list = |value: &'a Value, what: &str| {
            value.as_array().with_context(|| format!("no list of {what}"))
        };
        let mut graph =
            Self { names: BTreeMap::new(), needs: BTreeMap::new(), ours: BTreeSet::new() };
        for package in list(&metadata["packages"], "packages")? {
            graph.names.insert(text(package, "id")?, text(package, "name")?);
        }
        for id in list(&metadata["workspace_members"], "members")? {
            graph.ours.insert(id.as_str().context("a member that is no string")?);
        }
        for node in
            list(metadata.pointer("/resolve/nodes").unwrap_or(&Value::Null), "resolved nodes")?
        {
            let mut needs = Vec::new();
            for dep in list(&node["deps"], "dependencies")? {
                // `null` is a normal dependency; `dev` and `build` do not end up in the program.
                if list(&dep["dep_kinds"], "kinds")?.iter().any(|k| k["kind"].is_null()) {
                    needs.push(text(dep, "pkg")?);
                }
            }
            graph.needs.insert(text(node, "id")?, needs);
        }
        Ok(graph)
    }

    fn name(&self, id: &str) -> &'a str {
        self.names.get(id).copied().unwrap_or("?")
    }

    fn needs(&self, id: &str) -> &[&'a str] {
        self.needs.get(id).map_or(&[], Vec::as_slice)
    }

    /// Every crate below `id`, with a way to it.
    fn below(&self, id: &'a str) -> BTreeMap<&'a str, String> {
        let mut found = BTreeMap::new();
        let mut open = vec![(id, self.name(id).to_owned())];
        while let Some((at, way)) = open.pop() {
            for next in self.needs(at) {
                let name = self.name(next);
                let way = format!("{way} → {name}");
                if found.insert(name, way.clone()).is_none() {
                    open.push((next, way));
                }
            }
        }
        found
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().with_context(|| format!("cargo metadata: no string `{key}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `edges`: who needs whom, and of which kind. Names of ours are members.
    fn check_edges(edges: &[(&str, &str, Option<&str>)]) -> Vec<String> {
        let names: BTreeSet<&str> = edges.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
        let deps = |of: &str| -> Vec<Value> {
            let mine = edges.iter().filter(|(a, _, _)| *a == of);
            mine.map(|(_, b, kind)| json!({"pkg": b, "dep_kinds": [{"kind": kind}]})).collect()
        };
        let packages: Vec<Value> = names.iter().map(|n| json!({"id": n, "name": n})).collect();
        let members: Vec<&&str> = names.iter().filter(|n| n.starts_with("ostler")).collect();
        let nodes: Vec<Value> = names.iter().map(|n| json!({"id": n, "deps": deps(n)})).collect();
        let metadata = json!({
            "packages": packages,
            "workspace_members": members,
            "resolve": {"nodes": nodes},
        });
        check(&metadata).unwrap()
    }

    #[test]
    fn the_design_s_directions_pass() {
        let edges = [
            ("ostler-daemon", "ostler-cluster", None),
            ("ostler-cluster", "ostler-wire", None),
            ("ostler-config", "ostler-core", None),
            ("ostler", "ostler-daemon", None),
            ("ostler", "ostler-client", None),
            ("ostler-client", "ostler-wire", None),
            ("ostler-wire", "serde", None),
        ];
        assert_eq!(check_edges(&edges), Vec::<String>::new());
    }

    #[test]
    fn a_dependency_against_the_direction_is_found() {
        let found = check_edges(&[
            ("ostler-core", "ostler-wire", None),
            ("ostler-client", "ostler-daemon", None),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].contains("`ostler-core` must not depend on `ostler-wire`"), "{found:?}");
        assert_eq!(check_edges(&[("ostler", "ostler-testkit", None)]).len(), 1);
        assert_eq!(check_edges(&[("ostler", "ostler-testkit", Some("dev"))]), Vec::<String>::new());
    }

    #[test]
    fn serde_far_below_the_core_is_found_with_the_way_to_it() {
        let found = check_edges(&[("ostler-core", "helper", None), ("helper", "serde_core", None)]);
        assert_eq!(
            found,
            ["`ostler-core` must never see `serde_core`, but does by \
                 ostler-core → helper → serde_core"]
        );
        assert_eq!(check_edges(&[("ostler-keeper", "serde", Some("dev"))]), Vec::<String>::new());
    }

    #[test]
    fn a_new_crate_must_say_what_it_may_depend_on() {
        let found = check_edges(&[("ostler-new", "libc", None)]);
        assert!(found.len() == 1 && found[0].contains("`ostler-new` has no line"), "{found:?}");
    }
}
