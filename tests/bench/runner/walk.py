"""Where the time goes: perf's samples of 64x32, in ns per call for each step of a call's walk.
A function belongs to the source file whose object defines it; time in the kernel to the system
call that led there."""

import collections
import re
import shutil
import subprocess

from runner import servers

SYSTEM_CALLS = [("wait for events (epoll_wait)", r"epoll"), ("read (recv)", r"sys_recv|sys_read"),
                ("write (send)", r"sys_send|sys_write"),
                ("wake and sleep (futex, eventfd)", r"futex|eventfd")]

# The walk's steps by the files that make them, in the order of the walk.
STEPS = [
    ("loop", r"transport/(loop|deadline|listener)"),
    ("connection", r"transport/(conn|buf)"),
    ("framing", r"transport/"),
    ("find the method, check arguments", r"rpc/(methods/|server/protocol)"),
    ("read the call", r"rpc/wire/(codec_|msgpack_tree|xmlrpc_(?!write)|arena|value)"),
    ("write the reply", r"rpc/wire/"),
    ("ticket, call and counters", r"rpc/(?!wire)"),
]


def step_of(path):
    return next(step for step, pattern in STEPS if re.match(pattern, path))


def functions(folder):
    """{function: its step}, from the objects of the build."""
    found = {}
    for room in ("rpc/wire", "rpc/methods", "rpc/call", "rpc/server", "transport"):
        objects = folder / room / "CMakeFiles" / f"duet_{room.split('/')[-1]}.dir"
        for path in sorted(objects.rglob("*.o")):
            relative = str(path.relative_to(objects))
            listing = subprocess.run(["nm", "--defined-only", path], capture_output=True,
                                     text=True).stdout
            for line in listing.splitlines():
                kind, name = line.split()[1:3]
                if kind in "tT":
                    found.setdefault(plain(name), step_of(f"{room}/{relative.lstrip('./')}"))
    return found


def plain(name):
    """Without what the compiler adds to parts and clones: .constprop.0, .part.0, .isra.0."""
    return re.sub(r"\.(constprop|part|isra|cold)(\.\d+)?", "", name)


def stacks(script):
    """The samples of `perf script`: [(function, library), ...] each, innermost first."""
    for sample in script.split("\n\n"):
        frames = re.findall(r"^\s+[0-9a-f]+ (\S+) \((.*)\)$", sample, re.M)
        if frames:
            yield frames


def place(frames, known):
    function, library = frames[0]
    if "kernel" in library or function.startswith("[unknown") and "lib" not in library:
        names = " ".join(name for name, _ in frames)
        return next((step for step, pattern in SYSTEM_CALLS if re.search(pattern, names)),
                    "kernel, other")
    if "libduet" in library:
        return known.get(plain(function), "Duet, other")
    if re.search(r"server", library):
        return "the handler"
    if re.search(r"libexpat|libmsgpack|libz", library):
        return "read the call"
    return "libc"


def sample_server(bench, server):
    data = bench.machine.folder / "perf.data"
    with bench.machine.serving(server) as (process, port):
        perf = subprocess.Popen(
            ["perf", "record", "-q", "-g", "-F", "4000", "-o", data, "-p", str(process.pid), "--",
             "sleep", str(2 * bench.seconds)], stdout=bench.machine.log, stderr=bench.machine.log)
        options = ["-c", 64, "-p", 32, "-w", 0.1, "-t", 2 * bench.seconds + 0.2]
        load = bench.machine.load(server.protocol, port, *options, pid=process.pid)
        if perf.wait() != 0:
            return None
    script = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym,dso"],
                            capture_output=True, text=True).stdout
    data.unlink()
    return load["server_cpu_us"], list(stacks(script))


def run(bench):
    """{server: {step: ns per call}}; the CPU of the run includes perf's own cost."""
    if shutil.which("perf") is None:
        bench.failed("walk", "perf is not there (Debian: linux-perf)")
        return {}
    known = functions(bench.machine.folder)
    result = {}
    for server in (servers.DUET, servers.DUET_XML):
        bench.progress(f"perf, {server.name}", 2)
        sampled = bench.attempt(server.name, lambda: sample_server(bench, server))
        if not sampled or not sampled[1]:
            bench.failed("walk", f"perf took no samples of {server.name}")
            continue
        us, samples = sampled
        count = collections.Counter(place(frames, known) for frames in samples)
        result[server.name] = {step: round(1000 * us * n / len(samples), 1)
                               for step, n in count.most_common()}
    return result
