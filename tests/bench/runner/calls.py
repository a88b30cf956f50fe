"""The headline: server CPU per call of double(n), beside the null server of the same round."""

import statistics

from runner import servers

CASES = {"64x1": (64, 1), "64x32": (64, 32), "1000x1": (1000, 1), "1x1": (1, 1)}

# What cannot be asked of a peer: one request at a time over HTTP, a thread for each connection.
NOT_FOR = {
    "64x32": {servers.ABYSS, servers.PYTHON},
    "1000x1": {servers.SUN_RPC},  # libtirpc's tables end at 1,024 descriptors
    "1x1": {servers.ABYSS, servers.PYTHON, servers.SUN_RPC, servers.REDIS},
}


def plan(with_peers):
    """All that is measured in one round: (table, case, server, options)."""
    for table, group in (("MessagePack-RPC", servers.MSGPACK), ("XML-RPC", servers.XML)):
        group = group + [servers.GRPC] if with_peers and group is servers.MSGPACK else group
        for case, (connections, in_flight) in CASES.items():
            for server in group:
                if server not in NOT_FOR.get(case, ()):
                    yield table, case, server, ["-c", connections, "-p", in_flight]
        if group is servers.XML:
            for server in (servers.NULL_HTTP, servers.DUET_XML, servers.ABYSS):
                yield table, "64x1 closing", server, ["-c", 64, "--reconnect"]


def summarise(rounds):
    """Medians over the rounds. The ratio is taken within each round, then its median."""
    tables = {}
    for table, case, name in dict.fromkeys(key for one in rounds for key in one):
        samples, ratios = [], []
        for one in rounds:
            sample = one.get((table, case, name))
            null = one.get((table, case, "null server")) or \
                one.get((table, case, "null HTTP responder"))
            if sample:
                samples.append(sample)
            if sample and null:
                ratios.append(sample["server_cpu_us"] / null["server_cpu_us"])
        entry = {key: round(statistics.median(s[key] for s in samples), 4)
                 for key in ("server_cpu_us", "client_cpu_us", "calls_per_s", "p50_us", "p99_us",
                             "server_busy")}
        entry["ratio"] = round(statistics.median(ratios), 4) if ratios else None
        entry["kind"] = samples[0]["kind"]
        entry["rounds_us"] = [round(s["server_cpu_us"], 4) for s in samples]
        tables.setdefault(table, {}).setdefault(case, {})[name] = entry
    return tables


def run(bench):
    everything = list(plan(bench.with_peers))
    rounds = []
    for number in range(bench.rounds):
        one = {}
        # Every other round backwards: nobody always follows the same neighbour.
        for table, case, server, options in everything[::-1 if number % 2 else 1]:
            bench.progress(f"round {number + 1} of {bench.rounds}, {case}, {server.name}",
                           len(everything) * bench.rounds)
            sample = bench.try_measure(server, *options)
            if sample:
                one[table, case, server.name] = sample | {"kind": server.kind}
        rounds.append(one)
    order = {(t, c, s.name): i for i, (t, c, s, _) in enumerate(everything)}
    first = {key: None for key in sorted(order, key=order.get)}
    return summarise([{k: one[k] for k in first if k in one} for one in rounds])
