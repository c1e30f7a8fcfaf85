/* Hogs: taking more and more of one thing until somebody ends it. */
#include "probe.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define PIECE (4L << 20)

#define MOST_CHILDREN 8192

static char piece[PIECE];
static pid_t children[MOST_CHILDREN];

/* Waits to be ended, or for the end of its life. */
static _Noreturn void linger(void)
{
    sleep(LIFETIME);
    _exit(97);
}

static void *mapping(int flags)
{
    void *memory = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    need(memory != MAP_FAILED, "mmap");
    memset(memory, 'x', PIECE);
    return memory;
}

static void fill(int file)
{
    for (;;)
        need(write(file, piece, PIECE) > 0, "write");
}

static void fill_in_parts(void)
{
    for (int i = 0; i < 24; i++)
        if (fork() == 0) {
            mapping(MAP_PRIVATE);
            linger();
        }
    linger();
}

static void fill_segments(void)
{
    for (;;) {
        int segment = shmget(IPC_PRIVATE, PIECE, IPC_CREAT | 0600);
        need(segment != -1, "shmget");
        void *memory = shmat(segment, NULL, 0);
        need(memory != (void *)-1, "shmat");
        memset(memory, 'x', PIECE);
        need(shmdt(memory) == 0, "shmdt");
    }
}

/* Unnamed files that only their mapping holds. */
static void fill_unheld(void)
{
    for (;;) {
        int file = memfd_create("hog", 0);
        need(file != -1 && ftruncate(file, PIECE) == 0, "memfd_create");
        void *memory = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        need(memory != MAP_FAILED, "mmap");
        memset(memory, 'x', PIECE);
        close(file);
    }
}

static void fill_pipes(void)
{
    for (;;) {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK) == -1)
            linger();
        fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
        while (write(ends[1], piece, PIECE) > 0)
            ;
    }
}

static void *fill_anonymous(void *nothing)
{
    for (;;)
        mapping(MAP_PRIVATE);
    return nothing;
}

/* A process whose first thread has ended. */
static _Noreturn void fill_headless(void)
{
    pthread_t thread;
    need(pthread_create(&thread, NULL, fill_anonymous, NULL) == 0, "pthread_create");
    syscall(SYS_exit, 0);
    _exit(97);
}

/* Children with memory of their own whose parents wait as in vfork, each as large as its parent. */
static void fill_behind_parents(void)
{
    static char own[8 * PIECE];
    do
        memset(own, 'x', sizeof own);
    while (syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) == 0);
    linger();
}

/* System V semaphores: 2 MiB of the kernel's memory each time. */
static void fill_semaphores(void)
{
    for (;;)
        need(semget(IPC_PRIVATE, 32000, IPC_CREAT | 0600) != -1, "semget");
}

static void raise_descriptors(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* hog anonymous|shared|processes|memfd|unheld|tmpfs|segments|pipes|headless|vforks|semaphores:
   more memory, and more */
int hog(int count, char **arguments)
{
    if (count != 1)
        misused("hog KIND");
    memset(piece, 'x', PIECE);
    raise_descriptors();
    const char *kind = arguments[0];
    if (strcmp(kind, "anonymous") == 0)
        for (;;)
            mapping(MAP_PRIVATE);
    if (strcmp(kind, "shared") == 0)
        for (;;)
            mapping(MAP_SHARED);
    if (strcmp(kind, "processes") == 0)
        fill_in_parts();
    if (strcmp(kind, "memfd") == 0)
        fill(memfd_create("hog", 0));
    if (strcmp(kind, "unheld") == 0)
        fill_unheld();
    if (strcmp(kind, "tmpfs") == 0)
        fill(open("/dev/shm/hog", O_WRONLY | O_CREAT, 0600));
    if (strcmp(kind, "segments") == 0)
        fill_segments();
    if (strcmp(kind, "pipes") == 0)
        fill_pipes();
    if (strcmp(kind, "headless") == 0)
        fill_headless();
    if (strcmp(kind, "vforks") == 0)
        fill_behind_parents();
    if (strcmp(kind, "semaphores") == 0)
        fill_semaphores();
    misused(kind);
}

static double processor_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* spin MILLISECONDS: that much processor time */
int spin(int count, char **arguments)
{
    if (count != 1)
        misused("spin MILLISECONDS");
    double wanted = strtod(arguments[0], NULL) / 1000;
    while (processor_time() < wanted)
        ;
    return 0;
}

/* job MEBIBYTES MILLISECONDS: holds that much memory for that much processor time */
int job(int count, char **arguments)
{
    if (count != 2)
        misused("job MEBIBYTES MILLISECONDS");
    size_t size = strtoul(arguments[0], NULL, 10) << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(memory != MAP_FAILED, "mmap");
    memset(memory, 'x', size);
    return spin(1, arguments + 1);
}

/* outlived MILLISECONDS: ends when its child has used that much processor time and waits */
int outlived(int count, char **arguments)
{
    if (count != 1)
        misused("outlived MILLISECONDS");
    int ends[2];
    char done;
    need(pipe(ends) == 0, "pipe");
    if (fork() == 0) {
        spin(1, arguments);
        need(write(ends[1], "", 1) == 1, "write");
        linger();
    }
    close(ends[1]);
    need(read(ends[0], &done, 1) == 1, "read");
    return 0;
}

/* forks COUNT: that many children which wait; 1 if one is refused, and the others stay */
int forks(int count, char **arguments)
{
    if (count != 1)
        misused("forks COUNT");
    long wanted = strtol(arguments[0], NULL, 10);
    for (long i = 0; i < wanted; i++) {
        pid_t child = fork();
        if (child == 0) {
            close(1);
            close(2);
            linger();
        }
        if (child == -1) {
            printf("%ld and then -1 %s\n", i, strerrorname_np(errno));
            return 1;
        }
        children[i % MOST_CHILDREN] = child;
    }
    for (long i = 0; i < wanted && i < MOST_CHILDREN; i++)
        kill(children[i], SIGKILL);
    printf("%ld ok\n", wanted);
    return 0;
}

static void *wait_in_thread(void *nothing)
{
    linger();
    return nothing;
}

/* threads COUNT: the same with threads */
int threads(int count, char **arguments)
{
    if (count != 1)
        misused("threads COUNT");
    long wanted = strtol(arguments[0], NULL, 10);
    for (long i = 0; i < wanted; i++) {
        pthread_t thread;
        int refused = pthread_create(&thread, NULL, wait_in_thread, NULL);
        if (refused) {
            printf("%ld and then -1 %s\n", i, strerrorname_np(refused));
            return 1;
        }
    }
    printf("%ld ok\n", wanted);
    return 0;
}

/* files COUNT: that many files of one byte; 1 if one is refused */
int files(int count, char **arguments)
{
    if (count != 1)
        misused("files COUNT");
    long wanted = strtol(arguments[0], NULL, 10);
    for (long i = 0; i < wanted; i++) {
        char name[32];
        snprintf(name, sizeof name, "file-%ld", i);
        int file = open(name, O_WRONLY | O_CREAT, 0600);
        if (file == -1 || write(file, "x", 1) != 1) {
            printf("%ld and then -1 %s\n", i, strerrorname_np(errno));
            return 1;
        }
        close(file);
    }
    printf("%ld ok\n", wanted);
    return 0;
}

/* open-many COUNT: that many descriptors, as many as the hard limit gives */
int open_many(int count, char **arguments)
{
    if (count != 1)
        misused("open-many COUNT");
    raise_descriptors();
    long wanted = strtol(arguments[0], NULL, 10);
    for (long i = 0; i < wanted; i++)
        if (dup(0) == -1) {
            printf("%ld and then -1 %s\n", i, strerrorname_np(errno));
            return 1;
        }
    printf("%ld ok\n", wanted);
    return 0;
}
