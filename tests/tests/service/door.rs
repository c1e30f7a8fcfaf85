//! `curl`, run by a user of the machine.

use std::path::PathBuf;
use std::process::{Command, Output};

use clearing_tests::expect_success;
use serde_json::{Value, json};

use crate::machine::DOOR;

/// A user, and the door that they use.
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) door: String,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl User {
    /// One who uses the system's service.
    pub(crate) fn of_system(name: &'static str) -> Self {
        Self { name, door: DOOR.to_owned() }
    }

    /// One who uses their own.
    pub(crate) fn of_own(name: &'static str) -> Self {
        let user = Self { name, door: String::new() };
        Self { door: format!("/run/user/{}/clearing.sock", user.id()), ..user }
    }

    pub(crate) fn id(&self) -> String {
        expect_success(Command::new("id").args(["-u", self.name])).trim().to_owned()
    }

    /// A command that the user runs.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        let user = ["--reuid", self.name, "--regid", self.name, "--init-groups", "--reset-env"];
        // Where the one manager is that is begun here.
        command.args(user).args(["env", "XDG_RUNTIME_DIR=/run/user/1000"]).args(words).current_dir("/");
        command
    }

    /// A request, whatever becomes of it.
    pub(crate) fn curl(&self, method: &str, path: &str, body: Option<&Value>) -> Output {
        let mut words =
            vec!["curl", "--silent", "--show-error", "--max-time", "100", "--unix-socket", &self.door];
        let url = format!("http://clearing{path}");
        words.extend(["--request", method, "--write-out", "\n%{http_code}", &url]);
        let body = body.map(Value::to_string);
        if let Some(body) = &body {
            words.extend(["--header", "content-type: application/json", "--data-binary", body]);
        }
        self.command(&words).output().unwrap()
    }

    /// A request that is answered.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let output = self.curl(method, path, body);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let (body, status) = said.rsplit_once('\n').unwrap_or_else(|| panic!("{method} {path}: {told}"));
        let body = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body));
        let status = status.parse().unwrap();
        assert_ne!(status, 0, "{method} {path}: {told}");
        Answer { status, body }
    }

    /// One that is granted; its result.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.ask(method, path, body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer.body
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.call("GET", path, None)
    }

    /// A new project of the user's, in their home.
    pub(crate) fn project(&self, name: &str) -> PathBuf {
        let path = PathBuf::from(format!("/home/{}/{name}", self.name));
        expect_success(&mut self.command(&["mkdir", "-p", path.to_str().unwrap()]));
        path
    }

    /// Writes a profile of the user's, which says that much more than `default`.
    #[track_caller]
    pub(crate) fn write_profile(&self, name: &str, says: &str) {
        let script = "mkdir -p ~/.config/clearing/profiles && printf 'extends = \"default\"\\n%s' \"$1\" \
                      > ~/.config/clearing/profiles/$0.toml";
        expect_success(&mut self.command(&["sh", "-c", script, name, says]));
    }

    /// A session whose limits are a control group's.
    #[track_caller]
    pub(crate) fn limited_session(&self, project: &str) -> String {
        self.write_profile(
            "limited",
            "[limits]\nmemory = \"256M\"\nprocesses = 100\ncgroup = \"required\"\n",
        );
        self.session_with(project, json!({ "profile": "limited" }))
    }

    /// A session over a new project.
    #[track_caller]
    pub(crate) fn session(&self, project: &str) -> String {
        self.session_with(project, json!({}))
    }

    /// The same with more parameters.
    #[track_caller]
    pub(crate) fn session_with(&self, project: &str, more: Value) -> String {
        let mut asked = json!({ "workspace": self.project(project) });
        asked.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let made = self.call("POST", "/v1/sessions", Some(&asked));
        made["session"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    /// Takes a session that is on disk.
    #[track_caller]
    pub(crate) fn take(&self, session: &str) -> Value {
        self.call("POST", "/v1/sessions", Some(&json!({ "session": session })))
    }

    /// Runs a script to its end, and tells how that was.
    #[track_caller]
    pub(crate) fn run(&self, session: &str, script: &str) -> Value {
        let asked = json!({ "argv": ["sh", "-c", script] });
        self.call("POST", &format!("/v1/sessions/{session}/execs"), Some(&asked))
    }

    /// Begins a script.
    #[track_caller]
    pub(crate) fn begin(&self, session: &str, script: &str) -> Value {
        let asked = json!({ "argv": ["sh", "-c", script], "yieldMs": 500 });
        self.call("POST", &format!("/v1/sessions/{session}/execs"), Some(&asked))
    }

    /// The ids of the sessions that the user is told of.
    #[track_caller]
    pub(crate) fn sessions(&self) -> Vec<String> {
        let told = self.get("/v1/sessions");
        let sessions = told["sessions"].as_array().unwrap_or_else(|| panic!("{told}"));
        sessions.iter().map(|session| session["session"].as_str().unwrap().to_owned()).collect()
    }
}
