//! The arguments by which programs start others, program by program: what is known of them, and no more.

use super::exposed::{Exposure, NONE};

#[rustfmt::skip]
pub(super) const EXPOSURES: &[Exposure] = &[
    // Archives and copies: filters, what runs for each file, what runs on the other side, a file with options.
    Exposure { names: &["ar", "gold", "ld", "lld", "nm", "ranlib", "strip"], long: &["plugin"], words: &[
        "-*dynamic-linker*", "-*load-pass-plugin*", "-I*", "-mllvm*", "-plugin*", "@*",
    ], ..NONE },
    Exposure { names: &["bsdtar", "gtar", "star", "tar"], cluster: true, short: b"FIT", long: &[
        "checkpoint-action", "files-from", "info-script", "new-volume-script", "rmt-command", "rsh-command",
        "to-command", "use-compress-program",
    ], ..NONE },
    Exposure { names: &["cpio", "mt"], long: &["rmt-command", "rsh-command"], ..NONE },
    Exposure { names: &["rsync"], short: b"Me", long: &["config", "daemon", "remote-option", "rsh", "rsync-path"],
        words: &["*@-*"], ..NONE },
    Exposure { names: &["zip"], short: b"T", long: &["test", "unzip-command"], ..NONE },
    Exposure { names: &["rpm", "rpmbuild", "rpmkeys", "rpmspec"], short: b"DE", long: &[
        "dbpath", "define", "eval", "load", "macros", "pipe", "rcfile", "root",
    ], ..NONE },

    // Other machines: what carries the connection, what is loaded for it, what runs over there.
    Exposure { names: &["autossh", "scp", "sftp", "ssh", "sshfs"], short: b"DFISbo", ..NONE },
    Exposure { names: &["ssh-add", "ssh-keygen"], short: b"DSsw", ..NONE },
    Exposure { names: &["bridge", "ip", "tc"], words: &["-b*", "exec", "netns", "vrf"], ..NONE },
    Exposure { names: &["busctl", "dbus-monitor", "dbus-send", "gdbus"], long: &["address", "bus", "peer"], ..NONE },
    Exposure { names: &["nc", "ncat", "netcat"], short: b"ce", long: &["exec", "lua-exec", "sh-exec"], ..NONE },
    Exposure { names: &["openssl"], words: &["-config*", "-engine*", "-provider*", "engine"], ..NONE },
    Exposure { names: &["tcpdump"], short: b"z", ..NONE },
    Exposure { names: &["tshark", "wireshark"], short: b"X", ..NONE },
    Exposure { names: &["wget"], short: b"e", long: &["config", "execute", "use-askpass"], ..NONE },

    // Version control. Where a verb comes first, only its own options count.
    Exposure { names: &["git"], long: &[
        "config", "config-env", "exec", "exec-path", "extcmd", "httpd", "open-files-in-pager", "receive-pack",
        "sendmail-cmd", "smtp-server", "strategy", "template", "tool", "upload-archive", "upload-pack",
    ], words: &["-O*", "ext::*"], starting: &[
        "-c*", "archimport", "bisect", "citool", "config", "credential*", "cvsexportcommit", "cvsimport", "cvsserver",
        "daemon", "difftool*", "fast-import", "filter-branch", "for-each-repo", "gui", "help", "hook", "http-backend",
        "imap-send", "instaweb", "maintenance", "merge-index", "mergetool*", "p4", "receive-pack", "remote-*",
        "send-email", "sh-setup", "shell", "submodule*", "svn", "upload-archive", "upload-pack", "web--browse",
    ], ..NONE },
    Exposure { names: &["git"], verbs: &["clone"], short: b"cu", ..NONE },
    Exposure { names: &["git"], verbs: &["grep"], short: b"O", ..NONE },
    Exposure { names: &["git"], verbs: &["rebase"], short: b"x", ..NONE },
    Exposure { names: &["hg"], long: &[
        "config", "config-file", "debugger", "editor", "profile", "remotecmd", "ssh", "tool",
    ], short: b"et", starting: &["bisect", "config", "debug*", "extdiff", "serve"], ..NONE },
    Exposure { names: &["svn", "svnlook", "svnrdump", "svnsync"], long: &[
        "config-dir", "config-option", "diff-cmd", "diff3-cmd", "editor-cmd",
    ], ..NONE },
    Exposure { names: &["jj"], long: &["config", "config-file", "config-toml", "tool"], starting: &["config", "util"], ..NONE },

    // Packages of languages: which shell, editor, browser or interpreter runs, and verbs that run what they are told.
    Exposure { names: &["bun", "npm", "pnpm", "yarn", "yarnpkg"], any_dashes: true, short: b"c", long: &[
        "browser", "call", "editor", "git", "global-pnpmfile", "globalconfig", "init-module", "node-gyp",
        "node-options", "npm-path", "onload-script", "pnpmfile", "python", "script-shell", "shell", "shell-emulator",
        "shell-mode", "use-node-version", "use-yarnrc", "userconfig", "viewer",
    ], words: &[
        "-*config.*", "c", "conf", "confi", "config", "cr", "cre", "crea", "creat", "create", "dlx", "ed", "edi",
        "edit", "exe", "exec", "explo", "explor", "explore", "ini", "init", "inn", "inni", "innit", "set", "x",
    ], ..NONE },
    Exposure { names: &["yarn", "yarnpkg"], words: &["node", "plugin", "policies"], ..NONE },
    Exposure { names: &["bun"], short: b"er", long: &[
        "config", "eval", "import", "preload", "print", "require", "shell",
    ], ..NONE },
    Exposure { names: &["pip"], long: &["editor", "python"], ..NONE },
    Exposure { names: &["uv"], short: b"p", long: &["config-file", "python"], ..NONE },
    Exposure { names: &["virtualenv"], short: b"p", long: &["creator", "discovery", "python"], ..NONE },
    Exposure { names: &["poetry"], starting: &["env", "shell"], ..NONE },
    Exposure { names: &["tox"], short: b"x", long: &["discover", "override"], words: &["e", "exec"], ..NONE },
    Exposure { names: &["mypy"], long: &["config-file", "install-types", "python-executable"], ..NONE },
    Exposure { names: &["pylint"], long: &["init-hook", "load-plugins", "rcfile"], ..NONE },
    Exposure { names: &["pre-commit"], short: b"c", long: &["config"], starting: &["try-repo"], ..NONE },
    Exposure { names: &["prove"], short: b"Pe", long: &["exec", "harness", "rc", "source"], ..NONE },
    Exposure { names: &["gem"], long: &["config-file"], starting: &["exec", "open"], ..NONE },
    Exposure { names: &["composer"], starting: &["config", "exec"], ..NONE },
    Exposure { names: &["apk", "apt", "apt-get", "aptitude", "dnf", "dpkg", "pacman", "yum", "zypper"], short: b"co", long: &[
        "config", "config-file", "gpgdir", "hookdir", "keys-dir", "option", "post-invoke", "pre-invoke", "root",
        "setopt",
    ], ..NONE },

    // Compilers and linkers: what they load, and which programs they are made of. `@` names a file of options.
    Exposure { names: &["cargo"], long: &["config"], short: b"Z", words: &["+*"], ..NONE },
    Exposure { names: &["rustup"], words: &["+*", "link"], ..NONE },
    Exposure { names: &["cargo"], verbs: &["clippy", "rustc", "rustdoc"], short: b"C", long: &[
        "codegen", "extern", "runtool", "sysroot", "test-runtool",
    ], words: &["@*"], ..NONE },
    Exposure { names: &["clippy-driver", "rustc", "rustdoc"], short: b"CZ", long: &[
        "codegen", "extern", "runtool", "sysroot", "target", "test-builder", "test-builder-wrapper", "test-runtool",
    ], words: &["+*", "@*"], ..NONE },
    Exposure { names: &["c++", "cc", "clang", "clang++", "cpp", "g++", "gcc", "gccgo", "gdc", "gfortran", "gnat"], words: &[
        "--config*", "--for-linker*", "--gcc-install-dir*", "--gcc-toolchain*", "--ld-path*", "--plugin*", "--pre*",
        "--sp*", "--wr*", "-B*", "-Wl,*-I*", "-Wl,*@*", "-Wl,*dynamic-linker*", "-Wl,*plugin*", "-X*",
        "-fpass-plugin*", "-fplugin*", "-fuse-ld*", "-iplugindir*", "-load*", "-resource-dir*", "-specs*",
        "-wrapper*", "@*",
    ], ..NONE },
    Exposure { names: &["go"], starting: &["env"], valued: &["--ldflags", "-ldflags"], words: &[
        "--exec*", "--gccgoflags*", "--ldflags*-I*", "--ldflags*-ext*", "--overlay*", "--toolexec*", "--vettool*",
        "-exec*", "-gccgoflags*", "-ldflags*-I*", "-ldflags*-ext*", "-overlay*", "-toolexec*", "-vettool*",
    ], ..NONE },
    Exposure { names: &["ghc"], words: &["--interactive*", "--run*", "-F*", "-e*", "-fplugin*", "-package-db*", "-pgm*", "@*"], ..NONE },
    Exposure { names: &["jar", "jarsigner", "javac", "javadoc", "javap", "jlink", "keytool"], words: &[
        "-*processor*", "-J*", "-Xplugin*", "-doclet*", "@*",
    ], ..NONE },
    Exposure { names: &["nvcc"], words: &["--compiler-bindir*", "--options-file*", "-ccbin*", "-dlink*", "-optf*", "@*"], ..NONE },
    Exposure { names: &["cabal", "stack"], words: &["--ghc-option*", "--with-*", "eval", "exec", "runghc"], ..NONE },
    Exposure { names: &["dlltool", "windres"], long: &["as", "preprocessor"], short: b"S", ..NONE },

    // Builds: recipes that stand in an argument or come with the input, and the programs of which they are made.
    Exposure { names: &["bmake", "gmake", "make"], short: b"E", sets: true, long: &["eval"], words: &[
        "*/dev/*", "*/proc/*", "-", "-*=-", "-*f-", ".RECIPEPREFIX*", ".SHELLFLAGS*",
    ], ..NONE },
    Exposure { names: &["bazel", "bazelisk"], words: &["--*bazelrc*", "--run_under*", "--workspace_status_command*"], ..NONE },
    Exposure { names: &["cmake"], valued: &["-D"], words: &[
        "--toolchain*", "-C*", "-D*COMPILER*", "-D*EMULATOR*", "-D*EXECUTABLE*", "-D*LAUNCHER*", "-D*LINKER*",
        "-D*MODULE_PATH*", "-D*PROGRAM*", "-D*PROJECT*INCLUDE*", "-D*RULE*", "-D*TOOLCHAIN*",
        "-D*_COMMAND:*", "-D*_COMMAND=*", "-E", "-P*",
    ], ..NONE },
    Exposure { names: &["cpack", "ctest"], words: &["-D*", "-G*", "-S*"], long: &[
        "build-and-test", "build-makeprogram", "config", "dashboard", "overwrite", "script", "test-command",
    ], ..NONE },
    Exposure { names: &["gradle", "gradlew"], words: &["-D*java.home*", "-Dorg.gradle*", "-I*", "-b*"],
        long: &["build-file", "init-script"], ..NONE },
    Exposure { names: &["ant"], words: &["-D*build.compiler*", "-D*executable*", "-b*", "-f*", "-l*", "-lib*"], ..NONE },
    Exposure { names: &["mvn", "mvnw"], words: &[
        "*antrun*", "*exec:*", "--file*", "--global-settings*", "--settings*", "--toolchains*", "-D*argLine*",
        "-D*compiler*", "-D*exec*", "-Djvm*", "-Dmaven.*", "-f*", "-gs*", "-s*", "-t*",
    ], ..NONE },
    Exposure { names: &["meson"], long: &["cross-file", "gdb-path", "native-file", "wrapper"], starting: &["devenv"], ..NONE },
    Exposure { names: &["ninja", "samu"], valued: &["-f"], words: &["-*f*/dev/*", "-*f*/proc/*", "-*f-", "-f=-"], ..NONE },

    // Looking: what pages, what reads first, what runs for each that is found.
    Exposure { names: &["ack", "ag", "bat", "batcat", "delta"], long: &["ackrc", "config-file", "env", "pager"], ..NONE },
    Exposure { names: &["fd", "fdfind"], short: b"Xx", long: &["exec", "exec-batch"], ..NONE },
    Exposure { names: &["fzf"], words: &["--bind*", "--preview*", "--with-shell*"], ..NONE },
    Exposure { names: &["less", "more"], words: &["+*"], short: b"k", long: &["lesskey-content", "lesskey-file", "lesskey-src"], ..NONE },
    Exposure { names: &["apropos", "man"], short: b"CHP", long: &["config-file", "html", "pager", "preprocessor"], ..NONE },
    Exposure { names: &["rg"], long: &["hostname-bin", "pre"], ..NONE },
    Exposure { names: &["ugrep"], long: &["config", "filter", "pager", "view"], ..NONE },

    // Text: what compares, sorts away or takes the parts.
    Exposure { names: &["diff3", "sdiff"], long: &["diff-program"], ..NONE },
    Exposure { names: &["groff", "troff"], short: b"FU", ..NONE },
    Exposure { names: &["install"], long: &["strip-program"], ..NONE },
    Exposure { names: &["latex", "lualatex", "pdflatex", "tex", "xelatex"], words: &["-*cnf*", "-*enable*", "-*parse*", "-*shell*"], ..NONE },
    Exposure { names: &["pandoc"], short: b"FLd", long: &["data-dir", "defaults", "filter", "lua-filter", "pdf-engine"], ..NONE },
    Exposure { names: &["sort"], long: &["compress-program"], ..NONE },
    Exposure { names: &["split"], long: &["filter"], ..NONE },

    // Keys and databases.
    Exposure { names: &["gpg", "gpgsm", "gpgv"], long: &[
        "agent-program", "dirmngr-program", "exec-path", "homedir", "keyboxd-program", "options", "photo-viewer",
        "pinentry-program", "show-photos",
    ], ..NONE },
    Exposure { names: &["gpg-zip", "gpgtar"], long: &["gpg", "tar"], ..NONE },
    Exposure { names: &["psql"], short: b"c", long: &["command"], ..NONE },
];
