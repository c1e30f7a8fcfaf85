//! Layouts of tool managers, known by name: where they lie, what of them programs need, what to leave out.
//!
//! Data only. A row that shows less than the whole directory does so because credentials or caches lie beside
//! the tools. Sorted by directory.

/// One tool manager's directory.
pub(crate) struct Layout {
    /// The variable that moves the directory.
    pub(crate) variable: Option<&'static str>,
    /// The directory, relative to the home directory or absolute.
    pub(crate) directory: &'static str,
    /// What of it is shown.
    pub(crate) shows: Shows,
    /// What of that is left out.
    pub(crate) leaves_out: &'static [&'static str],
    /// Directories of further layouts that its programs need.
    pub(crate) needs: &'static [&'static str],
}

/// What of a layout's directory is shown.
pub(crate) enum Shows {
    /// All of it.
    All,
    /// These parts.
    Parts(&'static [&'static str]),
    /// The directory right below that leads to the program: `/opt/NAME`.
    Each,
    /// All of it, and what links in it lead to as well.
    Linked,
}

use Shows::{All, Each, Linked, Parts};

pub(crate) const LAYOUTS: &[Layout] = &[
    all("/home/linuxbrew/.linuxbrew").moved_by("HOMEBREW_PREFIX").without(&["var"]),
    all("/nix/store"),
    new("/opt", Each),
    // Keys of user-made certificates lie in `corefx`.
    all(".dotnet").moved_by("DOTNET_ROOT").without(&["corefx", "TelemetryStorageService"]),
    all(".asdf").moved_by("ASDF_DATA_DIR"),
    new(".bun", Parts(&["bin", "install/global"])).moved_by("BUN_INSTALL"),
    new(".cabal", Parts(&["bin"])).moved_by("CABAL_DIR"),
    // `credentials.toml` holds tokens, `config.toml` may; `registry` and `git` are caches.
    new(".cargo", Parts(&["bin"])).moved_by("CARGO_HOME").needing(&[".rustup"]),
    new(".composer", Parts(&["vendor"])).moved_by("COMPOSER_HOME"),
    new(".config/composer", Parts(&["vendor"])),
    new(".config/yarn/global", All),
    new(".deno", Parts(&["bin"])).moved_by("DENO_INSTALL_ROOT"),
    all(".elan").moved_by("ELAN_HOME"),
    all(".fnm").moved_by("FNM_DIR"),
    // Keystores lie beside.
    new(".foundry", Parts(&["bin", "versions"])).moved_by("FOUNDRY_DIR"),
    // `credentials` lies beside.
    new(".gem", Parts(&["ruby"])),
    all(".ghcup").moved_by("GHCUP_INSTALL_BASE_PREFIX"),
    all(".goenv").moved_by("GOENV_ROOT"),
    all(".jenv").moved_by("JENV_ROOT"),
    new(".julia", Parts(&["juliaup"])),
    all(".juliaup"),
    new(".krew", Parts(&["bin", "store"])).moved_by("KREW_ROOT"),
    // `pip install --user` and pipx put programs into `bin` whose libraries are in `lib` and `share`.
    new(".local/bin", Linked).needing(&[".local/lib"]),
    all(".local/lib"),
    new(".local/opt", Each),
    all(".local/pipx"),
    all(".local/share/fnm"),
    new(".local/share/gem", Parts(&["ruby"])),
    all(".local/share/mise").moved_by("MISE_DATA_DIR"),
    all(".local/share/pipx").moved_by("PIPX_HOME"),
    all(".local/share/pnpm").moved_by("PNPM_HOME"),
    all(".local/share/pypoetry").moved_by("POETRY_HOME"),
    all(".local/share/swiftly").moved_by("SWIFTLY_HOME_DIR"),
    all(".local/share/uv").without(&["credentials"]),
    all(".local/state/nix").needing(&["/nix/store"]),
    new(".luarocks", Parts(&["bin", "lib", "share"])),
    all(".modular").moved_by("MODULAR_HOME").without(&["modular.cfg"]),
    new(".nimble", Parts(&["bin", "pkgs2"])).moved_by("NIMBLE_DIR"),
    all(".nodenv").moved_by("NODENV_ROOT"),
    all(".nvm").moved_by("NVM_DIR"),
    all(".opam").moved_by("OPAMROOT"),
    all(".phpenv").moved_by("PHPENV_ROOT"),
    all(".pixi").moved_by("PIXI_HOME").without(&["credentials.json"]),
    all(".plenv").moved_by("PLENV_ROOT"),
    all(".poetry"),
    all(".proto").moved_by("PROTO_HOME"),
    all(".pyenv").moved_by("PYENV_ROOT"),
    all(".rbenv").moved_by("RBENV_ROOT"),
    all(".rustup").moved_by("RUSTUP_HOME"),
    all(".rvm"),
    all(".rye").moved_by("RYE_HOME").without(&["config.toml", "credentials"]),
    all(".sdkman").moved_by("SDKMAN_DIR"),
    new(".stack", Parts(&["programs"])).moved_by("STACK_ROOT"),
    all(".swiftly"),
    all(".volta").moved_by("VOLTA_HOME"),
    new(".yarn", Parts(&["bin"])),
    all(".zvm"),
    new("Android/Sdk", All).moved_by("ANDROID_HOME"),
    all("anaconda3").without(CONDA_SETTINGS),
    new("bin", Linked),
    all("flutter"),
    // `pkg/mod` is a cache.
    new("go", Parts(&["bin"])).moved_by("GOPATH"),
    all("google-cloud-sdk"),
    all("mambaforge").without(CONDA_SETTINGS),
    all("micromamba").moved_by("MAMBA_ROOT_PREFIX").without(CONDA_SETTINGS),
    all("miniconda3").without(CONDA_SETTINGS),
    all("miniforge3").without(CONDA_SETTINGS),
    all("n").moved_by("N_PREFIX"),
    new("opt", Each),
    new("sdk", Each),
];

/// Channel addresses in them may carry tokens.
const CONDA_SETTINGS: &[&str] = &[".condarc", "condarc", "condarc.d"];

const fn new(directory: &'static str, shows: Shows) -> Layout {
    Layout { variable: None, directory, shows, leaves_out: &[], needs: &[] }
}

const fn all(directory: &'static str) -> Layout {
    new(directory, All)
}

impl Layout {
    const fn moved_by(self, variable: &'static str) -> Self {
        Self { variable: Some(variable), ..self }
    }

    const fn without(self, leaves_out: &'static [&'static str]) -> Self {
        Self { leaves_out, ..self }
    }

    const fn needing(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }
}
