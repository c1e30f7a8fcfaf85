//! Version 1: a directory in each of several hierarchies.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, openat};

use super::hierarchy::Own;
use super::{Kind, Unavailable};
use crate::error::{AtStage as _, Stage};

/// Our own group in one hierarchy, below which ours may be made.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) directory: OwnedFd,
    pub(super) path: PathBuf,
    pub(super) controllers: Vec<String>,
}

/// For the figures alone: without them nothing is missing but these.
const FIGURES: [&str; 2] = ["cpuacct", "blkio"];

/// Looks for the hierarchies that limit or count; nothing is changed.
pub(super) fn find(groups: &[Own]) -> Result<Vec<Place>, Unavailable> {
    let (mut places, mut refused) = (Vec::new(), None);
    for own in groups.iter().filter(|own| is_wanted(own)) {
        match open_writable(own) {
            Ok(place) => places.push(place),
            Err(unavailable) => refused = Some(unavailable),
        }
    }
    if kinds(&places).is_empty() { Err(refused.unwrap_or(Unavailable::NotMounted)) } else { Ok(places) }
}

/// What groups in these can limit.
pub(super) fn kinds(places: &[Place]) -> Vec<Kind> {
    let has = |kind: &Kind| {
        places.iter().any(|place| place.controllers.iter().any(|name| name == kind.controller()))
    };
    Kind::ALL.into_iter().filter(has).collect()
}

fn is_wanted(own: &Own) -> bool {
    let limits = Kind::ALL.iter().map(|kind| kind.controller());
    limits.chain(FIGURES).any(|wanted| own.controllers.iter().any(|name| name == wanted))
}

fn open_writable(own: &Own) -> Result<Place, Unavailable> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = || {
        let directory = openat(CWD, &own.path, flags, Mode::empty())?;
        accessat(&directory, ".", Access::WRITE_OK, AtFlags::EACCESS)?;
        Ok::<_, rustix::io::Errno>(directory)
    };
    let directory = open()
        .at(Stage::Limits, || format!("faccessat({:?}, W_OK)", own.path))
        .map_err(Unavailable::Refused)?;
    Ok(Place { directory, path: own.path.clone(), controllers: own.controllers.clone() })
}
