/* The same subcommand in every kind of task that a program can make of itself. */
#include "probe.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

struct line {
    int count;
    char **words;
};

static void *run_in_thread(void *given)
{
    struct line *line = given;
    dispatch(line->count, line->words);
    return NULL;
}

static int in_thread(struct line line)
{
    pthread_t thread;
    need(pthread_create(&thread, NULL, run_in_thread, &line) == 0, "pthread_create");
    pthread_join(thread, NULL);
    return 0;
}

static int collect(pid_t child)
{
    int status = 0;
    need(waitpid(child, &status, 0) == child, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int in_new_session(struct line line)
{
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child > 0)
        return collect(child);
    need(setsid() > 0, "setsid");
    exit(dispatch(line.count, line.words));
}

/* Its parent is gone before it starts, so that init is its parent; the pipe tells its end. */
static int in_orphan(struct line line)
{
    int ends[2];
    need(pipe(ends) == 0, "pipe");
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        pid_t middle = getpid();
        if (fork() != 0)
            _exit(0);
        while (getppid() == middle)
            usleep(1000);
        close(ends[0]);
        exit(dispatch(line.count, line.words));
    }
    collect(child);
    close(ends[1]);
    char end;
    return (int)read(ends[0], &end, 1);
}

/* The program itself, executed from memory that no file system holds. */
static int in_memfd(struct line line)
{
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int copy = memfd_create("probe", MFD_CLOEXEC);
    need(self >= 0 && copy >= 0, "memfd_create");
    char block[65536];
    for (ssize_t size; (size = read(self, block, sizeof block)) > 0;)
        need(write(copy, block, (size_t)size) == size, "write");
    char *words[64] = {"probe"};
    for (int i = 0; i < line.count && i < 62; i++)
        words[i + 1] = line.words[i];
    fexecve(copy, words, environ);
    need(0, "fexecve");
    return 1;
}

static int run_in_clone(void *given)
{
    struct line *line = given;
    return dispatch(line->count, line->words);
}

static int in_vfork(struct line line)
{
    static char stack[1 << 18] __attribute__((aligned(16)));
    int child = clone(run_in_clone, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &line);
    need(child > 0, "clone");
    return collect(child);
}

/* within thread|session|orphan|memfd|vfork SUBCOMMAND… */
int within(int count, char **arguments)
{
    if (count < 2)
        misused("within CONTEXT SUBCOMMAND");
    struct line line = {count - 1, arguments + 1};
    if (strcmp(arguments[0], "thread") == 0)
        return in_thread(line);
    if (strcmp(arguments[0], "session") == 0)
        return in_new_session(line);
    if (strcmp(arguments[0], "orphan") == 0)
        return in_orphan(line);
    if (strcmp(arguments[0], "memfd") == 0)
        return in_memfd(line);
    if (strcmp(arguments[0], "vfork") == 0)
        return in_vfork(line);
    misused(arguments[0]);
}
