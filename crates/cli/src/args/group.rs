//! What commands are for, which is how help puts them together.

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Makes apps run, or not.
    Run,
    /// Brings a new version.
    Release,
    /// Shows what runs.
    Watch,
    /// Outlives a reboot.
    Persist,
    /// Sets what apps and modules are told.
    Extend,
    /// Is about ostler itself.
    System,
}

impl Group {
    /// Every group, in the order of the help.
    pub(crate) const ALL: [Self; 6] =
        [Self::Run, Self::Release, Self::Watch, Self::Persist, Self::Extend, Self::System];

    /// Returns the heading above its commands.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::Release => "Release",
            Self::Watch => "Watch",
            Self::Persist => "Persist",
            Self::Extend => "Extend",
            Self::System => "System",
        }
    }
}
