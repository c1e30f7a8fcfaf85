//! Files of the project, as the session has them.

use serde_json::{Map, Value, json};

use super::output::{MOST, shown};
use super::run::read;
use super::session::Desk;
use super::told::Told;
use crate::protocol::Fault;
use crate::text::line;

/// So much of a file is told where nothing else is asked for.
const USUAL: u64 = 64 << 10;

/// Reads a file, or a part of it.
pub(super) async fn read_file(desk: &Desk, mut params: Map<String, Value>) -> Result<Told, Fault> {
    match params.get("maxBytes").and_then(Value::as_u64) {
        None => {
            // One of another type is for the method to refuse.
            params.entry("maxBytes").or_insert(json!(USUAL));
        }
        Some(asked) => {
            params.insert("maxBytes".into(), json!(asked.min(MOST)));
        }
    }
    let path = params.get("path").and_then(Value::as_str).unwrap_or("?").to_owned();
    let told: Value = read(&desk.ask("fs/read", params).await?)?;
    let (offset, size) = (told["offset"].as_u64().unwrap_or(0), told["size"].as_u64().unwrap_or(0));
    let part = match (offset, told["truncated"] == true, told["next"].as_u64()) {
        (0, false, _) => String::new(),
        (_, false, _) => format!(", from byte {offset} to its end"),
        (_, true, next) => {
            let next = next.map(|next| format!("; `offset` {next} goes on")).unwrap_or_default();
            format!(", a part from byte {offset} on{next}")
        }
    };
    let head = line(&format!("{path}: {size} bytes{part}"));
    let text = match (told["text"].as_str(), told["bytes"].as_str()) {
        (Some(text), _) => shown(text.as_bytes()),
        _ => "it is no UTF-8: the data has its bytes in base64".to_owned(),
    };
    Ok(Told::new(&told, head).and(text))
}

/// Writes a file.
pub(super) async fn write_file(desk: &Desk, params: Map<String, Value>) -> Result<Told, Fault> {
    let told: Value = read(&desk.ask("fs/write", params).await?)?;
    let made = if told["created"] == true { "made" } else { "changed" };
    let text =
        format!("{made} {} in the session: {} bytes", told["path"].as_str().unwrap_or("?"), told["size"]);
    Ok(Told::new(&told, line(&text)))
}
