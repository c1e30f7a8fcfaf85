//! Rules as Rust text, each call once, with a reason where a reader would ask for one.

use std::collections::BTreeMap;

use toml::Spanned;

use crate::condition;
use crate::source::{Answer, Rule, Source};

/// Allowed calls that would surprise a reader, and so say which program needs them.
const SURPRISING: &[&str] = &[
    "clone",
    "execveat",
    "io_setup",
    "io_submit",
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "memfd_create",
    "name_to_handle_at",
    "pidfd_open",
    "pidfd_send_signal",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "seccomp",
    "setuid",
    "unshare",
];

/// A rule of one call.
pub(crate) struct Compiled {
    pub(crate) text: String,
    /// Whether there is nothing left to allow.
    pub(crate) open: bool,
}

/// The rules by the names of their calls.
pub(crate) fn compile(files: &[Source]) -> Result<BTreeMap<&str, Compiled>, String> {
    let mut compiled = BTreeMap::new();
    for (source, rule) in
        files.iter().flat_map(|source| source.file.rules.iter().map(move |rule| (source, rule)))
    {
        for call in &rule.calls {
            let text = compile_rule(source, rule, call)?;
            if compiled.insert(call.get_ref().as_str(), Compiled { text, open: rule.is_open() }).is_some() {
                return Err(source.complain(call.span(), "the call has a rule already"));
            }
        }
    }
    Ok(compiled)
}

/// The reasons why no profile can allow some calls, by the names of those.
pub(crate) fn compile_never<'f>(
    files: &'f [Source],
    rules: &BTreeMap<&str, Compiled>,
) -> Result<BTreeMap<&'f str, &'f str>, String> {
    let mut never = BTreeMap::new();
    for (source, group) in
        files.iter().flat_map(|source| source.file.never.iter().map(move |group| (source, group)))
    {
        for call in &group.calls {
            let at = |what: &str| source.complain(call.span(), what);
            let rule = rules.get(call.get_ref().as_str()).ok_or_else(|| at("the call has no rule"))?;
            if rule.open {
                return Err(at("the call is allowed already"));
            }
            if never.insert(call.get_ref().as_str(), group.reason.as_str()).is_some() {
                return Err(at("the call is named twice"));
            }
        }
    }
    Ok(never)
}

impl Rule {
    /// Whether the calls are allowed whatever their arguments.
    fn is_open(&self) -> bool {
        self.answer == Answer::Allow && self.when.is_empty()
    }
}

fn compile_rule(source: &Source, rule: &Rule, call: &Spanned<String>) -> Result<String, String> {
    let (name, answer, reason) = (call.get_ref().as_str(), rule.answer, &rule.reason);
    let at = |what: &str| source.complain(call.span(), what);
    if reason.is_empty() && (!rule.is_open() || SURPRISING.contains(&name)) {
        return Err(at("a refused, conditional or surprising call says why: `reason`"));
    }
    let otherwise = match (rule.when.is_empty(), rule.otherwise) {
        (true, None) => answer,
        (false, Some(otherwise)) if otherwise != answer => otherwise,
        _ => return Err(at("`when` and another answer in `otherwise` come together")),
    };
    if rule.when.iter().any(Vec::is_empty) {
        return Err(at("an empty list of conditions always holds"));
    }
    let when: Result<Vec<_>, _> = rule.when.iter().map(|all| condition::compile_all(source, all)).collect();
    let when = when?.join(", ");
    Ok(format!(
        "SyscallRule {{ name: {name:?}, answer: Answer::{answer:?}, when: &[{when}], \
         otherwise: Answer::{otherwise:?}, reason: {reason:?} }}"
    ))
}
