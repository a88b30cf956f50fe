/*
 * pthread_create() says EAGAIN whatever limit is reached (pthread_create(3), fork(2)), so each
 * is looked at: those of which it can be seen that they are used up first.
 */
#include "thread_limit.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The first number in a file of the kernel's; false without one, as in "max". */
static bool read_number(const char *path, unsigned long long *number)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool is_read = fscanf(file, "%llu", number) == 1;
    fclose(file);
    return is_read;
}

/* ---- Control groups ---- */

static bool is_full(const char *group, unsigned long long *max)
{
    char path[PATH_MAX + 16];
    unsigned long long current;
    snprintf(path, sizeof path, "%s/pids.max", group);
    if (!read_number(path, max))
        return false;
    snprintf(path, sizeof path, "%s/pids.current", group);
    return read_number(path, &current) && current >= *max;
}

/* A group's limit holds for those below it too: looks from `group`, below `root`, upwards.
 * `group` is then the one that is full. */
static bool find_full_above(char *group, size_t root, unsigned long long *max)
{
    for (;;) {
        if (is_full(group, max))
            return true;
        char *slash = strrchr(group, '/');
        if (slash == NULL || slash < group + root)
            return false;
        *slash = '\0';
    }
}

/* Lines are "NUMBER:CONTROLLERS:PATH"; version 2 has the one without controllers. */
static bool find_full_group(char *group, size_t room, unsigned long long *max)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL)
        return false;
    bool is_found = false;
    char line[PATH_MAX];
    while (!is_found && fgets(line, sizeof line, file) != NULL) {
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (path == NULL)
            continue;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        controllers++;
        if (*controllers != '\0' && strcmp(controllers, "pids") != 0)
            continue;
        const char *root = *controllers != '\0' ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup";
        snprintf(group, room, "%s%s", root, strcmp(path, "/") == 0 ? "" : path);
        is_found = find_full_above(group, strlen(root), max);
    }
    fclose(file);
    return is_found;
}

/* ---- The whole system, and this process ---- */

/* Threads that there are, of all users: after the slash in "0.00 0.00 0.00 1/132 4711". */
static unsigned long long count_threads(void)
{
    unsigned long long count = 0;
    FILE *file = fopen("/proc/loadavg", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*s %*s %*s %*u/%llu", &count) != 1)
        count = 0;
    fclose(file);
    return count;
}

static bool is_system_full(const char *path, unsigned long long *max)
{
    return read_number(path, max) && count_threads() >= *max;
}

/* Whether another stack would go over the limit on address space. */
static bool has_no_space(unsigned long long *max)
{
    struct rlimit space;
    unsigned long long pages;
    pthread_attr_t attributes;
    size_t stack = 0;
    if (getrlimit(RLIMIT_AS, &space) < 0 || space.rlim_cur == RLIM_INFINITY ||
        !read_number("/proc/self/statm", &pages))
        return false;
    pthread_attr_init(&attributes);
    pthread_attr_getstacksize(&attributes, &stack);
    pthread_attr_destroy(&attributes);
    *max = space.rlim_cur;
    return pages * (unsigned long long)sysconf(_SC_PAGESIZE) + stack >= space.rlim_cur;
}

void duet_thread_limit_describe(char *words, size_t room)
{
    char group[PATH_MAX];
    unsigned long long max = 0;
    struct rlimit processes;
    if (find_full_group(group, sizeof group, &max))
        snprintf(words, room, "%s/pids.max is %llu", group, max);
    else if (is_system_full("/proc/sys/kernel/threads-max", &max))
        snprintf(words, room, "kernel.threads-max is %llu (sysctl)", max);
    else if (is_system_full("/proc/sys/kernel/pid_max", &max))
        snprintf(words, room, "kernel.pid_max is %llu (sysctl)", max);
    else if (has_no_space(&max))
        snprintf(words, room, "RLIMIT_AS is %llu bytes (ulimit -v, in KiB)", max);
    else if (getrlimit(RLIMIT_NPROC, &processes) == 0 && processes.rlim_cur != RLIM_INFINITY)
        snprintf(words, room, "RLIMIT_NPROC is %llu for all threads of the user (ulimit -u)",
                 (unsigned long long)processes.rlim_cur);
    else
        snprintf(words, room, "memory, or a limit that cannot be seen from here");
}
