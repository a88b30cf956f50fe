/*
 * Counts under one lock.
 */
#include "latch.h"

#include <pthread.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int begun, allowed, most, now;
} latch = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

int latch_close(void **state)
{
    (void)state;
    latch.begun = latch.allowed = latch.most = latch.now = 0;
    return 0;
}

int latch_wait(duet_call *call, void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&latch.lock);
    latch.begun++;
    if (++latch.now > latch.most)
        latch.most = latch.now;
    pthread_cond_broadcast(&latch.changed);
    while (latch.allowed == 0)
        pthread_cond_wait(&latch.changed, &latch.lock);
    latch.allowed--;
    latch.now--;
    pthread_mutex_unlock(&latch.lock);
    return duet_reply_bool(call, duet_call_cancelled(call));
}

void latch_wait_until_begun(int count)
{
    pthread_mutex_lock(&latch.lock);
    while (latch.begun < count)
        pthread_cond_wait(&latch.changed, &latch.lock);
    pthread_mutex_unlock(&latch.lock);
}

void latch_allow(int count)
{
    pthread_mutex_lock(&latch.lock);
    latch.allowed += count;
    pthread_cond_broadcast(&latch.changed);
    pthread_mutex_unlock(&latch.lock);
}

static int read_locked(const int *count)
{
    pthread_mutex_lock(&latch.lock);
    int now = *count;
    pthread_mutex_unlock(&latch.lock);
    return now;
}

int latch_begun(void)
{
    return read_locked(&latch.begun);
}

int latch_most(void)
{
    return read_locked(&latch.most);
}
