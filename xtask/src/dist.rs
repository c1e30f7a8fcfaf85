//! `cargo xtask dist`: what is shipped, laid as it goes below a prefix such as `/usr/local`.
//!
//! ```text
//!   bin/clearing
//!   share/bash-completion/completions/clearing · share/zsh/site-functions/_clearing · share/fish/…
//!   share/man/man1/clearing*.1
//!   lib/systemd/system/clearing.{service,socket} · lib/systemd/user/… · lib/sysusers.d/clearing.conf
//!   SHA256SUMS (for `sha256sum --check`) · manifest.json (the same with sizes)
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{Result, build, shell};

const SUMS: &str = "SHA256SUMS";
const MANIFEST: &str = "manifest.json";

/// Writes all of it to a directory anew, and has each shell and `man` look at their part.
pub(crate) fn dist(words: &[&str]) -> Result {
    let directory = match words {
        [] => shell::top().join("target/dist"),
        [directory] => PathBuf::from(directory),
        _ => return Err("usage: cargo xtask dist [DIRECTORY]".into()),
    };
    let (binary, papers) = (build::release_binary()?, build::example("papers")?);
    clear(&directory)?;
    let program = directory.join("bin/clearing");
    fs::create_dir_all(directory.join("bin"))?;
    fs::copy(&binary, &program)?;
    shell::run(Command::new(papers).arg(&directory))?;
    lay_units(&directory.join("lib"))?;
    let (shipped, version) = (list(&directory)?, shell::read(Command::new(&program).arg("--version"))?);
    fs::write(directory.join(SUMS), sums(&shipped))?;
    fs::write(directory.join(MANIFEST), manifest(version.trim(), &shipped)?)?;
    check(&directory)?;
    println!(
        "{}: {} files, {} bytes of program",
        directory.display(),
        shipped.len(),
        fs::metadata(&program)?.len()
    );
    Ok(())
}

/// The service's units, and the user that it runs as, where service managers look for them below a prefix.
fn lay_units(lib: &Path) -> Result {
    let units = shell::top().join("supervisor/systemd");
    for (from, to) in [("system", "systemd/system"), ("user", "systemd/user"), ("sysusers.d", "sysusers.d")] {
        let to = lib.join(to);
        fs::create_dir_all(&to)?;
        for file in shell::find_files(&units.join(from), |_| true)? {
            fs::copy(&file, to.join(file.file_name().ok_or("a file has a name")?))?;
        }
    }
    Ok(())
}

/// Removes what an earlier one wrote; a directory of anything else is not ours to empty.
fn clear(directory: &Path) -> Result {
    if directory.join(MANIFEST).exists() {
        fs::remove_dir_all(directory)?;
    } else if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(format!("`{}` is no empty directory", directory.display()).into());
    }
    Ok(fs::create_dir_all(directory)?)
}

/// A file that is shipped.
struct Shipped {
    path: String,
    bytes: usize,
    sha256: String,
}

fn list(directory: &Path) -> Result<Vec<Shipped>> {
    let mut shipped = Vec::new();
    for file in shell::find_files(directory, |_| true)? {
        let content = fs::read(&file)?;
        let path = file.strip_prefix(directory)?.to_string_lossy().into_owned();
        shipped.push(Shipped { path, bytes: content.len(), sha256: hexadecimal(&Sha256::digest(&content)) });
    }
    shipped.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(shipped)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As `sha256sum` writes them.
fn sums(shipped: &[Shipped]) -> String {
    shipped.iter().map(|it| format!("{}  {}\n", it.sha256, it.path)).collect()
}

fn manifest(version: &str, shipped: &[Shipped]) -> Result<String> {
    let file = |it: &Shipped| json!({ "path": it.path, "bytes": it.bytes, "sha256": it.sha256 });
    let files: Vec<_> = shipped.iter().map(file).collect();
    let text = serde_json::to_string_pretty(&json!({
        "version": version, "architecture": std::env::consts::ARCH, "files": files,
    }))?;
    Ok(text + "\n")
}

/// Whoever is to read a file looks at it; one who is not there is named.
fn check(directory: &Path) -> Result {
    shell::run(Command::new("sha256sum").args(["--check", "--quiet", SUMS]).current_dir(directory))?;
    for (program, path) in [
        ("bash", "share/bash-completion/completions/clearing"),
        ("zsh", "share/zsh/site-functions/_clearing"),
        ("fish", "share/fish/vendor_completions.d/clearing.fish"),
    ] {
        match shell::find(program) {
            Some(found) => shell::run(Command::new(found).arg("-n").arg(directory.join(path)))?,
            None => eprintln!("not looked at, without {program}: {path}"),
        }
    }
    if shell::find("man").is_none() {
        eprintln!("not looked at, without man: share/man");
        return Ok(());
    }
    shell::find_files(&directory.join("share/man"), |_| true)?.iter().try_for_each(|page| check_page(page))
}

/// What `man` warns of is a fault of the page's.
fn check_page(page: &Path) -> Result {
    let mut man = Command::new("man");
    man.args(["--warnings", "-E", "UTF-8", "-l"]).arg(page).envs([
        ("LC_ALL", "C.UTF-8"),
        ("MANROFFSEQ", ""),
        ("MANWIDTH", "80"),
    ]);
    let shown = man.output()?;
    let warnings = String::from_utf8_lossy(&shown.stderr);
    if shown.status.success() && warnings.is_empty() {
        return Ok(());
    }
    Err(format!("{}: {}\n{warnings}", page.display(), shown.status).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_here_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        assert!(clear(directory.path()).is_ok());
        fs::write(directory.path().join("letter"), "").unwrap();
        assert!(clear(directory.path()).is_err());
        fs::write(directory.path().join(MANIFEST), "{}").unwrap();
        assert!(clear(directory.path()).is_ok() && !directory.path().join("letter").exists());
    }

    #[test]
    fn units_lie_where_service_managers_look() {
        let directory = tempfile::tempdir().unwrap();
        lay_units(directory.path()).unwrap();
        for path in
            ["systemd/system/clearing.service", "systemd/user/clearing.socket", "sysusers.d/clearing.conf"]
        {
            assert!(directory.path().join(path).is_file(), "{path}");
        }
    }

    #[test]
    fn sums_are_those_that_sha256sum_takes() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("a")).unwrap();
        fs::write(directory.path().join("a/b"), "abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a/b\n";
        assert_eq!(sums(&list(directory.path()).unwrap()), expected);
    }
}
