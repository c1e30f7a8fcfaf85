//! Programs of which no more is known than that they start others.

use super::judge::Starts;
use super::word::{Word, name, without_version};
use super::{awk, find, sed};

/// They start what their arguments say, by rules that are not read here.
#[rustfmt::skip]
const STARTERS: &[&str] = &[
    // As another user, with other rights, on another machine's terms, or in another room.
    "aa-exec", "apptainer", "arch-chroot", "box64", "box86", "bwrap", "capsh", "chroot", "clearing", "crun", "ctr",
    "dchroot", "distrobox", "docker", "docker-compose", "env.fakechroot", "fakechroot", "fakeroot", "firejail",
    "flatpak", "flatpak-spawn", "gosu", "host-spawn", "incus", "kubectl", "landrun", "lxc", "lxc-attach",
    "lxc-execute", "lxc-unshare-userns", "machinectl", "minijail0", "mount.fuse", "mount.fuse3", "nerdctl", "newgrp",
    "nsenter", "nsjail", "oc", "pkexec", "podman", "proot", "run0", "runc", "runcon", "runsc", "runuser", "schroot",
    "setuidgid", "sg", "singularity", "su", "su-exec", "sudoedit", "switch_root", "systemd-nspawn", "toolbox",
    "udocker", "unshare", "wine", "wine64", "youki",
    // With other limits, priorities, memory, or another personality.
    "aarch64", "armv7l", "armv8l", "cgclassify", "cgexec", "choom", "chpst", "coresched", "cpulimit", "i386", "i486",
    "i586", "i686", "linux32", "linux64", "numactl", "numademo", "ppc64le", "prlimit", "s390x", "schedtool",
    "setarch", "setpgid", "setpriv", "softlimit", "systemd-run", "timelimit", "trickle", "uclampset", "uname26",
    "x86_64",
    // Later, again, beside each other, or when something happens.
    "air", "anacron", "at", "batch", "chokidar", "concurrently", "condor_run", "cronic", "crontab", "daemon",
    "daemonize", "entr", "foreman", "forever", "honcho", "incrontab", "inotifywait", "keep-one-running", "mpiexec",
    "mpirun", "nodemon", "nq", "onchange", "orterun", "overmind", "parallel", "pdsh", "pee", "pm2", "pssh", "pueue",
    "qsub", "reflex", "rerun", "retry", "run-one", "run-one-constantly", "run-one-until-failure",
    "run-one-until-success", "run-parts", "run-this-one", "salloc", "sbatch", "sem", "srun", "start-server-and-test",
    "start-stop-daemon", "supervisord", "torchrun", "tsp", "wait-for-it", "watch", "watchexec", "watchman-make",
    "watchmedo", "when-changed", "xjobs",
    // Under a lock, with other descriptors, or with its output elsewhere.
    "chronic", "dotlockfile", "fghack", "flock", "flom", "ifne", "inetd", "lckdo", "lockf", "logsave", "mispipe",
    "multilog", "pgrphack", "pipesz", "readproctitle", "recordio", "runsv", "runsvdir", "setlock", "socat", "socksify",
    "sslserver", "supervise", "svlogd", "svscan", "systemd-cat", "systemd-inhibit", "systemd-notify",
    "systemd-socket-activate", "tcpclient", "tcpserver", "withlock", "xinetd",
    // With other variables, another name, another clock, or another network.
    "argv0", "catatonit", "cross-env", "cross-env-shell", "datefudge", "dotenv", "dotenvx", "dumb-init", "eatmydata",
    "env-cmd", "envdir", "envuidgid", "faketime", "graftcp", "nocache", "proxychains", "proxychains-ng",
    "proxychains4", "ssh-argv0", "tini", "torify", "torsocks", "tsocks", "with-contenv",
    // With a terminal, a display, a bus or an agent.
    "abduco", "agetty", "alacritty", "asciinema", "autoexpect", "byobu", "dbus-launch", "dbus-run-session",
    "dislocate", "dtach", "exo-open", "expect", "expectk", "gnome-terminal", "gotty", "gpg-agent",
    "gpg-connect-agent", "gtk-launch", "kibitz", "kitty", "konsole", "login", "luit", "lxterminal", "mlterm", "mosh",
    "open", "openvt", "rlwrap", "rxvt", "screen", "script", "scriptlive", "see", "sensible-browser",
    "sensible-editor", "sensible-pager", "ssh-agent", "sshpass", "startx", "terminator", "tilix", "tmux", "ttyd",
    "unbuffer", "urxvt", "wezterm", "www-browser", "x-terminal-emulator", "xdg-open", "xfce4-terminal", "xinit",
    "xterm", "xvfb-run", "zellij",
    // Watched, measured or traced.
    "apitrace", "bear", "bpftrace", "catchsegv", "compiledb", "enosys", "gdbserver", "heaptrack", "hyperfine",
    "intercept-build", "kcov", "ldd", "lldb-server", "ltrace", "memusage", "mtrace", "multitime", "ocount", "operf",
    "perf", "rr", "samply", "scan-build", "sotruss", "strace", "sysprof-cli", "trace-cmd", "uftrace", "valgrind",
    "xtrace",
    // Around builds.
    "ccache", "debconf", "debconf-apt-progress", "debuild", "distcc", "dpkg-architecture", "dpkg-buildpackage",
    "guix", "icecc", "libtool", "make-first-existing-target", "mmdebstrap", "msgexec", "msgfilter", "nix-shell",
    "not", "pbuilder", "pg_virtualenv", "sbuild", "sccache",
    // Shells whose text is not read here.
    "csh", "elvish", "execlineb", "fish", "ksh", "ksh93", "lksh", "mksh", "nu", "osh", "pdksh", "posh", "pwsh", "rc",
    "rksh", "run-mailcap", "rzsh", "sash", "tcsh", "xonsh", "yash",
];

/// How the names begin of loaders, of emulators, and of families of such programs.
const FAMILIES: &[&str] = &["fakeroot-", "ld-linux", "ld-musl", "ld.so", "qemu-", "s6-"];

/// Shells whose text is read where their name has no version, as `zsh5` has.
const SHELLS: &[&str] = &["bash", "dash", "sh", "zsh"];

/// How the names of programs end that are shells, whatever stands before it.
const STATIC: &[&str] = &["-static", ".static"];

/// They start the program that follows these words, after so many others: a rule has to name it. Each program's
/// own words come before the program alone.
#[rustfmt::skip]
const RUNNERS: &[(&[&str], usize)] = &[
    (&["asdf", "exec"], 0), (&["aws-vault", "exec"], 1), (&["bun", "x"], 0), (&["bun", "run"], 0), (&["bun"], 0),
    (&["bundle", "exec"], 0), (&["bunx"], 0), (&["cabal", "exec"], 0), (&["chamber", "exec"], 1),
    (&["composer", "exec"], 0), (&["conda", "run"], 0), (&["corepack"], 0), (&["devbox", "run"], 0),
    (&["direnv", "exec"], 1), (&["doppler", "run"], 0), (&["dune", "exec"], 0), (&["fnm", "exec"], 0),
    (&["go", "tool"], 0), (&["goenv", "exec"], 0), (&["hatch", "run"], 0), (&["jenv", "exec"], 0), (&["lerna", "exec"], 0),
    (&["mamba", "run"], 0), (&["micromamba", "run"], 0), (&["mise", "exec"], 0), (&["mise", "x"], 0),
    (&["nix", "develop"], 0), (&["nix", "run"], 0), (&["nix", "shell"], 0), (&["nodenv", "exec"], 0),
    (&["npm", "exe"], 0), (&["npm", "exec"], 0), (&["npm", "x"], 0), (&["npx"], 0), (&["nx", "exec"], 0), (&["op", "run"], 0),
    (&["opam", "exec"], 0), (&["pdm", "run"], 0), (&["pipenv", "run"], 0), (&["pipx", "run"], 0), (&["pixi", "exec"], 0),
    (&["pixi", "run"], 0), (&["pnpm", "dlx"], 0), (&["pnpm", "exec"], 0), (&["pnpm"], 0), (&["pnpx"], 0),
    (&["poetry", "run"], 0), (&["pyenv", "exec"], 0), (&["rbenv", "exec"], 0), (&["rustup", "run"], 1), (&["rye", "run"], 0),
    (&["snap", "run"], 0), (&["stack", "exec"], 0), (&["tox", "exec"], 0), (&["uv", "run"], 0), (&["uv", "tool"], 1),
    (&["uvx"], 0), (&["volta", "run"], 0), (&["yarn", "dlx"], 0), (&["yarn", "exec"], 0), (&["yarn", "node"], 0),
];

/// What such a program starts; nothing where this is none.
pub(super) fn starts<'w>(words: &[Word<'w>]) -> Option<Starts<'w>> {
    let program = name(words.first()?.text()?);
    if program == b"find" {
        return Some(find::starts(words));
    }
    if matches!(program, b"sed" | b"gsed") {
        return sed::starts(words);
    }
    if matches!(program, b"awk" | b"gawk" | b"mawk" | b"nawk" | b"original-awk") {
        return awk::starts(words);
    }
    let text = std::str::from_utf8(program).ok()?;
    let plain = std::str::from_utf8(without_version(program)).ok()?;
    if STARTERS.contains(&text)
        || STARTERS.contains(&plain)
        || (plain != text && SHELLS.contains(&plain))
        || FAMILIES.iter().any(|begin| text.starts_with(begin))
        || STATIC.iter().any(|end| text.ends_with(end))
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
