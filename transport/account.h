/*
 * The one account of memory that peers decide: messages, trees, replies, whatever a peer can
 * have more of by sending more or by not reading. Who may take how much, who waits for room,
 * and who gives way.
 *
 * What it counts: every block when it is taken from malloc or the kernel, whatever its size, on
 * the account of who has it: a connection (what it has read, what it has not written), a call
 * (message, tree, reply), or the loop (what it keeps for the next ones). A server at work
 * recycles its blocks, so an everyday call costs no counting at all. A peer is charged for the
 * bytes that it has sent, never for those that it announces.
 *
 * Who may take: up to `max` there are marks, so that those further along find room when
 * newcomers do not, and the smallest when others do not.
 *
 *     0 -------- newcomers -------------- 13/16 -- running -- 14/16 -- small -- 15/16 -- tiny
 * -- max
 *
 * A large message (over DUET_SMALL, or one that will become so) is a newcomer: before more of
 * it is read, or before it is run, all that it will need is reserved: its bytes, its tree, its
 * reply. Until there is room it waits in a line, first come first served, and its bytes wait in
 * the kernel. Calls that run and turn out to need more than was reserved take up to the second
 * mark, or fail: as busy, or as too large when nobody else is in their way. Small messages and
 * replies are never refused: above the third mark nothing is read and nothing is begun, until
 * there is room again; what is tiny has the rest.
 *
 * Why nobody waits for ever. Nobody who holds a reservation ever waits for memory: they end by
 * themselves, or wait for their peer. A peer that neither sends nor takes while others wait
 * loses its reservation, and after a second what it holds: the one that holds most first. When
 * no reservation is out, the line alone can hold what its first member needs; then those behind
 * it give way too. So the first in line is always let in in the end, and each one becomes the
 * first.
 *
 * Budget, parts and the tickets of lines are for any thread; an account is for whoever holds
 * its owner; a line is its loop's.
 */
#ifndef DUET_ACCOUNT_H
#define DUET_ACCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What fits one read is small: 64 KiB, with a header of its holder's. The last part of the
 * budget is for such, so that a thousand of them find room beside whatever is large. */
enum { DUET_SMALL = 64 * 1024 + 64 };

/* A call that holds no more than this is still a small one, tree and all: a message of 64 KiB
 * makes a tree of 1.5 MiB at most. But of a small budget it is a part. */
enum { DUET_SMALL_CALL = 2 * 1024 * 1024 };

/* Everyday calls are tiny. A thousand peers who do not read what they asked for, 64 KiB each,
 * must not be in their way. */
enum { DUET_TINY = 4 * 1024 };

/* Who asks: see the marks above. Small blocks are not refused but counted: those who want them
 * are held back before, by not being read. */
enum duet_rank { DUET_RANK_NEW, DUET_RANK_RUNNING, DUET_RANK_LITTLE, DUET_RANK_SMALL };

/* What came of asking for more. */
enum duet_room {
    DUET_ROOM_FOUND,
    DUET_ROOM_TAKEN, /* by others: there may be some later */
    DUET_ROOM_NEVER, /* there is not that much in all */
};

struct duet_line;

/* What all accounts may have together. */
struct duet_budget {
    _Atomic size_t used;
    size_t max, short_at; /* the third mark */

    _Atomic unsigned admitted; /* reservations that are out */
    _Atomic unsigned waiting;  /* in all lines */
    _Atomic uint64_t tickets;  /* drawn so far */
    _Atomic size_t wake_below; /* whoever brings `used` below it tells the loops; 0: nobody */
    _Atomic bool was_high;     /* most of it was used */
    _Atomic unsigned floods;   /* times that this is over: what was kept may go back */
    void (*tell)(void *ctx);   /* wakes all loops; any thread; may be NULL */
    void *ctx;
    struct duet_line *lines; /* of all loops: set up, then read-only */
};

/* One connection's part of it: what the connection and its calls hold. Atomic since workers
 * take memory for its calls; its users are counted by its loop. */
struct duet_budget_part {
    _Atomic size_t held;
    size_t max;
    unsigned users; /* the connection, and its calls wherever they are */
};

/* In whose name memory is taken: one holder, one thread at a time. It costs the larger of what
 * it has and what is reserved for it. All zero but for the budget is an empty one. */
struct duet_account {
    struct duet_budget *budget;
    struct duet_budget_part *part; /* NULL: nobody's in particular */
    size_t held;                   /* memory that it has */
    size_t reserved;               /* what it may have without asking */
    size_t in_part;                /* of its cost, what counts in the part */
    bool is_admitted;              /* it has a reservation */
    enum duet_room room;           /* since its holder set it to FOUND last */
};

/* An empty budget, with nobody to tell. */
void duet_budget_init(struct duet_budget *budget, size_t max);

/* Takes that much more; false, and `room` says why, if the mark of its rank is in the way. Who
 * runs and has little so far goes up to `max`. */
bool duet_account_take(struct duet_account *account, size_t more, enum duet_rank rank);
void duet_account_give(struct duet_account *account, size_t less);

/* Memory changes hands. */
void duet_account_move(struct duet_account *from, struct duet_account *to, size_t size);

/* Reserves all that a newcomer will need, what it has already included; false if there is no
 * room for it. What can never have room is cut to what all may have together. */
bool duet_account_reserve(struct duet_account *account, size_t size);

/* The reservation, if there is one, shrinks to that much; ends; goes to another account. */
void duet_account_shrink(struct duet_account *account, size_t size);
void duet_account_release_slow(struct duet_account *account);
static inline void duet_account_release(struct duet_account *account)
{
    if (account->is_admitted)
        duet_account_release_slow(account);
}
void duet_account_pass(struct duet_account *from, struct duet_account *to);

/* From here on what it takes counts in the part too, and with `adopt` what it has by now. NULL
 * ends that. The caller counts the part's users. */
void duet_account_join(struct duet_account *account, struct duet_budget_part *part, bool adopt);

/* A part with one user; NULL when out of memory. Freed with its last user; takes NULL. */
struct duet_budget_part *duet_budget_part_new(size_t max);
void duet_budget_part_leave(struct duet_budget_part *part);

static inline bool duet_budget_part_is_full(const struct duet_budget_part *part)
{
    return atomic_load_explicit(&part->held, memory_order_relaxed) >= part->max;
}

/* So much is used that nothing more is read or begun until some comes back, but for what is
 * tiny; that nothing tiny is kept waiting, either; and that not even what is tiny is read. */
static inline bool duet_budget_is_short(const struct duet_budget *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed) >= budget->short_at;
}
static inline bool duet_budget_is_nearly_spent(const struct duet_budget *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed) >=
           budget->max - (budget->max - budget->short_at) / 2;
}
static inline bool duet_budget_is_spent(const struct duet_budget *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed) >= budget->max;
}

/* Whether anybody who runs may ever have that much. */
bool duet_budget_can_hold(const struct duet_budget *budget, size_t size);

/* Somebody waits for room. */
static inline bool duet_budget_is_awaited(const struct duet_budget *budget)
{
    return atomic_load_explicit(&budget->waiting, memory_order_relaxed) > 0;
}

/* ---- Lines: those of one loop who wait for room ---- */

struct duet_waiter {
    struct duet_waiter *next, **link; /* link is NULL when it does not wait */
    struct duet_account *account;
    size_t wants;    /* to be reserved for it; 0: it waits until the budget is not short */
    uint64_t ticket; /* whose turn it is, over all loops; 0: it has none yet */
};

struct duet_queue {
    struct duet_waiter *first, **end;
};

struct duet_line {
    struct duet_budget *budget;
    struct duet_line *next;
    struct duet_queue large, small;
    _Atomic uint64_t first; /* ticket of the first large one; UINT64_MAX: none */
    _Atomic size_t stalled; /* what its largest stalled connection holds, as seen last */
};

/* Adds a line to its budget: before any other call. */
void duet_line_init(struct duet_line *line, struct duet_budget *budget);

/* Waits in the line: where its ticket stands, or with a new one at the end. Nothing happens if
 * it waits already. */
void duet_line_join(struct duet_line *line, struct duet_waiter *waiter, size_t wants);
void duet_line_leave(struct duet_line *line, struct duet_waiter *waiter);

static inline bool duet_waiter_waits(const struct duet_waiter *waiter)
{
    return waiter->link != NULL;
}

/* A new ticket. Any thread. */
uint64_t duet_budget_draw(struct duet_budget *budget);

/* Reserves at once if nobody waits before it; false: it has to join a line. Any thread. */
bool duet_budget_admit(struct duet_budget *budget, struct duet_account *account, size_t wants);

/* Takes the next one for whom there is room now off the line, its reservation made; NULL when
 * there is none: then the loops are told when that changes. */
struct duet_waiter *duet_line_next(struct duet_line *line);

/* How much must come back before those who wait can be let in: the first large one, and as many
 * small ones as make a quarter of the budget. 0: nobody waits for it. */
size_t duet_budget_missing(const struct duet_budget *budget);

/* How many loops there are. */
size_t duet_budget_lines(const struct duet_budget *budget);

/* Whether no other loop has a connection that holds more and stalls. */
bool duet_line_holds_most(const struct duet_line *line, size_t stalled);

#endif
