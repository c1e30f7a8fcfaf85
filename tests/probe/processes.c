/* Processes: looking into others, outliving one's own run, ending in every way. */
#include "probe.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static pid_t process_named(const char *text)
{
    return (pid_t)call_argument(text);
}

/* trace seize|attach PID */
int trace(int count, char **arguments)
{
    if (count != 2)
        misused("trace WAY PID");
    pid_t process = process_named(arguments[1]);
    int attach = strcmp(arguments[0], "attach") == 0;
    long result = ptrace(attach ? PTRACE_ATTACH : PTRACE_SEIZE, process, NULL, NULL);
    report(result);
    if (result == 0 && attach && waitpid(process, NULL, __WALL) == process)
        ptrace(PTRACE_DETACH, process, NULL, NULL);
    return 0;
}

/* memory read|write PID ADDRESS: up to 64 bytes; prints them as text where they are read. */
int memory(int count, char **arguments)
{
    if (count != 3)
        misused("memory WAY PID ADDRESS");
    char bytes[65] = "";
    struct iovec here = {bytes, 64};
    struct iovec there = {(void *)call_argument(arguments[2]), 64};
    if (strcmp(arguments[0], "write") == 0)
        return report(process_vm_writev(process_named(arguments[1]), &here, 1, &there, 1, 0));
    if (process_vm_readv(process_named(arguments[1]), &here, 1, &there, 1, 0) == -1)
        return report(-1);
    printf("%s\n", bytes);
    return 0;
}

/* hold-secret SECRET FILE: holds a secret in memory and a file open, prints "PID ADDRESS FD", and
 * lets everybody of its user look. Ends with its standard input. */
int hold_secret(int count, char **arguments)
{
    if (count != 2)
        misused("hold-secret SECRET FILE");
    static char secret[64];
    snprintf(secret, sizeof secret, "%s", arguments[0]);
    int file = open(arguments[1], O_RDONLY);
    need(file >= 0, arguments[1]);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    printf("%d %p %d\n", getpid(), (void *)secret, file);
    fflush(stdout);
    alarm(LIFETIME);
    char end;
    while (read(0, &end, 1) > 0)
        continue;
    return 0;
}

/* steal-descriptor PID FD: prints what the file holds. */
int steal_descriptor(int count, char **arguments)
{
    if (count != 2)
        misused("steal-descriptor PID FD");
    long process = syscall(SYS_pidfd_open, process_named(arguments[0]), 0);
    long file = process == -1 ? -1 : syscall(SYS_pidfd_getfd, process, atoi(arguments[1]), 0);
    if (file == -1)
        return report(-1);
    char text[256] = "";
    need(pread((int)file, text, sizeof text - 1, 0) > 0, "pread");
    printf("%s\n", text);
    return 0;
}

static void ignore_all_signals(void)
{
    for (int signal_ = 1; signal_ < 65; signal_++)
        signal(signal_, SIG_IGN);
}

static _Noreturn void linger(void)
{
    for (int i = 0; i < LIFETIME * 10; i++)
        usleep(100000);
    _exit(0);
}

static void close_streams(void)
{
    int null = open("/dev/null", O_RDWR);
    for (int stream = 0; stream < 3; stream++)
        dup2(null, stream);
}

/* daemon MARK: a double-forked, signal-proof process; its command line shows MARK. */
int daemonise(int count, char **arguments)
{
    if (count != 1)
        misused("daemon MARK");
    (void)arguments;
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child > 0)
        return waitpid(child, NULL, 0) == child ? 0 : 1;
    setsid();
    if (fork() != 0)
        _exit(0);
    ignore_all_signals();
    close_streams();
    linger();
}

/* chain LENGTH MARK: each process forks the next and ends at once, so that no list of processes is
 * ever complete. */
int chain(int count, char **arguments)
{
    if (count != 2)
        misused("chain LENGTH MARK");
    if (fork() != 0)
        return 0;
    close_streams();
    for (int left = atoi(arguments[0]); left > 0; left--) {
        if (fork() != 0)
            _exit(0);
        usleep(500);
    }
    linger();
}

/* race CHAINS MARK: so many processes each of which forks the next and ends at once, for ever and without
 * a pause; and one that waits. */
int race(int count, char **arguments)
{
    if (count != 2)
        misused("race CHAINS MARK");
    signal(SIGTERM, SIG_IGN);
    for (int left = atoi(arguments[0]); left > 0; left--) {
        if (fork() != 0)
            continue;
        setsid();
        close_streams();
        for (;;)
            if (fork() > 0)
                _exit(0);
    }
    linger();
}

/* stop MARK: leaves a stopped child behind. */
int stop(int count, char **arguments)
{
    if (count != 1)
        misused("stop MARK");
    (void)arguments;
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child > 0)
        return waitpid(child, NULL, WUNTRACED) == child ? 0 : 1;
    close_streams();
    raise(SIGSTOP);
    linger();
}

/* stubborn MARK: ignores every signal that can be ignored. */
int stubborn(int count, char **arguments)
{
    if (count != 1)
        misused("stubborn MARK");
    (void)arguments;
    ignore_all_signals();
    printf("ready\n");
    fflush(stdout);
    linger();
}

/* hold-output MARK: ends, and leaves a child that keeps the standard streams open. */
int hold_output(int count, char **arguments)
{
    if (count != 1)
        misused("hold-output MARK");
    (void)arguments;
    if (fork() != 0)
        return 0;
    setsid();
    linger();
}

/* die SIGNAL */
int die(int count, char **arguments)
{
    if (count != 1)
        misused("die SIGNAL");
    int number = atoi(arguments[0]);
    signal(number, SIG_DFL);
    raise(number);
    return 0;
}

/* crash: a true fault; says first whether a core could be dumped. */
int crash(int count, char **arguments)
{
    (void)count, (void)arguments;
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0)
        *(volatile int *)8 = 1;
    int status;
    need(waitpid(child, &status, 0) == child, "waitpid");
    printf("%s\n", WCOREDUMP(status) ? "core" : "no core");
    return 0;
}

/* ids: real, effective, saved user and group. */
int ids(int count, char **arguments)
{
    (void)count, (void)arguments;
    uid_t u[3];
    gid_t g[3];
    need(getresuid(&u[0], &u[1], &u[2]) == 0 && getresgid(&g[0], &g[1], &g[2]) == 0, "ids");
    printf("%u %u %u %u %u %u\n", u[0], u[1], u[2], g[0], g[1], g[2]);
    return 0;
}
