//! Pieces of Markdown pages.

/// Returns the head of a page that nobody should edit.
pub(super) fn head(title: &str, name: &str) -> String {
    format!(
        "<!-- Made by `ostler generate {name}`; `cargo xtask docs` writes it anew. -->\n\n\
         # {title}\n\n"
    )
}

/// Returns a table.
pub(super) fn table<const N: usize>(titles: [&str; N], rows: &[[String; N]]) -> String {
    let line = |cells: &[String; N]| {
        format!("| {} |\n", cells.each_ref().map(|text| cell(text)).join(" | "))
    };
    let mut out = line(&titles.map(str::to_owned));
    out.push_str(&format!("|{}\n", "---|".repeat(N)));
    out.extend(rows.iter().map(line));
    out.push('\n');
    out
}

/// A cell ends at the next bar and at the end of its line.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Returns words as code.
pub(super) fn code(text: &str) -> String {
    format!("`{text}`")
}
