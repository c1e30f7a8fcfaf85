//! From a call of a tool to what is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation,
    JsonObject, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::arguments::Start;
use super::memory::Memory;
use super::progress::Progress;
use super::run::Commands;
use super::session::Desk;
use super::told::Told;
use super::{AtEnd, CommitMode, changes, files, tools};
use crate::protocol::{self, Fault};
use crate::server::{Follower, MOST_IN_FLIGHT, Outbox};

/// What a client of MCP speaks to.
#[derive(Clone)]
pub(super) struct Service(Arc<Inner>);

pub(super) struct Inner {
    pub(super) desk: Desk,
    pub(super) commands: Commands,
    pub(super) memory: Memory,
    pub(super) commit: CommitMode,
    pub(super) instructions: String,
    pub(super) outbox: Arc<Outbox>,
    /// Calls that are not answered yet.
    pub(super) in_flight: AtomicUsize,
}

/// So often a caller who asked for it hears how far a call is.
const TICK: Duration = Duration::from_millis(200);

impl Service {
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Nothing more will be asked: keeps the session, or not, and says so.
    pub(super) async fn leave(&self, end: AtEnd) {
        self.0.desk.leave(end).await;
    }

    async fn call(&self, name: &str, arguments: JsonObject, follower: &Arc<Follower>) -> Result<Told, Fault> {
        let Inner { desk, commands, memory, commit, .. } = &*self.0;
        match name {
            "run" => commands.run(desk, typed(arguments)?, follower, memory).await,
            "exec_start" => commands.run(desk, typed::<Start>(arguments)?.into(), follower, memory).await,
            "exec_poll" => commands.poll(desk, typed(arguments)?, memory).await,
            "exec_input" => commands.input(desk, typed(arguments)?).await,
            "read_file" => files::read_file(desk, unnamed(arguments)?).await,
            "write_file" => files::write_file(desk, unnamed(arguments)?).await,
            "diff" => changes::diff(desk, typed(arguments)?).await,
            "patch" => changes::patch(desk, typed(arguments)?).await,
            "snapshot" => changes::snapshot(desk, unnamed(arguments)?).await,
            "rollback" => changes::rollback(desk, unnamed(arguments)?).await,
            "commit" => changes::commit(desk, typed(arguments)?, *commit).await,
            "why" => memory.why(desk, typed(arguments)?).await,
            _ => Err(Fault::internal(format!("`{name}` is a tool that nothing does"))),
        }
    }

    /// Calls, and tells whoever wants to hear of it how far it is.
    async fn call_telling(
        &self,
        name: &str,
        arguments: JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Result<Told, Fault> {
        let follower = Arc::<Follower>::default();
        let call = self.call(name, arguments, &follower);
        let Some(token) = context.meta.get_progress_token() else { return call.await };
        tokio::pin!(call);
        let mut progress = Progress::new();
        let mut tick = tokio::time::interval_at(Instant::now() + TICK, TICK);
        loop {
            tokio::select! {
                biased;
                told = &mut call => return told,
                _ = tick.tick() => {}
            }
            // Who reads slowly has enough to read.
            if let Some((far, message)) = progress.news(&follower).filter(|_| self.0.outbox.has_room()) {
                let param = ProgressNotificationParam::new(token.clone(), far).with_message(message);
                // Of a client that is gone the end comes by another way.
                let _ = context.peer.notify_progress(param).await;
            }
        }
    }
}

impl ServerHandler for Service {
    fn get_info(&self) -> ServerConfig {
        let own = Implementation::new("clearing", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(own)
            .with_instructions(self.0.instructions.clone())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all(self.0.commit)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = &*request.name;
        if !tools::NAMES.contains(&name) {
            let known = tools::NAMES.join(", ");
            return Err(ErrorData::invalid_params(
                format!("there is no tool `{name}`; there are: {known}"),
                None,
            ));
        }
        let _counted = match Counted::of(&self.0) {
            Some(counted) => counted,
            None => return Ok(result(Err(Fault::too_many(MOST_IN_FLIGHT))).into()),
        };
        let arguments = request.arguments.unwrap_or_default();
        tokio::select! {
            biased;
            // Dropped, the call ends what it began.
            () = context.ct.cancelled() => Err(ErrorData::internal_error("cancelled", None)),
            told = self.call_telling(name, arguments, &context) => Ok(result(told).into()),
        }
    }
}

/// A call that is not answered yet, while this is there.
struct Counted(Arc<Inner>);

impl Counted {
    fn of(inner: &Arc<Inner>) -> Option<Self> {
        let counted = Self(Arc::clone(inner));
        (inner.in_flight.fetch_add(1, Ordering::Relaxed) < MOST_IN_FLIGHT).then_some(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

fn typed<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Fault> {
    protocol::read(Value::Object(arguments))
}

/// Of what is a method's own parameters: the session is not for a caller to choose.
fn unnamed(arguments: JsonObject) -> Result<JsonObject, Fault> {
    match arguments.contains_key("session") {
        true => Err(Fault::params("`session` is not known: there is one")),
        false => Ok(arguments),
    }
}

/// What a model can do something about is an answer, not an error of the protocol, which clients keep from it.
fn result(told: Result<Told, Fault>) -> CallToolResult {
    match told {
        Ok(Told { structured, texts, is_error }) => {
            let mut result = CallToolResult::success(texts.into_iter().map(ContentBlock::text).collect());
            result.structured_content = Some(structured);
            result.is_error = Some(is_error);
            result
        }
        Err(fault) => {
            let hint = fault.data.hint.map(|hint| format!("\nhint: {}", crate::text::plain(&hint)));
            let text = format!("{} ({})", crate::text::line(&fault.message), fault.data.code);
            CallToolResult::error(vec![ContentBlock::text(text + &hint.unwrap_or_default())])
        }
    }
}
