//! `cargo xtask vm`: one command in a throw-away Debian machine under qemu.
//!
//! # Terms
//!
//! - **suite**: the Debian suite whose kernel the machine boots; the rest of it is one image for all.
//! - **init**: who prepares the user's cgroup and starts the command ([`Init`]).
//! - **job**: what one run brings along: the command, the binary, directories ([`Job`]).
//!
//! Nothing is installed outside the cache and nothing of the machine outlives the run: the processor is
//! emulated, there is no network device, and what is written to a disk is dropped. Packages come from the
//! mirror that this host's own apt is configured with.

mod apt;
mod cache;
mod emulator;
mod image;
mod job;
mod kernel;
mod machine;
mod modules;
mod options;
mod proofs;
mod ramdisk;
mod slice;

use std::process::ExitCode;

use crate::{Result, build};
use cache::Cache;
use job::Job;
use machine::{End, Machine};
use options::Options;

pub(crate) use proofs::prove;

/// What timeout(1) exits with.
const TIMED_OUT: u8 = 124;
/// The machine itself failed; what `clearing` exits with when it could not set up.
const FAILED: u8 = 125;

/// Runs one command in a machine of its own; its status is the command's.
pub(crate) fn vm(words: &[&str]) -> Result<ExitCode> {
    let options = Options::parse(words)?;
    let binary = build::release_binary()?;
    let job = match options.proofs {
        true => proofs::all(&binary, options.user, &options.command)?,
        false => Job::new(&options.command).share_all(&options.shares).binary(&binary),
    };
    match start(&options).and_then(|machine| machine.run(&job, options.out.as_deref(), &mut |_| {})) {
        Ok(End::Exited(status)) => Ok(ExitCode::from(status)),
        Ok(End::TimedOut) => {
            eprintln!("xtask vm: stopped at its time limit, {} s", options.timeout.as_secs());
            Ok(ExitCode::from(TIMED_OUT))
        }
        Err(error) => {
            eprintln!("xtask vm: the machine failed: {error}");
            Ok(ExitCode::from(FAILED))
        }
    }
}

/// A machine as the options want it, with everything fetched that it is made of.
fn start(options: &Options) -> Result<Machine> {
    let cache = Cache::open()?;
    let kernel = kernel::ensure(&cache, options.suite)?;
    Ok(Machine {
        emulator: emulator::ensure(&cache)?,
        image: image::ensure(&cache)?,
        kernel,
        init: options.init,
        user: options.user,
        console: options.console.clone(),
        timeout: options.timeout,
    })
}
