//! Requests, answers and notifications: what goes around what is said.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;

/// What a request is known by until it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub(crate) enum RequestId {
    /// A whole number.
    Number(i64),
    /// Any text.
    Text(String),
}

impl RequestId {
    /// Bytes that it takes, beside what each takes.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Number(_) => 0,
            Self::Text(text) => text.len(),
        }
    }
}

/// A line from a client that is a request or a notification.
#[derive(Debug)]
pub(crate) struct Frame {
    /// None of a notification.
    pub(crate) id: Option<RequestId>,
    pub(crate) method: String,
    /// An object; empty where there was none.
    pub(crate) params: Value,
}

/// A line that is none, and to whom that is told: the request whose id could be read.
#[derive(Debug)]
pub(crate) struct NoFrame {
    pub(crate) id: Option<RequestId>,
    pub(crate) fault: Fault,
}

impl Frame {
    /// Reads a line.
    pub(crate) fn read(line: &[u8]) -> Result<Self, NoFrame> {
        let nobody = |fault| NoFrame { id: None, fault };
        let value: Value =
            serde_json::from_slice(line).map_err(|error| nobody(Fault::malformed(&error.to_string())))?;
        let Value::Object(mut members) = value else {
            let what = if value.is_array() { "batches are not taken" } else { "this is no object" };
            return Err(nobody(Fault::invalid(&format!("{what}: send one request a line"))));
        };
        let id = match members.remove("id") {
            None => None,
            Some(id) => Some(serde_json::from_value(id).map_err(|_| {
                nobody(Fault::invalid("`id` is neither a whole number of 64 bits nor a text"))
            })?),
        };
        let wrong = |what: &str| NoFrame { id: id.clone(), fault: Fault::invalid(what) };
        if members.remove("jsonrpc").as_ref().and_then(Value::as_str) != Some("2.0") {
            return Err(wrong("`jsonrpc` is not \"2.0\""));
        }
        let Some(Value::String(method)) = members.remove("method") else {
            return Err(wrong("`method` is no text, or missing"));
        };
        let params = match members.remove("params") {
            None => Value::Object(serde_json::Map::new()),
            Some(params @ Value::Object(_)) => params,
            Some(_) => return Err(wrong("`params` is no object: parameters are named")),
        };
        match members.keys().next() {
            Some(unknown) => {
                Err(wrong(&format!("`{unknown}` is not known; a request has jsonrpc, id, method and params")))
            }
            None => Ok(Self { id, method, params }),
        }
    }
}

/// The answer to a request.
#[derive(Serialize)]
pub(crate) struct Answer<'a, T> {
    jsonrpc: &'static str,
    /// `null` where it could not be read.
    id: Option<&'a RequestId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Fault>,
}

impl<'a, T: Serialize> Answer<'a, T> {
    /// A line.
    pub(crate) fn line(id: Option<&'a RequestId>, said: Result<T, &'a Fault>) -> Vec<u8> {
        let (result, error) = match said {
            Ok(result) => (Some(result), None),
            Err(fault) => (None, Some(fault)),
        };
        line(&Self { jsonrpc: "2.0", id, result, error })
    }
}

/// What nobody asked for.
#[derive(Serialize)]
pub(crate) struct Notification<'a, T> {
    jsonrpc: &'static str,
    method: &'a str,
    params: T,
}

impl<'a, T: Serialize> Notification<'a, T> {
    /// A line.
    pub(crate) fn line(method: &'a str, params: T) -> Vec<u8> {
        line(&Self { jsonrpc: "2.0", method, params })
    }
}

fn line(frame: &impl Serialize) -> Vec<u8> {
    // Plain data: there is nothing in it that cannot be written.
    let mut line = serde_json::to_vec(frame).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_request_is_told_with_the_id_that_it_has() {
        let told = |line: &str| {
            let no = Frame::read(line.as_bytes()).expect_err(line);
            (no.id, no.fault.code, no.fault.message)
        };
        assert_eq!(told("{").1, -32700);
        assert_eq!(told("[]").1, -32600);
        assert_eq!(told("7").1, -32600);
        assert_eq!(told(r#"{"jsonrpc":"2.0","id":1.5,"method":"x"}"#).1, -32600);
        let one = Some(RequestId::Number(1));
        let wrong = told(r#"{"jsonrpc":"2.0","id":1,"method":"x","parameters":{}}"#);
        assert_eq!((wrong.0, wrong.1), (one.clone(), -32600));
        assert!(wrong.2.contains("`parameters`"), "{}", wrong.2);
        assert_eq!(told(r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#).0, one);
        assert_eq!(told(r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#).0, one);
    }

    #[test]
    fn a_request_without_parameters_has_none() {
        let frame = Frame::read(br#"{"jsonrpc":"2.0","id":"a","method":"health"}"#).expect("a request");
        assert_eq!(frame.id, Some(RequestId::Text("a".into())));
        assert_eq!(frame.params, serde_json::json!({}));
    }
}
