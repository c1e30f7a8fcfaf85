//! A patch carried out in memory. What is applied afterwards is what was found here, and nothing else.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::class::{Class, Refusal};
use super::entry::{Body, Entry, FileMode, How};
use super::parse::Patch;
use super::stand::Places;
use super::text::{self, Placed};
use super::tree::{Read, Tree};
use crate::commit::repository::Planted;
use crate::compare::Kind;
use crate::diff::blob_of;

/// What a file becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A regular file.
    File {
        /// Whether it holds nothing.
        is_empty: bool,
        /// The twelve bits of its mode.
        mode: u32,
    },
    /// A link, and where it leads.
    Link(Vec<u8>),
}

/// What a file was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Was {
    /// A regular file.
    File {
        /// Whether it held nothing.
        is_empty: bool,
        /// The twelve bits of its mode.
        mode: u32,
    },
    /// A link.
    Link,
}

/// What a patch does to one file, with what it found there.
#[derive(Clone, Debug)]
pub struct Deed {
    /// Where it begins in the patch.
    pub line: usize,
    /// Which files it is about.
    pub how: How,
    /// What is there before; of a file that is made, none.
    pub old: Option<Was>,
    /// What is there afterwards; of a file that is deleted, none.
    pub new: Option<Node>,
    /// Where the hunks were found.
    pub hunks: Vec<Placed>,
    /// Lines that are added and removed; of binary files none.
    pub added: usize,
    /// The same.
    pub removed: usize,
    /// Whether its content is no text.
    pub is_binary: bool,
    /// What it does to a repository without a `.git` that does not land unasked.
    pub(super) planted: Vec<(PathBuf, Planted)>,
    /// All places that a link which it makes leads to and through.
    pub(super) leads: Vec<PathBuf>,
}

/// What a patch that removes something makes or changes, by its path.
#[derive(Debug)]
pub struct Made<'a>(HashMap<&'a OsStr, &'a Node>);

impl<'a> Made<'a> {
    pub(super) fn at(&self, path: &Path) -> Option<&'a Node> {
        self.0.get(path.as_os_str()).copied()
    }
}

/// All that a patch does to a tree, which it was held against and which was not changed.
#[derive(Debug)]
pub struct Simulation {
    /// File by file, in the order of the patch.
    pub deeds: Vec<Deed>,
}

/// A simulation, with the contents that it made: what is applied is what was found, and nothing else.
#[derive(Debug)]
pub struct Prepared {
    /// What is done.
    pub simulation: Simulation,
    /// What the regular files hold that are made or changed, by the number of the deed.
    contents: Vec<Vec<u8>>,
}

/// What a file holds before and afterwards, one file after the other: most contents are needed no longer once it is
/// known that they can be made.
#[derive(Debug, Default)]
struct Desk {
    before: Vec<u8>,
    /// Empty where all that matters is how long it would be.
    after: Vec<u8>,
    length: usize,
    /// Whether it is wanted what files hold afterwards.
    is_wanted: bool,
}

impl Prepared {
    /// What the file of a deed holds afterwards.
    pub fn content(&self, deed: usize) -> &[u8] {
        &self.contents[deed]
    }
}

impl Patch<'_> {
    /// Carries the patch out in memory, upon what the tree has. Every file is read as it was before the
    /// patch, whatever stands first in it. Tells all that does not go together, the first of each file.
    pub fn simulate(&self, tree: &dyn Tree) -> Result<Simulation, Vec<Refusal>> {
        self.carry_out(tree, None)
    }

    /// The same, to be applied.
    pub fn prepare(&self, tree: &dyn Tree) -> Result<Prepared, Vec<Refusal>> {
        let mut contents = Vec::with_capacity(self.entries.len());
        let simulation = self.carry_out(tree, Some(&mut contents))?;
        Ok(Prepared { simulation, contents })
    }

    /// Adds each content to those that are `made`, if somebody wants them.
    fn carry_out(
        &self,
        tree: &dyn Tree,
        mut made: Option<&mut Vec<Vec<u8>>>,
    ) -> Result<Simulation, Vec<Refusal>> {
        let mut room = self.reading.made;
        let mut desk = Desk { is_wanted: made.is_some(), ..Desk::default() };
        let (mut deeds, mut refused) = (Vec::with_capacity(self.entries.len()), Vec::new());
        for entry in &self.entries {
            match self.deed(entry, tree, &mut room, &mut desk) {
                Ok(deed) => deeds.push(deed),
                Err(refusal) => refused.push(refusal.of(entry.how.path()).at(entry.line)),
            }
            if let Some(made) = &mut made {
                made.push(std::mem::take(&mut desk.after));
            }
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        let places = Places::of(&deeds, tree);
        let (planted, leads) = (places.planted()?, places.leads());
        for (deed, (planted, leads)) in deeds.iter_mut().zip(planted.into_iter().zip(leads)) {
            (deed.planted, deed.leads) = (planted, leads);
        }
        Ok(Simulation { deeds })
    }

    fn deed(
        &self,
        entry: &Entry<'_>,
        tree: &dyn Tree,
        room: &mut usize,
        desk: &mut Desk,
    ) -> Result<Deed, Refusal> {
        let mut how = entry.how.clone();
        if let How::Modify(path) = &how
            && entry.may_be_new
            && tree.kind(path)?.is_none()
        {
            how = How::Create(path.clone());
        }
        desk.before.clear();
        desk.after.clear();
        let old = how.source().map(|source| read(tree, source, entry, room, &mut desk.before)).transpose()?;
        let hunks = self.content(entry, old, room, desk)?;
        let is_empty = desk.length == 0;
        let new = match &how {
            How::Delete(_) if !is_empty && matches!(entry.body, Body::Nothing) => {
                return Err(Class::Mismatch.refuse("the patch does not say what the deleted file holds"));
            }
            How::Delete(_) if !is_empty => {
                return Err(Class::Mismatch.refuse("the file holds more than the patch deletes"));
            }
            How::Delete(_) => None,
            _ => Some(node(entry, old, desk)?),
        };
        let (added, removed) = match &entry.body {
            Body::Text(hunks) => hunks.iter().fold((0, 0), |(a, r), hunk| (a + hunk.added, r + hunk.removed)),
            Body::Nothing | Body::Binary { .. } => (0, 0),
        };
        let is_binary = matches!(entry.body, Body::Binary { .. });
        let (planted, leads) = (Vec::new(), Vec::new());
        Ok(Deed { line: entry.line, how, old, new, hunks, added, removed, is_binary, planted, leads })
    }

    /// The content afterwards. What it takes to make it is taken from the `room`, also where that fails: many parts
    /// that are refused cost no more than one.
    fn content(
        &self,
        entry: &Entry<'_>,
        old: Option<Was>,
        room: &mut usize,
        Desk { before, after, length, is_wanted }: &mut Desk,
    ) -> Result<Vec<Placed>, Refusal> {
        // A link is what it holds.
        let is_wanted = *is_wanted || becomes_link(entry, old);
        match &entry.body {
            Body::Nothing => {
                *length = before.len();
                if is_wanted {
                    after.clone_from(before);
                }
                spend(room, *length).map(|()| Vec::new())
            }
            Body::Text(hunks) => {
                let found = text::place(before, hunks, self.reading.without_context)?;
                *length = text::length_after(before, hunks);
                if is_wanted {
                    text::apply(before, hunks, &found, after);
                }
                spend(room, *length).map(|()| found.iter().map(|found| found.placed).collect())
            }
            Body::Binary { data, old, new } => {
                let is_named = |content: &[u8], name: &[u8], is_there: bool| match is_there {
                    true => blob_of(content).as_bytes().eq_ignore_ascii_case(name),
                    false => name.iter().all(|&byte| byte == b'0') && content.is_empty(),
                };
                if !is_named(before, old, entry.how.source().is_some()) {
                    return Err(Class::Mismatch.refuse("the binary file has another content than it says"));
                }
                *after = data.unpack(before, room)?;
                *length = after.len();
                if !is_named(after, new, entry.how.target().is_some()) {
                    return Err(Class::Binary.refuse("its data make another content than it says"));
                }
                Ok(Vec::new())
            }
        }
    }
}

/// What is there before, which must be of the type that the patch says, and what it holds.
fn read(
    tree: &dyn Tree,
    path: &Path,
    entry: &Entry<'_>,
    room: &mut usize,
    content: &mut Vec<u8>,
) -> Result<Was, Refusal> {
    let wants_link = entry.old_mode == Some(FileMode::Link);
    if !wants_link && let Read::File { mode } = tree.file(path, *room, content)? {
        spend(room, content.len())?;
        return Ok(Was::File { is_empty: content.is_empty(), mode });
    }
    refuse_behind_link(tree, path, &|_| false)?;
    match tree.kind(path)? {
        None => Err(Class::Missing.refuse("it is not there").of(path)),
        // What a patch without a mode says of a link may be its target.
        Some(Kind::Symlink) if wants_link || entry.old_mode.is_none() => {
            content.extend_from_slice(tree.target(path)?.as_os_str().as_bytes());
            Ok(Was::Link)
        }
        Some(Kind::Symlink) => Err(Class::Type.refuse("it is a link").of(path)),
        Some(_) if wants_link => Err(Class::Type.refuse("it is no link").of(path)),
        Some(_) => Err(Class::Type.refuse("it is no file").of(path)),
    }
}

/// Takes what is made or read from what is left for all files together.
pub(super) fn spend(room: &mut usize, bytes: usize) -> Result<(), Refusal> {
    let too_much = || Class::Size.refuse("what it makes is larger than is permitted");
    *room = room.checked_sub(bytes).ok_or_else(too_much)?;
    Ok(())
}

/// Nothing on the way to `path` is a link, unless the patch takes it away.
fn refuse_behind_link(tree: &dyn Tree, path: &Path, is_gone: &dyn Fn(&Path) -> bool) -> Result<(), Refusal> {
    let way = path.ancestors().skip(1).filter(|it| !it.as_os_str().is_empty());
    for directory in way {
        if !is_gone(directory) && tree.kind(directory)? == Some(Kind::Symlink) {
            let reason = format!("it lies behind the link `{}`", directory.display());
            return Err(Class::BehindLink.refuse(reason).of(path));
        }
    }
    Ok(())
}

/// What the file becomes, and what it holds then. A link's target is all that it has.
fn node(entry: &Entry<'_>, old: Option<Was>, desk: &mut Desk) -> Result<Node, Refusal> {
    let had = match old {
        Some(Was::File { mode, .. }) => mode & 0o777,
        Some(Was::Link) | None => 0o644,
    };
    match (entry.new_mode, old) {
        (Some(mode), Some(Was::Link)) if mode != FileMode::Link => {
            return Err(Class::Mode.refuse("a link does not become a file by another mode"));
        }
        (Some(FileMode::Link), Some(Was::File { .. })) => {
            return Err(Class::Mode.refuse("a file does not become a link by another mode"));
        }
        _ => {}
    }
    if becomes_link(entry, old) {
        return link(std::mem::take(&mut desk.after));
    }
    let mode = match entry.new_mode {
        Some(FileMode::Executable) => had | (had & 0o444) >> 2,
        Some(FileMode::Regular) => had & !0o111,
        Some(FileMode::Link) | None => had,
    };
    Ok(Node::File { is_empty: desk.length == 0, mode })
}

fn becomes_link(entry: &Entry<'_>, old: Option<Was>) -> bool {
    entry.new_mode == Some(FileMode::Link) || matches!(old, Some(Was::Link))
}

fn link(target: Vec<u8>) -> Result<Node, Refusal> {
    if target.is_empty() || target.contains(&0) || target.len() > 4095 {
        return Err(Class::OutwardLink.refuse("no link has such a target"));
    }
    Ok(Node::Link(target))
}

impl Simulation {
    /// What is made or changed.
    pub fn made(&self) -> Made<'_> {
        // Who asks does so about what is removed.
        let removes = self.deeds.iter().any(|deed| deed.how.removed().is_some());
        let made = self
            .deeds
            .iter()
            .filter(|_| removes)
            .filter_map(|deed| Some((deed.how.target()?, deed.new.as_ref()?)));
        Made(made.map(|(path, node)| (path.as_os_str(), node)).collect())
    }

    /// Every path that is written or removed.
    pub fn paths(&self) -> BTreeSet<&Path> {
        self.deeds.iter().flat_map(|deed| [deed.how.removed(), deed.how.target()]).flatten().collect()
    }
}
