//! Commands are judged by what they start, however that is written down.

mod corpus;
mod fuzz;
mod oracle;
mod rules;
mod wrapping;

use clearing_profiles::{Commands, Decision};

use crate::profiles::load;

/// The rules of a profile that has nothing else.
pub(crate) fn commands(text: &str) -> Commands {
    let heading = "extends = \"default\"\nwiden = true\nreason = \"for tests\"\n";
    load(&format!("{heading}{text}")).unwrap_or_else(|error| panic!("{error}")).commands
}

/// What is decided of a text that a shell reads.
pub(crate) fn of_text(commands: &Commands, shell: &str, text: &[u8]) -> Decision {
    commands.judge(&[shell.as_bytes(), b"-c", text]).decision()
}
