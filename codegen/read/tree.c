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
