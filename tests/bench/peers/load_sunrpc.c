/*
 * Load for Sun RPC over TCP (RFC 5531): double(n) as sunrpc.x declares it, written by hand so
 * that all peers meet the same generator.
 */
#include "load/load.h"
#include "load/measure.h"
#include "sunrpc.h"

#include <arpa/inet.h>

/* Everything is a word of four bytes: a record mark, a call with neither credentials nor
 * verifier, the argument as a hyper. */
enum { REQUEST_WORDS = 1 + 10 + 2, REPLY_WORDS = 1 + 6 + 2, LAST_FRAGMENT = 1 };

static void put_words(uint8_t *to, const uint32_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t word = htonl(words[i]);
        memcpy(to + 4 * i, &word, 4);
    }
}

static uint32_t word_at(const uint8_t *bytes, size_t i)
{
    uint32_t word;
    memcpy(&word, bytes + 4 * i, 4);
    return ntohl(word);
}

static uint32_t record_mark(uint32_t words)
{
    return (uint32_t)LAST_FRAGMENT << 31 | 4 * (words - 1);
}

static void prepare(const struct load_options *options, struct load_shape *shape)
{
    if (options->echo_bytes + options->echo_structs > 0 || options->reconnect)
        die("with Sun RPC there is only double");
    *shape = (struct load_shape){.head_size = 4 * REQUEST_WORDS, .reply_size = 4 * REPLY_WORDS};
}

static void write_head(uint8_t *head, uint32_t id, uint32_t number)
{
    const uint32_t words[REQUEST_WORDS] = {record_mark(REQUEST_WORDS),
                                           id,
                                           0 /* CALL */,
                                           2 /* RPC version */,
                                           BENCH_PROGRAM,
                                           BENCH_VERSION,
                                           TWICE,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           number};
    put_words(head, words, REQUEST_WORDS);
}

static size_t read_reply(const uint8_t *bytes, size_t size, struct load_reply *reply)
{
    if (size < 4 * REPLY_WORDS)
        return 0;
    if (word_at(bytes, 0) != record_mark(REPLY_WORDS) || word_at(bytes, 2) != 1 /* REPLY */ ||
        word_at(bytes, 3) != 0 /* accepted */ || word_at(bytes, 6) != 0 /* success */)
        load_bad("not a successful reply", bytes, size);
    reply->id = word_at(bytes, 1);
    reply->has_value = true;
    reply->value = (uint64_t)word_at(bytes, 7) << 32 | word_at(bytes, 8);
    return 4 * REPLY_WORDS;
}

static const struct load_protocol sunrpc = {
    .name = "sunrpc", .prepare = prepare, .write = write_head, .read = read_reply};

int main(int argc, char *argv[])
{
    return load_main(argc, argv, &sunrpc);
}
