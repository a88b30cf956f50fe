/*
 * See within.h. Made on the thread of the handler, finished on any.
 */
#include "within.h"

#include "call_parts.h"
#include "holder.h"
#include "kept_slots.h"
#include "loop.h"
#include "multicall.h"
#include "writer_move.h"

#include <errno.h>
#include <stdlib.h>

struct duet_within {
    struct duet_call call;          /* what duet_kept_call() gives */
    struct duet_writer_scope scope; /* of an entry: inside of its array of one */
    uint64_t outer;                 /* the slot of the call that is finished after it; 0: none,
                                       somebody waits for it. Under the slots' lock */
    bool is_done;                   /* under the slots' lock */
    int rc;
    size_t at;                /* where an entry belongs in its outer call's answer */
    struct duet_within *next; /* entry */
};

struct duet_call *duet_within_call(struct duet_within *within)
{
    return &within->call;
}

static struct duet_within *within_of(struct duet_call *call)
{
    return DUET_HOLDER(call, struct duet_within, call);
}

void duet_within_free(struct duet_within *within)
{
    if (within == NULL)
        return;
    duet_fault_data_free(&within->call);
    duet_writer_done(&within->call.own_writer);
    duet_account_give(&within->call.account, sizeof *within);
    free(within);
}

/* ---- Making one ---- */

/* An entry's answer stands in an array of its own, or is a struct that tells its fault. */
static int begin_answer(struct duet_within *within)
{
    struct duet_call *call = &within->call;
    const struct duet_call *root = call->root;
    duet_writer_start(&call->own_writer, root->to.codec->writer_ops, root->to.style,
                      &call->fault, call->service->max_write_depth);
    if (!call->is_entry)
        return 0;
    int rc = duet_write_array(&call->own_writer, 1);
    return rc == 0 ? duet_writer_enter(&call->own_writer, &within->scope) : rc;
}

static struct duet_within *copy(const struct duet_call *call)
{
    struct duet_within *within = calloc(1, sizeof *within);
    if (within == NULL)
        return NULL;
    struct duet_call *own = &within->call;
    *own = *call;
    duet_writer_init(&own->own_writer, call->service->max_reply);
    own->account = (struct duet_account){.budget = call->service->budget};
    duet_account_join(&own->account, call->root->account.part, false);
    duet_account_take(&own->account, sizeof *within, DUET_RANK_SMALL);
    own->own_writer.out.account = &own->account;
    own->writer = &own->own_writer;
    own->request.fault = &own->fault;
    own->fault.data = NULL; /* of an invoked call that failed before: it may be gone by then */
    own->fault_data = NULL;
    own->data_home = own;
    own->note = NULL;
    own->within = within;
    return within;
}

static int fail_on_loop(struct duet_call *call)
{
    return duet_fault_set(&call->fault, DUET_FAULT_INTERNAL,
                          "%.200s keeps its calls: it cannot be called from a handler that "
                          "runs inline, for nobody could wait there",
                          duet_call_method(call));
}

int duet_within_new(struct duet_call *call)
{
    if (!call->is_entry && (duet_loop_is_here() || !duet_call_is_lent(call->root)))
        return fail_on_loop(call);
    struct duet_within *within = copy(call);
    int rc = within != NULL ? begin_answer(within) : -ENOMEM;
    if (rc == 0)
        rc = duet_writer_move(call->writer, call->scope, &within->call.own_writer);
    if (rc < 0) {
        duet_within_free(within);
        duet_fault_from(&call->fault, rc);
        return DUET_FAILED;
    }
    call->within = within;
    call->data_home = &within->call;
    call->writer = &within->call.own_writer;
    return 0;
}

void duet_within_adopt(struct duet_call *call)
{
    struct duet_call *own = &call->within->call;
    own->ending = call->ending;
    own->fault = call->fault;
}

/* ---- Waiting for one ---- */

/* Nobody waits for it any more: the outermost call, whose memory it uses, ends after it. If
 * that cannot be arranged, it is waited for all the same. */
static bool abandon(struct duet_within *within)
{
    duet_kept outer = duet_kept_with_others(within->call.root);
    if (outer.id == 0)
        return false;
    duet_slots_lock();
    bool is_done = within->is_done;
    if (!is_done) {
        within->outer = outer.id;
        duet_slot_find(outer.id)->within++;
    }
    duet_slots_unlock();
    return !is_done;
}

static bool wait_for(struct duet_within *within, bool may_give_up)
{
    duet_slots_lock();
    while (!within->is_done && !(may_give_up && duet_call_is_doomed(within->call.root)))
        duet_slots_wait(UINT64_MAX);
    bool is_done = within->is_done;
    duet_slots_unlock();
    return is_done;
}

int duet_within_await(struct duet_within *within, struct duet_call *outer, bool *is_over)
{
    struct duet_call *call = &within->call;
    if (!wait_for(within, true)) {
        if (abandon(within))
            return duet_fault_set(&outer->fault, DUET_FAULT_CANCELLED,
                                  "cancelled, with the call that waits for it");
        wait_for(within, false);
    }
    const struct duet_buf *answer = &call->own_writer.out;
    int rc = within->rc;
    *is_over = true;
    if (rc == 0)
        rc = duet_writer_splice(outer->writer, answer->data, answer->size);
    else {
        duet_fault_data_pass(outer, call);
        outer->fault = call->fault;
    }
    duet_within_free(within);
    return rc < 0 ? DUET_FAILED : 0;
}

/* ---- Finishing one ---- */

void duet_within_write_anew(struct duet_call *call)
{
    call->fault.code = 0;
    call->ending = ENDED_OK;
    int rc = begin_answer(within_of(call));
    if (rc < 0)
        call->own_writer.error = rc;
}

static void write_entry_fault(struct duet_call *call)
{
    duet_writer_start(&call->own_writer, call->own_writer.ops, call->own_writer.style,
                      &call->fault, call->service->max_write_depth);
    within_of(call)->rc = duet_multicall_write_fault(call, &call->own_writer);
}

bool duet_within_finish(struct duet_call *call, int rc)
{
    struct duet_within *within = within_of(call);
    if (call->is_entry)
        rc = duet_writer_leave(&call->own_writer, &within->scope, rc);
    else if (rc == 0)
        rc = duet_writer_finish(&call->own_writer);
    within->rc = rc;
    duet_call_end_within(call, rc);
    if (rc < 0 && call->is_entry)
        write_entry_fault(call);
    return !duet_call_is_doomed(call->root);
}

struct duet_slot *duet_within_end(struct duet_call *call)
{
    struct duet_within *within = within_of(call);
    struct duet_slot *outer = duet_slot_find(within->outer);
    within->is_done = true;
    duet_slots_changed();
    if (outer == NULL)
        return NULL;
    if (!call->is_entry)
        duet_within_free(within);
    return --outer->within == 0 && outer->state == SLOT_FINISHING ? outer : NULL;
}

/* ---- Entries ---- */

/* Where the next one enters. */
static struct duet_within **last_place(struct duet_call *outer)
{
    struct duet_within **last = &outer->entries;
    while (*last != NULL)
        last = &(*last)->next;
    return last;
}

int duet_within_leave_out(struct duet_call *outer)
{
    struct duet_within *last = outer->entries;
    while (last->next != NULL)
        last = last->next;
    last->at = outer->writer->out.size;
    return duet_writer_leave_out(outer->writer);
}

bool duet_within_enter(struct duet_within *within)
{
    struct duet_call *root = within->call.root;
    duet_kept outer = duet_kept_with_others(root);
    if (outer.id == 0)
        return false;
    within->outer = outer.id;
    duet_slots_lock();
    duet_slot_find(outer.id)->within++;
    duet_slots_unlock();
    *last_place(root) = within;
    return true;
}

static int insert(struct duet_call *outer, size_t count)
{
    struct duet_writer_piece *pieces = calloc(count, sizeof *pieces);
    int rc = pieces != NULL ? 0 : -ENOMEM;
    size_t i = 0;
    for (struct duet_within *at = outer->entries; at != NULL && rc == 0; at = at->next) {
        const struct duet_buf *answer = &at->call.own_writer.out;
        pieces[i++] = (struct duet_writer_piece){at->at, answer->data, answer->size};
        rc = at->rc; /* of its fault, when there was no room even for that */
    }
    if (rc == 0)
        rc = duet_writer_insert(outer->writer, pieces, count);
    free(pieces);
    return rc;
}

int duet_within_gather(struct duet_call *outer, int rc)
{
    size_t count = 0;
    for (struct duet_within *at = outer->entries; at != NULL; at = at->next)
        count++;
    if (rc == 0 && count > 0)
        rc = insert(outer, count);
    while (outer->entries != NULL) {
        struct duet_within *entry = outer->entries;
        outer->entries = entry->next;
        duet_within_free(entry);
    }
    return rc;
}
