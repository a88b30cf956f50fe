/*
 * Decorators: options of methods. Those that nobody here knows are kept, with a warning.
 */
#include "checker.h"

#include <string.h>

enum { MAX_TIMEOUT_MS = 86400 * 1000 }; /* a day, as of duet_method.timeout_ms */

enum effect {
    EFFECT_TIMEOUT,
    EFFECT_LIMIT,
    EFFECT_INLINE,
    EFFECT_REFUSE_BUSY,
    EFFECT_LATER,
    EFFECT_OF_OTHERS, /* for what else reads the interface: clients, jubatus' proxies */
};

static const struct known {
    const char *name;
    enum effect effect;
    bool is_jubatus;
} knowns[] = {
    {"timeout", EFFECT_TIMEOUT, false},      {"limit", EFFECT_LIMIT, false},
    {"inline", EFFECT_INLINE, false},        {"refuse_busy", EFFECT_REFUSE_BUSY, false},
    {"later", EFFECT_LATER, false},          {"idempotent", EFFECT_OF_OTHERS, false},
    {"deprecated", EFFECT_OF_OTHERS, false}, {"random", EFFECT_OF_OTHERS, true},
    {"cht", EFFECT_OF_OTHERS, true},         {"broadcast", EFFECT_OF_OTHERS, true},
    {"internal", EFFECT_OF_OTHERS, true},    {"update", EFFECT_OF_OTHERS, true},
    {"analysis", EFFECT_OF_OTHERS, true},    {"nolock", EFFECT_OF_OTHERS, true},
    {"pass", EFFECT_OF_OTHERS, true},        {"all_and", EFFECT_OF_OTHERS, true},
    {"all_or", EFFECT_OF_OTHERS, true},      {"concat", EFFECT_OF_OTHERS, true},
    {"merge", EFFECT_OF_OTHERS, true},       {"add", EFFECT_OF_OTHERS, true},
    {"ignore", EFFECT_OF_OTHERS, true},
};

static const struct known *find_known(struct idl_checker *checker,
                                      const struct idl_decorator *decorator)
{
    struct idl_guess guess = idl_guess_for(decorator->name.text);
    for (size_t i = 0; i < sizeof knowns / sizeof *knowns; i++) {
        if (strcmp(knowns[i].name, decorator->name.text) == 0)
            return &knowns[i];
        if (!knowns[i].is_jubatus)
            idl_guess_try(&guess, knowns[i].name);
    }
    idl_warning(checker->reports, decorator->name.place,
                "unknown decorator '%s' has no effect%s", decorator->name.text,
                idl_guess_words(&guess, checker->memory));
    return NULL;
}

/* Its one argument, from 1 to `most`; 0 if it is not that. */
static unsigned number(struct idl_checker *checker, const struct idl_decorator *decorator,
                       unsigned most)
{
    const struct idl_literal *argument = decorator->arguments;
    if (decorator->count == 1 && argument->kind == IDL_LITERAL_INTEGER &&
        !argument->is_negative && argument->integer > 0 && argument->integer <= most)
        return (unsigned)argument->integer;
    idl_error(checker->reports, decorator->name.place,
              "#@%s takes a number from 1 to %u: #@%s(%s)", decorator->name.text, most,
              decorator->name.text, strcmp(decorator->name.text, "timeout") == 0 ? "500" : "8");
    return 0;
}

static void apply(struct idl_checker *checker, struct idl_method *method,
                  const struct idl_decorator *decorator, const struct known *known)
{
    bool is_flag = known->effect == EFFECT_INLINE || known->effect == EFFECT_REFUSE_BUSY ||
                   known->effect == EFFECT_LATER;
    if (is_flag && decorator->count > 0)
        idl_error(checker->reports, decorator->name.place, "#@%s takes no arguments",
                  known->name);
    switch (known->effect) {
    case EFFECT_TIMEOUT:
        method->timeout_ms = number(checker, decorator, MAX_TIMEOUT_MS);
        break;
    case EFFECT_LIMIT:
        method->max_running = number(checker, decorator, INT32_MAX);
        break;
    case EFFECT_INLINE:
        method->is_inline = true;
        break;
    case EFFECT_REFUSE_BUSY:
        method->refuses_busy = true;
        break;
    case EFFECT_LATER:
        method->answers_later = true;
        break;
    case EFFECT_OF_OTHERS:
        break;
    }
}

static const struct idl_decorator *find(const struct idl_method *method, const char *name)
{
    const struct idl_decorator *decorator = method->decorators;
    while (decorator != NULL && strcmp(decorator->name.text, name) != 0)
        decorator = decorator->next;
    return decorator;
}

static void check_together(struct idl_checker *checker, const struct idl_method *method)
{
    if (method->answers_later && method->is_oneway)
        idl_error(checker->reports, find(method, "later")->name.place,
                  "'%s' is oneway, so nobody waits for its answer", method->name.text);
    if (method->is_inline && method->timeout_ms > 0)
        idl_error(checker->reports, find(method, "timeout")->name.place,
                  "a method that runs inline holds the loop that would see to its time limit: "
                  "#@inline or #@timeout");
    if (method->refuses_busy && method->max_running == 0)
        idl_error(checker->reports, find(method, "refuse_busy")->name.place,
                  "#@refuse_busy needs #@limit(…), which says when it is busy");
}

void idl_check_decorators(struct idl_checker *checker, struct idl_method *method)
{
    for (const struct idl_decorator *one = method->decorators; one; one = one->next) {
        if (find(method, one->name.text) != one)
            idl_error(checker->reports, one->name.place, "#@%s stands here twice",
                      one->name.text);
        const struct known *known = find_known(checker, one);
        if (known != NULL)
            apply(checker, method, one, known);
    }
    check_together(checker, method);
    if (method->kind != IDL_METHOD && method->decorators != NULL)
        idl_warning(checker->reports, method->decorators->name.place,
                    "'%s' is ignored: what is inherited has its own",
                    method->decorators->name.text);
}
