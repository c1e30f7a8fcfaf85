//! How a terminal is set that no caller has one like.

use clearing_runtime::spec::TerminalModes;
use nix::libc;

/// As the kernel sets a new one (`tty_std_termios`), with what is typed in UTF-8.
pub(super) const MODES: TerminalModes = TerminalModes {
    input: libc::ICRNL | libc::IXON | libc::IUTF8,
    output: libc::OPOST | libc::ONLCR,
    control: libc::B38400 | libc::CS8 | libc::CREAD | libc::HUPCL,
    local: libc::ISIG
        | libc::ICANON
        | libc::ECHO
        | libc::ECHOE
        | libc::ECHOK
        | libc::ECHOCTL
        | libc::ECHOKE
        | libc::IEXTEN,
    keys: keys(),
};

const fn keys() -> [u8; libc::NCCS] {
    let mut keys = [0; libc::NCCS];
    keys[libc::VINTR] = 0x03;
    keys[libc::VQUIT] = 0x1c;
    keys[libc::VERASE] = 0x7f;
    keys[libc::VKILL] = 0x15;
    keys[libc::VEOF] = 0x04;
    keys[libc::VMIN] = 1;
    keys[libc::VSTART] = 0x11;
    keys[libc::VSTOP] = 0x13;
    keys[libc::VSUSP] = 0x1a;
    keys[libc::VREPRINT] = 0x12;
    keys[libc::VDISCARD] = 0x0f;
    keys[libc::VWERASE] = 0x17;
    keys[libc::VLNEXT] = 0x16;
    keys
}
