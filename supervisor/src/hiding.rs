//! What of a project a profile hides from commands.

use std::path::{Component, Path, PathBuf};

use clearing_profiles::{Profile, Sensitive, sensitive};
use clearing_rootfs::{Hidden, HiddenPath, HideRule, HideRules, Hiding, Project, Record, Store};

use crate::error::Error;
use crate::host::Host;
use crate::permission::{Wanted, of_project};
use crate::text::printable;

/// Finds what is hidden of a project, and keeps below the state directory what was found.
pub(crate) fn hidden(profile: &Profile, project: &Project, store: &Store) -> Result<Hidden, Error> {
    Ok(Hidden::search(&project.root, of_profile(profile), Some(&index(store.path())))?)
}

/// The same once more, by the profile that `before` was found by.
pub(crate) fn hidden_again(before: &Hidden, project: &Project, state: &Path) -> Result<Hidden, Error> {
    Ok(before.search_again(&project.root, Some(&index(state)))?)
}

/// What of a project is not the commands' to change.
pub(crate) struct Withheld {
    /// What was hidden from them, and what the session's profile would hide now.
    pub(crate) hiding: Hiding,
    pub(crate) read_only: Vec<PathBuf>,
    /// Names that are kept besides those of the list.
    pub(crate) keep: Vec<String>,
}

/// What a session's profile keeps from its commands.
pub(crate) fn withheld(record: &Record, store: &Store) -> Result<Withheld, Error> {
    let profile = match of_project(Some(record.project())) {
        Ok((host, project)) => {
            Wanted { profile: &record.profile, ..Wanted::default() }.settle(&host, &project)?
        }
        // It is gone, or is no project any more: why it cannot be committed to is told better by who tries.
        Err(_) => Profile::find(&record.profile, Some(&Host::of_caller().configuration()))?,
    };
    let hiding = Hiding::new(of_profile(&profile), &record.hidden, index(store.path()));
    // What no command has run on, none has searched.
    let hiding = if record.execs == 0 { hiding.everywhere() } else { hiding };
    let read_only = read_only(&profile.filesystem.read_only);
    Ok(Withheld { hiding, read_only, keep: profile.patch.keep })
}

fn index(state: &Path) -> PathBuf {
    state.join("hidden")
}

/// What a profile hides.
fn of_profile(profile: &Profile) -> HideRules {
    let filesystem = &profile.filesystem;
    rules(&filesystem.hide, &filesystem.show, filesystem.sensitive)
}

/// Paths that a profile has no command change, from the project's top.
pub(crate) fn read_only(paths: &[String]) -> Vec<PathBuf> {
    paths.iter().map(|path| relative(path)).collect()
}

/// The patterns of a profile, and the list of what is a secret by its name if that is wanted.
pub(crate) fn rules(hide: &[String], show: &[String], is_sensitive_hidden: bool) -> HideRules {
    let Sensitive { rules, left_out } = sensitive();
    let own = hide.iter().map(|pattern| HideRule {
        pattern: pattern.clone().into(),
        reason: "`hide` in [filesystem]".into(),
        contains: &[],
        except: &[],
        everywhere: is_everywhere(pattern, left_out),
    });
    let listed = rules.iter().filter(|_| is_sensitive_hidden).map(|rule| HideRule {
        pattern: rule.pattern.into(),
        reason: rule.reason.into(),
        contains: rule.contains,
        except: rule.except,
        everywhere: false,
    });
    HideRules::new(own.chain(listed).collect(), show.to_vec(), left_out)
}

/// Whether a pattern may match in directories that are left out: one of names, or one whose way there is open.
fn is_everywhere(pattern: &str, left_out: &[&str]) -> bool {
    let pattern = pattern.trim_end_matches('/');
    let leads_there = |name: &str| left_out.contains(&name) || name.contains(['*', '?', '[', '{']);
    pattern.rsplit_once('/').is_none_or(|(way, _)| way.split('/').any(leads_there))
}

/// A path as a profile has it, from the project's top.
pub(crate) fn relative(path: &str) -> PathBuf {
    Path::new(path.trim_start_matches('/')).components().filter(|part| *part != Component::CurDir).collect()
}

/// What a caller is told of it, unless all of it is `known`, which is in order: how many, the first of them, and how to let them
/// in.
pub(crate) fn told(hidden: &Hidden, known: &[HiddenPath]) -> Option<String> {
    /// More would hide what else is told.
    const NAMED: usize = 3;
    let paths = &hidden.paths;
    if paths.iter().all(|hidden| known.binary_search(hidden).is_ok()) {
        return None;
    }
    let named: Vec<_> =
        paths.iter().take(NAMED).map(|hidden| format!("`{}`", printable(&hidden.path.0))).collect();
    let more = paths.len().checked_sub(NAMED + 1).map_or("", |_| ", …");
    let first = named.first()?;
    let (number, are) = if paths.len() == 1 {
        ("one path".to_owned(), "is")
    } else {
        (format!("{} paths", paths.len()), "are")
    };
    Some(format!(
        "{number} of the project {are} hidden: {}{more} (`show = [{}]` in [filesystem] of a profile lets in)",
        named.join(", "),
        first.replace('`', "\"")
    ))
}
