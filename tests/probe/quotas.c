/* Project quotas: what projects there are, and attempts to leave one. */
#include "probe.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

enum { PROJECTS = 2 };

static int opened(int count, char **arguments, const char *usage)
{
    if (count != 1)
        misused(usage);
    int file = open(arguments[0], O_RDONLY | O_CLOEXEC);
    need(file >= 0, arguments[0]);
    return file;
}

/* projects DIR: of each project on that file system that has limits: id, blocks and inodes that it may have. */
int projects(int count, char **arguments)
{
    int directory = opened(count, arguments, "projects DIR");
    struct if_nextdqblk block = {0};
    for (unsigned id = 1;; id = block.dqb_id + 1) {
        unsigned command = QCMD(Q_GETNEXTQUOTA, PROJECTS);
        if (syscall(SYS_quotactl_fd, directory, command, id, &block) == -1)
            break;
        if (block.dqb_bhardlimit || block.dqb_ihardlimit)
            printf("%u %llu %llu\n", block.dqb_id, (unsigned long long)block.dqb_bhardlimit,
                   (unsigned long long)block.dqb_ihardlimit);
    }
    need(errno == ENOENT || errno == ESRCH, "quotactl_fd(Q_GETNEXTQUOTA)");
    return 0;
}

/* project FILE: its project. */
int project(int count, char **arguments)
{
    struct fsxattr attributes = {0};
    int file = opened(count, arguments, "project FILE");
    need(ioctl(file, FS_IOC_FSGETXATTR, &attributes) == 0, "FS_IOC_FSGETXATTR");
    return report(attributes.fsx_projid);
}

static int change(int file, unsigned project, unsigned flags)
{
    struct fsxattr attributes = {0};
    if (ioctl(file, FS_IOC_FSGETXATTR, &attributes) == -1)
        attributes.fsx_xflags = FS_XFLAG_PROJINHERIT;
    attributes.fsx_projid = project;
    attributes.fsx_xflags = (attributes.fsx_xflags & ~FS_XFLAG_PROJINHERIT) | flags;
    return ioctl(file, FS_IOC_FSSETXATTR, &attributes);
}

/* leave-project FILE: tries to give it to others, and to have what is made in it belong to nobody. */
int leave_project(int count, char **arguments)
{
    int file = opened(count, arguments, "leave-project FILE");
    report(change(file, 0, FS_XFLAG_PROJINHERIT));
    report(change(file, 7, FS_XFLAG_PROJINHERIT));
    report(change(file, 0, 0));
    int flags = 0;
    if (ioctl(file, FS_IOC_GETFLAGS, &flags) == -1)
        flags = FS_PROJINHERIT_FL;
    flags ^= FS_PROJINHERIT_FL;
    return report(ioctl(file, FS_IOC_SETFLAGS, &flags));
}
