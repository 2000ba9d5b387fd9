//! `mcp`: a coding agent manages apps, by the Model Context Protocol on standard input and output.
//!
//! Problem: what a command does (how a script is run, when an app is ready, why it is not) must not
//! be there twice. Rule: a tool is a command of `ostler`, which this program executes. Which tools
//! there are, it asks that program, too.
//!
//! - [`tools`] has the tools, [`scope`] the apps that are meant, [`line`] makes the command line.
//! - [`command`] runs it, [`server`] speaks to the agent, over [`wire`].

mod command;
mod line;
mod scope;
mod server;
mod tools;
mod wire;

use std::path::PathBuf;

use rmcp::ServiceExt as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::failed::Failed;
use command::Program;
use scope::Scope;
use server::Server;
use tools::Tools;

/// Serves until the agent closes standard input, or a signal ends it. Whose commands the tools are
/// is said by the path of that program.
pub(crate) fn run(program: &str, options: &[&str]) -> Result<(), Failed> {
    let (mut all, mut destructive) = (false, false);
    for option in options {
        match *option {
            "--all" => all = true,
            "--allow-destructive" => destructive = true,
            other => {
                let other = ostler_text::shown(other);
                return Err(Failed::new(format!("`mcp` does not take `{other}`")));
            }
        }
    }
    let folder = std::env::current_dir().and_then(std::fs::canonicalize);
    let folder = folder.map_err(|error| Failed::new(format!("the folder is gone: {error}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failed::new(format!("cannot wait: {error}")))?;
    let program = Program::new(PathBuf::from(program), folder.clone());
    let scope = if all { Scope::All } else { Scope::Below(folder) };
    let served = runtime.block_on(serve(program, scope, destructive));
    // A read of standard input cannot be called off, and is not waited for.
    runtime.shutdown_background();
    served
}

async fn serve(program: Program, scope: Scope, destructive: bool) -> Result<(), Failed> {
    let mut ended = signal(SignalKind::terminate())
        .map_err(|error| Failed::new(format!("cannot take signals: {error}")))?;
    let tools = Tools::parse(&program.tools().await?, destructive)?;
    let server = Server::new(tools, program, scope);
    let served = async {
        let (ends, passed) = wire::stdio();
        let served = async {
            let running = server.serve(ends).await.map_err(|error| error.to_string())?;
            running.waiting().await.map_err(|error| error.to_string())
        };
        let (served, ()) = tokio::join!(served, passed);
        served
    };
    tokio::select! {
        served = served => match served {
            Ok(_) => Ok(()),
            Err(error) => Err(Failed::new(format!("the agent does not speak MCP: {error}"))
                .hint("have the agent start it: `claude mcp add ostler -- ostler mcp`")),
        },
        _ = ended.recv() => Ok(()),
    }
}
