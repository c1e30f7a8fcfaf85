/* System V memory, message queues, and the kernel's keys. */
#include "probe.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* shm-make KEY TEXT: puts a text into a segment, made where there is none; prints its number. */
int shm_make(int count, char **arguments)
{
    if (count != 2)
        misused("shm-make KEY TEXT");
    int id = shmget((key_t)call_argument(arguments[0]), 4096, IPC_CREAT | 0666);
    char *bytes = id == -1 ? (void *)-1 : shmat(id, NULL, 0);
    if (bytes == (void *)-1)
        return report(-1);
    strncpy(bytes, arguments[1], 4095);
    return report(id);
}

/* shm-read ID: prints what the segment holds. */
int shm_read(int count, char **arguments)
{
    if (count != 1)
        misused("shm-read ID");
    const char *bytes = shmat((int)call_argument(arguments[0]), NULL, SHM_RDONLY);
    if (bytes == (void *)-1)
        return report(-1);
    printf("%.4096s\n", bytes);
    return 0;
}

/* queue-read NAME: prints the first message. */
int queue_read(int count, char **arguments)
{
    if (count != 1)
        misused("queue-read NAME");
    mqd_t queue = mq_open(arguments[0], O_RDONLY | O_NONBLOCK);
    if (queue == -1)
        return report(-1);
    char message[65536] = "";
    if (mq_receive(queue, message, sizeof message, NULL) == -1)
        return report(-1);
    printf("%s\n", message);
    return 0;
}

/* Runs a command in whose arguments {key} stands for the key's number. */
static int run_with_key(long key, char **command)
{
    char number[32];
    snprintf(number, sizeof number, "%ld", key);
    for (char **word = command; *word != NULL; word++)
        if (strcmp(*word, "{key}") == 0)
            *word = number;
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        execvp(command[0], command);
        need(0, command[0]);
    }
    int status;
    need(waitpid(child, &status, 0) == child, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static long add_key(const char *name, const char *secret, long keyring)
{
    return syscall(SYS_add_key, "user", name, secret, strlen(secret), keyring);
}

/* with-session-key NAME SECRET COMMAND…: the key lies in a session keyring that COMMAND inherits. */
int with_session_key(int count, char **arguments)
{
    if (count < 3)
        misused("with-session-key NAME SECRET COMMAND…");
    need(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) > 0, "join a session keyring");
    long key = add_key(arguments[0], arguments[1], KEY_SPEC_SESSION_KEYRING);
    need(key > 0, "add_key");
    return run_with_key(key, arguments + 2);
}

/* with-user-key NAME SECRET COMMAND…: the key lies in the user's keyring until COMMAND ends. */
int with_user_key(int count, char **arguments)
{
    if (count < 3)
        misused("with-user-key NAME SECRET COMMAND…");
    need(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) > 0, "join a session keyring");
    syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING);
    long key = add_key(arguments[0], arguments[1], KEY_SPEC_USER_KEYRING);
    need(key > 0, "add_key");
    int code = run_with_key(key, arguments + 2);
    syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING);
    return code;
}

static int print_key(long key)
{
    char secret[256] = "";
    if (key == -1 || syscall(SYS_keyctl, KEYCTL_READ, key, secret, sizeof secret - 1) == -1)
        return report(-1);
    printf("%s\n", secret);
    return 0;
}

/* key-read NUMBER */
int key_read(int count, char **arguments)
{
    if (count != 1)
        misused("key-read NUMBER");
    return print_key(call_argument(arguments[0]));
}

/* key-find NAME: by request_key, which searches all keyrings of the caller. */
int key_find(int count, char **arguments)
{
    if (count != 1)
        misused("key-find NAME");
    return print_key(syscall(SYS_request_key, "user", arguments[0], NULL, 0));
}
