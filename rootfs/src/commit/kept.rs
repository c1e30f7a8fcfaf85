//! Names that others rely on: what they hold may change, and little else.

use std::borrow::Cow;
use std::path::Path;

use super::protected::{allowed_names, allows};
use super::spelling::{Spelling, fold};

/// What is done to a file besides changing what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// It is gone.
    Delete,
    /// Nothing is in it any more.
    Truncate,
    /// It has another name.
    Rename,
    /// It can be executed.
    Program,
    /// It is a link, or something else that is no file.
    Link,
}

/// Some of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Harms(u8);

impl Harms {
    fn contains(self, harm: Harm) -> bool {
        self.0 & 1 << harm as u8 != 0
    }
}

impl FromIterator<Harm> for Harms {
    fn from_iter<T: IntoIterator<Item = Harm>>(harms: T) -> Self {
        Self(harms.into_iter().fold(0, |some, harm| some | 1 << harm as u8))
    }
}

impl<const N: usize> From<[Harm; N]> for Harms {
    fn from(harms: [Harm; N]) -> Self {
        harms.into_iter().collect()
    }
}

/// One name that is kept at any depth, as the name of a file and of a directory of such files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptName {
    /// The name. One that begins with `*` ends names.
    pub name: Cow<'static, str>,
    /// What others rely on it for.
    pub reason: &'static str,
    /// What is not done to it.
    pub harms: Harms,
}

/// The names, where none is kept, and those that the caller allows nevertheless.
#[derive(Clone, Debug, Default)]
pub struct KeptNames {
    names: Vec<KeptName>,
    elsewhere: &'static [&'static str],
    allowed: Vec<String>,
}

impl KeptNames {
    /// These names, but below directories that are called as one of `elsewhere`; `allowed` are not kept.
    pub fn new(mut names: Vec<KeptName>, elsewhere: &'static [&'static str], allowed: &[String]) -> Self {
        for kept in &mut names {
            if let Cow::Owned(folded) = fold(&kept.name) {
                kept.name = folded.into();
            }
        }
        Self { names, elsewhere, allowed: allowed_names(allowed) }
    }

    /// The name on the path that this is not done to.
    pub(crate) fn find(&self, path: &Path, harm: Harm) -> Option<&KeptName> {
        for component in path {
            let spelling = Spelling::of(component);
            if self.elsewhere.iter().any(|name| spelling.is_of(name)) {
                return None;
            }
            let is = |kept: &&KeptName| match kept.name.strip_prefix('*') {
                Some(ending) => spelling.ends_with(ending),
                None => spelling.is_of(&kept.name),
            };
            let found = self.names.iter().filter(|kept| kept.harms.contains(harm)).find(is);
            if let Some(kept) = found.filter(|kept| !allows(&self.allowed, &kept.name)) {
                return Some(kept);
            }
        }
        None
    }
}

impl Harm {
    /// What cannot be done, in words.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Delete => "it is not deleted unasked",
            Self::Truncate => "it is not emptied unasked",
            Self::Rename => "it is not renamed unasked",
            Self::Program => "it is not made a program unasked",
            Self::Link => "it is not made a link unasked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(allowed: &[&str]) -> KeptNames {
        let name = |name: &str, harms: &[Harm]| KeptName {
            name: name.to_owned().into(),
            reason: "others need it",
            harms: harms.iter().copied().collect(),
        };
        let names = vec![
            name("package.json", &[Harm::Delete, Harm::Rename]),
            name("*.CSproj", &[Harm::Delete]),
            name(".github", &[Harm::Delete]),
        ];
        let allowed: Vec<String> = allowed.iter().map(|it| (*it).to_owned()).collect();
        KeptNames::new(names, &["node_modules"], &allowed)
    }

    #[test]
    fn a_name_is_kept_from_its_harms_in_any_spelling_and_depth() {
        let kept = kept(&[]);
        let is_kept = |path: &str, harm| kept.find(Path::new(path), harm).is_some();
        for path in
            ["package.json", "a/b/Package.JSON", "packag~1.jso", "x.csproj", ".github/workflows/ci.yml"]
        {
            assert!(is_kept(path, Harm::Delete), "{path}");
        }
        assert!(is_kept("package.json", Harm::Rename) && !is_kept("package.json", Harm::Truncate));
        assert!(!is_kept("package.json5", Harm::Delete) && !is_kept("x.csproj", Harm::Rename));
        assert!(!is_kept("a/node_modules/b/package.json", Harm::Delete));
    }

    #[test]
    fn what_is_allowed_is_not_kept() {
        let kept = kept(&["Package.json"]);
        assert!(kept.find(Path::new("package.json"), Harm::Delete).is_none());
        assert!(kept.find(Path::new("x.csproj"), Harm::Delete).is_some());
    }
}
