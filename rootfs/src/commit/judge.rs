//! Whether one change may land at all, whatever the project did meanwhile.

use std::path::{Path, PathBuf};

use super::aliases::Aliases;
use super::edit::Edit;
use super::kept::{Harm, KeptNames};
use super::led::{Led, led, led_to_hidden};
use super::links::{leads_out, places};
use super::plan::{Code, Withheld};
use super::protected::{Known, Protected};
use super::repository;
use super::view::View;
use crate::compare::Kind;
use crate::hidden::Hidden;

/// Everything that a judgement looks at.
pub(crate) struct Judge<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) protected: &'a Protected,
    pub(crate) kept: &'a KeptNames,
    pub(crate) hidden: &'a Hidden,
    pub(crate) read_only: &'a [PathBuf],
    pub(crate) aliases: Aliases,
    pub(crate) known: Known<'a>,
}

impl Judge<'_> {
    /// Why the change does not land; none if it may.
    pub(crate) fn withhold(&self, path: &Path, edit: &Edit) -> Option<Withheld> {
        let withheld = |code, reason: String, allow: Option<String>| {
            Some(Withheld { path: path.to_owned(), code, reason, allow })
        };
        if let Some(reason) = self.keep_hidden(path, edit) {
            return withheld(Code::Hidden, reason, None);
        }
        if let Some(named) = self.read_only.iter().find(|named| holds(named, path, edit)) {
            let reason = format!("`{}` is `read_only` in [filesystem] of the profile", named.display());
            return withheld(Code::Protected, reason, None);
        }
        if edit.unread {
            return withheld(Code::Unread, "it cannot be looked into: its mode forbids it".into(), None);
        }
        if let Some(what) = edit.new_kind().and_then(special) {
            return withheld(Code::SpecialFile, format!("{what} never lands"), None);
        }
        let kind = edit.new_kind().or(edit.old_kind());
        let planted = repository::judge(path, kind, self.view);
        if let Some(planted) = planted.filter(|planted| !self.protected.allows(&planted.key)) {
            return withheld(Code::Repository, planted.reason.into(), Some(planted.key));
        }
        if let Some(name) = self.protected.find_known(path, &self.known) {
            return withheld(Code::Protected, name.reason.to_owned(), Some(name.name.to_owned()));
        }
        if let Some(alias) = self.aliases.find(path, self.protected) {
            let reason = format!("`{}` leads here: {}", alias.link.display(), alias.reason);
            return withheld(Code::Protected, reason, Some(alias.name.clone()));
        }
        if let Some((harm, name)) = harm(edit).and_then(|harm| Some((harm, self.kept.find(path, harm)?))) {
            let reason = format!("{}: {}", harm.text(), name.reason);
            return withheld(Code::Kept, reason, Some(name.name.to_string()));
        }
        self.withhold_link(path, edit)
    }

    /// What is hidden stays as it is, and so do the directories that it lies in, modes included.
    fn keep_hidden(&self, path: &Path, edit: &Edit) -> Option<String> {
        if let Some(rule) = self.hidden.keeps(path) {
            return Some(format!("it is hidden by {rule}"));
        }
        let below = self.hidden.below(path).filter(|_| edit.old.is_some())?;
        Some(format!("it holds `{}`, which is hidden by {}", below.path.0.display(), below.rule))
    }

    fn withhold_link(&self, path: &Path, edit: &Edit) -> Option<Withheld> {
        let target = edit.new.as_ref()?.target()?;
        if let Some(reason) = leads_out(path, target, self.view) {
            let reason = format!("the link to `{}` is not taken: {reason}", target.display());
            return Some(Withheld { path: path.to_owned(), code: Code::OutwardLink, reason, allow: None });
        }
        let places = places(path, target, self.view);
        if let Some(reason) = led_to_hidden(&places, self.hidden) {
            return Some(Withheld { path: path.to_owned(), code: Code::Hidden, reason, allow: None });
        }
        let led = led(&places, self.protected)?;
        let code = if led.name == Led::GIT { Code::Repository } else { Code::Protected };
        let allow = Some(led.name.to_owned());
        Some(Withheld { path: path.to_owned(), code, reason: led.text(), allow })
    }
}

/// What is done to a file that the project has, besides changing what it holds. One that has another name is gone
/// under this one.
fn harm(edit: &Edit) -> Option<Harm> {
    let old = edit.old.as_ref().filter(|old| old.kind == Kind::File)?;
    let Some(new) = &edit.new else { return Some(Harm::Delete) };
    if new.kind != Kind::File {
        return Some(Harm::Link);
    }
    if new.size == 0 && old.size > 0 {
        return Some(Harm::Truncate);
    }
    (old.mode & 0o111 == 0 && new.mode & 0o111 != 0).then_some(Harm::Program)
}

/// Whether what is done under a path changes what is to stay as it is, or takes away what leads there.
fn holds(named: &Path, path: &Path, edit: &Edit) -> bool {
    path.starts_with(named) || (named.starts_with(path) && edit.old.is_some() && !edit.stays_directory())
}

fn special(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Device => Some("a device node"),
        Kind::Fifo => Some("a named pipe"),
        Kind::Socket => Some("a socket"),
        Kind::File | Kind::Directory | Kind::Symlink => None,
    }
}
