//! What is told of a deployment.

use super::{Line, Text};

/// A fact about a deployment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum DeployNotice<'a> {
    /// The deployment to a target begins.
    Begins { target: &'a str },
    /// It is a host's turn.
    Host { name: &'a str },
    /// Something is being done. `host`: where, unless it is here.
    Step { host: Option<&'a str>, text: &'a str },
    /// A version is deployed on so many hosts.
    Deployed { target: &'a str, version: &'a str, commit: &'a str, hosts: usize },
    /// The folders are made on so many hosts.
    SetUp { target: &'a str, hosts: usize },
    /// Everything is done.
    Success,
    /// Something is not done, and was told. `code`: of the command that failed.
    Failed { code: i32 },
}

/// Returns what we say of it.
pub(super) fn own_lines(notice: &DeployNotice<'_>) -> Vec<Line> {
    let on = |hosts: usize| match hosts {
        1 => String::new(),
        count => format!(", {count} hosts"),
    };
    match notice {
        DeployNotice::Begins { .. }
        | DeployNotice::Host { .. }
        | DeployNotice::Success
        | DeployNotice::Failed { .. } => Vec::new(),
        DeployNotice::Step { host: Some(host), text } => {
            vec![Line::Err(Text::line(format!("{host}: {text}")))]
        }
        DeployNotice::Step { host: None, text } => vec![Line::Err(Text::line(text))],
        DeployNotice::Deployed { target, version, commit, hosts } => {
            let short = commit.get(..7).unwrap_or(commit);
            let text = format!("deployed {version} ({short}) to {target}{}", on(*hosts));
            vec![Line::Out(Text::line(text))]
        }
        DeployNotice::SetUp { target, hosts } => {
            vec![Line::Out(Text::line(format!("{target} is set up{}", on(*hosts))))]
        }
    }
}

/// Returns what PM2 says of it.
pub(super) fn pm2_lines(notice: &DeployNotice<'_>) -> Vec<Line> {
    let say = |text: String| vec![Line::Out(Text::line(text))];
    match notice {
        DeployNotice::Begins { target } => say(format!("--> Deploying to {target} environment")),
        DeployNotice::Host { name } => say(format!("--> on host {name}")),
        DeployNotice::Step { text, .. } => say(format!("  ○ {text}")),
        DeployNotice::Deployed { version, .. } => {
            say(format!("  ○ successfully deployed {version}"))
        }
        DeployNotice::SetUp { .. } => Vec::new(),
        DeployNotice::Success => say("--> Success".to_owned()),
        DeployNotice::Failed { code } => vec![
            Line::Err(Text::line("Deploy failed")),
            Line::Err(Text::line(format!("Deploy failed with exit code: {code}"))),
        ],
    }
}
