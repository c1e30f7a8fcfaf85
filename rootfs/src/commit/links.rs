//! Where a link leads in the tree that a commit would leave.

use std::path::{Component, Path, PathBuf};

/// A link, or whatever else, in the tree that would be left.
pub(crate) trait Links {
    /// The target of the link under a path; none if it is no link, or nothing.
    fn target(&self, path: &Path) -> Option<PathBuf>;

    /// Every target that it may have, where it is not certain yet which of two trees has its way.
    fn targets(&self, path: &Path) -> Vec<PathBuf> {
        self.target(path).into_iter().collect()
    }

    /// Whether there may be no link under the path.
    fn may_be_plain(&self, path: &Path) -> bool {
        self.target(path).is_none()
    }
}

/// As the kernel has it.
const LONGEST_CHAIN: usize = 40;

/// Why the link `link` with `target` may not land; none if it stays in the project, whatever becomes of what
/// it leads through.
///
/// It may go up first and then down. One that goes down and up again is refused: that it stays inside would
/// hold only as long as nothing on its way becomes a link.
pub(crate) fn leads_out(link: &Path, target: &Path, tree: &dyn Links) -> Option<&'static str> {
    let mut way = Way::new(tree);
    way.follow(link, target);
    way.out
}

/// All places, relative to the project, that it may lead to or through; the project's top if there are too many.
pub(crate) fn places(link: &Path, target: &Path, tree: &dyn Links) -> Vec<PathBuf> {
    let mut way = Way::new(tree);
    let ends = way.follow(link, target);
    if way.left == 0 { vec![PathBuf::new()] } else { ends.into_iter().chain(way.passed).collect() }
}

struct Way<'a> {
    tree: &'a dyn Links,
    /// The links that are being followed. One that comes up again leads nowhere, and so not out.
    following: Vec<PathBuf>,
    /// The links that were followed on the way.
    passed: Vec<PathBuf>,
    left: usize,
    /// Why it leads out, on one of its ways.
    out: Option<&'static str>,
}

impl<'a> Way<'a> {
    fn new(tree: &'a dyn Links) -> Self {
        Self { tree, following: Vec::new(), passed: Vec::new(), left: LONGEST_CHAIN, out: None }
    }

    /// Where it may end; a way that leads out has no end.
    fn follow(&mut self, link: &Path, target: &Path) -> Vec<PathBuf> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            return self.ends_outside("it leads through too many links");
        }
        self.following.push(link.to_owned());
        let ends = self.walk(link.parent().unwrap_or(Path::new("")).to_owned(), target);
        self.following.pop();
        ends
    }

    fn walk(&mut self, from: PathBuf, target: &Path) -> Vec<PathBuf> {
        let (mut here, mut down) = (vec![from], false);
        for component in target.components() {
            match component {
                Component::RootDir | Component::Prefix(_) => {
                    return self.ends_outside("it leads to an absolute path");
                }
                Component::CurDir => {}
                Component::ParentDir if down => {
                    return self.ends_outside("it goes up again after going down");
                }
                Component::ParentDir => {
                    if !here.iter_mut().all(PathBuf::pop) {
                        return self.ends_outside("it leads out of the project");
                    }
                }
                Component::Normal(name) => {
                    down = true;
                    here = here.into_iter().flat_map(|above| self.step(above.join(name))).collect();
                }
            }
        }
        here
    }

    fn step(&mut self, here: PathBuf) -> Vec<PathBuf> {
        let targets = self.tree.targets(&here);
        let is_loop = self.following.contains(&here);
        let mut ends = Vec::new();
        if !is_loop && !targets.is_empty() {
            self.passed.push(here.clone());
            targets.iter().for_each(|target| ends.extend(self.follow(&here, target)));
        }
        if is_loop || targets.is_empty() || self.tree.may_be_plain(&here) {
            ends.push(here);
        }
        ends
    }

    fn ends_outside(&mut self, reason: &'static str) -> Vec<PathBuf> {
        let reason = if self.following.len() > 1 { through(reason) } else { reason };
        self.out.get_or_insert(reason);
        Vec::new()
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
    fn a_link_leads_where_the_links_on_its_way_lead_and_through_them() {
        let places = |link: &str, target: &str| {
            let mut places = places(Path::new(link), Path::new(target), &TREE);
            places.sort();
            places.iter().map(|place| place.to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(places("l", "a/in/x"), ["a/in", "b/x"]);
        assert_eq!(places("l", "d/top/y"), ["d/top", "y"]);
        assert_eq!(places("l", "etc/x"), ["etc"]);
        assert_eq!(places("l", "many/x"), [""]);
    }

    /// Two trees of which nobody knows which has its way under each path.
    struct Either(Tree, Tree);

    impl Links for Either {
        fn target(&self, path: &Path) -> Option<PathBuf> {
            self.0.target(path)
        }
        fn targets(&self, path: &Path) -> Vec<PathBuf> {
            [self.1.target(path), self.0.target(path)].into_iter().flatten().collect()
        }
        fn may_be_plain(&self, path: &Path) -> bool {
            self.0.target(path).is_none() || self.1.target(path).is_none()
        }
    }

    #[test]
    fn a_link_that_leads_out_by_either_tree_or_by_both_together_is_told() {
        let out = |session, project, target: &str| {
            leads_out(Path::new("l"), Path::new(target), &Either(Tree(session), Tree(project))).is_some()
        };
        assert!(out(&[], &[("d", "/etc")], "d/x"));
        assert!(out(&[("x/b", "../z")], &[("a", "x"), ("z/c", "/etc")], "a/b/c"));
        assert!(!out(&[("x/b", "../z")], &[("a", "x")], "a/b/c"));
        let session = Tree(&[("cfg", "/nowhere")]);
        let either = Either(session, Tree(&[("cfg", "real")]));
        let mut found = places(Path::new(".vscode"), Path::new("cfg"), &either);
        found.sort();
        assert_eq!(found, [Path::new("cfg"), Path::new("real")]);
    }
}
