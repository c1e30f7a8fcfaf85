//! What is hidden is told, and can be let in by who may.

use clearing_tests::{Site, for_each_caller};

use crate::expect_printed;

#[test]
fn a_profile_hides_shows_and_keeps_what_it_says() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write(".env", "token\n");
        site.write("config/app.secret", "token\n");
        site.write("src/lib/code", "code\n");
        let profile = site.write_home(
            "p.toml",
            "extends = \"default\"\nwiden = true\nreason = \"tests read it\"\n[filesystem]\nshow = [\".env\"]\n\
             hide = [\"*.secret\"]\nread_only = [\"src/lib\"]\n",
        );
        let options = ["-p", profile.to_str().unwrap()];
        let script = "ls -A . config; cat .env; echo x > src/lib/code || echo kept; touch src/lib/new || echo kept; \
                      rm -rf src/lib || echo kept; echo new > src/new && cat src/lib/code src/new";
        for layer in ["memory", "disk", "copy"] {
            let options = [&options[..], &["--layer", layer]].concat();
            let shown = ".:\n.env\nconfig\nsrc\n\nconfig:\ntoken\nkept\nkept\nkept\ncode\nnew\n";
            expect_printed(&site, &options, script, shown).expect_stderr("`config/app.secret`");
        }
    });
}

#[test]
fn a_project_hides_more_and_shows_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write(".env", "token\n");
        site.write("notes", "private\n");
        site.write(".clearing/profile.toml", "[filesystem]\nhide = [\"notes\"]\n");
        expect_printed(&site, &[], "cat .env notes; ls", "");
        for widening in ["show = [\".env\"]", "sensitive = false"] {
            site.write(".clearing/profile.toml", format!("[filesystem]\n{widening}\n"));
            site.run(["cat", ".env"]).output().expect_code(125).expect_stderr("profile.toml:2:");
        }
    });
}

#[test]
fn nothing_is_said_where_nothing_is_hidden_and_a_session_says_it_once() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        assert!(!site.run(["true"]).output().stderr.contains("hidden"));
        site.write(".env", "token\n");
        site.clearing(["create", "--name", "s"]).output().expect_code(0);
        let exec = || site.clearing(["exec", "s"]).command(["true"]).output();
        exec().expect_code(0).expect_stderr("one path of the project is hidden: `.env`");
        assert!(!exec().stderr.contains("hidden"));
        let plan = site.clearing(["run", "--plan"]).command(["true"]).output();
        plan.expect_code(0).expect_stderr("hidden: `.env`").expect_stdout("veil");
    });
}
