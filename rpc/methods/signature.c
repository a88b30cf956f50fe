/*
 * Signatures: parsing, the check on every call, and the words when it fails. The check of a
 * good call is a walk over a few bytes; finding out what to say is left for the bad one.
 */
#include "signature.h"

#include "codec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What a parameter may be. An int is taken for a double only where no alternative with as many
 * arguments has an integer in that place ("d alone"): else a handler that tells its
 * alternatives apart by one argument would misread the others. So with an empty array, which is
 * what PHP and Lua send for an empty map, where no alternative takes it as it is. */
enum code {
    TAKES_NIL,
    TAKES_BOOL,
    TAKES_INT,
    TAKES_UINT,
    TAKES_DOUBLE,
    TAKES_STRING,
    TAKES_BYTES,
    TAKES_TIME,
    TAKES_ARRAY,
    TAKES_MAP,
    TAKES_ANY,
    TAKES_DOUBLE_OR_INT,
    TAKES_MAP_OR_NO_ITEMS,
};

#define BIT(type) (1u << (type))
#define ALL_TYPES (BIT(DUET_TYPE_EXT + 1) - 1)

static const struct {
    char letter;
    duet_type type;         /* whose name stands in the words */
    unsigned types;         /* taken whatever the value */
    unsigned checked_types; /* taken when the value fits */
    const char *xml_name;
} kinds[] = {
    [TAKES_NIL] = {'n', DUET_TYPE_NIL, BIT(DUET_TYPE_NIL), 0, "nil"},
    [TAKES_BOOL] = {'b', DUET_TYPE_BOOL, BIT(DUET_TYPE_BOOL), 0, "boolean"},
    [TAKES_INT] = {'i', DUET_TYPE_INT, BIT(DUET_TYPE_INT), 0, "int"},
    [TAKES_UINT] = {'u', DUET_TYPE_UINT, BIT(DUET_TYPE_UINT), BIT(DUET_TYPE_INT), "i8"},
    [TAKES_DOUBLE] = {'d', DUET_TYPE_DOUBLE, BIT(DUET_TYPE_DOUBLE), 0, "double"},
    [TAKES_STRING] = {'s', DUET_TYPE_STRING, BIT(DUET_TYPE_STRING), 0, "string"},
    [TAKES_BYTES] = {'r', DUET_TYPE_BYTES, BIT(DUET_TYPE_BYTES) | BIT(DUET_TYPE_STRING), 0,
                     "base64"},
    [TAKES_TIME] = {'t', DUET_TYPE_TIME, BIT(DUET_TYPE_TIME), 0, "dateTime.iso8601"},
    [TAKES_ARRAY] = {'a', DUET_TYPE_ARRAY, BIT(DUET_TYPE_ARRAY), 0, "array"},
    [TAKES_MAP] = {'m', DUET_TYPE_MAP, BIT(DUET_TYPE_MAP), 0, "struct"},
    [TAKES_ANY] = {'v', DUET_TYPE_NIL, ALL_TYPES, 0, "any"},
    [TAKES_DOUBLE_OR_INT] = {'\0', DUET_TYPE_DOUBLE, BIT(DUET_TYPE_DOUBLE),
                             BIT(DUET_TYPE_INT) | BIT(DUET_TYPE_UINT), "double"},
    [TAKES_MAP_OR_NO_ITEMS] = {'\0', DUET_TYPE_MAP, BIT(DUET_TYPE_MAP), BIT(DUET_TYPE_ARRAY),
                               "struct"},
};

/* ---- Alternatives as they lie in the codes */

struct alternative {
    const uint8_t *codes; /* of the arguments */
    size_t count;
    uint8_t result;
};

/* Steps to the next alternative; `at` starts at 0. False after the last. */
static bool next_alternative(const struct duet_signature *signature, size_t *at,
                             struct alternative *alternative)
{
    if (*at == signature->size)
        return false;
    const uint8_t *codes = signature->codes + *at;
    *alternative = (struct alternative){codes + 2, codes[0], codes[1]};
    *at += 2 + alternative->count;
    return true;
}

/* ---- Parsing */

static int find_code(char letter)
{
    for (int code = 0; code <= TAKES_ANY; code++)
        if (letter != '\0' && kinds[code].letter == letter)
            return code;
    return -1;
}

struct parser {
    struct duet_signature *signature;
    const char *text;
    size_t at;
    bool takes_anything;
    char *words;
    size_t room;
};

static int complain(struct parser *parser, const char *what)
{
    snprintf(parser->words, parser->room, "signature \"%.100s\": %s at position %zu",
             parser->text, what, parser->at + 1);
    return -EINVAL;
}

/* Reads one type letter into the codes. */
static int read_letter(struct parser *parser)
{
    int code = find_code(parser->text[parser->at]);
    if (code < 0)
        return complain(parser, "not a type letter (n b i u d s r t a m v)");
    if (parser->signature->size == DUET_SIGNATURE_CODES)
        return complain(parser, "too many arguments and alternatives");
    parser->signature->codes[parser->signature->size++] = (uint8_t)code;
    parser->at++;
    return 0;
}

/* Passes over the "*" of "a:*": nothing that this signature says of arguments is held against
 * them. */
static int read_any_arguments(struct parser *parser)
{
    parser->at++;
    if (parser->text[parser->at] != '\0' && parser->text[parser->at] != ' ')
        return complain(parser, "nothing may follow '*'");
    parser->takes_anything = true;
    return 0;
}

/* Reads "i:is". */
static int read_alternative(struct parser *parser)
{
    struct duet_signature *signature = parser->signature;
    if (signature->size == DUET_SIGNATURE_CODES)
        return complain(parser, "too many arguments and alternatives");
    size_t start = signature->size++;

    if (parser->text[parser->at] == ':')
        return complain(parser, "no result type before ':'");
    int rc = read_letter(parser);
    if (rc < 0)
        return rc;
    if (parser->text[parser->at] != ':')
        return complain(parser, "no ':' after the result type");
    parser->at++;
    if (parser->text[parser->at] == '*')
        rc = read_any_arguments(parser);
    while (rc == 0 && parser->text[parser->at] != '\0' && parser->text[parser->at] != ' ')
        rc = read_letter(parser);
    signature->codes[start] = (uint8_t)(signature->size - start - 2);
    return rc;
}

/* What the alternatives with `count` arguments have as argument `i`, as bits. */
static unsigned codes_at(const struct duet_signature *signature, size_t count, size_t i)
{
    unsigned codes = 0;
    struct alternative alternative;
    for (size_t at = 0; next_alternative(signature, &at, &alternative);)
        if (alternative.count == count)
            codes |= BIT(alternative.codes[i]);
    return codes;
}

/* Lets doubles take ints, and maps empty arrays, where they stand alone. */
static void widen(struct duet_signature *signature)
{
    struct alternative alternative;
    for (size_t at = 0; next_alternative(signature, &at, &alternative);) {
        uint8_t *codes = signature->codes + at - alternative.count;
        for (size_t i = 0; i < alternative.count; i++) {
            unsigned all = codes_at(signature, alternative.count, i);
            if (codes[i] == TAKES_DOUBLE && !(all & (BIT(TAKES_INT) | BIT(TAKES_UINT))))
                codes[i] = TAKES_DOUBLE_OR_INT;
            if (codes[i] == TAKES_MAP && !(all & (BIT(TAKES_ARRAY) | BIT(TAKES_ANY))))
                codes[i] = TAKES_MAP_OR_NO_ITEMS;
            signature->has_maps |= codes[i] == TAKES_MAP_OR_NO_ITEMS;
        }
    }
}

int duet_signature_parse(struct duet_signature *signature, const char *text, char *words,
                         size_t room)
{
    *signature = (struct duet_signature){.size = 0};
    struct parser parser = {
        .signature = signature, .text = text ? text : "", .words = words, .room = room};

    for (;;) {
        parser.at += strspn(parser.text + parser.at, " ");
        if (parser.text[parser.at] == '\0')
            break;
        int rc = read_alternative(&parser);
        if (rc < 0)
            return rc;
        signature->told++;
    }
    signature->alternatives = parser.takes_anything ? 0 : signature->told;
    widen(signature);
    return 0;
}

/* ---- Checking */

static duet_type type_of(const msgpack_object *object)
{
    return duet_value_type((const struct duet_value *)object);
}

/* The same as a bit, without a call for the types that nearly all arguments have. */
static unsigned type_bit(const msgpack_object *object)
{
    if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        return object->via.u64 <= INT64_MAX ? BIT(DUET_TYPE_INT) : BIT(DUET_TYPE_UINT);
    if (object->type == MSGPACK_OBJECT_FLOAT64)
        return BIT(DUET_TYPE_DOUBLE);
    if (object->type == MSGPACK_OBJECT_STR)
        return BIT(DUET_TYPE_STRING);
    return BIT(type_of(object));
}

/* Whether a double holds the integer exactly: at most 53 bits between its highest and lowest
 * one. */
static bool fits_double(const msgpack_object *object)
{
    uint64_t bits = object->via.u64;
    if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        bits = 0 - bits;
    return bits == 0 || bits >> __builtin_ctzll(bits) < UINT64_C(1) << 53;
}

static bool value_fits(enum code code, const msgpack_object *object)
{
    if (code == TAKES_UINT)
        return object->type == MSGPACK_OBJECT_POSITIVE_INTEGER;
    if (code == TAKES_MAP_OR_NO_ITEMS)
        return object->via.array.size == 0;
    return fits_double(object);
}

static bool takes(enum code code, const msgpack_object *object)
{
    unsigned bit = type_bit(object);
    if (kinds[code].types & bit)
        return true;
    return (kinds[code].checked_types & bit) && value_fits(code, object);
}

/* How many arguments from the first on the alternative takes. */
static size_t count_taken(const struct alternative *alternative, const msgpack_object *params)
{
    size_t i = 0;
    while (i < alternative->count &&
           takes((enum code)alternative->codes[i], &params->via.array.ptr[i]))
        i++;
    return i;
}

/* Where an empty map has its pairs that came as an array. */
static msgpack_object_kv was_array;

static void make_maps(const struct alternative *alternative, const msgpack_object *params)
{
    for (size_t i = 0; i < alternative->count; i++) {
        msgpack_object *object = &params->via.array.ptr[i];
        if (alternative->codes[i] == TAKES_MAP_OR_NO_ITEMS &&
            object->type == MSGPACK_OBJECT_ARRAY)
            *object = (msgpack_object){.type = MSGPACK_OBJECT_MAP, .via.map = {0, &was_array}};
    }
}

void duet_signature_restore(const msgpack_object *params)
{
    for (uint32_t i = 0; i < params->via.array.size; i++) {
        msgpack_object *object = &params->via.array.ptr[i];
        if (object->type == MSGPACK_OBJECT_MAP && object->via.map.ptr == &was_array)
            *object = (msgpack_object){.type = MSGPACK_OBJECT_ARRAY};
    }
}

/* ---- Words */

/* A list in words under construction: "int, double or string". Cut when it does not fit. */
struct list {
    char text[400];
    size_t used;
};

static void add_text(struct list *list, const char *text)
{
    int n = snprintf(list->text + list->used, sizeof list->text - list->used, "%s", text);
    size_t room = sizeof list->text - 1 - list->used;
    list->used += (size_t)n < room ? (size_t)n : room;
}

static const char *code_name(enum code code)
{
    return code == TAKES_ANY ? "any value" : duet_type_name(kinds[code].type);
}

/* "int or double" for a set of codes; a double reads the same whether it takes ints or not, and
 * so with a map. */
static void add_codes(struct list *list, unsigned codes)
{
    if (codes & BIT(TAKES_DOUBLE_OR_INT))
        codes = (codes & ~BIT(TAKES_DOUBLE_OR_INT)) | BIT(TAKES_DOUBLE);
    if (codes & BIT(TAKES_MAP_OR_NO_ITEMS))
        codes = (codes & ~BIT(TAKES_MAP_OR_NO_ITEMS)) | BIT(TAKES_MAP);
    for (unsigned code = 0; codes != 0; code++) {
        if (!(codes & BIT(code)))
            continue;
        codes &= ~BIT(code);
        add_text(list, code_name((enum code)code));
        if (codes != 0)
            add_text(list, (codes & (codes - 1)) != 0 ? ", " : " or ");
    }
}

/* "no arguments", "1 argument (int or double)", "2 arguments (int, string)" */
static void add_arity(struct list *list, const struct duet_signature *signature, size_t count)
{
    if (count == 0) {
        add_text(list, "no arguments");
        return;
    }
    char number[40];
    snprintf(number, sizeof number, "%zu argument%s (", count, count == 1 ? "" : "s");
    add_text(list, number);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            add_text(list, ", ");
        add_codes(list, codes_at(signature, count, i));
    }
    add_text(list, ")");
}

/* The smallest number of arguments above `count` (-1 for any) that an alternative has; -1 if
 * none. */
static int next_arity(const struct duet_signature *signature, int count)
{
    int next = -1;
    struct alternative alternative;
    for (size_t at = 0; next_alternative(signature, &at, &alternative);)
        if ((int)alternative.count > count && (next < 0 || (int)alternative.count < next))
            next = (int)alternative.count;
    return next;
}

static int fail_count(const struct duet_signature *signature, const char *method, size_t got,
                      struct duet_fault *fault)
{
    struct list list = {.used = 0};
    int count = next_arity(signature, -1);
    while (count >= 0) {
        int next = next_arity(signature, count);
        add_arity(&list, signature, (size_t)count);
        if (next >= 0)
            add_text(&list, next_arity(signature, next) >= 0 ? ", " : " or ");
        count = next;
    }
    return duet_fault_set(fault, DUET_FAULT_PARAMS, "%.200s: takes %s, got %zu", method,
                          list.text, got);
}

/* What came instead: "string", or for an integer whose value is the trouble that value and
 * why. */
static void describe(const msgpack_object *object, unsigned codes, char *text, size_t room)
{
    duet_type type = type_of(object);
    if (type == DUET_TYPE_UINT && (codes & BIT(TAKES_INT)))
        snprintf(text, room, "%" PRIu64 ", which exceeds 64 bits signed", object->via.u64);
    else if (type == DUET_TYPE_UINT && (codes & BIT(TAKES_DOUBLE_OR_INT)))
        snprintf(text, room, "%" PRIu64 ", which a double does not hold exactly",
                 object->via.u64);
    else if (type == DUET_TYPE_INT && (codes & BIT(TAKES_DOUBLE_OR_INT)))
        snprintf(text, room, "%" PRId64 ", which a double does not hold exactly",
                 object->via.i64);
    else if (type == DUET_TYPE_INT && (codes & BIT(TAKES_UINT)))
        snprintf(text, room, "%" PRId64 ", which is negative", object->via.i64);
    else
        snprintf(text, room, "%s", duet_type_name(type));
}

/* The argument to complain of is the first one that stopped the alternatives that got farthest;
 * those say what it must be. */
static int fail_type(const struct duet_signature *signature, const char *method,
                     const msgpack_object *params, struct duet_fault *fault)
{
    size_t farthest = 0;
    unsigned codes = 0;
    struct alternative alternative;
    for (size_t at = 0; next_alternative(signature, &at, &alternative);) {
        if (alternative.count != params->via.array.size)
            continue;
        size_t taken = count_taken(&alternative, params);
        if (taken > farthest) {
            farthest = taken;
            codes = 0;
        }
        if (taken == farthest)
            codes |= BIT(alternative.codes[taken]);
    }

    struct list expected = {.used = 0};
    add_codes(&expected, codes);
    char got[80];
    describe(&params->via.array.ptr[farthest], codes, got, sizeof got);
    return duet_fault_set(fault, DUET_FAULT_PARAMS, "%.200s: argument %zu must be %s, got %s",
                          method, farthest + 1, expected.text, got);
}

int duet_signature_check(const struct duet_signature *signature, const char *method,
                         const msgpack_object *params, struct duet_fault *fault)
{
    if (signature->alternatives == 0)
        return 0;

    bool right_count = false;
    struct alternative alternative;
    for (size_t at = 0; next_alternative(signature, &at, &alternative);) {
        if (alternative.count != params->via.array.size)
            continue;
        if (count_taken(&alternative, params) == alternative.count) {
            if (signature->has_maps)
                make_maps(&alternative, params);
            return 0;
        }
        right_count = true;
    }
    return right_count ? fail_type(signature, method, params, fault)
                       : fail_count(signature, method, params->via.array.size, fault);
}

/* ---- Telling */

static int write_name(duet_writer *writer, uint8_t code)
{
    return duet_write_string(writer, kinds[code].xml_name, strlen(kinds[code].xml_name));
}

int duet_signature_write(const struct duet_signature *signature, duet_writer *writer)
{
    if (signature->told == 0)
        return duet_write_string(writer, "undef", 5);

    int rc = duet_write_array(writer, signature->told);
    struct alternative alternative;
    for (size_t at = 0; rc == 0 && next_alternative(signature, &at, &alternative);) {
        rc = duet_write_array(writer, 1 + alternative.count);
        if (rc == 0)
            rc = write_name(writer, alternative.result);
        for (size_t i = 0; rc == 0 && i < alternative.count; i++)
            rc = write_name(writer, alternative.codes[i]);
    }
    return rc;
}
