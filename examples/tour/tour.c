/*
 * What comes after double: a bakery whose methods read maps and arrays, answer with records,
 * take their time, fail in words of their own and call each other; a log; and a thread that
 * adds methods, removes them and ends the server while it runs.
 */
#include <duet.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FAULT_NOT_SOLD = 1 }; /* ours: any number outside -32768 to -32000 */

/* The ctx of all methods, which many threads call at once: nothing in it changes. */
struct shop {
    duet_server *server;
    int bell[2];
};

static const struct good {
    const char *name;
    int64_t cents;
} goods[] = {{"bread", 350}, {"tart", 2200}, {"roll", 60}};
enum { GOODS = sizeof goods / sizeof *goods };

/* Nothing that writes needs a check: the first error sticks, and the reply becomes a fault. */
static duet_writer *field(duet_writer *writer, const char *name)
{
    duet_write_field(writer, name);
    return writer;
}

/* An array of records. */
static int menu(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_writer *writer = duet_call_writer(call);
    int rc = duet_write_array(writer, GOODS);
    for (size_t i = 0; i < GOODS; i++) {
        duet_write_record(writer, 2, DUET_RECORD_MAP);
        duet_write_string(field(writer, "name"), goods[i].name, strlen(goods[i].name));
        rc = duet_write_int(field(writer, "cents"), goods[i].cents);
    }
    return rc;
}

/* Adds the price of a line, which is one: the signature has seen to it. */
static int add_line(duet_call *call, const duet_value *line, int64_t *cents)
{
    const char *name = duet_value_string(duet_value_get(line, "name"), NULL);
    int64_t count = duet_value_int(duet_value_get(line, "count"));
    size_t i = 0;
    while (i < GOODS && strcmp(goods[i].name, name) != 0)
        i++;
    if (i == GOODS)
        return duet_fail(call, FAULT_NOT_SOLD, "we do not sell \"%s\"", name);
    if (count < 1 || count > 1000)
        return duet_fail(call, DUET_FAULT_PARAMS, "count must be 1 to 1000, got %" PRId64,
                         count);
    *cents += count * goods[i].cents;
    return 0;
}

/* A field of each kind. duet_value_get() of a key that is not there is nil, and sent as such.
 */
static int write_bill(duet_writer *writer, const duet_value *order, int64_t cents)
{
    duet_write_record(writer, 7, DUET_RECORD_MAP);
    duet_write_value(field(writer, "customer"), duet_value_get(order, "customer"));
    duet_write_int(field(writer, "cents"), cents);
    duet_write_uint(field(writer, "most"), INT64_MAX);
    duet_write_double(field(writer, "euros"), (double)cents / 100);
    duet_write_bool(field(writer, "paid"), false);
    duet_write_time(field(writer, "time"), (duet_time){.seconds = time(NULL)});
    return duet_write_bytes(field(writer, "stamp"), "\xd0\x0e\0\xff", 4);
}

/* Takes an order whose lines may be maps or arrays; they read the same. */
static int bill(duet_call *call, void *ctx)
{
    (void)ctx;
    const duet_value *order = duet_arg(call, 0), *lines = duet_value_get(order, "lines");
    int64_t cents = 0;
    int rc = 0;
    for (size_t i = 0; i < duet_value_count(lines) && rc == 0; i++)
        rc = add_line(call, duet_value_item(lines, i), &cents);
    return rc < 0 ? rc : write_bill(duet_call_writer(call), order, cents);
}

/* Slow, so it runs on a worker, and asks now and then whether it is still wanted. */
static int bake(duet_call *call, void *ctx)
{
    (void)ctx;
    const struct timespec nap = {.tv_nsec = 10000000};
    int64_t left_ms = duet_arg_int(call, 0);
    for (; left_ms > 0 && !duet_call_cancelled(call); left_ms -= 10)
        nanosleep(&nap, NULL);
    return duet_reply_string(call, left_ms > 0 ? "raw" : "done");
}

/* Calls another method and answers with its result; or fails with its code and words. */
static int ask(duet_call *call, void *ctx)
{
    (void)ctx;
    const char *method = duet_arg_string(call, 0, NULL), *words;
    if (duet_call_invoke(call, method, duet_arg(call, 1), duet_call_writer(call)) == 0)
        return 0;
    int code = duet_call_fault(call, &words);
    return duet_fail(call, code, "%s: %s", method, words);
}

/* Rings for the keeper: "sale", "no sale" or "close". Writing nothing answers nil. */
static int ring(duet_call *call, void *ctx)
{
    const struct shop *shop = ctx;
    return write(shop->bell[1], duet_arg_string(call, 0, NULL), 1) == 1 ? 0 : -errno;
}

/* What goes over the wire, for signatures. A line is a record: {"name": "roll", "count": 10} or
 * ["roll", 10]. */
static const char types[] = "good={name:s,cents:i}"
                            " line=(name:s,count:i)"
                            " order={customer?:s,lines:[%line]}"
                            " bill={customer:s?,cents:i,most:i,euros:d,paid:b,time:t,stamp:r}";

static const duet_method methods[] = {
    {.name = "shop.menu",
     .signature = "[%good]:",
     .handler = menu,
     .flags = DUET_METHOD_INLINE},
    {.name = "shop.bill",
     .signature = "%bill:%order",
     .handler = bill,
     .flags = DUET_METHOD_INLINE,
     .help = "What the lines of an order cost.",
     .params = "order"},
    {.name = "shop.bake",
     .signature = "s:i",
     .handler = bake,
     .flags = DUET_METHOD_REFUSE_BUSY,
     .timeout_ms = 1000,
     .max_running = 2,
     .help = "Bakes for some ms; the oven holds two."},
    {.name = "shop.ask", .signature = "v:sa", .handler = ask},
    {.name = "shop.ring", .signature = "n:s", .handler = ring},
    {0},
};

/* There only during a sale: the same handler under a name of its own. */
static const duet_method sale_methods[] = {{.name = "shop.leftovers", .handler = menu}, {0}};

/* The keeper's thread: does what the bell says until nobody can ring any more. */
static void *keep(void *ctx)
{
    struct shop *shop = ctx;
    char word;
    while (read(shop->bell[0], &word, 1) == 1) {
        if (word == 's')
            duet_server_add(shop->server, sale_methods, shop);
        else if (word == 'n')
            duet_server_remove(shop->server, "shop.leftovers");
        else if (word == 'c')
            duet_server_drain(shop->server);
    }
    return NULL;
}

/* After each call. The words may be a client's: a log that matters escapes them. */
static void log_call(duet_call *call, const duet_outcome *end, void *ctx)
{
    const char *peer = duet_call_peer(call), *method = duet_call_method(call);
    fprintf(ctx, "%s %s: %d %s\n", peer, method, end->code, end->message);
}

/* What the server has to say of this program: an inline handler that is slow, say. */
static void log_notice(const char *words, void *ctx)
{
    fprintf(ctx, "%s\n", words);
}

static int serve(struct shop *shop)
{
    signal(SIGPIPE, SIG_IGN); /* that nobody reads what it prints is no reason to end */
    pthread_t keeper;
    if (pipe(shop->bell) < 0 || pthread_create(&keeper, NULL, keep, shop) != 0) {
        fputs("tour_server: no pipe or no thread to be had\n", stderr);
        return 1;
    }
    printf("listening on %s\n", duet_server_address(shop->server, 0));
    fflush(stdout);
    int rc = duet_server_run(shop->server);
    close(shop->bell[1]); /* the keeper reads the end, and returns */
    pthread_join(keeper, NULL);
    return rc;
}

/* Whoever starts a program may have closed its stdio. What it opens next, the bell, would have
 * those numbers, and would be printed to. */
static void fill_stdio(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

int main(int argc, char *argv[])
{
    fill_stdio();
    static struct shop shop;
    duet_server *server = shop.server = duet_server_new();
    duet_server_add_types(server, types);
    duet_server_add(server, methods, &shop);
    duet_server_add_hooks(server, &(duet_hooks){.after = log_call, .notice = log_notice},
                          stderr);
    duet_server_stop_on_signals(server);

    int rc = duet_server_args(server, argc, argv);
    if (rc == 0)
        rc = serve(&shop);
    else if (rc > 0) /* --help and its like */
        rc = fputs(duet_server_args_text(server), stdout) < 0 ? 1 : 0;
    if (rc < 0) /* the first error of all the calls above */
        fprintf(stderr, "tour_server: %s\n", duet_server_error(server));
    duet_server_free(server);
    return rc < 0 ? 2 : rc;
}
