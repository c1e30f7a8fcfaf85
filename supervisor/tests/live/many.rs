//! Many commands at once in one sandbox.

use std::fs;
use std::time::{Duration, Instant};

use clearing::live::Wanted;
use clearing_profiles::LimitName;

use crate::site::{Live, Site};

/// How long anything may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

fn limited(limit: LimitName, text: &str) -> Wanted {
    Wanted { limits: vec![(limit, text.to_owned())], ..Wanted::default() }
}

/// Looks after all commands until a file in the project holds a line; that is the way to wait for what one does.
fn until(live: &mut Live, site: &Site, name: &str) -> String {
    let path = site.seen(&live.id, name);
    let mut text = String::new();
    let mut written = || {
        text = fs::read_to_string(&path).unwrap_or_default();
        text.ends_with('\n')
    };
    let until = Instant::now() + PATIENCE;
    assert!(live.sandbox.look_after(until, &mut written).expect("looked after"), "{name} was never written");
    text.trim_end().to_owned()
}

fn is_gone(live: &mut Live, pid: &str) -> bool {
    live.sh(&format!("kill -0 {pid} 2> /dev/null && echo there || echo gone")) == "gone"
}

pub(crate) fn each_has_its_own(site: &Site) {
    let mut live = site.live();
    let begun: Vec<_> = (0..20)
        .map(|number| {
            let (script, wanted) = match number % 4 {
                0 => (format!("echo out {number}; exit {number}"), Wanted::default()),
                1 => (format!("echo out {number}; kill -TERM $$"), Wanted::default()),
                2 => (format!("echo out {number}; sleep 1000"), limited(LimitName::Timeout, "3s")),
                _ => (
                    format!("echo out {number}; ulimit -n"),
                    limited(LimitName::Nofile, &(100 + number).to_string()),
                ),
            };
            live.begin(&format!("many-{number}"), &script, wanted)
        })
        .collect();
    for (number, exec) in begun.into_iter().enumerate().rev() {
        let (executed, said) = live.wait(exec, &format!("many-{number}"));
        let expected = match number % 4 {
            0 => (Some(number as i32), None, true, format!("out {number}")),
            1 => (None, Some(15), true, format!("out {number}")),
            2 => (None, Some(15), false, format!("out {number}")),
            _ => (Some(0), None, true, format!("out {number}\n{}", 100 + number)),
        };
        let ended = (executed.exit_code, executed.signal, executed.is_whole, said);
        assert_eq!(ended, expected, "{}", executed.outcome());
        let cause = ["exit", "signal", "timeout", "exit"][number % 4];
        assert!(executed.outcome().contains(&format!("\"cause\":\"{cause}\"")), "{}", executed.outcome());
    }
    let audit = site.clearing(&["audit", "verify"]);
    assert!(!audit.is_empty(), "it has lines");
}

/// The one with too much memory, and no other.
pub(crate) fn limit_ends_one(site: &Site) {
    let mut live = site.live();
    let greedy = "exec perl -e '$x = \"x\" x (200 << 20); print \"have\\n\"; sleep 1000'";
    let modest = "echo $$ > modest; sleep 1000";
    let modest = live.begin("modest", modest, limited(LimitName::Memory, "100M"));
    let pid = until(&mut live, site, "modest");
    let greedy = live.begin("greedy", greedy, limited(LimitName::Memory, "100M"));
    let (executed, _) = live.wait(greedy, "greedy");
    assert!(executed.outcome().contains("\"cause\":\"oom\""), "{}", executed.outcome());
    assert!(!is_gone(&mut live, &pid), "the other one had little");
    live.sandbox.cancel(modest).expect("cancelled");
    let (executed, _) = live.wait(modest, "modest");
    assert!(executed.outcome().contains("\"cause\":\"cancelled\""), "{}", executed.outcome());
    assert!(is_gone(&mut live, &pid));
}

/// A server that one command leaves behind serves the next ones, whatever becomes of others.
pub(crate) fn server_stays(site: &Site) {
    let mut live = site.live();
    let serve = "(exec perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); \
                 bind(S, sockaddr_in(8123, INADDR_LOOPBACK)) or die; listen(S, 5); \
                 open(F, \">\", \"ready\"); print F \"$$\\n\"; close F; \
                 while (accept(C, S)) { print C \"served\\n\"; close C }' > /dev/null 2>&1) &";
    let (executed, _) = live.try_sh(serve);
    assert!(executed.left_running, "{}", executed.outcome());
    let server = until(&mut live, site, "ready");
    let ask = "exec 3<>/dev/tcp/127.0.0.1/8123; cat <&3";
    assert_eq!(live.bash(ask), "served");
    let late = live.begin("late", "sleep 1000", limited(LimitName::Timeout, "50ms"));
    let (executed, _) = live.wait(late, "late");
    assert!(executed.outcome().contains("\"cause\":\"timeout\""), "{}", executed.outcome());
    assert_eq!(live.bash(ask), "served");
    assert!(!is_gone(&mut live, &server));
}

/// Whatever forks twice and leads a session is still that command's.
pub(crate) fn what_runs_away_is_ended_too(site: &Site) {
    let mut live = site.live();
    let other = live.begin("other", "echo $$ > other; sleep 1000", Wanted::default());
    let other_pid = until(&mut live, site, "other");
    let flee = "perl -MPOSIX -e 'exit if fork; POSIX::setsid(); exit if fork; $SIG{TERM} = $SIG{HUP} = \"IGNORE\"; \
                open(F, \">\", \"fled\"); print F \"$$\\n\"; close F; sleep 1000' < /dev/null > /dev/null 2>&1; \
                trap '' TERM; sleep 1000";
    let wanted = limited(LimitName::Timeout, "20s");
    let fleeing = live.begin("fleeing", flee, wanted);
    let fled = until(&mut live, site, "fled");
    live.sandbox.cancel(fleeing).expect("cancelled");
    let (executed, _) = live.wait(fleeing, "fleeing");
    assert!(executed.outcome().contains("\"cause\":\"cancelled\""), "{}", executed.outcome());
    assert!(is_gone(&mut live, &fled), "a cancelled command is told when none of it is left");
    assert!(!is_gone(&mut live, &other_pid));
    live.sandbox.cancel(other).expect("cancelled");
    live.wait(other, "other");
}

/// What a command left running is ended with it later, and what others left is not.
pub(crate) fn rest_is_ended_alone(site: &Site) {
    let mut live = site.live();
    let leave = |name: &str| format!("(setsid sleep 1000 > /dev/null 2>&1 & echo $! > {name})");
    let one = live.begin("one", &leave("one"), Wanted::default());
    live.wait(one, "one");
    let two = live.begin("two", &leave("two"), Wanted::default());
    live.wait(two, "two");
    let (one_pid, two_pid) = (until(&mut live, site, "one"), until(&mut live, site, "two"));
    live.sandbox.cancel(one).expect("ended");
    let since = Instant::now();
    while !is_gone(&mut live, &one_pid) {
        assert!(since.elapsed() < PATIENCE, "it lives on");
    }
    assert!(!is_gone(&mut live, &two_pid));
}

pub(crate) fn one_signals_another(site: &Site) {
    let mut live = site.live();
    let waiting = "trap 'echo heard; exit 7' USR1; echo $$ > waiting; while :; do sleep 0.05; done";
    let waiting = live.begin("waiting", waiting, Wanted::default());
    let pid = until(&mut live, site, "waiting");
    live.sh(&format!("kill -USR1 {pid}"));
    let (executed, said) = live.wait(waiting, "waiting");
    assert_eq!((executed.exit_code, said.as_str()), (Some(7), "heard"));
}

/// The mark of one cannot be put on or off.
pub(crate) fn mark_stays(site: &Site) {
    let mut live = site.live();
    let (one, two) = (live.bash("ulimit -R"), live.bash("ulimit -R"));
    assert_ne!(one, two, "they are told apart");
    assert_eq!(live.bash("ulimit -R 1000 2> /dev/null || echo refused"), "refused");
    let mark = live.bash("setsid -f bash -c 'ulimit -R > ran'; ulimit -R");
    assert_eq!(until(&mut live, site, "ran"), mark);
}

pub(crate) fn death_of_init_ends_all(site: &Site) {
    let mut live = site.live();
    let one = live.begin("one", "echo 1 > one; sleep 1000", Wanted::default());
    let two = live.begin("two", "echo 1 > two; sleep 1000", Wanted::default());
    until(&mut live, site, "one");
    until(&mut live, site, "two");
    let init = live.sandbox.init().expect("it lives");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(init as i32), nix::sys::signal::Signal::SIGKILL)
        .expect("sent");
    for (exec, name) in [(one, "one"), (two, "two")] {
        let (executed, _) = live.wait(exec, name);
        assert!(executed.outcome().contains("\"cause\":\"init\""), "{}", executed.outcome());
    }
    assert!(live.sandbox.init().is_none());
    let id = live.id.clone();
    drop(live);
    assert_eq!(site.clearing(&["exec", &id, "--", "cat", "one"]), "1");
    site.clearing(&["audit", "verify"]);
}

/// A profile that names what may run.
const NAMED: &str = r#"
extends = "default"
[commands]
enforce = true
default = "deny"
rules = [{ prefix = [["sh", "true"]], decision = "allow", reason = "these alone" }]
"#;

pub(crate) fn refused_is_told_and_recorded(site: &Site) {
    let profile = site.home.join("named.toml");
    fs::write(&profile, NAMED).expect("written");
    // What a script starts is not judged before, and refused by the kernel.
    fs::write(site.project.join("one"), "until test -e go; do :; done\nid\n").expect("written");
    fs::write(site.project.join("two"), "echo > go\nuname\n").expect("written");
    let path = profile.to_str().expect("text");
    let id = site.clearing(&["create", "-p", path, "-w", site.project.to_str().expect("text")]);
    let mut live = site.open(&id);
    let refused = live.try_begin(&["curl", "http://127.0.0.1"]).expect_err("no rule names it");
    assert!(refused.is_denied() && refused.hint().is_some(), "{refused}");
    let begun = [["sh", "one"], ["sh", "two"]].map(|words| live.try_begin(&words).expect("permitted"));
    for (exec, want) in begun.into_iter().zip(["id", "uname"]) {
        let executed = live.sandbox.wait(exec).expect("waited");
        let outcome = executed.outcome();
        let (_, denials) = outcome.split_once("\"denials\":").expect("denials");
        assert!(denials.contains(&format!("bin/{want}\"")), "{want}: {outcome}");
        assert_eq!(denials.matches("CLR-POLICY-CMD").count(), 1, "{want}: {}", executed.outcome());
    }
    live.sandbox.end().expect("ended");
    let record = fs::read_to_string(site.home.join("state/audit.jsonl")).expect("the record");
    let line = record.lines().find(|line| line.contains("\"curl\"")).expect("a line of it");
    assert!(line.contains("\"decision\":\"deny\""), "{line}");
    site.clearing(&["audit", "verify"]);
}

/// On a terminal of its own, whose foreground a signal goes to.
pub(crate) fn terminal_is_one(site: &Site) {
    let mut live = site.live();
    let wanted = Wanted { on_terminal: true, ..Wanted::default() };
    let exec = live.begin("tty", "test -t 0 && test -t 1 && test -t 2 && stty size > size", wanted);
    let (executed, _) = live.wait(exec, "tty");
    assert_eq!(executed.exit_code, Some(0), "{}", executed.outcome());
    assert_eq!(live.sh("cat size"), "24 80");
}
