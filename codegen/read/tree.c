/*
 * The words for what a tree is made of.
 */
#include "tree.h"

const char *idl_type_kind_name(enum idl_type_kind kind)
{
    static const char *const names[] = {[IDL_VOID] = "void",           [IDL_OBJECT] = "object",
                                        [IDL_BOOL] = "bool",           [IDL_BYTE] = "byte",
                                        [IDL_SHORT] = "short",         [IDL_INT] = "int",
                                        [IDL_LONG] = "long",           [IDL_UBYTE] = "ubyte",
                                        [IDL_USHORT] = "ushort",       [IDL_UINT] = "uint",
                                        [IDL_ULONG] = "ulong",         [IDL_FLOAT] = "float",
                                        [IDL_DOUBLE] = "double",       [IDL_RAW] = "raw",
                                        [IDL_STRING] = "string",       [IDL_LIST] = "list",
                                        [IDL_TIMESTAMP] = "timestamp", [IDL_MAP] = "map",
                                        [IDL_TUPLE] = "tuple",         [IDL_NAMED] = "name",
                                        [IDL_ENUM] = "enum",           [IDL_SCALARS] = "",
                                        [IDL_MESSAGE] = "message"};
    return names[kind];
}

const char *idl_decl_kind_name(enum idl_decl_kind kind)
{
    static const char *const names[] = {[IDL_DECL_MESSAGE] = "message",
                                        [IDL_DECL_EXCEPTION] = "exception",
                                        [IDL_DECL_ENUM] = "enum",
                                        [IDL_DECL_ALIAS] = "type",
                                        [IDL_DECL_CONSTANT] = "const",
                                        [IDL_DECL_SERVICE] = "service",
                                        [IDL_DECL_APPLICATION] = "application"};
    return names[kind];
}

bool idl_types_are_equal(const struct idl_type *a, const struct idl_type *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    if (a->kind != b->kind || a->is_nullable != b->is_nullable || a->decl != b->decl)
        return false;
    const struct idl_type *x = a->arguments, *y = b->arguments;
    while (x != NULL && y != NULL && idl_types_are_equal(x, y)) {
        x = x->next;
        y = y->next;
    }
    return x == NULL && y == NULL;
}

const char *idl_type_words(struct idl_memory *memory, const struct idl_type *type)
{
    const char *words = type->decl != NULL        ? type->decl->name.text
                        : type->kind == IDL_NAMED ? type->name
                                                  : idl_type_kind_name(type->kind);
    const char *sign = "<";
    for (const struct idl_type *argument = type->arguments; argument;
         argument = argument->next) {
        words = idl_format(memory, "%s%s%s", words, sign, idl_type_words(memory, argument));
        sign = ", ";
    }
    return idl_format(memory, "%s%s%s", words, type->arguments != NULL ? ">" : "",
                      type->is_nullable ? "?" : "");
}
