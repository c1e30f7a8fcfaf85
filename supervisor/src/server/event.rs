//! The events of an exec in the protocol's words, whatever door they go out by.

use serde::Serialize;

use super::store::{Next, Store, Told};
use crate::protocol::{Content, Denied, ExecExited, ExecOutput, ExecStarted, Notification};

/// How a door says them.
pub(super) trait Words {
    /// An event with its name and number.
    fn said<T: Serialize>(name: &'static str, seq: u64, params: T) -> Vec<u8>;
}

/// A notification of JSON-RPC, in a line.
pub(super) struct Line;

/// A server-sent event, with the number by which a client goes on.
/// <https://html.spec.whatwg.org/multipage/server-sent-events.html>
pub(super) struct ServerSent;

/// What comes next in these words; none where that is nothing.
pub(super) fn told<W: Words>(store: &Store, next: Next) -> Option<Vec<u8>> {
    let (session, exec) = (store.session.as_str(), store.exec.as_str());
    let output = |seq, stream, content, dropped| {
        W::said("exec/output", seq, ExecOutput { session, exec, seq, stream, content, dropped })
    };
    let denied = |name, seq, what: &serde_json::Value| {
        W::said(name, seq, Denied { session, exec, seq, what: what.clone() })
    };
    Some(match next {
        Next::Output { seq, stream, bytes } => output(seq, Some(stream), Content::of(&bytes), None),
        Next::Dropped { seq, bytes } => output(seq, None, Content::default(), Some(bytes)),
        Next::Told { seq, what } => match &*what {
            Told::Started => W::said("exec/started", seq, ExecStarted { session, exec, seq }),
            Told::Denial(what) => denied("denial", seq, what),
            Told::Alert(what) => denied("alert", seq, what),
            Told::Exited(outcome) => W::said("exec/exited", seq, ExecExited { session, exec, seq, outcome }),
        },
        Next::Wait | Next::End => return None,
    })
}

impl Words for Line {
    fn said<T: Serialize>(name: &'static str, _: u64, params: T) -> Vec<u8> {
        Notification::line(name, params)
    }
}

impl Words for ServerSent {
    fn said<T: Serialize>(name: &'static str, seq: u64, params: T) -> Vec<u8> {
        let mut event = format!("id: {seq}\nevent: {name}\ndata: ").into_bytes();
        // In JSON no line ends.
        event.extend(serde_json::to_vec(&params).unwrap_or_default());
        event.extend_from_slice(b"\n\n");
        event
    }
}
