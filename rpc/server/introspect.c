/*
 * system.listMethods and its kin: what XML-RPC clients expect of a server, for both protocols.
 * Handlers like any other, on the thread that runs the call.
 */
#include "introspect.h"

#include "call.h"
#include "loop.h"
#include "multicall.h"
#include "registry.h"
#include "server.h"
#include "type_describe.h"
#include "writer.h"

#include <string.h>

static int list_methods(duet_call *call, void *ctx)
{
    (void)ctx;
    const struct duet_registry *registry = call->registry;
    struct duet_method_entry *const *methods = duet_registry_sorted(registry);
    if (methods == NULL)
        return duet_fail(call, DUET_FAULT_INTERNAL, "out of memory");

    duet_writer *writer = duet_call_writer(call);
    size_t count = duet_registry_count(registry);
    int rc = duet_write_array(writer, count);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = duet_write_string(writer, methods[i]->name, methods[i]->name_size);
    return rc;
}

static const struct duet_method_entry *named_method(const duet_call *call)
{
    size_t size;
    const char *name = duet_arg_string(call, 0, &size);
    return duet_registry_find(call->registry, name, size);
}

static int fail_unknown(duet_call *call)
{
    size_t size;
    const char *name = duet_arg_string(call, 0, &size);
    char shown[DUET_METHOD_SHOWN];
    duet_method_show(shown, name, size);
    return duet_fail(call, DUET_FAULT_METHOD, "no method named '%s'", shown);
}

static int method_signature(duet_call *call, void *ctx)
{
    (void)ctx;
    const struct duet_method_entry *method = named_method(call);
    if (method == NULL)
        return fail_unknown(call);
    return duet_signature_write(&method->signature, duet_call_writer(call));
}

static int method_help(duet_call *call, void *ctx)
{
    (void)ctx;
    const struct duet_method_entry *method = named_method(call);
    if (method == NULL)
        return fail_unknown(call);
    return duet_reply_string(call, method->help);
}

/* ---- system.describe */

/* The flags of a method as words; what there are is duet.h's. */
static int write_flags(duet_writer *writer, unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *word;
    } words[] = {
        {DUET_METHOD_INLINE, "inline"},
        {DUET_METHOD_REFUSE_BUSY, "refuse_busy"},
        {DUET_METHOD_FIN_CANCELS, "fin_cancels"},
        {DUET_METHOD_DRAIN_CANCELS, "drain_cancels"},
    };
    const size_t count = sizeof words / sizeof *words;
    size_t set = 0;
    for (size_t i = 0; i < count; i++)
        set += (flags & words[i].flag) != 0;
    int rc = duet_write_array(writer, set);
    for (size_t i = 0; i < count; i++)
        if (flags & words[i].flag)
            rc = duet_write_text(writer, words[i].word);
    return rc;
}

static int describe(duet_call *call, void *ctx)
{
    (void)ctx;
    const struct duet_method_entry *method = named_method(call);
    if (method == NULL)
        return fail_unknown(call);

    duet_writer *writer = duet_call_writer(call);
    duet_write_record(writer, 5 + DUET_DESCRIBED_FIELDS, DUET_RECORD_MAP);
    duet_write_field(writer, "name");
    duet_write_string(writer, method->name, method->name_size);
    duet_write_field(writer, "help");
    duet_write_text(writer, method->help);
    duet_write_field(writer, "flags");
    write_flags(writer, method->flags);
    duet_write_field(writer, "timeout_ms");
    duet_write_int(writer, method->timeout_ms);
    duet_write_field(writer, "max_running");
    duet_write_int(writer, method->gate.max);
    return duet_types_describe(method->signature.types, writer);
}

static int method_exist(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_bool(call, named_method(call) != NULL);
}

/* ---- system.getCapabilities */

static int get_capabilities(duet_call *call, void *ctx)
{
    (void)ctx;
    static const struct {
        const char *name, *url;
        int version;
    } capabilities[] = {
        {"xmlrpc", "http://www.xmlrpc.com/spec", 1},
        {"introspect", "http://xmlrpc-c.sourceforge.net/xmlrpc-c/introspection.html", 1},
        {"faults_interop", "http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php",
         20010516},
        {"system.multicall", "http://www.xmlrpc.com/discuss/msgReader$1208", 1},
        {"nil", "http://ontosys.com/xml-rpc/extensions.php", 20010518},
    };
    const size_t count = sizeof capabilities / sizeof *capabilities;

    /* The writer's errors stick: what it says last is what it says at all. */
    duet_writer *writer = duet_call_writer(call);
    int rc = duet_write_map(writer, count);
    for (size_t i = 0; i < count; i++) {
        duet_write_key(writer, capabilities[i].name, strlen(capabilities[i].name));
        duet_write_record(writer, 2, DUET_RECORD_MAP);
        duet_write_field(writer, "specUrl");
        duet_write_string(writer, capabilities[i].url, strlen(capabilities[i].url));
        duet_write_field(writer, "specVersion");
        rc = duet_write_int(writer, capabilities[i].version);
    }
    return rc;
}

/* ---- system.stats */

static int write_count(duet_writer *writer, const char *name, uint64_t count)
{
    duet_write_field(writer, name);
    return count > INT64_MAX ? duet_write_int(writer, INT64_MAX)
                             : duet_write_int(writer, (int64_t)count);
}

#define ONE(name) +1
enum { CALL_COUNTERS = DUET_CALL_COUNTERS(ONE), SERVER_COUNTERS = DUET_SERVER_COUNTERS(ONE) };
#undef ONE

/* A record of them, under the names that they have in duet.h. */
static int write_calls(duet_writer *writer, const duet_call_stats *calls)
{
    int rc = duet_write_record(writer, CALL_COUNTERS, DUET_RECORD_MAP);
#define WRITE(name) rc = write_count(writer, #name, calls->name);
    DUET_CALL_COUNTERS(WRITE)
#undef WRITE
    return rc;
}

/* The one that has been kept for longest: who looks for a call that was forgotten begins here.
 */
static void write_longest_kept(duet_writer *writer, const struct duet_service *service)
{
    struct duet_kept_count kept;
    duet_kept_look(service, &kept);
    uint64_t ns = kept.count > 0 ? duet_clock_ns() - kept.oldest_ns : 0;
    duet_write_record(writer, 2, DUET_RECORD_MAP);
    duet_write_field(writer, "method");
    duet_write_text(writer, kept.oldest);
    write_count(writer, "ms", ns / 1000000);
}

/* The fields of a record that goes on. */
static void write_totals(duet_writer *writer, const duet_stats *stats)
{
#define WRITE(name) write_count(writer, #name, stats->name);
    DUET_SERVER_COUNTERS(WRITE)
#undef WRITE
    duet_write_field(writer, "calls");
    write_calls(writer, &stats->calls);
}

static int write_method(duet_writer *writer, const struct duet_method_entry *method,
                        const duet_server *server)
{
    duet_call_stats calls;
    duet_method_sum(method, duet_server_shards(server), &calls);
    duet_write_key(writer, method->name, method->name_size);
    return write_calls(writer, &calls);
}

/* The server's totals, and under "methods" those methods that have been called. */
static int stats(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_server *server = duet_call_server(call);
    const struct duet_registry *registry = call->registry;
    struct duet_method_entry *const *methods = duet_registry_sorted(registry);
    if (methods == NULL)
        return duet_fail(call, DUET_FAULT_INTERNAL, "out of memory");
    duet_stats totals;
    duet_server_stats(server, &totals);

    const struct duet_method_entry *other = duet_registry_default(registry);
    bool has_other = other != NULL && atomic_load(&other->counts) != NULL;
    size_t called = has_other, count = duet_registry_count(registry), written = has_other;
    for (size_t i = 0; i < count; i++)
        called += atomic_load(&methods[i]->counts) != NULL;
    duet_writer *writer = duet_call_writer(call);
    duet_write_record(writer, SERVER_COUNTERS + 3, DUET_RECORD_MAP);
    write_totals(writer, &totals);
    duet_write_field(writer, "longest_kept");
    write_longest_kept(writer, call->service);
    duet_write_field(writer, "methods");
    int rc = duet_write_map(writer, called);
    if (has_other)
        rc = write_method(writer, other, server);
    for (size_t i = 0; rc == 0 && i < count && written < called; i++) {
        if (atomic_load(&methods[i]->counts) == NULL)
            continue;
        rc = write_method(writer, methods[i], server);
        written++;
    }
    return rc;
}

/* Looking one method up is as quick as a call's own lookup and needs no worker; the list may be
 * long, and a multicall may run anything. */
const duet_method duet_introspection[] = {
    {.name = "system.listMethods",
     .signature = "a:*", /* HomeMatic CCUs send the id of an interface along */
     .handler = list_methods,
     .help = "The names of all methods, sorted."},
    {.name = "system.methodSignature",
     .signature = "v:s",
     .handler = method_signature,
     .flags = DUET_METHOD_INLINE,
     .help = "The signatures of a method, each an array of type names with the result's first; "
             "\"undef\" if it takes anything."},
    {.name = "system.methodHelp",
     .signature = "s:s",
     .handler = method_help,
     .flags = DUET_METHOD_INLINE,
     .help = "What a method says of itself."},
    {.name = "system.methodExist",
     .signature = "b:s",
     .handler = method_exist,
     .flags = DUET_METHOD_INLINE,
     .help = "Whether there is a method of that name."},
    {.name = "system.describe",
     .signature = "{name:s,help:s,flags:[s],timeout_ms:i,max_running:i,signature:s,"
                  "alternatives:[{result:v,params:[{name:s,optional:b,type:v}],"
                  "takes_anything:b}],types:{*:v}}:s",
     .handler = describe,
     .help = "All that is known of a method: its types as structs, help, limits and flags."},
    {.name = "system.getCapabilities",
     .signature = "m:*",
     .handler = get_capabilities,
     .flags = DUET_METHOD_INLINE,
     .help = "The specifications that this server keeps to."},
    {.name = duet_multicall_name,
     .signature = "a:a",
     .handler = duet_multicall,
     .help =
         "Runs several calls, each {methodName, params}, and answers with one entry for each: "
         "an array of its one result, or {faultCode, faultString}."},
    {.name = "system.stats",
     .signature = "m:*",
     .handler = stats,
     .flags = DUET_METHOD_INLINE, /* when all workers are busy, it is asked for most */
     .help = "What the server has counted since it started."},
    {0},
};
