//! What the operations do in a directory, without a sandbox around them.

mod hostile;
mod ordinary;

use std::fs;
use std::path::{Path, PathBuf};

use clearing_rootfs::PathText;
use serde_json::{Value, json};

use super::Request;
use super::inside::{Answer, Order, answer};

/// A project, and something beside it that nobody may touch.
struct Scratch {
    _directory: tempfile::TempDir,
    top: PathBuf,
}

impl Scratch {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let top = directory.path().join("app");
        fs::create_dir(&top).expect("made");
        fs::write(directory.path().join("outside"), "secret").expect("written");
        Self { top, _directory: directory }
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.top.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, content).expect("written");
    }

    fn link(&self, to: &str, path: &str) {
        std::os::unix::fs::symlink(to, self.top.join(path)).expect("linked");
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.top.join(path)).expect("read")
    }

    fn outside(&self) -> String {
        fs::read_to_string(self.top.join("../outside")).expect("read")
    }

    /// The answer to a method; the project has the name `/app` as well.
    fn ask(&self, method: &str, params: Value) -> Result<Value, Value> {
        let request = Request::of(method, params).expect("a method").expect("parameters");
        let order = Order { project: PathText("/app".into()), request };
        match answer(&order, Path::new(&self.top)) {
            Answer::Result(value) => Ok(value),
            Answer::Error(error) => Err(serde_json::to_value(error).expect("an error")),
        }
    }

    #[track_caller]
    fn done(&self, method: &str, params: Value) -> Value {
        self.ask(method, params.clone()).unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    #[track_caller]
    fn refused(&self, method: &str, params: Value, code: &str) -> Value {
        let error = self.ask(method, params.clone()).expect_err("refused");
        assert_eq!(error["code"], json!(code), "{method} {params}: {error}");
        error
    }
}
