/*
 * A server of the interface in ledger.idl. All that travels is read, checked and written by
 * what duetgen made of it (ledger.h); what is left to write is what the methods do.
 */
#include "ledger.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct account {
    ledger_account account;
    struct account *next;
};

/* Methods run on several threads at once. */
struct ledger {
    pthread_mutex_t lock;
    struct account *accounts;
    ledger_transfer_list transfers;
};

static ledger_account *find(struct ledger *ledger, const char *owner)
{
    for (struct account *one = ledger->accounts; one != NULL; one = one->next)
        if (strcmp(one->account.owner, owner) == 0)
            return &one->account;
    return NULL;
}

/* Exceptions are only read: what they point to stays the caller's. */
static int raise_no_such_account(duet_call *call, const char *owner)
{
    ledger_no_such_account exception = {.owner = (char *)owner};
    return ledger_no_such_account_raise(call, &exception, "%s has no account", owner);
}

/* ---- What the methods do, with the ledger locked */

static int open_account(duet_call *call, struct ledger *ledger, const char *owner,
                        ledger_currency currency, ledger_account *result)
{
    const ledger_account *old = find(ledger, owner);
    if (old != NULL) {
        ledger_account_exists exception = {.account = *old};
        return ledger_account_exists_raise(call, &exception, "%s has an account", owner);
    }
    struct account *one = malloc(sizeof *one);
    if (one == NULL)
        return -ENOMEM;
    ledger_account opened = {
        .owner = (char *)owner, .currency = currency, .opened = {.seconds = time(NULL)}};
    int rc = ledger_account_copy(&one->account, &opened);
    if (rc < 0) {
        free(one);
        return rc;
    }
    one->next = ledger->accounts;
    ledger->accounts = one;
    return ledger_account_copy(result, &one->account);
}

static int take_note(struct ledger *ledger, const ledger_transfer *transfer)
{
    ledger_transfer *noted = ledger_transfer_list_add(&ledger->transfers);
    return noted != NULL ? ledger_transfer_copy(noted, transfer) : -ENOMEM;
}

static int move_money(duet_call *call, struct ledger *ledger, const ledger_transfer *transfer,
                      ledger_transfer *result)
{
    ledger_account *from = find(ledger, transfer->from), *to = find(ledger, transfer->to);
    if (from == NULL || to == NULL)
        return raise_no_such_account(call, from == NULL ? transfer->from : transfer->to);
    if (transfer->cents <= 0 || to->cents > INT64_MAX - transfer->cents)
        return duet_fail(call, DUET_FAULT_PARAMS, "cannot move %" PRId64 " cents",
                         transfer->cents);
    if (from->cents < transfer->cents) {
        ledger_not_enough exception = {.owner = from->owner, .cents = from->cents};
        return ledger_not_enough_raise(call, &exception, "%s has %" PRId64 " cents",
                                       from->owner, from->cents);
    }
    int rc = take_note(ledger, transfer);
    if (rc < 0)
        return rc;
    from->cents -= transfer->cents;
    to->cents += transfer->cents;
    return ledger_transfer_copy(result, transfer);
}

static int list_transfers(duet_call *call, struct ledger *ledger, const char *owner,
                          ledger_transfer_list *result)
{
    if (find(ledger, owner) == NULL)
        return raise_no_such_account(call, owner);
    int rc = 0;
    for (size_t i = ledger->transfers.count; rc == 0 && i > 0; i--) {
        const ledger_transfer *one = &ledger->transfers.items[i - 1];
        if (strcmp(one->from, owner) != 0 && strcmp(one->to, owner) != 0)
            continue;
        ledger_transfer *item = ledger_transfer_list_add(result);
        rc = item != NULL ? ledger_transfer_copy(item, one) : -ENOMEM;
    }
    return rc;
}

static int list_balances(struct ledger *ledger, ledger_string_long_map *result)
{
    for (struct account *one = ledger->accounts; one != NULL; one = one->next) {
        int64_t *cents = ledger_string_long_map_add(result, one->account.owner);
        if (cents == NULL)
            return -ENOMEM;
        *cents = one->account.cents;
    }
    return 0;
}

/* ---- As ledger.h has them */

static struct ledger *lock(void *ctx)
{
    struct ledger *ledger = ctx;
    pthread_mutex_lock(&ledger->lock);
    return ledger;
}

static int unlock(struct ledger *ledger, int rc)
{
    pthread_mutex_unlock(&ledger->lock);
    return rc;
}

static int serve_open(duet_call *call, void *ctx, const char *owner, ledger_currency currency,
                      ledger_account *result)
{
    struct ledger *ledger = lock(ctx);
    return unlock(ledger, open_account(call, ledger, owner, currency, result));
}

static int serve_pay_in(duet_call *call, void *ctx, const char *owner, int64_t cents,
                        int64_t *result)
{
    struct ledger *ledger = lock(ctx);
    ledger_account *account = find(ledger, owner);
    if (account == NULL)
        return unlock(ledger, raise_no_such_account(call, owner));
    if (cents < 0 || account->cents > INT64_MAX - cents)
        return unlock(ledger, duet_fail(call, DUET_FAULT_PARAMS,
                                        "cannot pay in %" PRId64 " cents", cents));
    account->cents += cents;
    *result = account->cents;
    return unlock(ledger, 0);
}

static int serve_move(duet_call *call, void *ctx, const char *from, const char *to,
                      int64_t cents, const char *note, ledger_transfer *result)
{
    ledger_transfer transfer = {.from = (char *)from,
                                .to = (char *)to,
                                .cents = cents,
                                .at = {.seconds = time(NULL)},
                                .note = (char *)note};
    struct ledger *ledger = lock(ctx);
    return unlock(ledger, move_money(call, ledger, &transfer, result));
}

static int serve_history(duet_call *call, void *ctx, const char *owner,
                         ledger_transfer_list *result)
{
    struct ledger *ledger = lock(ctx);
    return unlock(ledger, list_transfers(call, ledger, owner, result));
}

static int serve_balances(duet_call *call, void *ctx, ledger_string_long_map *result)
{
    (void)call;
    struct ledger *ledger = lock(ctx);
    return unlock(ledger, list_balances(ledger, result));
}

static int serve_remark(duet_call *call, void *ctx, const char *text)
{
    (void)ctx;
    fprintf(stderr, "%s: %s\n", duet_call_peer(call), text);
    return 0;
}

static void done(struct ledger *ledger)
{
    while (ledger->accounts != NULL) {
        struct account *one = ledger->accounts;
        ledger->accounts = one->next;
        ledger_account_free(&one->account);
        free(one);
    }
    ledger_transfer_list_free(&ledger->transfers);
    pthread_mutex_destroy(&ledger->lock);
}

static int serve(duet_server *server)
{
    signal(SIGPIPE, SIG_IGN); /* that nobody reads what it prints is no reason to end */
    for (size_t i = 0; duet_server_address(server, i) != NULL; i++)
        printf("listening on %s\n", duet_server_address(server, i));
    fflush(stdout);
    return duet_server_run(server);
}

int main(int argc, char *argv[])
{
    struct ledger ledger = {.lock = PTHREAD_MUTEX_INITIALIZER};
    ledger_methods methods = {.open = serve_open,
                              .pay_in = serve_pay_in,
                              .move = serve_move,
                              .history = serve_history,
                              .balances = serve_balances,
                              .remark = serve_remark};
    duet_server *server = duet_server_new();
    ledger_register(server, &methods, &ledger);
    duet_server_stop_on_signals(server);

    int rc = duet_server_args(server, argc, argv);
    if (rc == 0) {
        rc = serve(server);
    } else if (rc > 0) { /* --help and its like */
        fputs(duet_server_args_text(server), stdout);
        rc = 0;
    }

    if (rc < 0) /* the first error of all the calls above */
        fprintf(stderr, "ledger_server: %s\n", duet_server_error(server));
    duet_server_free(server);
    done(&ledger);
    return rc < 0 ? 2 : rc;
}
