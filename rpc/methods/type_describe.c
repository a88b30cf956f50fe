/*
 * Each type becomes a map whose "type" is a word, and the word says which members stand beside
 * it. A type by name is its name: so a type that holds itself has an end, and is told once. As
 * deep as brackets stand in the signature, which its grammar bounds. The writer's errors stick.
 */
#include "type_describe.h"

#include <string.h>

static int describe(const struct duet_types *types, duet_type_number type, duet_writer *writer);

/* Opens the map of a type with so many members beside the two that all have. */
static void open_type(duet_writer *writer, const char *word, bool or_nil, size_t more)
{
    duet_write_map(writer, 2 + more);
    duet_write_field(writer, "type");
    duet_write_text(writer, word);
    duet_write_field(writer, "nil");
    duet_write_bool(writer, or_nil);
}

/* {type, nil, keys, values} */
static void open_map(duet_writer *writer, const char *keys, bool or_nil)
{
    open_type(writer, "map", or_nil, 2);
    duet_write_field(writer, "keys");
    duet_write_text(writer, keys);
    duet_write_field(writer, "values");
}

/* {type, nil, items} */
static void open_array(duet_writer *writer, const char *word, bool or_nil)
{
    open_type(writer, word, or_nil, 1);
    duet_write_field(writer, "items");
}

/* 'a' and 'm' are told as [v] and {*:v}, which is what they are. */
static int describe_leaf(enum duet_leaf leaf, bool or_nil, duet_writer *writer)
{
    switch (leaf) {
    case DUET_LEAF_ARRAY:
        open_array(writer, "array", or_nil);
        return describe_leaf(DUET_LEAF_ANY, false, writer);
    case DUET_LEAF_MAP:
    case DUET_LEAF_MAP_OR_NO_ITEMS:
        open_map(writer, "any", or_nil);
        return describe_leaf(DUET_LEAF_ANY, false, writer);
    default:
        or_nil |= leaf == DUET_LEAF_ANY || leaf == DUET_LEAF_NIL;
        open_type(writer, duet_leaf_name(leaf), or_nil, 0);
        return 0;
    }
}

static void describe_members(const struct duet_types *types, const struct duet_form *form,
                             duet_writer *writer)
{
    duet_write_field(writer, "members");
    int rc = duet_write_array(writer, form->count);
    for (uint32_t i = 0; rc == 0 && i < form->count; i++) {
        const struct duet_part *part = &types->parts[form->first + i];
        duet_write_map(writer, 3);
        duet_write_field(writer, "name");
        duet_write_string(writer, duet_part_name(types, part), part->name_size);
        duet_write_field(writer, "optional");
        duet_write_bool(writer, part->required == DUET_PART_OPTIONAL);
        duet_write_field(writer, "type");
        rc = describe(types, part->type, writer);
    }
}

static int describe_form(const struct duet_types *types, const struct duet_form *form,
                         duet_writer *writer)
{
    const struct duet_part *parts = types->parts + form->first;
    int rc = 0;
    switch ((enum duet_form_kind)form->kind) {
    case DUET_FORM_ITEMS:
        open_array(writer, "array", form->or_nil);
        return describe(types, parts[0].type, writer);
    case DUET_FORM_TUPLE:
        open_array(writer, "tuple", form->or_nil);
        rc = duet_write_array(writer, form->count);
        for (uint32_t i = 0; rc == 0 && i < form->count; i++)
            rc = describe(types, parts[i].type, writer);
        return rc;
    case DUET_FORM_ANY_KEYS:
    case DUET_FORM_INT_KEYS:
        open_map(writer, form->kind == DUET_FORM_INT_KEYS ? "int" : "any", form->or_nil);
        return describe(types, parts[0].type, writer);
    case DUET_FORM_NAMED:
        open_type(writer, "named", form->or_nil, 1);
        duet_write_field(writer, "name");
        return duet_write_text(writer, types->texts + types->named[form->first].name);
    default:
        open_type(writer, form->kind == DUET_FORM_RECORD ? "record" : "struct", form->or_nil,
                  1);
        describe_members(types, form, writer);
        return 0;
    }
}

static int describe(const struct duet_types *types, duet_type_number type, duet_writer *writer)
{
    return type < DUET_LEAF_NUMBERS ? describe_leaf(duet_type_leaf(type), type & 1, writer)
                                    : describe_form(types, duet_type_form(types, type), writer);
}

static int describe_alternative(const struct duet_types *types,
                                const struct duet_alternative *alternative, duet_writer *writer)
{
    duet_write_map(writer, 3);
    duet_write_field(writer, "result");
    describe(types, alternative->result, writer);
    duet_write_field(writer, "takes_anything");
    duet_write_bool(writer, alternative->takes_anything);
    duet_write_field(writer, "params");
    int rc = duet_write_array(writer, alternative->count);
    for (uint32_t i = 0; rc == 0 && i < alternative->count; i++) {
        duet_write_map(writer, 3);
        duet_write_field(writer, "name");
        duet_write_text(writer,
                        i < types->argument_count ? types->texts + types->arguments[i] : "");
        duet_write_field(writer, "optional");
        duet_write_bool(writer, i >= alternative->least);
        duet_write_field(writer, "type");
        rc = describe(types, types->parts[alternative->first + i].type, writer);
    }
    return rc;
}

int duet_types_describe(const struct duet_types *types, duet_writer *writer)
{
    static const struct duet_types none = {.texts = ""};
    types = types != NULL ? types : &none;
    duet_write_field(writer, "signature");
    duet_write_text(writer, types->texts);
    duet_write_field(writer, "alternatives");
    int rc = duet_write_array(writer, types->alternative_count);
    for (uint32_t n = 0; rc == 0 && n < types->alternative_count; n++)
        rc = describe_alternative(types, &types->alternatives[n], writer);
    duet_write_field(writer, "types");
    rc = duet_write_map(writer, types->named_count);
    for (uint32_t n = 0; rc == 0 && n < types->named_count; n++) {
        duet_write_field(writer, types->texts + types->named[n].name);
        rc = describe(types, types->named[n].type, writer);
    }
    return rc;
}
