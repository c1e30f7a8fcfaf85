//! P-H2: the environment is built from an allow-list; no host secret, agent socket or loader variable
//! comes in.

use std::collections::BTreeSet;

use clearing_tests::decoys::secret;
use clearing_tests::{Site, for_each_caller};

use crate::attack::printed;

#[test]
fn a_variable_that_nobody_knows_does_not_come_in() {
    does_not_come_in("DECOY");
}

#[test]
fn cloud_credentials_do_not_come_in() {
    for name in [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "AZURE_CLIENT_SECRET",
    ] {
        does_not_come_in(name);
    }
}

#[test]
fn tokens_of_forges_and_registries_do_not_come_in() {
    for name in ["GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "NPM_TOKEN", "CARGO_REGISTRY_TOKEN"] {
        does_not_come_in(name);
    }
}

#[test]
fn keys_of_model_services_do_not_come_in() {
    for name in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"] {
        does_not_come_in(name);
    }
}

#[test]
fn agent_sockets_do_not_come_in() {
    for name in
        ["SSH_AUTH_SOCK", "GPG_AGENT_INFO", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST", "XDG_RUNTIME_DIR"]
    {
        does_not_come_in(name);
    }
}

#[test]
fn displays_do_not_come_in() {
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"] {
        does_not_come_in(name);
    }
}

#[test]
fn loader_variables_do_not_come_in() {
    for name in ["LD_LIBRARY_PATH", "LD_AUDIT", "GCONV_PATH", "GLIBC_TUNABLES"] {
        does_not_come_in(name);
    }
}

#[test]
fn start_up_files_of_interpreters_do_not_come_in() {
    for name in ["BASH_ENV", "ENV", "PYTHONSTARTUP", "PYTHONHOME", "NODE_OPTIONS", "PERL5OPT", "RUBYOPT"] {
        does_not_come_in(name);
    }
}

#[test]
fn exported_shell_functions_do_not_come_in() {
    does_not_come_in("BASH_FUNC_ls%%");
}

#[test]
fn proxies_with_passwords_do_not_come_in() {
    for name in ["http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        does_not_come_in(name);
    }
}

#[test]
fn settings_of_the_sandbox_itself_do_not_come_in() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["env"]).output();
        assert!(!output.stdout.contains("CLEARING_STATE_DIR"), "{output}");
    });
}

#[test]
fn every_name_that_comes_in_is_known() {
    let known = BTreeSet::from([
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TERM",
        "COLORTERM",
        "TZ",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "TMPDIR",
        "HOSTNAME",
        "EDITOR",
        "PAGER",
        "COLUMNS",
        "LINES",
        "NO_COLOR",
        "CI",
    ]);
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["env"]).env("DECOY", "decoy").output();
        let names = output.stdout.lines().filter_map(|line| line.split_once('='));
        for (name, _) in names {
            let fine =
                known.contains(name) || name.starts_with("LC_") || name.starts_with("CLEARING_SANDBOX");
            assert!(fine, "{name} came in\n{output}");
        }
    });
}

#[test]
fn the_environment_on_the_stack_holds_no_more() {
    for_each_caller(|caller| {
        let (site, kept) = (Site::new(caller), secret());
        let read = "tr '\\0' '\\n' </proc/self/environ; tr '\\0' '\\n' </proc/$$/environ";
        let output = site.run(["sh", "-c", read]).env("DECOY", &kept).output();
        output.expect_stdout("PATH=");
        assert!(!output.stdout.contains(&kept), "{output}");
        let told = printed(site.host("sh").args(["-c", read]).env("DECOY", &kept));
        assert!(told.contains(&kept), "control");
    });
}

#[test]
fn a_variable_named_on_the_command_line_comes_in() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["env"]).args(["-e", "GIVEN=on-purpose"]).output();
        output.expect_stdout("GIVEN=on-purpose\n");
    });
}

#[track_caller]
fn does_not_come_in(name: &str) {
    for_each_caller(|caller| {
        let (site, kept) = (Site::new(caller), secret());
        let output = site.run(["env"]).env(name, &kept).output();
        output.expect_stdout("PATH=");
        assert!(!output.stdout.contains(&kept), "{name}: {output}");
        let told = printed(site.host("env").env(name, &kept));
        assert!(told.contains(&kept), "control");
    });
}
