//! The keys above the sections: what a profile extends, and whether it may widen that.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::diagnostic::Fault;
use crate::suggest::one_of;
use crate::value::{self, Item};

/// What a file says of itself.
pub(crate) struct Heading {
    /// The parent, and the place that names it.
    pub(crate) extends: Option<Spanned<String>>,
    /// Why it permits more than the parent; `None` where it must not.
    pub(crate) widens: Option<String>,
}

impl Heading {
    /// Takes the heading out of the file's table, and refuses what is no section either.
    pub(crate) fn read(file: &mut DeTable<'_>) -> Result<Self, Fault> {
        refuse_unknown(file)?;
        let extends = file.remove("extends").map(|item| parent(&item)).transpose()?;
        let widen = file.remove_entry("widen");
        let reason = file.remove_entry("reason");
        let widens = match widen {
            Some((key, item)) if value::boolean(&item).map_err(|fault| fault.in_top("widen"))? => {
                Some(licence(&key, reason, extends.is_some())?)
            }
            _ => no_reason(reason)?,
        };
        Ok(Self { extends, widens })
    }
}

/// Refuses what a project's file and the environment cannot say: they narrow what the caller chose.
pub(crate) fn refuse_outside(file: &DeTable<'_>) -> Result<(), Fault> {
    let heading = file.keys().filter(|key| KEYS.contains(&key.get_ref().as_ref()));
    match heading.min_by_key(|key| key.span().start) {
        None => refuse_unknown(file),
        Some(key) => Err(Fault::new(key.span(), format!("`{}` in a project's file", key.get_ref()))
            .hint("it narrows the profile that the caller chose, whichever that is, and permits nothing")),
    }
}

const KEYS: &[&str] = &["extends", "widen", "reason"];
const SECTIONS: &[&str] = &[
    "filesystem",
    "network",
    "environment",
    "commands",
    "limits",
    "output",
    "rollback",
    "patch",
    "syscalls",
    "landlock",
    "guards",
];

fn refuse_unknown(file: &DeTable<'_>) -> Result<(), Fault> {
    let known = |key: &str| KEYS.contains(&key) || SECTIONS.contains(&key);
    let unknown = file.iter().filter(|(key, _)| !known(key.get_ref()));
    match unknown.min_by_key(|(key, _)| key.span().start) {
        None => Ok(()),
        Some((key, item)) => Err(unknown_entry(key, item)),
    }
}

fn unknown_entry(key: &Spanned<DeString<'_>>, item: &Item<'_>) -> Fault {
    let name = key.get_ref().as_ref();
    let is_section = matches!(item.get_ref(), DeValue::Table(_));
    match is_section {
        true => Fault::new(key.span(), format!("unknown section [{name}]")).hint_if(one_of(name, SECTIONS)),
        false if name == "name" => {
            Fault::new(key.span(), "unknown key `name` at the top").hint("a profile has the name of its file")
        }
        false => {
            Fault::new(key.span(), format!("unknown key `{name}` at the top")).hint_if(one_of(name, KEYS))
        }
    }
}

fn parent(item: &Item<'_>) -> Result<Spanned<String>, Fault> {
    let name = value::string(item).map_err(|fault| fault.in_top("extends"))?;
    Ok(Spanned::new(item.span(), name.to_owned()))
}

type Entry<'i> = (Spanned<DeString<'i>>, Item<'i>);

fn licence(widen: &Spanned<DeString<'_>>, reason: Option<Entry<'_>>, extends: bool) -> Result<String, Fault> {
    if !extends {
        return Err(Fault::new(widen.span(), "`widen` without `extends`: there is nothing to widen"));
    }
    let Some((_, item)) = reason else {
        return Err(Fault::new(widen.span(), "`widen = true` needs a `reason`")
            .hint("add `reason = \"…\"`: what needs it, for whoever reviews the profile"));
    };
    let reason = value::string(&item).map_err(|fault| fault.in_top("reason"))?;
    match reason.trim() {
        "" => Err(Fault::new(item.span(), "`reason` says nothing")),
        reason => Ok(reason.to_owned()),
    }
}

fn no_reason(reason: Option<Entry<'_>>) -> Result<Option<String>, Fault> {
    match reason {
        None => Ok(None),
        Some((key, _)) => Err(Fault::new(key.span(), "`reason` without `widen = true`")
            .hint("it says why a profile permits more than its parent")),
    }
}
