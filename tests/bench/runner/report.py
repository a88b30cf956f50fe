"""Results as a page: tables in Markdown, and the bars of performance that a change must keep."""

from runner import plot


def table(heading, rows):
    lines = ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def calls(tables):
    lines = ["## Server CPU per call", "",
             "Microseconds, and the ratio to the null server of the same round. `64x32` is 64 "
             "connections with 32 calls in flight on each.", ""]
    for name, cases in tables.items():
        names = list(dict.fromkeys(server for case in cases.values() for server in case))
        rows = []
        for server in names:
            row = [f"**{server}**" if server.startswith("Duet") else server]
            for case in cases.values():
                entry = case.get(server)
                ratio = f" ({entry['ratio']:.2f})" if entry and entry["ratio"] else ""
                row.append(f"{entry['server_cpu_us']:.3g}{ratio}" if entry else "")
            rows.append(row)
        lines += table([name, *cases], rows)
    lines += ["![Server CPU per call](calls.svg)", ""]
    return lines


def payloads(result):
    lines = ["## Payloads", ""]
    rows = [[what, who, *(f"{entry[key]:,.0f}" for key in
                          ("server_cpu_us", "p50_us", "p99_us", "max_us", "mb_per_s"))]
            for what, group in result.items() for who, entry in group.items()]
    return lines + table(["echo of", "server", "CPU us", "p50 us", "p99 us", "max us", "MB/s"],
                         rows)


def codecs(result):
    rows = []
    for what, group in result.items():
        ours = next((e["ns"] for who, e in reversed(group.items()) if who.startswith("duet")), None)
        for who, entry in group.items():
            rows.append([what, who, f"{entry['ns']:,.0f}", f"{entry['mb_per_s']:,.0f}",
                         f"{entry['ns'] / ours:.2f}" if ours else ""])
    return ["## Codecs, in process", ""] + table(["what", "who", "ns", "MB/s", "times Duet's"],
                                                 rows)


def walk(result):
    lines = ["## Where the time goes", "",
             "ns per call at 64x32, from perf's samples; perf's own cost is in it.", ""]
    steps = list(dict.fromkeys(step for group in result.values() for step in group))
    rows = [[step, *(f"{group.get(step, 0):,.0f}" for group in result.values())]
            for step in steps]
    rows.append(["all", *(f"{sum(group.values()):,.0f}" for group in result.values())])
    return lines + table(["step", *result], rows)


def growth(grown):
    lines = ["## How cost grows", "", "![How cost grows](growth.svg)", ""]
    for what, servers in grown.items():
        xs = list(dict.fromkeys(x for line in servers.values() for x, _ in line))
        rows = [[name, *(f"{dict(line)[x]:.3g}" if x in dict(line) else "" for x in xs)]
                for name, line in servers.items()]
        lines += table([what, *(f"{x:,}" for x in xs)], rows)
    return lines


def latency(_):
    return ["## Latency against load", "", "![Latency against load](latency.svg)", ""]


def more(result):
    lines = ["## More", ""]
    for what, found in result.items():
        if all(isinstance(entry, dict) for entry in found.values()):
            keys = list(dict.fromkeys(key for entry in found.values() for key in entry))
            lines += table([what, *keys], [[name, *(f"{entry[key]:,g}" for key in keys)]
                                           for name, entry in found.items()])
        else:
            lines += table([what, ""], [[key, f"{value:,g}"] for key, value in found.items()])
    return lines


# ---- The bars


def at(result, *path):
    for key in path:
        result = result.get(key) if isinstance(result, dict) else None
    return result


def ratio(result, path, upper, lower):
    a, b = at(result, *path, *upper), at(result, *path, *lower)
    return a / b if a is not None and b else None


def bars(result):
    """(what, measured, bar, whether less is better)"""
    msgpack, xml = ("calls", "MessagePack-RPC"), ("calls", "XML-RPC")
    for who, limits in (("Duet, inline", {"64x1": 1.10, "1000x1": 1.12, "64x32": 1.9, "1x1": 1.08}),
                        ("Duet, on workers", {"64x1": 1.6, "64x32": 3.0})):
        for case, limit in limits.items():
            yield f"{who}, {case}", at(result, *msgpack, case, who, "ratio"), limit, True
    for case, limit in (("64x1", 1.25), ("1000x1", 1.25), ("64x32", 3), ("64x1 closing", 1.15)):
        yield (f"XML-RPC, {case}", at(result, *xml, case, "Duet, inline, XML-RPC", "ratio"), limit,
               True)
    for what in ("1 MiB, 1 at once", "1 MiB, 4 at once"):
        yield (f"echo of {what}", ratio(result, ("payloads", what), ("Duet", "server_cpu_us"),
                                        ("null server", "server_cpu_us")), 1.2, True)
    yield ("1,000 structs read from XML, xmlrpc-c's time over ours", ratio(
        result, ("codecs", "xml: read 1,000 structs"), ("xmlrpc-c", "ns"), ("duet", "ns")), 2.5,
        False)
    yield ("p50 with polling over p50 without", ratio(
        result, ("more", "busy poll"), ("Duet, polling", "p50_us"), ("Duet", "p50_us")), 0.45, True)
    loops = ("more", "two loops")
    yield ("two loops, calls per second over the null server's", ratio(
        result, loops, ("Duet, 2 loops", "calls_per_s"),
        ("null server, 2 threads", "calls_per_s")), 0.65, False)
    yield ("two loops, calls per second over Redis'", ratio(
        result, loops, ("Duet, 2 loops", "calls_per_s"), ("Redis PING", "calls_per_s")), 1, False)
    yield ("inline p99 while workers are full, over calm", ratio(
        result, ("more", "slow method"), ("workers full", "p99_us"), ("calm", "p99_us")), 3, True)
    yield ("goodput of 32 clients over --max-buffered, over that of 2", ratio(
        result, ("more", "over the budget"), ("32 clients", "mb_per_s"), ("2 clients", "mb_per_s")), 0.8,
           False)
    yield ("10,000 idle connections, MiB",
           mib(at(result, "more", "idle memory", "silent_added_kib")), 4, True)
    yield ("the same after a call on each, MiB",
           mib(at(result, "more", "idle memory", "after_a_call_added_kib")), 4, True)
    yield ("first answer after exec, ms", at(result, "more", "first answer", "median_ms"), 10, True)


def mib(kib):
    return kib / 1024 if kib is not None else None


def verdicts(result):
    rows = []
    for what, value, bar, less in bars(result):
        if value is not None:
            kept = value <= bar if less else value >= bar
            rows.append([what, f"{value:.2f}", f"{'at most' if less else 'at least'} {bar}",
                         "kept" if kept else "**missed**"])
    return ["## Bars", ""] + table(["what", "measured", "bar", ""], rows) if rows else []


SECTIONS = {"calls": calls, "latency": latency, "growth": growth, "payloads": payloads,
            "codecs": codecs, "walk": walk, "more": more}


def page(result):
    where = result["machine"]
    lines = ["# Results", "",
             f"{where['cores']} cores, "
             f"{where['date']}, commit {where['commit']}, load average {where['load_average']} at "
             f"the start; {result['rounds']} rounds of {result['seconds']} s. Made by "
             "`tests/bench/run`; do not edit.", ""]
    lines += verdicts(result)
    for name, section in SECTIONS.items():
        if result.get(name):
            lines += section(result[name])
    return "\n".join(lines)


def draw(result, folder):
    if result.get("calls"):
        groups = [(f"{name}, {case}", [(server, entry["server_cpu_us"], entry["kind"])
                                       for server, entry in entries.items()])
                  for name, cases in result["calls"].items() for case, entries in cases.items()]
        plot.bars(groups, "Server CPU per call of double(n)", "us", folder / "calls.svg")
    if result.get("latency"):
        plot.latency(result["latency"], folder / "latency.svg")
    if result.get("growth"):
        plot.growth(result["growth"], folder / "growth.svg")
