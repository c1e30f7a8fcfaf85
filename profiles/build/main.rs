//! Compiles the crate's data to Rust: `syscalls/*.toml` into the table that `src/syscalls.rs`
//! includes, `sensitive.toml`, `protected.toml` and `kept.toml` into those of the files of these names, and `builtin/*.toml`, read by the crate's own parser, into `src/builtin.rs`'s.
//!
//! A broken file fails the build at its place: a call named twice, a condition that does not
//! parse, a refused, conditional or surprising call without a reason, a `never` that means nothing,
//! a profile that would not load.

mod builtin;
mod condition;
mod expression;
mod names;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "the rest is for the crate and its callers")]
mod parser;
mod rules;
mod sensitive;
mod source;
mod syscalls;

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use parser::{
    chain, commands, diagnostic, error, heading, limit_values, load, origin, profile, quantity, section,
    sections, sources, stated, suggest, value,
};

fn main() {
    for input in ["build", "builtin", "kept.toml", "protected.toml", "sensitive.toml", "syscalls"] {
        println!("cargo::rerun-if-changed={input}");
    }
    if let Err(complaint) = generate() {
        println!("cargo::error=profiles/{complaint}");
        std::process::exit(1);
    }
}

/// Writes the table first: the profiles are read by it.
fn generate() -> Result<(), String> {
    let files = source::read_all(Path::new("syscalls"))?.leak();
    write("syscalls.rs", &compile_syscalls(files)?);
    write("sensitive.rs", &sensitive::compile()?);
    write("protected.rs", &names::compile_protected()?);
    write("kept.rs", &names::compile_kept()?);
    write("builtin.rs", &builtin::compile()?);
    Ok(())
}

/// The whole generated text: the rules and the calls that no profile can allow, sorted by name.
fn compile_syscalls(files: &'static [source::Source]) -> Result<String, String> {
    let rules = rules::compile(files)?;
    let never = rules::compile_never(files, &rules)?;
    syscalls::provide(&rules, &never);
    let mut table = String::from("pub(super) static TABLE: &[SyscallRule] = &[\n");
    for rule in rules.values() {
        let _ = writeln!(table, "    {},", rule.text);
    }
    table.push_str("];\npub(super) static NEVER: &[(&str, &str)] = &[\n");
    for (name, reason) in never {
        let _ = writeln!(table, "    ({name:?}, {reason:?}),");
    }
    table.push_str("];\n");
    Ok(table)
}

fn write(file: &str, text: &str) {
    let folder = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    let path = Path::new(&folder).join(file);
    fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
