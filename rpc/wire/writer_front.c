/*
 * duet.h's duet_write_ functions: a NULL writer is of a call that is over, any other one writes
 * (writer_values.c). A file of its own, so that values that are copied are not asked for it one
 * by one.
 */
#include "writer_parts.h"

#include <errno.h>
#include <string.h>

int duet_write_nil(duet_writer *writer)
{
    return writer != NULL ? duet_writer_put_nil(writer) : -EALREADY;
}

int duet_write_bool(duet_writer *writer, bool value)
{
    return writer != NULL ? duet_writer_put_bool(writer, value) : -EALREADY;
}

int duet_write_int(duet_writer *writer, int64_t value)
{
    return writer != NULL ? duet_writer_put_int(writer, value) : -EALREADY;
}

int duet_write_uint(duet_writer *writer, uint64_t value)
{
    return writer != NULL ? duet_writer_put_uint(writer, value) : -EALREADY;
}

int duet_write_double(duet_writer *writer, double value)
{
    return writer != NULL ? duet_writer_put_double(writer, value) : -EALREADY;
}

int duet_write_text(duet_writer *writer, const char *text)
{
    return duet_write_string(writer, text, text != NULL ? strlen(text) : SIZE_MAX);
}

int duet_write_string(duet_writer *writer, const char *text, size_t size)
{
    return writer != NULL ? duet_writer_put_string(writer, text, size) : -EALREADY;
}

int duet_write_bytes(duet_writer *writer, const void *bytes, size_t size)
{
    return writer != NULL ? duet_writer_put_bytes(writer, bytes, size) : -EALREADY;
}

int duet_write_time(duet_writer *writer, duet_time value)
{
    return writer != NULL ? duet_writer_put_time(writer, value) : -EALREADY;
}

int duet_write_value(duet_writer *writer, const duet_value *value)
{
    return writer != NULL ? duet_writer_put_value(writer, value) : -EALREADY;
}

int duet_write_array(duet_writer *writer, size_t count)
{
    return writer != NULL ? duet_writer_put_array(writer, count) : -EALREADY;
}

int duet_write_map(duet_writer *writer, size_t count)
{
    return writer != NULL ? duet_writer_put_map(writer, count) : -EALREADY;
}

int duet_write_record(duet_writer *writer, size_t count, duet_record_form form)
{
    return writer != NULL ? duet_writer_put_record(writer, count, form) : -EALREADY;
}

int duet_write_key(duet_writer *writer, const char *key, size_t size)
{
    return writer != NULL ? duet_writer_put_key(writer, key, size) : -EALREADY;
}

int duet_write_int_key(duet_writer *writer, int64_t key)
{
    return writer != NULL ? duet_writer_put_int_key(writer, key) : -EALREADY;
}

int duet_write_field(duet_writer *writer, const char *name)
{
    return duet_write_key(writer, name, name != NULL ? strlen(name) : 0);
}
