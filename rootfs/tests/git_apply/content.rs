//! Names and contents that a diff may stumble over.

use crate::random::Random;

const NAMES: [&[u8]; 22] = [
    b"a",
    b"b",
    b"c",
    b"d",
    b"e",
    b"lib.rs",
    b"a.b",
    b"a-b",
    b"two words",
    b" lead",
    b"trail ",
    b"-dash",
    b"new\nline",
    b"tab\there",
    b"quo\"te",
    b"back\\slash",
    b"\xff\xfe",
    b"\xc3\xa4\xe2\x82\xac",
    b"\x01\x7f",
    b"...",
    b"=>",
    b"@@ -1 +1 @@",
];

pub(crate) fn name(random: &mut Random) -> Vec<u8> {
    if random.one_in(100) { vec![b'n'; 255] } else { random.pick(&NAMES).to_vec() }
}

const LINES: [&[u8]; 20] = [
    b"fn main() {",
    b"}",
    b"",
    b"    let x = 1;",
    b"    return;",
    b"-- a/file",
    b"++ b/file",
    b"diff --git a/x b/x",
    b"@@ -1,3 +1,3 @@",
    b"\\ No newline at end of file",
    b"with \r inside",
    b"\xff\xfe\xfd",
    b"\x1b[31mred",
    b"tab\t",
    b"trailing  ",
    b"GIT binary patch",
    b"rename from x",
    b"index 000..111",
    b"# note",
    b"other",
];

pub(crate) fn content(random: &mut Random) -> Vec<u8> {
    match random.below(12) {
        0 => Vec::new(),
        1 => b"\n".to_vec(),
        2 => (0..random.below(3000)).map(|_| random.next() as u8).collect(),
        3 => vec![0; random.below(200_000)],
        _ => {
            let count = random.below(40);
            text(random, count)
        }
    }
}

fn text(random: &mut Random, lines: usize) -> Vec<u8> {
    let end: &[u8] = if random.one_in(6) { b"\r\n" } else { b"\n" };
    let mut text = Vec::new();
    for number in 0..lines {
        let line: &&[u8] = random.pick(&LINES);
        text.extend_from_slice(line);
        if random.one_in(3) {
            text.extend_from_slice(number.to_string().as_bytes());
        }
        text.extend_from_slice(end);
    }
    if random.one_in(4) {
        text.truncate(text.len().saturating_sub(end.len()));
    }
    text
}

/// A few lines changed, added or removed, the final newline perhaps.
pub(crate) fn edited(random: &mut Random, content: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> =
        content.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..=random.below(4) {
        let at = random.below(lines.len() + 1);
        let line = [*random.pick(&LINES), b"\n"].concat();
        match random.below(3) {
            0 if at < lines.len() => drop(lines.remove(at)),
            1 if at < lines.len() => lines[at] = line,
            _ => lines.insert(at, line),
        }
    }
    let mut edited = lines.concat();
    if random.one_in(4) && edited.ends_with(b"\n") {
        edited.pop();
    }
    edited
}
