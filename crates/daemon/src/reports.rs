//! What the parts of the daemon tell: values, taken up by the loop in the order in which they came.
//!
//! A part owns descriptors and decides nothing. What it learns goes here; what follows from that is
//! decided elsewhere.

use std::collections::VecDeque;

use ostler_wire::control::Reply;

/// What a part tells.
#[derive(Debug)]
pub(crate) enum Report {
    /// A client's request is answered.
    Reply {
        /// Its number.
        client: usize,
        /// The answer.
        reply: Reply,
    },
    /// The keeper runs another program, as this client asked; the daemon is to make room for one of
    /// that program.
    Upgraded {
        /// Its number.
        client: usize,
    },
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
