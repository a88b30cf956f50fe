#!/usr/bin/python3
"""XML-RPC over TCP or a unix socket, with a timeout, in one file to copy. Needs Python 3.9 only.

    with connect("http://127.0.0.1:6789/RPC2", timeout=5) as server:
        server.double(21)                                      # 42

    with connect("http+unix:/run/duet.sock") as server:
        server.system.listMethods()

What connect() returns is xmlrpc.client's ServerProxy, with four differences: a server that does
not answer ends in TimeoutError (socket.timeout before Python 3.10), bytes, datetimes and None
travel as such, a call whose connection breaks fails (the standard transport sends it again, so
that it may run twice), and a fault that comes with another status than 200 (a call beyond a limit:
413, 431, 503) is raised as the Fault that it is, where the standard one raises ProtocolError.

A Fault whose faultCode is BUSY means that the server had no room or no turn for the call just then:
wait a little and make it again. One whose faultCode is LIMIT would come again.
"""
from __future__ import annotations

import http.client
import select
import socket
import sys
import urllib.parse
import xmlrpc.client
from typing import Any, Optional
from xml.parsers.expat import ExpatError

DEFAULT_TIMEOUT = 10.0  # seconds
DEFAULT_PATH = "/RPC2"

# Codes of faults that tell whether a call may be made again.
LIMIT = -32000  # it is beyond a limit of the server, and always will be
BUSY = -32005  # the server was busy


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the unix socket at `path`."""

    def __init__(self, path: str, timeout: float):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Transport(xmlrpc.client.Transport):
    """Keeps its connection, bounds each wait for the server, and sends each call once."""

    def __init__(self, timeout: float, unix_path: Optional[str] = None):
        super().__init__(use_builtin_types=True)
        self._timeout, self._unix_path = timeout, unix_path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        if self._unix_path is None:
            connection = super().make_connection(host)
            connection.timeout = self._timeout
        elif self._connection[1] is None:
            connection = UnixConnection(self._unix_path, self._timeout)
            self._connection = host, connection
        return self._connection[1]

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:
        """Makes one call. A kept connection that the server has closed meanwhile is replaced
        before anything is sent on it."""
        kept = self._connection[1]
        if kept is not None and kept.sock is not None and _is_readable(kept.sock):
            self.close()
        return self.single_request(host, handler, request_body, verbose)

    def single_request(self, host: Any, handler: str, body: Any, verbose: bool = False) -> Any:
        try:
            response = self.send_request(host, handler, body, verbose).getresponse()
            self.verbose = verbose
            if response.status == 200:
                return self.parse_response(response)
            self._raise_fault(response)
        except xmlrpc.client.Fault:
            raise
        except Exception:
            self.close()
            raise
        headers = dict(response.getheaders())
        raise xmlrpc.client.ProtocolError(
            host + handler, response.status, response.reason, headers
        )

    def _raise_fault(self, response: http.client.HTTPResponse) -> None:
        """Raises the fault in the body of a refusal; returns if there is none, all read."""
        try:
            if response.getheader("Content-Type", "").split(";")[0].strip().lower() == "text/xml":
                self.parse_response(response)
        except (ExpatError, xmlrpc.client.ResponseError):
            pass  # XML of somebody else, a proxy's page perhaps
        response.read()


def _is_readable(sock: socket.socket) -> bool:
    """Between calls a server has nothing to say but that it closed the connection."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def connect(url: str, timeout: float = DEFAULT_TIMEOUT) -> xmlrpc.client.ServerProxy:
    """A proxy of the server at http://HOST:PORT[/PATH] or http+unix:PATH (or unix:PATH). It
    connects with its first call; `timeout` is in seconds."""
    scheme, _, rest = url.partition(":")
    unix_path = None
    if scheme in ("unix", "http+unix") and rest:
        unix_path, url = rest, "http://localhost" + DEFAULT_PATH
    elif scheme != "http" or not urllib.parse.urlsplit(url).netloc:
        raise ValueError(f"{url!r} is neither http://HOST:PORT/PATH nor http+unix:PATH")
    transport = Transport(timeout, unix_path)
    return xmlrpc.client.ServerProxy(url, transport, allow_none=True, use_builtin_types=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} URL    lists the server's methods")
    with connect(sys.argv[1]) as server:
        print("\n".join(server.system.listMethods()))
