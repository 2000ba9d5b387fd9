//! Several words of a command line: all that cannot be meant is said at once, each with its hint.

use crate::args::Typed;
use crate::failed::Failed;
use crate::session::Session;
use crate::voice::Problem;

/// Understands each word of the command line. Where some mean nothing the others are understood all
/// the same, so that everything is told; the last of what is wrong is returned.
pub(super) fn word<T>(
    session: &mut Session,
    words: &[String],
    mut understand: impl FnMut(&mut Session, &str) -> Result<T, Failed>,
) -> Result<Vec<T>, Failed> {
    let (mut understood, mut failed): (Vec<T>, Option<Failed>) = (Vec::new(), None);
    for word in words {
        let why = match understand(session, word) {
            Ok(meant) => {
                understood.push(meant);
                continue;
            }
            Err(why) if !is_about_word(&why) => return Err(why),
            Err(why) => why,
        };
        let before = failed.take().and_then(|before| before.problem);
        if let Some(problem) = before.filter(|before| Some(before) != why.problem.as_ref()) {
            // A line of which one word is put right is still wrong in the other.
            session.out.typed(Typed::default());
            session.out.problem(&problem);
        }
        failed = Some(why);
    }
    failed.map_or(Ok(understood), Err)
}

/// Returns words in a row, each as it is typed.
pub(super) fn quoted(words: &[impl AsRef<str>]) -> String {
    let quoted = words.iter().map(|word| format!("`{}`", word.as_ref()));
    quoted.collect::<Vec<_>>().join(", ")
}

/// Whether the next word may be understood: what is wrong is wrong with this one. What was said
/// already was said of a word.
fn is_about_word(why: &Failed) -> bool {
    match &why.problem {
        None => true,
        Some(problem) => matches!(
            problem,
            Problem::NoProcess { .. }
                | Problem::NoSuch { .. }
                | Problem::NoSuchId { .. }
                | Problem::NoApp { .. }
                | Problem::BadPattern { .. }
        ),
    }
}
