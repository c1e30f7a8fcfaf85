//! Programs that are named, with what the kernel executes besides: interpreters and loaders.
//!
//! And what of a read-only directory may be read so that no other program can: a loader such as `ld.so` needs no
//! more than to read one.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use crate::descent::entries;
use crate::files::{canonical, open_directory, os_str};

/// Where a name is looked for.
#[derive(Debug, Clone, Copy)]
pub struct ProgramSearch<'a> {
    /// Directories for names without a slash, as `PATH` has them.
    pub path: &'a OsStr,
    /// Where other names begin, unless they are absolute.
    pub cwd: &'a Path,
    /// What lies here does not say what else can be executed: anybody may have written it.
    pub project: &'a Path,
}

/// What of a directory may be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readable {
    /// Files and directories that may be read with all that is in them.
    pub read: Vec<PathBuf>,
    /// Directories of which the names may be listed, and no more.
    pub list: Vec<PathBuf>,
}

/// Where programs lie on most hosts, whatever `PATH` says.
const FOLDERS: &[&str] = &[
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/games",
    "/usr/local/games",
    "/usr/libexec",
    "/bin",
    "/sbin",
];
/// The kernel follows as many interpreters.
const DEEPEST: usize = 5;
/// How much of a script the kernel looks at.
const LINE: usize = 256;

impl<'a> ProgramSearch<'a> {
    /// The files that have to be executable for programs of these names to run: they themselves wherever they are
    /// found, the interpreters that they name in turn, and loaders. A program of the project's names none.
    pub fn files<'n>(&self, names: impl IntoIterator<Item = &'n OsStr>) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::new();
        names.into_iter().for_each(|name| self.add(name, &mut files, DEEPEST));
        files
    }

    /// The directories that programs are found in, by their true names.
    pub fn folders(&self) -> BTreeSet<PathBuf> {
        let folders = self.entries().map(Path::to_owned).chain(FOLDERS.iter().map(PathBuf::from));
        folders.filter_map(|folder| canonical(&folder).ok()).collect()
    }

    fn add(&self, name: &OsStr, files: &mut BTreeSet<PathBuf>, left: usize) {
        for candidate in self.candidates(name) {
            let is_file = is_regular(&candidate);
            if left == 0 || !is_file || !files.insert(candidate.clone()) {
                continue;
            }
            let needed = needs(&candidate).unwrap_or_default();
            let is_projects = candidate.starts_with(self.project);
            for needed in needed.iter().filter(|needed| !is_projects || is_loader(needed)) {
                self.add(needed.as_os_str(), files, left - 1);
            }
        }
    }

    fn candidates(&self, name: &OsStr) -> Vec<PathBuf> {
        match name.as_bytes() {
            b"" => Vec::new(),
            text if text.contains(&b'/') => vec![self.cwd.join(name)],
            _ => self.entries().map(|folder| folder.join(name)).collect(),
        }
    }

    fn entries(&self) -> impl Iterator<Item = &'a Path> {
        let entries = self.path.as_bytes().split(|byte| *byte == b':');
        entries.map(|entry| Path::new(OsStr::from_bytes(entry))).filter(|entry| entry.is_absolute())
    }
}

impl Readable {
    /// Of a directory, all but the files in the folders of programs. What is a link is known by where it leads.
    pub fn without(root: &Path, folders: &BTreeSet<PathBuf>) -> Self {
        let mut readable = Self::default();
        readable.add(root, folders);
        readable
    }

    fn add(&mut self, path: &Path, folders: &BTreeSet<PathBuf>) {
        if folders.iter().any(|folder| path.starts_with(folder)) {
            self.list.push(path.to_owned());
            return;
        }
        if !folders.iter().any(|folder| folder.starts_with(path)) {
            self.read.push(path.to_owned());
            return;
        }
        self.list.push(path.to_owned());
        let Ok(opened) = open_directory(path) else { return };
        for entry in entries(opened.as_fd()).unwrap_or_default() {
            if matches!(entry.kind, FileType::Directory | FileType::RegularFile) {
                self.add(&path.join(os_str(&entry.name)), folders);
            }
        }
    }
}

/// Whether it is what starts programs that libraries are loaded for, by its name.
fn is_loader(path: &Path) -> bool {
    super::files::canonical(path).is_ok_and(|path| {
        path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"ld-"))
            && !path.components().any(|part| part.as_os_str() == "bin")
    })
}

/// Whether a regular file is there, behind whatever links: the kernel follows them as well.
fn is_regular(path: &Path) -> bool {
    let opened = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    opened.and_then(fstat).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file())
}

/// What the kernel, or `env` in its place, executes for a file.
fn needs(file: &Path) -> Result<Vec<PathBuf>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = openat(CWD, file, flags, Mode::empty())?;
    let head = read_part(&opened, 0, LINE)?;
    match head.strip_prefix(b"#!") {
        Some(line) => Ok(interpreters(line)),
        None => Ok(loader(&opened, &head)?.into_iter().collect()),
    }
}

/// As much as there is.
fn read_part(file: &OwnedFd, at: u64, length: usize) -> Result<Vec<u8>, Errno> {
    let mut part = vec![0; length];
    let mut have = 0;
    while have < length {
        match rustix::io::pread(file, &mut part[have..], at.saturating_add(have as u64))? {
            0 => break,
            read => have += read,
        }
    }
    part.truncate(have);
    Ok(part)
}

/// Of `#! /usr/bin/env node`: both words.
fn interpreters(line: &[u8]) -> Vec<PathBuf> {
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    let path = |word: &[u8]| PathBuf::from(OsStr::from_bytes(word));
    let Some(first) = words.next().map(path) else { return Vec::new() };
    let by_env = first.file_name() == Some(OsStr::new("env"));
    let mut further = words.filter(|word| !word.starts_with(b"-") && !word.contains(&b'='));
    let named = further.next().filter(|_| by_env).map(path);
    std::iter::once(first).chain(named).collect()
}

/// The loader that a 64-bit ELF file asks for; see elf(5).
fn loader(file: &OwnedFd, head: &[u8]) -> Result<Option<PathBuf>, Errno> {
    const INTERPRETER: u64 = 3;
    let number = |bytes: &[u8], at: usize, length: usize| -> u64 {
        let part = bytes.get(at..at + length).unwrap_or_default();
        part.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return Ok(None);
    }
    let (table, size, count) = (number(head, 32, 8), number(head, 54, 2), number(head, 56, 2));
    let headers = read_part(file, table, usize::try_from(size * count).unwrap_or(0).min(1 << 16))?;
    let length = usize::try_from(size).unwrap_or(0).max(1);
    let Some(header) = headers.chunks(length).find(|header| number(header, 0, 4) == INTERPRETER) else {
        return Ok(None);
    };
    let most = usize::try_from(number(header, 32, 8)).unwrap_or(0).min(4096);
    let name = read_part(file, number(header, 8, 8), most)?;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok((!name.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(name))))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{BTreeSet, OsStr, Path, PathBuf, ProgramSearch, Readable, interpreters};

    #[test]
    fn a_script_needs_its_interpreter_and_what_env_is_to_start() {
        let words = |line: &str| interpreters(line.as_bytes());
        assert_eq!(words("/bin/sh\nrest"), [PathBuf::from("/bin/sh")]);
        assert_eq!(words(" /usr/bin/env node\n"), [PathBuf::from("/usr/bin/env"), PathBuf::from("node")]);
        assert_eq!(words("/usr/bin/env -S A=1 node -x\n")[1], PathBuf::from("node"));
        assert_eq!(words("/bin/awk -f\n"), [PathBuf::from("/bin/awk")]);
        assert!(words("\n").is_empty());
    }

    #[test]
    fn a_program_is_found_with_its_loader_and_a_name_that_is_none_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("tool");
        fs::write(&script, "#!/bin/sh\n").unwrap();
        let path = folder.path().as_os_str();
        let search = ProgramSearch { path, cwd: Path::new("/"), project: Path::new("/project") };
        let files = search.files([OsStr::new("tool"), OsStr::new("absent"), OsStr::new("")]);
        assert!(files.contains(&script) && files.contains(Path::new("/bin/sh")), "{files:?}");
        let is_loader = |file: &&PathBuf| file.to_string_lossy().contains("ld-");
        assert!(files.iter().any(|file| is_loader(&file)), "{files:?}");
        assert!(search.folders().contains(&folder.path().canonicalize().unwrap()));
    }

    #[test]
    fn all_of_a_directory_can_be_read_but_programs() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for path in ["lib/x", "bin", "local/bin", "local/share"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        let folders = BTreeSet::from([root.join("bin"), root.join("local/bin")]);
        let Readable { mut read, mut list } = Readable::without(&root, &folders);
        read.sort();
        list.sort();
        assert_eq!(read, [root.join("lib"), root.join("local/share")]);
        assert_eq!(list, [root.clone(), root.join("bin"), root.join("local"), root.join("local/bin")]);
        let inner = Readable::without(&root.join("bin"), &folders);
        assert_eq!((inner.read.len(), inner.list.len()), (0, 1));
    }
}
