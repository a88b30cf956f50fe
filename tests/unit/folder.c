/*
 * See folder.h.
 */
#include "folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char folder[32], folder_socket[64];
const char *const folder_socket_path = folder_socket + sizeof "unix:" - 1;

int folder_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/duet-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(folder_socket, sizeof folder_socket, "unix:%s/s", folder);
    return 0;
}

int folder_remove(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return -1;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        unlinkat(dirfd(dir), entry->d_name, 0); /* fails for "." and ".." */
    closedir(dir);
    return rmdir(folder);
}
