//! The question that the `landlock` crate keeps to itself.

/// `LANDLOCK_CREATE_RULESET_VERSION`, `linux/landlock.h`.
const CREATE_RULESET_VERSION: libc::c_ulong = 1;

/// Asks the kernel for its Landlock ABI; `None` where Landlock is absent or off.
/// <https://docs.kernel.org/userspace-api/landlock.html#compatibility>
pub fn landlock_abi() -> Option<u32> {
    // SAFETY: with the version flag the kernel reads neither pointer nor size.
    let answer =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0usize, 0usize, CREATE_RULESET_VERSION) };
    u32::try_from(answer).ok()
}
