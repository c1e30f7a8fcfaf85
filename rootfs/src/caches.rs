//! The caller's dependency caches, which become lower layers of the private home: builds start warm, and
//! what is written never reaches the caller's cache.

use std::path::{Path, PathBuf};

use crate::files::{Environment, normalize};

/// One tool's cache: below the directory that a variable names, else at its usual place in the home.
struct Cache {
    variable: &'static str,
    below: &'static str,
    usual: &'static str,
}

/// Only what is fetched again if it is missing. Settings and credentials lie beside, never inside.
const CACHES: &[Cache] = &[
    cache("CARGO_HOME", "registry", ".cargo/registry"),
    cache("CARGO_HOME", "git", ".cargo/git"),
    cache("npm_config_cache", "_cacache", ".npm/_cacache"),
    cache("PIP_CACHE_DIR", "", ".cache/pip"),
    cache("UV_CACHE_DIR", "", ".cache/uv"),
    cache("GOMODCACHE", "", "go/pkg/mod"),
    cache("GOPATH", "pkg/mod", "go/pkg/mod"),
    cache("GOCACHE", "", ".cache/go-build"),
    cache("", "", ".m2/repository"),
    cache("GRADLE_USER_HOME", "caches", ".gradle/caches"),
    cache("GRADLE_USER_HOME", "wrapper", ".gradle/wrapper"),
    cache("YARN_CACHE_FOLDER", "", ".cache/yarn"),
    cache("", "", ".yarn/berry/cache"),
    cache("", "", ".local/share/pnpm/store"),
    cache("BUN_INSTALL_CACHE_DIR", "", ".bun/install/cache"),
    cache("DENO_DIR", "", ".cache/deno"),
    cache("COREPACK_HOME", "", ".cache/node/corepack"),
    cache("COMPOSER_CACHE_DIR", "", ".cache/composer"),
    cache("", "", ".composer/cache"),
    cache("BUNDLE_USER_CACHE", "", ".bundle/cache"),
    cache("NUGET_PACKAGES", "", ".nuget/packages"),
    cache("", "", ".ivy2/cache"),
    cache("COURSIER_CACHE", "", ".cache/coursier"),
    cache("", "", ".sbt/boot"),
    cache("CABAL_DIR", "packages", ".cabal/packages"),
    cache("PUB_CACHE", "hosted", ".pub-cache/hosted"),
    cache("HEX_HOME", "packages", ".hex/packages"),
    cache("POETRY_CACHE_DIR", "", ".cache/pypoetry"),
    cache("CONDA_PKGS_DIRS", "", ".conda/pkgs"),
    cache("PRE_COMMIT_HOME", "", ".cache/pre-commit"),
    cache("PLAYWRIGHT_BROWSERS_PATH", "", ".cache/ms-playwright"),
    cache("CYPRESS_CACHE_FOLDER", "", ".cache/Cypress"),
    cache("CCACHE_DIR", "", ".cache/ccache"),
    cache("SCCACHE_DIR", "", ".cache/sccache"),
    cache("", "", ".cache/zig"),
];

/// The caches that exist in the home directory, sorted, none inside another.
pub fn caches(home: &Path, environment: Environment<'_>) -> Vec<PathBuf> {
    let mut caches: Vec<PathBuf> = CACHES.iter().map(|cache| cache.place(home, environment)).collect();
    caches.sort();
    caches.dedup();
    let mut found: Vec<PathBuf> = Vec::new();
    for cache in caches {
        let nested = found.last().is_some_and(|outer| cache.starts_with(outer));
        if !nested && cache.starts_with(home) && cache != home && cache.is_dir() {
            found.push(cache);
        }
    }
    found
}

const fn cache(variable: &'static str, below: &'static str, usual: &'static str) -> Cache {
    Cache { variable, below, usual }
}

impl Cache {
    fn place(&self, home: &Path, environment: Environment<'_>) -> PathBuf {
        let named = Some(self.variable).filter(|name| !name.is_empty()).and_then(environment);
        match named.map(PathBuf::from).filter(|path| path.is_absolute()) {
            Some(directory) => normalize(&directory.join(self.below)),
            None => home.join(self.usual),
        }
    }
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

    #[test]
    fn caches_that_exist_are_found_and_settings_are_not() {
        let home = home_with(&[".cargo/registry", ".npm/_cacache", ".npm/_logs", ".ssh", ".cache/other"]);
        std::fs::write(home.path().join(".npmrc"), "").unwrap();
        let expected = [home.path().join(".cargo/registry"), home.path().join(".npm/_cacache")];
        assert_eq!(caches(home.path(), &|_| None), expected);
    }

    #[test]
    fn a_variable_moves_a_cache_within_the_home_and_never_out_of_it() {
        let home = home_with(&["rust/registry", ".cache/pip"]);
        let outside = home_with(&["registry"]);
        let moved = |to: PathBuf| move |name: &str| (name == "CARGO_HOME").then(|| OsString::from(&to));
        let inside = caches(home.path(), &moved(home.path().join("rust")));
        assert_eq!(inside, [home.path().join(".cache/pip"), home.path().join("rust/registry")]);
        assert_eq!(caches(home.path(), &moved(outside.path().into())), [home.path().join(".cache/pip")]);
        assert_eq!(caches(home.path(), &moved(home.path().join("../x"))), [home.path().join(".cache/pip")]);
    }

    #[test]
    fn the_home_itself_is_never_a_cache() {
        let home = home_with(&[".cache/pip"]);
        let whole = home.path().to_owned();
        let found = caches(home.path(), &|name| (name == "PIP_CACHE_DIR").then(|| whole.clone().into()));
        assert_eq!(found, Vec::<PathBuf>::new());
    }
}
