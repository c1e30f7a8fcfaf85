//! Long work on trees, told to a thread's watcher while it is done.
//!
//! Removing and merging are deep below most verbs; a watcher of a thread's own reaches them without being handed
//! through all of these. Where nobody watches, a look at the thread's cell is all that it costs.

use std::cell::Cell;

/// What is done to one file after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Two layers become one.
    Merge,
    /// A tree goes.
    Remove,
}

/// What a watcher hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// One more file is done.
    One(Work),
    /// A tree is done; more of them may follow.
    Ended,
}

thread_local! {
    static WATCHER: Cell<Option<fn(Heard)>> = const { Cell::new(None) };
}

/// Has long work of this thread told to a function, from now on.
pub fn watch_work(watcher: fn(Heard)) {
    WATCHER.set(Some(watcher));
}

/// A work on one tree, until it is dropped.
pub(crate) struct AtWork(Work);

impl AtWork {
    pub(crate) fn on(work: Work) -> Self {
        Self(work)
    }

    /// Tells that one more file is done.
    pub(crate) fn step(&self) {
        step(self.0);
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(tell) = WATCHER.get() {
            tell(Heard::Ended);
        }
    }
}

/// Tells that one more file is done of a work that somebody further out has begun.
pub(crate) fn step(work: Work) {
    if let Some(tell) = WATCHER.get() {
        tell(Heard::One(work));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static ALL: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    }

    fn count(heard: Heard) {
        let (steps, ends) = ALL.get();
        ALL.set(match heard {
            Heard::One(_) => (steps + 1, ends),
            Heard::Ended => (steps, ends + 1),
        });
    }

    #[test]
    fn each_file_that_is_removed_is_told_to_the_thread_that_watches() {
        let folder = tempfile::tempdir().expect("folder");
        for directory in ["a", "b"] {
            std::fs::create_dir_all(folder.path().join(directory).join("deep")).expect("directory");
            for number in 0..5 {
                let file = folder.path().join(directory).join(format!("deep/{number}"));
                std::fs::write(file, "").expect("file");
            }
        }
        let parent: std::os::fd::OwnedFd = std::fs::File::open(folder.path()).expect("open").into();
        let remove =
            |name| crate::remove::remove_tree(std::os::fd::AsFd::as_fd(&parent), name).expect("removed");
        remove(c"a");
        assert_eq!(ALL.get(), (0, 0));
        watch_work(count);
        remove(c"b");
        assert_eq!(ALL.get(), (5, 1));
    }
}
