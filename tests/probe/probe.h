/* The probe: makes the calls of an attack and tells what the kernel answered. */
#ifndef PROBE_H
#define PROBE_H

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Nothing that the probe starts outlives this many seconds, whatever an attack achieves. */
#define LIFETIME 30

/* A subcommand: gets the arguments after its name, NULL at the end; its result is the exit code. */
typedef int (*action)(int count, char **arguments);

/* Prints "RESULT ok" or "-1 ERRNO" and returns 0: an answer of the kernel's is no failure. */
int report(long result);

/* Says what is wrong with the way the probe was called, and leaves. */
_Noreturn void misused(const char *what);

/* Demands that a step of the probe's own worked. */
void need(int worked, const char *step);

/* Runs a subcommand: its name, then its arguments. */
int dispatch(int count, char **line);

/* A call's number by its name or by a number. */
long call_number(const char *name);

/* An argument of a call: a number, or a pointer to what the text describes. */
long call_argument(const char *text);

/* calls.c */
int raw(int count, char **arguments);
int i386(int count, char **arguments);
int x32(int count, char **arguments);
int far_jump(int count, char **arguments);
int clone_flags(int count, char **arguments);
int clone3_flags(int count, char **arguments);

/* contexts.c */
int within(int count, char **arguments);

/* files.c */
int open_file(int count, char **arguments);
int reopen(int count, char **arguments);
int handle_make(int count, char **arguments);
int handle_open(int count, char **arguments);
int handle_namespace(int count, char **arguments);
int descriptors(int count, char **arguments);
int write_elf32(int count, char **arguments);
int truncate_mapped(int count, char **arguments);

/* filters.c */
int allow_all(int count, char **arguments);
int rewrite(int count, char **arguments);

/* bare.c */
int without_user_namespaces(int count, char **arguments);

/* hogs.c */
int hog(int count, char **arguments);
int spin(int count, char **arguments);
int job(int count, char **arguments);
int outlived(int count, char **arguments);
int forks(int count, char **arguments);
int threads(int count, char **arguments);
int files(int count, char **arguments);
int open_many(int count, char **arguments);

/* ipc.c */
int shm_read(int count, char **arguments);
int shm_make(int count, char **arguments);
int queue_read(int count, char **arguments);
int with_session_key(int count, char **arguments);
int with_user_key(int count, char **arguments);
int key_read(int count, char **arguments);
int key_find(int count, char **arguments);

/* network.c */
int connect_inet(int count, char **arguments);
int send_inet(int count, char **arguments);
int connect_unix(int count, char **arguments);
int send_unix(int count, char **arguments);
int serve(int count, char **arguments);
int interface_flags(int count, char **arguments);
int interface_address(int count, char **arguments);
int links(int count, char **arguments);
int route_request(int count, char **arguments);

/* quotas.c */
int projects(int count, char **arguments);
int project(int count, char **arguments);
int leave_project(int count, char **arguments);

/* processes.c */
int trace(int count, char **arguments);
int memory(int count, char **arguments);
int hold_secret(int count, char **arguments);
int daemonise(int count, char **arguments);
int chain(int count, char **arguments);
int race(int count, char **arguments);
int stop(int count, char **arguments);
int stubborn(int count, char **arguments);
int hold_output(int count, char **arguments);
int die(int count, char **arguments);
int ids(int count, char **arguments);
int crash(int count, char **arguments);
int steal_descriptor(int count, char **arguments);

#endif
