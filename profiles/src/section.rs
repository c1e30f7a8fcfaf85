//! Reads the keys of one section: each stated, inherited, or missing, and none left over.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable};

use crate::diagnostic::Fault;
use crate::suggest::one_of;
use crate::value::{self, Item};

/// Stands in a list for what the parent's list holds.
const INHERITED: &str = "...";

/// The way forward for whoever may not permit more.
const ONLY_NARROWS: &str =
    "a project's file and the environment may only narrow; your own profile, or an option, can permit more";

/// What a file may do to what it inherits.
#[derive(Clone, Copy)]
pub(crate) enum Licence<'p> {
    /// There is no parent, so every key is stated.
    Root,
    /// Each key may take away from the parent of this name, and add nothing.
    Narrow(&'p str),
    /// The file says `widen = true`, with its reason.
    Widen,
    /// As `Narrow`, and nothing that could be said there would permit more.
    Outside(&'p str),
}

impl Licence<'_> {
    /// The fault that permitting more is, where it is one; `message` gets the parent's name.
    fn refuse(self, place: Range<usize>, message: impl Fn(&str) -> String) -> Result<(), Fault> {
        let hint = "say `widen = true` and a `reason` at the top, if that is meant";
        match self {
            Licence::Narrow(parent) => Err(Fault::new(place, message(parent)).hint(hint)),
            Licence::Outside(parent) => Err(Fault::new(place, message(parent)).hint(ONLY_NARROWS)),
            Licence::Root | Licence::Widen => Ok(()),
        }
    }
}

/// One section while it is read.
pub(crate) struct Section<'i, 'p> {
    name: &'static str,
    place: Range<usize>,
    keys: DeTable<'i>,
    licence: Licence<'p>,
}

impl<'i, 'p> Section<'i, 'p> {
    /// Takes the section out of the file's table; one that is not there is empty.
    ///
    /// A key that is not `known` is a fault at its place.
    pub(crate) fn open(
        file: &mut DeTable<'i>,
        name: &'static str,
        known: &[&str],
        licence: Licence<'p>,
    ) -> Result<Self, Fault> {
        let (place, keys) = match file.remove(name) {
            None => (0..0, DeTable::new()),
            Some(item) => (item.span(), value::table(item).map_err(|fault| fault.in_section(name))?),
        };
        refuse_unknown(&keys, known, name)?;
        Ok(Self { name, place, keys, licence })
    }

    /// Reads a key, or inherits it. `more` tells whether the first permits more than the second.
    pub(crate) fn take<T: Clone>(
        &mut self,
        key: &'static str,
        inherited: Option<&T>,
        read: impl Fn(&Item<'_>) -> Result<T, Fault>,
        more: impl Fn(&T, &T) -> bool,
    ) -> Result<T, Fault> {
        let Some((place, item)) = self.remove(key) else {
            return inherited.cloned().ok_or_else(|| self.missing(key));
        };
        let value = read(&item).map_err(|fault| fault.in_key(key, self.name))?;
        if inherited.is_some_and(|inherited| more(&value, inherited)) {
            let message =
                |parent: &str| format!("`{key}` in [{}] permits more than `{parent}` does", self.name);
            self.licence.refuse(place, message)?;
        }
        Ok(value)
    }

    /// Reads a list, in which `"..."` stands for the inherited one, or inherits it.
    ///
    /// `covers` tells whether an entry of the parent's permits what an entry of this list does.
    pub(crate) fn take_list<T: Clone>(
        &mut self,
        key: &'static str,
        inherited: Option<&Vec<T>>,
        read: impl Fn(&Item<'_>) -> Result<T, Fault>,
        covers: impl Fn(&T, &T) -> bool,
    ) -> Result<Vec<T>, Fault> {
        let covered = |value: &T| inherited.is_none_or(|list| list.iter().any(|entry| covers(entry, value)));
        self.take_covered(key, inherited, read, covered)
    }

    /// Reads a list as `take_list` does; `covered` tells whether the parent as a whole permits what an entry does.
    pub(crate) fn take_covered<T: Clone>(
        &mut self,
        key: &'static str,
        inherited: Option<&Vec<T>>,
        read: impl Fn(&Item<'_>) -> Result<T, Fault>,
        covered: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, Fault> {
        let Some((_, list)) = self.remove(key) else {
            return inherited.cloned().ok_or_else(|| self.missing(key));
        };
        let in_key = |fault: Fault| fault.in_key(key, self.name);
        let mut values = Vec::new();
        let mut taken_over = false;
        for item in value::array(&list).map_err(in_key)? {
            if value::string(item).is_ok_and(|text| text == INHERITED) {
                let inherited = inherited.ok_or_else(|| in_key(nothing_inherited(item)))?;
                if std::mem::replace(&mut taken_over, true) {
                    return Err(in_key(Fault::new(item.span(), "`...` stands in the list already")));
                }
                values.extend(inherited.iter().cloned());
                continue;
            }
            let value = read(item).map_err(in_key)?;
            self.check_entry(item.span(), key, covered(&value))?;
            values.push(value);
        }
        Ok(values)
    }

    /// Reads a list of what is not permitted: what is inherited stays in it, whatever the file lists. With
    /// `widen = true` the list is what the file says, and `"..."` in it stands for what is inherited.
    pub(crate) fn take_restrictions<T: Clone + PartialEq>(
        &mut self,
        key: &'static str,
        inherited: Option<&Vec<T>>,
        read: impl Fn(&Item<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let stays = matches!(self.licence, Licence::Narrow(_) | Licence::Outside(_));
        // Nothing that is added permits more.
        let listed = self.take_covered(key, inherited, read, |_| true)?;
        let mut all = inherited.filter(|_| stays).cloned().unwrap_or_default();
        for entry in listed {
            if !all.contains(&entry) {
                all.push(entry);
            }
        }
        Ok(all)
    }

    /// Reads a list's entries with their places, if the key is stated; a root must state it.
    pub(crate) fn take_entries<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Item<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<Spanned<T>>, Fault> {
        let Some((_, list)) = self.remove(key) else {
            return match self.licence {
                Licence::Root => Err(self.missing(key)),
                _ => Ok(Vec::new()),
            };
        };
        let entry = |item: &Item<'_>| Ok(Spanned::new(item.span(), read(item)?));
        let entries = value::array(&list).and_then(|items| items.iter().map(entry).collect());
        entries.map_err(|fault: Fault| fault.in_key(key, self.name))
    }

    /// Whether this file may permit more than its parent does.
    pub(crate) fn may_widen(&self) -> bool {
        matches!(self.licence, Licence::Root | Licence::Widen)
    }

    /// Takes a key's value and the place of the key.
    pub(crate) fn remove(&mut self, key: &str) -> Option<(Range<usize>, Item<'i>)> {
        let (key, item) = self.keys.remove_entry(key)?;
        Some((key.span(), item))
    }

    /// Refuses an entry of a list that the parent's does not cover.
    pub(crate) fn check_entry(&self, place: Range<usize>, key: &str, covered: bool) -> Result<(), Fault> {
        let message =
            |parent: &str| format!("`{key}` in [{}] has an entry that `{parent}` does not permit", self.name);
        if covered { Ok(()) } else { self.licence.refuse(place, message) }
    }

    /// Refuses what no `take` asked for, so that no key is accepted and ignored.
    pub(crate) fn close(self) -> Result<(), Fault> {
        refuse_unknown(&self.keys, &[], self.name)
    }

    /// A root states every key, so that no default hides in the code.
    pub(crate) fn missing(&self, key: &str) -> Fault {
        Fault::new(self.place.clone(), format!("`{key}` in [{}] is not stated", self.name))
            .hint("a profile without `extends` states every key; say `extends = \"default\"` to inherit")
    }
}

/// Refuses the first key, as the file has them, that is not known.
pub(crate) fn refuse_unknown(keys: &DeTable<'_>, known: &[&str], section: &str) -> Result<(), Fault> {
    let unknown = keys.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
    match unknown.min_by_key(|key| key.span().start) {
        None => Ok(()),
        Some(key) => Err(unknown_key(key, section).hint_if(one_of(key.get_ref(), known))),
    }
}

fn unknown_key(key: &Spanned<DeString<'_>>, section: &str) -> Fault {
    Fault::new(key.span(), format!("unknown key `{}` in [{section}]", key.get_ref()))
}

fn nothing_inherited(item: &Item<'_>) -> Fault {
    Fault::new(item.span(), "`...` stands for the parent's list, and there is no parent")
}
