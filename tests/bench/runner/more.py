"""What is not CPU per call: payloads, codecs, polling, two loops, slow methods, memory, the first
answer, size."""

import contextlib
import json
import os
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

from runner import machine, servers

ECHO = servers.bench_server("Duet", "msgpack")
ECHO_XML = servers.bench_server("Duet, XML-RPC", "xmlrpc")

DOUBLE_7 = b"\x94\x00\xce\x12\x34\x56\x78\xa6double\x91\x07"
DOUBLE_7_REPLY = b"\x94\x01\xce\x12\x34\x56\x78\xc0\x0e"


def medians(bench, title, total, runs, keys):
    """Interleaved rounds of (name, function); the medians of what they report."""
    samples = {name: [] for name, _ in runs}
    for number in range(bench.rounds):
        for name, function in runs:
            bench.progress(f"{title}, round {number + 1}, {name}", total)
            sample = bench.attempt(name, function)
            if sample:
                samples[name].append(sample)
    return {name: {key: round(statistics.median(s[key] for s in got), 3) for key in keys}
            for name, got in samples.items() if got}


def run_payloads(bench):
    """1 MiB there and back beside the null server, and 1,000 structs over both protocols."""
    def measure(server, *options):
        return lambda: bench.measure(server, *options)

    keys = ("server_cpu_us", "p50_us", "p99_us", "max_us", "mb_per_s", "calls_per_s")
    result = {}
    for connections in (1, 4):
        options = ["-c", connections, "--echo-bytes", 1 << 20]
        result[f"1 MiB, {connections} at once"] = medians(
            bench, "1 MiB", 6 * bench.rounds,
            [("null server", measure(servers.NULL, *options)), ("Duet", measure(ECHO, *options))],
            keys)
    structs = ["-c", 4, "--echo-structs", 1000]
    result["1,000 structs"] = medians(
        bench, "structs", 6 * bench.rounds,
        [("Duet, MessagePack-RPC", measure(ECHO, *structs)),
         ("Duet, XML-RPC", measure(ECHO_XML, *structs))], keys)
    return result


def run_codecs(bench):
    """{what: {who: {ns, mb_per_s}}}, by codecs.c"""
    bench.progress("codecs, in process", 1)
    command = [bench.machine.program("codecs")] + (["--quick"] if bench.quick else [])
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=lambda:
                          os.sched_setaffinity(0, bench.machine.server_cpus))
    if done.returncode != 0:
        bench.failed("codecs", done.stderr)
    result = {}
    for line in done.stdout.splitlines():
        row = json.loads(line)
        result.setdefault(row["what"], {})[row["who"]] = {
            "ns": row["ns"], "mb_per_s": row["mb_per_s"], "bytes": row["bytes"]}
    return result


# ---- Polling, loops, slow methods


def busy_poll(bench):
    def one(server):
        return lambda: bench.measure(server, "-c", 1)

    flags = ("--busy-poll-us", 100)
    return medians(bench, "busy poll", 4 * bench.rounds, [
        ("null server", one(servers.NULL)),
        ("null server, polling", one(servers.null("null server", *flags, "msgpack"))),
        ("Duet", one(servers.DUET)),
        ("Duet, polling", one(servers.duet("Duet", "msgpack", *flags))),
    ], ("p50_us", "p99_us", "server_cpu_us"))


def two_loops(bench):
    def one(server):
        return lambda: bench.measure(server, "-c", 64, "-p", 32, pinned=False)

    return medians(bench, "two loops", 3 * bench.rounds, [
        ("null server, 2 threads", one(servers.null("null server", "--threads", 2, "msgpack"))),
        ("Duet, 2 loops", one(servers.duet("Duet", "msgpack", loops=2))),
        ("Redis PING", one(servers.REDIS)),
    ], ("calls_per_s", "server_cpu_us"))


def slow_method(bench):
    """Inline calls alone, and while a method that sleeps 10 ms fills all workers."""
    def calm():
        return bench.measure(ECHO, "-c", 8)

    def stormy():
        with bench.machine.serving(ECHO) as (process, port):
            naps = bench.machine.start(
                ["load_msgpack", "-c", 8, "-p", 16, "--method", "nap", "-w", 0, "-t",
                 2 * bench.seconds + 1, f"127.0.0.1:{port}"], bench.machine.load_cpus)
            try:
                time.sleep(0.1)  # until they fill the workers
                return bench.machine.load("msgpack", port, "-c", 8, *bench.window)
            finally:
                machine.stop(naps)

    return medians(bench, "slow method", 2 * bench.rounds,
                   [("calm", calm), ("workers full", stormy)], ("p50_us", "p99_us"))


def over_the_budget(bench):
    """12 MB of structs, for which --max-buffered has room once at a time, echoed for 2 clients and
    for 32: who waits costs the others nothing, and none is refused, which would be an error."""
    def clients(count):
        return lambda: bench.machine.measure(ECHO_XML, "-c", count, "--echo-structs", 50_000,
                                             "-t", max(4, bench.seconds), "-w", 1)

    return medians(bench, "over the budget", 2 * bench.rounds,
                   [("2 clients", clients(2)), ("32 clients", clients(32))],
                   ("mb_per_s", "p50_us", "p99_us"))


# ---- Memory, start, size


def ask(port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        exchange(client)


def exchange(client):
    client.sendall(DOUBLE_7)
    answer = client.recv(100)
    if answer != DOUBLE_7_REPLY:
        raise machine.Failed(f"double(7) is {answer}")


def idle_memory(bench):
    """RSS before, with 10,000 connections that never spoke, and after each has called once."""
    bench.progress("memory of idle connections", 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(10000, hard - 200)
    with bench.machine.serving(servers.DUET) as (process, port), contextlib.ExitStack() as stack:
        ask(port)
        before = machine.resident_kib(process.pid)
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                   for _ in range(count)]
        ask(port)
        silent = machine.resident_kib(process.pid)
        for client in clients:
            exchange(client)
        called = machine.resident_kib(process.pid)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return {"connections": count, "before_kib": before, "silent_added_kib": silent - before,
            "after_a_call_added_kib": called - before}


def first_answer(bench):
    """ms from exec to the answer of the first call; a refused connection is tried again."""
    program = bench.machine.program("double_server")
    times = []
    for _ in range(5 if bench.quick else 25):
        bench.progress("first answer", 1)
        port = machine.free_port()
        start = time.monotonic()
        pid = os.posix_spawn(
            program, [program, "--listen", f"tcp://127.0.0.1:{port}"], os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, bench.machine.log.fileno(), 1)])
        client = socket.socket()
        while client.connect_ex(("127.0.0.1", port)) != 0:
            client.close()
            client = socket.socket()
            if time.monotonic() - start > 5:
                break
        exchange(client)
        times.append(1000 * (time.monotonic() - start))
        client.close()
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return {"median_ms": round(statistics.median(times), 2), "worst_ms": round(max(times), 2)}


def library_size(bench):
    library = next(pathlib.Path(bench.machine.folder / "lib").glob("libduet.so.*.*.*"))
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / library.name
        shutil.copy(library, copy)
        subprocess.run(["strip", copy], check=True)
        return {"as_built_kib": round(library.stat().st_size / 1024),
                "stripped_kib": round(copy.stat().st_size / 1024)}


def run(bench):
    return {"busy poll": busy_poll(bench), "two loops": two_loops(bench),
            "slow method": slow_method(bench), "over the budget": over_the_budget(bench),
            "idle memory": idle_memory(bench), "first answer": first_answer(bench),
            "library": library_size(bench)}
