/* Running a program as on a host that gives no user namespaces. */
#include "probe.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>

static void write_file(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    need(file >= 0, path);
    need(write(file, text, strlen(text)) == (ssize_t)strlen(text), path);
    close(file);
}

/* Every id as it is: all of them for root, the caller's own for anybody else. */
static void map_ids(pid_t child)
{
    char path[64], map[64];
    int root = geteuid() == 0;
    if (!root) {
        snprintf(path, sizeof path, "/proc/%d/setgroups", child);
        write_file(path, "deny");
    }
    unsigned ids[] = {getuid(), getgid()};
    const char *files[] = {"uid_map", "gid_map"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", child, files[i]);
        if (root)
            snprintf(map, sizeof map, "0 0 4294967295");
        else
            snprintf(map, sizeof map, "%u %u 1", ids[i], ids[i]);
        write_file(path, map);
    }
}

/* without-user-namespaces PROGRAM ARGUMENT…: executes it where no further user namespace can be made. The
   caller's process becomes the program, so that signals reach it: the maps are written by a child. */
int without_user_namespaces(int count, char **line)
{
    if (count < 1)
        misused("no program");
    int made[2];
    need(pipe2(made, O_CLOEXEC) == 0, "pipe2");
    pid_t self = getpid(), child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        char word;
        close(made[1]);
        need(read(made[0], &word, 1) == 1, "read");
        map_ids(self);
        _exit(0);
    }
    need(unshare(CLONE_NEWUSER) == 0, "unshare(CLONE_NEWUSER)");
    need(write(made[1], "x", 1) == 1, "write");
    int status = 0;
    need(waitpid(child, &status, 0) == child && status == 0, "the maps");
    write_file("/proc/sys/user/max_user_namespaces", "0");
    execvp(line[0], line);
    need(0, "execvp");
    return 0;
}
