//! Arguments by which programs are told to start others, or to take code from somewhere.
//!
//! A rule allows a program with what it does by itself. Where it may be told to start any other, the words that
//! say so have to be in the rule.

use super::judge::Starts;
use super::variables::{assigned, changes_programs, is_name};
use super::word::{Rest, Word, name};

/// What of a program's arguments starts others.
struct Exposure {
    names: &'static [&'static str],
    /// Long options, without their dashes. Who abbreviates one means it.
    long: &'static [&'static str],
    /// Letters of short options.
    short: &'static [u8],
    /// What whole words are, or begin with where there is a `*` at the end.
    words: &'static [&'static str],
    /// Whether one dash is as good as two.
    one_dash: bool,
    /// Whether the first word is letters of options, with a dash or without.
    cluster: bool,
    /// Whether `NAME=VALUE` sets variables.
    sets: bool,
}

const NONE: Exposure =
    Exposure { names: &[], long: &[], short: b"", words: &[], one_dash: false, cluster: false, sets: false };

#[rustfmt::skip]
const EXPOSURES: &[Exposure] = &[
    Exposure { names: &["tar", "gtar", "bsdtar", "star"], cluster: true, short: b"IFT", long: &[
        "to-command", "checkpoint-action", "use-compress-program", "info-script", "new-volume-script", "rsh-command",
        "rmt-command", "files-from",
    ], ..NONE },
    Exposure { names: &["rsync"], short: b"eM", long: &["rsh", "rsync-path", "remote-option"], ..NONE },
    Exposure { names: &["ssh", "scp", "sftp", "autossh", "sshfs"], short: b"oFSD", ..NONE },
    Exposure { names: &["git"], long: &[
        "config-env", "exec-path", "upload-pack", "receive-pack", "exec", "open-files-in-pager", "extcmd", "template",
        "config", "upload-archive", "tool", "strategy",
    ], words: &[
        "-c*", "-O*", "-x*", "-ix*", "-u", "ext::*", "config", "filter-branch", "difftool", "mergetool", "daemon", "instaweb",
        "send-email", "bisect", "submodule", "web--browse", "help", "shell", "cvsserver", "remote-*", "credential*",
        "upload-pack", "receive-pack", "upload-archive", "fast-import", "p4", "svn",
    ], ..NONE },
    Exposure { names: &["npm", "pnpm", "yarn", "bun"], one_dash: true, short: b"c", long: &[
        "script-shell", "shell", "node-options", "editor", "viewer", "browser", "git", "call", "userconfig", "globalconfig",
        "shell-mode", "shell-emulator", "init-module", "onload-script", "node-gyp", "use-node-version",
    ], words: &["explore", "edit", "config", "set", "c", "init", "create", "innit", "exec", "x", "dlx"], ..NONE },
    Exposure { names: &["cargo"], long: &["config"], short: b"Z", words: &["+*"], ..NONE },
    Exposure { names: &["rustc", "rustdoc"], short: b"C", long: &["codegen", "test-runtool", "runtool"], ..NONE },
    Exposure { names: &["pip", "pip3"], long: &["python"], ..NONE },
    Exposure { names: &["go"], words: &[
        "-exec*", "--exec*", "-toolexec*", "--toolexec*", "-vettool*", "--vettool*", "-overlay*", "--overlay*", "env",
    ], ..NONE },
    Exposure { names: &["gcc", "g++", "cc", "c++", "clang", "clang++", "gfortran", "cpp"], words: &[
        "-wrapper*", "-fplugin*", "-specs*", "--specs*", "-fuse-ld*", "--ld-path*", "-B*", "@*", "-load*",
    ], ..NONE },
    Exposure { names: &["make", "gmake", "bmake"], short: b"E", sets: true, long: &["eval"],
        words: &[".SHELLFLAGS*", ".RECIPEPREFIX*"], ..NONE },
    Exposure { names: &["cmake"], words: &["-E", "-P*"], ..NONE },
    Exposure { names: &["fd", "fdfind"], short: b"xX", long: &["exec", "exec-batch"], ..NONE },
    Exposure { names: &["rg"], long: &["pre", "hostname-bin"], ..NONE },
    Exposure { names: &["sort"], long: &["compress-program"], ..NONE },
    Exposure { names: &["split"], long: &["filter"], ..NONE },
    Exposure { names: &["sdiff"], long: &["diff-program"], ..NONE },
    Exposure { names: &["install"], long: &["strip-program"], ..NONE },
    Exposure { names: &["zip"], short: b"T", long: &["unzip-command", "test"], ..NONE },
    Exposure { names: &["man", "apropos"], short: b"PHC", long: &["pager", "html", "config-file"], ..NONE },
    Exposure { names: &["less", "more"], words: &["+*"], short: b"k", long: &["lesskey-file", "lesskey-src"], ..NONE },
    Exposure { names: &["wget"], short: b"e", long: &["use-askpass", "execute", "config"], ..NONE },
    Exposure { names: &["nc", "ncat", "netcat"], short: b"ec", long: &["exec", "sh-exec", "lua-exec"], ..NONE },
    Exposure { names: &["socat"], words: &["EXEC*", "SYSTEM*", "SHELL*", "exec*", "system*", "shell*"], ..NONE },
    Exposure { names: &["tcpdump"], short: b"z", ..NONE },
    Exposure { names: &["ip"], words: &["netns", "vrf", "-b*"], ..NONE },
    Exposure { names: &["apt", "apt-get", "aptitude", "dpkg"], short: b"oc", long: &[
        "option", "config-file", "pre-invoke", "post-invoke",
    ], ..NONE },
    Exposure { names: &["psql"], short: b"c", ..NONE },
    Exposure { names: &["ld", "ar", "strip"], long: &["plugin"], words: &["-plugin*"], ..NONE },
];

/// The last argument by which a program starts others, or may.
pub(super) fn starts<'w>(words: &[Word<'_>]) -> Option<Starts<'w>> {
    let program = name(words.first()?.text()?);
    let exposure =
        EXPOSURES.iter().find(|exposure| exposure.names.iter().any(|name| name.as_bytes() == program))?;
    let at = (1..words.len()).rfind(|at| exposure.is_by(&words[*at], *at))?;
    let why = match words[at].rest {
        Rest::Nothing => "an argument tells it to start another program, or to take code from somewhere",
        _ => "an argument that is known only when it runs may tell it to start another program",
    };
    Some(Starts::Exposed { at, why })
}

/// Whether a variable of `make` changes what it starts: by its name, by a sign that evaluates its value at once,
/// or by a value that is evaluated for each command.
fn sets(start: &[u8], whole: bool) -> bool {
    let odd = |name: &[u8]| !is_name(name) || changes_programs(name) || start.contains(&b'$');
    !whole || assigned(start).is_some_and(odd)
}

impl Exposure {
    fn is_by(&self, word: &Word<'_>, at: usize) -> bool {
        let start = &*word.start;
        let whole = word.rest == Rest::Nothing;
        if !whole && (word.rest == Rest::Many || start.is_empty() || start == b"-") {
            return true;
        }
        let is_word = |text: &&str| match text.strip_suffix('*') {
            Some(begin) => word.begins(begin) || (!whole && begin.as_bytes().starts_with(start)),
            None => word.is(text) || (!whole && text.as_bytes().starts_with(start)),
        };
        if self.words.iter().any(is_word) || (self.sets && sets(start, whole)) {
            return true;
        }
        if self.cluster && at == 1 && !word.begins("--") {
            return !whole || start.iter().any(|letter| self.short.contains(letter));
        }
        match start {
            [b'-', b'-', name @ ..] => self.is_long(name, whole),
            [b'-', letters @ ..] => {
                (self.one_dash && letters.len() > 1 && self.is_long(letters, whole))
                    || letters.iter().any(|letter| self.short.contains(letter))
                    || (!whole && !self.short.is_empty())
            }
            _ => false,
        }
    }

    /// Whether a long option is meant, or may be once its end is known.
    fn is_long(&self, name: &[u8], whole: bool) -> bool {
        let equals = name.iter().position(|byte| *byte == b'=');
        let given = &name[..equals.unwrap_or(name.len())];
        let abbreviates = |long: &&str| long.as_bytes().starts_with(given);
        let grows = |long: &&str| !whole && equals.is_none() && given.starts_with(long.as_bytes());
        !given.is_empty() && self.long.iter().any(|long| abbreviates(long) || grows(long))
    }
}
