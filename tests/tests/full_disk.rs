//! A disk that is full in the middle of a seal, a merge or a commit: that is said, nothing is lost, and the verb
//! succeeds when there is room.
//!
//! State directory and home lie on small file systems in a mount namespace of the proof's own. Each verb is tried
//! with no room at all, then with a little more, and so on, until it has what it needs.

use std::cell::Cell;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clearing_tests::{Output, Run, Site, for_each_caller, patience, skip};

/// A site on two small file systems.
struct Small<'s> {
    site: &'s Site,
    /// Keeps their mount namespace.
    holder: Child,
}

/// Mounts them, and stays as long as it is wanted. It is ready when it is who it stays.
const HOLD: &str = r#"
    options=size=4m,nr_inodes=2000,mode=700
    mount -t tmpfs -o $options small "$1" && mount -t tmpfs -o $options small "$2" && mkdir "$2/project" && shift 2 && exec "$@" sh -c "echo ready; exec sleep 1000""#;

impl<'s> Small<'s> {
    fn mount(site: &'s Site) -> Option<Self> {
        let (uid, gid) = (site.caller().uid(), site.caller().gid());
        // Only root may mount; an ordinary user is root in a namespace first, and then himself again.
        let (namespaces, again): (&[&str], Vec<String>) = if uid == 0 {
            (&["--mount"], Vec::new())
        } else {
            let himself = [format!("--map-user={uid}"), format!("--map-group={gid}")];
            let again = ["unshare", "--user", "--mount"].map(str::to_owned).into_iter().chain(himself);
            (&["--user", "--map-root-user", "--mount"], again.collect())
        };
        let mut holder = site.host("unshare");
        holder.args(namespaces).args(["sh", "-c", HOLD, "sh"]).args([site.state(), site.home()]).args(again);
        holder.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut holder = holder.spawn().expect("unshare starts");
        let mut line = String::new();
        let told = BufReader::new(holder.stdout.take().expect("a pipe")).read_line(&mut line);
        if told.is_err() || line.trim() != "ready" {
            let _ = holder.wait();
            skip("no small file system can be mounted in a namespace");
            return None;
        }
        Some(Self { site, holder })
    }

    fn inside(&self) -> Vec<String> {
        let mut line = vec!["nsenter".to_owned(), "--mount".to_owned()];
        if self.site.caller().uid() != 0 {
            line.extend(["--user", "--preserve-credentials"].map(str::to_owned));
        }
        // Without a directory of its own it would begin outside of the mounts.
        let project = format!("--wdns={}", self.site.project().display());
        line.extend([format!("--target={}", self.holder.id()), project, "--".to_owned()]);
        line
    }

    fn clearing(&self, arguments: &[&str]) -> Run<'s> {
        self.site.clearing(arguments).through(self.inside())
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.clearing(arguments).output();
        output.expect_code(0);
        output.stdout
    }

    #[track_caller]
    fn sh(&self, script: &str) -> String {
        self.done(&["exec", "s", "--", "sh", "-ec", script])
    }

    /// Runs a script on the bare host, where the small file systems are seen.
    #[track_caller]
    fn host(&self, script: &str) -> String {
        let line = self.inside();
        let mut command = self.site.host(&line[0]);
        clearing_tests::expect_success(command.args(&line[1..]).args(["sh", "-ec", script]))
    }

    /// What a run leaves to be cleared by a process that nobody waits for gives room back meanwhile.
    fn wait_until_nobody_clears(&self) {
        let namespace = |process: &Path| fs::read_link(process.join("ns/mnt")).ok();
        let ours = namespace(Path::new(&format!("/proc/{}", self.holder.id())));
        let inside = || {
            let processes = fs::read_dir("/proc").expect("/proc is mounted").flatten();
            processes.filter(|process| ours.is_some() && namespace(&process.path()) == ours).count()
        };
        let end = Instant::now() + patience(Duration::from_secs(10));
        while inside() > 1 {
            assert!(Instant::now() < end, "what a run left is still being cleared");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Fills one of them, but for so much room.
    fn fill(&self, directory: &Path, but: u64, room: Room) {
        self.wait_until_nobody_clears();
        let fill = match room {
            Room::Kib => {
                "room=$(df -k --output=avail . | tail -n 1); head -c $(( (room - but) * 1024 )) /dev/zero > filler/one"
            }
            Room::Inodes => {
                "room=$(df --output=iavail . | tail -n 1); cd filler; seq $((room - but)) | xargs touch"
            }
        };
        self.host(&format!("cd {}; rm -rf filler; mkdir filler; but={but}; {fill}", directory.display()));
    }

    fn make_room(&self, directory: &Path) {
        self.host(&format!("rm -rf {}/filler", directory.display()));
    }

    /// Tries the verb with more and more room, looks at what each try leaves, and tells how many there were
    /// before the first that succeeded.
    fn until_it_fits(
        &self,
        directory: &Path,
        (room, step): (Room, u64),
        attempt: &dyn Fn() -> Output,
        look: &dyn Fn(&Output) -> bool,
    ) {
        for tries in 0..100 {
            self.fill(directory, tries * step, room);
            let output = attempt();
            self.make_room(directory);
            if look(&output) {
                assert!(tries > 0, "there was room enough at once: {output}");
                println!("{tries} times no room in {room:?} as {:?}", self.site.caller());
                return;
            }
        }
        panic!("it never succeeds");
    }
}

/// What there is too little of.
#[derive(Clone, Copy, Debug)]
enum Room {
    Kib,
    Inodes,
}

/// A page, and a file.
const STEPS: [(Room, u64); 2] = [(Room::Kib, 4), (Room::Inodes, 1)];

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[track_caller]
fn expect_told(output: &Output) {
    if output.code != Some(0) {
        output.expect_code(125).expect_stderr("No space left on device").expect_stderr("free some space");
    }
}

const VIEW: &str = "find . -type f | sort | while read -r file; do echo \"$file\"; cksum < \"$file\"; done";

fn with_small(proof: impl Fn(&Small<'_>)) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        if let Some(small) = Small::mount(&site) {
            proof(&small);
        }
    });
}

#[test]
fn a_seal_on_a_full_disk_is_refused_and_succeeds_when_there_is_room() {
    with_small(|small| {
        small.host("for n in 1 2 3; do echo $n > file$n; done");
        small.done(&["create", "--name", "s"]);
        let state = small.site.state();
        for (number, step) in STEPS.into_iter().enumerate() {
            let view =
                small.sh(&format!("echo {number} > file1; rm -f file2; mkdir -p d; echo d > d/in; {VIEW}"));
            let label = format!("s{number}");
            let seal = || small.clearing(&["snapshot", "s", &label]).output();
            small.until_it_fits(&state, step, &seal, &|output| {
                expect_told(output);
                assert_eq!(small.sh(VIEW), view);
                output.code == Some(0)
            });
            small.sh("echo newer > file1; rm -r d");
            small.done(&["rollback", "s", &label]);
            assert_eq!(small.sh(VIEW), view);
        }
    });
}

#[test]
fn a_merge_on_a_full_disk_is_told_and_done_when_there_is_room() {
    with_small(|small| {
        small.host("for n in 1 2 3; do echo $n > file$n; done");
        small.host("printf 'extends = \"default\"\\n[rollback]\\nmax_snapshots = 2\\n' > ../rules.toml");
        small.done(&["create", "--name", "s"]);
        for layer in 0..33 {
            small.sh(&format!(
                "echo {layer} > file1; mkdir d{layer}; (cd d{layer}; seq 30 | xargs touch); rm -rf d{}",
                layer - 2
            ));
            small.done(&["snapshot", "s", &format!("s{layer}")]);
        }
        let view = small.sh(&format!("echo live > live; {VIEW}"));
        let diff = small.done(&["diff", "s"]);
        let state = small.site.state();
        let rules = small.site.home().join("rules.toml");
        let layers = || {
            let told: serde_json::Value =
                serde_json::from_str(&small.done(&["inspect", "s", "--json"])).expect("JSON");
            told["layers"].as_u64().expect("a number")
        };
        assert_eq!(layers(), 34);
        let apart = Cell::new(0);
        let rules = rules.to_str().expect("a path in UTF-8");
        let merge = || small.clearing(&["exec", "s", "--profile", rules, "--", "true"]).output();
        // Merging makes names and directories, which take no room of their own here.
        small.until_it_fits(&state, (Room::Inodes, 6), &merge, &|output| {
            // Not looked at by a command, at whose end layers would be merged.
            assert_eq!(small.done(&["diff", "s"]), diff);
            let is_merged = layers() == 33;
            if output.code == Some(0) && !is_merged {
                output.expect_stderr("No space left on device").expect_stderr("free some space");
                apart.set(apart.get() + 1);
            }
            expect_told(output);
            is_merged
        });
        assert!(apart.get() > 1, "a command ran, and there was no room to merge");
        assert_eq!(small.sh(VIEW), view);
        small.done(&["gc"]);
        assert_eq!(small.host(&format!("ls {}/layers | wc -l", state.display())).trim(), "33");
    });
}

const EDIT: &str = "head -c 9000 /dev/zero > file1; rm -r gone; mkdir -p d/e; for n in 1 2 3; do echo d > d/$n; \
                    head -c 5000 /dev/zero > d/e/$n; done; ln -s d link; chmod 600 file2";

/// Lands changes with more and more room in a directory.
fn commit_with_little_room(directory: &dyn Fn(&Site) -> PathBuf) {
    with_small(|small| {
        let directory = directory(small.site);
        for step in STEPS {
            small
                .host("rm -rf ./*; mkdir gone; for n in 1 2 3; do echo $n > file$n; echo $n > gone/$n; done");
            small.done(&["create", "--name", "s"]);
            let new = small.sh(&format!("{EDIT}; {VIEW}"));
            let old = small.host(VIEW);
            let commit = || small.clearing(&["commit", "s", "--yes"]).output();
            small.until_it_fits(&directory, step, &commit, &|output| {
                let has_landed = output.code == Some(0);
                if !has_landed {
                    output.expect_code(125).expect_stderr("the project is as it was");
                    output.expect_stderr("free some space");
                }
                small.done(&["ls"]);
                assert_eq!(small.host(VIEW), if has_landed { new.clone() } else { old.clone() }, "{output}");
                assert_eq!(small.host("find . -name '.clearing-*'"), "");
                has_landed
            });
            small.done(&["rm", "--yes", "s"]);
        }
    });
}

#[test]
fn a_commit_to_a_full_disk_leaves_the_project_as_it_is_and_lands_when_there_is_room() {
    commit_with_little_room(&|site| site.home());
}

#[test]
fn a_commit_whose_journal_finds_no_room_leaves_the_project_as_it_is() {
    commit_with_little_room(&|site| site.state());
}
