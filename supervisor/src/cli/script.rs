//! `--lang`: a program that is given as text.

use std::io::{self, Read as _};

use crate::error::Error;
use crate::script::{LONGEST, Lang, Script};

#[derive(Debug, clap::Args)]
pub(super) struct ScriptArguments {
    /// Run a script, which standard input holds, by this language's interpreter.
    #[arg(long, value_name = "LANG")]
    lang: Option<Lang>,
    /// The script itself, which then has your standard input.
    ///
    /// Others on this host can see it in the command line of `clearing`.
    #[arg(long, value_name = "TEXT", requires = "lang")]
    code: Option<String>,
}

impl ScriptArguments {
    /// The script, if there is to be one.
    pub(super) fn read(self) -> Result<Option<Script>, Error> {
        let Some(lang) = self.lang else { return Ok(None) };
        if let Some(code) = self.code {
            return Script::new(lang, code.into_bytes(), true).map(Some);
        }
        let mut code = Vec::new();
        // One byte more is enough to see that it is too long.
        let read = io::stdin().lock().take(LONGEST as u64 + 1).read_to_end(&mut code);
        read.map_err(|error| Error::System("reading the script from standard input", error))?;
        Script::new(lang, code, false).map(Some)
    }
}
