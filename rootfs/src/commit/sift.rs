//! From everything that differs to what lands, what stays behind and what is disputed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::arrange::{Accepted, AllAccepted, arrange, drop_homeless, keep_occupied, landing_mode};
use super::conflict::conflict;
use super::edit::{Edit, Edits};
use super::judge::Judge;
use super::merge::{merge, read_project};
use super::plan::{Action, Code, Conflict, Did, Differs, Landing, Plan, Shown, Told, Withheld};
use super::repository::Repositories as _;
use super::select::Selection;
use super::target::Target;
use crate::compare::Kind;
use crate::seen::{Memory, Seen};
use crate::sighting::Sighting;

/// What every change goes through.
pub(crate) struct Sieve<'a> {
    pub(crate) judge: &'a Judge<'a>,
    pub(crate) seen: &'a Seen,
    pub(crate) selection: &'a Selection,
    pub(crate) target: &'a Target,
    pub(crate) merge: bool,
}

/// The changes, sorted.
#[derive(Default)]
struct Sorted {
    accepted: AllAccepted,
    not_chosen: AllAccepted,
    /// What the project has and keeps, though the session shows something else.
    staying: Vec<PathBuf>,
    /// The last directory that stays though something else should stand in its place.
    closed: Option<PathBuf>,
    /// What of that the project alone has made.
    gained: Vec<PathBuf>,
    plan: Plan,
}

impl Sieve<'_> {
    pub(crate) fn plan(&self, edits: Edits) -> Plan {
        let mut sorted = Sorted::default();
        for (path, edit) in &edits {
            self.sort(path, edit, &mut sorted);
        }
        sorted.choose_parents();
        sorted.dispute_gains(&edits);
        sorted.settle_places(&|path| self.judge.view.in_project(path) == Some(Kind::Directory));
        sorted.plan.not_chosen = sorted.not_chosen.len() as u64;
        sorted.plan.partial = self.merge;
        sorted.finish()
    }

    fn sort(&self, path: &Path, edit: &Edit, sorted: &mut Sorted) {
        let nothing_new =
            !edit.unread && (self.seen.is_settled(path, edit.new.as_ref()) || is_same_mode(edit));
        if nothing_new {
            sorted.stays(path, edit);
            return;
        }
        if self.is_the_projects_own(path, edit) {
            sorted.gained.push(path.to_owned());
            sorted.stays(path, edit);
            return;
        }
        let withheld = match &sorted.closed {
            Some(closed) if path.starts_with(closed) => {
                Some(occupied(path.to_owned(), "what should stand in place of its directory does not land"))
            }
            _ => self.judge.withhold(path, edit),
        };
        if let Some(withheld) = withheld {
            if edit.old_kind() == Some(Kind::Directory) && edit.new.is_some() && !edit.stays_directory() {
                sorted.closed = Some(path.to_owned());
            }
            sorted.plan.withheld.push(withheld);
            sorted.stays(path, edit);
            return;
        }
        let chosen = self.selection.holds(path);
        let content = |now: &Sighting| read_project(self.target, path, now);
        match conflict(path, edit, self.seen, &content) {
            Some(_) if !chosen => sorted.stays(path, edit),
            Some(conflict) => self.dispute(path, edit, conflict, sorted),
            None if chosen => sorted.accept(path, edit, None),
            None => {
                let accepted = Accepted { edit: edit.clone(), merged: None };
                sorted.not_chosen.insert(path.to_owned(), accepted);
            }
        }
    }

    /// Whether the project made it, and the session has neither seen nor touched it.
    fn is_the_projects_own(&self, path: &Path, edit: &Edit) -> bool {
        edit.new.is_none() && edit.old.is_some() && self.seen.of(path) == Memory::Known(None)
    }

    fn dispute(&self, path: &Path, edit: &Edit, conflict: Conflict, sorted: &mut Sorted) {
        let merged =
            if self.merge { merge(path, edit, self.seen, self.target, self.judge.view) } else { None };
        match merged {
            Some(merged) => sorted.accept(path, edit, Some((merged.content, merged.mode))),
            None => {
                sorted.plan.conflicts.push(conflict);
                sorted.stays(path, edit);
            }
        }
    }
}

/// A directory whose mode differs in bits only that no commit changes.
fn is_same_mode(edit: &Edit) -> bool {
    match (&edit.old, &edit.new) {
        (Some(old), Some(new)) if edit.stays_directory() => landing_mode(old.mode, new.mode) == old.mode,
        _ => false,
    }
}

impl Sorted {
    fn stays(&mut self, path: &Path, edit: &Edit) {
        if edit.old.is_some() || edit.unread {
            self.staying.push(path.to_owned());
        }
    }

    fn accept(&mut self, path: &Path, edit: &Edit, merged: Option<(Vec<u8>, u32)>) {
        self.accepted.insert(path.to_owned(), Accepted { edit: edit.clone(), merged });
    }

    /// What is asked for brings along the new directories that lead to it.
    fn choose_parents(&mut self) {
        let needed: Vec<PathBuf> = self
            .accepted
            .iter()
            .filter(|(_, it)| it.edit.new.is_some())
            .flat_map(|(path, _)| path.ancestors().skip(1))
            .filter(|above| {
                let unchosen = self.not_chosen.get(*above);
                unchosen.is_some_and(|it| {
                    it.edit.new_kind() == Some(Kind::Directory) && !it.edit.stays_directory()
                })
            })
            .map(Path::to_owned)
            .collect();
        for path in needed {
            if let Some(it) = self.not_chosen.remove(&path) {
                self.accepted.insert(path, it);
            }
        }
    }

    /// A directory that is to go and has gained something is disputed.
    fn dispute_gains(&mut self, edits: &Edits) {
        for path in &self.gained {
            let goes = |above: &Path| {
                edits
                    .get(above)
                    .is_some_and(|edit| edit.old_kind() == Some(Kind::Directory) && !edit.stays_directory())
            };
            let disputed =
                path.ancestors().skip(1).any(|above| goes(above) && self.accepted.contains_key(above));
            if disputed {
                let (session, project) = (Did::Deleted, Did::Added);
                self.plan.conflicts.push(Conflict { path: path.clone(), session, project });
            }
        }
    }

    /// Leaves out what cannot stand where it should.
    fn settle_places(&mut self, is_directory_in_project: &dyn Fn(&Path) -> bool) {
        let unchosen = self.not_chosen.iter().filter(|(_, it)| it.edit.old.is_some());
        let staying: Vec<&Path> = self
            .staying
            .iter()
            .map(PathBuf::as_path)
            .chain(unchosen.map(|(path, _)| path.as_path()))
            .collect();
        let before: BTreeMap<PathBuf, bool> = self
            .accepted
            .iter()
            .filter(|(_, it)| it.edit.old_kind() == Some(Kind::Directory))
            .map(|(path, it)| (path.clone(), it.edit.new.is_some()))
            .collect();
        for path in keep_occupied(&mut self.accepted, staying.into_iter()) {
            if before.get(&path) == Some(&true) {
                self.plan.withheld.push(occupied(path, "what it would replace is still in use"));
            } else {
                self.plan.told.push(Told { path, difference: Differs::DirectoryKept });
            }
        }
        for path in drop_homeless(&mut self.accepted, is_directory_in_project) {
            self.plan.withheld.push(occupied(path, "the directory that it would stand in does not land"));
        }
    }

    fn finish(self) -> Plan {
        let Self { accepted, mut plan, .. } = self;
        for (path, it) in &accepted {
            plan.told.extend(told(path, &it.edit));
            plan.lands.push(landing(path, it));
            plan.shown.push(Shown {
                path: path.clone(),
                shown: it.edit.new.clone(),
                is_new: !it.edit.stays_directory(),
                merged: it.merged.is_some(),
            });
        }
        if !plan.is_refused() {
            plan.order = arrange(&accepted);
        }
        plan
    }
}

fn occupied(path: PathBuf, reason: &str) -> Withheld {
    Withheld { path, code: Code::Occupied, reason: reason.to_owned(), allow: None }
}

fn landing(path: &Path, it: &Accepted) -> Landing {
    let action = match (&it.edit.old, &it.edit.new) {
        (_, None) => Action::Delete,
        (None, Some(_)) => Action::Make,
        _ if it.edit.stays_directory() => Action::Mode,
        _ => Action::Replace,
    };
    let kind = it.edit.new_kind().or(it.edit.old_kind()).unwrap_or(Kind::File);
    Landing { path: path.to_owned(), action, kind, merged: it.merged.is_some() }
}

fn told(path: &Path, edit: &Edit) -> Vec<Told> {
    let Some(new) = &edit.new else { return Vec::new() };
    let kept = edit.old.as_ref().filter(|_| edit.stays_directory()).map_or(0, |old| old.mode);
    let stripped = new.kind != Kind::Symlink && new.mode & 0o7000 & !kept != 0;
    let parted = new.kind == Kind::File && edit.links > 1;
    let told = |difference| Told { path: path.to_owned(), difference };
    let all = [(stripped, Differs::BitsStripped), (parted, Differs::HardLinkParted)];
    all.into_iter().filter(|(holds, _)| *holds).map(|(_, difference)| told(difference)).collect()
}
