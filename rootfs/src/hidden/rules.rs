//! What is hidden, as patterns: names at any depth, or paths from the top, as `.gitignore` writes them.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::HiddenError;
use super::required::Required;
use crate::commit::fold;

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HideRule {
    /// A pattern without `/` matches names at any depth, one with it paths from the top.
    pub pattern: Cow<'static, str>,
    /// Why.
    pub reason: Cow<'static, str>,
    /// Only a file that holds one of these is hidden; any where there is none.
    pub contains: &'static [&'static str],
    /// Names in lower case that it does not mean.
    pub except: &'static [&'static str],
    /// Whether it is looked for also where other people's files are.
    pub everywhere: bool,
}

/// All rules of a profile. Patterns match in any case.
#[derive(Debug, Default)]
pub struct HideRules {
    rules: Vec<HideRule>,
    show: Vec<String>,
    left_out: &'static [&'static str],
    /// What a path must hold for each of them to match it.
    required: OnceLock<Required>,
    compiled: OnceLock<Compiled>,
}

#[derive(Debug, Default)]
struct Compiled {
    hide: Patterns,
    show: Patterns,
}

/// Patterns of names, and of paths, each with its number.
#[derive(Debug, Default)]
struct Patterns {
    names: (GlobSet, Vec<usize>),
    paths: (GlobSet, Vec<usize>),
    /// Those that mean directories alone.
    directories: Vec<bool>,
    /// The first that is no pattern.
    fault: Option<(String, globset::Error)>,
}

impl HideRule {
    /// The rule, for people.
    pub fn words(&self) -> String {
        format!("`{}`: {}", self.pattern, self.reason)
    }
}

impl HideRules {
    /// These rules, but for what `show` matches and what lies in it. In directories named in `left_out` only
    /// rules for everywhere are looked for.
    pub fn new(rules: Vec<HideRule>, show: Vec<String>, left_out: &'static [&'static str]) -> Self {
        Self { rules, show, left_out, ..Self::default() }
    }

    /// The same rules, or those of somebody who has the same ones now: compiled, they take ten times the room of
    /// all else that is known of a project, and many sessions have one profile.
    pub fn shared(self) -> Arc<Self> {
        static KNOWN: Mutex<Vec<Weak<HideRules>>> = Mutex::new(Vec::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|rules| rules.strong_count() > 0);
        if let Some(same) = known.iter().filter_map(Weak::upgrade).find(|rules| rules.is_same(&self)) {
            return same;
        }
        let rules = Arc::new(self);
        known.push(Arc::downgrade(&rules));
        rules
    }

    fn is_same(&self, other: &Self) -> bool {
        let Self { rules, show, left_out, required: _, compiled: _ } = self;
        (rules, show, left_out) == (&other.rules, &other.show, &other.left_out)
    }

    /// Whether nothing is to be hidden.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Fails at a pattern that is none.
    pub(super) fn check(&self) -> Result<(), HiddenError> {
        let Compiled { hide, show } = self.compiled();
        match hide.fault.as_ref().or(show.fault.as_ref()).cloned() {
            Some((pattern, source)) => Err(HiddenError::Pattern { pattern, source }),
            None => Ok(()),
        }
    }

    /// The first rule that matches a path that may be there or not, whatever it holds, or one above it.
    /// `folded` is the path in another spelling ([`super::folded_names`]).
    pub(super) fn names(&self, path: &Path, folded: &Path) -> Option<&HideRule> {
        if !self.may_name(folded) {
            return None;
        }
        let mut above: Vec<_> = path.ancestors().filter(|it| !it.as_os_str().is_empty()).collect();
        above.reverse();
        let last = above.len();
        for (depth, path) in above.iter().enumerate() {
            if self.shows(path) {
                return None;
            }
            let is_out = above[..depth].iter().any(|above| self.leaves_out(super::name_of(above)));
            let mut rules = self.of(path, depth + 1 < last, is_out);
            if let Some(rule) = rules.find(|rule| rule.contains.is_empty()) {
                return Some(rule);
            }
        }
        None
    }

    /// Whether one may match it, or what is above it: most paths hold nothing that any needs, and to see that takes a
    /// fraction of what compiling them does.
    fn may_name(&self, folded: &Path) -> bool {
        let patterns = || self.rules.iter().map(|rule| fold(bare(&rule.pattern)));
        let required = self.required.get_or_init(|| Required::of(patterns()));
        self.compiled.get().is_some() || required.is_met(folded.as_os_str().as_encoded_bytes())
    }

    /// The rules that match one path, not what is above it.
    pub(super) fn of(
        &self,
        path: &Path,
        is_directory: bool,
        is_out: bool,
    ) -> impl Iterator<Item = &HideRule> {
        let rules = self.compiled().hide.matches(path, is_directory);
        let rules = rules.into_iter().filter_map(|number| self.rules.get(number));
        let name = fold(&super::name_of(path).to_string_lossy()).into_owned();
        let rules = rules.filter(move |rule| !rule.except.contains(&&*name));
        rules.filter(move |rule| rule.everywhere || !is_out)
    }

    /// Whether it is an exception, with all that is in it.
    pub(super) fn shows(&self, path: &Path) -> bool {
        !self.show.is_empty() && !self.compiled().show.matches(path, true).is_empty()
    }

    /// Whether a directory of that name holds other people's files.
    pub(super) fn leaves_out(&self, name: &std::ffi::OsStr) -> bool {
        self.left_out.iter().any(|left_out| name == *left_out)
    }

    /// Whether anything is looked for there.
    pub(super) fn looks_everywhere(&self) -> bool {
        self.rules.iter().any(|rule| rule.everywhere)
    }

    pub(super) fn number(&self, rule: &HideRule) -> u32 {
        let place = self.rules.iter().position(|one| one == rule);
        place.and_then(|place| u32::try_from(place).ok()).unwrap_or(u32::MAX)
    }

    pub(super) fn numbered(&self, number: u32) -> Option<&HideRule> {
        self.rules.get(number as usize)
    }

    /// Everything that the outcome of a search depends on.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter().flat_map(|rule| {
            let HideRule { pattern, reason, contains, except, everywhere } = rule;
            let place = if *everywhere { "everywhere" } else { "" };
            let lists = contains.iter().chain(&["|"]).chain(*except).copied();
            [&**pattern, reason, place].into_iter().chain(lists)
        });
        rules.chain(["show"]).chain(self.show.iter().map(String::as_str)).chain(self.left_out.iter().copied())
    }

    /// To compile them takes longer than to look at a thousand directories, which often is all that is done.
    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| Compiled {
            hide: Patterns::of(self.rules.iter().map(|rule| &*rule.pattern)),
            show: Patterns::of(self.show.iter().map(String::as_str)),
        })
    }
}

impl Patterns {
    /// What is no pattern matches nothing, and [`HideRules::check`] tells it.
    fn of<'a>(patterns: impl Iterator<Item = &'a str>) -> Self {
        let (mut names, mut paths) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let mut all = Self::default();
        for (number, pattern) in patterns.enumerate() {
            all.directories.push(pattern.ends_with('/'));
            let folded = fold(bare(pattern));
            let is_name = !pattern.trim_end_matches('/').contains('/');
            let glob = match GlobBuilder::new(&folded).literal_separator(true).build() {
                Ok(glob) => glob,
                Err(error) => {
                    all.fault.get_or_insert((pattern.to_owned(), error));
                    continue;
                }
            };
            if is_name {
                names.add(glob);
                all.names.1.push(number);
            } else {
                paths.add(glob);
                all.paths.1.push(number);
            }
        }
        all.names.0 = names.build().unwrap_or_default();
        all.paths.0 = paths.build().unwrap_or_default();
        all
    }

    fn matches(&self, path: &Path, is_directory: bool) -> Vec<usize> {
        let name = fold(&super::name_of(path).to_string_lossy()).into_owned();
        let mut found: Vec<usize> =
            self.names.0.matches(&name).into_iter().map(|at| self.names.1[at]).collect();
        if !self.paths.1.is_empty() {
            let path = super::folded(path);
            found.extend(self.paths.0.matches(&path).into_iter().map(|at| self.paths.1[at]));
        }
        found.retain(|number| is_directory || !self.directories.get(*number).copied().unwrap_or(false));
        found.sort_unstable();
        found
    }
}

/// The pattern without the slashes that only say where it begins and what it ends at.
fn bare(pattern: &str) -> &str {
    pattern.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/')
}
