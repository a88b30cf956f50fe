/*
 * The walk that cuts a stream into MessagePack messages: whole, in pieces, hostile.
 */
#include "framing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct duet_limits limits = {
    .max_message = 16 * 1024 * 1024, .max_values = 1000000, .max_depth = 64};

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

/* A walk over memory of the exact size given, so that a sanitizer sees a byte too many. */
static enum duet_frame walk_with(const struct duet_limits *with, const uint8_t *bytes, size_t n,
                                 struct duet_message *message)
{
    const struct duet_framing *framing = &duet_framing_msgpack;
    void *state = malloc(framing->state_size(with));
    uint8_t *copy = malloc(n);
    memcpy(copy, bytes, n);
    framing->start(state, with);
    enum duet_frame found = framing->next(state, copy, n, message);
    free(copy);
    free(state);
    return found;
}

/* The same, one more byte at a time, each time in fresh memory. What the walk does not need any
 * more is destroyed: a byte that was walked is never looked at again. */
static enum duet_frame walk_slowly(const struct duet_limits *with, const uint8_t *bytes,
                                   size_t n, struct duet_message *message)
{
    const struct duet_framing *framing = &duet_framing_msgpack;
    void *state = malloc(framing->state_size(with));
    framing->start(state, with);
    enum duet_frame found = DUET_FRAME_MORE;
    for (size_t have = 1; have <= n && found == DUET_FRAME_MORE; have++) {
        uint8_t *copy = malloc(have);
        memcpy(copy, bytes, have);
        found = framing->next(state, copy, have, message);
        if (found == DUET_FRAME_MORE)
            assert_int_equal(message->kept, have);
        free(copy);
    }
    free(state);
    return found;
}

static const struct {
    const char *name;
    const uint8_t *bytes;
    size_t size;
} whole[] = {
    {"double(21.0)", BYTES("\x94\x00\x01\xa6"
                           "double\x91\xcb\x40\x35\0\0\0\0\0\0")},
    {"no parameters", BYTES("\x94\x00\x01\xa1m\x90")},
    {"nil parameters", BYTES("\x94\x00\x01\xa1m\xc0")},
    {"notification", BYTES("\x93\x02\xa1m\x91\xc3")},
    {"response", BYTES("\x94\x01\x05\xc0\x93\x01\x02\x03")},
    {"array16 header", BYTES("\xdc\x00\x04\x00\x01\xa1m\x90")},
    {"array32 header", BYTES("\xdd\x00\x00\x00\x04\x00\x01\xa1m\x90")},
    {"empty array", BYTES("\x90")},
    {"integers", BYTES("\x9b\x00\x7f\xcc\xff\xcd\1\2\xce\1\2\3\4\xcf\1\2\3\4\5\6\7\x08\xd0\x80"
                       "\xd1\1\2\xd2\1\2\3\4\xd3\1\2\3\4\5\6\7\x08\xe0")},
    {"nil, booleans, floats", BYTES("\x95\xc0\xc2\xc3\xca\1\2\3\4\xcb\1\2\3\4\5\6\7\x08")},
    {"strings", BYTES("\x95\xa0\xa3"
                      "abc\xd9\x02"
                      "ab\xda\x00\x01"
                      "a\xdb\x00\x00\x00\x00")},
    {"bytes", BYTES("\x93\xc4\x01\xc1\xc5\x00\x02\xc1\xc1\xc6\x00\x00\x00\x01\xc1")},
    {"fixed extensions",
     BYTES("\x95\xd4\x01\xc1\xd5\x01\xc1\xc1\xd6\xff\1\2\3\4"
           "\xd7\xff\1\2\3\4\5\6\7\x08\xd8\x01\1\2\3\4\5\6\7\x08\1\2\3\4\5\6"
           "\7\x08")},
    {"other extensions",
     BYTES("\x93\xc7\x01\x05\xc1\xc8\x00\x02\x05\xc1\xc1\xc9\x00\x00\x00\x00\x05")},
    {"maps", BYTES("\x93\x80\x81\xa1k\x01\x82\x01\x91\x02\xc0\x81\x90\x80")},
    {"map16 and map32", BYTES("\x92\xde\x00\x01\x01\x02\xdf\x00\x00\x00\x01\x01\x02")},
    {"containers that end together", BYTES("\x91\x92\x01\x91\x91\x81\x01\x90")},
};

static void a_message_is_cut_where_it_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        struct duet_message message = {0};
        uint8_t followed[200];
        memcpy(followed, whole[i].bytes, whole[i].size);
        memset(followed + whole[i].size, 0xc1, 8);

        assert_int_equal(walk_with(&limits, followed, whole[i].size + 8, &message), 1);
        assert_int_equal(message.body_size, whole[i].size);
        assert_int_equal(message.wire_size, whole[i].size);
        assert_int_equal(message.content, DUET_CONTENT_MSGPACK);
        assert_int_equal(message.notes, 0);

        message.body_size = 0;
        assert_int_equal(walk_slowly(&limits, followed, whole[i].size + 8, &message), 1);
        assert_int_equal(message.body_size, whole[i].size);
    }
}

static void each_beginning_of_a_message_wants_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        for (size_t n = 1; n < whole[i].size; n++) {
            struct duet_message message;
            assert_int_equal(walk_with(&limits, whole[i].bytes, n, &message), 0);
            assert_int_equal(message.kept, n);
            assert_null(message.interim);
            assert_int_equal(walk_slowly(&limits, whole[i].bytes, n, &message), 0);
        }
}

static const struct {
    const char *name;
    const uint8_t *bytes;
    size_t size;
    enum duet_bad bad;
    const char *reason;
} bad[] = {
    {"letter", BYTES("GET /"), DUET_BAD_SYNTAX,
     "not a MessagePack-RPC message: first byte 0x47"},
    {"map", BYTES("\x80"), DUET_BAD_SYNTAX, "not a MessagePack-RPC message: first byte 0x80"},
    {"nil", BYTES("\xc0"), DUET_BAD_SYNTAX, "not a MessagePack-RPC message: first byte 0xc0"},
    {"TLS", BYTES("\x16\x03\x01"), DUET_BAD_SYNTAX,
     "not a MessagePack-RPC message: first byte 0x16"},
    {"never used", BYTES("\x94\x00\xc1"), DUET_BAD_SYNTAX,
     "not MessagePack: byte 0xc1 at offset 2"},
    {"array32", BYTES("\xdd\xff\xff\xff\xff"), DUET_BAD_LIMIT,
     "message of at least 4294967296 values exceeds --max-values 1000000"},
    {"array32 inside", BYTES("\x94\x00\x01\xa1m\xdd\xff\xff\xff\xff"), DUET_BAD_LIMIT,
     "message of at least 4294967300 values exceeds --max-values 1000000"},
    {"map32", BYTES("\x94\x00\x01\xa1m\x91\xdf\xff\xff\xff\xff"), DUET_BAD_LIMIT,
     "message of at least 8589934596 values exceeds --max-values 1000000"},
    {"bin32", BYTES("\x94\x00\x01\xa1m\x91\xc6\xff\xff\xff\xff"), DUET_BAD_LIMIT,
     "message of at least 4294967306 bytes exceeds --max-message 16777216"},
    {"str32", BYTES("\x94\x00\x01\xa1m\x91\xdb\xff\xff\xff\xff"), DUET_BAD_LIMIT,
     "message of at least 4294967306 bytes exceeds --max-message 16777216"},
    {"ext32", BYTES("\x94\x00\x01\xa1m\x91\xc9\xff\xff\xff\xff"), DUET_BAD_LIMIT,
     "message of at least 4294967307 bytes exceeds --max-message 16777216"},
    {"what follows counts", BYTES("\x94\xdb\x00\xff\xff\xfa"), DUET_BAD_LIMIT,
     "message of at least 16777219 bytes exceeds --max-message 16777216"},
};

static void lies_and_other_protocols_are_refused_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        for (int slowly = 0; slowly < 2; slowly++) {
            struct duet_message message = {.status = 1, .notes = 1};
            assert_int_equal((slowly ? walk_slowly : walk_with)(&limits, bad[i].bytes,
                                                                bad[i].size, &message),
                             DUET_FRAME_BAD);
            assert_string_equal(message.reason, bad[i].reason);
            assert_int_equal(message.bad, bad[i].bad);
            assert_int_equal(message.status, 0);
            assert_int_equal(message.notes, 0);
            assert_true(message.body_size < bad[i].size);
        }
    }
}

/* Random numbers of its own, the same on every run. */
static uint32_t random_number(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* The same walk in steps of random sizes. */
static enum duet_frame walk_in_steps(const struct duet_limits *with, const uint8_t *bytes,
                                     size_t n, struct duet_message *message, uint32_t *seed)
{
    const struct duet_framing *framing = &duet_framing_msgpack;
    uint32_t largest = random_number(seed) % 16 + 1;
    void *state = malloc(framing->state_size(with));
    framing->start(state, with);
    enum duet_frame found = DUET_FRAME_MORE;
    for (size_t have = 0; have < n && found == DUET_FRAME_MORE;) {
        have += random_number(seed) % largest + 1;
        have = have < n ? have : n;
        uint8_t *copy = malloc(have);
        memcpy(copy, bytes, have);
        found = framing->next(state, copy, have, message);
        free(copy);
    }
    free(state);
    return found;
}

static void check_same(enum duet_frame a_found, const struct duet_message *a,
                       enum duet_frame b_found, const struct duet_message *b)
{
    assert_int_equal(a_found, b_found);
    if (a_found == DUET_FRAME_MORE)
        return;
    assert_int_equal(a->body_size, b->body_size);
    if (a_found == DUET_FRAME_WHOLE) {
        assert_int_equal(a->values, b->values);
        return;
    }
    assert_string_equal(a->reason, b->reason);
    assert_int_equal(a->bad, b->bad);
    assert_int_equal(a->status, b->status);
}

/* Fails the test unless the bytes read alike whole, byte by byte and cut at random, under
 * limits that are wide and that are near. */
static void same_however_cut(const uint8_t *bytes, size_t n)
{
    const struct duet_limits all[] = {
        limits,
        {.max_message = 16, .max_values = 12, .max_depth = 2},
        {.max_message = 40, .max_values = 1000, .max_depth = 8},
        {.max_message = 300, .max_values = 20, .max_depth = 1},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct duet_message at_once, message;
        enum duet_frame found = walk_with(&all[i], bytes, n, &at_once);
        check_same(found, &at_once, walk_slowly(&all[i], bytes, n, &message), &message);
        for (uint32_t seed = 1; seed < 6; seed++) {
            uint32_t state = seed * 2654435761U;
            check_same(found, &at_once, walk_in_steps(&all[i], bytes, n, &message, &state),
                       &message);
        }
    }
}

static void every_row_reads_alike_however_it_is_cut(void **state)
{
    (void)state;
    uint8_t followed[200];
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        same_however_cut(whole[i].bytes, whole[i].size);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        same_however_cut(bad[i].bytes, bad[i].size);
        memcpy(followed, bad[i].bytes, bad[i].size);
        memset(followed + bad[i].size, 0xc1, 50);
        same_however_cut(followed, bad[i].size + 50);
    }
}

/* Messages that nest, announce and break off at random, with long headers among them. */
static void noise_reads_alike_however_it_is_cut(void **state)
{
    (void)state;
    static const uint8_t openings[] = {0x90, 0x91, 0x94, 0x81, 0xdc, 0xdd, 0xde, 0xdf,
                                       0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xd9, 0xda,
                                       0xdb, 0xa5, 0xcf, 0xd8, 0x00, 0x00, 0x00, 0xc1};
    uint32_t seed = 2463534242;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[60] = "\x94\x00\x01\xa1m";
        size_t n = random_number(&seed) % sizeof bytes + 1;
        for (size_t i = random_number(&seed) % 5 + 1; i < n; i++)
            bytes[i] = random_number(&seed) % 3 > 0
                           ? openings[random_number(&seed) % sizeof openings]
                           : (uint8_t)random_number(&seed);
        same_however_cut(bytes, n);
    }
}

/* Writes a message whose one argument is `levels` arrays inside each other. */
static size_t write_nested(uint8_t *bytes, size_t levels, uint8_t opening)
{
    memcpy(bytes, "\x94\x00\x01\xa1m\x91", 6);
    memset(bytes + 6, opening, levels);
    bytes[6 + levels - 1] = 0x90;
    return 6 + levels;
}

static void nesting_is_counted_inside_an_argument(void **state)
{
    (void)state;
    struct duet_message message;
    uint8_t bytes[100];

    assert_int_equal(walk_with(&limits, bytes, write_nested(bytes, 64, 0x91), &message), 1);
    assert_int_equal(walk_with(&limits, bytes, write_nested(bytes, 65, 0x91), &message), -1);
    assert_string_equal(message.reason, "nesting of at least 65 levels exceeds --max-depth 64");
    assert_int_equal(message.bad, DUET_BAD_LIMIT);

    struct duet_limits flat = limits;
    flat.max_depth = 0;
    assert_int_equal(walk_with(&flat, BYTES("\x94\x00\x01\xa1m\x91\x01"), &message), 1);
    assert_int_equal(walk_with(&flat, BYTES("\x94\x00\x01\xa1m\x91\x80"), &message), -1);
}

static void two_hundred_thousand_levels_are_refused_at_the_first_too_deep(void **state)
{
    (void)state;
    struct duet_message message;
    uint8_t *bytes = malloc(200010);
    size_t n = write_nested(bytes, 200000, 0x91);
    assert_int_equal(walk_with(&limits, bytes, n, &message), DUET_FRAME_BAD);
    assert_int_equal(walk_with(&limits, bytes, 6 + 65, &message), DUET_FRAME_BAD);
    assert_int_equal(walk_with(&limits, bytes, 6 + 64, &message), DUET_FRAME_MORE);
    free(bytes);
}

static void every_value_counts_keys_too(void **state)
{
    (void)state;
    struct duet_message message;
    struct duet_limits few = limits;
    few.max_values = 9;
    /* The message, its four items, then {1: 2, 3: 4} as the one parameter would make ten. */
    assert_int_equal(walk_with(&few, BYTES("\x94\x00\x01\xa1m\x82\x01\x02\x03\x04"), &message),
                     1);
    assert_int_equal(message.values, 9);
    assert_int_equal(walk_with(&few, BYTES("\x94\x00\x01\xa1m\x91\x82\x01"), &message), -1);
    assert_string_equal(message.reason, "message of at least 10 values exceeds --max-values 9");
}

static void sixteen_megabytes_of_one_byte_elements_stop_at_the_count(void **state)
{
    (void)state;
    struct duet_message message;
    size_t n = 16 * 1024 * 1024;
    uint8_t *bytes = calloc(n, 1);
    memcpy(bytes, "\x94\x00\x01\xa1m\xdd\x00\xff\xff\xf6", 10);
    assert_int_equal(walk_with(&limits, bytes, n, &message), DUET_FRAME_BAD);
    assert_int_equal(walk_with(&limits, bytes, 10, &message), DUET_FRAME_BAD);

    struct duet_limits many = limits;
    many.max_values = SIZE_MAX;
    assert_int_equal(walk_with(&many, bytes, n, &message), DUET_FRAME_WHOLE);
    assert_int_equal(message.body_size, n);
    free(bytes);
}

static void a_message_may_be_as_long_as_its_limit_and_no_longer(void **state)
{
    (void)state;
    struct duet_message message;
    struct duet_limits small = limits;
    small.max_message = 10;
    assert_int_equal(walk_with(&small, BYTES("\x94\x00\x01\xa1m\xa4xxxx\x94\x00"), &message),
                     1);
    assert_int_equal(message.body_size, 10);
    assert_int_equal(walk_with(&small, BYTES("\x94\x00\x01\xa1m\xa5"), &message), -1);
    assert_string_equal(message.reason,
                        "message of at least 11 bytes exceeds --max-message 10");
    /* Many messages in the stream at once: the limit is for each. */
    assert_int_equal(
        walk_with(&small, BYTES("\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90"), &message),
        1);
    assert_int_equal(message.body_size, 1);
}

static void a_long_string_says_how_much_is_to_come(void **state)
{
    (void)state;
    struct duet_message message;
    assert_int_equal(
        walk_with(&limits, BYTES("\x94\x00\x01\xa1m\x92\xdb\x00\x10\x00\x00xx"), &message), 0);
    assert_int_equal(message.need, 11 + 0x100000 + 1); /* one more value at least */
    assert_int_equal(walk_with(&limits, BYTES("\x94\x00\x01\xa1m\x92\xa4"), &message), 0);
    assert_int_equal(message.need, 0);
}

/* Counts the work of a walk fed byte by byte without a clock: all but the last 9 bytes are
 * overwritten with what would be refused, so a second look at any of them fails the test. */
static void a_byte_that_was_walked_is_not_looked_at_again(void **state)
{
    (void)state;
    enum { VALUES = 200000, SIZE = 10 + VALUES * 5, RECENT = 9 };
    const struct duet_framing *framing = &duet_framing_msgpack;
    uint8_t *bytes = malloc(SIZE), *seen = malloc(SIZE);
    memcpy(bytes, "\x94\x00\x01\xa1m\xdd\x00\x03\x0d\x40", 10);
    for (size_t i = 10; i < SIZE; i += 5)
        memcpy(bytes + i, "\xce\x01\x02\x03\x04", 5);

    void *walk = malloc(framing->state_size(&limits));
    framing->start(walk, &limits);
    struct duet_message message;
    for (size_t n = 1; n <= SIZE; n++) {
        seen[n - 1] = bytes[n - 1];
        if (n > RECENT)
            seen[n - 1 - RECENT] = 0xc1;
        assert_int_equal(framing->next(walk, seen, n, &message), n == SIZE);
    }
    free(walk);
    free(seen);
    free(bytes);
}

static void the_state_may_be_moved_and_is_small(void **state)
{
    (void)state;
    const struct duet_framing *framing = &duet_framing_msgpack;
    size_t size = framing->state_size(&limits);
    assert_true(size <= 512);

    char *first = malloc(size), *second = malloc(size);
    struct duet_message message;
    uint8_t bytes[100];
    size_t n = write_nested(bytes, 30, 0x91);
    framing->start(first, &limits);
    assert_int_equal(framing->next(first, bytes, 20, &message), 0);
    memcpy(second, first, size);
    memset(first, 0xff, size);
    assert_int_equal(framing->next(second, bytes, n, &message), 1);
    assert_int_equal(message.body_size, n);
    free(first);
    free(second);
}

static void nothing_goes_around_a_reply(void **state)
{
    (void)state;
    char room[DUET_HEAD_ROOM] = "untouched";
    struct duet_head head = {.status = 200, .body_size = 5};
    assert_int_equal(duet_framing_msgpack.wrap(room, &head), 0);
    assert_string_equal(room, "untouched");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_cut_where_it_ends),
        cmocka_unit_test(each_beginning_of_a_message_wants_more),
        cmocka_unit_test(lies_and_other_protocols_are_refused_at_once),
        cmocka_unit_test(every_row_reads_alike_however_it_is_cut),
        cmocka_unit_test(noise_reads_alike_however_it_is_cut),
        cmocka_unit_test(nesting_is_counted_inside_an_argument),
        cmocka_unit_test(two_hundred_thousand_levels_are_refused_at_the_first_too_deep),
        cmocka_unit_test(every_value_counts_keys_too),
        cmocka_unit_test(sixteen_megabytes_of_one_byte_elements_stop_at_the_count),
        cmocka_unit_test(a_message_may_be_as_long_as_its_limit_and_no_longer),
        cmocka_unit_test(a_long_string_says_how_much_is_to_come),
        cmocka_unit_test(a_byte_that_was_walked_is_not_looked_at_again),
        cmocka_unit_test(the_state_may_be_moved_and_is_small),
        cmocka_unit_test(nothing_goes_around_a_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
