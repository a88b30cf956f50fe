#!/usr/bin/python3
"""Calls double() over MessagePack-RPC. Needs msgpack (Debian: python3-msgpack).

usage: double_msgpack.py [NUMBER [HOST:PORT]]
"""
import socket
import sys

import msgpack

REQUEST, RESPONSE = 0, 1


class Client:
    """A MessagePack-RPC connection: one call at a time, in a with statement."""

    def __init__(self, host, port):
        self._socket = socket.create_connection((host, port), timeout=10)
        self._unpacker = msgpack.Unpacker()
        self._last_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def call(self, method, *params):
        """The method's result; raises RuntimeError with the server's error."""
        self._last_id += 1
        self._socket.sendall(msgpack.packb([REQUEST, self._last_id, method, params]))
        kind, msgid, error, result = self._receive()
        if (kind, msgid) != (RESPONSE, self._last_id):
            raise RuntimeError(f"not the answer to this call: {kind}, {msgid}")
        if error is not None:
            raise RuntimeError(f"{method}: {error}")
        return result

    def _receive(self):
        while True:
            for message in self._unpacker:
                return message
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._unpacker.feed(data)


if __name__ == "__main__":
    num = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    host, _, port = (sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1:6789").rpartition(":")
    with Client(host.strip("[]"), int(port)) as client:
        print(f"Double {num} is {client.call('double', num)}")
