//! Names that an app cannot have.

/// The most bytes of a name: the names of its log files, rotated ones too, have 255 at most.
const LONGEST: usize = 200;

/// Returns why no app can have this name, and what to do, if none can: `delete all` would not be
/// about that app alone. PM2 takes any.
#[must_use]
pub fn refused_name(name: &str) -> Option<(String, String)> {
    if LONGEST < name.len() {
        let why = format!("a name of {} bytes is too long: files are called by it", name.len());
        return Some((why, format!("give it a `name` of {LONGEST} bytes at most")));
    }
    let is_pattern = 1 < name.len() && name.starts_with('/') && name.ends_with('/');
    let means = match name {
        "all" => "every app",
        "-" => "a process file on standard input",
        _ if is_pattern => "every app whose name matches it",
        _ => return None,
    };
    let why = format!("an app cannot be called `{name}`: to a command that is {means}");
    Some((why, "give it another `name`".to_owned()))
}
