/*
 * The signature of a method: the check of every call. That of a good call of plain letters is a
 * walk over a few bytes; all others, and finding out what to say of a bad one, are left to the
 * types.
 */
#include "signature.h"

#include "type_check.h"
#include "type_words.h"

#include <stdlib.h>
#include <string.h>

/* ---- Alternatives as they lie in the leaves */

struct alternative {
    const uint8_t *leaves; /* of the arguments */
    size_t count;
};

/* Steps to the next alternative; `at` starts at 0. False after the last. */
static bool next_alternative(const struct duet_signature *signature, size_t *at,
                             struct alternative *alternative)
{
    if (*at == signature->size)
        return false;
    const uint8_t *leaves = signature->leaves + *at;
    *alternative = (struct alternative){leaves + 1, leaves[0]};
    *at += 1 + alternative->count;
    return true;
}

/* Puts an alternative among them. False if it is more than letters, or too long. */
static bool put_leaves(struct duet_signature *signature,
                       const struct duet_alternative *alternative)
{
    if (alternative->count >= (size_t)DUET_SIGNATURE_LEAVES - signature->size)
        return false;
    signature->leaves[signature->size++] = (uint8_t)alternative->count;
    for (uint32_t i = 0; i < alternative->count; i++) {
        const struct duet_part *part = &signature->types->parts[alternative->first + i];
        bool or_nil;
        duet_type_number type = duet_type_resolve(signature->types, part->type, &or_nil);
        if (type >= DUET_LEAF_NUMBERS || or_nil)
            return false;
        signature->has_maps |= duet_type_leaf(type) == DUET_LEAF_MAP_OR_NO_ITEMS;
        signature->leaves[signature->size++] = (uint8_t)duet_type_leaf(type);
    }
    return true;
}

int duet_signature_init(struct duet_signature *signature, const char *text,
                        const char *arguments, const struct duet_type_names *names, char *words,
                        size_t room)
{
    *signature = (struct duet_signature){.size = 0};
    int rc = duet_types_compile(&signature->types, text, arguments, names, words, room);
    const struct duet_types *types = signature->types;
    if (rc < 0 || types == NULL || types->takes_anything)
        return rc;

    uint32_t n = 0;
    while (n < types->alternative_count && put_leaves(signature, &types->alternatives[n]))
        n++;
    signature->is_checked = n < types->alternative_count;
    signature->alternatives = signature->is_checked ? 0 : (uint8_t)n;
    return 0;
}

void duet_signature_done(struct duet_signature *signature)
{
    free(signature->types);
}

/* ---- Checking letters */

/* How many arguments from the first on the alternative takes. */
static size_t count_taken(const struct alternative *alternative, const msgpack_object *params)
{
    size_t i = 0;
    while (i < alternative->count &&
           duet_leaf_takes((enum duet_leaf)alternative->leaves[i], &params->via.array.ptr[i]))
        i++;
    return i;
}

/* Where an empty map has its pairs that came as an array. */
static msgpack_object_kv was_array;

static void make_maps(const struct alternative *alternative, const msgpack_object *params)
{
    for (size_t i = 0; i < alternative->count; i++) {
        msgpack_object *object = &params->via.array.ptr[i];
        if (alternative->leaves[i] == DUET_LEAF_MAP_OR_NO_ITEMS &&
            object->type == MSGPACK_OBJECT_ARRAY)
            *object = (msgpack_object){.type = MSGPACK_OBJECT_MAP, .via.map = {0, &was_array}};
    }
}

/* ---- Checking types */

static int check_types(const struct duet_signature *signature, const char *method,
                       struct duet_incoming *request)
{
    const struct duet_types *types = signature->types;
    uint32_t count = request->params.via.array.size;
    struct duet_type_check check;
    duet_type_check_init(&check, types, request->arena);
    for (uint32_t n = 0; n < types->alternative_count; n++) {
        const struct duet_alternative *alternative = &types->alternatives[n];
        if (count < alternative->least || count > alternative->count ||
            !duet_type_check_arguments(&check, alternative, &request->params))
            continue;
        request->changes = check.changes;
        return 0;
    }
    return duet_type_fail_arguments(types, method, &request->params, request->arena,
                                    request->fault);
}

int duet_signature_check(const struct duet_signature *signature, const char *method,
                         struct duet_incoming *request)
{
    const msgpack_object *params = &request->params;
    if (signature->alternatives == 0)
        return signature->is_checked ? check_types(signature, method, request) : 0;

    struct alternative alternative;
    for (size_t at = 0; next_alternative(signature, &at, &alternative);) {
        if (alternative.count != params->via.array.size ||
            count_taken(&alternative, params) < alternative.count)
            continue;
        if (signature->has_maps)
            make_maps(&alternative, params);
        return 0;
    }
    return duet_type_fail_arguments(signature->types, method, params, request->arena,
                                    request->fault);
}

int duet_signature_check_result(const struct duet_signature *signature, msgpack_object *value,
                                struct duet_arena *arena, struct duet_fault *fault)
{
    const struct duet_types *types = signature->types;
    if (types == NULL || types->alternative_count == 0)
        return 0;
    struct duet_type_check check;
    duet_type_check_init(&check, types, arena);
    for (uint32_t n = 0; n < types->alternative_count; n++)
        if (duet_type_check_value(&check, types->alternatives[n].result, value) ||
            check.failure == DUET_FAIL_MEMORY)
            return 0;
    return duet_type_fail_result(types, value, arena, fault);
}

void duet_signature_restore(struct duet_incoming *request)
{
    const msgpack_object_array *params = &request->params.via.array;
    duet_type_restore(request->changes);
    request->changes = NULL;
    for (uint32_t i = 0; i < params->size; i++) {
        msgpack_object *object = &params->ptr[i];
        if (object->type == MSGPACK_OBJECT_MAP && object->via.map.ptr == &was_array)
            *object = (msgpack_object){.type = MSGPACK_OBJECT_ARRAY};
    }
}

/* ---- Telling */

static const char *xml_name(const struct duet_types *types, duet_type_number type)
{
    bool or_nil;
    type = duet_type_resolve(types, type, &or_nil);
    if (type < DUET_LEAF_NUMBERS)
        return duet_leaf_xml_name(duet_type_leaf(type));
    enum duet_form_kind kind = (enum duet_form_kind)duet_type_form(types, type)->kind;
    return kind == DUET_FORM_ITEMS || kind == DUET_FORM_TUPLE ? "array" : "struct";
}

int duet_signature_write(const struct duet_signature *signature, duet_writer *writer)
{
    const struct duet_types *types = signature->types;
    if (types == NULL || types->alternative_count == 0)
        return duet_write_text(writer, "undef");

    int rc = duet_write_array(writer, types->alternative_count);
    for (uint32_t n = 0; rc == 0 && n < types->alternative_count; n++) {
        const struct duet_alternative *alternative = &types->alternatives[n];
        duet_write_array(writer, 1 + (size_t)alternative->count);
        rc = duet_write_text(writer, xml_name(types, alternative->result));
        for (uint32_t i = 0; rc == 0 && i < alternative->count; i++)
            rc = duet_write_text(writer,
                                 xml_name(types, types->parts[alternative->first + i].type));
    }
    return rc;
}
