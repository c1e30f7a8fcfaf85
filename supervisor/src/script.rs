//! Programs given as text: the interpreter runs a file that the command lays into its own `/tmp`.
//!
//! The text is in no command line, in no variable and in no file of the host's. What it imports is found as if it lay
//! in the working directory.

use std::borrow::Cow;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use clearing_runtime::spec::{ExecSpec, Laid};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::digest::sha256;
use crate::error::Error;

/// What the text is written in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Lang {
    Python,
    Node,
    Bash,
    Ruby,
    Perl,
}

/// A program given as text.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) lang: Lang,
    pub(crate) code: Vec<u8>,
    /// Whether it has the caller's standard input; else it has an empty one.
    pub(crate) has_input: bool,
    /// The name of its directory, which nobody can know beforehand.
    directory: String,
}

/// More is no script.
pub(crate) const LONGEST: usize = 4 << 20;
/// In place of the file's name, which is another one each time: a program from standard input.
const FROM_INPUT: &str = "-";
/// Lets node resolve what a script names as if it lay in the working directory.
const RESOLVE: &[u8] = include_bytes!("script/resolve.cjs");

impl Lang {
    /// The program that runs it, found along `PATH`.
    fn interpreter(self) -> &'static str {
        match self {
            Self::Python => "python3",
            Self::Node => "node",
            Self::Bash => "bash",
            Self::Ruby => "ruby",
            Self::Perl => "perl",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Python => "script.py",
            Self::Node => "script.js",
            Self::Bash => "script.sh",
            Self::Ruby => "script.rb",
            Self::Perl => "script.pl",
        }
    }
}

impl Script {
    pub(crate) fn new(lang: Lang, code: Vec<u8>, has_input: bool) -> Result<Self, Error> {
        if code.len() > LONGEST {
            return Err(Error::Request(format!("the script has more than {LONGEST} bytes")));
        }
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(|errno| Error::System("getrandom", errno.into()))?;
        let directory = format!("clearing-{:016x}", u64::from_le_bytes(random));
        Ok(Self { lang, code, has_input, directory })
    }

    /// The command that stands for it in a request: its interpreter, and the arguments.
    pub(crate) fn command(&self, arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
        let words = [self.lang.interpreter(), FROM_INPUT].map(OsString::from);
        words.into_iter().chain(arguments).collect()
    }

    /// What the rules on commands are asked about: text of a shell's is read as that of `bash -c`.
    pub(crate) fn judged<'c>(&self, command: &'c [OsString]) -> Cow<'c, [OsString]> {
        if self.lang != Lang::Bash {
            return Cow::Borrowed(command);
        }
        let code = OsString::from_vec(self.code.clone());
        let words = [command[0].clone(), "-c".into(), code, self.lang.file().into()];
        Cow::Owned(words.into_iter().chain(command.iter().skip(2).cloned()).collect())
    }

    /// What the record has of it.
    pub(crate) fn mark(&self) -> Value {
        json!({ "script": { "lang": self.lang, "sha256": sha256(&self.code), "bytes": self.code.len() } })
    }

    /// Has the command lay the script below `temporary`, a directory inside, and run it.
    pub(crate) fn lay(&self, exec: &mut ExecSpec, temporary: &Path) -> Result<(), Error> {
        let directory = temporary.join(&self.directory);
        let mut words = vec![c_string(directory.join(self.lang.file()))?];
        let mut files = vec![(c_string(self.lang.file().into())?, self.code.clone())];
        match self.lang {
            Lang::Node => {
                files.push((c"resolve.cjs".into(), RESOLVE.to_vec()));
                words.splice(0..0, [c"--require".into(), c_string(directory.join("resolve.cjs"))?]);
            }
            Lang::Python => import_from(exec)?,
            Lang::Bash | Lang::Ruby | Lang::Perl => {}
        }
        exec.argv.splice(1..2, words);
        exec.laid = Some(Laid { directory: c_string(directory)?, files });
        Ok(())
    }
}

/// Python looks for modules where a script lies. In the working directory, too, it looks for those of `python3 -`.
fn import_from(exec: &mut ExecSpec) -> Result<(), Error> {
    const NAME: &[u8] = b"PYTHONPATH=";
    let known = exec.environment.iter().position(|variable| variable.as_bytes().starts_with(NAME));
    let before = known.map(|index| exec.environment.remove(index));
    let before = before.as_ref().map_or(&b""[..], |variable| &variable.as_bytes()[NAME.len()..]);
    let separator: &[u8] = if before.is_empty() { b"" } else { b":" };
    let path = [NAME, exec.cwd.as_bytes(), separator, before].concat();
    exec.environment.push(c_string(PathBuf::from(OsStr::from_bytes(&path)))?);
    Ok(())
}

fn c_string(path: PathBuf) -> Result<CString, Error> {
    CString::new(path.into_os_string().into_vec())
        .map_err(|_| Error::Request("the place of the script holds a NUL byte".into()))
}
