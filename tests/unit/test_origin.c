/*
 * Whose pages may call: the table of WIRE's rules, with Host and Origin as browsers send them
 * and as attackers bend them.
 */
#include "origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { COUNTS = 1, CROSS = 2 };

static const struct row {
    const char *host, *origin; /* NULL: no such line */
    int flags;
    enum duet_admission admission;
} rows[] = {
    /* No page asks. */
    {"127.0.0.1:6789", NULL, COUNTS, DUET_ADMITTED},
    {"127.0.0.1", NULL, COUNTS, DUET_ADMITTED},
    {"10.0.0.7:80", NULL, COUNTS, DUET_ADMITTED},
    {"[::1]:6789", NULL, COUNTS, DUET_ADMITTED},
    {"localhost:6789", NULL, COUNTS, DUET_ADMITTED},
    {"LOCALHOST.", NULL, COUNTS, DUET_ADMITTED},
    {"app.localhost:6789", NULL, COUNTS, DUET_ADMITTED},
    {"proxy.example", NULL, COUNTS, DUET_ADMITTED},
    {"Proxy.Example.:8443", NULL, COUNTS, DUET_ADMITTED},
    {NULL, NULL, COUNTS, DUET_ADMITTED},
    {"", NULL, COUNTS, DUET_ADMITTED},
    {"evil.example", NULL, 0, DUET_ADMITTED},

    /* A rebound name, or what is none. */
    {"evil.example", NULL, COUNTS, DUET_REJECTED_HOST},
    {"evil.example:6789", "http://evil.example:6789", COUNTS, DUET_REJECTED_HOST},
    {"evil.example:6789", "https://app.example", COUNTS, DUET_REJECTED_HOST},
    {"localhost.evil.example", NULL, COUNTS, DUET_REJECTED_HOST},
    {"127.0.0.1.evil.example", NULL, COUNTS, DUET_REJECTED_HOST},
    {"evillocalhost", NULL, COUNTS, DUET_REJECTED_HOST},
    {"2130706433", NULL, COUNTS, DUET_REJECTED_HOST},
    {"proxy.example.evil", NULL, COUNTS, DUET_REJECTED_HOST},
    {"xproxy.example", NULL, COUNTS, DUET_REJECTED_HOST},
    {"app.example", NULL, COUNTS, DUET_REJECTED_HOST}, /* an origin's host is no name of ours */
    {"user@localhost", NULL, COUNTS, DUET_REJECTED_HOST},
    {"localhost:80:80", NULL, COUNTS, DUET_REJECTED_HOST},
    {"[::1", NULL, COUNTS, DUET_REJECTED_HOST},
    {"[evil.example]", NULL, COUNTS, DUET_REJECTED_HOST},
    {" ", NULL, COUNTS, DUET_REJECTED_HOST},

    /* Foreign pages. */
    {"127.0.0.1:6789", "http://evil.example", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "http://127.0.0.1:3000", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "http://127.0.0.1", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "https://127.0.0.1:6789", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "http://localhost:6789", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "http://app.localhost:6789", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "null", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "nullx", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "*", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "https://app.example.evil", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "https://app.example:8443", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "http://app.example", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "https://sub.app.example", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "https://app.example@evil", COUNTS, DUET_REJECTED_ORIGIN},
    {"127.0.0.1:6789", "https://app.example https://evil", COUNTS, DUET_REJECTED_ORIGIN},
    {NULL, "http://127.0.0.1:6789", COUNTS, DUET_REJECTED_ORIGIN},
    {"api.example", "http://evil.example", 0, DUET_REJECTED_ORIGIN},

    /* Pages from where they call. */
    {"127.0.0.1:6789", "http://127.0.0.1:6789", COUNTS, DUET_ADMITTED_ORIGIN},
    {"127.0.0.1", "http://127.0.0.1", COUNTS, DUET_ADMITTED_ORIGIN},
    {"127.0.0.1:80", "http://127.0.0.1", COUNTS, DUET_ADMITTED_ORIGIN},
    {"127.0.0.1", "http://127.0.0.1:80", COUNTS, DUET_ADMITTED_ORIGIN},
    {"[::1]:6789", "http://[::1]:6789", COUNTS, DUET_ADMITTED_ORIGIN},
    {"LocalHost:6789", "HTTP://localhost.:6789", COUNTS, DUET_ADMITTED_ORIGIN},
    {"app.localhost:6789", "http://app.localhost:6789", COUNTS, DUET_ADMITTED_ORIGIN},
    {"proxy.example", "http://proxy.example", COUNTS, DUET_ADMITTED_ORIGIN},
    {"proxy.example", "https://proxy.example", COUNTS, DUET_REJECTED_ORIGIN},
    {"10.0.0.7:6789", "http://10.0.0.7:6789", 0, DUET_ADMITTED_ORIGIN},
    {"api.example:6789", "http://api.example:6789", 0, DUET_REJECTED_OWN_ORIGIN},
    {"api.example", "http://api.example", 0, DUET_REJECTED_OWN_ORIGIN},

    /* Listed ones. */
    {"127.0.0.1:6789", "https://app.example", COUNTS, DUET_ADMITTED_ORIGIN},
    {"127.0.0.1:6789", "https://APP.example:443", COUNTS, DUET_ADMITTED_ORIGIN},
    {"127.0.0.1:6789", "https://app.example.", COUNTS, DUET_ADMITTED_ORIGIN},
    {"api.example", "https://app.example", 0, DUET_ADMITTED_ORIGIN},
    {NULL, "https://app.example", COUNTS, DUET_ADMITTED_ORIGIN},
    {"127.0.0.1:6789", "chrome-extension://abc", COUNTS, DUET_ADMITTED_ORIGIN},

    /* Browsers that say no more than this. */
    {"127.0.0.1:6789", NULL, COUNTS | CROSS, DUET_REJECTED_CROSS_SITE},
    {NULL, NULL, CROSS, DUET_REJECTED_CROSS_SITE},
    {"evil.example", NULL, COUNTS | CROSS, DUET_REJECTED_HOST},
    {"127.0.0.1:6789", "https://app.example", COUNTS | CROSS, DUET_ADMITTED_ORIGIN},
    {"127.0.0.1:6789", "http://evil.example", COUNTS | CROSS, DUET_REJECTED_ORIGIN},
};

static struct duet_asker asker_of(const struct row *row)
{
    return (struct duet_asker){
        .host = row->host,
        .host_size = row->host != NULL ? strlen(row->host) : 0,
        .origin = row->origin,
        .origin_size = row->origin != NULL ? strlen(row->origin) : 0,
        .host_counts = (row->flags & COUNTS) != 0,
        .is_cross_site = (row->flags & CROSS) != 0,
    };
}

static void each_row_is_judged_as_it_says(void **state)
{
    (void)state;
    char *listed[] = {"https://app.example", "chrome-extension://abc"};
    char *names[] = {"proxy.example"};
    const struct duet_texts origins = {listed, 2}, hosts = {names, 1};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_asker asker = asker_of(&rows[i]);
        enum duet_admission admission = duet_admission_of(&asker, &origins, &hosts);
        if (admission != rows[i].admission)
            fail_msg("%s from %s: %d", rows[i].host, rows[i].origin, admission);
    }
}

static void a_star_opens_to_all_pages_and_to_no_rebound_name(void **state)
{
    (void)state;
    char *listed[] = {"*"};
    const struct duet_texts origins = {listed, 1}, hosts = {NULL, 0};
    static const struct row star_rows[] = {
        {"127.0.0.1", "http://evil.example", COUNTS | CROSS, DUET_ADMITTED_ANY_ORIGIN},
        {"127.0.0.1", "null", COUNTS, DUET_ADMITTED_ANY_ORIGIN},
        {"127.0.0.1", "", COUNTS, DUET_ADMITTED_ANY_ORIGIN},
        {"127.0.0.1", NULL, COUNTS | CROSS, DUET_ADMITTED},
        {"evil.example", "http://evil.example", COUNTS, DUET_REJECTED_HOST},
        {"evil.example", "http://evil.example", 0, DUET_ADMITTED_ANY_ORIGIN},
    };
    for (size_t i = 0; i < sizeof star_rows / sizeof *star_rows; i++) {
        struct duet_asker asker = asker_of(&star_rows[i]);
        assert_int_equal(duet_admission_of(&asker, &origins, &hosts), star_rows[i].admission);
    }
}

static void null_is_allowed_only_by_its_name(void **state)
{
    (void)state;
    char *listed[] = {"null"};
    const struct duet_texts origins = {listed, 1}, hosts = {NULL, 0};
    struct duet_asker asker = {.origin = "null", .origin_size = 4};
    assert_int_equal(duet_admission_of(&asker, &origins, &hosts), DUET_ADMITTED_ORIGIN);
    asker.origin = "NULL";
    assert_int_equal(duet_admission_of(&asker, &origins, &hosts), DUET_REJECTED_ORIGIN);
}

static void words_name_the_flag_and_are_printable_and_short(void **state)
{
    (void)state;
    static const char *const flags[] = {
        [DUET_REJECTED_HOST] = "--allow-host",
        [DUET_REJECTED_ORIGIN] = "--allow-origin",
        [DUET_REJECTED_OWN_ORIGIN] = "--allow-host",
        [DUET_REJECTED_CROSS_SITE] = "--allow-origin",
    };
    char host[1000], origin[1000], words[256];
    memset(host, '\x01', sizeof host);
    memset(origin, '"', sizeof origin);
    const struct duet_asker asker = {host, origin, sizeof host, sizeof origin, true, true};
    for (int i = DUET_REJECTED_HOST; i <= DUET_REJECTED_CROSS_SITE; i++) {
        duet_admission_words((enum duet_admission)i, &asker, words, sizeof words);
        assert_non_null(strstr(words, flags[i]));
        assert_true(strlen(words) < sizeof words - 1);
        assert_null(strchr(words, '\x01'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_judged_as_it_says),
        cmocka_unit_test(a_star_opens_to_all_pages_and_to_no_rebound_name),
        cmocka_unit_test(null_is_allowed_only_by_its_name),
        cmocka_unit_test(words_name_the_flag_and_are_printable_and_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
