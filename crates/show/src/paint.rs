//! How text is coloured.

/// Ways in which a terminal shows text, by their codes (SGR): the first four of style, then
/// foregrounds, then backgrounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ink {
    /// Letters that are heavier.
    Bold = 1,
    /// Letters that are fainter.
    Dim = 2,
    /// Letters at a slant.
    Italic = 3,
    /// Foreground and background exchanged.
    Inverse = 7,
    /// What has failed.
    Red = 31,
    /// All is well.
    Green = 32,
    /// Worth a look.
    Yellow = 33,
    /// What is under way.
    Blue = 34,
    /// A head or a hint.
    Cyan = 36,
    /// Ordinary text on a background.
    White = 37,
    /// What matters less.
    Grey = 90,
    /// A background that sets apart.
    OnGrey = 100,
}

impl Ink {
    fn end(self) -> u8 {
        match self {
            Self::Bold | Self::Dim => 22,
            Self::Italic => 23,
            Self::Inverse => 27,
            Self::Red
            | Self::Green
            | Self::Yellow
            | Self::Blue
            | Self::Cyan
            | Self::White
            | Self::Grey => 39,
            Self::OnGrey => 49,
        }
    }
}

/// What is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// Whether text is coloured.
    pub text: bool,
    /// Whether the frames and heads of tables are coloured too: only where a person looks.
    pub frame: bool,
}

impl Paint {
    /// Nothing is coloured.
    pub const PLAIN: Self = Self { text: false, frame: false };

    /// Returns the text in these inks, the first outermost.
    pub fn ink(self, inks: &[Ink], text: &str) -> String {
        if self.text { wrap(inks, text) } else { text.to_owned() }
    }

    /// Returns a part of a frame or a head in these inks.
    pub fn frame(self, inks: &[Ink], text: &str) -> String {
        if self.frame { wrap(inks, text) } else { text.to_owned() }
    }
}

fn wrap(inks: &[Ink], text: &str) -> String {
    let open: String = inks.iter().map(|ink| format!("\x1b[{}m", *ink as u8)).collect();
    let close: String = inks.iter().rev().map(|ink| format!("\x1b[{}m", ink.end())).collect();
    format!("{open}{text}{close}")
}
