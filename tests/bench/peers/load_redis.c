/*
 * Load for Redis: PING. It has no id and no argument, which is less than a call; it is here as
 * the best known server that is one loop around read, answer and write.
 */
#include "load/load.h"
#include "load/measure.h"

static const char request[] = "*1\r\n$4\r\nPING\r\n", answer[] = "+PONG\r\n";

static void prepare(const struct load_options *options, struct load_shape *shape)
{
    if (options->echo_bytes + options->echo_structs > 0 || options->reconnect)
        die("with Redis there is only PING");
    *shape =
        (struct load_shape){.head_size = sizeof request - 1, .reply_size = sizeof answer - 1};
}

static void write_head(uint8_t *head, uint32_t id, uint32_t number)
{
    (void)id;
    (void)number;
    memcpy(head, request, sizeof request - 1);
}

static size_t read_reply(const uint8_t *bytes, size_t size, struct load_reply *reply)
{
    (void)reply;
    if (size < sizeof answer - 1)
        return 0;
    if (memcmp(bytes, answer, sizeof answer - 1) != 0)
        load_bad("not PONG", bytes, size);
    return sizeof answer - 1;
}

static const struct load_protocol redis = {.name = "redis",
                                           .in_order = true,
                                           .prepare = prepare,
                                           .write = write_head,
                                           .read = read_reply};

int main(int argc, char *argv[])
{
    return load_main(argc, argv, &redis);
}
