//! Programs that start the program which their arguments name: looked through to that.

use super::judge::{Inner, Starts};
use super::variables::{assigned, changes_programs};
use super::word::{Rest, Word, is_of_system, name};

/// How a program is told what to start.
struct Wrapper {
    names: &'static [&'static str],
    /// Letters of options without a value,
    flags: &'static [u8],
    /// and with one.
    values: &'static [u8],
    /// Long options and the letters that they stand for.
    long: &'static [(&'static str, u8)],
    /// Operands before the program.
    operands: usize,
    /// Whether it is looked at by itself as well: what it starts runs as somebody else, or by other rules.
    judged: bool,
}

#[rustfmt::skip]
const WRAPPERS: &[Wrapper] = &[
    Wrapper { names: &["env"], flags: b"i0v", values: b"uCS", operands: 0, judged: false, long: &[
        ("ignore-environment", b'i'), ("null", b'0'), ("debug", b'v'), ("unset", b'u'), ("chdir", b'C'),
        ("split-string", b'S'), ("block-signal", b'v'), ("default-signal", b'v'),
        ("ignore-signal", b'v'), ("list-signal-handling", b'v'),
    ] },
    Wrapper { names: &["nice"], flags: b"0123456789", values: b"n", operands: 0, judged: false,
        long: &[("adjustment", b'n')] },
    Wrapper { names: &["nohup"], flags: b"", values: b"", operands: 0, judged: false, long: &[] },
    Wrapper { names: &["timeout"], flags: b"fpv", values: b"ks", operands: 1, judged: false, long: &[
        ("foreground", b'f'), ("preserve-status", b'p'), ("verbose", b'v'), ("kill-after", b'k'), ("signal", b's'),
    ] },
    Wrapper { names: &["stdbuf"], flags: b"", values: b"ioe", operands: 0, judged: false,
        long: &[("input", b'i'), ("output", b'o'), ("error", b'e')] },
    Wrapper { names: &["setsid"], flags: b"cfw", values: b"", operands: 0, judged: false,
        long: &[("ctty", b'c'), ("fork", b'f'), ("wait", b'w')] },
    Wrapper { names: &["ionice"], flags: b"t", values: b"cn", operands: 0, judged: false,
        long: &[("class", b'c'), ("classdata", b'n'), ("ignore", b't')] },
    Wrapper { names: &["chrt"], flags: b"abdfiorRv", values: b"TPD", operands: 1, judged: false, long: &[] },
    Wrapper { names: &["taskset"], flags: b"ac", values: b"", operands: 1, judged: false, long: &[] },
    Wrapper { names: &["time"], flags: b"apqv", values: b"of", operands: 0, judged: false, long: &[
        ("append", b'a'), ("portability", b'p'), ("quiet", b'q'), ("verbose", b'v'), ("output", b'o'), ("format", b'f'),
    ] },
    Wrapper { names: &["command"], flags: b"pvV", values: b"", operands: 0, judged: false, long: &[] },
    Wrapper { names: &["builtin"], flags: b"", values: b"", operands: 0, judged: false, long: &[] },
    Wrapper { names: &["exec"], flags: b"cl", values: b"", operands: 0, judged: false, long: &[] },
    Wrapper { names: &["xargs"], flags: b"0rtpxo", values: b"nLPsIdaE", operands: 0, judged: false, long: &[
        ("null", b'0'), ("no-run-if-empty", b'r'), ("verbose", b't'), ("interactive", b'p'), ("exit", b'x'),
        ("open-tty", b'o'), ("max-args", b'n'), ("max-lines", b'L'), ("max-procs", b'P'), ("max-chars", b's'),
        ("replace", b'I'), ("delimiter", b'd'), ("arg-file", b'a'),
    ] },
    Wrapper { names: &["sudo"], flags: b"AbEHknSP", values: b"CDgpTu", operands: 0, judged: true, long: &[
        ("non-interactive", b'n'), ("user", b'u'), ("group", b'g'), ("set-home", b'H'), ("preserve-env", b'E'),
        ("chdir", b'D'), ("background", b'b'), ("stdin", b'S'),
    ] },
    Wrapper { names: &["doas"], flags: b"n", values: b"u", operands: 0, judged: true, long: &[] },
    Wrapper { names: &["busybox", "toybox"], flags: b"", values: b"", operands: 0, judged: true, long: &[] },
];

/// The options and where they end.
struct Options<'a> {
    given: Vec<(u8, &'a [u8])>,
    end: usize,
}

const ODD: &str = "it has an option that is not known to be harmless";
const HIDDEN: &str = "what it starts is known only when it runs";

/// What a wrapper starts; nothing where this is none.
pub(super) fn starts<'w>(words: &[Word<'w>]) -> Option<Starts<'w>> {
    let program = words.first()?.text()?;
    let own = name(program);
    let wrapper = WRAPPERS.iter().find(|wrapper| wrapper.names.iter().any(|name| name.as_bytes() == own))?;
    // One in the project is a program like any other, whatever its name.
    let alone = !wrapper.judged && is_of_system(program);
    Some(look_through(wrapper, own, alone, words, 0).unwrap_or_else(Starts::exposed))
}

fn look_through<'w>(
    wrapper: &Wrapper,
    own: &[u8],
    alone: bool,
    words: &[Word<'w>],
    round: usize,
) -> Result<Starts<'w>, &'static str> {
    let Options { given, mut end } = wrapper.options(own, words)?;
    if own == b"env"
        && let Some((_, text)) = given.iter().find(|(letter, _)| *letter == b'S')
    {
        // What else is said before it would be forgotten.
        if given.iter().any(|(letter, _)| b"uC".contains(letter)) {
            return Err(ODD);
        }
        let split = [&words[..1], &split(text)?[..], &words[end..]].concat();
        return if round < 4 { look_through(wrapper, own, alone, &split, round + 1) } else { Err(ODD) };
    }
    if given.iter().any(|(letter, value)| *letter == b'u' && own == b"env" && changes_programs(value)) {
        return Err("it unsets a variable that changes which programs run");
    }
    if matches!(own, b"env" | b"sudo" | b"doas") {
        end = variables(words, end)?;
    }
    // Where it needs no priority, what stands in its place is the program.
    let is_number = |word: &Word<'_>| word.text().is_some_and(|text| text.iter().all(u8::is_ascii_digit));
    if own == b"chrt" && !words.get(end).is_some_and(is_number) {
        return Err(ODD);
    }
    end += wrapper.operands;
    let shows = own == b"command" && given.iter().any(|(letter, _)| b"vV".contains(letter));
    if shows || (words.len() <= end && matches!(own, b"exec" | b"builtin" | b"command")) {
        return Ok(Starts::Nothing);
    }
    let inner = match (own, words.get(end..)) {
        (b"xargs", rest) => arguments_from_input(rest.unwrap_or_default(), &given),
        (_, None | Some([])) => return Ok(Starts::Itself),
        (_, Some(rest)) => rest.to_vec(),
    };
    if own == b"time" && inner.first().is_some_and(begins_construct) {
        return Err("`time` is a program here and begins a construct there");
    }
    let moved = given.iter().any(|(letter, _)| matches!((own, letter), (b"env", b'C') | (b"sudo", b'D')));
    let inner = match own {
        b"command" | b"builtin" | b"time" => Inner::OfShell(inner),
        _ => Inner::Program(inner, moved),
    };
    Ok(Starts::Others { alone, inner: vec![inner] })
}

/// Whether a shell that takes `time` for a word of its own reads more than a program's name here.
fn begins_construct(word: &Word<'_>) -> bool {
    let reserved =
        ["!", "{", "[[", "if", "while", "until", "for", "case", "select", "function", "coproc", "time"];
    assigned(&word.start).is_some() || reserved.iter().any(|reserved| word.is(reserved))
}

/// Goes over `NAME=VALUE`, none of which may change which programs run.
fn variables(words: &[Word<'_>], mut at: usize) -> Result<usize, &'static str> {
    while let Some(word) = words.get(at) {
        match assigned(&word.start) {
            Some(name) if changes_programs(name) => {
                return Err("it sets a variable that changes which programs run");
            }
            Some(_) if word.rest >= Rest::Several => return Err(HIDDEN),
            Some(_) => at += 1,
            None => return Ok(at),
        }
    }
    Ok(at)
}

/// `env -S`: split at blanks, as long as nothing else has a meaning there.
fn split<'w>(text: &[u8]) -> Result<Vec<Word<'w>>, &'static str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" _./:=,@%+-".contains(byte);
    if !text.iter().all(plain) {
        return Err("what it splits has quotes or signs in it");
    }
    let parts = text.split(|byte| *byte == b' ').filter(|part| !part.is_empty());
    Ok(parts.map(|part| Word::known(part.to_vec())).collect())
}

/// What xargs starts: what its input holds comes behind the words, or into them.
fn arguments_from_input<'w>(rest: &[Word<'w>], given: &[(u8, &[u8])]) -> Vec<Word<'w>> {
    let mut words = if rest.is_empty() { vec![Word::known(&b"echo"[..])] } else { rest.to_vec() };
    // Of options that exclude each other the last one counts: here all do.
    let counting: Vec<_> = given.iter().filter(|(letter, _)| b"InL".contains(letter)).collect();
    for (_, sign) in counting.iter().filter(|(letter, _)| *letter == b'I') {
        words.iter_mut().for_each(|word| replaced(word, sign));
    }
    if !matches!(counting[..], [(b'I', _)]) {
        words.push(Word::many());
    }
    words
}

/// Forgets of a word what will stand in place of the sign.
pub(super) fn replaced(word: &mut Word<'_>, sign: &[u8]) {
    let sign = if sign.is_empty() { b"{}" } else { sign };
    if let Some(at) = word.start.windows(sign.len()).position(|part| part == sign) {
        word.start = word.start[..at].to_vec().into();
        word.rest = word.rest.max(Rest::Unknown);
    }
}

impl Wrapper {
    fn options<'a>(&self, own: &[u8], words: &'a [Word<'_>]) -> Result<Options<'a>, &'static str> {
        let mut options = Options { given: Vec::new(), end: 1 };
        while let Some(word) = words.get(options.end) {
            // What follows the text that `env -S` splits belongs to what stands in it.
            if own == b"env" && matches!(options.given.last(), Some((b'S', _))) {
                break;
            }
            let known = match word.text() {
                Some(known) => known,
                // An operand: whatever it is, it is no option.
                None if !word.start.is_empty() && !word.begins("-") && word.rest == Rest::Unknown => break,
                None => return Err(HIDDEN),
            };
            match known {
                b"-" if own == b"env" => options.end += 1,
                b"--" => {
                    options.end += 1;
                    break;
                }
                [b'-', b'-', long @ ..] => {
                    options.end += 1;
                    self.long_option(long, words, &mut options)?;
                }
                [b'-', letters @ ..] if !letters.is_empty() => {
                    options.end += 1;
                    self.letters(letters, words, &mut options)?;
                }
                _ => break,
            }
        }
        Ok(options)
    }

    fn long_option<'a>(
        &self,
        long: &'a [u8],
        words: &'a [Word<'_>],
        options: &mut Options<'a>,
    ) -> Result<(), &'static str> {
        let equals = long.iter().position(|byte| *byte == b'=');
        let name = &long[..equals.unwrap_or(long.len())];
        let meant = |(full, _): &&(&str, u8)| full.as_bytes() == name;
        let (_, letter) = self.long.iter().find(meant).ok_or(ODD)?;
        let value = match equals {
            Some(equals) => &long[equals + 1..],
            // `--replace` and `--max-lines` take none unless it is written with them.
            None if matches!(name, b"replace" | b"max-lines") => b"",
            None if self.values.contains(letter) => next(words, options)?,
            None => b"",
        };
        options.given.push((*letter, value));
        Ok(())
    }

    fn letters<'a>(
        &self,
        letters: &'a [u8],
        words: &'a [Word<'_>],
        options: &mut Options<'a>,
    ) -> Result<(), &'static str> {
        for (place, letter) in letters.iter().enumerate() {
            if self.values.contains(letter) {
                let attached = &letters[place + 1..];
                let value = if attached.is_empty() { next(words, options)? } else { attached };
                options.given.push((*letter, value));
                return Ok(());
            }
            if !self.flags.contains(letter) {
                return Err(ODD);
            }
            options.given.push((*letter, b""));
        }
        Ok(())
    }
}

fn next<'a>(words: &'a [Word<'_>], options: &mut Options<'a>) -> Result<&'a [u8], &'static str> {
    let word = words.get(options.end).ok_or(ODD)?;
    options.end += 1;
    word.text().ok_or(HIDDEN)
}
