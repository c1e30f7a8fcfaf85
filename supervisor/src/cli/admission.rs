//! How many sandboxes live at once, and who waits.

use clearing_rootfs::{Store, Ticket, WhenFull};

use crate::error::Error;

#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct AdmissionArguments {
    /// Wait while so many sandboxes that were started with this option live on the same state directory.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1 << 22))]
    max_sandboxes: Option<u32>,
    /// Give up instead of waiting.
    #[arg(long, requires = "max_sandboxes")]
    no_wait: bool,
}

impl AdmissionArguments {
    /// Waits for a place, if there is a limit; it is the caller's until the ticket is dropped. `tell`
    /// hears the place in the queue.
    pub(super) fn draw(self, tell: impl FnMut(usize)) -> Result<Option<Ticket>, Error> {
        let Some(limit) = self.max_sandboxes else { return Ok(None) };
        let state = Store::default_path(&|name| std::env::var_os(name))?;
        let when_full = if self.no_wait { WhenFull::Refuse } else { WhenFull::Wait };
        Ok(Some(Store::open(&state)?.admit(limit as usize, when_full, tell)?))
    }
}
