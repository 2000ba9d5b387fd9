//! The limits of Node's `util.inspect` that decide how a value is broken into lines.

/// Columns of a line before it is broken (`breakLength`).
pub(super) const BREAK: usize = 80;

/// How many inner levels may share a line (`compact`).
pub(super) const COMPACT: usize = 3;

/// Items of a list that are shown (`maxArrayLength`).
pub(super) const MAX_ITEMS: usize = 100;
