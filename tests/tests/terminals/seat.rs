//! A caller who sits at a terminal.

use std::time::Duration;

use clearing_tests::decoys::Terminal;
use clearing_tests::{Running, Site, children};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::Termios;
use nix::unistd::Pid;

/// Where `/proc/PID/stat` has the process group, and that which has the terminal, of a short name.
const GROUP: usize = 4;
const FOREGROUND: usize = 7;

/// How long something may take to be shown.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// What the interactive shell shows when it waits for a line.
pub(crate) const PROMPT: &str = "ready> ";

/// A shell on a terminal of its own, and the terminal's settings before it did anything.
pub(crate) struct Seat {
    pub(crate) terminal: Terminal,
    before: Termios,
    pub(crate) shell: Running,
}

impl Seat {
    /// A shell that runs `clearing run` with `options`, its streams redirected as bash does, then says
    /// `ended CODE` and stays, so that the terminal keeps its session.
    pub(crate) fn run(site: &Site, options: &[&str], command: &[&str], redirected: &str) -> Self {
        let terminal = Terminal::open(site);
        let before = terminal.settings();
        let line = format!(r#"trap : INT; "$@" {redirected}; echo "ended $?"; sleep 60"#);
        let run = site.run(command).args(options).terminal(&terminal);
        let shell = run.through(["bash", "-c", &line, "bash"]).spawn();
        Self { terminal, before, shell }
    }

    /// An interactive shell with job control, in which `$C` is the binary.
    pub(crate) fn interactive(site: &Site) -> Self {
        let terminal = Terminal::open(site);
        let before = terminal.settings();
        let shell = r#"C="$1" exec bash --norc --noprofile -i"#;
        let run = site.run(["true"]).terminal(&terminal).env("PS1", PROMPT).env("TERM", "dumb");
        let shell = run.through(["sh", "-c", shell, "sh"]).spawn();
        let mut seat = Self { terminal, before, shell };
        seat.expect(PROMPT);
        seat
    }

    /// Types.
    pub(crate) fn type_in(&mut self, text: &str) {
        self.terminal.type_in(text);
    }

    /// Types a line and waits until `shown` is shown after its echo.
    #[track_caller]
    pub(crate) fn line(&mut self, line: &str, shown: &str) -> String {
        self.type_in(&format!("{line}\n"));
        self.expect(line);
        self.expect("\n");
        self.expect(shown)
    }

    /// Waits until a text is shown and tells all that was until then.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) -> String {
        self.terminal.read_until(text, PATIENCE)
    }

    /// Waits for the end of `clearing` and demands its code and that all settings are as they were.
    #[track_caller]
    pub(crate) fn expect_end(&mut self, code: i32) -> String {
        let shown = self.expect(&format!("ended {code}\r\n"));
        self.expect_restored();
        shown
    }

    /// Demands that the terminal is set as it was, at once or as soon as the keeper has seen to it.
    #[track_caller]
    pub(crate) fn expect_restored(&self) {
        self.shell.expect("the terminal was never restored", || self.terminal.settings() == self.before);
    }

    /// Waits until the terminal is set otherwise than before: `clearing` has taken it.
    #[track_caller]
    pub(crate) fn expect_taken(&self) {
        self.shell.expect("the terminal was never taken", || self.terminal.settings() != self.before);
    }

    /// Waits until a program of that name runs inside.
    #[track_caller]
    pub(crate) fn expect_inside(&self, program: &str) {
        self.shell.expect("it never ran", || !inside(self.supervisor(), program).is_empty());
    }

    /// Waits until a program of that name runs inside and has the terminal, of which nothing tells.
    #[track_caller]
    pub(crate) fn expect_foreground(&self, program: &str) {
        let is_foreground = |stat: &String| {
            let fields: Vec<&str> = stat.split(' ').collect();
            fields[GROUP] == fields[FOREGROUND]
        };
        let has_it = || inside(self.supervisor(), program).iter().any(is_foreground);
        self.shell.expect("it never had the terminal", has_it);
    }

    /// The shell's oldest child: `clearing` itself.
    pub(crate) fn supervisor(&self) -> Pid {
        *children(self.shell.pid()).first().expect("the shell has started it")
    }

    /// Signals `clearing` itself.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.supervisor(), signal).expect("a child of a child of ours");
    }
}

/// What `/proc/PID/stat` says of each program of that name below a process.
fn inside(process: Pid, program: &str) -> Vec<String> {
    let stats = children(process).into_iter().flat_map(|child| {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).ok();
        stat.into_iter().chain(inside(child, program))
    });
    stats.filter(|stat| stat.contains(&format!("({program})"))).collect()
}
