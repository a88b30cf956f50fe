/*
 * The load generators' command line.
 */
#include "load.h"

#include "measure.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static void usage(FILE *to)
{
    fputs("usage: load_PROTOCOL [options] ADDRESS:PORT\n"
          "  -c, --connections N   (1)           -p, --in-flight N   on each connection (1)\n"
          "  -t, --seconds S       measured (1)  -w, --warm-up S     before (0.2)\n"
          "  --rate N              calls per second at even distances, not as fast as it goes\n"
          "  --method NAME         double, or echo with:\n"
          "  --echo-bytes N        send N bytes, want them back\n"
          "  --echo-structs N      send N structs {id, name, score}, want them back\n"
          "  --reconnect           a new connection for each call\n"
          "  --pid PID             the server's: report its CPU time per call\n"
          "Prints one line of JSON. mb_per_s counts the replies' bytes.\n",
          to);
}

static struct sockaddr_in parse_address(const char *text)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host)
        die("not ADDRESS:PORT: %s", text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(colon + 1))};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        die("not a numeric IPv4 address: %s", host);
    return address;
}

void load_parse(int argc, char *argv[], struct load_options *options)
{
    *options =
        (struct load_options){.connections = 1, .in_flight = 1, .seconds = 1, .warm_up = 0.2};
    static const struct option flags[] = {
        {"connections", 1, NULL, 'c'}, {"in-flight", 1, NULL, 'p'},
        {"seconds", 1, NULL, 't'},     {"warm-up", 1, NULL, 'w'},
        {"rate", 1, NULL, 'r'},        {"method", 1, NULL, 'm'},
        {"echo-bytes", 1, NULL, 'b'},  {"echo-structs", 1, NULL, 's'},
        {"reconnect", 0, NULL, 'R'},   {"pid", 1, NULL, 'P'},
        {"help", 0, NULL, 'h'},        {0}};
    for (int flag; (flag = getopt_long(argc, argv, "c:p:t:w:h", flags, NULL)) != -1;)
        switch (flag) {
        case 'c':
            options->connections = (unsigned)atoi(optarg);
            break;
        case 'p':
            options->in_flight = (unsigned)atoi(optarg);
            break;
        case 't':
            options->seconds = atof(optarg);
            break;
        case 'w':
            options->warm_up = atof(optarg);
            break;
        case 'r':
            options->rate = atof(optarg);
            break;
        case 'm':
            options->method = optarg;
            break;
        case 'b':
            options->echo_bytes = strtoull(optarg, NULL, 10);
            break;
        case 's':
            options->echo_structs = strtoull(optarg, NULL, 10);
            break;
        case 'R':
            options->reconnect = true;
            break;
        case 'P':
            options->pid = atoi(optarg);
            break;
        case 'h':
            usage(stdout);
            exit(0);
        default:
            usage(stderr);
            exit(1);
        }
    if (optind + 1 != argc || options->connections == 0 || options->in_flight == 0 ||
        options->in_flight > 0xffff) {
        usage(stderr);
        exit(1);
    }
    options->address = parse_address(argv[optind]);
    if (options->reconnect)
        options->in_flight = 1;
    if (options->method == NULL)
        options->method = options->echo_bytes + options->echo_structs > 0 ? "echo" : "double";
}
