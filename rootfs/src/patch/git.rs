//! git's header of one file: everything between `diff --git` and the content.

use std::path::PathBuf;

use super::class::{Class, Refusal};
use super::entry::{FileMode, How};
use super::header::HeaderLine;
use super::lines::{Lines, trim_end};
use super::name::{self, Until, is_dev_null, stripped, whole_name};

/// What the header says, line by line; each is said once.
#[derive(Default)]
struct Said<'a> {
    old_mode: Option<FileMode>,
    new_mode: Option<FileMode>,
    created: Option<FileMode>,
    deleted: Option<FileMode>,
    rename_from: Option<Vec<u8>>,
    rename_to: Option<Vec<u8>>,
    copy_from: Option<Vec<u8>>,
    copy_to: Option<Vec<u8>>,
    index: Option<Index<'a>>,
    similarity: Option<()>,
    minus: Option<Side>,
    plus: Option<Side>,
}

/// A `---` or `+++` line.
#[derive(PartialEq, Eq)]
enum Side {
    Nothing,
    Name(Vec<u8>),
}

/// The names that git gives to both contents, and the mode that the file had, which it keeps.
struct Index<'a> {
    blobs: [&'a [u8]; 2],
    mode: Option<FileMode>,
}

/// What the header comes to.
pub(super) struct Header<'a> {
    pub(super) how: How,
    pub(super) old_mode: Option<FileMode>,
    pub(super) new_mode: Option<FileMode>,
    pub(super) blobs: Option<[&'a [u8]; 2]>,
    /// Whether it does something even if no content follows.
    pub(super) does_something: bool,
}

/// Reads a header, of which the first line is the next one. None if nothing but that line is there.
pub(super) fn header<'a>(lines: &mut Lines<'a>, strip: usize) -> Result<Option<Header<'a>>, Refusal> {
    let at = lines.number();
    let Some(first) = lines.next() else { return Ok(None) };
    let line = HeaderLine::of(first, strip).ok_or_else(|| Class::Header.refuse("not a header").at(at))?;
    if first.contains(&0) {
        return Err(Class::Nul.refuse("a name has a NUL in it").at(at));
    }
    let mut said = Said::default();
    while let Some(next) = lines.peek() {
        let number = lines.number();
        if !said.take(next, strip).map_err(|refusal| refusal.at(number))? {
            break;
        }
        lines.skip(next);
    }
    if lines.number() == at + 1 {
        return Ok(None);
    }
    said.conclude(line, strip).map(Some).map_err(|refusal| refusal.at(at))
}

impl<'a> Said<'a> {
    /// Takes a line of the header; false if it is none.
    fn take(&mut self, line: &'a [u8], strip: usize) -> Result<bool, Refusal> {
        let Some((key, rest)) = key(line) else { return Ok(false) };
        // Those of renames and copies have no prefix.
        let named = || stripped(&whole_name(rest, Until::End)?, strip.saturating_sub(1));
        let side = || match is_dev_null(rest) {
            true => Ok(Side::Nothing),
            false => stripped(&whole_name(rest, Until::Tab)?, strip).map(Side::Name),
        };
        match key {
            Key::Minus => once(&mut self.minus, side()?),
            Key::Plus => once(&mut self.plus, side()?),
            Key::OldMode => once(&mut self.old_mode, mode(rest)?),
            Key::NewMode => once(&mut self.new_mode, mode(rest)?),
            Key::Deleted => once(&mut self.deleted, mode(rest)?),
            Key::Created => once(&mut self.created, mode(rest)?),
            Key::CopyFrom => once(&mut self.copy_from, named()?),
            Key::CopyTo => once(&mut self.copy_to, named()?),
            Key::RenameFrom => once(&mut self.rename_from, named()?),
            Key::RenameTo => once(&mut self.rename_to, named()?),
            Key::Similarity => once(&mut self.similarity, ()),
            Key::Index => once(&mut self.index, index(trim_end(rest))?),
        }
        .map(|()| true)
    }

    fn conclude(self, line: HeaderLine<'_>, strip: usize) -> Result<Header<'a>, Refusal> {
        self.refuse_contradictions()?;
        let (old, new) = self.names(line, strip)?;
        self.agree(line, &old, &new)?;
        let renamed = (old != new).then_some(new);
        let from = name::path(old)?;
        let to = renamed.map_or_else(|| Ok(from.clone()), name::path)?;
        let index_mode = self.index.as_ref().and_then(|index| index.mode);
        let old_mode = self.deleted.or(self.old_mode).or(index_mode);
        // As git has it: a line that begins with `index` tells what the file was, and makes it nothing else.
        let new_mode = self.created.or(self.new_mode);
        let does_something = self.created.is_some()
            || self.deleted.is_some()
            || self.rename_from.is_some()
            || self.copy_from.is_some()
            || self.old_mode != self.new_mode;
        let how = self.how(from, to)?;
        Ok(Header { how, old_mode, new_mode, blobs: self.index.map(|it| it.blobs), does_something })
    }

    /// A file is made, goes, is renamed or copied, and of these one at most.
    fn refuse_contradictions(&self) -> Result<(), Refusal> {
        let refuse = |reason: &str| Err(Class::Header.refuse(reason));
        let pairs = [(&self.rename_from, &self.rename_to), (&self.copy_from, &self.copy_to)];
        if pairs.iter().any(|(from, to)| from.is_some() != to.is_some()) {
            return refuse("it says only one of the two names");
        }
        if self.old_mode.is_some() != self.new_mode.is_some() {
            return refuse("it says only one of the two modes");
        }
        let [made, gone] = [self.created.is_some(), self.deleted.is_some()];
        let [renamed, copied] = [self.rename_from.is_some(), self.copy_from.is_some()];
        if [made, gone, renamed, copied].iter().filter(|it| **it).count() > 1 {
            return refuse("a file cannot be made, deleted, renamed and copied at once");
        }
        if self.old_mode.is_some() && (made || gone) {
            return refuse("a file that is made or deleted has no other mode before or after");
        }
        let index_mode = self.index.as_ref().and_then(|index| index.mode);
        let said = self.created.or(self.deleted).or(self.new_mode);
        if index_mode.is_some() && said.is_some_and(|said| Some(said) != index_mode) {
            return refuse("it says two modes for one file");
        }
        let is_link = |mode: Option<FileMode>| mode == Some(FileMode::Link);
        if is_link(self.old_mode) != is_link(self.new_mode) {
            return refuse("a file does not become a link by another mode");
        }
        Ok(())
    }

    /// The names before and after. Where the header has no line for one, both are that of its first line.
    fn names(&self, line: HeaderLine<'_>, strip: usize) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
        let pair = self.rename_from.as_ref().zip(self.rename_to.as_ref());
        if let Some((from, to)) = pair.or(self.copy_from.as_ref().zip(self.copy_to.as_ref())) {
            return Ok((from.clone(), to.clone()));
        }
        let of_side = |side: &Option<Side>| match side {
            Some(Side::Name(name)) => Some(name.clone()),
            Some(Side::Nothing) | None => None,
        };
        let (old, new) = (of_side(&self.minus), of_side(&self.plus));
        match (old, new) {
            (Some(old), Some(new)) if old != new => {
                Err(Class::Names.refuse("the names before and after differ, and it is no rename"))
            }
            (Some(name), _) | (None, Some(name)) => Ok((name.clone(), name)),
            (None, None) => match line.common_name() {
                Some(name) => Ok((name.clone(), name)),
                None => Err(Class::Header.refuse(format!(
                    "it has no name that both halves share when {strip} directories are left out"
                ))),
            },
        }
    }

    /// Every line that has a name must have the same one.
    fn agree(&self, line: HeaderLine<'_>, old: &[u8], new: &[u8]) -> Result<(), Refusal> {
        if !line.agrees(old, new) {
            return Err(Class::Names.refuse("the first line names other files than those below"));
        }
        let sides = [
            (&self.minus, old, self.created.is_some(), "---"),
            (&self.plus, new, self.deleted.is_some(), "+++"),
        ];
        for (side, expected, is_nothing, sign) in sides {
            match side {
                None => {}
                Some(Side::Nothing) if is_nothing => {}
                Some(Side::Nothing) => {
                    let reason = format!("`{sign}` says that there is no file, and the header does not");
                    return Err(Class::DevNull.refuse(reason));
                }
                Some(Side::Name(_)) if is_nothing => {
                    let reason = format!("`{sign}` names a file where the header says there is none");
                    return Err(Class::DevNull.refuse(reason));
                }
                Some(Side::Name(name)) if name == expected => {}
                Some(Side::Name(_)) => {
                    return Err(Class::Names.refuse(format!("`{sign}` names another file than the header")));
                }
            }
        }
        Ok(())
    }

    fn how(&self, from: PathBuf, to: PathBuf) -> Result<How, Refusal> {
        if (self.rename_from.is_some() || self.copy_from.is_some()) && from == to {
            return Err(Class::Header.refuse("a file is renamed or copied to its own name"));
        }
        Ok(match self {
            Self { created: Some(_), .. } => How::Create(to),
            Self { deleted: Some(_), .. } => How::Delete(from),
            Self { rename_from: Some(_), .. } => How::Rename { from, to },
            Self { copy_from: Some(_), .. } => How::Copy { from, to },
            _ => How::Modify(to),
        })
    }
}

/// What a line of the header is about.
#[derive(Clone, Copy)]
enum Key {
    Minus,
    Plus,
    OldMode,
    NewMode,
    Deleted,
    Created,
    CopyFrom,
    CopyTo,
    RenameFrom,
    RenameTo,
    Similarity,
    Index,
}

const KEYS: [(&[u8], Key); 15] = [
    (b"index ", Key::Index),
    (b"--- ", Key::Minus),
    (b"+++ ", Key::Plus),
    (b"old mode ", Key::OldMode),
    (b"new mode ", Key::NewMode),
    (b"deleted file mode ", Key::Deleted),
    (b"new file mode ", Key::Created),
    (b"copy from ", Key::CopyFrom),
    (b"copy to ", Key::CopyTo),
    (b"rename from ", Key::RenameFrom),
    (b"rename to ", Key::RenameTo),
    // As the first versions of git had it.
    (b"rename old ", Key::RenameFrom),
    (b"rename new ", Key::RenameTo),
    (b"similarity index ", Key::Similarity),
    (b"dissimilarity index ", Key::Similarity),
];

fn key(line: &[u8]) -> Option<(Key, &[u8])> {
    KEYS.iter().find_map(|(start, key)| line.strip_prefix(*start).map(|rest| (*key, rest)))
}

fn once<T>(field: &mut Option<T>, value: T) -> Result<(), Refusal> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(Class::Header.refuse("it says the same thing twice")),
    }
}

/// Modes that a patch may give; all others are refused, whatever they are for.
fn mode(text: &[u8]) -> Result<FileMode, Refusal> {
    match text.trim_ascii_end() {
        b"100644" => Ok(FileMode::Regular),
        b"100755" => Ok(FileMode::Executable),
        b"120000" => Ok(FileMode::Link),
        b"160000" => Err(Class::Submodule.refuse("it is a submodule")),
        other => {
            let shown = other.get(..16).unwrap_or(other).escape_ascii();
            Err(Class::Mode.refuse(format!("the mode {shown} is neither a file's, a program's nor a link's")))
        }
    }
}

fn index(text: &[u8]) -> Result<Index<'_>, Refusal> {
    let read = || {
        let (blobs, mode) = match text.iter().position(|&byte| byte == b' ') {
            Some(blank) => (&text[..blank], Some(&text[blank + 1..])),
            None => (text, None),
        };
        let dots = blobs.windows(2).position(|two| two == b"..")?;
        let both = [&blobs[..dots], &blobs[dots + 2..]];
        let is_hex = |it: &&[u8]| !it.is_empty() && it.len() <= 64 && it.iter().all(u8::is_ascii_hexdigit);
        both.iter().all(is_hex).then_some((both, mode))
    };
    let (blobs, text) =
        read().ok_or_else(|| Class::Header.refuse("the line that begins with `index` is broken"))?;
    Ok(Index { blobs, mode: text.map(mode).transpose()? })
}
