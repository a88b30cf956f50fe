"""Who is measured. `kind` tells the pictures what to colour alike."""

import dataclasses
from typing import Callable


@dataclasses.dataclass(frozen=True)
class Server:
    name: str
    protocol: str  # whose load generator
    kind: str  # "null", "duet" or "peer"
    command: Callable[[int], list]


def null(name, *options):
    spoken = options[-1]
    return Server(name, "xmlrpc" if spoken == "http" else spoken, "null",
                  lambda port: ["null_server", *options, port])


def duet(name, protocol, *flags, program="double_server", loops=1, first=()):
    return Server(name, protocol, "duet",
                  lambda port: [program, *first, "--listen", f"tcp://127.0.0.1:{port}",
                                "--loops", loops, "--max-connections", 12000, *flags])


def peer(name, protocol, *command):
    return Server(name, protocol, "peer", lambda port: [*command, port])


def bench_server(name, protocol, *flags, methods=None, **more):
    first = ("--methods", methods) if methods else ()
    return duet(name, protocol, *flags, program="bench_server", first=first, **more)


NULL = null("null server", "msgpack")
NULL_HTTP = null("null HTTP responder", "http")
DUET = duet("Duet, inline", "msgpack")
DUET_OPT_WORKERS = duet("Duet, on workers", "msgpack", "--no-inline")
DUET_XML = duet("Duet, inline, XML-RPC", "xmlrpc")
DUET_XML_WORKERS = duet("Duet, on workers, XML-RPC", "xmlrpc", "--no-inline")
REDIS = peer("Redis PING", "redis", "redis-server", "--save", "", "--appendonly", "no",
             "--bind", "127.0.0.1", "--maxclients", "12000", "--port")
SUN_RPC = peer("Sun RPC", "sunrpc", "peer_sunrpc")
ABYSS = peer("xmlrpc-c Abyss", "xmlrpc", "peer_abyss")
PYTHON = peer("Python SimpleXMLRPCServer", "xmlrpc", "peer_python.py")
GRPC = peer("gRPC C++", "grpc", "peer_grpc")

MSGPACK = [NULL, null("null server, each call to a worker", "--hand-over", "call", "msgpack"),
           null("null server, each read to a worker", "--hand-over", "read", "msgpack"),
           DUET, DUET_OPT_WORKERS, REDIS, SUN_RPC]
XML = [NULL_HTTP, DUET_XML, DUET_XML_WORKERS, ABYSS, PYTHON]
