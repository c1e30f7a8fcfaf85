//! Variables that change which programs run, or what code they take: nobody sets them unjudged.

/// Whether a variable changes what programs do that are started with it.
pub(super) fn changes_programs(name: &[u8]) -> bool {
    let begins = |prefix: &&str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    let is = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix.as_bytes()),
        None => name == pattern.as_bytes(),
    };
    CHANGING.iter().any(is)
        || ENDINGS.iter().any(|ending| name.ends_with(ending.as_bytes()))
        || IN_ANY_CASE.iter().any(begins)
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

/// How names end that name a program, whosever they are.
#[rustfmt::skip]
const ENDINGS: &[&str] = &[
    "_ASKPASS", "_BINARY", "_BINARY_PATH", "_CMD", "_COMMAND", "_EXECUTABLE", "_EXECUTABLE_PATH", "_FOR_BUILD",
    "_FOR_TARGET", "_LAUNCHER", "_LINKER", "_PRELOAD", "_RSH", "_RUNNER", "_SYMBOLIZER_PATH", "_WRAPPER", "EDITOR",
    "PAGER", "SAN_OPTIONS",
];

/// How names begin of which the rest is an option of a package manager, in upper or lower case.
const IN_ANY_CASE: &[&str] = &["bun_", "npm_", "pnpm_", "yarn_"];

/// Names; one that ends in `*` begins them.
#[rustfmt::skip]
const CHANGING: &[&str] = &[
    // Where programs are found, and what is loaded into all of them.
    "DYLD_*", "FAKECHROOT*", "FAKEROOT*", "FAKETIME*", "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "HOSTALIASES",
    "LD_*", "LOCPATH", "MALLOC_TRACE", "NLSPATH", "OPENSSL_*", "PATH", "PROXYCHAINS_*", "QEMU_LD_PREFIX", "SSL_*",
    "TERMCAP", "TERMINFO*", "TORSOCKS_*", "WINE*",
    // What libraries load, or connect to: a bus may be the output of a program.
    "ALSA_*", "DBUS_*", "GDAL_*", "GIO_*", "GS_LIB", "GS_OPTIONS", "GSS_*", "GST_*", "GTK_*", "KRB5_*", "LIBGL_*",
    "LIBVA_*", "MAGICK_*", "OCL_*", "ODBC*", "OGR_*", "P11_*", "PKCS11_*", "PROJ_LIB", "QT_*", "SASL_*", "VK_*",
    // Where they find their settings.
    "ANSIBLE_*", "APT_*", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BUILDKIT_*", "CLOUDSDK_*", "COMPOSE_*",
    "CONTAINERS_*", "CURL_HOME", "DOCKER_*", "DPKG_*", "EXINIT", "GNUPGHOME", "GUIX_*", "HELM_*", "HOME",
    "HOMEBREW_*", "INPUTRC", "IRBRC", "KUBE*", "MAILCAPS", "MAILRC", "MYVIMRC", "NETRC", "NIX_*", "NVIM_*",
    "PACKER_*", "PRYRC", "PSQLRC", "PULUMI_*", "RPM_*", "SCREENRC", "SYSSCREENRC", "SYSTEMD_*", "TF_*", "VAGRANT_*",
    "VIM", "VIMINIT", "VIMRUNTIME", "WGETRC", "XDG_*", "ZDOTDIR",
    // Shells.
    "BASH*", "CDPATH", "COMP_*", "COMPREPLY", "CONFIG_SHELL", "CONFIG_SITE", "ENV", "EXECIGNORE", "FIGNORE", "FPATH",
    "FUNCNAME", "GLOBIGNORE", "HISTFILE", "IFS", "KSH_*", "MAILPATH", "MODULE_PATH", "NULLCMD", "OPTIND",
    "POSIXLY_CORRECT", "PROMPT*", "PS0", "PS1", "PS2", "PS3", "PS4", "READNULLCMD", "SHELL", "SHELLOPTS", "TMOUT",
    // What is evaluated when it is set.
    "COPROC", "DIRSTACK", "GROUPS", "HISTCMD", "LINENO", "MAPFILE", "PIPESTATUS", "RANDOM", "SRANDOM",
    // Editors, pagers, browsers.
    "BROWSER", "CHROME_*", "CHROMIUM*", "CYPRESS_*", "FCEDIT", "GROFF_*", "LESS*", "MANOPT", "MANPATH", "MANROFF*",
    "MORE", "PLAYWRIGHT_*", "PUPPETEER_*", "shell_escape*", "TEXINPUTS", "TEXMF*", "VISUAL",
    // Version control and copies: what these start.
    "BZIP*", "CVS_*", "GH_*", "GIT_*", "GZIP", "HG*", "JJ_*", "P4*", "RSH", "RSYNC_*", "SSH_*", "SUDO_*", "SVN_*",
    "TAPE", "TAR_OPTIONS", "UNZIP*", "XZ_*", "ZIPOPT",
    // Builds: the programs of recipes, and what these are told.
    "ACLOCAL*", "AR", "ARFLAGS", "AS", "ASFLAGS", "AUTOCONF", "AUTOHEADER", "AUTOM4TE", "AUTOMAKE", "AUTOPOINT",
    "AUTORECONF", "AWK", "BAZEL*", "BISON*", "CC", "CCACHE*", "CFLAGS", "CMAKE", "CMAKE_*", "CO", "COFLAGS",
    "COMPILE.*", "CPACK", "CPP", "CPPFLAGS", "CROSS_COMPILE", "CTANGLE", "CTEST", "CTEST_*", "CWEAVE", "CXX",
    "CXXFILT", "CXXFLAGS", "DISTCC*", "DLLTOOL", "F77", "F77FLAGS", "FC", "FFLAGS", "FLEX", "GCC", "GET", "GFLAGS",
    "GNUMAKEFLAGS", "GPATH", "GREP", "GXX", "HOSTCC", "HOSTCXX", "ICECC*", "INSTALL", "KCFLAGS", "LD", "LDFLAGS",
    "LDLIBS", "LEX", "LEX.*", "LFLAGS", "LIBTOOL*", "LINK.*", "LINT", "LINT.*", "LINTFLAGS", "LN_S", "LOADLIBES",
    "LT_*", "M2C", "M4", "MAKE*", "MESON*", "MFLAGS", "MKDIR_P", "NINJA*", "NM", "OBJC", "OBJCOPY", "OBJCXX",
    "OBJDUMP", "OUTPUT_OPTION", "PC", "PFLAGS", "PKG_CONFIG*", "PREPROCESS.*", "RANLIB", "READELF", "RFLAGS", "RM",
    "SCCACHE*", "SED", "STRIP", "TANGLE", "TARGET_ARCH", "TARGET_MACH", "TEX", "TEXI2DVI", "USE_BAZEL_VERSION",
    "VPATH", "WEAVE", "WINDRES", "YACC", "YACC.*", "YFLAGS",
    // Compilers: what they load, and where they look.
    "AR_*", "BINDGEN_*", "CABAL_*", "CAML*", "CARGO*", "CC_*", "CGO_*", "CLANG*", "CLIPPY_ARGS", "COMPILER_PATH",
    "CRATE_CC_*", "CUDACXX", "CUDAHOSTCXX", "CXX_*", "DUNE_*", "GCC_*", "GCCGO*", "GHC_*", "GHCRTS",
    "GO_EXTLINK_ENABLED", "GOAUTH", "GOCACHEPROG", "GOENV", "GOFLAGS", "GOPATH", "GOROOT", "GOTOOLCHAIN", "GOTOOLDIR",
    "HIPCXX", "HOST_AR", "HOST_CC", "HOST_CFLAGS", "HOST_CXX", "ISPC", "LIBCLANG_PATH", "LIBRARY_PATH", "LLVM*",
    "MIRI*", "NEXTEST_*", "OCAML*", "OPAM*", "PROTOC", "PROTOC_*", "RUSTC*", "RUSTDOC*", "RUSTFLAGS", "RUSTFMT",
    "RUSTUP_*", "SDKROOT", "STACK_*", "SWIFT*", "TARGET_AR", "TARGET_CC", "TARGET_CFLAGS", "TARGET_CXX",
    "TARGET_CXXFLAGS", "TOOLCHAINS", "ZIG_*",
    // Interpreters that take code, or paths to code, and their managers.
    "_JAVA_*", "ANT_*", "AWKLIBPATH", "AWKPATH", "BUNDLE_*", "CIBW_*", "CLASSPATH", "COMPLUS_*", "COMPOSER_*",
    "CONDA_*", "COR_*", "CORECLR_*", "COREPACK_*", "COVERAGE_*", "DENO_*", "DOTNET_*", "ELECTRON_*", "ELIXIR_*",
    "EMACS*", "ERL_*", "ESBUILD_*", "GEM_*", "GRADLE_*", "GROOVY_*", "GUILE_*", "HARNESS_*", "HATCH_*", "HEX_*",
    "JAVA_*", "JAVACMD", "JDK_*", "JRE_*", "JULIA_*", "JVM_*", "KOTLIN_*", "LEIN_*", "LUA_*", "M2_HOME", "MAMBA_*",
    "MAVEN_*", "MIX_ARCHIVES", "MIX_EXS", "MIX_HOME", "MIX_PATH", "MONO_*", "MSBUILD*", "MVN_*", "MYPY*", "NODE",
    "NODE_COMPILE_CACHE", "NODE_GYP*", "NODE_OPTIONS", "NODE_PATH", "NODE_REPL_*", "NPM", "NUGET_*", "PDM_*", "PERL*",
    "PHP*", "PIP", "PIP_*", "PIPENV_*", "PIPX_*", "PNPM", "POETRY_*", "PYLINT*", "PYTEST_*", "PYTHON", "PYTHON3",
    "PYTHON_PRESITE", "PYTHONBREAKPOINT", "PYTHONEXECUTABLE", "PYTHONHOME", "PYTHONINSPECT", "PYTHONPATH",
    "PYTHONPLATLIBDIR", "PYTHONPYCACHEPREFIX", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONWARNINGS", "R_*", "RAKEOPT",
    "RUBY*", "SASS_BINARY_*", "SBT_*", "SPEC_OPTS", "TCL*", "TOX_*", "TS_NODE_*", "UV", "UV_*", "VIRTUAL_ENV",
    "VIRTUALENV*", "WORKON_HOME", "YARN",
    // Other tools that start what these name.
    "ACK_OPTIONS", "ACKRC", "ASDF_*", "BAT_CONFIG_*", "FZF_*", "GDB*", "LLDB_*", "MISE_*", "NVM_*", "PYENV_*",
    "RBENV_*", "RIPGREP_CONFIG_PATH", "VALGRIND_*", "VOLTA_*",
];
