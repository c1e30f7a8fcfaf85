//! Compiles `syscalls/*.toml` into the table that `src/syscalls.rs` includes.
//!
//! A broken file fails the build at its place: a call named twice, a condition that does not
//! parse, a refused, conditional or surprising call without a reason, a `never` that means nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;
use toml::Spanned;

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

fn main() {
    println!("cargo::rerun-if-changed=syscalls");
    let table = read_all(Path::new("syscalls")).and_then(|files| compile(&files));
    match table {
        Ok(text) => write_table(&text),
        Err(complaint) => {
            println!("cargo::error=profiles/{complaint}");
            std::process::exit(1);
        }
    }
}

/// A file as it stands, and its text for telling places.
struct Source {
    path: PathBuf,
    text: String,
    table: File,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    constants: BTreeMap<String, u64>,
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
    #[serde(default)]
    never: Vec<Never>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    calls: Vec<Spanned<String>>,
    answer: Answer,
    #[serde(default)]
    when: Vec<Vec<Spanned<String>>>,
    otherwise: Option<Answer>,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Never {
    calls: Vec<Spanned<String>>,
    reason: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Allow,
    Eperm,
    Enosys,
}

fn read_all(folder: &Path) -> Result<Vec<Source>, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Result<Source, String> {
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let table = toml::from_str(&text)
        .map_err(|e| complain(&path, &text, e.span().unwrap_or_default(), e.message()))?;
    Ok(Source { path, text, table })
}

/// The whole generated text: the rules, sorted by name, and the names no profile can allow.
fn compile(files: &[Source]) -> Result<String, String> {
    let rules = compile_rules(files)?;
    let never = compile_never(files, &rules)?;
    let mut text = String::from("pub(super) static TABLE: &[SyscallRule] = &[\n");
    for rule in rules.values() {
        text.push_str(&rule.text);
    }
    text.push_str("];\npub(super) static NEVER: &[(&str, &str)] = &[\n");
    for (name, reason) in never {
        let _ = writeln!(text, "    ({name:?}, {reason:?}),");
    }
    text.push_str("];\n");
    Ok(text)
}

/// A rule as Rust, and whether it leaves anything to allow.
struct Compiled {
    text: String,
    open: bool,
}

fn compile_rules(files: &[Source]) -> Result<BTreeMap<&str, Compiled>, String> {
    let mut compiled = BTreeMap::new();
    for file in files {
        for rule in &file.table.rules {
            for call in &rule.calls {
                let text = file.compile(rule, call)?;
                let open = rule.answer == Answer::Allow && rule.when.is_empty();
                if compiled.insert(call.get_ref().as_str(), Compiled { text, open }).is_some() {
                    return Err(file.complain(call.span(), "the call has a rule already"));
                }
            }
        }
    }
    Ok(compiled)
}

fn compile_never<'f>(
    files: &'f [Source],
    rules: &BTreeMap<&str, Compiled>,
) -> Result<BTreeMap<&'f str, &'f str>, String> {
    let mut never = BTreeMap::new();
    for file in files {
        for group in &file.table.never {
            for call in &group.calls {
                match rules.get(call.get_ref().as_str()) {
                    None => return Err(file.complain(call.span(), "the call has no rule")),
                    Some(rule) if rule.open => {
                        return Err(file.complain(call.span(), "the call is allowed already"));
                    }
                    Some(_) => {}
                }
                if never.insert(call.get_ref().as_str(), group.reason.as_str()).is_some() {
                    return Err(file.complain(call.span(), "the call is named twice"));
                }
            }
        }
    }
    Ok(never)
}

impl Source {
    fn compile(&self, rule: &Rule, call: &Spanned<String>) -> Result<String, String> {
        let name = call.get_ref().as_str();
        let at = |what: &str| self.complain(call.span(), what);
        let plain = rule.answer == Answer::Allow && rule.when.is_empty();
        if rule.reason.is_empty() && (!plain || SURPRISING.contains(&name)) {
            return Err(at("a refused, conditional or surprising call says why: `reason`"));
        }
        let otherwise = match (rule.when.is_empty(), rule.otherwise) {
            (true, None) => rule.answer,
            (false, Some(otherwise)) if otherwise != rule.answer => otherwise,
            _ => return Err(at("`when` and another answer in `otherwise` come together")),
        };
        let mut when = String::new();
        for conditions in &rule.when {
            let all: Result<Vec<_>, _> = conditions.iter().map(|c| self.condition(c)).collect();
            let _ = write!(when, "&[{}], ", all?.join(", "));
        }
        Ok(format!(
            "    SyscallRule {{ name: {name:?}, answer: Answer::{:?}, when: &[{when}], otherwise: Answer::{otherwise:?}, reason: {:?} }},\n",
            rule.answer, rule.reason
        ))
    }

    /// Compiles `u32 arg1 & MASK == VALUE`, the mask only with `==`.
    fn condition(&self, text: &Spanned<String>) -> Result<String, String> {
        let at = |what: &str| self.complain(text.span(), what);
        let words: Vec<&str> = text.get_ref().split_whitespace().collect();
        let (width, argument, mask, comparison, value) = match words[..] {
            [width, argument, comparison, value] => (width, argument, None, comparison, value),
            [width, argument, "&", mask, "==", value] => (width, argument, Some(mask), "==", value),
            _ => return Err(at("a condition reads `u32 arg1 & MASK == VALUE`")),
        };
        let argument: u8 = argument
            .strip_prefix("arg")
            .and_then(|n| n.parse().ok())
            .filter(|n| *n < 6)
            .ok_or_else(|| at("arguments are `arg0` to `arg5`"))?;
        let (width, limit) = match width {
            "u32" => ("Dword", u64::from(u32::MAX)),
            "u64" => ("Qword", u64::MAX),
            _ => return Err(at("widths are `u32` and `u64`")),
        };
        let number = |word| {
            let number = self.number(word).ok_or_else(|| at("not a number, nor a name in [constants]"))?;
            (number <= limit).then_some(number).ok_or_else(|| at("the number is wider than the argument"))
        };
        let comparison = match mask {
            Some(mask) => format!("MaskedEqual({:#x})", number(mask)?),
            None => operator(comparison).ok_or_else(|| at("no such comparison"))?.to_owned(),
        };
        let value = number(value)?;
        if let Some(mask) = mask
            && value & !number(mask)? != 0
        {
            return Err(at("the mask takes bits away that the value has"));
        }
        Ok(format!(
            "Condition {{ argument: {argument}, width: Width::{width}, comparison: Comparison::{comparison}, value: {value:#x} }}"
        ))
    }

    fn number(&self, word: &str) -> Option<u64> {
        let constant = self.table.constants.get(word).copied();
        constant.or_else(|| match word.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => word.parse().ok(),
        })
    }

    fn complain(&self, place: Range<usize>, what: &str) -> String {
        complain(&self.path, &self.text, place, what)
    }
}

fn operator(word: &str) -> Option<&'static str> {
    Some(match word {
        "==" => "Equal",
        "!=" => "NotEqual",
        "<" => "Less",
        "<=" => "LessOrEqual",
        ">" => "Greater",
        ">=" => "GreaterOrEqual",
        _ => return None,
    })
}

fn complain(path: &Path, text: &str, place: Range<usize>, what: &str) -> String {
    let before = &text[..place.start];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("{}:{line}:{column}: {what}: {}", path.display(), &text[place])
}

fn write_table(text: &str) {
    let folder = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    let path = Path::new(&folder).join("syscalls.rs");
    fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}
