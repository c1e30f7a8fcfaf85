/* probe SUBCOMMAND ARGUMENT… */
#include "probe.h"

static const struct {
    const char *name;
    action run;
} actions[] = {
    {"raw", raw},
    {"i386", i386},
    {"x32", x32},
    {"far-jump", far_jump},
    {"clone", clone_flags},
    {"clone3", clone3_flags},
    {"within", within},
    {"open", open_file},
    {"reopen", reopen},
    {"handle-make", handle_make},
    {"handle-open", handle_open},
    {"handle-namespace", handle_namespace},
    {"descriptors", descriptors},
    {"write-elf32", write_elf32},
    {"truncate-mapped", truncate_mapped},
    {"allow-all", allow_all},
    {"rewrite", rewrite},
    {"shm-read", shm_read},
    {"shm-make", shm_make},
    {"queue-read", queue_read},
    {"with-session-key", with_session_key},
    {"with-user-key", with_user_key},
    {"key-read", key_read},
    {"key-find", key_find},
    {"connect", connect_inet},
    {"send", send_inet},
    {"connect-unix", connect_unix},
    {"send-unix", send_unix},
    {"serve", serve},
    {"interface-flags", interface_flags},
    {"interface-address", interface_address},
    {"links", links},
    {"route-request", route_request},
    {"trace", trace},
    {"memory", memory},
    {"hold-secret", hold_secret},
    {"daemon", daemonise},
    {"chain", chain},
    {"race", race},
    {"stop", stop},
    {"stubborn", stubborn},
    {"hold-output", hold_output},
    {"die", die},
    {"ids", ids},
    {"crash", crash},
    {"steal-descriptor", steal_descriptor},
    {"hog", hog},
    {"spin", spin},
    {"job", job},
    {"outlived", outlived},
    {"forks", forks},
    {"threads", threads},
    {"files", files},
    {"open-many", open_many},
    {"projects", projects},
    {"project", project},
    {"leave-project", leave_project},
    {"without-user-namespaces", without_user_namespaces},
};

int report(long result)
{
    if (result == -1)
        printf("-1 %s\n", strerrorname_np(errno));
    else
        printf("%ld ok\n", result);
    fflush(stdout);
    return 0;
}

_Noreturn void misused(const char *what)
{
    fprintf(stderr, "probe: misused: %s\n", what);
    exit(99);
}

void need(int worked, const char *step)
{
    if (worked)
        return;
    fprintf(stderr, "probe: %s: %s\n", step, strerror(errno));
    exit(98);
}

int dispatch(int count, char **line)
{
    if (count < 1)
        misused("no subcommand");
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, line[0]) == 0)
            return actions[i].run(count - 1, line + 1);
    misused(line[0]);
}

int main(int count, char **line)
{
    return dispatch(count - 1, line + 1);
}
