//! Compiles `syscalls/*.toml` into the table that `src/syscalls.rs` includes.
//!
//! A broken file fails the build at its place: a call named twice, a condition that does not
//! parse, a refused, conditional or surprising call without a reason, a `never` that means nothing.

mod condition;
mod rules;
mod source;

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use source::Source;

fn main() {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=syscalls");
    match source::read_all(Path::new("syscalls")).and_then(|files| generate(&files)) {
        Ok(table) => write_table(&table),
        Err(complaint) => {
            println!("cargo::error=profiles/{complaint}");
            std::process::exit(1);
        }
    }
}

/// The whole generated text: the rules and the calls that no profile can allow, sorted by name.
fn generate(files: &[Source]) -> Result<String, String> {
    let rules = rules::compile(files)?;
    let never = rules::compile_never(files, &rules)?;
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

fn write_table(table: &str) {
    let folder = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    let path = Path::new(&folder).join("syscalls.rs");
    fs::write(&path, table).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
