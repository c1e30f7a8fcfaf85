//! P-S5: cross-process and obscure calls are off.

use crate::attack::Call;

#[test]
fn processes_cannot_be_compared() {
    // The kernel itself would say EINVAL: there is no such kind of comparison.
    Call::raw("kcmp self self 99 0 0").expect_refusal("EPERM");
}

#[test]
fn descriptors_cannot_be_taken() {
    Call::raw("pidfd_getfd -1 0 0").expect_refusal("EPERM");
}

#[test]
fn the_memory_of_others_cannot_be_advised() {
    Call::raw("process_madvise -1 null 0 0 0").expect_refusal("EPERM");
}

#[test]
fn the_memory_of_others_cannot_be_reaped() {
    Call::raw("process_mrelease -1 0").expect_refusal("EPERM");
}

#[test]
fn pages_cannot_be_moved_between_nodes() {
    Call::raw("move_pages 0 0 null null null 0").expect_refusal("EPERM");
}

#[test]
fn all_pages_cannot_be_moved_between_nodes() {
    Call::raw("migrate_pages 0 0 null null").expect_refusal("EPERM");
}

#[test]
fn memory_cannot_be_bound_to_nodes() {
    Call::raw("mbind 0 0 99 null 0 0").expect_refusal("EPERM");
}

#[test]
fn a_memory_policy_cannot_be_set() {
    Call::raw("set_mempolicy 99 null 0").expect_refusal("EPERM");
}

#[test]
fn a_home_node_cannot_be_set() {
    Call::raw("set_mempolicy_home_node 0 0 0 1").expect_refusal("EPERM");
}

#[test]
fn file_accesses_of_others_cannot_be_watched() {
    Call::raw("fanotify_init 0x800 0").control_as_root().expect_refusal("EPERM");
}

#[test]
fn file_accesses_cannot_be_marked() {
    Call::raw("fanotify_mark -1 0 0 -1 null").expect_refusal("EPERM");
}

#[test]
fn segments_cannot_be_made() {
    // Where the kernel has no such call, its ENOSYS comes as a positive 32-bit number.
    Call::raw("modify_ldt 9 null 0").expect_refusal("EPERM");
}

#[test]
fn file_systems_cannot_be_asked_by_device() {
    Call::raw("ustat 0 bad").expect_refusal("EPERM");
}

#[test]
fn file_system_kinds_are_not_numbered() {
    Call::raw("sysfs 3").expect_refusal("EPERM");
}

#[test]
fn addresses_cannot_be_made_predictable() {
    // ADDR_NO_RANDOMIZE
    Call::raw("personality 0x40000").expect_refusal("EPERM");
}

#[test]
fn reading_cannot_be_made_to_mean_executing() {
    // READ_IMPLIES_EXEC
    Call::raw("personality 0x400000").expect_refusal("EPERM");
}

#[test]
fn mappings_cannot_be_rearranged() {
    Call::raw("remap_file_pages 1 0 0 0 0").expect_refusal("EPERM");
}

#[test]
fn memory_that_nobody_can_reclaim_cannot_be_had() {
    Call::raw("memfd_secret 0xff").expect_refusal("EPERM");
}

#[test]
fn the_record_of_the_memory_map_cannot_be_rewritten() {
    // PR_SET_MM; PR_SET_MM_MAP_SIZE is the one that takes no capability.
    Call::raw("prctl 35 15 buf:8 0 0").expect_refusal("EPERM");
}

#[test]
fn cores_cannot_be_shared_by_cookie() {
    // PR_SCHED_CORE
    Call::raw("prctl 62 99 0 0 0").expect_refusal("EPERM");
}

#[test]
fn pages_cannot_be_merged_with_others() {
    // PR_SET_MEMORY_MERGE, a side channel
    Call::raw("prctl 67 2 0 0 0").expect_refusal("EPERM");
}

#[test]
fn process_options_of_tomorrow_are_refused() {
    Call::raw("prctl 200 0 0 0 0").expect_refusal("EPERM");
}

#[test]
fn security_modules_are_not_listed() {
    Call::raw("lsm_list_modules bad bad 0").expect_refusal("EPERM");
}
