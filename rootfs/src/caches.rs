//! The caller's dependency caches, which become lower layers of the private home: builds start warm, and
//! what is written never reaches the caller's cache.

use std::path::{Path, PathBuf};

use crate::files::{Environment, canonical};
use crate::home_place::{Home, HomePlace, fixed, moved};
use crate::places::Places;

/// A directory of the caller's that is fetched again if it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// In the home, by the name that tools know.
    pub path: PathBuf,
    /// What lies there, which may be on another disk behind a link.
    pub source: PathBuf,
}

/// Only what is fetched again if it is missing. Settings and credentials lie beside, never inside.
const CACHES: &[HomePlace] = &[
    moved("CARGO_HOME", "registry", ".cargo/registry"),
    moved("CARGO_HOME", "git", ".cargo/git"),
    moved("npm_config_cache", "_cacache", ".npm/_cacache"),
    moved("PIP_CACHE_DIR", "", ".cache/pip"),
    moved("UV_CACHE_DIR", "", ".cache/uv"),
    moved("GOMODCACHE", "", "go/pkg/mod"),
    moved("GOPATH", "pkg/mod", "go/pkg/mod"),
    moved("GOCACHE", "", ".cache/go-build"),
    fixed(".m2/repository"),
    moved("GRADLE_USER_HOME", "caches", ".gradle/caches"),
    moved("GRADLE_USER_HOME", "wrapper", ".gradle/wrapper"),
    moved("YARN_CACHE_FOLDER", "", ".cache/yarn"),
    fixed(".yarn/berry/cache"),
    fixed(".local/share/pnpm/store"),
    moved("BUN_INSTALL_CACHE_DIR", "", ".bun/install/cache"),
    moved("DENO_DIR", "", ".cache/deno"),
    moved("COREPACK_HOME", "", ".cache/node/corepack"),
    moved("COMPOSER_CACHE_DIR", "", ".cache/composer"),
    fixed(".composer/cache"),
    moved("BUNDLE_USER_CACHE", "", ".bundle/cache"),
    moved("NUGET_PACKAGES", "", ".nuget/packages"),
    fixed(".ivy2/cache"),
    moved("COURSIER_CACHE", "", ".cache/coursier"),
    fixed(".sbt/boot"),
    moved("CABAL_DIR", "packages", ".cabal/packages"),
    moved("PUB_CACHE", "hosted", ".pub-cache/hosted"),
    moved("HEX_HOME", "packages", ".hex/packages"),
    moved("POETRY_CACHE_DIR", "", ".cache/pypoetry"),
    moved("CONDA_PKGS_DIRS", "", ".conda/pkgs"),
    moved("PRE_COMMIT_HOME", "", ".cache/pre-commit"),
    moved("PLAYWRIGHT_BROWSERS_PATH", "", ".cache/ms-playwright"),
    moved("CYPRESS_CACHE_FOLDER", "", ".cache/Cypress"),
    moved("CCACHE_DIR", "", ".cache/ccache"),
    moved("SCCACHE_DIR", "", ".cache/sccache"),
    fixed(".cache/zig"),
];

/// The caches that exist in the home directory, sorted, none inside another. A link to a place that is
/// never shown as a whole is none.
pub fn caches(home: &Path, state: &Path, environment: Environment<'_>) -> Vec<Cache> {
    let mut places = Home::new(home);
    let located = CACHES.iter().filter_map(|cache| places.locate(cache, environment));
    let mut found: Vec<PathBuf> = located.filter(|place| place.is_dir()).collect();
    if found.is_empty() {
        return Vec::new();
    }
    found.sort_unstable();
    // An outer directory comes right before what lies in it.
    found.dedup_by(|inner, outer| inner.starts_with(outer));
    let places = Places::new(Some(home), state);
    let true_name = |path: PathBuf| {
        let source = canonical(&path).ok().filter(|source| places.forbid(source).is_none())?;
        Some(Cache { path, source })
    };
    found.into_iter().filter_map(true_name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn home_with(directories: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for directory in directories {
            std::fs::create_dir_all(home.path().join(directory)).unwrap();
        }
        home
    }

    fn paths(home: &Path, environment: Environment<'_>) -> Vec<PathBuf> {
        caches(home, Path::new("/no/state"), environment).into_iter().map(|cache| cache.path).collect()
    }

    #[test]
    fn a_cache_may_lie_on_another_disk_but_not_be_the_home() {
        let (home, disk) = (home_with(&[".cargo", ".npm"]), home_with(&["registry"]));
        let registry = home.path().join(".cargo/registry");
        std::os::unix::fs::symlink(disk.path().join("registry"), &registry).unwrap();
        std::os::unix::fs::symlink("..", home.path().join(".npm/_cacache")).unwrap();
        let source = disk.path().join("registry").canonicalize().unwrap();
        let found = caches(home.path(), Path::new("/no/state"), &|_| None);
        assert_eq!(found, [Cache { path: registry, source }]);
    }

    #[test]
    fn caches_that_exist_are_found_and_settings_are_not() {
        let home = home_with(&[".cargo/registry", ".npm/_cacache", ".npm/_logs", ".ssh", ".cache/other"]);
        std::fs::write(home.path().join(".npmrc"), "").unwrap();
        let expected = [home.path().join(".cargo/registry"), home.path().join(".npm/_cacache")];
        assert_eq!(paths(home.path(), &|_| None), expected);
    }

    #[test]
    fn a_variable_moves_a_cache_within_the_home_and_never_out_of_it() {
        let home = home_with(&["rust/registry", ".cache/pip"]);
        let outside = home_with(&["registry"]);
        let moved = |to: PathBuf| move |name: &str| (name == "CARGO_HOME").then(|| OsString::from(&to));
        let inside = paths(home.path(), &moved(home.path().join("rust")));
        assert_eq!(inside, [home.path().join(".cache/pip"), home.path().join("rust/registry")]);
        assert_eq!(paths(home.path(), &moved(outside.path().into())), [home.path().join(".cache/pip")]);
        assert_eq!(paths(home.path(), &moved(home.path().join("../x"))), [home.path().join(".cache/pip")]);
    }

    #[test]
    fn the_home_itself_is_never_a_cache() {
        let home = home_with(&[".cache/pip"]);
        let whole = home.path().to_owned();
        let found = paths(home.path(), &|name| (name == "PIP_CACHE_DIR").then(|| whole.clone().into()));
        assert_eq!(found, Vec::<PathBuf>::new());
    }
}
