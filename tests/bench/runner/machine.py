"""The machine: what is built and where it runs. Servers on one core, load on another; each
measurement starts its server afresh, so that no result hangs on one lucky layout of memory."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent


class Failed(Exception):
    """A measurement that could not be made; its text says why."""


def install(groups):
    script = f". .ci/install && install_missing {' '.join(groups)}"
    subprocess.run(["bash", "-euc", script], cwd=ROOT, check=True, stdout=sys.stderr)


def build(folder, peers):
    """Builds the Release that is measured; quiet unless it fails."""
    steps = [
        ["cmake", "-S", ROOT, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", "-DDUET_BENCH=ON",
         "-DDUET_TESTS=OFF", f"-DDUET_BENCH_PEERS={'ON' if peers else 'OFF'}"],
        ["cmake", "--build", folder, "-j", str(os.cpu_count())],
    ]
    for step in steps:
        done = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(done.stdout)


class Machine:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        cpus = sorted(os.sched_getaffinity(0))
        self.load_cpus = {cpus[0]}
        self.server_cpus = {cpus[-1]}
        self.all_cpus = set(cpus)
        self.log = open(self.folder / "bench.log", "w")

    def program(self, name):
        """A program of ours by its name; any other is the system's."""
        for place in ("bench", "bin"):
            path = self.folder / place / name
            if path.exists():
                return str(path)
        if name.endswith(".py"):
            return str(HERE / "peers" / name)
        path = shutil.which(name)
        if path is None:
            raise Failed(f"{name} is not there")
        return path

    def start(self, command, cpus):
        command = [self.program(command[0]), *map(str, command[1:])]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus))

    @contextlib.contextmanager
    def serving(self, server, pinned=True):
        """A running server: yields (process, port)."""
        port = free_port()
        process = self.start(server.command(port), self.server_cpus if pinned else self.all_cpus)
        try:
            wait_for(port, process)
            yield process, port
        finally:
            stop(process)

    def load(self, protocol, port, *options, pid=None, pinned=True):
        """Runs a load generator to its end; returns what it reports."""
        command = [self.program(f"load_{protocol}"), *map(str, options)]
        if pid is not None:
            command += ["--pid", str(pid)]
        cpus = self.load_cpus if pinned else self.all_cpus
        done = subprocess.run(
            [*command, f"127.0.0.1:{port}"], capture_output=True, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        if done.returncode != 0:
            raise Failed(f"{' '.join(command[1:])}: {done.stderr.strip()[:300]}")
        return json.loads(done.stdout)

    def measure(self, server, *options, pinned=True):
        with self.serving(server, pinned) as (process, port):
            return self.load(server.protocol, port, *options, pid=process.pid, pinned=pinned)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"the server ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.002)
    raise Failed("the server does not listen")


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def describe():
    """What a reader must know of where the figures come from."""
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                            capture_output=True, text=True).stdout.strip()
    return {"cores": os.cpu_count(), "commit": commit,
            "date": time.strftime("%Y-%m-%d"), "load_average": round(os.getloadavg()[0], 2)}
