/*
 * A block that counts its users.
 */
#include "scratch.h"

#include <stdlib.h>

struct duet_scratch *duet_scratch_new(void)
{
    struct duet_scratch *scratch = malloc(sizeof *scratch);
    if (scratch != NULL)
        scratch->users = 1;
    return scratch;
}

void duet_scratch_release(struct duet_scratch *scratch)
{
    if (scratch != NULL && --scratch->users == 0)
        free(scratch);
}
