//! `docs/diagnostics.md`: each code of a complaint.

use std::fmt::Write as _;

use ostler_config::codes;

use super::markdown::{code, head};
use crate::args::sentence;

/// Returns the page.
pub(super) fn page() -> String {
    let mut out = head("Complaints about process files", "diagnostics");
    out.push_str(
        "Each complaint has a code, which never gets another meaning: `ostler validate FILE` shows \
         it, `ostler explain CODE` prints what stands here.\n",
    );
    for one in codes() {
        let _ = write!(out, "\n## {}\n{}\n\n{}\n", one.name, sentence(one.title), one.text);
        if let Some((wrong, right)) = one.example {
            let _ = write!(out, "\n- wrong: {}\n- right: {}\n", code(wrong), code(right));
        }
    }
    out
}
