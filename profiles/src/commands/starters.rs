//! Programs of which no more is known than that they start others, and `find`.

use super::judge::{Inner, Starts};
use super::sed;
use super::word::{Rest, Word, name};
use super::wrappers::replaced;

/// They start what their arguments say, by rules that are not read here.
#[rustfmt::skip]
const STARTERS: &[&str] = &[
    "at", "batch", "bwrap", "capsh", "catchsegv", "cgexec", "chpst", "choom", "chroot", "cross-env", "crontab", "csh", "daemonize",
    "dbus-run-session", "dbus-launch", "distrobox", "docker", "dotenv", "elvish", "entr", "expect", "fakechroot", "faketime", "fakeroot", "firejail", "fish",
    "flatpak", "flock", "gdbserver", "hyperfine", "inotifywait", "ksh", "ksh93", "kubectl", "ltrace", "linux32",
    "linux64", "lxc-execute", "mksh", "mosh", "mpirun", "newgrp", "nodemon", "nsenter", "nu", "numactl", "parallel",
    "perf", "pkexec", "podman", "posh", "prlimit", "proot", "proxychains", "proxychains4", "pwsh", "qemu-x86_64", "rbash-static",
    "rc", "rlwrap", "run-parts", "runc", "runuser", "screen", "script", "sem", "setarch", "setpriv", "sg", "softlimit",
    "srun", "start-stop-daemon", "strace", "su", "systemd-run", "tcsh", "tmux", "torsocks", "torify", "unbuffer", "unshare",
    "uname26", "valgrind", "watch", "watchexec", "wine", "x86_64", "bear", "ccache", "chronic", "concurrently", "cpulimit", "distcc",
    "dotenvx", "dumb-init", "eatmydata", "env-cmd", "envdir", "gosu", "guix", "heaptrack", "ifne", "mispipe", "nix-shell", "pee", "rr",
    "run-one", "scan-build", "sccache", "setuidgid", "ssh-agent", "sshpass", "su-exec", "systemd-inhibit", "systemd-nspawn", "tini",
    "tsocks", "uclampset", "uftrace", "xinit", "xterm", "i386", "xonsh", "xvfb-run", "yash", "dash-static",
];

/// They start the program that follows these words, after so many others: a rule has to name it.
#[rustfmt::skip]
const RUNNERS: &[(&[&str], usize)] = &[
    (&["npx"], 0), (&["bunx"], 0), (&["uvx"], 0), (&["npm", "exec"], 0), (&["npm", "x"], 0), (&["pnpm", "exec"], 0),
    (&["pnpm", "dlx"], 0), (&["yarn", "exec"], 0), (&["yarn", "dlx"], 0), (&["bun", "x"], 0), (&["uv", "run"], 0),
    (&["uv", "tool"], 1), (&["pipx", "run"], 0), (&["poetry", "run"], 0), (&["pipenv", "run"], 0), (&["pdm", "run"], 0),
    (&["hatch", "run"], 0), (&["conda", "run"], 0), (&["bundle", "exec"], 0), (&["rustup", "run"], 1),
    (&["nix", "run"], 0), (&["mise", "exec"], 0), (&["asdf", "exec"], 0), (&["pyenv", "exec"], 0),
    (&["rbenv", "exec"], 0), (&["direnv", "exec"], 1), (&["go", "tool"], 0),
];

/// What such a program starts; nothing where this is none.
pub(super) fn starts<'w>(words: &[Word<'w>]) -> Option<Starts<'w>> {
    let program = name(words.first()?.text()?);
    if program == b"find" {
        return Some(found(words));
    }
    if matches!(program, b"sed" | b"gsed") {
        return sed::starts(words);
    }
    let text = std::str::from_utf8(program).ok()?;
    if STARTERS.contains(&text)
        || text.starts_with("ld-linux")
        || text.starts_with("ld-musl")
        || text == "ld.so"
    {
        return Some(Starts::exposed("it starts a program that its arguments name"));
    }
    let at = RUNNERS.iter().find_map(|(lead, others)| started_at(lead, text, words).map(|at| at + others))?;
    let why = "the program that it starts has to be named by the rule";
    let named = words.get(at).and_then(Word::text).is_some_and(|text| !text.starts_with(b"-"));
    match at < words.len() {
        true if named => Some(Starts::Exposed { at, why }),
        true => Some(Starts::exposed(why)),
        // It starts nothing, or its own default.
        false => None,
    }
}

/// Where the program stands that a runner starts. Options may stand before the word that makes it one.
fn started_at(lead: &[&str], program: &str, words: &[Word<'_>]) -> Option<usize> {
    match *lead {
        [only] if only == program => Some(1),
        [first, second] if first == program => {
            Some(words.iter().skip(1).position(|word| word.could_be(second))? + 2)
        }
        _ => None,
    }
}

/// `find`: looked at by itself, and through `-exec` and its like.
fn found<'w>(words: &[Word<'w>]) -> Starts<'w> {
    let why = "what it starts is known only when it runs";
    let mut inner = Vec::new();
    let mut at = 1;
    while let Some(word) = words.get(at) {
        at += 1;
        let Some(text) = word.text() else {
            // A path or a pattern is harmless as long as it stays one that is no action.
            match word.rest == Rest::Many || word.start.is_empty() || word.begins("-") {
                true => return Starts::exposed(why),
                false => continue,
            }
        };
        match text {
            b"-exec" | b"-execdir" | b"-ok" | b"-okdir" => {
                let Some(end) = end_of_command(&words[at..]) else { return Starts::exposed(why) };
                let mut command = words[at..at + end].to_vec();
                command.iter_mut().for_each(|word| replaced(word, b"{}"));
                inner.push(Inner::Program(command, text.ends_with(b"dir")));
                at += end + 1;
            }
            b"-delete" => inner.push(Inner::Program(vec![Word::known(&b"rm"[..]), Word::many()], false)),
            _ => {}
        }
    }
    if inner.is_empty() { Starts::Itself } else { Starts::Others { alone: false, inner } }
}

/// How many words there are up to `;`, or to `+` behind `{}`.
fn end_of_command(words: &[Word<'_>]) -> Option<usize> {
    for (place, word) in words.iter().enumerate() {
        match word.text()? {
            b";" => return (place > 0).then_some(place),
            b"+" if place > 0 && words[place - 1].is("{}") => return Some(place),
            _ => {}
        }
    }
    None
}
