//! What a search found, directory by directory, for the next one.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha1_smol::Sha1;

use super::held::Held;
use super::rules::HideRules;
use super::stale::Stamp;
use crate::files::{read_regular, write_all};

/// A directory, as it was when it was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Directory<Name = Vec<u8>> {
    pub(super) name: Name,
    pub(super) stamp: Stamp,
    /// What matched a rule.
    pub(super) hits: Vec<Hit<Name>>,
    /// How many directories there are in it that were looked into, at any depth.
    pub(super) below: u32,
}

/// A name that matched a rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Hit<Name = Vec<u8>> {
    pub(super) name: Name,
    pub(super) rule: u32,
    /// Of a file that was read to see what it holds, when that was and whether it is hidden.
    pub(super) read: Option<(Stamp, bool)>,
}

/// The directories of one project under one set of rules, each before those in it.
#[derive(Debug)]
pub(super) struct Index<'a> {
    /// Where its file is kept.
    directory: Option<&'a Path>,
    pub(super) project: &'a Path,
    /// What is held of it, or was in the file.
    pub(super) bytes: Arc<Vec<u8>>,
    pub(super) old: Vec<Directory>,
    pub(super) new: Vec<Directory>,
    /// Whether any was read anew.
    pub(super) is_changed: bool,
}

/// Another form of it is another file.
const FORM: &str = "1";
/// More than any project needs; a damaged file must not take all memory.
const LARGEST: usize = 256 << 20;

impl<'a> Index<'a> {
    /// Takes what is held, or reads what there is. Without it everything is read anew, so that no failure is one.
    pub(super) fn open(
        held: &Held,
        directory: Option<&'a Path>,
        project: &'a Path,
        rules: &HideRules,
    ) -> Self {
        let read = || {
            let file = file(directory?, project, rules);
            read_regular(CWD, &file, LARGEST).ok().map(Arc::new)
        };
        let bytes = held.bytes().or_else(read).unwrap_or_default();
        Self { directory, project, bytes, old: Vec::new(), new: Vec::new(), is_changed: false }
    }

    /// Makes the directories of it.
    pub(super) fn decode(&mut self) {
        self.old = postcard::from_bytes(&self.bytes).unwrap_or_default();
        self.new.reserve(self.old.len());
    }

    /// The places of the directories right in one.
    pub(super) fn children(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.old.get(place).map_or(0, |directory| place + 1 + directory.below as usize);
        let next = move |child: &usize| {
            let below = self.old.get(*child)?.below as usize;
            Some(child + 1 + below).filter(|next| *next < end)
        };
        let first = Some(place + 1).filter(|first| *first < end && *first < self.old.len());
        std::iter::successors(first, next).filter(|child| *child < self.old.len())
    }

    /// The same by their names.
    pub(super) fn children_by_name(&self, place: usize) -> HashMap<&[u8], usize> {
        self.children(place).map(|child| (self.old[child].name.as_slice(), child)).collect()
    }

    /// Keeps it for the next search. That this failed only costs time.
    pub(super) fn save(&self, rules: &HideRules) -> Held {
        let Ok(mut bytes) = postcard::to_stdvec(&self.new) else { return Held::default() };
        // What is too young to be trusted is read each time, and most often is what it was.
        if let Some(directory) = self.directory
            && self.is_changed
            && bytes != *self.bytes
        {
            let _ = write(&file(directory, self.project, rules), &bytes);
        }
        bytes.shrink_to_fit();
        Held::of(Arc::new(bytes))
    }
}

fn file(directory: &Path, project: &Path, rules: &HideRules) -> PathBuf {
    let mut hash = Sha1::new();
    let own = [FORM.as_bytes(), project.as_os_str().as_encoded_bytes()];
    for part in own.into_iter().chain(rules.texts().map(str::as_bytes)) {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    directory.join(hash.digest().to_string())
}

/// Two searches at once each write a file of their own; the last one stays.
fn write(file: &Path, bytes: &[u8]) -> Result<(), Errno> {
    let Some(directory) = file.parent() else { return Err(Errno::INVAL) };
    match mkdirat(CWD, directory, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno),
    }
    let own = file.with_extension(std::process::id().to_string());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = openat(CWD, &own, flags, Mode::RUSR | Mode::WUSR)?;
    let written = write_all(&opened, bytes).and_then(|()| renameat(CWD, &own, CWD, file));
    if written.is_err() {
        let _ = unlinkat(CWD, &own, AtFlags::empty());
    }
    written
}

pub(super) fn os_string(name: &[u8]) -> OsString {
    os_str(name).to_owned()
}

pub(super) fn os_str(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}
