//! `awk`, whose programs may start others: `system`, and pipes.

use super::judge::Starts;
use super::regex;
use super::word::{Rest, Word};

const WHY: &str = "its program may start another";

/// What `awk` starts: nothing, as long as its program is known and has neither in it.
pub(super) fn starts<'w>(words: &[Word<'_>]) -> Option<Starts<'w>> {
    let Some(at) = program(words) else { return Some(Starts::exposed(WHY)) };
    let harmless = words
        .get(at)
        .is_none_or(|word| word.text().is_some_and(|text| Program::new(text).starts_nothing() == Some(())));
    (!harmless).then_some(Starts::Exposed { at, why: WHY })
}

/// In which word its program stands: the first operand, behind which no other is an option.
fn program(words: &[Word<'_>]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = words.get(at).filter(|word| word.begins("-") && !word.is("-")) {
        at += 1;
        match word.text()? {
            b"--" => break,
            b"-F" | b"-v" => {
                words.get(at).filter(|value| value.rest < Rest::Several)?;
                at += 1;
            }
            [b'-', b'F' | b'v', ..] => {}
            _ => return None,
        }
    }
    Some(at)
}

/// What is still to be read of a program.
struct Program<'t> {
    left: &'t [u8],
    slash: Slash,
    /// Of each open parenthesis, whether a statement follows it.
    open: Vec<bool>,
    /// Whether the last word is one that parentheses and a statement follow.
    heads: bool,
}

/// What a slash begins here. Behind `i++` and `if (…)` that is an expression for some, and a division for others.
#[derive(Clone, Copy)]
enum Slash {
    Expression,
    Division,
    Unknown,
}

impl<'t> Program<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self { left: text, slash: Slash::Expression, open: Vec::new(), heads: false }
    }

    /// Nothing where it starts something, or is not read here.
    fn starts_nothing(&mut self) -> Option<()> {
        while let Some((first, left)) = self.left.split_first() {
            let heads = std::mem::take(&mut self.heads);
            match first {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.name()?,
                first => {
                    self.left = left;
                    self.sign(*first, heads)?;
                }
            }
        }
        Some(())
    }

    fn sign(&mut self, sign: u8, heads: bool) -> Option<()> {
        self.slash = match sign {
            b' ' | b'\t' => {
                self.heads = heads;
                self.slash
            }
            b'#' => {
                let end = self.left.iter().position(|byte| *byte == b'\n');
                self.left = &self.left[end.unwrap_or(self.left.len())..];
                self.slash
            }
            b'"' => self.string()?,
            b'/' => self.slash()?,
            b'|' => {
                // A single one starts what is beside it.
                self.left = self.left.strip_prefix(b"|")?;
                Slash::Expression
            }
            b'+' | b'-' if self.left.first() == Some(&sign) => {
                self.left = &self.left[1..];
                Slash::Unknown
            }
            b'(' => {
                self.open.push(heads);
                Slash::Expression
            }
            b')' if self.open.pop()? => Slash::Unknown,
            b')' | b']' | b'.' | b'0'..=b'9' => Slash::Division,
            b'\n' | b'!' | b'$' | b'%' | b'&' | b'*' | b'+' | b',' | b'-' | b':' | b';' | b'<' | b'='
            | b'>' | b'?' | b'[' | b'^' | b'{' | b'}' | b'~' => Slash::Expression,
            _ => return None,
        };
        Some(())
    }

    fn slash(&mut self) -> Option<Slash> {
        match self.slash {
            Slash::Unknown => None,
            Slash::Division => Some(Slash::Expression),
            Slash::Expression => {
                self.left = regex::past(self.left, b'/')?;
                Some(Slash::Division)
            }
        }
    }

    fn name(&mut self) -> Option<()> {
        let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
        let length = self.left.iter().take_while(is_of_name).count();
        let (name, left) = self.left.split_at(length);
        self.left = left;
        self.heads = matches!(name, b"if" | b"while" | b"for" | b"switch");
        self.slash = match name {
            b"system" => return None,
            b"getline" | b"length" => Slash::Unknown,
            b"case" | b"do" | b"else" | b"exit" | b"in" | b"print" | b"printf" | b"return" => {
                Slash::Expression
            }
            _ => Slash::Division,
        };
        Some(())
    }

    fn string(&mut self) -> Option<Slash> {
        loop {
            match self.next()? {
                b'"' => return Some(Slash::Division),
                b'\\' => drop(self.next()?),
                b'\n' => return None,
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, left) = self.left.split_first()?;
        self.left = left;
        Some(*first)
    }
}
