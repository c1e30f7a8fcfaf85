//! `--lang`: a program that is given as text.

use std::io::{self, Read as _};

use crate::error::Error;
use crate::script::{LONGEST, Lang, Script};

#[derive(Debug, clap::Args)]
pub(super) struct ScriptArguments {
    /// Run a script from standard input: `python`, `node`, …
    ///
    /// By the interpreter of its language: `python`, `node`, `bash`, `ruby` or `perl`.
    #[arg(long, value_name = "LANG", hide_possible_values = true)]
    lang: Option<Lang>,
    /// The script itself, which then has your standard input.
    ///
    /// Others on this host can see it in the command line of `clearing`.
    #[arg(long, value_name = "TEXT", requires = "lang", hide_short_help = true)]
    code: Option<String>,
}

impl ScriptArguments {
    /// The script, if there is to be one.
    pub(super) fn read(&self) -> Result<Option<Script>, Error> {
        let Some(lang) = self.lang else { return Ok(None) };
        if let Some(code) = &self.code {
            return Script::new(lang, code.clone().into_bytes(), true).map(Some);
        }
        let mut code = Vec::new();
        // One byte more is enough to see that it is too long.
        let read = io::stdin().lock().take(LONGEST as u64 + 1).read_to_end(&mut code);
        read.map_err(|error| Error::System("reading the script from standard input", error))?;
        Script::new(lang, code, false).map(Some)
    }
}
