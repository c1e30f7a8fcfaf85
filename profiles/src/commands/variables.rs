//! Variables that change which programs run, or what code they take: nobody sets them unjudged.

/// Whether a variable changes what programs do that are started with it. A name may end in `*`.
pub(super) fn changes_programs(name: &[u8]) -> bool {
    CHANGING.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix.as_bytes()),
        None => name == pattern.as_bytes(),
    }) || ENDINGS.iter().any(|ending| name.ends_with(ending.as_bytes()))
}

/// Whether a text can be a shell's variable.
pub(super) fn is_name(text: &[u8]) -> bool {
    text.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// The name before the first `=` of `NAME=VALUE`.
pub(super) fn assigned(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().position(|byte| *byte == b'=')?;
    Some(&text[..end])
}

#[rustfmt::skip]
const ENDINGS: &[&str] = &["_COMMAND", "PAGER", "EDITOR", "_ASKPASS", "_WRAPPER", "_RSH", "_RUNNER", "_LINKER"];

#[rustfmt::skip]
const CHANGING: &[&str] = &[
    // Where programs are found, and what is loaded into all of them.
    "PATH", "LD_*", "DYLD_*", "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "LOCPATH", "NLSPATH", "MALLOC_TRACE",
    "HOSTALIASES", "OPENSSL_*", "SSL_*", "TERMINFO*", "TERMCAP",
    // Where they find their settings.
    "HOME", "ZDOTDIR", "XDG_*", "INPUTRC", "WGETRC", "CURL_HOME", "DOCKER_*", "VIMINIT", "VIMRUNTIME", "EXINIT", "NETRC",
    // Shells.
    "ENV", "IFS", "SHELL", "SHELLOPTS", "BASH*", "PS0", "PS1", "PS2", "PS3", "PS4", "PROMPT*", "CDPATH", "FPATH",
    "GLOBIGNORE", "EXECIGNORE", "FIGNORE", "HISTFILE", "MAILPATH", "MODULE_PATH", "NULLCMD", "READNULLCMD", "KSH_*",
    "TMOUT", "POSIXLY_CORRECT", "COMP_*", "COMPREPLY", "FUNCNAME", "OPTIND",
    // What is evaluated when it is set.
    "RANDOM", "SRANDOM", "HISTCMD", "LINENO", "DIRSTACK", "PIPESTATUS", "GROUPS", "MAPFILE", "COPROC",
    // Editors, pagers, browsers.
    "VISUAL", "BROWSER", "LESS*", "MORE", "MANOPT", "MANPATH", "GROFF_*", "FCEDIT",
    // Tools that start what these name.
    "GIT_*", "CVS_*", "SVN_*", "HG*", "RSYNC_*", "TAR_OPTIONS", "TAPE", "GZIP", "BZIP*", "XZ_*", "ZIPOPT", "UNZIP*",
    "MAKE*", "MFLAGS", "GNUMAKEFLAGS", "CC", "CXX", "CPP", "LD", "AR", "AS", "NM", "RANLIB", "STRIP", "OBJCOPY", "FC",
    "LEX", "YACC", "INSTALL", "PKG_CONFIG*", "GCC_*", "COMPILER_PATH", "LIBRARY_PATH", "CCACHE*", "CMAKE_*", "CTEST_*",
    "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "LDLIBS", "RUSTC*", "RUSTDOC*", "RUSTFLAGS", "RUSTUP_*", "CARGO*",
    "GOFLAGS", "GOROOT", "GOTOOLCHAIN", "GOTOOLDIR", "GOENV", "GOPATH", "CGO_*", "CC_*", "CXX_*", "AR_*",
    // Interpreters that take code, or paths to code.
    "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONUSERBASE", "PYTHONWARNINGS",
    "PYTHONBREAKPOINT", "PYTHONPYCACHEPREFIX", "PYTHON_PRESITE", "PYTHONPLATLIBDIR", "PYTHONEXECUTABLE", "PYTEST_*", "PIP_*", "UV_*", "POETRY_*", "VIRTUAL_ENV",
    "PERL*", "RUBY*", "GEM_*", "BUNDLE_*", "RAKEOPT", "NODE_OPTIONS", "NODE_PATH", "NODE_REPL_*", "NPM_*", "npm_*", "YARN_*",
    "PNPM_*", "BUN_*", "DENO_*", "ELECTRON_*", "JAVA_*", "_JAVA_*", "JDK_*", "JVM_*", "CLASSPATH", "MAVEN_*", "GRADLE_*",
    "LUA_*", "PHP*", "AWKPATH", "AWKLIBPATH", "TCLLIBPATH", "R_*", "JULIA_*", "ERL_*", "ELIXIR_*", "EMACS*", "GUILE_*",
    "GOCACHEPROG", "GOAUTH", "GCCGO", "TS_NODE_*", "RIPGREP_CONFIG_PATH", "FZF_*", "ACKRC", "ACK_OPTIONS", "BAT_CONFIG_*",
    "AWS_CONFIG_FILE", "CLOUDSDK_*", "TF_CLI_*", "ANSIBLE_*", "HELM_*", "KUBECONFIG", "PYENV_*", "RBENV_*", "NVM_*", "VOLTA_*",
    "ASDF_*", "MISE_*", "COREPACK_*", "CONDA_*", "LINK.*", "COMPILE.*", "PREPROCESS.*", "CO", "GET", "F77", "PC", "TEX", "RM",
    "PROJ_LIB", "QT_*", "GTK_*", "GIO_*", "SSH_*", "SUDO_*", "LESSOPEN", "CORECLR_*", "DOTNET_*", "COMPLUS_*",
];
