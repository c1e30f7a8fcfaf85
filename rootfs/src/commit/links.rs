//! Where a link leads in the tree that a commit would leave.

use std::path::{Component, Path, PathBuf};

/// A link, or whatever else, in the tree that would be left.
pub(crate) trait Links {
    /// The target of the link under a path; none if it is no link, or nothing.
    fn target(&self, path: &Path) -> Option<PathBuf>;
}

/// As the kernel has it.
const LONGEST_CHAIN: usize = 40;

/// Why the link `link` with `target` may not land; none if it stays in the project, whatever becomes of what
/// it leads through.
///
/// It may go up first and then down. One that goes down and up again is refused: that it stays inside would
/// hold only as long as nothing on its way becomes a link.
pub(crate) fn leads_out(link: &Path, target: &Path, tree: &dyn Links) -> Option<&'static str> {
    Way::new(tree).follow(link, target).err()
}

/// Where it leads, relative to the project.
pub(crate) fn destination(link: &Path, target: &Path, tree: &dyn Links) -> Option<PathBuf> {
    Way::new(tree).follow(link, target).ok()
}

struct Way<'a> {
    tree: &'a dyn Links,
    /// The links that are being followed. One that comes up again leads nowhere, and so not out.
    following: Vec<PathBuf>,
    left: usize,
}

impl<'a> Way<'a> {
    fn new(tree: &'a dyn Links) -> Self {
        Self { tree, following: Vec::new(), left: LONGEST_CHAIN }
    }

    fn follow(&mut self, link: &Path, target: &Path) -> Result<PathBuf, &'static str> {
        self.left = self.left.checked_sub(1).ok_or("it leads through too many links")?;
        self.following.push(link.to_owned());
        let mut here = link.parent().unwrap_or(Path::new("")).to_owned();
        let mut down = false;
        for component in target.components() {
            match component {
                Component::RootDir | Component::Prefix(_) => return Err("it leads to an absolute path"),
                Component::CurDir => {}
                Component::ParentDir if down => return Err("it goes up again after going down"),
                Component::ParentDir if here.pop() => {}
                Component::ParentDir => return Err("it leads out of the project"),
                Component::Normal(name) => {
                    down = true;
                    here.push(name);
                    here = self.step(here)?;
                }
            }
        }
        self.following.pop();
        Ok(here)
    }

    fn step(&mut self, here: PathBuf) -> Result<PathBuf, &'static str> {
        match self.tree.target(&here) {
            Some(next) if !self.following.contains(&here) => {
                let is_first = self.following.len() == 1;
                self.follow(&here, &next).map_err(|it| if is_first { through(it) } else { it })
            }
            _ => Ok(here),
        }
    }
}

fn through(reason: &'static str) -> &'static str {
    match reason {
        "it leads to an absolute path" => "it leads through another link to an absolute path",
        "it leads out of the project" => "it leads through another link out of the project",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(&'static [(&'static str, &'static str)]);

    impl Links for Tree {
        fn target(&self, path: &Path) -> Option<PathBuf> {
            // Each of these names the next one twice: a tree of 2^n ways.
            if let Some(depth) = path.to_str().and_then(|it| it.strip_prefix("many")) {
                return Some(format!("many{depth}x/many{depth}x").into());
            }
            self.0.iter().find(|(link, _)| Path::new(link) == path).map(|(_, target)| target.into())
        }
    }

    const TREE: Tree = Tree(&[
        ("etc", "/etc"),
        ("up", ".."),
        ("d/top", ".."),
        ("loop", "loop"),
        ("a/in", "../b"),
        ("deep/er/out", "../../../x"),
    ]);

    fn stays(link: &str, target: &str) -> bool {
        leads_out(Path::new(link), Path::new(target), &TREE).is_none()
    }

    #[test]
    fn a_link_inside_stays() {
        for (link, target) in [
            ("l", "x"),
            ("l", "./x"),
            ("d/l", "../x"),
            ("a/b/l", "../../c/d"),
            ("l", "loop"),
            ("loop", "loop"),
            ("l", "a/in/x"),
            ("l", "missing/x"),
        ] {
            assert!(stays(link, target), "{link} -> {target}");
        }
    }

    #[test]
    fn a_link_to_outside_is_told_also_through_others() {
        for (link, target) in [
            ("l", "/etc"),
            ("l", ".."),
            ("d/l", "../../x"),
            ("l", "etc/passwd"),
            ("l", "up"),
            ("d/l", "../up/x"),
            ("l", "x/../y"),
            ("l", "missing/../../x"),
            ("l", "many/x"),
            ("l", "deep/er/out"),
            ("l", "/proc/self/root"),
        ] {
            assert!(!stays(link, target), "{link} -> {target}");
        }
    }

    #[test]
    fn a_link_leads_where_the_links_on_its_way_lead() {
        let destination = |link: &str, target: &str| destination(Path::new(link), Path::new(target), &TREE);
        assert_eq!(destination("l", "a/in/x").unwrap(), Path::new("b/x"));
        assert_eq!(destination("l", "d/top/y").unwrap(), Path::new("y"));
    }
}
