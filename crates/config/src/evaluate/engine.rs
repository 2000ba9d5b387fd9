//! Which program evaluates a process file: the Node of the caller, where there is none Bun or Deno.
//!
//! TypeScript takes a Node that strips types, which those from 22.6 on do, or one of the others.

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::interpreter::{self, Types};

/// Endings of programs with types.
const TYPED: [&str; 3] = ["ts", "mts", "cts"];

/// What evaluates JavaScript.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    pub program: PathBuf,
    /// Arguments before the program text, of which the last says that it follows.
    pub args: Vec<&'static str>,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Node,
    Bun,
    Deno,
}

impl Engine {
    /// The engine for a file, or for a text where there is none.
    pub(super) fn find(file: Option<&Path>, ctx: &Context) -> Result<Self, Diagnostic> {
        let node = ctx.node.clone().or_else(|| ctx.find_program("node"));
        if !file.is_some_and(is_typed) {
            let node = node.map(|program| Self { program, args: vec!["-e"], kind: Kind::Node });
            return node.or_else(|| other(ctx)).ok_or_else(|| {
                Diagnostic::error(
                    "no-node",
                    "this file is a program, and `node` is not in PATH to run it, nor `bun` or \
                     `deno`",
                )
                .help("install Node, or write the apps as `ecosystem.json`")
            });
        }
        let is = match node {
            None => "`node` is not in PATH".to_owned(),
            Some(program) => match interpreter::types(&program, ctx) {
                Types::Stripped => {
                    return Ok(Self { program, args: QUIET.to_vec(), kind: Kind::Node });
                }
                Types::OnDemand => {
                    let args = [&["--experimental-strip-types"], QUIET].concat();
                    return Ok(Self { program, args, kind: Kind::Node });
                }
                Types::No(Some(found)) => format!("`node` is {found}"),
                Types::No(None) => "the version of `node` cannot be read".to_owned(),
            },
        };
        other(ctx).ok_or_else(|| {
            let message = format!("TypeScript needs Node 22.6 or newer, Bun or Deno: {is}");
            Diagnostic::error("no-node", message)
                .help("install a newer Node, or write the file as `ecosystem.config.mjs`")
        })
    }

    /// What people call it in a command.
    pub(super) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Node => "node",
            Kind::Bun => "bun",
            Kind::Deno => "deno run -A",
        }
    }

    /// What people call it in a sentence.
    pub(super) fn title(&self) -> &'static str {
        match self.kind {
            Kind::Node => "Node",
            Kind::Bun => "Bun",
            Kind::Deno => "Deno",
        }
    }

    /// Whether it tells by `--check` where the syntax of a file is wrong.
    pub(super) fn checks(&self, file: &Path) -> bool {
        self.kind == Kind::Node && !is_typed(file)
    }
}

/// Without the warnings that Node has about types, and about packages that say nothing of modules.
const QUIET: &[&str] = &["--no-warnings", "-e"];

fn other(ctx: &Context) -> Option<Engine> {
    let bun = || Some((ctx.find_program("bun")?, vec!["-e"], Kind::Bun));
    let deno = || Some((ctx.find_program("deno")?, vec!["eval", "--ext=cjs"], Kind::Deno));
    let (program, args, kind) = bun().or_else(deno)?;
    Some(Engine { program, args, kind })
}

fn is_typed(file: &Path) -> bool {
    file.extension().and_then(|end| end.to_str()).is_some_and(|end| TYPED.contains(&end))
}
