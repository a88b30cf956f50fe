/*
 * See wait.h.
 */
#include "wait.h"

#include <errno.h>

/* One thread that waits; on its stack. */
struct duet_wait {
    struct duet_request *request;
    struct duet_runner *runner; /* NULL: a thread of the program's own, which takes nothing
                                   in */
    struct duet_call *call;     /* of the runner: when it is cancelled the wait is over */
    struct duet_wait *next; /* of those that wait in handlers for the same session's client */
    pthread_cond_t wake;
    bool is_cancelled, is_given_up;
    bool is_inside; /* it runs a call that it took in */
};

/* Guards all struct duet_wait, and what sessions, calls and requests have of them. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local struct duet_runner *here;

void duet_runner_enter(struct duet_runner *runner)
{
    here = runner;
}

void duet_runner_let_go(const struct duet_call *call)
{
    if (here != NULL && here->call == call)
        here->call = NULL;
}

/* ---- For loops ---- */

static void wake_idle(const struct duet_session *session)
{
    struct duet_wait *wait = session->waits;
    while (wait != NULL && wait->is_inside)
        wait = wait->next;
    if (wait != NULL)
        pthread_cond_signal(&wait->wake);
}

bool duet_waits_take_in(struct duet_session *session, struct duet_inner *inner)
{
    pthread_mutex_lock(&lock);
    bool is_taken = session->waits != NULL;
    if (is_taken) {
        inner->next = NULL;
        *(session->inner != NULL ? &session->last_inner->next : &session->inner) = inner;
        session->last_inner = inner;
        wake_idle(session);
    }
    pthread_mutex_unlock(&lock);
    return is_taken;
}

void duet_waits_cancel(struct duet_call *call)
{
    pthread_mutex_lock(&lock);
    if (call->wait != NULL) {
        call->wait->is_cancelled = true;
        pthread_cond_signal(&call->wait->wake);
    }
    pthread_mutex_unlock(&lock);
}

/* Who waits says so before it looks at the status; this is called when the status is set. */
void duet_waits_tell(struct duet_request *request)
{
    if (!atomic_load(&request->is_waited_for))
        return;
    pthread_mutex_lock(&lock);
    if (request->wait != NULL)
        pthread_cond_signal(&request->wait->wake);
    pthread_mutex_unlock(&lock);
}

/* ---- Waiting ---- */

static void enter(struct duet_wait *wait)
{
    struct duet_request *request = wait->request;
    atomic_store(&request->is_waited_for, true);
    pthread_mutex_lock(&lock);
    request->wait = wait;
    if (wait->call != NULL) {
        wait->next = request->session->waits;
        request->session->waits = wait;
        wait->call->wait = wait;
        duet_account_release(&wait->call->root->account); /* its peer may need the room */
        wait->is_cancelled = duet_call_is_doomed(wait->call);
    }
    pthread_mutex_unlock(&lock);
}

/* Under the lock. What has been taken in and not begun goes to others that wait; what is
 * returned, to where it came from. */
static struct duet_inner *leave(struct duet_wait *wait)
{
    struct duet_session *session = wait->request->session;
    wait->request->wait = NULL;
    if (wait->call == NULL)
        return NULL;
    wait->call->wait = NULL;
    struct duet_wait **place = &session->waits;
    while (*place != wait)
        place = &(*place)->next;
    *place = wait->next;
    struct duet_inner *left = session->inner;
    if (session->waits == NULL)
        session->inner = NULL;
    else if (left != NULL)
        wake_idle(session);
    return session->waits == NULL ? left : NULL;
}

static void give_back(struct duet_inner *inner)
{
    while (inner != NULL) {
        struct duet_inner *next = inner->next;
        inner->give_back(inner);
        inner = next;
    }
}

/* Under the lock, which is let go of meanwhile. */
static void run_one(struct duet_wait *wait)
{
    struct duet_session *session = wait->request->session;
    struct duet_inner *inner = session->inner;
    session->inner = inner->next;
    wait->is_inside = true;
    pthread_mutex_unlock(&lock);
    inner->run(inner, wait->runner);
    pthread_mutex_lock(&lock);
    wait->is_inside = false;
}

static void give_up(struct duet_wait *wait)
{
    wait->is_given_up = true;
    pthread_mutex_unlock(&lock);
    duet_request_cancel(wait->request);
    pthread_mutex_lock(&lock);
}

static void wait_for_end(struct duet_wait *wait)
{
    const struct duet_request *request = wait->request;
    pthread_mutex_lock(&lock);
    while (atomic_load(&request->status) == -EINPROGRESS) {
        if (wait->is_cancelled && !wait->is_given_up)
            give_up(wait);
        else if (wait->call != NULL && !wait->is_given_up && request->session->inner != NULL)
            run_one(wait);
        else
            pthread_cond_wait(&wait->wake, &lock);
    }
    struct duet_inner *left = leave(wait);
    pthread_mutex_unlock(&lock);
    give_back(left);
}

/* A loop that waits would wait for itself. */
static int refuse_on_loop(struct duet_request *request)
{
    if (!atomic_exchange(&request->is_sent, true))
        atomic_store(&request->status, -EDEADLK);
    return -EDEADLK;
}

int duet_request_wait(duet_request *request)
{
    if (request == NULL)
        return -ENOMEM;
    if (atomic_load(&request->status) != -EINPROGRESS)
        return duet_request_status(request);
    if (duet_loop_is_here())
        return refuse_on_loop(request);
    struct duet_wait wait = {.request = request, .runner = here};
    if (here != NULL && here->call != NULL && request->session != NULL)
        wait.call = here->call;
    pthread_cond_init(&wait.wake, NULL);
    enter(&wait);
    bool is_its_own = wait.call != NULL && wait.call->session == request->session;
    if (duet_request_dispatch(request, is_its_own) == -EALREADY && is_its_own)
        duet_request_excuse(request);
    if (here != NULL)
        here->rest(here);
    wait_for_end(&wait);
    pthread_cond_destroy(&wait.wake);
    return duet_request_status(request);
}
