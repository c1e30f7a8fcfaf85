//! A process of the caller's on the host.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};

use crate::Site;

/// A sleeping process that bears a secret in its command line and another in its environment.
pub struct Process {
    child: Child,
    argument_secret: String,
    environment_secret: String,
}

impl Process {
    /// Starts it as the caller; it is killed when dropped.
    pub fn start(site: &Site) -> Self {
        let (argument_secret, environment_secret) = (super::secret(), super::secret());
        let mut command = site.host("sleep");
        command.arg0(&argument_secret).arg("300").env("DECOY_SECRET", &environment_secret);
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("sleep is everywhere");
        Self { child, argument_secret, environment_secret }
    }

    /// Its process id on the host.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What its command line shows.
    pub fn argument_secret(&self) -> &str {
        &self.argument_secret
    }

    /// What its environment shows.
    pub fn environment_secret(&self) -> &str {
        &self.environment_secret
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Killed by an attack already: the proof has failed by then, and there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
