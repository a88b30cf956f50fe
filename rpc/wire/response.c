/*
 * Faults of all kinds of servers. See response.h. No I/O, no memory of its own.
 */
#include "response.h"

#include <string.h>

/* What of a fault is known so far. */
struct reading {
    const duet_value *code, *message, *data; /* NULL: none */
    bool is_all;                             /* nothing but these is in it */
};

static bool is_text(const duet_value *value)
{
    return value->object.type == MSGPACK_OBJECT_STR || value->object.type == MSGPACK_OBJECT_BIN;
}

/* A code that fits 64 bits with a sign. */
static bool is_code(const duet_value *value)
{
    return duet_value_type(value) == DUET_TYPE_INT;
}

/* [code, message] or [code, message, data]: Duet's own form, tinyrpc's, and Neovim's, whose
 * code is a kind of error. */
static struct reading read_array(const duet_value *array)
{
    size_t count = duet_value_count(array);
    const duet_value *code = duet_value_item(array, 0), *message = duet_value_item(array, 1);
    if (count < 2 || count > 3 || !is_code(code) || !is_text(message))
        return (struct reading){0};
    return (struct reading){code, message, count == 3 ? duet_value_item(array, 2) : NULL, true};
}

/* The member of one of two names. */
static const duet_value *member(const duet_value *map, const char *name, const char *other)
{
    const duet_value *value = duet_value_get(map, name);
    return value->object.type != MSGPACK_OBJECT_NIL ? value : duet_value_get(map, other);
}

/* A struct of XML-RPC, or an error object as JSON-RPC has it. */
static struct reading read_map(const duet_value *map)
{
    const duet_value *code = member(map, "faultCode", "code");
    const duet_value *message = member(map, "faultString", "message");
    const duet_value *data = member(map, "faultData", "data");
    bool has_code = is_code(code), has_message = is_text(message);
    bool has_data = data->object.type != MSGPACK_OBJECT_NIL;
    size_t known = (size_t)has_code + has_message + has_data;
    return (struct reading){
        .code = has_code ? code : NULL,
        .message = has_message ? message : NULL,
        .data = has_data ? data : NULL,
        .is_all = known == duet_value_count(map) && has_code + has_message > 0,
    };
}

static struct reading read_fault(const duet_value *fault)
{
    if (is_text(fault))
        return (struct reading){.message = fault, .is_all = true};
    if (is_code(fault))
        return (struct reading){.code = fault, .is_all = true};
    switch (fault->object.type) {
    case MSGPACK_OBJECT_ARRAY:
        return read_array(fault);
    case MSGPACK_OBJECT_MAP:
        return read_map(fault);
    default:
        return (struct reading){0};
    }
}

/* jubatus and msgpack-rpc-cpp know two errors by number, and send nothing beside it. */
static int64_t named_code(int64_t number)
{
    return number == 1 ? DUET_FAULT_METHOD : number == 2 ? DUET_FAULT_PARAMS : number;
}

static void set_words(struct duet_response *response)
{
    bool is_ours = response->code >= INT32_MIN && response->code <= INT32_MAX;
    response->message = duet_fault_words(is_ours ? (int)response->code : 0);
    response->message_size = strlen(response->message);
}

void duet_response_result(struct duet_response *response, msgpack_object result)
{
    *response = (struct duet_response){
        .status = DUET_RESPONSE_RESULT,
        .result = result,
        .data = {.type = MSGPACK_OBJECT_NIL},
        .fault = {.type = MSGPACK_OBJECT_NIL},
    };
}

void duet_response_fault(struct duet_response *response, msgpack_object object)
{
    const duet_value fault = {.object = object};
    struct reading reading = read_fault(&fault);
    *response = (struct duet_response){
        .status = DUET_RESPONSE_FAULT,
        .result = {.type = MSGPACK_OBJECT_NIL},
        .code = DUET_FAULT_APPLICATION,
        .data = {.type = MSGPACK_OBJECT_NIL},
    };
    if (reading.code == &fault)
        response->code = named_code(duet_value_int(reading.code));
    else if (reading.code != NULL)
        response->code = duet_value_int(reading.code);
    if (reading.message != NULL)
        response->message = duet_value_string(reading.message, &response->message_size);
    else
        set_words(response);

    /* After the message, which may have moved. */
    if (!reading.is_all)
        response->data = fault.object;
    else if (reading.data != NULL)
        response->data = reading.data->object;
    response->fault = fault.object;
}
