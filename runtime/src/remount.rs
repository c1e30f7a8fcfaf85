//! Puts other layers under a sandbox that lives on: the new overlays are made ready first, then take the
//! places of the old ones, which are moved out of every command's reach and unmounted later.
//!
//! ```text
//!   as it was ──▶ new mounts and rules ready ──▶ old ones moved away, new ones in place ──▶ answered ──▶ old ones
//!       ▲────────────── any failure ┘                    any failure: init ends                          unmounted
//! ```
//! Nobody but init is alive meanwhile, so that nobody sees or holds anything in between. Moving a mount
//! is quick; unmounting one waits for other processors and for all that was looked up in it to be dropped.

mod reaper;
mod veils;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, StatxFlags, openat2, statx};
use rustix::io::Errno;
use rustix::mount::{FsPickFlags, fsconfig_reconfigure, fspick};

use crate::detached::{PRIVATE, attach, clone_mount, restrict_bind};
use crate::error::{AtStage as _, Failure, Stage};
use crate::landlock::{Border, Domain, OpenRule};
use crate::mounts::describe;
use crate::overlay::{Directories, Layers, Overlay};
use crate::spec::{Access, Mount, Owners, PathRule, Source};
use crate::stash::Stash;
use crate::targets::{TargetKind, Targets};

use reaper::Reaper;
pub(crate) use veils::Laid;

/// A mount of the sandbox, where it is.
pub(crate) struct Placed {
    pub(crate) target: PathBuf,
    pub(crate) kind: TargetKind,
    pub(crate) is_overlay: bool,
    pub(crate) mount: OwnedFd,
}

/// What a sandbox needs whose layers may change.
pub(crate) struct Living {
    stash: Stash,
    sources: Vec<(Source, OwnedFd)>,
    /// Parents before children.
    placed: Vec<Placed>,
    /// Of each of them the nearest one that its path leads through. Their places never change.
    parents: Vec<Option<usize>>,
    /// What the overlays at these places do not show, whatever their layers.
    veils: Vec<Laid>,
    targets: Targets,
    /// None where a path leads nowhere any more.
    rules: Vec<Option<OpenRule>>,
    /// Made, and not asked for yet.
    ready: Vec<Waiting>,
    /// How often other layers were shown.
    shown: u64,
    border: Border,
    /// What has been replaced, in the stash, and the process that unmounts it.
    old: Vec<String>,
    reaper: Option<Reaper>,
    /// Mounts in `old`. Who closes the last descriptor of one pays for it.
    held: Vec<OwnedFd>,
}

/// Each with its place.
type Mounts = Vec<(PathBuf, OwnedFd)>;

/// New mounts that are ready to be shown, and the rules that go with them.
pub(crate) struct Ready {
    mounts: Mounts,
    /// What those of them do not show that are made with others than before.
    veils: Vec<Laid>,
    permitted: Permitted,
}

/// A mount that was made before it is asked for.
struct Waiting {
    step: Mount,
    mount: (PathBuf, OwnedFd),
    /// What would be permitted with nothing but this mount replaced; none where that cannot be known yet.
    permitted: Option<Permitted>,
}

/// What commands may do once new mounts are shown.
struct Permitted {
    /// The rules that are others then, by their numbers; none where the path leads nowhere any more.
    rules: BTreeMap<usize, Option<OpenRule>>,
    domain: Domain,
    /// How often other layers had been shown: later the rules beside these are others.
    shown: u64,
}

impl Living {
    pub(crate) fn new(
        stash: Stash,
        sources: Vec<(Source, OwnedFd)>,
        placed: Vec<Placed>,
        targets: Targets,
    ) -> Self {
        let (rules, ready, old, held, veils) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (border, reaper, shown) = (Border::None, None, 0);
        let parents = placed.iter().map(|it| parent_of(it, &placed)).collect();
        Self {
            stash,
            sources,
            placed,
            parents,
            veils,
            targets,
            rules,
            ready,
            shown,
            border,
            old,
            reaper,
            held,
        }
    }

    /// The same, whose overlays do not show everything. The veils are in the stash.
    pub(crate) fn veiled(self, veils: Vec<Laid>) -> Self {
        Self { veils, ..self }
    }

    /// Opens what the rules are for, before there is a command that could swap it.
    pub(crate) fn under(mut self, rules: &[PathRule], border: Border) -> Result<Self, Failure> {
        self.rules = OpenRule::open_all(rules)?.into_iter().map(Some).collect();
        self.border = border;
        Ok(self)
    }

    /// Has these mounts made, and no others. What fails will fail again when it is asked for.
    pub(crate) fn have_ready(&mut self, steps: Vec<Mount>) {
        let unwanted = self.ready.extract_if(.., |waiting| !steps.contains(&waiting.step));
        self.held.extend(unwanted.map(|waiting| waiting.mount.1));
        for step in steps {
            if !self.ready.iter().any(|waiting| waiting.step == step)
                && let Ok(mount) = self.new_mount(&step, &[])
            {
                self.ready.push(Waiting { step, mount, permitted: None });
            }
        }
        for index in 0..self.ready.len() {
            self.ready[index].permitted = self.permitted_later(&self.ready[index].mount);
        }
        self.clear();
    }

    /// What will be permitted with this mount shown, if that can be known while commands run: what is below its top
    /// may be another thing by then.
    fn permitted_later(&self, mount: &(PathBuf, OwnedFd)) -> Option<Permitted> {
        let mut upon = self.rules.iter().flatten().filter(|rule| self.upon(&rule.path) == Some(&mount.0));
        upon.all(|rule| rule.path == mount.0).then(|| self.permitted(std::slice::from_ref(mount)).ok())?
    }

    /// Makes everything ready. Nothing that is shown changes.
    pub(crate) fn prepare(&mut self, steps: &[Mount]) -> Result<Ready, Failure> {
        let veils = self.lay_veils(steps)?;
        match self.prepare_with(&veils, steps) {
            Ok((mounts, permitted)) => Ok(Ready { mounts, veils, permitted }),
            Err(failure) => {
                self.take_away(veils);
                Err(failure)
            }
        }
    }

    fn prepare_with(&mut self, veils: &[Laid], steps: &[Mount]) -> Result<(Mounts, Permitted), Failure> {
        let (mut mounts, mut permitted) = (Vec::new(), None);
        for step in steps.iter().filter(|step| !matches!(step, Mount::Veil { .. })) {
            let known = self.ready.iter().position(|waiting| waiting.step == *step);
            mounts.push(match known.map(|known| self.ready.swap_remove(known)) {
                Some(waiting) => {
                    permitted = waiting.permitted;
                    waiting.mount
                }
                None => self.new_mount(step, veils).at(Stage::Mounts, || describe(step))?,
            });
        }
        for index in 0..self.placed.len() {
            let way = self.make_way(index, &mounts);
            way.at(Stage::Mounts, || format!("open({:?}) to mount upon", self.placed[index].target))?;
        }
        let known = permitted.filter(|known| mounts.len() == 1 && known.shown == self.shown);
        let permitted = known.map_or_else(|| self.permitted(&mounts), Ok)?;
        Ok((mounts, permitted))
    }

    fn permitted(&self, mounts: &[(PathBuf, OwnedFd)]) -> Result<Permitted, Failure> {
        let rules = self.new_rules(mounts)?;
        let all = self.rules.iter().enumerate().map(|(number, rule)| rules.get(&number).unwrap_or(rule));
        let domain = Domain::of(all.flatten(), self.border)?;
        Ok(Permitted { rules, domain, shown: self.shown })
    }

    /// Shows what was made ready. After a failure the view is neither the old nor the new one.
    pub(crate) fn show(&mut self, ready: Ready) -> Result<Domain, Failure> {
        let Ready { mut mounts, veils, permitted: Permitted { rules, domain, .. } } = ready;
        self.shown += 1;
        let mut replaced = BTreeSet::new();
        for index in 0..self.placed.len() {
            let target = &self.placed[index].target;
            // What lay upon a mount that was replaced went away with it.
            let is_away = self.parents[index].is_some_and(|parent| replaced.contains(&parent));
            let shown = match mounts.iter().position(|(path, _)| path == target) {
                Some(new) => {
                    replaced.insert(index);
                    self.replace(index, mounts.swap_remove(new), is_away)
                }
                None if is_away => self.bring_back(index),
                None => Ok(()),
            };
            shown.at(Stage::Mounts, || format!("move_mount({:?})", self.placed[index].target))?;
        }
        rules.into_iter().for_each(|(number, rule)| self.rules[number] = rule);
        self.go_on_with(veils);
        Ok(domain)
    }

    /// Drops what was looked up in the overlays, so that what has changed below is seen. Reconfiguring a file
    /// system does that (`reconfigure_super` in the kernel), and an overlay keeps nothing else of it.
    pub(crate) fn look_up_anew(&self) -> io::Result<()> {
        for placed in self.placed.iter().filter(|placed| placed.is_overlay) {
            let flags = FsPickFlags::FSPICK_EMPTY_PATH | FsPickFlags::FSPICK_CLOEXEC;
            fsconfig_reconfigure(fspick(&placed.mount, "", flags)?)?;
        }
        Ok(())
    }

    /// Every overlay that is shown.
    pub(crate) fn overlays(&self) -> Vec<BorrowedFd<'_>> {
        self.placed.iter().filter(|placed| placed.is_overlay).map(|placed| placed.mount.as_fd()).collect()
    }

    fn new_mount(&self, step: &Mount, veils: &[Laid]) -> io::Result<(PathBuf, OwnedFd)> {
        let mut sources = Sources(&self.sources);
        let (target, mount) = match step {
            Mount::Overlay { lower, layer, target, owners } => {
                let veil = veils::at(self.veils.iter().chain(veils), target);
                let overlay = Overlay { lower, layer, veil, owners: *owners };
                (target, Layers::open(&overlay, &mut sources)?.mount(PRIVATE)?)
            }
            Mount::Bind { source, target, access: Access::ReadWrite, owners } => {
                let tree = clone_mount(&sources.open(source, *owners)?)?;
                restrict_bind(&tree, Access::ReadWrite)?;
                (target, tree)
            }
            _ => return Err(Errno::INVAL.into()),
        };
        let is_placed = self.placed.iter().any(|placed| placed.target == *target);
        if is_placed { Ok((target.clone(), mount)) } else { Err(Errno::NOENT.into()) }
    }

    /// Sees to it that a mount can be put where it belongs: above a new one something must be there to be
    /// mounted upon, and the path to an old one may lead elsewhere since a command renamed what it goes through.
    fn make_way(&mut self, index: usize, mounts: &[(PathBuf, OwnedFd)]) -> io::Result<()> {
        let placed = &self.placed[index];
        let parent = self.parents[index].map(|parent| &self.placed[parent].target);
        let upon = mounts.iter().find(|(path, _)| Some(path) == parent);
        if let Some((parent, top)) = upon {
            let below = Path::new("/").join(placed.target.strip_prefix(parent).unwrap_or(&placed.target));
            return Targets::new(top.try_clone()?).ensure(&below, placed.kind).map(drop);
        }
        if !mounts.iter().any(|(path, _)| *path == placed.target) {
            return Ok(());
        }
        self.targets.forget();
        let there = mount_id(&self.targets.open(&placed.target)?)?;
        if there == mount_id(&placed.mount)? { Ok(()) } else { Err(Errno::STALE.into()) }
    }

    /// The place of the mount that a path leads into.
    fn upon(&self, path: &Path) -> Option<&PathBuf> {
        nearest(&self.placed, |placed| path.starts_with(placed)).map(|index| &self.placed[index].target)
    }

    /// A rule holds for a file, and what the new mounts show are others. What a command made of the paths
    /// meanwhile counts for nothing: no link is followed.
    fn new_rules(&self, mounts: &[(PathBuf, OwnedFd)]) -> Result<BTreeMap<usize, Option<OpenRule>>, Failure> {
        let mut new = BTreeMap::new();
        for (number, rule) in self.rules.iter().enumerate() {
            let Some(rule) = rule else { continue };
            let Some(upon) = self.upon(&rule.path) else { continue };
            let Some((_, mount)) = mounts.iter().find(|(path, _)| path == upon) else { continue };
            let opened = beneath(mount, rule.path.strip_prefix(upon).unwrap_or(&rule.path), OFlags::empty());
            let opened = match opened {
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => None,
                opened => Some(opened.at(Stage::Landlock, || format!("open({:?})", rule.path))?),
            };
            let rule = opened.map(|opened| OpenRule { path: rule.path.clone(), rights: rule.rights, opened });
            new.insert(number, rule);
        }
        Ok(new)
    }

    fn replace(&mut self, index: usize, new: (PathBuf, OwnedFd), is_away: bool) -> io::Result<()> {
        let (target, new) = new;
        let placed = &mut self.placed[index];
        if !is_away {
            self.old.push(self.stash.take(&placed.mount)?);
        }
        self.targets.forget();
        attach(&new, self.targets.open(&target)?.as_fd())?;
        self.targets.forget();
        self.held.push(std::mem::replace(&mut placed.mount, new));
        Ok(())
    }

    fn bring_back(&mut self, index: usize) -> io::Result<()> {
        let placed = &self.placed[index];
        let target = self.targets.open(&placed.target)?;
        attach(&placed.mount, target.as_fd())?;
        self.targets.forget();
        Ok(())
    }
}

/// The nearest mount that the path of another one leads through.
fn parent_of(one: &Placed, all: &[Placed]) -> Option<usize> {
    nearest(all, |placed| one.target != placed && one.target.starts_with(placed))
}

fn nearest(all: &[Placed], leads_through: impl Fn(&Path) -> bool) -> Option<usize> {
    let through = all.iter().enumerate().filter(|(_, placed)| leads_through(&placed.target));
    through.max_by_key(|(_, placed)| placed.target.as_os_str().len()).map(|(index, _)| index)
}

/// What init kept of the host.
struct Sources<'a>(&'a [(Source, OwnedFd)]);

impl Directories for Sources<'_> {
    fn open(&mut self, path: &Path, owners: Owners) -> io::Result<OwnedFd> {
        let leads_there = |source: &Source| source.owners == owners && path.starts_with(&source.path);
        let sources = self.0.iter().filter(|(source, _)| leads_there(source));
        let nearest = sources.max_by_key(|(source, _)| source.path.as_os_str().len());
        let (source, mount) = nearest.ok_or(Errno::NOENT)?;
        let below = path.strip_prefix(&source.path).unwrap_or(path);
        Ok(beneath(mount, below, OFlags::DIRECTORY)?)
    }

    fn in_memory(&mut self, _: &str, _: u32) -> io::Result<(OwnedFd, OwnedFd)> {
        Err(Errno::INVAL.into())
    }
}

/// The mount that an open path is in.
fn mount_id(path: &OwnedFd) -> io::Result<u64> {
    Ok(statx(path, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?.stx_mnt_id)
}

fn beneath(top: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV;
    let resolve = inside | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    openat2(top, path, flags | OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)
}
