//! The few kernel modules that a machine loads, in the order in which they need each other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, shell};

/// Puts the modules, and those that they need, from unpacked packages into one directory.
///
/// What no file is there for is built into the kernel; a machine that lacks it says so when it boots.
pub(super) fn lay(wanted: &[&str], unpacked: &Path, into: &Path) -> Result {
    let files = shell::find_files(unpacked, |name| name.contains(".ko"))?;
    let mut laying = Laying {
        there: files.into_iter().filter_map(|file| Some((name_of(&file)?, file))).collect(),
        laid: Vec::new(),
        into,
    };
    wanted.iter().try_for_each(|name| laying.lay(name))
}

struct Laying<'p> {
    there: BTreeMap<String, PathBuf>,
    laid: Vec<String>,
    into: &'p Path,
}

impl Laying<'_> {
    fn lay(&mut self, name: &str) -> Result {
        let name = name.replace('-', "_");
        let Some(file) = self.there.get(&name) else { return Ok(()) };
        if self.laid.contains(&name) {
            return Ok(());
        }
        let module = unpacked(file)?;
        for needed in needs(&module) {
            self.lay(&needed)?;
        }
        fs::write(self.into.join(format!("{:02}-{name}.ko", self.laid.len())), module)?;
        self.laid.push(name);
        Ok(())
    }
}

/// `virtio_pci` of `…/virtio-pci.ko.xz`: the kernel's tools take both characters for the same.
fn name_of(file: &Path) -> Option<String> {
    let (name, _) = file.file_name()?.to_str()?.split_once(".ko")?;
    Some(name.replace('-', "_"))
}

fn unpacked(file: &Path) -> Result<Vec<u8>> {
    let program = match file.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        _ => return Ok(fs::read(file)?),
    };
    let output = Command::new(program).arg("-dc").arg(file).output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{program}: {}", file.display()).into())
    }
}

/// The modules that one says it needs: `depends=a,b` among the texts that it describes itself with.
fn needs(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"depends=";
    let texts = module.split(|byte| *byte == 0);
    let needs = texts.filter_map(|text| text.strip_prefix(KEY)).next().unwrap_or_default();
    let names = needs.split(|byte| *byte == b',').filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(modules: &[(&str, &str)], wanted: &[&str]) -> Vec<String> {
        let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (file, depends) in modules {
            fs::write(from.path().join(file), format!("\x7fELF\0license=GPL\0depends={depends}\0")).unwrap();
        }
        lay(wanted, from.path(), into.path()).unwrap();
        let mut names: Vec<_> = fs::read_dir(into.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_module_needs_is_loaded_before_it_and_once() {
        let modules =
            [("virtio.ko", ""), ("virtio-ring.ko", "virtio"), ("virtio_blk.ko", "virtio,virtio-ring")];
        let names = laid(&modules, &["virtio_blk", "virtio", "built_in"]);
        assert_eq!(names, ["00-virtio.ko", "01-virtio_ring.ko", "02-virtio_blk.ko"]);
    }
}
