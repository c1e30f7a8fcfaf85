//! Shared memory and message queues of the host.

use std::ffi::CString;
use std::fs;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;

use nix::mqueue::{MQ_OFlag, MqAttr, mq_open, mq_send, mq_unlink};
use nix::sys::stat::Mode;

use super::file::SecretFile;
use crate::Site;
use crate::site::expect_success;

/// A System V shared memory segment of the caller's, open to everybody.
pub struct SystemVMemory {
    id: u32,
}

impl SystemVMemory {
    /// Makes a segment of one page.
    pub fn make(site: &Site) -> Self {
        let said = expect_success(site.host("ipcmk").args(["--shmem", "4096", "--mode", "0666"]));
        let id = said.trim().rsplit(' ').next().and_then(|id| id.parse().ok());
        Self { id: id.unwrap_or_else(|| panic!("ipcmk says no id: {said}")) }
    }

    /// Its number, for `shmat` and `shmctl`.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether the host still has it.
    pub fn is_intact(&self) -> bool {
        let id = self.id.to_string();
        let segments = fs::read_to_string("/proc/sysvipc/shm").expect("System V memory is listed");
        segments.lines().any(|line| line.split_whitespace().nth(1) == Some(id.as_str()))
    }
}

impl Drop for SystemVMemory {
    fn drop(&mut self) {
        let _ = Command::new("ipcrm").args(["--shmem-id", &self.id.to_string()]).output();
    }
}

/// A file of the caller's in the host's `/dev/shm` that holds a secret.
pub struct PosixMemory(SecretFile);

impl PosixMemory {
    /// Writes it.
    pub fn make(site: &Site) -> Self {
        let secret = super::secret();
        let path = Path::new("/dev/shm").join(super::secret());
        fs::write(&path, &secret).expect("/dev/shm can be written");
        site.own(&path);
        Self(SecretFile::of(path, secret))
    }
}

impl Deref for PosixMemory {
    type Target = SecretFile;

    fn deref(&self) -> &SecretFile {
        &self.0
    }
}

impl Drop for PosixMemory {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path());
    }
}

/// A POSIX message queue of the host's, readable by everybody, with a secret in it.
pub struct MessageQueue {
    name: CString,
    secret: String,
}

impl MessageQueue {
    /// Makes it and sends one message.
    ///
    /// # Errors
    ///
    /// Where the kernel has no message queues.
    pub fn make() -> nix::Result<Self> {
        let secret = super::secret();
        let name = CString::new(format!("/{}", super::secret())).expect("a name without zero bytes");
        let flags = MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL | MQ_OFlag::O_RDWR | MQ_OFlag::O_CLOEXEC;
        // Without attributes `mq_open` of nix passes no mode either, and the C library reads what is not there.
        let attributes = MqAttr::new(0, 10, 1024, 0);
        let queue = mq_open(name.as_c_str(), flags, Mode::from_bits_truncate(0o644), Some(&attributes))?;
        mq_send(&queue, secret.as_bytes(), 1)?;
        Ok(Self { name, secret })
    }

    /// Its name, with the leading slash.
    pub fn name(&self) -> &str {
        self.name.to_str().expect("a name of hexadecimal digits")
    }

    /// What must not come out.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl Drop for MessageQueue {
    fn drop(&mut self) {
        let _ = mq_unlink(self.name.as_c_str());
    }
}
