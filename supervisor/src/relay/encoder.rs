//! What a relay makes of the bytes that it moves.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use crate::text::{self, whole_characters};

/// Which of the command's streams said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// Turns what was read into what is written.
pub(super) enum Encoder {
    /// Nothing is changed.
    Plain,
    /// Each read is one JSON line; the beginning of a character waits for its end.
    Events { stream: Stream, begun: Vec<u8> },
}

/// One line of `--json` output.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "type", rename = "output")]
struct Output<'a> {
    seq: u64,
    stream: Stream,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
}

impl Encoder {
    pub(super) fn events(stream: Stream) -> Self {
        Self::Events { stream, begun: Vec::new() }
    }

    /// Appends what `read` becomes to `out`, and gives the number of bytes that are told with that; `seq`
    /// numbers the events of all streams.
    pub(super) fn encode(&mut self, read: &[u8], seq: &mut u64, out: &mut Vec<u8>) -> usize {
        match self {
            Self::Plain => {
                out.extend_from_slice(read);
                read.len()
            }
            Self::Events { stream, begun } => {
                begun.extend_from_slice(read);
                let rest = begun.split_off(whole_characters(begun));
                let told = std::mem::replace(begun, rest);
                tell(*stream, &told, seq, out);
                told.len()
            }
        }
    }

    /// Appends what was held back, at the end of the stream.
    pub(super) fn finish(&mut self, seq: &mut u64, out: &mut Vec<u8>) -> usize {
        let Self::Events { stream, begun } = self else { return 0 };
        let told = std::mem::take(begun);
        tell(*stream, &told, seq, out);
        told.len()
    }

    /// How many bytes are held back.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Plain => 0,
            Self::Events { begun, .. } => begun.len(),
        }
    }
}

/// An event of our own as a line, with its number.
pub(super) fn event(event: &impl Serialize, seq: u64, out: &mut Vec<u8>) {
    #[derive(Serialize)]
    struct Numbered<'a, T> {
        seq: u64,
        #[serde(flatten)]
        event: &'a T,
    }
    push(&Numbered { seq, event }, out);
}

/// Text as text; bytes that are not UTF-8 in base64.
fn tell(stream: Stream, told: &[u8], seq: &mut u64, out: &mut Vec<u8>) {
    if told.is_empty() {
        return;
    }
    *seq += 1;
    let text = std::str::from_utf8(told).ok();
    let bytes = text.is_none().then(|| BASE64_STANDARD.encode(told));
    push(&Output { seq: *seq, stream, text, bytes }, out);
}

fn push(line: &impl Serialize, out: &mut Vec<u8>) {
    // None of these fields can fail to be written.
    out.extend_from_slice(text::json(line).unwrap_or_default().as_bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(parts: &[&[u8]]) -> String {
        let (mut encoder, mut seq, mut out) = (Encoder::events(Stream::Stdout), 0, Vec::new());
        for part in parts {
            encoder.encode(part, &mut seq, &mut out);
        }
        encoder.finish(&mut seq, &mut out);
        String::from_utf8(out).expect("json")
    }

    #[test]
    fn a_character_that_is_cut_waits_for_its_end() {
        let told = encode(&[b"a\xc3", b"\xa4b"]);
        assert_eq!(
            told,
            "{\"type\":\"output\",\"seq\":1,\"stream\":\"stdout\",\"text\":\"a\"}\n\
             {\"type\":\"output\",\"seq\":2,\"stream\":\"stdout\",\"text\":\"\u{e4}b\"}\n"
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_told_in_base64_and_none_is_lost() {
        assert!(encode(&[b"\xff\xfe"]).contains("\"bytes\":\"//4=\""));
        assert!(encode(&[b"a\xc3"]).contains("\"bytes\":\"ww==\""), "{}", encode(&[b"a\xc3"]));
    }
}
