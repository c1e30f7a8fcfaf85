//! A client that says no more than what a proof needs, right or wrong.

use clearing_tests::{Client, Site};
use serde_json::{Value, json};

/// A server, and its client that was welcomed.
pub(crate) struct Mcp {
    pub(crate) client: Client,
}

impl Mcp {
    pub(crate) fn begin(site: &Site, options: &[&str]) -> Self {
        let mut mcp = Self::begin_rudely(site, options);
        let welcome = mcp.ask("initialize", hello());
        assert_eq!(welcome["serverInfo"]["name"], "clearing", "{welcome}");
        mcp.notify("notifications/initialized", json!({}));
        mcp
    }

    /// A server, and its client that has said nothing.
    pub(crate) fn begin_rudely(site: &Site, options: &[&str]) -> Self {
        let mut client = site.mcp(options);
        client.listen();
        Self { client }
    }

    /// The result of a request.
    #[track_caller]
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.client.ask(method, params);
        self.client.result(id)
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        let notice = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.client.send(notice.to_string().as_bytes());
    }

    /// Calls a tool and waits for nothing.
    pub(crate) fn start(&mut self, tool: &str, arguments: Value) -> i64 {
        self.client.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// What a tool answers, whether it did something or not.
    #[track_caller]
    pub(crate) fn answer(&mut self, tool: &str, arguments: Value) -> Value {
        let id = self.start(tool, arguments);
        self.client.result(id)
    }

    /// What a tool did, as data.
    #[track_caller]
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.answer(tool, arguments);
        assert_eq!(answer["isError"], false, "{answer}");
        answer["structuredContent"].clone()
    }

    /// What a tool says that did nothing.
    #[track_caller]
    pub(crate) fn refused(&mut self, tool: &str, arguments: Value) -> String {
        let answer = self.answer(tool, arguments);
        assert_eq!(answer["isError"], true, "{answer}");
        text(&answer)
    }

    /// Runs a line of shell, and gives what is known of it.
    #[track_caller]
    pub(crate) fn shell(&mut self, line: &str) -> Value {
        self.call("run", json!({ "shell": line }))
    }

    /// Ends the client, and gives the server's exit code and what it told.
    #[track_caller]
    pub(crate) fn finish(self) -> i32 {
        self.client.finish()
    }
}

/// What begins a conversation.
pub(crate) fn hello() -> Value {
    json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "proof", "version": "1" } })
}

/// All that a model reads of an answer.
pub(crate) fn text(answer: &Value) -> String {
    let pieces = answer["content"].as_array().unwrap().iter();
    pieces.map(|piece| piece["text"].as_str().unwrap()).collect::<Vec<_>>().join("\n--\n")
}
