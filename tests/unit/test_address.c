/*
 * Addresses: what is read, what is refused and with which words, and that formatting is the way
 * back.
 */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void good_addresses_are_read_and_written_back(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum duet_scheme scheme;
        int family;
        const char *formatted;
    } rows[] = {
        {"tcp://127.0.0.1:6789", DUET_SCHEME_BOTH, AF_INET, "tcp://127.0.0.1:6789"},
        {"tcp://0.0.0.0:0", DUET_SCHEME_BOTH, AF_INET, "tcp://0.0.0.0:0"},
        {"tcp://127.0.0.1:65535", DUET_SCHEME_BOTH, AF_INET, "tcp://127.0.0.1:65535"},
        {"http://127.0.0.1:80", DUET_SCHEME_HTTP, AF_INET, "http://127.0.0.1:80"},
        {"http://127.0.0.1:80/", DUET_SCHEME_HTTP, AF_INET, "http://127.0.0.1:80"},
        {"http://127.0.0.1:80/RPC2", DUET_SCHEME_HTTP, AF_INET, "http://127.0.0.1:80"},
        {"msgpack://127.0.0.1:1", DUET_SCHEME_MSGPACK, AF_INET, "msgpack://127.0.0.1:1"},
        {"tcp://[::1]:6789", DUET_SCHEME_BOTH, AF_INET6, "tcp://[::1]:6789"},
        {"http://[::]:8080", DUET_SCHEME_HTTP, AF_INET6, "http://[::]:8080"},
        {"msgpack://[2001:db8::1]:7", DUET_SCHEME_MSGPACK, AF_INET6,
         "msgpack://[2001:db8::1]:7"},
        {"unix:/run/x.sock", DUET_SCHEME_BOTH, AF_UNIX, "unix:/run/x.sock"},
        {"unix:x", DUET_SCHEME_BOTH, AF_UNIX, "unix:x"},
        {"http+unix:/run/x.sock", DUET_SCHEME_HTTP, AF_UNIX, "http+unix:/run/x.sock"},
        {"msgpack+unix:/run/a:b", DUET_SCHEME_MSGPACK, AF_UNIX, "msgpack+unix:/run/a:b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_address found[DUET_ADDRESSES_MAX];
        char words[256] = "", text[DUET_ADDRESS_TEXT_MAX];
        assert_int_equal(duet_address_parse(found, rows[i].text, words, sizeof words), 1);
        assert_string_equal(words, "");
        assert_int_equal(found[0].scheme, rows[i].scheme);
        assert_int_equal(found[0].any.sa_family, rows[i].family);
        duet_address_format(&found[0], text);
        assert_string_equal(text, rows[i].formatted);
    }
}

static void bad_addresses_are_refused_with_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words; /* a part of what is said */
    } rows[] = {
        {"", "expected tcp://HOST:PORT"},
        {"127.0.0.1:80", "got '127.0.0.1:80'"},
        {"TCP://127.0.0.1:80", "expected tcp://HOST:PORT"},
        {"udp://127.0.0.1:80", "expected tcp://HOST:PORT"},
        {"tcp:/127.0.0.1:80", "expected tcp://HOST:PORT"},
        {"tcp://", "expected HOST:PORT"},
        {"tcp://:", "expected HOST:PORT"},
        {"tcp://:80", "expected HOST:PORT"},
        {"tcp://127.0.0.1", "expected HOST:PORT"},
        {"tcp://127.0.0.1:", "expected HOST:PORT"},
        {"tcp://127.0.0.1:65536", "a port from 0 to 65535"},
        {"tcp://127.0.0.1:100000", "a port from 0 to 65535"},
        {"tcp://127.0.0.1:99999999999999999999", "a port from 0 to 65535"},
        {"tcp://127.0.0.1:-1", "a port from 0 to 65535"},
        {"tcp://127.0.0.1:+80", "a port from 0 to 65535"},
        {"tcp://127.0.0.1: 80", "a port from 0 to 65535"},
        {"tcp://127.0.0.1:http", "a port from 0 to 65535"},
        {"http://127.0.0.1:80/RPC3", "expected HOST:PORT"},
        {"http://127.0.0.1:80/RPC2/", "expected HOST:PORT"},
        {"tcp://[:80", "expected HOST:PORT"},
        {"tcp://[]:80", "expected HOST:PORT"},
        {"tcp://[::1:80", "expected HOST:PORT"},
        {"tcp://[::1]", "expected HOST:PORT"},
        {"tcp://::1:80", "IPv6 as [::1]:6789"},
        {"tcp://::1", "IPv6 as [::1]:6789"},
        {"tcp://1.2.3.4.5:80", "cannot resolve host '1.2.3.4.5'"},
        {"unix:", "1 to 107 bytes"},
        {"http+unix:", "1 to 107 bytes"},
        {"unix:@", "name has 1 to 107 bytes"},
        {"unix:?mode=0660", "path has 1 to 107 bytes"},
        {"unix:@x?mode=0660", "everybody on this machine may connect to it"},
        {"unix:/x?", "?mode=OCTAL and &group=NAME, got ''"},
        {"unix:/x?user=root", "got 'user=root'"},
        {"unix:/x?mode=0660&", "got ''"},
        {"unix:/x?mode", "got 'mode'"},
        {"unix:/x?mode=", "from 0 to 0777, got ''"},
        {"unix:/x?mode=8", "from 0 to 0777, got '8'"},
        {"unix:/x?mode=rw", "got 'rw'"},
        {"unix:/x?mode=1777", "from 0 to 0777, got '1777'"},
        {"unix:/x?mode=00660", "got '00660'"},
        {"unix:/x?mode=-1&group=0", "got '-1'"},
        {"unix:/x?group=", "group of this machine or its number, got ''"},
        {"unix:/x?group=no-such-group", "got 'no-such-group'"},
        {"unix:/x?group=4294967295", "got '4294967295'"},
        {"unix:/x?group=1x", "got '1x'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_address found[DUET_ADDRESSES_MAX];
        char words[512] = "";
        assert_int_equal(duet_address_parse(found, rows[i].text, words, sizeof words), -EINVAL);
        if (strstr(words, rows[i].words) == NULL)
            fail_msg("'%s': \"%s\" does not say \"%s\"", rows[i].text, words, rows[i].words);
    }
}

static void the_words_of_an_endless_address_are_cut(void **state)
{
    (void)state;
    char text[5000], words[64];
    memset(text, 'x', sizeof text);
    memcpy(text, "tcp://", 6);
    text[sizeof text - 1] = '\0';
    struct duet_address found[DUET_ADDRESSES_MAX];
    assert_int_equal(duet_address_parse(found, text, words, sizeof words), -EINVAL);
    assert_int_equal(strlen(words), sizeof words - 1);
}

static void a_unix_path_may_have_107_bytes_and_not_108(void **state)
{
    (void)state;
    char text[256], words[512], formatted[DUET_ADDRESS_TEXT_MAX];
    struct duet_address found[DUET_ADDRESSES_MAX];
    int start = snprintf(text, sizeof text, "msgpack+unix:");
    memset(text + start, 'p', 108);

    text[start + 107] = '\0';
    assert_int_equal(duet_address_parse(found, text, words, sizeof words), 1);
    assert_int_equal(found[0].size, sizeof(struct sockaddr_un));
    duet_address_format(&found[0], formatted);
    assert_string_equal(formatted, text);

    text[start + 107] = 'p';
    text[start + 108] = '\0';
    assert_int_equal(duet_address_parse(found, text, words, sizeof words), -EINVAL);
    assert_non_null(strstr(words, "has 108"));
}

static void localhost_is_loopback_in_both_families(void **state)
{
    (void)state;
    static const char *const texts[] = {"tcp://localhost:5", "tcp://LocalHost.:5",
                                        "tcp://any.name.localhost:5"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct duet_address found[DUET_ADDRESSES_MAX];
        char words[256], text[DUET_ADDRESS_TEXT_MAX];
        assert_int_equal(duet_address_parse(found, texts[i], words, sizeof words), 2);
        duet_address_format(&found[0], text);
        assert_string_equal(text, "tcp://127.0.0.1:5");
        duet_address_format(&found[1], text);
        assert_string_equal(text, "tcp://[::1]:5");
    }
}

/* ---- Names that the resolver knows: the test's own ---- */

static const char *const *resolved; /* numeric addresses of every name, NULL at the end */

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **first);
int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **first);

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **first)
{
    if (resolved == NULL)
        return __real_getaddrinfo(host, port, hints, first);
    struct addrinfo **last = first;
    for (size_t i = 0; resolved[i] != NULL; i++) {
        assert_int_equal(__real_getaddrinfo(resolved[i], port, hints, last), 0);
        assert_null((*last)->ai_next);
        last = &(*last)->ai_next;
    }
    return 0;
}

static void a_name_stands_for_all_its_addresses_each_once(void **state)
{
    (void)state;
    static const char *const addresses[] = {"192.0.2.1", "2001:db8::1", "192.0.2.1",
                                            "192.0.2.2", "2001:db8::1", NULL};
    static const char *const texts[] = {"http://192.0.2.1:7", "http://[2001:db8::1]:7",
                                        "http://192.0.2.2:7"};
    struct duet_address found[DUET_ADDRESSES_MAX];
    char words[256], text[DUET_ADDRESS_TEXT_MAX];
    resolved = addresses;
    assert_int_equal(duet_address_parse(found, "http://name:7", words, sizeof words), 3);
    resolved = NULL;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(found[i].scheme, DUET_SCHEME_HTTP);
        duet_address_format(&found[i], text);
        assert_string_equal(text, texts[i]);
    }
}

static void a_name_with_too_many_addresses_is_refused(void **state)
{
    (void)state;
    char texts[DUET_ADDRESSES_MAX + 1][16];
    const char *addresses[DUET_ADDRESSES_MAX + 2];
    for (int i = 0; i <= DUET_ADDRESSES_MAX; i++) {
        snprintf(texts[i], sizeof texts[i], "192.0.2.%d", i);
        addresses[i] = texts[i];
    }
    struct duet_address found[DUET_ADDRESSES_MAX];
    char words[256] = "";
    addresses[DUET_ADDRESSES_MAX + 1] = NULL;
    resolved = addresses;
    assert_int_equal(duet_address_parse(found, "tcp://name:7", words, sizeof words), -EINVAL);
    assert_non_null(strstr(words, "'name' has more than 16 addresses"));
    addresses[DUET_ADDRESSES_MAX] = NULL;
    assert_int_equal(duet_address_parse(found, "tcp://name:7", words, sizeof words),
                     DUET_ADDRESSES_MAX);
    resolved = NULL;
}

/* ---- Unix sockets ---- */

static void who_may_connect_stands_behind_a_path(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool has_mode, has_group;
        mode_t mode;
        gid_t group;
    } rows[] = {
        {"unix:/run/x", false, false, 0, 0},
        {"unix:/run/x?mode=0660", true, false, 0660, 0},
        {"unix:/run/x?mode=7", true, false, 7, 0},
        {"unix:/run/x?group=root", false, true, 0, 0},
        {"unix:/run/x?group=12345", false, true, 0, 12345},
        {"unix:/run/x?mode=600&group=12345", true, true, 0600, 12345},
        {"unix:/run/x?group=12345&mode=600", true, true, 0600, 12345},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_address found[DUET_ADDRESSES_MAX];
        char words[256] = "", text[DUET_ADDRESS_TEXT_MAX];
        if (duet_address_parse(found, rows[i].text, words, sizeof words) != 1)
            fail_msg("'%s': %s", rows[i].text, words);
        duet_address_format(&found[0], text);
        assert_string_equal(text, "unix:/run/x");
        assert_int_equal(found[0].access.has_mode, rows[i].has_mode);
        assert_int_equal(found[0].access.has_group, rows[i].has_group);
        assert_int_equal(found[0].access.mode, rows[i].mode);
        assert_int_equal(found[0].access.group, rows[i].group);
    }
}

static void a_name_without_a_path_is_abstract(void **state)
{
    (void)state;
    struct duet_address found[DUET_ADDRESSES_MAX];
    char words[256], text[DUET_ADDRESS_TEXT_MAX], longest[256];
    assert_int_equal(duet_address_parse(found, "http+unix:@duet/x", words, sizeof words), 1);
    assert_true(duet_address_is_abstract(&found[0]));
    assert_int_equal(found[0].size, offsetof(struct sockaddr_un, sun_path) + 1 + 6);
    assert_memory_equal(found[0].un.sun_path, "\0duet/x", 7);
    duet_address_format(&found[0], text);
    assert_string_equal(text, "http+unix:@duet/x");

    assert_int_equal(duet_address_parse(found, "unix:./@x", words, sizeof words), 1);
    assert_false(duet_address_is_abstract(&found[0]));

    int start = snprintf(longest, sizeof longest, "msgpack+unix:@");
    memset(longest + start, 'n', 107);
    longest[start + 107] = '\0';
    assert_int_equal(duet_address_parse(found, longest, words, sizeof words), 1);
    assert_int_equal(found[0].size, sizeof(struct sockaddr_un));
    duet_address_format(&found[0], text);
    assert_string_equal(text, longest);
}

/* ---- Peers ---- */

static void a_link_local_peer_has_its_interface(void **state)
{
    (void)state;
    char text[DUET_PEER_TEXT_MAX], name[IF_NAMESIZE], expected[DUET_PEER_TEXT_MAX];
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    inet_pton(AF_INET6, "fe80::1", &in6.sin6_addr);
    in6.sin6_scope_id = 1; /* the first interface is there on every machine */
    assert_non_null(if_indextoname(1, name));
    duet_peer_format((const struct sockaddr *)&in6, text, sizeof text);
    snprintf(expected, sizeof expected, "[fe80::1%%%s]:80", name);
    assert_string_equal(text, expected);

    char address[DUET_ADDRESS_TEXT_MAX], words[256]; /* and back */
    struct duet_address found[DUET_ADDRESSES_MAX];
    snprintf(address, sizeof address, "tcp://%s", text);
    assert_int_equal(duet_address_parse(found, address, words, sizeof words), 1);
    assert_memory_equal(&found[0].storage, &in6, sizeof in6);
    duet_address_format(&found[0], address);
    assert_string_equal(address + strlen("tcp://"), text);

    in6.sin6_scope_id = 0x7ffffffe; /* an interface that is gone */
    duet_peer_format((const struct sockaddr *)&in6, text, sizeof text);
    assert_string_equal(text, "[fe80::1%2147483646]:80");

    memset(&in6.sin6_addr, 0xff, sizeof in6.sin6_addr); /* the longest fits */
    in6.sin6_port = htons(65535);
    duet_peer_format((const struct sockaddr *)&in6, text, sizeof text);
    assert_string_equal(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%2147483646]:65535");
}

static void peers_are_written_without_a_scheme(void **state)
{
    (void)state;
    char text[64];
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(40312)};
    in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    duet_peer_format((const struct sockaddr *)&in4, text, sizeof text);
    assert_string_equal(text, "127.0.0.1:40312");

    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(40312)};
    in6.sin6_addr = in6addr_loopback;
    duet_peer_format((const struct sockaddr *)&in6, text, sizeof text);
    assert_string_equal(text, "[::1]:40312");

    struct sockaddr_un un = {.sun_family = AF_UNIX};
    duet_peer_format((const struct sockaddr *)&un, text, sizeof text);
    assert_string_equal(text, "unix");

    duet_peer_format((const struct sockaddr *)&in4, text, 10);
    assert_string_equal(text, "127.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses_are_read_and_written_back),
        cmocka_unit_test(bad_addresses_are_refused_with_words),
        cmocka_unit_test(the_words_of_an_endless_address_are_cut),
        cmocka_unit_test(a_unix_path_may_have_107_bytes_and_not_108),
        cmocka_unit_test(localhost_is_loopback_in_both_families),
        cmocka_unit_test(a_name_stands_for_all_its_addresses_each_once),
        cmocka_unit_test(a_name_with_too_many_addresses_is_refused),
        cmocka_unit_test(who_may_connect_stands_behind_a_path),
        cmocka_unit_test(a_name_without_a_path_is_abstract),
        cmocka_unit_test(a_link_local_peer_has_its_interface),
        cmocka_unit_test(peers_are_written_without_a_scheme),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
