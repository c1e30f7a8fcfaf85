//! Output comes in order and whole, whatever its bytes.

use std::collections::BTreeMap;

use clearing_tests::{Client, Site, assert_nothing_left, for_each_caller};
use serde_json::{Value, json};

/// All bytes of each stream of an exec, in the order in which they were told; and a look at the numbers.
fn streams(notes: &[Value], exec: &str) -> BTreeMap<String, Vec<u8>> {
    let (mut streams, mut last) = (BTreeMap::<String, Vec<u8>>::new(), 0);
    for note in notes.iter().filter(|note| note["params"]["exec"] == exec) {
        let seq = note["params"]["seq"].as_u64().unwrap();
        assert_eq!(seq, last + 1, "{note}");
        last = seq;
        let Some(stream) = note["params"]["stream"].as_str() else { continue };
        let bytes = match note["params"]["text"].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => decode(note["params"]["bytes"].as_str().unwrap()),
        };
        streams.entry(stream.to_owned()).or_default().extend(bytes);
    }
    streams
}

fn decode(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |byte: &u8| DIGITS.iter().position(|digit| digit == byte).unwrap() as u32;
    let digits: Vec<u32> = text.trim_end_matches('=').as_bytes().iter().map(digit).collect();
    let mut bytes = Vec::new();
    for four in digits.chunks(4) {
        let number = four.iter().fold(0, |number, digit| number << 6 | digit) << (6 * (4 - four.len()));
        bytes.extend(&number.to_be_bytes()[1..four.len()]);
    }
    bytes
}

/// Has the sum of a file of the session computed inside.
fn sum(client: &mut Client, session: &str, file: &str) -> (u64, u64) {
    client.notes();
    client.exec(session, &["cksum", file]);
    let said = client.said("stdout");
    let mut words = said.split(' ').map(|word| word.trim().parse());
    (words.next().unwrap().unwrap(), words.next().unwrap().unwrap())
}

/// As `cksum` of POSIX has it.
fn cksum(bytes: &[u8]) -> (u64, u64) {
    let mut length = bytes.len() as u64;
    let mut ends = Vec::new();
    while length > 0 {
        ends.push((length & 0xff) as u8);
        length >>= 8;
    }
    let mut crc = 0u32;
    for byte in bytes.iter().chain(&ends) {
        crc ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            crc = if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 };
        }
    }
    (u64::from(!crc), bytes.len() as u64)
}

#[test]
fn both_streams_come_whole_and_in_order_whatever_is_in_them() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let make = "head -c 3000000 /dev/urandom > a; seq 1 200000 > b";
        client.exec(&session, &["sh", "-c", make]);
        let (a, b) = (sum(&mut client, &session, "a"), sum(&mut client, &session, "b"));
        client.notes();
        let ended =
            client.exec_with(&session, &["sh", "-c", "cat b & cat a >&2; wait"], json!({ "exec": "both" }));
        assert_eq!(ended["exitCode"], 0);
        let notes = client.notes();
        let streams = streams(&notes, "both");
        assert_eq!((cksum(&streams["stderr"]), cksum(&streams["stdout"])), (a, b));
        // The end is told last, and before the answer.
        assert_eq!(notes.last().unwrap()["method"], "exec/exited");
        // Who reads later reads the same.
        let (mut after, mut again) = (0, Vec::new());
        loop {
            let read = json!({ "session": session, "exec": "both", "afterSeq": after, "maxBytes": 100_000 });
            let pieces = client.call("exec/read", read);
            for piece in pieces["output"].as_array().unwrap().iter().filter(|it| it["stream"] == "stderr") {
                again.extend(match piece["text"].as_str() {
                    Some(text) => text.as_bytes().to_vec(),
                    None => decode(piece["bytes"].as_str().unwrap()),
                });
            }
            after = pieces["nextSeq"].as_u64().unwrap();
            if pieces["end"] == true {
                break;
            }
        }
        assert_eq!(cksum(&again), a);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_character_is_never_cut_and_what_is_no_text_comes_as_bytes() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        // What is no text comes when what is has been told, or both would be told as bytes.
        let script = r"printf '\303'; sleep 0.2; printf '\244x'; read -r line; printf '\377'; printf '\303'";
        let id = client.start(&session, &["sh", "-c", script], json!({ "exec": "e", "stdin": "open" }));
        assert_eq!(client.note_of("exec/output")["text"], "\u{e4}x");
        client.call("exec/write", json!({ "session": session, "exec": "e", "text": "on\n" }));
        client.result(id);
        let notes = client.notes();
        let output = notes.iter().filter(|note| note["method"] == "exec/output");
        let rest: Vec<u8> =
            output.flat_map(|note| decode(note["params"]["bytes"].as_str().unwrap())).collect();
        assert_eq!(rest, b"\xff\xc3");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
