//! Ways forward after a failed set-up, on this host.
//!
//! A table of rules (`rules.rs`, `execute.rs`) is asked for the first that fits the failure and the
//! facts of the host. Nothing is read before something failed.

mod blanks;
mod container;
mod distribution;
mod execute;
mod facts;
mod program;
mod rule;
mod rules;
mod source;
mod texts;

use clearing_runtime::Failure;
use nix::libc::{EMFILE, ENFILE};

pub(crate) use container::Container;
pub(crate) use facts::Facts;

/// What can be done about `failure` on this host.
pub(crate) fn of(failure: &Failure) -> Option<String> {
    given(failure, &Facts::of_host())
}

/// What can be done about what one of our own calls was refused.
pub(crate) fn of_call(error: &std::io::Error) -> Option<String> {
    let is_full = matches!(error.raw_os_error(), Some(EMFILE | ENFILE));
    is_full.then(|| texts::NO_DESCRIPTORS.to_owned())
}

/// What can be done about `failure` on a host of which `facts` hold.
pub(crate) fn given(failure: &Failure, facts: &Facts) -> Option<String> {
    let rules = rules::RULES.iter().chain(execute::RULES);
    let rule = rules.into_iter().find(|rule| rule.fits(failure, facts))?;
    Some(blanks::fill(rule.text, failure, facts))
}

#[cfg(test)]
mod tests;
