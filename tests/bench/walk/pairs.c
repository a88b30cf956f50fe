/*
 * See pairs.h. By hand they do what the generated ones do with their functions: read all that
 * came, in place, and write their answers straight through the writer.
 */
#include "pairs.h"

#include "generated.h"

#include <errno.h>
#include <string.h>

/* ---- By hand */

static int twice_by_hand(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_double(call, 2 * duet_arg_double(call, 0));
}

static int copy_by_hand(duet_call *call, void *ctx)
{
    (void)ctx;
    size_t size;
    const duet_value *item = duet_arg(call, 0);
    int64_t id = duet_value_int(duet_value_get(item, "id"));
    const char *name = duet_value_string(duet_value_get(item, "name"), &size);

    duet_writer *writer = duet_call_writer(call);
    duet_write_record(writer, 2, DUET_RECORD_ARRAY);
    duet_write_field(writer, "id");
    duet_write_int(writer, id);
    duet_write_field(writer, "name");
    return duet_write_string(writer, name, size);
}

static int sum_by_hand(duet_call *call, void *ctx)
{
    (void)ctx;
    int64_t sum = 0;
    const duet_value *items = duet_arg(call, 0);
    size_t count = duet_value_count(items);
    for (size_t i = 0; i < count; i++) {
        const duet_value *item = duet_value_item(items, i);
        sum += duet_value_int(duet_value_get(item, "id"));
        sum += duet_value_string(duet_value_get(item, "name"), NULL)[0];
    }
    return duet_reply_int(call, sum);
}

static const duet_method by_hand[] = {
    {.name = "hand.twice",
     .signature = "d:d",
     .handler = twice_by_hand,
     .flags = DUET_METHOD_INLINE},
    {.name = "hand.copy",
     .signature = "(id:i,name:s):(id:i,name:s)",
     .handler = copy_by_hand,
     .flags = DUET_METHOD_INLINE},
    {.name = "hand.sum",
     .signature = "i:[(id:i,name:s)]",
     .handler = sum_by_hand,
     .flags = DUET_METHOD_INLINE},
    {0},
};

/* ---- Generated */

static int twice(duet_call *call, void *ctx, double x, double *result)
{
    (void)call;
    (void)ctx;
    *result = 2 * x;
    return 0;
}

static int copy(duet_call *call, void *ctx, const generated_item *item, generated_item *result)
{
    (void)call;
    (void)ctx;
    result->id = item->id;
    result->name = strdup(item->name);
    return result->name != NULL ? 0 : -ENOMEM;
}

static int sum(duet_call *call, void *ctx, const generated_item_list *items, int64_t *result)
{
    (void)call;
    (void)ctx;
    for (size_t i = 0; i < items->count; i++)
        *result += items->items[i].id + items->items[i].name[0];
    return 0;
}

static generated_methods generated = {.twice = twice, .copy = copy, .sum = sum};

void pairs_add(duet_server *server)
{
    duet_server_add(server, by_hand, NULL);
    generated_register(server, &generated, NULL);
}

/* ---- Requests */

static void begin(struct duet_buf *buf, const char *name)
{
    const uint8_t head[] = {0x94, 0x00, 0x01, (uint8_t)(0xa0 | strlen(name))};
    duet_buf_append(buf, head, sizeof head);
    duet_buf_append(buf, name, strlen(name));
}

#define ADD(buf, literal) duet_buf_append(buf, literal, sizeof(literal) - 1)
#define ITEM                                                                                   \
    "\x92\xcd\x01\x02\xa6"                                                                     \
    "item 7"

void pairs_twice(struct duet_buf *buf, const char *name)
{
    begin(buf, name);
    ADD(buf, "\x91\xcb\x40\x35\0\0\0\0\0\0"); /* 21.0 */
}

void pairs_copy(struct duet_buf *buf, const char *name)
{
    begin(buf, name);
    ADD(buf, "\x91" ITEM);
}

void pairs_sum(struct duet_buf *buf, const char *name)
{
    begin(buf, name);
    ADD(buf, "\x91\x9a");
    for (int i = 0; i < 10; i++)
        ADD(buf, ITEM);
}
