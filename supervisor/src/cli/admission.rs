//! How many sandboxes live at once, and who waits.

use clearing_rootfs::WhenFull;

use crate::admission::Admission;

#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct AdmissionArguments {
    /// Wait while so many sandboxes that were started with this option live on the same state directory.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1 << 22), hide_short_help = true)]
    max_sandboxes: Option<u32>,
    /// Give up instead of waiting.
    #[arg(long, requires = "max_sandboxes", hide_short_help = true)]
    no_wait: bool,
}

impl AdmissionArguments {
    /// None when everybody is admitted.
    pub(super) fn given(self) -> Option<Admission> {
        let when_full = if self.no_wait { WhenFull::Refuse } else { WhenFull::Wait };
        self.max_sandboxes.map(|limit| Admission { limit: limit as usize, when_full })
    }
}
