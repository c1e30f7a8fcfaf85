//! Writes the shell completions and the manual pages of `clearing` to a directory: `papers DIR`.
//!
//! An example and no verb, since the binary need not carry what is written once.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

/// Where each shell looks for what completes `clearing`, below a prefix.
const SHELLS: [(Shell, &str); 3] = [
    (Shell::Bash, "share/bash-completion/completions/clearing"),
    (Shell::Zsh, "share/zsh/site-functions/_clearing"),
    (Shell::Fish, "share/fish/vendor_completions.d/clearing.fish"),
];

const MANUAL: &str = "share/man/man1";

fn main() -> io::Result<()> {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("usage: papers DIR"));
    };
    let mut command = clearing::cli::command();
    for (shell, path) in SHELLS {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "clearing", &mut script);
        write(&directory.join(path), &script)?;
    }
    command.build();
    write_pages(&command, &directory.join(MANUAL))
}

/// A page for the command and one for each verb below it.
fn write_pages(command: &Command, directory: &Path) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    write(&directory.join(format!("{name}.1")), &page(command, &name)?)?;
    let verbs = command.get_subcommands().filter(|verb| verb.get_name() != "help" && !verb.is_hide_set());
    verbs.into_iter().try_for_each(|verb| write_pages(verb, directory))
}

fn page(command: &Command, name: &str) -> io::Result<Vec<u8>> {
    // The examples get a section in which lines stay as they are.
    let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let whole = command.clone().after_long_help("").mut_args(|argument| argument.hide_short_help(false));
    let version = format!("clearing {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(whole).title(name.to_uppercase()).source(version).manual("clearing");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let (notes, examples) = after.split_once("Examples:\n").unwrap_or((&after, ""));
    if !notes.trim().is_empty() {
        write!(page, ".SH NOTES\n{}\n", escaped(notes.trim()))?;
    }
    if !examples.is_empty() {
        write!(page, ".SH EXAMPLES\n.nf\n{}\n.fi\n", escaped(examples.trim_end()))?;
    }
    Ok(page)
}

/// Text that roff takes for nothing else.
fn escaped(text: &str) -> String {
    let plain = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga");
    plain.lines().map(|line| format!("\\&{line}")).collect::<Vec<_>>().join("\n")
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content)
}
