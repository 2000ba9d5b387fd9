//! Who the app runs as: `uid` and `gid` by name or number, and what follows from them.

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::fields::Fields;
use crate::users;
use crate::value::Node;

/// Who the app runs as.
pub(crate) struct RunAs {
    /// User, when one was asked for.
    pub uid: Option<u32>,
    /// Group, asked for or the user's own.
    pub gid: Option<u32>,
    /// Name for lists.
    pub username: String,
    /// `HOME` of another user.
    pub home: Option<String>,
}

/// What was asked for, if it is allowed and exists.
pub(crate) fn read(
    fields: &Fields<'_>,
    ctx: &Context,
    report: &mut Vec<Diagnostic>,
) -> Option<RunAs> {
    match find(fields, ctx) {
        Ok(found) => Some(found),
        Err(diagnostic) => {
            report.push(diagnostic);
            None
        }
    }
}

fn find(fields: &Fields<'_>, ctx: &Context) -> Result<RunAs, Diagnostic> {
    for key in ["uid", "gid"] {
        if fields.node(key).is_some() {
            users::may_switch(key, ctx).map_err(|diagnostic| fields.at(key, diagnostic))?;
        }
    }
    let username = fields.text("username").unwrap_or(&ctx.username).to_owned();
    let mut out = RunAs { uid: None, gid: None, username, home: None };
    if let Some(wanted) = fields.node("gid").map(Node::plain) {
        out.gid =
            users::find_group(&wanted, ctx).map_err(|diagnostic| fields.at("gid", diagnostic))?;
        if out.gid.is_none() {
            let message = format!("Group {wanted} cannot be found");
            let own = format!("there is no group `{wanted}`");
            let diagnostic = Diagnostic::error("no-group", message).own(own);
            let diagnostic = diagnostic.own_help("`getent group` shows which there are");
            return Err(fields.at("gid", diagnostic));
        }
    }
    let Some(wanted) = fields.node("uid").map(Node::plain) else { return Ok(out) };
    let user = users::find_user(&wanted, ctx).map_err(|diagnostic| fields.at("uid", diagnostic))?;
    match (user, wanted.parse()) {
        (Some(user), _) => Ok(RunAs {
            uid: Some(user.uid),
            gid: out.gid.or(Some(user.gid)),
            username: user.name,
            home: Some(user.home),
        }),
        // A number without a name is enough when the group is given too: no primary group has to be
        // known.
        (None, Ok(uid)) if out.gid.is_some() => Ok(RunAs { uid: Some(uid), ..out }),
        (None, _) => {
            let diagnostic = Diagnostic::error("no-user", format!("User {wanted} cannot be found"))
                .own(format!("there is no user `{wanted}`"));
            let help = "a number that has no name needs a `gid` too";
            let diagnostic = match wanted.parse::<u32>() {
                Ok(_) => diagnostic.help(help),
                Err(_) => diagnostic.help(help).own_help("`getent passwd` shows who there is"),
            };
            Err(fields.at("uid", diagnostic))
        }
    }
}
