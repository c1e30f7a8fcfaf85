//! P-F2: nothing outside the workspace can be made, changed, removed, renamed, chmod'ed, truncated
//! or given attributes; and what is done to the workspace does not reach the project.

use std::fs;
use std::path::PathBuf;

use clearing_tests::{Caller, Site, Tree, for_each_caller};

use crate::attack::{Call, armed, attempt, control};

#[test]
fn a_file_made_in_the_workspace_is_not_in_the_project() {
    project_stays("echo new > new.txt");
}

#[test]
fn a_file_written_in_the_workspace_is_as_it_was_in_the_project() {
    project_stays("echo new > file");
}

#[test]
fn a_file_appended_to_in_the_workspace_is_as_it_was_in_the_project() {
    project_stays("echo more >> file");
}

#[test]
fn a_file_truncated_in_the_workspace_is_as_it_was_in_the_project() {
    project_stays("truncate -s 1 file");
}

#[test]
fn a_file_written_through_a_mapping_is_as_it_was_in_the_project() {
    project_stays("./probe truncate-mapped file");
}

#[test]
fn a_mode_changed_in_the_workspace_is_as_it_was_in_the_project() {
    project_stays("chmod 777 file directory");
}

#[test]
fn a_time_set_in_the_workspace_is_as_it_was_in_the_project() {
    project_stays("touch -d 2001-01-01 file directory/inner");
}

#[test]
fn everything_removed_in_the_workspace_is_still_in_the_project() {
    project_stays("rm -rf file directory .git");
}

#[test]
fn a_file_renamed_in_the_workspace_has_its_name_in_the_project() {
    project_stays("mv file other; mv directory/inner inner");
}

#[test]
fn two_files_exchanged_in_the_workspace_keep_their_places_in_the_project() {
    project_stays("./probe raw renameat2 -100 str:file -100 str:directory/inner 2");
}

#[test]
fn a_hook_planted_in_the_workspace_is_not_in_the_project() {
    project_stays("mkdir -p .git/hooks; echo evil > .git/hooks/pre-commit; echo x >> .git/config");
}

#[test]
fn a_link_put_in_place_of_a_file_is_not_in_the_project() {
    project_stays("ln -sf /etc/passwd file; rm -r directory; ln -s / directory");
}

#[test]
fn a_further_name_of_a_file_is_not_in_the_project() {
    project_stays("ln file second; echo new > second");
}

#[test]
fn an_attribute_set_in_the_workspace_is_not_in_the_project() {
    for_each_caller(|caller| {
        let site = furnished(caller);
        let set = "./probe raw setxattr str:file str:user.escape str:x 1 0";
        let get = "./probe raw getxattr str:file str:user.escape buf:8 8";
        attempt(&site, set);
        assert!(control(&site, get).contains("ENODATA"));
        control(&site, set);
        assert!(control(&site, get).contains("1 ok"), "control");
    });
}

#[test]
fn an_inode_flag_set_in_the_workspace_is_not_on_the_project_s_file() {
    for_each_caller(|caller| {
        let site = furnished(caller);
        // FS_IOC_SETFLAGS with FS_NODUMP_FL, which an owner may set.
        let set = "./probe raw ioctl file:file 0x40086602 u64:0x40";
        let get = "lsattr file";
        let before = control(&site, get);
        attempt(&site, set);
        assert_eq!(control(&site, get), before);
        control(&site, set);
        assert_ne!(control(&site, get), before, "control");
    });
}

#[test]
fn a_file_outside_cannot_be_written() {
    outside_stays("echo new > {outside}/file");
}

#[test]
fn a_file_outside_cannot_be_made() {
    outside_stays("echo new > {outside}/new; mkdir {outside}/directory/new; mkfifo {outside}/fifo");
}

#[test]
fn a_file_outside_cannot_be_removed() {
    outside_stays("rm -rf {outside}/file {outside}/directory; unlink {outside}/file");
}

#[test]
fn a_file_outside_cannot_be_renamed() {
    outside_stays("mv {outside}/file {outside}/other");
}

#[test]
fn a_file_outside_cannot_be_moved_in() {
    outside_stays("mv {outside}/file stolen");
}

#[test]
fn a_file_cannot_be_moved_out() {
    outside_stays("mv file {outside}/received");
}

#[test]
fn a_mode_outside_cannot_be_changed() {
    outside_stays("chmod 777 {outside}/file {outside}");
}

#[test]
fn a_file_outside_cannot_be_truncated() {
    outside_stays("truncate -s 0 {outside}/file");
}

#[test]
fn a_time_outside_cannot_be_set() {
    outside_stays("touch -d 2001-01-01 {outside}/file");
}

#[test]
fn the_directory_above_the_project_cannot_be_changed() {
    outside_stays("rm -rf ../../outside/file; echo x > ../../outside/new");
}

#[test]
fn the_project_itself_cannot_be_moved_or_removed() {
    for_each_caller(|caller| {
        let site = furnished(caller);
        let before = Tree::of(&site.home());
        attempt(&site, "cd ..; mv project elsewhere; rmdir project; rm -rf project");
        Tree::of(&site.home()).expect_same_as(&before);
        control(&site, "cd ..; mv project elsewhere");
        assert!(Tree::of(&site.home()) != before, "control");
    });
}

#[test]
fn a_tool_root_cannot_be_written() {
    tools_stay("echo evil > {tools}/tool");
}

#[test]
fn a_tool_cannot_be_added() {
    tools_stay("echo evil > {tools}/ls; ln -s /bin/sh {tools}/git");
}

#[test]
fn a_tool_cannot_be_removed_or_renamed() {
    tools_stay("mv {tools}/tool {tools}/other; rm -rf {tools}/tool {tools}");
}

#[test]
fn a_tool_s_mode_and_times_cannot_be_set() {
    tools_stay("chmod 4777 {tools}/tool; touch -d 2001-01-01 {tools}/tool");
}

#[test]
fn a_tool_opened_for_reading_cannot_be_reopened_for_writing() {
    for_each_caller(|caller| {
        let (site, tools) = with_tools(caller);
        let tool = tools.join("tool");
        let reopen = ["./probe", "reopen", tool.to_str().expect("text"), "rw"];
        let output = site.run(reopen).env("PATH", path_with(&tools)).output();
        assert!(output.stdout.starts_with("-1 E"), "{output}");
        assert!(control(&site, &reopen.join(" ")).contains("ok"), "control");
    });
}

#[test]
fn programs_of_the_host_cannot_be_opened_for_writing() {
    // By owner, by Landlock or by the mount, whichever comes first.
    Call::probe("open /usr/lib/os-release w").control_as_root().expect_refusal_by_any(&["EROFS", "EACCES"]);
}

#[test]
fn programs_of_the_host_cannot_be_reopened_for_writing() {
    // By owner, by Landlock or by the mount, whichever comes first.
    Call::probe("reopen /usr/lib/os-release rw")
        .control_as_root()
        .expect_refusal_by_any(&["EROFS", "EACCES"]);
}

#[test]
fn no_unnamed_file_can_be_made_beside_programs_of_the_host() {
    // By owner, by Landlock or by the mount, whichever comes first.
    Call::probe("open /usr/lib unnamed").control_as_root().expect_refusal_by_any(&["EROFS", "EACCES"]);
}

#[test]
fn accounts_cannot_be_written() {
    for_each_caller(|caller| {
        let site = furnished(caller);
        let before = fs::metadata("/etc/passwd").and_then(|data| data.modified());
        attempt(&site, "echo evil::0:0::/:/bin/sh >> /etc/passwd; rm -f /etc/passwd /etc/hosts");
        let after = fs::metadata("/etc/passwd").and_then(|data| data.modified());
        assert_eq!(after.expect("there"), before.expect("there"));
        let copy = "cp /etc/passwd copy; echo evil >> copy; tail -n 1 copy";
        assert!(control(&site, copy).contains("evil"), "control");
    });
}

fn furnished(caller: Caller) -> Site {
    let site = armed(caller);
    site.write("file", "x".repeat(5000));
    site.write("directory/inner", "inner");
    site.write(".git/config", "[core]\n");
    site.write(".git/HEAD", "ref: refs/heads/main\n");
    site
}

/// What changes the project outside does not change it inside.
#[track_caller]
fn project_stays(script: &str) {
    for_each_caller(|caller| {
        let site = furnished(caller);
        let before = site.project_tree();
        attempt(&site, script);
        site.project_tree().expect_same_as(&before);
        control(&site, script);
        assert!(site.project_tree() != before, "control: {script}");
    });
}

/// `{outside}` stands for a directory of the caller's that is not in the project.
#[track_caller]
fn outside_stays(script: &str) {
    for_each_caller(|caller| {
        let site = furnished(caller);
        let outside = directory_of_the_caller(&site, "outside");
        let script = script.replace("{outside}", &outside.display().to_string());
        let before = Tree::of(&outside);
        attempt(&site, &script);
        Tree::of(&outside).expect_same_as(&before);
        control(&site, &script);
        assert!(Tree::of(&outside) != before, "control: {script}");
    });
}

/// `{tools}` stands for a directory of the caller's that the search path names.
#[track_caller]
fn tools_stay(script: &str) {
    for_each_caller(|caller| {
        let (site, tools) = with_tools(caller);
        let script = script.replace("{tools}", &tools.display().to_string());
        let before = Tree::of(&tools);
        let attack = format!("tool; {script}; echo made");
        let output = site.run(["sh", "-c", &attack]).env("PATH", path_with(&tools)).output();
        // The tool ran, so its directory was in view and it is not its absence that protects it.
        output.expect_stdout("tool ran").expect_stdout("made");
        Tree::of(&tools).expect_same_as(&before);
        control(&site, &script);
        assert!(!tools.exists() || Tree::of(&tools) != before, "control");
    });
}

fn with_tools(caller: Caller) -> (Site, PathBuf) {
    let site = furnished(caller);
    let tools = directory_of_the_caller(&site, "tools");
    let tool = tools.join("tool");
    fs::write(&tool, "#!/bin/sh\necho tool ran\n").expect("write");
    site.own(&tools);
    control(&site, &format!("chmod 755 {}", tool.display()));
    (site, tools)
}

fn path_with(tools: &std::path::Path) -> String {
    format!("{}:/usr/bin:/bin", tools.display())
}

fn directory_of_the_caller(site: &Site, name: &str) -> PathBuf {
    let directory = site.directory().join(name);
    fs::create_dir_all(directory.join("directory")).expect("mkdir");
    fs::write(directory.join("file"), "contents").expect("write");
    site.own(&directory);
    directory
}
