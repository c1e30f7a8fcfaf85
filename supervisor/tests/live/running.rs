//! Processes that are alive when layers are to change.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::OwnedFd;

use clearing::live::Others;

use crate::site::Site;

pub(crate) fn refuses_or_is_ended(site: &Site) {
    let mut live = site.live();
    let (executed, _) =
        live.try_sh("echo a > a; (trap '' TERM HUP; setsid sleep 1000) > /dev/null 2>&1 & echo on");
    assert!(executed.left_running, "{executed:?}");
    let refused = live.sandbox.snapshot(None, Others::Refuse).expect_err("something runs");
    assert!(refused.is_alive() && refused.hint().is_some(), "{refused}");
    live.sandbox.rollback("initial", Others::Refuse).expect_err("something runs");
    assert_eq!(live.sh("cat a"), "a");
    let refused = live.sandbox.refresh(Others::Refuse).expect_err("something runs");
    assert!(refused.is_alive());
    live.sandbox.snapshot(Some("ended"), Others::End).expect("it was ended");
    let (executed, said) = live.try_sh("cat a; rm a");
    assert!(!executed.left_running, "{said}");
    live.sandbox.rollback("ended", Others::Refuse).expect("nothing runs");
    assert_eq!(live.sh("cat a"), "a");
}

pub(crate) fn change_below_is_told(site: &Site) {
    let mut live = site.live();
    let (executed, _) = live.try_sh("sleep 1000 > /dev/null 2>&1 &");
    assert!(executed.left_running && !executed.project_changed, "{executed:?}");
    let (executed, _) = live.try_sh("cat src/old");
    assert!(!executed.project_changed, "nothing was changed: {executed:?}");
    fs::write(site.project.join("src/more"), "more\n").expect("written");
    let (executed, _) = live.try_sh("true");
    assert!(executed.project_changed, "{executed:?}");
    live.sandbox.refresh(Others::End).expect("ended and refreshed");
    let (executed, said) = live.try_sh("cat src/more");
    assert!(!executed.project_changed && said == "more", "{executed:?} {said}");
}

pub(crate) fn unasked_leaves_it_quiet(site: &Site) {
    let mut live = site.live();
    live.sh("cat src/old");
    let streams = [(); 3].map(|()| File::options().read(true).write(true).open("/dev/null").expect("opened"));
    let broken = ["true", "a\0b"].map(OsString::from);
    live.sandbox.exec(&broken, streams.map(OwnedFd::from)).expect_err("no argument has a NUL in it");
    let inspected = site.clearing(&["inspect", &live.id]);
    assert!(inspected.contains("state      idle"), "{inspected}");
    assert_eq!(live.sh("cat src/old"), "old");
}
