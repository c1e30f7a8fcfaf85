/* System calls with any arguments, by every entry that the processor offers. */
#include "probe.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "call_names.h"

#define X32_BIT 0x40000000L

/* Room for arguments, below 4 GiB so that 32-bit calls can point at it. */
static char *arena(size_t size)
{
    static char *next, *end;
    size = (size + 15) & ~(size_t)15;
    if (next == NULL) {
        next = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        need(next != MAP_FAILED, "mmap");
        end = next + (1 << 20);
    }
    if (size > (size_t)(end - next))
        misused("argument too long");
    next += size;
    return next - size;
}

long call_number(const char *name)
{
    for (size_t i = 0; i < sizeof call_names / sizeof *call_names; i++)
        if (strcmp(call_names[i].name, name) == 0)
            return call_names[i].number;
    char *end;
    long number = strtol(name, &end, 0);
    if (*end != '\0')
        misused(name);
    return number;
}

static long bytes_argument(const char *hex)
{
    size_t size = strlen(hex) / 2;
    char *bytes = arena(size);
    for (size_t i = 0; i < size; i++)
        need(sscanf(hex + 2 * i, "%2hhx", (unsigned char *)bytes + i) == 1, "hex");
    return (long)bytes;
}

static long words_argument(const char *list)
{
    uint64_t *words = (uint64_t *)arena(32 * sizeof *words);
    char *rest = (char *)list;
    for (int i = 0; i < 32 && *rest != '\0'; i++) {
        words[i] = strtoull(rest, &rest, 0);
        rest += *rest == ',';
    }
    return (long)words;
}

static long opened(const char *path, int flags)
{
    int descriptor = open(path, flags | O_CLOEXEC);
    need(descriptor >= 0, path);
    return descriptor;
}

/* bad: a pointer into nowhere; str:, hex:, u64:, buf: pointers; file:, path:, pidfd: descriptors. */
long call_argument(const char *text)
{
    if (strcmp(text, "null") == 0)
        return 0;
    if (strcmp(text, "bad") == 0)
        return 1;
    if (strcmp(text, "self") == 0)
        return getpid();
    if (strncmp(text, "str:", 4) == 0)
        return (long)strcpy(arena(strlen(text + 4) + 1), text + 4);
    if (strncmp(text, "hex:", 4) == 0)
        return bytes_argument(text + 4);
    if (strncmp(text, "u64:", 4) == 0)
        return words_argument(text + 4);
    if (strncmp(text, "buf:", 4) == 0)
        return (long)arena(strtoul(text + 4, NULL, 0));
    if (strncmp(text, "file:", 5) == 0)
        return opened(text + 5, O_RDONLY);
    if (strncmp(text, "path:", 5) == 0)
        return opened(text + 5, O_PATH);
    if (strncmp(text, "pidfd:", 6) == 0)
        return syscall(SYS_pidfd_open, strtol(text + 6, NULL, 0), 0);
    errno = 0;
    char *end;
    long number = (long)strtoull(text, &end, 0);
    if (errno != 0 || *end != '\0' || end == text)
        misused(text);
    return number;
}

struct call {
    long number;
    long arguments[6];
};

static struct call parse(int count, char **arguments)
{
    if (count < 1 || count > 7)
        misused("a call is a name and up to six arguments");
    struct call call = {.number = call_number(arguments[0])};
    for (int i = 1; i < count; i++)
        call.arguments[i - 1] = call_argument(arguments[i]);
    return call;
}

static long native(struct call call)
{
    const long *a = call.arguments;
    return syscall(call.number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* raw CALL ARGUMENT… */
int raw(int count, char **arguments)
{
    return report(native(parse(count, arguments)));
}

/* x32 CALL ARGUMENT…: the same, in the numbers of the x32 ABI. */
int x32(int count, char **arguments)
{
    struct call call = parse(count, arguments);
    call.number |= X32_BIT;
    return report(native(call));
}

/* i386 NUMBER ARGUMENT…: by the 32-bit gate; up to five arguments, numbers are those of i386. */
int i386(int count, char **arguments)
{
    struct call call = parse(count, arguments);
    const long *a = call.arguments;
    long result = call.number;
    __asm__ volatile("int $0x80"
                     : "+a"(result)
                     : "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                     : "memory", "r8", "r9", "r10", "r11");
    int failed = (int)result < 0 && (int)result > -4096;
    errno = failed ? -(int)result : 0;
    return report(failed ? -1 : (int)result);
}

/* far-jump: into a 32-bit code segment, which calls getpid and then exits with 42. */
int far_jump(int count, char **arguments)
{
    (void)count, (void)arguments;
    static const unsigned char code[] = {
        0xb8, 20, 0, 0, 0, 0xcd, 0x80,                                 /* getpid() */
        0xbb, 42, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0xcd, 0x80,               /* exit(42) */
    };
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    need(page != MAP_FAILED, "mmap");
    memcpy(page, code, sizeof code);
    __asm__ volatile("pushq $0x23\n\tpushq %0\n\tlretq" : : "r"(page) : "memory");
    return 1;
}

static int collect(long child)
{
    if (child == 0)
        _exit(0);
    report(child == -1 ? -1 : 0);
    if (child > 0)
        waitpid((pid_t)child, NULL, __WALL);
    return 0;
}

/* clone FLAGS: a child that ends at once; prints 0 where there was one. */
int clone_flags(int count, char **arguments)
{
    if (count != 1)
        misused("clone FLAGS");
    return collect(syscall(SYS_clone, call_argument(arguments[0]), 0, 0, 0, 0));
}

/* clone3 FLAGS */
int clone3_flags(int count, char **arguments)
{
    if (count != 1)
        misused("clone3 FLAGS");
    struct clone_args request = {
        .flags = (uint64_t)call_argument(arguments[0]),
        .exit_signal = SIGCHLD,
    };
    return collect(syscall(SYS_clone3, &request, sizeof request));
}
