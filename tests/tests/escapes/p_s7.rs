//! P-S7: foreign ABIs don't run: int 0x80, 32-bit ELF, x32; none reaches what is denied natively.

use clearing_tests::{Site, absent, for_each_caller};

use crate::attack::{armed, control, inside, outside};

/// Ended by SIGSYS, as a shell tells it.
const KILLED: i32 = 128 + 31;

#[test]
fn the_32_bit_gate_kills_a_harmless_call() {
    is_killed(&["i386", "20"]);
}

#[test]
fn the_32_bit_gate_makes_no_socket() {
    // socketcall undoes a filter of families: its arguments lie in memory.
    is_killed(&["i386", "102", "1", "u64:0x100000028,0"]);
}

#[test]
fn the_32_bit_gate_mounts_nothing() {
    is_killed(&["i386", "21", "bad", "bad", "bad", "0", "0"]);
}

#[test]
fn the_32_bit_gate_traces_nothing() {
    is_killed(&["i386", "26", "0xffff", "0", "0", "0"]);
}

#[test]
fn the_32_bit_gate_reaches_no_key() {
    is_killed(&["i386", "288", "0", "0xfffffffd", "0"]);
}

#[test]
fn the_32_bit_gate_reaches_no_ring() {
    is_killed(&["i386", "425", "0", "0"]);
}

#[test]
fn the_32_bit_gate_is_shut_in_threads_too() {
    is_killed(&["within", "thread", "i386", "20"]);
}

#[test]
fn a_jump_into_32_bit_code_is_killed() {
    for_each_caller(|caller| {
        let site = armed(caller);
        site.run(["./probe", "far-jump"]).output().expect_code(KILLED);
        let bare = site.host("./probe").arg("far-jump").status().expect("the probe runs");
        judge_compat(bare.code() == Some(42));
    });
}

#[test]
fn a_32_bit_program_does_not_run() {
    for_each_caller(|caller| {
        let site = armed(caller);
        control(&site, "./probe write-elf32 program");
        let output = site.run(["./program"]).output();
        // Refused to be executed, or killed at its first call.
        assert!(matches!(output.code, Some(126 | 127 | KILLED)), "{output}");
        let bare = site.host("./program").status();
        judge_compat(bare.is_ok_and(|status| status.code() == Some(42)));
    });
}

#[test]
fn x32_numbers_are_told_to_be_absent() {
    for_each_caller(|caller| {
        let site = armed(caller);
        for call in ["getpid", "mount", "socket", "ptrace", "unshare", "keyctl", "open_by_handle_at"] {
            assert_eq!(inside(&site, &["x32", call]), "-1 ENOSYS", "{call}");
        }
        x32_control(&site);
    });
}

#[test]
fn x32_numbers_of_their_own_are_told_to_be_absent() {
    // 512 and up: rt_sigaction, ioctl, execve, ptrace, … of x32
    for_each_caller(|caller| {
        let site = armed(caller);
        for number in ["512", "514", "520", "521", "545", "547"] {
            assert_eq!(inside(&site, &["x32", number]), "-1 ENOSYS", "{number}");
        }
        x32_control(&site);
    });
}

#[test]
fn an_x32_socket_of_a_refused_family_is_not_made() {
    for_each_caller(|caller| {
        let site = armed(caller);
        assert_eq!(inside(&site, &["x32", "socket", "40", "1", "0"]), "-1 ENOSYS");
        x32_control(&site);
    });
}

#[track_caller]
fn is_killed(line: &[&str]) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let output = site.run([&["./probe"], line].concat()).output();
        output.expect_code(KILLED);
        assert_eq!(output.stdout, "", "{output}");
        // Any answer at all: the call was made.
        let bare = outside(&site, line);
        judge_compat(bare.ends_with("ok") || bare.starts_with("-1 E"));
    });
}

fn judge_compat(ran: bool) {
    if !ran {
        absent("control: this kernel runs no 32-bit code (CONFIG_IA32_EMULATION)");
    }
}

fn x32_control(site: &Site) {
    if outside(site, &["x32", "getpid"]) == "-1 ENOSYS" {
        absent("control: this kernel itself knows no x32 (CONFIG_X86_X32_ABI)");
    }
}
