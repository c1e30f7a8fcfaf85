/* What a program can try against the filter that it runs under. */
#include "probe.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

/* allow-all SUBCOMMAND…: adds a filter that allows everything first. */
int allow_all(int count, char **arguments)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};
    need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
    need(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, "seccomp");
    return dispatch(count, arguments);
}

static _Noreturn void be_traced(void)
{
    need(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, "PTRACE_TRACEME");
    raise(SIGSTOP);
    long result = syscall(SYS_getpid);
    report(result);
    _exit(0);
}

/* Puts another call in place of the one that the tracee is about to make. */
static void rewrite_registers(pid_t tracee, long number, long argument)
{
    struct user_regs_struct registers;
    need(ptrace(PTRACE_GETREGS, tracee, NULL, &registers) == 0, "PTRACE_GETREGS");
    registers.orig_rax = (unsigned long)number;
    registers.rdi = (unsigned long)argument;
    need(ptrace(PTRACE_SETREGS, tracee, NULL, &registers) == 0, "PTRACE_SETREGS");
}

static int next_call(pid_t tracee, int *status)
{
    need(ptrace(PTRACE_SYSCALL, tracee, NULL, NULL) == 0, "PTRACE_SYSCALL");
    need(waitpid(tracee, status, 0) == tracee, "waitpid");
    return WIFSTOPPED(*status);
}

/* rewrite CALL ARGUMENT: a traced child calls getpid, of which its tracer makes CALL. */
int rewrite(int count, char **arguments)
{
    if (count != 2)
        misused("rewrite CALL ARGUMENT");
    long number = call_number(arguments[0]), argument = call_argument(arguments[1]);
    int status;
    pid_t tracee = fork();
    need(tracee >= 0, "fork");
    if (tracee == 0)
        be_traced();
    need(waitpid(tracee, &status, 0) == tracee && WIFSTOPPED(status), "a stopped tracee");
    ptrace(PTRACE_SETOPTIONS, tracee, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    while (next_call(tracee, &status)) {
        struct user_regs_struct registers;
        need(ptrace(PTRACE_GETREGS, tracee, NULL, &registers) == 0, "PTRACE_GETREGS");
        if (registers.orig_rax != SYS_getpid)
            continue;
        rewrite_registers(tracee, number, argument);
        ptrace(PTRACE_CONT, tracee, NULL, NULL);
        waitpid(tracee, &status, 0);
        break;
    }
    return 0;
}
