//! One kind of complaint.

/// A kind of complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Its stable name: [`Diagnostic::code`](crate::Diagnostic).
    pub name: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Why that is so, and what to do, in sentences.
    pub text: &'static str,
    /// A process file in JSON about which it is said, and one about which it is not.
    pub example: Option<(&'static str, &'static str)>,
}
