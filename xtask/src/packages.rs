//! Sees to it that the programs are there that the tests use.

use std::process::Command;

use serde::Deserialize;

use crate::{Result, shell};

const NEEDS: &str = include_str!("../packages.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Needs {
    need: Vec<Need>,
}

/// One thing that tests use, and where Debian or Python has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Need {
    check: Vec<String>,
    package: Option<String>,
    module: Option<String>,
    #[serde(default)]
    optional: bool,
    why: String,
}

/// Installs what is missing if root runs this chore, and says what is missing otherwise.
pub(crate) fn ensure() -> Result {
    let needs = toml::from_str::<Needs>(NEEDS)?.need;
    let missing: Vec<_> = needs.iter().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if nix::unistd::geteuid().is_root() {
        install(&missing)?;
    }
    let missing: Vec<_> = missing.into_iter().filter(|need| !need.is_met()).collect();
    for need in &missing {
        eprintln!("missing: {} ({})", need.remedy(), need.why);
    }
    if missing.iter().all(|need| need.optional) {
        Ok(())
    } else {
        Err("the tests need what is named above".into())
    }
}

fn install(missing: &[&Need]) -> Result {
    let packages: Vec<_> = missing.iter().filter_map(|need| need.package.as_deref()).collect();
    if !packages.is_empty() && shell::find("apt-get").is_some() {
        shell::run(&mut apt_get(&["update"]))?;
        shell::run(apt_get(&["install", "--yes", "--no-install-recommends"]).args(packages))?;
    }
    for module in missing.iter().filter_map(|need| need.module.as_deref()) {
        shell::run(Command::new("python3").args(["-m", "pip", "install", "--quiet", module]))?;
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut apt = Command::new("apt-get");
    apt.arg("--quiet").args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

impl Need {
    fn is_met(&self) -> bool {
        shell::succeeds(Command::new(&self.check[0]).args(&self.check[1..]))
    }

    fn remedy(&self) -> String {
        match (&self.package, &self.module) {
            (Some(package), _) => format!("apt-get install {package}"),
            (None, Some(module)) => format!("python3 -m pip install {module}"),
            (None, None) => self.check.join(" "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_can_be_checked_and_remedied() {
        for need in toml::from_str::<Needs>(NEEDS).unwrap().need {
            assert!(!need.check.is_empty());
            assert!(need.package.is_some() != need.module.is_some(), "{}", need.remedy());
        }
    }

    #[test]
    fn a_need_without_its_program_is_not_met() {
        let need = |check: &str| Need {
            check: vec![check.to_owned()],
            package: None,
            module: None,
            optional: false,
            why: String::new(),
        };
        assert!(need("true").is_met());
        assert!(!need("false").is_met());
        assert!(!need("no-such-program").is_met());
    }
}
