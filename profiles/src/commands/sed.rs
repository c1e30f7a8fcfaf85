//! `sed`, whose scripts may start programs: `e`, and `s///e`.

use super::judge::Starts;
use super::regex;
use super::word::{Rest, Word};

const WHY: &str = "its script may start a program";

/// Long options without a script, or a file of one.
const PLAIN: &[&[u8]] = &[
    b"quiet",
    b"silent",
    b"debug",
    b"follow-symlinks",
    b"in-place",
    b"null-data",
    b"zero-terminated",
    b"posix",
    b"regexp-extended",
    b"separate",
    b"unbuffered",
    b"sandbox",
    b"version",
    b"help",
];

/// What `sed` starts: nothing, as long as each script is known and has none of these commands in it.
pub(super) fn starts<'w>(words: &[Word<'_>]) -> Option<Starts<'w>> {
    let Some(scripts) = scripts(words) else { return Some(Starts::exposed(WHY)) };
    let harmless = |at: &usize, from: usize| {
        words[*at].text().is_some_and(|text| Script { left: &text[from..] }.starts_nothing() == Some(()))
    };
    let at = scripts.iter().filter(|(at, from)| !harmless(at, *from)).map(|(at, _)| *at).max()?;
    Some(Starts::Exposed { at, why: WHY })
}

/// In which words its scripts stand, and where they begin there.
fn scripts(words: &[Word<'_>]) -> Option<Vec<(usize, usize)>> {
    let (mut found, mut operand, mut at) = (Vec::new(), None, 1);
    while let Some(word) = words.get(at) {
        let here = at;
        at += 1;
        if word.is("--") {
            operand = operand.or((at < words.len()).then_some(at));
            break;
        }
        if !word.begins("-") || word.is("-") {
            let may_be_option = word.rest == Rest::Many || (word.start.is_empty() && word.text().is_none());
            (!may_be_option).then_some(())?;
            operand = operand.or(Some(here));
            continue;
        }
        match word.text()? {
            [b'-', b'-', long @ ..] => {
                let name = long.split(|byte| *byte == b'=').next()?;
                match (name, long.len() > name.len()) {
                    (b"expression", true) => found.push((here, b"--expression=".len())),
                    (b"expression", false) => {
                        found.push((words.get(at).map(|_| at)?, 0));
                        at += 1;
                    }
                    (name, _) => PLAIN.contains(&name).then_some(())?,
                }
            }
            letters => {
                let of_value = letters.iter().position(|letter| !b"-nrEsuz".contains(letter));
                let attached = of_value.is_some_and(|place| place + 1 < letters.len());
                match of_value.map(|place| (letters[place], place + 1)) {
                    None | Some((b'i', _)) => {}
                    Some((b'e', from)) if attached => found.push((here, from)),
                    Some((b'e', _)) => {
                        found.push((words.get(at).map(|_| at)?, 0));
                        at += 1;
                    }
                    Some((b'l', _)) => at += usize::from(!attached),
                    Some(_) => return None,
                }
            }
        }
    }
    if found.is_empty() {
        found.extend(operand.map(|operand| (operand, 0)));
    }
    Some(found)
}

/// What is still to be read of a script.
struct Script<'t> {
    left: &'t [u8],
}

impl Script<'_> {
    /// Reads it as GNU sed does. Nothing where it starts something, or is not read here.
    fn starts_nothing(&mut self) -> Option<()> {
        loop {
            self.skip(b" \t\n;{}");
            let Some(first) = self.left.first() else { return Some(()) };
            if *first != b'#' {
                self.addresses()?;
            }
            self.command()?;
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, left) = self.left.split_first()?;
        self.left = left;
        Some(*first)
    }

    fn skip(&mut self, any: &[u8]) {
        let count = self.left.iter().take_while(|byte| any.contains(byte)).count();
        self.left = &self.left[count..];
    }

    fn addresses(&mut self) -> Option<()> {
        loop {
            match *self.left.first()? {
                b'/' => self.pattern()?,
                b'\\' => {
                    self.next();
                    self.pattern()?;
                }
                _ => self.skip(b"0123456789$~+"),
            }
            self.skip(b"IM \t");
            if self.left.first() != Some(&b',') {
                break;
            }
            self.next();
            self.skip(b" \t");
        }
        self.skip(b"! \t");
        Some(())
    }

    /// Goes from a sign past its next one, over a regular expression.
    fn pattern(&mut self) -> Option<()> {
        let sign = self.sign()?;
        self.left = regex::past(self.left, sign)?;
        Some(())
    }

    fn sign(&mut self) -> Option<u8> {
        self.next().filter(|sign| sign.is_ascii_punctuation() && !b"\\[]^".contains(sign))
    }

    fn past(&mut self, sign: u8) -> Option<()> {
        loop {
            match self.next()? {
                b'\\' => drop(self.next()?),
                byte if byte == sign => return Some(()),
                _ => {}
            }
        }
    }

    fn command(&mut self) -> Option<()> {
        match self.next()? {
            b'{' | b'}' => return Some(()),
            b'=' | b'd' | b'D' | b'g' | b'G' | b'h' | b'H' | b'n' | b'N' | b'p' | b'P' | b'x' | b'F'
            | b'z' => {}
            b'l' | b'q' | b'Q' => self.skip(b" \t0123456789"),
            b':' | b'b' | b't' | b'T' => {
                self.skip(b" \t");
                let plain = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
                self.left = &self.left[self.left.iter().take_while(plain).count()..];
            }
            b'#' | b'r' | b'w' | b'R' | b'W' => return self.line(),
            b'a' | b'i' | b'c' => return self.lines(),
            begins @ (b's' | b'y') => {
                let sign = *self.left.first()?;
                match begins {
                    b's' => self.pattern()?,
                    _ => self.sign().and_then(|sign| self.past(sign))?,
                }
                self.past(sign)?;
                if begins == b's' {
                    self.skip(b"gpiIm0123456789");
                    if self.left.first() == Some(&b'w') {
                        return self.line();
                    }
                }
            }
            _ => return None,
        }
        self.skip(b" \t");
        self.left.first().is_none_or(|next| b";}\n#".contains(next)).then_some(())
    }

    fn line(&mut self) -> Option<()> {
        let end = self.left.iter().position(|byte| *byte == b'\n').unwrap_or(self.left.len());
        self.left = self.left.get(end..)?;
        Some(())
    }

    /// Text, which goes on behind a backslash; and so in the next script, if it ends in one.
    fn lines(&mut self) -> Option<()> {
        while let Some(byte) = self.next() {
            match byte {
                b'\\' => drop(self.next()?),
                b'\n' => break,
                _ => {}
            }
        }
        Some(())
    }
}
