//! What is said to the agent.

use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    Implementation, JsonObject, ListToolsResult, PaginatedRequestParams, ServerCapabilities,
    ServerConfig, Tool as Told,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Map, Value, json};

use super::command::{Answer, Program};
use super::line::{self, Meant};
use super::scope::Scope;
use super::tools::{Apps, Tool, Tools};
use crate::failed::Failed;

/// Before the place in the logs where a later call goes on.
const CURSOR: &str = "-- cursor: ";

/// Answers an agent.
#[derive(Debug)]
pub(super) struct Server {
    tools: Tools,
    program: Program,
    scope: Scope,
}

impl Server {
    /// A server of these tools.
    pub(super) fn new(tools: Tools, program: Program, scope: Scope) -> Self {
        Self { tools, program, scope }
    }

    async fn call(&self, tool: &Tool, given: &JsonObject) -> Result<CallToolResult, Failed> {
        let list = self.program.list().await?;
        match line::of(tool, given, &self.scope, &list, &self.program.folder)? {
            Meant::Line(line) => Ok(told(tool, self.program.run(&line).await?)),
            Meant::Runs { name, ids } => {
                let mut answer = self.program.shown(tool, &ids).await?;
                answer.said = format!(
                    "`{}` runs already, with the options that it was started with; `restart` runs \
                     it anew, another `name` starts a second one",
                    ostler_text::shown(&name)
                );
                Ok(told(tool, answer))
            }
            Meant::Nobody => {
                let said = "there is no app in this folder".to_owned();
                Ok(told(tool, Answer { is_done: true, objects: Vec::new(), line: None, said }))
            }
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let which = match &self.scope {
            Scope::All => "the apps of all folders".to_owned(),
            Scope::Below(folder) => format!("the apps in `{}` and below", folder.display()),
        };
        let text = format!(
            "ostler runs apps in the background, restarts them and keeps their logs. These tools \
             manage {which}. Start an app by `start` rather than in a shell: it answers when the \
             app is ready, with its address, or with why it is not. After a change of the code \
             `reload` or `restart` it. `logs` has what apps wrote; give its `cursor` back for what \
             is new."
        );
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("ostler", env!("CARGO_PKG_VERSION")))
            .with_instructions(text)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.told()))
    }

    fn get_tool(&self, name: &str) -> Option<Told> {
        self.tools.told().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.as_ref();
        let Some(tool) = self.tools.find(name) else {
            let shown = ostler_text::shown(name);
            if self.tools.is_forbidden(name) {
                let refused = Failed::new(format!("`{shown}` is not allowed here"))
                    .hint("`ostler mcp --allow-destructive` offers it; its user decides that");
                return Ok(refusal(&refused).into());
            }
            return Err(ErrorData::invalid_params(format!("no tool is called `{shown}`"), None));
        };
        let given = request.arguments.unwrap_or_default();
        let called = tokio::select! {
            called = self.call(tool, &given) => called,
            () = context.ct.cancelled() => Err(Failed::new("the call was cancelled")),
        };
        Ok(called.unwrap_or_else(|failed| refusal(&failed)).into())
    }
}

fn refusal(failed: &Failed) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(failed.to_string())])
}

/// What the agent is told of an answer: the objects, and what the command said.
fn told(tool: &Tool, answer: Answer) -> CallToolResult {
    let (of, objects) = match tool.apps {
        Apps::Logs => ("lines", answer.objects),
        Apps::None | Apps::Any | Apps::Needed | Apps::Whole => ("processes", answer.objects),
    };
    let (cursors, said): (Vec<&str>, Vec<&str>) =
        answer.said.lines().partition(|line| line.starts_with(CURSOR));
    let mut content = match answer.line {
        Some(line) => Map::from_iter([("line".to_owned(), json!(line))]),
        None => Map::from_iter([(of.to_owned(), Value::Array(objects))]),
    };
    if let Some(cursor) = cursors.last().and_then(|line| line.strip_prefix(CURSOR)) {
        content.insert("cursor".to_owned(), json!(cursor));
    }
    let mut text = said.join("\n");
    let content = Value::Object(content);
    if answer.is_done {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&content.to_string());
    }
    let text = vec![ContentBlock::text(text)];
    let mut result = match answer.is_done {
        true => CallToolResult::success(text),
        false => CallToolResult::error(text),
    };
    result.structured_content = Some(content);
    result
}
