/*
 * Counting, marks, reservations, and the order of those who wait. See account.h.
 */
#include "account.h"

#include <stdlib.h>

enum { PARTS = 16 }; /* the last of them is for tiny ones, the one before for small ones, … */

static size_t mark_of(const struct duet_budget *budget, enum duet_rank rank)
{
    static const size_t kept_back[] = {
        [DUET_RANK_NEW] = 3, [DUET_RANK_RUNNING] = 2, [DUET_RANK_LITTLE] = 0};
    return rank == DUET_RANK_SMALL ? SIZE_MAX
                                   : budget->max - budget->max / PARTS * kept_back[rank];
}

/* ---- The budget ---- */

void duet_budget_init(struct duet_budget *budget, size_t max)
{
    *budget = (struct duet_budget){.max = max, .short_at = max - max / PARTS};
}

static void note_height(struct duet_budget *budget, size_t used)
{
    if (used > budget->max / 8 * 5 &&
        !atomic_load_explicit(&budget->was_high, memory_order_relaxed))
        atomic_store_explicit(&budget->was_high, true, memory_order_relaxed);
}

static bool take(struct duet_budget *budget, size_t size, enum duet_rank rank)
{
    size_t used = atomic_fetch_add(&budget->used, size), mark = mark_of(budget, rank);
    if (used > mark || size > mark - used) {
        atomic_fetch_sub(&budget->used, size);
        return false;
    }
    note_height(budget, used + size);
    return true;
}

static void tell(struct duet_budget *budget)
{
    if (budget->tell != NULL)
        budget->tell(budget->ctx);
}

static void give(struct duet_budget *budget, size_t size)
{
    size_t used = atomic_fetch_sub(&budget->used, size) - size;
    if (used < atomic_load(&budget->wake_below) && atomic_exchange(&budget->wake_below, 0) > 0)
        tell(budget);
    bool is_over = used < budget->max / 8 * 3 &&
                   atomic_load_explicit(&budget->was_high, memory_order_relaxed);
    if (is_over && atomic_exchange(&budget->was_high, false)) {
        atomic_fetch_add(&budget->floods, 1);
        tell(budget);
    }
}

bool duet_budget_can_hold(const struct duet_budget *budget, size_t size)
{
    return size <= mark_of(budget, DUET_RANK_RUNNING);
}

/* ---- Accounts ---- */

static size_t cost_of(const struct duet_account *account)
{
    return account->held > account->reserved ? account->held : account->reserved;
}

/* Its cost was `before` and has changed: so does its part. */
static void count_in_part(struct duet_account *account, size_t before)
{
    size_t cost = cost_of(account);
    if (account->part == NULL || cost == before)
        return;
    if (cost > before) {
        atomic_fetch_add(&account->part->held, cost - before);
        account->in_part += cost - before;
        return;
    }
    size_t less = before - cost < account->in_part ? before - cost : account->in_part;
    atomic_fetch_sub(&account->part->held, less);
    account->in_part -= less;
}

/* What it has and what is reserved for it become these, the budget willing. */
static bool set(struct duet_account *account, size_t held, size_t reserved, enum duet_rank rank)
{
    size_t before = cost_of(account), cost = held > reserved ? held : reserved;
    if (cost > before && !take(account->budget, cost - before, rank))
        return false;
    account->held = held;
    account->reserved = reserved;
    count_in_part(account, before);
    if (cost < before)
        give(account->budget, before - cost);
    return true;
}

/* Calls with small messages are not refused for want of room beside large ones. */
static bool is_small_call(const struct duet_account *account, size_t more)
{
    size_t part = account->budget->max / PARTS;
    size_t most = part < DUET_SMALL_CALL ? part : DUET_SMALL_CALL;
    return account->held <= most && more <= most - account->held;
}

/* Who is alone, but for what always lies about, and finds no room will never find it. */
static enum duet_room why_not(const struct duet_account *account, size_t more)
{
    const struct duet_budget *budget = account->budget;
    size_t used = atomic_load(&budget->used), cost = cost_of(account);
    bool is_alone = used < cost || used - cost < budget->max / PARTS;
    bool is_too_large =
        more > budget->max || !duet_budget_can_hold(budget, account->held + more);
    return is_alone || is_too_large ? DUET_ROOM_NEVER : DUET_ROOM_TAKEN;
}

bool duet_account_take(struct duet_account *account, size_t more, enum duet_rank rank)
{
    if (rank == DUET_RANK_RUNNING && is_small_call(account, more))
        rank = DUET_RANK_LITTLE;
    if (more <= SIZE_MAX - account->held &&
        set(account, account->held + more, account->reserved, rank))
        return true;
    account->room = why_not(account, more);
    return false;
}

void duet_account_give(struct duet_account *account, size_t less)
{
    set(account, account->held - less, account->reserved, DUET_RANK_SMALL);
}

void duet_account_move(struct duet_account *from, struct duet_account *to, size_t size)
{
    size_t from_before = cost_of(from), to_before = cost_of(to);
    from->held -= size;
    to->held += size;
    count_in_part(from, from_before);
    count_in_part(to, to_before);
    size_t more = cost_of(to) - to_before, less = from_before - cost_of(from);
    if (more > less) /* it had the memory as a part of its reservation, or has one now */
        take(from->budget, more - less, DUET_RANK_SMALL);
    else if (more < less)
        give(from->budget, less - more);
}

/* Nothing can have more than all, and who waits for nearly all of it waits until nobody else
 * has any. So much, and then there is some beside it. */
static size_t cut(const struct duet_budget *budget, size_t size)
{
    size_t most = budget->max / 8 * 5;
    return size < most ? size : most;
}

bool duet_account_reserve(struct duet_account *account, size_t size)
{
    if (!set(account, account->held, cut(account->budget, size), DUET_RANK_NEW))
        return false;
    if (!account->is_admitted)
        atomic_fetch_add(&account->budget->admitted, 1);
    account->is_admitted = true;
    return true;
}

void duet_account_shrink(struct duet_account *account, size_t size)
{
    if (size < account->reserved)
        set(account, account->held, size, DUET_RANK_SMALL);
}

void duet_account_release_slow(struct duet_account *account)
{
    account->is_admitted = false;
    atomic_fetch_sub(&account->budget->admitted, 1);
    set(account, account->held, 0, DUET_RANK_SMALL);
}

void duet_account_pass(struct duet_account *from, struct duet_account *to)
{
    size_t reserved = from->reserved;
    if (!from->is_admitted)
        return;
    from->is_admitted = false;
    to->is_admitted = true;
    set(to, to->held, reserved, DUET_RANK_SMALL);
    set(from, from->held, 0, DUET_RANK_SMALL);
}

/* ---- Parts ---- */

struct duet_budget_part *duet_budget_part_new(size_t max)
{
    struct duet_budget_part *part = calloc(1, sizeof *part);
    if (part == NULL)
        return NULL;
    part->max = max;
    part->users = 1;
    return part;
}

void duet_budget_part_leave(struct duet_budget_part *part)
{
    if (part != NULL && --part->users == 0)
        free(part);
}

void duet_account_join(struct duet_account *account, struct duet_budget_part *part, bool adopt)
{
    if (account->part != NULL && account->in_part > 0)
        atomic_fetch_sub(&account->part->held, account->in_part);
    account->part = part;
    account->in_part = 0;
    if (part != NULL && adopt)
        count_in_part(account, 0);
}

/* ---- Lines ---- */

static const uint64_t nobody = UINT64_MAX;

static void queue_init(struct duet_queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

void duet_line_init(struct duet_line *line, struct duet_budget *budget)
{
    line->budget = budget;
    queue_init(&line->large);
    queue_init(&line->small);
    atomic_init(&line->first, nobody);
    line->next = budget->lines;
    budget->lines = line;
}

static void publish_first(struct duet_line *line)
{
    const struct duet_waiter *first = line->large.first;
    atomic_store(&line->first, first != NULL ? first->ticket : nobody);
}

uint64_t duet_budget_draw(struct duet_budget *budget)
{
    return atomic_fetch_add(&budget->tickets, 1) + 1;
}

/* Before those with later tickets. */
static void insert(struct duet_queue *queue, struct duet_waiter *waiter, bool is_last)
{
    struct duet_waiter **link = is_last ? queue->end : &queue->first;
    while (*link != NULL && (*link)->ticket < waiter->ticket)
        link = &(*link)->next;
    waiter->link = link;
    waiter->next = *link;
    *link = waiter;
    if (waiter->next != NULL)
        waiter->next->link = &waiter->next;
    else
        queue->end = &waiter->next;
}

void duet_line_join(struct duet_line *line, struct duet_waiter *waiter, size_t wants)
{
    if (duet_waiter_waits(waiter))
        return;
    bool is_new = waiter->ticket == 0;
    if (is_new)
        waiter->ticket = duet_budget_draw(line->budget);
    waiter->wants = wants;
    insert(wants > 0 ? &line->large : &line->small, waiter, is_new);
    publish_first(line);
    if (atomic_fetch_add(&line->budget->waiting, 1) == 0)
        tell(line->budget); /* every loop looks for peers that stall */
}

void duet_line_leave(struct duet_line *line, struct duet_waiter *waiter)
{
    if (!duet_waiter_waits(waiter))
        return;
    struct duet_queue *queue = waiter->wants > 0 ? &line->large : &line->small;
    *waiter->link = waiter->next;
    if (waiter->next != NULL)
        waiter->next->link = waiter->link;
    else
        queue->end = waiter->link;
    waiter->link = NULL;
    publish_first(line);
    bool is_last = atomic_fetch_sub(&line->budget->waiting, 1) == 1;
    if (!is_last && waiter->wants > 0 && line->budget->lines->next != NULL)
        tell(line->budget); /* the next one may be another loop's */
}

/* Nobody, on any loop, waits for longer. */
static bool is_first(const struct duet_budget *budget, uint64_t ticket)
{
    for (const struct duet_line *line = budget->lines; line != NULL; line = line->next)
        if (atomic_load(&line->first) < ticket)
            return false;
    return true;
}

bool duet_budget_admit(struct duet_budget *budget, struct duet_account *account, size_t wants)
{
    return is_first(budget, nobody) && duet_account_reserve(account, wants);
}

static bool may_enter(struct duet_budget *budget, const struct duet_waiter *waiter)
{
    if (waiter->wants == 0)
        return !duet_budget_is_short(budget);
    return is_first(budget, waiter->ticket) &&
           duet_account_reserve(waiter->account, waiter->wants);
}

/* Below this `used` there is room for it. */
static size_t level_for(const struct duet_budget *budget, const struct duet_waiter *waiter)
{
    size_t wants = cut(budget, waiter->wants);
    size_t cost = cost_of(waiter->account), mark = mark_of(budget, DUET_RANK_NEW);
    if (waiter->wants == 0)
        return budget->short_at;
    return mark - (wants > cost ? wants - cost : 0) + 1;
}

static void await(struct duet_budget *budget, size_t level)
{
    size_t below = atomic_load(&budget->wake_below);
    while (below < level && !atomic_compare_exchange_weak(&budget->wake_below, &below, level))
        continue;
}

/* Lets it in, or makes sure to be told when there is room: asked again after that, for it may
 * have come in between. */
static bool enter_or_await(struct duet_line *line, struct duet_waiter *waiter)
{
    struct duet_budget *budget = line->budget;
    if (may_enter(budget, waiter))
        return true;
    if (waiter->wants > 0 && !is_first(budget, waiter->ticket))
        return false; /* told when the one before it leaves */
    await(budget, level_for(budget, waiter));
    return may_enter(budget, waiter);
}

struct duet_waiter *duet_line_next(struct duet_line *line)
{
    struct duet_queue *queues[] = {&line->large, &line->small};
    for (size_t i = 0; i < 2; i++) {
        struct duet_waiter *first = queues[i]->first;
        if (first != NULL && enter_or_await(line, first)) {
            duet_line_leave(line, first);
            return first;
        }
    }
    return NULL;
}

size_t duet_budget_missing(const struct duet_budget *budget)
{
    size_t used = atomic_load(&budget->used), below = atomic_load(&budget->wake_below);
    size_t many = (size_t)atomic_load(&budget->waiting) * DUET_SMALL, part = budget->max / 4;
    if (below == 0 || used < below)
        return 0;
    if (!duet_budget_is_short(budget))
        return used - below + 1;
    return used - below + (many < part ? many : part);
}

size_t duet_budget_lines(const struct duet_budget *budget)
{
    size_t count = 0;
    for (const struct duet_line *line = budget->lines; line != NULL; line = line->next)
        count++;
    return count;
}

bool duet_line_holds_most(const struct duet_line *line, size_t stalled)
{
    const struct duet_line *other = line->budget->lines;
    for (; other != NULL; other = other->next)
        if (other != line && atomic_load(&other->stalled) > stalled)
            return false;
    return true;
}
