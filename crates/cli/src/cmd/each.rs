//! Several words of a command line: all that cannot be meant is said at once, each with its hint.

use crate::args::Typed;
use crate::failed::Failed;
use crate::session::Session;
use crate::voice::Problem;

/// Understands each word of the command line. Where some mean nothing the others are understood all
/// the same, so that everything is told; the last of what is wrong is returned, and its hint is the
/// line with everything put right.
pub(super) fn word<T>(
    session: &mut Session,
    words: &[String],
    mut understand: impl FnMut(&mut Session, &str) -> Result<T, Failed>,
) -> Result<Vec<T>, Failed> {
    let (mut understood, mut failed): (Vec<T>, Option<Wrong>) = (Vec::new(), None);
    let mut line = Some(session.args.typed.clone());
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        let why = match understand(session, word) {
            Ok(meant) => {
                understood.push(meant);
                continue;
            }
            Err(why) if !is_about_word(&why) => return Err(why),
            Err(why) => why,
        };
        // The words of a name that has blanks, without the quotes.
        let near = near(&why).map(str::to_owned);
        let more = near.as_ref().map_or(0, |near| more_of(near, word, after));
        rest = after.get(more..).unwrap_or_default();
        if let Some(before) = failed.replace(Wrong { word: word.clone(), near, why }) {
            line = line.and_then(|line| line.put(&before.word, before.near.as_deref()?));
            let now = failed.as_ref().and_then(|of| of.why.problem.as_ref());
            if let Some(problem) = before.why.problem.filter(|before| Some(before) != now) {
                session.out.typed(Typed::default());
                session.out.problem(&problem);
            }
            session.out.typed(line.clone().unwrap_or_default());
        }
        if 0 < more {
            line = line.and_then(|line| line.without_words(word, more));
            session.out.typed(line.clone().unwrap_or_default());
        }
    }
    failed.map_or(Ok(understood), |wrong| Err(wrong.why))
}

/// A word that means nothing.
struct Wrong {
    word: String,
    /// What was probably meant.
    near: Option<String>,
    why: Failed,
}

fn near(why: &Failed) -> Option<&str> {
    match &why.problem {
        Some(Problem::NoSuch { near, .. } | Problem::NoApp { near, .. }) => near.as_deref(),
        Some(_) | None => None,
    }
}

/// Returns how many of the words behind this one are the rest of a name.
fn more_of(name: &str, word: &str, after: &[String]) -> usize {
    let mut so_far = word.to_owned();
    for (count, next) in after.iter().enumerate() {
        so_far = format!("{so_far} {next}");
        if so_far == name {
            return count + 1;
        }
    }
    0
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
