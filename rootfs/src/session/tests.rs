mod held;
mod kept;
mod naming;
mod parked;
mod patches;
mod random;
mod swift;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::project::ProjectRequest;
use crate::store::Store;

/// A state directory, a project, and the sessions over it.
struct Place {
    folder: TempDir,
    sessions: Sessions,
}

impl Place {
    fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    /// In memory, where nothing waits for a disk.
    fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        Self::within(
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap(),
        )
    }

    fn within(folder: TempDir) -> Self {
        fs::create_dir(folder.path().join("project")).unwrap();
        let state = folder.path().join("state");
        let sessions = Store::open(&state).unwrap().sessions().unwrap();
        Self { folder, sessions }
    }

    fn project(&self) -> Project {
        let root = self.folder.path().join("project");
        let (state, groups) = (self.folder.path().join("state"), []);
        Project::locate(&ProjectRequest {
            directory: Some(&root),
            cwd: &root,
            home: None,
            state: &state,
            uid: rustix::process::getuid().as_raw(),
            gid: rustix::process::getgid().as_raw(),
            groups: &groups,
        })
        .unwrap()
    }

    fn create(&self, name: Option<&str>) -> Session {
        let project = self.project();
        self.sessions.create(NewSession { name, project: &project, profile: "default" }).unwrap()
    }

    fn layers(&self) -> usize {
        fs::read_dir(self.folder.path().join("state/layers")).unwrap().count()
    }
}

/// As a command would.
fn write(session: &Session, name: &str) {
    let layer = session.writable("project", None).unwrap();
    fs::write(layer.upper.join(name), name).unwrap();
}

/// What the live layer and those below it hold, newest first.
fn seen(session: &Session) -> Vec<Vec<String>> {
    let record = session.record();
    let uppers = session.sessions.uppers(record, Some(&record.live), "project").unwrap();
    uppers.iter().map(|upper| names(upper)).filter(|names| !names.is_empty()).collect()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_snapshot_seals_and_a_rollback_goes_back_and_keeps_what_was_there() {
    let place = Place::new();
    let mut session = place.create(None);
    write(&session, "one");
    assert_eq!(session.snapshot(Some("first"), Why::Asked).unwrap().name, "first");
    write(&session, "two");
    assert_eq!(seen(&session), [["two"], ["one"]]);

    let rolled = session.rollback("first", Why::BeforeRollback).unwrap();
    assert_eq!(rolled.backup.as_deref(), Some("before-rollback-1"));
    assert_eq!(seen(&session), [["one"]]);
    // Nothing has changed since, so there is nothing to keep.
    assert_eq!(session.rollback("initial", Why::BeforeRollback).unwrap().backup, None);
    assert!(seen(&session).is_empty());
    session.rollback("before-rollback-1", Why::BeforeRollback).unwrap();
    assert_eq!(seen(&session), [["two"], ["one"]]);
}

#[test]
fn a_snapshot_of_what_is_sealed_already_makes_no_layer() {
    let place = Place::new();
    let mut session = place.create(None);
    write(&session, "one");
    let first = session.snapshot(None, Why::Asked).unwrap();
    let second = session.snapshot(None, Why::Asked).unwrap();
    assert_eq!((first.name.as_str(), second.name.as_str()), ("snapshot-1", "snapshot-2"));
    assert_eq!(first.top, second.top);
    assert_eq!(place.layers(), 2);
}

#[test]
fn a_fork_shares_what_is_sealed_and_nothing_else() {
    let place = Place::new();
    let mut session = place.create(Some("origin"));
    write(&session, "one");
    session.snapshot(Some("first"), Why::Asked).unwrap();
    write(&session, "two");

    let fork = place.sessions.fork(&mut session, Some("first"), Some("branch")).unwrap();
    write(&fork, "three");
    write(&session, "four");
    assert_eq!(seen(&fork), [vec!["three"], vec!["one"]]);
    assert_eq!(seen(&session), [vec!["four", "two"], vec!["one"]]);
    let now = place.sessions.fork(&mut session, None, None).unwrap();
    assert_eq!(seen(&now), [vec!["four", "two"], vec!["one"]]);

    drop((session, fork, now));
    place.sessions.remove("origin").unwrap();
    let fork = place.sessions.open("branch", "test").unwrap();
    assert_eq!(seen(&fork), [["three"], ["one"]]);
    assert!(fork.record().snapshot("first").is_some());
}

#[test]
fn the_last_session_takes_its_layers_along() {
    let place = Place::new();
    for _ in 0..3 {
        let mut session = place.create(Some("again"));
        write(&session, "one");
        session.snapshot(None, Why::Asked).unwrap();
        drop(session);
        place.sessions.remove("again").unwrap();
        assert_eq!(place.layers(), 0);
    }
}

#[test]
fn a_name_is_taken_once_and_is_no_path_and_no_id() {
    let place = Place::new();
    drop(place.create(Some("taken")));
    let project = place.project();
    for name in ["taken", "", "..", "a/b", "s-abc", "x y"] {
        let new = NewSession { name: Some(name), project: &project, profile: "default" };
        place.sessions.create(new).unwrap_err();
    }
    assert_eq!(place.sessions.list().unwrap().len(), 1);
}

#[test]
fn what_a_killed_verb_left_is_put_right_and_told() {
    let place = Place::new();
    let mut session = place.create(Some("killed"));
    session.begin_exec(&[]).unwrap();
    write(&session, "half");
    let state = place.folder.path().join("state");
    // A killed `create`, and a killed seal.
    fs::create_dir(state.join("sessions/s-h2h2h2h2")).unwrap();
    fs::create_dir_all(state.join("layers/l-h2h2h2h2/project.upper")).unwrap();
    fs::create_dir_all(state.join("layers/.gone-l-h3/project.upper/deep")).unwrap();
    assert!(place.sessions.collect().unwrap().is_empty());
    assert_eq!(names(&state.join("sessions")), [session.record().id.as_str()]);
    assert_eq!(place.layers(), 1);

    drop(session);
    let session = place.sessions.open("killed", "exec").unwrap();
    assert!(matches!(session.recovered[..], [Recovered::ExecKilled(_)]));
    assert_eq!(seen(&session), [["half"]]);
    drop(session);
    assert!(place.sessions.open("killed", "exec").unwrap().recovered.is_empty());
}

#[test]
fn another_boot_makes_what_nobody_synced_unsure() {
    let place = Place::new();
    let mut session = place.create(Some("booted"));
    session.begin_exec(&[]).unwrap();
    session.end_exec().unwrap();
    session
        .change(|record| {
            record.layers.values_mut().for_each(|layer| layer.unsynced = Some("another".into()));
        })
        .unwrap();
    drop(session);
    assert_eq!(place.sessions.open("booted", "exec").unwrap().recovered, [Recovered::Unsure]);
}

#[test]
fn a_record_that_somebody_edited_is_refused_and_nothing_of_it_is_collected() {
    let place = Place::new();
    let mut session = place.create(Some("edited"));
    write(&session, "one");
    session.snapshot(Some("first"), Why::Asked).unwrap();
    let id = session.record().id.clone();
    drop(session);
    let path = place.folder.path().join("state/sessions").join(id.as_str()).join("session.json");
    let whole = fs::read_to_string(&path).unwrap();
    let live = place.sessions.read(id.as_str()).unwrap().live;
    let edits = [
        whole.replace("\"version\": 1", "\"version\": 2"),
        whole.replace(live.as_str(), "l-../../x"),
        whole.replace("\"first\"", "\"first\", \"more\": 1"),
        whole.replace(&format!("\"live\": \"{live}\""), "\"live\": \"l-unknown\""),
        whole[..whole.len() / 2].to_owned(),
        String::new(),
    ];
    for edited in edits {
        assert_ne!(edited, whole);
        fs::write(&path, edited).unwrap();
        let error = place.sessions.open(id.as_str(), "exec").unwrap_err();
        assert!(matches!(error, SessionError::Damaged { .. }), "{error}");
        place.sessions.collect().unwrap_err();
    }
    assert_eq!(place.layers(), 2);
    place.sessions.remove(id.as_str()).unwrap();
    assert_eq!(place.layers(), 0);
}

#[test]
fn a_project_that_was_moved_or_replaced_is_another_one() {
    let place = Place::new();
    let session = place.create(None);
    let root = place.folder.path().join("project");
    session.check_project(&place.project()).unwrap();
    fs::rename(&root, place.folder.path().join("moved")).unwrap();
    fs::create_dir(&root).unwrap();
    session.check_project(&place.project()).unwrap_err();
}

#[test]
fn many_layers_are_merged_and_all_that_is_kept_is_seen_as_before() {
    let place = Place::new();
    let mut session = place.create(None);
    let root = place.folder.path().join("project");
    for number in 0..50_u8 {
        write(&session, &format!("file-{}", number % 7));
        let upper = session.writable("project", None).unwrap().upper;
        fs::write(upper.join("last"), [number]).unwrap();
        session.snapshot(Some(&format!("s{number}")), Why::Asked).unwrap();
    }
    let names: Vec<String> = (0..50).filter(|n| n % 10 != 0).map(|n| format!("s{n}")).collect();
    session.forget(&names).unwrap();
    let stack = |session: &Session, top: Option<&LayerId>| {
        let uppers = session.sessions.uppers(session.record(), top, "project").unwrap();
        crate::stack::Stack::open(&uppers, &root).unwrap()
    };
    let shown = |session: &Session, top: Option<&LayerId>| {
        let stack = stack(session, top);
        let mut shown = Vec::new();
        stack.walk_all(&mut |path, _| shown.push(path.to_owned())).unwrap();
        let last = stack.find(Path::new("last")).unwrap().unwrap();
        let file = stack.open_file(Path::new("last"), &last).unwrap();
        let mut content = [0];
        rustix::io::read(file, &mut content[..]).unwrap();
        (shown, content)
    };
    let tops = |session: &Session| {
        let record = session.record();
        let named = record.snapshots.iter().filter_map(|snapshot| snapshot.top.clone());
        named.chain([record.live.clone()]).collect::<Vec<_>>()
    };
    let before: Vec<_> = tops(&session).iter().map(|top| shown(&session, Some(top))).collect();
    assert_eq!(session.record().depth(), 51);
    let retained = session.retain(Retention { number: 100, age: None }, None).unwrap();
    assert!(retained.forgotten.is_empty() && retained.apart.is_none(), "{retained:?}");
    assert_eq!(session.record().depth(), 33);
    let after: Vec<_> = tops(&session).iter().map(|top| shown(&session, Some(top))).collect();
    assert_eq!(before, after);
    assert_eq!(place.layers(), 33);
}

#[test]
fn too_many_and_too_old_snapshots_go_and_what_was_asked_for_goes_last() {
    let place = Place::new();
    let mut session = place.create(None);
    for (name, why) in
        [("one", Why::Asked), ("two", Why::BeforeExec), ("three", Why::Asked), ("four", Why::BeforeExec)]
    {
        write(&session, name);
        session.snapshot(Some(name), why).unwrap();
    }
    let keep = |session: &mut Session, number, age| {
        session.retain(Retention { number, age }, None).unwrap().forgotten
    };
    assert_eq!(keep(&mut session, 3, None), ["two"]);
    // The last one that nobody asked for stays beside them.
    assert_eq!(keep(&mut session, 1, None), ["one"]);
    std::thread::sleep(std::time::Duration::from_millis(2));
    assert_eq!(keep(&mut session, 1, Some(std::time::Duration::from_millis(1))), ["three", "four"]);
    assert_eq!(session.record().snapshots.len(), 1);
    assert_eq!(seen(&session), [["four"], ["three"], ["two"], ["one"]]);
}

#[test]
fn no_snapshot_is_too_old_because_the_clock_was_set_back() {
    let place = Place::new();
    let mut session = place.create(None);
    write(&session, "file");
    session.snapshot(Some("one"), Why::Asked).unwrap();
    let year = std::time::Duration::from_secs(365 * 24 * 3600);
    let ahead = |record: &mut Record| {
        record.snapshots.iter_mut().for_each(|snapshot| snapshot.made = Timestamp::now() + year);
    };
    session.change(ahead).unwrap();
    let keep = Retention { number: 100, age: Some(std::time::Duration::from_secs(3600)) };
    assert_eq!(session.retain(keep, None).unwrap().forgotten, Vec::<String>::new());
}

#[test]
fn a_layer_that_cannot_be_merged_stays_as_it_is_and_harms_nobody() {
    let place = Place::new();
    let mut session = place.create(None);
    for number in 0..40_u8 {
        write(&session, &format!("file-{number}"));
        if number == 20 {
            let upper = session.writable("project", None).unwrap().upper;
            fs::create_dir_all(upper.join("d/".repeat(1000))).unwrap();
        }
        session.snapshot(Some(&format!("s{number}")), Why::Asked).unwrap();
    }
    // Nothing but this one could be merged, and that is told.
    session.forget(&["s19".into(), "s20".into()]).unwrap();
    let apart = session.retain(Retention { number: 100, age: None }, None).unwrap().apart.unwrap();
    assert_eq!((apart.depth, session.record().depth(), place.layers()), (41, 41, 41));
    assert!(matches!(apart.why, SessionError::File { .. }), "{apart:?}");
    let names: Vec<String> = (0..40).map(|number| format!("s{number}")).collect();
    session.forget(&names).unwrap();
    let retained = session.retain(Retention { number: 100, age: None }, None).unwrap();
    assert!(retained.apart.is_none(), "{retained:?}");
    assert_eq!(session.record().depth(), 33);
    assert_eq!(place.layers(), 33);
}

#[test]
fn what_a_command_closed_is_opened_when_it_has_ended() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    let mut session = place.create(None);
    for verb in ["end", "recover"] {
        session.begin_exec(&[]).unwrap();
        write(&session, verb);
        let upper = session.writable("project", None).unwrap().upper;
        fs::set_permissions(&upper, fs::Permissions::from_mode(0o050)).unwrap();
        if verb == "end" {
            session.end_exec().unwrap();
        } else {
            let id = session.record().id.to_string();
            drop(session);
            session = place.sessions.open(&id, "exec").unwrap();
        }
        let mode = fs::metadata(&upper).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o750, "{verb}");
    }
}

#[test]
fn a_layer_that_has_nothing_of_a_part_is_no_layer_of_it() {
    let place = Place::new();
    let mut session = place.create(None);
    for number in 0..3 {
        session.writable("home", None).unwrap();
        write(&session, &format!("file-{number}"));
        session.snapshot(None, Why::Asked).unwrap();
    }
    assert_eq!(session.sealed("project").unwrap().len(), 3);
    assert!(session.sealed("home").unwrap().is_empty() && session.is_untouched("home").unwrap());
}
