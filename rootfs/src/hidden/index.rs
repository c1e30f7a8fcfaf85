//! What a search found, directory by directory, for the next one.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha1_smol::Sha1;

use super::rules::HideRules;
use super::stale::Stamp;
use crate::files::{read_regular, write_all};

/// A directory, as it was when it was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Directory {
    pub(super) name: Vec<u8>,
    pub(super) stamp: Stamp,
    /// What matched a rule.
    pub(super) hits: Vec<Hit>,
    /// How many directories there are in it that were looked into, at any depth.
    pub(super) below: u32,
}

/// A name that matched a rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Hit {
    pub(super) name: Vec<u8>,
    pub(super) rule: u32,
    /// Of a file that was read to see what it holds, when that was and whether it is hidden.
    pub(super) read: Option<(Stamp, bool)>,
}

/// The directories of one project under one set of rules, each before those in it.
#[derive(Debug, Default)]
pub(super) struct Index {
    file: Option<PathBuf>,
    pub(super) old: Vec<Directory>,
    pub(super) new: Vec<Directory>,
    /// Whether any was read anew.
    pub(super) is_changed: bool,
}

/// Another form of it is another file.
const FORM: &str = "1";
/// More than any project needs; a damaged file must not take all memory.
const LARGEST: usize = 256 << 20;

impl Index {
    /// Reads what there is. Without it everything is read anew, so that no failure is one.
    pub(super) fn open(directory: Option<&Path>, project: &Path, rules: &HideRules) -> Self {
        let Some(directory) = directory else { return Self::default() };
        let mut hash = Sha1::new();
        let own = [FORM.as_bytes(), project.as_os_str().as_encoded_bytes()];
        for part in own.into_iter().chain(rules.texts().map(str::as_bytes)) {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let file = directory.join(hash.digest().to_string());
        let old = read_regular(CWD, &file, LARGEST).ok().and_then(|bytes| postcard::from_bytes(&bytes).ok());
        let old: Vec<Directory> = old.unwrap_or_default();
        Self { file: Some(file), new: Vec::with_capacity(old.len()), old, is_changed: false }
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
    pub(super) fn save(&self) {
        let Some(file) = self.file.as_ref().filter(|_| self.is_changed) else { return };
        let _ =
            postcard::to_stdvec(&self.new).map_err(|_| Errno::INVAL).and_then(|bytes| write(file, &bytes));
    }
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
    OsStr::from_bytes(name).to_owned()
}
