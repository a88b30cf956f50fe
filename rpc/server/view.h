/*
 * The methods as a home saw them last. Those that come or go while the server runs make a new
 * view; calls on workers keep an old one alive. On the loop's thread.
 */
#ifndef DUET_VIEW_H
#define DUET_VIEW_H

#include "registry.h"

#include <stdbool.h>

struct duet_home;

struct duet_view {
    struct duet_registry *registry; /* holds a reference */
    unsigned users;                 /* calls on workers */
    bool is_old;
};

/* Makes the methods that there are now the home's view; without memory the old one goes on. */
void duet_view_renew(struct duet_home *home);

/* A call on a worker needs it no more. */
void duet_view_release(struct duet_view *view);

/* The home needs its view no more; it goes when no call on a worker uses it either. */
void duet_view_retire(struct duet_home *home);

#endif
