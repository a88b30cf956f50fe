/*
 * The XML-RPC validation suite of 2000, which many clients still carry as a self-test: eight
 * methods that pass structs, arrays and every scalar through a server. Their definitions:
 * http://1998.xmlrpc.com/validator1Docs.html
 */
#include "validator1.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A sum whose overflow is remembered rather than wrapped. */
struct sum {
    int64_t total;
    bool overflowed;
};

static void add(struct sum *sum, const duet_value *value)
{
    sum->overflowed |= __builtin_add_overflow(sum->total, duet_value_int(value), &sum->total);
}

static int reply_sum(duet_call *call, const struct sum *sum)
{
    if (sum->overflowed)
        return duet_fail(call, DUET_FAULT_PARAMS, "the sum exceeds 64 bits");
    return duet_reply_int(call, sum->total);
}

static void add_stooges(struct sum *sum, const duet_value *stooges)
{
    add(sum, duet_value_get(stooges, "moe"));
    add(sum, duet_value_get(stooges, "larry"));
    add(sum, duet_value_get(stooges, "curly"));
}

/* The sum of the members named curly in an array of structs. */
static int array_of_structs_test(duet_call *call, void *ctx)
{
    (void)ctx;
    const duet_value *structs = duet_arg(call, 0);
    struct sum sum = {0};
    for (size_t i = 0; i < duet_value_count(structs); i++)
        add(&sum, duet_value_get(duet_value_item(structs, i), "curly"));
    return reply_sum(call, &sum);
}

/* How often each character that XML writes as an entity occurs in a string. */
static int count_the_entities(duet_call *call, void *ctx)
{
    (void)ctx;
    static const struct {
        char character;
        const char *field;
    } entities[] = {
        {'<', "ctLeftAngleBrackets"},
        {'>', "ctRightAngleBrackets"},
        {'&', "ctAmpersands"},
        {'\'', "ctApostrophes"},
        {'"', "ctQuotes"},
    };
    const size_t fields = sizeof entities / sizeof *entities;
    size_t size;
    const char *text = duet_arg_string(call, 0, &size);
    int64_t counts[256] = {0};
    for (size_t i = 0; i < size; i++)
        counts[(unsigned char)text[i]]++;

    duet_writer *writer = duet_call_writer(call);
    int rc = duet_write_record(writer, fields, DUET_RECORD_MAP);
    for (size_t i = 0; i < fields; i++) {
        duet_write_field(writer, entities[i].field);
        rc = duet_write_int(writer, counts[(unsigned char)entities[i].character]);
    }
    return rc;
}

/* The sum of moe, larry and curly in one struct. */
static int easy_struct_test(duet_call *call, void *ctx)
{
    (void)ctx;
    struct sum sum = {0};
    add_stooges(&sum, duet_arg(call, 0));
    return reply_sum(call, &sum);
}

static int echo_struct_test(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_value(call, duet_arg(call, 0));
}

/* Its six arguments as an array. */
static int many_types_test(duet_call *call, void *ctx)
{
    (void)ctx;
    size_t count = duet_arg_count(call);
    duet_writer *writer = duet_call_writer(call);
    int rc = duet_write_array(writer, count);
    for (size_t i = 0; i < count; i++)
        rc = duet_write_value(writer, duet_arg(call, i));
    return rc;
}

/* The first and the last string of an array, put together. */
static int moderate_size_array_check(duet_call *call, void *ctx)
{
    (void)ctx;
    const duet_value *strings = duet_arg(call, 0);
    size_t count = duet_value_count(strings), first_size, last_size;
    const char *first = duet_value_bytes(duet_value_item(strings, 0), &first_size);
    const char *last = duet_value_bytes(duet_value_item(strings, count - 1), &last_size);

    char *both = malloc(first_size + last_size + 1);
    if (both == NULL)
        return -ENOMEM;
    memcpy(both, first, first_size);
    memcpy(both + first_size, last, last_size);
    int rc = duet_write_string(duet_call_writer(call), both, first_size + last_size);
    free(both);
    return rc;
}

/* The sum of moe, larry and curly on 1 April 2000, in a calendar of years, months and days. */
static int nested_struct_test(duet_call *call, void *ctx)
{
    (void)ctx;
    const duet_value *year = duet_value_get(duet_arg(call, 0), "2000");
    const duet_value *day = duet_value_get(duet_value_get(year, "04"), "01");
    struct sum sum = {0};
    add_stooges(&sum, day);
    return reply_sum(call, &sum);
}

/* A number ten, a hundred and a thousand times. */
static int simple_struct_return_test(duet_call *call, void *ctx)
{
    (void)ctx;
    int64_t x = duet_arg_int(call, 0);
    if (x > INT64_MAX / 1000 || x < INT64_MIN / 1000)
        return duet_fail(call, DUET_FAULT_PARAMS, "%" PRId64 " times 1000 exceeds 64 bits", x);

    duet_writer *writer = duet_call_writer(call);
    duet_write_record(writer, 3, DUET_RECORD_MAP);
    duet_write_field(writer, "times10");
    duet_write_int(writer, 10 * x);
    duet_write_field(writer, "times100");
    duet_write_int(writer, 100 * x);
    duet_write_field(writer, "times1000");
    return duet_write_int(writer, 1000 * x);
}

const duet_method validator1_methods[] = {
    {.name = "validator1.arrayOfStructsTest",
     .signature = "i:a",
     .handler = array_of_structs_test,
     .flags = DUET_METHOD_INLINE,
     .help = "The sum of curly in all structs of an array."},
    {.name = "validator1.countTheEntities",
     .signature = "m:s",
     .handler = count_the_entities,
     .flags = DUET_METHOD_INLINE,
     .help = "How many < > & ' \" a string has."},
    {.name = "validator1.easyStructTest",
     .signature = "i:m",
     .handler = easy_struct_test,
     .flags = DUET_METHOD_INLINE,
     .help = "The sum of moe, larry and curly in a struct."},
    {.name = "validator1.echoStructTest",
     .signature = "m:m",
     .handler = echo_struct_test,
     .flags = DUET_METHOD_INLINE,
     .help = "The same struct."},
    {.name = "validator1.manyTypesTest",
     .signature = "a:ibsdtr a:dbsdtr",
     .handler = many_types_test,
     .flags = DUET_METHOD_INLINE,
     .help = "Its arguments as an array."},
    {.name = "validator1.moderateSizeArrayCheck",
     .signature = "s:a",
     .handler = moderate_size_array_check,
     .flags = DUET_METHOD_INLINE,
     .help = "The first string of an array, followed by the last."},
    {.name = "validator1.nestedStructTest",
     .signature = "i:m",
     .handler = nested_struct_test,
     .flags = DUET_METHOD_INLINE,
     .help = "The sum of moe, larry and curly on 1 April 2000 of a calendar."},
    {.name = "validator1.simpleStructReturnTest",
     .signature = "m:i",
     .handler = simple_struct_return_test,
     .flags = DUET_METHOD_INLINE,
     .help = "A number times 10, 100 and 1000."},
    {0},
};
