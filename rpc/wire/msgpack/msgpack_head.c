/*
 * The front of a MessagePack-RPC message: kind, msgid and method, single values read straight
 * from the bytes with every bound checked. The message need not be whole: one that is refused
 * is asked for its msgid too.
 */
#include "codec_msgpack.h"

#include "bytes.h"
#include "duet.h"
#include "msgpack_first.h"

struct cursor {
    const uint8_t *next, *end;
};

enum found { FOUND, FOUND_NEGATIVE, FOUND_OTHER, FOUND_END };

/* Takes `size` bytes; NULL if they are not there. */
static const uint8_t *take(struct cursor *cursor, size_t size)
{
    if (size > (size_t)(cursor->end - cursor->next))
        return NULL;
    const uint8_t *bytes = cursor->next;
    cursor->next += size;
    return bytes;
}

/* Takes a big-endian number of 1, 2, 4 or 8 bytes. */
static enum found take_number(struct cursor *cursor, unsigned width, uint64_t *number)
{
    const uint8_t *bytes = take(cursor, width);
    if (bytes == NULL)
        return FOUND_END;
    *number = duet_load(bytes, width);
    return FOUND;
}

/* Takes an integer in any encoding. Of another value only the first byte is taken. */
static enum found take_integer(struct cursor *cursor, uint64_t *value)
{
    const uint8_t *first = take(cursor, 1);
    if (first == NULL)
        return FOUND_END;
    if (*first < 0x80) {
        *value = *first;
        return FOUND;
    }
    if (*first >= 0xe0)
        return FOUND_NEGATIVE;
    if (*first < 0xcc || *first > 0xd3)
        return FOUND_OTHER;

    unsigned width = 1u << (*first & 3); /* cc-cf unsigned, d0-d3 signed: 1, 2, 4 and 8 bytes */
    enum found found = take_number(cursor, width, value);
    if (found == FOUND && *first >= 0xd0 && *value >> (8 * width - 1))
        return FOUND_NEGATIVE;
    return found;
}

static enum found take_array(struct cursor *cursor, uint64_t *count)
{
    const uint8_t *first = take(cursor, 1);
    if (first == NULL)
        return FOUND_END;
    if (!duet_msgpack_begins_array(*first))
        return FOUND_OTHER;
    if (*first < 0xa0) {
        *count = *first & 15;
        return FOUND;
    }
    return take_number(cursor, *first == 0xdc ? 2 : 4, count);
}

/* Takes the header of a string or bytes, and notes what it tells of the peer. */
static enum found take_text_header(struct cursor *cursor, uint64_t *size,
                                   struct duet_incoming *request)
{
    const uint8_t *first = take(cursor, 1);
    if (first == NULL)
        return FOUND_END;
    if ((*first & 0xe0) == 0xa0) {
        *size = *first & 31;
        return FOUND;
    }
    bool bytes = *first >= 0xc4 && *first <= 0xc6, text = *first >= 0xd9 && *first <= 0xdb;
    if (!bytes && !text)
        return FOUND_OTHER;

    unsigned width = 1u << (*first - (bytes ? 0xc4 : 0xd9));
    enum found found = take_number(cursor, width, size);
    if (bytes || width == 1)
        request->raw_seen = DUET_RAW_NEW_SEEN;
    else if (found == FOUND && width == 2 && *size >= 32 && *size < 256)
        request->raw_seen = DUET_RAW_OLD_SEEN;
    return found;
}

/* What people call the value that begins with a byte. */
static const char *type_name(uint8_t first)
{
    if (first < 0x80 || first >= 0xe0 || (first >= 0xcc && first <= 0xd3))
        return duet_type_name(DUET_TYPE_INT);
    if (first < 0x90 || first >= 0xde)
        return duet_type_name(DUET_TYPE_MAP);
    if (first < 0xa0 || first >= 0xdc)
        return duet_type_name(DUET_TYPE_ARRAY);
    if (first < 0xc0 || first >= 0xd9)
        return duet_type_name(DUET_TYPE_STRING);
    if (first == 0xc2 || first == 0xc3)
        return duet_type_name(DUET_TYPE_BOOL);
    if (first >= 0xc4 && first <= 0xc6)
        return duet_type_name(DUET_TYPE_BYTES);
    if (first == 0xca || first == 0xcb)
        return duet_type_name(DUET_TYPE_DOUBLE);
    return duet_type_name(first < 0xc2 ? DUET_TYPE_NIL : DUET_TYPE_EXT);
}

static int ends_early(struct duet_incoming *request)
{
    return duet_fault_set(request->fault, DUET_FAULT_PARSE, "the message ends early");
}

/* "… must be …, got a map": `at` is the value's first byte. */
static int wrong_type(struct duet_incoming *request, const char *what, const uint8_t *at)
{
    return duet_fault_set(request->fault, DUET_FAULT_REQUEST, "%s, got %s", what,
                          type_name(*at));
}

/* Reads the msgid where one stands. Without a fault: a wrong shape is the better word. */
static enum found read_msgid(struct duet_incoming *request, struct cursor *cursor,
                             uint64_t *msgid)
{
    enum found found = take_integer(cursor, msgid);
    if (found != FOUND || *msgid > UINT32_MAX)
        return found;
    request->has_msgid = true;
    request->msgid = (uint32_t)*msgid;
    return FOUND;
}

static int wrong_msgid(struct duet_incoming *request, enum found found, uint64_t msgid,
                       const uint8_t *at)
{
    static const char must[] = "msgid must be an integer from 0 to 4294967295";
    switch (found) {
    case FOUND:
        return duet_fault_set(request->fault, DUET_FAULT_REQUEST, "%s, got %" PRIu64, must,
                              msgid);
    case FOUND_NEGATIVE:
        return duet_fault_set(request->fault, DUET_FAULT_REQUEST, "%s, got a negative one",
                              must);
    case FOUND_OTHER:
        return wrong_type(request, must, at);
    default:
        return ends_early(request);
    }
}

static int check_shape(struct duet_incoming *request, enum found found, uint64_t type,
                       uint64_t count)
{
    if (found == FOUND_END)
        return ends_early(request);
    if (found != FOUND || type > TYPE_NOTIFICATION)
        return duet_fault_set(request->fault, DUET_FAULT_REQUEST,
                              "a message begins with 0 (request), 1 (response) or "
                              "2 (notification)");
    unsigned wanted = type == TYPE_NOTIFICATION ? 3 : 4;
    if (count != wanted)
        return duet_fault_set(request->fault, DUET_FAULT_REQUEST,
                              "a %s has %u items, got %" PRIu64,
                              type == TYPE_REQUEST    ? "request"
                              : type == TYPE_RESPONSE ? "response"
                                                      : "notification",
                              wanted, count);
    return 0;
}

/* Reads what stands before the method name. A msgid that can be read is kept even when the rest
 * is wrong, so that the refusal finds its caller. */
static int read_envelope(struct duet_incoming *request, struct cursor *cursor)
{
    uint64_t count, type = 0, msgid = 0;
    const uint8_t *at = cursor->next;
    enum found found = take_array(cursor, &count);
    if (found == FOUND_OTHER)
        return wrong_type(request, "a message must be an array", at);
    if (found != FOUND)
        return ends_early(request);

    found = count > 0 ? take_integer(cursor, &type) : FOUND_OTHER;
    if (found == FOUND && type == TYPE_RESPONSE)
        request->kind = DUET_KIND_RESPONSE;
    if (found == FOUND && type == TYPE_NOTIFICATION) {
        request->kind = DUET_KIND_NOTIFICATION;
        return check_shape(request, found, type, count);
    }

    at = cursor->next;
    bool has_place = count > 1 && (found == FOUND || found == FOUND_NEGATIVE);
    enum found id = has_place ? read_msgid(request, cursor, &msgid) : FOUND_END;
    int rc = check_shape(request, found, type, count);
    if (rc == 0 && !request->has_msgid)
        rc = wrong_msgid(request, id, msgid, at);
    return rc;
}

static int read_method(struct duet_incoming *request, struct cursor *cursor)
{
    uint64_t size;
    const uint8_t *at = cursor->next;
    enum found found = take_text_header(cursor, &size, request);
    if (found == FOUND_OTHER)
        return wrong_type(request, "method must be a string", at);
    if (found != FOUND || size > (size_t)(cursor->end - cursor->next))
        return ends_early(request);
    request->method = (const char *)cursor->next;
    request->method_size = (size_t)size;
    cursor->next += size;
    return 0;
}

static int check_params(struct duet_incoming *request, struct cursor *cursor)
{
    if (cursor->next == cursor->end)
        return ends_early(request);
    uint8_t first = *cursor->next;
    if (!duet_msgpack_begins_array(first) && first != DUET_MSGPACK_NIL)
        return wrong_type(request, "params must be an array", cursor->next);
    request->params_offset = (size_t)(cursor->next - request->bytes);
    return 0;
}

/* Any message, with words for what is wrong with it. Apart, or the usual ones would save
 * registers for it. */
__attribute__((noinline)) static int read_any(struct duet_incoming *request)
{
    request->kind = DUET_KIND_REQUEST;
    request->has_msgid = false;
    request->msgid = 0;
    request->method = NULL;
    request->method_size = 0;
    request->raw_seen = DUET_RAW_UNKNOWN;
    request->params_offset = 0;

    struct cursor cursor = {request->bytes, request->bytes + request->size};
    int rc = read_envelope(request, &cursor);
    if (rc == 0 && request->kind == DUET_KIND_RESPONSE) {
        request->params_offset = (size_t)(cursor.next - request->bytes);
        return 0;
    }
    if (rc == 0)
        rc = read_method(request, &cursor);
    if (rc == 0)
        rc = check_params(request, &cursor);
    return rc;
}

/* What nearly every request begins with, [0, msgid, "name", [, in one go. Anything else, good
 * or bad, is left as it was. */
static bool read_usual(struct duet_incoming *request)
{
    enum { LEAST = 5, MSGID_MOST = 4, REQUEST_ARRAY = 0x94 };
    const uint8_t *p = request->bytes, *end = p + request->size;
    if (request->size < LEAST || p[0] != REQUEST_ARRAY || p[1] != TYPE_REQUEST)
        return false;

    uint32_t msgid = p[2];
    p += 3;
    if (msgid >= 0x80) {
        if (msgid < 0xcc || msgid > 0xce || end - p <= MSGID_MOST) /* uint8, uint16, uint32 */
            return false;
        unsigned width = 1u << (msgid & 3);
        msgid = (uint32_t)duet_load(p, width);
        p += width;
    }

    size_t name_size = *p & 31;
    if ((*p++ & 0xe0) != 0xa0 || name_size >= (size_t)(end - p) ||
        (p[name_size] & 0xf0) != 0x90)
        return false;
    request->kind = DUET_KIND_REQUEST;
    request->has_msgid = true;
    request->msgid = msgid;
    request->method = (const char *)p;
    request->method_size = name_size;
    request->raw_seen = DUET_RAW_UNKNOWN;
    request->params_offset = (size_t)(p + name_size - request->bytes);
    return true;
}

int duet_msgpack_head(struct duet_incoming *request)
{
    return read_usual(request) ? 0 : read_any(request);
}
