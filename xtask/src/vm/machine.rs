//! A machine that runs one job and is gone.
//!
//! ```text
//!  stdout ◀── port 1 ──┐
//!  stderr ◀── port 2 ──┤  guest: init ▶ small | systemd ▶ run ▶ the command
//!  status ◀── port 3 ──┤              finish: status, and what lies in --out as an archive
//!  archive ◀─ port 4 ──┘
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::emulator::Emulator;
use super::job::{Job, Setting};
use super::kernel::Kernel;
use super::options::{Init, User};
use super::ramdisk;
use crate::{Result, relay, shell};

/// On a disk: what a machine writes to its disks lies there meanwhile.
const TEMPORARY: &str = "/var/tmp";

/// Two processors, as the hosts have that this runs on.
const PROCESSORS: &str = "2";
const MEMORY: &str = "2048M";

/// `cx16=off`: qemu 7.2 leaves wrong flags after `cmpxchg16b`, on which the kernel's allocator faults at boot.
/// `la57=off`: one level of page tables less to emulate.
const PROCESSOR: &str = "max,la57=off,cx16=off";

/// Nothing is measured or guarded against that emulation has not.
const KERNEL_LINE: &str = "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on tsc=reliable \
                           no_timer_check systemd.show_status=no";

/// How a run ended whose machine did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The command ended, with this status.
    Exited(u8),
    /// The time limit passed.
    TimedOut,
}

/// Everything that a machine is made of.
pub(super) struct Machine {
    pub(super) emulator: Emulator,
    pub(super) kernel: Kernel,
    pub(super) image: PathBuf,
    pub(super) init: Init,
    pub(super) user: User,
    /// Where the kernel's messages go, if anybody wants them.
    pub(super) console: Option<PathBuf>,
    pub(super) timeout: Duration,
}

impl Machine {
    /// Boots, runs the job, passes on what it prints and shows each line of standard output to `see`.
    /// What the command leaves in the directory `out` comes back into the host's.
    pub(super) fn run(
        &self,
        job: &Job,
        out: Option<&Path>,
        see: &mut (dyn FnMut(&str) + Send),
    ) -> Result<End> {
        let place = tempfile::Builder::new().prefix("clearing-vm-").tempdir_in(TEMPORARY)?;
        let place = place.path();
        let disk = job.disk(place, &Setting { init: self.init, user: self.user, out })?;
        let mut command = self.command(place, &ramdisk::make(&self.kernel, place)?, &disk);
        let mut emulator = command.spawn().map_err(|error| format!("qemu: {error}"))?;
        let ended = relay::both(&mut emulator, see, |emulator| wait(emulator, self.timeout))?;
        if let Some(console) = &self.console {
            fs::copy(place.join("console"), console)?;
        }
        let Some(ended) = ended else { return Ok(End::TimedOut) };
        let status = fs::read_to_string(place.join("status")).unwrap_or_default();
        let Ok(status) = status.trim().parse() else {
            let console = fs::read(place.join("console")).unwrap_or_default();
            return Err(format!("it ended without a status ({ended})\n{}", last_lines(&console)).into());
        };
        if let Some(out) = out {
            let archive = place.join("archive");
            shell::read(
                Command::new("tar").args(["-x", "--no-same-owner", "-f"]).arg(archive).arg("-C").arg(out),
            )?;
        }
        Ok(End::Exited(status))
    }

    fn command(&self, place: &Path, ramdisk: &Path, job: &Path) -> Command {
        // Whatever ends this chore ends the machine.
        let mut command = Command::new("setpriv");
        let emulator = self.emulator.command();
        command.args(["--pdeathsig", "KILL"]).arg(emulator.get_program()).args(emulator.get_args());
        command.args(["-M", "q35,usb=off,vmport=off,smm=off", "-accel", "tcg,thread=multi,tb-size=256"]);
        command.args(["-cpu", PROCESSOR, "-smp", PROCESSORS, "-m", MEMORY]);
        command.args([
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-monitor",
            "none",
            "-no-reboot",
        ]);
        command.args(["-nic", "none", "-device", "virtio-rng-pci", "-append", KERNEL_LINE]);
        command.arg("-kernel").arg(self.kernel.image()).arg("-initrd").arg(ramdisk);
        command.args(["-serial", &format!("file:{}", place.join("console").display())]);
        for (name, file) in [("root", self.image.as_path()), ("job", job)] {
            command.args(["-drive", &drive(name, file)]);
            command.args(["-device", &format!("virtio-blk-pci,drive={name}")]);
        }
        command.args(["-device", "virtio-serial-pci,max_ports=5"]);
        let [stdout, stderr] = [PathBuf::from("/dev/stdout"), PathBuf::from("/dev/stderr")];
        let ports = [stdout, stderr, place.join("status"), place.join("archive")];
        for (number, file) in (1..).zip(ports) {
            command.args(["-chardev", &format!("file,id=port{number},path={}", file.display())]);
            command.args(["-device", &format!("virtserialport,chardev=port{number},nr={number}")]);
        }
        command.env("TMPDIR", place);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// A disk of which nothing is kept: what is written lies in a temporary file.
fn drive(name: &str, file: &Path) -> String {
    format!("file={},format=raw,if=none,id={name},snapshot=on,cache=unsafe,aio=threads", file.display())
}

/// Waits for its end, or ends it after `patience`.
fn wait(emulator: &mut Child, patience: Duration) -> Result<Option<ExitStatus>> {
    let end = Instant::now() + patience;
    while Instant::now() < end {
        if let Some(status) = emulator.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(20));
    }
    emulator.kill()?;
    emulator.wait()?;
    Ok(None)
}

fn last_lines(console: &[u8]) -> String {
    let text = String::from_utf8_lossy(console);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
