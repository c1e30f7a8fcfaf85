//! One session at a site, driven as its caller would.

use clearing_tests::{Output, Site};

/// A session by its id.
pub(crate) struct Session<'s> {
    pub(crate) site: &'s Site,
    pub(crate) id: String,
}

impl<'s> Session<'s> {
    /// Makes one over the site's project.
    pub(crate) fn create(site: &'s Site, options: &[&str]) -> Self {
        let output = site.clearing(["create"]).args(options).output();
        output.expect_code(0);
        Self { site, id: output.stdout.trim().to_owned() }
    }

    /// Forks it.
    pub(crate) fn fork(&self, options: &[&str]) -> Self {
        let output = self.verb("fork", options);
        output.expect_code(0);
        Self { site: self.site, id: output.stdout.trim().to_owned() }
    }

    /// Runs a shell script in it, whatever becomes of that.
    pub(crate) fn try_sh(&self, script: &str) -> Output {
        self.site.clearing(["exec", &self.id]).command(["sh", "-c", script]).output()
    }

    /// Runs a shell script in it, and tells what that printed.
    #[track_caller]
    pub(crate) fn sh(&self, script: &str) -> String {
        let output = self.try_sh(script);
        output.expect_code(0);
        output.stdout
    }

    /// Applies a verb to it, whatever becomes of that.
    pub(crate) fn verb(&self, verb: &str, arguments: &[&str]) -> Output {
        self.site.clearing([verb, &self.id]).args(arguments).output()
    }

    /// Applies a verb to it.
    #[track_caller]
    pub(crate) fn done(&self, verb: &str, arguments: &[&str]) -> String {
        let output = self.verb(verb, arguments);
        output.expect_code(0);
        output.stdout
    }

    /// The names of its snapshots, oldest first.
    pub(crate) fn snapshots(&self) -> Vec<String> {
        let told: serde_json::Value = serde_json::from_str(&self.done("inspect", &["--json"])).unwrap();
        let names = told["snapshots"].as_array().unwrap().iter();
        names.map(|snapshot| snapshot["name"].as_str().unwrap().to_owned()).collect()
    }
}
