//! An attack and its control: the same thing done inside the sandbox and on the bare host.

use std::process::Command;

use clearing_tests::{Caller, Output, Site, for_each_caller, skip};

/// What a shell prints last, so that an attack that was never made is no proof.
const MADE: &str = "the attack was made";

/// A site with the probe in its project, as `./probe`.
pub(crate) fn armed(caller: Caller) -> Site {
    let site = Site::new(caller);
    site.install_probe();
    site
}

/// What the probe prints inside; a call's answer is `-1 ERRNO` or `RESULT ok`.
#[track_caller]
pub(crate) fn inside(site: &Site, line: &[&str]) -> String {
    let output = site.run([&["./probe"], line].concat()).output();
    assert!(output.code == Some(0), "the probe failed inside: {line:?}\n{output}");
    output.stdout.trim().to_owned()
}

/// What the probe prints on the bare host, as the same caller.
#[track_caller]
pub(crate) fn outside(site: &Site, line: &[&str]) -> String {
    printed(site.host("./probe").args(line))
}

/// The answer on the bare host in throw-away namespaces, in which the caller is root.
#[track_caller]
pub(crate) fn in_namespaces(site: &Site, line: &[&str]) -> String {
    let mut unshare = site.host("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "--net", "--ipc", "--uts", "--", "./probe"]);
    printed(unshare.args(line))
}

/// Runs a shell script inside and demands that it came to its end.
#[track_caller]
pub(crate) fn attempt(site: &Site, script: &str) -> Output {
    let output = site.run(["sh", "-c", &to_its_end(script)]).output();
    output.expect_stdout(MADE);
    output
}

/// What the same script prints on the bare host, as the same caller.
#[track_caller]
pub(crate) fn control(site: &Site, script: &str) -> String {
    printed(site.host("sh").args(["-c", &to_its_end(script)]))
}

/// Demands that a script that tells a secret outside does not tell it inside.
#[track_caller]
pub(crate) fn assert_keeps(site: &Site, secret: &str, script: &str) {
    let output = attempt(site, script);
    assert!(
        !output.stdout.contains(secret) && !output.stderr.contains(secret),
        "the secret came out\n{output}"
    );
    let told = control(site, script);
    assert!(told.contains(secret), "control: the secret is told outside, not: {told}");
}

/// What a command printed on the bare host, errors last.
#[track_caller]
pub(crate) fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).trim().to_owned()
}

fn to_its_end(script: &str) -> String {
    format!("{script}\necho {MADE}")
}

/// Where the bare kernel is asked for the answer that it would have given.
#[derive(Clone, Copy)]
enum Control {
    /// As the caller, who needs no privilege for the call.
    Caller,
    /// As root. The arguments are such that nothing can come of it.
    Root,
    /// As root of throw-away namespaces.
    Namespaces,
}

/// A call of the probe's that is refused inside and that the bare kernel answers otherwise.
pub(crate) struct Call {
    line: Vec<String>,
    control: Control,
}

impl Call {
    /// A system call: its name and arguments, parted by spaces.
    pub(crate) fn raw(call: &str) -> Self {
        Self::probe(&format!("raw {call}"))
    }

    /// A subcommand of the probe with its arguments, parted by spaces.
    pub(crate) fn probe(line: &str) -> Self {
        Self { line: line.split(' ').map(str::to_owned).collect(), control: Control::Caller }
    }

    /// The kernel itself reserves the call for root: only there the control says something.
    pub(crate) fn control_as_root(mut self) -> Self {
        self.control = Control::Root;
        self
    }

    /// The call takes namespaces of one's own.
    pub(crate) fn control_in_namespaces(mut self) -> Self {
        self.control = Control::Namespaces;
        self
    }

    /// Demands exactly this error inside, and any other answer of the bare kernel.
    #[track_caller]
    pub(crate) fn expect_refusal(self, errno: &str) {
        self.expect_refusal_by_any(&[errno]);
    }

    /// The same where several guards stand one behind the other.
    #[track_caller]
    pub(crate) fn expect_refusal_by_any(self, errnos: &[&str]) {
        let line: Vec<_> = self.line.iter().map(String::as_str).collect();
        for_each_caller(|caller| {
            let site = armed(caller);
            let refusal = inside(&site, &line);
            let expected = errnos.iter().any(|errno| refusal == format!("-1 {errno}"));
            assert!(expected, "inside: {line:?} gives {refusal}, not {errnos:?}");
            if let Some(answer) = self.answer_outside(&site, &line) {
                judge_control(&answer, &refusal);
            }
        });
    }

    fn answer_outside(&self, site: &Site, line: &[&str]) -> Option<String> {
        match self.control {
            Control::Caller => Some(outside(site, line)),
            Control::Namespaces => Some(in_namespaces(site, line)),
            Control::Root => (site.caller() == Caller::Root).then(|| outside(site, line)),
        }
    }
}

#[track_caller]
fn judge_control(answer: &str, refusal: &str) {
    if answer == refusal && refusal == "-1 ENOSYS" {
        skip("control: this kernel itself has no such call");
    } else {
        assert_ne!(answer, refusal, "control: the bare kernel answers");
    }
}
