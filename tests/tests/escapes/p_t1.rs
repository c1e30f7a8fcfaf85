//! P-T1: TIOCSTI and TIOCLINUX don't reach the host's terminal, also with high bits in the request.

use clearing_tests::decoys::Terminal;
use clearing_tests::{Site, for_each_caller, skip};

use crate::attack::{Call, armed};

#[test]
fn typing_into_the_terminal_is_refused() {
    is_refused_on_a_terminal("0x5412");
}

#[test]
fn typing_into_the_terminal_with_high_bits_is_refused() {
    // CVE-2019-10063: the filter compared 64 bits, the kernel reads 32.
    is_refused_on_a_terminal("0x100005412");
}

#[test]
fn typing_into_the_terminal_with_the_sign_bit_is_refused() {
    is_refused_on_a_terminal("0xffffffff00005412");
}

#[test]
fn pasting_into_the_console_is_refused() {
    is_refused_on_a_terminal("0x541c");
}

#[test]
fn pasting_into_the_console_with_high_bits_is_refused() {
    is_refused_on_a_terminal("0x10000541c");
}

#[test]
fn taking_the_console_s_output_is_refused() {
    // Never on a terminal outside: a descriptor that is none shows that the call arrives.
    Call::raw("ioctl -1 0x541d 0").expect_refusal("EPERM");
}

#[test]
fn setting_a_line_discipline_is_refused() {
    Call::raw("ioctl -1 0x5423 u64:2").expect_refusal("EPERM");
}

#[test]
fn typing_into_a_terminal_of_one_s_own_is_refused_too() {
    // Where it is not the caller's controlling terminal, only root may on the bare host.
    Call::raw("ioctl file:/dev/ptmx 0x5412 str:x").control_as_root().expect_refusal("EPERM");
}

#[test]
fn nothing_is_left_to_be_read_on_the_host_s_terminal() {
    for_each_caller(|caller| {
        let site = armed(caller);
        if !can_type(&site) {
            return skip("control: this kernel lets nobody type into terminals (dev.tty.legacy_tiocsti)");
        }
        let terminal = Terminal::open(&site);
        let attack = "for r in 0x5412 0x100005412; do for f in 0 1 2; do
            ./probe raw ioctl $f $r str:X; done; ./probe raw ioctl file:/dev/tty $r str:X; done";
        site.run(["sh", "-c", attack]).terminal(&terminal).output().expect_code(0);
        assert_eq!(waiting(&site, &terminal), 0);
    });
}

/// The call on the terminal that the command has, where it is the caller's on the bare host.
#[track_caller]
fn is_refused_on_a_terminal(request: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let mut terminal = Terminal::open(&site);
        let line = ["./probe", "raw", "ioctl", "0", request, "str:X"];
        let patience = std::time::Duration::from_secs(5);
        site.run(line).terminal(&terminal).output();
        let shown = terminal.read_until("\n", patience);
        assert!(shown.contains("-1 EPERM"), "inside: {shown}");
        if request.ends_with("541c") {
            // Only a console knows it: any other answer than the filter's shows that it arrives.
            let bare = crate::attack::outside(&site, &["raw", "ioctl", "-1", request, "str:X"]);
            assert_eq!(bare, "-1 EBADF", "control");
        } else if can_type(&site) {
            assert!(type_outside(&site, &Terminal::open(&site), request) > 0, "control");
        } else {
            skip("control: this kernel lets nobody type into terminals (dev.tty.legacy_tiocsti)");
        }
    });
}

fn can_type(site: &Site) -> bool {
    type_outside(site, &Terminal::open(site), "0x5412") > 0
}

/// How many characters wait to be read after the call was made on the bare host.
fn type_outside(site: &Site, terminal: &Terminal, request: &str) -> usize {
    let path = terminal.path().display();
    let script = format!("exec 0<>{path}; stty raw; ./probe raw ioctl 0 {request} str:X >/dev/null");
    let mut shell = site.host("setsid");
    shell.args(["--wait", "sh", "-c", &script]);
    crate::attack::printed(&mut shell);
    waiting(site, terminal)
}

/// How many characters wait on the terminal, read without waiting for a line.
fn waiting(site: &Site, terminal: &Terminal) -> usize {
    let path = terminal.path().display();
    let script = format!("exec 0<>{path}; stty raw -echo min 0 time 1; head -c 64 | wc -c");
    let mut shell = site.host("setsid");
    shell.args(["--wait", "sh", "-c", &script]);
    crate::attack::printed(&mut shell).parse().expect("a number")
}
