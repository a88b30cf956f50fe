/*
 * A view is one reference to a registry, counted by those who use it.
 */
#include "view.h"

#include "home.h"

#include <stdlib.h>

void duet_view_release(struct duet_view *view)
{
    view->users--;
    if (view->users > 0 || !view->is_old)
        return;
    duet_registry_unref(view->registry);
    free(view);
}

void duet_view_retire(struct duet_home *home)
{
    struct duet_view *view = home->view;
    home->view = NULL;
    if (view == NULL)
        return;
    view->is_old = true;
    view->users++;
    duet_view_release(view);
}

void duet_view_renew(struct duet_home *home)
{
    struct duet_server *server = home->server;
    struct duet_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return; /* the next call tries again */
    pthread_mutex_lock(&server->lock);
    view->registry = server->registry;
    duet_registry_ref(view->registry);
    home->view_number = atomic_load(&server->registry_number);
    pthread_mutex_unlock(&server->lock);
    duet_view_retire(home);
    home->view = view;
}
