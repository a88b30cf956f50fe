/*
 * What xmlrpc-c makes of a document, for differential.py. Reads jobs from stdin, each a line
 * "KIND SIZE" and that many bytes:
 *
 *     call      a methodCall: its first parameter, as JSON
 *     response  a methodResponse: its result, as JSON
 *     rewrite   a methodCall: the same call as xmlrpc-c writes it, as XML
 *
 * and answers each with "STATUS SIZE" and bytes: ok and the above, refused and the reason, or
 * crashed. Each job has a child process of its own: libxmlrpc 1.33.14 crashes on some
 * documents.
 *
 * A value in JSON is a pair of its type's letter and its text, strings and bytes in
 * hexadecimal:
 * ["i","5"], ["s","c3a9"], ["a",[…]], ["m",[["6b6579",…],…]].
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xmlrpc-c/base.h>

enum {
    MAX_DOCUMENT = 16 << 20,
    MAX_SECONDS = 10, /* of one job */
};

enum { EXIT_OK = 0, EXIT_REFUSED = 1 };

_Noreturn static void die(const char *why)
{
    perror(why);
    exit(EXIT_FAILURE);
}

/* ---- In the child */

static void check(const xmlrpc_env *env, FILE *out)
{
    if (!env->fault_occurred)
        return;
    rewind(out);
    fprintf(out, "%s", env->fault_string);
    fclose(out);
    _exit(EXIT_REFUSED);
}

static void print_hex(FILE *out, const char *letter, const void *bytes, size_t size)
{
    fprintf(out, "[\"%s\",\"", letter);
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%02x", ((const unsigned char *)bytes)[i]);
    fprintf(out, "\"]");
}

static void print_number(FILE *out, xmlrpc_env *env, xmlrpc_value *value)
{
    if (xmlrpc_value_type(value) == XMLRPC_TYPE_DOUBLE) {
        double number;
        xmlrpc_read_double(env, value, &number);
        fprintf(out, "[\"d\",\"%a\"]", number);
    } else if (xmlrpc_value_type(value) == XMLRPC_TYPE_I8) {
        xmlrpc_int64 number;
        xmlrpc_read_i8(env, value, &number);
        fprintf(out, "[\"i\",\"%" PRId64 "\"]", (int64_t)number);
    } else {
        int number;
        xmlrpc_read_int(env, value, &number);
        fprintf(out, "[\"i\",\"%d\"]", number);
    }
}

static void print_text(FILE *out, xmlrpc_env *env, xmlrpc_value *value)
{
    const char *text;
    size_t size;
    xmlrpc_read_string_lp(env, value, &size, &text);
    check(env, out);
    print_hex(out, "s", text, size);
}

static void print_value(FILE *out, xmlrpc_env *env, xmlrpc_value *value);

static void print_array(FILE *out, xmlrpc_env *env, xmlrpc_value *array)
{
    int count = xmlrpc_array_size(env, array);
    fprintf(out, "[\"a\",[");
    for (int i = 0; i < count; i++) {
        xmlrpc_value *item;
        xmlrpc_array_read_item(env, array, (unsigned)i, &item);
        fputs(i > 0 ? "," : "", out);
        print_value(out, env, item);
    }
    fprintf(out, "]]");
}

static void print_struct(FILE *out, xmlrpc_env *env, xmlrpc_value *members)
{
    int count = xmlrpc_struct_size(env, members);
    fprintf(out, "[\"m\",[");
    for (int i = 0; i < count; i++) {
        xmlrpc_value *key, *value;
        xmlrpc_struct_read_member(env, members, (unsigned)i, &key, &value);
        fputs(i > 0 ? ",[" : "[", out);
        print_value(out, env, key);
        fprintf(out, ",");
        print_value(out, env, value);
        fprintf(out, "]");
    }
    fprintf(out, "]]");
}

static void print_other(FILE *out, xmlrpc_env *env, xmlrpc_value *value)
{
    xmlrpc_bool truth;
    const unsigned char *bytes;
    const char *time;
    size_t size;
    switch (xmlrpc_value_type(value)) {
    case XMLRPC_TYPE_NIL:
        fprintf(out, "[\"n\",\"\"]");
        break;
    case XMLRPC_TYPE_BOOL:
        xmlrpc_read_bool(env, value, &truth);
        fprintf(out, "[\"b\",\"%d\"]", truth != 0);
        break;
    case XMLRPC_TYPE_DATETIME:
        xmlrpc_read_datetime_str(env, value, &time);
        check(env, out);
        fprintf(out, "[\"t\",\"%s\"]", time);
        break;
    case XMLRPC_TYPE_BASE64:
        xmlrpc_read_base64(env, value, &size, &bytes);
        check(env, out);
        print_hex(out, "x", bytes, size);
        break;
    default:
        xmlrpc_env_set_fault(env, XMLRPC_TYPE_ERROR, "a type that xmlrpc-c does not name");
    }
}

/* The documents of the tests are not deep: recursion is fine. */
static void print_value(FILE *out, xmlrpc_env *env, xmlrpc_value *value)
{
    check(env, out);
    switch (xmlrpc_value_type(value)) {
    case XMLRPC_TYPE_INT:
    case XMLRPC_TYPE_I8:
    case XMLRPC_TYPE_DOUBLE:
        print_number(out, env, value);
        break;
    case XMLRPC_TYPE_STRING:
        print_text(out, env, value);
        break;
    case XMLRPC_TYPE_ARRAY:
        print_array(out, env, value);
        break;
    case XMLRPC_TYPE_STRUCT:
        print_struct(out, env, value);
        break;
    default:
        print_other(out, env, value);
    }
    check(env, out);
}

static void run_call(FILE *out, xmlrpc_env *env, const char *document, size_t size)
{
    const char *method;
    xmlrpc_value *params, *first;
    xmlrpc_parse_call(env, document, size, &method, &params);
    check(env, out);
    xmlrpc_array_read_item(env, params, 0, &first);
    print_value(out, env, first);
}

static void run_response(FILE *out, xmlrpc_env *env, const char *document, size_t size)
{
    xmlrpc_value *result;
    int code;
    const char *words;
    xmlrpc_parse_response2(env, document, size, &result, &code, &words);
    check(env, out);
    if (words != NULL)
        xmlrpc_env_set_fault(env, code, words);
    check(env, out);
    print_value(out, env, result);
}

static void run_rewrite(FILE *out, xmlrpc_env *env, const char *document, size_t size)
{
    const char *method;
    xmlrpc_value *params;
    xmlrpc_parse_call(env, document, size, &method, &params);
    check(env, out);
    xmlrpc_mem_block *written = XMLRPC_MEMBLOCK_NEW(char, env, 0);
    xmlrpc_serialize_call2(env, written, method, params, xmlrpc_dialect_i8);
    check(env, out);
    fwrite(XMLRPC_MEMBLOCK_CONTENTS(char, written), 1, XMLRPC_MEMBLOCK_SIZE(char, written),
           out);
}

static const struct job {
    const char *kind;
    void (*run)(FILE *out, xmlrpc_env *env, const char *document, size_t size);
} jobs[] = {{"call", run_call}, {"response", run_response}, {"rewrite", run_rewrite}};

_Noreturn static void run_job(const struct job *job, FILE *out, const char *document,
                              size_t size)
{
    xmlrpc_env env;
    alarm(MAX_SECONDS);
    xmlrpc_env_init(&env);
    xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID, MAX_DOCUMENT);
    job->run(out, &env, document, size);
    if (fclose(out) != 0)
        die("write");
    _exit(EXIT_OK);
}

/* ---- In the parent */

static const struct job *find_job(const char *kind)
{
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        if (strcmp(jobs[i].kind, kind) == 0)
            return &jobs[i];
    fprintf(stderr, "xmlrpc_c_oracle: no job named %s\n", kind);
    exit(EXIT_FAILURE);
}

/* A job's answer goes through a file: a fault found late replaces what was written before it.
 */
static void answer(const struct job *job, const char *document, size_t size)
{
    FILE *out = tmpfile();
    if (out == NULL)
        die("tmpfile");
    pid_t child = fork();
    if (child == 0)
        run_job(job, out, document, size);

    int status;
    if (child < 0 || waitpid(child, &status, 0) < 0)
        die("fork");
    bool is_whole = WIFEXITED(status);
    off_t length = is_whole ? lseek(fileno(out), 0, SEEK_CUR) : 0; /* where the child ended */
    printf("%s %jd\n",
           !is_whole                        ? "crashed"
           : WEXITSTATUS(status) == EXIT_OK ? "ok"
                                            : "refused",
           (intmax_t)length);
    rewind(out);
    for (off_t i = 0; i < length; i++)
        putchar(getc(out));
    fclose(out);
    fflush(stdout);
}

int main(void)
{
    char kind[16];
    size_t size;
    while (scanf("%15s %zu%*1[\n]", kind, &size) == 2) {
        char *document = malloc(size + 1);
        if (document == NULL || size > MAX_DOCUMENT || fread(document, 1, size, stdin) != size)
            die("read");
        answer(find_job(kind), document, size);
        free(document);
    }
    return EXIT_SUCCESS;
}
