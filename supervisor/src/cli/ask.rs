//! Questions that only a person can answer, or `--yes`.

use std::io::{self, IsTerminal as _};

use super::talk::say;
use crate::error::Error;

#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct AskArguments {
    /// Answer every question with yes.
    #[arg(short, long)]
    yes: bool,
}

impl AskArguments {
    /// Whether it may be done. Where nobody can be asked it may not, and that is an error.
    pub(super) fn confirm(self, question: &str) -> Result<bool, Error> {
        if self.yes {
            return Ok(true);
        }
        ask(question)?.ok_or_else(|| Error::Unconfirmed(question.to_owned()))
    }
}

/// What a person at the terminal answers; nothing where there is none.
pub(super) fn ask(question: &str) -> Result<Option<bool>, Error> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    say(&format!("clearing: {question} [y/N] "));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| Error::System("reading the answer", error))?;
    Ok(Some(matches!(answer.trim(), "y" | "Y" | "yes")))
}
