//! What the view learns, and what it wants.

use std::collections::BTreeMap;

use ostler_show::Tree;
use ostler_wire::control::{Details, Lifecycle, ProcView};
use ratatui::crossterm::event::{KeyEvent, MouseEvent};

use crate::deed::Deed;
use crate::lines::Line;

/// What the view learns.
#[derive(Debug)]
pub(crate) enum Input {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// The terminal has this size now, in columns and rows.
    Resized(u16, u16),
    /// What the daemon answered.
    Facts(Box<Facts>),
    /// How it stands with the daemon.
    Link(Link),
    /// Something happened to a process.
    Happened {
        /// Number of the process.
        id: u32,
        /// Name of its app.
        name: String,
        /// The thing that happened.
        what: Lifecycle,
    },
    /// Lines of the selection with this number.
    Lines(u64, Vec<Line>),
    /// How something goes that was asked for.
    Remark(Remark),
    /// The terminal is gone, or a signal asks for the end.
    Ended(Option<i32>),
}

/// What is known at a moment.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The moment, ms since 1970.
    pub(crate) at: u64,
    /// Every process of the list.
    pub(crate) processes: Vec<ProcView>,
    /// The selected ones in full.
    pub(crate) details: Vec<Details>,
    /// What runs in the selected ones.
    pub(crate) trees: Vec<Tree>,
    /// Why processes ended, as far as their last lines tell.
    pub(crate) reasons: BTreeMap<u32, &'static str>,
    /// Figures of the machine.
    pub(crate) host: Option<Host>,
}

/// Figures of the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Host {
    /// Share of all processors that works, percent.
    pub(crate) cpu: f64,
    /// Memory in use, bytes.
    pub(crate) used: u64,
    /// All memory, bytes.
    pub(crate) memory: u64,
}

/// How it stands with the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// The daemon answers.
    Up,
    /// It ended, and its successor is waited for.
    Lost,
    /// There is none, or it cannot be talked to: why.
    Down(String),
}

/// A sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    /// The sentence, safe or not.
    pub(crate) text: String,
    /// What it tells of.
    pub(crate) tone: Tone,
}

/// What a sentence tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something happened by itself; it takes no other sentence's place.
    News,
    /// Something that the user asked for.
    Answer,
    /// A failure of that.
    Failure,
}

/// What the view wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To end the view.
    Quit,
    /// To know how things are, soon.
    Look,
    /// The lines of these processes, and no others, under this number.
    Follow(u64, Vec<Author>),
    /// Something to be done with processes.
    Do(Deed),
}

/// What is needed of a process to read its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Author {
    /// Number of the process.
    pub(crate) id: u32,
    /// Name of its app.
    pub(crate) name: String,
    /// Its log files: out, err, combined.
    pub(crate) logs: [Option<String>; 3],
}
