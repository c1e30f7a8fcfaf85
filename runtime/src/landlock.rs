//! The Landlock domain that commands enter; init stays outside, since a domain forbids `mount`.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath, Ruleset,
    RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError, Scope, make_bitflags,
};

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use crate::error::{AtStage as _, Failure, Stage};
use crate::spec::{Network, PathRule, Rights};
use crate::sys::landlock_abi;

/// The newest interface that this program knows; the kernel's own bounds what is enforced.
const NEWEST: ABI = ABI::V9;

/// The interface that brought scopes.
const SCOPES: u32 = 6;

/// A ruleset of open directories, entered by each command before it runs.
pub(crate) struct Domain {
    ruleset: RulesetCreated,
    /// How far the kernel's support goes.
    pub(crate) abi: u32,
}

/// A rule of a domain with its path open: it is kept for the file that is there, whatever name that has.
pub(crate) struct OpenRule {
    pub(crate) path: PathBuf,
    pub(crate) rights: Rights,
    pub(crate) opened: OwnedFd,
}

/// What a domain closes beside paths.
///
/// Network and PID namespaces hold what Landlock's scopes and ports would; only with the host's network are
/// abstract sockets closed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Border {
    /// Nothing.
    None,
    /// Abstract sockets of others, or there is no domain.
    AbstractSockets,
    /// Abstract sockets and signals, and every port, as far as the kernel can.
    All,
    /// The same with ports left open.
    AllButPorts,
}

impl Border {
    /// Where no namespace holds anything.
    pub(crate) fn of(network: Network) -> Self {
        match network {
            Network::None => Self::All,
            Network::Host => Self::AllButPorts,
        }
    }

    fn draw(self, ruleset: Ruleset) -> Result<Ruleset, RulesetError> {
        match self {
            Self::None => Ok(ruleset),
            Self::AbstractSockets => Ok(ruleset
                .set_compatibility(CompatLevel::HardRequirement)
                .scope(Scope::AbstractUnixSocket)?
                .set_compatibility(CompatLevel::BestEffort)),
            Self::All => Self::AllButPorts.draw(ruleset.handle_access(AccessNet::from_all(NEWEST))?),
            Self::AllButPorts => ruleset.scope(Scope::AbstractUnixSocket | Scope::Signal),
        }
    }
}

impl Domain {
    /// Builds the ruleset. Where the kernel has no Landlock this is `EOPNOTSUPP`.
    pub(crate) fn build(rules: &[PathRule], border: Border) -> Result<Self, Failure> {
        Self::of(&OpenRule::open_all(rules)?, border)
    }

    /// The same of paths that are open.
    pub(crate) fn of<'r>(
        rules: impl IntoIterator<Item = &'r OpenRule>,
        border: Border,
    ) -> Result<Self, Failure> {
        let abi = landlock_abi()
            .ok_or(std::io::Error::from_raw_os_error(libc::EOPNOTSUPP))
            .at(Stage::Landlock, || "landlock_create_ruleset".into())?;
        let mut ruleset = Ruleset::default().handle_access(AccessFs::from_all(NEWEST)).map_err(failure)?;
        ruleset = border.draw(ruleset).map_err(failure)?;
        let ruleset = rules.into_iter().try_fold(ruleset.create().map_err(failure)?, add)?;
        Ok(Self { ruleset, abi })
    }

    /// Puts the calling process, and all that it will start, behind a border which no signal crosses
    /// outwards; false where the kernel has none (ABI 6).
    pub(crate) fn enter_border_for_signals() -> Result<bool, Failure> {
        if landlock_abi().is_none_or(|abi| abi < SCOPES) {
            return Ok(false);
        }
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .scope(Scope::Signal)
            .and_then(Ruleset::create)
            .and_then(RulesetCreated::restrict_self);
        ruleset.map(|_| true).map_err(failure)
    }

    /// Its ruleset, for who enters it where nothing may be allocated; nothing where the kernel has none.
    pub(crate) fn descriptor(&self) -> Result<Option<OwnedFd>, Failure> {
        Ok(self.ruleset.try_clone().at(Stage::Landlock, || "dup(ruleset)".into())?.into())
    }

    /// Enters the domain, for good.
    pub(crate) fn enter(&self) -> Result<(), Failure> {
        let ruleset = self.ruleset.try_clone().at(Stage::Landlock, || "dup(ruleset)".into())?;
        ruleset.restrict_self().map_err(failure)?;
        Ok(())
    }
}

impl OpenRule {
    /// Opens what is there of the rules' paths: one for what cannot be reached would permit nothing.
    pub(crate) fn open_all(rules: &[PathRule]) -> Result<Vec<Self>, Failure> {
        let open = |rule: &PathRule| match open(rule, written_around(rules, rule)) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::XDEV | Errno::LOOP) => Ok(None),
            opened => Ok(Some(Self {
                path: rule.path.clone(),
                rights: rule.rights,
                opened: opened.at(Stage::Landlock, || format!("open({:?})", rule.path))?,
            })),
        };
        rules.iter().filter_map(|rule| open(rule).transpose()).collect()
    }
}

/// The directory around a program in which commands write, and execute nothing else.
///
/// An earlier one may have left a link there in the program's place.
fn written_around<'r>(rules: &'r [PathRule], program: &PathRule) -> Option<&'r Path> {
    if program.rights != Rights::ReadExecute {
        return None;
    }
    let around =
        rules.iter().filter(|rule| rule.path != program.path && program.path.starts_with(&rule.path));
    let nearest = around.max_by_key(|rule| rule.path.as_os_str().len())?;
    (nearest.rights == Rights::AllButExecute).then_some(&*nearest.path)
}

/// Opens what a rule is for, which no link may lead out of `within` to.
fn open(rule: &PathRule, within: Option<&Path>) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let Some(within) = within else { return rustix::fs::open(&rule.path, flags, Mode::empty()) };
    let top = rustix::fs::open(within, flags | OFlags::DIRECTORY, Mode::empty())?;
    let path = rule.path.strip_prefix(within).unwrap_or(&rule.path);
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    loop {
        match openat2(&top, path, flags, Mode::empty(), resolve) {
            // Something anywhere was renamed meanwhile; openat2(2) asks to try again.
            Err(Errno::AGAIN) => {}
            opened => return opened,
        }
    }
}

fn add(ruleset: RulesetCreated, rule: &OpenRule) -> Result<RulesetCreated, Failure> {
    let stat = rustix::fs::fstat(&rule.opened).at(Stage::Landlock, || format!("fstat({:?})", rule.path))?;
    let all = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => AccessFs::from_all(NEWEST),
        _ => AccessFs::from_file(NEWEST),
    };
    ruleset.add_rule(PathBeneath::new(&rule.opened, rights(rule.rights) & all)).map_err(failure)
}

fn rights(rights: Rights) -> BitFlags<AccessFs> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    match rights {
        Rights::List => AccessFs::ReadDir.into(),
        Rights::Read => read,
        Rights::ReadExecute => read | AccessFs::Execute,
        Rights::ReadWrite => read | make_bitflags!(AccessFs::{WriteFile | Truncate | IoctlDev}),
        Rights::All => AccessFs::from_all(NEWEST) & !make_bitflags!(AccessFs::{MakeChar | MakeBlock}),
        Rights::AllButExecute => {
            AccessFs::from_all(NEWEST) & !make_bitflags!(AccessFs::{MakeChar | MakeBlock | Execute})
        }
    }
}

fn failure(error: landlock::RulesetError) -> Failure {
    let action = error.to_string();
    Failure { stage: Stage::Landlock, action, errno: errno_of(&error).raw_os_error().unwrap_or(libc::EIO) }
}

/// The kernel's answer at the end of a chain of errors.
fn errno_of(error: &(dyn std::error::Error + 'static)) -> std::io::Error {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(errno) = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error) {
            return std::io::Error::from_raw_os_error(errno);
        }
        cause = error.source();
    }
    std::io::Error::from_raw_os_error(libc::EOPNOTSUPP)
}
