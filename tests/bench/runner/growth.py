"""How cost grows: CPU per call against connections, calls in flight, argument bytes, methods and
loops; and latency against load."""

import statistics

from runner import servers

ECHO = servers.bench_server("Duet, inline", "msgpack")
ECHO_XML = servers.bench_server("Duet, inline, XML-RPC", "xmlrpc")
RATES = [10, 20, 40, 60, 80, 100, 120, 140, 160, 200, 240]  # thousand calls per second


def with_methods(count):
    return [servers.bench_server("Duet, inline", "msgpack", methods=count),
            servers.bench_server("Duet, inline, XML-RPC", "xmlrpc", methods=count)]


def with_loops(count):
    return [servers.null("null server", "--threads", count, "msgpack"),
            servers.duet("Duet, inline", "msgpack", loops=count),
            servers.null("null HTTP responder", "--threads", count, "http"),
            servers.duet("Duet, inline, XML-RPC", "xmlrpc", loops=count)]


def decades(first, last):
    while first <= last:
        yield first
        first *= 10


def plan(quick):
    """(what grows, how far, servers, options, pinned)"""
    small = [servers.NULL, servers.DUET, servers.NULL_HTTP, servers.DUET_XML]
    for n in decades(1, 1000 if quick else 10000):
        yield "connections", n, small, ["-c", n], True
    for n in (1, 4, 16, 64, 256) if quick else (1, 2, 4, 8, 16, 32, 64, 128, 256):
        yield "calls in flight", n, small, ["-c", 16, "-p", n], True
    for n in decades(10, 1000000 if quick else 10000000):
        yield ("argument bytes", n, [servers.NULL, ECHO, ECHO_XML], ["-c", 1, "--echo-bytes", n],
               True)
    for n in decades(10, 10000 if quick else 100000):
        yield "methods", n, with_methods(n), ["-c", 64, "-p", 32], True
    for n in (1, 2):
        yield "loops", n, with_loops(n), ["-c", 64, "-p", 32], False


def medians(bench, server, options, pinned, keys):
    """Of a few runs, each key's median; None when all failed or answered nothing."""
    samples = [bench.try_measure(server, *options, pinned=pinned)
               for _ in range(1 if bench.quick else 3)]
    samples = [sample for sample in samples if sample and sample["calls"]]
    return [round(statistics.median(sample[key] for sample in samples), 4)
            for key in keys] if samples else None


def run(bench):
    """{what grows: {server: [[x, us], ...]}}"""
    everything = list(plan(bench.quick))
    total = sum(len(group) for _, _, group, _, _ in everything)
    grown = {}
    for what, n, group, options, pinned in everything:
        for server in group:
            bench.progress(f"{what} {n:,}, {server.name}", total)
            found = medians(bench, server, options, pinned, ["server_cpu_us"])
            if found:
                grown.setdefault(what, {}).setdefault(server.name, []).append([n, *found])
    return grown


def run_latency(bench):
    """{server: [[calls per second, p50, p99], ...]}: 64 connections, calls at even distances,
    until the server no longer keeps up."""
    group = [servers.NULL, servers.DUET, servers.DUET_OPT_WORKERS, servers.REDIS, servers.NULL_HTTP,
             servers.DUET_XML]
    rates = RATES[::3] if bench.quick else RATES
    lines = {}
    for server in group:
        for rate in rates:
            bench.progress(f"{rate}k calls/s, {server.name}", len(group) * len(rates))
            found = medians(bench, server, ["-c", 64, "-p", 32, "--rate", rate * 1000], True,
                            ["calls_per_s", "p50_us", "p99_us"])
            if found and found[0] > 950 * rate:
                lines.setdefault(server.name, []).append([rate * 1000, *found[1:]])
    return lines
