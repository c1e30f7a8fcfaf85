/* Files: opened in every way, by handle, by descriptor; programs of a foreign class. */
#include "probe.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int flags_of(const char *way)
{
    static const struct {
        const char *name;
        int flags;
    } ways[] = {
        {"r", O_RDONLY},
        {"w", O_WRONLY},
        {"rw", O_RDWR},
        {"path", O_PATH},
        {"directory", O_RDONLY | O_DIRECTORY},
        {"create", O_WRONLY | O_CREAT},
        {"truncate", O_WRONLY | O_TRUNC},
        {"append", O_WRONLY | O_APPEND},
        {"unnamed", O_RDWR | O_TMPFILE},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(ways[i].name, way) == 0)
            return ways[i].flags | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
    misused(way);
}

/* open PATH WAY: opens and closes; nothing is read or written. */
int open_file(int count, char **arguments)
{
    if (count != 2)
        misused("open PATH WAY");
    return report(open(arguments[0], flags_of(arguments[1]), 0600));
}

/* reopen PATH WAY: opens it for reading only, then what /proc says of that descriptor. */
int reopen(int count, char **arguments)
{
    if (count != 2)
        misused("reopen PATH WAY");
    int first = open(arguments[0], O_RDONLY | O_CLOEXEC);
    need(first >= 0, arguments[0]);
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", first);
    return report(open(link, flags_of(arguments[1])));
}

/* handle-make PATH: prints the file's handle. */
int handle_make(int count, char **arguments)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } made = {.handle.handle_bytes = MAX_HANDLE_SZ};
    int mount;
    if (count != 1)
        misused("handle-make PATH");
    if (name_to_handle_at(AT_FDCWD, arguments[0], &made.handle, &mount, 0) == -1)
        return report(-1);
    for (size_t i = 0; i < sizeof(struct file_handle) + made.handle.handle_bytes; i++)
        printf("%02x", (unsigned char)made.room[i]);
    printf("\n");
    return 0;
}

/* handle-open DIRECTORY HANDLE: opens by handle on the directory's file system. */
int handle_open(int count, char **arguments)
{
    if (count != 2)
        misused("handle-open DIRECTORY HANDLE");
    int mount = open(arguments[0], O_RDONLY | O_CLOEXEC);
    need(mount >= 0, arguments[0]);
    char hex[2 * 256 + 5];
    snprintf(hex, sizeof hex, "hex:%s", arguments[1]);
    void *handle = (void *)call_argument(hex);
    return report(syscall(SYS_open_by_handle_at, mount, handle, O_RDONLY));
}

/* handle-namespace ROOT: opens a namespace's or a pidfd's handle by the kernel's own root number. */
int handle_namespace(int count, char **arguments)
{
    if (count != 1)
        misused("handle-namespace ROOT");
    struct {
        unsigned int bytes;
        int type;
        uint64_t body[2];
    } handle = {.bytes = sizeof handle.body, .type = 0xf1};
    return report(syscall(SYS_open_by_handle_at, atoi(arguments[0]), &handle, O_RDONLY));
}

/* descriptors: those that are open, without asking /proc. */
int descriptors(int count, char **arguments)
{
    (void)count, (void)arguments;
    for (int i = 0; i < 65536; i++)
        if (fcntl(i, F_GETFD) != -1)
            printf("%d ", i);
    printf("\n");
    return 0;
}

/* write-elf32 PATH: a 32-bit program that exits with 42. */
int write_elf32(int count, char **arguments)
{
    if (count != 1)
        misused("write-elf32 PATH");
    static const unsigned char code[] = {
        0xbb, 42, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0xcd, 0x80, /* exit(42) */
    };
    const Elf32_Addr base = 0x08048000;
    struct {
        Elf32_Ehdr header;
        Elf32_Phdr segment;
        unsigned char code[sizeof code];
    } program = {
        .header = {
            .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
            .e_type = ET_EXEC, .e_machine = EM_386, .e_version = EV_CURRENT,
            .e_phoff = sizeof(Elf32_Ehdr), .e_ehsize = sizeof(Elf32_Ehdr),
            .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 1,
        },
        .segment = {
            .p_type = PT_LOAD, .p_vaddr = base, .p_paddr = base, .p_filesz = sizeof program,
            .p_memsz = sizeof program, .p_flags = PF_R | PF_X, .p_align = 4096,
        },
    };
    program.header.e_entry = base + (Elf32_Addr)((char *)program.code - (char *)&program);
    memcpy(program.code, code, sizeof code);
    int file = open(arguments[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    need(file >= 0 && write(file, &program, sizeof program) == sizeof program, arguments[0]);
    return 0;
}

/* truncate-mapped PATH: writes through a shared mapping of a file opened for reading and writing. */
int truncate_mapped(int count, char **arguments)
{
    if (count != 1)
        misused("truncate-mapped PATH");
    int file = open(arguments[0], O_RDWR | O_CLOEXEC);
    if (file == -1)
        return report(-1);
    char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    need(bytes != MAP_FAILED, "mmap");
    bytes[0] = '#';
    need(msync(bytes, 4096, MS_SYNC) == 0, "msync");
    return report(ftruncate(file, 1));
}
