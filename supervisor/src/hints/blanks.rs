//! Fills the blanks of a hint: `{name}` or `{name argument}`.

use clearing_runtime::Failure;

use super::facts::Facts;
use super::program::{name, sight};
use super::source;
use crate::text::printable;

/// Fills every blank of `text`; braces that name none stay as they are.
pub(super) fn fill(text: &str, failure: &Failure, facts: &Facts) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let word = after.split_once('}').and_then(|(blank, end)| Some((word(blank, failure, facts)?, end)));
        rest = match word {
            Some((word, end)) => {
                filled.push_str(&word);
                end
            }
            None => {
                filled.push('{');
                after
            }
        };
    }
    filled + rest
}

fn word(blank: &str, failure: &Failure, facts: &Facts) -> Option<String> {
    Some(match blank {
        "kernel" => facts.release.clone(),
        "state" => printable(&facts.state),
        "file system" => facts.state_file_system.clone(),
        "mount max" => facts.sysctls.get("fs.mount-max").cloned().unwrap_or_else(|| "100000".into()),
        "zero" => facts.zero_limit()?.to_owned(),
        "sysctl zero=15000" => set_sysctl(facts.zero_limit()?, "15000", facts),
        "boot lsm=landlock,modules" => boot(&format!("lsm=landlock,{}", facts.security_modules), facts),
        "profile" => profile(facts),
        "program" => printable(name(&failure.action).as_ref()),
        "interpreter" => printable(&sight(failure, facts).1),
        "path" => shown_path(facts),
        "source" => printable(source::path(failure)?),
        "closed" => printable(&source::closed(failure, facts)?),
        "uid" => facts.uid.to_string(),
        "limit" => limit(&failure.action)?.to_owned(),
        other => {
            let (key, value) = other.strip_prefix("sysctl ")?.split_once('=')?;
            set_sysctl(key, value, facts)
        }
    })
}

/// How a setting of the kernel is made, and made to stay.
fn set_sysctl(key: &str, value: &str, facts: &Facts) -> String {
    if facts.distribution.is_like("nixos") {
        return format!("`boot.kernel.sysctl.\"{key}\" = {value};` in the system's configuration");
    }
    format!(
        "`sudo sysctl -w {key}={value}`, and to keep it \
         `echo {key}={value} | sudo tee /etc/sysctl.d/90-clearing.conf`"
    )
}

/// How a boot parameter is set.
fn boot(parameter: &str, facts: &Facts) -> String {
    let like = |id| facts.distribution.is_like(id);
    if like("rhel") || like("fedora") {
        return format!("`sudo grubby --update-kernel=ALL --args={parameter}`, then reboot");
    }
    if like("nixos") {
        return format!("`boot.kernelParams = [ \"{parameter}\" ];` in the system's configuration");
    }
    let update =
        if like("debian") || like("ubuntu") { "`sudo update-grub`" } else { "update the boot loader" };
    format!("add `{parameter}` to GRUB_CMDLINE_LINUX in /etc/default/grub, {update}, then reboot")
}

/// An AppArmor profile that confines nothing and allows user namespaces, for this very binary.
fn profile(facts: &Facts) -> String {
    format!(
        "abi <abi/4.0>,\n\
         include <tunables/global>\n\
         profile clearing \"{}\" flags=(unconfined) {{\n  userns,\n  include if exists <local/clearing>\n}}",
        printable(&facts.binary)
    )
}

/// The entries in which a command's program is looked for.
fn shown_path(facts: &Facts) -> String {
    let entries = std::env::split_paths(&facts.path).filter(|entry| entry.is_absolute());
    let entries: Vec<String> = entries.map(|entry| format!("`{}`", printable(&entry))).collect();
    if entries.is_empty() { "`/bin`, `/usr/bin`".into() } else { entries.join(", ") }
}

/// What a profile calls the resource of a `setrlimit(RESOURCE, VALUE)`.
fn limit(action: &str) -> Option<&'static str> {
    const KEYS: [(&str, &str); 6] = [
        ("OpenFiles", "nofile"),
        ("Core", "core"),
        ("LockedMemory", "memlock"),
        ("Stack", "stack"),
        ("FileSize", "file_size"),
        ("Processes", "processes"),
    ];
    let resource = action.strip_prefix("setrlimit(")?.split(',').next()?;
    KEYS.into_iter().find(|(name, _)| *name == resource).map(|(_, key)| key)
}
