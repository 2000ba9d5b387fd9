//! A process and its descendants, as a tree.

use ostler_ports::children;

/// The most processes that a tree shows.
const MOST: usize = 64;

/// A process and what descends from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The number that the system gave it.
    pub pid: u32,
    /// What it was started as.
    pub command: String,
    /// What it started, and they in turn.
    pub children: Vec<Self>,
}

/// Returns the tree below a process.
pub fn tree(pid: u32) -> Tree {
    grow(pid, &mut MOST.clone())
}

fn grow(pid: u32, left: &mut usize) -> Tree {
    *left = left.saturating_sub(1);
    let command = ostler_ports::command(pid);
    let mut below = Vec::new();
    for child in children(pid) {
        if *left == 0 {
            break;
        }
        below.push(grow(child, left));
    }
    Tree { pid, command, children: below }
}

/// Returns the tree as lines.
pub(crate) fn lines(tree: &Tree) -> Vec<String> {
    let mut lines = vec![format!("{} {}", tree.pid, tree.command)];
    branches(&tree.children, "", &mut lines);
    lines
}

fn branches(children: &[Tree], lead: &str, lines: &mut Vec<String>) {
    for (nth, child) in children.iter().enumerate() {
        let is_last = nth + 1 == children.len();
        let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        lines.push(format!("{lead}{branch}{} {}", child.pid, child.command));
        branches(&child.children, &format!("{lead}{below}"), lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_a_line_for_each_process() {
        let leaf = |pid| Tree { pid, command: format!("c{pid}"), children: Vec::new() };
        let branch = Tree { children: vec![leaf(3), leaf(4)], ..leaf(2) };
        let root = Tree { children: vec![branch, leaf(5)], ..leaf(1) };
        let shown = ["1 c1", "├─ 2 c2", "│  ├─ 3 c3", "│  └─ 4 c4", "└─ 5 c5"];
        assert_eq!(lines(&root), shown);
    }

    #[test]
    fn this_test_is_found_in_its_own_tree() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let found = tree(child.id());
        assert_eq!((found.pid, found.children), (child.id(), Vec::new()));
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
