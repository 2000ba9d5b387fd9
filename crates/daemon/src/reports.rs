//! What the parts of the daemon tell: values, taken up by the loop in the order in which they came.
//!
//! A part owns descriptors and decides nothing. What it learns goes here; what follows from that is
//! decided elsewhere.

use std::collections::VecDeque;

/// What a part tells.
#[derive(Debug)]
pub(crate) enum Report {
    /// A client left.
    ClientGone {
        /// Its number.
        client: usize,
        /// It read logs.
        watched: bool,
    },
}

/// Reports that were not taken up yet, oldest first.
pub(crate) type Reports = VecDeque<Report>;
