//! Things of the host's that a command must not reach, made by the proof and removed with it.
//!
//! All of them belong to the caller, so that nothing but the sandbox keeps the command away: outside
//! of it the caller reaches every one, which is the control that shows that a proof can fail.

mod file;
mod memory;
mod process;
mod socket;
mod terminal;

pub use file::SecretFile;
pub use memory::{MessageQueue, PosixMemory, SystemVMemory};
pub use process::Process;
pub use socket::{AbstractSocket, PathSocket, TcpPort, UdpPort};
pub use terminal::Terminal;

/// A text that occurs nowhere else on the host.
pub fn secret() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("clearing-secret-{:016x}", RandomState::new().hash_one(std::process::id()))
}
